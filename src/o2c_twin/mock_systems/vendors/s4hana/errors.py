"""The error bodies of SAP Gateway (V2 and V4), of the dispatcher (HTML), and the words rules are refused with.

Shapes and codes: fact sheet of this mock, section Errors, with the standing of each.
"""

from typing import NoReturn

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response

JSON = "application/json;charset=utf-8"
GENERIC = "/IWBEP/CM_MGW_RT/022"
NOT_FOUND = "/IWBEP/CM_MGW_RT/020"
NOT_IMPLEMENTED = "/IWBEP/CM_MGW_RT/021"
UNKNOWN_PROPERTY = "005056A509B11EE1B9A8FEA8DE87F78E"
UNKNOWN_SEGMENT = "005056A509B11EE1B9A8FEC11C21D78E"
_HINT = "Run transaction /IWFND/ERROR_LOG on SAP Gateway hub system and search for entries with the timestamp above"


def body_v2(code: str, text: str, service: str = "", target: str = "", number: int = 0) -> dict[str, object]:
    """The error envelope of version 2; ``number`` makes the transaction id."""
    return {
        "error": {
            "code": code,
            "message": {"lang": "en", "value": text},
            "innererror": {
                "application": {
                    "component_id": "",
                    "service_namespace": "/SAP/",
                    "service_id": service,
                    "service_version": "0001",
                },
                "transactionid": format(number, "032X"),
                "timestamp": "",
                "Error_Resolution": {"SAP_Transaction": _HINT, "SAP_Note": "See SAP Note 1797736 for error analysis"},
                "errordetails": [
                    {
                        "code": code,
                        "message": text,
                        "propertyref": target,
                        "severity": "error",
                        "transition": False,
                        "target": target,
                    }
                ],
            },
        }
    }


def problem(status: int, code: str, text: str, service: str = "", target: str = "") -> Response:
    """An error answer of a V2 service."""
    headers = {"dataserviceversion": "1.0"}
    return json_response(status, body_v2(code, text, service, target), headers, JSON)


def problem_v4(status: int, code: str, text: str, target: str = "") -> Response:
    """An error answer of a V4 service: the message is a plain string."""
    detail = {"code": code, "message": text, "target": target, "@SAP__common.numericSeverity": 4}
    body = {"error": {"code": code, "message": text, "target": target, "details": [detail]}}
    return json_response(status, body, {"odata-version": "4.0"}, JSON)


def html(status: int, title: str, text: str, headers: dict[str, str] | None = None) -> Response:
    """A page of the web dispatcher or the internet communication manager."""
    page = (
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p>"
        "<p>Server time: see the Date header.</p></body></html>"
    )
    return Response(status, page.encode(), {"Content-Type": "text/html; charset=utf-8", **(headers or {})})


def refuse(status: int, code: str, text: str, target: str = "") -> NoReturn:
    """Raise `Refused` with an error answer of a V2 service."""
    raise Refused(problem(status, code, text, target=target))


def business(text: str, code: str = GENERIC, target: str = "") -> NoReturn:
    """A business rule says no: 400."""
    refuse(400, code, text, target)


def no_such_key(entity: str) -> NoReturn:
    """No record has that key."""
    refuse(404, NOT_FOUND, f"Resource not found for segment '{entity}'")


def unknown_property(name: str, entity: str) -> NoReturn:
    """A property the entity type does not have."""
    refuse(400, UNKNOWN_PROPERTY, f"Property {name[:60]} is not defined in type '{entity}'.", name[:60])


def locked(text: str) -> NoReturn:
    """Somebody has the document open: 400, not 423."""
    business(text, "VL/045")


RULES: dict[str, tuple[str, str]] = {
    "already-shipped": ("V1/492", "The order has been delivered and can no longer be rejected or deleted."),
    "bad-amount": ("F5/702", "Balance in transaction currency."),
    "bad-quantity": ("V1/450", "Enter a quantity greater than zero."),
    "credit-hold": ("V1/154", "Credit check: delivery is not possible, the order is blocked for credit reasons."),
    "customer-inactive": ("V1/211", "The customer is blocked for this sales area."),
    "duplicate-item": ("MM/040", "The material exists already."),
    "has-dependents": ("V1/493", "Follow-on documents exist; the document cannot be deleted."),
    "not-assigned": ("V1/320", "The sold-to party is not maintained for the sales area."),
    "no-lines": ("V1/555", "Enter at least one item."),
    "nothing-to-bill": ("VF/044", "The document is fully billed or not relevant for billing."),
    "nothing-to-ship": ("VL/367", "No items are due for delivery."),
    "order-cancelled": ("V1/490", "All items of the order are rejected."),
    "other-customer": ("F5/263", "The items belong to different customers."),
    "other-entity": ("F5/165", "The items belong to different company codes."),
    "over-application": ("F5/060", "The difference is too large for clearing."),
    "over-billing": ("VF/046", "The quantity to be billed exceeds the quantity delivered."),
    "over-credit": ("VF/162", "The billing document was credited before and cannot be cancelled."),
    "over-delivery": ("VL/363", "The delivery quantity exceeds the confirmed quantity."),
    "ship-complete": ("VL/420", "The order must be delivered completely."),
    "unknown-customer": ("V1/320", "The sold-to party is not maintained for the sales area."),
    "unknown-item": ("V1/382", "The material is not defined for the sales area."),
}
"""Message class and number, and text, of each rule of the core."""


def rule_text(rule: RuleError) -> tuple[str, str]:
    """Code and text of a refusal of the core."""
    return RULES.get(rule.code, (GENERIC, rule.message))


def ruled(rule: RuleError) -> NoReturn:
    """Put a refusal of the core into SAP's words."""
    code, text = rule_text(rule)
    business(text, code)
