"""What a system must bring to stand in its role: the mock, a login for the engine, and the engine's connector."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from o2c_twin.integration.connectors.ports import Bank, Crm, Erp, Payments
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.mock_systems.roles.bank import BankCore
from o2c_twin.mock_systems.roles.crm import CrmCore
from o2c_twin.mock_systems.roles.erp import ErpCore
from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.world.company import CrmFields, ErpNames


class Stand(Protocol):
    """One system of one world."""

    @property
    def dialect(self) -> Dialect:
        """The mock's dialect, to be served."""
        ...

    def subscribe(self, url: str) -> None:
        """Push changes to ``url``."""
        ...

    def credentials(self) -> dict[str, str]:
        """What a client needs to log in."""
        ...


class CrmStand(Stand, Protocol):
    """A system in the role of the CRM."""

    core: CrmCore
    fields: CrmFields

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Crm:
        """The engine's connector to it."""
        ...


class ErpStand(Stand, Protocol):
    """A system in the role of the ERP."""

    core: ErpCore
    names: ErpNames

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Erp:
        """The engine's connector to it."""
        ...


class BankStand(Stand, Protocol):
    """A system in the role of the bank."""

    core: BankCore
    accounts: Mapping[str, str]
    """The company's accounts: by currency, that of the books first."""

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Bank:
        """The engine's connector to it."""
        ...


class PaymentsStand(Stand, Protocol):
    """A payment provider. The world acts on it as payers do; its payouts go to the company's bank account."""

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Payments:
        """The engine's connector to it."""
        ...

    @property
    def debits(self) -> bool:
        """Whether it takes the money itself when it is due, or waits until the customer pays."""
        ...

    def pay(self, invoice_number: str, amount_minor: int) -> bool:
        """A customer pays what was asked for an invoice; False when nothing was asked."""
        ...

    def on_paid(self, received: Callable[[str, str, int], None]) -> None:
        """Call ``received(payment_id, invoice_number, amount_minor)`` whenever a customer's money is there."""
        ...

    def on_payout(self, credit: Callable[[int, str], None]) -> None:
        """Call ``credit(amount_minor, reference)`` whenever a payout arrives at the bank."""
        ...


Maker = Callable[[RunPlan, SystemPlan, World], Any]
"""Makes the stand of a plan's system in a world. Raises ValueError when the plan asks for what there is not."""


def one_of(value: str, choices: tuple[str, ...]) -> Any:
    """A plan's edition or tier, when the vendor has it. Raises ValueError."""
    if value not in choices:
        raise ValueError(f"systems: no plan {value!r}; there are: {', '.join(choices)}")
    return value
