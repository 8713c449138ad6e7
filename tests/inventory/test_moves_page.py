"""The page of the ledger's moves is drawn from the table that the checks read."""

from pathlib import Path

from omscore.inventory import BUCKETS, MOVES, OUTSIDE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "ledger-moves.md"


def test_the_page_shows_every_verb_and_move_and_no_other() -> None:
    rows = [f"| `{verb}` | {', '.join(f'{a} -> {b}' for a, b in pairs)} |" for verb, pairs in MOVES.items()]
    shown = [
        line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `") and "`correct`" not in line
    ]
    assert shown == rows


def test_every_move_is_between_known_buckets_and_changes_something() -> None:
    known = {*BUCKETS, *OUTSIDE}
    for pairs in MOVES.values():
        for source, target in pairs:
            assert {source, target} <= known
            assert source != target
            assert {source, target} & set(BUCKETS) or source == "customer"
