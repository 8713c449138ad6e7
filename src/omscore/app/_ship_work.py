"""Parcels, rates, labels, manifests and tracking: the part of the service that deals with carriers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from attrs import astuple

from omscore.app import _choices, _floor, _labels, _parcels, _track
from omscore.app._reads import Reads
from omscore.app._work import Work
from omscore.batching import Packing, PackLine
from omscore.errors import CommandRefused, InvalidValue, OmsError
from omscore.kernel import quantity
from omscore.kernel.given import flags, listed, names, of_kind, shown, text, texts
from omscore.kernel.ids import joined
from omscore.orders import Order
from omscore.shipping import Choice, Manifest, Parcel, Preference, Shipment, Shopped, TrackingFact


class ShipWork(Reads):
    """The part of the service that deals with carriers."""

    def propose_parcels(self, fulfillment_id: str) -> Packing:
        """How a fulfillment fits into the fewest and smallest of the cartons of `Oms(cartons=...)`.

        Tags of items and of order lines mean what `Oms(packing_rules=...)` say, and the packaging of the channel's
        profile is a tag of every line. Raises DefinitionError when no cartons were given, and InvalidValue for an
        answer of the host's own packer that cannot be (see `batching.packing_faults`).

        >>> from omscore.batching import Carton
        >>> from omscore.kernel import Dimensions, Item
        >>> from omscore.testing.walkthrough import up_to
        >>> mug = Item("SKU-1", weight_grams=300, dimensions=Dimensions(90, 90, 100))
        >>> boxes = [Carton("S", Dimensions(100, 100, 100), 5_000), Carton("M", Dimensions(200, 100, 100), 5_000)]
        >>> at = up_to("packed", catalog={"SKU-1": mug}, cartons=boxes)
        >>> [parcel.carton for parcel in at.shop.propose_parcels(at.fulfillment.id).parcels]
        ['M']
        """
        return _parcels.propose(self._wiring, self._read(lambda work: _parcels.to_pack(work, fulfillment_id)))

    def rates(
        self,
        fulfillment_id: str,
        parcels: Sequence[Parcel] = (),
        *,
        carriers: Collection[str] | None = None,
        services: Collection[str] | None = None,
    ) -> Shopped:
        """The cheapest offer that meets the promise, and why each other one was left out; nothing is ordered.

        Only some carriers and services may be named; a carrier that is not wired is an error. Raises CommandRefused
        with the reasons when no offer is left.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("packed")
        >>> at.shop.rates(at.fulfillment.id).chosen
        Rate(carrier='post', service='standard', cost=Money(minor=495, currency='EUR'), days=1)
        >>> at.shop.rates(at.fulfillment.id, carriers={"dash"})
        Traceback (most recent call last):
        omscore.errors.CommandRefused: no carrier 'dash' is wired; there is post (rate.no_carrier)
        """
        _parcels.are_parcels(parcels)
        carriers = None if carriers is None else names("carriers", carriers, "post")
        services = None if services is None else names("services", services, "standard")
        request, now, deliver_by, _ = self._read(lambda work: _labels.asked(work, fulfillment_id, parcels))
        return _labels.shop(self._wiring, request, now=now, deliver_by=deliver_by, carriers=carriers, services=services)

    def ship(
        self,
        fulfillment_id: str,
        parcels: Sequence[Parcel] = (),
        *,
        carrier: str = "",
        service: str = "",
        why: str = "",
        serials: Mapping[str, Sequence[str]] | None = None,
        key: str,
    ) -> Shipment:
        """Hand a fulfillment to a carrier; the label is made after the commit, by `deliver`.

        Where `Oms(cartons=...)` is given and no parcels are named, they are the proposed ones; what no carton takes, or
        a packer that fails, is shipped by its weight, since the goods stand packed. `carrier` and `service`
        are a person's choice: only they will do, and what would have been proposed is remembered beside it (`choices`).
        `serials` are the serial numbers of the units by line, or by item, where there are any: a warranty claim on a
        serial asks for them. Raises CommandRefused for a carrier or service of which there is no offer, and
        (`ship.serials`) for more serials than units.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("packed")
        >>> at.shop.ship(at.fulfillment.id, key="ship-1").lines
        {'1': 2}
        """
        _parcels.are_parcels(parcels)
        texts(carrier=carrier, service=service, why=why)
        serials = _serials(serials)
        lines, proposed = ([], ()) if parcels else self._proposed(fulfillment_id)
        proposal: Choice | None = None
        refused: OmsError | None = None
        if carrier or service:
            try:
                proposal = _labels.proposal(self._store, self._wiring, fulfillment_id, parcels, carrier, service, why)
            except CommandRefused as wrong:
                refused = wrong

        def work_(work: Work) -> str:
            # Inside, so that a repeat gives the first answer whatever carriers offer by then.
            if refused is not None:
                raise refused
            # What was proposed for other units than are left now is no proposal.
            packed = parcels or (proposed if proposed and _parcels.to_pack(work, fulfillment_id) == lines else ())
            made = _floor.ship(work, fulfillment_id, packed, carrier=carrier, service=service, serials=serials)
            if proposal is not None:
                _choices.remember(work, proposal)
            return made

        content: tuple[object, ...] = (fulfillment_id, tuple(repr(astuple(p)) for p in parcels), carrier, service, why)
        if serials:
            content += (tuple(sorted(serials.items())),)
        return self.shipment(self._command("ship", key, content, work_))

    def _proposed(self, fulfillment_id: str) -> tuple[list[PackLine], Sequence[Parcel]]:
        """What is to be packed and the parcels proposed for it, worked out before anything is locked."""
        lines = self._read(lambda work: _parcels.to_pack(work, fulfillment_id))
        try:
            return lines, _parcels.for_shipping(self._wiring, lines, fulfillment_id)
        except Exception as error:  # noqa: BLE001 - whatever a host's packer raises, the goods may leave
            self._saw("packer_failed", fulfillment=fulfillment_id, error=type(error).__name__)
            return lines, ()

    # -- labels and manifests ------------------------------------------------------------------------------------------

    def relabel(self, shipment_id: str, *, service: str = "", carrier: str = "", why: str = "", key: str) -> Shipment:
        """Ask for another label: of another service or carrier, or after one that could not be made.

        A label that was made is given back to its carrier; one that comes late is given back as well. Raises
        TransitionNotAllowed once the parcel moves, CommandRefused on a manifest (`label.on_manifest`) and where the
        carrier takes no labels back (`label.no_void`).

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("shipped")
        >>> _ = at.shop.deliver()
        >>> at.shop.relabel(at.shipment.id, service="standard", why="printer jam", key="again-1").voided
        ('post-ord-1-f1-s1-1',)
        """
        texts(service=service, carrier=carrier, why=why)
        content = (shipment_id, service, carrier, why)
        found = self._command(
            "relabel",
            key,
            content,
            lambda work: _labels.give_back(work, shipment_id, again=True, service=service, carrier=carrier, why=why),
        )
        return self.shipment(found)

    def void_label(self, shipment_id: str, *, why: str = "", key: str) -> Shipment:
        """A labeled parcel is not sent after all: its label is given back, its units are expected back as a return.

        Raises what `relabel` raises. When the parcel moves all the same, tracking goes on as if nothing was voided.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("shipped")
        >>> at.shop.void_label(at.shipment.id, why="damaged at the dock", key="void-1").status
        'cancelled'
        >>> at.shop.order(at.order.id)
        <Order ord-1 accepted: return_expected 2>
        """
        texts(why=why)
        found = self._command(
            "void_label",
            key,
            (shipment_id, why),
            lambda work: _labels.give_back(work, shipment_id, again=False, service="", carrier="", why=why),
        )
        return self.shipment(found)

    def manifest(self, node: str, carrier: str, *, key: str) -> Manifest:
        """List a carrier's labels at a node for its pickup, each label once; the carrier closes the list in `deliver`.

        Raises CommandRefused for a carrier without manifests, and when no label waits for one.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("shipped")
        >>> _ = at.shop.deliver()
        >>> made = at.shop.manifest("ghent", "post", key="pickup-1")
        >>> _ = at.shop.deliver()
        >>> at.shop.manifests("ghent", "post")[0].state, made.shipments
        ('closed', ('ord-1-f1-s1',))
        """
        texts(node=node, carrier=carrier)
        made = self._command("manifest", key, (node, carrier), lambda work: _labels.manifest(work, node, carrier))
        found: Manifest = self._read(lambda work: work.load("manifest", made))
        return found

    def manifests(self, node: str, carrier: str) -> list[Manifest]:
        """The manifests of a carrier at a node, oldest first; raises NotFound for an unknown node.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("shipped").shop.manifests("ghent", "post")
        []
        """
        texts(node=node, carrier=carrier)
        found: list[Manifest] = self._read(lambda work: list(work.all("manifest", f"of:{joined(node, carrier, ':')}")))
        if not found:
            # Those of a node that was closed since can still be read.
            self._wiring.check_node(node)
        return found

    def labels(self, shipment_id: str) -> list[object]:
        """What happened to a shipment's labels, in order: made (with the offers not taken), given back, answered.

        Raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("delivered")
        >>> at.shop.labels(at.shipment.id)[0].carrier
        'post'
        """

        def read(work: Work) -> list[object]:
            work.load("shipment", shipment_id)
            return [logged.event for logged in work.txn.events("shipment", shipment_id)]

        return self._read(read)

    # -- what people choose --------------------------------------------------------------------------------------------

    def choices(self, what: str = "carrier_service") -> list[Choice]:
        """What people chose in front of a proposal, oldest first.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("packed")
        >>> _ = at.shop.ship(at.fulfillment.id, carrier="post", why="they ask for it", key="ship-1")
        >>> at.shop.choices()[0].chosen, at.shop.choices()[0].overrides
        ('post standard', False)
        """
        return self._read(lambda work: _choices.of(work, what))

    def remember_choice(self, choice: Choice, *, key: str) -> None:
        """Remember a choice of another kind: which node, which carton; what it is for is the host's own word.

        >>> from omscore.testing.walkthrough import MONDAY, up_to
        >>> at = up_to("accepted")
        >>> at.shop.remember_choice(Choice("node", {"country": "BE"}, "ghent", "liege", "ord-1", MONDAY), key="n-1")
        >>> len(at.shop.choices("node"))
        1
        """
        of_kind("choice", choice, Choice, "Choice('node', {'country': 'BE'}, 'ghent', 'liege', 'ord-1', at)")
        content = (choice.what, choice.ref, choice.proposed, choice.chosen, choice.why)
        self._command("remember_choice", key, content, lambda work: _choices.remember(work, choice))

    def preferences(
        self, what: str = "carrier_service", *, times_min: int = 3, percent_min: int = 60
    ) -> tuple[Preference, ...]:
        """The preferences that were accepted, and those that people's choices suggest, with their evidence.

        A proposed one changes nothing until it is accepted.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.preferences()
        ()
        """
        quantity(times_min, "times_min")
        quantity(percent_min, "percent_min")
        return self._read(lambda work: _choices.preferences(work, what, times_min, percent_min))

    def accept_preference(self, preference_id: str, *, key: str) -> Preference:
        """Accept a proposed preference: of a carrier's service, it decides from now on where it meets the promise.

        One of another kind decides nothing by itself: of nodes, `shipping.prefer_nodes` makes a word for your policy.
        Raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.accept_preference("carrier_service:country=BE:dash express", key="like-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no preference with id 'carrier_service:country=BE:dash express'
        """
        text("preference_id", preference_id)
        self._command("accept_preference", key, (preference_id,), lambda work: _choices.accept(work, preference_id))
        found: Preference = self._read(lambda work: work.load("preference", preference_id))
        return found

    def drop_preference(self, preference_id: str, *, key: str) -> None:
        """Let an accepted preference decide no longer. Raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.drop_preference("carrier_service::x", key="drop-1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no preference with id 'carrier_service::x'
        """
        self._command("drop_preference", key, (preference_id,), lambda work: _choices.drop(work, preference_id))

    # -- tracking ------------------------------------------------------------------------------------------------------

    def fetch_tracking(self, shipments_max: int = 1_000) -> Mapping[str, int]:
        """Ask the carriers that can be asked where the parcels are that are on their way, the oldest first.

        Returns how many shipments were told of, how many nobody can be asked about, and how many carriers failed on;
        one that fails stops no other.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("shipped").shop.fetch_tracking()
        {'told': 0, 'silent': 0, 'failed': 0}
        """
        quantity(shipments_max, "shipments_max", at_least=0)
        counts, failures = _track.fetch(self._store, self._wiring, shipments_max)
        for shipment, error in failures:
            self._saw("tracking_failed", shipment=shipment, error=error)
        return counts

    def track(self, shipment_id: str, told: str | Sequence[TrackingFact], *, key: str) -> Shipment:
        """Record what a carrier tells of a shipment, named by its id or a tracking number: a status, or its facts.

        Facts may come late, twice and out of order; any order of the same facts ends the same. Delivered units are the
        customer's, units that went back to the sender are expected as a return, and what is lost or in trouble becomes
        an exception. Raises NotFound, and InvalidValue for facts of other parcels.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("shipped")
        >>> at.shop.track(at.shipment.id, "delivered", key="post-1").status
        'delivered'
        """
        if isinstance(told, str):
            status = told
            found = self._command(
                "track", key, (shipment_id, status), lambda work: _track.track(work, shipment_id, status)
            )
        else:
            facts = listed("what is told", told, TrackingFact, "TrackingFact('T1', 'delivered', at)")
            if not facts:
                raise InvalidValue("no facts are told, so there is nothing to do; name a status or TrackingFacts")
            content = (shipment_id, tuple(repr(fact) for fact in facts))
            found = self._command("track", key, content, lambda work: _track.track_facts(work, shipment_id, facts))
        return self.shipment(found)

    def give_up(self, shipment_id: str, *, reship: bool, refund: bool = False, why: str = "lost", key: str) -> Order:
        """Record that a shipment will not arrive: its units are sent again from stock, or cancelled and refunded.

        Raises CommandRefused (`shipment.nothing_lost`) when none of its units are on their way.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("shipped")
        >>> at.shop.give_up(at.shipment.id, reship=True, key="lost-1")
        <Order ord-1 accepted: reserved 2>
        """
        texts(why=why)
        flags(reship=reship, refund=refund)
        content = (shipment_id, reship, refund, why)
        found = self._command(
            "give_up",
            key,
            content,
            lambda work: _track.give_up(work, shipment_id, reship=reship, refund=refund, why=why),
        )
        return self.order(self.shipment(found).order)


def _serials(told: Mapping[str, Sequence[str]] | None) -> dict[str, tuple[str, ...]]:
    if told is not None and not isinstance(told, Mapping):
        raise InvalidValue(f"serials are given by line or item, such as {{'1': ['S-9']}}, not as {shown(told)}")
    return {line: names(f"serials of {line!r}", numbers, "S-9") for line, numbers in (told or {}).items()}
