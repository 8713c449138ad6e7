"""Releasing work: waves, orders for one item, zones and batches, put together in one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attrs import evolve, frozen

from omscore.batching._floor import Floor
from omscore.batching._orders import Limits, PickOrder
from omscore.batching._plan import AnyFloor, Batch, BatchPlan, Cart, Refused, plan, sift
from omscore.batching._search import Budget
from omscore.batching._waves import CarrierCutOff, by_item, by_zone, waves
from omscore.errors import DefinitionError


@frozen
class _Part:
    """Orders that are planned by themselves: the wave they leave with and the zone they lie in, where there are any."""

    orders: tuple[PickOrder, ...]
    wave: str = ""
    zone: str = ""


def release(
    orders: Iterable[PickOrder],
    floor: AnyFloor,
    limits: Limits | Sequence[Cart],
    *,
    cutoffs: Iterable[CarrierCutOff] | None = None,
    zones: Iterable[str] = (),
    same_item_min: int | None = None,
    steps_max: int | None = None,
    seconds_max: float | None = None,
    elapsed: Callable[[], float] | None = None,
    prefix: str = "batch-",
    first_number: int = 1,
    **how: Any,
) -> BatchPlan:
    """Batches of all that is to be released, in the order in which to release it; see `plan` for what else may be said.

    With `cutoffs` each order goes into the wave of the earliest cut-off that takes it (see `waves`), and waves come one
    after the other. Within a wave, orders that want one and the same item only are batched together where there are at
    least `same_item_min` of them. With `zones` every other order is split among zones (see `by_zone`), so that a batch
    stays in one; an order is then in several batches and brought together again afterwards. Batches name their `wave`
    and their `zone`. A search's budget is shared among the parts.

    An order that cannot be planned as a whole is refused as a whole, by name, and the rest is planned. Raises
    DefinitionError for a zone that the floor does not have.

    >>> from omscore.batching import Bin, PickLine
    >>> floor = Floor(2, 2, [Bin("A", 0, 0, zone="cold"), Bin("B", 1, 1, zone="dry")])
    >>> orders = [PickOrder(id, [PickLine(id, b, f"item-{b}", 1, b) for b in bins]) for id, bins in
    ...           {"o-1": "AB", "o-2": "B", "o-3": "A"}.items()]
    >>> [(batch.zone, batch.orders) for batch in release(orders, floor, Limits(), zones=["cold", "dry"])]
    [('cold', ('o-1', 'o-3')), ('dry', ('o-1', 'o-2'))]
    """
    carts = [Cart("", limits)] if isinstance(limits, Limits) else list(limits)
    listed = [zones] if isinstance(zones, str) else list(zones)
    if listed and not isinstance(floor, Floor):
        raise DefinitionError("zones are parts of an aisle floor; this floor has none")
    if isinstance(floor, Floor) and (strange := [zone for zone in listed if not floor.has_zone(zone)]):
        has = ", ".join(sorted({repr(b.zone) for b in floor.bins if b.zone})) or "none"
        raise DefinitionError(f"no bin of the floor is in zone {strange[0]!r}; its zones are: {has}")
    budget = Budget(steps_max, seconds_max, elapsed).from_now()
    base = plan([], floor, limits, steps_max=steps_max, seconds_max=seconds_max, elapsed=elapsed, **how)
    good, refused = _plannable(orders, floor, carts, listed)
    parts: list[_Part] = []
    if cutoffs is not None:
        made, late = waves(good, cutoffs)
        refused += late
        for wave in made:
            parts += _parts(wave.orders, floor, listed, same_item_min, wave.cutoff.id)
    else:
        parts += _parts(good, floor, listed, same_item_min, "")
    searching = base.method == "search"
    batches: list[Batch] = []
    bound: int | None = 0 if parts else None
    steps = 0
    for at, part in enumerate(parts):
        share = budget.share(len(parts) - at, steps) if searching else budget
        each = plan(
            part.orders,
            floor,
            limits,
            steps_max=share.steps,
            seconds_max=share.seconds,
            elapsed=share.elapsed,
            prefix=prefix,
            first_number=first_number + len(batches),
            **how,
        )
        batches += [evolve(batch, wave=part.wave, zone=part.zone) for batch in each.batches]
        bound = None if bound is None or each.lower_bound_mm is None else bound + each.lower_bound_mm
        steps += each.steps
    distance = sum(batch.tour.length_mm for batch in batches)
    return evolve(
        base, batches=tuple(batches), refused=tuple(refused), distance_mm=distance, lower_bound_mm=bound, steps=steps
    )


def _plannable(
    orders: Iterable[PickOrder], floor: AnyFloor, carts: Sequence[Cart], zones: Sequence[str]
) -> tuple[list[PickOrder], list[Refused]]:
    """The orders that fit, in the order given; where zones split them, each of their parts must."""
    asked = list(orders)
    if not zones or not isinstance(floor, Floor):
        taken, refused = sift(asked, floor, carts)
        fit = {order.id: order for group in taken for order in group}
        # One given twice stands once, at its first place.
        return [fit[id_] for id_ in dict.fromkeys(order.id for order in asked) if id_ in fit], refused
    (known,), refused = sift(asked, floor, [Cart("", Limits())])
    split = by_zone(known, floor, zones)
    bad: dict[str, Refused] = {}
    for parts in (*split.zones.values(), split.rest):
        for each in sift(parts, floor, carts)[1]:
            bad.setdefault(each.order, each)
    return [order for order in known if order.id not in bad], [*refused, *bad.values()]


def _parts(
    orders: Sequence[PickOrder], floor: AnyFloor, zones: Sequence[str], same_item_min: int | None, wave: str
) -> list[_Part]:
    parts: list[_Part] = []
    rest = tuple(orders)
    if same_item_min is not None:
        same, rest = by_item(rest, orders_min=same_item_min)
        parts += [_Part(group, wave) for group in same.values()]
    if zones and isinstance(floor, Floor):
        split = by_zone(rest, floor, zones)
        parts += [_Part(group, wave, zone) for zone, group in split.zones.items()]
        rest = split.rest
    return [*parts, _Part(rest, wave)] if rest else parts
