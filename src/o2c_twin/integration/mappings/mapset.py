"""All maps of an estate: read, held against both sides and each other, tried on their examples, made ready.

A folder has ``maps/``, ``codes/`` and ``schemas/`` with YAML files; the shipped one describes what the flows do.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
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
from o2c_twin.integration.mappings.reading import MapReader
from o2c_twin.integration.mappings.schema import CANONICAL, Schemas, canonical_schema, read_schema
from o2c_twin.integration.mappings.spec import MapSpec, Rule

Texts = Mapping[str, str]
"""File name to text."""


@dataclass(frozen=True)
class MapSet:
    """Maps that fit: by name, with code lists and schemas."""

    specs: Mapping[str, MapSpec]
    codes: Mapping[str, CodeList]
    schemas: Schemas = field(default_factory=Schemas)

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
        flag = spec.intercompany and (spec.intercompany.path, spec.intercompany.values)
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


def load_maps(maps: Texts, codes: Texts, schemas: Texts) -> MapSet:
    """The maps in these files. Raises `MappingError` with every problem of every file."""
    problems: list[str] = []
    objects = canonical_schema()
    for name, text in schemas.items():
        document = _opened(text, name, problems)
        if document is not None:
            found = read_schema(document)
            twice = sorted(found.keys() & objects.keys())
            if twice or any(each.system == CANONICAL for each in found.values()):
                document.complain(None, "describes what is described already; give the system a name of its own")
            objects.update(found)
            problems += document.problems()
    lists: dict[str, CodeList] = {}
    for name, text in codes.items():
        document = _opened(text, name, problems)
        if document is not None:
            read = read_codes(document)
            _only_one(document, read.name, lists, "code list")
            lists[read.name] = read
            problems += document.problems()
    documents: dict[str, Document] = {}
    specs: dict[str, MapSpec] = {}
    for name, text in maps.items():
        document = _opened(text, name, problems)
        if document is not None:
            spec = MapReader(document, lists).read()
            _only_one(document, spec.name, specs, "map")
            specs[spec.name], documents[spec.name] = spec, document
    _fit(specs, documents, Schemas(objects), problems)
    found_maps = MapSet(specs, lists, Schemas(objects))
    for name, spec in specs.items():
        run_examples(found_maps.compiled, spec, documents[name])
        problems += documents[name].problems()
    _stop(problems)
    return found_maps


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

    def load(self) -> MapSet:
        """Read, hold against each other and try. Raises `MappingError`."""
        return load_maps(self.maps, self.codes, self.schemas)

    def with_file(self, name: str, text: str) -> "MapFiles":
        """With one more file, in place of the one that describes the same map, code list or system.

        Raises `MappingError` for a file that is none of these.
        """
        part, title = _described(text, name)
        kept = {each: told for each, told in getattr(self, part).items() if _described(told, each)[1] != title}
        return replace(self, **{part: {**kept, name: text}})


_PARTS = {"map": "maps", "codes": "codes", "system": "schemas"}


def _described(text: str, name: str) -> tuple[str, str]:
    """What a file describes: the part of the estate and the title there."""
    root = Document(text, name).root
    pairs = root.value if isinstance(root, MappingNode) else []
    for key, value in pairs:
        if isinstance(key, ScalarNode) and key.value in _PARTS and isinstance(value, ScalarNode):
            return _PARTS[key.value], str(value.value)
    raise MappingError([f"{name}:1:1: is no map, code list or schema; begin with 'map:', 'codes:' or 'system:'"])


def read_folder(folder: Traversable) -> MapFiles:
    """The files of a folder with ``maps/``, ``codes/`` and ``schemas/``. Raises `MappingError`."""
    return MapFiles(_texts(folder, "maps"), _texts(folder, "codes"), _texts(folder, "schemas"))


def load_folder(folder: Traversable) -> MapSet:
    """The maps of a folder with ``maps/``, ``codes/`` and ``schemas/``. Raises `MappingError`."""
    return read_folder(folder).load()


def _texts(folder: Traversable, part: str) -> dict[str, str]:
    inside = folder / part
    if not inside.is_dir():
        return {}
    found = sorted((each for each in inside.iterdir() if each.name.endswith(".yaml")), key=lambda each: each.name)
    try:
        return {f"{part}/{each.name}": each.read_text("utf-8") for each in found}
    except UnicodeDecodeError as error:
        raise MappingError([f"{part}: a file is not UTF-8 ({error.reason}); save it as UTF-8"]) from error


def shipped_files() -> MapFiles:
    """The files that come with the engine."""
    return read_folder(files("o2c_twin.integration.mappings"))


def shipped_maps() -> MapSet:
    """The maps that come with the engine: what its Salesforce and NetSuite flows do."""
    return shipped_files().load()
