"""sObject Collections of Salesforce: many records changed by one call, each with an outcome of its own.

Wire facts: Salesforce REST API Developer Guide, "Update Records Using sObject Collections": up to 200 records, each
with its type and its id; answered in their order, 200 also where some were refused.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from o2c_twin.integration.ports import HttpAnswer
from o2c_twin.integration.runtime.errors import CallFailed, Cause

MOST_RECORDS = 200
# What a record meets that may go well a moment later; all else is the record's own fault.
_CAUSES: Mapping[str, Cause] = {
    "UNABLE_TO_LOCK_ROW": "unavailable",
    "SERVER_UNAVAILABLE": "unavailable",
    "REQUEST_LIMIT_EXCEEDED": "throttled",
    "NOT_FOUND": "missing",
    "ENTITY_IS_DELETED": "missing",
}


class _Error(msgspec.Struct):
    statusCode: str
    message: str = ""


class _Saved(msgspec.Struct):
    success: bool
    errors: tuple[_Error, ...] = ()


_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_SAVED = msgspec.json.Decoder(_Saved)


def body_of(sobject: str, records: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The request that sets fields of records of one type, each named by its id; one refused record undoes no other."""
    kind = {"type": sobject}
    return {"allOrNone": False, "records": [{"attributes": kind, "id": id_, **fields} for id_, fields in records]}


def outcomes_of(system: str, operation: str, answer: HttpAnswer, count: int) -> list[CallFailed | None]:
    """What became of each of ``count`` records: None where it was changed.

    Raises `CallFailed` (unknown outcome) when the answer does not tell of as many.
    """
    try:
        rows = _ROWS.decode(answer.body)
    except msgspec.DecodeError as bad:
        raise CallFailed(system, operation, "unknown-outcome", f"answer is no list: {bad}") from bad
    if len(rows) != count:
        raise CallFailed(system, operation, "unknown-outcome", f"answer tells of {len(rows)} of {count} records")
    return [_outcome(system, operation, row) for row in rows]


def _outcome(system: str, operation: str, row: msgspec.Raw) -> CallFailed | None:
    try:
        saved = _SAVED.decode(row)
    except msgspec.DecodeError as bad:
        return CallFailed(system, operation, "rejected", f"answer not understood: {bad}")
    if saved.success:
        return None
    first = saved.errors[0] if saved.errors else _Error("", "no reason given")
    cause: Cause = _CAUSES.get(first.statusCode, "rejected")
    return CallFailed(system, operation, cause, f"{first.statusCode} {first.message}"[:300])
