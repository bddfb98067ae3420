"""What each side's records look like: systems from YAML, the canonical model from its own types.

A field is written ``text``, ``text!`` (always there when read, needed when written), or with more to say
``{type: number, access: read, choices: [...]}``. ``{object: Account}`` and ``{list: DealLine}`` lead on.
"""

import types
import typing
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

import msgspec
from yaml.nodes import MappingNode, Node

from o2c_twin.integration import model
from o2c_twin.integration.mappings import documents
from o2c_twin.integration.mappings.document import Document
from o2c_twin.integration.mappings.errors import known, shown

CANONICAL = "canonical"
Access = Literal["both", "read", "write"]
SCALARS = {
    "text": "a text",
    "whole": "a whole number",
    "number": "a decimal number, exact",
    "minor": "an amount in minor units of its currency",
    "currency": "an ISO 4217 code",
    "instant": "microseconds since the epoch, UTC",
    "iso-instant": "an instant as ISO 8601 text",
    "date": "an ISO 8601 date",
    "flag": "true or false",
}
"""The types a field may have, and what they hold."""
_ACCESS = {"both": "both", "read": "read", "write": "write"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``nullable``: may be missing when read; ``required``: must be given when written."""

    type: str
    nullable: bool = True
    required: bool = False
    access: Access = "both"
    of: str = ""
    choices: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """One record type of a system. ``struct`` is the class of a canonical one; wire records are dictionaries."""

    system: str
    name: str
    fields: Mapping[str, Field]
    struct: type[msgspec.Struct] | None = None

    @property
    def title(self) -> str:
        """``system.Object``."""
        return f"{self.system}.{self.name}"


@dataclass(frozen=True, slots=True)
class Schemas:
    """All record types by title."""

    objects: Mapping[str, ObjectSchema] = field(default_factory=dict)

    def resolve(self, base: ObjectSchema, path: str) -> tuple[Field, bool]:
        """The field at a dotted path, and whether something on the way may be missing.

        Raises ValueError that names the part that does not exist, or where a path goes on past a value or a list.
        """
        here, parts, loose = base, path.split("."), False
        for position, part in enumerate(parts):
            found = here.fields.get(part)
            if found is None:
                raise ValueError(f"{here.title} has no field {shown(part)}; {known(part, here.fields)}")
            loose = loose or found.nullable
            if position == len(parts) - 1:
                return found, loose
            if found.type != "object":
                remedy = "use 'each' for its items" if found.type == "list" else "end the path there"
                raise ValueError(f"{here.title}.{part} is {article(found.type)}, with nothing inside; {remedy}")
            here = self.objects[f"{base.system}.{found.of}"]
        raise ValueError("the path is empty; name a field")

    def inner(self, base: ObjectSchema, path: str) -> ObjectSchema:
        """The record type a path leads to: of an object, or of the items of a list. Raises ValueError."""
        found, _ = self.resolve(base, path)
        if not found.of:
            raise ValueError(f"{base.title}.{path} is {article(found.type)}; name an object or a list")
        return self.objects[f"{base.system}.{found.of}"]


def article(type_: str) -> str:
    """The type in words."""
    return SCALARS.get(type_) or (f"an {type_}" if type_ == "object" else f"a {type_}")


def read_schema(document: Document) -> dict[str, ObjectSchema]:
    """The record types of one system's file (``system:``, ``objects:``); complaints go to the document."""
    entries = document.entries(document.root, "the schema", ("system", "source", "note", "objects"))
    return _objects(document, entries, document.text(entries.get("system"), "system"), {})


def read_extension(document: Document, there: Mapping[str, ObjectSchema]) -> dict[str, ObjectSchema]:
    """The record types one file adds to a system (``extends:``, ``objects:``), and those it adds fields to.

    Complaints go to the document.
    """
    entries = document.entries(document.root, "the schema", ("extends", "source", "note", "objects"))
    system = document.text(entries.get("extends"), "extends")
    systems = sorted({each.system for each in there.values() if each.struct is None})
    if system not in systems:
        document.complain(entries.get("extends"), f"extends: no system {shown(system)}; {known(system, systems)}")
        return {}
    return _objects(document, entries, system, {each.name: each for each in there.values() if each.system == system})


def extends(document: Document) -> bool:
    """Whether a schema's file adds to a system that another describes."""
    root = document.root
    return isinstance(root, MappingNode) and any(key.value == "extends" for key, _ in root.value)


def _objects(
    document: Document, entries: Mapping[str, Node], system: str, there: Mapping[str, ObjectSchema]
) -> dict[str, ObjectSchema]:
    objects = entries.get("objects")
    if objects is None:
        document.complain(None, "no 'objects'; describe at least one record type")
        return {}
    found = document.entries(objects, "'objects'")
    names = {**there, **found}
    made = {}
    for name, node in found.items():
        before = there[name].fields if name in there else {}
        made[f"{system}.{name}"] = ObjectSchema(system, name, {**before, **_fields(document, node, name, names)})
    return made


def _fields(document: Document, node: Node, name: str, objects: Collection[str]) -> dict[str, Field]:
    fields = {key: _field(document, each, f"{name}.{key}") for key, each in document.entries(node, name).items()}
    for key in fields:
        if not key.isprintable() or '"' in key or "\\" in key:
            remedy = "no map can read it; leave it out"
            document.complain(node, f"{name}.{shown(key)}: a quote, a backslash or what cannot be printed; {remedy}")
    for key, each in fields.items():
        if each.of and each.of not in objects:
            document.complain(node, f"{name}.{key}: no object {shown(each.of)}; {known(each.of, objects)}")
    return {key: each for key, each in fields.items() if not each.of or each.of in objects}


def _field(document: Document, node: Node, what: str) -> Field:
    if not isinstance(node, MappingNode):
        return _typed(document, node, document.text(node, what), what, {})
    entries = document.entries(node, what, ("type", "object", "list", "access", "choices", "note"))
    kinds = [kind for kind in ("type", "object", "list") if kind in entries]
    if len(kinds) != 1:
        document.complain(node, f"{what} needs one of 'type', 'object' and 'list'; keep one of them")
        return Field("text")
    given = document.text(entries[kinds[0]], what)
    return _typed(document, node, given, what, entries, kinds[0])


def _typed(
    document: Document, node: Node, given: str, what: str, more: Mapping[str, Node], kind: str = "type"
) -> Field:
    sure, name = given.endswith("!"), given.removesuffix("!")
    if kind == "type" and name not in SCALARS:
        document.complain(node, f"{what}: no type {shown(name)}; {known(name, SCALARS)}")
        name = "text"
    access = document.text(more.get("access"), f"{what}.access", "both")
    if access not in _ACCESS:
        document.complain(more["access"], f"{what}.access: no value {shown(access)}; {known(access, _ACCESS)}")
    return Field(
        name if kind == "type" else kind,
        nullable=not sure,
        required=sure and access != "read",
        access=typing.cast(Access, access),
        of="" if kind == "type" else name,
        choices=tuple(str(each) for each in document.plain(more["choices"])) if "choices" in more else (),
        note=document.text(more.get("note"), f"{what}.note"),
    )


@cache
def canonical_schema() -> Mapping[str, ObjectSchema]:
    """The canonical objects, read from their types; the endings ``_minor`` and ``_at`` say what a number counts."""
    structs = [
        each
        for module in (model, documents)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, msgspec.Struct) and each is not msgspec.Struct
    ]
    return MappingProxyType({f"{CANONICAL}.{each.__name__}": _struct_schema(each) for each in structs})


