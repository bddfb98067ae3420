"""Rows for queries, found by what a query promises about them: the port behind SuiteQL and collection filters."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from o2c_twin.mock_systems.roles.erp import CreditMemo, Customer, Delivery, ErpCore, Invoice, Item, Payment
from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.netsuite.config import NetSuiteConfig
from o2c_twin.mock_systems.vendors.netsuite.index import Index
from o2c_twin.mock_systems.vendors.netsuite.record_types import (
    BY_KIND,
    CREDIT_MEMO,
    DISCOUNT_ITEM_ID,
    INVOICE,
    SALES_ORDER,
    TRANSACTIONS,
    WRITE_OFF_ITEM_ID,
    Transaction,
)
from o2c_twin.mock_systems.vendors.netsuite.statuses import LIVE_ORDER
from o2c_twin.mock_systems.vendors.netsuite.tables import Line, Link, Term, build_tables, currencies_of, lines_of
from o2c_twin.mock_systems.vendors.netsuite.terms import STANDARD_DAYS
from o2c_twin.mock_systems.vendors.netsuite.values import Dates
from o2c_twin.mock_systems.wire.query.source import FieldType, Hints, Row, Table

_EVERY_KIND = tuple(each.kind for each in TRANSACTIONS)
_KIND_OF_CODE = {each.code: each.kind for each in TRANSACTIONS}
_LIVE_CODES = frozenset(f"{SALES_ORDER.code}:{letter}" for letter in LIVE_ORDER)
_OPEN_INVOICE = f"{INVOICE.code}:A"
_OPEN_CREDIT = f"{CREDIT_MEMO.code}:A"

Wanted = tuple[object, ...] | None


class Ledger:
    """The tables of one account and their rows; implements the query engine's `Source`."""

    def __init__(self, config: NetSuiteConfig, core: ErpCore, index: Index, dates: Dates) -> None:
        self._core = core
        self._index = index
        self._tables = build_tables(config, core)
        # They are kept in no stock: the core has no such items.
        named = ((WRITE_OFF_ITEM_ID, config.write_off_item), (DISCOUNT_ITEM_ID, config.discount_item))
        self._charges = [Item(id_, name, name, 0, 0, config.currency) for id_, name in named]
        self._currencies = currencies_of(config)
        self.render: Mapping[FieldType, Callable[[Any], object]] = {
            "number": _written,
            "date": dates.day,
            "instant": dates.instant,
            # Only statuses have this type: they are compared with their full code, and answered by their letter.
            "id": _letter,
        }

    def table(self, name: str) -> Table | None:
        """The table of that lower-case name."""
        return self._tables.get(name)

    def rows(self, table: Table, hints: Hints) -> Iterable[Row]:
        """At least the rows that meet ``hints``, each once."""
        match table.name:
            case "transaction":
                return self.transactions(hints)
            case "transactionline":
                return self._lines(hints)
            case "customer":
                return self._customers(hints)
            case "item":
                return self._items(hints)
            case "deletedrecord":
                return self._deleted(hints)
            case "term":
                return self._terms()
            case "currency":
                return self._currencies
            case _:
                return self._links(hints)

    # --- transactions ----------------------------------------------------------------------------

    def transactions(self, hints: Hints) -> Iterable[Transaction]:
        """Transactions: by key, open item, reference, source or customer, change time, or all of some types."""
        equals, kinds = hints.equals, self._kinds(hints)
        ids = equals.get("id")
        if ids is None:
            ids = equals.get("tranid")
            if ids is not None:
                numbers = self._index.numbers
                return self._found(numbers[n] for n in ids if isinstance(n, str) and n in numbers)
        else:
            return self._found(_ids(ids))
        external = equals.get("externalid")
        if external is not None:
            return self._by_external_id(external, kinds)
        live = self._open_items(equals.get("status"), equals.get("entity"))
        if live is not None:
            return live
        for column, lookup in (
            ("otherrefnum", self._index.referring),
            ("createdfrom", self._index.made_from),
            ("entity", self._index.of_entity),
        ):
            values = equals.get(column)
            if values is not None:
                keys = values if column == "otherrefnum" else _ids(values)
                return self._found(id_ for key in keys for id_ in lookup(str(key)))
        after = hints.lower_bounds.get("lastmodifieddate")
        if after is not None:
            return self._changed(kinds, after)
        return self._index.all(kinds)

    def _kinds(self, hints: Hints) -> tuple[str, ...]:
        types = hints.equals.get("type")
        if types is None:
            codes = hints.equals.get("status")
            if codes is None:
                return _EVERY_KIND
            types = tuple(str(code).partition(":")[0] for code in codes)
        kinds = (_KIND_OF_CODE.get(str(code)) for code in types)
        return tuple(dict.fromkeys(kind for kind in kinds if kind is not None))

    def _found(self, ids: Iterable[str]) -> Iterator[Transaction]:
        for id_ in dict.fromkeys(ids):
            record = self._index.transaction(id_)
            if record is not None:
                yield record

    def _by_external_id(self, values: tuple[object, ...], kinds: tuple[str, ...]) -> Iterator[Transaction]:
        found = (self._core.by_external_id(kind, str(value)) for value in values for kind in kinds)
        return self._found(id_ for id_ in found if id_ is not None)

    def _open_items(self, statuses: Wanted, entities: Wanted) -> Iterable[Transaction] | None:
        """What is open, from the lists of open items, when only such statuses are asked for."""
        if statuses is None:
            return None
        codes = frozenset(statuses)
        if not codes <= (_LIVE_CODES | {_OPEN_INVOICE, _OPEN_CREDIT}):
            return None
        return self._open(codes, None if entities is None else list(_ids(entities)))

    def _open(self, codes: frozenset[object], entities: list[str] | None) -> Iterator[Transaction]:
        for wanted, by_customer in (
            (bool(codes & _LIVE_CODES), self._index.live_orders),
            (_OPEN_INVOICE in codes, self._core.open_invoices),
            (_OPEN_CREDIT in codes, self._index.open_credits),
        ):
            if wanted:
                groups: Iterable[Mapping[str, object]]
                groups = by_customer.values() if entities is None else (by_customer.get(e, {}) for e in entities)
                for group in groups:
                    yield from self._found(group)

    def _changed(self, kinds: tuple[str, ...], after: tuple[Any, bool]) -> Iterator[Transaction]:
        return self._found(change_id for kind in kinds for change_id in self._since(kind, after[0]))

    def _since(self, kind: str, at: int) -> Iterable[str]:
        # Date-times are compared by the second, so the second itself is read again.
        return dict.fromkeys(change.id for change in self._core.state.feed.since(kind, at - 1))

    # --- the other tables ------------------------------------------------------------------------

    def _lines(self, hints: Hints) -> Iterator[Line]:
        equals = hints.equals
        if "transaction" in equals:
            found: Iterable[Transaction] = self._found(_ids(equals["transaction"]))
        elif "createdfrom" in equals:
            found = self._found(id_ for key in _ids(equals["createdfrom"]) for id_ in self._index.made_from(key))
        elif "linelastmodifieddate" in hints.lower_bounds:
            found = self._changed(_EVERY_KIND, hints.lower_bounds["linelastmodifieddate"])
        else:
            found = self._index.all(_EVERY_KIND)
        for record in found:
            yield from lines_of(record)

    def _customers(self, hints: Hints) -> Iterable[Customer]:
        customers, equals = self._core.state.customers, hints.equals
        if "id" in equals:
            return _present(customers, _ids(equals["id"]))
        if "externalid" in equals:
            known = (self._core.by_external_id("customer", str(value)) for value in equals["externalid"])
            return _present(customers, (id_ for id_ in known if id_ is not None))
        for column in ("entityid", "companyname", "email"):
            if column in equals:
                named = (id_ for value in equals[column] for id_ in self._index.named(column, str(value)))
                return _present(customers, named)
        after = hints.lower_bounds.get("lastmodifieddate")
        return customers.values() if after is None else _present(customers, self._since("customer", after[0]))

    def _items(self, hints: Hints) -> Iterable[Item]:
        items, equals = self._core.state.items, hints.equals
        if "id" in equals:
            ids = list(_ids(equals["id"]))
            return (*_present(items, ids), *(charge for charge in self._charges if charge.id in ids))
        if "itemid" in equals:
            named = list(map(str, equals["itemid"]))
            charges = (charge for charge in self._charges if charge.sku in named)
            return (*_present(self._core.items_by_sku, named), *charges)
        after = hints.lower_bounds.get("lastmodifieddate")
        return items.values() if after is None else _present(items, self._since("item", after[0]))

    def _terms(self) -> Iterable[Term]:
        days = dict.fromkeys((*STANDARD_DAYS, *(each.terms_days for each in self._core.state.customers.values())))
        return [Term(each, self._core.early_payment_of(each)) for each in days]

    def _deleted(self, hints: Hints) -> Iterator[Change]:
        after = hints.lower_bounds.get("deleteddate")
        feed = self._core.state.feed
        for kind in BY_KIND:
            changes = feed.by_kind.get(kind, ()) if after is None else feed.since(kind, after[0] - 1)
            yield from (change for change in changes if change.what == "deleted")

    def _links(self, hints: Hints) -> Iterator[Link]:
        before, after = hints.equals.get("previousdoc"), hints.equals.get("nextdoc")
        if before is not None:
            for id_ in dict.fromkeys(_ids(before)):
                yield from self._document_links(self._found(self._index.made_from(id_)))
                yield from self._application_links(None, id_)
        elif after is not None:
            for id_ in dict.fromkeys(_ids(after)):
                yield from self._document_links(self._found((id_,)))
                yield from self._application_links(id_, None)
        else:
            yield from self._document_links(self._index.all(("delivery", "invoice")))
            yield from self._application_links(None, None)

    def _document_links(self, made: Iterable[Transaction]) -> Iterator[Link]:
        for record in made:
            if isinstance(record, Delivery | Invoice):
                order = self._core.state.orders[record.order_id]
                type_ = "ShipRcpt" if isinstance(record, Delivery) else "OrdBill"
                at = record.issued_at
                for line in record.lines:
                    amount = line.quantity * line.unit_price_minor
                    yield Link(order, line.line, record, line.line, type_, amount, at)

    def _application_links(self, source_id: str | None, invoice_id: str | None) -> Iterator[Link]:
        for each in self._index.applications(source_id, invoice_id):
            sources: Mapping[str, Payment | CreditMemo]
            sources = self._core.state.payments if each.source_kind == "payment" else self._core.state.credit_memos
            invoice = self._core.state.invoices[each.invoice_id]
            yield Link(invoice, 0, sources[each.source_id], 0, "Payment", each.amount_minor, each.applied_at)


def _ids(values: tuple[object, ...]) -> Iterator[str]:
    """Internal ids as the core spells them; a value that is no whole number finds nothing."""
    for value in values:
        if isinstance(value, Decimal):
            yield str(int(value)) if value == value.to_integral_value() else ""
        else:
            yield str(value)


def _present(table: Mapping[str, Any], keys: Iterable[str]) -> Iterator[Any]:
    for key in dict.fromkeys(keys):
        record = table.get(key)
        if record is not None:
            yield record


def _letter(code: str) -> str:
    return code.rpartition(":")[2]


def _written(number: int | Decimal) -> str:
    """A number as SuiteQL answers it over REST: as text, without trailing zeros."""
    if isinstance(number, int):
        return str(number)
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
