"""The bank's operations: token, accounts, statements, and the sandbox's way to let money arrive.

Standing: assumed throughout. Banks' feeds differ; what they share is the camt.053 document, which is
documented (ISO 20022). The paths follow the habits of European account-information interfaces.
"""

import base64
from bisect import bisect_left, bisect_right
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs, unquote_plus

import msgspec

from o2c_twin.mock_systems.roles.bank import BankAccount, Statement
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.bank_iso20022.camt053 import amount_text, stamp, statement_document
from o2c_twin.mock_systems.vendors.bank_iso20022.camt054 import notification_document
from o2c_twin.mock_systems.vendors.bank_iso20022.reported import reported, sequence_of
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.bank_iso20022.dialect import BankDialect

_PAGE = 100
_AMOUNT_DIGITS = 18  # ISO 20022, ActiveOrHistoricCurrencyAndAmount


def problem(status: int, code: str, detail: str) -> Response:
    """The bank's error body."""
    return json_response(status, {"error": code, "error_description": detail})


class IncomingPayment(msgspec.Struct):
    """Money that arrives, in the sandbox: a decimal amount as text."""

    accountId: str
    amount: str
    remittance: str = ""
    endToEndId: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    debtorName: str | None = None
    debtorIban: str | None = None


def token(bank: "BankDialect", call: Call) -> Response:
    """OAuth 2.0 client credentials, in the form or in a Basic header (RFC 6749, 2.3.1)."""
    form = {k: v[0] for k, v in parse_qs(call.request.body.decode("utf-8", "replace")).items()}
    if form.get("grant_type") != "client_credentials":
        return problem(400, "unsupported_grant_type", "grant_type must be client_credentials")
    scheme, _, basic = call.request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        client_id, client_secret = _basic(basic)
    else:
        client_id, client_secret = form.get("client_id", ""), form.get("client_secret", "")
    issued = bank.issue_token(client_id, client_secret, call.now)
    return json_response(200, {"access_token": issued, "token_type": "Bearer", "expires_in": 3600})


def _basic(credentials: str) -> tuple[str, str]:
    try:
        client_id, _, client_secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:  # not ASCII, not Base64, or not UTF-8 inside
        return "", ""
    return unquote_plus(client_id), unquote_plus(client_secret)


def _account(bank: "BankDialect", call: Call) -> BankAccount:
    try:
        return bank.core.account(call.params["accountId"])
    except RuleError as unknown:
        raise Refused(problem(404, "unknown_account", unknown.message)) from unknown


def list_accounts(bank: "BankDialect", call: Call) -> Response:
    """The accounts of the client."""
    rows = [
        {
            "accountId": a.id,
            "iban": a.iban,
            "currency": a.currency,
            "owner": a.owner,
            "bookedBalance": _signed(a.balance_minor, a.currency),
        }
        for a in bank.core.state.accounts.values()
    ]
    return json_response(200, {"accounts": rows})


def _signed(minor: int, currency: str) -> str:
    return f"{'-' if minor < 0 else ''}{amount_text(minor, currency)}"


def list_statements(bank: "BankDialect", call: Call) -> Response:
    """Closed days, oldest first, 100 a page."""
    account = _account(bank, call)
    query = call.request.query
    first, last = query.get("fromDate", "0001-01-01"), query.get("toDate", "9999-12-31")
    for name, day in (("fromDate", first), ("toDate", last)):
        if not _is_date(day):
            return problem(400, "invalid_request", f"{name} must be a date such as 2026-03-31, not {day!r}")
    try:
        page = int(query.get("page", "1"))
    except ValueError:
        page = 0
    if page < 1:
        return problem(400, "invalid_request", "page must be a whole number from 1")
    begin = bisect_left(account.statements, first, key=_day)
    found = account.statements[begin : bisect_right(account.statements, last, key=_day)]
    rows = [
        {
            "statementId": s.id,
            "date": s.date,
            "sequence": sequence_of(bank.config, s),
            "openingBalance": _signed(s.opening_minor, account.currency),
            "closingBalance": _signed(s.closing_minor, account.currency),
            "currency": account.currency,
            "entries": len(s.entries),
            "createdAt": stamp(s.created_at),
        }
        for s in found[(page - 1) * _PAGE : page * _PAGE]
    ]
    answer: dict[str, Any] = {"statements": rows}
    if len(found) > page * _PAGE:
        answer["nextPage"] = page + 1
    return json_response(200, answer)


