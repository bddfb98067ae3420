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
