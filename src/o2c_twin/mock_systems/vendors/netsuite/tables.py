"""The SuiteQL tables and their columns, each read from the core's records. facts.md lists them.

Column names: the netsuite-docs table reference, timdietrich.me on statuses and related transactions,
blog.prolecto.com (2023/02/19) on the amount columns. Sales quantities and amounts on lines are negative.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from o2c_twin.mock_systems.roles.erp import (
    CreditMemo,
    Customer,
    Delivery,
    EarlyPayment,
    ErpCore,
    Invoice,
    Payment,
    SalesOrder,
)
from o2c_twin.mock_systems.vendors.netsuite.config import NetSuiteConfig
from o2c_twin.mock_systems.vendors.netsuite.index import reference_of, source_of
from o2c_twin.mock_systems.vendors.netsuite.record_types import (
    BY_CLASS,
    BY_KIND,
    DISCOUNT_ITEM_ID,
    WRITE_OFF_ITEM_ID,
    Transaction,
)
from o2c_twin.mock_systems.vendors.netsuite.statuses import status_of
from o2c_twin.mock_systems.vendors.netsuite.subsidiaries import Subsidiaries
from o2c_twin.mock_systems.vendors.netsuite.terms import terms_id, terms_name
from o2c_twin.mock_systems.vendors.netsuite.values import money, second_of
from o2c_twin.mock_systems.wire.query.moments import day_of
from o2c_twin.mock_systems.wire.query.source import Column, Table, table

_DAY_US = 86_400_000_000


class Line(NamedTuple):
    """One row of transactionline; line 0 is the main line, which has no item. Money in minor units.

    ``shipped`` and ``billed`` are None where the type of transaction has no such figure.
    """

    transaction: Transaction
    line: int
    item_id: str | None = None
    quantity: int | None = None
    unit_price_minor: int | None = None
    amount_minor: int | None = None
    shipped: int | None = None
    billed: int | None = None
    committed: int | None = None
    closed: bool = False


class Term(NamedTuple):
    """Payment terms of so many days net, and what they grant who pays early."""

    days: int
    early: EarlyPayment | None


class Link(NamedTuple):
    """One row of the link tables: a transaction's line and the one that followed from it."""

    previous: Transaction
    previous_line: int
    next: Transaction
    next_line: int
    type: str
    amount_minor: int | None
    at: int


def lines_of(record: Transaction) -> list[Line]:
    """All rows of transactionline of one transaction, main line first."""
    total = total_minor(record)
    rows = [Line(record, 0, amount_minor=total)]
    if isinstance(record, SalesOrder):
        for each in record.lines:
            price, quantity = each.unit_price_minor, each.quantity
            figures = (each.shipped, each.billed, each.committed, each.closed)
            rows.append(Line(record, each.line, each.item_id, -quantity, price, -quantity * price, *figures))
    elif isinstance(record, Delivery | Invoice):
        for made in record.lines:
            price = made.unit_price_minor
            amount = -made.quantity * price if isinstance(record, Invoice) else None
            rows.append(Line(record, made.line, made.item_id, -made.quantity, price, amount))
    return rows


def total_minor(record: Transaction) -> int | None:
    """The total of a transaction in minor units; receipts and credits are negative, a fulfillment has none."""
    if isinstance(record, SalesOrder):
        return sum(line.quantity * line.unit_price_minor for line in record.lines)
    if isinstance(record, Invoice):
        return record.total_minor
    if isinstance(record, Payment | CreditMemo):
        return -record.amount_minor
    return None


def entered_at(record: Transaction) -> int:
    """When a transaction was entered, in microseconds since the epoch."""
    if isinstance(record, SalesOrder):
        return record.entered_at
    return record.received_at if isinstance(record, Payment) else record.issued_at


def build_tables(config: NetSuiteConfig, core: ErpCore) -> Mapping[str, Table]:
    """All tables of one account by lower-case name; display columns look the core's records up."""
    currencies = {code: number for number, code in enumerate(config.all_currencies, 1)}
    links = _links()
    own = Subsidiaries(config)
    made = [
        _transactions(core, currencies),
        _lines(core, own),
        _customers(currencies, own),
        _items(),
        _terms(),
        _deleted(),
        *links,
    ]
    if config.currencies:
        made.append(_currencies())
    return {each.name.lower(): each for each in made}


def _number(name: str, get: Callable[[Any], Any], indexed: bool = False, display: Any = None) -> Column:
    return Column(name, "number", get, indexed=indexed, display=display)


def _text(name: str, get: Callable[[Any], Any], indexed: bool = False, display: Any = None) -> Column:
    return Column(name, "string", get, indexed=indexed, display=display)


def _flag(name: str, get: Callable[[Any], Any]) -> Column:
    return Column(name, "boolean", get)


def _modified(get: Callable[[Any], int]) -> Column:
    return Column("lastmodifieddate", "instant", lambda row: second_of(get(row)), ordered=True)


def _subsidiary(subsidiaries: Subsidiaries) -> tuple[Callable[[Any], int], Callable[[Any], str]]:
    """A record's subsidiary by number and by name."""
    return (
        lambda row: int(subsidiaries.shown(row.entity)["id"]),
        lambda row: subsidiaries.shown(row.entity)["refName"],
    )


