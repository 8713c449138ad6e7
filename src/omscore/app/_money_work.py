"""Payments, credit and reopening: the part of the service that deals with money."""

from __future__ import annotations

from omscore.app import _credit, _money, _owed, _reopen, _settle
from omscore.app._given import cents
from omscore.app._reads import Reads
from omscore.app._work import Work
from omscore.errors import NotFound
from omscore.kernel import Money
from omscore.kernel import key as named
from omscore.kernel.given import flags, texts
from omscore.orders import Order, due
from omscore.payments import CreditAccount, Payment
from omscore.ports import PaymentAnswer


class MoneyWork(Reads):
    """The part of the service that takes, gives back and lends."""

    def payment(self, order_id: str) -> Payment:
        """What was authorized, captured and refunded for an order; raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("accepted")
        >>> at.shop.payment(at.order.id).status
        'captured'
        """
        return self._read(lambda work: _owed.payment_of(work, work.order(order_id)))

    def due(self, order_id: str) -> Money:
        """What the customer owes for the units of an order that are not cancelled, taken already or not.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("accepted")
        >>> at.shop.due(at.order.id)
        Money(minor=3998, currency='EUR')
        """
        return self._read(lambda work: due(work.order(order_id)))

    def authorize(self, order_id: str, *, key: str) -> Payment:
        """Ask the gateway again for what is owed and not promised, and to take what is owed by now.

        For a card that was declined, an authorization that ran out, a capture that failed. The order keeps its stock
        meanwhile. Does nothing when an answer is awaited or nothing is missing.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("accepted")
        >>> at.shop.authorize(at.order.id, key="again").status
        'captured'
        """

        def work_(work: Work) -> bool:
            asked = _money.authorize_rest(work, work.order(order_id))
            _settle.go_on(work, work.order(order_id))
            return asked

        self._command("authorize", key, (order_id,), work_)
        return self.payment(order_id)

    def ask_again(self, order_id: str, transaction: str, *, key: str) -> Payment:
        """Put a question to the gateway once more that was asked and never answered.

        The gateway knows it by its id, so that what it did the first time is not done twice. Raises InvalidValue when
        nothing of that id was asked, CommandRefused (`payment.answered`) when its answer is known.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("delivered")
        >>> asked = at.shop.refund(at.order.id, Money(500, "EUR"), why="scratched", key="refund-1")
        >>> at.shop.ask_again(at.order.id, asked.transactions[-1].id, key="again-1").transactions[-1].outcome
        'asked'
        """
        texts(transaction=transaction)
        content = (order_id, transaction)
        self._command("ask_again", key, content, lambda work: _money.ask_again(work, work.order(order_id), transaction))
        return self.payment(order_id)

    def settle(
        self, order_id: str, transaction: str, *, done: bool, reference: str = "", text: str = "", key: str
    ) -> Payment:
        """Record the answer to something that was asked, as a gateway's message or a person tells it.

        Raises InvalidValue when nothing of that id was asked; a second answer changes nothing.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("delivered")
        >>> asked = at.shop.refund(at.order.id, Money(500, "EUR"), why="scratched", key="refund-1")
        >>> at.shop.settle(at.order.id, asked.transactions[-1].id, done=True, key="answer-1").status
        'partly_refunded'
        """
        texts(transaction=transaction, reference=reference, text=text)
        flags(done=done)
        answer = PaymentAnswer(done, reference, None, text)
        content = (order_id, transaction, done, reference, text)
        self._command("settle", key, content, lambda work: _settle.answered(work, order_id, transaction, answer))
        return self.payment(order_id)

    def reopen(self, order_id: str, *, why: str = "", key: str) -> Order:
        """Take up a cancelled, rejected or closed order again; its checks and the customer's credit are looked at anew.

        Raises TransitionNotAllowed for an order that is not finished, and CommandRefused with the reasons that stand.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("accepted")
        >>> _ = at.shop.cancel(at.order.id, key="cancel-1")
        >>> at.shop.reopen(at.order.id, why="changed their mind again", key="reopen-1")
        <Order ord-1 accepted: reserved 2>
        """
        texts(why=why)
        self._command("reopen", key, (order_id, why), lambda work: _reopen.reopen(work, order_id, why))
        return self.order(order_id)

    def refund(self, order_id: str, amount: Money | None = None, *, why: str = "", ref: str = "", key: str) -> Payment:
        """Give money back, whatever has become of the goods; `ref` names the return that it is for, if any.

        Without an amount it is what was taken for units that are cancelled or returned. Raises CommandRefused beyond
        what was captured (`payment.over_refunded`), or when nothing is to be given back.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("delivered")
        >>> at.shop.refund(at.order.id, Money(500, "EUR"), why="scratched", key="refund-1").transactions[-1].outcome
        'asked'
        """
        texts(why=why, ref=ref)
        content = (order_id, None if amount is None else cents(amount), why, ref)
        self._command(
            "refund", key, content, lambda work: _money.refund(work, work.order(order_id), amount, why, ref).order
        )
        return self.payment(order_id)

    def receive_payment(self, order_id: str, amount: Money, *, key: str) -> Payment:
        """Record money that came in for an order on terms; it frees as much of the customer's credit.

        Raises CommandRefused beyond what the order costs (`payment.over_captured`).

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("shipped", payment="terms")
        >>> at.shop.receive_payment(at.order.id, Money(3998, "EUR"), key="bank-1").status
        'captured'
        """
        content = (order_id, *cents(amount))
        self._command(
            "receive_payment", key, content, lambda work: _money.take(work, work.order(order_id), amount).order
        )
        return self.payment(order_id)

    def set_credit(self, customer: str, limit: Money, *, days: int = 30, key: str) -> CreditAccount:
        """Give a customer credit: orders on terms beyond it are held for a person; invoices are due after some days.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.set_credit("c-17", Money(100_000, "EUR"), key="terms-1").left
        Money(minor=100000, currency='EUR')
        """
        named(customer, "customer")
        content = (customer, *cents(limit, "limit"), days)
        self._command("set_credit", key, content, lambda work: _credit.set_credit(work, customer, limit, days))
        return self.credit(customer)

    def credit(self, customer: str) -> CreditAccount:
        """A customer's credit and what their orders bind of it; raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.credit("c-18")
        Traceback (most recent call last):
        omscore.errors.NotFound: no credit with id 'c-18'
        """
        found: CreditAccount | None = self._read(lambda work: work.find("credit", customer))
        if found is None:
            raise NotFound("credit", customer)
        return found
