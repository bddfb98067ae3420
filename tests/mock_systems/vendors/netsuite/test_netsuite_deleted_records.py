"""The table of deletions: what was deleted, of which type, and when."""

from typing import Any

HOUR_US = 3_600_000_000
STAMP = "TO_CHAR(deleteddate,'YYYY-MM-DD HH24:MI:SS') AS at"


def test_deleted_records_are_listed_with_type_and_date(account: Any) -> None:
    customer, item = account.customer(), account.item()
    order, kept = account.order(customer, (item, 1, 25)), account.order(customer, (item, 1, 25))
    lonely = account.customer("Lonely")
    assert account.select("SELECT recordid FROM deletedrecord") == []
    account.call("DELETE", f"salesOrder/{order}")
    account.clock.us += HOUR_US
    account.call("DELETE", f"customer/{lonely}")
    rows = account.select(f"SELECT recordid, type, {STAMP} FROM DeletedRecord ORDER BY deleteddate")
    assert [(row["recordid"], row["type"], row["at"]) for row in rows] == [
        (order, "salesorder", "2026-01-05 00:00:00"),
        (lonely, "customer", "2026-01-05 01:00:00"),
    ]
    assert account.select(f"SELECT id FROM transaction WHERE id = {kept}") != []


def test_deletions_of_a_type_since_an_instant(account: Any) -> None:
    customer, item = account.customer(), account.item()
    early, late = (account.order(customer, (item, 1, 25)) for _ in range(2))
    account.call("DELETE", f"salesOrder/{early}")
    account.clock.us += HOUR_US
    account.call("DELETE", f"salesOrder/{late}")

    def since(stamp: str, kind: str = "salesorder") -> list[str]:
        date = f"TO_DATE('{stamp}','YYYY-MM-DD HH24:MI:SS')"
        rows = account.select(f"SELECT recordid FROM deletedrecord WHERE type = '{kind}' AND deleteddate >= {date}")
        return [row["recordid"] for row in rows]

    assert since("2026-01-05 00:00:00") == [early, late]
    assert since("2026-01-05 00:00:01") == [late]
    assert since("2026-01-05 01:00:01") == []
    assert since("2026-01-05 00:00:00", "customer") == []


def test_a_deleted_invoice_is_to_be_billed_again_and_a_deleted_payment_leaves_its_invoice_open(account: Any) -> None:
    customer, item = account.customer(), account.item()
    invoice = account.invoice(customer, item, 50)
    apply = {"apply": {"items": [{"doc": {"id": invoice}, "amount": 50}]}}
    payment = account.write("POST", "customerPayment", {"customer": {"id": customer}, "payment": 60, **apply})
    core, books = account.core, account.core.state.customers[customer]
    assert account.call("DELETE", f"invoice/{invoice}").status == 400
    account.call("DELETE", f"customerPayment/{payment}")
    assert core.state.invoices[invoice].open_minor == 5_000 and books.unapplied_minor == 0
    account.call("DELETE", f"invoice/{invoice}")
    rows = account.select("SELECT recordid, type FROM deletedrecord ORDER BY type")
    assert [(row["recordid"], row["type"]) for row in rows] == [(payment, "customerpayment"), (invoice, "invoice")]
    (order,) = core.state.orders.values()
    assert books.balance_minor == 0 and [line.billed for line in order.lines] == [0]
    assert sum(amount for _, _, _, amount in core.state.postings) == 0
    again = account.write("POST", f"salesOrder/{order.id}/!transform/invoice", {})
    assert core.state.invoices[again].total_minor == 5_000
