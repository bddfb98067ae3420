"""Inbound documents into the books: each whole or not at all, each answered by one acknowledgement.

``STATUS``: A accepted, H accepted and on credit hold, D done before (nothing changed), R refused.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.legacy_erp.layouts import BY_NAME, Document, Record, Value, fitted
from o2c_twin.mock_systems.vendors.legacy_erp.rhythm import local_stamp

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.legacy_erp.dialect import LegacyErpDialect


class Answer:
    """What became of a document."""

    __slots__ = ("code", "number", "record_id", "status", "text")

    def __init__(self, status: str, record_id: str = "", number: str = "", code: str = "", text: str = "") -> None:
        self.status = status
        self.record_id = record_id
        self.number = number
        self.code = code
        self.text = text


def operation_of(edge: str, document: Document) -> str:
    """The operation's name: the edge and the document, ``file.order``; a change of a master has one of its own."""
    changes = document.type == "customer" and document.head.get("ERP_ID") is not None
    return f"{edge}.{document.type}{'-change' if changes else ''}"


def work(erp: "LegacyErpDialect", document: Document, edge: str) -> Document:
    """Enter one document into the books; gives its acknowledgement and changes nothing when it refuses."""
    try:
        answer = _WORKERS[document.type](erp, document, edge)
    except RuleError as rule:
        where = f" ({rule.field})" if rule.field else ""
        answer = Answer("R", code=rule.code.upper()[:24], text=f"{rule.message}{where}")
    return acknowledgement(erp, document, answer)


def acknowledgement(erp: "LegacyErpDialect", document: Document, answer: Answer) -> Document:
    """The acknowledgement record of an answer."""
    kind = BY_NAME[document.type]
    head: Record = {
        "REF": document.head.get("REF"),
        "DOC": kind.file_type,
        "STATUS": answer.status,
        "ERP_ID": answer.record_id or None,
        "ERP_NO": answer.number or None,
        "ERR_CD": answer.code or None,
        "ERR_TXT": answer.text or None,
        "AT": local_stamp(erp.world.clock.now(), erp.config.batch),
    }
    return Document("ack", fitted(BY_NAME["ack"].head, head))


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _whole(value: Value) -> int:
    return value if isinstance(value, int) else 0


def _currency(erp: "LegacyErpDialect", document: Document) -> None:
    currency = _text(document.head.get("CURR"))
    if currency != erp.config.currency:
        raise RuleError("wrong-currency", f"{currency} is not the currency of the books, {erp.config.currency}", "CURR")


def _customer_id(erp: "LegacyErpDialect", document: Document) -> str:
    number = _text(document.head.get("CUST_NO"))
    found = erp.customer_numbers.get(number)
    if found is None:
        raise RuleError("unknown-customer", f"no customer {number!r}", "CUST_NO")
    return found


def _known(erp: "LegacyErpDialect", kind: str, document: Document) -> str | None:
    return erp.core.by_external_id(kind, _text(document.head.get("REF")))


def _external_id(erp: "LegacyErpDialect", kind: str, document: Document) -> str | None:
    # A second record with a reference the books have already keeps the reference on its acknowledgement only.
    return None if _known(erp, kind, document) is not None else _text(document.head.get("REF"))


def _customer(erp: "LegacyErpDialect", document: Document, edge: str) -> Answer:
    head, core = document.head, erp.core
    _currency(erp, document)
    number = _text(head.get("CUST_NO"))
    fields: dict[str, object] = {"name": _text(head.get("NAME")), "credit_limit_minor": head.get("CREDIT_LIMIT")}
    fields["email"] = head.get("EMAIL")
    if head.get("TERMS_DAYS") is not None:
        fields["terms_days"] = _whole(head.get("TERMS_DAYS"))
    if number:
        fields["number"] = number
    changed = _text(head.get("ERP_ID"))
    taken = erp.customer_numbers.get(number) if number else None
    if taken is not None and taken != changed:
        raise RuleError("number-taken", f"customer number {number} is customer {taken}", "CUST_NO")
    if changed:
        if changed not in core.state.customers:
            raise RuleError("unknown-customer", f"no customer record {changed}", "ERP_ID")
        customer = core.update_customer(changed, **fields)
        return Answer("A", customer.id, customer.number)
    known = _known(erp, "customer", document)
    if known is not None and not erp.config.takes_duplicate_references:
        return Answer("D", known, core.state.customers[known].number)
    name = str(fields.pop("name"))
    made = core.add_customer(name, erp.config.currency, external_id=_external_id(erp, "customer", document), **fields)
    return Answer("A", made.id, made.number)


