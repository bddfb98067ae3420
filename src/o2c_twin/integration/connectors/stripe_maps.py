"""The maps of a Stripe account, and what lists and events tell of a payment's invoice."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from o2c_twin.integration.connectors.payment_maps import number_in
from o2c_twin.integration.connectors.vendor_maps import Place, VendorMaps
from o2c_twin.integration.mappings import CompiledMap

_METADATA = "metadata."


@dataclass(frozen=True)
class StripeMaps(VendorMaps):
    """The maps of an account."""

    party_to_customer: CompiledMap
    claim_to_intent: CompiledMap
    intent_to_payment: CompiledMap
    payout_to_payout: CompiledMap

    system: ClassVar = "stripe"
    places: ClassVar = {
        "party_to_customer": Place("stripe-party-to-customer", "canonical.Party", "stripe.customer"),
        "claim_to_intent": Place("stripe-claim-to-payment-intent", "canonical.PaymentClaim", "stripe.payment_intent"),
        "intent_to_payment": Place(
            "stripe-payment-intent-to-payment",
            "stripe.payment_intent",
            "canonical.ProviderPayment",
            alone={"invoice_number": _METADATA},
        ),
        "payout_to_payout": Place("stripe-payout-to-payout", "stripe.payout", "canonical.Payout"),
    }

    @cached_property
    def invoice_of(self) -> Callable[[dict[str, Any]], str | None]:
        """The number of the invoice in a payment's metadata; None where there is none, or one the map refuses."""
        return number_in(self.intent_to_payment, _METADATA)