def _struct_schema(struct: type[msgspec.Struct]) -> ObjectSchema:
    hints = typing.get_type_hints(struct)
    infos = {info.name: info for info in msgspec.structs.fields(struct)}
    fields = {name: _struct_field(name, hints[name], infos[name].required) for name in infos}
    return ObjectSchema(CANONICAL, struct.__name__, fields, struct)


def _struct_field(name: str, hint: Any, required: bool) -> Field:
    choices: tuple[str, ...] = ()
    nullable = False
    if get_origin(hint) in (typing.Union, types.UnionType):
        nullable = type(None) in get_args(hint)
        hint = next(each for each in get_args(hint) if each is not type(None))
    if get_origin(hint) is tuple:
        return Field("list", nullable, required, of=get_args(hint)[0].__name__)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return Field("object", nullable, required, of=hint.__name__)
    if get_origin(hint) is Literal:
        choices = tuple(str(each) for each in get_args(hint))
    return Field(_scalar(name, hint), nullable, required, choices=choices)


def _scalar(name: str, hint: Any) -> str:
    if hint is bool:
        return "flag"
    if hint is int:
        return "minor" if name.endswith("_minor") else "instant" if name.endswith("_at") else "whole"
    return "currency" if name == "currency" else "date" if name.endswith(("_on", "_until")) else "text"
