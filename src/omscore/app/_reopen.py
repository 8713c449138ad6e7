"""Reopen: a finished order is taken up again, and everything that let it in is checked again."""

from __future__ import annotations

from omscore.app import _credit, _money
from omscore.app._capture import accept, must_wait, payment_hold, reason_of, reserve
from omscore.app._work import Work
from omscore.errors import CommandRefused
from omscore.orders import PlaceHold, Reopen, validate


def reopen(work: Work, order_id: str, why: str) -> str:
    """Take up a cancelled, rejected or closed order; refused where it is still wrong or beyond the credit."""
    order = work.order(order_id)
    was = order.state
    order = work.tell(order, Reopen(why))
    if (reason := _credit.credit_reason(work, order)) is not None:
        raise CommandRefused([reason])
    if was == "closed":
        return order_id
    findings = validate(order.draft, work.wiring.catalog, work.wiring.checks)
    if errors := [finding for finding in findings if finding.severity == "error"]:
        raise CommandRefused([reason_of(finding) for finding in errors])
    order = reserve(work, order)
    _money.authorize_rest(work, order)
    if must_wait(work, order):
        order = work.tell(order, PlaceHold(payment_hold(work, order.draft)))
    _credit.bind_credit(work, order)
    accept(work, order)
    return order_id
