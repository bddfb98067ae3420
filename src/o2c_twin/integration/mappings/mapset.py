"""All maps of an estate: read, held against both sides and each other, tried on their examples, made ready.

A folder has ``maps/``, ``codes/``, ``schemas/`` and ``rates/`` with YAML files; the shipped one, by which the
connectors translate where nothing else is said, has a folder of maps for each system.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

import msgspec
from yaml.nodes import MappingNode, ScalarNode

from o2c_twin.integration.mappings.checking import MapChecker
from o2c_twin.integration.mappings.codes import CodeList, read_codes
from o2c_twin.integration.mappings.compiling import CompiledMap, Compiler
from o2c_twin.integration.mappings.document import Document
from o2c_twin.integration.mappings.errors import MappingError, known, shown
from o2c_twin.integration.mappings.examples import run_examples
from o2c_twin.integration.mappings.loops import check_loops
from o2c_twin.integration.mappings.rates import Rates, RateTable, read_rates
from o2c_twin.integration.mappings.reading import MapReader
from o2c_twin.integration.mappings.schema import (
    CANONICAL,
    ObjectSchema,
    Schemas,
    canonical_schema,
    extends,
    read_extension,
    read_schema,
)
from o2c_twin.integration.mappings.spec import EACH, MapSpec, Rule

Texts = Mapping[str, str]
"""File name to text."""


@dataclass(frozen=True)
class MapSet:
    """Maps that fit: by name, with code lists, schemas and exchange rates."""

    specs: Mapping[str, MapSpec]
    codes: Mapping[str, CodeList]
    schemas: Schemas = field(default_factory=Schemas)
    rates: Rates = field(default_factory=Rates)

    @cached_property
    def _compiler(self) -> Compiler:
        return Compiler(self.specs, self.schemas)

    def compiled(self, name: str, entity: str = "") -> CompiledMap:
        """The map of that name, as it is in a legal entity. Raises KeyError with the names there are."""
        if name not in self.specs:
            raise KeyError(f"no map {shown(name)}; {known(name, self.specs)}")
        entities = self.specs[name].entities
        if entity and entity not in entities:
            raise KeyError(f"map {name} has no entity {shown(entity)}; {known(entity, entities)}")
        return self._compiler.compiled(name, entity)

    def of_entity(self, name: str, entity: str) -> CompiledMap:
        """The map of that name as it is in a legal entity, of which it may have no rules. Raises KeyError."""
        return self._compiler.compiled(name, entity)

    @property
    def entities(self) -> tuple[str, ...]:
        """The legal entities any of the maps has rules for."""
        return tuple(sorted({entity for spec in self.specs.values() for entity in spec.entities} - {EACH}))

    def content_hash(self, name: str) -> str:
        """What the map does, as 16 hexadecimal digits: rules, code lists and inner maps, not titles and notes."""
        told = msgspec.json.encode(self._meaning(name), order="sorted", enc_hook=str)
        return hashlib.blake2b(told, digest_size=8).hexdigest()

    def unversioned(self, released: "MapSet") -> tuple[str, ...]:
        """Maps that do something else than when they were released, under the same version: raise it first."""
        return tuple(
            name
            for name, spec in self.specs.items()
            if name in released.specs
            and spec.version <= released.specs[name].version
            and self.content_hash(name) != released.content_hash(name)
        )

    def _meaning(self, name: str) -> Any:
        spec = self.specs[name]
        heads = (spec.source, spec.target, dict(spec.given), _origin(spec.currency), spec.fx and (
            spec.fx.source, spec.fx.date, spec.fx.target, spec.fx.rounding
        ))  # fmt: skip
        group = spec.intercompany
        flag = group and (group.path, group.values, *(self._rule(rule) for rule in group.rules))
        entities = {key: [self._rule(rule) for rule in each.rules] for key, each in spec.entities.items()}
        return [heads, flag, [self._rule(rule) for rule in spec.rules], entities]

    def _rule(self, rule: Rule) -> Any:
        codes = [dict(step.codes.pairs) for step in rule.steps if step.codes is not None]
        inner = self._meaning(rule.map) if rule.map else None
        default = [str(rule.default), type(rule.default).__name__] if rule.has_default else None
        items = [self._rule(each) for each in rule.rules]
        return [rule.to, _origin(rule.origin), rule.written, codes, default, rule.missing, inner, items]


def _origin(origin: Any) -> Any:
    return origin and [origin.paths, origin.given, str(origin.constant), type(origin.constant).__name__]


def load_maps(
    maps: Texts,
    codes: Texts,
    schemas: Texts,
    rates: Texts = MappingProxyType({}),
    *,
    tried: Collection[str] | None = None,
) -> MapSet:
    """The maps in these files. Raises `MappingError` with every problem of every file.

    Their examples are tried, or with ``tried`` those of these files only: a map of another release need not say any
    more what it said with code lists and inner maps that were replaced.
    """
    problems: list[str] = []
    objects = _record_types(schemas, problems)
    lists: dict[str, CodeList] = {}
    for name, text in codes.items():
        document = _opened(text, name, problems)
        if document is not None:
            read = read_codes(document)
            _only_one(document, read.name, lists, "code list")
            lists[read.name] = read
            problems += document.problems()
    tables = _rate_tables(rates, problems)
    documents: dict[str, Document] = {}
    specs: dict[str, MapSpec] = {}
    for name, text in maps.items():
        document = _opened(text, name, problems)
        if document is not None:
            spec = MapReader(document, lists).read()
            _only_one(document, spec.name, specs, "map")
            specs[spec.name], documents[spec.name] = spec, document
    _fit(specs, documents, Schemas(objects), problems)
    found_maps = MapSet(specs, lists, Schemas(objects), Rates(tables))
    for name, spec in specs.items():
        if tried is None or spec.file in tried:
            run_examples(found_maps.compiled, spec, documents[name])
        problems += documents[name].problems()
    _stop(problems)
    return found_maps


def _record_types(schemas: Texts, problems: list[str]) -> dict[str, ObjectSchema]:
    objects = dict(canonical_schema())
    documents = [each for each in (_opened(text, name, problems) for name, text in schemas.items()) if each is not None]
    for document in (each for each in documents if not extends(each)):
        found = read_schema(document)
        if found.keys() & objects.keys() or any(each.system == CANONICAL for each in found.values()):
            document.complain(None, "describes what is described already; give the system a name of its own")
        objects.update(found)
    for document in (each for each in documents if extends(each)):
        objects.update(read_extension(document, objects))
    problems += [problem for document in documents for problem in document.problems()]
    return objects


def _rate_tables(rates: Texts, problems: list[str]) -> dict[str, RateTable]:
    tables: dict[str, RateTable] = {}
    for name, text in rates.items():
        document = _opened(text, name, problems)
        if document is not None:
            read = read_rates(document)
            _only_one(document, read.name, tables, "source of rates")
            tables[read.name] = read
            problems += document.problems()
    return tables


def _fit(
    specs: Mapping[str, MapSpec], documents: Mapping[str, Document], schemas: Schemas, problems: list[str]
) -> None:
    read = [problem for document in documents.values() for problem in document.problems()]
    _stop([*problems, *read])
    for name, spec in specs.items():
        MapChecker(spec, documents[name], schemas, specs).check()
    check_loops(specs, documents)
    _stop([problem for document in documents.values() for problem in document.problems()])


def _opened(text: str, name: str, problems: list[str]) -> Document | None:
    try:
        return Document(text, name)
    except MappingError as error:
        problems += error.problems
        return None


def _only_one(document: Document, name: str, there: Mapping[str, Any], what: str) -> None:
    if name in there:
        document.complain(None, f"there is a {what} {shown(name)} already, in {there[name].file}; rename one of them")


def _stop(problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        raise MappingError(found)


@dataclass(frozen=True)
class MapFiles:
    """The files of an estate's maps, by name, as they are read."""

    maps: Texts
    codes: Texts
    schemas: Texts
    rates: Texts = field(default_factory=dict)

    def load(self, *, tried: Collection[str] | None = None) -> MapSet:
        """Read, hold against each other and try as `load_maps` does. Raises `MappingError`."""
        return load_maps(self.maps, self.codes, self.schemas, self.rates, tried=tried)

    def with_file(self, name: str, text: str) -> "MapFiles":
        """With one more file, in place of the one that describes the same map, code list, system or source of rates.

        Raises `MappingError` for a file that is none of these.
        """
        part, _ = _described(text, name)
        return self.with_files(replace(MapFiles({}, {}, {}), **{part: {name: text}}))

    def with_files(self, own: "MapFiles") -> "MapFiles":
        """With the files of another folder in place of those that describe the same. Raises `MappingError`."""
        problems: list[str] = []
        parts = {}
        for part in ("maps", "codes", "schemas", "rates"):
            ours: dict[str, str] = {}
            for name, text in getattr(own, part).items():
                try:
                    held, title = _described(text, name)
                except MappingError as error:
                    problems += error.problems
                    continue
                if held != part:
                    problems.append(f"{name}:1:1: does not belong into {part}/; move it into {held}/")
                elif title in ours:
                    problems.append(f"{name}:1:1: describes {shown(title)}, as {ours[title]} does; keep one of them")
                ours[title] = name
            theirs: Texts = getattr(self, part)
            kept = {name: text for name, text in theirs.items() if not ours or _described(text, name)[1] not in ours}
            parts[part] = {**kept, **getattr(own, part)}
        _stop(problems)
        return MapFiles(**parts)


