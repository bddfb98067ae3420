"""Where the rows of each entity set come from, and what can be looked up instead of scanned."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from o2c_twin.mock_systems.roles.erp import CreditMemo, Delivery, Invoice, SalesOrder
from o2c_twin.mock_systems.vendors.business_central import entities
from o2c_twin.mock_systems.vendors.business_central.entities import EntityType
from o2c_twin.mock_systems.vendors.business_central.shapes import is_gone
from o2c_twin.mock_systems.vendors.business_central.shapes_ledger import ACCOUNT_OF, ACCOUNTS
from o2c_twin.mock_systems.vendors.business_central.shapes_masters import Shape
from o2c_twin.mock_systems.vendors.business_central.state import CreditDraft, Draft

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.business_central.dialect import BusinessCentralDialect

_P = TypeVar("_P")
_D = TypeVar("_D")
Lookup = Callable[["BusinessCentralDialect", str], Iterable[Any]]


@dataclass(frozen=True, slots=True)
class Source:
    """One entity set.

    ``every`` gives its records in key order, ``find`` the one of a GUID, ``shape`` writes one. ``lookups`` give the
    records with a value of a property; ``feed`` is the kind of the core's change feed, for what changed since;
    ``parts`` writes its lines. ``rank`` orders records as ``every`` does.
    """

    type: EntityType
    every: Callable[["BusinessCentralDialect"], Iterable[Any]]
    find: Callable[["BusinessCentralDialect", str], Any]
    shape: Callable[["BusinessCentralDialect", Any, int], Shape]
    lookups: Mapping[str, Lookup] = field(default_factory=dict)
    feed: str | None = None
    by_id: Callable[["BusinessCentralDialect", str], Any] = lambda dialect, id_: None
    parts: Mapping[str, Callable[["BusinessCentralDialect", Any], Iterable[Shape]]] = field(default_factory=dict)


def order_of(dialect: "BusinessCentralDialect", id_: str) -> SalesOrder | None:
    """The order, unless it is gone."""
    order = dialect.core.state.orders.get(id_)
    gone = order is None or id_ in dialect.hidden or is_gone(order, dialect.oddities.order_deleted_when_invoiced)
    return None if gone else order


def invoice_of(dialect: "BusinessCentralDialect", guid: str) -> Invoice | Draft | None:
    """The invoice of a GUID, posted or draft."""
    ours, invoices = dialect.state, dialect.core.state.invoices
    return _posted_or_draft(dialect, guid, "invoice", "draft", invoices, ours.drafts, ours.posted, ours.origin)


def credit_of(dialect: "BusinessCentralDialect", guid: str) -> CreditMemo | CreditDraft | None:
    """The credit memo of a GUID, posted or draft."""
    ours, memos = dialect.state, dialect.core.state.credit_memos
    kind, draft_kind = "creditmemo", "creditdraft"
    return _posted_or_draft(dialect, guid, kind, draft_kind, memos, ours.credits, ours.credited, ours.credit_origin)


def _posted_or_draft(
    dialect: "BusinessCentralDialect",
    guid: str,
    kind: str,
    draft_kind: str,
    documents: Mapping[str, _P],
    drafts: Mapping[str, _D],
    posted: Mapping[str, str],
    origin: Mapping[str, str],
) -> _P | _D | None:
    """A draft keeps its GUID when it is posted; the document it becomes has no other."""
    found = dialect.guids.read(kind, guid)
    if found is not None:
        return None if found[0] in origin else documents.get(found[0])
    found = dialect.guids.read(draft_kind, guid)
    if found is None:
        return None
    document = posted.get(found[0])
    return drafts.get(found[0]) if document is None else documents[document]


def _id(dialect: "BusinessCentralDialect", kind: str, guid: str) -> str:
    found = dialect.guids.read(kind, guid)
    return "" if found is None else found[0]


def _orders(dialect: "BusinessCentralDialect") -> Iterable[SalesOrder]:
    return [order for id_, order in dialect.core.state.orders.items() if order_of(dialect, id_) is not None]


def _live(dialect: "BusinessCentralDialect", orders: Iterable[SalesOrder | None]) -> list[SalesOrder]:
    return [o for o in orders if o is not None and order_of(dialect, o.id) is not None]


def _invoices(dialect: "BusinessCentralDialect") -> Iterable[Invoice | Draft]:
    return [*dialect.core.state.invoices.values(), *dialect.state.drafts.values()]


def _of_customer(dialect: "BusinessCentralDialect", guid: str) -> Iterable[Invoice | Draft]:
    id_ = _id(dialect, "customer", guid)
    return [
        *dialect.index.invoices_of_customer(id_),
        *(d for d in dialect.state.drafts.values() if d.customer_id == id_),
    ]


def _shipment(dialect: "BusinessCentralDialect", id_: str) -> Delivery | None:
    delivery = dialect.core.state.deliveries.get(id_)
    return None if delivery is None or delivery.order_id in dialect.hidden else delivery


def _numbered(dialect: "BusinessCentralDialect", number: str) -> Iterable[Any]:
    id_ = dialect.core.by_number.get(number)
    return (
        [dialect.core.state.invoices[id_]]
        if id_ in dialect.core.state.invoices
        else [d for d in dialect.state.drafts.values() if d.number == number]
    )


def _order_numbered(dialect: "BusinessCentralDialect", number: str) -> list[SalesOrder]:
    order = dialect.core.state.orders.get(dialect.core.by_number.get(number, ""))
    return [] if order is None else [order]


def _lines_of(dialect: "BusinessCentralDialect", journal: str) -> list[Any]:
    return [line for line in dialect.state.lines.values() if line.journal_id == journal]


def _payments_with(dialect: "BusinessCentralDialect", number: str) -> list[Any]:
    return [line for line in dialect.state.lines.values() if line.document_number == number]


def _terms(dialect: "BusinessCentralDialect") -> list[int]:
    return sorted({**dict.fromkeys(dialect.config.terms), **dialect.state.terms})


def _term(dialect: "BusinessCentralDialect", guid: str) -> int | None:
    id_ = _id(dialect, "term", guid)
    return int(id_) - 1 if id_ and 1 <= int(id_) <= 1_000 else None


def _entry(dialect: "BusinessCentralDialect", guid: str) -> int | None:
    id_ = _id(dialect, "entry", guid)
    return int(id_) - 1 if id_ and 1 <= int(id_) <= len(dialect.core.state.postings) else None


def _documents_of(dialect: "BusinessCentralDialect", number: str) -> list[int]:
    payments = dialect.payments_by_document.get(number, ())
    return sorted(p for name in (number, *payments) for p in dialect.index.entries_of(name))


CUSTOMERS = Source(
    entities.CUSTOMER,
    lambda d: d.core.state.customers.values(),
    lambda d, g: d.core.state.customers.get(_id(d, "customer", g)),
    lambda d, r, now: d.shapes.customer(r, now),
    {"number": lambda d, v: d.index.customers_numbered(v)},
    "customer",
    lambda d, i: d.core.state.customers.get(i),
    {"customerFinancialDetail": lambda d, r: [d.shapes.financial(r, d.now())]},
)
FINANCIALS = Source(
    entities.FINANCIAL, CUSTOMERS.every, CUSTOMERS.find, lambda d, r, now: d.shapes.financial(r, now), CUSTOMERS.lookups
)
AGED = Source(entities.AGED, CUSTOMERS.every, CUSTOMERS.find, lambda d, r, now: d.shapes.aged(r, now))
ITEMS = Source(
    entities.ITEM,
    lambda d: d.core.state.items.values(),
    lambda d, g: d.core.state.items.get(_id(d, "item", g)),
    lambda d, r, now: d.shapes.item(r, now),
    {"number": lambda d, v: [d.core.items_by_sku[v]] if v in d.core.items_by_sku else []},
    "item",
    lambda d, i: d.core.state.items.get(i),
)
TERMS = Source(entities.TERM, _terms, _term, lambda d, r, now: d.shapes.term(r, now))
ORDERS = Source(
    entities.ORDER,
    _orders,
    lambda d, g: order_of(d, _id(d, "order", g)),
    lambda d, r, now: d.shapes.order(r, now),
    {
        "number": lambda d, v: _live(d, _order_numbered(d, v)),
        "externalDocumentNumber": lambda d, v: _live(d, d.index.orders_with(v)),
        "customerId": lambda d, v: _live(
            d, (d.core.state.orders.get(i) for i in d.core.orders_of.get(_id(d, "customer", v), ()))
        ),
    },
    "order",
    order_of,
    {"salesOrderLines": lambda d, r: d.shapes.order_lines(r), "customer": lambda d, r: [_customer(d, r)]},
)
SHIPMENTS = Source(
    entities.SHIPMENT,
    lambda d: [s for s in d.core.state.deliveries.values() if s.order_id not in d.hidden],
    lambda d, g: _shipment(d, _id(d, "shipment", g)),
    lambda d, r, now: d.shapes.shipment(r, now),
    {"number": lambda d, v: [s for s in d.core.state.deliveries.values() if s.number == v]},
    "delivery",
    _shipment,
    {"salesShipmentLines": lambda d, r: d.shapes.shipment_lines(r)},
)
INVOICES = Source(
    entities.INVOICE,
    _invoices,
    invoice_of,
    lambda d, r, now: d.shapes.invoice(r, now),
    {
        "number": _numbered,
        "orderNumber": lambda d, v: d.index.invoices_of(_order_numbered(d, v)),
        "orderId": lambda d, v: d.index.invoices_of(
            o for o in (d.core.state.orders.get(_id(d, "order", v)),) if o is not None
        ),
        "externalDocumentNumber": lambda d, v: [
            *d.index.invoices_of(d.index.orders_with(v)),
            *(x for x in d.state.drafts.values() if x.fields.get("externalDocumentNumber") == v),
        ],
        "customerId": _of_customer,
    },
    "invoice",
    lambda d, i: d.core.state.invoices.get(i),
    {
        "salesInvoiceLines": lambda d, r: d.shapes.invoice_lines(r),
        "customer": lambda d, r: [_customer(d, r)],
        "paymentTerm": lambda d, r: [d.shapes.term(d.core.state.customers[r.customer_id].terms_days, d.now())],
    },
)
CREDIT_MEMOS = Source(
    entities.CREDIT_MEMO,
    lambda d: [*d.core.state.credit_memos.values(), *d.state.credits.values()],
    credit_of,
    lambda d, r, now: d.shapes.credit_memo(r, now),
    parts={"salesCreditMemoLines": lambda d, r: d.shapes.credit_lines(r)},
)
G_L_ACCOUNTS = Source(
    entities.ACCOUNT,
    lambda d: ACCOUNTS,
    lambda d, g: ACCOUNT_OF.get(_id(d, "account", g)),
    lambda d, r, now: d.shapes.account(r, now),
    {"number": lambda d, v: [ACCOUNT_OF[v]] if v in ACCOUNT_OF else []},
)
PAYMENT_JOURNALS = Source(
    entities.PAYMENT_JOURNAL,
    lambda d: d.state.journals.values(),
    lambda d, g: d.state.journals.get(_id(d, "journal", g)),
    lambda d, r, now: d.shapes.journal(r, now),
    parts={"customerPayments": lambda d, r: [d.shapes.payment(x, 0) for x in _lines_of(d, r.id)]},
)
JOURNALS = Source(
    entities.JOURNAL,
    # The list has the batches of the general template only; by its id any batch is found, payment journals too.
    lambda d: (),
    PAYMENT_JOURNALS.find,
    lambda d, r, now: {**d.shapes.journal(r, now), "templateDisplayName": "CASHRCPT"},
)
PAYMENTS = Source(
    entities.PAYMENT,
    lambda d: d.state.lines.values(),
    lambda d, g: d.state.lines.get(_id(d, "payment", g)),
    lambda d, r, now: d.shapes.payment(r, now),
    {"documentNumber": _payments_with, "journalId": lambda d, v: _lines_of(d, _id(d, "journal", v))},
)
ENTRIES = Source(
    entities.ENTRY,
    lambda d: range(len(d.core.state.postings)),
    _entry,
    lambda d, r, now: d.shapes.entry(r, now),
    {"documentNumber": _documents_of},
)


def _customer(dialect: "BusinessCentralDialect", record: Any) -> Shape:
    return dialect.shapes.customer(dialect.core.state.customers[record.customer_id], dialect.now())


LISTED = {
    source.type.set: source
    for source in (
        CUSTOMERS,
        ITEMS,
        TERMS,
        ORDERS,
        SHIPMENTS,
        INVOICES,
        CREDIT_MEMOS,
        G_L_ACCOUNTS,
        PAYMENT_JOURNALS,
        JOURNALS,
        PAYMENTS,
        ENTRIES,
        AGED,
        FINANCIALS,
    )
}
"""All sets of a company that can be listed."""
PART_TYPES = {
    each.set: each
    for each in (
        entities.ORDER_LINE,
        entities.SHIPMENT_LINE,
        entities.INVOICE_LINE,
        entities.CREDIT_MEMO_LINE,
        entities.PAYMENT,
    )
} | {"customer": entities.CUSTOMER, "customerFinancialDetail": entities.FINANCIAL, "paymentTerm": entities.TERM}
"""The types of what can be expanded or listed below a record."""
SINGLE = ("customer", "customerFinancialDetail", "paymentTerm")
"""Parts of which there is one."""
