"""What every connector does with a call: send it, and turn network trouble into one small error tree."""

from typing import Any

import msgspec

from o2c_twin.integration.ports import HttpAnswer, HttpPort, HttpRequest, NoAnswer, NotSent
from o2c_twin.integration.runtime.errors import CallFailed, Cause

_JSON = msgspec.json.Decoder(float_hook=lambda text: text)
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


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

    def json(self, operation: str, answer: HttpAnswer) -> Any:
        """The answer's JSON, with non-integer numbers as their exact text.

        Raises `CallFailed` (unknown outcome: the system may have done what was asked) when it is not JSON.
        """
        try:
            return _JSON.decode(answer.body)
        except msgspec.DecodeError as bad:
            raise CallFailed(self.system, operation, "unknown-outcome", f"answer is not JSON: {bad}") from bad


def encode(value: Any) -> bytes:
    """JSON for a request; Decimal is written as an exact number."""
    return _ENCODE(value)


def status_cause(status: int) -> Cause:
    """The usual reading of an HTTP status, for what the vendor does not say better."""
    if status == 429:
        return "throttled"
    if status == 404:
        return "missing"
    if status in (401, 403):
        return "login"
    return "unavailable" if status >= 500 else "rejected"
