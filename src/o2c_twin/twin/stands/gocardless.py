"""GoCardless as the payment provider: direct debits from every customer's account."""

from collections.abc import Callable
from hashlib import blake2b

from o2c_twin.integration.connectors.gocardless import BankDetails, GoCardlessPayments
from o2c_twin.integration.connectors.gocardless_maps import GoCardlessMaps
from o2c_twin.integration.connectors.own_maps import maps_for
from o2c_twin.integration.connectors.ports import Payments
from o2c_twin.integration.model import Party
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.mock_systems.roles.direct_debit import Happening, iban
from o2c_twin.mock_systems.vendors import gocardless
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.plan import RunPlan, SystemPlan


class GoCardlessStand:
    """A creditor whose customers have all left their bank details."""

    debits = True

    def __init__(self, plan: RunPlan, system: SystemPlan, world: World) -> None:
        config = gocardless.GoCardlessConfig(seed=plan.seed, access_token=f"o2c-token-{plan.seed}")
        self.dialect = gocardless.make(world, config)
        self.core = self.dialect.core
        self._currency = plan.world.currency
        self._british = self._currency == "GBP"
        self._maps = maps_for(plan.maps, GoCardlessMaps)

    def subscribe(self, url: str) -> None:
        """Webhooks of every event."""
        self.dialect.subscribe(url)

    def credentials(self) -> dict[str, str]:
        """The access token, and the secret webhooks are signed with."""
        config = self.dialect.config
        return {"access_token": config.access_token, "webhook_secret": config.webhook_secret}

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Payments:
        """Logged in with the creditor's token."""
        config = self.dialect.config
        token, secret = config.access_token, config.webhook_secret
        return GoCardlessPayments(name, url, http, clock, token, secret, self._details, self._currency, self._maps)

    def _details(self, party: Party) -> BankDetails:
        # What the customer wrote on the mandate form; the same customer, the same account.
        digits = int.from_bytes(blake2b(party.crm_id.encode(), digest_size=8).digest())
        if self._british:
            return BankDetails(party.name, account_number=f"{digits % 10**8:08d}", sort_code="200000")
        return BankDetails(party.name, iban=iban("DE", f"{digits % 10**18:018d}"))

    # --- as customers and the bank meet it -------------------------------------------------------

    def pay(self, invoice_number: str, amount_minor: int) -> bool:
        """Nobody pays here: the money is taken."""
        return False

    def on_paid(self, received: Callable[[str, str, int], None]) -> None:
        """A payment is confirmed: the customer's bank has not refused it."""
        state = self.core.state

        def heed(what: Happening) -> None:
            if what.kind == "payment" and what.action == "confirmed":
                payment = state.payments[what.id]
                received(payment.id, self._maps.invoice_of(payment.metadata) or "", payment.amount)

        self.core.listeners.append(heed)

    def on_payout(self, credit: Callable[[int, str], None]) -> None:
        """A payout reaches the bank."""
        self.core.payout_listeners.append(lambda payout: credit(payout.amount, payout.reference))
