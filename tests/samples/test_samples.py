"""Sample networks, stock and orders: real places, the mix that the module promises, and nothing to chance."""

from collections import Counter
from datetime import date

import pytest

from omscore import routing as r
from omscore import samples
from omscore.errors import InvalidValue
from omscore.inventory import supplies
from omscore.kernel import GeoPoint, distance_m


@pytest.mark.parametrize("name", samples.networks())
def test_a_network_ships_by_two_services_from_nodes_with_calendars_and_cut_offs(name: str) -> None:
    network = samples.network(name)
    assert len(network) == int(name.rpartition("-")[2])
    for node in network.nodes:
        assert node.point is not None
        assert node.cutoff
        assert not network.calendars[node.calendar].is_working_day(date(2026, 12, 25))
        assert network.service("express") is not None
    assert r.Network.from_dict(network.to_dict()) == network


def test_nodes_close_on_the_holidays_of_their_country() -> None:
    network = samples.network("benelux-5")
    kings_day = date(2026, 4, 27)
    works = {node.id: network.calendars[node.calendar].is_working_day(kings_day) for node in network.nodes}
    assert works == {"ghent": True, "liege": True, "luxembourg": True, "rotterdam": False, "utrecht": False}


def test_orders_have_the_mix_that_is_promised() -> None:
    orders = samples.orders(3_000, seed=11)
    lines = Counter(len(order.lines) for order in orders)
    channels = Counter(order.channel for order in orders)
    wanted = Counter(line.item for order in orders for line in order.lines)
    assert 0.55 < lines[1] / 3_000 < 0.65
    assert lines[1] > lines[2] > lines[3] > lines[5]
    assert 0.55 < channels["web"] / 3_000 < 0.65
    assert 0.12 < sum(order.service == "express" for order in orders) / 3_000 < 0.18
    assert wanted["SKU-001"] > 3 * wanted["SKU-040"] > 0
    assert {order.country for order in orders} == {"BE", "NL", "LU"}


def test_orders_go_to_districts_of_the_cities_of_the_network() -> None:
    brussels = GeoPoint(50.85, 4.35)
    points = [
        order.destination.point
        for order in samples.orders(400, seed=1)
        if order.destination is not None and order.destination.postcode == "1000" and order.destination.point
    ]
    assert len(set(points)) > 5
    assert max(distance_m(brussels, point) for point in points) < 20_000


@pytest.mark.parametrize("name", samples.networks())
def test_stock_is_about_enough_and_more_is_announced(name: str) -> None:
    network = samples.network(name)
    ledger = samples.ledger(network, seed=5, orders=1_000)
    asked = sum(order.units for order in samples.orders(1_000, seed=5, network=name))
    rows = ledger.store.run(lambda books: books.cells())
    assert 0.8 < sum(figures.free for _, figures in rows) / asked < 1.6
    coming = ledger.store.run(lambda books: [line for sku in samples.items() for line in supplies(books, sku)])
    assert len(coming) > 10
    assert all(line.due_at > samples.START and line.node in network for line in coming)
    assert ledger.verify().ok


def test_stores_hold_fewer_items_than_warehouses() -> None:
    ledger = samples.ledger(samples.network(), seed=5)
    held = Counter(cell.node for cell, _ in ledger.store.run(lambda books: books.cells()))
    assert held["utrecht"] < held["ghent"]


def test_another_seed_gives_other_data() -> None:
    assert samples.orders(20, seed=1) != samples.orders(20, seed=2)
    network = samples.network()
    assert list(samples.ledger(network, seed=1).export()) != list(samples.ledger(network, seed=2).export())


def test_what_does_not_exist_is_refused_with_what_does() -> None:
    with pytest.raises(InvalidValue, match="there are benelux-5, usa-8"):
        samples.network("mars-1")
    with pytest.raises(InvalidValue, match="there are benelux-5, usa-8"):
        samples.orders(1, network="mars-1")
    with pytest.raises(InvalidValue, match="SKU-001 to SKU-060"):
        samples.price("SKU-061")
    with pytest.raises(InvalidValue, match="must be at least 0"):
        samples.orders(-1)


def test_a_network_of_ones_own_gets_stock_too_and_an_empty_one_none() -> None:
    own = samples.ledger(r.Network([r.Node("mine", kind="store")]), seed=1)
    assert own.availability("SKU-001").units > 0
    assert samples.ledger(r.Network(), seed=1).availability("SKU-001").units == 0
