"""The machine of the whole service finds faults: each of these is planted, and each is found.

A fault is one plausible mistake in one place. The same runs in the same order are tried for each, so that a fault that
is found today is found tomorrow; OMSCORE_PROFILE=deep tries many more runs before it gives a fault up.
"""

import os
from collections.abc import Callable
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import evolve
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.app import test_after_shipping, test_edits, test_nobody_is_forgotten, test_one_way_flow, test_payments
from tests.machines.test_oms_machine import OmsMachine

import omscore as oms
from omscore.adapters import memory
from omscore.app import (
    _books,
    _cancel,
    _capture,
    _credit,
    _edit,
    _floor,
    _money,
    _outbox,
    _owed,
    _reopen,
    _return,
    _said,
    _service,
    _settle,
    _track,
)
from omscore.inventory import Cell
from omscore.orders import UNIT_MOVES, Edit, Fulfillment, MoveUnits, UnitsMoved, _costs, _decide
from omscore.oversight import _incidents
from omscore.payments import Invoiced, Payment
from omscore.ports import PaymentRequest
from omscore.returns import Return

Plant = Callable[[pytest.MonkeyPatch], None]
FAULTS: dict[str, Plant] = {}


def fault(plant: Plant) -> Plant:
    FAULTS[plant.__name__] = plant
    return plant


def but(module: Any, **changes: Any) -> SimpleNamespace:
    """A module with some of its functions exchanged, for one who uses it."""
    return SimpleNamespace(**(vars(module) | changes))


# -- money ------------------------------------------------------------------------------------------------------------


@fault
def a_question_to_the_bank_has_a_new_id_each_time(patch: pytest.MonkeyPatch) -> None:
    number = count()

    def request(id_: str, *more: Any) -> PaymentRequest:
        return PaymentRequest(f"{id_}#{next(number)}", *more)

    patch.setattr(_outbox, "PaymentRequest", request)


@fault
def a_refund_is_asked_twice(patch: pytest.MonkeyPatch) -> None:
    ask = _money.ask

    def twice(work: Any, order: Any, kind: str, amount: Any, **more: Any) -> Payment:
        payment = ask(work, order, kind, amount, **more)
        if kind == "refund" and payment.kept >= amount:
            ask(work, order, kind, amount, **more)
        return payment

    patch.setattr(_money, "ask", twice)


@fault
def more_is_refunded_than_was_taken(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Payment, "ask", lambda self, row: self._with(row))


@fault
def a_refund_of_a_cancellation_gives_back_earlier_ones_too(patch: pytest.MonkeyPatch) -> None:
    settle_up = _cancel.settle_up

    def all_of_it(work: Any, order: Any, *, why: str, refund_beyond: int | None = None) -> None:
        settle_up(work, order, why=why, refund_beyond=None if refund_beyond is None else 0)

    patch.setattr(_cancel, "settle_up", all_of_it)


@fault
def a_cancellation_without_refund_refunds(patch: pytest.MonkeyPatch) -> None:
    settle_up = _cancel.settle_up
    patch.setattr(
        _cancel,
        "settle_up",
        lambda work, order, *, why, refund_beyond=None: settle_up(work, order, why=why, refund_beyond=0),
    )


@fault
def a_return_that_is_received_is_refunded(patch: pytest.MonkeyPatch) -> None:
    receive = _return.receive_return

    def and_pay(work: Any, return_id: str, units: Any, disposition: str) -> str:
        receive(work, return_id, units, disposition)
        order = work.order(work.load("return", return_id).order)
        if _owed.overpaid(work, order):
            _money.refund(work, order, None, "it is back")
        return return_id

    patch.setattr(_return, "receive_return", and_pay)


@fault
def a_capture_loses_a_cent(patch: pytest.MonkeyPatch) -> None:
    def cheaper(order: Any, **more: Any) -> oms.Money:
        whole = _costs.due_shipped(order, **more)
        return whole - oms.Money(1, whole.currency) if whole else whole

    patch.setattr(_owed, "due_shipped", cheaper)


@fault
def units_share_a_price_and_lose_the_rest_of_the_division(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_costs, "_first", lambda minor, of, n: minor // of * n)


@fault
def the_last_shipment_forgets_what_comes_once_for_the_order(patch: pytest.MonkeyPatch) -> None:
    def without(order: Any, **more: Any) -> oms.Money:
        gone = {line: u.shipped + u.delivered + u.return_expected for line, u in order.units.items()}
        return _costs.cost_of(order, gone)

    patch.setattr(_owed, "due_shipped", without)
    patch.setattr(_books, "due_shipped", without)


@fault
def a_capture_in_flight_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Payment, "kept", property(lambda self: self.captured - self.refunded))


