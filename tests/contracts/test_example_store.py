"""The store of the examples, written from the port and the rules alone, keeps what it declares."""

import importlib.util
from pathlib import Path
from typing import Any

from omscore.testing import Backing
from omscore.testing.kit import StoreKit

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "jsonl_store.py"


def example() -> Any:
    spec = importlib.util.spec_from_file_location("example_jsonl_store", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


STORE = example().JsonLinesStore


class TestJsonLinesStore(StoreKit):
    def make(self, tmp_path: Path) -> Backing:
        return Backing(lambda clock: STORE(tmp_path / "shop.jsonl", clock=clock))
