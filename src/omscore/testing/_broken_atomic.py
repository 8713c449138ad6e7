"""Stores that do half of a command, or one twice, and those that forget or mix up keys."""

# ruff: noqa: SLF001 - breaking a store means reaching into it
from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from omscore.testing._flaws import exchange, flaw


@flaw("no-rollback")
def _no_rollback(store: Any, txn: Any) -> None:
    """What a failed command wrote stays."""
    exchange(txn, abort=txn.commit)


def _outlives(name: str, method: str, text: str) -> None:
    def bend(store: Any, txn: Any) -> None:
        inner = getattr(txn, method)

        def bent(*a: Any, **k: Any) -> Any:
            mark = txn.mark()
            result = inner(*a, **k)
            del txn._undo[mark:]
            return result

        exchange(txn, **{method: bent})

    bend.__doc__ = text
    flaw(name)(bend)


_outlives("postings-outside", "post", "Movements are written outside the transaction: they outlive a failed command.")
_outlives("holds-outside", "save_reservation", "Reservations are written outside the transaction.")
_outlives("keys-outside", "claim", "Keys are claimed outside the transaction of their command.")
_outlives("records-outside", "put", "Records are written outside the transaction.")
_outlives("events-outside", "append", "Events are logged outside the transaction.")
_outlives("effects-outside", "emit", "Effects are sent to a queue outside the transaction.")
_outlives("answers-outside", "_settle", "Answers to leases are written outside the transaction.")


@flaw("interrupt-commits")
def _interrupt(store: Any, txn: Any) -> None:
    """Only errors are rolled back: an interruption commits what was written so far."""
    run = store.run

    def bent(work: Any, *, write: bool = True) -> Any:
        caught: list[BaseException] = []

        def guarded(t: Any) -> Any:
            try:
                return work(t)
            except Exception:
                raise
            except BaseException as error:  # noqa: BLE001 - the flaw
                caught.append(error)
                return None

        result = run(guarded, write=write)
        if caught:
            raise caught[0]
        return result

    exchange(store, run=bent)


@flaw("errors-swallowed")
def _swallowed(store: Any, txn: Any) -> None:
    """When the disk is full or a write fails, the command is answered as if it were done."""
    run = store.run

    def bent(work: Any, *, write: bool = True) -> Any:
        try:
            return run(work, write=write)
        except Exception:  # noqa: BLE001 - the flaw
            return None

    exchange(store, run=bent)


@flaw("done-twice")
def _twice(store: Any, txn: Any) -> None:
    """After a reply that was lost, the command is sent again without a key of its own: it is done twice."""
    run = store.run
    sent = count(1)

    def bent(work: Any, *, write: bool = True) -> Any:
        result = run(work, write=write)
        return run(work, write=write) if write and next(sent) % 3 == 0 else result

    exchange(store, run=bent)


@flaw("commands-nested")
def _nested(store: Any, txn: Any) -> None:
    """A command inside a command is let through, and commits half of the outer one."""
    run = store.run

    def bent(work: Any, *, write: bool = True) -> Any:
        store._depth = 0
        return run(work, write=write)

    exchange(store, run=bent)


class _AnyText(str):
    """Equal to every fingerprint."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


@flaw("key-ignored")
def _key_ignored(store: Any, txn: Any) -> None:
    """Keys are not kept: every repeat is done again."""
    exchange(txn, claimed=lambda key: None, claim=lambda key, fingerprint, result: None)


@flaw("key-without-content")
def _key_content(store: Any, txn: Any) -> None:
    """Only the key is compared, not what it stands for: other content gets the first answer."""
    claimed = txn.claimed

    def bent(key: str) -> Any:
        kept = claimed(key)
        return kept and (_AnyText(kept[0]), kept[1])

    exchange(txn, claimed=bent)


def _rekeyed(name: str, change: Callable[[str], str], text: str) -> None:
    def bend(store: Any, txn: Any) -> None:
        claimed, claim = txn.claimed, txn.claim
        exchange(
            txn, claimed=lambda key: claimed(change(key)), claim=lambda key, f, result: claim(change(key), f, result)
        )

    bend.__doc__ = text
    flaw(name)(bend)


_rekeyed("key-folded", lambda key: key.strip().lower(), "Keys are trimmed and compared without case.")
_rekeyed("key-cut", lambda key: key[:64], "Keys are cut to the width of a column.")


@flaw("key-pruned")
def _pruned(store: Any, txn: Any) -> None:
    """Keys are forgotten after a day: a late repeat is done again."""
    claimed, claim, at = txn.claimed, txn.claim, dict[str, datetime]()

    def late(key: str) -> bool:
        return key in at and txn.now() - at[key] > timedelta(days=1)

    def bent(key: str, fingerprint: str, result: Any) -> None:
        if late(key):
            del txn._claims[key]
        claim(key, fingerprint, result)
        at[key] = txn.now()

    exchange(txn, claim=bent, claimed=lambda key: None if late(key) else claimed(key))


@flaw("key-overwritten")
def _overwritten(store: Any, txn: Any) -> None:
    """Claiming a key again replaces its result."""
    claim = txn.claim

    def bent(key: str, fingerprint: str, result: Any) -> None:
        if key in txn._claims:
            txn._drop(txn._claims, key)
        claim(key, fingerprint, result)

    exchange(txn, claim=bent)


@flaw("results-as-text")
def _as_text(store: Any, txn: Any) -> None:
    """Results are kept as text and come back as text."""
    claim = txn.claim
    exchange(txn, claim=lambda key, f, result: claim(key, f, None if result is None else str(result)))


@flaw("keys-left-out")
def _keys_left_out(store: Any, txn: Any) -> None:
    """A page of keys leaves out the first one."""
    claims = txn.claims
    exchange(txn, claims=lambda *, after="", limit=1_000: claims(after=after, limit=limit + 1)[1:])
