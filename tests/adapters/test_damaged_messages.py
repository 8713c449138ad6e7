"""Whatever place of a message is damaged: a right draft, right facts, or a refusal with a type; never a crash."""

from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

import pytest

from omscore.adapters.payloads import amazon
from omscore.errors import CarrierError, ChannelError
from omscore.orders import Draft
from omscore.shipping import TrackingFact
from tests.adapters.real_messages import CHANNELS as FORMATS
from tests.adapters.real_messages import READERS, Result, carrier_results, channel_results
from tests.properties.test_payload_properties import MESSAGES
from tests.shared_data import shared

GONE = object()
JUNK = [GONE, None, "", "x", "-1", "NaN", "\x00", "9" * 400, 0, -1, 1.5, 2**80, True, [], [None], {}, {"": 1}, "1e9"]
PLACES_MAX = 150
"""How many places of one published message are damaged: all of a small one, evenly spread ones of a large one."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield (*path, name)
        yield from places(one, (*path, name))


def damaged(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """A copy of a message with something else, or nothing, in one place; the rest is shared."""
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) > 1:
        copy[path[0]] = damaged(value[path[0]], path[1:], junk)
    elif junk is GONE:
        del copy[path[0]]
    else:
        copy[path[0]] = junk
    return copy


def becomes_an_order_or_is_refused(translate: Callable[[Any], Any], message: Any) -> None:
    try:
        draft = translate(message)
    except ChannelError:
        return
    assert isinstance(draft, Draft)
    assert draft.total is None or draft.total == draft.due
    assert all(0 <= line.cancelled <= line.units for line in draft.lines)


def evenly(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return found[:: max(1, -(-len(found) // PLACES_MAX))]


def translator(result: Result) -> Callable[[Any], Any]:
    if "purchaseOrderNumber" in result.payload:
        return amazon.vendor_draft
    draft: Callable[[Any], Any] = FORMATS[result.source].draft
    return draft


@pytest.mark.parametrize("name", MESSAGES)
def test_each_place_of_an_order_with_each_rubbish_in_it(name: str) -> None:
    translate, whole = MESSAGES[name]
    for path in places(whole):
        for junk in JUNK:
            if junk is GONE and isinstance(path[-1], int):
                continue  # fewer rows are another order, not a broken one
            becomes_an_order_or_is_refused(translate, damaged(whole, path, junk))


def test_published_orders_with_rubbish_in_them() -> None:
    rubbish, tried = cycle(JUNK), 0
    for result in channel_results(shared("payloads")):
        if result.outcome in {"draft", "refused"}:
            translate = translator(result)
            for path in evenly(list(places(result.payload))):
                for junk in islice(rubbish, 3):
                    becomes_an_order_or_is_refused(translate, damaged(result.payload, path, junk))
                    tried += 1
    assert tried > 15_000


def test_published_tracking_with_rubbish_in_it() -> None:
    rubbish, tried = cycle(JUNK), 0
    for result in carrier_results(shared("payloads").parent):
        reader = READERS.get(result.source)
        if reader is None or not isinstance(result.payload, dict | list):
            continue
        for path in evenly(list(places(result.payload))):
            tried += 1
            try:
                facts = reader(damaged(result.payload, path, next(rubbish)))
            except CarrierError:
                continue
            assert all(isinstance(fact, TrackingFact) for fact in facts)
    assert tried > 1_000
