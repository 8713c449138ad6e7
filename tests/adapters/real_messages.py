"""Every published message of channels and carriers, what became of it, and the tables of counts in the docs.

`PYTHONPATH=src:. python tests/adapters/real_messages.py` prints the tables as they stand in
docs/reference/payloads.md.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import field, frozen

from omscore.adapters.payloads import amazon, ebay, shopify, woocommerce
from omscore.adapters.tracking import aftership, canada_post, dhl, easypost, fedex, shippo, usps
from omscore.adapters.tracking import amazon as amazon_tracking
from omscore.errors import CarrierError, CarrierRejected, CarrierUnavailable, ChannelError
from omscore.orders import Draft
from omscore.shipping import TrackingFact

CHANNELS: dict[str, Any] = {
    "shopify": shopify,
    "woocommerce": woocommerce,
    "amazon_sp_api": amazon,
    "ebay": ebay,
    "shopware6": None,
}
READERS: dict[str, Callable[[Any], tuple[TrackingFact, ...]]] = {
    "easypost": easypost.facts,
    "shippo": shippo.facts,
    "aftership": aftership.facts,
    "canadapost": canada_post.facts,
    "fedex": fedex.facts,
    "usps": usps.facts,
    "dhl": dhl.facts,
    "amazon": amazon_tracking.facts,
}
FIELD = re.compile(r"field '([^']+)' is (missing|wrong)")


@frozen
class Result:
    """One message: where it is from, and what became of it."""

    source: str
    file: str
    payload: Any = field(repr=False)
    outcome: str
    draft: Draft | None = None
    facts: tuple[TrackingFact, ...] = ()
    error: str = ""

    @property
    def named(self) -> str:
        """The field that a refusal names, without the numbers of rows."""
        found = FIELD.search(self.error)
        return re.sub(r"\[\d+\]", "[]", f"`{found[1]}` {found[2]}") if found else ""


def _body(recorded: Any) -> Any:
    """The message itself, out of the exchange that was recorded around it."""
    if isinstance(recorded, dict):
        if "response" in recorded and ("status" in recorded or "operation" in recorded):
            return recorded["response"]
        if list(recorded) == ["request"]:
            return recorded["request"]["body"]
    return recorded


def channel_results(base: Path) -> Iterator[Result]:
    """Every order of every channel message."""
    for channel, module in CHANNELS.items():
        for path in sorted((base / channel).iterdir()):
            body = _body(json.loads(path.read_text("utf-8")))
            if module is None:
                yield Result(channel, path.name, body, "no reader")
                continue
            try:
                orders = module.orders_in(body)
            except ChannelError as refused:
                yield Result(channel, path.name, body, "no order", error=str(refused))
                continue
            for order in orders:
                translate = amazon.vendor_draft if "purchaseOrderNumber" in order else module.draft
                try:
                    yield Result(channel, path.name, order, "draft", draft=translate(order))
                except ChannelError as refused:
                    yield Result(channel, path.name, order, "refused", error=str(refused))


def _carrier_messages(base: Path) -> Iterator[tuple[str, str, str, Any]]:
    """(source, reader, file, message) of everything that carriers answered or were asked."""
    for path in sorted((base / "carriers").glob("*/*")):
        source, name = path.parent.name, path.name
        reader = source
        if source in {"active_shipping", "karrio_schemas"}:
            found = re.match(r"(?:(?:xml|json)_)?([a-z]+)", name)
            reader = found[1] if found else ""
        if path.suffix == ".xml":
            yield source, reader, name, path.read_bytes()
            continue
        # USPS is read in XML only.
        reader = "" if reader == "usps" else reader
        recorded = json.loads(path.read_text("utf-8"))
        for exchange in recorded if isinstance(recorded, list) else [recorded]:
            body = exchange.get("response", exchange) if "method" in exchange else exchange
            yield source, reader, name, body.get("trackingResponse", body) if isinstance(body, dict) else body
    for path in sorted((base / "payloads" / "amazon_sp_api").iterdir()):
        if "racking" in path.name:
            yield "amazon_sp_api", "amazon", path.name, _body(json.loads(path.read_text("utf-8")))


def carrier_results(base: Path) -> Iterator[Result]:
    """Every message of every carrier."""
    for source, name, file, body in _carrier_messages(base):
        reader = READERS.get(name)
        if reader is None:
            yield Result(source, file, body, "no reader")
            continue
        try:
            facts = reader(body)
            yield Result(source, file, body, "facts" if facts else "nothing yet", facts=facts)
        except (CarrierRejected, CarrierUnavailable) as refused:
            yield Result(source, file, body, "carrier refuses", error=str(refused))
        except CarrierError as refused:
            outcome = "refused" if FIELD.search(str(refused)) else "no tracking"
            yield Result(source, file, body, outcome, error=str(refused))


def _table(head: list[str], rows: list[list[Any]]) -> list[str]:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]


def tables(base: Path) -> str:
    """The tables of counts, as they stand in the docs."""
    channels, carriers = list(channel_results(base / "payloads")), list(carrier_results(base))
    rows: list[list[Any]] = []
    for source in CHANNELS:
        mine = [r for r in channels if r.source == source]
        counts = Counter(r.outcome for r in mine)
        files = len({r.file for r in mine})
        rows.append([source, files, counts["draft"], counts["refused"], counts["no order"], counts["no reader"]])
    rows.append(["together", *(sum(row[i] for row in rows) for i in range(1, 6))])
    head = ["format", "files", "orders made drafts", "orders refused, field named", "no orders", "no reader"]
    text = ["<!-- counted: channels -->", *_table(head, rows), ""]
    named = Counter((r.source, r.named) for r in channels if r.outcome == "refused")
    text += _table(["refused orders name", "format", "orders"], [[f, s, n] for (s, f), n in sorted(named.items())])
    text += ["<!-- end counted -->", "", "<!-- counted: carriers -->"]
    rows = []
    for source in sorted({r.source for r in carriers}):
        mine = [r for r in carriers if r.source == source]
        counts = Counter(r.outcome for r in mine)
        rows.append(
            [source, len(mine), counts["facts"], sum(len(r.facts) for r in mine), counts["nothing yet"]]
            + [counts[name] for name in ("carrier refuses", "refused", "no tracking", "no reader")]
        )
    rows.append(["together", *(sum(row[i] for row in rows) for i in range(1, 9))])
    head = ["source", "messages", "with facts", "facts", "nothing told yet", "the carrier refuses"]
    head += ["refused, field named", "no tracking message", "no reader"]
    return "\n".join([*text, *_table(head, rows), "<!-- end counted -->"])


if __name__ == "__main__":
    print(tables(Path(os.environ.get("OMSCORE_SHARED", "../shared")) / "data"))  # noqa: T201 - a script
