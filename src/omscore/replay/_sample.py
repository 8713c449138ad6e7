"""A day without files: the sample network, stock and orders, for examples and notebooks."""

from __future__ import annotations

from omscore import samples
from omscore.adapters.carrier import RateRow, TableCarrier
from omscore.kernel import Money
from omscore.replay._day import Day, Wish
from omscore.replay._own import POLICY


def sample(orders: int = 20, *, seed: int = 7) -> Day:
    """So many sample orders over the sample network "benelux-5", with stock that is about enough for them.

    >>> from omscore import MemoryStore
    >>> from omscore.replay import Replay, report, sample
    >>> replay = Replay(sample(), MemoryStore)
    >>> replay.run()
    >>> report(replay).orders["in"]
    20
    """
    network = samples.network("benelux-5")
    ledger = samples.ledger(network, seed=seed, orders=orders)
    stock: dict[tuple[str, str], int] = {}
    for item in samples.items():
        for cell, figures in ledger.store.run(lambda txn: txn.cells_of(item)):  # noqa: B023 - runs now
            stock[cell.node, item] = stock.get((cell.node, item), 0) + figures.on_hand
    rates = [RateRow(service, "*", 2**31, Money(595, "EUR"), days=2) for service in ("standard", "express")]
    return Day(
        f"{orders} sample orders",
        "invented by a seed, in real cities",
        "EUR",
        network,
        POLICY,
        samples.items(),
        {cell: units for cell, units in stock.items() if units},
        tuple(Wish(draft) for draft in samples.drafts(orders, seed=seed)),
        carriers=(TableCarrier("post", rates),),
    )
