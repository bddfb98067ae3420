"""An old ERP on premises: files, staging tables or a queue, worked at night."""

from typing import Literal

from o2c_twin.integration.connectors.legacy_erp import LegacyErp
from o2c_twin.integration.connectors.legacy_erp_maps import LegacyErpMaps
from o2c_twin.integration.connectors.own_maps import maps_for
from o2c_twin.integration.connectors.ports import Erp
from o2c_twin.integration.ports import Clock, HttpPort
from o2c_twin.mock_systems.vendors import legacy_erp
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.stands.stand import one_of
from o2c_twin.twin.world.company import SameNames

EDGES = ("file", "table", "queue")


class LegacyErpStand:
    """One installation, reached by one of its edges; the plan names which."""

    names = SameNames()

    def __init__(self, plan: RunPlan, system: SystemPlan, world: World) -> None:
        self._edge: Literal["file", "table", "queue"] = one_of(system.plan or "file", EDGES)
        config = legacy_erp.LegacyErpConfig(seed=plan.seed, currency=plan.world.currency, edges=(self._edge,))
        self.dialect = legacy_erp.make(world, config)
        self.core = self.dialect.core
        self._sleep = world.sleep
        self._currency = plan.world.currency
        self._own = plan.maps

    def subscribe(self, url: str) -> None:
        """It pushes nothing; what changed lies in its outbox."""

    def credentials(self) -> dict[str, str]:
        """None: who reaches the folder, the tables or the broker is let in."""
        return {"edge": self._edge}

    def connector(self, name: str, url: str, http: HttpPort, clock: Clock) -> Erp:
        """By the edge the plan names."""
        doors = self.dialect.doors
        medium = {"file": doors.folder, "table": doors.tables, "queue": doors.queues}[self._edge]
        if medium is None:
            raise LookupError(f"the ERP has no door for its {self._edge} edge")
        maps = maps_for(self._own, LegacyErpMaps)
        return LegacyErp(name, self._edge, medium, clock, self._sleep, currency=self._currency, maps=maps)
