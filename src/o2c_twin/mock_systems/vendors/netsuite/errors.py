"""NetSuite's error bodies, and the words its rules are refused with.

Shape: Oracle help, "Error Handling in REST Web Services". Wordings are those of the fact sheet
(facts.md says which are documented, recorded or assumed).
"""

from typing import NoReturn

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response

ERROR_TYPE = "application/vnd.oracle.resource+json; type=error"
_RFC = "https://www.rfc-editor.org/rfc/rfc9110.html#section-"
_TITLES = {
    400: ("Bad Request", "15.5.1"),
    401: ("Unauthorized", "15.5.2"),
    403: ("Forbidden", "15.5.4"),
    404: ("Not Found", "15.5.5"),
    405: ("Method Not Allowed", "15.5.6"),
    429: ("Too Many Requests", "15.5"),
    500: ("Internal Server Error", "15.6.1"),
    502: ("Bad Gateway", "15.6.3"),
    503: ("Service Unavailable", "15.6.4"),
    504: ("Gateway Timeout", "15.6.5"),
}
_ACCESS = "Error while accessing a resource. "
NO_LINES = "You must enter at least one line item for this transaction."
LOGIN_TEXT = (
    "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at "
    "Setup > Users/Roles > User Management > View Login Audit Trail."
)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    path: str | None = None,
    header: str | None = None,
    parameter: str | None = None,
    title: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """An error answer; ``path`` is the place in the body, ``header`` or ``parameter`` the culprit there."""
    usual, section = _TITLES.get(status, ("Error", "15"))
    entry = {"detail": detail, "o:errorCode": code}
    if path is not None:
        entry["o:errorPath"] = path
    if header is not None:
        entry["o:errorHeader"] = header
    if parameter is not None:
        entry["o:errorQueryParam"] = parameter
    body = {"type": _RFC + section, "title": title or usual, "status": status, "o:errorDetails": [entry]}
    return json_response(status, body, headers, ERROR_TYPE)


def refuse(status: int, code: str, detail: str, *, path: str | None = None) -> NoReturn:
    """Raise `Refused` with an error answer."""
    raise Refused(problem(status, code, detail, path=path))


def user_error(text: str) -> NoReturn:
    """A rule of the screen says no: 400 USER_ERROR."""
    refuse(400, "USER_ERROR", _ACCESS + text)


def missing(*labels: str) -> NoReturn:
    """Mandatory fields are not there; ``labels`` as the form shows them."""
    user_error(f"Please enter value(s) for: {', '.join(labels)}.")


def invalid_value(value: object, field: str, path: str) -> NoReturn:
    """A value the field cannot have."""
    text = f"You have entered an Invalid Field Value {value} for the following field: {field}"
    refuse(400, "INVALID_CONTENT", _ACCESS + text, path=path)


def unknown_property(path: str) -> NoReturn:
    """A property the record does not have, under strict name validation."""
    refuse(400, "INVALID_CONTENT", f"{_ACCESS}Unknown reference or field: {path}.", path=path)


def nonexistent() -> NoReturn:
    """No such record."""
    refuse(404, "NONEXISTENT_ID", "The record instance does not exist. Provide a valid record instance ID.")


def already_exists() -> NoReturn:
    """The external id belongs to a record already."""
    refuse(400, "USER_ERROR", "This entity already exists.", path="externalId")


def invalid_parameter(name: str, detail: str) -> NoReturn:
    """A query parameter that cannot be used as it is."""
    raise Refused(problem(400, "INVALID_PARAMETER", detail, parameter=name))


_TEXTS = {
    "already-shipped": "This transaction cannot be cancelled because it has been fulfilled in part.",
    "bad-amount": "Please enter an amount greater than zero.",
    "bad-quantity": "Please enter a quantity greater than zero.",
    "credit-hold": "This transaction is on credit hold and must be approved first.",
    "duplicate-item": "Uniqueness error. Item already exists with that name.",
    "has-dependents": "This record cannot be deleted because it has dependent records.",
    "no-lines": NO_LINES,
    "nothing-to-bill": "You must have at least one valid line item for this transaction.",
    "nothing-to-ship": "You must have at least one valid line item for this transaction.",
    "entity-fixed": "The primary subsidiary of a customer with transactions cannot be changed.",
    "order-cancelled": "This transaction has been cancelled and can no longer be changed.",
    "other-entity": "The transaction to apply to belongs to another subsidiary.",
    "other-customer": "The transaction to apply to belongs to another customer.",
    "same-entity": "The lines of this entry must be of its own and one other subsidiary.",
    "ship-complete": "This order is set to ship complete: fulfill all of its lines or none.",
    "over-application": "The amount to apply exceeds the amount due or the amount available.",
    "over-billing": "The quantity to bill exceeds the quantity fulfilled and not yet billed.",
    "over-credit": "The credit exceeds what is left of the invoice it was created from.",
    "over-delivery": "The quantity to fulfill exceeds the quantity committed.",
}


def ruled(rule: RuleError) -> NoReturn:
    """Put a refusal of the core into NetSuite's words."""
    if rule.code == "duplicate-external-id":
        already_exists()
    if rule.code == "customer-inactive":
        invalid_value("inactive customer", "entity", "entity")
    user_error(_TEXTS.get(rule.code, rule.message))
