"""Operations on payments and refunds."""

from collections.abc import Callable
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING

from o2c_twin.mock_systems.roles.direct_debit import SCHEMES, Payment, Refund
from o2c_twin.mock_systems.vendors.gocardless import shapes
from o2c_twin.mock_systems.vendors.gocardless.fields import METADATA, Field, read, read_metadata
from o2c_twin.mock_systems.vendors.gocardless.listing import Page, answer
from o2c_twin.mock_systems.vendors.gocardless.operations_payers import ONLY_METADATA, made
from o2c_twin.mock_systems.vendors.gocardless.values import day_of_text
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.gocardless.dialect import GoCardlessDialect

_PAYMENT = {
    "amount": Field("whole", required=True),
    "currency": Field("currency", required=True),
    "charge_date": Field("date"),
    "description": Field("text", longest=100),
    "reference": Field("text", longest=140),
    "retry_if_possible": Field("flag"),
    "metadata": METADATA,
    "links": Field("links", links=("mandate",), needed=("mandate",)),
}
_PAYMENT_UPDATE = {"metadata": METADATA, "retry_if_possible": Field("flag")}
_REFUND = {
    "amount": Field("whole", required=True),
    "total_amount_confirmation": Field("whole", required=True),
    "reference": Field("text", longest=140),
    "metadata": METADATA,
    "links": Field("links", links=("payment",), needed=("payment",)),
}
_COMPARE: dict[str, Callable[[str, str], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
_CHARGED = {f"charge_date[{bound}]": compare for bound, compare in _COMPARE.items()}
_PAYMENT_FILTERS = ("creditor", "currency", "customer", "mandate", "scheme", "status", *_CHARGED)


# --- payments ------------------------------------------------------------------------------------


def create_payment(gc: "GoCardlessDialect", call: Call) -> Response:
    """A payment on a mandate, on a day or as soon as possible."""
    values = read(gc.errors, "payments", call.body, _PAYMENT)
    mandate_id = values["links"]["mandate"]
    mandate = gc.core.state.mandates.get(mandate_id)
    if mandate is None:
        gc.errors.missing_link("mandate")
    reference = values["reference"]
    if reference is not None:
        scheme = SCHEMES[mandate.scheme]
        if scheme.name == "bacs" and gc.config.bacs_references and gc.config.package == "standard":
            detail = "Payment references for Bacs are part of GoCardless Plus"
            gc.errors.refuse_usage(403, "feature_disabled", detail)
        if len(reference) > scheme.reference_limit:
            detail = f"is too long (maximum is {scheme.reference_limit} characters)"
            gc.errors.invalid("payments", [("reference", detail)])
    payment = gc.core.add_payment(
        mandate_id,
        values["amount"],
        values["currency"],
        charge_on=None if values["charge_date"] is None else day_of_text(values["charge_date"]),
        description=values["description"],
        reference=reference,
        retry_if_possible=bool(values["retry_if_possible"]),
        metadata=values["metadata"],
    )
    return made(shapes.payment(gc.core, payment), "payments")


def _shown(gc: "GoCardlessDialect", payment: Payment) -> Response:
    return json_response(200, {"payments": shapes.payment(gc.core, payment)})


def get_payment(gc: "GoCardlessDialect", call: Call) -> Response:
    """One payment."""
    return _shown(gc, gc.core.payment(call.params["id"]))


def _day(gc: "GoCardlessDialect", name: str, text: str) -> str:
    """A day as payments keep it. Raises `Refused`."""
    day = day_of_text(text)
    if day is None:
        gc.errors.invalid("", [(name, "must be a date")])
    return day.isoformat()


def list_payments(gc: "GoCardlessDialect", call: Call) -> Response:
    """Payments by mandate, customer, status, currency, scheme or day of charging."""
    core = gc.core
    page = Page(gc, call, _PAYMENT_FILTERS)
    wanted = page.filters
    table = core.state.payments
    days = [(_CHARGED[name], _day(gc, name, value)) for name, value in wanted.items() if name in _CHARGED]
    if "mandate" in wanted:
        rows = [table[id_] for id_ in core.payments_of.get(wanted["mandate"], ())]
    else:
        rows = list(table.values())

    def keep(row: Payment) -> bool:
        mandate = core.state.mandates[row.mandate_id]
        return (
            wanted.get("status") in (None, row.status)
            and wanted.get("currency") in (None, row.currency)
            and wanted.get("customer") in (None, mandate.customer_id)
            and wanted.get("scheme") in (None, mandate.scheme)
            and wanted.get("creditor") in (None, core.creditor.id)
            and all(compare(row.charge_on, day) for compare, day in days)
        )

    return answer(gc, "payments", page, rows, _id, _made_at, lambda row: shapes.payment(core, row), keep)


def update_payment(gc: "GoCardlessDialect", call: Call) -> Response:
    """Its metadata, and whether it may be retried."""
    payment = gc.core.payment(call.params["id"])
    values = read(gc.errors, "payments", call.body, _PAYMENT_UPDATE)
    if "metadata" in call.body["payments"]:
        payment.metadata = values["metadata"]
    if values["retry_if_possible"] is not None:
        payment.retry_if_possible = values["retry_if_possible"]
    return _shown(gc, payment)


def act_on_payment(act: str) -> Callable[["GoCardlessDialect", Call], Response]:
    """The handler of cancel or retry."""

    def handler(gc: "GoCardlessDialect", call: Call) -> Response:
        gc.core.payment(call.params["id"])
        metadata = read_metadata(gc.errors, call.body)
        acting = gc.core.cancel_payment if act == "cancel" else gc.core.retry_payment
        return _shown(gc, acting(call.params["id"], metadata))

    return handler


# --- refunds -------------------------------------------------------------------------------------


def create_refund(gc: "GoCardlessDialect", call: Call) -> Response:
    """Part of a payment back, with what has gone back of it altogether then."""
    values = read(gc.errors, "refunds", call.body, _REFUND)
    payment_id = values["links"]["payment"]
    if payment_id not in gc.core.state.payments:
        gc.errors.missing_link("payment")
    refund = gc.core.add_refund(
        payment_id, values["amount"], values["total_amount_confirmation"], values["reference"], values["metadata"]
    )
    return made(shapes.refund(refund), "refunds")


def get_refund(gc: "GoCardlessDialect", call: Call) -> Response:
    """One refund."""
    return json_response(200, {"refunds": shapes.refund(gc.core.refund(call.params["id"]))})


def list_refunds(gc: "GoCardlessDialect", call: Call) -> Response:
    """Refunds by payment or mandate."""
    page = Page(gc, call, ("payment", "mandate", "refund_type"))
    wanted = page.filters

    def keep(row: Refund) -> bool:
        return (
            wanted.get("payment") in (None, row.payment_id)
            and wanted.get("mandate") in (None, row.mandate_id)
            and wanted.get("refund_type") in (None, "payment")
        )

    rows = list(gc.core.state.refunds.values())
    return answer(gc, "refunds", page, rows, _id, _made_at, shapes.refund, keep)


def update_refund(gc: "GoCardlessDialect", call: Call) -> Response:
    """Only its metadata."""
    refund = gc.core.refund(call.params["id"])
    refund.metadata = read(gc.errors, "refunds", call.body, ONLY_METADATA)["metadata"]
    return json_response(200, {"refunds": shapes.refund(refund)})


def _id(row: Payment | Refund) -> str:
    return row.id


def _made_at(row: Payment | Refund) -> int:
    return row.created_at
