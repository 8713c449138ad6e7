"""Stores that are broken on purpose, each in one way that was seen somewhere: they prove that the rules bite.

Each is a MemoryStore with one thing done wrong; `FLAWS` names what it is and which rules must catch it, and no others.
"""

# ruff: noqa: SLF001 - breaking a store means reaching into it
from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from attrs import frozen

from omscore.adapters import MemoryStore
from omscore.inventory import Cell, Figures, Short, Stored
from omscore.ports import Clock, Store
from omscore.testing._bench import Backing
from omscore.testing._broken_races import Autocommit, DirtyReads, KeysRemembered, LostUpdate, ReadCommitted, Unlocked
from omscore.testing._caught import CAUGHT, SOMETIMES


@frozen
class Flaw:
    """One way to be broken: a name, a sentence, the rules that catch it, and those that do by luck of timing.

    >>> FLAWS["floor-ignored"].text
    'Floors are not checked, nor whether any bucket falls below 0.'
    """

    name: str
    text: str
    make: Callable[[Clock], Store]
    caught_by: frozenset[str]
    sometimes: frozenset[str] = frozenset()
    concurrent: bool = False

    def backing(self) -> Backing:
        """A store with this flaw and nothing in it.

        >>> FLAWS["key-ignored"].backing().connect(None).run(lambda txn: txn.claimed("web-1"))
        """
        return Backing(self.make)


FLAWS: dict[str, Flaw] = {}
"""The broken stores, by name."""

Bend = Callable[[Any, Any], None]


def _add(name: str, bend: Callable[..., Any], make: Callable[[Clock], Store], *, concurrent: bool = False) -> None:
    text = " ".join((bend.__doc__ or "").split())
    rules = frozenset(CAUGHT.get(name, "").split())
    FLAWS[name] = Flaw(name, text, make, rules, frozenset(SOMETIMES.get(name, "").split()), concurrent)


def _flaw(name: str) -> Callable[[Bend], Bend]:
    """A flaw made by replacing methods of a memory store's one transaction."""

    def made(bend: Bend) -> Bend:
        def make(clock: Clock) -> Store:
            store = MemoryStore(clock)
            bend(store, store.run(lambda txn: txn))
            return store

        _add(name, bend, make)
        return bend

    return made


def _set(where: Any, **methods: Any) -> None:
    vars(where).update(methods)


# -- floors and figures -------------------------------------------------------------------------------------------


@_flaw("floor-ignored")
def _floor_ignored(store: Any, txn: Any) -> None:
    """Floors are not checked, nor whether any bucket falls below 0."""
    _set(txn, _check=lambda *_: None)


@_flaw("floor-per-line")
def _floor_per_line(store: Any, txn: Any) -> None:
    """Each line is checked against the same figure, as if it were the only one of its item."""
    post, check = txn.post, txn._check

    def bent(movements: Any, floors: Any, **k: Any) -> None:
        figures = txn.figures({m.cell for m in movements})
        for m in movements:
            if m.source == "free" and figures[m.cell].free - m.units < floors.get(m.cell, 0):
                raise Short(m.cell, floors.get(m.cell, 0))
        _set(txn, _check=lambda cell, row, floor: check(cell, row, 0) if row[0] >= 0 else None)
        try:
            post(movements, {}, **k)
        finally:
            _set(txn, _check=check)

    _set(txn, post=bent)


@_flaw("floor-always-zero")
def _floor_zero(store: Any, txn: Any) -> None:
    """The floors of a posting are not passed on: only 0 is kept."""
    post = txn.post
    _set(txn, post=lambda movements, floors, **k: post(movements, {}, **k))


@_flaw("floor-stops-receipts")
def _floor_receipts(store: Any, txn: Any) -> None:
    """A floor above the free units stops receiving and releasing too."""
    check = txn._check

    def bent(cell: Any, row: Any, floor: int) -> None:
        if row[0] < floor:
            raise Short(cell, floor)
        check(cell, row, floor)

    _set(txn, _check=bent)


@_flaw("only-free-guarded")
def _only_free(store: Any, txn: Any) -> None:
    """Only free units are kept from falling below 0; the other buckets are not."""
    check = txn._check

    def bent(cell: Any, row: Any, floor: int) -> None:
        check(cell, [row[0], *(max(0, n) for n in row[1:])], floor)

    _set(txn, _check=bent)


