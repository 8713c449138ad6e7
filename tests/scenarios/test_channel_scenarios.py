"""What is published to channels, and what carriers ask, numbered as in the collection of scenarios."""

from datetime import UTC, datetime

import pytest

from omscore.errors import CommandRefused, InsufficientStock
from omscore.inventory import Buffer, Cell, Ledger, MemoryLedgerStore, Want
from omscore.kernel import Money
from omscore.ports import Rate
from omscore.shipping import shop_rates

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)


def ledger(units: int, *buffers: Buffer) -> Ledger:
    made = Ledger(MemoryLedgerStore(lambda: MONDAY), buffers=buffers)
    made.receive({Cell("X", "ghent"): units}, key="dock-1")
    return made


def test_scenario_34_a_threshold_is_kept_back_from_what_a_channel_shows() -> None:
    assert ledger(220, Buffer(units=10)).availability("X").units == 210


def test_scenario_39_the_cheapest_rate_wins_within_the_service_asked_and_an_unknown_carrier_is_an_error() -> None:
    rates = [
        Rate("USPS", "First", Money(1174, "USD"), 4),
        Rate("USPS", "Priority", Money(1564, "USD"), 2),
        Rate("UPS", "Ground", Money(1290, "USD"), 4),
        Rate("UPS", "Priority", Money(2100, "USD"), 2),
    ]
    assert shop_rates(rates, now=MONDAY).chosen.cost == Money(1174, "USD")
    assert shop_rates(rates, now=MONDAY, services=["Priority"]).chosen.cost == Money(1564, "USD")
    with pytest.raises(CommandRefused, match="no offer of carrier 'DHL'"):
        shop_rates(rates, now=MONDAY, carriers=["DHL"])


def test_scenario_43_nineteen_units_are_sold_once_whatever_the_channels_show() -> None:
    books = ledger(19)
    for n, channel in enumerate(["web", "marketplace"] * 9 + ["web"]):
        books.reserve(f"ord-{n}", [Want("X", 1)], channel=channel, key=f"{channel}-{n}")
    for channel in ("web", "marketplace"):
        with pytest.raises(InsufficientStock):
            books.reserve(f"late-{channel}", [Want("X", 1)], channel=channel, key=f"late-{channel}")


@pytest.mark.parametrize(("on_hand", "published"), [(200, 180), (25, 22)])
def test_scenario_43_a_buffer_of_ten_percent_is_rounded_up(on_hand: int, published: int) -> None:
    assert ledger(on_hand, Buffer(percent=10)).availability("X").units == published
