"""Sales credit memos: drafts of amounts on G/L accounts, applied to an invoice when they are posted.

Source: Microsoft Learn, "salesCreditMemo resource type"; pages "APIV2 - Sales Credit Memos" and "APIV2 - Sales Credit
Mem Lines". Items on a credit memo would come back to stock in part, which the core does not keep: they are refused.
"""

from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.erp import Invoice
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.business_central import entities, sources
from o2c_twin.mock_systems.vendors.business_central.bodies import Body
from o2c_twin.mock_systems.vendors.business_central.errors import dialog, field_refused, ruled
from o2c_twin.mock_systems.vendors.business_central.operations_orders import (
    check_currency,
    read_lines,
    required_customer,
)
from o2c_twin.mock_systems.vendors.business_central.serving import (
    answer,
    body_of,
    check_etag,
    done,
    enter,
    line_answer,
    of_set,
)
from o2c_twin.mock_systems.vendors.business_central.shapes_ledger import ACCOUNT_OF, ACCOUNTS
from o2c_twin.mock_systems.vendors.business_central.state import CreditDraft, CreditLine, next_place
from o2c_twin.mock_systems.wire.message import Response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.roles.erp import CreditMemo
    from o2c_twin.mock_systems.vendors.business_central.dialect import BusinessCentralDialect

_LINE = entities.CREDIT_MEMO_LINE
_DRAFT_ONLY = "The action can be applied to a draft credit memo only."


def create_credit_memo(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST: a draft for one invoice; it has a number of the drafts' series until it is posted."""
    enter(dialect, call, "salesCreditMemos")
    body = body_of(dialect, call, entities.CREDIT_MEMO)
    customer = required_customer(dialect, body)
    check_currency(dialect, body, customer)
    invoice = _applied(dialect, body)
    if invoice.customer_id != customer.id:
        field_refused("invoiceId", body.fields.get("invoiceId"))
    rows = read_lines(dialect, body.parts.get("salesCreditMemoLines", []), _LINE)
    lines = [_line(dialect, row, n) for n, row in enumerate(rows, 1)]
    numbers = dialect.state.numbers
    id_ = str(numbers.next("credit draft"))
    number = str(numbers.next("credit draft number", 1_001))
    external = body.text("externalDocumentNumber") or ""
    draft = CreditDraft(id_, number, customer.id, invoice.id, call.now, call.now, external, lines)
    dialect.state.credits[id_] = draft
    return answer(dialect, call, sources.CREDIT_MEMOS, draft, 201)


def _applied(dialect: "BusinessCentralDialect", body: Body) -> Invoice:
    guid, number = body.guid("invoiceId"), body.text("invoiceNumber")
    by_guid = None if guid is None else sources.invoice_of(dialect, guid)
    if guid is not None and not isinstance(by_guid, Invoice):
        dialog('The "invoiceId" does not match to an Invoice.')
    by_number = None if number is None else dialect.core.state.invoices.get(dialect.core.by_number.get(number, ""))
    if number is not None and by_guid is not None and by_guid is not by_number:
        dialog('The "invoiceId" and "invoiceNumber" do not match to a specific Invoice.')
    found = by_guid if isinstance(by_guid, Invoice) else by_number
    if found is None:
        # A credit memo that stands for itself is not modelled: see facts.md.
        field_refused("invoiceId", body.fields.get("invoiceId"))
    return found


def _line(dialect: "BusinessCentralDialect", row: Body, place: int) -> CreditLine:
    text, number, guid = row.text("description") or "", row.text("lineObjectNumber"), row.guid("accountId")
    if guid is not None and number is None:
        account = sources.G_L_ACCOUNTS.find(dialect, guid)
        number = None if account is None else ACCOUNTS[account][0]
    kind = row.fields.get("lineType")
    if kind == "Comment" or (kind is None and number is None and guid is None):
        return CreditLine(place * 10_000, None, 0, 0, text.replace("\n", " "))
    if kind != "Account":
        field_refused("lineType", kind)
    if number not in ACCOUNT_OF:
        dialog("Account does not exist.")
    quantity, price = row.whole("quantity"), row.money("unitPrice")
    if quantity is None or quantity <= 0:
        field_refused("quantity", row.fields.get("quantity"))
    if price is None or price < 0:
        field_refused("unitPrice", row.fields.get("unitPrice"))
    return CreditLine(place * 10_000, number, quantity, price, text)


def delete_credit_memo(dialect: "BusinessCentralDialect", call: Call, memo: "CreditMemo | CreditDraft") -> Response:
    """DELETE: drafts only."""
    check_etag(dialect, call, dialect.shapes.credit_memo(memo, call.now))
    if not isinstance(memo, CreditDraft):
        dialog(_DRAFT_ONLY)
    del dialect.state.credits[memo.id]
    return done()


def add_line(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST of a line to a draft."""
    draft = of_set(dialect, call, "salesCreditMemos")
    if not isinstance(draft, CreditDraft):
        dialog(_DRAFT_ONLY)
    place = next_place(draft.lines)
    draft.lines.append(_line(dialect, body_of(dialect, call, _LINE), place))
    draft.modified_at = call.now
    return line_answer(dialect, call, "salesCreditMemoLines", list(dialect.shapes.credit_lines(draft))[-1], 201)


def post(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """post: the draft becomes a posted credit memo with a number of its own; its GUID stays."""
    draft = of_set(dialect, call, "salesCreditMemos")
    if not isinstance(draft, CreditDraft):
        dialog(_DRAFT_ONLY)
    check_etag(dialect, call, dialect.shapes.credit_memo(draft, call.now))
    amounts = [line for line in draft.lines if line.account is not None]
    accounts = {ACCOUNT_OF[line.account] for line in amounts if line.account is not None}
    if not amounts:
        dialog("Please add at least one line item to the credit memo.")
    if len(accounts) > 1:
        # One posting of the core is booked against one account.
        field_refused("lineObjectNumber", amounts[-1].account)
    reason = next((line.description for line in draft.lines if line.description), "Credit memo")
    total = sum(line.quantity * line.price_minor for line in amounts)
    try:
        memo = dialect.core.issue_credit_memo(draft.invoice_id, total, reason, account=accounts.pop())
    except RuleError as rule:
        ruled(rule)
    dialect.state.credited[draft.id] = memo.id
    dialect.state.credit_origin[memo.id] = draft.id
    if draft.external_number:
        dialect.state.kept[f"creditmemo/{memo.id}"] = {"externalDocumentNumber": draft.external_number}
    del dialect.state.credits[draft.id]
    return done()
