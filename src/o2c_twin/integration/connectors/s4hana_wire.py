"""Calls to an S/4HANA system: basic login, the CSRF handshake, OData V2 envelopes and literals.

Wire facts: SAP Gateway Foundation. A write carries the token of the session its cookie names; a session that has
idled out answers 403 with ``x-csrf-token: Required``, and a token fetched anew goes with the same call, once.
"""

import re
from base64 import b64encode
from decimal import Decimal
from hashlib import blake2b
from typing import Any

from o2c_twin.integration.connectors.instants import to_iso
from o2c_twin.integration.connectors.wire import Wire, encode, retry_after_s, status_cause
from o2c_twin.integration.ports import HttpAnswer, HttpPort
from o2c_twin.integration.runtime.errors import CallFailed, Cause

ROOT = "/sap/opu/odata/sap"
_DAY_US = 86_400_000_000
PAGE = 1_000
_TOKEN_FROM = f"{ROOT}/API_SALES_ORDER_SRV"
_DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d+)?\)/")
_CLOCK = re.compile(r"PT(\d+)H(\d+)M(\d+)S")
# A dialog user has the document open, or it was changed since it was read: the same call may succeed later.
_PASSING = ("currently being processed by", "currently locked by")


class Session:
    """One user's session with one system: its cookies and its token belong together."""

    def __init__(self, system: str, url: str, http: HttpPort, user: str, password: str) -> None:
        self.system = system
        self.user = user
        self.wire = Wire(system, url, http)
        self._login = "Basic " + b64encode(f"{user}:{password}".encode()).decode()
        self._cookies: dict[str, str] = {}
        self._token: str | None = None

    def _headers(self, correlation: str) -> dict[str, str]:
        headers = {"authorization": self._login, "accept": "application/json", "x-correlation-id": correlation}
        if self._cookies:
            headers["cookie"] = "; ".join([f"{name}={value}" for name, value in self._cookies.items()])
        return headers

    def _keep_cookies(self, answer: HttpAnswer) -> None:
        name, sign, value = answer.headers.get("set-cookie", "").partition(";")[0].partition("=")
        if sign:
            self._cookies[name.strip()] = value.strip()

    async def get(
        self, operation: str, path: str, query: dict[str, str] | None = None, correlation: str = ""
    ) -> dict[str, Any]:
        """What ``d`` holds in the answer to a read. Raises `CallFailed`."""
        answer = await self.wire.send(operation, "GET", path, query, self._headers(correlation))
        self._keep_cookies(answer)
        if answer.status >= 300:
            raise self._failure(operation, answer)
        return self.body(operation, answer)

    def body(self, operation: str, answer: HttpAnswer) -> dict[str, Any]:
        """What ``d`` holds. Raises `CallFailed`."""
        whole = self.wire.json(operation, answer)
        with self.wire.reading(operation):
            found: dict[str, Any] = whole["d"]
            return found

    async def rows(
        self, operation: str, path: str, query: dict[str, str], correlation: str = ""
    ) -> list[dict[str, Any]]:
        """All rows of a collection. ``query`` has an order that leaves no ties.

        A server may page in smaller steps than it is asked for: only an empty page is the last for sure, but a
        server that has more says so.
        """
        found: list[dict[str, Any]] = []
        while True:
            step = {**query, "$top": str(PAGE), "$skip": str(len(found))}
            rows, more = await self.page(operation, path, step, correlation)
            found.extend(rows)
            if not rows or not (more or len(rows) == PAGE):
                return found

    async def page(
        self, operation: str, path: str, query: dict[str, str], correlation: str = ""
    ) -> tuple[list[dict[str, Any]], bool]:
        """The rows of one page, and whether the server has more of what was asked for."""
        body = await self.get(operation, path, query, correlation)
        with self.wire.reading(operation):
            rows: list[dict[str, Any]] = body["results"]
            return rows, bool(body.get("__next"))

    async def write(
        self,
        operation: str,
        method: str,
        path: str,
        body: Any,
        correlation: str,
        query: dict[str, str] | None = None,
        if_match: str | None = None,
    ) -> HttpAnswer:
        """One change. Raises `CallFailed`."""
        content = b"" if body is None else encode(body)
        for again in (False, True):
            if self._token is None:
                await self._fetch_token()
            token = self._token
            headers = {**self._headers(correlation), "content-type": "application/json", "x-csrf-token": token or ""}
            if if_match is not None:
                headers["if-match"] = if_match
            answer = await self.wire.send(operation, method, path, query, headers, content)
            if answer.status == 403 and answer.headers.get("x-csrf-token", "").lower() == "required" and not again:
                # Calls side by side are refused one by one; the first has a new token by now.
                self._token = None if self._token == token else self._token
                continue
            break
        if answer.status >= 300:
            raise self._failure(operation, answer)
        return answer

    async def soap(self, operation: str, path: str, envelope: str, action: str, correlation: str) -> HttpAnswer:
        """One SOAP message; these services ask for no token. Raises `CallFailed`."""
        headers = {**self._headers(correlation), "content-type": "text/xml; charset=utf-8", "soapaction": action}
        answer = await self.wire.send(operation, "POST", path, None, headers, envelope.encode())
        if answer.status >= 300:
            raise self._failure(operation, answer)
        return answer

    async def _fetch_token(self) -> None:
        headers = {**self._headers(""), "x-csrf-token": "Fetch"}
        answer = await self.wire.send("csrf token", "GET", _TOKEN_FROM, None, headers, logs_in=True)
        self._keep_cookies(answer)
        token = answer.headers.get("x-csrf-token", "")
        if answer.status >= 300 or token.lower() in ("", "required"):
            raise self._failure("csrf token", answer, logs_in=True)
        self._token = token

    def _failure(self, operation: str, answer: HttpAnswer, *, logs_in: bool = False) -> CallFailed:
        text = answer.body.decode("utf-8", "replace")
        cause: Cause = status_cause(answer.status, logs_in=logs_in)
        if (answer.status == 400 and any(word in text for word in _PASSING)) or answer.status == 412:
            cause = "unavailable"
        return CallFailed(self.system, operation, cause, f"{answer.status} {_told(text)}", retry_after_s(answer))


