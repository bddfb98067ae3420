"""Reads one scenario file; every complaint names file, line, column, what is wrong and the remedy.

What a file leaves out it takes from the scenario it extends, else from the defaults. Sections are
taken over key by key, lists as a whole; ``expect`` belongs to the file it stands in.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Annotated, Any

from msgspec import Meta

from o2c_twin.integration.connectors.own_maps import OwnMaps, own_maps
from o2c_twin.integration.mappings import MappingError
from o2c_twin.integration.presets import KEY as PRESET
from o2c_twin.integration.presets import PRESETS, expanded
from o2c_twin.integration.profile import AXES
from o2c_twin.integration.runtime.engine import Rhythm
from o2c_twin.scenarios.document import Document, Entry
from o2c_twin.scenarios.errors import ScenarioError
from o2c_twin.scenarios.expectations import Condition, Expectation, condition
from o2c_twin.scenarios.faults import read_faults
from o2c_twin.scenarios.scenario import Scenario, no_business
from o2c_twin.scenarios.sections import PLANS, RHYTHM, SECTIONS, SYSTEM, TABLES, TEXTS, TOP, WORLD, belongs
from o2c_twin.scenarios.values import SLUG, read_text
from o2c_twin.twin.chance import Chance
from o2c_twin.twin.exchange import given_rates
from o2c_twin.twin.plan import ROLES, VENDORS, RunPlan, SystemPlan, one_currency_only
from o2c_twin.twin.world.rates import market
from o2c_twin.twin.world.settings import WorldSettings

_NAME = Annotated[str, Meta(pattern=SLUG)]
_SIDES = ("naive", "recommended")


def parse(text: str, source: str, shipped: Callable[[str], Scenario]) -> Scenario:
    """The scenario in the text of the file ``source``; ``shipped`` gives the one it extends by name.

    Raises `ScenarioError` with all problems found.
    """
    document = Document(text, source)
    if document.root is None:
        raise ScenarioError([f"{source}: is empty; write at least a title and a story, or 'extends: to-be'"])
    entries = document.mapping(document.root, "the scenario", (*TEXTS, *TOP, *SECTIONS), belongs("top"))
    if not entries:
        document.finish()
    base = _base(document, entries, shipped)
    file = _File(document, entries, base)
    scenario = file.read(PurePath(source).stem)
    document.finish()
    return scenario


def _base(document: Document, entries: Mapping[str, Entry], shipped: Callable[[str], Scenario]) -> Scenario | None:
    if "extends" not in entries:
        return None
    node = entries["extends"].node
    try:
        return shipped(Document.text(node) or "")
    except ScenarioError as error:
        document.complain(node, f"extends: {error.problems[0]}")
        return None


class _File:
    """One file: its entries on top of what it extends."""

    def __init__(self, document: Document, entries: Mapping[str, Entry], base: Scenario | None) -> None:
        self._document = document
        self._entries = entries
        self._base = base

    def read(self, stem: str) -> Scenario:
        base, bare = self._base, RunPlan("", "", "")
        top = {key: self._document.value(self._entries[key], key, TOP[key]) for key in TOP if key in self._entries}
        numbers: dict[str, Any] = {key: value for key, value in top.items() if value is not None}
        seed = numbers.pop("seed", base.seed if base else bare.seed)
        scenario = Scenario(
            name=self._name(stem),
            title=self._text("title", base.title if base else None),
            story=self._text("story", base.story if base else None),
            source=self._document.name,
            extends=base.name if base else None,
            seed=seed,
            design=(base.design if base else bare.design).with_choices(self._axes("design")),
            naive={**(base.naive if base else {}), **self._axes("naive")},
            world=self._world(base.world if base else bare.world, numbers),
            systems=self._systems(base.systems if base else bare.systems),
            rhythm=self._rhythm(base.rhythm if base else bare.rhythm),
            expect=self._expect(),
            maps=self._maps(base.maps if base else None),
        )
        self._check_currencies(scenario)
        return scenario

    def _check_currencies(self, scenario: Scenario) -> None:
        """Complain of foreign customers the estate cannot serve, and of rates that are not there."""
        if not self._document.sound:
            return
        unable = one_currency_only(scenario.world, scenario.systems)
        if unable is not None:
            at = self._entries.get("systems") or self._entries.get("world")
            self._document.complain(at.node if at else None, f"systems.{unable[0]}: {unable[1]}")
        try:
            market(scenario.world, Chance(scenario.seed), given_rates(scenario.maps))
        except ValueError as error:
            world = self._entries.get("world") or self._entries.get("maps")
            self._document.complain(world.node if world else None, str(error))

    # --- texts and axes --------------------------------------------------------------------------

    def _name(self, stem: str) -> str:
        entry = self._entries.get("name")
        try:
            name: str = read_text(stem if entry is None else Document.text(entry.node), _NAME)
            return name
        except ValueError as error:
            if entry is None:
                self._document.complain(None, f"no 'name', and the file's own name {error}")
            else:
                self._document.complain(entry.node, f"name {error}")
            return ""

    def _text(self, key: str, inherited: str | None) -> str:
        entry = self._entries.get(key)
        if entry is None:
            if inherited is None and "extends" not in self._entries:
                self._document.complain(None, f"no '{key}'; {_QUESTIONS[key]}")
            return inherited or ""
        text = self._document.value(entry, key, str)
        # Line breaks within a paragraph are the file's, not the story's.
        return "\n".join(" ".join(part.split()) for part in str(text or "").splitlines() if part.strip())

    def _maps(self, inherited: OwnMaps | None) -> OwnMaps | None:
        """The maps of a folder beside the file, and the entity; a scenario that extends another has its folder too."""
        given = {key: self._entries[key] for key in ("maps", "entity") if key in self._entries}
        told = {key: str(self._document.value(entry, key, str) or "") for key, entry in given.items()}
        folder, entity = told.get("maps", ""), told.get("entity", inherited.entity if inherited else "")
        if not given or "" in told.values():
            return inherited
        try:
            if folder:
                return own_maps(Path(self._document.name).parent / folder, entity)
            return own_maps(None, entity) if inherited is None else replace(inherited, entity=entity).checked()
        except MappingError as error:
            for problem in error.problems:
                about = "entity" if problem.startswith("entity: ") and "entity" in given else next(iter(given))
                said = problem if problem.startswith("entity: ") else f"{about}: {problem}"
                self._document.complain(given[about].node, said)
            return inherited

    def _axes(self, section: str) -> dict[str, str]:
        entry = self._entries.get(section)
        if entry is None:
            return {}
        known = {PRESET: PRESETS, **AXES}
        axes = self._document.mapping(entry.node, f"'{section}'", known, belongs(section))
        found = {axis: self._document.choice(each, f"{section}.{axis}", known[axis]) for axis, each in axes.items()}
        return expanded({axis: value for axis, value in found.items() if value is not None})

    # --- world, rhythm ---------------------------------------------------------------------------

    def _section(self, section: str, types: Mapping[str, Any]) -> dict[str, tuple[Entry, Any]]:
        """Key to entry and value, of the values that are right."""
        entry = self._entries.get(section)
        if entry is None:
            return {}
        tables = TABLES if section == "world" else {}
        found = self._document.mapping(entry.node, f"'{section}'", (*types, *tables), belongs(section))
        values = {
            key: (each, self._table(each, f"{section}.{key}", tables[key]))
            if key in tables
            else (each, self._document.value(each, f"{section}.{key}", types[key]))
            for key, each in found.items()
        }
        return {key: (each, value) for key, (each, value) in values.items() if value is not None}

    def _table(self, entry: Entry, what: str, types: Mapping[str, Any]) -> dict[str, Any] | None:
        """The lines of a table; None after a complaint."""
        found = self._document.mapping(entry.node, what, tuple(types))
        values = {key: self._document.value(each, f"{what}.{key}", types[key]) for key, each in found.items()}
        return values if values and None not in values.values() else None

    def _world(self, inherited: WorldSettings, numbers: Mapping[str, Any]) -> WorldSettings:
        world = replace(inherited, **numbers)
        for key, (entry, value) in self._section("world", WORLD).items():
            try:
                world = replace(world, **{key: value})
            except ValueError as error:
                self._document.complain(entry.node, str(error).replace(": ", " ", 1))
        if self._document.sound and (why := no_business(world)):
            at = self._entries.get("days") or self._entries.get("world")
            self._document.complain(at.node if at else None, why)
        return world

    def _rhythm(self, inherited: Rhythm) -> Rhythm:
        return replace(inherited, **{key: value for key, (_, value) in self._section("rhythm", RHYTHM).items()})

    # --- systems ---------------------------------------------------------------------------------

    def _systems(self, inherited: Mapping[str, SystemPlan]) -> dict[str, SystemPlan]:
        systems = dict(inherited)
        entry = self._entries.get("systems")
        if entry is not None:
            for role, each in self._document.mapping(entry.node, "'systems'", ROLES).items():
                systems[role] = self._system(role, each, systems.get(role) or SystemPlan(VENDORS[role][0]))
        return systems

    def _system(self, role: str, entry: Entry, inherited: SystemPlan) -> SystemPlan:
        document, what = self._document, f"systems.{role}"
        found = document.mapping(entry.node, what, (*SYSTEM, "faults"))
        given: dict[str, Any] = {}
        for key, each in found.items():
            match key:
                case "vendor":
                    given[key] = document.choice(each, f"{what}.vendor", VENDORS[role])
                case "plan":
                    given[key] = self._vendor_plan(each, what, given.get("vendor") or inherited.vendor)
                case "faults":
                    given[key] = read_faults(document, each, f"{what}.faults")
                case _:
                    given[key] = document.value(each, f"{what}.{key}", SYSTEM[key])
        if given.get("vendor") not in (None, inherited.vendor):
            # A tier or a number of licences of one vendor says nothing about another.
            inherited = replace(inherited, plan=None, licences=0)
        return replace(inherited, **{key: value for key, value in given.items() if value is not None})

    def _vendor_plan(self, entry: Entry, what: str, vendor: str) -> str | None:
        if vendor not in PLANS:
            self._document.complain(entry.node, f"{what}.plan: {vendor} has no plans to choose from; remove the line")
            return None
        return self._document.choice(entry, f"{what}.plan", PLANS[vendor])

    # --- expectations ----------------------------------------------------------------------------

    def _expect(self) -> tuple[Expectation, ...]:
        entry = self._entries.get("expect")
        if entry is None:
            return ()
        example = '{kpi: orders.duplicate, naive: "> 0", recommended: "= 0"}'
        nodes = self._document.items(entry, "'expect'", f"- {example}")
        read = [self._expectation(node, f"expect[{n}]", example) for n, node in enumerate(nodes, 1)]
        return tuple(each for each in read if each is not None)

    def _expectation(self, node: Any, what: str, example: str) -> Expectation | None:
        entries = self._document.mapping(node, what, ("kpi", "violation", *_SIDES))
        kinds = [kind for kind in ("kpi", "violation") if kind in entries]
        sides = [side for side in _SIDES if side in entries]
        if len(kinds) != 1 or not sides:
            if entries:
                self._document.complain(node, f"{what} needs a kpi or a violation, and a side; write e.g. {example}")
            return None
        subject = self._document.value(entries[kinds[0]], f"{what}.{kinds[0]}", str)
        conditions: dict[str, Condition | None] = dict.fromkeys(_SIDES)
        for side in sides:
            try:
                conditions[side] = condition(Document.text(entries[side].node) or "", side)
            except ValueError as error:
                self._document.complain(entries[side].node, f"{what}.{side} {error}")
        return Expectation(kinds[0], str(subject), conditions["naive"], conditions["recommended"])


_QUESTIONS = {"title": "say in a few words what it is about", "story": "say what happens in the business"}
