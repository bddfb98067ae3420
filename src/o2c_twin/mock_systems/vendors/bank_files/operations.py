"""The file service's operations: list, fetch, acknowledge, and the sandbox's way to let money move.

Standing: assumed throughout. What banks' host-to-host gateways share is a folder of files a client fetches and
confirms; the files themselves follow documented formats.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.bank_files.outbox import BankFile
from o2c_twin.mock_systems.vendors.bank_files.texts import decimals
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.bank_files.dialect import BankFilesDialect

_PAGE = 100
_DAY_US = 86_400_000_000
_MOST_WHOLE_DIGITS = 9  # EPC: a SEPA payment is at most 999,999,999.99; fits every format with its balances
_TYPES = {"mt940": "text/plain", "bai2": "text/plain", "ofx1": "application/x-ofx", "ofx2": "application/x-ofx"}


def problem(status: int, code: str, message: str) -> Response:
    """The service's error body."""
    return json_response(status, {"code": code, "message": message})


class Acknowledgement(msgspec.Struct):
    """The client has the file: the SHA-256 of what it has, in hex."""

    sha256: str


class Movement(msgspec.Struct):
    """Money that moves, in the sandbox: a decimal amount as text, negative when it leaves."""

    iban: str
    amount: str
    remittance: str = ""
    endToEndId: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    counterparty: Annotated[str, msgspec.Meta(max_length=140)] | None = None
    counterpartyIban: Annotated[str, msgspec.Meta(max_length=34)] | None = None
    kind: Literal["transfer", "direct-debit", "return", "fee", "check"] = "transfer"


