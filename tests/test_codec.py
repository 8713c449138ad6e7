"""What is written down is read back the same, by later versions too; what cannot be read is named by its path."""

import enum
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omscore import codec as codecs
from omscore import inventory, kernel, orders, routing, shipping
from omscore.codec import Codec, standard, tag_of, values_of
from omscore.errors import CodecError, DefinitionError
from omscore.inventory import Cell, Reserved
from omscore.kernel import Money, Quantities


class Color(enum.Enum):
    RED = "red"
    BLUE = 2


class Spot(NamedTuple):
    row: int
    place: str = "left"


NOWHERE = Spot(0)


@attrs.frozen
class Leaf:
    name: str
    money: Money | None = None


@attrs.frozen
class Tree:
    leaves: tuple[Leaf, ...]
    by_cell: Mapping[Cell, int] = attrs.field(factory=dict)
    by_name: Mapping[str, Leaf] = attrs.field(factory=dict)
    at: datetime | None = None
    tags: frozenset[str] = frozenset()
    color: Color = Color.RED
    spot: Spot = NOWHERE
    pair: tuple[int, str] = (0, "")
    choice: Literal["a", "b"] = "a"
    either: int | str | Leaf = 0
    anything: Any = None
    share: float = 0.0
    rows: Sequence[int] = ()
    _hidden: int = 7


CODEC = Codec([Money, Cell, Leaf, Tree, Color, Spot, Quantities])

names = st.text(max_size=8)
whole = st.integers(-(2**63), 2**63 - 1)
times = st.datetimes(
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), ZoneInfo("Europe/Paris")])
)
money = st.builds(Money, whole, st.sampled_from(["EUR", "JPY"]))
leaves = st.builds(Leaf, names, st.none() | money)
cells = st.builds(Cell, names, names, names, names)
single = [
    st.none(),
    st.booleans(),
    whole,
    st.floats(allow_nan=False, allow_infinity=False),
    names,
    times,
    money,
    leaves,
    cells,
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.sampled_from(Color),
    st.just(ZoneInfo("Europe/Paris")),
    st.builds(Quantities, st.dictionaries(names, whole, max_size=2)),
    st.frozensets(names | whole, max_size=3),
    st.sets(names, max_size=3),
]
plain = st.recursive(
    st.one_of(single),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(names | st.just("$"), inner, max_size=3)
        | st.dictionaries(cells, inner, max_size=2)
    ),
    max_leaves=8,
)
trees = st.builds(
    Tree,
    st.lists(leaves, max_size=3).map(tuple),
    st.dictionaries(cells, whole, max_size=3),
    st.dictionaries(names | st.just("$"), leaves, max_size=3),
    st.none() | times,
    st.frozensets(names, max_size=4),
    st.sampled_from(Color),
    st.builds(Spot, whole, names),
    st.tuples(whole, names),
    st.sampled_from(["a", "b"]),
    whole | names | leaves,
    plain,
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(whole, max_size=3).map(tuple),
    whole,
)


@given(plain | trees)
def test_what_is_written_down_is_read_back_the_same(value: object) -> None:
    again = CODEC.loads(CODEC.dumps(value))
    assert again == value
    assert type(again) is type(value)
    assert CODEC.dumps(again) == CODEC.dumps(value)


@given(plain | trees)
def test_encoded_values_are_plain_json_and_written_as_that(value: object) -> None:
    data = CODEC.encode(value)
    assert CODEC.dumps(value) == codecs.json_text(data)
    assert json.loads(json.dumps(data)) == data


def test_times_are_kept_in_utc() -> None:
    paris = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Europe/Paris"))
    assert CODEC.dumps(Tree((), at=paris)).count("2026-03-02T09:00:00+00:00") == 1
    assert CODEC.loads(CODEC.dumps(paris)) == datetime(2026, 3, 2, 9, tzinfo=UTC)


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from([0, 7, 999, 1_000, 999_999]))
def test_a_time_is_written_as_python_writes_it(at: datetime, micro: int) -> None:
    for value in (at, at.replace(microsecond=micro)):
        assert CODEC.dumps([value]) == f'[{{"$":"datetime","is":"{value.isoformat()}"}}]'


