"""A plan in which one node ships everything is written out by itself: it is the same plan."""

from omscore import routing as r
from omscore.kernel import Money
from omscore.routing._plans import single
from omscore.routing._trace import plan_of, whole_plan


def test_the_plan_of_one_node_is_the_plan_that_any_plan_of_that_node_would_be() -> None:
    rates = [r.Rate(Money(500 + kg, "USD"), grams_max=kg * 1_000) for kg in range(1, 4)]
    nodes = [r.Node("A", parcel_cost=Money(70, "USD"), line_cost=Money(11, "USD"), unit_cost=Money(3, "USD"))]
    router = r.Router(
        r.Policy("p", (r.Route("all", (r.Rule("one", require=r.whole_order()),)),)),
        r.Network(nodes, services=[r.Service("", rates=rates)], currency="USD"),
    )
    stock = {("A", "X"): 9, ("A", "Y"): 9}
    apart = r.Demand("apart", [r.DemandLine("1", "X", 2, weight_grams=400), r.DemandLine("2", "Y", weight_grams=90)])
    twice = r.Demand("twice", [r.DemandLine("1", "X", 2), r.DemandLine("2", "Y"), r.DemandLine("3", "X")])
    heavy = r.Demand("heavy", [r.DemandLine("1", "X", 2, weight_grams=4_000)])
    for demand in (apart, twice, heavy):
        case = router.case(demand, stock)
        assert whole_plan(case, 0) == plan_of(case, single(case, 0))
        assert router.route(demand, stock).plan == whole_plan(case, 0)
    assert whole_plan(router.case(apart, stock), 0).cost == Money(501 + 70 + 2 * 11 + 3 * 3, "USD")
    assert whole_plan(router.case(heavy, stock), 0).cost is None
