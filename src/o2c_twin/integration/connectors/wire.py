"""What every connector does with a call: send it, and turn network trouble into one small error tree."""

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from o2c_twin.integration.mappings import CompiledMap, NotMapped
from o2c_twin.integration.mappings.generating import Record
from o2c_twin.integration.ports import HttpAnswer, HttpPort, HttpRequest, NoAnswer, NotSent
from o2c_twin.integration.runtime.errors import CallFailed, Cause

_Row = TypeVar("_Row")
_JSON = msgspec.json.Decoder(dict[str, Any], float_hook=str)
_STRANGE = (AttributeError, LookupError, TypeError, ValueError, ArithmeticError)
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


class Reading:
    """Around what turns an answer into canonical records: one that makes no sense is refused.

    A strange record is a case for a person, and no reason to stop. Raises `CallFailed` (rejected).
    """

    __slots__ = ("_operation", "_system")

    def __init__(self, system: str, operation: str) -> None:
        self._system = system
        self._operation = operation

    def __enter__(self) -> None:
        """Nothing is needed."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Refuse what was not understood."""
        if error is not None and isinstance(error, _STRANGE):
            named = str(error) if isinstance(error, NotMapped) else f"{type(error).__name__}: {error}"
            detail = f"answer not understood: {named}"
            raise CallFailed(self._system, self._operation, "rejected", detail) from error


class Wire:
    """One system's address, and the way its calls are sent."""

    def __init__(self, system: str, url: str, http: HttpPort, timeout_s: float = 30.0) -> None:
        self.system = system
        self.url = url
        self._http = http
        self._timeout_s = timeout_s

    async def send(
        self,
        operation: str,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        *,
        logs_in: bool = False,
    ) -> HttpAnswer:
        """One call.

        Raises `CallFailed`: ``unavailable`` when it never arrived, ``unknown-outcome`` when no answer came; and
        ``unavailable`` then too for a call that ``logs_in``, since what it was to be followed by was never sent.
        """
        request = HttpRequest(self.system, self.url, method, path, query or {}, headers or {}, body, self._timeout_s)
        try:
            return await self._http.send(request)
        except NotSent as failure:
            raise CallFailed(self.system, operation, "unavailable", str(failure) or "not reached") from failure
        except NoAnswer as failure:
            cause: Cause = "unavailable" if logs_in else "unknown-outcome"
            raise CallFailed(self.system, operation, cause, str(failure) or "no answer") from failure

    def json(self, operation: str, answer: HttpAnswer) -> dict[str, Any]:
        """The answer's JSON object, with non-integer numbers as their exact text.

        Raises `CallFailed` (unknown outcome: the system may have done what was asked) when it is not one.
        """
        try:
            return _JSON.decode(answer.body)
        except msgspec.DecodeError as bad:
            raise CallFailed(self.system, operation, "unknown-outcome", f"answer is not JSON: {bad}") from bad

    def row(self, operation: str, answer: HttpAnswer, decoder: msgspec.json.Decoder[_Row]) -> _Row:
        """The answer's JSON object, of which only the fields of a record type are read: a third of the cost of `json`.

        Raises `CallFailed` as `json` does, and where the object is not of that type (rejected).
        """
        try:
            return decoder.decode(answer.body)
        except msgspec.ValidationError as bad:
            detail = f"answer not understood: {type(bad).__name__}: {bad}"
            raise CallFailed(self.system, operation, "rejected", detail) from bad
        except msgspec.DecodeError as bad:
            raise CallFailed(self.system, operation, "unknown-outcome", f"answer is not JSON: {bad}") from bad

    def record(self, operation: str, answer: HttpAnswer, compiled: CompiledMap, given: Mapping[str, Any]) -> Any:
        """The record a map makes of the answer's JSON object, of which only the fields it reads are decoded.

        Raises `CallFailed` as `json` does, and in the map's words where the object does not fit (rejected).
        """
        try:
            return compiled.read(compiled.decode(answer.body), given)
        except NotMapped as refusal:
            raise self._strange(operation, refusal) from refusal
        except msgspec.DecodeError:
            # Not JSON, or not of the types described: read as it is, the map says what is wrong.
            return self.made(operation, compiled.run, self.json(operation, answer), given)

    def page(
        self,
        operation: str,
        answer: HttpAnswer,
        decoder: msgspec.json.Decoder[Any],
        check: Callable[[dict[str, Any]], object] | None = None,
    ) -> Any:
        """The answer decoded to rows that a map reads. Raises `CallFailed` as `record` does.

        ``check`` is called with the plain object of one that does not fit, to say why in the map's words.
        """
        try:
            return decoder.decode(answer.body)
        except msgspec.DecodeError as bad:
            plain = self.json(operation, answer)
            if check is not None:
                with self.reading(operation):
                    check(plain)
            raise self._strange(operation, bad) from bad

    def made(self, operation: str, record: Record, row: Any, given: Mapping[str, Any]) -> Any:
        """What a map's ``read`` or ``run`` makes of a record. Raises `CallFailed` in its words (rejected)."""
        try:
            return record(row, given)
        except NotMapped as refusal:
            raise self._strange(operation, refusal) from refusal

    def body(self, operation: str, compiled: CompiledMap, document: Any, given: Mapping[str, Any]) -> Any:
        """What a map makes of a record that is to be written. Raises `CallFailed` in its words (rejected)."""
        try:
            return compiled.run(document, given)
        except NotMapped as refusal:
            raise CallFailed(self.system, operation, "rejected", str(refusal)) from refusal

    def _strange(self, operation: str, bad: Exception) -> CallFailed:
        return CallFailed(self.system, operation, "rejected", f"answer not understood: {bad}")

    def reading(self, operation: str) -> Reading:
        """Around what turns an answer into canonical records."""
        return Reading(self.system, operation)


def encode(value: Any) -> bytes:
    """JSON for a request; Decimal is written as an exact number."""
    return _ENCODE(value)


def status_cause(status: int, *, logs_in: bool = False) -> Cause:
    """The usual reading of an HTTP status, for what the vendor does not say better.

    A server error does not say that nothing was done: 500 may come after the commit, 502 and 504 from a gateway
    behind which the work goes on (RFC 9110 15.6.1, 15.6.3, 15.6.5), and other numbers are read as 500 (RFC 9110 15).
    503 is a server that does not handle the request (15.6.4); 501 and 505 refuse its method or version for good.
    ``logs_in`` as in `Wire.send`.
    """
    if status == 429:
        return "throttled"
    # Request Timeout and Too Early ask for the same request again (RFC 9110 15.5.9, RFC 8470 5.2).
    if status in (408, 425):
        return "unavailable"
    if status == 404:
        return "missing"
    if status in (401, 403):
        return "login"
    if status < 500 or status in (501, 505):
        return "rejected"
    return "unavailable" if status == 503 or logs_in else "unknown-outcome"


def retry_after_s(answer: HttpAnswer) -> float:
    """Seconds an answer asks to wait (RFC 9110 10.2.3: a number, or a date); 0 when it does not say.

    A date counts from the answer's own ``Date``: the two come from one clock, which need not be ours.
    """
    wish = answer.headers.get("retry-after", "").strip()
    if wish.isascii() and wish.isdigit():
        return float(wish)
    try:
        until, now = parsedate_to_datetime(wish), parsedate_to_datetime(answer.headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return 0.0