_PARTS = {"map": "maps", "codes": "codes", "system": "schemas", "extends": "schemas", "rates": "rates"}


def _described(text: str, name: str) -> tuple[str, str]:
    """What a file describes: the part of the estate and the title there."""
    root = Document(text, name).root
    pairs = root.value if isinstance(root, MappingNode) else []
    for key, value in pairs:
        if isinstance(key, ScalarNode) and key.value in _PARTS and isinstance(value, ScalarNode):
            # What adds to a system takes nobody's place.
            return _PARTS[key.value], f"{name}:" if key.value == "extends" else str(value.value)
    begin = "begin with 'map:', 'codes:', 'system:', 'extends:' or 'rates:'"
    raise MappingError([f"{name}:1:1: is no map, code list, schema or source of rates; {begin}"])


def read_folder(folder: Traversable, within: str = "") -> MapFiles:
    """The files of a folder with ``maps/``, ``codes/``, ``schemas/`` and ``rates/``.

    Messages name a file by its place in the folder, after ``within``. Raises `MappingError`.
    """
    parts = ("maps", "codes", "schemas", "rates")
    return MapFiles(*({f"{within}{name}": text for name, text in _texts(folder / part, part)} for part in parts))


def load_folder(folder: Traversable) -> MapSet:
    """The maps of a folder with ``maps/``, ``codes/``, ``schemas/`` and ``rates/``. Raises `MappingError`."""
    return read_folder(folder).load()


