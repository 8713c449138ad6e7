"""A carrier that remembers what it was asked, and may be slow, down, stubborn or talk rubbish."""

from collections.abc import Callable, Sequence
from typing import Any

from omscore.errors import CarrierRejected
from omscore.kernel import Money
from omscore.ports import Label, LabelRequest, ManifestAnswer, ManifestRequest, Rate, Voided, VoidRequest
from omscore.shipping import TrackingFact


class Truck:
    """Offers some services at (cost in cents, days); `during_label` runs while a label is being made."""

    def __init__(self, name: str = "truck", /, **services: tuple[int, int]) -> None:
        self.name = name
        self.services = services or {"standard": (700, 2)}
        self.down = 0
        self.labels: dict[str, tuple[str, ...]] = {}
        self.voided: list[tuple[str, ...]] = []
        self.keeps: set[str] = set()
        self.manifests: dict[str, tuple[str, ...]] = {}
        self.refuses_manifests = False
        self.facts: list[TrackingFact] = []
        self.answers_with: Any = None
        self.during_label: Callable[[], None] = lambda: None

    def _up(self) -> None:
        if self.down:
            self.down -= 1
            raise TimeoutError("the depot in Main Street 1 does not answer")

    def rates(self, request: LabelRequest) -> Sequence[Rate]:
        self._up()
        return [Rate(self.name, service, Money(minor, "EUR"), days) for service, (minor, days) in self.services.items()]

    def label(self, request: LabelRequest) -> Label:
        if self.answers_with is not None:
            answer: Label = self.answers_with
            return answer
        if request.service not in self.services:
            raise CarrierRejected(f"{self.name} has no service {request.service!r}")
        numbers = tuple(f"{self.name}-{request.id}-{n}" for n, _ in enumerate(request.parcels, 1))
        self.labels.setdefault(request.id, numbers)
        self.during_label()
        return Label(request.id, self.name, request.service, numbers, Money(self.services[request.service][0], "EUR"))

    def void(self, request: VoidRequest) -> Voided:
        if self.keeps & set(request.tracking):
            return Voided(False, "scanned at the depot")
        self.voided.append(request.tracking)
        return Voided(True)

    def manifest(self, request: ManifestRequest) -> ManifestAnswer:
        if self.refuses_manifests:
            raise CarrierRejected("one of the labels is too old")
        self.manifests.setdefault(request.id, request.tracking)
        return ManifestAnswer(request.id, f"list:{request.id}")

    def track(self, tracking: Sequence[str]) -> Sequence[TrackingFact]:
        self._up()
        return [fact for fact in self.facts if fact.tracking in tracking]
