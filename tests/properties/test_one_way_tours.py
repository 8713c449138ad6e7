"""Tours on floors with one-way aisles: as short as trying every order of stops, and never against an aisle's way."""

from itertools import pairwise, permutations

from hypothesis import given
from hypothesis import strategies as st

from omscore.batching import Floor

FAR = 1 << 40
Place = tuple[int, int]
"""An aisle, and how far it is from the front."""

WAYS = st.lists(st.sampled_from(["up", "down", "both"]), min_size=1, max_size=5).filter(
    lambda ways: len({"both", "up"} & set(ways)) > 0 and len({"both", "down"} & set(ways)) > 0
)
FLOORS = st.builds(
    lambda ways, per_block, blocks, lengths, depot_at_mm, depot_mm: Floor.parallel(
        aisles=len(ways),
        cells=per_block * blocks,
        blocks=blocks,
        aisle_mm=lengths[0],
        cell_mm=lengths[1],
        front_mm=lengths[2],
        back_mm=lengths[3],
        depot_at_mm=depot_at_mm,
        depot_mm=depot_mm,
        one_way=ways,
    ),
    WAYS,
    st.integers(1, 4),
    st.sampled_from([1, 1, 2, 3]),
    st.tuples(*[st.integers(0, 9)] * 4),
    st.integers(0, 40),
    st.integers(0, 5),
)


def height(floor: Floor) -> int:
    return floor.front_mm + (floor.cells // floor.blocks - 1) * floor.cell_mm + floor.back_mm


def place(floor: Floor, bin_id: str) -> Place:
    b = floor.bin(bin_id)
    block, cell = divmod(b.cell, floor.cells // floor.blocks)
    return b.aisle, block * height(floor) + floor.front_mm + cell * floor.cell_mm


def way(floor: Floor, aisle: int) -> str:
    return floor.one_way[aisle] if floor.one_way else "both"


def distances(floor: Floor, places: list[Place]) -> dict[tuple[Place, Place], int]:
    """All shortest ways between places, corners and the depot (aisle -1), by Floyd and Warshall."""
    crossings, nodes = [height(floor) * n for n in range(floor.blocks + 1)], {(-1, 0), *places}
    nodes |= {(aisle, y) for aisle in range(floor.aisles) for y in crossings}
    ordered = sorted(nodes)

    def x(place: Place) -> int:
        return floor.depot_at_mm if place[0] < 0 else place[0] * floor.aisle_mm

    def step(a: Place, b: Place) -> int:
        if a[0] == b[0]:
            against = "down" if a[1] < b[1] else "up"
            return abs(a[1] - b[1]) if a[1] == b[1] or way(floor, a[0]) != against else FAR
        return abs(x(a) - x(b)) if a[1] == b[1] and a[1] in crossings else FAR

    d = {(a, b): step(a, b) for a in ordered for b in ordered}
    for k in ordered:
        for a in ordered:
            for b in ordered:
                d[a, b] = min(d[a, b], d[a, k] + d[k, b])
    return d


def picks(floor: Floor, data: st.DataObject, most: int) -> list[str]:
    return data.draw(st.lists(st.sampled_from([b.id for b in floor.bins]), min_size=1, max_size=most, unique=True))


@given(FLOORS, st.data())
def test_exact_tours_are_as_short_as_trying_every_order_of_stops(floor: Floor, data: st.DataObject) -> None:
    bins = picks(floor, data, 5)
    places = [place(floor, b) for b in bins]
    d, depot = distances(floor, places), (-1, 0)
    shortest = min(sum(d[a, b] for a, b in pairwise((depot, *order, depot))) for order in permutations(places))
    assert floor.tour_length(bins) == shortest + 2 * floor.depot_mm


@given(FLOORS, st.data())
def test_every_tour_obeys_the_ways_and_stops_everywhere_once(floor: Floor, data: st.DataObject) -> None:
    bins = picks(floor, data, 12 if floor.blocks == 1 else 7)
    for rule in floor.rules:
        tour = floor.tour(bins, rule)
        assert sorted(tour.stops) == sorted(bins)
        assert tour.walk[0] == tour.walk[-1] == (floor.depot_at_mm, -floor.depot_mm)
        assert floor.tour_length(bins) <= tour.length_mm
        assert tour.length_mm == sum(abs(x - u) + abs(y - v) for (x, y), (u, v) in pairwise(tour.walk))
        for (x, y), (u, v) in pairwise(tour.walk):
            if x == u and y != v and min(y, v) >= 0:
                here = {way(floor, aisle) for aisle in range(floor.aisles) if aisle * floor.aisle_mm == x}
                assert here & {"both", "up" if v > y else "down"}
