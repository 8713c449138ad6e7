"""State tables: transitions as plain data, from which checks, legal next actions, diagrams and reference pages come.

The habit is h11's: one table owns everything that moves a state, and the documentation is drawn from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Self

from attrs import field, frozen

from omscore.errors import DefinitionError, TransitionNotAllowed
from omscore.kernel.given import mapped, texts


def _freeze(moves: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    such_as = "{'new': {'finish': 'done'}, 'done': {}}"
    rows = {
        state: MappingProxyType(mapped(f"the moves of state {state!r}", row, "{'finish': 'done'}"))
        for state, row in mapped("the moves of a state table", moves, such_as).items()
    }
    return MappingProxyType(rows)


@frozen(eq=False)
class StateTable:
    """A named table of {state: {command: next state}}; the first state is where everything starts.

    Raises DefinitionError when a command leads to a state that has no row, or a state cannot be reached.

    >>> DOOR = StateTable("door", {"open": {"close": "shut"}, "shut": {"open": "open"}})
    >>> DOOR.next("open", "close"), DOOR.allowed("shut")
    ('shut', ('open',))
    >>> print(f"{DOOR:mermaid}")
    stateDiagram-v2
        [*] --> open
        open --> shut: close
        shut --> open: open
    """

    name: str
    moves: Mapping[str, Mapping[str, str]] = field(converter=_freeze)

    def __attrs_post_init__(self) -> None:
        if not self.moves:
            raise DefinitionError(f"state table {self.name!r} has no states")
        for state, row in self.moves.items():
            for command, target in row.items():
                if target not in self.moves:
                    raise DefinitionError(f"{self.name}: {command!r} in {state!r} leads to unknown state {target!r}")
        reached, frontier = {self.initial}, [self.initial]
        while frontier:
            for target in self.moves[frontier.pop()].values():
                if target not in reached:
                    reached.add(target)
                    frontier.append(target)
        if lost := [s for s in self.moves if s not in reached]:
            raise DefinitionError(f"{self.name}: no command ever reaches {', '.join(map(repr, lost))}")

    @property
    def initial(self) -> str:
        """The state in which everything starts.

        >>> StateTable("t", {"new": {"end": "done"}, "done": {}}).initial
        'new'
        """
        return next(iter(self.moves))

    @property
    def states(self) -> tuple[str, ...]:
        """All states, in table order.

        >>> StateTable("t", {"new": {"end": "done"}, "done": {}}).states
        ('new', 'done')
        """
        return tuple(self.moves)

    def allowed(self, state: str) -> tuple[str, ...]:
        """The commands a state takes, in table order; none for a final state.

        >>> StateTable("t", {"new": {"end": "done"}, "done": {}}).allowed("done")
        ()
        """
        return tuple(self.moves.get(state, ()))

    def next(self, state: str, command: str, of: str = "", hint: str = "") -> str:
        """The state that follows; raises TransitionNotAllowed, naming the commands that are allowed.

        `of` is the id of what is in the state, `hint` what may be done instead: both are for that error alone.

        >>> DOOR = StateTable("door", {"new": {"end": "done"}, "done": {}})
        >>> DOOR.next("done", "end", "front")
        Traceback (most recent call last):
        omscore.errors.TransitionNotAllowed: door 'front': 'end' is not allowed in state 'done'; allowed: nothing ...
        """
        try:
            return self.moves[state][command]
        except (KeyError, TypeError):
            texts(state=state, command=command)
            raise TransitionNotAllowed(state, command, self.allowed(state), self.name, of, hint) from None

    def extended(self, moves: Mapping[str, Mapping[str, str]]) -> Self:
        """A new table with more states and commands; a host's additions never take a row away.

        Raises DefinitionError when a move would change where an existing command leads.

        >>> t = StateTable("t", {"new": {"end": "done"}, "done": {}})
        >>> t.extended({"new": {"pause": "paused"}, "paused": {"resume": "new"}}).allowed("new")
        ('end', 'pause')
        """
        merged = {state: dict(row) for state, row in self.moves.items()}
        for state, row in _freeze(moves).items():
            mine = merged.setdefault(state, {})
            for command, target in row.items():
                if mine.get(command, target) != target:
                    raise DefinitionError(
                        f"{self.name}: {command!r} in {state!r} already leads to {mine[command]!r}; "
                        "use another command instead of redirecting it"
                    )
                mine[command] = target
        return type(self)(self.name, merged)

    def rows(self) -> Iterable[tuple[str, str, str]]:
        """Every (state, command, next state), in table order.

        >>> list(StateTable("t", {"new": {"end": "done"}, "done": {}}).rows())
        [('new', 'end', 'done')]
        """
        for state, row in self.moves.items():
            for command, target in row.items():
                yield state, command, target

    def __format__(self, spec: str) -> str:
        if spec == "mermaid":
            lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
            lines += [f"    {state} --> {target}: {command}" for state, command, target in self.rows()]
            lines += [f"    {state} --> [*]" for state, row in self.moves.items() if not row]
            return "\n".join(lines)
        if spec:
            raise ValueError(f"unknown format {spec!r} for a state table; use ':mermaid'")
        return repr(self)

    def __repr__(self) -> str:
        return f"<StateTable {self.name}: {', '.join(self.moves)}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": repr(self), "text/vnd.mermaid": f"{self:mermaid}"}
