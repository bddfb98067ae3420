"""The ledgers: the business state of all systems at an instant, in names that do not depend on who came first.

Two runs of one business, live and virtual or over two brands, have the same ledgers when the same goods and the
same money are in the same places. Vendors' ids and document numbers follow the order of the calls within a day,
so documents are named here by what they belong to: an order by the customer's purchase order number, the second
invoice of it ``PO-000004/invoice 2``. Instants are days (UTC). Amounts are integer minor units of the
estate's currency, quantities in the item's unit.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from o2c_twin.mock_systems.roles.bank import Entry
from o2c_twin.mock_systems.roles.billing import BillingCore
from o2c_twin.mock_systems.roles.direct_debit import DirectDebitCore
from o2c_twin.mock_systems.roles.erp import Customer, SalesOrder
from o2c_twin.mock_systems.roles.erp.rules import fulfilment_status
from o2c_twin.twin.estate import Estate
from o2c_twin.twin.ledger_tables import (
    AccountRow,
    ApplicationRow,
    BalanceRow,
    CollectionRow,
    CreditMemoRow,
    CustomerRow,
    DealRow,
    DeliveryRow,
    EntryRow,
    InvoiceRow,
    Ledgers,
    LineRow,
    OpenItemRow,
    OrderRow,
    PaymentRow,
    PayoutRow,
    Row,
    StockRow,
)

_T = TypeVar("_T")
_R = TypeVar("_R", bound=Row)
_OF_ACCOUNTS = {"number": "customer_number", "terms_days": "terms_days", "credit_limit": "credit_limit"}


def ledgers_of(estate: Estate) -> Ledgers:
    """The ledgers of an estate as it is now. Nothing is changed."""
    return _Reading(estate).ledgers()


def _day(us: int) -> str:
    return datetime.fromtimestamp(us // 1_000_000, UTC).date().isoformat()


def _text(value: object) -> str | None:
    # CRMs keep a number as text, as an integer or as a decimal.
    if value is None:
        return None
    return f"{value:f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _named(records: Iterable[_T], name: Callable[[_T], str]) -> dict[str, _T]:
    """Records by name; the second of one name gets ``(2)``. Records come in the order they were made."""
    found: dict[str, _T] = {}
    for record in records:
        base = key = name(record)
        nth = 1
        while key in found:
            nth += 1
            key = f"{base} ({nth})"
        found[key] = record
    return found


def _row(kind: type[_R], key: str, record: Any, **given: object) -> _R:
    """The row of a record: what is not given has the name it has in the record."""
    for field in kind.__struct_fields__:
        if field != "key" and field not in given:
            given[field] = getattr(record, field)
    if "channel" in given:
        # As in the run record: each vendor has its own name for the engine's user.
        given["channel"] = "manual" if record.channel == "manual" else "sync"
    return kind(key=key, **given)


def _by_key(rows: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(sorted(rows, key=lambda row: row.key))  # type: ignore[attr-defined]  # every row has a key


class _Reading:
    """One reading of an estate: first everything gets its name, then the tables are written."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._erp = estate.erp.state
        self._crm = estate.crm.state
        self._fields = estate.crm_fields
        self._sku = {item.id: item.sku for item in self._erp.items.values()}
        self._closed: dict[str, str] = {}
        entries: list[Entry] = []
        for account in (estate.bank.account(account_id) for account_id in estate.bank_accounts.values()):
            entries += account.pending
            for statement in account.statements:
                self._closed |= dict.fromkeys((entry.reference for entry in statement.entries), statement.date)
                entries += statement.entries
        self._customers = _keys(_named(self._erp.customers.values(), self._customer_name))
        self._orders = _named(self._erp.orders.values(), self._order_name)
        self._order_key = _keys(self._orders)
        self._delivery_key = self._nth("delivery", self._erp.deliveries.values())
        self._invoice_key = self._nth("invoice", self._erp.invoices.values())
        memos = self._erp.credit_memos.values()
        self._memo_key = _keys(_named(memos, lambda memo: f"{self._invoice_key[memo.invoice_id]}/credit memo"))
        self._payouts, self._collections = self._provider()
        # What vendors call documents in free text: their numbers, and their payouts' references.
        self._words = {i.number: self._invoice_key[i.id] for i in self._erp.invoices.values()}
        self._words |= {o.number: self._order_key[o.id] for o in self._erp.orders.values()}
        self._words |= {reference: f"payout {key}" for key, (reference, _) in self._payouts.items()}
        # Entries of one instant get their numbers by chance: by what they are for, they are told apart.
        entries.sort(key=lambda e: (e.booked_on, self._told(e), e.reference))
        self._entries = _named(entries, lambda e: f"{e.booked_on} {e.counterparty or '-'} {e.amount_minor}")
        names = estate.erp_stand.names
        references = {names.reference_of(e.reference): f"bank {key}" for key, e in self._entries.items()}
        references |= {names.reference_of(id_): f"provider {key}" for key, (id_, _) in self._collections.items()}
        payments = self._erp.payments.values()
        self._payments = _named(payments, lambda p: references.get(p.reference or "", f"? {p.reference}"))
        self._payment_key = _keys(self._payments)

    # --- names -----------------------------------------------------------------------------------

    def _customer_name(self, customer: Customer) -> str:
        """The company's own number, whether the ERP keeps it or has one of its own beside it."""
        accounts, field = self._crm.accounts.values(), self._fields.customer_number
        numbers = {a.name: _text(a.custom[field]) for a in accounts if a.custom.get(field) is not None}
        known = customer.number in numbers.values()
        return customer.number if known else numbers.get(customer.name) or customer.name

    def _order_name(self, order: SalesOrder) -> str:
        return order.po_number or f"no PO, {self._customers[order.customer_id]} {_day(order.entered_at)}"

    def _nth(self, kind: str, documents: Iterable[Any]) -> dict[str, str]:
        count: dict[str, int] = {}
        keys = {}
        for document in documents:
            order = self._order_key.get(document.order_id, "no order")
            count[order] = count.get(order, 0) + 1
            keys[document.id] = f"{order}/{kind} {count[order]}"
        return keys

    def _told(self, entry: Entry) -> str:
        words = f"{entry.end_to_end_id or ''} {''.join(entry.remittance)}".split()
        documents = sorted({self._words[word] for word in words if word in self._words})
        return "; ".join((*documents, *(word for word in words if word not in self._words)))

    # --- the payment provider --------------------------------------------------------------------

    def _provider(self) -> tuple[dict[str, tuple[str, PayoutRow]], dict[str, tuple[str, CollectionRow]]]:
        """Payouts by name with their reference, collections by name with the provider's id."""
        core = getattr(self._estate.payments_stand, "core", None)
        invoices = {i.number: self._invoice_key[i.id] for i in self._erp.invoices.values()}
        asked: list[tuple[Any, int, int]] = []
        sent: list[tuple[Any, int, str]] = []
        if isinstance(core, BillingCore):
            back: dict[str, int] = {}
            for charge in core.state.charges.values():
                back[charge.payment_id] = back.get(charge.payment_id, 0) + charge.refunded_minor
            asked = [(p, p.amount_minor, back.get(p.id, 0)) for p in core.state.payments.values()]
            sent = [(p, p.amount_minor, _day(p.arrives_at)) for p in core.state.payouts.values()]
        elif isinstance(core, DirectDebitCore):
            asked = [(d, d.amount, d.refunded) for d in core.state.payments.values()]
            sent = [(d, d.amount, d.arrives_on) for d in core.state.payouts.values()]
        elif core is not None:
            raise ValueError(f"ledgers: cannot read a payment provider whose core is {type(core).__name__}; teach it")

        def of_invoice(payment: tuple[Any, int, int]) -> str:
            number = payment[0].metadata.get("invoice_number", "-")
            return invoices.get(number, f"? {number}")

        payouts = {
            key: (p.reference, PayoutRow(key=key, amount_minor=amount, state=p.status))
            for key, (p, amount, _) in _named(sent, lambda payout: f"{payout[2]} {payout[1]}").items()
        }
        collections = {
            key: (p.id, CollectionRow(key=key, amount_minor=amount, refunded_minor=refunded, state=p.status))
            for key, (p, amount, refunded) in _named(asked, of_invoice).items()
        }
        return payouts, collections

    # --- tables ----------------------------------------------------------------------------------

    def _lines(self, lines: Sequence[Any]) -> tuple[LineRow, ...]:
        done = [(getattr(line, "shipped", 0), getattr(line, "billed", 0)) for line in lines]
        read = [(self._sku[line.item_id], line.quantity, line.unit_price_minor) for line in lines]
        return tuple(sorted(LineRow(*what, *so_far) for what, so_far in zip(read, done, strict=True)))

    def ledgers(self) -> Ledgers:
        """All tables."""
        erp, customer = self._erp, self._customers
        delivery, invoice, balances = self._delivery_key, self._invoice_key, self._estate.erp.trial_balance()
        return Ledgers(
            customers=_by_key(_row(CustomerRow, customer[c.id], c) for c in erp.customers.values()),
            orders=_by_key(
                self._document(OrderRow, key, o, entered_on=_day(o.entered_at), fulfilment=fulfilment_status(o))
                for key, o in self._orders.items()
            ),
            deliveries=_by_key(
                self._document(
                    DeliveryRow, delivery[d.id], d, issued_on=_day(d.issued_at), invoice=invoice.get(d.invoice_id or "")
                )
                for d in erp.deliveries.values()
            ),
            invoices=_by_key(
                self._document(InvoiceRow, invoice[i.id], i, issued_on=_day(i.issued_at), due_on=_day(i.due_at))
                for i in erp.invoices.values()
            ),
            credit_memos=_by_key(
                _row(CreditMemoRow, self._memo_key[m.id], m, invoice=invoice[m.invoice_id], issued_on=_day(m.issued_at))
                for m in erp.credit_memos.values()
            ),
            payments=_by_key(
                _row(PaymentRow, key, p, customer=customer[p.customer_id], received_on=_day(p.received_at))
                for key, p in self._payments.items()
            ),
            applications=self._applications(),
            open_items=_by_key(
                _row(OpenItemRow, invoice[i.id], i, customer=customer[i.customer_id], due_on=_day(i.due_at))
                for i in erp.invoices.values()
                if i.open_minor
            ),
            trial_balance=_by_key(BalanceRow(key=name, balance_minor=minor) for name, minor in balances.items()),
            stock=_by_key(_row(StockRow, i.sku, i) for i in erp.items.values()),
            accounts=self._accounts(),
            deals=self._deals(),
            bank=_by_key(
                _row(EntryRow, key, e, statement=self._closed.get(e.reference), told=self._told(e))
                for key, e in self._entries.items()
            ),
            collections=_by_key(row for _, row in self._collections.values()),
            payouts=_by_key(row for _, row in self._payouts.values()),
        )

    def _document(self, kind: type[_R], key: str, document: Any, **given: object) -> _R:
        customer = self._customers[document.customer_id]
        return _row(kind, key, document, customer=customer, lines=self._lines(document.lines), **given)

    def _applications(self) -> tuple[ApplicationRow, ...]:
        def name(applied: Any) -> str:
            keys = self._payment_key if applied.source_kind == "payment" else self._memo_key
            return f"{keys[applied.source_id]} -> {self._invoice_key[applied.invoice_id]}"

        return _by_key(
            _row(ApplicationRow, key, a, applied_on=_day(a.applied_at))
            for key, a in _named(self._erp.applications, name).items()
        )

    def _accounts(self) -> tuple[AccountRow, ...]:
        fields = self._fields
        wanted = {name: getattr(fields, read) for name, read in _OF_ACCOUNTS.items()}
        return _by_key(
            AccountRow(key=key, **{name: _text(account.custom.get(field)) for name, field in wanted.items()})
            for key, account in _named(self._crm.accounts.values(), lambda account: account.name).items()
        )

    def _deals(self) -> tuple[DealRow, ...]:
        fields, crm = self._fields, self._crm
        orders = {order.number: key for key, order in self._orders.items()}
        ids = {self._estate.erp_stand.names.name_of("order", order.id): key for key, order in self._orders.items()}

        def known(value: object, names: dict[str, str]) -> str | None:
            return None if value is None else names.get(str(value), f"? {value}")

        rows = []
        deals = _named(crm.opportunities.values(), lambda o: _text(o.custom.get(fields.deal_ref)) or o.name)
        for key, deal in deals.items():
            read = deal.custom.get
            numbers = [number for number in str(read(fields.invoice_number) or "").split(",") if number]
            account = None if deal.account_id is None else crm.accounts.get(deal.account_id)
            sold = [(crm.lines[id_], crm.products[crm.lines[id_].product_id].code) for id_ in deal.lines]
            rows.append(
                _row(
                    DealRow,
                    key,
                    deal,
                    account=None if account is None else account.name,
                    closes_on=deal.close_date,
                    po_number=_text(read(fields.po_number)),
                    order=known(read(fields.erp_order_number), orders),
                    order_id=known(read(fields.erp_order_id), ids),
                    fulfilment=_text(read(fields.fulfilment)),
                    credit=_text(read(fields.credit)),
                    invoices=tuple(sorted(self._words.get(number, f"? {number}") for number in numbers)),
                    payment=_text(read(fields.payment)),
                    lines=tuple(sorted(LineRow(sku, x.quantity, x.unit_price_minor) for x, sku in sold)),
                )
            )
        return _by_key(rows)


def _keys(named: dict[str, Any]) -> dict[str, str]:
    """Name by id."""
    return {record.id: key for key, record in named.items()}
