"""Reads the published picking instances; the tests that use them skip where the data is not there."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.shared_data import shared

from omscore.batching import Bin, Floor, PickLine, PickOrder


def instances(name: str) -> Iterator[dict[str, Any]]:
    """The instances of one published file."""
    with gzip.open(shared("picking", f"{name}.jsonl.gz"), "rt") as lines:
        yield from map(json.loads, lines)


def _layout(instance: dict[str, Any], blocks: int) -> dict[str, int]:
    of = instance["layout"]
    names = {
        "aisle_dist": "aisle_mm",
        "cell_dist": "cell_mm",
        "bottom": "front_mm",
        "top": "back_mm",
        "depot_dist": "depot_mm",
    }
    lengths = {ours: round(1000 * of[theirs]) for theirs, ours in names.items()}
    return {"aisles": of["aisles"], "cells": of["cells"], "blocks": blocks, "depot_aisle": of["depot_aisle"]} | lengths


def tour_of(instance: dict[str, Any], blocks: int) -> tuple[Floor, list[str]]:
    """The floor and the bins of a single-tour instance.

    A depot at the back is a depot at the front of the floor turned around.
    """
    last = instance["layout"]["cells"] - 1
    turned = instance["layout"]["depot"] == "top"
    cells = {(aisle, last - cell if turned else cell) for aisle, cell in instance["picks"]}
    bins = [Bin(f"{aisle}-{cell}", aisle, cell) for aisle, cell in sorted(cells)]
    return Floor.parallel(bins=bins, **_layout(instance, blocks)), [b.id for b in bins]


@cache
def _floor(layout: tuple[tuple[str, int], ...]) -> Floor:
    return Floor.parallel(**dict(layout))


def floor_of(instance: dict[str, Any]) -> Floor:
    """The floor of a batching instance; the same layout gives the same floor."""
    return _floor(tuple(sorted(_layout(instance, 1).items())))


def orders_of(instance: dict[str, Any]) -> list[PickOrder]:
    """The orders of a batching instance, with the capacity they take as units."""
    return [
        PickOrder(
            f"o-{n:03}",
            [
                PickLine(f"o-{n:03}", str(i), "item", units, f"{aisle}-{cell}")
                for i, (aisle, cell, units) in enumerate(rows)
            ],
        )
        for n, rows in enumerate(instance["orders"])
    ]
