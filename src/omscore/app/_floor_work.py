"""From the batch to the return: the part of the service that the floor, carriers and the returns desk use."""

from __future__ import annotations

from collections.abc import Mapping

from omscore.app import _claim, _outbox, _return
from omscore.app._floor_picking import Picking
from omscore.app._given import pairs, pairs_or_all
from omscore.kernel import quantity
from omscore.kernel.given import flags, of_kind, texts
from omscore.orders import DraftLine, Order
from omscore.returns import Claim, Return


class FloorWork(Picking):
    """The part of the service that moves goods."""

    def deliver(self, effects_max: int = 1_000, *, worker: str = "oms") -> dict[str, int]:
        """Drain the outbox: labels, notices, channel messages; failures are tried again later and end parked.

        >>> import omscore as oms
        >>> oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")])).deliver()
        {'done': 0, 'retried': 0, 'parked': 0}
        """
        quantity(effects_max, "effects_max", at_least=0)
        texts(worker=worker)
        return _outbox.deliver(self._store, self._wiring, worker, effects_max)

    # -- return --------------------------------------------------------------------------------------------------------

    def open_return(
        self, order_id: str, units: Mapping[str, int], *, why: str = "", node: str = "", key: str
    ) -> Return:
        """Expect goods back: units of lines, or of items, that were shipped.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("delivered")
        >>> at.shop.open_return(at.order.id, {"SKU-1": 1}, why="too small", key="ret-1").lines
        (ReturnLine(line='1', item='SKU-1', units=1, received=0...),)
        """
        texts(why=why, node=node)
        content = (order_id, pairs(units), why, node)
        found = self._command(
            "open_return", key, content, lambda work: _return.open_return(work, order_id, units, why, node)
        )
        return self.return_(found)

    def receive_return(
        self, return_id: str, units: Mapping[str, int] | None = None, *, disposition: str = "restock", key: str
    ) -> Return:
        """Record goods that came back, and what becomes of them: restock, quarantine, scrap, damaged or vendor.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("delivered")
        >>> back = at.shop.open_return(at.order.id, {"SKU-1": 1}, key="ret-1")
        >>> at.shop.receive_return(back.id, disposition="quarantine", key="ret-2").state
        'received'
        """
        texts(disposition=disposition)
        content = (return_id, pairs_or_all(units), disposition)
        self._command(
            "receive_return",
            key,
            content,
            lambda work: _return.receive_return(work, return_id, units, disposition),
        )
        return self.return_(return_id)

    def inspect_return(
        self, return_id: str, units: Mapping[str, int], *, disposition: str = "restock", key: str
    ) -> Return:
        """Record what became of units that came back into quarantine: restock, damaged, scrap or vendor.

        Raises CommandRefused (`return.not_there`) for more than arrived and was not looked at yet.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("delivered")
        >>> back = at.shop.open_return(at.order.id, {"1": 1}, key="ret-1")
        >>> _ = at.shop.receive_return(back.id, disposition="quarantine", key="ret-2")
        >>> at.shop.inspect_return(back.id, {"1": 1}, key="ret-3").lines[0].inspected
        1
        """
        texts(disposition=disposition)
        content = (return_id, pairs(units), disposition)
        self._command("inspect_return", key, content, lambda work: _return.inspect(work, return_id, units, disposition))
        return self.return_(return_id)

    def withdraw_return(self, return_id: str, *, key: str) -> Return:
        """Record that what has not come back will stay with the customer; what had arrived stays received.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("delivered")
        >>> back = at.shop.open_return(at.order.id, {"1": 1}, key="ret-1")
        >>> at.shop.withdraw_return(back.id, key="ret-2").state, at.shop.order(at.order.id)
        ('withdrawn', <Order ord-1 closed: delivered 2>)
        """
        self._command("withdraw_return", key, (return_id,), lambda work: _return.withdraw(work, return_id))
        return self.return_(return_id)

    def exchange(self, return_id: str, line: DraftLine, *, key: str) -> Order:
        """Send something else for what comes back: the replacement is reserved at once, and the money is netted.

        It may go out before the goods are back; when they never come, it is charged. Raises CommandRefused
        (`return.no_exchange`) for a return that is over or has a replacement.

        >>> from omscore.kernel import Money
        >>> from omscore.orders import DraftLine
        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("delivered")
        >>> back = at.shop.open_return(at.order.id, {"1": 1}, key="ret-1")
        >>> at.shop.exchange(back.id, DraftLine("2", "SKU-1", 1, Money(1999, "EUR")), key="swap-1")
        <Order ord-1 accepted: reserved 1, delivered 1, return_expected 1>
        """
        of_kind("line", line, DraftLine, "DraftLine('2', 'SKU-2', 1, Money(1999, 'EUR'))")
        content = (return_id, repr(line))
        self._command("exchange", key, content, lambda work: _return.exchange(work, return_id, line))
        return self.order(self.return_(return_id).order)

    def claim(self, order_id: str, line: str, *, units: int = 1, serial: str = "", why: str = "", key: str) -> Claim:
        """Open a warranty claim for delivered units of a line; the same serial is claimed once.

        Where serials were told with the shipment (`ship(serials=...)`), the serial has to be one of them, and the
        window is that of its own shipment. Raises CommandRefused (`claim.not_delivered`, `claim.window`,
        `claim.serial`, `claim.serial_not_shipped`).

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("delivered")
        >>> at.shop.claim(at.order.id, "1", serial="S-9", why="does not start", key="claim-1").state
        'open'
        """
        texts(line=line, serial=serial, why=why)
        content = (order_id, line, units, serial, why)
        made = self._command(
            "claim", key, content, lambda work: _claim.open_claim(work, order_id, line, units, serial, why)
        )
        return self._claim(made)

    def decide_claim(self, claim_id: str, *, approve: bool, keep_item: bool = True, key: str) -> Claim:
        """Refuse a claim, or send the same item again for nothing; the broken one is kept or expected back.

        Raises TransitionNotAllowed for a claim that was decided before.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("delivered")
        >>> claim = at.shop.claim(at.order.id, "1", key="claim-1")
        >>> at.shop.decide_claim(claim.id, approve=True, key="claim-2").state, at.shop.order(at.order.id)
        ('approved', <Order ord-1 accepted: reserved 1, delivered 2>)
        """
        flags(approve=approve, keep_item=keep_item)
        content = (claim_id, approve, keep_item)
        self._command(
            "decide_claim",
            key,
            content,
            lambda work: _claim.decide_claim(work, claim_id, approve=approve, keep_item=keep_item),
        )
        return self._claim(claim_id)

    def _claim(self, claim_id: str) -> Claim:
        found: Claim = self._read(lambda work: work.load("claim", claim_id))
        return found
