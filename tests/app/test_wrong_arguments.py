"""What a caller gets wrong is told in words, at the door, and nothing of it happens."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path  # noqa: F401 - named in the lines that are tried
from typing import Any

import pytest

import omscore as oms
from omscore import batching as b
from omscore import codec, inventory, samples, simulate  # noqa: F401 - named in the lines that are tried  # noqa: F401 - named in the lines that are tried
from omscore import routing as r
from omscore.adapters import (  # noqa: F401 - named in the lines that are tried
    CsvChannel,
    JsonChannel,
    JsonLinesWms,
    MemoryStore,
    MemoryWms,
    PostgresStore,
    RateRow,
    SqliteStore,
    TableCarrier,
)
from omscore.orders import (  # noqa: F401 - named in the lines that are tried
    AddLine,
    Reduce,
    SetCharges,
    SetPrice,
    SetService,
    Substitute,
    Workflow,
)
from omscore.oversight import ChannelProfile, SurgeRule  # noqa: F401 - named in the lines that are tried
from omscore.payments import CreditAccount  # noqa: F401 - named in the lines that are tried
from omscore.ports import WmsMessage  # noqa: F401 - named in the lines that are tried
from omscore.returns import ReturnPolicy  # noqa: F401 - named in the lines that are tried
from omscore.testing.walkthrough import draft, up_to

NETWORK = oms.Network([oms.Node("ghent")])
POST = TableCarrier.flat("post", cost_minor=495, currency="EUR")
PATH = "no such folder/shop.db"
RATE = RateRow("standard", "*", 5_000, oms.Money(495, "EUR"))
SPRING = datetime(2026, 3, 2)  # noqa: DTZ001 - the mistake under test


def host(**parts: Any) -> oms.Oms:
    wired: dict[str, Any] = {"store": MemoryStore(), "network": NETWORK}
    return oms.Oms(**(wired | parts))


def refusal(make: str) -> str:
    """What the error says that one of the lines below ends in."""
    with pytest.raises(oms.OmsError) as told:
        eval(make, globals())  # noqa: S307 - one of the lines below
    return str(told.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        ("host(store='shop.db')", "store must be a Store such as SqliteStore"),
        ("host(store=None)", "store must be a Store"),
        ("host(carriers=POST)", "carriers are given as a sequence"),
        ("host(carriers=(POST, POST))", "two of carriers are named 'post'"),
        ("host(carriers=(object(),))", "each of carriers has a name"),
        ("host(channels='web')", "channels are given as a sequence"),
        ("host(checks=print)", "checks are given as a sequence, such as checks=(one,)"),
        ("host(measures=print)", "measures are given as a sequence"),
        ("host(express='express')", "express are given as a sequence"),
        ("host(catalog=[oms.Item('SKU-1')])", "catalog must give items by SKU"),
        ("host(costs={'SKU-1': 100})", "costs['SKU-1'] must be Money, not 100"),
        ("host(profiles={'web': {}})", "profiles['web'] must be ChannelProfile, not {}"),
        ("host(buffers={'SKU-1': 2})", "buffers are by cell, such as {Cell('SKU-1', 'ghent'): 2}"),
        ("host(wms=object())", "wms must be a mapping of warehouse systems by node"),
        ("host(duplicates_within=60)", "duplicates_within must be a timedelta, not 60"),
        ("host(return_policy=30)", "return_policy must be a ReturnPolicy, not 30"),
        ("host(network=[oms.Node('ghent')])", "a Policy and a Network, not Policy and list"),
        ("oms.Network(['ghent'])", "a network takes Node, not 'ghent'"),
        ("oms.Network(oms.Node('ghent'))", "takes a list of Node"),
        ("oms.Network(None)", "takes a list of Node"),
        ("oms.Node('ghent', point='51,3')", "node 'ghent': point must be a GeoPoint"),
        ("oms.Node('ghent', point=(51.0, 3.7))", "node 'ghent': point must be a GeoPoint"),
        ("oms.Node('ghent', country='Belgium')", "node 'ghent': an address's country must be an ISO 3166-1"),
        ("TableCarrier.flat('post', cost_minor=-1, currency='EUR')", "costs Money of at least 0"),
        ("JsonChannel('')", "name must be a non-empty string"),
        ("oms.Money(1, 'EUR') + 1", "cannot add 0.01 EUR and 1; both must be Money"),
        ("oms.Money(1, 'EUR') < 1", "cannot compare 0.01 EUR and 1; both must be Money"),
    ],
)
def test_what_cannot_be_wired_says_what_would_do(make: str, message: str) -> None:
    assert message in refusal(make)


LINE = oms.DraftLine("1", "SKU-1", 2, oms.Money(100, "EUR"))
LESS = oms.DraftLine("7", "SKU-1", 2, oms.Money(-500, "EUR"))
FLOOR = b.Floor.parallel(aisles=4, cells=10)


def wish(**parts: Any) -> oms.Draft:
    said: dict[str, Any] = {"lines": [LINE], "placed_at": datetime(2026, 3, 2, tzinfo=UTC)}
    return oms.Draft("web", "1", "EUR", **(said | parts))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        ("oms.DraftLine('1', 'SKU-1', 2, 1.5)", "line 1: unit_price must be Money, not 1.5"),
        ("oms.DraftLine('1', 'SKU-1', 2, None)", "line 1: unit_price must be Money"),
        ("oms.DraftLine('1', None, 2, oms.Money(1, 'EUR'))", "line 1: item must be a non-empty string"),
        ("oms.DraftLine('1', 'A', 2, oms.Money(1, 'EUR'), tax=1)", "line 1: tax must be Money, not 1"),
        ("wish(lines=LINE)", "lines are a list of DraftLine"),
        ("wish(lines=[{'item': 'SKU-1'}])", "lines are a list of DraftLine"),
        ("wish(shipping=4.95)", "shipping must be Money, not 4.95"),
        ("wish(ship_to='Ghent')", "ship_to must be Address, not str"),
        ("wish(customer='c-17')", "customer must be Customer, not str"),
        ("wish(customer=None)", "customer must be Customer, not NoneType"),
        ("wish(service=5)", "service must be a non-empty string, not 5"),
        ("wish(tags='gift')", "tags are a list such as ['gift'], not 'gift'"),
        ("oms.GeoPoint('51', '3')", "('51', '3') is no point"),
        ("oms.Address('BE', point=(51, 3))", "an address's point is a GeoPoint"),
        ("r.Rule('one', require=r.has_stock)", "has_stock is to be called: write has_stock()"),
        ("r.Rule('one', prefer=(r.nearest,))", "nearest is to be called: write nearest()"),
        ("simulate.compare(a=1)", "'a' is a int; compare takes what run(...) gave"),
        ("inventory.Ledger('shop.db')", "a ledger is kept in a store, such as MemoryStore()"),
        ("inventory.Want('SKU-1', 1, nodes='ghent')", "nodes are a list such as ['ghent'], not 'ghent'"),
        ("b.plan([], None, b.Limits(orders_max=2))", "a plan is for a floor"),
        ("b.plan([], FLOOR, None)", "limits are Limits(orders_max=12)"),
        ("b.plan([], FLOOR, 12)", "limits are Limits(orders_max=12)"),
        ("b.Carton('M', 300, 20_000)", "inner of carton 'M' is Dimensions(300, 200, 150) in mm, not 300"),
        ("oms.Item('A', tags=None)", "tags are a list such as ['fragile'], not None"),
        ("oms.Item('A', substitutes=5)", "substitutes are a list such as ['SKU-2'], not 5"),
        ("oms.Node('ghent', ships_to='BE')", "are a list such as ['BE'], not 'BE'"),
        ("oms.Node('ghent', address='Ghent')", "node 'ghent': address must be Address"),
        ("oms.Network(services=['standard'])", "services are a list such as [Service('standard'"),
        ("oms.Network(calendars=[])", "calendars are a mapping such as"),
        ("oms.Network.read(None)", "a network is read from a file's path, not from None"),
        ("oms.Network.from_json(None)", "the network is not JSON"),
        ("r.Service('standard', transit=2)", "transit is a list of (km, days), such as [(150, 1), (None, 2)], not 2"),
        ("r.Service('standard', transit=['2'])", "transit is a list of (km, days)"),
        ("r.Policy.from_toml(b'x')", "a policy is read from text, not from b'x'"),
        ("r.Rule('one', require=5)", "expected a list of requirements, not 5"),
        ("r.Route('all', rules=['one'])", "rules are a list such as [Rule('one stop', ...)]; 'one' is none"),
        ("r.Demand('d', ['SKU-1'])", "lines are a list such as [DemandLine('1', 'SKU-1', 2)]; 'SKU-1' is none"),
        ("r.Demand('d', [r.DemandLine('1', 'A')], destination='BE')", "destination of demand 'd' must be Address"),
        ("r.Demand('d', [r.DemandLine('1', 'A')], value=5)", "money of demand 'd' must be Money"),
        ("r.Facts(capacity_left=['ghent'])", "facts are a mapping such as {'ghent': 3}, not a list"),
        ("r.Router(r.packs.value_threshold(), NETWORK).route(wish(), {})", "demand_of makes one of an Order"),
        ("r.route_many(r.packs.value_threshold(), [], {})", "router must be Router"),
        ("r.promise([LINE], None, 'x', None, router=None, outlook=None)", "lines are a list such as [DemandLine("),
        ("simulate.run(r.packs.value_threshold(), [], NETWORK, {})", "ledger must be Ledger, such as samples.ledger"),
        ("oms.StateTable('door', ['open'])", "the moves of a state table are a mapping such as"),
        ("oms.StateTable('door', {'open': 'shut'})", "the moves of state 'open' are a mapping such as"),
        (
            "oms.Parcel('p-1', 900, ['SKU-1'])",
            "contents of parcel 'p-1' are a mapping such as {'SKU-1': 2}",
        ),
        ("oms.Quantities('A')", "units are a mapping such as {'SKU-1': 2}, not 'A'"),
        ("ReturnPolicy(never='sealed')", "the tags that never come back are a list such as ['sealed'], not 'sealed'"),
        ("b.PackLine('1', oms.Item('A'), 2, tags='gift')", "tags are a list such as ['fragile'], not 'gift'"),
        ("WmsMessage('m', 'packed', 'ghent', 'f', [])", "message 'm' tells of no units; give it rows"),
        ("WmsMessage('m', 'packed', 'ghent', 'f', [], tracking='T1')", "tracking numbers are a list such as ['T1']"),
        ("FLOOR.tour('0-0')", "bins are a list such as ['A-1'], not '0-0'"),
        ("b.MatrixFloor('AB', [[0, 1], [1, 0]], 'A')", "places are a list such as ['dock'], not 'AB'"),
        ("b.MatrixFloor(['A', 'B'], [0, 1], 'A')", "distances_mm is a table, such as [[0, 900], [900, 0]], not a list"),
        ("b.plan(['o-1'], FLOOR, b.Limits())", "orders are a list such as [PickOrder('o-1', lines)]; 'o-1' is none"),
        ("b.choose_cartons(['MUG'], [])", "no cartons to choose from"),
        ("b.PickOrder('o-1', [], due='noon')", "due of order 'o-1' must be a datetime, not 'noon'"),
        ("b.Shift('06:00')", "the start of the shift must be a datetime, not '06:00'"),
        ("b.pick_list('7', ['MUG'])", "lines are a list such as [PickLine("),
        ("CsvChannel('files', currency='EUR', columns=['no'])", "columns are a mapping such as"),
        ("TableCarrier('post', ['5 kg'])", "rows are a list such as [RateRow("),
        ("MemoryStore('now')", "a clock has a method now, as ManualClock has; 'now' has none"),
        ("host(incident_rules=['stuck'])", "incident_rules are a mapping such as"),
        ("host(incident_rules={'stuck': 5})", "incident_rules['stuck'] must be IncidentRule, not 5"),
        ("host(return_policy=None)", "return_policy must be a ReturnPolicy, not None"),
        ("host(barcodes={})", "barcodes must be Barcodes, such as Barcodes.of(items), not a dict"),
        ("host(catalog={'A': 'lamp'})", "catalog['A'] must be Item, such as Item('A'), not 'lamp'"),
        ("host(bins={'A': '0-0'})", "bins are by node and SKU, such as {('ghent', 'SKU-1'): 'A-1'}, not by 'A'"),
        ("host(buffers={inventory.Cell('A', 'ghent'): -1})", "buffer of 'A' at 'ghent' must be at least 0, not -1"),
        ("host(notifier=print)", "notifier must have a method notify, which a builtin_function_or_method has not"),
        ("host(erp=oms.ManualClock)", "erp must be an object, not the class ManualClock; write ManualClock()"),
        ("host(carriers=(TableCarrier,))", "carriers are objects, not classes; write TableCarrier()"),
        ("host(gateway=object())", "gateway must have a method authorize, which an object has not"),
        ("host(wms={'ghent': 5})", "wms['ghent'] must have a method pick, which 5 has not"),
        (
            "host(wms={'gent': MemoryWms()})",
            "wms names node 'gent', which is not in the network; it has 'ghent'. Correct",
        ),
        ("host(floors={'gent': FLOOR})", "floors names node 'gent', which is not in the network"),
        ("host(bins={('gent', 'A'): '0-0'})", "bins names node 'gent', which is not in the network"),
        ("host(buffers={inventory.Cell('A', 'gent'): 1})", "buffers names node 'gent', which is not in the network"),
        (
            "host(profiles={'web': ChannelProfile(buffers={inventory.Cell('A', 'gent'): 1})})",
            "profiles['web'].buffers names node 'gent', which is not in the network",
        ),
        ("host(wms={5: MemoryWms()})", "wms names node 5, which is not in the network"),
        ("host(lots='fefo')", "lots must be a function, not 'fefo'"),
        ("host(guards=['no gifts'])", "each of guards must be a function, not 'no gifts'"),
        ("host(cartons=[300])", "each of cartons must be Carton, not 300"),
        ("host(keeps_promises='no')", "keeps_promises must be True or False, not 'no'"),
        ("SurgeRule('many')", "the normal number of orders in a period must be a whole number, not 'many'"),
        ("SurgeRule(100, period=15)", "period must be timedelta, such as timedelta(minutes=15), not 15"),
        ("ChannelProfile(occasions='short')", "occasions are a list such as ['short'], not 'short'"),
        ("CreditAccount('c-17', 500)", "the credit of 'c-17' must be Money"),
        ("Workflow('engraving', {'waiting': {}}, {})", "table of workflow 'engraving' must be StateTable"),
        ("samples.network(5)", "name of a sample network must be text, not 5"),
        ("wish(placed_at=SPRING)", "placed_at must carry a time zone"),
        ("wish(ship_by='soon')", "ship_by must be a datetime, not 'soon'"),
        ("oms.Hold('x', until=SPRING)", "until of hold 'x' must carry a time zone"),
        ("sum([oms.Money(1, 'EUR')])", "cannot add 0 and 0.01 EUR; both must be Money, and total(...) adds many"),
        ("ReturnPolicy(window=30)", "window must be timedelta, such as timedelta(days=30), not 30"),
        ("codec.Codec().loads(None)", "this is no JSON"),
    ],
)
def test_a_value_of_the_wrong_kind_says_which_would_do(make: str, message: str) -> None:
    assert message in refusal(make)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        ("SqliteStore(None)", "a SQLite store is given by its path, such as 'shop.db', not by None"),
        ("SqliteStore(5)", "not by 5"),
        ("SqliteStore(b'shop.db')", "not by b'shop.db'"),
        ("SqliteStore('shop\\0.db')", "such as 'shop.db'; 'shop\\x00.db' can be none"),
        ("SqliteStore('\\ud800.db')", "a SQLite store has a path with half a character in it"),
        ("SqliteStore('')", "use MemoryStore for memory"),
        ("SqliteStore(Path(':memory:'))", "use MemoryStore for memory"),
        ("SqliteStore(PATH, clock='now')", "a clock has a method now, as ManualClock has; 'now' has none"),
        ("SqliteStore(PATH, clock=oms.ManualClock)", "a clock must be an object, not the class ManualClock"),
        ("SqliteStore(PATH, tenant=None)", "tenant must be a non-empty string, not None"),
        ("SqliteStore(PATH, patience_s='5')", "patience_s must be a number of seconds from 0 to 2,000,000, not '5'"),
        ("SqliteStore(PATH, patience_s=-1)", "patience_s must be a number of seconds"),
        ("SqliteStore(PATH, patience_s=float('nan'))", "patience_s must be a number of seconds"),
        (
            "SqliteStore(PATH, codec='json')",
            "codec must be Codec, such as codec.standard().with_types(Mine), not",
        ),
        ("SqliteStore(PATH, durability=[])", "durability is one of power-loss, process-crash, not a list"),
        (
            "SqliteStore.joined(None, 'shop.db')",
            "a transaction of a sqlite3.Connection, not of 'shop.db'",
        ),
        ("PostgresStore.joined(None, None)", "a command joins a transaction of a psycopg.Connection, not of None"),
        ("PostgresStore(None)", "conninfo must be text, such as 'postgresql://me@localhost/shop', not None"),
        ("PostgresStore('', clock=5)", "a clock has a method now"),
        ("PostgresStore('', tenant=5)", "tenant must be a non-empty string, not 5"),
        ("PostgresStore('', connections_max=0)", "connections_max must be at least 1"),
        ("PostgresStore('', connections_max='5')", "connections_max must be a whole number"),
        ("PostgresStore('', one_trip='no')", "one_trip must be True or False, not 'no'"),
        ("PostgresStore('', patience_s=None)", "patience_s must be a number of seconds"),
        ("PostgresStore('', codec=codec)", "codec must be Codec"),
        ("MemoryStore(oms.ManualClock)", "a clock must be an object, not the class ManualClock; make one of it"),
        ("inventory.Ledger.in_memory('now')", "now is a function that gives the time"),
        (
            "JsonLinesWms(None)",
            "the folder of a warehouse system is given by its path, such as 'wms/ghent'",
        ),
        ("JsonLinesWms('')", "such as 'wms/ghent'; '' can be none"),
        ("TableCarrier(None, [RATE])", "name must be a non-empty string, not None"),
        ("RateRow(None, 'BE', 5, oms.Money(1, 'EUR'))", "service must be text, not None"),
        ("RateRow('s', 'Belgium', 5, oms.Money(1, 'EUR'))", "a rate is for a country such as 'BE', or '*' for all"),
        ("CsvChannel('files', currency='EUR', columns={'item': 5})", "the column of item must be text, not 5"),
    ],
)
def test_an_adapter_says_when_it_is_made_what_it_cannot_be_made_of(make: str, message: str) -> None:
    assert message in refusal(make)


def test_one_rule_and_one_route_need_no_tuple() -> None:
    rule = r.Rule("any", require=r.has_stock())
    alone = r.Policy("one", r.Route("all", rule), otherwise=r.park("later"))
    assert alone == r.Policy("one", (r.Route("all", (rule,)),), otherwise=r.park("later"))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("shop.receive('ghent', ['SKU-1'], key='k')", "units are given by item or line"),
        ("shop.cancel('ord-1', ['1'], key='k')", "units are given by item or line"),
        ("shop.edit('ord-1', None, key='k')", "changes are a list of AddLine, Reduce"),
        (
            "shop.capture('web', draft('2', lines=(LESS,)), key='k')",
            "line 7: unit_price must be at least 0, not -5.00 EUR; give what is taken off as discount",
        ),
        (
            "shop.capture('web', draft('2', shipping=LESS.unit_price), key='k')",
            "shipping must be at least 0, not -5.00",
        ),
        (
            "shop.capture('web', draft('2', total=LESS.unit_price), key='k')",
            "what is given back is a refund, not an ord",
        ),
        ("shop.edit('ord-1', [SetPrice('1', oms.Money(-1, 'EUR'))], key='k')", "line 1: unit_price must be at least 0"),
        ("shop.edit('ord-1', [AddLine(LESS)], key='k')", "line 7: unit_price must be at least 0"),
        ("shop.edit('ord-1', [Substitute('1', 1, LESS)], key='k')", "line 7: unit_price must be at least 0"),
        ("shop.edit('ord-1', [SetService('express', LESS.unit_price)], key='k')", "shipping must be at least 0"),
        ("shop.edit('ord-1', [SetCharges(LESS.unit_price)], key='k')", "shipping must be at least 0"),
        ("shop.edit('ord-1', ['one more'], key='k')", "changes are a list of AddLine, Reduce"),
        ("shop.route('5')", "orders_max must be a whole number"),
        ("shop.route(-1)", "orders_max must be at least 0"),
        ("shop.deliver(2.5)", "effects_max must be a whole number"),
        ("shop.plan_batches('ghent', None)", "limits are Limits(orders_max=12)"),
        ("shop.plan_batches('ghent', 12)", "limits are Limits(orders_max=12)"),
        ("shop.ship('ord-1-f1', 'box', key='k')", "parcels are a list such as [Parcel("),
        ("shop.ship('ord-1-f1', oms.Parcel('p-1', 900), key='k')", "parcels are a list such as [Parcel("),
        ("shop.refund('ord-1', 5.0, key='k')", "amount must be Money, not 5.0"),
        ("shop.receive_payment('ord-1', 500, key='k')", "amount must be Money, not 500"),
        ("shop.set_credit('c-17', 500, key='k')", "limit must be Money, not 500"),
        ("shop.set_credit('c-17', oms.Money(-1, 'EUR'), key='k')", "is at least 0, not -0.01 EUR"),
        ("shop.set_credit('c-17', oms.Money(1, 'EUR'), days=-1, key='k')", "days must be at least 0"),
        ("shop.hold('ord-1', 'fraud', key='k')", "hold must be Hold, such as Hold('fraud_review', owner='risk')"),
        ("shop.capture('web', draft('2'), key='k', id='ord-1')", "order 'ord-1' is web/1001 already; give web/2 an id"),
        ("shop.capture('web', draft('2'), key='k', id=5)", "id must be a non-empty string, not 5"),
        ("shop.promise('SKU-1')", "lines are units by SKU, such as {'SKU-1': 2}"),
        ("shop.promise(None)", "lines are units by SKU"),
        ("shop.count('ghent', {'SKU-1': '3'}, key='k')", "counted units of 'SKU-1' must be a whole number"),
        ("shop.orders('akzepted')", "'akzepted' is no state of an order; they are draft, captured"),
        ("shop.kpis(since=SPRING)", "since must carry a time zone"),
        ("shop.kpis(since='2026-03-02')", "since must be a datetime"),
        ("shop.fulfillments('ord-9')", "no order with id 'ord-9'"),
        ("shop.history('ord-9')", "no order with id 'ord-9'"),
        ("shop.conflicts('ord-9')", "no order with id 'ord-9'"),
        ("shop.exceptions('ord-9')", "no order with id 'ord-9'"),
        ("shop.notices('ord-9')", "no order with id 'ord-9'"),
        ("shop.obligations('ord-9')", "no order with id 'ord-9'"),
        ("shop.change_sets('ord-9')", "no order with id 'ord-9'"),
        ("shop.labels('shp-9')", "no shipment with id 'shp-9'"),
        ("shop.offers('lille')", "no node with id 'lille'"),
        ("shop.pick_orders('lille')", "no node with id 'lille'"),
        ("shop.manifests('lille', 'post')", "no node with id 'lille'"),
        ("shop.order(None)", "order id must be text, not None"),
        ("shop.cancel(shop.order('ord-1'), key='k')", "order id must be text, not an Order; give its id 'ord-1'"),
        ("shop.pick(shop.fulfillments('ord-1')[0], key='k')", "not a Fulfillment; give its id 'ord-1-f1'"),
        ("shop.cancel('ord-1', why=5, key='k')", "why must be text, not 5"),
        ("shop.cancel('ord-1', restock='no', key='k')", "restock must be True or False, not 'no'"),
        ("shop.give_up('s', reship='false', key='k')", "reship must be True or False, not 'false'"),
        ("shop.settle('ord-1', 't', done='false', key='k')", "done must be True or False, not 'false'"),
        ("shop.offer('ord-1-f1', answer_by=SPRING, key='k')", "answer_by must carry a time zone"),
        ("shop.reconsider('SKU-1', why='w', key='k')", "items are a list such as ['SKU-1'], not 'SKU-1'"),
        ("shop.rates('ord-1-f1', carriers='post')", "carriers are a list such as ['post'], not 'post'"),
        ("shop.ship('ord-1-f1', serials={'1': 'S-9'}, key='k')", "serials of '1' are a list such as ['S-9']"),
        ("shop.track('s', None, key='k')", "what is told are a list such as [TrackingFact("),
        ("shop.promise({'SKU-1': 1}, 'Ghent')", "ship_to must be Address, such as Address('BE'"),
        ("shop.promise({'SKU-1': 1}, chanel='web')", "a demand has no chanel; it has attempts, channel"),
        ("shop.exchange('r', {'item': 'SKU-2'}, key='k')", "line must be DraftLine, such as DraftLine("),
        ("shop.scan('b', 'SKU-1')", "scan must be Scan, such as Scan('s-1', 'SKU-1'), not 'SKU-1'"),
        ("shop.route_many(hours={'web': 'soon'})", "hours of channel 'web' must be a whole number"),
        ("shop.route_many(planner=print)", "a planner has a method plan"),
        ("shop.notices(status='sended')", "'sended' is no status of a notice; they are due, sent, late, dropped"),
        ("shop.plan_batches('ghent', b.Limits(), started='ghent-w1-b1')", "started are a list such as ['ghent-w1-b1']"),
        ("shop.plan_batches('ghent', [])", "limits are Limits(orders_max=12)"),
        (
            "shop.plan_batches('ghent', b.Limits(), metod='savings')",
            "a plan has no option metod; the options are",
        ),
        ("shop.plan_due('ghent', b.Limits(), None, method='savings')", "a plan has no option method"),
        ("shop.ship('ord-1-f1', [oms.Parcel('p', 1)] * 2, key='k')", "two parcels have the id 'p'"),
        ("shop.receive('ghent', {'SKU-1': '3'}, key='k')", "not '3'; turn the text into a number first"),
        ("shop.receive('ghent', {'SKU-1': 1.5}, key='k')", "count fractions in a smaller unit (1.5 m = 1500 mm)"),
        ("shop.receive('ghent', {'SKU-1': 1, 5: 1}, key='k')", "an item or line must be text, not 5"),
    ],
)
def test_a_wrong_argument_is_named_and_nothing_happens(command: str, message: str) -> None:
    at = up_to("allocated")
    before = at.shop.history("ord-1"), at.shop.fulfillments("ord-1"), at.shop.available("SKU-1")
    with pytest.raises(oms.OmsError) as told:
        eval(command, globals(), {"shop": at.shop})  # noqa: S307 - one of the lines above
    assert message in str(told.value)
    assert (at.shop.history("ord-1"), at.shop.fulfillments("ord-1"), at.shop.available("SKU-1")) == before


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("receive('ghent', {}, key='k')", "no units are named, so there is nothing to do"),
        ("count('ghent', {}, key='k')", "no units are named"),
        ("cancel('ord-1', {}, key='k')", "or leave them out for all"),
        ("pick('ord-1-f1', {}, key='k')", "or leave them out for all"),
        ("short_pick('ord-1-f1', {}, key='k')", "no units are named"),
        ("reject('ord-1-f1', {}, reason='no_time', key='k')", "or leave them out for all"),
        ("arrive('t-1', {}, key='k')", "or leave them out for all"),
        ("lose_transfer('t-1', {}, key='k')", "or leave them out for all"),
        ("open_return('ord-1', {}, key='k')", "no units are named"),
        ("receive_return('r-1', {}, key='k')", "or leave them out for all"),
        ("inspect_return('r-1', {}, key='k')", "no units are named"),
        ("edit('ord-1', [], key='k')", "no changes are named, so there is nothing to do"),
        ("preview('ord-1', [])", "no changes are named"),
        ("propose_changes('ord-1', [], key='k')", "no changes are named"),
        ("track('s-1', [], key='k')", "no facts are told"),
        ("reconsider([], why='w', key='k')", "no items are named"),
    ],
)
def test_a_command_with_nothing_to_do_is_refused_and_leaves_its_key_free(command: str, message: str) -> None:
    shop = up_to("allocated").shop
    with pytest.raises(oms.InvalidValue) as told:
        eval(f"shop.{command}", globals(), {"shop": shop})  # noqa: S307 - one of the lines above
    assert message in str(told.value)
    assert shop.receive("ghent", {"SKU-1": 3}, key="k") == []


WRONG: tuple[Any, ...] = (
    None,
    5,
    -1,
    1.5,
    True,
    "",
    " ",
    "nobody",
    [],
    {},
    [None],
    {"1": "2"},
    {5: 1},
    object(),
    SPRING,
)


@pytest.mark.parametrize("stage", ["accepted", "packed", "delivered"])
def test_no_verb_answers_a_wrong_argument_with_an_error_from_its_depths(stage: str) -> None:
    at = up_to(stage, keeps_promises=True)
    right = {
        "order_id": "ord-1",
        "fulfillment_id": "ord-1-f1",
        "shipment_id": "ord-1-f1-s1",
        "node": "ghent",
        "carrier": "",
        "units": {"1": 1},
        "limits": b.Limits(orders_max=3),
        "shift": b.Shift(datetime(2026, 3, 2, tzinfo=UTC), pickers=1),
    }
    empty, more = inspect.Parameter.empty, inspect.Parameter.VAR_KEYWORD
    tried = 0
    for verb in (name for name in dir(oms.Oms) if name[0] != "_" and name != "shadow"):
        named = inspect.signature(getattr(at.shop, verb)).parameters
        mine = {name for name, one in named.items() if one.kind is not more}
        needed = {name: right.get(name, "x") for name in mine if named[name].default is empty}
        for name in sorted(mine):
            for value in WRONG:
                tried += 1
                try:
                    getattr(at.shop, verb)(**{**needed, name: value})
                except oms.OmsError:
                    continue
    assert tried > 3_000
    assert at.shop.order("ord-1").id == "ord-1"


def test_an_error_about_a_payload_in_the_wrong_place_does_not_tell_who_the_customer_is() -> None:
    shop = up_to("accepted").shop
    payload = {"external_id": "1001", "ship_to": {"name": "A. Person", "street": "Korenmarkt 1"}}
    commands: list[Callable[[Any], object]] = [
        lambda wrong: shop.capture(wrong, payload, key="k"),
        lambda wrong: shop.capture("web", draft("2"), key=wrong),
        shop.order,
        lambda wrong: shop.cancel("ord-1", why=wrong, key="k"),
        lambda wrong: shop.refund("ord-1", wrong, key="k"),
        lambda wrong: shop.receive("ghent", {"SKU-1": wrong}, key="k"),
        lambda wrong: shop.ship("ord-1-f1", wrong, key="k"),
        lambda wrong: shop.kpis(since=wrong),
        lambda wrong: shop.notices(status=wrong),
        lambda wrong: shop.edit("ord-1", wrong, key="k"),
        lambda wrong: shop.promise([wrong]),
    ]
    for command in commands:
        with pytest.raises(oms.OmsError) as told:
            command(payload)
        assert "Person" not in str(told.value)
        assert "Korenmarkt" not in str(told.value)


def test_shipping_or_picking_what_has_left_says_which_fulfillment_and_what_became_of_it() -> None:
    at = up_to("shipped")
    for verb in (at.shop.ship, at.shop.pack, at.shop.pick):
        with pytest.raises(oms.TransitionNotAllowed) as told:
            verb("ord-1-f1", key="again")
        assert str(told.value).startswith(f"fulfillment 'ord-1-f1': '{verb.__name__}' is not allowed in state 'closed'")
        assert "it left as shipment 'ord-1-f1-s1', which may be relabeled, voided or given up" in str(told.value)
        assert (told.value.kind, told.value.id, told.value.command) == ("fulfillment", "ord-1-f1", verb.__name__)
    packed = up_to("picked")
    with pytest.raises(oms.CommandRefused, match="every unit of ord-1-f1 is picked already; pack it"):
        packed.shop.pick("ord-1-f1", key="again")


def test_what_is_in_another_state_is_named_whatever_it_is() -> None:
    at = up_to("delivered")
    shop = at.shop
    back = shop.open_return("ord-1", {"1": 1}, key="ret-1")
    shop.receive_return(back.id, key="ret-2")
    claim = shop.claim("ord-1", "1", key="claim-1")
    shop.decide_claim(claim.id, approve=False, key="claim-2")
    tried: list[tuple[Callable[[], object], str]] = [
        (lambda: shop.withdraw_return(back.id, key="x"), f"return '{back.id}': 'withdraw'"),
        (lambda: shop.decide_claim(claim.id, approve=True, key="x"), f"claim '{claim.id}': 'approve'"),
        (lambda: shop.void_label(at.shipment.id, key="x"), "shipment 'ord-1-f1-s1': 'cancel'"),  # type: ignore[union-attr]
        (lambda: shop.edit("ord-1", [Reduce("1", 1)], key="x"), "order 'ord-1': 'edit'"),
        (lambda: shop.accept("ord-1-f1", key="x"), "negotiation 'ord-1-f1': 'accept'"),
    ]
    for command, begins in tried:
        with pytest.raises(oms.TransitionNotAllowed) as told:
            command()
        assert str(told.value).startswith(begins)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"columns": {"hue": "farbe"}}, "columns: no field 'hue'; the fields are external_id"),
        ({"currency": "euro"}, "ISO 4217"),
        ({"zone": "Mars"}, "'Mars' is no known time zone"),
    ],
)
def test_a_table_of_orders_is_described_in_words_that_are_known(how: dict[str, Any], message: str) -> None:
    with pytest.raises(oms.OmsError, match=message):
        CsvChannel("files", **({"currency": "EUR", "columns": {}} | how))


ROW = {"no": "1", "sku": "A", "n": "2", "price": "1.50", "at": "2026-03-02T09:00:00Z", "#row": "2"}
FILE = CsvChannel(
    "files",
    currency="EUR",
    columns={"external_id": "no", "item": "sku", "units": "n", "unit_price": "price", "placed_at": "at"},
)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (None, "expected a list of rows, got NoneType"),
        (ROW, "expected a list of rows, got dict"),
        (["1;A;2"], "each row is an object with the file's columns"),
        ([ROW, ROW | {"no": "2", "#row": "3"}], "row 3: it is of order 2, and the rows before it are of 1"),
    ],
)
def test_rows_that_are_not_of_one_order_are_no_draft(rows: Any, message: str) -> None:
    with pytest.raises(oms.ChannelError, match=message):
        FILE.draft(rows)


def test_half_a_point_is_no_place() -> None:
    channel = JsonChannel("web")
    payload = {
        "external_id": "1",
        "currency": "EUR",
        "placed_at": "2026-03-02T09:30:00Z",
        "lines": [{"item": "SKU-1", "units": 1, "unit_price": "5.00"}],
        "ship_to": {"country": "BE", "latitude": 51.05},
    }
    with pytest.raises(oms.OmsError, match="field 'longitude' is missing; a point needs both, or neither"):
        channel.draft(payload)
