"""The stage of the crash points with any ERP on it, and a story told with one mishap at every edge of it."""

from dataclasses import replace

from tests.integration.crash_edges import CALL_EDGES, WRITE_EDGES
from tests.integration.test_crash_points import PLAN, Point, Stage

from o2c_twin.twin.plan import SystemPlan


class VendorStage(Stage):
    """The estate with another ERP."""

    def __init__(self, vendor, mishaps=(), world=PLAN.world):
        systems = {**PLAN.systems, "erp": SystemPlan(vendor, latency_s=0.45)}
        self.plan = replace(PLAN, systems=systems, world=world)
        super().__init__(mishaps)

    def erp_name(self, kind, core_id):
        """A record's id at the ERP's interface."""
        return self.estate.erp_stand.names.name_of(kind, core_id)


def told(vendor, story, seen, wanted, *mishaps, world=PLAN.world):
    """What is not as wanted after the story, by name; and the stage it was told on."""
    stage = VendorStage(vendor, mishaps, world)
    try:
        story(stage)
        found = seen(stage)
        return {name: (found[name], value) for name, value in wanted.items() if found[name] != value}, stage
    finally:
        stage.close()


def broken_at_any_edge(vendor, story, seen, wanted, world=PLAN.world):
    """The story without a mishap, then with one at each edge: what is wrong, by point; and how many there are."""
    wrong, whole = told(vendor, story, seen, wanted, world=world)
    assert wrong == {}
    points = [Point(edge, n) for n in range(whole.calls) for edge in CALL_EDGES]
    points += [Point(edge, n) for edge in WRITE_EDGES for n in range(whole.writes[edge])]
    broken = {}
    for point in points:
        wrong, stage = told(vendor, story, seen, wanted, point, world=world)
        assert stage.lives == (2 if point.edge.startswith("dies") else 1), f"{point}: never reached"
        if wrong:
            broken[point] = wrong
    print(f"{story.__name__} {vendor}: {len(points)} crash points")
    return broken, len(points)
