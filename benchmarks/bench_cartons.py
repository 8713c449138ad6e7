"""Cartons against the volume bound and against py3dbp, on articles with real sizes and weights.

Articles: the marketplace slice of the published data (not shipped; give its folder as the first argument, or set
OMSCORE_SHARED). Orders: those of the slice with two pieces or more; and baskets of 5, 10 and 20 pieces, which are the
slice's lines in file order, so many at a time. A set's orders are packed in interleaved rounds; times are medians.

The volume bound is the smallest carton by volume, weight and single pieces alone: no packer can do with less. The peer
knows one carton at a time, so it is asked from the smallest up and stops at the first that takes all. It does not know
support: `floating` counts its packings in which some piece rests on less than 75 % of its base.

First comes a harder question without a peer: a carton is sawn at random into a few pieces; is it found to hold them?
"""

import csv
import gzip
import importlib
import math
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import permutations
from pathlib import Path

from omscore.batching import Carton, PackLine, choose_cartons
from omscore.kernel import Dimensions, Item, cm
from omscore.render import text_table

SLICE = "replay/olist_ordinary_2018-05-07_16"
ROUNDS = 3
CARTONS = [
    Carton(f"{a}x{b}x{c}", Dimensions(a, b, c), weight_max=30_000)
    for a, b, c in (
        (200, 150, 100),
        (250, 200, 150),
        (300, 200, 200),
        (350, 250, 200),
        (400, 300, 200),
        (400, 300, 300),
        (500, 350, 300),
        (600, 400, 300),
        (600, 400, 400),
        (800, 600, 400),
        (800, 600, 600),
        (1200, 800, 600),
    )
]
Order = list[PackLine]


def read(folder: Path) -> dict[str, list[Order]]:
    def rows(name: str) -> list[dict[str, str]]:
        with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    items = {}
    for row in rows("skus"):
        sides = [row[f"product_{side}_cm"] for side in ("length", "width", "height")]
        if all(sides) and row["product_weight_g"]:
            size = Dimensions(*(cm(side) for side in sides))
            items[row["product_id"]] = Item(
                row["product_id"], dimensions=size, weight_grams=int(float(row["product_weight_g"]))
            )
    orders: dict[str, Order] = {}
    pieces: list[Item] = []
    for number, row in enumerate(rows("lines")):
        if (item := items.get(row["product_id"])) is not None:
            orders.setdefault(row["order_id"], []).append(PackLine(str(number), item, int(row["qty"])))
            pieces.append(item)
    real = [order for order in orders.values() if sum(line.units for line in order) > 1]
    sets = {"orders of 2 and more": real}
    for many in (5, 10, 20):
        whole = range(0, len(pieces) - many + 1, many)
        sets[f"baskets of {many}"] = [
            [PackLine(str(n), item) for n, item in enumerate(pieces[at : at + many])] for at in whole
        ]
    return sets


def bound(order: Order) -> int | None:
    """The volume of the smallest carton that volume, weight and each piece alone allow."""
    volume = sum(line.units * _size(line).volume_mm3 for line in order)
    weight = sum(line.units * line.item.weight_grams for line in order)
    for carton in CARTONS:
        sides = sorted(_sides(carton.inner))
        if (
            volume <= carton.inner.volume_mm3
            and weight <= carton.weight_max
            and all(a <= b for line in order for a, b in zip(sorted(_sides(_size(line))), sides, strict=True))
        ):
            return carton.inner.volume_mm3
    return None


def ours(order: Order) -> tuple[int | None, bool]:
    made = choose_cartons(order, CARTONS)
    return (made.parcels[0].inner.volume_mm3 if len(made.parcels) == 1 and not made.refused else None), False


def peer() -> Callable[[Order], tuple[int | None, bool]] | None:
    try:
        py3dbp = importlib.import_module("py3dbp")
    except ImportError:
        return None

    def pack(order: Order) -> tuple[int | None, bool]:
        for carton in CARTONS:
            packer = py3dbp.Packer()
            packer.add_bin(py3dbp.Bin(carton.id, *_sides(carton.inner), carton.weight_max))
            for line in order:
                for _ in range(line.units):
                    packer.add_item(py3dbp.Item(line.line, *_sides(_size(line)), line.item.weight_grams))
            packer.pack(bigger_first=True)
            (box,) = packer.bins
            if not box.unfitted_items:
                placed = [
                    ([int(n) for n in piece.position], [int(n) for n in piece.get_dimension()]) for piece in box.items
                ]
                return carton.inner.volume_mm3, floats(placed)
        return None, False

    return pack


