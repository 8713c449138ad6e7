"""What a host wires once: the ports it brings and the policies it chose."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from omscore.batching import PACKING_RULES, Barcodes, BinStock, Carton, CartonChooser, PackingRule
from omscore.errors import DefinitionError, NotFound
from omscore.inventory import Cell, Selector
from omscore.kernel import Item, Money
from omscore.kernel.given import text
from omscore.orders import STANDARD_CHECKS, Check, Draft, Guard, Items, RiskLimit, Workflow, sells_items
from omscore.oversight import INCIDENT_RULES, ChannelProfile, Detector, IncidentRule, Measure, SurgeRule
from omscore.ports import (
    AddressVerifier,
    Carrier,
    Channel,
    Erp,
    FraudScorer,
    IdSource,
    Notifier,
    Observer,
    PaymentGateway,
    Wms,
)
from omscore.returns import ANY_TIME, ReturnPolicy
from omscore.routing import Demand, Facts, Network, Node, Policy, Router

if TYPE_CHECKING:
    from omscore.simulate import Shadow


class AnyItem:
    """The catalog of a host that brings none: every SKU is sold, and nothing more is known of it.

    >>> AnyItem().get("SKU-1").weight_grams
    0
    """

    def get(self, sku: str, /) -> Item | None:
        """An item with this SKU and no facts.

        >>> AnyItem().get("SKU-1").sku
        'SKU-1'
        """
        return Item(sku)


def region_of(draft: Draft) -> str:
    """The region batches are made by unless a host says otherwise: the country, with the state where there is one.

    >>> from omscore.testing.walkthrough import draft
    >>> region_of(draft())
    'BE'
    """
    where = draft.ship_to
    return "-".join(filter(None, (where.country, where.region))) if where else ""


@frozen
class Wiring:
    """Everything a service needs besides its store; built once by :class:`Oms`.

    >>> Wiring.__name__
    'Wiring'
    """

    network: Network
    policy: Policy
    router: Router
    catalog: Items
    ids: IdSource
    carriers: Mapping[str, Carrier] = field(factory=dict)
    channels: Mapping[str, Channel] = field(factory=dict)
    checks: Sequence[Check] = STANDARD_CHECKS
    notifier: Notifier | None = None
    observer: Observer | None = None
    floors: Mapping[str, Any] = field(factory=dict)
    bins: Mapping[tuple[str, str], str | Sequence[BinStock]] = field(factory=dict)
    barcodes: Barcodes | None = None
    region: Callable[[Draft], str] = region_of
    buffers: Mapping[Cell, int] = field(factory=dict)
    lots: Callable[[datetime], Selector] | None = None
    gateway: PaymentGateway | None = None
    erp: Erp | None = None
    verifier: AddressVerifier | None = None
    scorer: FraudScorer | None = None
    risk_limit: RiskLimit = field(factory=RiskLimit)
    incident_rules: Mapping[str, IncidentRule] = INCIDENT_RULES
    detectors: Sequence[Detector] = ()
    return_policy: ReturnPolicy = ANY_TIME
    duplicates_within: timedelta | None = None
    costs: Mapping[str, Money] = field(factory=dict)
    wms: Mapping[str, Wms] = field(factory=dict)
    workflows: Sequence[Workflow] = ()
    guards: Sequence[Guard] = ()
    measures: Sequence[Measure] = ()
    surge: SurgeRule | None = None
    express: Collection[str] = ("express",)
    cartons: Sequence[Carton] = ()
    packing_rules: Sequence[PackingRule] = PACKING_RULES
    packer: CartonChooser | None = None
    profiles: Mapping[str, ChannelProfile] = field(factory=dict)
    facts: Callable[[Demand, datetime], Facts] | None = None
    limited: Sequence[Node] = ()
    shadow: Shadow | None = None
    keeps_promises: bool = False
    due: Callable[[Draft, datetime], datetime | None] = field(default=lambda draft, now: draft.ship_by)

    def __attrs_post_init__(self) -> None:
        for name, kind, such_as in _PARTS:
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise DefinitionError(f"{name} must be {such_as}, not {value!r}")
        if not callable(getattr(self.catalog, "get", None)):
            raise DefinitionError(
                "catalog must give items by SKU, such as {'SKU-1': Item('SKU-1')}, or with a method get"
            )
        for name, kind in (("costs", Money), ("profiles", ChannelProfile)):
            for key, value in getattr(self, name).items():
                if not isinstance(value, kind):
                    raise DefinitionError(f"{name}[{key!r}] must be {kind.__name__}, not {value!r}")
        for cell in self.buffers:
            if not isinstance(cell, Cell):
                raise DefinitionError(f"buffers are by cell, such as {{Cell('SKU-1', 'ghent'): 2}}, not by {cell!r}")

    def check_node(self, node: str) -> None:
        """Raise NotFound for a node that is not in the network: what lay there could be sold, and never sent."""
        text("node", node)
        if node not in self.network:
            raise NotFound("node", node)

    def profile(self, channel: str) -> ChannelProfile:
        """The profile of a channel; one that was given none has what every channel has."""
        return self.profiles.get(channel, _ANY_CHANNEL)


_ANY_CHANNEL = ChannelProfile()

_PARTS: tuple[tuple[str, type, str], ...] = (
    ("floors", Mapping, "a mapping of floors by node"),
    ("bins", Mapping, "a mapping of bins by node and SKU"),
    ("buffers", Mapping, "a mapping of units by Cell"),
    ("costs", Mapping, "a mapping of Money by SKU"),
    ("profiles", Mapping, "a mapping of ChannelProfile by channel"),
    ("incident_rules", Mapping, "a mapping of IncidentRule by kind"),
    ("wms", Mapping, "a mapping of warehouse systems by node"),
    ("risk_limit", RiskLimit, "a RiskLimit"),
    ("return_policy", ReturnPolicy, "a ReturnPolicy"),
    ("duplicates_within", timedelta, "a timedelta"),
    ("surge", SurgeRule, "a SurgeRule"),
)


def several(what: str, given: Iterable[Any]) -> tuple[Any, ...]:
    """What is given as a sequence; raises DefinitionError for one alone."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise DefinitionError(f"{what} are given as a sequence, such as {what}=(one,), not {given!r}")
    return tuple(given)


def by_name(what: str, ports: Iterable[Any]) -> dict[str, Any]:
    """Ports by the names they give themselves; raises DefinitionError for what has none, or another's."""
    found: dict[str, Any] = {}
    for port in several(what, ports):
        name = getattr(port, "name", None)
        if not isinstance(name, str) or not name:
            raise DefinitionError(f"each of {what} has a name, which {port!r} has not")
        if name in found:
            raise DefinitionError(f"two of {what} are named {name!r}; give each a name of its own")
        found[name] = port
    return found


def standard_checks(catalog: Items | None) -> tuple[Check, ...]:
    """The checks that make sense with or without a catalog.

    >>> len(standard_checks(None)) < len(standard_checks({}))
    True
    """
    return tuple(check for check in STANDARD_CHECKS if catalog is not None or check is not sells_items)
