"""Business Central's error bodies, and the words its rules are refused with.

Codes: Microsoft Learn, "Troubleshooting API errors"/error codes list; pairing with statuses and the texts are
those of the fact sheet (facts.md says which are documented, recorded or assumed).
"""

from hashlib import blake2b
from typing import NoReturn

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.wire.message import NotModelled, Refused, Response, json_response

JSON = "application/json; odata.metadata=minimal; odata.streaming=true"


def error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error answer; the correlation id is made of what went wrong."""
    raw = blake2b(f"{code} {message}".encode(), digest_size=16).hexdigest()
    id_ = f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"
    text = f"{message}  CorrelationId:  {id_}."
    return json_response(status, {"error": {"code": code, "message": text}}, headers, JSON)


def refuse(status: int, code: str, message: str) -> NoReturn:
    """Raise `Refused` with an error answer."""
    raise Refused(error(status, code, message))


def bad_request(message: str, code: str = "BadRequest") -> NoReturn:
    """400: the request itself is wrong."""
    refuse(400, code, message)


def dialog(message: str) -> NoReturn:
    """400: a business rule says no, in the words the screen would show."""
    refuse(400, "Application_DialogException", message)


def no_record() -> NoReturn:
    """404: no record has that id."""
    refuse(404, "Internal_RecordNotFound", "The record with the specified id does not exist.")


def no_resource(what: str) -> Response:
    """404: nothing of that name."""
    return error(404, "BadRequest_NotFound", f"No HTTP resource was found that matches the request URI '{what[:200]}'.")


def not_there(what: str) -> NoReturn:
    """404, journalled as not modelled: a set, or what may stand below a record, that the mock does not have."""
    raise NotModelled(no_resource(what))


def same_key(entity: str, number: str) -> NoReturn:
    """400: the key is taken."""
    text = f"The record in table {entity} already exists. Identification fields and values: No.='{number}'"
    refuse(400, "Internal_EntityWithSameKeyExists", text)


def field_refused(name: str, value: object) -> NoReturn:
    """400: a value the field cannot have."""
    text = f"Validation error on field '{name}', value of '{str(value)[:100]}'."
    refuse(400, "Application_FieldValidationException", text)


_TEXTS = {
    "customer-inactive": "You cannot create this type of document when the customer is blocked with type All",
    "no-lines": "There is nothing to post.",
    "nothing-to-ship": "There is nothing to post.",
    "nothing-to-bill": "There is nothing to post.",
    "over-delivery": "You have insufficient quantity of the item on inventory.",
    "over-billing": "You cannot invoice more than what has been shipped.",
    "ship-complete": "This order must be shipped complete: Shipping Advice is Complete.",
    "credit-hold": "The document must be approved and released before you can perform this action.",
    "over-application": "The amount to apply must not be larger than the remaining amount of the invoice.",
    "over-credit": "You cannot cancel this posted sales invoice because it was corrected before.",
    "has-dependents": "You cannot delete the record because there are documents for it.",
    "other-customer": "The invoice belongs to another customer.",
}


def ruled(rule: RuleError) -> NoReturn:
    """Put a refusal of the core into the service's words."""
    dialog(_TEXTS.get(rule.code, rule.message))
