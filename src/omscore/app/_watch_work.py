"""Exceptions, notices, deadlines and key figures: the part of the service that a dashboard reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from omscore.app import _surge, _watch
from omscore.app._reads import Reads
from omscore.app._work import Work
from omscore.errors import InvalidValue
from omscore.kernel import utc
from omscore.kernel.given import shown, texts
from omscore.oversight import (
    NOTICE_STATUSES,
    Incident,
    Kpi,
    Notice,
    Obligation,
    SurgeState,
    kpis,
    measured,
    notices_of,
)


class WatchWork(Reads):
    """The part of the service that watches."""

    def exceptions(self, order_id: str | None = None) -> list[Incident]:
        """What needs a person now, of one order or of all, the most urgent first; what was resolved is left out.

        Raises NotFound for an order that is not known.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> at.clock.advance(hours=2, seconds=1)
        >>> [(incident.kind, incident.owner) for incident in at.shop.exceptions()]
        [('stuck', 'operations')]
        """

        def read(work: Work) -> list[Incident]:
            found = _watch.incidents(work)
            if order_id is None:
                return found
            return [incident for incident in found if incident.order == order_id] or self._none_of(work, order_id)

        return self._read(read)

    def resolve(self, incident_id: str, *, note: str = "", key: str) -> str:
        """Record that a person dealt with an exception; it comes back only when it happens anew. Raises NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("allocated")
        >>> at.clock.advance(hours=3)
        >>> at.shop.resolve("stuck:ord-1", note="the node was asked", key="resolve-1")
        'stuck:ord-1'
        >>> at.shop.exceptions()
        []
        """
        texts(incident_id=incident_id, note=note)
        return self._command("resolve", key, (incident_id, note), lambda work: _watch.resolve(work, incident_id, note))

    def notices(self, order_id: str | None = None, *, status: str | None = None) -> list[Notice]:
        """The notices of one order, or of the orders of the last two days; `status` picks some.

        A status is one of `oversight.NOTICE_STATUSES`; raises InvalidValue for another one, and NotFound.

        >>> from omscore.testing.walkthrough import up_to
        >>> at = up_to("accepted")
        >>> [(notice.notice, str(notice.due_at.time())) for notice in at.shop.notices("ord-1", status="due")][:2]
        [('confirmed', '09:02:00'), ('paid', '09:05:00')]
        """
        if status is not None and status not in NOTICE_STATUSES:
            raise InvalidValue(f"{shown(status)} is no status of a notice; they are {', '.join(NOTICE_STATUSES)}")

        def read(work: Work) -> list[Notice]:
            ids = _watch.open_orders(work, timedelta(days=2)) if order_id is None else iter((order_id,))
            found = [notice for id_ in ids for notice in self._notices(work, id_)]
            return [notice for notice in found if status is None or notice.status == status]

        return self._read(read)

    def _notices(self, work: Work, order_id: str) -> tuple[Notice, ...]:
        order = work.order(order_id)
        return notices_of(order, _watch.sent(work, order_id), self._wiring.profile(order.draft.channel), work.now)

    def obligations(self, order_id: str | None = None, *, late: bool | None = None) -> list[Obligation]:
        """What one order, or every open one, still owes, by when, and the slack that is left; the most urgent first.

        `late` picks those that are past their time, or those that are not.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.obligations("ord-1")[0]
        Obligation(order='ord-1', what='notify confirmed', due_at=..., slack=datetime.timedelta(seconds=120))
        """

        def read(work: Work) -> list[Obligation]:
            ids = _watch.unfinished(work) if order_id is None else iter((order_id,))
            found = [one for id_ in ids for one in _watch.obligations(work, id_) if late in (None, one.late)]
            return sorted(found, key=lambda one: (one.due_at, one.order, one.what))

        return self._read(read)

    def surge(self) -> SurgeState:
        """Whether there is a surge by `Oms(surge=SurgeRule(...))`, as of the last `tick`, and what that means.

        >>> from omscore.testing.walkthrough import up_to
        >>> up_to("accepted").shop.surge().mode["lanes"]
        'none'
        """
        return self._read(_surge.state)

    def kpis(self, *, since: datetime | None = None) -> Mapping[str, Kpi]:
        """The key figures of the orders captured since a time, or of all, each with its denominator.

        Those of `Oms(measures=...)` stand beside them; one that fails says so in its place.

        >>> from omscore.testing.walkthrough import up_to
        >>> figures = up_to("delivered").shop.kpis()
        >>> figures["split"].count, figures["split"].of, figures["fill"].percent
        (0, 1, 100.0)
        """
        since = None if since is None else utc(since, "since")

        def read(work: Work) -> Mapping[str, Kpi]:
            backlog = len(_watch.incidents(work))
            figures = kpis(_watch.log(work, since), profile=self._wiring.profile, incidents_open=backlog)
            mine = [measured(measure, _watch.log(work, since)) for measure in self._wiring.measures]
            return {**figures, **{figure.name: figure for figure in mine}}

        return self._read(read)
