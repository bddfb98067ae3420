"""How Business Central is called: signed in with client credentials, page by page, and several writes as one.

Wire facts: Microsoft Learn, "API (v2.0)", "OData transactional $batch requests", "Operational limits".
"""

import base64
import re
from functools import partial
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from o2c_twin.integration.connectors.bearer import Bearer, refused_login, token_for
from o2c_twin.integration.connectors.wire import Wire, encode, retry_after_s, status_cause
from o2c_twin.integration.ports import HttpAnswer, HttpPort
from o2c_twin.integration.runtime.errors import CallFailed, Cause

_SCOPE = "https://api.businesscentral.dynamics.com/.default"
_PLAIN = re.compile(r"[a-z]+:[A-Z0-9-]+\Z")
Rows = list[dict[str, Any]]


def code_of(key: str, size: int = 20) -> str:
    """A key as a code field takes it: capitals, ``size`` characters; other keys have other codes."""
    if len(key) <= size and _PLAIN.match(key):
        return key.upper()
    return "K" + base64.b32encode(blake2b(key.encode(), digest_size=20).digest()).decode()[: size - 1]


def literal(text: str) -> str:
    """A text in a filter."""
    return "'" + text.replace("'", "''") + "'"


class BusinessCentralClient:
    """One company of one environment. ``login_url`` is where tokens are given, by default the system's own address."""

    def __init__(
        self,
        system: str,
        url: str,
        http: HttpPort,
        tenant: str,
        environment: str,
        company_id: str,
        client_id: str,
        client_secret: str,
        login_url: str | None = None,
    ) -> None:
        self.system = system
        self.wire = Wire(system, url, http)
        entra = self.wire if login_url is None else Wire(system, login_url, http)
        self._root = f"/v2.0/{tenant}/{environment}/api/v2.0"
        self.company = f"companies({company_id})"
        form = (
            f"grant_type=client_credentials&client_id={quote(client_id)}"
            f"&client_secret={quote(client_secret)}&scope={quote(_SCOPE, safe='')}"
        )
        path = f"/{tenant}/oauth2/v2.0/token"
        self._bearer = Bearer(self.wire, partial(token_for, entra, path, form, partial(refused_login, system)))

    async def call(
        self,
        operation: str,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Any = None,
        correlation: str = "",
        etag: str = "",
        snapshot: bool = False,
    ) -> HttpAnswer:
        """One call below the company; ``$batch`` stands above it. Raises `CallFailed`."""
        whole = f"{self._root}/$batch" if path == "$batch" else f"{self._root}/{self.company}/{path}"
        return await self._send(operation, method, whole, query, body, correlation, etag, snapshot)

    async def _send(
        self,
        operation: str,
        method: str,
        path: str,
        query: dict[str, str] | None,
        body: Any,
        correlation: str,
        etag: str,
        snapshot: bool,
    ) -> HttpAnswer:
        raw = b"" if body is None else encode(body)
        headers = {
            "content-type": "application/json",
            "accept": "application/json",
            "x-correlation-id": correlation,
        }
        if etag:
            headers["if-match"] = etag
        if snapshot:
            headers["isolation"] = "snapshot"
        answer = await self._bearer.send(operation, method, path, query, headers, raw)
        if answer.status >= 300:
            raise self.failure(operation, answer.status, answer.body, retry_after_s(answer))
        return answer

    def failure(self, operation: str, status: int, body: bytes, retry_after: float = 0.0) -> CallFailed:
        """A refusal as the engine sorts it: a stale ETag is read again and tried again."""
        text = body.decode("utf-8", "replace")[:400]
        stale = status in (409, 412) and "Request_EntityChanged" in text
        cause: Cause = "unavailable" if stale else status_cause(status)
        return CallFailed(self.system, operation, cause, f"{status} {text}", retry_after)

    async def get(
        self, operation: str, path: str, query: dict[str, str] | None = None, correlation: str = ""
    ) -> dict[str, Any]:
        """One record. Raises `CallFailed` (missing) when there is none."""
        return self.wire.json(operation, await self.call(operation, "GET", path, query, None, correlation))

    async def rows(self, operation: str, path: str, query: dict[str, str], correlation: str = "") -> Rows:
        """All rows of a list, page after page."""
        found: Rows = []
        page = await self.get(operation, path, query, correlation)
        while True:
            with self.wire.reading(operation):
                found.extend(page["value"])
                link = page.get("@odata.nextLink")
                split = urlsplit(link or "")
            if not link:
                return found
            following = dict(parse_qsl(split.query, keep_blank_values=True))
            answer = await self._send(operation, "GET", unquote(split.path), following, None, correlation, "", False)
            page = self.wire.json(operation, answer)

    def id_of(self, operation: str, row: dict[str, Any]) -> str:
        """The id of a record. Raises `CallFailed` when the answer has none."""
        with self.wire.reading(operation):
            return str(row["id"])

    async def together(self, operation: str, requests: list[dict[str, Any]], correlation: str) -> None:
        """Several writes as one transaction, all or none. Raises `CallFailed` for the one that was refused.

        Each request has ``method``, ``url`` (below the company) and, where it needs them, ``headers`` and ``body``.
        """
        batch = [
            {
                "id": str(n),
                "method": each["method"],
                "url": f"{self.company}/{each['url']}",
                "headers": {"Content-Type": "application/json", **each.get("headers", {})},
                **({"body": each["body"]} if "body" in each else {}),
            }
            for n, each in enumerate(requests, 1)
        ]
        answer = await self.call(operation, "POST", "$batch", None, {"requests": batch}, correlation, snapshot=True)
        with self.wire.reading(operation):
            replies = self.wire.json(operation, answer)["responses"]
            refused = next((reply for reply in replies if reply["status"] >= 400), None)
            short = len(replies) < len(batch)
        if refused is not None:
            raise self.failure(operation, refused["status"], encode(refused.get("body", {})))
        if short:
            raise CallFailed(self.system, operation, "unknown-outcome", f"{len(replies)} of {len(batch)} answers")
