"""Ranking: the nodes that qualify, best first, by a rule's preferences."""

from __future__ import annotations

from math import inf
from typing import Any

from omscore.routing._case import Case
from omscore.routing._compile import ReadyRule
from omscore.routing._preferences import Rank

RANKS_MAX = 256
"""Rankings kept for one destination; they are made again when there are more."""


def first(ready: ReadyRule, x: Case, mask: int) -> int:
    """The best single node: from a remembered ranking where that holds, else by narrowing."""
    if ready.key is not None:
        ranks = x.place.ranks
        key = ready.key(x.demand)
        ranked = ranks.get(key)
        if ranked is None:
            if len(ranks) >= RANKS_MAX:
                ranks.clear()
            ranked = ranks[key] = _ranking(ready.ranks, x, x.grid.full)
        for bit in ranked:
            if bit & mask:
                return int(bit.bit_length()) - 1
    return _narrow(ready.ranks, x, mask)


def ranked_nodes(ranks: tuple[Rank, ...], x: Case, mask: int) -> list[int]:
    """The nodes of a mask, best first."""
    if not any(rank.tolerant for rank in ranks):
        return [bit.bit_length() - 1 for bit in _ranking(ranks, x, mask) if bit & mask]
    # What ties depends on who is left, so the best is taken out one after the other.
    out = []
    while mask:
        out.append(_narrow(ranks, x, mask))
        mask &= ~(1 << out[-1])
    return out


def _ranking(ranks: tuple[Rank, ...], x: Case, mask: int) -> tuple[int, ...]:
    """The bits of all nodes, best first; what a preference does not know sorts last, ids as the last tie-break."""
    columns = []
    for rank in ranks:
        scores = rank.column(x, mask)
        if rank.term.op == "own":
            scores = [inf if score is not None and score < 0 else score for score in scores]
        columns.append([inf if score is None else score for score in scores] if None in scores else scores)
    return tuple([1 << row[-1] for row in sorted(zip(*columns, range(len(x.grid.nodes)), strict=True))])


def _narrow(ranks: tuple[Rank, ...], x: Case, mask: int) -> int:
    """The best node of a mask: each preference keeps its best (and what ties with it) for the next one."""
    for rank in ranks:
        if not mask & (mask - 1):
            break
        scores = rank.column(x, mask)
        if rank.term.op == "own":
            mask = _without_excluded(scores, mask)
        tolerance = rank.tolerance(x) if rank.tolerant else 0
        best: Any = None
        rest = mask
        while rest:
            low = rest & -rest
            rest ^= low
            score = scores[low.bit_length() - 1]
            if score is not None and (best is None or score < best):
                best = score
        if best is None:
            continue
        limit = best + tolerance if tolerance else best
        kept, rest = 0, mask
        while rest:
            low = rest & -rest
            rest ^= low
            score = scores[low.bit_length() - 1]
            if score is not None and score <= limit:
                kept |= low
        mask = kept
    return (mask & -mask).bit_length() - 1


def _without_excluded(scores: Any, mask: int) -> int:
    """A host's -1 says that the node should not be chosen while another can."""
    kept = 0
    rest = mask
    while rest:
        low = rest & -rest
        rest ^= low
        score = scores[low.bit_length() - 1]
        if score is None or score >= 0:
            kept |= low
    return kept or mask
