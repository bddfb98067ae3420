"""A scenario: a story, a design, the naive design that shows why, a world. And the plan of a run made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from o2c_twin.integration.connectors.own_maps import OwnMaps, maps_of_design
from o2c_twin.integration.mappings import MappingError
from o2c_twin.integration.presets import expanded
from o2c_twin.integration.profile import DesignProfile, ProfileError
from o2c_twin.integration.runtime.engine import Rhythm
from o2c_twin.scenarios.errors import ScenarioError
from o2c_twin.scenarios.expectations import Expectation
from o2c_twin.scenarios.values import read_text
from o2c_twin.twin.plan import RunPlan, SystemPlan
from o2c_twin.twin.world.settings import WorldSettings

# Ten years, ten million orders: beyond that a figure is a slip of the finger.
SEED = Annotated[int, Meta(ge=0, le=2**63 - 1)]
ORDERS = Annotated[int, Meta(ge=1, le=10_000_000)]
DAYS = Annotated[int, Meta(ge=1, le=3_660)]
DRAIN_DAYS = Annotated[int, Meta(ge=0, le=3_660)]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One entry of the catalogue, or one file of a user.

    ``source`` names the file. ``naive`` holds the axes in which the design that shows the failure
    differs from ``design``, the recommended one; empty when the scenario has no such pair.
    ``world`` has the orders and days as well. ``maps`` are the estate's own field maps.
    """

    name: str
    title: str
    story: str
    source: str
    extends: str | None
    seed: int
    design: DesignProfile
    naive: Mapping[str, str]
    world: WorldSettings
    systems: Mapping[str, SystemPlan]
    rhythm: Rhythm
    expect: tuple[Expectation, ...]
    maps: OwnMaps | None = None

    def plan(
        self,
        choices: Mapping[str, str] | None = None,
        naive: bool = False,
        seed: int | None = None,
        orders: int | None = None,
        days: int | None = None,
        transport: str = "direct",
    ) -> RunPlan:
        """The plan of one run: the recommended design or the naive one, then ``choices`` (axis to value, or a preset).

        ``seed``, ``orders`` and ``days`` replace the scenario's own; faults keep their days. A naive
        plan is called ``name:naive``. Raises `ScenarioError` for an axis, a value or a number that
        cannot be, and when the scenario has no naive design.
        """
        if naive and not self.naive:
            raise ScenarioError([f"scenario '{self.name}' has no naive design; leave out the naive variant"])
        world = replace(
            self.world,
            orders=_checked("orders", self.world.orders if orders is None else orders, ORDERS),
            days=_checked("days", self.world.days if days is None else days, DAYS),
        )
        if why := no_business(world):
            raise ScenarioError([f"scenario '{self.name}': {why}"])
        design = self.design.with_choices(self.naive) if naive else self.design
        given = dict(choices or {})
        for axis, choice in given.items():
            try:
                DesignProfile().with_choices(expanded({axis: choice}))
            except ProfileError as error:
                raise ScenarioError([f"choice {axis}={choice}: {_without(error, axis)}"]) from error
        # A preset is a whole design; what is chosen besides changes it, wherever it stands.
        try:
            design = design.with_choices(expanded(given))
        except ProfileError as error:
            raise ScenarioError([f"scenario '{self.name}': {error}"]) from error
        plan = RunPlan(
            name=f"{self.name}:naive" if naive else self.name,
            title=f"{self.title} (naive design)" if naive else self.title,
            story=self.story,
            seed=_checked("seed", self.seed if seed is None else seed, SEED),
            design=design,
            world=world,
            systems=dict(self.systems),
            rhythm=self.rhythm,
            transport=transport,
        )
        if plan.unplayable:
            raise ScenarioError([f"scenario '{self.name}': {plan.unplayable}"])
        try:
            return replace(plan, maps=maps_of_design(self.maps, design))
        except MappingError as error:
            raise ScenarioError([f"scenario '{self.name}': maps: {each}" for each in error.problems]) from error


def no_business(world: WorldSettings) -> str | None:
    """Why no deal can be won in the days of a world; None when one can."""
    if not 1970 <= world.start.year < 2200:
        return f"start {world.start} is out of range; write a date from 1970-01-05 to 2199-12-31"
    if all((world.start + timedelta(days=n)).weekday() > 4 for n in range(min(world.days, 7))):
        return f"{world.days} days from {world.start} hold no working day; make it longer"
    return None


def _checked(name: str, value: int, type_: object) -> int:
    try:
        checked: int = read_text(str(value), type_)
    except ValueError as error:
        raise ScenarioError([f"{name} {error}"]) from error
    return checked


def _without(error: ProfileError, axis: str) -> str:
    """The profile's message without the axis it begins with, which the caller has named."""
    return str(error).removeprefix(f"{axis}: ")
