"""Shadow mode: a candidate policy decides beside the live one, on the same facts, and nothing comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from omscore.errors import InvalidValue
from omscore.kernel import quantity
from omscore.kernel.given import of_kind
from omscore.routing import Decision, Demand, Facts, Policy, Router, StockView
from omscore.simulate._compare import Comparison
from omscore.simulate._run import NO_FACTS, Fate, Run, fate_of, taken

ORDERS_MAX = 10_000


class Shadow:
    """A live router with a candidate policy beside it: use its `route` in place of the live router's.

    The live decision is the one that counts and comes back unchanged; the candidate decides the same demand on the same
    stock, and both are kept for the last `orders_max` orders, each order as it was decided last. What the candidate
    would have taken is still there for the next order, so that the two never drift apart: a `run` on a fork of the
    ledger shows what would follow. A candidate that raises is kept as "failed" with the error, and the live decision
    stands.

    >>> from omscore import routing as r
    >>> network = r.Network([r.Node("A"), r.Node("B")])
    >>> shadow = Shadow(r.Router(r.packs.single_location(), network), r.packs.saleor_high_stock())
    >>> shadow.route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {("A", "X"): 1, ("B", "X"): 5}).nodes
    ('A',)
    >>> str(shadow.compare().moved[0])
    'ord-1: assigned at A -> assigned at B'
    """

    def __init__(self, live: Router, candidate: Policy | Router, *, orders_max: int = ORDERS_MAX) -> None:
        of_kind("the live router", live, Router, "Router(policy, network)")
        self.live = live
        self.candidate = candidate if isinstance(candidate, Router) else Router(candidate, live.network)
        if self.candidate.network != live.network:
            raise InvalidValue("the candidate is of another network than the live router; make it of the same")
        self._orders_max = quantity(orders_max, "orders_max")
        self._seen: dict[str, tuple[Fate, Fate]] = {}

    def route(
        self,
        demand: Demand,
        stock: StockView | Mapping[tuple[str, str], int],
        *,
        now: datetime | None = None,
        facts: Facts = NO_FACTS,
    ) -> Decision:
        """Decide live, let the candidate decide beside it, keep both, and give the live decision.

        >>> from omscore import routing as r
        >>> live = r.Router(r.packs.single_location(), r.Network([r.Node("A")]))
        >>> Shadow(live, r.packs.value_threshold()).route(r.Demand("ord-1", [r.DemandLine("1", "X")]), {}).outcome
        'parked'
        """
        of_kind("facts", facts, Facts, "Facts()")
        case = self.live.case(demand, stock, now=now, facts=facts)
        decision = self.live.decide(case)
        seen = _fate(self.live, case, decision)
        try:
            other = self.candidate.case(demand, stock, now=now, facts=facts)
            beside = _fate(self.candidate, other, self.candidate.decide(other))
        except Exception as wrong:  # noqa: BLE001 - whatever a candidate's own callables raise must not stop live orders
            beside = Fate(demand.id, "failed", units=demand.units, reason=f"{type(wrong).__name__}: {wrong}")
        self._seen.pop(demand.id, None)
        self._seen[demand.id] = (seen, beside)
        if len(self._seen) > self._orders_max:
            del self._seen[next(iter(self._seen))]
        return decision

    def compare(self) -> Comparison:
        """The live policy and the candidate over the orders seen, side by side.

        >>> from omscore import routing as r
        >>> live = r.Router(r.packs.single_location(), r.Network([r.Node("A")]))
        >>> Shadow(live, r.packs.value_threshold()).compare()
        <Comparison of live, candidate: 0 orders moved>
        """
        network, pairs = self.live.network, list(self._seen.values())
        live = Run(self.live.policy, network, (pair[0] for pair in pairs))
        candidate = Run(self.candidate.policy, network, (pair[1] for pair in pairs))
        return Comparison({"live": live, "candidate": candidate})


def _fate(router: Router, case: Any, decision: Decision) -> Fate:
    return fate_of(case, decision, taken(router, decision))
