"""What is asked before an order is taken in: the catalog, and who knows about addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from omscore.kernel import Address, Item


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
