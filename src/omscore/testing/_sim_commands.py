"""What the clients of the simulation send: commands drawn from a seed, and how each is done."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from attrs import field, frozen

from omscore import inventory
from omscore.inventory import Buffer, Cell, Want, floors, newest_first
from omscore.kernel.rng import Rng

ITEMS, NODES = ("A", "B", "C", "D"), ("ghent", "lille")
_FENCE = "web"
_KEPT = (Buffer(units=2, item="B"), Buffer(percent=10))

# What each feature lets clients send, besides receipts, reservations and releases.
_VERBS: dict[str, tuple[str, ...]] = {
    "allocate": ("allocate", "allocate", "allocate"),
    "ship": ("pick", "pack", "ship"),
    "damage": ("damage",),
    "count": ("count",),
    "sweeper": ("expire",),
    "extend": ("extend",),
    "transfer": ("send", "arrive", "lose"),
    "pools": ("repool",),
    "aside": ("quarantine", "restore", "scrap"),
    "returns": ("return_stock", "short_pick"),
    "outrank": ("outrank",),
    "supply": ("expect", "fill", "repromise"),
    "correct": ("correct",),
}

FEATURES = ("expiry", "lines", "partial", "backorder", "hot", "buffers", "victims", *_VERBS)
"""What a seed may switch on: expiring holds, several lines, and so on; `hot` is one item that everybody wants."""


@frozen
class Command:
    """One command of a client: its key, its verb, and what it is about."""

    key: str
    verb: str
    args: tuple[Any, ...]


@frozen
class Sender:
    """Draws commands: which verbs there are is the features' choice, the rest the seed's."""

    rng: Rng
    features: Collection[str]
    _extra: tuple[str, ...] = field(init=False)
    _sent: list[str] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        extra = [verb for feature, verbs in _VERBS.items() if feature in self.features for verb in verbs]
        object.__setattr__(self, "_extra", (*extra, "release", "release"))

    def fresh(self, key: str) -> Command:
        """A command that was not sent before."""
        rng = self.rng
        at = rng.below(20)
        verb = "receive" if at < 4 else "reserve" if at < 11 else rng.choice(self._extra)
        return Command(key, verb, self._args(key, verb))

    def _args(self, key: str, verb: str) -> tuple[Any, ...]:
        rng, has = self.rng, self.features
        item = ITEMS[0] if "hot" in has and rng.below(4) else rng.choice(ITEMS)
        pool = _FENCE if "pools" in has and rng.below(3) == 0 else ""
        holder, cell, units = f"o{rng.below(40)}", Cell(item, rng.choice(NODES), pool), 1 + rng.below(4)
        hits = "victims" in has and rng.below(2) == 0
        match verb:
            case "receive":
                return cell, 3 * units
            case "reserve":
                lines = ((item, units), (rng.choice(ITEMS), 1)) if "lines" in has and rng.below(2) else ((item, units),)
                minutes = rng.below(20) if "expiry" in has and rng.below(2) else None
                policy = rng.choice([p for p in ("all", "partial", "backorder") if p == "all" or p in has])
                return holder, lines, minutes, policy, (pool, "") if pool else ("",)
            case "allocate":
                return holder, cell, units
            case "pick" | "pack" | "ship" | "short_pick":
                return holder, cell, 1
            case "damage" | "quarantine" | "scrap":
                return cell, 1, hits
            case "restore" | "return_stock":
                return cell, 1
            case "count":
                return cell, 2 * units, hits
            case "extend":
                return holder, rng.below(20)
            case "send":
                self._sent.append(key)
                return key, cell, units, NODES[cell.node == NODES[0]]
            case "arrive" | "lose":
                return (rng.choice(self._sent) if self._sent else "none",)
            case "repool":
                return cell, units, "" if pool else _FENCE
            case "outrank":
                return holder, item, units, 1 + rng.below(3)
            case "expect":
                return f"po{rng.below(8)}", item, rng.choice(NODES), 3 * units, 1 + rng.below(9)
            case "fill" | "repromise":
                return (item,)
            case "correct":
                return cell, 1 + rng.below(12)
            case "release":
                return (holder,)
        return ()


def _kept(txn: Any, has: Collection[str], items: Collection[str]) -> dict[Cell, int]:
    if "buffers" not in has:
        return {}
    return floors(_KEPT, [row for item in sorted(set(items)) for row in txn.cells_of(item)])


def do(txn: Any, command: Command, has: Collection[str], start: datetime) -> None:
    """Do a command in a transaction, and tell of it in the outbox."""
    cause, a = command.key, command.args
    hits: Callable[[Any], list[Any]] | None = newest_first if command.verb in _HITTING and a[2] else None
    match command.verb:
        case "receive":
            inventory.receive(txn, {a[0]: a[1]}, cause=cause)
            if "supply" in has:
                inventory.fill(txn, a[0].item, cause=cause, floors=_kept(txn, has, [a[0].item]))
                inventory.repromise(txn, a[0].item)
        case "reserve":
            wants = [Want(item, units, pools=a[4]) for item, units in a[1]]
            time = None if a[2] is None else timedelta(minutes=a[2])
            kept = _kept(txn, has, [item for item, _ in a[1]])
            inventory.reserve(txn, a[0], wants, cause=cause, expires_in=time, policy=a[3], floors=kept)
        case "outrank":
            kept = _kept(txn, has, [a[1]])
            inventory.outrank(txn, a[0], [Want(a[1], a[2])], cause=cause, priority=a[3], floors=kept)
        case "allocate":
            inventory.allocate(txn, a[0], {a[1]: a[2]}, cause=cause, floors=_kept(txn, has, [a[1].item]))
        case "pick" | "pack" | "ship" | "short_pick" as verb:
            getattr(inventory, verb)(txn, a[0], {a[1]: a[2]}, cause=cause)
        case "damage" | "quarantine" as verb:
            getattr(inventory, verb)(txn, {a[0]: a[1]}, cause=cause, victims=hits)
        case "scrap":
            inventory.scrap(txn, {a[0]: a[1]}, cause=cause, source="free", victims=hits)
        case "restore":
            inventory.restore(txn, {a[0]: a[1]}, cause=cause)
        case "return_stock":
            inventory.return_stock(txn, {a[0]: a[1]}, to="quarantine", cause=cause)
        case "count":
            counted = inventory.count(txn, {a[0]: a[1]}, cause=cause, victims=hits)
            inventory.let_wait(txn, counted.victims)
        case "extend":
            inventory.extend(txn, a[0], timedelta(minutes=a[1]))
        case "send":
            due = start + timedelta(days=3)
            inventory.send(txn, a[0], {a[1]: a[2]}, a[3], cause=cause, due_at=due, floors=_kept(txn, has, [a[1].item]))
        case "arrive" | "lose" as verb:
            getattr(inventory, verb)(txn, a[0], cause=cause)
        case "repool":
            inventory.repool(txn, {a[0]: a[1]}, a[2], cause=cause, floors=_kept(txn, has, [a[0].item]))
        case "expect":
            inventory.expect(txn, a[0], a[1], a[2], a[3], start + timedelta(days=a[4]))
        case "fill":
            inventory.fill(txn, a[0], cause=cause, floors=_kept(txn, has, [a[0]]))
        case "repromise":
            inventory.repromise(txn, a[0])
        case "correct":
            inventory.correct(txn, a[0], a[1], cause=cause)
        case "expire":
            inventory.expire(txn, cause=cause)
        case _:
            inventory.release(txn, a[0], cause=cause)
    txn.emit(cause, command.verb)


_HITTING = ("damage", "quarantine", "scrap", "count")


def take_all(txn: Any, item: str, units: int) -> None:
    """Reserve everything there is of an item, in every pool."""
    inventory.reserve(txn, f"last-{item}", [Want(item, units, pools=("", _FENCE))], cause=f"last-{item}")
