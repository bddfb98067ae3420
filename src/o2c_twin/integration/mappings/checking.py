"""Holds a map against both sides' schemas, before it sees a document."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from yaml.nodes import Node

from o2c_twin.integration.mappings.document import Document
from o2c_twin.integration.mappings.errors import known, shown
from o2c_twin.integration.mappings.money import digits, number
from o2c_twin.integration.mappings.schema import Field, ObjectSchema, Schemas, article
from o2c_twin.integration.mappings.spec import EACH, GIVEN, MapSpec, Origin, Rule

# What may stand where something else is asked for, without a transformation.
_FITS = {"text": ("currency", "date", "iso-instant"), "number": ("whole",)}
_GIVEN_TYPES = {"text": "text", "currency": "currency"}


def fits(given: str, wanted: str) -> bool:
    """Whether a value of one type may be written where another is wanted."""
    return given == wanted or given in _FITS.get(wanted, ())


class MapChecker:
    """One map, its file, and what it must agree with."""

    def __init__(self, spec: MapSpec, document: Document, schemas: Schemas, maps: Mapping[str, MapSpec]) -> None:
        self._spec = spec
        self._document = document
        self._schemas = schemas
        self._maps = maps

    def check(self) -> None:
        """Complain to the document about all that does not fit."""
        spec, objects = self._spec, self._schemas.objects
        for title in (spec.source, spec.target):
            if title not in objects:
                self._complain(spec.node, f"no record type {shown(title)}; {known(title, objects)}")
        if spec.source not in objects or spec.target not in objects:
            return
        source, target = objects[spec.source], objects[spec.target]
        self._head(source, target)
        named = [entity for entity in spec.entities if entity != EACH]
        for entity in ("", *spec.entities, *(f"{EACH}{each}" for each in named if EACH in spec.entities)):
            where = spec.entities[entity.removeprefix(EACH) or EACH].node if entity else spec.node
            self._record(spec.rules_of(entity), source, target, where, spec.target)
            if spec.intercompany is not None and spec.intercompany.rules:
                self._record(spec.rules_of(entity, True), source, target, where, spec.target)

    def _complain(self, node: Node | None, message: str) -> None:
        self._document.complain(node, message)

    # --- the head --------------------------------------------------------------------------------

    def _head(self, source: ObjectSchema, target: ObjectSchema) -> None:
        spec = self._spec
        if spec.currency is not None:
            self._currency(spec.currency, source)
        if spec.fx is not None:
            day = self._path(spec.node, source, spec.fx.date, "fx.date")
            if day is not None and day[0].type not in ("instant", "date", "iso-instant"):
                self._complain(
                    spec.node, f"fx.date: {spec.fx.date} is {article(day[0].type)}; name a date or an instant"
                )
            self._code(spec.fx.target, "fx.target")
        if spec.intercompany is not None:
            flag = self._path(spec.node, source, spec.intercompany.path, "intercompany.from")
            if flag is not None and flag[0].type != "text":
                self._complain(spec.node, f"intercompany.from: {spec.intercompany.path} is no text; name a text")
        if spec.worth is not None and spec.currency is None:
            self._complain(spec.node, "worth: in which currency? write 'currency:' at the top of the map")
        if spec.worth is not None:
            base: ObjectSchema | None = target
            if spec.worth.each:
                base = self._inner(spec.node, target, spec.worth.each, "worth.each")
            for what in (spec.worth.amount, spec.worth.quantity) if base is not None else ():
                found = self._path(spec.node, base, what, "worth") if what and base is not None else None
                if found is not None and found[0].type not in ("number", "minor", "whole"):
                    self._complain(spec.node, f"worth: {what} is {article(found[0].type)}; name a number")

    def _currency(self, origin: Origin, source: ObjectSchema) -> None:
        node = self._spec.node
        for path in origin.paths:
            found = self._path(node, source, path, "currency.from")
            if found is not None and (found[0].type != "currency" or found[1]):
                self._complain(node, f"currency.from: {path} is not always a currency; name a field that is")
        if origin.given and self._spec.given.get(origin.given) != "currency":
            self._complain(node, f"currency.given: {origin.given} is no currency; write '{origin.given}: currency'")
        if not origin.paths and not origin.given:
            self._code(origin.constant, "currency")

    def _code(self, code: Any, what: str) -> None:
        try:
            digits(code)
        except ValueError as error:
            self._complain(self._spec.node, f"{what}: {error}")

    # --- rules -----------------------------------------------------------------------------------

    def _record(
        self, rules: Sequence[Rule], source: ObjectSchema, target: ObjectSchema, where: Node | None, what: str
    ) -> None:
        met: dict[str, Rule] = {}
        for rule in rules:
            self._apart(rule, met)
            met[rule.to] = rule
            found = self._path(rule.node, target, rule.to, "to")
            if found is None:
                continue
            wanted = found[0]
            if wanted.access == "read":
                self._complain(rule.node, f"{target.title}.{rule.to} is only read, never written; remove the line")
            if target.struct is not None and "." in rule.to:
                self._complain(rule.node, f"{rule.to}: a canonical object is made whole; give it a map of its own")
                continue
            if rule.rules:
                self._list(rule, source, target)
            elif rule.map:
                self._inner_map(rule, source, target)
            else:
                self._value(rule, source, wanted)
        for lacking in () if self._spec.partial else _lacking(target, met, self._schemas):
            self._complain(where, f"{what}: nothing is written to {lacking}, which must be there; add a rule for it")

    def _apart(self, rule: Rule, met: Mapping[str, Rule]) -> None:
        for other in met:
            if rule.to == other:
                self._complain(rule.node, f"{rule.to} is written twice; keep one of the rules")
            elif rule.to.startswith(f"{other}.") or other.startswith(f"{rule.to}."):
                self._complain(rule.node, f"{rule.to} and {other} write the same field; keep one of them")

    def _list(self, rule: Rule, source: ObjectSchema, target: ObjectSchema) -> None:
        items = [self._inner(rule.node, source, path, "each", "list") for path in rule.origin.paths]
        made = self._inner(rule.node, target, rule.to, "to", "list")
        if items and items[0] is not None and made is not None:
            self._may_miss(rule, source, self._schemas.resolve(target, rule.to)[0])
            self._record(rule.rules, items[0], made, rule.node, f"an item of {rule.to}")
        if rule.has_default and rule.default != []:
            self._complain(rule.node, f"{rule.to}: the default of a list is []; write 'default: []'")

    def _inner_map(self, rule: Rule, source: ObjectSchema, target: ObjectSchema) -> None:
        inner = self._maps.get(rule.map)
        if inner is None:
            self._complain(rule.node, f"{rule.to}: no map {shown(rule.map)}; {known(rule.map, self._maps)}")
            return
        for base, path, title, key in (
            (source, rule.origin.paths[0], inner.source, "from"),
            (target, rule.to, inner.target, "to"),
        ):
            found = self._inner(rule.node, base, path, key, "object")
            if found is not None and found.title != title:
                self._complain(rule.node, f"{rule.to}: map {inner.name} works on {title}, not on {found.title}")
        for name, type_ in inner.given.items():
            if self._spec.given.get(name) != type_:
                remedy = f"write '{name}: {type_}' under 'given'"
                self._complain(rule.node, f"{rule.to}: map {inner.name} must be given {name}; {remedy}")
        if self._path(None, target, rule.to, "to") is not None:
            self._may_miss(rule, source, self._schemas.resolve(target, rule.to)[0])
        if rule.has_default:
            self._complain(rule.node, f"{rule.to}: an inner object has no default; write 'missing: refuse' or nothing")

    def _value(self, rule: Rule, source: ObjectSchema, wanted: Field) -> None:
        type_, choices = self._origin_type(rule, source)
        if rule.has_default:
            self._constant(rule, rule.default, wanted, "default")
        if type_ is None:
            if rule.steps:
                self._complain(rule.node, f"{rule.to}: a constant needs no 'by'; write what it shall be")
            self._constant(rule, rule.origin.constant, wanted, "value")
            return
        if type_ in ("list", "object"):
            remedy = "write 'each' and 'fields'" if type_ == "list" else "name its 'map', or a field inside"
            self._complain(rule.node, f"{rule.to}: its source is {article(type_)}; {remedy}")
            return
        for step in rule.steps:
            if not fits(type_, step.takes):
                remedy = f"it takes {article(step.takes)}"
                self._complain(rule.node, f"{rule.to}: '{step.words}' cannot take {article(type_)}; {remedy}")
                return
            if step.codes is not None:
                choices = self._through_codes(rule, step.codes.pairs, step.codes.name, choices)
                choices += (step.otherwise,) if step.otherwise else ()
            else:
                choices = ()
            type_ = step.gives
        if rule.steps and "currency" in _needs(rule) and self._spec.currency is None:
            self._complain(rule.node, f"{rule.to}: whose currency? write 'currency:' at the top of the map")
        if not fits(type_, wanted.type):
            ways = list(_ways(type_, wanted.type))
            remedy = f"write 'by: {ways[0]}'" if ways else "choose another field or transformation"
            self._complain(rule.node, f"{rule.to} is {article(wanted.type)}, not {article(type_)}; {remedy}")
        elif wanted.choices:
            for code in choices:
                if code not in wanted.choices:
                    self._complain(rule.node, f"{rule.to} does not know {shown(code)}; {known(code, wanted.choices)}")
        self._may_miss(rule, source, wanted)
        if rule.invertible:
            self._invertible(rule)

    def _origin_type(self, rule: Rule, source: ObjectSchema) -> tuple[str | None, tuple[str, ...]]:
        """The type all its paths have and their choices; no type for a constant, or after a complaint ``text``."""
        origin = rule.origin
        if origin.given:
            type_ = self._spec.given.get(origin.given, "text")
            if type_ not in _GIVEN_TYPES:
                self._complain(rule.node, f"{rule.to}: {origin.given} is {GIVEN[type_]}, not a value; look up in it")
            return _GIVEN_TYPES.get(type_, "text"), ()
        if not origin.paths:
            return None, ()
        types: list[Field] = []
        for path in origin.paths:
            found = self._path(rule.node, source, path, "from")
            if found is None:
                continue
            if found[0].access == "write":
                self._complain(rule.node, f"{source.title}.{path} is only written, never read; choose another")
            types.append(found[0])
        if len({each.type for each in types}) > 1:
            self._complain(rule.node, f"{rule.to}: its sources have several types; give each its own rule")
        return (types[0].type, types[0].choices) if types else ("text", ())

    def _through_codes(
        self, rule: Rule, pairs: Mapping[str, str], name: str, choices: tuple[str, ...]
    ) -> tuple[str, ...]:
        keeps = any(step.codes is not None and ("kept" in step.words or step.otherwise) for step in rule.steps)
        for code in choices:
            if code not in pairs and not keeps:
                self._complain(rule.node, f"{rule.to}: code {shown(code)} is missing in code list {name}; add it there")
        return tuple(pairs.values())

    def _constant(self, rule: Rule, value: Any, wanted: Field, what: str) -> None:
        if not _is_a(value, wanted.type):
            remedy = f"it must be {article(wanted.type)}"
            self._complain(rule.node, f"{rule.to}: {what} {shown(value)} has the wrong type; {remedy}")
        elif wanted.choices and value not in wanted.choices:
            self._complain(rule.node, f"{rule.to} does not know {shown(value)}; {known(value, wanted.choices)}")

    def _may_miss(self, rule: Rule, source: ObjectSchema, wanted: Field) -> None:
        loose = bool(rule.origin.paths)
        for path in rule.origin.paths:
            try:
                loose = loose and self._schemas.resolve(source, path)[1]
            except ValueError:
                return
        if rule.has_default and not loose:
            self._complain(rule.node, f"{rule.to}: its source is always there; remove the default")
        if not loose or rule.has_default or rule.missing == "refuse":
            return
        struct = self._schemas.objects[self._spec.target].struct is not None
        # What a record that is there already has, it keeps.
        must_be = not wanted.nullable and ((wanted.required and not self._spec.partial) or struct)
        if must_be or (rule.missing == "null" and not wanted.nullable):
            remedy = "add 'default: ...' or 'missing: refuse'"
            self._complain(rule.node, f"{rule.to} must be there, and its source may be missing; {remedy}")

    def _invertible(self, rule: Rule) -> None:
        if len(rule.origin.paths) != 1:
            self._complain(rule.node, f"{rule.to}: only one source can be found again; remove 'invertible'")
            return
        for step in rule.steps:
            if step.undo is None:
                self._complain(rule.node, f"{rule.to}: '{step.words}' cannot be undone; remove 'invertible'")
        if "currency" in _needs(rule) and self._spec.currency is not None and self._spec.currency.paths:
            path = self._spec.currency.paths[0]
            if not any(
                each.origin.paths == (path,) and not each.steps and each.invertible for each in self._spec.rules
            ):
                remedy = f"map {path} unchanged, with 'invertible: true'"
                self._complain(rule.node, f"{rule.to}: on the way back its currency is not known; {remedy}")

    # --- paths -----------------------------------------------------------------------------------

    def _path(self, node: Node | None, base: ObjectSchema, path: str, what: str) -> tuple[Field, bool] | None:
        try:
            return self._schemas.resolve(base, path)
        except ValueError as error:
            if node is not None:
                self._complain(node, f"{what}: {error}")
            return None

    def _inner(self, node: Node | None, base: ObjectSchema, path: str, what: str, type_: str = "list") -> Any:
        found = self._path(node, base, path, what)
        if found is None:
            return None
        if found[0].type != type_:
            self._complain(node, f"{what}: {base.title}.{path} is {article(found[0].type)}; name {article(type_)}")
            return None
        return self._schemas.inner(base, path)


def _needs(rule: Rule) -> tuple[str, ...]:
    money = any("minor" in (step.takes, step.gives) for step in rule.steps)
    return ("currency",) if money else ()


def _lacking(target: ObjectSchema, met: Mapping[str, Rule], schemas: Schemas) -> Iterator[str]:
    for name, field in target.fields.items():
        inside = [to for to in met if to.startswith(f"{name}.")]
        if field.required and name not in met and not inside:
            yield f"{target.title}.{name}"
        if inside and field.type == "object":
            inner = {to.removeprefix(f"{name}."): met[to] for to in inside}
            yield from _lacking(schemas.inner(target, name), inner, schemas)


def _is_a(value: Any, type_: str) -> bool:
    if type_ in ("whole", "minor", "instant"):
        return type(value) is int
    if type_ == "flag":
        return type(value) is bool
    if type_ == "number":
        try:
            return number(value) is not None
        except ValueError:
            return False
    return isinstance(value, str)


_BRIDGES = {
    ("number", "minor"): "to-minor",
    ("minor", "number"): "to-decimal",
    ("number", "whole"): "whole",
    ("iso-instant", "instant"): "instant",
    ("instant", "iso-instant"): "iso-instant",
    ("instant", "date"): "day",
    ("text", "date"): "date",
    ("whole", "text"): "{pattern: {pattern: '{}', of: whole}}",
}


def _ways(given: str, wanted: str) -> Iterator[str]:
    way = _BRIDGES.get((given, wanted))
    if way is not None:
        yield way
