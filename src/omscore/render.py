"""Rows into text and HTML tables, points into SVG drawings; knows nothing of orders, floors or stock.

Everything here is a pure function of its arguments: the same rows give the same characters, coordinates are rounded to
a tenth of a pixel. Drawings and tables carry their own inline style, take the reader's text color (`currentColor`), and
use mid-tone accents, so that they read on light and on dark pages. What is given is always escaped.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Mapping, Sequence

Point = tuple[float, float]
"""A point as (x, y), or as (longitude, latitude) on a map."""

ROWS_MAX = 200
"""How many rows an HTML table shows unless told otherwise; the rest is counted below it."""

COLORS = ("#3b82c4", "#d9822b", "#4a9a5b", "#c0504d", "#8a6bbf", "#7f8c8d")
"""Mid-tone accents that read on white and on black."""

_FONT = "font-family:system-ui,sans-serif"
_EDGE = "1px solid rgba(127,127,127,.45)"
_MARGIN = 24.0


def cell_text(value: object) -> str:
    r"""A cell as one line of printable text: floats to two decimals, None empty, yes and no for flags.

    >>> cell_text(2.5), cell_text(None), cell_text(True), cell_text("two\nlines")
    ('2.50', '', 'yes', 'two lines')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:.2f}" if isinstance(value, float) else str(value)
    return "".join(c if c.isprintable() else " " for c in text)


