"""What the maps of payment providers have in common: the claim that is written, and the invoice a payment is of."""

from collections.abc import Callable, Mapping
from typing import Any

from o2c_twin.integration.connectors.wire import Wire
from o2c_twin.integration.mappings import CompiledMap, NotMapped
from o2c_twin.integration.model import PaymentClaim
from o2c_twin.integration.runtime.errors import CallFailed


def claim_body(wire: Wire, claimed: CompiledMap, claim: PaymentClaim, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a map makes of a claim, with its ``currency``.

    Raises `CallFailed` (rejected) in the map's words, and where the amount is worked out in another currency than the
    one written: the provider would take the number in that.
    """
    body: dict[str, Any] = wire.body("collect", claimed, claim, given)
    amount_in = claimed.written_currency(claim, given)
    if amount_in and body["currency"] != amount_in:
        detail = f"the amount is in {amount_in} and the currency written is {body['currency']}; write {amount_in}"
        raise CallFailed(wire.system, "collect", "rejected", f"map {claimed.spec.name}: currency: {detail}")
    return body


def number_in(payment: CompiledMap, begin: str) -> Callable[[dict[str, Any]], str | None]:
    """How a map of payments finds the invoice's number in the record its path leads to behind ``begin``."""
    (path,) = payment.sources_of("invoice_number")
    name, made = path.removeprefix(begin), payment.part("invoice_number")

    def number(metadata: dict[str, Any]) -> str | None:
        try:
            found = made(metadata.get(name))
        except NotMapped:
            # Somebody else's payment, in words of their own; read whole, it is refused with the reason.
            return None
        return str(found) if found else None

    return number
