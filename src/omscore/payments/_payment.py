"""One order's payment: rows are appended and never changed, and everything else is derived from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import evolve, field, frozen

from omscore.errors import CommandRefused, InvalidValue, Reason
from omscore.kernel import Money, key, quantity
from omscore.kernel.given import listed, of_kind, one_of, texts
from omscore.kernel.times import moments

TRANSACTION_KINDS = ("authorize", "capture", "void", "refund", "expire", "credit")
"""What a row is about. "expire" takes back an authorization that the bank no longer honors; "credit" is what a customer
on terms need not pay after all, because goods came back before they were paid."""

_LET_GO = ("capture", "void", "expire", "credit")
_LIVE = ("asked", "done")

_OUTCOMES = ("asked", "done", "failed")

CAPTURE_METHODS = ("at_order", "at_shipment", "on_terms")
"""When money is taken: once authorized, with each shipment, or later by invoice."""

PAYMENT_STATUSES = (
    "unpaid",
    "pending",
    "failed",
    "authorized",
    "partly_captured",
    "captured",
    "partly_refunded",
    "refunded",
    "voided",
)
"""What a payment's rows amount to; never stored."""


@frozen
class PaymentTransaction:
    """One row: money that was asked for, or the answer to that. The last row of an id counts.

    `parent` names the row that this one is about: the authorization that is captured, voided or expired, the capture
    that is refunded. `ref` is what it was for (a shipment, a return), `reference` the gateway's own name for it.
    `goodwill_minor` is the part of a refund that was owed all the same: it lowers what the customer is to pay. Raises
    InvalidValue naming the field that is wrong.

    >>> PaymentTransaction("a1", "authorize", Money(500, "EUR"), None).outcome
    'asked'
    """

    id: str
    kind: str
    amount: Money
    at: datetime
    outcome: str = "asked"
    parent: str = ""
    ref: str = ""
    reference: str = ""
    expires_at: datetime | None = None
    text: str = ""
    goodwill_minor: int = 0

    def __attrs_post_init__(self) -> None:
        key(self.id, "the id of a payment's row")
        one_of("kind", self.kind, TRANSACTION_KINDS)
        one_of("outcome", self.outcome, _OUTCOMES)
        texts(parent=self.parent, ref=self.ref, reference=self.reference, text=self.text)
        moments(at=self.at, expires_at=self.expires_at)
        quantity(self.goodwill_minor, "goodwill_minor", at_least=0)
        of_kind("the amount of a payment's row", self.amount, Money, "Money.of('19.99', 'EUR')")
        if self.amount.minor <= 0:
            raise InvalidValue(f"a payment's row is about more than nothing, not {self.amount}")


def _refuse(code: str, text: str, **facts: object) -> CommandRefused:
    return CommandRefused([Reason(code, text, facts)])


def _row_tuple(rows: Iterable[PaymentTransaction]) -> tuple[PaymentTransaction, ...]:
    return listed("rows", rows, PaymentTransaction, "PaymentTransaction('a1', 'authorize', amount, at)")