@fault
def one_capture_spans_two_authorizations(patch: pytest.MonkeyPatch) -> None:
    honest: Any = Payment.__dict__["open_authorizations"]

    def merged(self: Payment) -> tuple[Any, ...]:
        rows = honest.fget(self)
        whole = oms.Money(sum(row.amount.minor for row in rows), self.currency)
        return (evolve(rows[0], amount=whole),) if rows else ()

    patch.setattr(Payment, "open_authorizations", property(merged))


@fault
def a_gateway_that_captures_once_is_asked_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_money, "_spend", lambda work, order, authorization: None)
    patch.setattr(_costs, "due", _costs.due)
    as_if_all_left = _shipped_is_all(_owed.owed)
    patch.setattr(_owed, "owed", as_if_all_left)
    patch.setattr(_money, "owed", as_if_all_left)


def _shipped_is_all(owed: Any) -> Any:
    """As if every shipment were the last one."""
    return lambda work, order, *, shipped=False: owed(work, order, shipped=True)


@fault
def a_promise_is_let_go_though_goods_are_still_to_leave(patch: pytest.MonkeyPatch) -> None:
    def too_much(work: Any, order: Any) -> None:
        for row in _owed.payment_of(work, order).open_authorizations:
            _money.ask(work, order, "void", row.amount, parent=row.id)

    patch.setattr(_cancel, "_money", but(_money, let_go=too_much))


@fault
def what_was_refunded_is_not_owed_again_when_more_is_ordered(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Payment, "kept", property(lambda self: self.total("capture", "asked", "done")))


@fault
def an_invoice_is_sent_again_with_each_shipment(patch: pytest.MonkeyPatch) -> None:
    def forgets(value: Any, **changes: Any) -> Any:
        return evolve(value, **(changes | {"minor": 0} if isinstance(value, Invoiced) else changes))

    patch.setattr(_books, "evolve", forgets)


@fault
def goods_that_are_lost_are_never_written_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_books, "post_loss", lambda *what, **more: None)


@fault
def what_a_channel_gave_back_is_still_there(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_said, "_give_back", lambda work, order, draft, captures, amount: 0)


@fault
def a_channel_gives_back_what_a_gateway_took(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_said, "_own", lambda payment, reference, rows: list(rows))


@fault
def a_failed_effect_counts_as_done(patch: pytest.MonkeyPatch) -> None:
    send = _outbox._send

    def swallow(store: Any, wiring: Any, effect: Any) -> Any:
        try:
            return send(store, wiring, effect)
        except Exception:  # noqa: BLE001 - that is the fault
            return None

    patch.setattr(_outbox, "_send", swallow)


@fault
def a_payment_that_failed_is_nobodys_work(patch: pytest.MonkeyPatch) -> None:
    rest = tuple(one for one in _incidents.STANDARD_DETECTORS if one is not _incidents._payment)
    patch.setattr(_incidents, "STANDARD_DETECTORS", rest)


# -- credit, holds, gates ---------------------------------------------------------------------------------------------


@fault
def credit_is_not_looked_at_on_reopening(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_reopen, "_credit", but(_credit, credit_reason=lambda work, order: None))


@fault
def credit_is_not_looked_at_when_an_order_grows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_edit, "_credit", but(_credit, check_growth=lambda work, before, after: None))


@fault
def credit_is_not_freed_by_a_cancellation(patch: pytest.MonkeyPatch) -> None:
    bind = _credit.bind_credit
    patch.setattr(_credit, "bind_credit", lambda work, order: None if order.state == "cancelled" else bind(work, order))


@fault
def a_hold_stops_nobody(patch: pytest.MonkeyPatch) -> None:
    free = {verb: evolve(move, gated=False) for verb, move in UNIT_MOVES.items()}
    patch.setattr(_decide, "UNIT_MOVES", free)


@fault
def an_unpaid_order_goes_on(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_capture, "must_wait", lambda work, order: False)


@fault
def an_edit_that_costs_more_waits_for_nothing(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_edit, "must_wait", lambda work, order: False)
    patch.setattr(_settle, "must_wait", lambda work, order: False)


