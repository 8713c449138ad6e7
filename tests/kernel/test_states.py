"""A state table cannot be built wrong, and an illegal command changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omscore.errors import DefinitionError, TransitionNotAllowed
from omscore.kernel import StateTable

DOOR = StateTable("door", {"open": {"close": "shut"}, "shut": {"open": "open", "lock": "locked"}, "locked": {}})

STATES = ("a", "b", "c", "d")
MOVES = st.fixed_dictionaries(
    {state: st.dictionaries(st.sampled_from(["go", "stop", "turn"]), st.sampled_from(STATES)) for state in STATES}
)


@given(MOVES)
def test_every_table_that_can_be_built_is_closed_and_reachable(moves: dict[str, dict[str, str]]) -> None:
    try:
        table = StateTable("t", moves)
    except DefinitionError as refused:
        assert "ever reaches" in str(refused)  # noqa: PT017 - only one of the two ways is taken
        return
    seen = {table.initial}
    for _ in STATES:
        seen |= {target for state, _, target in table.rows() if state in seen}
    assert seen == set(table.states)
    for state, command, target in table.rows():
        assert table.next(state, command) == target
        assert command in table.allowed(state)


def test_an_illegal_command_names_the_legal_ones() -> None:
    with pytest.raises(TransitionNotAllowed) as refused:
        DOOR.next("shut", "close")
    assert (refused.value.state, refused.value.command, refused.value.allowed) == ("shut", "close", ("open", "lock"))


def test_a_final_or_unknown_state_allows_nothing() -> None:
    assert DOOR.allowed("locked") == DOOR.allowed("lost") == ()
    with pytest.raises(TransitionNotAllowed, match="a final state"):
        DOOR.next("locked", "open")


@pytest.mark.parametrize(
    ("moves", "says"),
    [
        ({}, "no states"),
        ({"a": {"go": "nowhere"}}, "unknown state 'nowhere'"),
        ({"a": {}, "b": {}}, "no command ever reaches 'b'"),
        ({"a": {"go": "b"}, "b": {}, "c": {"go": "d"}, "d": {"go": "c"}}, "'c', 'd'"),
    ],
)
def test_a_table_that_cannot_work_is_refused(moves: dict[str, dict[str, str]], says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        StateTable("t", moves)


def test_the_rows_of_a_table_cannot_be_changed() -> None:
    rows = {"open": {"close": "shut"}, "shut": {}}
    table = StateTable("door", rows)
    rows["open"]["close"] = "open"
    assert table.next("open", "close") == "shut"
    with pytest.raises(TypeError):
        table.moves["open"]["close"] = "open"  # type: ignore[index]


def test_an_extension_keeps_every_row_and_may_repeat_one() -> None:
    wider = DOOR.extended({"locked": {"unlock": "shut"}, "open": {"close": "shut"}})
    assert set(DOOR.rows()) < set(wider.rows())
    assert wider.next("locked", "unlock") == "shut"
    assert DOOR.allowed("locked") == ()


def test_an_extension_never_redirects_a_command() -> None:
    with pytest.raises(DefinitionError, match="already leads to 'shut'"):
        DOOR.extended({"open": {"close": "locked"}})


def test_a_table_draws_itself() -> None:
    assert f"{DOOR:mermaid}".splitlines() == [
        "stateDiagram-v2",
        "    [*] --> open",
        "    open --> shut: close",
        "    shut --> open: open",
        "    shut --> locked: lock",
        "    locked --> [*]",
    ]
    assert f"{DOOR}" == repr(DOOR) == "<StateTable door: open, shut, locked>"
    assert DOOR._repr_mimebundle_()["text/vnd.mermaid"] == f"{DOOR:mermaid}"
    with pytest.raises(ValueError, match=":mermaid"):
        f"{DOOR:dot}"
