"""What a host wires once: the ports it brings and the policies it chose."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from omscore.batching import PACKING_RULES, Barcodes, BinStock, Carton, CartonChooser, PackingRule
from omscore.errors import DefinitionError, NotFound
from omscore.inventory import Cell, Selector
from omscore.kernel import Item, Money, quantity
from omscore.kernel.given import flags, shown, text
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
            if not isinstance(value, kind) and (value is not None or name == "return_policy"):
                raise DefinitionError(f"{name} must be {such_as}, not {shown(value)}")
        if not callable(getattr(self.catalog, "get", None)):
            raise DefinitionError(
                "catalog must give items by SKU, such as {'SKU-1': Item('SKU-1')}, or with a method get"
            )
        if isinstance(self.catalog, dict):
            for sku, item in self.catalog.items():
                if not isinstance(item, Item):
                    raise DefinitionError(f"catalog[{sku!r}] must be Item, such as Item({sku!r}), not {shown(item)}")
        self._check_ports()
        for name, kind in (("costs", Money), ("profiles", ChannelProfile), ("incident_rules", IncidentRule)):
            for key, value in getattr(self, name).items():
                if not isinstance(value, kind):
                    raise DefinitionError(f"{name}[{key!r}] must be {kind.__name__}, not {value!r}")
        for cell, units in self.buffers.items():
            if not isinstance(cell, Cell):
                raise DefinitionError(f"buffers are by cell, such as {{Cell('SKU-1', 'ghent'): 2}}, not by {cell!r}")
            quantity(units, f"buffer of {cell.item!r} at {cell.node!r}", at_least=0)
        for place in self.bins if isinstance(self.bins, dict) else ():
            if not isinstance(place, tuple) or len(place) != 2:
                told = shown(place)
                raise DefinitionError(f"bins are by node and SKU, such as {{('ghent', 'SKU-1'): 'A-1'}}, not by {told}")
        self._check_nodes()
        if self.duplicates_within is not None and self.duplicates_within <= timedelta(0):
            raise DefinitionError(f"duplicates_within must be some time, not {self.duplicates_within}")

    def _check_ports(self) -> None:
        for name, methods in _METHODS.items():
            if (port := getattr(self, name)) is not None:
                has_methods(name, port, methods)
        for node, port in self.wms.items():
            has_methods(f"wms[{node!r}]", port, ("pick", "change"))
        for name in ("facts", "region", "lots", "due", "packer"):
            value = getattr(self, name)
            if value is not None and not callable(value):
                raise DefinitionError(f"{name} must be a function, not {shown(value)}")
        for name in ("checks", "guards", "measures", "detectors"):
            for one in getattr(self, name):
                if not callable(one):
                    raise DefinitionError(f"each of {name} must be a function, not {shown(one)}")
        for name, kind in (("workflows", Workflow), ("cartons", Carton), ("packing_rules", PackingRule)):
            for one in getattr(self, name):
                if not isinstance(one, kind):
                    raise DefinitionError(f"each of {name} must be {kind.__name__}, not {shown(one)}")
        flags(keeps_promises=self.keeps_promises)

    def _check_nodes(self) -> None:
        """What is wired to a node that is not in the network would never be used; who wired it would not know."""
        named: list[tuple[str, Iterable[object]]] = [
            ("floors", self.floors),
            ("wms", self.wms),
            # Bins may be looked up one by one, wherever a host keeps them.
            ("bins", (node for node, _ in self.bins) if isinstance(self.bins, dict) else ()),
            ("buffers", (cell.node for cell in self.buffers)),
        ]
        named += [
            (f"profiles[{channel!r}].buffers", (cell.node for cell in profile.buffers))
            for channel, profile in self.profiles.items()
        ]
        for name, nodes in named:
            for node in nodes:
                if node not in self.network:
                    known = [one.id for one in self.network.nodes]
                    told = ", ".join(map(repr, known[:_NODES_TOLD])) + (", ..." if len(known) > _NODES_TOLD else "")
                    raise DefinitionError(
                        f"{name} names node {shown(node)}, which is not in the network; it has {told or 'none'}. "
                        "Correct the name or add the node; one that is closed stays until all is done there, with "
                        "Node(active=False)"
                    )

    def check_node(self, node: str) -> None:
        """Raise NotFound for a node that is not in the network: what lay there could be sold, and never sent."""
        text("node", node)
        if node not in self.network:
            raise NotFound("node", node)

    def profile(self, channel: str) -> ChannelProfile:
        """The profile of a channel; one that was given none has what every channel has."""
        return self.profiles.get(channel, _ANY_CHANNEL)


_ANY_CHANNEL = ChannelProfile()

_NODES_TOLD = 10
"""So many nodes of a network are named where another was meant."""

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
    ("barcodes", Barcodes, "Barcodes, such as Barcodes.of(items)"),
)


_METHODS: Mapping[str, tuple[str, ...]] = {
    "ids": ("next",),
    "observer": ("saw",),
    "notifier": ("notify",),
    "gateway": ("authorize", "capture", "void", "refund"),
    "erp": ("post",),
    "verifier": ("problems",),
    "scorer": ("score",),
}
"""What is called of each port that stands alone."""


def has_methods(what: str, port: object, methods: tuple[str, ...]) -> None:
    """Raise DefinitionError for what lacks a method of its port, and for a class in place of an object of it."""
    if isinstance(port, type):
        raise DefinitionError(f"{what} must be an object, not the class {port.__name__}; write {port.__name__}()")
    if missing := [name for name in methods if not callable(getattr(port, name, None))]:
        raise DefinitionError(f"{what} must have a method {missing[0]}, which {shown(port)} has not")


def several(what: str, given: Iterable[Any]) -> tuple[Any, ...]:
    """What is given as a sequence; raises DefinitionError for one alone."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise DefinitionError(f"{what} are given as a sequence, such as {what}=(one,), not {given!r}")
    return tuple(given)


def by_name(what: str, ports: Iterable[Any]) -> dict[str, Any]:
    """Ports by the names they give themselves; raises DefinitionError for what has none, or another's."""
    found: dict[str, Any] = {}
    for port in several(what, ports):
        if isinstance(port, type):
            raise DefinitionError(f"{what} are objects, not classes; write {port.__name__}()")
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
