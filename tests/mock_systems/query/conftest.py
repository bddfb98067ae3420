"""A small CRM and a small ERP to ask, each kept as plain dicts, counting the rows they hand out."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any

import pytest

from o2c_twin.mock_systems.wire.query import soql_plan, suiteql_plan
from o2c_twin.mock_systems.wire.query.results import Result
from o2c_twin.mock_systems.wire.query.source import Child, Column, FieldType, Hints, Parent, Row, Table, table


def instant(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


NOW = instant("2026-03-18T15:30:00Z")  # a Wednesday


class MemorySource:
    """Rows in lists; finds by index and by lower bound as a provider should. ``handed_out`` counts rows given."""

    def __init__(
        self, tables: Mapping[str, tuple[Table, list[Row]]], render: Mapping[FieldType, Callable[[Any], object]]
    ):
        self._tables = tables
        self.render = render
        self.handed_out = 0
        self.asked: list[tuple[str, Hints]] = []

    def table(self, name: str) -> Table | None:
        return self._tables[name][0] if name in self._tables else None

    def rows(self, table: Table, hints: Hints) -> Iterable[Row]:
        self.asked.append((table.name, hints))
        found = self._tables[table.name.lower()][1]
        columns = {column.name: column for column in table.columns.values()}
        for name, values in hints.equals.items():
            if columns[name].indexed:
                get = columns[name].get
                found = [row for value in values for row in found if get(row) == value]
                break
        else:
            for name, (bound, inclusive) in hints.lower_bounds.items():
                if columns[name].ordered:
                    get = columns[name].get
                    found = [row for row in found if get(row) > bound or (inclusive and get(row) == bound)]
        self.handed_out += len(found)
        return found


def columns(types: Mapping[str, FieldType], **marks: set[str]) -> list[Column]:
    return [
        Column(name, type, itemgetter(name), **{mark: name in names for mark, names in marks.items()})
        for name, type in types.items()
    ]


def attributes(name: str) -> Callable[[Row], dict[str, object]]:
    return lambda row: {"attributes": {"type": name}}


@pytest.fixture
def crm() -> MemorySource:
    """Two accounts, three opportunities (one without account), their lines and products."""
    acme = {"Id": "001000000000001AAA", "Name": "Acme", "ERP_Id__c": "C-1", "Parent": None}
    bobs = {"Id": "001000000000002AAA", "Name": "Bob's \\ BBQ", "ERP_Id__c": None, "Parent": acme}
    nut = {"Id": "01t000000000001AAA", "ProductCode": "NUT-1"}
    bolt = {"Id": "01t000000000002AAA", "ProductCode": "BOLT-1"}

    def line(number: int, product: Row, quantity: int) -> Row:
        return {"Id": f"00k{number:015d}", "Product2": product, "Quantity": quantity, "UnitPrice": Decimal("2.50")}

    def deal(number: int, account: Row | None, name: str, amount: Decimal | None, won: bool | None, *lines: Row) -> Row:
        return {
            "Id": f"006{number:012d}AAA",
            "Name": name,
            "Account": account,
            "Amount": amount,
            "StageName": "Closed Won" if won else "Prospecting",
            "IsWon": won,
            "CloseDate": date(2026, 3, 15 + number),
            "SystemModstamp": instant("2026-03-18T10:00:00Z") + number * 1_000_000,
            "Lines": list(lines),
        }

    deals = [
        deal(1, acme, "Nuts", Decimal("10.50"), True, line(1, nut, 4), line(2, bolt, 1)),
        deal(2, bobs, "bolts", Decimal("200"), False, line(3, bolt, 7)),
        deal(3, None, "Washers 100%", None, None),
    ]
    for each in deals:
        each["AccountId"] = each["Account"] and each["Account"]["Id"]
    account_columns = columns(
        {"Id": "id", "Name": "string", "ERP_Id__c": "string"}, indexed={"Id"}, exact={"ERP_Id__c"}
    )
    deal_types: dict[str, FieldType] = {
        "Id": "id",
        "Name": "string",
        "AccountId": "id",
        "Amount": "number",
        "StageName": "string",
        "IsWon": "boolean",
        "CloseDate": "date",
        "SystemModstamp": "instant",
    }
    tables = [
        (
            table(
                "Account",
                account_columns,
                [Parent("Parent", "Account", itemgetter("Parent"))],
                (),
                attributes("Account"),
            ),
            [acme, bobs],
        ),
        (
            table(
                "Opportunity",
                columns(deal_types, indexed={"Id", "AccountId"}, ordered={"SystemModstamp"}),
                [Parent("Account", "Account", itemgetter("Account"))],
                [Child("OpportunityLineItems", "OpportunityLineItem", itemgetter("Lines"))],
                attributes("Opportunity"),
            ),
            deals,
        ),
        (
            table(
                "OpportunityLineItem",
                columns({"Id": "id", "Quantity": "number", "UnitPrice": "number"}),
                [Parent("Product2", "Product2", itemgetter("Product2"))],
                (),
                attributes("OpportunityLineItem"),
            ),
            [line for each in deals for line in each["Lines"]],
        ),
        (
            table("Product2", columns({"Id": "id", "ProductCode": "string"}), (), (), attributes("Product2")),
            [nut, bolt],
        ),
    ]
    return MemorySource({each.name.lower(): (each, rows) for each, rows in tables}, {"date": date.isoformat})


@pytest.fixture
def erp() -> MemorySource:
    """Two customers; orders and an invoice in ``transaction`` with their lines in ``transactionline``."""
    customers = [
        {"id": 110, "entityid": "Acme", "isinactive": False},
        {"id": 111, "entityid": "O'Hara", "isinactive": True},
    ]

    def entry(id: int, type: str, status: str, entity: int | None, day: int, total: str | None) -> Row:
        return {
            "id": id,
            "tranid": f"{'SO' if type == 'SalesOrd' else 'INV'}{id}",
            "type": type,
            "status": status,
            "statusname": {"B": "Pending Fulfillment", "A": "Open"}[status],
            "entity": entity,
            "trandate": date(2026, 3, day),
            "lastmodifieddate": instant("2026-03-01T10:15:00Z") + day * 86_400_000_000,
            "foreigntotal": None if total is None else Decimal(total),
            "memo": None,
        }

    entries = [
        entry(3701, "SalesOrd", "B", 110, 1, "50.00"),
        entry(3702, "SalesOrd", "B", 111, 2, "75.25"),
        entry(3703, "SalesOrd", "B", None, 3, None),
        entry(4100, "CustInvc", "A", 110, 4, "50.00"),
    ]
    lines = [
        {"transaction": 3701, "linesequencenumber": 1, "item": 98, "quantity": 2},
        {"transaction": 3701, "linesequencenumber": 2, "item": 99, "quantity": 1},
        {"transaction": 3702, "linesequencenumber": 1, "item": 98, "quantity": 5},
    ]
    entry_columns = columns(
        {
            "id": "number",
            "tranid": "string",
            "type": "string",
            "entity": "number",
            "trandate": "date",
            "lastmodifieddate": "instant",
            "foreigntotal": "number",
            "memo": "string",
        },
        indexed={"id", "tranid"},
        ordered={"lastmodifieddate"},
    )
    entry_columns.append(Column("status", "string", itemgetter("status"), display=itemgetter("statusname")))
    line_types: dict[str, FieldType] = dict.fromkeys(
        ("transaction", "linesequencenumber", "item", "quantity"), "number"
    )  # type: ignore[assignment]
    tables = [
        (
            table("customer", columns({"id": "number", "entityid": "string", "isinactive": "boolean"}, indexed={"id"})),
            customers,
        ),
        (table("transaction", entry_columns), entries),
        (table("transactionline", columns(line_types, indexed={"transaction"})), lines),
    ]
    render: dict[FieldType, Callable[[Any], object]] = {"date": lambda day: f"{day.month}/{day.day}/{day.year}"}
    return MemorySource({each.name: (each, rows) for each, rows in tables}, render)


Ask = Callable[[str], Result]


@pytest.fixture
def soql(crm: MemorySource) -> Ask:
    """Run a SOQL query against the CRM."""
    return lambda text: soql_plan.prepare(text, crm, NOW).run()


@pytest.fixture
def suiteql(erp: MemorySource) -> Ask:
    """Run a SuiteQL query against the ERP."""
    return lambda text: suiteql_plan.prepare(text, erp, NOW).run()
