"""What went wrong: billing errors, disputes, leakage, lost and duplicate orders."""

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from o2c_twin.reports.kpis.measure import Measure
from o2c_twin.reports.kpis.model import Kpi
from o2c_twin.reports.lookup import looked_up
from o2c_twin.reports.observed_run import ObservedRun

LEAKAGE_SETTLED_DAYS = 30
LOST_AFTER_DAYS = 5
_BILLED_RIGHT = ("write_off", "discount")
"""Documents that take of an invoice though it was right."""
_REASONS = ("price", "quantity", "duplicate", "entity")
_NO_ERROR = "exchange difference"


@dataclass(frozen=True, slots=True)
class Leakage:
    """Delivered against billed, in minor units, over ``deals`` deals whose billing has had time to settle."""

    deals: int
    billable: int
    unbilled: int
    underbilled: int
    overbilled: int

    @property
    def amount(self) -> int:
        """What was delivered and agreed but not billed, wholly or in part."""
        return self.unbilled + self.underbilled


def leakage(run: ObservedRun) -> Leakage:
    """Compares each deal's delivered value at the agreed price with what was billed net of credit memos."""
    # Compared in the deal's own currency, and only then valued, at the rate of the day it was won.
    delivered = run.naming_deals(run.record.table("deliveries")).dropna(subset=["deal_id"])
    by_deal = delivered.groupby("deal_id").agg(
        last=("issued_at", "max"), delivered=("amount_minor", "sum"), currency=("currency", "first")
    )
    settled = by_deal[by_deal["last"] <= pd.Timestamp(run.end - timedelta(days=LEAKAGE_SETTLED_DAYS))]
    deals = run.record.table("deals").set_index("deal_id")
    # A second delivery of the same deal is nothing the customer ordered: it cannot be billed.
    names = settled.index.to_series()
    won_at = looked_up(names, deals["won_at"]).fillna(settled["last"])
    limit = looked_up(names, deals["amount_minor"]).fillna(settled["delivered"])
    billable = settled["delivered"].where(settled["delivered"] <= limit, limit).astype("int64")
    billable = run.rates.column(billable, settled["currency"], won_at, "deals")
    documents = run.naming_deals(run.record.table("invoices")).dropna(subset=["deal_id"])
    # What was billed right and is no longer asked for is a cost, or was promised: no revenue that leaked.
    documents = documents[~documents["kind"].isin(_BILLED_RIGHT)]
    signed = documents["amount_minor"].where(documents["kind"] == "invoice", -documents["amount_minor"])
    net = signed.groupby([documents["deal_id"], documents["currency"]]).sum().reset_index(name="net")
    net = net[net["deal_id"].isin(names)]
    net["net"] = run.rates.column(net["net"], net["currency"], looked_up(net["deal_id"], won_at), "invoices")
    invoiced = set(documents.loc[documents["kind"] == "invoice", "deal_id"])
    billed = looked_up(names, net.groupby("deal_id")["net"].sum()).fillna(0)
    gap = billable - billed
    short, never = gap.clip(lower=0), ~names.isin(invoiced)
    return Leakage(
        deals=len(settled),
        billable=int(billable.sum()),
        unbilled=int(short[never].sum()),
        underbilled=int(short[~never].sum()),
        overbilled=int((-gap).clip(lower=0).sum()),
    )


def lost_deals(run: ObservedRun) -> pd.Series:
    """Ids of deals won long enough before the end of the run that no ERP order was entered for."""
    deals = run.table("deals")
    due = deals[deals["won_at"] <= pd.Timestamp(run.end - timedelta(days=LOST_AFTER_DAYS))]
    return due.loc[~due["deal_id"].isin(run.table("orders")["deal_id"].dropna()), "deal_id"]


def duplicate_orders(run: ObservedRun) -> pd.DataFrame:
    """Orders beyond the first for the same deal, counted afresh from the deals they name."""
    orders = run.table("orders").dropna(subset=["deal_id"]).sort_values(["entered_at", "order_id"], kind="stable")
    return orders[orders.duplicated("deal_id")]


