"""The vendor's errors: one object with status, message, correlation id and category.

A correlation id is made from the error itself: it names what happened, not when.
"""

from typing import Any

import msgspec

from o2c_twin.mock_systems.vendors.hubspot.ids import name_of
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response

Json = dict[str, Any]
VALIDATION = "VALIDATION_ERROR"
NOT_FOUND = "OBJECT_NOT_FOUND"
CONFLICT = "CONFLICT"


class ApiError(Refused):
    """One error of the vendor; ``context`` and ``errors`` are its optional parts."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        context: dict[str, list[str]] | None = None,
        errors: list[Json] | None = None,
        sub_category: str = "",
    ) -> None:
        self.status = status
        self.category = category
        self.message = message
        self.context = context
        self.errors = errors
        self.sub_category = sub_category
        super().__init__(self.answer())

    def answer(self) -> Response:
        """The error as the answer to a call."""
        body: Json = {"status": "error", "message": self.message, "correlationId": name_of(self.message)}
        if self.errors is not None:
            body["errors"] = self.errors
        if self.context is not None:
            body["context"] = self.context
        body["category"] = self.category
        if self.sub_category:
            body["subCategory"] = self.sub_category
        return json_response(self.status, body)

    def item(self, context: dict[str, list[str]]) -> Json:
        """The error as one item of a batch's ``errors`` (the vendor's StandardError)."""
        return {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "context": {**(self.context or {}), **context},
            "errors": self.errors or [],
            "links": {},
        }


def bad_request(message: str) -> ApiError:
    """A request that makes no sense, for a reason that is no property's."""
    return ApiError(400, VALIDATION, message)


def not_found() -> ApiError:
    """No such record."""
    return ApiError(404, NOT_FOUND, "resource not found")


def no_object_type(name: str) -> ApiError:
    """A path that names no object type."""
    return ApiError(400, VALIDATION, f"Unable to infer object type from: {name}")


def unauthenticated() -> ApiError:
    """No login, or one nobody knows."""
    message = (
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find"
        " more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
    )
    return ApiError(401, "INVALID_AUTHENTICATION", message)


def expired(seconds: int) -> ApiError:
    """A token past its time."""
    message = f"The OAuth token used to make this call expired {seconds} second(s) ago."
    return ApiError(401, "EXPIRED_AUTHENTICATION", message)


def email_taken(id_: str) -> ApiError:
    """A contact of that address exists; its id is in the text only."""
    return ApiError(409, CONFLICT, f"Contact already exists. Existing ID: {id_}")


def value_taken(portal: int, type_id: str, name: str, value: str, id_: str, holder: str) -> ApiError:
    """A unique property's value another record has."""
    place = f"portalId={portal}, objectTypeId={type_id}, propertyName={name}, value={value}"
    return ApiError(
        400, VALIDATION, f"Cannot set PropertyValueCoordinates{{{place}}} on {id_}. {holder} already has that value."
    )


def not_unique(portal: int, type_id: str, name: str) -> ApiError:
    """An ``idProperty`` that is none."""
    message = f"Unable to perform update/upsert by non-unique {type_id} property {name} in portal ID {portal}"
    return ApiError(400, VALIDATION, message)


def invalid_value(name: str, code: str, message: str, portal: int) -> Json:
    """One entry of `invalid_values`."""
    return {
        "isValid": False,
        "message": message,
        "error": code,
        "name": name,
        "localizedErrorMessage": message,
        "portalId": portal,
    }


def invalid_values(problems: list[Json]) -> ApiError:
    """Values that do not fit their properties: a JSON list inside the message."""
    message = f"Property values were not valid: {msgspec.json.encode(problems).decode()}"
    errors = [{"message": p["message"], "code": p["error"], "context": {"propertyName": [p["name"]]}} for p in problems]
    return ApiError(400, VALIDATION, message, errors=errors)