def floats(placed: Sequence[tuple[Sequence[int], Sequence[int]]]) -> bool:
    """Whether, whichever axis is up, some piece has less than 75 % of its base on the bottom or on other pieces."""

    def stands(across: int, along: int, up: int) -> bool:
        for at, size in placed:
            if at[up] == 0:
                continue
            held = 0
            for other, extent in placed:
                if other[up] + extent[up] == at[up]:
                    sides = [
                        max(min(at[i] + size[i], other[i] + extent[i]) - max(at[i], other[i]), 0)
                        for i in (across, along)
                    ]
                    held += sides[0] * sides[1]
            if held * 100 < size[across] * size[along] * 75:
                return False
        return True

    return not any(stands(*axes) for axes in permutations(range(3)))


def _size(line: PackLine) -> Dimensions:
    if line.item.dimensions is None:
        raise ValueError(line.line)
    return line.item.dimensions


def _sides(size: Dimensions) -> tuple[int, int, int]:
    return size.length_mm, size.width_mm, size.height_mm


def sawn(pieces: int, count: int = 400) -> float:
    """The share of boxes sawn into so many pieces, each turned somehow, that are packed into one carton again."""
    rng = random.Random(pieces)
    carton = Carton("c", Dimensions(400, 300, 200), weight_max=1)
    again = 0
    for _ in range(count):
        boxes = [[400, 300, 200]]
        while len(boxes) < pieces:
            box = boxes.pop(max(range(len(boxes)), key=lambda n: math.prod(boxes[n]) * rng.random()))
            axis = rng.choices(range(3), weights=box)[0]
            here = int(box[axis] * rng.uniform(0.3, 0.7))
            boxes += [[*box[:axis], side, *box[axis + 1 :]] for side in (here, box[axis] - here)]
        items = [Item(str(n), dimensions=Dimensions(*rng.sample(box, 3))) for n, box in enumerate(boxes)]
        again += len(choose_cartons([PackLine(item.sku, item) for item in items], [carton]).parcels) == 1
    return 100 * again / count


def main() -> None:
    print(text_table(["sawn into", "one carton again %"], [[pieces, sawn(pieces)] for pieces in (3, 4, 5, 8)]), "\n")
    shared = Path(os.environ.get("OMSCORE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else shared / "data" / SLICE
    if not folder.exists():
        print(f"needs the published data set in {folder}")
        return
    packers: dict[str, Callable[[Order], tuple[int | None, bool]]] = {"omscore": ours}
    if (other := peer()) is not None:
        packers["py3dbp"] = other
    else:
        print("py3dbp is not installed: left out")
    table = []
    for name, orders in read(folder).items():
        bounds = [(order, least) for order in orders if (least := bound(order)) is not None]
        took: dict[str, list[float]] = {packer: [] for packer in packers}
        found: dict[str, list[tuple[int | None, bool]]] = {}
        for _ in range(ROUNDS):
            for packer, pack in packers.items():
                start = time.perf_counter()
                found[packer] = [pack(order) for order, _ in bounds]
                took[packer].append((time.perf_counter() - start) / len(bounds) * 1000)
        for packer in packers:
            one = [(volume, least) for (volume, _), (_, least) in zip(found[packer], bounds, strict=True) if volume]
            table.append(
                [
                    name,
                    len(bounds),
                    packer,
                    100 * len(one) / len(bounds),
                    100 * sum(volume == least for volume, least in one) / len(bounds),
                    100 * (sum(volume for volume, _ in one) / sum(least for _, least in one) - 1),
                    100 * sum(floating for _, floating in found[packer]) / len(bounds),
                    statistics.median(took[packer]),
                ]
            )
    print(
        text_table(
            ["set", "orders", "packer", "in one %", "at bound %", "volume over bound %", "floating %", "ms/order"],
            table,
        )
    )


if __name__ == "__main__":
    main()