def _texts(folder: Traversable, name: str) -> Iterable[tuple[str, str]]:
    """The YAML files in a folder and those below it, in the order of their names."""
    for each in sorted(folder.iterdir(), key=lambda each: each.name) if folder.is_dir() else ():
        path = f"{name}/{each.name}"
        if each.is_dir():
            yield from _texts(each, path)
        elif each.name.endswith(".yaml"):
            try:
                yield path, each.read_text("utf-8")
            except UnicodeDecodeError as error:
                raise MappingError([f"{path}: is not UTF-8 ({error.reason}); save it as UTF-8"]) from error


def shipped_files(systems: Collection[str] | None = None) -> MapFiles:
    """The files that come with the engine: all, or the maps and schemas of these systems with all code lists."""
    every = read_folder(files("o2c_twin.integration.mappings"))
    if systems is None:
        return every
    maps = {name: text for name, text in every.maps.items() if name.split("/")[1] in systems}
    schemas = {f"schemas/{system}.yaml": every.schemas[f"schemas/{system}.yaml"] for system in systems}
    return replace(every, maps=maps, schemas=schemas)


def shipped_maps() -> MapSet:
    """The maps that come with the engine: what its connectors translate by where nothing else is said."""
    return shipped_files().load()


@cache
def shipped_maps_of(system: str) -> MapSet:
    """The maps that come with the engine for one system, read once; their examples are tried by its tests."""
    return shipped_files((system,)).load(tried=())
