"""Stripe as the payment provider: customers pay on a page, or by debit from what they have saved."""

from collections.abc import Callable

from o2c_twin.integration.connectors.own_maps import maps_for
from o2c_twin.integration.connectors.ports import Payments
from o2c_twin.integration.connectors.stripe import StripePayments, Way
from o2c_twin.integration.connectors.stripe_maps import StripeMaps
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.mock_systems.roles.billing import Happening
from o2c_twin.mock_systems.vendors import stripe
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.stands.stand import one_of


class StripeStand:
    """An account in live mode. Plan ``page``: customers pay by card when they will; ``debit``: what they saved is
    debited as soon as an invoice is collected."""

    def __init__(self, plan: RunPlan, system: SystemPlan, world: World) -> None:
        config = stripe.StripeConfig(seed=plan.seed, livemode=True, currency=plan.world.currency.lower())
        self.dialect = stripe.make(world, config)
        self.core = self.dialect.core
        self.debits = one_of(system.plan or "page", ("page", "debit")) == "debit"
        self._currency = plan.world.currency
        self._maps = maps_for(plan.maps, StripeMaps)
        self._asked: dict[str, str] = {}
        self.core.listeners.append(self._heed)

    def subscribe(self, url: str) -> None:
        """Webhooks of every event."""
        self.dialect.subscribe(url)

    def credentials(self) -> dict[str, str]:
        """The secret key, and the secret webhooks are signed with."""
        config = self.dialect.config
        return {"secret_key": config.secret_key, "webhook_secret": config.webhook_secret}

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Payments:
        """Logged in with the account's key."""
        config = self.dialect.config
        way: Way = "saved" if self.debits else "page"
        key, secret = config.secret_key, config.webhook_secret
        return StripePayments(name, url, http, clock, key, secret, way, self._currency, self._maps)

    # --- as customers and the bank meet it -------------------------------------------------------

    def _heed(self, what: Happening) -> None:
        if what.kind == "payment" and what.name == "created":
            number = self._maps.invoice_of(self.core.state.payments[what.id].metadata)
            if number:
                self._asked[number] = what.id
        elif what.kind == "customer" and what.name == "created" and self.debits:
            self.core.add_instrument("debit", what.id[-4:], customer_id=what.id)

    def pay(self, invoice_number: str, amount_minor: int) -> bool:
        """A customer pays with a card what the page asks, which may be more than they think they owe."""
        payment = self.core.state.payments.get(self._asked.get(invoice_number, ""))
        if payment is None or payment.status != "needs-instrument":
            return False
        self.core.customer_pays(payment.id, "card")
        return True

    def on_paid(self, received: Callable[[str, str, int], None]) -> None:
        """A payment has succeeded."""

        def heed(what: Happening) -> None:
            if what.kind == "payment" and what.name == "succeeded":
                payment = self.core.state.payments[what.id]
                number = self._maps.invoice_of(payment.metadata) or ""
                received(payment.id, number, payment.received_minor)

        self.core.listeners.append(heed)

    def on_payout(self, credit: Callable[[int, str], None]) -> None:
        """A payout reaches the bank."""
        self.core.payout_listeners.append(lambda payout: credit(payout.amount_minor, payout.reference))
