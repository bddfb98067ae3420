"""The bank connector: a feed of camt.053 statements over HTTP."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import msgspec

from o2c_twin.integration.connectors.bearer import Bearer, token_for
from o2c_twin.integration.connectors.camt053 import read_statement
from o2c_twin.integration.connectors.instants import from_iso
from o2c_twin.integration.connectors.wire import Wire, retry_after_s, status_cause
from o2c_twin.integration.model import BankEntry, Inbound
from o2c_twin.integration.ports import HttpAnswer, HttpPort
from o2c_twin.integration.runtime.errors import CallFailed, NotAuthentic


class _Notice(msgspec.Struct):
    statementId: str
    createdAt: str
    accountId: str | None = None


_NOTICE = msgspec.json.Decoder(_Notice)


class BankFeed:
    """The statements of a company's accounts, asked for with a client's credentials.

    A statement of one of the ``others`` is named by account and id (``ACC2/ACC2-2026-01-05``).
    """

    def __init__(
        self,
        system: str,
        url: str,
        http: HttpPort,
        client_id: str,
        client_secret: str,
        account_id: str,
        webhook_secret: str,
        others: Sequence[str] = (),
    ) -> None:
        self.system = system
        self._wire = Wire(system, url, http)
        form = f"grant_type=client_credentials&client_id={quote(client_id)}&client_secret={quote(client_secret)}"
        self._bearer = Bearer(
            self._wire, partial(token_for, self._wire, "/oauth2/token", form, partial(self._failure, "login"))
        )
        self._account_id = account_id
        self._others = tuple(others)
        self._webhook_secret = webhook_secret.encode()

    async def _call(self, operation: str, path: str, query: dict[str, str] | None = None) -> HttpAnswer:
        answer = await self._bearer.send(operation, "GET", path, query, {})
        if answer.status >= 300:
            raise self._failure(operation, answer)
        return answer

    def _failure(self, operation: str, answer: HttpAnswer) -> CallFailed:
        text = answer.body.decode("utf-8", "replace")[:200]
        cause = status_cause(answer.status)
        return CallFailed(self.system, operation, cause, f"{answer.status} {text}", retry_after_s(answer))

    async def statements(self, since: str) -> tuple[list[Inbound], str]:
        """Statements of days after ``since`` (ISO date), of all accounts; a day closes for all of them at once."""
        events: list[Inbound] = []
        until = since
        for account_id in (self._account_id, *self._others):
            found, last = await self._statements(account_id, since)
            events += found
            until = max(until, last)
        return events, until

    async def _statements(self, account_id: str, since: str) -> tuple[list[Inbound], str]:
        path = f"/v1/accounts/{account_id}/statements"
        listed: list[dict[str, Any]] = []
        query = {"fromDate": since}
        while True:
            page = self._wire.json("statements", await self._call("statements", path, query))
            with self._wire.reading("statements"):
                listed.extend(page["statements"])
            if not page.get("nextPage"):
                break
            query = {"fromDate": since, "page": str(page["nextPage"])}
        with self._wire.reading("statements"):
            events = [self._event(account_id, s["statementId"], s["createdAt"]) for s in listed if s["date"] > since]
            return events, max((s["date"] for s in listed), default=since)

    def _event(self, account_id: str, statement_id: str, created_at: str) -> Inbound:
        name = statement_id if account_id == self._account_id else f"{account_id}/{statement_id}"
        at = from_iso(created_at)
        return Inbound(f"{self.system}:statement:{name}", "cash", name, f"bank:{account_id}", at)

    async def entries(self, statement_id: str) -> list[BankEntry]:
        """The credits of one statement."""
        account_id, _, rest = statement_id.partition("/")
        own = account_id not in self._others
        path = f"/v1/accounts/{self._account_id if own else account_id}/statements/{statement_id if own else rest}"
        answer = await self._call("entries", path)
        try:
            with self._wire.reading("entries"):
                return read_statement(answer.body)
        except ElementTree.ParseError as cut:
            # Not well-formed: cut off on the way, as an answer that is not JSON.
            raise CallFailed(self.system, "entries", "unknown-outcome", f"answer is not XML: {cut}") from cut

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """Read a 'statement ready' notice: HMAC-SHA256 over its time, a dot and the body."""
        fields = dict(part.partition("=")[::2] for part in headers.get("x-bank-signature", "").split(","))
        signed = hmac.new(self._webhook_secret, f"{fields.get('t', '')}.".encode() + body, hashlib.sha256)
        if not hmac.compare_digest(fields.get("v1", "").encode(), signed.hexdigest().encode()):
            raise NotAuthentic(f"{self.system}: the notice's signature does not hold")
        notice = _NOTICE.decode(body)
        account_id = notice.accountId or self._account_id
        if account_id != self._account_id and account_id not in self._others:
            return [], b""
        return [self._event(account_id, notice.statementId, notice.createdAt)], b""
