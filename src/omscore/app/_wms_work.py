"""Warehouse systems and counts: the part of the service that the floor's own software talks to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from omscore.app import _counts, _track, _wms
from omscore.app._given import pairs
from omscore.app._reads import Reads
from omscore.app._service import told_of
from omscore.app._work import Work
from omscore.errors import CommandRefused, InvalidValue
from omscore.kernel import quantity
from omscore.kernel.given import texts
from omscore.kernel.ids import joined
from omscore.ports import TellsMessages, WmsMessage


class WmsWork(Reads):
    """The part of the service that warehouse systems talk to."""

    def take(self, message: WmsMessage) -> list[str]:
        """Do what a message of a warehouse system means, once for its id, whatever order messages come in.

        Returns the ids of the mismatches that it brought to light: more or less than was asked for, an item or a bin
        that is not known, a count that differs, work on an order that is stopped. They are exceptions; units move as
        far as they were asked for. Raises KeyReused for another message under the same id; what is refused is
        an exception too, until it is taken.

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
        key = f"wms:{joined(message.node, message.id, ':')}"
        try:
            return list(self._command("take", key, (repr(message),), lambda work: _wms.take(work, message)))
        except Exception as wrong:
            self._refused(message.node, message.id, wrong, message)
            raise

    def _refused(self, node: str, id_: str, wrong: Exception, message: WmsMessage | None = None) -> None:
        """Have a person see a message that cannot be taken; whoever tells it may tell it again."""
        told = told_of(wrong)
        codes = ", ".join(reason.code for reason in wrong.reasons) if isinstance(wrong, CommandRefused) else ""
        why = codes or type(wrong).__name__
        self._store.run(
            lambda txn: _wms.refused(Work(txn, self._wiring, f"wms:{node}:{id_}"), node, id_, why, told, message)
        )

    def fetch_messages(self) -> Mapping[str, int]:
        """Take what the warehouse systems have to tell that can be asked; one that fails stops no other.

        Returns how many messages were taken, and how many failed. What is refused, and a system that does not answer,
        are exceptions until they are told again and taken, or answer again; the observer sees them too.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("allocated").shop.fetch_messages()
        {'taken': 0, 'failed': 0}
        """
        counts = {"taken": 0, "failed": 0}
        for node, wms in sorted(self._wiring.wms.items()):
            if not isinstance(wms, TellsMessages):
                continue
            for message in self._asked(node, wms, counts):
                try:
                    self.take(message)
                    counts["taken"] += 1
                except Exception as failed:  # noqa: BLE001 - the next message is another matter
                    if not isinstance(message, WmsMessage):
                        self._refused(node, type(message).__name__, failed)
                    told_of(failed)
                    self._wms_failed(node, failed, counts)
        return counts

    def _asked(self, node: str, wms: TellsMessages, counts: dict[str, int]) -> Sequence[WmsMessage]:
        """What a warehouse system has to tell; one that does not answer has nothing to tell, and stands in the open."""
        messages: Sequence[WmsMessage] = ()
        error = ""
        try:
            messages = list(wms.messages())
        except Exception as failed:  # noqa: BLE001 - a warehouse system is a host's code: it may raise anything
            error = type(failed).__name__
            self._wms_failed(node, failed, counts)
        self._store.run(lambda txn: _track.answers(Work(txn, self._wiring, "fetch"), node, "wms.unanswered", error))
        return messages

    def _wms_failed(self, node: str, failed: Exception, counts: dict[str, int]) -> None:
        counts["failed"] += 1
        self._saw("wms_failed", node=node, error=type(failed).__name__)

    def count(self, node: str, counted: Mapping[str, int], *, seen_at: datetime | None = None, key: str) -> list[str]:
        """Take a count of all units of items on a node's shelves as true; returns the orders that lost units.

        Units that are not there are taken from those who came last; their orders are served from elsewhere or wait, and
        units that turned up go to who waits. Raises CommandRefused (`stock.stale_count`) for one older than the last.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> at.shop.count("ghent", {"SKU-1": 1}, key="count-1"), at.shop.order("ord-1")
        (['ord-1'], <Order ord-1 accepted: backordered 1, allocated 1>)
        """
        texts(node=node)
        content = (node, pairs(counted), seen_at)
        for item, n in counted.items():
            quantity(n, f"counted units of {item!r}", at_least=0)
        return list(self._command("count", key, content, lambda work: _counts.count(work, node, counted, seen_at)))