@_flaw("quantities-as-floats")
def _floats(store: Any, txn: Any) -> None:
    """Quantities pass through a column of floating point."""
    post = txn.post
    _set(txn, post=lambda ms, floors, **k: post([m._replace(units=int(float(m.units))) for m in ms], floors, **k))


@_flaw("long-commands-cut")
def _cut(store: Any, txn: Any) -> None:
    """Only the first hundred movements of a command are written."""
    post = txn.post
    _set(txn, post=lambda movements, floors, **k: post(movements[:100], floors, **k))


@_flaw("pools-merged")
def _pools(store: Any, txn: Any) -> None:
    """The pool is no part of a cell's key."""
    post, figures = txn.post, txn.figures

    def plain(cell: Cell) -> Cell:
        return cell._replace(pool="")

    _set(
        txn,
        post=lambda ms, floors, **k: post([m._replace(cell=plain(m.cell)) for m in ms], floors, **k),
        figures=lambda cells: {c: figures([plain(c)])[plain(c)] for c in cells},
    )


@_flaw("names-folded")
def _folded(store: Any, txn: Any) -> None:
    """Item names are compared as some databases do: without case, and with accents composed."""
    post, figures = txn.post, txn.figures

    def fold(cell: Cell) -> Cell:
        return cell._replace(item=unicodedata.normalize("NFC", cell.item).upper())

    _set(
        txn,
        post=lambda ms, floors, **k: post([m._replace(cell=fold(m.cell)) for m in ms], floors, **k),
        figures=lambda cells: {c: figures([fold(c)])[fold(c)] for c in cells},
    )


@_flaw("own-writes-unseen")
def _unseen(store: Any, txn: Any) -> None:
    """Figures are read from before the command, without its own writes."""
    begin, committed = txn.begin, dict[Cell, Figures]()
    figures = txn.figures

    def bent() -> None:
        begin()
        committed.clear()
        committed.update(txn._figures)

    _set(txn, begin=bent, figures=lambda cells: {c: committed.get(c, Figures()) for c in cells})
    figures([])


# -- all or nothing -----------------------------------------------------------------------------------------------


@_flaw("no-rollback")
def _no_rollback(store: Any, txn: Any) -> None:
    """What a failed command wrote stays."""
    _set(txn, abort=txn.commit)


def _outlives(name: str, method: str, text: str) -> None:
    def bend(store: Any, txn: Any) -> None:
        inner = getattr(txn, method)

        def bent(*a: Any, **k: Any) -> Any:
            mark = txn.mark()
            result = inner(*a, **k)
            del txn._undo[mark:]
            return result

        _set(txn, **{method: bent})

    bend.__doc__ = text
    _flaw(name)(bend)


_outlives("postings-outside", "post", "Movements are written outside the transaction: they outlive a failed command.")
_outlives("holds-outside", "save_reservation", "Reservations are written outside the transaction.")
_outlives("keys-outside", "claim", "Keys are claimed outside the transaction of their command.")
_outlives("records-outside", "put", "Records are written outside the transaction.")
_outlives("events-outside", "append", "Events are logged outside the transaction.")
_outlives("effects-outside", "emit", "Effects are sent to a queue outside the transaction.")
_outlives("answers-outside", "_settle", "Answers to leases are written outside the transaction.")


@_flaw("interrupt-commits")
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

    _set(store, run=bent)


@_flaw("errors-swallowed")
def _swallowed(store: Any, txn: Any) -> None:
    """When the disk is full or a write fails, the command is answered as if it were done."""
    run = store.run

    def bent(work: Any, *, write: bool = True) -> Any:
        try:
            return run(work, write=write)
        except Exception:  # noqa: BLE001 - the flaw
            return None

    _set(store, run=bent)


@_flaw("done-twice")
def _twice(store: Any, txn: Any) -> None:
    """After a reply that was lost, the command is sent again without a key of its own: it is done twice."""
    run = store.run
    sent = count(1)

    def bent(work: Any, *, write: bool = True) -> Any:
        result = run(work, write=write)
        return run(work, write=write) if write and next(sent) % 3 == 0 else result

    _set(store, run=bent)


