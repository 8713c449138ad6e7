"""The notebook of the design runs as it stands there."""

import omscore as oms
from omscore import routing as r
from omscore import samples, simulate

NOTEBOOK = """
import omscore as oms
from omscore import batching, routing as r, samples, simulate

network = samples.network("benelux-5")
ledger, orders = samples.ledger(network, seed=7), samples.orders(2_000, seed=7)
near = r.Policy("near", routes=(r.Route("all", rules=(r.Rule("one stop", require=(r.whole_order(),), prefer=(r.nearest(),)),
    r.Rule("split", require=(r.has_stock(),), prefer=(r.fewest_splits(),), stops_max=3))),), otherwise=r.park("later"))
a, b = simulate.run(near, orders, network, ledger), simulate.run(r.packs.value_threshold(), orders, network, ledger)
compared = simulate.compare(near=a, value=b)
traced = b.trace(orders[17].id)
drawn = f"{oms.ORDER_STATES:mermaid}"
"""  # noqa: E501 - as it stands there


def test_the_notebook_of_the_design_runs_as_it_stands() -> None:
    names: dict[str, object] = {}
    exec(NOTEBOOK, names)  # noqa: S102 - the text above
    a, compared = names["a"], names["compared"]
    assert isinstance(a, simulate.Run)
    assert isinstance(compared, simulate.Comparison)
    assert len(a) == 2_000
    assert 0.8 < a.summary()["fill"] < 1
    assert compared.moved
    assert "one stop" in str(a.trace("ord-00018"))
    assert "fill" in str(compared)
    assert "<table" in compared._repr_html_()
    assert "[*] --> draft" in f"{oms.ORDER_STATES:mermaid}"


def test_a_run_shows_itself_as_text_table_rows_and_map() -> None:
    network = samples.network()
    orders, ledger = samples.orders(40, seed=3), samples.ledger(network, seed=3, orders=40)
    result = simulate.run(r.packs.single_location(), orders, network, ledger)
    assert "fill" in str(result)
    assert result._repr_html_().count("<tr>") == len(result.summary())
    assert [row["order"] for row in result.to_records()] == [order.id for order in orders]
    drawing = str(result.map())
    assert drawing.count("<circle") >= len(network)
    assert "ghent" in drawing
