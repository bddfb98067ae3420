"""Batches of HubSpot: up to 100 records changed by one call, each with an outcome of its own.

Wire facts: HubSpot developer documentation, "Error handling" (multi-status errors are told by
``objectWriteTraceId``), and its changelog, "Simplifying batch update response codes for CRM v3 APIs" (200 when every
record was changed, 207 when some were not). Where the vendor refuses the whole batch for one record's sake, nothing
was changed, and the engine sends its items one by one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from o2c_twin.integration.ports import HttpAnswer
from o2c_twin.integration.runtime.errors import CallFailed, Cause

MOST_INPUTS = 100
_CAUSES: Mapping[str, Cause] = {"OBJECT_NOT_FOUND": "missing", "RATE_LIMITS": "throttled"}


class _Error(msgspec.Struct):
    """Every field of an error is optional, says the vendor."""

    category: str | None = None
    message: str | None = None
    context: dict[str, Any] | None = None

    def names(self) -> list[str]:
        """The traces and the ids of the records it is about."""
        told = self.context or {}
        traces, ids = told.get("objectWriteTraceId"), told.get("ids")
        named = [str(trace) for trace in traces] if isinstance(traces, list) else []
        return named + [_by_id(id_) for id_ in ids] if isinstance(ids, list) else named


class _Result(msgspec.Struct):
    id: str | int
    objectWriteTraceId: str | None = None


class _Batch(msgspec.Struct):
    results: list[_Result] = []
    errors: list[_Error] = []


_BATCH = msgspec.json.Decoder(_Batch)


def body_of(records: Sequence[tuple[str, Mapping[str, str]]]) -> dict[str, Any]:
    """The request that sets properties of records of one type, each named by its id and traced by its place."""
    return {
        "inputs": [
            {"id": id_, "properties": values, "objectWriteTraceId": str(n)} for n, (id_, values) in enumerate(records)
        ]
    }


def outcomes_of(system: str, operation: str, answer: HttpAnswer, ids: Sequence[str]) -> list[CallFailed | None]:
    """What became of each record: None where it was changed; of one that is not told of nobody knows.

    Raises `CallFailed` (unknown outcome) when the answer is none of a batch.
    """
    try:
        batch = _BATCH.decode(answer.body)
    except msgspec.DecodeError as bad:
        raise CallFailed(system, operation, "unknown-outcome", f"answer not understood: {bad}") from bad
    # A merged record is answered under another id, and by its trace all the same.
    done = {each.objectWriteTraceId for each in batch.results} | {_by_id(each.id) for each in batch.results}
    wrong: dict[str, _Error] = {}
    nameless: _Error | None = None
    for error in batch.errors:
        names = error.names()
        wrong.update((name, error) for name in names)
        nameless = nameless if names else error
    outcomes: list[CallFailed | None] = []
    for n, id_ in enumerate(ids):
        trace, by_id = str(n), _by_id(id_)
        refusal = wrong.get(trace) or wrong.get(by_id)
        if refusal is None and (trace in done or by_id in done):
            outcomes.append(None)
            continue
        refusal = refusal or nameless
        if refusal is None:
            outcomes.append(CallFailed(system, operation, "unknown-outcome", f"the answer does not tell of {id_}"))
        else:
            cause: Cause = _CAUSES.get(refusal.category or "", "rejected")
            outcomes.append(CallFailed(system, operation, cause, f"{refusal.category} {refusal.message}"[:300]))
    return outcomes


def _by_id(id_: object) -> str:
    return f"id {id_}"
