"""The faults of a system as a scenario file lists them: names from the catalogue, times in days or seconds."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import msgspec.inspect

from o2c_twin.mock_systems.wire.faults import CATALOGUE, AnyFault
from o2c_twin.scenarios.document import Document, Entry

_DAY_S = 86_400.0
_Days = Annotated[float, msgspec.Meta(ge=0.0)]
_DAYS = {"from_day": "from_s", "until_day": "until_s"}
_EXAMPLE = "- fault: lost-reply"


def read_faults(document: Document, entry: Entry, what: str) -> tuple[AnyFault, ...] | None:
    """The faults of one list; None after a complaint.

    A fault has its name under ``fault``, its own typed fields, and ``from_day``/``until_day`` in
    days since the start of the run, which become ``from_s``/``until_s``.
    """
    faults = [
        _read_fault(document, node, f"{what}[{n}]") for n, node in enumerate(document.items(entry, what, _EXAMPLE), 1)
    ]
    whole = tuple(fault for fault in faults if fault is not None)
    return whole if len(whole) == len(faults) else None


def _read_fault(document: Document, node: Any, what: str) -> AnyFault | None:
    every = {f.encode_name for kind in CATALOGUE.values() for f in msgspec.structs.fields(kind)}
    names = ("fault", *sorted(every), *_DAYS)
    # The name decides which fields there are, so it is looked up before the rest is judged.
    kind = _kind(node)
    fields: dict[str, Any] = {}
    if kind is not None:
        fields = {f.encode_name: f.type for f in msgspec.structs.fields(kind)}
        names = ("fault", *fields, *_DAYS)
    entries = document.mapping(node, what, names)
    if "fault" not in entries:
        if entries:
            document.complain(node, f"{what} has no 'fault'; name one of {', '.join(CATALOGUE)}")
        return None
    name = document.choice(entries["fault"], f"{what}.fault", CATALOGUE)
    if name is None or kind is None:
        return None
    given: dict[str, Any] = {"fault": name}
    sound = True
    for key, each in entries.items():
        if key == "fault":
            continue
        in_seconds = _DAYS.get(key, key)
        if in_seconds != key and in_seconds in entries:
            document.complain(each.key_node, f"{what} has both '{key}' and '{in_seconds}'; keep one of them")
            sound = False
            continue
        value = document.value(each, f"{what}.{key}", _Days if key in _DAYS else fields[key])
        sound = sound and (value is not None or _nullable(fields.get(key)))
        given[in_seconds] = value * _DAY_S if key in _DAYS and isinstance(value, float) else value
    return _made(document, given, entries, what) if sound else None


def _made(document: Document, given: dict[str, Any], entries: Mapping[str, Entry], what: str) -> AnyFault | None:
    until = given.get("until_s")
    if until is not None and until <= given.get("from_s", 0.0):
        entry = entries.get("until_day") or entries["until_s"]
        document.complain(entry.node, f"{what} ends before it begins; set '{entry.key}' after the start")
        return None
    fault: AnyFault = msgspec.convert(given, AnyFault)
    return fault


def _kind(node: Any) -> type[msgspec.Struct] | None:
    if not isinstance(node.value, list):
        return None
    for key, value in (pair for pair in node.value if isinstance(pair, tuple)):
        if key.value == "fault":
            return CATALOGUE.get(Document.text(value) or "")
    return None


def _nullable(type_: Any) -> bool:
    return type_ is not None and isinstance(msgspec.inspect.type_info(type_), msgspec.inspect.UnionType)