def misbooked(run: ObservedRun, table: str) -> pd.DataFrame:
    """Orders, or documents of invoices, of a deal whose customer another legal entity serves than booked them."""
    customers = run.table("customers").set_index("customer_id")["entity"]
    rows = run.table(table).dropna(subset=["customer_id", "entity"])
    return rows[rows["entity"] != looked_up(rows["customer_id"], customers)]


def quality_kpis(run: ObservedRun) -> list[Kpi]:
    """All KPIs of the group Errors and leakage."""
    measure = Measure(run)
    lost, duplicates, orders = lost_deals(run), duplicate_orders(run), run.table("orders")
    return [
        *_billing(run, measure),
        *_leakage_kpis(leakage(run), measure),
        _documents(run, measure, "write_offs.amount", "write_off"),
        _documents(run, measure, "discounts.amount", "discount"),
        measure.number("orders.lost", len(lost), len(run.table("deals")), period=measure.whole_run),
        measure.number("orders.duplicate", len(duplicates), len(orders), period=measure.whole_run),
        measure.number(
            "orders.entry_errors", int((orders["entry_error"].fillna("") != "").sum()), len(orders),
            period=measure.whole_run,
        ),
        measure.number("orders.misbooked", len(misbooked(run, "orders")), len(orders), period=measure.whole_run),
        measure.number(
            "invariants.violations", len(run.table("violations")), len(run.table("violations")),
            period=measure.whole_run,
        ),
    ]  # fmt: skip


def _documents(run: ObservedRun, measure: Measure, kpi: str, kind: str) -> Kpi:
    documents = run.table("invoices")
    amounts = documents.loc[documents["kind"] == kind, "amount_minor"]
    return measure.money(kpi, int(amounts.sum()), len(amounts), period=measure.whole_run)


def _leakage_kpis(leaked: Leakage, measure: Measure) -> list[Kpi]:
    note = "" if leaked.deals else f"no deal was delivered {LEAKAGE_SETTLED_DAYS} days before the end of the run"

    def amount(id: str, minor: int, part: str = "") -> Kpi:
        known = minor if leaked.deals else None
        return measure.money(id, known, leaked.deals, part=part, period=measure.whole_run, note=note)

    share = leaked.amount / leaked.billable if leaked.billable else None
    return [
        amount("leakage.amount", leaked.amount),
        amount("leakage.amount", leaked.unbilled, "never_billed"),
        amount("leakage.amount", leaked.underbilled, "underbilled"),
        measure.number("leakage.share", share, leaked.deals, period=measure.whole_run, note=note),
        amount("overbilling.amount", leaked.overbilled),
    ]


def _billing(run: ObservedRun, measure: Measure) -> list[Kpi]:
    documents = run.table("invoices")
    issued = run.in_period("invoices", "issued_at")
    bills = issued.loc[issued["kind"] == "invoice", "document_id"]
    credited = documents[~documents["kind"].isin(_BILLED_RIGHT)].dropna(subset=["corrects"])
    corrections = credited[credited["reason"] != _NO_ERROR].drop_duplicates("corrects")
    wrong = corrections[corrections["corrects"].isin(bills)]
    disputed = run.table("disputes")["document_id"].drop_duplicates()
    reasons = wrong["reason"].fillna("not stated")
    others = sorted(set(reasons) - set(_REASONS))
    return [
        measure.share("billing.error_rate", len(wrong), len(bills)),
        measure.number("billing.errors", len(wrong), len(bills)),
        *(
            measure.number("billing.errors", int((reasons == reason).sum()), len(bills), part=reason)
            for reason in (*_REASONS, *others)
        ),
        measure.number("billing.wrong_tax", _wrongly_taxed(run, bills), len(bills)),
        measure.share("dispute.rate", int(disputed.isin(bills).sum()), len(bills)),
    ]


def _wrongly_taxed(run: ObservedRun, bills: pd.Series) -> int:
    """Invoices of the period under the tax code of a legal entity that does not serve the customer."""
    return int(misbooked(run, "invoices")["document_id"].isin(bills).sum())
