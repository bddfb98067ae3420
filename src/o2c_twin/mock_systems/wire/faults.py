"""The fault catalogue: each fault a small named class with typed fields, each trigger exact.

A fault is keyed by what the call is about, not by when it comes: the same deal meets the same
mishap in two runs whose engines differ (common random numbers).
"""

from collections.abc import Iterable
from decimal import Decimal
from statistics import NormalDist
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from o2c_twin.mock_systems.wire.message import Response, TransportFault
from o2c_twin.mock_systems.wire.ports import Draw

_NORMAL = NormalDist()
WRITES = ("POST", "PUT", "PATCH", "MERGE", "DELETE")
NOTICE = "WEBHOOK"
"""The method under which notices are matched: they are no calls, and faults of calls do not count them."""
_Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
_Seconds = Annotated[float, msgspec.Meta(ge=0.0)]
_Count = Annotated[int, msgspec.Meta(ge=1)]


class Fault(msgspec.Struct, tag_field="fault", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all faults share: where and when they strike.

    ``operations``: names in the route table, or prefixes ending in ``*``; empty means all.
    ``probability``: share of calls struck, drawn per operation, business key and attempt.
    ``next``: strike only the first n matching calls. ``every``: strike each nth.
    ``from_s``/``until_s``: only between these seconds since the start of the run.
    """

    operations: tuple[str, ...] = ()
    probability: _Share = 1.0
    next: _Count | None = None
    every: _Count | None = None
    from_s: _Seconds = 0.0
    until_s: _Seconds | None = None

    sized: ClassVar[bool] = False
    """Whether its size is drawn; only then is there a draw for it."""

    @property
    def name(self) -> str:
        """The name under which journal and scenario files know this fault."""
        tag = self.__struct_config__.tag
        return str(tag)

    def methods(self) -> tuple[str, ...] | None:
        """HTTP methods it can strike; None for all calls."""
        return None

    def before(self) -> int | None:
        """Strike before the system acts: an HTTP status to answer with, None to go on.

        Raises `TransportFault` when the call never gets an answer.
        """
        return None

    def after(self, response: Response) -> Response:
        """Strike after the system acted. Raises `TransportFault` when the answer is lost."""
        return response

    def delay_s(self, uniform: float) -> float:
        """Seconds this fault adds to the call."""
        return 0.0


class Latency(Fault, tag="latency", frozen=True):
    """Adds time to the call: lognormal with this median and sigma of the log."""

    median_s: _Seconds = 0.2
    sigma: float = 0.5
    sized: ClassVar[bool] = True

    def delay_s(self, uniform: float) -> float:
        return float(self.median_s * 2.718281828459045 ** (self.sigma * _NORMAL.inv_cdf(uniform)))


class ConnectionRefused(Fault, tag="connection-refused", frozen=True):
    """Nobody listens: the system never sees the call."""

    def before(self) -> int | None:
        raise TransportFault("refused", applied=False)


class ConnectionReset(Fault, tag="connection-reset", frozen=True):
    """The connection drops before the system acts."""

    def before(self) -> int | None:
        raise TransportFault("reset", applied=False)


class TimeoutBefore(Fault, tag="timeout-before", frozen=True):
    """The call hangs and the system never acts; the client gives up by its own time-out."""

    def before(self) -> int | None:
        raise TransportFault("silent", applied=False)


class LostReply(Fault, tag="lost-reply", frozen=True):
    """The change is made, the answer is lost: where most duplicates of real integrations come from."""

    how: Literal["silent", "reset"] = "silent"
    """The caller hears nothing until it gives up, or finds the connection dropped."""

    def methods(self) -> tuple[str, ...] | None:
        return WRITES

    def after(self, response: Response) -> Response:
        # Whether there was a change at all, the server knows: a refused one leaves nothing to be doubled.
        raise TransportFault(self.how, applied=True)


class ServerError(Fault, tag="server-error", frozen=True):
    """The vendor's own 5xx; nothing was changed."""

    status: Annotated[int, msgspec.Meta(ge=500, le=599)] = 500

    def before(self) -> int | None:
        return self.status


class Throttled(Fault, tag="throttled", frozen=True):
    """The vendor's own throttling reply, whatever the real usage is."""

    def before(self) -> int | None:
        return 429


class MaintenanceWindow(Fault, tag="maintenance", frozen=True):
    """Closed for work: 503 in the vendor's shape between ``from_s`` and ``until_s``."""

    def before(self) -> int | None:
        return 503


class MalformedBody(Fault, tag="malformed-body", frozen=True):
    """The change is made and the answer is cut in half, so no parser accepts it."""

    def after(self, response: Response) -> Response:
        return Response(response.status, response.body[: len(response.body) // 2], response.headers)


_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_AS_NUMBERS = msgspec.json.Encoder(decimal_format="number")


class ChangedRecord(Fault, tag="changed-record", frozen=True):
    """A release of the vendor that nobody was told of: a field of its records has another name, or is gone.

    Strikes answers that are JSON and no refusal; name the operations, or every record that has the field is another.
    Ends at ``until_s``, as when the vendor takes the release back.
    """

    field: Annotated[str, msgspec.Meta(min_length=1)] = "id"
    """Wherever it stands in the answer."""
    how: Literal["renamed", "dropped"] = "renamed"
    """``renamed`` puts V2 after its name."""

    def after(self, response: Response) -> Response:
        if response.status >= 300:
            return response
        try:
            document = _EXACT.decode(response.body)
        except msgspec.DecodeError:
            return response
        return Response(response.status, _AS_NUMBERS.encode(self._changed(document)), response.headers)

    def _changed(self, part: Any) -> Any:
        if isinstance(part, list):
            return [self._changed(each) for each in part]
        if not isinstance(part, dict):
            return part
        return {
            f"{name}V2" if name == self.field else name: self._changed(value)
            for name, value in part.items()
            if name != self.field or self.how == "renamed"
        }


class LostWebhook(Fault, tag="lost-webhook", frozen=True):
    """The notice never leaves the vendor, and nobody is told."""

    def methods(self) -> tuple[str, ...] | None:
        return (NOTICE,)


class DuplicatedWebhook(Fault, tag="duplicated-webhook", frozen=True):
    """The notice is delivered twice."""

    def methods(self) -> tuple[str, ...] | None:
        return (NOTICE,)


class ReorderedWebhook(Fault, tag="reordered-webhook", frozen=True):
    """The notice is held back, so that later ones overtake it."""

    delay_s_: Annotated[float, msgspec.Meta(ge=0.0)] = msgspec.field(name="delay_s", default=60.0)

    def methods(self) -> tuple[str, ...] | None:
        return (NOTICE,)


# --- systems without HTTP: files, tables, messages ------------------------------------------------

FILE, TABLE, QUEUE = "FILE", "TABLE", "QUEUE"
"""The methods under which steps of the three edges are matched and journalled."""


class FileFault(Fault, frozen=True):
    """Strikes a file on its way in (``file.take``) or out (``file.write``)."""

    steps: ClassVar[tuple[str, ...]] = (FILE,)

    def methods(self) -> tuple[str, ...] | None:
        return self.steps


class LostFile(FileFault, tag="lost-file", frozen=True):
    """The file is gone: an inbound one before the ERP saw it, an outbound one is never written."""


class HalfWrittenFile(FileFault, tag="half-written-file", frozen=True):
    """The file is cut off in the middle.

    An inbound one stays so. An outbound one is seen half first and whole after ``whole_after_s``.
    """

    whole_after_s: Annotated[float, msgspec.Meta(ge=0.0)] = 600.0


class DuplicatedFile(FileFault, tag="duplicated-file", frozen=True):
    """An inbound file lies in the inbox again after it was worked; an outbound one is written twice."""


class LockedTable(Fault, tag="locked-table", frozen=True):
    """Somebody holds a lock on the table: this round cannot work it."""

    def methods(self) -> tuple[str, ...] | None:
        return (TABLE,)


class RedeliveredMessage(Fault, tag="redelivered-message", frozen=True):
    """A message is worked, its acknowledgement does not reach the broker, and it comes again."""

    def methods(self) -> tuple[str, ...] | None:
        return (QUEUE,)


AnyFault = (
    Latency
    | ConnectionRefused
    | ConnectionReset
    | TimeoutBefore
    | LostReply
    | ServerError
    | Throttled
    | MaintenanceWindow
    | MalformedBody
    | ChangedRecord
    | LostWebhook
    | DuplicatedWebhook
    | ReorderedWebhook
    | LostFile
    | HalfWrittenFile
    | DuplicatedFile
    | LockedTable
    | RedeliveredMessage
)
CATALOGUE: dict[str, type[Fault]] = {str(c.__struct_config__.tag): c for c in AnyFault.__args__}


class _Armed:
    """A fault at work: its number, the streams of its dice, and what it has seen so far."""

    __slots__ = ("attempts", "fault", "matched", "number", "rank", "size_stream", "stream")

    def __init__(self, number: int, fault: Fault, rank: int) -> None:
        self.number = number
        self.fault = fault
        self.rank = rank
        # A second fault of a kind has dice of its own; the first keeps its dice whatever else is armed.
        suffix = f".{rank}" if rank else ""
        self.stream = f"fault.{fault.name}{suffix}"
        self.size_stream = f"fault.size.{fault.name}{suffix}"
        self.matched = 0
        self.attempts: dict[tuple[str, str], int] = {}

    def strikes(self, system: str, draw: Draw, operation: str, key: str, at_s: float) -> float | None:
        """A uniform draw for the fault's size when it strikes, None when it does not."""
        fault = self.fault
        if at_s < fault.from_s or (fault.until_s is not None and at_s >= fault.until_s):
            return None
        self.matched += 1
        if fault.next is not None and self.matched > fault.next:
            return None
        if fault.every is not None and self.matched % fault.every:
            return None
        if fault.probability == 1.0 and not fault.sized:
            return 0.5
        attempt = self.attempts.get((operation, key), 0)
        self.attempts[operation, key] = attempt + 1
        if fault.probability < 1.0 and draw(self.stream, system, operation, key, attempt) >= fault.probability:
            return None
        return draw(self.size_stream, system, operation, key, attempt) if fault.sized else 0.5


class FaultPlan:
    """The faults of one system, in order; decides for each call which of them strike."""

    def __init__(self, system: str, draw: Draw, start_us: int, faults: Iterable[Fault] = ()) -> None:
        self._system = system
        self._draw = draw
        self.start_us = start_us
        """The start of the run, from which the seconds of faults count."""
        self.in_force: list[_Armed] = []
        """What may strike; with nothing armed there is nothing to ask."""
        self._number = 0
        self._by_operation: dict[tuple[str, str], list[_Armed]] = {}
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> int:
        """Arm a fault; gives the number to remove it by."""
        self._number += 1
        ranks = [armed.rank for armed in self.in_force if armed.fault.name == fault.name]
        rank = next(r for r in range(len(ranks) + 1) if r not in ranks)
        self.in_force.append(_Armed(self._number, fault, rank))
        self._by_operation.clear()
        return self._number

    def remove(self, number: int) -> bool:
        """Disarm one fault; False when there is none of that number."""
        kept = [armed for armed in self.in_force if armed.number != number]
        found = len(kept) < len(self.in_force)
        self.in_force = kept
        self._by_operation.clear()
        return found

    def clear(self) -> None:
        """Disarm all."""
        self.in_force.clear()
        self._by_operation.clear()

    def armed(self) -> list[tuple[int, Fault]]:
        """All armed faults with their numbers."""
        return [(armed.number, armed.fault) for armed in self.in_force]

    def _candidates(self, operation: str, method: str) -> list[_Armed]:
        key = (operation, method)
        found = self._by_operation.get(key)
        if found is None:
            found = self._by_operation[key] = [a for a in self.in_force if _may_strike(a.fault, operation, method)]
        return found

    def strikes(self, operation: str, method: str, key: str, now: int) -> list[tuple[Fault, float]]:
        """The faults that strike this call, each with a uniform draw for its size.

        ``key`` is the business key of the call (its correlation id); attempts are counted per
        operation and key, so that what happens to other keys changes nothing for this one.
        """
        struck: list[tuple[Fault, float]] = []
        if not self.in_force:
            return struck
        at_s = (now - self.start_us) / 1e6
        for armed in self._candidates(operation, method):
            size = armed.strikes(self._system, self._draw, operation, key, at_s)
            if size is not None:
                struck.append((armed.fault, size))
        return struck


def _may_strike(fault: Fault, operation: str, method: str) -> bool:
    methods = fault.methods()
    if method not in methods if methods is not None else method == NOTICE:
        return False
    return not fault.operations or any(covers(pattern, operation) for pattern in fault.operations)


def covers(pattern: str, operation: str) -> bool:
    """Whether a pattern of `Fault.operations` names this operation."""
    return operation.startswith(pattern[:-1]) if pattern.endswith("*") else pattern == operation
