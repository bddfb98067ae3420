"""Synthetic run records: hand-made ones of a few rows, and a made-up business of any size."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from o2c_twin.run_record import TABLES, RunRecord, RunRecordWriter

COLUMNS = {table.name: [column.name for column in table.columns] for table in TABLES}
DAY = timedelta(days=1)


def micros(instant: datetime | str | None) -> int | None:
    """Microseconds since the epoch of an ISO instant (UTC when it names no zone)."""
    if instant is None:
        return None
    moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def write_record(directory: Path, tables: dict[str, list[dict[str, Any]]], **manifest: Any) -> RunRecord:
    """A run record from rows as dicts; columns left out are empty, instants may be ISO text."""
    writer = RunRecordWriter(directory)
    for name, rows in tables.items():
        for row in rows:
            unknown = set(row) - set(COLUMNS[name])
            assert not unknown, f"{name} has no column {unknown}"
            full = {"currency": "EUR", **row}
            writer.add(name, tuple(micros(full.get(c)) if c.endswith("at") else full.get(c) for c in COLUMNS[name]))
    writer.close(
        {
            "scenario": "hand-made",
            "title": "A hand-made week",
            "story": "Two people sell to three customers.",
            "seed": 7,
            "design": {"order_sync": "manual"},
            "settings": {"days": 90, "drain_days": 0},
            "start": "2026-01-01T00:00:00Z",
            "horizon_end": "2026-04-01T00:00:00Z",
            "end": "2026-04-01T00:00:00Z",
            "currency": "EUR",
            "orders": len(tables.get("deals", [])),
            "api_calls": len(tables.get("api_calls", [])),
            "virtual_days": 90,
            "trace_hash": "0" * 64,
            "versions": {"o2c-twin": "0.1.0", "python": "3.11"},
            "wall_s": 1.5,
            "violations": len(tables.get("violations", [])),
            **manifest,
        }
    )
    return RunRecord(directory)


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., RunRecord]:
    """Makes a record from rows: ``record(deals=[...], invoices=[...], manifest={...})``."""
    made = 0

    def make(manifest: dict[str, Any] | None = None, **tables: list[dict[str, Any]]) -> RunRecord:
        nonlocal made
        made += 1
        return write_record(tmp_path / f"run-{made}", tables, **(manifest or {}))

    return make


GOLDEN_A = (  # id, invoice date, amount, due, receipts: order-to-cash domain sheet 2.2, in cents
    ("D1", "2025-12-10", 12_000_00, "2026-01-09", (12_000_00, "2026-01-20")),
    ("D2", "2025-12-22", 8_000_00, "2026-01-21", (8_000_00, "2026-02-20")),
    ("J1", "2026-01-08", 20_000_00, "2026-02-07", (20_000_00, "2026-02-07")),
    ("J2", "2026-01-19", 15_500_00, "2026-02-18", (15_500_00, "2026-03-10")),
    ("J3", "2026-01-27", 4_500_00, "2026-02-26", None),
    ("F1", "2026-02-05", 18_250_00, "2026-03-07", (10_000_00, "2026-03-09")),
    ("F2", "2026-02-17", 11_750_00, "2026-03-19", None),
    ("M1", "2026-03-03", 22_400_00, "2026-04-02", (22_400_00, "2026-03-30")),
    ("M2", "2026-03-16", 16_600_00, "2026-04-15", None),
    ("M3", "2026-03-28", 9_000_00, "2026-04-27", None),
)


@pytest.fixture(scope="session")
def golden_a() -> tuple[tuple[str, str, int, str, tuple[int, str] | None], ...]:
    return GOLDEN_A


@pytest.fixture
def golden_a_tables() -> dict[str, list[dict[str, Any]]]:
    """Golden A as tables of a run record."""
    tables: dict[str, list[dict[str, Any]]] = {"invoices": [], "receipts": [], "applications": []}
    for name, issued, amount, due, paid in GOLDEN_A:
        tables["invoices"].append(
            {"document_id": name, "kind": "invoice", "issued_at": issued, "due_at": due, "amount_minor": amount}
        )
        if paid:
            cents, on = paid
            tables["receipts"].append(
                {"receipt_id": f"R-{name}", "customer_id": "C1", "value_at": on, "amount_minor": cents}
            )
            tables["applications"].append(
                {
                    "source_id": f"R-{name}",
                    "source_kind": "receipt",
                    "document_id": name,
                    "applied_at": on,
                    "amount_minor": cents,
                    "channel": "manual",
                }
            )
    return tables


def write_business(
    directory: Path, *, integrated: bool, deals: int = 400, days: int = 180, drain_days: int = 45, seed: int = 11,
    calls: int | None = None,
) -> RunRecord:  # fmt: skip
    """A made-up business: by hand it is slow and errs, integrated it is quick and calls APIs.

    Each deal has its own dice by seed and number, so both designs meet the same customers.
    """
    rows: dict[str, list[dict[str, Any]]] = {table.name: [] for table in TABLES}
    start = datetime(2025, 1, 1, tzinfo=UTC)
    horizon_end = start + days * DAY
    end = horizon_end + drain_days * DAY
    for n in range(40):
        rows["customers"].append(
            {"customer_id": f"C{n}", "name": f"Customer {n} & Sons", "payer_class": "late" if n % 3 == 0 else "prompt",
             "terms_days": 30, "credit_limit_minor": 50_000_00}
        )  # fmt: skip
    for n in range(deals):
        _one_deal(rows, n, random.Random(f"{seed}/{n}"), start, days, end, integrated)
    _calls(rows, random.Random(f"{seed}/calls"), start, (end - start), deals, integrated, calls)
    if not integrated:
        lost = {d["deal_id"] for d in rows["deals"]} - {o["deal_id"] for o in rows["orders"]}
        rows["violations"] += [
            {
                "invariant": "no deal is lost",
                "key": deal,
                "detail": "expected an ERP order, found <none> & nobody knows",
            }
            for deal in sorted(lost)
        ]
    name = "integrated" if integrated else "by hand"
    return write_record(
        directory, rows, scenario="wholesale-year", title=f"Wholesale, {name}", seed=seed,
        story="A wholesaler sells pumps & valves to forty customers from one warehouse. Four people key orders, bill "
        "and apply cash; sales live in the CRM, goods and money in the ERP.",
        design={
            "order_sync": "webhook" if integrated else "manual", "cash_application": "auto" if integrated else "manual",
            "billing": "same day", "idempotency": "key" if integrated else "none",
        },
        settings={"days": days, "drain_days": drain_days, "orders": deals},
        start=start.isoformat(), horizon_end=horizon_end.isoformat(), end=end.isoformat(),
        virtual_days=days + drain_days, trace_hash=f"{seed:02d}{'ab' if integrated else 'cd'}" * 16,
    )  # fmt: skip


def _one_deal(
    rows: dict[str, list[dict[str, Any]]], n: int, dice: random.Random, start: datetime, days: int, end: datetime,
    integrated: bool,
) -> None:  # fmt: skip
    deal, customer = f"DEAL-{n:05d}", f"C{dice.randrange(40)}"
    won = start + dice.random() * days * DAY
    amount = round(dice.lognormvariate(8.2, 0.8)) * 100
    hand_entry, hand_bill, hand_cash = (dice.lognormvariate(mu, 0.7) for mu in (-0.2, 0.4, 0.5))
    machine = dice.lognormvariate(1.2, 0.9) / 86400
    fate, wrong, late = dice.random(), dice.random(), dice.lognormvariate(2.2, 0.9)
    lag = (machine, machine, machine * 3) if integrated else (hand_entry, hand_bill, hand_cash)
    rows["deals"].append(
        {"deal_id": deal, "customer_id": customer, "won_at": won, "amount_minor": amount, "lines": dice.randint(1, 6)}
    )
    if not integrated and fate < 0.008:
        rows["sync"].append(
            {"flow": "order", "object_id": deal, "source": "crm", "target": "erp", "source_at": won, "target_at": None}
        )
        return
    for copy in range(2 if not integrated and 0.008 <= fate < 0.018 else 1):
        order, delivery, invoice = f"SO-{n:05d}-{copy}", f"DN-{n:05d}-{copy}", f"INV-{n:05d}-{copy}"
        entered = won + lag[0] * DAY
        shipped = entered + (1 + dice.random() * 3) * DAY
        billed = shipped + lag[1] * DAY
        due = billed + 30 * DAY
        paid = due + (late if int(customer[1:]) % 3 == 0 else dice.uniform(-8, 1)) * DAY
        error = not integrated and wrong < 0.05
        rate = 0.93 if error and wrong < 0.025 else 1.08 if error else 1.0
        if error:
            paid += 12 * DAY
        _by_hand_or_sync(rows, deal, order, won, entered, integrated, dice)
        rows["orders"].append(
            {"order_id": order, "deal_id": deal, "customer_id": customer, "entered_at": entered, "amount_minor": amount,
             "channel": "sync" if integrated else "manual", "duplicate": copy > 0,
             "entry_error": "price" if error else None}
        )  # fmt: skip
        if shipped >= end:
            continue
        rows["deliveries"].append(
            {"delivery_id": delivery, "order_id": order, "deal_id": deal, "issued_at": shipped, "amount_minor": amount}
        )
        rows["work"].append(
            {"role": "warehouse", "task": "pick", "object_id": delivery, "queued_at": entered, "started_at": shipped,
             "finished_at": shipped, "touch_s": 900}
        )  # fmt: skip
        if billed >= end or (not integrated and 0.5 < fate < 0.506):
            continue
        value = round(amount * rate)
        rows["invoices"].append(
            {"document_id": invoice, "kind": "invoice", "order_id": order, "deal_id": deal, "delivery_id": delivery,
             "customer_id": customer, "issued_at": billed, "due_at": due, "amount_minor": value}
        )  # fmt: skip
        rows["sync"].append(
            {"flow": "invoice", "object_id": invoice, "source": "erp", "target": "crm", "source_at": billed,
             "target_at": billed + lag[0] * DAY}
        )  # fmt: skip
        if not integrated:
            rows["work"].append(
                {"role": "billing", "task": "bill", "object_id": delivery, "queued_at": shipped, "started_at": billed,
                 "finished_at": billed, "touch_s": 420}
            )  # fmt: skip
        if copy or rate > 1:
            credit = value if copy else value - amount
            memo, reason = f"CM-{n:05d}-{copy}", "duplicate" if copy else "price"
            rows["disputes"].append(
                {"dispute_id": f"D-{memo}", "document_id": invoice, "opened_at": billed + 5 * DAY,
                 "resolved_at": billed + 12 * DAY, "reason": reason, "amount_minor": credit}
            )  # fmt: skip
            at = billed + 12 * DAY
            if at < end:
                rows["invoices"].append(
                    {"document_id": memo, "kind": "credit_memo", "order_id": order, "deal_id": deal,
                     "customer_id": customer, "issued_at": at, "due_at": at, "amount_minor": credit,
                     "corrects": invoice, "reason": reason}
                )  # fmt: skip
                rows["applications"].append(
                    {"source_id": memo, "source_kind": "credit_memo", "document_id": invoice, "applied_at": at,
                     "amount_minor": credit, "channel": "manual"}
                )  # fmt: skip
                value -= credit
        if value and paid < end:
            _receipt(rows, invoice, customer, paid, lag[2], value, end, integrated)


def _by_hand_or_sync(
    rows: dict[str, list[dict[str, Any]]], deal: str, order: str, won: datetime, entered: datetime, integrated: bool,
    dice: random.Random,
) -> None:  # fmt: skip
    rows["sync"].append(
        {"flow": "order", "object_id": deal, "source": "crm", "target": "erp", "source_at": won, "target_at": entered}
    )
    if not integrated or dice.random() < 0.04:
        rows["work"].append(
            {"role": "order_entry" if not integrated else "support", "task": "enter order", "object_id": deal,
             "queued_at": won, "started_at": entered, "finished_at": entered, "touch_s": 540}
        )  # fmt: skip
    if integrated and dice.random() < 0.02:
        rows["cases"].append(
            {"case_id": f"CASE-{order}", "flow": "order", "object_id": deal, "opened_at": won, "closed_at": entered,
             "reason": "price list missing"}
        )  # fmt: skip


def _receipt(
    rows: dict[str, list[dict[str, Any]]], invoice: str, customer: str, paid: datetime, lag: float, value: int,
    end: datetime, integrated: bool,
) -> None:  # fmt: skip
    receipt, applied = f"R-{invoice}", paid + lag * DAY
    rows["receipts"].append({"receipt_id": receipt, "customer_id": customer, "value_at": paid, "amount_minor": value})
    rows["sync"].append(
        {"flow": "cash", "object_id": receipt, "source": "bank", "target": "erp", "source_at": paid,
         "target_at": applied if applied < end else None}
    )  # fmt: skip
    if applied < end:
        rows["applications"].append(
            {"source_id": receipt, "source_kind": "receipt", "document_id": invoice, "applied_at": applied,
             "amount_minor": value, "channel": "sync" if integrated else "manual"}
        )  # fmt: skip
        if not integrated:
            rows["work"].append(
                {"role": "receivables", "task": "apply cash", "object_id": receipt, "queued_at": paid,
                 "started_at": applied, "finished_at": applied, "touch_s": 300}
            )  # fmt: skip


def _calls(
    rows: dict[str, list[dict[str, Any]]], dice: random.Random, start: datetime, span: timedelta, deals: int,
    integrated: bool, calls: int | None,
) -> None:  # fmt: skip
    for _ in range(calls if calls is not None else deals * (16 if integrated else 3)):
        at = start + dice.random() * span
        busy = integrated and at.day in (1, 2, 30, 31)
        throttled = dice.random() < (0.15 if busy else 0.004 if integrated else 0)
        fault = "response lost" if dice.random() < 0.002 else None
        rows["api_calls"].append(
            {"at": at, "system": dice.choice(("crm", "erp", "bank")), "operation": "query", "caller": "engine",
             "status": 429 if throttled else 0 if fault else 200, "throttled": throttled, "fault": fault,
             "duration_us": 120_000}
        )  # fmt: skip


@pytest.fixture(scope="session")
def business(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunRecord]:
    """The same half year ``by hand`` and ``integrated``."""
    folder = tmp_path_factory.mktemp("business")
    return {
        "by hand": write_business(folder / "by-hand", integrated=False),
        "integrated": write_business(folder / "integrated", integrated=True),
    }
