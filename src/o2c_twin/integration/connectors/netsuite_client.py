"""How a NetSuite account is called: signed, record by record, and by SuiteQL page by page.

Wire facts: SuiteTalk REST Web Services documentation. A write answers 204 with the new record's
address in ``Location``; ``PUT .../eid:KEY`` is the vendor's upsert and so the engine's idempotency.
"""

import re
from typing import Any
from urllib.parse import quote

from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.integration.connectors.wire import Wire, encode, retry_after_s, status_cause
from o2c_twin.integration.ports import Clock, HttpAnswer, HttpPort
from o2c_twin.integration.runtime.errors import CallFailed

RECORD = "/services/rest/record/v1"
"""Below this address are the records."""
STAMP = "YYYY-MM-DD HH24:MI:SS"
"""An instant as SuiteQL is asked to write and to read it."""
_QUERY = "/services/rest/query/v1/suiteql"
_PAGE = 1000


def external_id(key: str) -> str:
    """The external id of an idempotency key: only characters that stand for themselves in an address.

    Another key has another one. A bank's reference may hold anything, and what is escaped on the way
    would be signed in one spelling and looked up in another.
    """
    return key if _PLAIN(key) else quote(key.replace("~", "~7E"), safe=":@~").replace("%", "~")


_PLAIN = re.compile(r"[A-Za-z0-9_.:@-]*").fullmatch


class NetSuiteClient:
    """One account, signed in with one integration's token."""

    def __init__(self, system: str, url: str, http: HttpPort, clock: Clock, signer: TokenSigner) -> None:
        self.system = system
        self.wire = Wire(system, url, http)
        self._clock = clock
        self._signer = signer
        self._calls = 0

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Any = None,
        correlation: str = "",
    ) -> HttpAnswer:
        """One signed call. Raises `CallFailed`."""
        self._calls += 1
        second = self._clock.now() // 1_000_000
        headers = {
            "authorization": self._signer.header(
                method, self.wire.url + path, query or {}, second, f"{second:x}{self._calls:x}"
            ),
            "content-type": "application/json",
            "x-correlation-id": correlation,
        }
        if path == _QUERY:
            headers["prefer"] = "transient"
        answer = await self.wire.send(operation, method, path, query, headers, b"" if body is None else encode(body))
        if answer.status >= 300:
            raise self._failure(operation, answer)
        return answer

    def _failure(self, operation: str, answer: HttpAnswer) -> CallFailed:
        text = answer.body.decode("utf-8", "replace")[:400]
        cause = status_cause(answer.status)
        # An overloaded account answers 401 INVALID_LOGIN at times; a bad signature does so always,
        # and the deadline of the retries tells them apart.
        if "INVALID_LOGIN" in text:
            cause = "unavailable"
        return CallFailed(self.system, operation, cause, f"{answer.status} {text}", retry_after_s(answer))

    async def write(self, operation: str, record: str, body: dict[str, Any], key: str | None, correlation: str) -> str:
        """Create a record, or with a key upsert it by its external id; its internal id. Raises `CallFailed`."""
        if key is None:
            answer = await self.call(operation, "POST", f"{RECORD}/{record}", None, body, correlation)
        else:
            path = f"{RECORD}/{record}/eid:{external_id(key)}"
            answer = await self.call(operation, "PUT", path, None, body, correlation)
        return self.id_of(operation, answer)

    def id_of(self, operation: str, answer: HttpAnswer) -> str:
        """The internal id of what was made. Raises `CallFailed`: it was made, and nobody knows as what."""
        location = answer.headers.get("location", "")
        if not location:
            raise CallFailed(self.system, operation, "unknown-outcome", "answer has no Location")
        return location.rsplit("/", 1)[1]

    async def page(
        self, operation: str, q: str, offset: int, correlation: str = ""
    ) -> tuple[list[dict[str, Any]], bool]:
        """A page of at most 1,000 rows from that one on, and whether there are more. Raises `CallFailed`."""
        window = {"limit": str(_PAGE), "offset": str(offset)}
        page = self.wire.json(operation, await self.call(operation, "POST", _QUERY, window, {"q": q}, correlation))
        with self.wire.reading(operation):
            rows: list[dict[str, Any]] = page["items"]
            return rows, bool(rows) and page["hasMore"]

    async def select(self, operation: str, q: str, correlation: str = "") -> list[dict[str, Any]]:
        """All rows, page after page. Raises `CallFailed`."""
        rows: list[dict[str, Any]] = []
        more = True
        while more:
            page, more = await self.page(operation, q, len(rows), correlation)
            rows.extend(page)
        return rows
