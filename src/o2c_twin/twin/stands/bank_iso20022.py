"""A bank that sends camt.053 statements."""

from o2c_twin.integration.connectors.bank_feed import BankFeed
from o2c_twin.integration.connectors.ports import Bank
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.mock_systems.vendors import bank_iso20022
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.plan import RunPlan, SystemPlan

_ACCOUNT = 9_000_000_042


def company_iban(nth: int = 0) -> str:
    """The IBAN of the company's n-th account: made up, with check digits that hold (ISO 13616).

    The account number is no customer's, whose numbers count up from 1.
    """
    account = f"50010517{_ACCOUNT + nth:010d}"
    return f"DE{98 - int(f'{account}131400') % 97:02d}{account}"


COMPANY_IBAN = company_iban()


class BankIso20022Stand:
    """The bank of the company, with an account in each currency its customers pay in."""

    def __init__(self, plan: RunPlan, system: SystemPlan, world: World) -> None:
        self.dialect = bank_iso20022.make(world, bank_iso20022.BankConfig(seed=plan.seed))
        self.core = self.dialect.core
        self.accounts = {
            currency: self.core.open_account(company_iban(nth), currency, "The company").id
            for nth, currency in enumerate((plan.world.currency, *plan.world.foreign))
        }
        self._first, *self._others = self.accounts.values()

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
            "account_id": self._first,
            **({"other_accounts": ",".join(self._others)} if self._others else {}),
        }

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Bank:
        """The feed of the accounts."""
        config, others = self.dialect.config, self._others
        login = (config.client_id, config.client_secret)
        return BankFeed(name, url, http, *login, self._first, config.webhook_secret, others)
