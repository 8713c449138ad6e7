"""Warehouse systems: one in memory to try things with, and one that speaks by files of JSON lines."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from omscore.adapters._given import path_of
from omscore.batching import PickList
from omscore.errors import InvalidValue
from omscore.ports import WmsMessage, WmsRow
from omscore.shipping import Parcel


class MemoryWms:
    """A warehouse system in memory: lists and changes can be looked at, and what it shall tell is appended.

    >>> wms = MemoryWms()
    >>> wms.pick(PickList("ghent-w1-b1", ()))
    >>> list(wms.lists)
    ['ghent-w1-b1']
    """

    def __init__(self) -> None:
        self.lists: dict[str, PickList] = {}
        self.asked: dict[str, tuple[int, dict[str, int]]] = {}
        self.to_tell: list[WmsMessage] = []

    def pick(self, pick_list: PickList) -> None:
        """Take a pick list, once for its id.

        >>> MemoryWms().pick(PickList("ghent-w1-b1", ()))
        """
        self.lists.setdefault(pick_list.id, pick_list)

    def change(self, fulfillment: str, units: Mapping[str, int], version: int) -> None:
        """Take what is still asked of a fulfillment; the highest version stands.

        >>> wms = MemoryWms()
        >>> wms.change("ord-1-f1", {"MUG": 1}, 3)
        >>> wms.change("ord-1-f1", {"MUG": 2}, 2)
        >>> wms.asked["ord-1-f1"]
        (3, {'MUG': 1})
        """
        if version > self.asked.get(fulfillment, (0, {}))[0]:
            self.asked[fulfillment] = version, dict(units)

    def messages(self) -> Sequence[WmsMessage]:
        """All that was ever appended: taking it again changes nothing.

        >>> MemoryWms().messages()
        []
        """
        return list(self.to_tell)


class JsonLinesWms:
    """A warehouse system that reads `out.jsonl` and writes `in.jsonl` in a folder, one JSON object a line.

    Out go {"pick": ...} (a pick list as plain data) and {"change": ...}; in come objects with the fields of
    :class:`omscore.ports.WmsMessage`. A line that cannot be read goes to `bad.jsonl` with what is wrong with it; a last
    line without its end is left for the next time.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     wms = JsonLinesWms(folder)
    ...     _ = Path(folder, "in.jsonl").write_text(
    ...         '{"id": "m-1", "kind": "picked", "node": "ghent", "fulfillment": "ord-1-f1",'
    ...         ' "rows": [{"item": "MUG", "units": 2}]}' + chr(10))
    ...     wms.messages()[0].rows
    (WmsRow(item='MUG', units=2, bin=''),)
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        where = Path(path_of("the folder of a warehouse system", folder, "wms/ghent"))
        self._out = where / "out.jsonl"
        self._in = where / "in.jsonl"
        self._bad = where / "bad.jsonl"
        self._read_to = 0

    def pick(self, pick_list: PickList) -> None:
        """Write a pick list; its reader drops one whose id it has.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     JsonLinesWms(folder).pick(PickList("ghent-w1-b1", ()))
        ...     json.loads(Path(folder, "out.jsonl").read_text())["pick"]["id"]
        'ghent-w1-b1'
        """
        _append(self._out, {"pick": pick_list.to_dict()})

    def change(self, fulfillment: str, units: Mapping[str, int], version: int) -> None:
        r"""Write what is still asked of a fulfillment; its reader lets the highest version stand.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     JsonLinesWms(folder).change("ord-1-f1", {}, 2)
        ...     Path(folder, "out.jsonl").read_text()
        '{"change": {"fulfillment": "ord-1-f1", "units": {}, "version": 2}}\n'
        """
        _append(self._out, {"change": {"fulfillment": fulfillment, "units": dict(units), "version": version}})

    def messages(self) -> Sequence[WmsMessage]:
        """The messages of the lines that this object has not read yet.

        A new object reads all of them again, which changes nothing, because each counts once for its id.

        >>> JsonLinesWms("no such folder").messages()
        []
        """
        try:
            with self._in.open("rb") as file:
                file.seek(self._read_to)
                fresh = file.read()
        except FileNotFoundError:
            return []
        whole = fresh[: fresh.rfind(b"\n") + 1]
        found = []
        for line in whole.splitlines():
            try:
                found.append(message_of(json.loads(line)))
            except (ValueError, InvalidValue) as wrong:
                _append(self._bad, {"line": line.decode("utf-8", "replace"), "wrong": str(wrong)})
        self._read_to += len(whole)
        return found


def message_of(data: Any) -> WmsMessage:
    """A message from plain data; raises InvalidValue naming the field that is missing, unknown or wrong.

    >>> message_of({"id": "m-1", "kind": "picked", "node": "ghent", "order": "ord-1-f1"})
    Traceback (most recent call last):
    omscore.errors.InvalidValue: a message has no field 'order'; its fields are id, kind, node, ...
    """
    fields = ("id", "kind", "node", "fulfillment", "rows", "parcels", "tracking", "carrier", "at")
    facts = dict(_fields(data, "a message", fields, ("id", "kind", "node")))
    rows = ("item", "units", "bin")
    facts["rows"] = [
        WmsRow(**_fields(row, "a row", rows, ("item", "units"))) for row in _list(facts.get("rows"), "rows")
    ]
    parcels = ("id", "weight_grams", "contents", "length_mm", "width_mm", "height_mm")
    facts["parcels"] = [
        Parcel(**_fields(row, "a parcel", parcels, ("id", "weight_grams")))
        for row in _list(facts.get("parcels"), "parcels")
    ]
    facts["tracking"] = [_text(number, "tracking") for number in _list(facts.get("tracking"), "tracking")]
    facts["carrier"] = _text(facts.get("carrier", ""), "carrier")
    if facts.get("at") is not None:
        try:
            facts["at"] = datetime.fromisoformat(_text(facts["at"], "at"))
        except ValueError:
            raise InvalidValue(f"at must be a time such as 2026-03-02T09:00:00Z, not {facts['at']!r}") from None
    return WmsMessage(**facts)


def _fields(data: Any, what: str, known: Sequence[str], needed: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise InvalidValue(f"{what} must be an object with fields, not {type(data).__name__}")
    for name in data:
        if name not in known:
            raise InvalidValue(f"{what} has no field {name!r}; its fields are {', '.join(known)}")
    for name in needed:
        if name not in data:
            raise InvalidValue(f"{what} lacks its field {name!r}")
    return data


def _list(value: Any, name: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidValue(f"{name} must be a list, not {type(value).__name__}")
    return value


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise InvalidValue(f"{name} must be text, not {value!r}")
    return value


def _append(path: Path, row: Mapping[str, Any]) -> None:
    """Write one line in one go and wait until it is on the disk: what was handed over stays handed over."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write((json.dumps(row, sort_keys=True) + "\n").encode("utf-8"))
        file.flush()
        os.fsync(file.fileno())


__all__ = ["MemoryWms", "JsonLinesWms", "message_of"]
