"""A payment gateway and books that remember what they were asked, and may be told to fail."""

from datetime import datetime

from omscore.payments import Posting
from omscore.ports import GatewayAbilities, PaymentAnswer, PaymentRequest


class Till:
    """Answers each request id once; `declines` are the kinds it says no to, `down` raises instead of answering."""

    def __init__(self, *, multi_capture: bool = True, partial_void: bool = True, renews: bool = False) -> None:
        self.abilities = GatewayAbilities(multi_capture, partial_void, renews)
        self.asked: dict[str, int] = {}
        self.declines: set[str] = set()
        self.expires_at: datetime | None = None
        self.down = 0
        self.granted: dict[str, int] = {}

    def _answer(self, kind: str, request: PaymentRequest) -> PaymentAnswer:
        if self.down:
            self.down -= 1
            raise TimeoutError("the bank does not answer")
        if kind in self.declines:
            return PaymentAnswer(False, text="declined")
        if request.id not in self.asked and kind in ("capture", "void"):
            left = self.granted.get(request.parent, request.amount.minor)
            assert request.amount.minor <= left, f"{request.id}: {request.parent} has {left} left"
            self.granted[request.parent] = left - request.amount.minor
        if kind == "authorize":
            self.granted.setdefault(f"bank:{request.id}", request.amount.minor)
        self.asked.setdefault(request.id, request.amount.minor)
        return PaymentAnswer(True, f"bank:{request.id}", self.expires_at if kind == "authorize" else None)

    def authorize(self, request: PaymentRequest) -> PaymentAnswer:
        return self._answer("authorize", request)

    def capture(self, request: PaymentRequest) -> PaymentAnswer:
        assert request.parent, "a capture names its authorization"
        return self._answer("capture", request)

    def void(self, request: PaymentRequest) -> PaymentAnswer:
        return self._answer("void", request)

    def refund(self, request: PaymentRequest) -> PaymentAnswer:
        return self._answer("refund", request)


class Books(dict[str, Posting]):
    def post(self, posting: Posting) -> None:
        self.setdefault(posting.id, posting)

    def balance(self, account: str) -> int:
        return sum(line.minor for posting in self.values() for line in posting.lines if line.account == account)
