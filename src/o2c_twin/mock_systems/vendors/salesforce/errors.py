"""The vendor's errors: a JSON array of message, code and fields, and the words for each rule broken."""

from typing import Any

from o2c_twin.mock_systems.wire.message import Refused, Response, json_response
from o2c_twin.mock_systems.wire.query.errors import (
    QueryError,
    RuleBroken,
    SyntaxFault,
    TypeMismatch,
    UnknownEntity,
    UnknownField,
    UnknownRelationship,
)

Json = dict[str, Any]


class ApiError(Refused):
    """One error of the vendor: status, code, message and, for errors about data, the fields to blame."""

    def __init__(self, status: int, code: str, message: str, fields: tuple[str, ...] | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        super().__init__(self.answer())

    def answer(self) -> Response:
        """As the body of a call of its own."""
        error: Json = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = self.fields
        return json_response(self.status, [error])

    def in_row(self) -> Json:
        """As an error of one row in a collection or tree, where the code is called ``statusCode``."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields or ()}


def not_found(message: str = "The requested resource does not exist") -> ApiError:
    """No such object, record or path."""
    return ApiError(404, "NOT_FOUND", message)


def no_key_field(name: str) -> ApiError:
    """A path names a field that is no external id (what follows the sObject is not an id either)."""
    return not_found(f"Provided external ID field does not exist or is not accessible: {name}")


def deleted() -> ApiError:
    """The record is in the recycle bin. Status as in public integration code (404; some of it has 400)."""
    return ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", ())


def required(names: tuple[str, ...]) -> ApiError:
    """Required fields without a value."""
    return ApiError(400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", names)


def no_column(name: str, sobject: str) -> ApiError:
    """A field that is not there, or that the user may not see."""
    return ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject}")


def not_writable(names: tuple[str, ...]) -> ApiError:
    """Fields the system sets itself."""
    message = (
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this field "
        "and verify that it is read/write for your profile or permission set."
    )
    return ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", message, names)


def bad_picklist(label: str, name: str, value: object) -> ApiError:
    """A value a restricted picklist does not have."""
    message = f"{label}: bad value for restricted picklist field: {value}"
    return ApiError(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, (name,))


def malformed_id(label: str, name: str, value: object) -> ApiError:
    """A reference that is no id, or the id of another kind of record."""
    return ApiError(400, "MALFORMED_ID", f"{label}: id value of incorrect type: {value}", (name,))


def bad_reference(name: str) -> ApiError:
    """A well-formed id of nothing."""
    return ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (name,))


def wrong_type(kind: str, token: str, value: object) -> ApiError:
    """A JSON value of another type than the field's."""
    message = (
        f"Cannot deserialize instance of {kind} from {token} value {value} or request may be missing a required field"
    )
    return ApiError(400, "JSON_PARSER_ERROR", message)


def too_long(label: str, name: str, value: str, length: int) -> ApiError:
    """Text longer than the field."""
    message = f"{label}: data value too large: {value} (max length={length})"
    return ApiError(400, "STRING_TOO_LONG", message, (name,))


def duplicate(name: str, holder: str) -> ApiError:
    """A unique value that another record has."""
    return ApiError(
        400, "DUPLICATE_VALUE", f"duplicate value found: {name} duplicates value on record with id: {holder}", ()
    )


def broken_rule(message: str, fields: tuple[str, ...] = ()) -> ApiError:
    """A validation rule of the org says no."""
    return ApiError(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", message, fields)


def not_supported(sobject: str, action: str) -> ApiError:
    """An action the sObject does not have."""
    return ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{action}' not allowed on sobject of type {sobject}")


_CONTEXT = 40


def query_fault(text: str, fault: QueryError) -> ApiError:
    """A query the vendor cannot run, with a piece of it, the place and what is wrong.

    Wording as pasted in public issue threads (see `wire.query.errors`).
    """
    place = fault.place
    line = text.split("\n")[place.row - 1]
    start = max(0, place.column - 1 - _CONTEXT)
    piece = line[start : place.column - 1 + _CONTEXT]
    pointer = " " * (place.column - 1 - start) + "^"
    code, words = _words(fault)
    return ApiError(400, code, f"\n{piece}\n{pointer}\nERROR at Row:{place.row}:Column:{place.column}\n{words}")


def _words(fault: QueryError) -> tuple[str, str]:
    match fault:
        case SyntaxFault(token=""):
            return "MALFORMED_QUERY", "unexpected token: '<EOF>'"
        case SyntaxFault(token=token):
            return "MALFORMED_QUERY", f"unexpected token: '{token}'"
        case UnknownEntity(entity=entity):
            return "INVALID_TYPE", (
                f"sObject type '{entity}' is not supported. If you are attempting to use a custom object, be sure to "
                "append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
                "appropriate names."
            )
        case UnknownField(field=field, entity=entity):
            return "INVALID_FIELD", (
                f"No such column '{field}' on entity '{entity}'. If you are attempting to use a custom field, be sure "
                "to append the '__c' after the custom field name. Please reference your WSDL or the describe call for "
                "the appropriate names."
            )
        case UnknownRelationship(relationship=relationship, entity=entity):
            return (
                "INVALID_FIELD",
                f"Didn't understand relationship '{relationship}' in field path on entity '{entity}'.",
            )
        case TypeMismatch(field=field, expected=expected):
            quoted = " and should be enclosed in quotes" if expected in ("string", "id") else ""
            return "INVALID_FIELD", f"value of filter criterion for field '{field}' must be of type {expected}{quoted}"
        case RuleBroken(rule="offset too large"):
            return "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"
        case _:
            return "MALFORMED_QUERY", str(fault)
