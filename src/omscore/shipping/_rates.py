"""Rate shopping: the cheapest offer that meets the promise, and why every other offer was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from omscore.errors import CommandRefused, Reason
from omscore.kernel import Money, quantity, utc
from omscore.kernel.given import listed, names, of_kind, text
from omscore.kernel.times import moments


class Offer(Protocol):
    """What a carrier asks for a service and how many days it takes; :class:`omscore.ports.Rate` is one.

    >>> from omscore.ports import Rate
    >>> offer: Offer = Rate("post", "standard", Money(495, "EUR"), days=2)
    """

    @property
    def carrier(self) -> str:
        """Who carries it.

        >>> from omscore.ports import Rate
        >>> Rate("post", "standard", Money(495, "EUR"), days=2).carrier
        'post'
        """
        ...

    @property
    def service(self) -> str:
        """How.

        >>> from omscore.ports import Rate
        >>> Rate("post", "standard", Money(495, "EUR"), days=2).service
        'standard'
        """
        ...

    @property
    def cost(self) -> Money:
        """For how much.

        >>> from omscore.ports import Rate
        >>> Rate("post", "standard", Money(495, "EUR"), days=2).cost.minor
        495
        """
        ...

    @property
    def days(self) -> int:
        """In how many days.

        >>> from omscore.ports import Rate
        >>> Rate("post", "standard", Money(495, "EUR"), days=2).days
        2
        """
        ...


@frozen
class Shopped:
    """The offer that was chosen, and for every other one why not, cheapest first.

    >>> from omscore.ports import Rate
    >>> Shopped(Rate("post", "standard", Money(495, "EUR"), days=2)).refused
    ()
    """

    chosen: Offer
    refused: tuple[tuple[Offer, Reason], ...] = ()


def shop_rates(
    offers: Sequence[Offer],
    *,
    now: datetime,
    deliver_by: datetime | None = None,
    carriers: Collection[str] | None = None,
    services: Collection[str] | None = None,
) -> Shopped:
    """Choose the cheapest offer that arrives by `deliver_by`, of some carriers and services only if they are named.

    Ties go to the faster offer, then to the name. Days are counted as days from now. Costs of two currencies are not
    compared: where offers that would do come in several, those in the currency of most of them compete (in a tie the
    first by name), and a carrier whose offers are to compete converts them. Raises CommandRefused with the reason for
    every offer when none is left, and when a carrier or service that is named makes no offer at all: another
    one is never taken silently. Raises InvalidValue for what is no offer, naive times, and a name alone for names.

    >>> from datetime import UTC
    >>> from omscore.ports import Rate
    >>> rates = [Rate("post", "parcel", Money(495, "EUR"), days=3), Rate("dash", "express", Money(990, "EUR"), days=1)]
    >>> now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> shopped = shop_rates(rates, now=now, deliver_by=now + timedelta(days=2))
    >>> shopped.chosen.carrier, [(offer.carrier, reason.code) for offer, reason in shopped.refused]
    ('dash', [('post', 'rate.too_late')])
    """
    for offer in listed("offers", offers, object, "Rate('post', 'standard', cost, days=2)"):
        _check(offer)
    now = utc(now, "now")
    moments(deliver_by=deliver_by)
    carriers = None if carriers is None else names("carriers", carriers, "post")
    services = None if services is None else names("services", services, "standard")
    missing = [
        Reason("rate.no_offer", f"no offer of {what} {name!r}; there are offers of {', '.join(sorted(there))}")
        for what, named, there in (
            ("carrier", carriers, {offer.carrier for offer in offers}),
            ("service", services, {offer.service for offer in offers}),
        )
        for name in sorted(named or ())
        if name not in there
    ]
    if missing:
        raise CommandRefused(missing)
    ranked = sorted(offers, key=lambda o: (o.cost.currency, o.cost.minor, o.days, o.carrier, o.service))
    reasons = [_why_not(offer, now, deliver_by, carriers, services) for offer in ranked]
    counts = Counter(offer.cost.currency for offer, reason in zip(ranked, reasons, strict=True) if reason is None)
    currency = min(counts, key=lambda name: (-counts[name], name), default="")
    chosen: Offer | None = None
    refused: list[tuple[Offer, Reason]] = []
    for offer, why in zip(ranked, reasons, strict=True):
        reason = why
        if reason is None and offer.cost.currency != currency:
            reason = Reason(
                "rate.currency", f"{offer.cost} is not compared with offers in {currency}; convert it first"
            )
        elif reason is None and chosen is None:
            chosen = offer
        elif reason is None and chosen is not None:
            reason = Reason("rate.dearer", f"{offer.cost} for what {chosen.carrier} does for {chosen.cost}")
        if reason is not None:
            refused.append((offer, reason))
    if chosen is None:
        none = [Reason("rate.none", "no carrier makes an offer; choose another service or add a carrier")]
        raise CommandRefused([reason for _, reason in refused] or none)
    return Shopped(chosen, tuple(refused))


def _check(offer: object) -> None:
    for name in ("carrier", "service"):
        text(f"the {name} of an offer", getattr(offer, name, None))
    of_kind("the cost of an offer", getattr(offer, "cost", None), Money, "Money.of('4.95', 'EUR')")
    quantity(getattr(offer, "days", None), "the days of an offer", at_least=0)


def _why_not(
    offer: Offer,
    now: datetime,
    deliver_by: datetime | None,
    carriers: Collection[str] | None,
    services: Collection[str] | None,
) -> Reason | None:
    name = f"{offer.carrier} {offer.service}"
    if carriers is not None and offer.carrier not in carriers:
        return Reason("rate.carrier", f"{name}: only {', '.join(sorted(carriers))} may carry it")
    if services is not None and offer.service not in services:
        return Reason("rate.service", f"{name}: only {', '.join(sorted(services))} will do")
    if deliver_by is not None and (arrives := now + timedelta(days=offer.days)) > deliver_by:
        text = f"{name} arrives {arrives.isoformat()}, promised is {deliver_by.isoformat()}"
        return Reason("rate.too_late", text, {"days": offer.days})
    return None
