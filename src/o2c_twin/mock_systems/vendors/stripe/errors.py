"""Stripe's error bodies, and its words for the rules a request breaks.

Shape and codes: Stripe API reference, "Errors" and "Error codes"; the messages are ours unless facts.md says
otherwise.
"""

from typing import Any, NoReturn

from o2c_twin.mock_systems.roles.billing import Declined
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response

JSON = "application/json"
INVALID = "invalid_request_error"
_NAMES = {
    "customer": "customer",
    "invoice": "invoice",
    "payment_intent": "payment_intent",
    "charge": "charge",
    "refund": "refund",
    "refunds": "refund",
    "dispute": "dispute",
    "credit_note": "credit note",
    "payout": "payout",
    "payment_method": "PaymentMethod",
    "invoiceitem": "invoiceitem",
    "test_clock": "test clock",
}


def problem(
    status: int,
    message: str,
    *,
    code: str | None = None,
    type_: str = INVALID,
    param: str | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """An error answer; ``more`` are further members of the error."""
    error: dict[str, Any] = {}
    if code is not None:
        error["code"] = code
        error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
    error["message"] = message
    if param is not None:
        error["param"] = param
    error.update({name: value for name, value in more.items() if value is not None})
    error["type"] = type_
    return json_response(status, {"error": error}, headers, JSON)


def refuse(status: int, message: str, *, code: str | None = None, param: str | None = None) -> NoReturn:
    """Raise `Refused` with an invalid_request_error."""
    raise Refused(problem(status, message, code=code, param=param))


def no_such(kind: str, id_: str, param: str, in_path: bool) -> NoReturn:
    """No record of that id: 404 for the one addressed, 400 for one the parameters name."""
    refuse(404 if in_path else 400, f"No such {kind}: '{id_[:100]}'", code="resource_missing", param=param)


_CODES = {
    "not-editable": "invoice_not_editable",
    "no-lines": "invoice_no_customer_line_items",
    "payment-state": "payment_intent_unexpected_state",
    "no-instrument": "payment_intent_unexpected_state",
    "method-not-allowed": "payment_intent_unexpected_state",
    "customer-required": "parameter_missing",
    "bad-amount": "parameter_invalid_integer",
    "already-refunded": "charge_already_refunded",
    "charge-disputed": "charge_disputed",
    "balance-insufficient": "balance_insufficient",
    "charge-state": "charge_not_refundable",
    "clock-full": "customer_max_test_clocks",
}
_CARD_ERRORS = {"declined": "card_declined", "expired-card": "expired_card"}
_OTHER_ERRORS = {"authentication-failed": "payment_intent_authentication_failure"}


def ruled(rule: RuleError, addressed: str | None, shown: dict[str, Any] | None = None) -> Response:
    """A refusal of the core in Stripe's words; ``addressed`` is the id in the path, ``shown`` a payment intent."""
    if rule.code == "unknown" and rule.field is not None:
        in_path = bool(addressed) and rule.message.endswith(f" {addressed}")
        id_ = addressed if addressed and in_path else rule.message.rpartition(" ")[2]
        addressed_as = "intent" if rule.field == "payment_intent" else "id"
        param = addressed_as if in_path else rule.field
        return problem(
            404 if in_path else 400,
            f"No such {_NAMES.get(rule.field, rule.field)}: '{id_[:100]}'",
            code="resource_missing",
            param=param,
        )
    if rule.code == "already-paid":
        return problem(400, "Invoice is already paid")
    if rule.code == "charge-disputed":
        return problem(400, "The charge has been charged back and cannot be refunded.", code="charge_disputed")
    code = _CODES.get(rule.code)
    culprit = rule.field if code in (None, "parameter_missing", "parameter_invalid_integer") else None
    intent = shown if code == "payment_intent_unexpected_state" else None
    return problem(400, _sentence(rule.message), code=code, param=culprit, payment_intent=intent)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def payment_error(code: str, reason: str | None) -> tuple[str, str, str | None]:
    """Type, code and decline code of a failed attempt."""
    if code in _CARD_ERRORS:
        return "card_error", _CARD_ERRORS[code], reason
    if code == "debit-returned":
        return INVALID, reason or "debit_not_authorized", None
    return INVALID, _OTHER_ERRORS.get(code, code), None


def declined(refused: Declined, shown: dict[str, Any]) -> Response:
    """402: the bank refused an attempt; ``shown`` is the payment intent as it is now."""
    type_, code, reason = payment_error(refused.error.code, refused.error.reason)
    message = "Your card was declined." if code == "card_declined" else refused.error.message
    if reason == "insufficient_funds":
        message = "Your card has insufficient funds."
    return problem(
        402,
        message,
        code=code,
        type_=type_,
        decline_code=reason,
        charge=refused.error.charge_id,
        payment_intent=shown,
    )
