"""Stripe: the payments API over the billing core."""

from o2c_twin.mock_systems.vendors.stripe.config import StripeConfig
from o2c_twin.mock_systems.vendors.stripe.dialect import StripeDialect, make

__all__ = ["StripeConfig", "StripeDialect", "make"]