def _stamp(at_us: int) -> str:
    moment = datetime.fromtimestamp(at_us // 1_000_000, UTC).replace(tzinfo=None)
    return (moment + timedelta(microseconds=at_us % 1_000_000)).isoformat(timespec="milliseconds") + "Z"


def row(file: BankFile) -> dict[str, Any]:
    """A file in a listing or notice."""
    acknowledged = file.acknowledged_at
    return {
        "name": file.name,
        "format": file.format,
        "account": file.iban,
        "businessDate": file.date,
        "deliveredAt": _stamp(file.delivered_at),
        "size": len(file.content),
        "sha256": file.sha256,
        "acknowledgedAt": None if acknowledged is None else _stamp(acknowledged),
    }


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def list_files(bank: "BankFilesDialect", call: Call) -> Response:
    """Files that have appeared and are kept, oldest delivery first, 100 a page."""
    query = call.request.query
    for name in ("deliveredFrom", "businessDate"):
        if name in query and not _is_date(query[name]):
            return problem(400, "BAD_PARAMETER", f"{name} must be a date such as 2026-03-31, not {query[name]!r}")
    if query.get("status", "all") not in ("all", "new"):
        return problem(400, "BAD_PARAMETER", "status must be all or new")
    page = query.get("page", "1")
    if not (page.isascii() and page.isdigit() and len(page) < 10 and int(page) > 0):
        return problem(400, "BAD_PARAMETER", "page must be a whole number from 1")
    first = 0
    if "deliveredFrom" in query:
        since = date.fromisoformat(query["deliveredFrom"]) - date(1970, 1, 1)
        first = since.days * _DAY_US
    kept = call.now - bank.config.keep_days * _DAY_US
    found = [
        file
        for file in bank.box.files.values()
        if max(first, kept) <= file.delivered_at <= call.now
        and query.get("businessDate", file.date) == file.date
        and query.get("account", file.iban) == file.iban
        and (query.get("status") != "new" or file.acknowledged_at is None)
    ]
    found.sort(key=lambda file: (file.delivered_at, file.name))
    start = (int(page) - 1) * _PAGE
    answer: dict[str, Any] = {"files": [row(file) for file in found[start : start + _PAGE]]}
    if len(found) > start + _PAGE:
        answer["nextPage"] = int(page) + 1
    return json_response(200, answer)


def _file(bank: "BankFilesDialect", call: Call) -> BankFile:
    file = bank.box.files.get(call.params["name"])
    if file is None or file.delivered_at > call.now:
        raise Refused(problem(404, "FILE_NOT_FOUND", f"No file {call.params['name']}"))
    if file.delivered_at < call.now - bank.config.keep_days * _DAY_US:
        raise Refused(problem(410, "FILE_EXPIRED", f"Files are kept for {bank.config.keep_days} days"))
    return file


def read_file(bank: "BankFilesDialect", call: Call) -> Response:
    """One file, byte for byte, with its hash, format and business date in the head."""
    file = _file(bank, call)
    headers = {
        "Content-Type": _TYPES[file.format],
        "X-Content-SHA256": file.sha256,
        "X-File-Format": file.format,
        "X-Business-Date": file.date,
    }
    return Response(200, file.content, headers)


def acknowledge(bank: "BankFilesDialect", call: Call) -> Response:
    """The client has the file. Said again, it changes nothing."""
    file = _file(bank, call)
    if call.body.sha256.lower() != file.sha256:
        return problem(409, "HASH_MISMATCH", "The file was not received whole: fetch it again")
    if file.acknowledged_at is None:
        file.acknowledged_at = call.now
    return json_response(200, row(file))


def simulate_movement(bank: "BankFilesDialect", call: Call) -> Response:
    """Sandbox: money arrives in an account, or leaves it."""
    body: Movement = call.body
    account = next((a for a in bank.core.state.accounts.values() if a.iban == body.iban), None)
    if account is None:
        return problem(404, "UNKNOWN_ACCOUNT", f"No account {body.iban}")
    try:
        minor = _minor(body.amount, account.currency)
        book = bank.core.credit if minor > 0 else bank.core.debit
        entry = book(
            account.id,
            abs(minor),
            end_to_end_id=body.endToEndId,
            remittance=tuple(body.remittance[i : i + 140] for i in range(0, len(body.remittance), 140)),
            counterparty=body.counterparty,
            counterparty_iban=body.counterpartyIban,
            kind=body.kind,
        )
    except (RuleError, ValueError) as bad:
        return problem(400, "BAD_REQUEST", str(bad))
    return json_response(201, {"reference": entry.reference, "bookedOn": entry.booked_on})


def _minor(text: str, currency: str) -> int:
    digits = decimals(currency)
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"amount {text!r} is not a decimal number") from None
    if not amount.is_finite() or amount.adjusted() >= _MOST_WHOLE_DIGITS:
        raise ValueError(f"amount {text} must be below one thousand million")
    scaled = amount.scaleb(digits)
    if scaled != int(scaled):
        raise ValueError(f"amount {text} has more than {digits} decimals")
    return int(scaled)


def simulate_close(bank: "BankFilesDialect", call: Call) -> Response:
    """Sandbox: close the books up to the last pending booking day, without waiting for the evening."""
    days = sorted({e.booked_on for a in bank.core.state.accounts.values() for e in a.pending})
    closed = [s.id for day in days for s in bank.core.close_day(date.fromisoformat(day))]
    return json_response(200, {"statements": closed})


_GATEWAY = "assumed: habits of banks' host-to-host file gateways"
_SANDBOX = "assumed: sandboxes of bank interfaces offer the like"
ROUTES: tuple[Operation, ...] = (
    Operation("files.list", "GET", "/v1/files", list_files, "Files laid out", standing="assumed", source=_GATEWAY),
    Operation("files.read", "GET", "/v1/files/{name}", read_file, "A file", standing="assumed", source=_GATEWAY),
    Operation(
        "files.acknowledge",
        "POST",
        "/v1/files/{name}/acknowledgement",
        acknowledge,
        "Confirm that a file arrived whole",
        body=Acknowledgement,
        standing="assumed",
        source=_GATEWAY,
    ),
    Operation(
        "sandbox.movement",
        "POST",
        "/v1/sandbox/movements",
        simulate_movement,
        "Let money move",
        body=Movement,
        success=201,
        standing="assumed",
        source=_SANDBOX,
    ),
    Operation(
        "sandbox.close",
        "POST",
        "/v1/sandbox/close-day",
        simulate_close,
        "Close the books now",
        standing="assumed",
        source=_SANDBOX,
    ),
)
