"""Replay: real days of orders through the whole flow, on a store that may be stopped at any point."""

from omscore.app.replay._day import Day, Rejected, TakenBack, Wish
from omscore.app.replay._page import page
from omscore.app.replay._read import read
from omscore.app.replay._report import Report, report
from omscore.app.replay._run import Replay

__all__ = ["Wish", "TakenBack", "Rejected", "Day", "read", "Replay", "Report", "report", "page"]
