"""Reads: orders, fulfillments, shipments and returns as they stand."""

from __future__ import annotations

from omscore.app._service import Service
from omscore.app._work import Work
from omscore.errors import InvalidValue
from omscore.kernel import quantity
from omscore.kernel.given import text
from omscore.orders import ORDER_STATES, Fulfillment, Order
from omscore.ports import Logged
from omscore.returns import Return
from omscore.shipping import Shipment


class Reads(Service):
    """The part of the service that only reads."""

    def order(self, order_id: str) -> Order:
        """An order; raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("accepted")
        >>> at.shop.order("ord-1")
        <Order ord-1 accepted: reserved 2>
        """
        return self._read(lambda work: work.order(order_id))

    def orders(self, state: str, *, limit: int = 1_000) -> list[Order]:
        """Orders in a state, oldest first; raises InvalidValue for what is no state.

        >>> import omscore as oms
        >>> oms.Oms(store=oms.MemoryStore(), network=oms.Network([oms.Node("ghent")])).orders("accepted")
        []
        """
        text("state", state)
        quantity(limit, "limit", at_least=0)
        if state not in ORDER_STATES.moves:
            raise InvalidValue(f"{state!r} is no state of an order; they are {', '.join(ORDER_STATES.moves)}")

        def read(work: Work) -> list[Order]:
            return [work.order(id_) for _, id_ in work.txn.find("order", f"state:{state}", limit=limit)]

        return self._read(read)

    def history(self, order_id: str) -> list[Logged]:
        """Every event of an order, with its time and cause; raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("accepted")
        >>> [type(logged.event).__name__ for logged in at.shop.history("ord-1")]
        ['Captured', 'UnitsMoved', 'Accepted']
        """

        def read(work: Work) -> list[Logged]:
            work.order(order_id)
            return work.txn.events("order", order_id)

        return self._read(read)

    def fulfillment(self, fulfillment_id: str) -> Fulfillment:
        """A fulfillment; raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("picked")
        >>> at.shop.fulfillment("ord-1-f1").state
        'picking'
        """
        found: Fulfillment = self._read(lambda work: work.load("fulfillment", fulfillment_id))
        return found

    def fulfillments(self, order_id: str) -> list[Fulfillment]:
        """The fulfillments of an order, oldest first; raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("picked")
        >>> [fulfillment.id for fulfillment in at.shop.fulfillments("ord-1")]
        ['ord-1-f1']
        """
        return self._read(lambda work: work.fulfillments(work.order(order_id).id))

    def shipment(self, shipment_id: str) -> Shipment:
        """A shipment; raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("delivered")
        >>> at.shop.shipment(at.shipment.id).carrier
        'post'
        """
        found: Shipment = self._read(lambda work: work.load("shipment", shipment_id))
        return found

    def return_(self, return_id: str) -> Return:
        """A return; raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("delivered")
        >>> back = at.shop.open_return(at.order.id, {"SKU-1": 1}, key="ret-1")
        >>> at.shop.return_(back.id).why
        ''
        """
        found: Return = self._read(lambda work: work.load("return", return_id))
        return found
