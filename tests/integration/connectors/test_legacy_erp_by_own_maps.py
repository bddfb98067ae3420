"""What a map of an old ERP says, its connector does: documents, statuses, numbers, and refusals in the map's words."""

import asyncio

import pytest

from o2c_twin.integration.connectors.legacy_erp import LegacyErp
from o2c_twin.integration.connectors.own_maps import own_maps
from o2c_twin.integration.mappings import shipped_files
from o2c_twin.integration.model import Allocation, BankEntry, Deal, DealLine, Party
from o2c_twin.integration.runtime.errors import CallFailed

ACME = Party("A1", "Acme", "K-1", "ap@acme.example", 14, 500_000)
DEAL = Deal("D1", "R-1", "PO-1", ACME, (DealLine("WIDGET", 3, 1_999),), "EUR", 1_767_607_200_000_000)
ENTRY = BankEntry("B1", 10_000, "EUR", "2026-01-05", None, "", None, None)
LOADED = {"REF": "LOAD", "DOC": "REQ", "STATUS": "A", "AT": "20260105080000"}
STAMPED = {"ERP_ID": "9", "CUST_ID": "77", "AT": "20260105080000"}
ORDER = STAMPED | {"ORD_NO": "SO-1", "CREDIT": "HOLD", "FULFILMENT": "OPEN", "REF": "k"}
INVOICE = STAMPED | {"INV_NO": "INV-9", "ORD_ID": "9", "DUE_DATE": "20260204", "TOTAL": "100.00", "OPEN_AMT": "99.99"}
CUSTOMER = {
    "ERP_ID": "77",
    "CUST_NO": "K-1",
    "NAME": "Acme",
    "CURR": "EUR",
    "TERMS_DAYS": 14,
    "CREDIT_LIMIT": "5000.00",
    "EMAIL": "ap@acme.example",
    "AT": "20260105080000",
}


class Tables:
    """Staging tables in memory: what the engine put in, and what the ERP put out."""

    def __init__(self):
        self.put = {}
        self.out = {}

    def tell(self, table, record):
        rows = self.out.setdefault(table, [])
        rows.append({"ID": len(rows), "STATUS_FLG": "N", "CRT_TS": "20260105080000", **record})

    async def insert(self, rows):
        for table, row in rows:
            self.put.setdefault(table, []).append(row)

    async def rows(self, table, where):
        held = self.out.get(table, []) + self.put.get(table, [])
        return [dict(row) for row in held if all(row.get(name) == value for name, value in where.items())]

    async def change(self, table, ids, values):
        for row in self.out[table]:
            if row["ID"] in ids:
                row.update(values)


class Clock:
    def now(self):
        return 1_767_607_200_000_000


@pytest.fixture
def tables():
    told = Tables()
    told.tell("IF_OUT_ACK", LOADED)
    told.tell("IF_OUT_CUSTOMER", CUSTOMER)
    return told


@pytest.fixture
def changed(tmp_path):
    """An estate's own maps, of shipped files with each text replaced by another."""

    def write(**files):
        shipped = shipped_files()
        for name, changes in files.items():
            place = f"maps/legacy_erp/{name}.yaml"
            place = place if place in shipped.maps else f"codes/legacy_erp_{name}.yaml"
            text = {**shipped.maps, **shipped.codes}[place]
            for old, new in changes:
                assert old in text
                text = text.replace(old, new)
            path = tmp_path / place.split("/")[0] / f"{name}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return own_maps(tmp_path)

    return write


def connect(tables, maps=None):
    erp = LegacyErp("erp", "table", tables, Clock(), asyncio.sleep)
    erp.use(maps)
    return erp


def handed_over(work):
    """A write whose acknowledgement has not come yet."""
    with pytest.raises(CallFailed) as caught:
        asyncio.run(work)
    assert caught.value.cause == "pending"


def refused(work):
    with pytest.raises(CallFailed) as caught:
        asyncio.run(work)
    assert caught.value.cause == "rejected"
    return caught.value.detail


def open_order(erp, deal=DEAL):
    asyncio.run(erp.customer_by_number("K-1"))
    return erp.put_order(deal, "77", {"WIDGET": "101", "W-100": "102"}, "order:D1", "c")


def test_an_order_is_written_as_the_map_says_in_the_spelling_of_the_interface(tables, changed):
    change = [
        ("to: PO_NO, invertible: true", "to: PO_NO, by: {pattern: {pattern: 'EU-{}'}}"),
        ("PO_NO: PO-4711", "PO_NO: EU-PO-4711"),
        ("{value: EA, to: UOM}", "{value: C62, to: UOM}"),
        ("UOM: EA", "UOM: C62"),
    ]  # fmt: skip
    handed_over(open_order(connect(tables, changed(deal_to_order=change))))
    (head,), (line,) = tables.put["IF_ORDER_HDR"], tables.put["IF_ORDER_LIN"]
    assert {name: head[name] for name in ("CUST_NO", "PO_NO", "ORD_DATE", "CURR", "LINE_COUNT")} == {
        "CUST_NO": "K-1",
        "PO_NO": "EU-PO-1",
        "ORD_DATE": "20260105",
        "CURR": "EUR",
        "LINE_COUNT": 1,
    }
    assert {name: line[name] for name in ("LINE_NO", "SKU", "QTY", "UOM", "PRICE")} == {
        "LINE_NO": 1,
        "SKU": "WIDGET",
        "QTY": 3,
        "UOM": "C62",
        "PRICE": "19.99",
    }