@_flaw("commands-nested")
def _nested(store: Any, txn: Any) -> None:
    """A command inside a command is let through, and commits half of the outer one."""
    run = store.run

    def bent(work: Any, *, write: bool = True) -> Any:
        store._depth = 0
        return run(work, write=write)

    _set(store, run=bent)


# -- keys ---------------------------------------------------------------------------------------------------------


class _AnyText(str):
    """Equal to every fingerprint."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


@_flaw("key-ignored")
def _key_ignored(store: Any, txn: Any) -> None:
    """Keys are not kept: every repeat is done again."""
    _set(txn, claimed=lambda key: None, claim=lambda key, fingerprint, result: None)


@_flaw("key-without-content")
def _key_content(store: Any, txn: Any) -> None:
    """Only the key is compared, not what it stands for: other content gets the first answer."""
    claimed = txn.claimed

    def bent(key: str) -> Any:
        kept = claimed(key)
        return kept and (_AnyText(kept[0]), kept[1])

    _set(txn, claimed=bent)


def _rekeyed(name: str, change: Callable[[str], str], text: str) -> None:
    def bend(store: Any, txn: Any) -> None:
        claimed, claim = txn.claimed, txn.claim
        _set(txn, claimed=lambda key: claimed(change(key)), claim=lambda key, f, result: claim(change(key), f, result))

    bend.__doc__ = text
    _flaw(name)(bend)


_rekeyed("key-folded", lambda key: key.strip().lower(), "Keys are trimmed and compared without case.")
_rekeyed("key-cut", lambda key: key[:64], "Keys are cut to the width of a column.")


@_flaw("key-pruned")
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

    _set(txn, claim=bent, claimed=lambda key: None if late(key) else claimed(key))


@_flaw("key-overwritten")
def _overwritten(store: Any, txn: Any) -> None:
    """Claiming a key again replaces its result."""
    _set(txn, claim=lambda key, fingerprint, result: txn._set(txn._claims, key, (fingerprint, result)))


@_flaw("results-as-text")
def _as_text(store: Any, txn: Any) -> None:
    """Results are kept as text and come back as text."""
    claim = txn.claim
    _set(txn, claim=lambda key, f, result: claim(key, f, None if result is None else str(result)))


@_flaw("keys-left-out")
def _keys_left_out(store: Any, txn: Any) -> None:
    """A page of keys leaves out the first one."""
    claims = txn.claims
    _set(txn, claims=lambda *, after="", limit=1_000: claims(after=after, limit=limit + 1)[1:])


# -- the journal --------------------------------------------------------------------------------------------------


@_flaw("numbers-with-gaps")
def _gaps(store: Any, txn: Any) -> None:
    """Numbers come from a sequence: what fails takes one along."""
    post, abort, lost = txn.post, txn.abort, dict[Any, int]()

    def bent(movements: Any, floors: Any, **k: Any) -> None:
        for cell in {m.cell for m in movements}:
            figures = txn.figures([cell])[cell]
            if lost.get(cell) and figures.version:
                txn._figures[cell] = figures._replace(version=figures.version + lost.pop(cell))
            lost.setdefault(cell, 0)
        post(movements, floors, **k)

    def burn() -> None:
        for cell in lost:
            lost[cell] += 1
        abort()

    _set(txn, post=bent, abort=burn)


@_flaw("entries-edited")
def _edited(store: Any, txn: Any) -> None:
    """A movement that undoes the one before it is booked by editing that one."""
    post = txn.post

    def bent(movements: Any, floors: Any, **k: Any) -> None:
        post(movements, floors, **k)
        for m in movements:
            rows = txn._entries[m.cell]
            if len(rows) > 1 and rows[-2][2:4] == (m.target, m.source):
                old = rows[-2]
                rows[-2] = new = (old[0], rows[-1][1], *old[2:6], m.cause, *old[7:])
                txn._journal[txn._journal.index(old)] = new

    _set(txn, post=bent)


@_flaw("journal-by-cell")
def _by_cell(store: Any, txn: Any) -> None:
    """The journal of all cells comes sorted by cell, not as it was recorded."""
    journal = txn.journal

    def bent(cell: Any = None, *, after: int = 0, limit: int | None = None) -> Any:
        if cell is not None:
            return journal(cell, after=after, limit=limit)
        rows = sorted(journal(), key=lambda e: e.movement.cell)
        return rows[after : None if limit is None else after + limit]

    _set(txn, journal=bent)


@_flaw("business-time-lost")
def _business(store: Any, txn: Any) -> None:
    """When a movement happened in the business is kept to the second."""
    post = txn.post

    def cut(m: Any) -> Any:
        return m if m.effective_at is None else m._replace(effective_at=m.effective_at.replace(microsecond=0))

    _set(txn, post=lambda ms, floors, **k: post([cut(m) for m in ms], floors, **k))


@_flaw("newest-snapshot")
def _newest(store: Any, txn: Any) -> None:
    """Looking back starts from the newest figures kept, whichever time was asked."""
    snapshot = txn.snapshot
    _set(txn, snapshot=lambda cell, *, upto: snapshot(cell, upto=10**9))


@_flaw("import-times-lost")
def _import_times(store: Any, txn: Any) -> None:
    """An import is recorded as if everything had happened now."""
    post = txn.post

    def bent(movements: Any, floors: Any, *, recorded_at: Any = None) -> None:
        post(movements, floors)

    _set(txn, post=bent)


# -- holds, records, time -----------------------------------------------------------------------------------------


@_flaw("hold-version-unchecked")
def _hold_version(store: Any, txn: Any) -> None:
    """A reservation is written whatever version was read: the last writer wins."""
    save = txn.save_reservation

    def bent(r: Any) -> None:
        old = txn.reservation(r.id)
        save(type(r)(r.id, r.held, r.expires_at, r.channel, r.priority, old.version if old else 0, r.ended, r.since))

    _set(txn, save_reservation=bent)


@_flaw("holders-stale")
def _holders(store: Any, txn: Any) -> None:
    """Once listed at a cell, a reservation stays listed there."""
    _set(txn, reservations_at=lambda cell: [r for r in txn.reservations() if cell in seen(r)])
    save, ever = txn.save_reservation, dict[str, set[Any]]()

    def seen(r: Any) -> set[Any]:
        return ever.get(r.id, set())

    def bent(r: Any) -> None:
        save(r)
        ever.setdefault(r.id, set()).update(cell for cell, _ in r.held)

    _set(txn, save_reservation=bent)


@_flaw("expiry-by-wall-clock")
def _wall(store: Any, txn: Any) -> None:
    """What is due is decided by the machine's clock, not by the time that was asked."""
    due = txn.reservations_due
    _set(txn, reservations_due=lambda at, **k: due(datetime.now(UTC) - timedelta(days=36_500), **k))


