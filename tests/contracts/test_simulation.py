"""A million calls of the port, simulated: interleaved, killed, repeated, unanswered; and the same harness can fail."""

from collections.abc import Sequence
from typing import Any

import pytest

from omscore.inventory import Cell
from omscore.testing._sim_store import SimBooks
from omscore.testing.simulate import FAULTS, FEATURES, Failed, Ran, run

CALLS = 1_000_000


def test_a_million_calls_of_the_port_break_no_promise() -> None:
    ran: list[Ran] = []
    while sum(one.calls for one in ran) < CALLS:
        ran.append(run(len(ran), commands=1_000))
    # The million is worth something only if all that may go wrong did go wrong.
    assert {f for one in ran for f in one.features} == set(FEATURES)
    assert {f for one in ran for f in one.faults} == set(FAULTS)
    for what in ("done", "refused", "unknown", "killed", "reruns"):
        assert sum(getattr(one, what) for one in ran) > 100, what


def test_a_seed_runs_the_same_way_each_time() -> None:
    assert [run(seed, commands=300) for seed in range(5)] == [run(seed, commands=300) for seed in range(5)]


class Unguarded(SimBooks):
    """Books that write what they are told."""

    def _check(self, cell: Cell, row: Sequence[int], floor: int) -> None:
        pass


def test_reading_and_then_writing_oversells_in_the_same_harness() -> None:
    """The naive way: see whether there is enough, then take it, and nobody checks again while writing."""
    failures: list[str] = []
    for seed in range(24):
        try:
            run(seed, commands=1_000, books=Unguarded)
        except Failed as failure:
            failures.append(str(failure))
    assert all(" falls to -" in failure for failure in failures)
    assert sum("free falls to -" in failure for failure in failures) >= 3


class Forgetful(SimBooks):
    """Books that forget a key now and then, as a pruned table does."""

    def claimed(self, key: str) -> Any:
        return None if key.endswith("7") else super().claimed(key)


class Leaking(SimBooks):
    """Books whose outbox is written outside the transaction."""

    def emit(self, id: str, about: str) -> None:  # noqa: A002 - the field's word for it
        self.outbox[id] = about


class Blind(SimBooks):
    """Books that take a reservation whatever version was read."""

    def save_reservation(self, reservation: Any) -> None:
        old = self.reservation(reservation.id)
        own = type(reservation)
        r = reservation
        version = old.version if old else 0
        super().save_reservation(own(r.id, r.held, r.expires_at, r.channel, r.priority, version, r.ended, r.since))


@pytest.mark.parametrize("books", [Unguarded, Forgetful, Leaking, Blind])
def test_broken_books_are_found_within_a_few_seeds(books: type[SimBooks]) -> None:
    failures = []
    for seed in range(25):
        try:
            run(seed, commands=400, books=books)
        except Failed as failure:
            failures.append(str(failure))
            break
    assert failures, f"no seed noticed {books.__doc__}"
    assert "\n  k" in failures[0], "a failing seed prints its program"