# -- goods ------------------------------------------------------------------------------------------------------------


@fault
def a_return_goes_into_stock_twice(patch: pytest.MonkeyPatch) -> None:
    def twice(txn: Any, cells: Any, *, to: str, cause: str) -> None:
        oms.inventory.return_stock(txn, cells, to=to, cause=cause)
        oms.inventory.receive(txn, cells, cause=cause)

    patch.setattr(_return, "inventory", but(oms.inventory, return_stock=twice))


@fault
def a_price_only_edit_moves_stock(patch: pytest.MonkeyPatch) -> None:
    def restock(work: Any, before: Any, order: Any, rerouted: Any) -> Any:
        inventory = oms.inventory
        held = work.txn.reservation(order.id)
        soft = {share: n for share, n in held.held.items() if share[1] == "reserved"} if held else {}
        if soft:
            inventory.release(work.txn, order.id, soft, cause=work.cause)
            units = {line: u.reserved for line, u in order.units.items() if u.reserved}
            order = work.tell(order, MoveUnits("unreserve", units))
        return _capture.reserve(work, order)

    patch.setattr(_edit, "_restock", restock)


@fault
def a_command_that_is_repeated_is_done_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_service, "run_once", lambda store, key, print_, work: store.run(work))


@fault
def a_replacement_is_not_reserved(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        _return, "edit", lambda work, id_, changes, why, version: work.tell(work.order(id_), Edit(tuple(changes)))
    )


@fault
def an_exchange_reserves_for_nobody(patch: pytest.MonkeyPatch) -> None:
    exchange = _return.exchange

    def leaks(work: Any, return_id: str, line: Any) -> str:
        exchange(work, return_id, line)
        want = oms.inventory.Want(line.item, 1)
        oms.inventory.reserve(work.txn, f"{return_id}-more", [want], cause=f"{work.cause}+", policy="partial")
        return return_id

    patch.setattr(_return, "exchange", leaks)


@fault
def a_node_keeps_what_was_cancelled(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Fulfillment, "reduced", lambda self, units, picked=False: self)


@fault
def what_was_cancelled_without_restock_is_on_sale(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_cancel, "inventory", but(oms.inventory, quarantine=lambda *cells, **more: None))


@fault
def a_short_pick_leaves_the_figure_as_it_was(patch: pytest.MonkeyPatch) -> None:
    def found_after_all(txn: Any, order: str, cells: Any, *, cause: str) -> None:
        oms.inventory.short_pick(txn, order, cells, cause=cause)
        oms.inventory.receive(txn, cells, cause=cause)

    patch.setattr(_floor, "inventory", but(oms.inventory, short_pick=found_after_all))


@fault
def what_is_in_quarantine_is_looked_at_again_and_again(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Return, "inspected", lambda self, units: self)


@fault
def a_lost_parcel_is_found_in_stock(patch: pytest.MonkeyPatch) -> None:
    def found(work: Any, order: Any) -> Any:
        oms.inventory.receive(work.txn, {Cell(order.lines[0].item, "ghent"): 1}, cause=work.cause)
        return _capture.reserve(work, order)

    patch.setattr(_track, "reserve", found)