def _day(statement: Statement) -> str:
    return statement.date


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _shown(bank: "BankDialect", call: Call) -> tuple[Statement, BankAccount]:
    """The statement the path names, as clients get it, and its account."""
    account = _account(bank, call)
    wanted = call.params["statementId"]
    position = next((n for n, s in enumerate(account.statements) if s.id == wanted), None)
    if position is None:
        raise Refused(problem(404, "unknown_statement", f"No statement {wanted}"))
    return reported(bank.config, account, position), account


def read_notification(bank: "BankDialect", call: Call) -> Response:
    """The credits of one closed day as camt.054.001.08."""
    shown, account = _shown(bank, call)
    config = bank.config
    document = notification_document(shown, account, config.bic, config.name, config.batch_credits)
    return Response(200, document, {"Content-Type": "application/xml"})


def read_statement(bank: "BankDialect", call: Call) -> Response:
    """One closed day as camt.053.001.08."""
    shown, account = _shown(bank, call)
    document = statement_document(shown, account, bank.config.bic, bank.config.name)
    return Response(200, document, {"Content-Type": "application/xml"})


def simulate_payment(bank: "BankDialect", call: Call) -> Response:
    """Sandbox: money arrives in an account."""
    body: IncomingPayment = call.body
    try:
        account = bank.core.account(body.accountId)
        minor = _minor(body.amount, account.currency)
        entry = bank.core.credit(
            account.id,
            minor,
            end_to_end_id=body.endToEndId,
            remittance=tuple(body.remittance[i : i + 140] for i in range(0, len(body.remittance), 140)),
            counterparty=body.debtorName,
            counterparty_iban=body.debtorIban,
        )
    except (RuleError, ValueError) as bad:
        return problem(400, "invalid_request", str(bad))
    return json_response(201, {"reference": entry.reference, "bookedOn": entry.booked_on})


def _minor(text: str, currency: str) -> int:
    digits = len(amount_text(1, currency).partition(".")[2])
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"amount {text!r} is not a decimal number") from None
    if not amount.is_finite() or amount.adjusted() + 1 + digits > _AMOUNT_DIGITS:
        raise ValueError(f"amount {text} has more than {_AMOUNT_DIGITS} digits")
    scaled = amount.scaleb(digits)
    if scaled != int(scaled):
        raise ValueError(f"amount {text} has more than {digits} decimals")
    return int(scaled)


def simulate_close(bank: "BankDialect", call: Call) -> Response:
    """Sandbox: close the books up to the last pending booking day, without waiting for the evening."""
    days = sorted({e.booked_on for a in bank.core.state.accounts.values() for e in a.pending})
    closed = [s.id for day in days for s in bank.core.close_day(date.fromisoformat(day))]
    return json_response(200, {"statements": closed})


_FEED = "assumed: habits of European account-information feeds"
ROUTES: tuple[Operation, ...] = (
    Operation(
        "token",
        "POST",
        "/oauth2/token",
        token,
        "Client credentials for a bearer token",
        open=True,
        source="RFC 6749, 4.4",
    ),
    Operation("accounts.list", "GET", "/v1/accounts", list_accounts, "Accounts", standing="assumed", source=_FEED),
    Operation(
        "statements.list",
        "GET",
        "/v1/accounts/{accountId}/statements",
        list_statements,
        "Closed days of an account",
        standing="assumed",
        source=_FEED,
    ),
    Operation(
        "statements.read",
        "GET",
        "/v1/accounts/{accountId}/statements/{statementId}",
        read_statement,
        "A closed day as camt.053.001.08",
        source="ISO 20022 camt.053.001.08",
    ),
    Operation(
        "notifications.read",
        "GET",
        "/v1/accounts/{accountId}/statements/{statementId}/notification",
        read_notification,
        "The credits of a closed day as camt.054.001.08",
        source="ISO 20022 camt.054.001.08",
    ),
    Operation(
        "sandbox.payment",
        "POST",
        "/v1/sandbox/incoming-payments",
        simulate_payment,
        "Let money arrive",
        body=IncomingPayment,
        success=201,
        standing="assumed",
        source="sandboxes of bank interfaces offer the like",
    ),
    Operation(
        "sandbox.close",
        "POST",
        "/v1/sandbox/close-day",
        simulate_close,
        "Close the books now",
        standing="assumed",
        source="sandboxes of bank interfaces offer the like",
    ),
)
