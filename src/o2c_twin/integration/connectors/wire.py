"""What every connector does with a call: send it, and turn network trouble into one small error tree."""

from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, TypeVar

import msgspec

from o2c_twin.integration.ports import HttpAnswer, HttpPort, HttpRequest, NoAnswer, NotSent
from o2c_twin.integration.runtime.errors import CallFailed, Cause

_Row = TypeVar("_Row")
_JSON = msgspec.json.Decoder(dict[str, Any], float_hook=str)
_STRANGE = (KeyError, IndexError, TypeError, ValueError, ArithmeticError)
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
            detail = f"answer not understood: {type(error).__name__}: {error}"
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
    ) -> HttpAnswer:
        """One call.

        Raises `CallFailed`: ``unavailable`` when it never arrived, ``unknown-outcome`` when no answer came.
        """
        request = HttpRequest(self.system, self.url, method, path, query or {}, headers or {}, body, self._timeout_s)
        try:
            return await self._http.send(request)
        except NotSent as failure:
            raise CallFailed(self.system, operation, "unavailable", str(failure) or "not reached") from failure
        except NoAnswer as failure:
            raise CallFailed(self.system, operation, "unknown-outcome", str(failure) or "no answer") from failure

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

    def reading(self, operation: str) -> Reading:
        """Around what turns an answer into canonical records."""
        return Reading(self.system, operation)


def encode(value: Any) -> bytes:
    """JSON for a request; Decimal is written as an exact number."""
    return _ENCODE(value)


def status_cause(status: int) -> Cause:
    """The usual reading of an HTTP status, for what the vendor does not say better."""
    if status == 429:
        return "throttled"
    # Request Timeout and Too Early ask for the same request again (RFC 9110 15.5.9, RFC 8470 5.2).
    if status in (408, 425):
        return "unavailable"
    if status == 404:
        return "missing"
    if status in (401, 403):
        return "login"
    return "unavailable" if status >= 500 else "rejected"


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
