"""Every port of the service in one object, each in a mood of its own, and a bank that keeps its own books."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import omscore as oms
from omscore.adapters import TableCarrier
from omscore.payments import Posting
from omscore.ports import Effect, GatewayAbilities, Label, LabelRequest, PaymentAnswer, PaymentRequest

MOODS = ("well", "never", "lost", "twice", "late", "rubbish", "declined")
"""How a call goes: well, not at all, done with the answer lost, twice over, so late that another worker took over."""

RUBBISH = (None, 42, "yes", object())


class Bank:
    """Knows what it granted, took and gave back by its own reckoning, and writes down what it should never be asked."""

    def __init__(self) -> None:
        self.abilities = GatewayAbilities(multi_capture=True, partial_void=True, renews=True)
        self.answers: dict[str, PaymentAnswer] = {}
        self.asked: dict[str, tuple[int, str]] = {}
        self.granted: dict[str, int] = {}
        self.taken: dict[str, int] = {}
        self.times_taken: Counter[str] = Counter()
        self.done: dict[tuple[str, str], int] = {}
        self.outrages: list[str] = []

    def knows(self, order: str, *, authorized: int = 0, captured: int = 0) -> None:
        """What a channel arranged with the bank before anybody here was asked."""
        if authorized:
            self.granted[f"web:{order}"] = authorized
        if captured:
            self.taken[f"web:{order}"] = captured

    def total(self, order: str, kind: str) -> int:
        return self.done.get((order, kind), 0)

    def act(self, kind: str, request: PaymentRequest, *, declines: bool) -> PaymentAnswer:
        n = request.amount.minor
        if self.asked.setdefault(request.id, (n, request.parent)) != (n, request.parent):
            self.outrages.append(f"{request.id} was asked for {n} {request.parent}, before {self.asked[request.id]}")
        if request.id in self.answers:
            return self.answers[request.id]
        if declines:
            return PaymentAnswer(done=False, text="declined")
        if kind == "authorize":
            self.granted[f"bank:{request.id}"] = n
        else:
            pot = self.taken if kind == "refund" else self.granted
            if n > pot.get(request.parent, 0):
                self.outrages.append(f"{kind} of {n} from {request.parent!r}, which has {pot.get(request.parent)}")
                return PaymentAnswer(done=False, text="more than there is")
            pot[request.parent] -= n
        if kind == "capture":
            self.taken[f"bank:{request.id}"] = n
            self.times_taken[request.parent] += 1
            if not self.abilities.multi_capture and self.times_taken[request.parent] > 1:
                self.outrages.append(f"{request.parent} was captured twice, and can be once")
        if kind == "void" and pot[request.parent] and not self.abilities.partial_void:
            self.outrages.append(f"{request.parent} was voided in part, and cannot be")
        key = (request.order, kind)
        self.done[key] = self.done.get(key, 0) + n
        answer = PaymentAnswer(True, f"bank:{request.id}")
        self.answers[request.id] = answer
        return answer


class PostOffice:
    """A carrier that makes one label for each request."""

    name = "post"

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call
        self.labels: dict[str, Label] = {}
        self.table = TableCarrier.flat("post", cost_minor=495, currency="EUR")

    def rates(self, request: LabelRequest) -> Any:
        return self.table.rates(request)

    def label(self, request: LabelRequest) -> Any:
        return self.call(lambda: self.labels.setdefault(request.id, self.table.label(request)))


class World:
    """All ports; `mood` says how the next calls go, `meanwhile` is what happens while a late one is waited for."""

    name = "web"

    def __init__(self, clock: oms.ManualClock) -> None:
        self.clock = clock
        self.mood = "well"
        self.meanwhile: Callable[[], object] = lambda: None
        self.bank = Bank()
        self.books: dict[str, Posting] = {}
        self.noticed: Counter[str] = Counter()
        self.post_office = PostOffice(self.call)
        self._rubbish = 0

    def call(self, does: Callable[[], Any], *, answers: bool = True) -> Any:
        """Do something in the present mood."""
        mood = self.mood
        if mood == "never":
            raise TimeoutError("no answer")
        if mood == "late":
            self.mood = "well"
            self.meanwhile()
        answer = does()
        if mood == "lost":
            raise ConnectionResetError("done, and the answer was lost")
        if mood == "twice":
            assert does() == answer
        if mood == "rubbish" and answers:
            self._rubbish += 1
            return RUBBISH[self._rubbish % len(RUBBISH)]
        return answer

    # -- payments -------------------------------------------------------------------------------------------------

    @property
    def abilities(self) -> GatewayAbilities:
        return self.bank.abilities

    def _pay(self, kind: str, request: PaymentRequest) -> Any:
        declines = self.mood == "declined"
        answer = self.call(lambda: self.bank.act(kind, request, declines=declines))
        if isinstance(answer, PaymentAnswer) and kind == "authorize" and answer.done:
            return PaymentAnswer(True, answer.reference, self.clock.now() + timedelta(days=7))
        return answer

    def authorize(self, request: PaymentRequest) -> Any:
        return self._pay("authorize", request)

    def capture(self, request: PaymentRequest) -> Any:
        return self._pay("capture", request)

    def void(self, request: PaymentRequest) -> Any:
        return self._pay("void", request)

    def refund(self, request: PaymentRequest) -> Any:
        return self._pay("refund", request)

    # -- the others -----------------------------------------------------------------------------------------------

    def post(self, posting: Posting) -> None:
        assert sum(line.minor for line in posting.lines) == 0
        self.call(lambda: self.books.setdefault(posting.id, posting), answers=False)

    def balance(self, account: str, order: str | None = None) -> int:
        """What an account holds, of one order or of all."""
        found = [p for p in self.books.values() if order in (None, p.order)]
        return sum(line.minor for posting in found for line in posting.lines if line.account == account)

    def prepaid_back(self, order: str) -> int:
        """What the books were told went back of money that was paid and never invoiced."""
        found = [p for p in self.books.values() if p.kind == "refund" and p.order == order]
        return sum(line.minor for posting in found for line in posting.lines if line.account == "receivable")

    def notify(self, effect: Effect) -> None:
        self.call(lambda: self.noticed.update([effect.id]), answers=False)

    def tell(self, effect: Effect) -> None:
        self.call(lambda: None, answers=False)

    def draft(self, payload: Any) -> Any:
        raise oms.ChannelError("web: field 'external_id' is missing; add it")

    def problems(self, address: oms.Address) -> Any:
        return self.call(list)