def _amount(minor: int | None) -> Decimal | None:
    return None if minor is None else money(minor)


def _transactions(core: ErpCore, currencies: Mapping[str, int]) -> Table:
    def status_code(row: Transaction) -> str:
        return f"{BY_CLASS[type(row)].code}:{status_of(row)[0]}"

    def status_name(row: Transaction) -> str:
        return f"{BY_CLASS[type(row)].label} : {status_of(row)[1]}"

    def source(row: Transaction) -> int | None:
        id_ = source_of(row)
        return None if id_ is None else int(id_)

    def source_name(row: Transaction) -> str | None:
        id_ = source_of(row)
        if isinstance(row, CreditMemo):
            return f"Invoice #{core.state.invoices[row.invoice_id].number}"
        return None if id_ is None else f"Sales Order #{core.state.orders[id_].number}"

    def due(row: Transaction) -> date | None:
        return day_of(row.due_at) if isinstance(row, Invoice) else None

    def terms(row: Transaction) -> int | None:
        return int(terms_id((row.due_at - row.issued_at) // _DAY_US)) if isinstance(row, Invoice) else None

    def unpaid(row: Transaction) -> Decimal | None:
        return money(row.open_minor) if isinstance(row, Invoice) else None

    def paid(row: Transaction) -> Decimal | None:
        return money(row.total_minor - row.open_minor) if isinstance(row, Invoice) else None

    def unused(row: Transaction) -> Decimal | None:
        return money(row.unapplied_minor) if isinstance(row, Payment | CreditMemo) else None

    def used(row: Transaction) -> Decimal | None:
        return money(row.amount_minor - row.unapplied_minor) if isinstance(row, Payment | CreditMemo) else None

    def memo(row: Transaction) -> str | None:
        if isinstance(row, SalesOrder):
            return row.memo
        return row.reason if isinstance(row, CreditMemo) else None

    return table(
        "transaction",
        (
            _number("id", lambda row: int(row.id), True),
            _text("tranid", lambda row: row.number, True),
            _text("type", lambda row: BY_CLASS[type(row)].code, True, lambda row: BY_CLASS[type(row)].label),
            _text("recordtype", lambda row: BY_CLASS[type(row)].name.lower()),
            Column("status", "id", status_code, indexed=True, display=status_name),
            _number(
                "entity",
                lambda row: int(row.customer_id),
                True,
                lambda row: core.state.customers[row.customer_id].name,
            ),
            Column("trandate", "date", lambda row: day_of(entered_at(row))),
            Column("createddate", "instant", lambda row: second_of(entered_at(row))),
            _modified(lambda row: row.modified_at),
            Column("duedate", "date", due),
            _number("terms", terms),
            _number("foreigntotal", lambda row: _amount(total_minor(row))),
            _number("foreignamountunpaid", unpaid),
            _number("foreignamountpaid", paid),
            _number("foreignpaymentamountunused", unused),
            _number("foreignpaymentamountused", used),
            _text("otherrefnum", reference_of, True),
            _text("externalid", lambda row: row.external_id, True),
            _number("createdfrom", source, True, source_name),
            _text("memo", memo),
            _number("currency", lambda row: currencies.get(row.currency), False, lambda row: row.currency),
            _flag("shipcomplete", lambda row: row.ship_complete if isinstance(row, SalesOrder) else None),
            _flag("posting", lambda row: not isinstance(row, SalesOrder)),
            _flag("voided", lambda row: False),
        ),
    )


def _lines(core: ErpCore, subsidiaries: Subsidiaries) -> Table:
    number_of, name_of = _subsidiary(subsidiaries)

    def source(row: Line) -> int | None:
        id_ = source_of(row.transaction)
        return None if id_ is None else int(id_)

    def back_ordered(row: Line) -> int | None:
        if row.committed is None or row.quantity is None or row.shipped is None:
            return None
        return 0 if row.closed else -row.quantity - row.shipped - row.committed

    return table(
        "transactionline",
        (
            _number("transaction", lambda row: int(row.transaction.id), True),
            _number("id", lambda row: row.line),
            _number("linesequencenumber", lambda row: row.line),
            _flag("mainline", lambda row: row.item_id is None),
            _number(
                "item",
                lambda row: None if row.item_id is None else int(row.item_id),
                False,
                lambda row: None if row.item_id is None else core.state.items[row.item_id].sku,
            ),
            _text("itemtype", lambda row: None if row.item_id is None else "InvtPart"),
            _number("entity", lambda row: int(row.transaction.customer_id)),
            _number("quantity", lambda row: row.quantity),
            _number("rate", lambda row: _amount(row.unit_price_minor)),
            _number("foreignamount", lambda row: _amount(row.amount_minor)),
            _number("netamount", lambda row: _amount(row.amount_minor)),
            _number("quantityshiprecv", lambda row: row.shipped),
            _number("quantitybilled", lambda row: row.billed),
            _number("quantitycommitted", lambda row: row.committed),
            _number("quantitybackordered", back_ordered),
            _flag("isclosed", lambda row: row.closed),
            _number("subsidiary", lambda row: number_of(row.transaction), False, lambda row: name_of(row.transaction)),
            _number("createdfrom", source, True),
            Column("linelastmodifieddate", "instant", lambda row: second_of(row.transaction.modified_at), ordered=True),
        ),
    )


def _customers(currencies: Mapping[str, int], subsidiaries: Subsidiaries) -> Table:
    number_of, name_of = _subsidiary(subsidiaries)

    def owed(row: Customer) -> Decimal:
        return money(row.balance_minor - row.unapplied_minor)

    def unbilled(row: Customer) -> Decimal:
        return money(row.open_orders_minor + row.unbilled_minor)

    return table(
        "customer",
        (
            _number("id", lambda row: int(row.id), True),
            _text("entityid", lambda row: row.number, True),
            _text("companyname", lambda row: row.name, True),
            _text("altname", lambda row: row.name),
            _text("email", lambda row: row.email, True),
            _text("externalid", lambda row: row.external_id, True),
            _number("creditlimit", lambda row: _amount(row.credit_limit_minor)),
            _text("creditholdoverride", lambda row: row.hold),
            _number("balance", owed),
            _number("balancesearch", owed),
            _number("unbilledorderssearch", unbilled),
            _number("terms", lambda row: int(terms_id(row.terms_days)), False, lambda row: terms_name(row.terms_days)),
            _number("currency", lambda row: currencies.get(row.currency), False, lambda row: row.currency),
            _number("subsidiary", number_of, False, name_of),
            _flag("shipcomplete", lambda row: row.ship_complete),
            _flag("isinactive", lambda row: row.inactive),
            _flag("isperson", lambda row: False),
            Column("datecreated", "instant", lambda row: second_of(row.created_at)),
            _modified(lambda row: row.modified_at),
        ),
    )


_CHARGES = (WRITE_OFF_ITEM_ID, DISCOUNT_ITEM_ID)


def _terms() -> Table:
    return table(
        "term",
        (
            _number("id", lambda row: int(terms_id(row.days)), True),
            _text("name", lambda row: terms_name(row.days)),
            _number("daysuntilnetdue", lambda row: row.days),
            _number("discountpercent", lambda row: row.early and Decimal(row.early.share_bp) / 100),
            _number("daysuntilexpiry", lambda row: row.early and row.early.days),
            _flag("isinactive", lambda row: False),
        ),
    )


def _items() -> Table:
    return table(
        "item",
        (
            _number("id", lambda row: int(row.id), True),
            _text("itemid", lambda row: row.sku, True),
            _text("displayname", lambda row: row.name),
            _text("itemtype", lambda row: "OthCharge" if row.id in _CHARGES else "InvtPart"),
            _number("cost", lambda row: money(row.cost_minor)),
            _number("averagecost", lambda row: money(row.cost_minor)),
            _number("totalquantityonhand", lambda row: row.on_hand),
            _number("quantityonhand", lambda row: row.on_hand),
            _number("quantitycommitted", lambda row: row.committed),
            _number("quantityavailable", lambda row: row.on_hand - row.committed),
            _flag("isinactive", lambda row: False),
            _modified(lambda row: row.modified_at),
        ),
    )


class Currency(NamedTuple):
    """A currency of the account: its internal id, its ISO code, whether the books are in it."""

    id: int
    code: str
    base: bool


def currencies_of(config: NetSuiteConfig) -> tuple[Currency, ...]:
    """All of an account, the base currency first."""
    codes = enumerate(config.all_currencies, 1)
    return tuple(Currency(number, code, code == config.currency) for number, code in codes)


def _currencies() -> Table:
    return table(
        "currency",
        (
            _number("id", lambda row: row.id, True),
            _text("name", lambda row: row.code),
            _text("symbol", lambda row: row.code, True),
            _flag("isbasecurrency", lambda row: row.base),
            _flag("isinactive", lambda row: False),
        ),
    )


def _deleted() -> Table:
    # Rows are the core's changes: of a record that is gone, that is all there is.
    return table(
        "deletedrecord",
        (
            _number("recordid", lambda row: int(row.id)),
            _text("type", lambda row: BY_KIND[row.kind].name.lower()),
            Column("deleteddate", "instant", lambda row: second_of(row.at), ordered=True),
        ),
    )


def _links() -> list[Table]:
    columns = (
        _number("previousdoc", lambda row: int(row.previous.id), True),
        _number("previousline", lambda row: row.previous_line),
        _text("previoustype", lambda row: BY_CLASS[type(row.previous)].code),
        _number("nextdoc", lambda row: int(row.next.id), True),
        _number("nextline", lambda row: row.next_line),
        _text("nexttype", lambda row: BY_CLASS[type(row.next)].code),
        _text("linktype", lambda row: row.type),
        _number("foreignamount", lambda row: _amount(row.amount_minor)),
        Column("lastmodifieddate", "instant", lambda row: second_of(row.at)),
    )
    return [table("nexttransactionlinelink", columns), table("previoustransactionlinelink", columns)]
