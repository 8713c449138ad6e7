"""The command line: replay a day, and ask why an order went where it went."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic

from omscore.adapters import SqliteStore
from omscore.app import Oms
from omscore.errors import OmsError
from omscore.kernel import ManualClock
from omscore.replay._page import page
from omscore.replay._read import read
from omscore.replay._report import report
from omscore.replay._run import Replay
from omscore.routing import Network

DB = "omscore-replay.db"
PAGE = "omscore-replay.html"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code: 0 done, 2 refused with a message on standard error.

    >>> main(["explain", "ord-9", "--db", "no such file.db"])
    2
    """
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        result: int = args.run(args)
        sys.stdout.flush()
    except OmsError as wrong:
        print(f"omscore: {wrong}", file=sys.stderr)  # noqa: T201 - the command line's own voice
        return 2
    except KeyboardInterrupt:
        print("\nomscore: stopped; run the same command again and it goes on", file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:
        # Whoever reads has read enough (`... | head`); what is left goes nowhere, as the interpreter's manual advises.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m omscore", description="Order management on real days of orders.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    replay = commands.add_parser("replay", help="replay a folder of orders through the whole flow; may be stopped")
    replay.add_argument("folder", type=Path, metavar="DIR", help="the folder with the day's files")
    replay.add_argument("--db", type=Path, default=Path(DB), help=f"the SQLite file to work on ({DB})")
    replay.add_argument("--page", type=Path, default=Path(PAGE), help=f"where to write the HTML page ({PAGE})")
    replay.set_defaults(run=_replay)
    explain = commands.add_parser("explain", help="why an order went where it went")
    explain.add_argument("order", metavar="ORDER", help="the order's id, or the channel's own number of it")
    explain.add_argument("--db", type=Path, default=Path(DB), help=f"the SQLite file of the replay ({DB})")
    explain.set_defaults(run=_explain)
    return parser


def _replay(args: argparse.Namespace) -> int:
    if args.page.is_dir() or not args.page.absolute().parent.is_dir():
        raise OmsError(f"--page {args.page}: the page must be a file in a folder that is there")
    day = read(args.folder)
    with ExitStack() as opened:

        def store(clock: ManualClock) -> SqliteStore:
            return opened.enter_context(closing(SqliteStore(args.db, clock=clock, durability="process-crash")))

        run = Replay(day, store)
        run.run(_progress() if sys.stderr.isatty() else None)
        done = report(run)
        args.page.write_text(page(run, done), encoding="utf-8")
    print(done)  # noqa: T201 - the command line's own voice
    print(f"page: {args.page}   why an order went where it went: python -m omscore explain ORDER --db {args.db}")  # noqa: T201
    return 0 if done.oversold == 0 and not done.stock["cells that do not add up"] else 1


def _progress() -> Callable[[int, int], None]:
    """A line that tells how far it is, at most ten times a second."""
    shown = 0.0

    def show(done: int, total: int) -> None:
        nonlocal shown
        if done == total or monotonic() - shown > 0.1:
            shown = monotonic()
            end = "\n" if done == total else ""
            print(f"\r{done * 100 // total:3} %  step {done} of {total}", end=end, file=sys.stderr, flush=True)  # noqa: T201

    return show


def _explain(args: argparse.Namespace) -> int:
    if not _holds_a_store(args.db):
        raise OmsError(f"{args.db} is no file of omscore; replay a folder first, or name the file with --db")
    with closing(SqliteStore(args.db)) as store:
        shop = Oms(store=store, network=Network())
        orders = [args.order]
        if store.run(lambda txn: txn.get("order", args.order), write=False) is None:
            found = store.run(lambda txn: txn.find("order", f"external:{args.order}"), write=False)
            # Two channels may use one number: all of them are told.
            orders = [id_ for _, id_ in found] or orders
        print("\n\n".join(shop.explain(id_) for id_ in orders))  # noqa: T201 - the command line's own voice
    return 0


def _holds_a_store(path: Path) -> bool:
    """Whether a file is a store of ours; looked up read-only, so that somebody else's file stays as it is."""
    if not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
            return bool(file.execute("SELECT 1 FROM sqlite_master WHERE name = 'oms_schema'").fetchall())
    except sqlite3.Error:
        return False
