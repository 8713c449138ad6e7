"""Money: payment gateways and the books."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, runtime_checkable

from attrs import field, frozen
from attrs.converters import optional

from omscore.errors import InvalidValue
from omscore.kernel import Money, utc
from omscore.payments import Posting


@frozen
class GatewayAbilities:
    """What a payment gateway can do beyond one authorization and one capture of it.

    >>> GatewayAbilities(multi_capture=True).partial_void
    False
    """

    multi_capture: bool = False
    partial_void: bool = False
    renews: bool = False


@frozen
class PaymentRequest:
    """What a gateway is asked; `id` makes asking twice harmless.

    `parent` is the gateway's own name of what this is about: the authorization that is captured or voided, the capture
    that is refunded.

    >>> PaymentRequest("ord-1-a1", "ord-1", Money(500, "EUR")).parent
    ''
    """

    id: str
    order: str
    amount: Money
    parent: str = ""


@frozen
class PaymentAnswer:
    """What a gateway says: done or declined, its own name for it, and how long an authorization stands.

    Raises InvalidValue for what is no answer: neither yes nor no, or a time without a zone.

    >>> PaymentAnswer(True, "ch_1").done
    True
    """

    done: bool
    reference: str = ""
    expires_at: datetime | None = field(default=None, converter=optional(utc))
    text: str = ""

    def __attrs_post_init__(self) -> None:
        if type(self.done) is not bool:
            raise InvalidValue(f"a payment is done or it is not: True or False, not {self.done!r}")
        for name in ("reference", "text"):
            if not isinstance(getattr(self, name), str):
                raise InvalidValue(f"a payment's {name} is text, not {type(getattr(self, name)).__name__}")


@runtime_checkable
class PaymentGateway(Protocol):
    """Takes and gives back money. A refusal is an answer; raising means that it is to be asked again later.

    >>> from omscore.adapters import TableCarrier
    >>> isinstance(TableCarrier.flat("post", cost_minor=495, currency="EUR"), PaymentGateway)
    False
    """

    @property
    def abilities(self) -> GatewayAbilities:
        """What it can do.

        >>> GatewayAbilities()
        GatewayAbilities(multi_capture=False, partial_void=False, renews=False)
        """
        ...

    def authorize(self, request: PaymentRequest) -> PaymentAnswer:
        """Have the bank promise an amount; the same answer for the same request id.

        >>> class Yes:
        ...     def authorize(self, request: PaymentRequest) -> PaymentAnswer:
        ...         return PaymentAnswer(True, f"auth:{request.id}")
        >>> Yes().authorize(PaymentRequest("a1", "ord-1", Money(500, "EUR"))).reference
        'auth:a1'
        """
        ...

    def capture(self, request: PaymentRequest) -> PaymentAnswer:
        """Take an amount that was promised.

        >>> class No:
        ...     def capture(self, request: PaymentRequest) -> PaymentAnswer:
        ...         return PaymentAnswer(False, text="expired")
        >>> No().capture(PaymentRequest("c1", "ord-1", Money(500, "EUR"), "auth:a1")).text
        'expired'
        """
        ...

    def void(self, request: PaymentRequest) -> PaymentAnswer:
        """Let go of an amount that was promised and not taken.

        >>> class Yes:
        ...     def void(self, request: PaymentRequest) -> PaymentAnswer:
        ...         return PaymentAnswer(True)
        >>> Yes().void(PaymentRequest("v1", "ord-1", Money(500, "EUR"), "auth:a1")).done
        True
        """
        ...

    def refund(self, request: PaymentRequest) -> PaymentAnswer:
        """Give an amount back that was taken.

        >>> class Yes:
        ...     def refund(self, request: PaymentRequest) -> PaymentAnswer:
        ...         return PaymentAnswer(True)
        >>> Yes().refund(PaymentRequest("r1", "ord-1", Money(500, "EUR"), "auth:a1")).done
        True
        """
        ...


@runtime_checkable
class Erp(Protocol):
    """Takes posting intents into the books.

    >>> class Books:
    ...     def post(self, posting: Posting) -> None: ...
    >>> isinstance(Books(), Erp)
    True
    """

    def post(self, posting: Posting) -> None:
        """Post an intent once by its id; raise to have it tried again.

        >>> class Books(dict):
        ...     def post(self, posting: Posting) -> None:
        ...         self.setdefault(posting.id, posting)
        >>> Books().post(Posting("p-1", "invoice", "ord-1", "EUR", (), None))
        """
        ...
