"""Whether a run's figures can be trusted: the ledger adds up, and every entry points at something."""

from dataclasses import dataclass
from datetime import timedelta

import pandas as pd

from o2c_twin.reports.display import written
from o2c_twin.reports.kpis.quality import duplicate_orders
from o2c_twin.reports.money import decimal_amount
from o2c_twin.reports.observed_run import ObservedRun, observe
from o2c_twin.reports.open_items import RollForward, balance
from o2c_twin.run_record import RunRecord


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a run record: ``passed``, and ``found`` says what was seen, in words and figures."""

    name: str
    passed: bool
    found: str


def roll_forward_of(run: ObservedRun) -> RollForward:
    """The period's roll-forward in the book view: flows from the tables, balances item by item.

    The two sides come from different sums, so a posting to an unknown invoice shows as a difference.
    """
    moves, days = run.ledger.movements, run.days
    return RollForward(
        opening=balance(run.ledger.book_items, run.first - timedelta(days=1)),
        invoiced=int(moves.invoiced[-days:].sum()),
        cash=int(moves.applied_cash[-days:].sum()),
        credits=int(moves.applied_credit[-days:].sum()),
        closing=balance(run.ledger.book_items, run.last),
    )


def checks_of(record: RunRecord | ObservedRun) -> list[Check]:
    """All checks of one run, those that decide whether its figures mean anything."""
    run = observe(record)
    forward = roll_forward_of(run)
    return [
        Check("Roll-forward of receivables to the cent", forward.difference == 0, _forward_text(forward, run)),
        _no_over_application(run),
        _no_over_settlement(run),
        _known_names(run),
        _duplicates_agree(run),
        _violations_agree(run),
    ]


def _forward_text(forward: RollForward, run: ObservedRun) -> str:
    def amount(minor: int) -> str:
        return written(decimal_amount(minor, run.currency), "money")

    return (
        f"{amount(forward.opening)} + {amount(forward.invoiced)} invoiced \N{MINUS SIGN} {amount(forward.cash)} cash "
        f"\N{MINUS SIGN} {amount(forward.credits)} credits = {amount(forward.closing)} {run.currency}; "
        f"difference {amount(forward.difference)}"
    )


def _no_over_application(run: ObservedRun) -> Check:
    applications, documents = run.table("applications"), run.table("invoices")
    memos = documents[documents["kind"] != "invoice"].set_index("document_id")["amount_minor"]
    sources = pd.concat([run.table("receipts").set_index("receipt_id")["amount_minor"], memos])
    sources = sources[~sources.index.duplicated()]
    used = applications.groupby("source_id")["amount_minor"].sum()
    over = int((used > sources.reindex(used.index).fillna(used)).sum())
    return Check("No receipt or credit applied beyond its amount", over == 0, f"{over:,} of {len(used):,} over-applied")


def _no_over_settlement(run: ObservedRun) -> Check:
    over = sum(1 for i in run.ledger.book_items if sum(s.amount for s in i.settlements) > i.amount)
    return Check(
        "No invoice settled beyond its amount", over == 0, f"{over:,} of {len(run.ledger.book_items):,} over-settled"
    )


def _known_names(run: ObservedRun) -> Check:
    applications, documents = run.table("applications"), run.table("invoices")
    known = set(documents["document_id"]), set(run.table("receipts")["receipt_id"]) | set(documents["document_id"])
    strays = int(
        (~applications["document_id"].isin(known[0])).sum() + (~applications["source_id"].isin(known[1])).sum()
    )
    return Check(
        "Every application names a known invoice and source", strays == 0, f"{strays:,} of {len(applications):,} stray"
    )


def _duplicates_agree(run: ObservedRun) -> Check:
    counted, flagged = len(duplicate_orders(run)), int(run.table("orders")["duplicate"].sum())
    return Check(
        "Duplicate orders agree with a recount", counted == flagged, f"{counted:,} counted, {flagged:,} flagged"
    )


def _violations_agree(run: ObservedRun) -> Check:
    listed, named = len(run.table("violations")), int(run.manifest.get("violations", 0))
    return Check("Invariant violations agree with the manifest", listed == named, f"{listed:,} listed, {named:,} named")
