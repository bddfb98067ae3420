"""Row types: of a wire record only the fields a map reads, as a type its answer is decoded to.

Such a type costs a fraction of decoding all there is, and its numbers are exact decimals. Every field may be missing:
what a missing one means is the map's to say.
"""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from o2c_twin.integration.mappings.generating import attribute
from o2c_twin.integration.mappings.schema import ObjectSchema, Schemas
from o2c_twin.integration.mappings.spec import MapSpec, Rule

ITEMS = "[]"
"""What follows the name of a list on a path into its items."""
_Tree = dict[str, Any]
_TYPES: dict[str, Any] = {"whole": int, "minor": int, "instant": int, "number": Decimal, "flag": bool}


def paths_read(specs: Mapping[str, MapSpec], name: str, entity: str) -> tuple[str, ...]:
    """The paths a map reads of its source, inner maps and items of lists included, in the order of its rules."""
    spec = specs[name]
    heads = list(spec.currency.paths) if spec.currency is not None else []
    heads += [spec.fx.date] if spec.fx is not None else []
    heads += [spec.intercompany.path] if spec.intercompany is not None else []
    variants = (False, True) if spec.intercompany is not None else (False,)
    ruled = [path for each in variants for path in _ruled(specs, spec.rules_of(entity, each), entity)]
    return tuple(dict.fromkeys((*ruled, *heads)))


def _ruled(specs: Mapping[str, MapSpec], rules: Iterable[Rule], entity: str) -> Iterator[str]:
    for rule in rules:
        for path in rule.origin.paths:
            if rule.rules:
                yield from (f"{path}{ITEMS}.{each}" for each in _ruled(specs, rule.rules, entity))
            elif rule.map:
                yield from (f"{path}.{each}" for each in paths_read(specs, rule.map, entity))
            else:
                yield path


def row_type(schemas: Schemas, schema: ObjectSchema, paths: Iterable[str]) -> type[msgspec.Struct]:
    """A Struct with the fields at these paths, each of them optional. Raises ValueError for a path there is not."""
    tree: _Tree = {}
    for path in paths:
        here = tree
        for part in path.split("."):
            here = here.setdefault(part, {})
    return _struct(schemas, schema, tree)


def _struct(schemas: Schemas, schema: ObjectSchema, tree: _Tree) -> type[msgspec.Struct]:
    fields: list[tuple[str, Any, Any]] = []
    for part, inside in tree.items():
        name = part.removesuffix(ITEMS)
        found, _ = schemas.resolve(schema, name)
        type_: Any = _TYPES.get(found.type, str)
        if found.of:
            inner = _struct(schemas, schemas.inner(schema, name), inside)
            type_ = list[inner] if found.type == "list" else inner  # type: ignore[valid-type]  # made here
        fields.append((attribute(name), type_ | None, msgspec.field(default=None, name=name)))
    return msgspec.defstruct(schema.name, fields, gc=False)