@fault
def a_cancellation_frees_no_stock(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(_cancel, "_release_reserved", lambda work, order, units: None)


@fault
def a_preview_is_an_edit(patch: pytest.MonkeyPatch) -> None:
    look = _edit.look

    def really(work: Any, order_id: str, changes: Any) -> Any:
        seen = look(work, order_id, changes)
        _edit.edit(work, order_id, changes, "", None)
        return seen

    patch.setattr(_edit, "look", really)


@fault
def an_event_is_not_logged(patch: pytest.MonkeyPatch) -> None:
    append = memory._MemoryTransaction.append

    def forgets(self: Any, kind: str, id_: str, events: Any, **more: Any) -> None:
        append(self, kind, id_, [event for event in events if not isinstance(event, UnitsMoved)], **more)

    patch.setattr(memory._MemoryTransaction, "append", forgets)


@fault
def a_refused_command_leaves_half_of_itself(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(memory._MemoryTransaction, "abort", lambda self: None)


# Faults that only a long story shows: a rule of the business, tried by name, shows each at once. The machine finds them
# too when it is given the time (`deep`).
SHOWN_BY: dict[str, Callable[[], object]] = {
    "a_refund_of_a_cancellation_gives_back_earlier_ones_too": (
        test_payments.test_a_cancellation_gives_back_what_its_own_units_cost_and_nothing_else
    ),
    "one_capture_spans_two_authorizations": test_payments.test_each_authorization_is_captured_by_itself,
    "what_was_refunded_is_not_owed_again_when_more_is_ordered": (
        test_payments.test_what_was_refunded_is_owed_again_when_more_is_ordered
    ),
    "a_capture_in_flight_is_forgotten": test_payments.test_a_refund_waits_for_its_capture_and_falls_with_it,
    "what_a_channel_gave_back_is_still_there": partial(
        test_payments.test_a_channel_that_gave_its_own_money_back_stops_the_order_for_a_person, "refunded", {}
    ),
    "a_failed_effect_counts_as_done": (
        test_payments.test_rubbish_from_a_gateway_is_a_failed_attempt_and_stops_no_other_effect
    ),
    "credit_is_not_looked_at_on_reopening": test_payments.test_credit_is_checked_at_capture_and_on_reopening,
    "credit_is_not_looked_at_when_an_order_grows": test_edits.test_an_edit_beyond_the_credit_is_refused,
    "what_is_in_quarantine_is_looked_at_again_and_again": (
        test_after_shipping.test_each_unit_has_its_own_disposition_and_quarantine_ends_in_an_inspection
    ),
    "an_invoice_is_sent_again_with_each_shipment": (
        test_payments.test_what_is_sent_again_is_invoiced_once_and_the_lost_goods_are_written_off
    ),
    "goods_that_are_lost_are_never_written_off": (
        test_payments.test_goods_that_come_back_are_worth_something_until_they_are_scrapped
    ),
    "a_payment_that_failed_is_nobodys_work": test_payments.test_a_declined_capture_is_tried_again_by_hand,
    "a_cancellation_without_refund_refunds": (test_payments.test_cancelling_refunding_and_restocking_are_independent),
    "a_return_that_is_received_is_refunded": partial(
        test_after_shipping.test_receiving_and_refunding_are_independent, money_first=False
    ),
    "a_return_goes_into_stock_twice": partial(
        test_after_shipping.test_receiving_and_refunding_are_independent, money_first=False
    ),
    "a_replacement_is_not_reserved": (test_after_shipping.test_an_exchange_reserves_its_replacement_and_nets_the_money),
    "an_exchange_reserves_for_nobody": (
        test_after_shipping.test_an_exchange_reserves_its_replacement_and_nets_the_money
    ),
    "what_was_cancelled_without_restock_is_on_sale": (
        test_payments.test_cancelling_refunding_and_restocking_are_independent
    ),
    "a_lost_parcel_is_found_in_stock": (
        test_after_shipping.test_a_lost_parcel_is_sent_again_from_stock_and_not_paid_twice
    ),
    "a_short_pick_leaves_the_figure_as_it_was": (
        test_one_way_flow.test_a_short_pick_mends_the_figure_and_routes_the_rest_elsewhere
    ),
    "a_promise_is_let_go_though_goods_are_still_to_leave": (
        test_payments.test_cancelling_a_part_lets_go_of_the_promise_for_that_part
    ),
    "credit_is_not_freed_by_a_cancellation": test_payments.test_credit_is_checked_at_capture_and_on_reopening,
    "an_edit_that_costs_more_waits_for_nothing": (
        test_edits.test_what_comes_on_top_is_authorized_before_the_order_goes_on
    ),
    "a_hold_stops_nobody": test_nobody_is_forgotten.test_work_at_a_node_stops_while_somebody_holds_the_order,
}

DEEP = os.environ.get("OMSCORE_PROFILE") == "deep"
# What is tried depends a little on which modules are loaded, so that the bound is far beyond what was ever needed.
RUNS, STEPS = (2_000, 60) if DEEP else (1_000, 40)


def hunt() -> None:
    """Run the machine until it finds something, without looking for the shortest way to it."""
    options = settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(OmsMachine, settings=options)


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    FAULTS[name](monkeypatch)
    shown = hunt if DEEP else SHOWN_BY.get(name, hunt)
    with pytest.raises((AssertionError, oms.OmsError, pytest.fail.Exception)):
        shown()


def test_without_a_fault_the_same_rules_hold() -> None:
    for rule in dict.fromkeys(SHOWN_BY.values()):
        rule()
