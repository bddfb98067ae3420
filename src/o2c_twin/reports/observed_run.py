"""One run as the reports look at it: its period, its currency and its receivables ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from o2c_twin.reports.exchange import RecordRates, tables_in_books
from o2c_twin.reports.lookup import looked_up
from o2c_twin.reports.open_items import Invoice, Settlement
from o2c_twin.run_record import RunRecord, RunRecordError

_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True)
class DailyMovements:
    """Minor units a day from ``origin`` on: what was invoiced, credited, written off, granted, received and applied."""

    origin: date
    invoiced: npt.NDArray[np.int64]
    credited: npt.NDArray[np.int64]
    written_off: npt.NDArray[np.int64]
    granted: npt.NDArray[np.int64]
    received: npt.NDArray[np.int64]
    applied_cash: npt.NDArray[np.int64]
    applied_credit: npt.NDArray[np.int64]

    @property
    def net_sales(self) -> npt.NDArray[np.int64]:
        """Invoiced less credited; what was written off or granted for paying early was sold."""
        return self.invoiced - self.credited

    @property
    def bank_balance(self) -> npt.NDArray[np.int64]:
        """End-of-day receivables net of money received, credits issued, write-offs and discounts, applied or not."""
        return np.cumsum(self.invoiced - self.credited - self.written_off - self.granted - self.received)

    @property
    def book_balance(self) -> npt.NDArray[np.int64]:
        """End-of-day receivables as the ledger shows them: reduced when cash or credit is applied."""
        return np.cumsum(self.invoiced - self.applied_cash - self.applied_credit)


@dataclass(frozen=True, slots=True)
class RunLedger:
    """Receivables of a run, twice: as the books show them and as the bank knows.

    ``book_items`` are settled when cash or credit is *applied*; ``bank_items`` when the money reached
    the bank, or the credit memo was issued. The difference is what cash application owes.
    """

    book_items: tuple[Invoice, ...]
    bank_items: tuple[Invoice, ...]
    movements: DailyMovements


class ObservedRun:
    """A run record with its manifest read and its ledger built once.

    ``first`` and ``last`` are the first and last calendar day (UTC) of the measured period: an event
    belongs to it from ``start`` on and before ``horizon_end``. Raises `RunRecordError` when
    the manifest lacks a key; its tables raise `MixedCurrencies` for money without a rate into its currency.
    """

    def __init__(self, record: RunRecord, label: str | None = None) -> None:
        self.record = record
        self.manifest = record.manifest
        self.label = label or str(self.manifest.get("scenario", "run"))
        self.start = self._instant("start")
        self.horizon_end = self._instant("horizon_end")
        self.end = self._instant("end")
        if not self.start < self.horizon_end <= self.end:
            raise RunRecordError(
                f"{self._manifest_path}: start, horizon_end and end must follow each other; run the scenario again"
            )
        self.currency = str(self._key("currency"))
        self.first: date = self.start.date()
        self.last: date = (self.horizon_end - timedelta(microseconds=1)).date()
        self.last_seen: date = (self.end - timedelta(microseconds=1)).date()
        self.days = (self.last - self.first).days + 1

    @property
    def _manifest_path(self) -> str:
        return str(self.record.directory / "manifest.json")

    def _key(self, name: str) -> Any:
        if name not in self.manifest:
            raise RunRecordError(f"{self._manifest_path}: no {name!r}; run the scenario again with this version")
        return self.manifest[name]

    def _instant(self, name: str) -> datetime:
        text = str(self._key(name))
        try:
            instant = pd.Timestamp(text)
        except ValueError as error:
            raise RunRecordError(
                f"{self._manifest_path}: {name} is {text!r}, not an ISO 8601 instant; run the scenario again"
            ) from error
        instant = instant.tz_localize("UTC") if instant.tzinfo is None else instant.tz_convert("UTC")
        moment: datetime = instant.to_pydatetime()
        return moment

    @cached_property
    def rates(self) -> RecordRates:
        """The record's rates into the currency of its books."""
        return RecordRates(self.record, self.currency)

    @cached_property
    def _in_books(self) -> Mapping[str, pd.DataFrame]:
        return tables_in_books(self.record, self.rates)

    def table(self, name: str) -> pd.DataFrame:
        """The record's table, its money in the currency of the books (shared: do not change it in place).

        Raises `MixedCurrencies` for money the record has no rate of.
        """
        found = self._in_books.get(name)
        return self.record.table(name) if found is None else found

    def in_period(self, table: str, instant: str) -> pd.DataFrame:
        """The table's rows whose ``instant`` lies in the measured period."""
        frame = self.table(table)
        return frame[(frame[instant] >= self.start) & (frame[instant] < self.horizon_end)]

    def with_deal(self, table: str) -> pd.DataFrame:
        """The table with empty deal_id filled in from the order, where the order's deal is known."""
        return self.naming_deals(self.table(table))

    def naming_deals(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The same of rows somebody has already, such as those of the record in their own currencies."""
        orders = self.table("orders")
        deal_of = orders.dropna(subset=["deal_id"]).set_index("order_id")["deal_id"]
        return frame.assign(deal_id=frame["deal_id"].fillna(looked_up(frame["order_id"], deal_of)))

    @cached_property
    def ledger(self) -> RunLedger:
        """Both views of receivables; movements run to the last day of the period."""
        return _read_ledger(self)


def observe(run: RunRecord | ObservedRun) -> ObservedRun:
    """The run itself, or the record observed."""
    return run if isinstance(run, ObservedRun) else ObservedRun(run)


def _read_ledger(run: ObservedRun) -> RunLedger:
    documents, receipts, applications = run.table("invoices"), run.table("receipts"), run.table("applications")
    is_invoice = documents["kind"] == "invoice"
    bills, memos = documents[is_invoice], documents[~is_invoice]
    is_cash = applications["source_kind"] == "receipt"
    # Money knows the bank's date and a credit the memo's; an application of something unknown keeps its own.
    known = pd.concat(
        [receipts.set_index("receipt_id")["value_at"], memos.set_index("document_id")["issued_at"]],
    )
    effective = looked_up(applications["source_id"], known).fillna(applications["applied_at"])

    book: dict[str, list[Settlement]] = {}
    bank: dict[str, list[Settlement]] = {}
    for document, applied_on, effective_on, amount, cash in zip(
        applications["document_id"],
        applications["applied_at"].dt.date,
        effective.dt.date,
        applications["amount_minor"].tolist(),
        is_cash.tolist(),
        strict=True,
    ):
        kind: Any = "cash" if cash else "credit"
        book.setdefault(document, []).append(Settlement(applied_on, amount, kind))
        bank.setdefault(document, []).append(Settlement(effective_on, amount, kind))

    rows = list(
        zip(
            bills["document_id"],
            bills["issued_at"].dt.date,
            bills["due_at"].dt.date,
            bills["amount_minor"].tolist(),
            strict=True,
        )
    )
    return RunLedger(
        book_items=tuple(Invoice(on, due, amount, tuple(book.get(i, ()))) for i, on, due, amount in rows),
        bank_items=tuple(Invoice(on, due, amount, tuple(bank.get(i, ()))) for i, on, due, amount in rows),
        movements=_movements(
            run,
            [
                (bills, "issued_at"),
                (memos[memos["kind"] == "credit_memo"], "issued_at"),
                (memos[memos["kind"] == "write_off"], "issued_at"),
                (memos[memos["kind"] == "discount"], "issued_at"),
                (receipts, "value_at"),
                (applications[is_cash], "applied_at"),
                (applications[~is_cash], "applied_at"),
            ],
        ),
    )


def _movements(run: ObservedRun, dated: Sequence[tuple[pd.DataFrame, str]]) -> DailyMovements:
    firsts = [frame[column].min().date() for frame, column in dated if len(frame)]
    origin = min([run.first, *firsts])
    length = (run.last - origin).days + 1
    sums = []
    for frame, column in dated:
        seen = frame[frame[column] < run.horizon_end]
        days = (seen[column].dt.tz_localize(None).to_numpy("datetime64[D]") - np.datetime64(origin)) // _DAY
        daily = np.zeros(length, dtype=np.int64)
        np.add.at(daily, days.astype(np.int64), seen["amount_minor"].to_numpy(np.int64))
        sums.append(daily)
    return DailyMovements(origin, *sums)
