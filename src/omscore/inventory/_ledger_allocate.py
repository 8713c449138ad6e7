"""The ledger's commands on reservations: reserve, outrank, extend, expire, allocate, release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from omscore.errors import InvalidValue
from omscore.inventory import _allocate, _outrank, _reserve
from omscore.inventory._backorders import PRIORITY_MAX
from omscore.inventory._books import Held, LedgerTransaction, Reservation
from omscore.inventory._cells import Cell
from omscore.inventory._commands import Commands, shares_or_all, text_of, units_of, wants_of
from omscore.inventory._once import fingerprint_of, run_given
from omscore.inventory._reserve import Selector, Want
from omscore.kernel.given import flags, of_kind, shown, text
from omscore.kernel.ids import key as checked_key
from omscore.kernel.quantities import quantity


class Allocating(Commands):
    """Who gets which units."""

    def reserve(
        self,
        reservation: str,
        wants: Sequence[Want],
        *,
        key: str,
        expires_in: timedelta | None = None,
        policy: str = "all",
        channel: str = "",
        priority: int = 0,
        quotas: Mapping[str, int] | None = None,
        select: Selector | None = None,
        not_after: datetime | None = None,
    ) -> _reserve.Reserved:
        """Hold units softly for an owner; see :func:`omscore.inventory.reserve`.

        >>> from omscore.inventory import Ledger, Want
        >>> Ledger.in_memory().reserve("ord-1", [Want("SKU-1", 3)], key="web-1", policy="partial").short
        {'SKU-1': 3}
        """
        checked_key(reservation, "reservation")
        if (
            type(priority) is not int
            or priority
            or type(channel) is not str
            or quotas is not None
            or select is not None
        ):
            _check_terms(priority, channel, quotas, select)
        checked_key(key)
        # The repr of ("reserve", reservation, wants_of(wants), expires_in, policy, channel, priority).
        wanted = text_of(wants)
        content = f"('reserve', {reservation!r}, {wanted}, {expires_in!r}, {policy!r}, {channel!r}, {priority!r})"
        given = (reservation, wants, key, expires_in, policy, channel, priority, quotas, select)
        return run_given(self.store, key, fingerprint_of(content), self._reserve, given, not_after)

    def _reserve(
        self,
        txn: LedgerTransaction,
        reservation: str,
        wants: Sequence[Want],
        key: str,
        expires_in: timedelta | None,
        policy: str,
        channel: str,
        priority: int,
        quotas: Mapping[str, int] | None,
        select: Selector | None,
    ) -> _reserve.Reserved:
        return _reserve.reserve(
            txn,
            reservation,
            wants,
            cause=key,
            expires_in=expires_in,
            policy=policy,
            floors=self._floors(txn, [w.item for w in wants], channel) if self.buffers else _reserve.NO_FLOORS,
            channel=channel,
            priority=priority,
            quotas=quotas,
            select=select,
        )

    def outrank(
        self,
        reservation: str,
        wants: Sequence[Want],
        *,
        key: str,
        priority: int,
        expires_in: timedelta | None = None,
        channel: str = "",
        hard: bool = False,
        not_after: datetime | None = None,
    ) -> _outrank.Outranked:
        """Reserve all of it, taking from lower priorities if need be; see :func:`omscore.inventory.outrank`.

        >>> from omscore.inventory import Cell, Ledger, Want
        >>> ledger = Ledger.in_memory()
        >>> _ = ledger.receive({Cell("SKU-1", "ghent"): 1}, key="dock-7")
        >>> _ = ledger.reserve("ord-1", [Want("SKU-1", 1)], key="web-1")
        >>> ledger.outrank("ord-2", [Want("SKU-1", 1)], key="vip-1", priority=9).victims[0].reservation
        'ord-1'
        """
        checked_key(reservation, "reservation")
        _check_terms(priority, channel)
        flags(hard=hard)
        return self._once(
            key,
            ("outrank", reservation, wants_of(wants), expires_in, channel, priority, hard),
            lambda txn: _outrank.outrank(
                txn,
                reservation,
                wants,
                cause=key,
                priority=priority,
                expires_in=expires_in,
                floors=self._floors(txn, (w.item for w in wants), channel),
                channel=channel,
                hard=hard,
            ),
            not_after,
        )

    def extend(
        self, reservation: str, expires_in: timedelta | None, *, key: str, not_after: datetime | None = None
    ) -> Reservation:
        """Give a reservation more time; see :func:`omscore.inventory.extend`.

        >>> from omscore.inventory import Ledger
        >>> Ledger.in_memory().extend("ord-1", None, key="pay-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no reservation with id 'ord-1'
        """
        checked_key(reservation, "reservation")
        return self._once(
            key,
            ("extend", reservation, expires_in),
            lambda txn: _reserve.extend(txn, reservation, expires_in),
            not_after,
        )

    def expire(self, *, key: str, limit: int = 1_000) -> tuple[str, ...]:
        """End what has run out by the store's clock; returns the reservations' ids.

        >>> from omscore.inventory import Ledger
        >>> Ledger.in_memory().expire(key="tick-1")
        ()
        """
        quantity(limit, "limit", at_least=0)
        return self._once(key, ("expire", limit), lambda txn: _reserve.expire(txn, cause=key, limit=limit), None)

    def allocate(
        self,
        reservation: str,
        cells: Mapping[Cell, int],
        *,
        key: str,
        rest: Literal["keep", "release"] = "keep",
        not_after: datetime | None = None,
    ) -> _allocate.Allocated:
        """Turn units hard at nodes; see :func:`omscore.inventory.allocate`.

        Raises InvalidValue where none are named: to give all back, release the reservation.

        >>> from omscore.inventory import Cell, Ledger
        >>> ledger, cell = Ledger.in_memory(), Cell("SKU-1", "ghent")
        >>> _ = ledger.receive({cell: 5}, key="dock-7")
        >>> _ = ledger.allocate("ord-1", {cell: 2}, key="route-1")
        >>> ledger.figures(cell).allocated
        2
        """
        checked_key(reservation, "reservation")
        return self._once(
            key,
            ("allocate", reservation, units_of(cells), rest),
            lambda txn: _allocate.allocate(
                txn, reservation, cells, cause=key, floors=self._floors(txn, (c.item for c in cells)), rest=rest
            ),
            not_after,
        )

    def release(
        self,
        reservation: str,
        cells: Mapping[Held, int] | None = None,
        *,
        key: str,
        not_after: datetime | None = None,
    ) -> int:
        """Give units back, all of them unless named; see :func:`omscore.inventory.release`.

        >>> from omscore.inventory import Ledger
        >>> Ledger.in_memory().release("ord-1", key="cancel-1")
        0
        """
        checked_key(reservation, "reservation")
        return self._once(
            key,
            ("release", reservation, shares_or_all(cells)),
            lambda txn: _allocate.release(txn, reservation, cells, cause=key),
            not_after,
        )


def _check_terms(
    priority: object, channel: object, quotas: Mapping[str, int] | None = None, select: Selector | None = None
) -> None:
    if type(priority) is not int or abs(priority) > PRIORITY_MAX:
        must = f"priority must be a whole number up to {PRIORITY_MAX}, the larger the sooner served"
        raise InvalidValue(f"{must}, not {shown(priority)}")
    text("channel", channel)
    if quotas is not None:
        of_kind("quotas", quotas, Mapping, "{'SKU-1': 5}")
        for item, n in quotas.items():
            quantity(n, f"quota of {item!r}", at_least=0)
    if select is not None and not callable(select):
        raise InvalidValue(f"select must be a selector of lots, such as fefo(day), not {shown(select)}")
