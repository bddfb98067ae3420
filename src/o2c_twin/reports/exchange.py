"""A run record's money in the currency of its books: nothing is added up before it is converted.

Each row is worth what the record's rates say of its own day; but what is set against an invoice, cash or credit, is
worth there what the invoice is, as in a ledger. So an invoice that is paid is settled to the cent, whatever the rate
has done since, and what a receipt has left is valued at the receipt's day. The exchange gain or loss between the two
days is in no figure.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

from o2c_twin.reports.lookup import looked_up
from o2c_twin.reports.money import MixedCurrencies, decimal_amount
from o2c_twin.run_record import RunRecord

# By which instant a table's money is valued; applications and disputes are valued as their invoices.
_DATED = {
    "deals": "won_at",
    "orders": "entered_at",
    "deliveries": "issued_at",
    "invoices": "issued_at",
    "receipts": "value_at",
}
_BY_INVOICE = ("applications", "disputes")


class RecordRates:
    """The rates of one record into the currency of its books."""

    def __init__(self, record: RunRecord, books: str) -> None:
        self.books = books
        self._record = record
        self._days: dict[str, tuple[list[pd.Timestamp], list[Decimal]]] | None = None

    def worth(self, minor: int, currency: str, at: pd.Timestamp, table: str) -> int:
        """An amount in minor units of the books. Raises `MixedCurrencies`, naming the ``table``, without a rate."""
        if currency == self.books:
            return minor
        amount = decimal_amount(minor, currency) * self._rate(currency, at, table)
        return int((amount / decimal_amount(1, self.books)).quantize(Decimal(1), ROUND_HALF_UP))

    def column(self, minor: pd.Series, currency: pd.Series, at: pd.Series, table: str) -> pd.Series:
        """The same row by row; the amounts themselves where all are in the currency of the books."""
        if (currency == self.books).all():
            return minor
        rows = zip(minor.tolist(), currency.tolist(), at.tolist(), strict=True)
        return pd.Series([self.worth(*row, table) for row in rows], index=minor.index, dtype="int64")

    def _rate(self, currency: str, at: pd.Timestamp, table: str) -> Decimal:
        if self._days is None:
            self._days = _rates_of(self._record)
        days, rates = self._days.get(currency, ([], []))
        nth = bisect_right(days, at) - 1
        if nth < 0:
            file = self._record.directory / f"{table}.parquet"
            raise MixedCurrencies(
                f"{file}: money in {currency}, the manifest says {self.books}, and exchange_rates.parquet has no rate "
                f"of {currency} on {at.date()}; run the scenario again"
            )
        return rates[nth]


def _rates_of(record: RunRecord) -> dict[str, tuple[list[pd.Timestamp], list[Decimal]]]:
    try:
        table = record.table("exchange_rates").sort_values("day_at", kind="stable")
    except FileNotFoundError:  # a record of an earlier version, which had one currency
        return {}
    return {
        str(currency): (rows["day_at"].tolist(), [Decimal(text) for text in rows["rate"]])
        for currency, rows in table.groupby("currency")
    }


def tables_in_books(record: RunRecord, rates: RecordRates) -> Mapping[str, pd.DataFrame]:
    """The record's tables that hold other money than the books', each valued in the books' currency.

    Empty where there is none. Raises `MixedCurrencies` for money the record has no rate of.
    """
    tables = {name: record.table(name) for name in (*_DATED, *_BY_INVOICE)}
    if all((table["currency"] == rates.books).all() for table in tables.values()):
        return {}
    valued_at = {name: tables[name][column] for name, column in _DATED.items()}
    documents = tables["invoices"]
    issued = dict(zip(documents["document_id"], documents["issued_at"], strict=True))
    # A credit memo or discount takes back what its invoice was worth, not what it would be worth today.
    corrected = documents["corrects"].where(documents["kind"].isin(("credit_memo", "discount")))
    valued_at["invoices"] = corrected.map(issued).fillna(documents["issued_at"])
    for name in _BY_INVOICE:
        own = tables[name]["applied_at" if name == "applications" else "opened_at"]
        valued_at[name] = tables[name]["document_id"].map(issued).fillna(own)
    amounts = {
        name: rates.column(table["amount_minor"], table["currency"], valued_at[name], name)
        for name, table in tables.items()
        if name != "applications"
    }
    applications = tables["applications"]
    amounts["applications"] = _in_parts(applications, applications["document_id"], valued_at["applications"], rates)
    for name, key in (("receipts", "receipt_id"), ("invoices", "document_id")):
        sources = tables[name].assign(valued_at=valued_at[name]).set_index(key)
        differences = _differences(sources, applications, amounts["applications"], rates)
        amounts[name] = amounts[name] + tables[name][key].map(differences).fillna(0).astype("int64")
    return {
        name: table.assign(amount_minor=amounts[name].to_numpy("int64"), currency=rates.books)
        for name, table in tables.items()
    }


def _in_parts(parts: pd.DataFrame, whole: pd.Series, at: pd.Series, rates: RecordRates) -> pd.Series:
    """Parts of a whole, valued so that they add up to it to the cent, however each would be rounded."""
    so_far: dict[tuple[str, str], int] = {}
    values = []
    columns: Iterable[tuple[str, str, int, pd.Timestamp]] = zip(
        whole.tolist(), parts["currency"].tolist(), parts["amount_minor"].tolist(), at.tolist(), strict=True
    )
    for name, currency, minor, day in columns:
        before = so_far.get((name, currency), 0)
        after = so_far[name, currency] = before + minor
        values.append(
            rates.worth(after, currency, day, "applications") - rates.worth(before, currency, day, "applications")
        )
    return pd.Series(values, index=parts.index, dtype="int64")


def _differences(
    sources: pd.DataFrame, applications: pd.DataFrame, worth: pd.Series, rates: RecordRates
) -> dict[str, int]:
    """By source: what its applications are worth at their invoices' days, above what they are at its own."""
    known = sources[~sources.index.duplicated()]
    mine = applications["source_id"].isin(known.index)
    used, names = applications[mine], applications.loc[mine, "source_id"]
    # What was changed into another currency on the way is worth what it was changed into.
    same = used["currency"].to_numpy() == known.loc[names, "currency"].to_numpy()
    own_day = looked_up(names, known["valued_at"])
    at_source = _in_parts(used[same], names[same], own_day[same], rates)
    found = (worth[mine][same] - at_source).groupby(names[same]).sum()
    return {str(name): int(value) for name, value in found.items() if value}
