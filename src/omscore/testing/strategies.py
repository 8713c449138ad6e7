"""Hypothesis strategies for an adapter's own properties: cells, movements, reservations, effects. Needs hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from omscore.inventory import HELD, MOVES, Cell, Movement, Reservation
from omscore.ports import Effect

_NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
_TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - see there


def cells() -> st.SearchStrategy[Cell]:
    """Cells with names of every script, some with pools and lots.

    >>> from hypothesis import given
    >>> @given(cells())
    ... def every_cell_is_somewhere(cell):
    ...     assert cell.item and cell.node
    >>> every_cell_is_somewhere()
    """
    return st.builds(Cell, _NAMES, _NAMES, st.just("") | _NAMES, st.just("") | _NAMES)


def movements(cell: st.SearchStrategy[Cell] | None = None) -> st.SearchStrategy[Movement]:
    """Movements that the table of verbs allows, of up to a million units.

    >>> from hypothesis import given
    >>> @given(movements())
    ... def what_ships_is_with_the_customer(movement):
    ...     assert movement.verb != "ship" or movement.target == "customer"
    >>> what_ships_is_with_the_customer()
    """
    verbs = st.sampled_from([(verb, *pair) for verb, pairs in MOVES.items() for pair in pairs])

    def moved(at: Cell, move: tuple[str, str, str], units: int, cause: str, holder: str, when: Any) -> Movement:
        verb, source, target = move
        return Movement(at, source, target, units, verb, cause, holder, when)

    at = cells() if cell is None else cell
    return st.builds(moved, at, verbs, st.integers(1, 1_000_000), _NAMES, st.just("") | _NAMES, st.none() | _TIMES)


def reservations() -> st.SearchStrategy[Reservation]:
    """Reservations that were never saved, holding units in up to five cells.

    >>> from hypothesis import given
    >>> @given(reservations())
    ... def none_was_saved_yet(reservation):
    ...     assert reservation.version == 0
    >>> none_was_saved_yet()
    """
    held = st.dictionaries(st.tuples(cells(), st.sampled_from(HELD)), st.integers(1, 1_000), max_size=5)
    return st.builds(
        lambda *five: Reservation(*five),  # noqa: PLW0108 - hypothesis would fill in the other fields by itself
        _NAMES,
        held,
        st.none() | _TIMES,
        st.just("") | _NAMES,
        st.integers(0, 9),
    )


def effects() -> st.SearchStrategy[Effect]:
    """Effects with plain payloads, some with a key and some with a time.

    >>> from hypothesis import given
    >>> @given(effects())
    ... def all_are_notices(effect):
    ...     assert effect.topic == "notify.x"
    >>> all_are_notices()
    """
    payloads = st.dictionaries(_NAMES, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), max_size=4)
    return st.builds(Effect, _NAMES, st.just("notify.x"), payloads, st.just("") | _NAMES, st.none() | _TIMES)


__all__ = ["cells", "movements", "reservations", "effects"]
