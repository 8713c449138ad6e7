"""Which rules catch which broken store; a test pins both directions: no rule fewer, and no rule more."""

CAUGHT: dict[str, str] = {
    "floor-ignored": "R-ATOM-3 R-ATOM-8 R-CELL-2 R-CELL-3 R-CELL-4 R-CELL-5 R-CELL-6 R-CELL-10 R-JOURNAL-2 R-KEY-7",
    "floor-per-line": "R-CELL-1 R-CELL-3 R-CELL-4 R-JOURNAL-3 R-RACE-12 R-HOLD-6",
    "floor-always-zero": "R-CELL-2 R-CELL-5",
    "floor-stops-receipts": "R-CELL-5 R-LEDGER-6",
    "only-free-guarded": "R-CELL-6",
    "quantities-as-floats": "R-CELL-10",
    "long-commands-cut": "R-CELL-11",
    "words-unknown": "R-CELL-12",
    "pools-merged": "R-CELL-7 R-CELL-8 R-CELL-9 R-JOURNAL-3 R-LEDGER-5",
    "names-folded": "R-CELL-7 R-CELL-9",
    "own-writes-unseen": "R-ATOM-4",
    "no-rollback": "R-ATOM-1 R-ATOM-2 R-ATOM-6 R-JOURNAL-2 R-OUTBOX-2 R-OUTBOX-10 R-RECORD-4 R-LOG-3",
    "postings-outside": "R-ATOM-1 R-ATOM-2 R-JOURNAL-2",
    "holds-outside": "R-ATOM-1 R-ATOM-2",
    "keys-outside": "R-ATOM-1 R-ATOM-2",
    "records-outside": "R-ATOM-1 R-ATOM-2 R-ATOM-6 R-RECORD-4",
    "events-outside": "R-ATOM-1 R-ATOM-2 R-LOG-3",
    "effects-outside": "R-ATOM-1 R-OUTBOX-2",
    "answers-outside": "R-OUTBOX-10",
    "interrupt-commits": "R-ATOM-6",
    "errors-swallowed": (
        "R-ATOM-1 R-ATOM-2 R-ATOM-3 R-ATOM-6 R-ATOM-7 R-ATOM-8 R-CELL-2 R-CELL-3 R-CELL-4 R-CELL-5 R-CELL-6 "
        "R-CELL-10 R-CELL-12 R-JOURNAL-2 R-LEDGER-1 R-LEDGER-2 R-LEDGER-3 R-LEDGER-4 R-LEDGER-5 R-LEDGER-6 R-LEDGER-10 "
        "R-OUTBOX-2 R-OUTBOX-10 R-RACE-1 R-RACE-9 R-RACE-11 R-RACE-12 R-HOLD-2 R-KEY-1 R-KEY-3 R-KEY-7 "
        "R-RECORD-1 R-RECORD-4 R-LOG-3"
    ),
    "done-twice": (
        "R-CELL-5 R-CELL-7 R-JOURNAL-1 R-JOURNAL-4 R-JOURNAL-5 R-JOURNAL-7 R-OUTBOX-1 R-OUTBOX-5 R-OUTBOX-6 "
        "R-OUTBOX-7 R-OUTBOX-8 R-OUTBOX-9 R-OUTBOX-10 R-TIME-4 R-RACE-1 R-RACE-4 R-RACE-7 R-RACE-12 R-RACE-13 "
        "R-HOLD-3 R-HOLD-4 R-HOLD-5 R-KEY-4 R-KEY-5 R-KEY-8 R-RECORD-2 R-RECORD-3 R-LOG-2"
    ),
    "commands-nested": "R-ATOM-7",
    "key-ignored": (
        "R-ATOM-4 R-ATOM-5 R-ATOM-7 R-LEDGER-2 R-LEDGER-7 R-LEDGER-10 R-RACE-13 R-KEY-1 R-KEY-3 R-KEY-4 R-KEY-5 "
        "R-KEY-6 R-KEY-7 R-KEY-8"
    ),
    "key-without-content": "R-LEDGER-2 R-KEY-3",
    "key-folded": "R-KEY-4 R-KEY-8",
    "key-cut": "R-KEY-4 R-KEY-8",
    "key-pruned": "R-KEY-5",
    "keys-left-out": "R-LEDGER-7 R-KEY-8",
    "key-overwritten": "R-KEY-1",
    "results-as-text": "R-LEDGER-7 R-KEY-1 R-KEY-2 R-KEY-5 R-KEY-6 R-KEY-8",
    "numbers-with-gaps": "R-ATOM-2 R-ATOM-3 R-CELL-4 R-CELL-6 R-CELL-12 R-JOURNAL-2 R-JOURNAL-6 R-LEDGER-7 R-RACE-1",
    "entries-edited": "R-JOURNAL-3 R-JOURNAL-5",
    "journal-by-cell": "R-JOURNAL-4 R-JOURNAL-5",
    "business-time-lost": "R-JOURNAL-3 R-TIME-4",
    "newest-snapshot": "R-JOURNAL-7",
    "import-times-lost": "R-JOURNAL-10",
    "hold-version-unchecked": "R-HOLD-2",
    "holders-stale": "R-HOLD-3",
    "expiry-by-wall-clock": "R-LEDGER-9 R-HOLD-5 R-HOLD-6",
    "expiry-too-late": "R-LEDGER-9 R-HOLD-5 R-HOLD-6",
    "expiry-of-all-cells": "R-HOLD-5",
    "clock-goes-back": "R-TIME-2",
    "record-version-unchecked": "R-RECORD-1",
    "index-left-behind": "R-RECORD-3",
    "index-end-excluded": "R-RECORD-2",
    "kinds-mixed": "R-ATOM-4 R-RECORD-1 R-RECORD-2 R-RECORD-3 R-RECORD-4 R-RECORD-5",
    "log-off-by-one": "R-LOG-2",
    "outbox-by-cursor": "R-OUTBOX-4 R-OUTBOX-5 R-OUTBOX-6 R-OUTBOX-10",
    "outbox-unordered": "R-OUTBOX-1 R-OUTBOX-3 R-OUTBOX-7 R-OUTBOX-8",
    "outbox-newest-first": "R-OUTBOX-3 R-OUTBOX-7 R-OUTBOX-8 R-OUTBOX-9 R-OUTBOX-10",
    "lease-shared": "R-OUTBOX-3 R-OUTBOX-4 R-OUTBOX-8 R-OUTBOX-9 R-RACE-6",
    "lease-for-ever": "R-OUTBOX-4 R-OUTBOX-5",
    "late-answers-count": "R-OUTBOX-5",
    "effects-doubled": "R-OUTBOX-1",
    "parked-comes-back": "R-OUTBOX-7",
    "effects-too-early": "R-OUTBOX-8 R-TIME-4",
    "lost-update": "R-RACE-1 R-RACE-4 R-RACE-6 R-RACE-8 R-RACE-12",
    "two-transactions": (
        "R-ATOM-1 R-ATOM-2 R-ATOM-6 R-ATOM-7 R-JOURNAL-2 R-OUTBOX-2 R-OUTBOX-10 R-RACE-1 R-RACE-2 R-RACE-3 "
        "R-RACE-5 R-RACE-12 R-RACE-13 R-RACE-14 R-RECORD-4 R-LOG-3"
    ),
    "keys-remembered": "R-RACE-13",
    "dirty-reads": "R-RACE-5",
    "no-isolation": "R-ATOM-7 R-RACE-1 R-RACE-2 R-RACE-3 R-RACE-4 R-RACE-5 R-RACE-13 R-RACE-14",
}

# What depends on how the machine lets threads run.
SOMETIMES: dict[str, str] = {
    "lost-update": "R-RACE-10 R-RACE-11 R-RACE-9",
    "two-transactions": "R-RACE-10 R-RACE-11 R-RACE-9",
    "dirty-reads": "R-RACE-10 R-RACE-11 R-RACE-9",
    "no-isolation": "R-RACE-10 R-RACE-11 R-RACE-9",
}