def _order(erp: "LegacyErpDialect", document: Document, edge: str) -> Answer:
    head, core = document.head, erp.core
    known = _known(erp, "order", document)
    if known is not None and not erp.config.takes_duplicate_references:
        return Answer("D", known, core.state.orders[known].number)
    _currency(erp, document)
    counted = head.get("LINE_COUNT")
    if counted is not None and counted != len(document.lines):
        raise RuleError("line-count", f"{counted} lines announced, {len(document.lines)} found", "LINE_COUNT")
    customer_id = _customer_id(erp, document)
    lines = []
    for line in document.lines:
        item = core.items_by_sku.get(_text(line.get("SKU")))
        if item is None:
            raise RuleError("unknown-item", f"no item {line.get('SKU')!r}", "SKU")
        lines.append((item.id, _whole(line.get("QTY")), _whole(line.get("PRICE"))))
    order = core.enter_order(
        customer_id,
        lines,
        external_id=_external_id(erp, "order", document),
        po_number=_text(head.get("PO_NO")) or None,
        channel=edge,
    )
    return Answer("H" if order.credit == "hold" else "A", order.id, order.number, "", order.hold_reason or "")


def _cash(erp: "LegacyErpDialect", document: Document, edge: str) -> Answer:
    head, core = document.head, erp.core
    known = _known(erp, "payment", document)
    if known is not None and not erp.config.takes_duplicate_references:
        return Answer("D", known, core.state.payments[known].number)
    _currency(erp, document)
    customer_id = _customer_id(erp, document)
    applied = []
    for line in document.lines:
        number = _text(line.get("INV_NO"))
        invoice_id = core.by_number.get(number)
        if invoice_id is None or invoice_id not in core.state.invoices:
            raise RuleError("unknown-invoice", f"no invoice {number!r}", "INV_NO")
        applied.append((invoice_id, _whole(line.get("AMOUNT"))))
    payment = core.receive_payment(
        customer_id,
        _whole(head.get("AMOUNT")),
        applied,
        external_id=_external_id(erp, "payment", document),
        reference=_text(head.get("BANK_REF")) or None,
        channel=edge,
    )
    return Answer("A", payment.id, payment.number)


def _billing(erp: "LegacyErpDialect", document: Document, edge: str) -> Answer:
    core = erp.core
    known = _known(erp, "invoice", document)
    if known is not None:
        # Whatever was billed under this reference is billed; what shipped since waits for a request of its own.
        return Answer("D", known, core.state.invoices[known].number)
    number = _text(document.head.get("ORD_NO"))
    order_id = core.by_number.get(number)
    if order_id is None or order_id not in core.state.orders:
        raise RuleError("unknown-order", f"no sales order {number!r}", "ORD_NO")
    try:
        invoice = core.invoice_order(order_id, external_id=_text(document.head.get("REF")), channel=edge)
    except RuleError as rule:
        if rule.code != "nothing-to-bill":
            raise
        return Answer("D", code="NOTHING-TO-BILL", text=rule.message)
    return Answer("A", invoice.id, invoice.number)


def _request(erp: "LegacyErpDialect", document: Document, edge: str) -> Answer:
    wanted = _text(document.head.get("WHAT"))
    if wanted == "ALL":
        erp.load_all()
        return Answer("A")
    if wanted.isascii() and wanted.isdecimal() and erp.send_again(int(wanted)):
        return Answer("A", number=wanted)
    raise RuleError("unknown-file", f"no outbound file {wanted!r} is kept; ask for ALL", "WHAT")


_WORKERS: dict[str, "Callable[[LegacyErpDialect, Document, str], Answer]"] = {
    "customer": _customer,
    "order": _order,
    "cash": _cash,
    "billing": _billing,
    "request": _request,
}
