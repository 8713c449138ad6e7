"""Replay: real days of orders through the whole flow, on a store that may be stopped at any point."""

from omscore.replay._cli import main
from omscore.replay._day import Day, Rejected, TakenBack, Wish
from omscore.replay._page import page
from omscore.replay._read import read
from omscore.replay._report import Report, report
from omscore.replay._run import Replay
from omscore.replay._sample import sample

__all__ = ["Wish", "TakenBack", "Rejected", "Day", "read", "sample", "Replay", "Report", "report", "page", "main"]
