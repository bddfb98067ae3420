"""A bank that delivers statement files: MT940, BAI2 or OFX."""

from typing import get_args

from o2c_twin.integration.connectors.bank_files import BankFiles
from o2c_twin.integration.connectors.ports import Bank
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.mock_systems.vendors import bank_files
from o2c_twin.mock_systems.vendors.bank_files.config import Format
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.stands.bank_iso20022 import COMPANY_IBAN
from o2c_twin.twin.stands.stand import one_of


class BankFilesStand:
    """The bank of the company, with its one account; the plan names the format of its files."""

    def __init__(self, plan: RunPlan, system: SystemPlan, world: World) -> None:
        told: Format = one_of(system.plan or "mt940", get_args(Format))
        self.dialect = bank_files.make(world, bank_files.BankFilesConfig(seed=plan.seed, formats=(told,)))
        self.core = self.dialect.core
        currency = plan.world.currency
        self.accounts = {currency: self.core.open_account(COMPANY_IBAN, currency, "The company").id}

    def subscribe(self, url: str) -> None:
        """A notice of each file."""
        self.dialect.subscribe(url)

    def credentials(self) -> dict[str, str]:
        """Login, account, and the secret notices are signed with."""
        config = self.dialect.config
        return {
            "login": config.login,
            "password": config.password,
            "account": COMPANY_IBAN,
            "webhook_secret": config.webhook_secret,
        }

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Bank:
        """The files of the account."""
        config = self.dialect.config
        return BankFiles(name, url, http, config.login, config.password, COMPANY_IBAN, config.webhook_secret)