def _cells(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> tuple[list[list[str]], list[bool]]:
    taken = [list(row) for row in rows]
    for number, row in enumerate(taken):
        if len(row) != len(columns):
            raise ValueError(f"row {number} has {len(row)} cells, the table has {len(columns)} columns")
    numeric = [
        any(row[i] is not None for row in taken)
        and all(row[i] is None or (isinstance(row[i], int | float) and not isinstance(row[i], bool)) for row in taken)
        for i in range(len(columns))
    ]
    return [[cell_text(value) for value in row] for row in taken], numeric


def text_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as an aligned text table; columns that hold only numbers are set to the right.

    Raises ValueError when a row has more or fewer cells than there are columns.

    >>> print(text_table(["bin", "item", "units"], [["A-1", "mug", 2], ["A-12", "plate", 10]]))
    bin   item   units
    ----  -----  -----
    A-1   mug        2
    A-12  plate     10
    """
    cells, numeric = _cells(columns, rows)
    head = [cell_text(name) for name in columns]
    widths = [max([len(head[i]), *(len(row[i]) for row in cells)]) for i in range(len(head))]

    def line(row: list[str]) -> str:
        parts = (text.rjust(w) if right else text.ljust(w) for text, w, right in zip(row, widths, numeric, strict=True))
        return "  ".join(parts).rstrip()

    return "\n".join([line(head), "  ".join("-" * w for w in widths), *(line(row) for row in cells)])


def html_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "", rows_max: int = ROWS_MAX
) -> str:
    """Rows as an escaped HTML table with inline styles; after `rows_max` rows the rest is counted, not shown.

    >>> html_table(["item", "units"], [["<b>", 2]]).count("&lt;b&gt;")
    1
    """
    cells, numeric = _cells(columns, rows)
    pad = f"padding:2px 8px;border-bottom:{_EDGE}"
    style = [f"{pad};text-align:{'right' if right else 'left'}" for right in numeric]
    out = [f'<table style="border-collapse:collapse;{_FONT};font-size:13px;color:inherit">']
    if caption:
        out.append(f'<caption style="text-align:left;font-weight:bold;padding:4px 8px">{_escaped(caption)}</caption>')
    head = "".join(f'<th scope="col" style="{s}">{_escaped(name)}</th>' for name, s in zip(columns, style, strict=True))
    out.append(f"<thead><tr>{head}</tr></thead><tbody>")
    out.extend(
        "<tr>" + "".join(f'<td style="{s}">{html.escape(c)}</td>' for c, s in zip(row, style, strict=True)) + "</tr>"
        for row in cells[:rows_max]
    )
    out.append("</tbody>")
    if len(cells) > rows_max:
        more = f"and {len(cells) - rows_max} more rows"
        out.append(f'<tfoot><tr><td colspan="{len(columns)}" style="{pad};opacity:.7">{more}</td></tr></tfoot>')
    out.append("</table>")
    return "".join(out)


def html_page(title: str, *parts: str) -> str:
    """A whole HTML document around parts that are HTML already; made to be printed as well as looked at.

    >>> html_page("Pick list 7", "<p>nothing to pick</p>").startswith("<!doctype html>")
    True
    """
    css = (
        f":root{{color-scheme:light dark}}body{{{_FONT};margin:16px}}svg{{max-width:100%;height:auto}}"
        "@media print{:root{color-scheme:light}body{margin:0}"
        "tr,svg{break-inside:avoid}thead{display:table-header-group}}"
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_escaped(title)}</title>'
        f"<style>{css}</style></head><body>{''.join(parts)}</body></html>"
    )


class Svg:
    """A drawing that grows mark by mark; `str()` is the SVG text, and a notebook shows it.

    `title` is read out by screen readers; a mark's own `title` shows when pointed at. Each method returns the drawing.

    >>> print(Svg(40, 20, "a line").line([(0, 0), (40, 20)]))
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20" width="40" height="20" role="img" style="color:inherit"><title>a line</title>...</svg>
    """  # noqa: E501 - the first line of the output is long

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width = width
        self.height = height
        self.title = title
        self._marks: list[str] = []

    def line(
        self, points: Iterable[Point], *, color: str = "currentColor", width: float = 2, dash: str = "", title: str = ""
    ) -> Svg:
        """A line through points; `dash` is the SVG dash pattern ("4 3").

        >>> 'points="0,0 1.5,2"' in str(Svg(2, 2, "t").line([(0, 0), (1.52, 2)]))
        True
        """
        dashed = f' stroke-dasharray="{_escaped(dash)}"' if dash else ""
        path = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
        return self._mark(
            f'<polyline points="{path}" fill="none" stroke="{_escaped(color)}" stroke-width="{_number(width)}"'
            f' stroke-linejoin="round" stroke-linecap="round"{dashed}',
            title,
            "polyline",
        )

    def dot(self, x: float, y: float, *, radius: float = 4, color: str = "currentColor", title: str = "") -> Svg:
        """A filled circle.

        >>> "<circle" in str(Svg(9, 9, "t").dot(4, 4))
        True
        """
        return self._mark(
            f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}" fill="{_escaped(color)}"',
            title,
            "circle",
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        color: str = COLORS[0],
        opacity: float = 1,
        title: str = "",
    ) -> Svg:
        """A filled rectangle with its top left corner at (x, y).

        >>> "<rect" in str(Svg(9, 9, "t").box(1, 1, 5, 5))
        True
        """
        seen = "" if opacity == 1 else f' fill-opacity="{opacity:.2f}"'
        return self._mark(
            f'<rect x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
            f' fill="{_escaped(color)}"{seen}',
            title,
            "rect",
        )

    def text(self, x: float, y: float, text: str, *, size: float = 11, anchor: str = "start") -> Svg:
        """One line of text; `anchor` is "start", "middle" or "end".

        >>> "A &amp; B" in str(Svg(9, 9, "t").text(0, 8, "A & B"))
        True
        """
        self._marks.append(
            f'<text x="{_number(x)}" y="{_number(y)}" font-size="{_number(size)}" text-anchor="{_escaped(anchor)}"'
            f' fill="currentColor" style="{_FONT}">{_escaped(text)}</text>'
        )
        return self

    def _mark(self, opening: str, title: str, tag: str) -> Svg:
        self._marks.append(f"{opening}><title>{_escaped(title)}</title></{tag}>" if title else f"{opening}/>")
        return self

    def __str__(self) -> str:
        w, h = _number(self.width), _number(self.height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img"'
            f' style="color:inherit"><title>{_escaped(self.title)}</title>{"".join(self._marks)}</svg>'
        )

    def _repr_svg_(self) -> str:
        return str(self)


def walk(
    path: Sequence[Point],
    *,
    title: str,
    places: Iterable[Point] = (),
    stops: Sequence[tuple[Point, str]] = (),
    width: float = 640,
) -> Svg:
    """A walk seen from above, y upwards: its path, numbered stops, and other places as faint dots; the start is marked.

    Points are in any unit of length; both axes keep one scale. `stops` are (point, label) in the order visited.

    >>> drawing = walk([(0, 0), (0, 10), (5, 10)], stops=[((0, 10), "A-1")], title="tour of 15 m")
    >>> "<title>1: A-1</title>" in str(drawing)
    True
    """
    faint = list(places)
    height, put = _fit([*path, *faint, *(p for p, _ in stops)], width)
    drawing = Svg(width, height, title)
    for place in faint:
        drawing.dot(*put(place), radius=1.5, color=COLORS[5])
    if len(path) > 1:
        drawing.line([put(p) for p in path], color=COLORS[0], width=2.5)
    if path:
        x, y = put(path[0])
        drawing.box(x - 5, y - 5, 10, 10, color=COLORS[2], title="start")
    for number, (point, label) in enumerate(stops, 1):
        x, y = put(point)
        drawing.dot(x, y, radius=4.5, color=COLORS[1], title=f"{number}: {label}")
        drawing.text(x + 6, y + 4, str(number), size=10)
    return drawing


def geo_map(
    points: Sequence[tuple[Point, str]],
    *,
    title: str,
    links: Iterable[tuple[Point, Point]] = (),
    groups: Sequence[int] = (),
    width: float = 640,
) -> Svg:
    """Places at (longitude, latitude) in degrees, named, with straight links between places; north is up, no tiles.

    The projection is equirectangular with the middle latitude as its true scale. `groups` gives each point the number
    of its color. Raises ValueError for a latitude beyond 90 degrees or a coordinate that is not finite.

    >>> drawing = geo_map([((3.72, 51.05), "Ghent"), ((4.40, 51.22), "Antwerp")], title="two nodes")
    >>> str(drawing).count("<circle")
    2
    """
    ends = [(tuple(a), tuple(b)) for a, b in links]
    everything = [p for p, _ in points] + [p for pair in ends for p in pair]
    for _, latitude in everything:
        if not -90 <= latitude <= 90:
            raise ValueError(f"a latitude lies between -90 and 90 degrees, not {latitude!r}")
    latitudes = [latitude for _, latitude in everything] or [0.0]
    squeeze = max(math.cos(math.radians((min(latitudes) + max(latitudes)) / 2)), 0.01)
    height, put = _fit([(lon * squeeze, lat) for lon, lat in everything], width)
    drawing = Svg(width, height, title)
    for (lon_a, lat_a), (lon_b, lat_b) in ends:
        drawing.line([put((lon_a * squeeze, lat_a)), put((lon_b * squeeze, lat_b))], color=COLORS[5], width=1)
    for number, ((lon, lat), label) in enumerate(points):
        x, y = put((lon * squeeze, lat))
        color = COLORS[groups[number] % len(COLORS)] if groups else COLORS[0]
        drawing.dot(x, y, color=color, title=label)
        if x < width / 2:
            drawing.text(x + 6, y + 4, label, size=10)
        else:  # to the left, so that no name runs out of the drawing
            drawing.text(x - 6, y + 4, label, size=10, anchor="end")
    return drawing


def bars(values: Sequence[tuple[str, float]], *, title: str, width: float = 640, height: float = 200) -> Svg:
    """Labeled bars of numbers that are not negative, such as orders by hour; labels thin out when there are many.

    >>> str(bars([("09", 4), ("10", 7)], title="orders by hour")).count("<rect")
    2
    """
    for label, value in values:
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"bar {label!r} must be a finite number of at least 0, not {value!r}")
    drawing = Svg(width, height, title)
    top = max((value for _, value in values), default=0) or 1
    base, room = height - _MARGIN, height - 2 * _MARGIN
    step = (width - 2 * _MARGIN) / max(len(values), 1)
    every = max(1, math.ceil(40 / step))
    drawing.line([(_MARGIN, base), (width - _MARGIN, base)], width=1)
    drawing.text(_MARGIN, _MARGIN - 8, f"most: {_number(top) if values else 0}", size=10)
    for number, (label, value) in enumerate(values):
        x, tall = _MARGIN + number * step, room * value / top
        drawing.box(x + step * 0.1, base - tall, step * 0.8, tall, title=f"{label}: {_number(value)}")
        if number % every == 0:
            drawing.text(x + step / 2, base + 14, label, size=10, anchor="middle")
    return drawing


def stacked_bars(
    values: Sequence[tuple[str, Mapping[str, float]]], *, title: str, width: float = 640, height: float = 220
) -> Svg:
    """Labeled bars made of parts, such as orders by hour and state; each part's color stands in a legend above.

    Parts are stacked in the order in which they are first seen; numbers must be finite and at least 0.

    >>> drawing = stacked_bars([("09", {"open": 4, "closed": 1}), ("10", {"closed": 7})], title="orders by hour")
    >>> "<title>10, closed: 7</title>" in str(drawing)
    True
    """
    colors: dict[str, str] = {}
    for label, shares in values:
        for part, value in shares.items():
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"bar {label!r}: {part!r} must be a finite number of at least 0, not {value!r}")
            colors.setdefault(part, COLORS[len(colors) % len(COLORS)])
    drawing = Svg(width, height, title)
    top = max((sum(shares.values()) for _, shares in values), default=0) or 1
    base, room = height - _MARGIN, height - 2 * _MARGIN
    step = (width - 2 * _MARGIN) / max(len(values), 1)
    every = max(1, math.ceil(40 / step))
    drawing.line([(_MARGIN, base), (width - _MARGIN, base)], width=1)
    at = float(_MARGIN)
    for part, color in colors.items():
        drawing.box(at, 4, 10, 10, color=color, title=part)
        drawing.text(at + 14, 13, part, size=10)
        at += 28 + 6.5 * len(part)
    for number, (label, shares) in enumerate(values):
        x, foot = _MARGIN + number * step, base
        for part, color in colors.items():
            if value := shares.get(part, 0):
                tall = room * value / top
                foot -= tall
                told = f"{label}, {part}: {_number(value)}"
                drawing.box(x + step * 0.1, foot, step * 0.8, tall, color=color, title=told)
        if number % every == 0:
            drawing.text(x + step / 2, base + 14, label, size=10, anchor="middle")
    return drawing


def timeline(
    spans: Sequence[tuple[str, float, float, str]],
    *,
    title: str,
    tick: Callable[[float], str] | None = None,
    width: float = 640,
) -> Svg:
    """Spans (row, start, end, label) on one axis of numbers, one row for each row name in the order first seen.

    Each label has its color, named above the rows. `tick` writes a number of the axis as text. Raises ValueError when
    a span ends before it starts.

    >>> drawing = timeline([("ord-1", 0, 5, "allocate"), ("ord-1", 5, 9, "pick"), ("ord-2", 2, 4, "pick")], title="day")
    >>> str(drawing).count("<rect")
    3
    """
    written = tick or _number
    rows: dict[str, int] = {}
    for row, start, end, label in spans:
        if not (math.isfinite(start) and math.isfinite(end) and start <= end):
            raise ValueError(f"span {label!r} of {row!r} must end at or after its start, not {start!r} to {end!r}")
        rows.setdefault(row, len(rows))
    labels: dict[str, int] = {}
    left, tall = 120.0, 22.0
    drawing = Svg(width, 2 * _MARGIN + tall * len(rows), title)
    low = min((s for _, s, _, _ in spans), default=0.0)
    high = max((e for _, _, e, _ in spans), default=1.0)
    scale = (width - left - _MARGIN) / ((high - low) or 1)
    for row, number in rows.items():
        drawing.text(left - 8, _MARGIN + number * tall + 14, row, anchor="end")
    for row, start, end, label in spans:
        color = COLORS[labels.setdefault(label, len(labels)) % len(COLORS)]
        drawing.box(
            left + (start - low) * scale,
            _MARGIN + rows[row] * tall + 3,
            max((end - start) * scale, 1),
            tall - 6,
            color=color,
            title=f"{row}: {label}, {written(start)} to {written(end)}",
        )
    base, at = _MARGIN + tall * len(rows), left
    for label, number in labels.items():
        drawing.dot(at + 4, _MARGIN - 12, color=COLORS[number % len(COLORS)]).text(at + 12, _MARGIN - 8, label, size=10)
        at += 24 + 6 * len(label)
    drawing.line([(left, base), (width - _MARGIN, base)], width=1)
    drawing.text(left, base + 14, written(low), size=10)
    drawing.text(width - _MARGIN, base + 14, written(high), size=10, anchor="end")
    return drawing


def key_values(facts: Mapping[str, object]) -> str:
    """Facts as aligned lines of text, in the order given.

    >>> print(key_values({"stops": 4, "length": "31.50 m"}))
    stops   4
    length  31.50 m
    """
    widest = max((len(name) for name in facts), default=0)
    return "\n".join(f"{name.ljust(widest)}  {cell_text(value)}".rstrip() for name, value in facts.items())


def _escaped(text: str) -> str:
    return html.escape(cell_text(text))


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"a drawing needs finite numbers, not {value!r}")
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _fit(points: Sequence[Point], width: float) -> tuple[float, Callable[[Point], Point]]:
    """The height of a drawing that shows all points at one scale, and the function that places a point in it."""
    xs, ys = [x for x, _ in points] or [0.0], [y for _, y in points] or [0.0]
    low_x, low_y = min(xs), min(ys)
    span_x, span_y = max(xs) - low_x, max(ys) - low_y
    inside = width - 2 * _MARGIN
    # A tall thin set is scaled by its height, so that the drawing never gets longer than it is wide.
    scale = inside / (max(span_x, span_y) or 1)
    height = span_y * scale + 2 * _MARGIN

    def put(point: Point) -> Point:
        return _MARGIN + (point[0] - low_x) * scale, height - _MARGIN - (point[1] - low_y) * scale

    return height, put


__all__ = [
    "ROWS_MAX",
    "COLORS",
    "Point",
    "cell_text",
    "text_table",
    "key_values",
    "html_table",
    "html_page",
    "Svg",
    "walk",
    "geo_map",
    "bars",
    "stacked_bars",
    "timeline",
]
