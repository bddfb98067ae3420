"""A bank that sends camt.053 statements."""

from o2c_twin.integration.connectors.bank_feed import BankFeed
from o2c_twin.integration.connectors.ports import Bank
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.mock_systems.vendors import bank_iso20022
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.plan import RunPlan, SystemPlan

COMPANY_IBAN = "DE40500105179000000042"
"""Made up, with check digits that hold; its account number is no customer's, whose numbers count up from 1."""


class BankIso20022Stand:
    """The bank of the company, with its one account."""

    def __init__(self, plan: RunPlan, system: SystemPlan, world: World) -> None:
        self.dialect = bank_iso20022.make(world, bank_iso20022.BankConfig(seed=plan.seed))
        self.core = self.dialect.core
        self.account_id = self.core.open_account(COMPANY_IBAN, plan.world.currency, "The company").id

    def subscribe(self, url: str) -> None:
        """A notice of each statement."""
        self.dialect.subscribe(url)

    def credentials(self) -> dict[str, str]:
        """Client credentials, and the secret notices are signed with."""
        config = self.dialect.config
        return {
            "client_id": config.client_id,
            "client_secret": config.client_secret,
            "webhook_secret": config.webhook_secret,
            "account_id": self.account_id,
        }

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Bank:
        """The feed of the account."""
        config = self.dialect.config
        return BankFeed(name, url, http, config.client_id, config.client_secret, self.account_id, config.webhook_secret)