@frozen
class Payment:
    """What was authorized, captured, voided and refunded for one order, as the rows in the order they came.

    `allowance_minor` is how much more than authorized may be captured (a tip, a weighed item), in minor units. `method`
    says when money is taken, one of CAPTURE_METHODS. Raises InvalidValue naming the field that is wrong.

    >>> payment = Payment("ord-1", "EUR")
    >>> payment.status, payment.authorized.minor
    ('unpaid', 0)
    """

    order: str
    currency: str
    method: str = "at_shipment"
    allowance_minor: int = 0
    rows: tuple[PaymentTransaction, ...] = field(default=(), converter=_row_tuple)

    def __attrs_post_init__(self) -> None:
        texts(order=self.order)
        Money(0, self.currency)
        one_of("method", self.method, CAPTURE_METHODS)
        quantity(self.allowance_minor, "allowance_minor", at_least=0)

    @property
    def transactions(self) -> tuple[PaymentTransaction, ...]:
        """The rows that count: of each id the last, in the order in which the ids first came.

        >>> asked = PaymentTransaction("a1", "authorize", Money(500, "EUR"), None)
        >>> from attrs import evolve
        >>> [t.outcome for t in fold([asked, evolve(asked, outcome="done")]).transactions]
        ['done']
        """
        return tuple({row.id: row for row in self.rows}.values())

    def transaction(self, id: str) -> PaymentTransaction | None:  # noqa: A002 - the field's word for it
        """The row that counts for an id, or None.

        >>> Payment("ord-1", "EUR").transaction("a1")
        """
        return next((row for row in reversed(self.rows) if row.id == id), None)

    def total(self, kind: str, *outcomes: str) -> Money:
        """The sum of the transactions of a kind with one of some outcomes ("done" unless named).

        >>> Payment("ord-1", "EUR").total("refund", "asked", "done")
        Money(minor=0, currency='EUR')
        """
        one_of("kind", kind, TRANSACTION_KINDS)
        for outcome in outcomes:
            one_of("outcome", outcome, _OUTCOMES)
        wanted = outcomes or ("done",)
        return Money(
            sum(t.amount.minor for t in self.transactions if t.kind == kind and t.outcome in wanted), self.currency
        )

    @property
    def authorized(self) -> Money:
        """What the bank has promised and still stands by, captured or not.

        >>> fold([PaymentTransaction("a1", "authorize", Money(500, "EUR"), None, "done")]).authorized.minor
        500
        """
        return self.total("authorize") - self.total("void") - self.total("expire") - self.total("credit")

    @property
    def promised(self) -> Money:
        """What may still be captured: authorized, and neither taken nor let go, nor being so.

        >>> row = PaymentTransaction("a1", "authorize", Money(500, "EUR"), None, "done")
        >>> fold([row, PaymentTransaction("c1", "capture", Money(200, "EUR"), None)]).promised.minor
        300
        """
        left = self.total("authorize")
        for kind in _LET_GO:
            left -= self.total(kind, *_LIVE)
        return max(left, Money(0, self.currency))

    @property
    def kept(self) -> Money:
        """What was taken or is being taken, less what was given back or is being given back.

        >>> row = PaymentTransaction("a1", "authorize", Money(500, "EUR"), None, "done")
        >>> fold([row, PaymentTransaction("c1", "capture", Money(200, "EUR"), None)]).kept.minor
        200
        """
        return self.total("capture", *_LIVE) - self.total("refund", *_LIVE)

    @property
    def captured(self) -> Money:
        """What was taken.

        >>> Payment("ord-1", "EUR").captured.minor
        0
        """
        return self.total("capture")

    @property
    def refunded(self) -> Money:
        """What was given back.

        >>> Payment("ord-1", "EUR").refunded.minor
        0
        """
        return self.total("refund")

    @property
    def status(self) -> str:
        """The headline, one of PAYMENT_STATUSES, derived from the rows.

        >>> row = PaymentTransaction("a1", "authorize", Money(500, "EUR"), None, "done")
        >>> fold([row, PaymentTransaction("c1", "capture", Money(200, "EUR"), None, "done")]).status
        'partly_captured'
        """
        captured, refunded, authorized = self.captured, self.refunded, self.authorized
        if refunded:
            return "refunded" if refunded >= captured else "partly_refunded"
        if captured:
            return "captured" if captured >= authorized else "partly_captured"
        if authorized.minor > 0:
            return "authorized"
        if self.total("authorize"):
            return "voided"
        if self.total("authorize", "asked"):
            return "pending"
        return "failed" if self.total("authorize", "failed") else "unpaid"

    def ask(self, row: PaymentTransaction) -> Payment:
        """This payment with one more thing asked for, or said to be done; the guards hold for both.

        Raises CommandRefused: `payment.over_captured` beyond what is authorized and the allowance,
        `payment.over_refunded` beyond what was captured, `payment.over_voided` beyond what is neither captured nor
        voided yet. An id that is there already changes nothing.

        >>> payment = fold([PaymentTransaction("a1", "authorize", Money(500, "EUR"), None, "done")])
        >>> payment.ask(PaymentTransaction("c1", "capture", Money(501, "EUR"), None))
        Traceback (most recent call last):
        omscore.errors.CommandRefused: 5.01 EUR cannot be captured: 5.00 EUR is left of what is authorized ...
        """
        of_kind("a row", row, PaymentTransaction, "PaymentTransaction('a1', 'authorize', amount, at)")
        if self.transaction(row.id) is not None or row.outcome == "failed":
            return self if self.transaction(row.id) else self._with(row)
        if row.kind in _LET_GO:
            left = self.total("authorize").minor - sum(self.total(kind, *_LIVE).minor for kind in _LET_GO)
            left += self.allowance_minor if row.kind == "capture" else 0
            if row.amount.minor > left:
                verb = {"capture": "captured", "credit": "credited"}.get(row.kind, "voided")
                text = (
                    f"{row.amount} cannot be {verb}: {Money(max(0, left), self.currency)} is left of what is authorized"
                )
                raise _refuse(f"payment.over_{verb}", text, asked=row.amount.minor, left=left)
        if row.kind == "refund":
            # What is being captured may be asked back already: the questions are put in their order.
            self._refundable(row, self.kept.minor)
        return self._with(row)

    def _refundable(self, row: PaymentTransaction, left: int) -> None:
        if row.amount.minor > left:
            text = f"{row.amount} cannot be refunded: {Money(left, self.currency)} is left of what was captured"
            raise _refuse("payment.over_refunded", text, asked=row.amount.minor, left=left)

    def settled(
        self,
        id: str,  # noqa: A002 - the field's word for it
        outcome: str,
        at: datetime,
        *,
        reference: str = "",
        expires_at: datetime | None = None,
        text: str = "",
    ) -> Payment:
        """This payment after the answer to what was asked; a second answer changes nothing.

        Raises InvalidValue when nothing of that id was asked, CommandRefused (`payment.over_refunded`) for a refund of
        a capture that is not done.

        >>> payment = fold([PaymentTransaction("a1", "authorize", Money(500, "EUR"), None)])
        >>> payment.status, payment.settled("a1", "done", None).status
        ('pending', 'authorized')
        """
        one_of("an answer", outcome, ("done", "failed"))
        row = self.transaction(id)
        if row is None:
            raise InvalidValue(f"nothing was asked as {id!r} for {self.order}")
        if row.outcome != "asked":
            return self
        if row.kind == "refund" and outcome == "done":
            self._refundable(row, (self.captured - self.refunded).minor)
        answer = evolve(row, outcome=outcome, at=at, reference=reference, expires_at=expires_at, text=text)
        return self._with(answer)

    @property
    def open_authorizations(self) -> tuple[PaymentTransaction, ...]:
        """The authorizations of which something is left, with that rest as their amount, the oldest first.

        >>> row = PaymentTransaction("a1", "authorize", Money(500, "EUR"), None, "done")
        >>> later = PaymentTransaction("c1", "capture", Money(200, "EUR"), None, "done")
        >>> [t.amount.minor for t in fold([row, later]).open_authorizations]
        [300]
        """
        return self._rests("authorize", ("done",), _LET_GO)

    @property
    def open_captures(self) -> tuple[PaymentTransaction, ...]:
        """The captures, done or asked for, of which something can be given back, with that rest as their amount.

        >>> row = PaymentTransaction("a1", "authorize", Money(500, "EUR"), None, "done")
        >>> taken = PaymentTransaction("c1", "capture", Money(200, "EUR"), None, "done", "a1")
        >>> back = PaymentTransaction("r1", "refund", Money(50, "EUR"), None, parent="c1")
        >>> [t.amount.minor for t in fold([row, taken, back]).open_captures]
        [150]
        """
        return self._rests("capture", _LIVE, ("refund",))

    @property
    def failures(self) -> tuple[PaymentTransaction, ...]:
        """What was refused and has not been made good since by a later one of the kind (a refund: of the amount).

        >>> row = PaymentTransaction("a1", "authorize", Money(500, "EUR"), None, "failed")
        >>> [t.id for t in fold([row]).failures]
        ['a1']
        """
        rows = self.transactions

        def made_good(row: PaymentTransaction, by: PaymentTransaction) -> bool:
            enough = row.kind != "refund" or by.amount >= row.amount
            return by.kind == row.kind and by.outcome == "done" and enough

        return tuple(
            row
            for i, row in enumerate(rows)
            if row.outcome == "failed" and not any(made_good(row, later) for later in rows[i + 1 :])
        )

    def _rests(self, kind: str, outcomes: tuple[str, ...], users: tuple[str, ...]) -> tuple[PaymentTransaction, ...]:
        """What is left of each row of a kind: less what names it as its parent, the others from the oldest first."""
        rows = {t.id: t for t in self.transactions if t.kind == kind and t.outcome in outcomes}
        left = {id_: row.amount.minor for id_, row in rows.items()}
        beside = 0
        for t in self.transactions:
            if t.kind in users and t.outcome in _LIVE:
                used = min(t.amount.minor, left[t.parent]) if t.parent in left else 0
                if used:
                    left[t.parent] -= used
                beside += t.amount.minor - used
        result = []
        for id_, n in left.items():
            used = min(beside, n)
            beside -= used
            if n > used:
                result.append(evolve(rows[id_], amount=Money(n - used, self.currency)))
        return tuple(result)

    def _with(self, row: PaymentTransaction) -> Payment:
        if row.amount.currency != self.currency:
            raise InvalidValue(f"{row.amount} is no {self.currency}; one order, one currency")
        return evolve(self, rows=(*self.rows, row))


def fold(rows: Iterable[PaymentTransaction], payment: Payment | None = None) -> Payment:
    """The payment that a history of rows leads to; of an order without a name when none is given.

    >>> fold([PaymentTransaction("a1", "authorize", Money(500, "EUR"), None, "failed")]).status
    'failed'
    """
    found = _row_tuple(rows)
    if payment is not None:
        of_kind("payment", payment, Payment, "Payment('ord-1', 'EUR')")
    else:
        payment = Payment("", found[0].amount.currency if found else "XXX")
    return evolve(payment, rows=(*payment.rows, *found))