def _told(text: str) -> str:
    """The words of an error body: what comes after them is the same in every error."""
    match = re.search(r'"value"\s*:\s*("(?:[^"\\]|\\.)*")', text)
    code = re.search(r'"code"\s*:\s*"([^"]*)"', text)
    return f"{code[1]} {match[1]}"[:300] if match and code else text[:300]


def literal(text: str) -> str:
    """A string in a filter or key."""
    return "'" + text.replace("'", "''") + "'"


def any_of(name: str, values: list[str]) -> str:
    """A condition that a property has one of the values."""
    return "(" + " or ".join([f"{name} eq {literal(value)}" for value in values]) + ")"


def fitted(key: str, longest: int) -> str:
    """A key as a field of that length can hold it; another key has another one."""
    if len(key) <= longest and key.isascii() and key.isprintable():
        return key
    return blake2b(key.encode(), digest_size=min(20, longest // 2)).hexdigest()


def instant(text: str) -> int:
    """Epoch microseconds of ``/Date(milliseconds+0000)/``. Raises ValueError."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a date: {text[:40]!r}")
    return int(match[1]) * 1_000


def at_clock(date: str, time: str) -> int:
    """Epoch microseconds of a date and an ``Edm.Time``. Raises ValueError."""
    match = _CLOCK.fullmatch(time)
    if match is None:
        raise ValueError(f"not a time: {time[:40]!r}")
    hours, minutes, seconds = (int(part) for part in match.groups())
    return instant(date) + (hours * 3_600 + minutes * 60 + seconds) * 1_000_000


def as_texts(value: Any) -> Any:
    """A body with its numbers as texts, as OData V2 writes decimals in JSON."""
    if isinstance(value, dict):
        return {name: as_texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_texts(each) for each in value]
    return format(value, "f") if isinstance(value, Decimal) else str(value) if type(value) is int else value


def offset_literal(at_us: int) -> str:
    """An instant in a filter."""
    return f"datetimeoffset'{to_iso(at_us, 'microseconds')}'"


def day_literal(at_us: int) -> str:
    """Its day in a filter."""
    return f"datetime'{offset_literal(at_us // _DAY_US * _DAY_US)[15:34]}'"
