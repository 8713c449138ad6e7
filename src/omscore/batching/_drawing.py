"""Floors and tours as SVG text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from omscore.batching._meters import Grid


def draw(
    grid: Grid,
    bins: Iterable[tuple[int, int]],
    stops: Iterable[tuple[int, int]],
    walk: Sequence[tuple[int, int]],
    width: int,
    arrows: Iterable[tuple[tuple[int, int], bool]] = (),
) -> str:
    """The aisles with their bins as dots, stops as larger ones, numbered, the walk as a line, the depot as a square.

    `arrows` stand in one-way aisles: where, and whether they point to the back.
    """
    margin = max(grid.height // 12, 1000)
    right, back = max(grid.xs[-1], grid.depot_at), grid.blocks * grid.height
    depot_y = -grid.depot_extra // 2
    span_x, span_y = right + 2 * margin, back - depot_y + 2 * margin
    scale = width / span_x
    height = max(1, round(span_y * scale))

    def at(x: float, y: float) -> tuple[str, str]:
        return f"{(x + margin) * scale:.1f}", f"{(back + margin - y) * scale:.1f}"

    def y_of(cell: int) -> int:
        return grid.position[cell] + cell // grid.per_block * grid.height

    def dot(place: tuple[int, int], radius: float, fill: str) -> str:
        aisle, cell = place
        x, y = at(grid.xs[aisle], y_of(cell))
        return f'<circle cx="{x}" cy="{y}" r="{radius:.1f}" fill="{fill}"/>'

    def line(points: Iterable[tuple[float, float]], style: str) -> str:
        return f'<polyline points="{" ".join(",".join(at(*p)) for p in points)}" fill="none" {style}/>'

    radius = max(1.0, width / 240)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    ]
    pale = f'stroke="#ddd" stroke-width="{2 * radius:.1f}"'
    parts += [line([(x, 0), (x, back)], pale) for x in grid.xs]
    parts += [line([(0, y), (grid.xs[-1], y)], pale) for y in range(0, back + 1, grid.height)]
    parts += [dot(place, radius, "#999") for place in sorted(set(bins))]
    if walk:
        parts.append(line(walk, f'stroke="#1668b8" stroke-width="{1.5 * radius:.1f}" stroke-linejoin="round"'))
    for (x_mm, y_mm), up in arrows:
        x, y = (float(n) for n in at(x_mm, y_mm))
        tip = -4 * radius if up else 4 * radius
        corners = ((x - 2.5 * radius, y), (x + 2.5 * radius, y), (x, y + tip))
        parts.append(f'<polygon points="{" ".join(f"{u:.1f},{v:.1f}" for u, v in corners)}" fill="#777"/>')
    numbers: dict[tuple[int, int], list[str]] = {}
    for number, place in enumerate(stops, 1):
        numbers.setdefault(place, []).append(str(number))
    for place, named in sorted(numbers.items()):
        parts.append(dot(place, 2.5 * radius, "#c33"))
        x, y = (float(n) for n in at(grid.xs[place[0]], y_of(place[1])))
        parts.append(
            f'<text x="{x + 4 * radius:.1f}" y="{y + 2.5 * radius:.1f}" font-size="{7 * radius:.1f}"'
            f' font-family="sans-serif" fill="currentColor">{",".join(named)}</text>'
        )
    side = 4 * radius
    x, y = (float(n) - side / 2 for n in at(grid.depot_at, depot_y))
    corner = f'x="{x:.1f}" y="{y:.1f}"'
    parts.append(f'<rect {corner} width="{side:.1f}" height="{side:.1f}" fill="currentColor"/>')
    return "".join([*parts, "</svg>"])