@_flaw("expiry-too-late")
def _late(store: Any, txn: Any) -> None:
    """A hold is due after its deadline, not at it."""
    due = txn.reservations_due
    _set(txn, reservations_due=lambda at, **k: due(at - timedelta(microseconds=1), **k))


@_flaw("expiry-of-all-cells")
def _due_cells(store: Any, txn: Any) -> None:
    """What is due is listed for all cells, whichever was asked."""
    due = txn.reservations_due
    _set(txn, reservations_due=lambda at, *, cell=None, limit=1_000: due(at, limit=limit))


@_flaw("clock-goes-back")
def _back(store: Any, txn: Any) -> None:
    """The store's time follows its clock backwards."""
    _set(txn, now=txn._clock)


@_flaw("record-version-unchecked")
def _record_version(store: Any, txn: Any) -> None:
    """A record is written whatever version was read."""
    put = txn.put

    def bent(kind: str, id_: str, value: Any, *, version: int, index: Any = None) -> None:
        old = txn.get(kind, id_)
        put(kind, id_, value, version=old.version if old else 0, index=index)

    _set(txn, put=bent)


@_flaw("index-left-behind")
def _index(store: Any, txn: Any) -> None:
    """Index entries that a record no longer has stay."""
    put = txn.put

    def bent(kind: str, id_: str, value: Any, *, version: int, index: Any = None) -> None:
        put(kind, id_, value, version=version, index={**txn._indexed.get((kind, id_), {}), **(index or {})})

    _set(txn, put=bent)


@_flaw("index-end-excluded")
def _upto(store: Any, txn: Any) -> None:
    """`upto` leaves out what lies exactly at it."""
    find = txn.find

    def bent(kind: str, index: str, *, upto: Any = None, **k: Any) -> Any:
        return [row for row in find(kind, index, upto=upto, **k) if upto is None or row[0] < upto]

    _set(txn, find=bent)


