"""Whoever tells of units names the line or the item, in every command, and gets the same."""

import pytest

import omscore as oms
from omscore.testing.walkthrough import draft, up_to

ITEM, LINE = {"SKU-1": 1}, {"1": 1}


@pytest.mark.parametrize("one", [ITEM, LINE])
def test_an_item_and_its_line_are_the_same_in_every_command(one: dict[str, int]) -> None:
    shop = up_to("allocated").shop
    assert shop.reject("ord-1-f1", one, reason="no_time", key="no").totals.allocated == 1
    shop = up_to("allocated", stock=9).shop
    assert shop.pick("ord-1-f1", one, key="pick").lines[0].picked == 1
    assert shop.short_pick("ord-1-f1", one, key="short").totals.picked == 1
    assert shop.cancel("ord-1", one, key="less").totals.cancelled == 1
    shop = up_to("delivered").shop
    back = shop.open_return("ord-1", one, key="back")
    assert shop.receive_return(back.id, one, disposition="quarantine", key="here").state == "received"
    assert shop.inspect_return(back.id, one, key="looked").lines[0].inspected == 1
    assert shop.claim("ord-1", next(iter(one)), key="broken").line == "1"


def test_units_of_an_item_on_two_lines_are_spread_over_them_and_too_many_are_refused() -> None:
    shop = up_to("accepted", stock=9).shop
    lines = tuple(oms.DraftLine(id_, "SKU-1", 2, oms.Money(100, "EUR")) for id_ in ("1", "2"))
    shop.capture("web", draft("2", lines=lines), key="c-2", id="ord-2")
    with pytest.raises(oms.CommandRefused, match="line 2: cannot cancel 3"):
        shop.cancel("ord-2", {"SKU-1": 5}, key="x-1")
    order = shop.cancel("ord-2", {"SKU-1": 3}, key="x-2")
    assert [order.units[id_].cancelled for id_ in ("1", "2")] == [2, 1]


def test_a_name_that_is_neither_is_told_with_those_there_are() -> None:
    shop = up_to("allocated").shop
    with pytest.raises(oms.InvalidValue, match=r"ord-1-f1 has no line or item 'lamp'; it has '1' \(SKU-1\)"):
        shop.pick("ord-1-f1", {"lamp": 1}, key="pick")
    with pytest.raises(oms.InvalidValue, match="no line or item 'lamp'"):
        shop.cancel("ord-1", {"lamp": 1}, key="x-1")
