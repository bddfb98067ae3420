"""The maps of a GoCardless account, and what lists and events tell of a payment without all of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, ClassVar

from o2c_twin.integration.connectors.payment_maps import number_in
from o2c_twin.integration.connectors.vendor_maps import Place, VendorMaps
from o2c_twin.integration.mappings import CompiledMap

_METADATA = "metadata."


@dataclass(frozen=True)
class GoCardlessMaps(VendorMaps):
    """The maps of an account."""

    party_to_customer: CompiledMap
    claim_to_payment: CompiledMap
    payment_to_payment: CompiledMap
    payout_to_payout: CompiledMap

    system: ClassVar = "gocardless"
    places: ClassVar = {
        "party_to_customer": Place("gocardless-party-to-customer", "canonical.Party", "gocardless.customer"),
        "claim_to_payment": Place("gocardless-claim-to-payment", "canonical.PaymentClaim", "gocardless.payment"),
        "payment_to_payment": Place(
            "gocardless-payment-to-payment",
            "gocardless.payment",
            "canonical.ProviderPayment",
            alone={"invoice_number": _METADATA, "state": "outcome"},
        ),
        "payout_to_payout": Place("gocardless-payout-to-payout", "gocardless.payout", "canonical.Payout"),
    }

    @cached_property
    def invoice_of(self) -> Callable[[dict[str, Any]], str | None]:
        """The number of the invoice in a payment's metadata; None where there is none, or one the map refuses."""
        return number_in(self.payment_to_payment, _METADATA)

    @cached_property
    def state_of(self) -> Callable[[Any], Any]:
        """The state that a status of a payment is. Raises `NotMapped` for one the map does not know."""
        return cache(self.payment_to_payment.part("state"))
