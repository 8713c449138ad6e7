"""Warehouse systems and counts: the part of the service that the floor's own software talks to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from omscore.app import _counts, _wms
from omscore.app._reads import Reads
from omscore.app._service import pairs
from omscore.errors import InvalidValue, NotFound, StoreError
from omscore.ports import TellsMessages, WmsMessage


class WmsWork(Reads):
    """The part of the service that warehouse systems talk to."""

    def take(self, message: WmsMessage) -> list[str]:
        """Do what a message of a warehouse system means, once for its id, whatever order messages come in.

        Returns the ids of the mismatches that it brought to light: more or less than was asked for, an item or a bin
        that is not known, a count that differs, work on an order that is stopped. They are exceptions; units move as
        far as they were asked for. Raises KeyReused for another message under the same id.

        >>> from omscore.ports import WmsMessage, WmsRow
        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> at.shop.take(WmsMessage("m-1", "picked", "ghent", "ord-1-f1", [WmsRow("SKU-1", 3)]))
        ['ghent:ord-1-f1:SKU-1:wms.too_many']
        >>> at.shop.order("ord-1")
        <Order ord-1 accepted: picked 2>
        """
        if not isinstance(message, WmsMessage):
            raise InvalidValue(f"a warehouse system tells WmsMessages, not a {type(message).__name__}")
        key = f"wms:{message.node}:{message.id}"
        return list(self._command("take", key, (repr(message),), lambda work: _wms.take(work, message)))

    def fetch_messages(self) -> Mapping[str, int]:
        """Take what the warehouse systems have to tell that can be asked; one that fails stops no other.

        Returns how many messages were taken, and how many failed: those are told again next time, and seen by the
        observer.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("allocated").shop.fetch_messages()
        {'taken': 0, 'failed': 0}
        """
        counts = {"taken": 0, "failed": 0}
        for node, wms in sorted(self._wiring.wms.items()):
            if not isinstance(wms, TellsMessages):
                continue
            try:
                messages = list(wms.messages())
            except Exception as failed:  # noqa: BLE001 - a warehouse system is a host's code: it may raise anything
                counts["failed"] += 1
                self._saw("wms_failed", node=node, error=type(failed).__name__)
                continue
            for message in messages:
                try:
                    self.take(message)
                    counts["taken"] += 1
                except StoreError:
                    raise
                except Exception as failed:  # noqa: BLE001 - the next message is another matter
                    counts["failed"] += 1
                    self._saw("wms_failed", node=node, error=type(failed).__name__)
        return counts

    def count(self, node: str, counted: Mapping[str, int], *, seen_at: datetime | None = None, key: str) -> list[str]:
        """Take a count of all units of items on a node's shelves as true; returns the orders that lost units.

        Units that are not there are taken from those who came last; their orders are served from elsewhere or wait, and
        units that turned up go to who waits. Raises CommandRefused (`stock.stale_count`) for one older than the last.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> at.shop.count("ghent", {"SKU-1": 1}, key="count-1"), at.shop.order("ord-1")
        (['ord-1'], <Order ord-1 accepted: backordered 1, allocated 1>)
        """
        if all(known.id != node for known in self._wiring.network.nodes):
            raise NotFound("node", node)
        content = (node, pairs(counted), seen_at)
        return list(self._command("count", key, content, lambda work: _counts.count(work, node, counted, seen_at)))
