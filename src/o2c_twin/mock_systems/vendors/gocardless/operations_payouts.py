"""Operations on payouts, what they are made of, creditors and balances."""

from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.roles.direct_debit import Payout
from o2c_twin.mock_systems.roles.direct_debit.records import Creditor
from o2c_twin.mock_systems.roles.direct_debit.schemes import day_of, months_after
from o2c_twin.mock_systems.vendors.gocardless import shapes
from o2c_twin.mock_systems.vendors.gocardless.fields import read
from o2c_twin.mock_systems.vendors.gocardless.listing import Page, answer
from o2c_twin.mock_systems.vendors.gocardless.operations_payers import ONLY_METADATA
from o2c_twin.mock_systems.vendors.gocardless.values import stamp
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.gocardless.dialect import GoCardlessDialect

_PAYOUT_FILTERS = ("creditor", "creditor_bank_account", "currency", "payout_type", "reference", "status")


def get_payout(gc: "GoCardlessDialect", call: Call) -> Response:
    """One payout."""
    return json_response(200, {"payouts": shapes.payout(gc.core, gc.core.payout(call.params["id"]))})


def list_payouts(gc: "GoCardlessDialect", call: Call) -> Response:
    """Payouts by status, currency or reference."""
    core = gc.core
    page = Page(gc, call, _PAYOUT_FILTERS)
    wanted = page.filters
    ours = core.creditor

    def keep(row: Payout) -> bool:
        return (
            wanted.get("status") in (None, row.status)
            and wanted.get("currency") in (None, row.currency)
            and wanted.get("reference") in (None, row.reference)
            and wanted.get("payout_type") in (None, "merchant")
            and wanted.get("creditor") in (None, ours.id)
            and wanted.get("creditor_bank_account") in (None, ours.bank_account_id)
        )

    rows = list(core.state.payouts.values())
    return answer(
        gc, "payouts", page, rows, lambda p: p.id, lambda p: p.created_at, lambda p: shapes.payout(core, p), keep
    )


def update_payout(gc: "GoCardlessDialect", call: Call) -> Response:
    """Only its metadata."""
    payout = gc.core.payout(call.params["id"])
    payout.metadata = read(gc.errors, "payouts", call.body, ONLY_METADATA)["metadata"]
    return json_response(200, {"payouts": shapes.payout(gc.core, payout)})


def list_payout_items(gc: "GoCardlessDialect", call: Call) -> Response:
    """What one payout is made of; gone for payouts older than some months."""
    page = Page(gc, call, ("payout", "include_2020_tax_cutover"), timed=False)
    payout_id = page.filters.get("payout")
    if not payout_id:
        gc.errors.invalid("", [("payout", "can't be blank")])
    payout = gc.core.payout(payout_id)
    months = gc.config.payout_items_kept_months
    if months is not None and months_after(day_of(payout.created_at), months) < day_of(call.now):
        detail = f"Payout items are only available for payouts created in the last {months} months"
        gc.errors.refuse_usage(410, "gone", detail)
    # Items have no ids: the cursor is the payout's, with the place.
    start = 0
    cursor = page.after or page.before
    if cursor is not None:
        owner, _, place = cursor.rpartition("-")
        if owner != payout_id or not (place.isascii() and place.isdigit() and int(place[:9]) < len(payout.items)):
            gc.errors.refuse_usage(400, "invalid_filters", "the cursor is not a record of this list")
        start = int(place) + 1 if page.after is not None else max(0, int(place) - page.limit)
    end = min(len(payout.items), start + page.limit)
    if page.before is not None:
        end = int(page.before.rpartition("-")[2])
    cursors = {
        "before": f"{payout_id}-{start}" if start else None,
        "after": f"{payout_id}-{end - 1}" if end < len(payout.items) else None,
    }
    rows = [shapes.item(item) for item in payout.items[start:end]]
    return json_response(200, {"payout_items": rows, "meta": {"cursors": cursors, "limit": page.limit}})


def get_creditor(gc: "GoCardlessDialect", call: Call) -> Response:
    """The creditor."""
    if call.params["id"] != gc.core.creditor.id:
        gc.errors.missing()
    return json_response(200, {"creditors": shapes.creditor(gc.core.creditor)})


def list_creditors(gc: "GoCardlessDialect", call: Call) -> Response:
    """The one creditor of the account."""
    page = Page(gc, call, ())
    rows: list[Creditor] = gc.core.state.creditors
    return answer(gc, "creditors", page, rows, lambda c: c.id, lambda c: c.created_at, shapes.creditor)


def list_balances(gc: "GoCardlessDialect", call: Call) -> Response:
    """Money collected and not paid out, and money on its way, by currency."""
    page = Page(gc, call, ("creditor",), timed=False)
    core = gc.core
    if page.filters.get("creditor") != core.creditor.id:
        gc.errors.invalid("", [("creditor", "can't be blank" if "creditor" not in page.filters else "is not yours")])
    rows: list[dict[str, Any]] = []
    for currency in ("EUR", "GBP"):
        submitted = sum(
            p.amount for p in core.state.payments.values() if p.currency == currency and p.status == "submitted"
        )
        sent = sum(p.amount for p in core.state.payouts.values() if p.currency == currency and p.status == "pending")
        for kind, amount in (
            ("confirmed_funds", core.available(currency)),
            ("pending_payments_submitted", submitted),
            ("pending_payouts", sent),
        ):
            rows.append(
                {
                    "amount": amount,
                    "balance_type": kind,
                    "currency": currency,
                    "last_updated_at": stamp(call.now),
                    "links": {"creditor": core.creditor.id},
                }
            )
    return answer(gc, "balances", page, rows, lambda b: f"{b['currency']}-{b['balance_type']}", lambda b: 0, dict)
