"""Operations on events and webhooks, and the sandbox's scenario simulators."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.direct_debit import Happening
from o2c_twin.mock_systems.roles.direct_debit.schemes import day_of, instant, months_after
from o2c_twin.mock_systems.vendors.gocardless import shapes
from o2c_twin.mock_systems.vendors.gocardless.fields import Field, read, read_metadata
from o2c_twin.mock_systems.vendors.gocardless.listing import Page, answer
from o2c_twin.mock_systems.vendors.gocardless.push import Webhook
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.gocardless.dialect import GoCardlessDialect

_SUBJECTS = ("payment", "mandate", "refund", "payout")
_EVENT_FILTERS = (*_SUBJECTS, "action", "include", "resource_type", "creditor", "parent_event")
_RUN = {"links": Field("links", links=("resource",), needed=("resource",))}


def get_event(gc: "GoCardlessDialect", call: Call) -> Response:
    """One event."""
    place = gc.event_places.get(call.params["id"])
    if place is None:
        gc.errors.missing()
    return json_response(200, {"events": shapes.event(call.params["id"], gc.core.state.happenings[place])})


def list_events(gc: "GoCardlessDialect", call: Call) -> Response:
    """Events, newest first, by what they are about, by action, by time; none older than some months."""
    core = gc.core
    page = Page(gc, call, _EVENT_FILTERS)
    wanted = page.filters
    happenings = core.state.happenings
    subject = next((name for name in _SUBJECTS if name in wanted), None)
    if subject is not None:
        rows = [happenings[place] for place in core.happenings_of.get(wanted[subject], ())]
    else:
        rows = happenings
    months = gc.config.events_kept_months
    if months is not None:
        oldest = instant(months_after(day_of(call.now), -months), 0)
        page.bounds["gte"] = max(page.bounds.get("gte", oldest), oldest)
    action, resource_type = wanted.get("action"), wanted.get("resource_type")

    def keep(row: Happening) -> bool:
        return (
            (action is None or row.action == action)
            and (resource_type is None or f"{row.kind}s" == resource_type)
            and (subject is None or row.kind == subject)
        )

    ids = gc.event_ids
    return answer(
        gc,
        "events",
        page,
        rows,
        lambda row: ids[row.number - 1],
        lambda row: row.at,
        lambda row: shapes.event(ids[row.number - 1], row),
        keep,
    )


def _webhook(gc: "GoCardlessDialect", call: Call) -> Webhook:
    webhook = gc.pushes.webhooks.get(call.params["id"])
    if webhook is None:
        gc.errors.missing()
    return webhook


def get_webhook(gc: "GoCardlessDialect", call: Call) -> Response:
    """One webhook with what came of its last attempt."""
    return json_response(200, {"webhooks": _webhook(gc, call).shape()})


def list_webhooks(gc: "GoCardlessDialect", call: Call) -> Response:
    """Webhooks that were sent, newest first."""
    page = Page(gc, call, ("successful", "is_test"))
    successful, is_test = page.filters.get("successful"), page.filters.get("is_test")

    def keep(row: Webhook) -> bool:
        return (successful is None or row.successful == (successful == "true")) and is_test in (None, "false")

    rows = list(gc.pushes.webhooks.values())
    return answer(gc, "webhooks", page, rows, lambda w: w.id, lambda w: w.created_at, Webhook.shape, keep)


def retry_webhook(gc: "GoCardlessDialect", call: Call) -> Response:
    """Send it again, whatever came of it before."""
    webhook = _webhook(gc, call)
    read_metadata(gc.errors, call.body)
    gc.pushes.send_again(webhook)
    return json_response(200, {"webhooks": webhook.shape()})


def run_scenario(gc: "GoCardlessDialect", call: Call) -> Response:
    """Bring forward what would take days: sandbox only."""
    if gc.config.environment != "sandbox":
        gc.errors.refuse_usage(404, "not_found", "not found")
    name = call.params["name"]
    scenario = _scenarios(gc).get(name)
    if scenario is None:
        gc.errors.missing()
    resource = read(gc.errors, "data", call.body, _RUN)["links"]["resource"]
    scenario(resource)
    return json_response(200, {"scenario_simulators": {"id": name}})


def _scenarios(gc: "GoCardlessDialect") -> dict[str, Callable[[str], object]]:
    core = gc.core
    return {
        "payment_submitted": core.rehearse_submit,
        "payment_confirmed": core.rehearse_confirm,
        "payment_paid_out": core.rehearse_pay_out,
        "payment_failed": core.rehearse_fail,
        "payment_late_failure": core.rehearse_fail_late,
        "payment_late_failure_settled": lambda id_: core.rehearse_fail_late(id_, settle=True),
        "payment_charged_back": core.rehearse_claim_back,
        "payment_chargeback_settled": lambda id_: core.rehearse_claim_back(id_, settle=True),
        "mandate_activated": core.rehearse_activate,
        "mandate_failed": core.rehearse_refuse_mandate,
        "mandate_expired": core.rehearse_expire,
        "mandate_transferred": core.rehearse_transfer,
        "refund_paid": core.rehearse_pay_refund,
        "refund_settled": lambda id_: core.rehearse_pay_refund(id_, settle=True),
        "refund_bounced": core.bank_returns_refund,
        "payout_bounced": core.bank_returns_payout,
    }