def test_an_article_is_looked_for_under_the_name_the_map_writes(tables, changed):
    change = [("to: SKU, invertible: true}", "to: SKU, by: {pattern: {pattern: 'X-{}'}}}"),
              ("SKU: P-1", "SKU: X-P-1")]  # fmt: skip
    assert refused(open_order(connect(tables, changed(deal_to_order=change)))) == "no item X-WIDGET in the ERP"
    assert "IF_ORDER_HDR" not in tables.put


@pytest.mark.parametrize(
    "change",
    [
        [("{from: currency, to: CURR, invertible: true}", "{value: USD, to: CURR}"), ("CURR: EUR", "CURR: USD")],
        [("currency: {from: currency}\n", "currency: USD\n")],
    ],
)
def test_an_amount_in_another_currency_than_that_of_the_books_is_not_written(tables, changed, change):
    told = refused(open_order(connect(tables, changed(deal_to_order=change))))
    assert told == "USD is not the currency of the books, EUR"
    assert "IF_ORDER_HDR" not in tables.put


def test_a_customer_is_numbered_found_and_held_the_same_by_the_map(tables, changed):
    change = [
        ("to: CUST_NO, invertible: true}", "to: CUST_NO, by: {pattern: {pattern: 'DE-{}'}}}"),
        ("{CUST_NO: K-1", "{CUST_NO: DE-K-1"),
    ]  # fmt: skip
    erp = connect(tables, changed(party_to_customer=change))
    assert asyncio.run(erp.customer_by_number("K-1")) is None
    handed_over(erp.put_customer(ACME, "customer:A1", "c"))
    assert tables.put["IF_CUSTOMER"][0]["CUST_NO"] == "DE-K-1"
    tables.tell("IF_OUT_CUSTOMER", CUSTOMER | {"CUST_NO": "DE-K-1", "AT": "20260105090000"})
    assert asyncio.run(erp.customer_by_number("K-1")) == "77"
    asyncio.run(erp.update_customer("77", ACME, "c"))
    assert len(tables.put["IF_CUSTOMER"]) == 1


def test_a_number_the_map_cannot_write_is_refused_in_its_words(tables, changed):
    codes = [("to: CUST_NO, invertible: true}", "to: CUST_NO, by: {code: {list: legacy-erp-order-credit}}}"),
             ("number: K-1,", "number: HOLD,"), ("{CUST_NO: K-1", "{CUST_NO: on hold")]  # fmt: skip
    erp = connect(tables, changed(party_to_customer=codes))
    told = "'K-1' is not in code list legacy-erp-order-credit; add it there"
    for work in (erp.customer_by_number("K-1"), erp.put_customer(ACME, "customer:A1", "c")):
        assert told in refused(work)
    assert tables.put == {}


def test_statuses_are_what_the_code_lists_say_and_one_of_the_companys_own_is_shown_as_it_is(tables, changed):
    tables.tell("IF_OUT_ORDER", ORDER | {"FULFILMENT": "PICKED"})
    own = changed(order_credit=[("HOLD: on hold", "HOLD: passed")])
    found = [asyncio.run(connect(tables, maps).order("9")) for maps in (None, own)]
    assert [(each.credit, each.fulfilment) for each in found] == [("on hold", "PICKED"), ("passed", "PICKED")]


def test_a_record_the_map_refuses_is_counted_and_stops_no_other(tables, changed):
    change = [("{from: PO_NO, to: po_number, invertible: true}", "{from: PO_NO, to: po_number, missing: refuse}")]
    tables.tell("IF_OUT_ORDER", ORDER)
    tables.tell("IF_OUT_ORDER", ORDER | {"ERP_ID": "10", "PO_NO": "PO-1"})
    erp = connect(tables, changed(order_to_status=change))
    assert asyncio.run(erp.order("10")).po_number == "PO-1"
    assert erp.mirror.unread == 1
    with pytest.raises(CallFailed) as caught:
        asyncio.run(erp.order("9"))
    assert caught.value.cause == "pending"


def test_cash_names_the_invoice_as_the_erp_does_whatever_the_map_calls_it(tables, changed):
    change = [
        ("to: number, invertible: true}", "to: number, by: {pattern: {pattern: 'A/{}'}}}"),
        ("number: INV-1,", "number: A/INV-1,"),
    ]
    tables.tell("IF_OUT_INVOICE", INVOICE)
    erp = connect(tables, changed(item_to_open_item=change))
    (item,) = asyncio.run(erp.items_named(["A/INV-9"]))
    assert (item.number, item.open_minor, item.due_on) == ("A/INV-9", 9_999, "2026-02-04")
    handed_over(erp.put_payment(ENTRY, "77", [Allocation("9", 9_999)], "cash:B1", "c"))
    (head,), (line,) = tables.put["IF_CASH_HDR"], tables.put["IF_CASH_LIN"]
    assert (head["VALUE_DATE"], head["AMOUNT"], head["BANK_REF"]) == ("20260105", "100.00", "B1")
    assert (line["INV_NO"], line["AMOUNT"]) == ("INV-9", "99.99")


def test_other_maps_are_taken_while_what_was_read_stays_known(tables, changed):
    tables.tell("IF_OUT_ORDER", ORDER)
    erp = connect(tables)
    assert asyncio.run(erp.order("9")).credit == "on hold"
    erp.use(changed(order_credit=[("HOLD: on hold", "HOLD: passed")]))
    assert asyncio.run(erp.order("9")).credit == "on hold"
    tables.tell("IF_OUT_ORDER", ORDER | {"ERP_ID": "10"})
    assert asyncio.run(erp.order("10")).credit == "passed"
