"""SuiteQL over REST: tables, columns, pages, errors, and queries that must not scan."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.mock_systems.vendors.netsuite import NetSuiteConfig

SUITEQL = "/services/rest/query/v1/suiteql"
HOUR_US = 3_600_000_000


def column(account: Any, q: str, name: str = "id") -> list[str]:
    return [row[name] for row in account.select(q)]


@pytest.fixture
def trade(account: Any) -> Any:
    """One order of two lines: one piece shipped and billed, ten of its 25 paid; credited by five."""
    customer = account.customer(externalId="CRM-7", entityId="C-7", terms={"refName": "Net 30"})
    item, bolt = account.item(), account.item("BOLT", price_minor=100)
    order = account.order(customer, (item, 2, 25), (bolt, 3, 1), externalId="WEB-1", otherRefNum="PO-7", memo="urgent")
    rows = {"item": {"items": [{"orderLine": 1, "quantity": 1}]}}
    made = account.write("POST", f"salesOrder/{order}/!transform/itemFulfillment", rows, {"replace": "item"})
    invoice = account.write("POST", f"salesOrder/{order}/!transform/invoice", {"externalId": "I-1"})
    body = {"payment": 10, "checkNum": "BANK-1"}
    payment = account.write("POST", f"invoice/{invoice}/!transform/customerPayment", body)
    credit = {"item": {"items": [{"amount": 5}]}}
    memo = account.write("POST", f"invoice/{invoice}/!transform/creditMemo", credit)
    account.ids = {
        "customer": customer, "item": item, "bolt": bolt, "order": order, "delivery": made, "invoice": invoice,
        "payment": payment, "memo": memo,
    }  # fmt: skip
    return account


def test_one_transaction_table_holds_all_types(trade: Any) -> None:
    rows = trade.select(
        "SELECT id, tranid, type, status, BUILTIN.DF(status) AS name, foreigntotal FROM transaction ORDER BY id"
    )
    assert [(r["tranid"], r["type"], r["status"], r["name"], r.get("foreigntotal")) for r in rows] == [
        ("SO1001", "SalesOrd", "D", "Sales Order : Partially Fulfilled", "53"),
        ("IF1001", "ItemShip", "C", "Item Fulfillment : Shipped", None),
        ("INV1001", "CustInvc", "A", "Invoice : Open", "25"),
        ("PYMT1001", "CustPymt", "C", "Payment : Deposited", "-10"),
        ("CM1001", "CustCred", "B", "Credit Memo : Fully Applied", "-5"),
    ]
    assert all(row["links"] == [] for row in rows)


def test_values_are_text_and_dates_have_the_accounts_format(trade: Any) -> None:
    (row,) = trade.select(
        "SELECT id, trandate, duedate, lastmodifieddate, entity FROM transaction WHERE tranid='INV1001'"
    )
    assert row == {
        "links": [],
        "id": trade.ids["invoice"],
        "trandate": "1/5/2026",
        "duedate": "2/4/2026",
        "lastmodifieddate": "1/5/2026",
        "entity": trade.ids["customer"],
    }


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("DD.MM.YYYY", "05.01.2026"),
        ("YYYY-MM-DD", "2026-01-05"),
        ("MM/DD/YYYY", "01/05/2026"),
        ("D/M/YYYY", "5/1/2026"),
    ],
)
def test_each_account_writes_and_reads_dates_in_its_own_format(new_account: Any, format: Any, text: str) -> None:
    account = new_account(NetSuiteConfig(date_format=format))
    account.order(account.customer(), (account.item(), 1, 1))
    assert column(account, f"SELECT trandate FROM transaction WHERE trandate = '{text}'", "trandate") == [text]
    assert column(account, f"SELECT id FROM transaction WHERE trandate > '{text}'") == []


def test_status_is_compared_with_its_full_code(trade: Any) -> None:
    open_ = "SELECT id FROM transaction WHERE type = 'CustInvc' AND status = 'CustInvc:A'"
    assert column(trade, open_) == [trade.ids["invoice"]]
    assert column(trade, "SELECT id FROM transaction WHERE status IN ('SalesOrd:D', 'CustCred:B') ORDER BY id") == [
        trade.ids["order"],
        trade.ids["memo"],
    ]
    assert column(trade, "SELECT id FROM transaction WHERE status = 'SalesOrd:B'") == []


def test_open_amounts_of_invoices_payments_and_credits(trade: Any) -> None:
    (invoice,) = trade.select(
        "SELECT foreignamountunpaid u, foreignamountpaid p FROM transaction WHERE type='CustInvc'"
    )
    assert (invoice["u"], invoice["p"]) == ("10", "15")
    (payment,) = trade.select(
        "SELECT foreignpaymentamountunused u, foreignpaymentamountused p FROM transaction WHERE type='CustPymt'"
    )
    assert (payment["u"], payment["p"]) == ("0", "10")


@pytest.mark.parametrize(
    ("condition", "kinds"),
    [
        ("externalid = 'WEB-1'", ["order"]),
        ("externalid IN ('WEB-1', 'I-1')", ["order", "invoice"]),
        ("tranid = 'INV1001'", ["invoice"]),
        ("otherrefnum = 'PO-7'", ["order", "invoice"]),
        ("otherrefnum = 'BANK-1'", ["payment"]),
        ("createdfrom = {order}", ["delivery", "invoice"]),
        ("createdfrom = {invoice}", ["memo"]),
        ("id = '{order}'", ["order"]),
        ("id > {delivery}", ["invoice", "payment", "memo"]),
        ("entity = {customer} AND type IN ('CustPymt','CustCred')", ["payment", "memo"]),
        ("memo = 'urgent'", ["order"]),
        ("memo LIKE 'urg%' OR tranid = 'CM1001'", ["order", "memo"]),
        ("externalid IS NULL", ["delivery", "payment", "memo"]),
        ("posting = 'F'", ["order"]),
        ("entity IN (SELECT id FROM customer WHERE entityid = 'C-7') AND type = 'ItemShip'", ["delivery"]),
        ("id = 3.5", []),
        ("entity = 99999", []),
    ],
)
def test_conditions_find_what_they_name(trade: Any, condition: str, kinds: list[str]) -> None:
    q = f"SELECT id FROM transaction WHERE {condition.format(**trade.ids)} ORDER BY id"
    assert column(trade, q) == [trade.ids[kind] for kind in kinds]


def test_lines_have_a_main_line_and_negative_sales_quantities(trade: Any) -> None:
    q = (
        "SELECT linesequencenumber n, mainline, item, quantity, rate, foreignamount, quantityshiprecv s,"
        " quantitybilled b, quantitybackordered k FROM transactionline WHERE transaction = {order}"
        " ORDER BY linesequencenumber"
    )
    main, first, second = trade.select(q.format(**trade.ids))
    assert main == {"links": [], "n": "0", "mainline": "T", "foreignamount": "53"}
    assert first == {
        "links": [], "n": "1", "mainline": "F", "item": trade.ids["item"], "quantity": "-2", "rate": "25",
        "foreignamount": "-50", "s": "1", "b": "1", "k": "0",
    }  # fmt: skip
    assert (second["item"], second["quantity"], second["s"]) == (trade.ids["bolt"], "-3", "0")


def test_lines_join_their_transaction_and_item(trade: Any) -> None:
    q = (
        "SELECT t.tranid, i.itemid, l.quantity * -1 AS quantity FROM transaction t"
        " JOIN transactionline l ON l.transaction = t.id JOIN item i ON i.id = l.item"
        " WHERE t.otherrefnum = 'PO-7' AND t.type = 'SalesOrd' ORDER BY i.itemid"
    )
    rows = [(row["tranid"], row["itemid"], row["quantity"]) for row in trade.select(q)]
    assert rows == [("SO1001", "BOLT", "3"), ("SO1001", "WIDGET", "2")]


def test_link_tables_lead_from_order_to_documents_and_from_invoice_to_money(trade: Any) -> None:
    q = "SELECT nextdoc, nexttype, linktype, foreignamount a FROM nexttransactionlinelink WHERE previousdoc = {}"
    rows = trade.select(q.format(trade.ids["order"]))
    assert [(row["nextdoc"], row["nexttype"], row["linktype"]) for row in rows] == [
        (trade.ids["delivery"], "ItemShip", "ShipRcpt"),
        (trade.ids["invoice"], "CustInvc", "OrdBill"),
    ]
    rows = trade.select(q.format(trade.ids["invoice"]))
    assert [(row["nextdoc"], row["linktype"], row["a"]) for row in rows] == [
        (trade.ids["payment"], "Payment", "10"),
        (trade.ids["memo"], "Payment", "5"),
    ]
    back = "SELECT previousdoc FROM previoustransactionlinelink WHERE nextdoc = {} AND linktype = 'OrdBill'"
    assert column(trade, back.format(trade.ids["invoice"]), "previousdoc") == [trade.ids["order"]]
    assert len(trade.select("SELECT linktype FROM nexttransactionlinelink")) == 4


def test_customers_and_items_are_tables(trade: Any) -> None:
    q = (
        "SELECT id, entityid, companyname, externalid, creditholdoverride, balance, balancesearch, isinactive,"
        " BUILTIN.DF(terms) AS terms FROM customer WHERE externalid = 'CRM-7'"
    )
    assert trade.select(q) == [
        {
            "links": [],
            "id": trade.ids["customer"],
            "entityid": "C-7",
            "companyname": "Acme",
            "externalid": "CRM-7",
            "creditholdoverride": "AUTO",
            "balance": "10",
            "balancesearch": "10",
            "isinactive": "F",
            "terms": "Net 30",
        }
    ]
    assert column(trade, "SELECT id FROM customer WHERE entityid = 'C-7'") == [trade.ids["customer"]]
    q = "SELECT itemid, quantityonhand h, quantityavailable a FROM item ORDER BY itemid"
    assert [(row["itemid"], row["h"], row["a"]) for row in trade.select(q)] == [
        ("BOLT", "100", "97"),
        ("WIDGET", "99", "98"),
    ]


def test_a_poll_sees_changes_to_the_second(account: Any) -> None:
    customer, item = account.customer(), account.item()
    first = account.order(customer, (item, 1, 1))
    account.clock.us += HOUR_US
    second = account.order(customer, (item, 1, 1))
    poll = (
        "SELECT id, TO_CHAR(lastmodifieddate,'YYYY-MM-DD HH24:MI:SS') AS at FROM transaction"
        " WHERE lastmodifieddate {} TO_DATE('{}','YYYY-MM-DD HH24:MI:SS') ORDER BY lastmodifieddate, id"
    )
    rows = account.select(poll.format(">", "2026-01-05 00:00:00"))
    assert [(row["id"], row["at"]) for row in rows] == [(second, "2026-01-05 01:00:00")]
    assert [row["id"] for row in account.select(poll.format(">=", "2026-01-05 00:00:00"))] == [first, second]
    # Half a second later is the same second: a poll for later ones does not see it.
    account.clock.us += 500_000
    account.write("PATCH", f"salesOrder/{first}", {"memo": "x"})
    assert account.select(poll.format(">", "2026-01-05 01:00:00")) == []
    assert [row["id"] for row in account.select(poll.format(">=", "2026-01-05 01:00:00"))] == [first, second]


def test_a_credit_memo_is_open_while_money_of_it_is_left(account: Any) -> None:
    customer, item = account.customer(), account.item()
    invoice = account.invoice(customer, item, 10)
    account.write("POST", f"invoice/{invoice}/!transform/customerPayment")
    memo = account.write("POST", f"invoice/{invoice}/!transform/creditMemo", {"item": {"items": [{"amount": 4}]}})
    open_ = f"SELECT id FROM transaction WHERE status = 'CustCred:A' AND entity = {customer}"
    assert column(account, open_) == [memo]
    assert column(account, "SELECT foreignpaymentamountunused u FROM transaction WHERE status = 'CustCred:A'", "u") == [
        "4"
    ]


def test_a_renamed_customer_is_found_by_the_new_name_only(account: Any) -> None:
    customer = account.customer("Old name", email="old@x.example", entityId="C-1")
    account.write("PATCH", f"customer/{customer}", {"companyName": "New name", "email": "new@x.example"})
    for condition, found in (
        ("companyname = 'New name'", [customer]),
        ("companyname = 'Old name'", []),
        ("email = 'new@x.example'", [customer]),
        ("email = 'old@x.example'", []),
        ("entityid = 'C-1'", [customer]),
    ):
        assert column(account, f"SELECT id FROM customer WHERE {condition}") == found


def test_a_deleted_order_is_gone_from_every_query(account: Any) -> None:
    order = account.order(account.customer(), (account.item(), 1, 1), externalId="W", otherRefNum="P")
    account.call("DELETE", f"salesOrder/{order}")
    for condition in (
        "externalid = 'W'",
        "otherrefnum = 'P'",
        "tranid = 'SO1001'",
        f"id = {order}",
        "status = 'SalesOrd:B'",
        "lastmodifieddate > TO_DATE('2020-01-01','YYYY-MM-DD')",
    ):
        assert account.select(f"SELECT id FROM transaction WHERE {condition}") == []


def test_pages_follow_limit_and_offset(account: Any) -> None:
    customer, item = account.customer(), account.item()
    ids = [account.order(customer, (item, 1, 1)) for _ in range(5)]
    q = {"q": "SELECT id FROM transaction ORDER BY id"}
    seen = []
    for offset in ("0", "2", "4"):
        answer = account.call("POST", SUITEQL, q, {"limit": "2", "offset": offset}, prefer="transient")
        page = json.loads(answer.body)
        assert (page["totalResults"], page["offset"], page["count"]) == (5, int(offset), len(page["items"]))
        assert page["hasMore"] == (offset != "4")
        rels = {link["rel"]: link["href"].rpartition("?")[2] for link in page["links"]}
        assert rels["self"] == f"limit=2&offset={offset}"
        assert ("next" in rels) == page["hasMore"]
        seen += [row["id"] for row in page["items"]]
    assert seen == ids


def test_the_page_size_is_a_thousand_at_most_and_offsets_are_multiples(account: Any) -> None:
    q = {"q": "SELECT id FROM transaction"}
    for query in (
        {"limit": "1001"},
        {"limit": "0"},
        {"limit": "10", "offset": "5"},
        {"limit": "x"},
        {"offset": "200000"},
    ):
        answer = account.call("POST", SUITEQL, q, query, prefer="transient")
        detail = json.loads(answer.body)["o:errorDetails"][0]
        assert (answer.status, detail["o:errorCode"]) == (400, "INVALID_PARAMETER")
        assert detail["o:errorQueryParam"] in query


def test_the_prefer_header_is_required(account: Any) -> None:
    answer = account.call("POST", SUITEQL, {"q": "SELECT id FROM transaction"})
    detail = json.loads(answer.body)["o:errorDetails"][0]
    assert (answer.status, detail["o:errorHeader"]) == (400, "Prefer")


@pytest.mark.parametrize(
    ("q", "words"),
    [
        ("SELECT id FROM unicorn", "Record 'unicorn' was not found."),
        ("SELECT horn FROM transaction", "Field 'horn' for record 'transaction' was not found."),
        ("SELECT id FROM", "Invalid or unsupported search"),
        ("", "required"),
        ("SELECT id FROM transaction WHERE trandate = '2026-01-05T00:00'", "Invalid or unsupported search"),
    ],
)
def test_a_wrong_query_is_a_400_that_blames_q(account: Any, q: str, words: str) -> None:
    answer = account.call("POST", SUITEQL, {"q": q}, prefer="transient")
    error = json.loads(answer.body)["o:errorDetails"][0]
    assert (answer.status, error["o:errorCode"], error["o:errorQueryParam"]) == (400, "INVALID_PARAMETER", "q")
    assert words in error["detail"]


def touched(account: Any, q: str) -> int:
    """How many rows the provider hands the engine for a query."""
    ledger, count = account.dialect.ledger, 0
    rows = ledger.rows

    def counting(table: Any, hints: Any) -> Any:
        nonlocal count
        for row in rows(table, hints):
            count += 1
            yield row

    ledger.rows = counting
    account.dialect.plans.clear()
    try:
        account.select(q)
    finally:
        del ledger.rows
    return count


def test_lookups_and_polls_touch_only_what_they_find(account: Any) -> None:
    customer, item = account.customer(), account.item(on_hand=10_000)
    busy = account.customer("Busy")
    paid = [account.invoice(customer, item, 1) for _ in range(30)]
    for invoice in paid:
        account.write("POST", f"invoice/{invoice}/!transform/customerPayment")
    for number in range(30):
        account.order(busy, (item, 1, 1), externalId=f"W{number}", otherRefNum=f"P{number}")
    account.clock.us += HOUR_US
    owed = account.invoice(customer, item, 1)
    open_ = "SELECT id FROM transaction WHERE type = 'CustInvc' AND status = 'CustInvc:A'"
    assert column(account, open_) == [owed]
    for q, rows in (
        (open_, 1),
        (f"{open_} AND entity = '{customer}'", 1),
        (f"{open_} AND tranid IN ('INV1031','INV1001')", 2),
        (f"SELECT id FROM transaction WHERE entity = {customer} AND status = 'SalesOrd:B'", 0),
        (f"SELECT id FROM transaction WHERE entity = {busy} AND status = 'SalesOrd:B'", 30),
        ("SELECT id FROM transaction WHERE memo = 'x'", 153),
        ("SELECT id FROM transaction WHERE externalid = 'W7'", 1),
        ("SELECT id FROM transaction WHERE otherrefnum = 'P7'", 1),
        (f"SELECT id FROM transaction WHERE id = {owed}", 1),
        ("SELECT id FROM transaction WHERE lastmodifieddate > TO_DATE('2026-01-05 00:30','YYYY-MM-DD HH24:MI')", 3),
        (f"SELECT id FROM transactionline WHERE transaction = {owed}", 2),
        ("SELECT id FROM customer WHERE companyname = 'Busy'", 1),
        ("SELECT id FROM item WHERE itemid = 'WIDGET'", 1),
    ):
        assert touched(account, q) == rows, q


MOVES = st.lists(
    st.tuples(st.sampled_from(["ships", "bills", "pays", "credits", "orders", "closes"]), st.integers(0, 9)),
    max_size=25,
)


@given(MOVES)
def test_every_index_finds_what_a_scan_finds(new_account: Any, moves: list[tuple[str, int]]) -> None:
    account = new_account()
    item = account.item(on_hand=40)
    customers = [account.customer(f"Customer {number}") for number in range(2)]
    orders: list[str] = []
    for move, number in moves:
        account.clock.us += 700_000
        if move == "orders" or not orders:
            body = {"otherRefNum": f"P{number % 3}", "externalId": f"X{len(orders)}"}
            orders.append(account.order(customers[number % 2], (item, number + 1, 3), **body))
            continue
        order = orders[number % len(orders)]
        invoices = list(account.core.state.invoices)
        if move == "ships":
            rows = {"item": {"items": [{"orderLine": 1, "quantity": number}]}}
            account.call("POST", f"salesOrder/{order}/!transform/itemFulfillment", rows)
        elif move == "bills":
            account.call("POST", f"salesOrder/{order}/!transform/invoice", {})
        elif move == "closes":
            account.call("PATCH", f"salesOrder/{order}", {"item": {"items": [{"line": 1, "isClosed": True}]}})
        elif invoices and move == "pays":
            target = invoices[number % len(invoices)]
            account.call("POST", f"invoice/{target}/!transform/customerPayment", {"payment": number + 1})
        elif invoices:
            rows = {"item": {"items": [{"amount": number + 1}]}}
            account.call("POST", f"invoice/{invoices[number % len(invoices)]}/!transform/creditMemo", rows)
    seconds = 1_767_571_200 + len(moves) // 2
    stamp = f"2026-01-05 00:00:{seconds - 1_767_571_200:02d}"
    # A function around the column, or arithmetic on it, hides it from the indexes.
    for plain, hidden in (
        ("status = 'CustInvc:A'", "status || '' = 'CustInvc:A'"),
        (
            "status IN ('SalesOrd:B','SalesOrd:D','SalesOrd:E')",
            "status || '' IN ('SalesOrd:B','SalesOrd:D','SalesOrd:E')",
        ),
        ("status = 'SalesOrd:F' AND entity = {0}", "status || '' = 'SalesOrd:F' AND entity + 0 = {0}"),
        ("status = 'CustCred:A'", "status || '' = 'CustCred:A'"),
        ("status = 'CustInvc:B'", "status || '' = 'CustInvc:B'"),
        ("entity = {0} AND type = 'ItemShip'", "entity + 0 = {0} AND type || '' = 'ItemShip'"),
        ("otherrefnum = 'P1'", "otherrefnum || '' = 'P1'"),
        ("externalid = 'X1'", "externalid || '' = 'X1'"),
        ("createdfrom = {1}", "createdfrom + 0 = {1}"),
        (
            f"lastmodifieddate >= TO_DATE('{stamp}','YYYY-MM-DD HH24:MI:SS')",
            f"TO_CHAR(lastmodifieddate,'YYYY-MM-DD HH24:MI:SS') >= '{stamp}'",
        ),
    ):
        places = (customers[0], orders[0] if orders else "0")
        found, scanned = (
            column(account, f"SELECT id FROM transaction WHERE {where.format(*places)} ORDER BY id")
            for where in (plain, hidden)
        )
        assert found == scanned, plain
