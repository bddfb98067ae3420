"""GoCardless error bodies: four types, a reason for each, a request id.

Shape and types: fixtures of the vendor's client libraries; reasons: API reference, errors (facts.md says which
status is assumed).
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import NoReturn

from o2c_twin.mock_systems.roles.direct_debit import AlreadyThere
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response

_DOCS = "https://developer.gocardless.com/api-reference#"
Fault = tuple[str, str]
"""Place below the envelope (``links/mandate``) and message."""

_STATES = {
    "mandate-inactive": "mandate_is_inactive",
    "mandate-alive": "mandate_not_inactive",
    "not-cancellable": "cancellation_failed",
    "not-retriable": "retry_failed",
    "already-disabled": "disable_failed",
    "account-disabled": "bank_account_disabled",
    "refund-state": "refund_payment_invalid_state",
    "total-differs": "total_amount_confirmation_invalid",
    "too-many-refunds": "number_of_refunds_exceeded",
    "no-funds": "available_refund_amount_insufficient",
}


class Errors:
    """Makes the error answers of one account; ``count`` gives each its request id."""

    def __init__(self, seed: int) -> None:
        self._key = str(seed).encode()
        self.count = 0

    def _request_id(self) -> str:
        self.count += 1
        digest = blake2b(str(self.count).encode(), digest_size=16, key=self._key, person=b"request").hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"

    def problem(
        self,
        status: int,
        type_: str,
        reason: str,
        message: str,
        links: Mapping[str, str] | None = None,
    ) -> Response:
        """An error with a reason; ``links`` name records it is about."""
        entry: dict[str, object] = {"reason": reason, "message": message}
        if links:
            entry["links"] = dict(links)
        return self._answer(status, type_, message, reason, [entry])

    def _answer(self, status: int, type_: str, message: str, page: str, errors: list[dict[str, object]]) -> Response:
        body = {
            "error": {
                "message": message,
                "errors": errors,
                "documentation_url": _DOCS + page,
                "type": type_,
                "request_id": self._request_id(),
                "code": status,
            }
        }
        return json_response(status, body)

    def usage(self, status: int, reason: str, message: str) -> Response:
        """The request is not one the API knows: type ``invalid_api_usage``."""
        return self.problem(status, "invalid_api_usage", reason, message)

    def refuse_usage(self, status: int, reason: str, message: str) -> NoReturn:
        """Raise `Refused` with `usage`."""
        raise Refused(self.usage(status, reason, message))

    def missing(self) -> NoReturn:
        """No such record: 404."""
        self.refuse_usage(404, "resource_not_found", "Resource not found")

    def missing_link(self, name: str) -> NoReturn:
        """A link to a record that is not there."""
        self.refuse_usage(404, "link_not_found", f"The linked {name.replace('_', ' ')} was not found")

    def refuse_state(
        self, reason: str, message: str, status: int = 422, links: Mapping[str, str] | None = None
    ) -> NoReturn:
        """The record is not in a state for this: type ``invalid_state``."""
        raise Refused(self.problem(status, "invalid_state", reason, message, links))

    def invalid(self, envelope: str, faults: list[Fault]) -> NoReturn:
        """Fields that cannot be taken: 422 ``validation_failed``, with where and why for each."""
        errors: list[dict[str, object]] = [
            {
                "field": place.rpartition("/")[2],
                "message": message,
                "request_pointer": f"/{envelope}/{place}" if envelope else f"/{place}",
            }
            for place, message in faults
        ]
        raise Refused(self._answer(422, "validation_failed", "Validation failed", "validation_failed", errors))

    def conflict(self, existing: str) -> NoReturn:
        """The idempotency key was used: 409 with the id of what was made then."""
        self.refuse_state(
            "idempotent_creation_conflict",
            "A resource has already been created with this idempotency key",
            409,
            {"conflicting_resource_id": existing},
        )

    def ruled(self, rule: RuleError, envelope: str) -> NoReturn:
        """Put a refusal of the core into GoCardless's words."""
        if isinstance(rule, AlreadyThere):
            links = {"customer_bank_account": rule.existing}
            self.refuse_state("bank_account_exists", rule.message, 409, links)
        if rule.code == "unknown":
            self.missing()
        if rule.code in _STATES:
            self.refuse_state(_STATES[rule.code], rule.message)
        if rule.field is not None:
            self.invalid(envelope, [(rule.field, rule.message)])
        self.refuse_state("invalid_resource_state", rule.message)
