"""Linearizability of small histories: is there an order, one after the other, that gives the same answers?"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Protocol, Self, TypeVar

from attrs import frozen


class Copyable(Protocol):
    """A model that a history is tried on: it can be copied, and its state compared.

    >>> from omscore.testing.model import Model
    >>> model: Copyable = Model()
    """

    def copy(self) -> Self:
        """A model that goes its own way from here.

        >>> from omscore.testing.model import Model
        >>> Model({"A": 1}).copy().free
        {'A': 1}
        """
        ...

    def state(self) -> Hashable:
        """All of it as one value.

        >>> from omscore.testing.model import Model
        >>> Model().state()
        ((), ())
        """
        ...


M = TypeVar("M", bound=Copyable)


@frozen
class Call(Generic[M]):
    """One call of a history: who made it, when it began and ended, what it does to the model, and what it answered.

    `began` and `ended` are any numbers that rise with time (a counter will do). A call that never came back has no
    known answer: give `answered=False`, and it may have happened or not.

    >>> from omscore.testing.model import Model
    >>> Call("web-1", 0, 1, lambda model: model.reserve("ord-1", {"A": 1}), True).name
    'web-1'
    """

    name: str
    began: float
    ended: float
    act: Callable[[M], object]
    answer: object = None
    answered: bool = True


def serial_order(history: Sequence[Call[M]], model: M) -> list[str] | None:
    """The names of the calls in an order that gives the same answers, or None when there is no such order.

    A call that ended before another began comes before it. Searches depth first and remembers what it has seen (Wing
    and Gong 1993, Lowe 2017); meant for histories of up to about 20 calls.

    >>> from omscore.testing.model import Model
    >>> one = Call("one", 0, 3, lambda m: m.reserve("r-1", {"A": 1}), False)
    >>> two = Call("two", 1, 2, lambda m: m.reserve("r-2", {"A": 1}), True)
    >>> serial_order([one, two], Model({"A": 1}))
    ['two', 'one']
    >>> serial_order([one, two], Model({"A": 2})) is None
    True
    """
    seen: set[tuple[int, Hashable]] = set()
    calls = sorted(history, key=lambda call: call.began)

    def search(done: int, at: M, order: list[str]) -> list[str] | None:
        open_ = [n for n in range(len(calls)) if not done >> n & 1]
        if all(not calls[n].answered for n in open_):
            return order
        if (done, at.state()) in seen:
            return None
        seen.add((done, at.state()))
        first_end = min(calls[n].ended for n in open_ if calls[n].answered)
        for n in open_:
            call = calls[n]
            if call.began > first_end:
                break
            after = at.copy()
            answer = call.act(after)
            if call.answered and answer != call.answer:
                continue
            found = search(done | 1 << n, after, [*order, call.name])
            if found is not None:
                return found
        return None

    return search(0, model, [])


__all__ = ["Copyable", "Call", "serial_order"]