@_flaw("kinds-mixed")
def _kinds(store: Any, txn: Any) -> None:
    """Records are found by id alone."""
    get, put = txn.get, txn.put
    _set(
        txn,
        get=lambda kind, id_: get("", id_),
        put=lambda kind, id_, value, *, version, index=None: put(
            "", id_, value, version=getattr(get("", id_) or Stored(0, 0), "version", 0), index=index
        ),
    )


@_flaw("log-off-by-one")
def _log(store: Any, txn: Any) -> None:
    """A page of the log begins one too early."""
    log = txn.log
    _set(txn, log=lambda *, after=0, limit=1_000: log(after=max(0, after - 1), limit=limit))


# -- the outbox ---------------------------------------------------------------------------------------------------


@_flaw("outbox-by-cursor")
def _cursor(store: Any, txn: Any) -> None:
    """A relay remembers how far it came, and never looks back: what was given out once is not given out again."""
    lease, given = txn.lease, set[str]()

    def bent(worker: str, **k: Any) -> Any:
        found = [one for one in lease(worker, **k) if one.effect.id not in given]
        given.update(one.effect.id for one in found)
        return found

    _set(txn, lease=bent)


@_flaw("outbox-unordered")
def _unordered(store: Any, txn: Any) -> None:
    """Effects of one key are given out all at once."""
    emit = txn.emit
    _set(txn, emit=lambda effects: emit([type(e)(e.id, e.topic, e.payload, "", e.due_at) for e in effects]))


@_flaw("outbox-newest-first")
def _newest_first(store: Any, txn: Any) -> None:
    """The newest effect is given out first."""
    emit = txn.emit
    _set(txn, emit=lambda effects: emit(list(effects)[::-1]))


@_flaw("lease-shared")
def _shared(store: Any, txn: Any) -> None:
    """A lease keeps nobody else away."""
    lease = txn.lease
    _set(txn, lease=lambda worker, *, limit, seconds: lease(worker, limit=limit, seconds=0))


@_flaw("lease-for-ever")
def _for_ever(store: Any, txn: Any) -> None:
    """A lease never runs out: when its worker dies, its effect is stuck."""
    lease = txn.lease
    _set(txn, lease=lambda worker, *, limit, seconds: lease(worker, limit=limit, seconds=10**9))


@_flaw("late-answers-count")
def _late_answers(store: Any, txn: Any) -> None:
    """An answer is taken from whoever gives it, whatever became of the lease."""

    def bent(leased: Any, state: str, error: str, due_at: Any) -> bool:
        row = txn._effects.get(leased.effect.id)
        if row is None:
            return False
        txn._set(txn._effects, leased.effect.id, (row[0], state, row[2] + 1, error, "", due_at))
        if state in ("done", "parked"):
            txn._open.pop(leased.effect.id, None)
        return True

    _set(txn, _settle=bent)


@_flaw("effects-doubled")
def _doubled(store: Any, txn: Any) -> None:
    """An effect that was told already is told again when it is emitted again."""
    emit = txn.emit

    def bent(effects: Any) -> None:
        effects = list(effects)
        for e in effects:
            if e.id in txn._effects and e.id not in txn._open:
                del txn._effects[e.id]
        emit(effects)

    _set(txn, emit=bent)


@_flaw("parked-comes-back")
def _parked(store: Any, txn: Any) -> None:
    """Parking only puts off."""
    _set(txn, park=lambda leased, *, error: txn._settle(leased, "waiting", error, None))


@_flaw("effects-too-early")
def _early(store: Any, txn: Any) -> None:
    """An effect's own time is not waited for."""
    emit = txn.emit
    _set(txn, emit=lambda effects: emit([type(e)(e.id, e.topic, e.payload, e.key) for e in effects]))


# -- several clients ----------------------------------------------------------------------------------------------


for _name, _kind in (
    ("keys-remembered", KeysRemembered),
    ("lost-update", LostUpdate),
    ("two-transactions", Autocommit),
    ("dirty-reads", DirtyReads),
    ("no-isolation", Unlocked),
):
    _add(_name, _kind, _kind, concurrent=True)


__all__ = ["Flaw", "FLAWS", "ReadCommitted"]
