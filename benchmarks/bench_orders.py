"""Order transitions through decide and apply, beside state-machine packages that change one object in place.

A life is nine transitions (accept, hold, release, allocate, pick, pack, ship, deliver, close). Ours checks what the
command may do, makes an event, and from it a new immutable order. The peers get ten states in a row with a guard and a
callback that do nothing at each step (automat knows no guards), and a new object for each life, as each order needs
one; of transitions, a model that is registered once and set back is shown as well. Times are of the processor; ratios
are medians of the ratios within each of the interleaved rounds.
"""

import gc
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Any

import omscore as oms
from omscore.orders import Accept, Capture, Close, Command, MoveUnits, PlaceHold, ReleaseHold, apply, decide, fold

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NINE: tuple[Command, ...] = (
    Accept(),
    PlaceHold(oms.Hold("fraud")),
    ReleaseHold("fraud"),
    MoveUnits("allocate", {"1": 2}),
    MoveUnits("pick", {"1": 2}),
    MoveUnits("pack", {"1": 2}),
    MoveUnits("ship", {"1": 2}),
    MoveUnits("deliver", {"1": 2}),
    Close(),
)
STATES = [f"s{i}" for i in range(10)]
ROUNDS, LIVES = 25, 60


def ours() -> Callable[[], None]:
    line = oms.DraftLine("1", "SKU-1", 2, oms.Money(1999, "EUR"))
    start = fold(decide(None, Capture("ord-1", oms.Draft("web", "1", "EUR", (line,), NOW)), NOW))

    def life() -> None:
        order = start
        for command in NINE:
            for event in decide(order, command, NOW):
                order = apply(order, event)

    return life


def with_transitions(*, anew: bool = True) -> Callable[[], None]:
    machine = import_module("transitions").Machine

    class Model:
        def open(self) -> bool:
            return True

        def after(self) -> None:
            return

    moves = [
        {"trigger": f"t{i}", "source": f"s{i}", "dest": f"s{i + 1}", "conditions": "open", "after": "after"}
        for i in range(9)
    ]
    shared = machine(model=None, states=STATES, transitions=moves, initial="s0")

    def life() -> None:
        model: Any = Model()
        shared.add_model(model, initial="s0")
        for i in range(9):
            getattr(model, f"t{i}")()
        shared.remove_model(model)

    kept: Any = Model()
    shared.add_model(kept, initial="s0")

    def life_again() -> None:
        kept.state = "s0"
        for i in range(9):
            getattr(kept, f"t{i}")()

    return life if anew else life_again


def with_python_statemachine() -> Callable[[], None]:
    package = import_module("statemachine")
    states = {f"s{i}": package.State(initial=i == 0, final=i == 9) for i in range(10)}
    events = {f"t{i}": states[f"s{i}"].to(states[f"s{i + 1}"], cond="open", on="after") for i in range(9)}
    body = {**states, **events, "open": lambda self: True, "after": lambda self: None}
    kind = type("Life", (package.StateMachine,), body)

    def life() -> None:
        machine = kind()
        for i in range(9):
            getattr(machine, f"t{i}")()

    return life


def with_automat() -> Callable[[], None]:
    package = import_module("automat")

    def build() -> Any:
        machine = package.MethodicalMachine()
        body: dict[str, Any] = {"machine": machine}
        for i in range(10):
            body[f"s{i}"] = machine.state(initial=i == 0)(_named(f"s{i}"))
        for i in range(9):
            body[f"t{i}"] = machine.input()(_named(f"t{i}"))
            body[f"o{i}"] = machine.output()(_named(f"o{i}"))
        for i in range(9):
            body[f"s{i}"].upon(body[f"t{i}"], enter=body[f"s{i + 1}"], outputs=[body[f"o{i}"]])
        return type("Life", (), body)

    kind = build()

    def life() -> None:
        machine = kind()
        for i in range(9):
            getattr(machine, f"t{i}")()

    return life


def _named(name: str) -> Callable[[Any], None]:
    def method(self: Any) -> None:
        """A step."""

    method.__name__ = name
    return method


def main() -> None:
    lives = {"omscore": ours()}
    peers: tuple[tuple[str, Callable[[], Callable[[], None]]], ...] = (
        ("transitions", with_transitions),
        ("transitions, model kept", partial(with_transitions, anew=False)),
        ("python-statemachine", with_python_statemachine),
        ("automat", with_automat),
    )
    for name, build in peers:
        try:
            lives[name] = build()
        except ImportError:
            print(f"{name} is not installed and left out")
    times: dict[str, list[float]] = {name: [] for name in lives}
    gc.disable()
    for _ in range(ROUNDS):
        for name, life in lives.items():
            began = time.process_time()
            for _ in range(LIVES):
                life()
            times[name].append((time.process_time() - began) / LIVES / 9)
        gc.collect()
    print(f"{'':26}{'us a transition':>16}{'ratio':>8}")
    for name, seconds in times.items():
        ratio = statistics.median(a / b for a, b in zip(seconds, times["omscore"], strict=True))
        print(f"{name:26}{statistics.median(seconds) * 1e6:16.2f}{ratio:8.1f}")


if __name__ == "__main__":
    main()
