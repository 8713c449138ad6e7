"""The run: every order, payment and cancellation at its time, hourly waves between them, and a cursor that survives.

A step is finished before the cursor moves on, and every command of a step carries a key made from the data. So a run
that is stopped anywhere, even killed, goes on at the step that was cut and does nothing twice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from secrets import token_hex
from time import perf_counter
from typing import Any

from attrs import frozen

from omscore.app import Oms
from omscore.errors import Conflict
from omscore.inventory import fingerprint
from omscore.kernel import ManualClock, stamp
from omscore.orders import Draft
from omscore.ports import Store, Transaction
from omscore.replay._day import Day, TakenBack, Wish

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RETURN_AFTER = timedelta(days=3)
"""How long goods that come back are on their way."""

SHIP_WITHIN = timedelta(hours=24)
"""What an order without a date of its own is promised."""

STAGES = ("capture", "route", "batch", "pick and pack", "ship", "track", "return", "cancel")


@frozen
class Step:
    """Something that happens at a time: an order, a payment, units taken back, or a wave."""

    at: datetime
    kind: str
    what: Any = None


def steps_of(day: Day) -> list[Step]:
    """All steps of a day in the order of time; at one time orders come first, waves last."""
    found = [Step(wish.draft.placed_at, "order", wish) for wish in day.wishes]
    found += [Step(wish.paid_at, "paid", wish) for wish in day.wishes if wish.paid_at is not None]
    found += [Step(back.at, "taken back", back) for back in day.taken_back]
    first = min(step.at for step in found)
    last = max(step.at for step in found)
    settle = last + timedelta(days=day.transit_days + 1) + RETURN_AFTER
    wave = first.replace(minute=0, second=0, microsecond=0) + HOUR
    moments = sorted(step.at for step in found)
    while wave <= settle + HOUR:
        # Where nothing happens for a day, a wave a day is enough to see everything arrive.
        found.append(Step(wave, "wave"))
        ahead = bisect_right(moments, wave)
        busy = ahead < len(moments) and moments[ahead] - wave < DAY
        recent = ahead > 0 and wave - moments[ahead - 1] <= HOUR
        wave += HOUR if busy or recent else DAY
    rank = {"order": 0, "paid": 1, "taken back": 2, "wave": 3}
    return sorted(found, key=lambda step: (step.at, rank[step.kind]))


class Replay:
    """A day on a store. `run()` goes on where the last run stopped and may be called again when all is done.

    `store_at` makes the store on the replay's clock.

    >>> from omscore import MemoryStore
    >>> from omscore.replay import Replay, sample
    >>> replay = Replay(sample(), MemoryStore)
    >>> replay.run()
    >>> replay.shop.order("web-00001").state
    'closed'
    """

    def __init__(self, day: Day, store_at: Callable[[ManualClock], Store]) -> None:
        self.day = day
        self.steps = steps_of(day)
        self.clock = ManualClock(self.steps[0].at)
        self.store = store_at(self.clock)
        self.shop = Oms(
            store=self.store,
            network=day.network,
            routing=day.policy,
            carriers=day.carriers,
            catalog=day.items,
            floors=day.floors,
            bins=day.bins,
            due=_due,
        )
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self.orders = tuple(sorted(wish.id for wish in day.wishes))
        self._name = token_hex(8)

    def run(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Do every step that is not done yet; `progress` is called with (steps done, steps in all).

        Raises Conflict when the store holds the replay of other data, or another run took it over.

        >>> from omscore import MemoryStore
        >>> from omscore.replay import Replay, sample
        >>> told = []
        >>> Replay(sample(), MemoryStore).run(lambda done, total: told.append(done))
        >>> told[:3]
        [1, 2, 3]
        """
        done = self._begin()
        for number, step in enumerate(self.steps[done:], done + 1):
            self.clock.set(max(self.clock.now(), step.at))
            self._do(step)
            self._keep(number)
            if progress is not None:
                progress(number, len(self.steps))

    # -- the cursor ---------------------------------------------------------------------------------------------------

    def _begin(self) -> int:
        day = self.day
        content = fingerprint(
            day.name,
            tuple(repr(part) for part in (*day.wishes, *day.taken_back, *sorted(day.stock.items()))),
            repr(sorted(day.items.items())),
            repr(day.network.to_dict()),
            repr(day.policy),
            repr((day.limits, day.transit_days, sorted(day.bins.items()))),
        )

        def take_over(txn: Transaction) -> Any:
            kept = txn.get("replay", "cursor")
            value = kept.value if kept else {"day": content, "name": day.name, "done": 0, "seconds": self.seconds}
            if value["day"] == content:
                txn.put("replay", "cursor", {**value, "runner": self._name}, version=kept.version if kept else 0)
            return value

        cursor = self.store.run(take_over)
        if cursor["day"] != content:
            raise Conflict(
                f"the store holds the replay of {cursor['name']!r} with other data; name another --db, or remove it"
            )
        self.seconds = dict(cursor["seconds"])
        for node in sorted({node for node, _ in self.day.stock}):
            units = {item: n for (at, item), n in self.day.stock.items() if at == node}
            self.shop.receive(node, units, key=f"opening stock:{node}")
        return int(cursor["done"])

    def _keep(self, done: int) -> None:
        def write(txn: Transaction) -> None:
            kept = txn.get("replay", "cursor")
            if kept is None or kept.value["runner"] != self._name:
                raise Conflict("another run has taken this store over; let it finish, or stop it and start again")
            value = {**kept.value, "done": done, "seconds": dict(self.seconds)}
            txn.put("replay", "cursor", value, version=kept.version)

        self.store.run(write)

    # -- the steps ----------------------------------------------------------------------------------------------------

    def _timed(self, stage: str, work: Callable[[], Any]) -> Any:
        began = perf_counter()
        try:
            return work()
        finally:
            self.seconds[stage] += perf_counter() - began

    def _do(self, step: Step) -> None:
        if step.kind == "order":
            wish: Wish = step.what
            draft = wish.draft
            key = f"order:{wish.id}"
            self._timed("capture", lambda: self.shop.capture(draft.channel, draft, key=key, id=wish.id))
        elif step.kind == "paid":
            order = self.shop.order(step.what.id)
            if any(hold.code == "payment" for hold in order.holds):
                self.shop.release(order.id, "payment", key=f"paid:{order.id}")
        elif step.kind == "taken back":
            self._take_back(step.what)
        else:
            self._wave()
        self._timed("route", lambda: self.shop.route(orders_max=10_000))

    def _take_back(self, back: TakenBack) -> None:
        """Cancel what has not left yet, and expect the rest back."""
        order = self.shop.order(back.order)
        if order.state == "rejected":
            return
        key = f"taken back:{back.id}"
        done: dict[str, int] = {}
        for cause, n in self._moved(order.id, back.line, key):
            done[cause] = done.get(cause, 0) + n
        units = order.units[back.line]
        rest = back.units - sum(done.values())
        cancellable = units.open + units.reserved + units.backordered + units.allocated + units.picked
        if (n := min(rest, cancellable)) and f"{key}:cancel" not in done:
            self._timed(
                "cancel", lambda: self.shop.cancel(order.id, {back.line: n}, why="taken back", key=f"{key}:cancel")
            )
            rest -= n
        returnable = units.shipped + units.delivered
        if (n := min(rest, returnable)) and f"{key}:return" not in done:
            self._timed(
                "return",
                lambda: self.shop.open_return(order.id, {back.line: n}, why="taken back", key=f"{key}:return"),
            )

    def _moved(self, order: str, line: str, key: str) -> Iterator[tuple[str, int]]:
        """What a cut step had done already: (cause, units) of its moves of a line."""
        for logged in self.shop.history(order):
            if logged.cause.startswith(f"{key}:"):
                for moved, _, _, n in getattr(logged.event, "moves", ()):
                    if moved == line:
                        yield logged.cause, n

    def _wave(self) -> None:
        """What an hour brings: parcels arrive, returns come in, and each node batches, picks, packs and ships."""
        now = self.clock.now()
        for id_ in self._found("shipment", "on_the_way", now - timedelta(days=self.day.transit_days)):
            self._timed("track", lambda: self.shop.track(id_, "delivered", key=f"arrived:{id_}"))  # noqa: B023
        for id_ in self._found("return", "expected", now - RETURN_AFTER):
            self._timed("return", lambda: self.shop.receive_return(id_, key=f"back:{id_}"))  # noqa: B023
        self._timed("route", lambda: self.shop.route(orders_max=10_000))
        for node in self.day.network.nodes:
            self._timed(
                "batch",
                lambda: self.shop.plan_batches(node.id, self.day.limits, fulfillments_max=10_000),  # noqa: B023
            )
            for id_ in self._found("fulfillment", f"work:{node.id}", None):
                self._timed("pick and pack", lambda: self.shop.pack(id_, key=f"pack:{id_}"))  # noqa: B023
                self._timed("ship", lambda: self.shop.ship(id_, key=f"ship:{id_}"))  # noqa: B023
        self._timed("ship", lambda: self.shop.deliver(effects_max=100_000))

    def _found(self, kind: str, index: str, upto: datetime | None) -> list[str]:
        limit = None if upto is None else stamp(upto)
        found = self.store.run(lambda txn: txn.find(kind, index, upto=limit, limit=100_000), write=False)
        return [id_ for _, id_ in found]


def _due(draft: Draft, now: datetime) -> datetime:
    return draft.ship_by or draft.placed_at + SHIP_WITHIN
