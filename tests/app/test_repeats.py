"""A command that was done is answered again under its key, whatever the host has changed since."""

from datetime import timedelta

import pytest

import omscore as oms
from omscore.adapters import MemoryStore
from omscore.errors import NotFound
from omscore.testing.walkthrough import MONDAY


def test_what_was_done_at_a_node_is_answered_again_when_the_node_is_closed() -> None:
    store = MemoryStore(oms.ManualClock(MONDAY))

    def told(on: oms.Oms, turn: str) -> list[list[str]]:
        return [
            on.receive("ghent", {"SKU-1": 5}, key=f"dock-{turn}"),
            on.count("ghent", {"SKU-1": 4}, key=f"count-{turn}"),
            on.expect("po-1", "SKU-1", "ghent", 3, MONDAY + timedelta(days=1), key=f"po-{turn}"),
        ]

    before = told(oms.Oms(store=store, network=oms.Network([oms.Node("ghent")])), "1")
    closed = oms.Oms(store=store, network=oms.Network([oms.Node("lille")]))
    assert told(closed, "1") == before
    with pytest.raises(NotFound):
        closed.receive("ghent", {"SKU-1": 5}, key="dock-2")
    with pytest.raises(NotFound):
        closed.count("ghent", {"SKU-1": 4}, key="count-2")
    with pytest.raises(NotFound):
        closed.expect("po-1", "SKU-1", "ghent", 3, MONDAY + timedelta(days=1), key="po-2")
