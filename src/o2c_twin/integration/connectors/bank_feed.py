"""The bank connector: a feed of camt.053 statements over HTTP."""

from typing import Any
from urllib.parse import quote

from o2c_twin.integration.connectors.camt053 import read_statement
from o2c_twin.integration.connectors.instants import from_iso
from o2c_twin.integration.connectors.wire import Wire, status_cause
from o2c_twin.integration.model import BankEntry, Inbound
from o2c_twin.integration.ports import HttpAnswer, HttpPort
from o2c_twin.integration.runtime.errors import CallFailed


class BankFeed:
    """One account's statements, asked for with a client's credentials."""

    def __init__(
        self, system: str, url: str, http: HttpPort, client_id: str, client_secret: str, account_id: str
    ) -> None:
        self.system = system
        self._wire = Wire(system, url, http)
        self._login = f"grant_type=client_credentials&client_id={quote(client_id)}&client_secret={quote(client_secret)}"
        self._account_id = account_id
        self._token: str | None = None

    async def _call(self, operation: str, path: str, query: dict[str, str] | None = None) -> HttpAnswer:
        for fresh in (False, True):
            if self._token is None:
                answer = await self._wire.send(
                    "login",
                    "POST",
                    "/oauth2/token",
                    None,
                    {"content-type": "application/x-www-form-urlencoded"},
                    self._login.encode(),
                )
                if answer.status != 200:
                    raise CallFailed(self.system, "login", status_cause(answer.status), f"{answer.status}")
                self._token = self._wire.json("login", answer)["access_token"]
            answer = await self._wire.send(operation, "GET", path, query, {"authorization": f"Bearer {self._token}"})
            if answer.status == 401 and not fresh:
                self._token = None
                continue
            break
        if answer.status >= 300:
            text = answer.body.decode("utf-8", "replace")[:200]
            wait = answer.headers.get("retry-after", "0")
            raise CallFailed(
                self.system, operation, status_cause(answer.status), f"{answer.status} {text}", float(wait)
            )
        return answer

    async def statements(self, since: str) -> tuple[list[Inbound], str]:
        """Statements of days after ``since`` (ISO date)."""
        path = f"/v1/accounts/{self._account_id}/statements"
        listed: list[dict[str, Any]] = []
        query = {"fromDate": since}
        while True:
            page = self._wire.json("statements", await self._call("statements", path, query))
            listed.extend(page["statements"])
            if not page.get("nextPage"):
                break
            query = {"fromDate": since, "page": str(page["nextPage"])}
        events = [self._event(s["statementId"], s["createdAt"]) for s in listed if s["date"] > since]
        return events, max((s["date"] for s in listed), default=since)

    def _event(self, statement_id: str, created_at: str) -> Inbound:
        return Inbound(
            f"{self.system}:statement:{statement_id}",
            "cash",
            statement_id,
            f"bank:{self._account_id}",
            from_iso(created_at),
        )

    async def entries(self, statement_id: str) -> list[BankEntry]:
        """The credits of one statement."""
        path = f"/v1/accounts/{self._account_id}/statements/{statement_id}"
        answer = await self._call("entries", path)
        return read_statement(answer.body)

    def pushed(self, body: bytes) -> tuple[list[Inbound], bytes]:
        """Read a 'statement ready' notice."""
        notice = self._wire.json("pushed", HttpAnswer(200, {}, body))
        return [self._event(notice["statementId"], notice["createdAt"])], b""
