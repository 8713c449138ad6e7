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
) -> str:
    """The aisles with their bins as dots, stops as larger ones, the walk as a line, the depot as a square."""
    margin = max(grid.height // 12, 1000)
    right, back = max(grid.xs[-1], grid.depot_at), grid.blocks * grid.height
    depot_y = -grid.depot_extra // 2
    span_x, span_y = right + 2 * margin, back - depot_y + 2 * margin
    scale = width / span_x
    height = max(1, round(span_y * scale))

    def at(x: float, y: float) -> tuple[str, str]:
        return f"{(x + margin) * scale:.1f}", f"{(back + margin - y) * scale:.1f}"

    def dot(place: tuple[int, int], radius: float, fill: str) -> str:
        aisle, cell = place
        x, y = at(grid.xs[aisle], grid.position[cell] + cell // grid.per_block * grid.height)
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
        parts.append(line(walk, f'stroke="#1668b8" stroke-width="{radius:.1f}" stroke-linejoin="round"'))
    parts += [dot(place, 2 * radius, "#c33") for place in sorted(set(stops))]
    x, y = at(grid.depot_at, depot_y)
    side = 4 * radius
    corner = f'x="{float(x) - side / 2:.1f}" y="{float(y) - side / 2:.1f}"'
    parts.append(f'<rect {corner} width="{side:.1f}" height="{side:.1f}" fill="#222"/>')
    return "".join([*parts, "</svg>"])
