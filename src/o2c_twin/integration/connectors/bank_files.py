"""The bank connector for statement files: MT940, BAI2, OFX and camt.054 from a bank's file service.

A bank sends a file twice, late, or once more with a correction. The statement's own id tells: what repeats an
earlier file brings nothing new; what adds to it brings the addition; what changes or drops an entry that may be
posted already is refused, so that a person decides.
"""

import base64
import hashlib
import hmac
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from o2c_twin.integration.capability import Capability, Sheet
from o2c_twin.integration.connectors import bai2, camt054, mt940, ofx
from o2c_twin.integration.connectors.bank_files_statement import FileStatement
from o2c_twin.integration.connectors.instants import from_iso
from o2c_twin.integration.connectors.wire import Wire, encode, retry_after_s, status_cause
from o2c_twin.integration.model import BankEntry, Inbound
from o2c_twin.integration.ports import HttpAnswer, HttpPort
from o2c_twin.integration.runtime.errors import CallFailed, NotAuthentic

SHEET: Sheet = (Capability("acknowledge", "files.acknowledge", "external-id"),)

Reader = Callable[[bytes, str], list[FileStatement]]
READERS: dict[str, Reader] = {
    "mt940": mt940.read_statements,
    "bai2": bai2.read_statements,
    "ofx1": ofx.read_statements,
    "ofx2": ofx.read_statements,
    "camt054": camt054.read_statements,
}
"""By the format's name in the bank's listing."""


class _File(msgspec.Struct, frozen=True):
    """A row of the listing."""

    name: str
    format: str
    account: str
    businessDate: str
    deliveredAt: str
    sha256: str
    acknowledgedAt: str | None = None


class _Page(msgspec.Struct, frozen=True):
    files: list[_File]
    nextPage: int | None = None


class _Notice(msgspec.Struct, frozen=True):
    file: _File


_PAGE = msgspec.json.Decoder(_Page)
_NOTICE = msgspec.json.Decoder(_Notice)


