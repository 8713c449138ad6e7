"""What is asked before an order is taken in: the catalog, and who knows about addresses and about fraud."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from omscore.kernel import Address, Item
from omscore.orders import Draft, Risk


@runtime_checkable
class Catalog(Protocol):
    """Knows items by SKU.

    >>> from omscore.kernel import Item
    >>> {"SKU-1": Item("SKU-1")}.get("SKU-1").sku
    'SKU-1'
    """

    def get(self, sku: str, /) -> Item | None:
        """An item, or None when nobody sells it; a dict of items is a catalog.

        >>> {"SKU-1": Item("SKU-1")}.get("SKU-2")
        """
        ...


@runtime_checkable
class AddressVerifier(Protocol):
    """Says what is wrong with an address, as a postal service or a paid directory knows it.

    >>> class Postman:
    ...     def problems(self, address: Address) -> Sequence[str]:
    ...         return ["no such street"] if not address.city else []
    >>> isinstance(Postman(), AddressVerifier)
    True
    """

    def problems(self, address: Address) -> Sequence[str]:
        """What is wrong, in words; nothing when the address can be delivered to.

        It is asked outside of transactions, before capture; raising means that nobody could say.

        >>> class Postman:
        ...     def problems(self, address: Address) -> Sequence[str]:
        ...         return []
        >>> Postman().problems(Address("BE"))
        []
        """
        ...


@runtime_checkable
class FraudScorer(Protocol):
    """Weighs how likely an order is fraud, as a service knows it that sees many shops.

    >>> class Watch:
    ...     def score(self, draft: Draft) -> Risk:
    ...         return Risk(80, [("cards in an hour", 80, "9")])
    >>> isinstance(Watch(), FraudScorer)
    True
    """

    def score(self, draft: Draft) -> Risk:
        """A draft's score and the signs that it rests on; what score is too high, `Oms(risk_limit=...)` says.

        It is asked outside of transactions, before an order that is new is captured; raising, also because it takes
        too long, means that nobody could say: a person decides then. What it answers is seen by whoever decides, so
        evidence names signs, never people.

        >>> class Watch:
        ...     def score(self, draft: Draft) -> Risk:
        ...         return Risk(0)
        >>> from omscore.testing.walkthrough import draft
        >>> Watch().score(draft()).score
        0
        """
        ...
