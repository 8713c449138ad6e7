"""Scenarios of the floor: carts by volume, priorities apart, waves and nested zones."""

from omscore.batching import Bin, Cart, Floor, Limits, PickLine, PickOrder, by_zone, group_lines, plan

M3 = 1_000_000_000
"""A cubic meter in cubic millimeters."""


def pick(name: str, volume_m3: int = 0, priority: int = 0) -> PickOrder:
    return PickOrder(name, [PickLine(name, "1", "item", 1, "0-0", volume_mm3=volume_m3 * M3)], priority=priority)


def test_scenario_53_the_first_pick_chooses_the_cart_and_every_pick_takes_a_bin() -> None:
    floor = Floor.parallel(aisles=1, cells=1)
    large = Cart("30 to 100", Limits(totes_max=1, volume_max=100 * M3), volume_min=30 * M3)
    small = Cart("up to 30", Limits(totes_max=8, volume_max=30 * M3 - 1))
    alone = plan([pick("one", 30), pick("two", 40)], floor, [large, small])
    assert [(b.cart, b.orders) for b in alone.batches] == [("30 to 100", ("one",)), ("30 to 100", ("two",))]

    empty = [pick("a"), pick("b"), pick("c")]
    (batch,) = plan(empty, floor, [large, small]).batches
    assert (batch.cart, batch.orders) == ("up to 30", ("a", "b", "c"))
    assert sum(small.limits.load(order)["totes"] for order in empty) == 3

    too_big = plan([pick("x", 200), pick("y", 300)], floor, [large, small])
    assert too_big.batches == ()
    assert [refused.order for refused in too_big.refused] == ["x", "y"]
    assert all(refused.reason.code == "batching.no_cart" for refused in too_big.refused)
    assert "order 'x' fits no cart" in too_big.refused[0].reason.text


def test_scenario_54_only_orders_of_the_same_priority_share_a_batch() -> None:
    orders = [pick("1", priority=1), pick("3", priority=0), pick("2", priority=1)]
    made = plan(orders, Floor.parallel(aisles=1, cells=1), Limits(same="priority"))
    assert [set(batch.orders) for batch in made.batches] == [{"1", "2"}, {"3"}]


def test_scenario_56_waves_by_country_and_product_and_by_nested_zones() -> None:
    floor = Floor(
        1,
        3,
        [Bin("shelf", 0, 0, zone="stock"), Bin("shelf-a", 0, 1, zone="stock/a"), Bin("shelf-b", 0, 2, zone="stock/b")],
    )

    def order(name: str, country: str, *wanted: tuple[str, str]) -> PickOrder:
        lines = [PickLine(name, str(n), item, 1, bin_id) for n, (item, bin_id) in enumerate(wanted)]
        return PickOrder(name, lines, region=country)

    orders = [
        order("1", "US", ("product 1", "shelf-a"), ("product 1", "shelf"), ("product 2", "shelf-a")),
        order("2", "US", ("product 1", "shelf-a"), ("product 2", "shelf")),
        order("3", "BE", ("product 1", "shelf-a"), ("product 2", "shelf-a")),
        order("4", "BE", ("product 2", "shelf-a"), ("product 1", "shelf"), ("product 2", "shelf")),
        order("5", "BE", ("product 1", "shelf-a"), ("product 3", "shelf-b")),
    ]
    by_country = group_lines(orders, lambda order, line: (order.region, line.item))
    us_first = by_country["US", "product 1"]
    assert (len(us_first), sum(len(part.lines) for part in us_first)) == (2, 3)

    made = by_zone(orders, floor, ["stock/a", "stock"])
    counts = {zone: (sum(len(part.lines) for part in parts), len(parts)) for zone, parts in made.zones.items()}
    assert counts == {"stock/a": (7, 5), "stock": (5, 4)}
    assert made.rest == ()
