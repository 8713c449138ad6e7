"""Checks of addresses: what each country needs on a label, and how billing and shipping fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from omscore.kernel import Address
from omscore.orders._draft import Draft
from omscore.orders._findings import Finding, Items


@frozen
class AddressForm:
    """What an address needs in a country: the fields that must be filled, and the shape of its postcode.

    >>> AddressForm(("lines", "city", "postcode"), r"[0-9]{4}").postcode
    '[0-9]{4}'
    """

    required: tuple[str, ...]
    postcode: str = ""


_FULL = ("lines", "city", "postcode")
_WITH_REGION = ("lines", "city", "region", "postcode")

# After the address formats of the Universal Postal Union (S42); a country that is not listed needs lines and a city.
ADDRESS_FORMS: Mapping[str, AddressForm] = {
    "AT": AddressForm(_FULL, r"[0-9]{4}"),
    "AU": AddressForm(_WITH_REGION, r"[0-9]{4}"),
    "BE": AddressForm(_FULL, r"[0-9]{4}"),
    "BR": AddressForm(_WITH_REGION, r"[0-9]{5}-?[0-9]{3}"),
    "CA": AddressForm(_WITH_REGION, r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]"),
    "CH": AddressForm(_FULL, r"[0-9]{4}"),
    "DE": AddressForm(_FULL, r"[0-9]{5}"),
    "DK": AddressForm(_FULL, r"[0-9]{4}"),
    "ES": AddressForm(_FULL, r"[0-9]{5}"),
    "FI": AddressForm(_FULL, r"[0-9]{5}"),
    "FR": AddressForm(_FULL, r"[0-9]{5}"),
    "GB": AddressForm(_FULL, r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}"),
    "IT": AddressForm(_FULL, r"[0-9]{5}"),
    "JP": AddressForm(("lines", "region", "postcode"), r"[0-9]{3}-?[0-9]{4}"),
    "LU": AddressForm(_FULL, r"(L-)?[0-9]{4}"),
    "NL": AddressForm(_FULL, r"[0-9]{4} ?[A-Z]{2}"),
    "NO": AddressForm(_FULL, r"[0-9]{4}"),
    "PL": AddressForm(_FULL, r"[0-9]{2}-?[0-9]{3}"),
    "PT": AddressForm(_FULL, r"[0-9]{4}(-[0-9]{3})?"),
    "SE": AddressForm(_FULL, r"[0-9]{3} ?[0-9]{2}"),
    "US": AddressForm(_WITH_REGION, r"[0-9]{5}(-[0-9]{4})?"),
}
"""What an address needs, by country."""

ANY_COUNTRY = AddressForm(("lines", "city"))
"""What an address needs in a country that is not listed."""


def address_problems(
    address: Address, name: str = "ship_to", forms: Mapping[str, AddressForm] = ADDRESS_FORMS
) -> tuple[Finding, ...]:
    """What an address lacks to be delivered to, every field of it; the postcode is compared in capitals.

    >>> [(f.code, f.field) for f in address_problems(Address("US", "6153"))]
    [('address.lines', 'ship_to.lines'), ('address.city', ...), ('address.region', ...), ('address.postcode', ...)]
    """
    form = forms.get(address.country, ANY_COUNTRY)
    found: list[Finding] = []
    for field in form.required:
        value = "".join(address.lines) if field == "lines" else getattr(address, field)
        if not value.strip():
            text = f"an address in {address.country} needs {'street lines' if field == 'lines' else f'a {field}'}"
            found.append(Finding("error", f"address.{field}", text, "ask the customer for it", f"{name}.{field}"))
    code = address.postcode.strip().upper()
    if code and form.postcode and not re.fullmatch(form.postcode, code):
        text = f"{code!r} is no postcode of {address.country}"
        found.append(Finding("error", "address.postcode", text, "compare country and postcode", f"{name}.postcode"))
    return tuple(found)


def well_formed_address(draft: Draft, items: Items) -> Iterator[Finding]:
    """The shipping address has what its country needs.

    >>> from datetime import UTC, datetime
    >>> draft = Draft("web", "1", "EUR", (), datetime(2026, 3, 2, tzinfo=UTC), ship_to=Address("BE", "90"))
    >>> [f.code for f in well_formed_address(draft, {})]
    ['address.lines', 'address.city', 'address.postcode']
    """
    if draft.ship_to is not None:
        yield from address_problems(draft.ship_to)


def billing_matches(draft: Draft, items: Items) -> Iterator[Finding]:
    """Billing and shipping address are of one country; goods that go abroad on another's bill are looked at.

    >>> from datetime import UTC, datetime
    >>> now = datetime(2026, 3, 2, tzinfo=UTC)
    >>> draft = Draft("web", "1", "EUR", (), now, ship_to=Address("BE"), bill_to=Address("FR"))
    >>> [(f.severity, f.code) for f in billing_matches(draft, {})]
    [('review', 'address.billing_country')]
    """
    bill, ship = draft.bill_to, draft.ship_to
    if bill is None or ship is None:
        return
    if bill.country != ship.country:
        text = f"billed in {bill.country}, shipped to {ship.country}"
        yield Finding("review", "address.billing_country", text, "ask the customer to confirm", "bill_to")
    elif (bill.postcode, bill.region) != (ship.postcode, ship.region):
        yield Finding("warning", "address.billing_differs", "billing and shipping postcode differ", "", "bill_to")


def verified(problems: Sequence[str], name: str = "ship_to") -> tuple[Finding, ...]:
    """What an address verifier said, as findings for a person to look at.

    >>> [f.text for f in verified(["no such street"])]
    ['the address verifier says: no such street']
    """
    return tuple(
        Finding("review", "address.verifier", f"the address verifier says: {problem}", "ask the customer", name)
        for problem in problems
    )
