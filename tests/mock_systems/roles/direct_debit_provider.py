"""A direct debit provider whose clock is in our hands, and what it told its listeners."""

from datetime import UTC, datetime

import pytest

from o2c_twin.mock_systems.roles.direct_debit import SCHEMES, Happening, RehearsedCore
from o2c_twin.mock_systems.roles.records import RuleError


def us(day: str, hour: int = 10) -> int:
    return int(datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC).timestamp()) * 1_000_000


class Provider:
    """A provider whose clock is in our hands; what it told its listeners is in ``told``."""

    def __init__(self, day: str = "2026-03-02", **choices):
        self.at = us(day)
        choices.setdefault("refunds_need_funds", False)
        self.core = RehearsedCore(lambda: self.at, **choices)
        self.core.open_creditor("Acme Ltd", "GB", "ACME")
        self.told: list[Happening] = []
        self.core.listeners.append(self.told.append)

    def until(self, day: str, hour: int = 23) -> None:
        self.at = us(day, hour)
        self.core.run_due()

    def mandate(self, currency: str = "GBP", active: bool = True, number: str = "20000055779911") -> str:
        customer = self.core.add_customer({"company_name": "Payer"})
        account = self.core.add_account(customer.id, "Payer", number, "GB", currency)
        mandate = self.core.add_mandate(account.id)
        if active and currency == "GBP":
            self.core.rehearse_activate(mandate.id)
        return mandate.id

    def payment(self, mandate: str | None = None, amount: int = 10_000, **fields):
        mandate = mandate or self.mandate()
        currency = SCHEMES[self.core.mandate(mandate).scheme].currency
        return self.core.add_payment(mandate, amount, currency, **fields)

    def actions(self, id_: str) -> list[str]:
        return [h.action for h in self.core.state.happenings if h.id == id_]

    def refused(self, code: str, act, *args, **kwargs) -> RuleError:
        before = self.core.snapshot()
        with pytest.raises(RuleError) as caught:
            act(*args, **kwargs)
        assert caught.value.code == code
        assert self.core.snapshot() == before, "a refusal changed something"
        return caught.value
