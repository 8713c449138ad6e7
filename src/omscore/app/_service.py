"""What every part of the service stands on: the store, the wiring, and commands that run once per key."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from attrs import asdict

from omscore.app._wiring import Wiring
from omscore.app._work import Work
from omscore.errors import InvariantBroken, KeyReused, NotFound, OmsError, StoreError
from omscore.inventory import fingerprint, run_once
from omscore.kernel import key
from omscore.ports import Store, Transaction

T = TypeVar("T")
log = logging.getLogger("omscore")
log.addHandler(logging.NullHandler())


class Service:
    """A store and what was wired to it; the parts of :class:`omscore.Oms` are built on this."""

    _store: Store
    _wiring: Wiring

    def _command(self, name: str, key_: str, content: tuple[object, ...], work: Callable[[Work], T]) -> T:
        """Run a command once per key, in one transaction."""
        key(key_)
        print_ = fingerprint(name, *content)

        def run(txn: Transaction) -> T:
            return work(Work(txn, self._wiring, key_))

        result = run_once(self._store, key_, print_, run)
        self._saw(name, key=key_)
        return result

    def _read(self, work: Callable[[Work], T]) -> T:
        return self._store.run(lambda txn: work(Work(txn, self._wiring, "")), write=False)

    @staticmethod
    def _none_of(work: Work, order_id: str | None) -> list[Any]:
        """Nothing was found of an order: right if there is such an order, and NotFound if there is none."""
        if order_id is not None:
            work.order(order_id)
        return []

    def _in_time(self, what: str, id_: str, work: Callable[[Work], T]) -> T | None:
        """Do what time has brought for one record; where that fails it is tried next time, and nobody else waits."""
        try:
            return self._store.run(lambda txn: work(Work(txn, self._wiring, "tick")))
        except Exception as wrong:  # noqa: BLE001 - a host's guards run in here: one record's failure is its own
            told_of(wrong)
            log.warning("tick: %s of %s failed: %s", what, id_, type(wrong).__name__)
            self._saw("tick_failed", step=what, id=id_, error=type(wrong).__name__)
            return None

    def _saw(self, what: str, **facts: Any) -> None:
        log.debug("%s %s", what, facts)
        saw(self._wiring, what, facts)


def saw(wiring: Wiring, what: str, facts: Mapping[str, Any]) -> None:
    """Tell the observer what was done; one that fails changes nothing about it."""
    if wiring.observer is not None:
        try:
            wiring.observer.saw(what, facts)
        except Exception as failed:  # noqa: BLE001 - an observer is a host's code: what was done is done
            log.warning("observer failed on %s: %s", what, type(failed).__name__)


def content_of(draft: Any) -> str:
    """The whole content of a draft or a change as text that is the same for the same content, in every process."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return sorted((str(k), plain(v)) for k, v in value.items())
        if isinstance(value, (set, frozenset)):
            return sorted(map(str, value))
        if isinstance(value, (list, tuple)):
            return [plain(v) for v in value]
        return value

    return repr(plain(asdict(draft)))


def told_of(wrong: Exception) -> str:
    """What may be told of an error that is one order's or one message's own; anything else is raised again.

    That the store cannot serve, or that we have a bug, is everybody's matter. Of what a host's code raises only the
    kind is told: its text may name a customer.
    """
    if isinstance(wrong, InvariantBroken):
        raise wrong
    if isinstance(wrong, StoreError) and not isinstance(wrong, (NotFound, KeyReused)):
        raise wrong
    return str(wrong) if isinstance(wrong, OmsError) else type(wrong).__name__
