"""Oversight: what is due, what is late, what needs a person, and how well it goes."""

from omscore.oversight._incidents import (
    INCIDENT_RULES,
    STANDARD_DETECTORS,
    STUCK_AFTER,
    UNANSWERED_AFTER,
    UNSCANNED_AFTER,
    Detector,
    EffectParked,
    Facts,
    Incident,
    IncidentRule,
    Resolved,
    actions_of,
    incidents_of,
    parked_effect,
    told_otherwise,
)
from omscore.oversight._kpis import Kpi, Measure, Recorded, kpis, measured, to_records
from omscore.oversight._notices import NOTICE_STATUSES, Notice, NoticeSent, Obligation, notices_of, obligations_of
from omscore.oversight._profile import NOTICES, PAYMENT_GATES, ChannelProfile
from omscore.oversight._surge import SurgeChanged, SurgeClock, SurgeRule, SurgeState, surges
from omscore.payments import CAPTURE_METHODS

__all__ = [
    "NOTICES",
    "CAPTURE_METHODS",
    "PAYMENT_GATES",
    "UNANSWERED_AFTER",
    "ChannelProfile",
    "NOTICE_STATUSES",
    "NoticeSent",
    "Notice",
    "notices_of",
    "Obligation",
    "obligations_of",
    "STUCK_AFTER",
    "UNSCANNED_AFTER",
    "IncidentRule",
    "INCIDENT_RULES",
    "Incident",
    "Resolved",
    "EffectParked",
    "Facts",
    "Detector",
    "STANDARD_DETECTORS",
    "actions_of",
    "incidents_of",
    "parked_effect",
    "told_otherwise",
    "Recorded",
    "Kpi",
    "Measure",
    "kpis",
    "measured",
    "to_records",
    "SurgeRule",
    "SurgeState",
    "SurgeClock",
    "SurgeChanged",
    "surges",
]