@given(trees, st.data())
def test_damaged_data_is_an_error_or_a_value_but_never_another_exception(value: Tree, data: st.DataObject) -> None:
    text = CODEC.dumps(value)
    at = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:at] + data.draw(st.sampled_from(["", "1", '"', "{", "null", "]", "x"])) + text[at + 1 :]
    with suppress(CodecError):
        CODEC.loads(damaged)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"leaves": [{"$": "tests.test_codec.Leaf/1", "name": 3, "money": None}]},
            r"leaves\[0\]\.name: must be a text",
        ),
        ({"leaves": {}}, "leaves: must be a list"),
        ({"at": "yesterday"}, "at: must be an ISO 8601 time"),
        ({"at": "2026-03-02T09:00:00"}, "at: must be an ISO 8601 time with its offset"),
        ({"color": "green"}, "color: 'green' is no Color; known: 'red', 2"),
        ({"choice": "c"}, "choice: must be one of 'a', 'b'"),
        ({"pair": [1]}, "pair: must be a list of 2"),
        ({"pair": [True, "x"]}, "pair"),
        ({"by_cell": [[["A", "x"], 1.5]]}, r"by_cell\[0\]: must be a whole number"),
        ({"by_name": {"k": {"$": "orders.Unheard/1"}}}, "by_name.k: unknown type 'orders.Unheard'"),
        ({"by_name": {"k": "leaf"}}, "by_name.k: must be Leaf, not 'leaf'"),
        ({"share": "much"}, "share: must be a finite number"),
        ({"either": None}, "either: must be int or str or Leaf"),
        ({"extra": 1}, "unknown field 'extra'"),
        ({"tags": None}, "field 'tags' is missing"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_path(change: dict[str, Any], message: str) -> None:
    data = CODEC.encode(Tree(())) | change
    if change == {"tags": None}:
        del data["tags"]
    with pytest.raises(CodecError, match=message):
        CODEC.decode(data)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"deep": [1, {"er": object()}]}, r"deep\[1\]\.er: cannot store a object"),
        (float("nan"), "finite"),
        ({"at": datetime(2026, 3, 2)}, "at: .* is naive"),  # noqa: DTZ001 - that is the point
        (Tree((Leaf("a", Money(1, "EUR")),), at="soon"), "at: "),  # type: ignore[arg-type]
        (Leaf(object()), "name: cannot store"),  # type: ignore[arg-type]
        (Tree(None), "leaves: cannot store None"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_stored_is_named_by_its_path(value: object, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        CODEC.dumps(value)


def test_a_newer_version_is_refused_and_an_older_one_is_brought_up() -> None:
    def add_money(fields: dict[str, Any]) -> dict[str, Any]:
        return fields | {"money": None}

    def rename(fields: dict[str, Any]) -> dict[str, Any]:
        return {"name": fields["label"], "money": fields["money"]}

    tag = tag_of(Leaf)
    newer = Codec([Money, Leaf], upcasters={(tag, 1): add_money, (tag, 2): rename})
    assert newer.encode(Leaf("a"))["$"] == f"{tag}/3"
    assert newer.decode({"$": f"{tag}/1", "label": "a"}) == Leaf("a")
    assert newer.decode({"$": f"{tag}/2", "label": "a", "money": None}) == Leaf("a")
    with pytest.raises(CodecError, match="version 4 is newer than 3"):
        newer.decode({"$": f"{tag}/4", "name": "a"})
    with pytest.raises(CodecError, match="older than any"):
        newer.decode({"$": f"{tag}/0", "name": "a"})


def test_a_codec_that_cannot_work_is_refused_when_it_is_made() -> None:
    with pytest.raises(DefinitionError, match="no attrs class"):
        Codec([dict])
    with pytest.raises(DefinitionError, match="skip version 1"):
        Codec([Leaf], upcasters={(tag_of(Leaf), 2): dict})
    with pytest.raises(DefinitionError, match="no type of this codec"):
        Codec([Leaf], upcasters={("orders.Unheard", 1): dict})
    other = type("Leaf", (), {"__module__": __name__, "__qualname__": "Leaf", "__annotations__": {"x": int}})
    with pytest.raises(DefinitionError, match="two types are called"):
        Codec([Leaf, attrs.frozen(other)])


def test_a_host_adds_its_own_types_without_touching_anybody_elses() -> None:
    mine = standard().with_types(Leaf)
    assert mine.loads(mine.dumps(Leaf("a", Money(5, "EUR")))) == Leaf("a", Money(5, "EUR"))
    with pytest.raises(CodecError, match="cannot store a Leaf"):
        standard().dumps(Leaf("a"))


def test_every_type_of_every_package_can_be_compiled() -> None:
    codec = standard()
    for package in (kernel, orders, inventory, routing, shipping):
        for cls in values_of(package):
            assert tag_of(cls).startswith(package.__name__.partition(".")[2])
            codec._compile(cls)


def test_the_stored_form_of_a_ledger_answer_does_not_change_unnoticed() -> None:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    answer = Reserved("ord-1", {Cell("A", "ghent"): 2}, {"B": 1}, at)
    data = standard().encode(answer)
    assert data["$"].startswith("inventory.Reserved/")
    assert data["cells"] == [[["A", "ghent", "", ""], 2]]
    assert data["expires_at"] == "2026-03-02T09:00:00+00:00"
    assert standard().decode(data) == answer


def test_a_named_tuple_may_grow_at_its_end() -> None:
    data = CODEC.encode(Tree((), spot=Spot(3, "right"))) | {"spot": [3]}
    assert CODEC.decode(data).spot == Spot(3, "left")


def test_what_looks_like_json_but_is_none_is_refused() -> None:
    for text in ("", "{", "NaN", '{"$":3}', '{"$":"kernel.Money"}', '{"$":"kernel.Money/x"}', "[" * 100_000):
        with pytest.raises(CodecError):
            CODEC.loads(text)


def test_plain_values_without_a_type_keep_theirs() -> None:
    value = {"t": (1, 2), "d": date(2026, 3, 2), "w": time(9, 30), "i": timedelta(days=1), "n": Decimal("1.10")}
    again = codecs.Codec().loads(codecs.Codec().dumps(value))
    assert (again, str(again["n"])) == (value, "1.10")