class BankFiles:
    """One account's statement files, fetched with a client's login and confirmed when they were read.

    ``account`` is its number as the bank's listing has it. Where the bank tells of a day in several formats,
    ``file_format`` names the one to read; empty reads them all.
    """

    def __init__(
        self,
        system: str,
        url: str,
        http: HttpPort,
        login: str,
        password: str,
        account: str,
        webhook_secret: str,
        file_format: str = "",
    ) -> None:
        self.system = system
        self._wire = Wire(system, url, http)
        self._account = account
        self._format = file_format
        credentials = base64.b64encode(f"{login}:{password}".encode()).decode()
        self._headers = {"authorization": f"Basic {credentials}"}
        self._webhook_secret = webhook_secret.encode()

    async def _call(
        self, operation: str, method: str, path: str, query: dict[str, str] | None = None, body: Any = None
    ) -> HttpAnswer:
        headers = self._headers if body is None else {**self._headers, "content-type": "application/json"}
        sent = b"" if body is None else encode(body)
        answer = await self._wire.send(operation, method, path, query, headers, sent)
        if answer.status >= 300:
            text = answer.body.decode("utf-8", "replace")[:200]
            # Gone is missing for good.
            cause = "missing" if answer.status == 410 else status_cause(answer.status)
            raise CallFailed(self.system, operation, cause, f"{answer.status} {text}", retry_after_s(answer))
        return answer

    async def _list(self, query: dict[str, str]) -> list[_File]:
        """All rows of a listing, oldest delivery first."""
        rows: list[_File] = []
        query = {**query, "account": self._account}
        while True:
            page = self._wire.row("statements", await self._call("statements", "GET", "/v1/files", query), _PAGE)
            rows += [row for row in page.files if self._format in ("", row.format)]
            if page.nextPage is None:
                return rows
            query = {**query, "page": str(page.nextPage)}

    # --- the role --------------------------------------------------------------------------------

    async def statements(self, since: str) -> tuple[list[Inbound], str]:
        """Files delivered after the day ``since`` (ISO date), and the day to ask from next.

        It is the day of delivery that counts, so that a late statement of an early day is not passed over.
        """
        listed = await self._list({"deliveredFrom": since})
        events = [self._event(row) for row in listed if row.deliveredAt[:10] > since]
        return events, max((row.deliveredAt[:10] for row in listed), default=since)

    def _event(self, row: _File) -> Inbound:
        with self._wire.reading("statements"):
            source_at = from_iso(row.deliveredAt)
        return Inbound(f"{self.system}:file:{row.name}", "cash", row.name, f"bank:{self._account}", source_at)

    async def entries(self, statement_id: str) -> list[BankEntry]:
        """The credits of one file that no earlier file of the same statement has; ``statement_id`` is its name."""
        answer = await self._fetch(statement_id)
        statements = self._parse(statement_id, answer)
        rows = await self._list({"businessDate": answer.headers.get("x-business-date", "")})
        before = list(itertools.takewhile(lambda row: row.name != statement_id, rows))
        if len(before) == len(rows):
            raise CallFailed(self.system, "entries", "missing", f"{statement_id} is no longer in the listing")
        found: list[BankEntry] = []
        for statement in statements:
            earlier = await self._earlier(rows[len(before)], before, statement)
            found += statement.credits if earlier is None else self._news(statement_id, earlier, statement)
        await self.acknowledge(statement_id, answer.body)
        return found

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """Read a 'file delivered' notice: HMAC-SHA256 over its time, a dot and the body."""
        fields = dict(part.partition("=")[::2] for part in headers.get("x-files-signature", "").split(","))
        signed = hmac.new(self._webhook_secret, f"{fields.get('t', '')}.".encode() + body, hashlib.sha256)
        if not hmac.compare_digest(fields.get("v1", "").encode(), signed.hexdigest().encode()):
            raise NotAuthentic(f"{self.system}: the notice's signature does not hold")
        notice = _NOTICE.decode(body)
        if notice.file.account != self._account or self._format not in ("", notice.file.format):
            return [], b""
        return [self._event(notice.file)], b""

    # --- files -----------------------------------------------------------------------------------

    async def acknowledge(self, name: str, document: bytes) -> None:
        """Tell the bank that the file arrived whole. Told twice, it makes no difference."""
        await self._call(
            "acknowledge",
            "POST",
            f"/v1/files/{name}/acknowledgement",
            body={"sha256": hashlib.sha256(document).hexdigest()},
        )

    async def _fetch(self, name: str) -> HttpAnswer:
        answer = await self._call("entries", "GET", f"/v1/files/{name}")
        told = answer.headers.get("x-content-sha256")
        if told is not None and told != hashlib.sha256(answer.body).hexdigest():
            raise CallFailed(self.system, "entries", "unknown-outcome", f"{name}: cut off or changed on the way")
        return answer

    def _parse(self, name: str, answer: HttpAnswer) -> list[FileStatement]:
        """The statements of a fetched file. Raises `CallFailed` (rejected) for one that cannot be trusted."""
        file_format = answer.headers.get("x-file-format", "")
        reader = READERS.get(file_format)
        if reader is None:
            detail = f"{name}: no reader for format {file_format!r}; there are: {', '.join(READERS)}"
            raise CallFailed(self.system, "entries", "rejected", detail)
        with self._wire.reading("entries"):
            statements = reader(answer.body, name)
        for statement in statements:
            # Formats cut long account numbers from the front (OFX: 22 characters).
            if not statement.account or not self._account.endswith(statement.account):
                detail = f"{name}: a statement of account {statement.account!r}, not of {self._account}"
                raise CallFailed(self.system, "entries", "rejected", detail)
        return statements

    async def _earlier(self, row: _File, before: list[_File], statement: FileStatement) -> FileStatement | None:
        """The same statement as the latest file before had it; None when this is the first."""
        for other in reversed(before):
            if other.format != row.format:
                continue
            if other.sha256 == row.sha256:
                return statement
            answer = await self._fetch(other.name)
            try:
                found = self._parse(other.name, answer)
            except CallFailed:
                continue  # It was refused in its own turn; this file may be the bank's remedy.
            for each in found:
                if each.statement_id == statement.statement_id:
                    return each
        return None

    def _news(self, name: str, earlier: FileStatement, statement: FileStatement) -> list[BankEntry]:
        """What a repeated or corrected statement adds. Raises `CallFailed` when it takes something back."""
        before = {entry.reference: entry for entry in earlier.entries}
        now = {entry.reference: entry for entry in statement.entries}
        taken_back = [
            f"{entry.reference} {entry.amount_minor} -> "
            f"{now[entry.reference].amount_minor if entry.reference in now else 'gone'}"
            for entry in earlier.entries
            if now.get(entry.reference) != entry
        ]
        if taken_back:
            detail = (
                f"{name} corrects statement {statement.statement_id}: {', '.join(taken_back)} (minor units of "
                f"{statement.currency}); what was posted must be corrected by hand"
            )
            raise CallFailed(self.system, "entries", "rejected", detail)
        return [entry for entry in statement.credits if entry.reference not in before]
