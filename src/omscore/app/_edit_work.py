"""Edits: the part of the service that changes what was ordered, at once or by way of a proposal."""

from __future__ import annotations

from collections.abc import Sequence

from omscore.app import _edit, _propose
from omscore.app._reads import Reads
from omscore.app._service import content_of
from omscore.app._work import Work
from omscore.errors import InvalidValue
from omscore.kernel import quantity
from omscore.kernel.given import flags, shown, texts
from omscore.orders import Change, ChangeSet, Order, Preview


class EditWork(Reads):
    """The part of the service that changes what was ordered."""

    def preview(self, order_id: str, changes: Sequence[Change]) -> Preview:
        """What changes to an order would mean for money, stock and routing; nothing is touched.

        Raises what :meth:`edit` would raise.

        >>> from omscore.orders import Reduce
        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> at.shop.preview(at.order.id, [Reduce("1", 1)])
        Preview(money=Money(minor=-1999, currency='EUR'), stock={'SKU-1': -1}, short={}, rerouted={}, version=...)
        """
        _are_changes(changes)
        return self._read(lambda work: _edit.look(work, order_id, changes))

    def edit(
        self, order_id: str, changes: Sequence[Change], *, why: str = "", version: int | None = None, key: str
    ) -> Order:
        """Change what was ordered, all changes or none; a change of price alone moves no stock.

        `version` is that of the preview: it makes sure that the order is still the one that was looked at. Raises
        Conflict when it is not, CommandRefused for units that are packed or gone, for an address when units are packed
        for the old one, and beyond the customer's credit.

        >>> from omscore.orders import Reduce
        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> at.shop.edit(at.order.id, [Reduce("1", 1)], why="one is enough", key="edit-1")
        <Order ord-1 accepted: allocated 1, cancelled 1>
        """
        texts(why=why)
        if version is not None:
            quantity(version, "version")
        content = (order_id, _text(changes), why, version)
        self._command("edit", key, content, lambda work: _edit.edit(work, order_id, changes, why, version))
        return self.order(order_id)

    def propose_changes(self, order_id: str, changes: Sequence[Change], *, why: str = "", key: str) -> ChangeSet:
        """Keep changes to an order until they are confirmed or discarded; one set of an order is open at a time.

        Nothing of the order is touched. Raises what :meth:`edit` would raise, and CommandRefused (`edit.open`) naming
        the set that is open; one that the order has gone on without lapses instead.

        >>> from omscore.orders import Reduce
        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> at.shop.propose_changes("ord-1", [Reduce("1", 1)], why="one is enough", key="ask-1").state
        'open'
        >>> at.shop.propose_changes("ord-1", [Reduce("1", 2)], key="ask-2")
        Traceback (most recent call last):
        omscore.errors.CommandRefused: ord-1-e1 is open for ord-1; confirm or discard it first (edit.open)
        """
        texts(why=why)
        content = (order_id, _text(changes), why)
        made = self._command(
            "propose_changes", key, content, lambda work: _propose.propose(work, order_id, changes, why)
        )
        return self.change_set(made)

    def change_set(self, change_set_id: str) -> ChangeSet:
        """A set of changes and what became of it; raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.change_set("ord-1-e1")
        Traceback (most recent call last):
        omscore.errors.NotFound: no change_set with id 'ord-1-e1'
        """
        found: ChangeSet = self._read(lambda work: work.load("change_set", change_set_id))
        return found

    def change_sets(self, order_id: str) -> list[ChangeSet]:
        """The sets of changes that were proposed for an order, oldest first; raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.change_sets("ord-1")
        []
        """
        return self._read(lambda work: list(work.all("change_set", f"order:{work.order(order_id).id}")))

    def preview_changes(self, change_set_id: str) -> Preview:
        """What a proposed set of changes would mean for the order as it is now; its version says which that is.

        >>> from omscore.orders import Reduce
        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> made = at.shop.propose_changes("ord-1", [Reduce("1", 1)], key="ask-1")
        >>> at.shop.preview_changes(made.id).money
        Money(minor=-1999, currency='EUR')
        """

        def read(work: Work) -> Preview:
            value: ChangeSet = work.load("change_set", change_set_id)
            return _edit.look(work, value.order, value.changes)

        return self._read(read)

    def confirm_changes(self, change_set_id: str, *, backorder: bool = False, key: str) -> Order:
        """Make the changes of an open set, all or none.

        Raises Conflict when anything happened to the order since they were proposed, InsufficientStock when units that
        they add are not there (with `backorder` those wait for stock), what :meth:`edit` raises, and
        TransitionNotAllowed for a set that has ended. After an error the set is still open.

        >>> from omscore.orders import Reduce
        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> made = at.shop.propose_changes("ord-1", [Reduce("1", 1)], key="ask-1")
        >>> at.shop.confirm_changes(made.id, key="yes-1")
        <Order ord-1 accepted: allocated 1, cancelled 1>
        """
        flags(backorder=backorder)
        found = self._command(
            "confirm_changes",
            key,
            (change_set_id, backorder),
            lambda work: _propose.confirm(work, change_set_id, backorder=backorder),
        )
        return self.order(found)

    def discard_changes(self, change_set_id: str, *, why: str = "", key: str) -> ChangeSet:
        """Drop an open set of changes; the order stays as it is. Raises TransitionNotAllowed for one that has ended.

        >>> from omscore.orders import Reduce
        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> made = at.shop.propose_changes("ord-1", [Reduce("1", 1)], key="ask-1")
        >>> at.shop.discard_changes(made.id, why="they keep both", key="no-1").state
        'discarded'
        """
        texts(why=why)
        content = (change_set_id, why)
        self._command("discard_changes", key, content, lambda work: _propose.discard(work, change_set_id, why))
        return self.change_set(change_set_id)


def _text(changes: Sequence[Change]) -> str:
    _are_changes(changes)
    return repr([(type(change).__name__, content_of(change)) for change in changes])


def _are_changes(changes: Sequence[Change]) -> None:
    several = isinstance(changes, Sequence) and not isinstance(changes, str)
    for one in changes if several else [changes]:
        if not several or not isinstance(one, Change):
            raise InvalidValue(f"changes are a list of AddLine, Reduce, SetPrice and their like, not {shown(one)}")
    if not changes:
        raise InvalidValue("no changes are named, so there is nothing to do; name them, such as [Reduce('1', 1)]")
