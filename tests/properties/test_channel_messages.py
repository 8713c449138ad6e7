"""Laws of what channels say: late, twice and in any order, the newest revision is what the order comes to."""

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

import omscore as oms
from omscore.testing.walkthrough import draft

REVISIONS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(100, 3_000)), min_size=2, max_size=4
)  # units and price of the one line, revision by revision


def shop() -> oms.Oms:
    host = oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")]))
    host.receive("ghent", {"SKU-1": 9}, key="dock")
    return host


def told(host: oms.Oms, content: list[tuple[int, int]], said: list[int]) -> dict[str, object]:
    """What the order is after revisions were said in an order: what is wanted, what it costs, what is held for it."""
    for n, revision in enumerate(said):
        units, minor = content[revision]
        wish = draft("7", revision=revision + 1)
        line = evolve(wish.lines[0], units=units, unit_price=oms.Money(minor, "EUR"))
        host.capture("web", evolve(wish, lines=(line,)), key=f"hook-{n}", id="ord-7")
    order = host.order("ord-7")
    return {
        "wanted": order.totals.ordered - order.totals.cancelled,
        "held": order.totals.reserved,
        "due": host.due("ord-7").minor,
        "left": host.available("SKU-1"),
        "state": order.state,
    }


@given(REVISIONS, st.data())
def test_revisions_late_twice_and_in_any_order_come_to_the_newest(
    content: list[tuple[int, int]], data: st.DataObject
) -> None:
    known = list(range(len(content)))
    said = data.draw(st.permutations(known + data.draw(st.lists(st.sampled_from(known), max_size=3))))
    assert told(shop(), content, said) == told(shop(), content, known)
    units, minor = content[-1]
    assert told(shop(), content, said)["wanted"] == units
    assert told(shop(), content, said)["due"] == told(shop(), [(units, minor)], [0])["due"]
