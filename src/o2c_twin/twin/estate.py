"""The estate: the systems of one world, made to order, with the engine's credentials for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from o2c_twin.integration.connectors.own_maps import maps_of_design
from o2c_twin.integration.connectors.ports import Bank, Crm, Erp, Payments
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.mock_systems.roles.bank import BankCore
from o2c_twin.mock_systems.roles.crm import CrmCore
from o2c_twin.mock_systems.roles.erp import ErpCore
from o2c_twin.mock_systems.wire.faults import ChangedRecord, FaultPlan, Latency
from o2c_twin.mock_systems.wire.journal import Entry, Journal
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.stands import STANDS, BankStand, CrmStand, ErpStand, PaymentsStand, Stand
from o2c_twin.twin.world.company import CrmFields


@dataclass(frozen=True, slots=True)
class Connectors:
    """The engine's side of an estate."""

    crm: Crm
    erp: Erp
    bank: Bank
    payments: Payments | None


@dataclass(frozen=True, slots=True)
class Estate:
    """The systems by name, as served and as what they stand for."""

    servers: dict[str, MockServer]
    stands: dict[str, Stand]
    crm_stand: CrmStand
    erp_stand: ErpStand
    bank_stand: BankStand
    payments_stand: PaymentsStand | None
    clock: Clock
    currency: str

    @property
    def crm(self) -> CrmCore:
        """The CRM behind its dialect."""
        return self.crm_stand.core

    @property
    def erp(self) -> ErpCore:
        """The ERP behind its dialect."""
        return self.erp_stand.core

    @property
    def bank(self) -> BankCore:
        """The bank behind its dialect."""
        return self.bank_stand.core

    @property
    def crm_fields(self) -> CrmFields:
        """Under which names the CRM keeps the company's own fields."""
        return self.crm_stand.fields

    @property
    def bank_accounts(self) -> Mapping[str, str]:
        """The company's accounts, by currency."""
        return self.bank_stand.accounts

    @property
    def bank_account_id(self) -> str:
        """The company's account in the currency of its books."""
        return self.bank_accounts[self.currency]

    def subscribe(self, url_of: Callable[[str], str]) -> None:
        """Have every system push its changes; ``url_of`` gives the target by system name."""
        for name, stand in self.stands.items():
            stand.subscribe(url_of(name))

    def credentials(self, system: str) -> dict[str, str]:
        """What a client needs to log in to a system."""
        return self.stands[system].credentials()

    def connectors(self, http: HttpPort, url_of: Callable[[str], str]) -> Connectors:
        """Connectors that speak to these systems at the given addresses."""
        provider = self.payments_stand
        return Connectors(
            self.crm_stand.connector("crm", url_of("crm"), http, self.clock),
            self.erp_stand.connector("erp", url_of("erp"), http, self.clock),
            self.bank_stand.connector("bank", url_of("bank"), http, self.clock),
            None if provider is None else provider.connector("payments", url_of("payments"), http, self.clock),
        )

    def mapping_mended(self) -> None:
        """The engine's maps know from now on what a vendor's release has changed.

        An estate has one set of maps for a run, so the answers go back to the shape they can read.
        """
        for server in self.servers.values():
            now_s = (self.clock.now() - server.faults.start_us) / 1e6
            for number, fault in server.faults.armed():
                if isinstance(fault, ChangedRecord) and fault.from_s <= now_s:
                    server.faults.remove(number)

    def seal(self) -> None:
        """Remember the present state of all systems as the one a reset goes back to."""
        for server in self.servers.values():
            server.seal()


def build_estate(plan: RunPlan, world: World, sink: Callable[[Entry], None] | None = None) -> Estate:
    """Make the systems of a plan in a world. ``sink`` gets every journal entry.

    Raises ValueError when the plan names what there is not, or customers no system of it can serve.
    """
    if plan.unplayable:
        raise ValueError(plan.unplayable)
    plan = replace(plan, maps=maps_of_design(plan.maps, plan.design))
    stands: dict[str, Stand] = {
        role: STANDS[role][system.vendor](plan, system, world) for role, system in plan.systems.items()
    }
    start = world.clock.now()
    servers: dict[str, MockServer] = {}
    for role, stand in stands.items():
        system = plan.systems[role]
        faults = FaultPlan(role, world.draw, start, system.faults)
        # Nobody asks the journal of a run for its last calls: kept, they would be read from cold memory to be freed.
        journal = Journal() if sink is None else Journal(size=0, sink=sink)
        servers[role] = MockServer(role, stand.dialect, world, journal, faults, _latency(system))
        stand.dialect.served(servers[role])
    provider = stands.get("payments")
    return Estate(
        servers,
        stands,
        stands["crm"],  # type: ignore[arg-type]  # STANDS holds stands by role
        stands["erp"],  # type: ignore[arg-type]  # as above
        stands["bank"],  # type: ignore[arg-type]  # as above
        provider,  # type: ignore[arg-type]  # as above
        world.clock,
        plan.world.currency,
    )


def _latency(system: SystemPlan) -> Latency | None:
    return Latency(median_s=system.latency_s, sigma=system.latency_sigma) if system.latency_s else None
