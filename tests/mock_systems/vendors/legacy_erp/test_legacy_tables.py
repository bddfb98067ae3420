"""The staging tables, by plain SQL: SQLite's own client, pg8000 and PyMySQL, unmodified."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from o2c_twin.mock_systems.vendors.legacy_erp import Media
from o2c_twin.mock_systems.vendors.legacy_erp.live_tables import LiveTables
from o2c_twin.mock_systems.vendors.legacy_erp.memory_tables import MemoryTables
from o2c_twin.mock_systems.wire.faults import LockedTable

_HEAD = "INSERT INTO if_order_hdr (batch_id, seq, ref, cust_no, po_no, curr, line_count) VALUES (?, ?, ?, ?, ?, ?, ?)"
_LINE = "INSERT INTO if_order_lin (batch_id, seq, line_no, sku, qty, uom, price) VALUES (?, ?, ?, ?, ?, ?, ?)"
_STATUS = "SELECT status_flg, erp_id_out, erp_no_out, err_cd, err_txt FROM if_order_hdr WHERE ref = ?"


def at(hour):
    return int(datetime(2026, 1, 5, hour, tzinfo=UTC).timestamp()) * 1_000_000


def _send(run, ref, customer="K-1", seq=1, price="19.99", count=1):
    run(_LINE, f"B-{ref}", seq, 1, "WIDGET", 3, "EA", price)
    run(_HEAD, f"B-{ref}", seq, ref, customer, "PO-7", "EUR", count)


# --- in virtual time --------------------------------------------------------------------------------


@pytest.fixture
def virtual(install):
    erp = install(edges=("table",))

    def run(statement, *values):
        return erp.erp.media.tables.connection.execute(statement, values).fetchall()

    return erp, run


def test_a_row_waits_for_the_night_and_then_tells_what_became_of_it(virtual):
    erp, run = virtual
    _send(run, "order:D1")
    _send(run, "order:D2", customer="K-9")
    assert run("SELECT status_flg FROM if_order_hdr") == [("N",), ("N",)]
    erp.night()
    (order,) = erp.core.state.orders.values()
    assert (order.external_id, order.channel) == ("order:D1", "table")
    assert run(_STATUS, "order:D1") == [("C", order.id, order.number, None, None)]
    status, _, _, code, text = run(_STATUS, "order:D2")[0]
    assert (status, code) == ("E", "UNKNOWN-CUSTOMER") and "K-9" in text
    batches = run("SELECT DISTINCT erp_batch, prc_ts FROM if_order_hdr")
    assert batches == [("ERPPROD0000000002", "20260105220000")]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [("ref", None, "REF: is empty"), ("curr", "", "CURR"), ("line_count", -1, "LINE_COUNT"), ("ref", "x" * 41, "REF")],
)
def test_a_row_that_cannot_be_read_is_an_error_with_its_column(virtual, column, value, said):
    erp, run = virtual
    _send(run, "order:D1")
    run(f"UPDATE if_order_hdr SET {column} = ?", value)
    erp.night()
    ((status, code, text),) = run("SELECT status_flg, err_cd, err_txt FROM if_order_hdr")
    assert (status, code) == ("E", "FIELD") and said in text
    assert erp.core.state.orders == {}


def test_an_order_whose_lines_are_not_there_yet_is_refused_by_its_count(virtual):
    erp, run = virtual
    run(_HEAD, "B1", 1, "order:D1", "K-1", "PO-7", "EUR", 1)
    erp.night()
    assert run("SELECT err_cd FROM if_order_hdr") == [("LINE-COUNT",)]


def test_outbound_rows_wait_for_their_reader(virtual):
    erp, run = virtual
    _send(run, "order:D1")
    erp.night()
    (order,) = erp.core.state.orders.values()
    erp.core.deliver(order.id)
    erp.core.invoice_order(order.id)
    erp.night()
    assert run("SELECT ord_no, fulfilment, billing, status_flg FROM if_out_order ORDER BY id") == [
        (order.number, "OPEN", "OPEN", "N"),
        (order.number, "SHIPPED", "BILLED", "N"),
    ]
    assert run("SELECT l.sku, l.qty FROM if_out_despatch_lin l JOIN if_out_despatch d USING (batch_id, seq)") == [
        ("WIDGET", 3)
    ]
    ((total, still_open),) = run("SELECT total, open_amt FROM if_out_invoice")
    assert (total, still_open) == ("59.97", "59.97")


def test_a_locked_table_is_worked_in_a_later_round(virtual):
    erp, run = virtual
    erp.arm(LockedTable(operations=("table.claim",), next=5))
    _send(run, "order:D1")
    erp.night()
    assert len(erp.core.state.orders) == 1
    assert [e.status for e in erp.journal("table.claim")][:6] == [423] * 5 + [200]


@pytest.mark.parametrize(("odd", "orders"), [(True, 2), (False, 1)])
def test_a_reference_twice_is_two_orders_only_with_the_oddity(install, odd, orders):
    erp = install(edges=("table",), takes_duplicate_references=odd)
    for seq in (1, 2):
        _send(lambda s, *v: erp.erp.media.tables.connection.execute(s, v), "order:D1", seq=seq)
    erp.night()
    assert len(erp.core.state.orders) == orders


# --- real databases ---------------------------------------------------------------------------------


def test_plain_sql_in_plain_sql_out(install, database):
    erp = install(edges=("table",), media=Media(tables=database.tables))
    _send(database.sql, "order:D1")
    _send(database.sql, "order:D2", customer="K-9")
    erp.do(erp.erp.load())
    erp.night()
    (order,) = erp.core.state.orders.values()
    assert [(li.quantity, li.unit_price_minor) for li in order.lines] == [(3, 1_999)]
    assert [tuple(row) for row in database.sql(_STATUS, "order:D1")] == [("C", order.id, order.number, None, None)]
    assert database.sql(_STATUS, "order:D2")[0][3] == "UNKNOWN-CUSTOMER"
    erp.core.deliver(order.id)
    erp.core.invoice_order(order.id)
    erp.night()
    ((total,),) = database.sql("SELECT total FROM if_out_invoice WHERE status_flg = ?", "N")
    assert Decimal(total) == Decimal("59.97")
    ((name,),) = database.sql("SELECT name FROM if_out_customer")
    assert name == "Müller & Söhne GmbH"
    # The reader marks what it has read.
    database.sql("UPDATE if_out_invoice SET status_flg = ?", "C")
    assert database.sql("SELECT id FROM if_out_invoice WHERE status_flg = ?", "N") == []


def test_two_claimers_never_get_the_same_row(database):
    rows = [("IF_BILLING", {"BATCH_ID": f"B{n}", "SEQ": 1, "REF": f"r{n}", "ORD_NO": "SO1"}) for n in range(40)]

    async def both():
        await database.tables.insert(rows)
        claims = [database.tables.claim("IF_BILLING", 10, f"C{n}", "20260105220000") for n in range(4)]
        return await asyncio.gather(*claims, return_exceptions=True)

    got = [row["REF"] for claim in asyncio.run(both()) if isinstance(claim, list) for row in claim]
    assert len(got) == len(set(got)) > 0
    picked = database.sql("SELECT COUNT(*) FROM if_billing WHERE status_flg = ?", "P")[0][0]
    assert picked == len(got)


def test_a_partner_who_holds_the_table_holds_up_the_round_and_nothing_else(install, database):
    if database.url.startswith("sqlite"):
        lock = "BEGIN EXCLUSIVE"
    elif database.url.startswith("postgres"):
        lock = "LOCK TABLE if_order_hdr IN ACCESS EXCLUSIVE MODE"
    else:
        lock = "LOCK TABLES if_order_hdr WRITE"
    erp = install(edges=("table",), media=Media(tables=database.tables))
    _send(database.sql, "order:D1")
    partner = database.connect()
    database.sql(lock, on=partner)
    try:
        erp.until(at(22))
        held = [e.status for e in erp.journal("table.claim") if e.path == "/IF_ORDER_HDR"]
        assert held == [423] and erp.core.state.orders == {}
    finally:
        partner.rollback()
        partner.close()
    erp.night()
    assert len(erp.core.state.orders) == 1


def test_a_database_that_is_away_costs_a_round(install, tmp_path):
    class Away(MemoryTables):
        async def claim(self, table, most, batch, stamp):
            raise ConnectionRefusedError("database not reached")

    erp = install(edges=("table",), media=Media(tables=Away()))
    erp.night()
    assert {e.status for e in erp.journal("table.work")} == {503}
    with pytest.raises(ConnectionRefusedError, match="not reached"):
        LiveTables(f"sqlite:///{tmp_path}/no/such/folder/x.db")


# --- one port, two implementations -------------------------------------------------------------------


def _row(n, **more):
    return ("IF_ORDER_LIN", {"BATCH_ID": "B", "SEQ": n, "LINE_NO": 1, "SKU": "ü", "QTY": 2, "PRICE": "0.10", **more})


@pytest.fixture(params=["memory", "sqlite", "postgres", "mariadb"])
def tables(request, database_of):
    return MemoryTables() if request.param == "memory" else database_of(request.param).tables


def test_what_goes_into_a_table_comes_out_of_it(tables):
    async def work():
        await tables.insert([_row(1), _row(2, PRICE="-12345678901.99")])
        with pytest.raises(ValueError, match="no column"):
            await tables.insert([_row(3), ("IF_ORDER_LIN", {"NOPE": 1})])
        second = (await tables.rows("IF_ORDER_LIN", {"SEQ": 2}))[0]["ID"]
        await tables.change("IF_ORDER_LIN", [second], {"QTY": 5})
        return await tables.rows("IF_ORDER_LIN", {"BATCH_ID": "B"}), await tables.rows("IF_ORDER_LIN", {}, 1)

    both, first = asyncio.run(work())
    assert [(r["SEQ"], r["QTY"], r["PRICE"], r["SKU"]) for r in both] == [
        (1, 2, "0.10", "ü"),
        (2, 5, "-12345678901.99", "ü"),
    ]
    assert both[0]["ID"] < both[1]["ID"]
    assert first == both[:1]


def test_a_dump_brings_everything_back_and_new_rows_get_new_ids(tables):
    async def fill(number):
        await tables.insert([_row(number)])

    asyncio.run(fill(1))
    kept = tables.dump()
    asyncio.run(fill(2))
    tables.load(kept)
    asyncio.run(fill(3))
    rows = asyncio.run(tables.rows("IF_ORDER_LIN", {}))
    assert [row["SEQ"] for row in rows] == [1, 3]
    assert rows[1]["ID"] > rows[0]["ID"]
