"""Maps made ready: rules become steps, and steps one function a record."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

import msgspec

from o2c_twin.integration.mappings.errors import NotMapped
from o2c_twin.integration.mappings.generating import OMIT, REFUSE, FieldStep, Head, Record, Way, reader, written
from o2c_twin.integration.mappings.money import digits
from o2c_twin.integration.mappings.rows import ITEMS, paths_read, row_type
from o2c_twin.integration.mappings.schema import Field, ObjectSchema, Schemas
from o2c_twin.integration.mappings.spec import GIVEN, MapSpec, Origin, Rule
from o2c_twin.integration.mappings.transforms import Given, InContext, Money, Plain, Step

_TYPES: dict[str, tuple[type, ...]] = {
    "text": (str,),
    "currency": (str,),
    "date": (str,),
    "iso-instant": (str,),
    "whole": (int,),
    "minor": (int,),
    "instant": (int,),
    "number": (str, int, Decimal),
    "flag": (bool,),
    "list": (list, tuple),
}
_NOTHING: Given = {}


class CompiledMap:
    """One map in one legal entity: call it with a document, and with what the map must be given.

    Wire records are dictionaries (numbers read exactly: int, Decimal or text), canonical ones Structs.
    Raises `NotMapped` when the document does not fit; its message names map, field and remedy.

    A connector, whose ``given`` was held against the map when it was loaded, calls ``run`` with a document, or with
    an answer's bytes ``read(decode(body), given)``: neither looks at ``given`` first.
    """

    def __init__(self, spec: MapSpec, entity: str, compiler: "Compiler") -> None:
        self.spec = spec
        self.entity = entity
        self._compiler = compiler
        schemas = compiler.schemas
        self._source, self._target = schemas.objects[spec.source], schemas.objects[spec.target]
        self._currency = _currency_of(spec.currency, _way(self._source), spec.name)
        self._flag = reader(spec.intercompany.path, _way(self._source)) if spec.intercompany else None
        self._given = frozenset(spec.given)

    def __call__(self, document: Any, given: Given = _NOTHING) -> Any:
        """The document as the target has it."""
        return self.run(document, self._checked(given))

    def inverse(self, document: Any, given: Given = _NOTHING) -> dict[str, Any]:
        """The fields of the source that can be found again from the target: those declared invertible."""
        back = self._compiler.back(self.spec.name, self.entity)
        if back is None:
            raise NotMapped(self.spec.name, "inverse", "no field is declared invertible; declare one")
        found: dict[str, Any] = back(document, self._checked(given))
        return found

    def currency(self, document: Any, given: Given = _NOTHING) -> str:
        """The currency of a document's amounts; empty for a map without money."""
        return self._currency(document, self._checked(given))

    def written_currency(self, document: Any, given: Given = _NOTHING) -> str:
        """The currency of what a document is worth on the target's side: another than the document's after ``convert``.

        Empty for a map without money.
        """
        return self._converted[self.intercompany(document)] or self._currency(document, given)

    def intercompany(self, document: Any) -> bool:
        """Whether the document is between companies of one group; False for a map that does not say."""
        rule = self.spec.intercompany
        return rule is not None and self._flag is not None and self._flag(document) in rule.values

    # --- for connectors --------------------------------------------------------------------------

    @cached_property
    def run(self) -> Record:
        """``(document, given)`` to the target's record."""
        return self._compiler.record(self.spec.name, self.entity, _way(self._source))

    @cached_property
    def read(self) -> Record:
        """``(row, given)`` to the target's record, of a wire record decoded to `row` or to a type like it."""
        return self._compiler.record(self.spec.name, self.entity, "field", rows=True)

    @cached_property
    def decode(self) -> Callable[[bytes], Any]:
        """A row of a JSON object. Raises `msgspec.DecodeError`."""
        return msgspec.json.Decoder(self.row()).decode

    def row(self, *also: str, inside: str = "") -> type[msgspec.Struct]:
        """The type of the fields this map reads, and of the paths ``also`` given; of a list's items ``inside`` it."""
        base, paths = self._source, self.paths
        if inside:
            base = self._compiler.schemas.inner(base, inside)
            begin = f"{inside}{ITEMS}."
            paths = tuple(path.removeprefix(begin) for path in paths if path.startswith(begin))
        return row_type(self._compiler.schemas, base, (*paths, *also))

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """What this map reads of its source, inner maps included; ``[]`` stands behind the name of a list."""
        return paths_read(self._compiler.specs, self.spec.name, self.entity)

    @property
    def written(self) -> tuple[str, ...]:
        """The fields of the target this map writes; those of a list's items behind the list's name."""
        variants = (False, True) if self.spec.intercompany is not None else (False,)
        rules = [rule for each in variants for rule in self.spec.rules_of(self.entity, each)]
        inner = [f"{rule.to}{ITEMS}.{each.to}" for rule in rules for each in rule.rules]
        return tuple(dict.fromkeys((*(rule.to for rule in rules), *inner)))

    def source_field(self, path: str) -> tuple[Field, bool]:
        """A field of the source, and whether it or something on the way may be missing. Raises ValueError."""
        return self._compiler.schemas.resolve(self._source, path)

    def sources_of(self, to: str) -> tuple[str, ...]:
        """The paths a field of the target is made from; none where no rule writes it."""
        return next((rule.origin.paths for rule in self.spec.rules_of(self.entity) if rule.to == to), ())

    def targets_of(self, path: str) -> tuple[str, ...]:
        """The fields of the target that are made from this path alone."""
        return tuple(rule.to for rule in self.spec.rules_of(self.entity) if rule.origin.paths == (path,))

    def part(self, to: str) -> Callable[[Any], Any]:
        """What a field of the target holds for one value of its source; None for None.

        Only of a rule without look-ups, amounts and conversions. Raises `NotMapped`.
        """
        rule = next(rule for rule in self.spec.rules_of(self.entity) if rule.to == to)
        wanted, _ = self._compiler.schemas.resolve(self._target, to)
        plain = ObjectSchema("", "value", {"value": wanted})
        step = FieldStep("value", Origin(("value",)), None, "", None, *_chain(rule.steps, wanted))
        made = written(self.spec.name, [step], "key", plain)
        return lambda value: made({"value": value}, _NOTHING)["value"]

    @cached_property
    def _converted(self) -> tuple[str, str]:
        """Into which currency what a document is worth is converted, in general and between companies of the group."""
        worth, fx = self.spec.worth, self.spec.fx
        if worth is None or fx is None:
            return "", ""
        found = []
        for each in (False, True):
            rules = self.spec.rules_of(self.entity, each)
            inner = next((rule.rules for rule in rules if rule.to == worth.each), ()) if worth.each else rules
            steps = [step for rule in inner if rule.to == worth.amount for step in rule.steps]
            found.append(next((step.into for step in steps if step.into), ""))
        return found[0], found[1]

    @cached_property
    def worth_in_minor(self) -> bool:
        """Whether what a document is worth is told in minor units."""
        worth, schemas = self.spec.worth, self._compiler.schemas
        if worth is None:
            return False
        base = schemas.inner(self._target, worth.each) if worth.each else self._target
        return schemas.resolve(base, worth.amount)[0].type == "minor"

    def _checked(self, given: Given) -> Given:
        if not self._given <= given.keys():
            lacking = sorted(self._given - given.keys())[0]
            type_ = self.spec.given[lacking]
            raise NotMapped(self.spec.name, lacking, f"is not given; give {GIVEN[type_]} under that name")
        return given


class Compiler:
    """Makes maps ready, each when it is first used; inner maps are made once."""

    def __init__(self, specs: Mapping[str, MapSpec], schemas: Schemas) -> None:
        self.specs = specs
        self.schemas = schemas
        self._ready: dict[tuple[str, str], CompiledMap] = {}
        self._records: dict[tuple[str, str, bool], Record] = {}

    def compiled(self, name: str, entity: str = "") -> CompiledMap:
        """The map of that name, as it is in a legal entity."""
        found = self._ready.get((name, entity))
        if found is None:
            found = self._ready[name, entity] = CompiledMap(self.specs[name], entity, self)
        return found

    def record(self, name: str, entity: str, way: Way, *, rows: bool = False) -> Record:
        """The function of a map, of documents read this way; of ``rows`` the types were checked when they were made."""
        found = self._records.get((name, entity, rows))
        if found is None:
            found = self._records[name, entity, rows] = self._record(self.specs[name], entity, way, rows)
        return found

    def _record(self, spec: MapSpec, entity: str, way: Way, rows: bool) -> Record:
        source, target = self.schemas.objects[spec.source], self.schemas.objects[spec.target]
        head = Head(spec.currency, spec.fx)

        def made(rules: Sequence[Rule]) -> Record:
            steps = self._steps(spec.name, rules, source, target, entity, way, rows)
            return written(spec.name, steps, way, target, head)

        general, group = made(spec.rules_of(entity)), spec.intercompany
        if group is None or not group.rules:
            return general
        special, flag, values = made(spec.rules_of(entity, True)), reader(group.path, way), group.values
        return lambda document, given: (special if flag(document) in values else general)(document, given)

    def _steps(
        self,
        name: str,
        rules: Sequence[Rule],
        source: ObjectSchema,
        target: ObjectSchema,
        entity: str,
        way: Way,
        rows: bool,
    ) -> list[FieldStep]:
        return [self._step(name, rule, source, target, entity, way, rows) for rule in rules]

    def _step(
        self, name: str, rule: Rule, source: ObjectSchema, target: ObjectSchema, entity: str, way: Way, rows: bool
    ) -> FieldStep:
        wanted, _ = self.schemas.resolve(target, rule.to)
        missing = _missing(rule, target)
        if rule.rules:
            inner = self.schemas.inner(source, rule.origin.paths[0]), self.schemas.inner(target, rule.to)
            items = written(name, self._steps(name, rule.rules, *inner, entity, way, rows), way, inner[1])
            missing = () if rule.has_default and target.struct is not None else [] if rule.has_default else missing
            accepted = None if rows else _TYPES["list"]
            return FieldStep(rule.to, rule.origin, accepted, "list", missing, items=items)
        if rule.map:
            record = self.record(rule.map, entity, way, rows=rows)
            return FieldStep(rule.to, rule.origin, None, "object", missing, inner=record)
        if rule.origin.given:
            return FieldStep(rule.to, rule.origin, (str,), "text", REFUSE, *_chain(rule.steps, wanted))
        if not rule.origin.paths:
            return FieldStep(rule.to, rule.origin, None, "", rule.origin.constant)
        field, _ = self.schemas.resolve(source, rule.origin.paths[0])
        accepted = None if rows else _TYPES[field.type]
        return FieldStep(rule.to, rule.origin, accepted, field.type, missing, *_chain(rule.steps, wanted, field))

    # --- the way back ----------------------------------------------------------------------------

    def back(self, name: str, entity: str) -> Record | None:
        """The function that finds the invertible fields again; None where there are none."""
        spec = self.specs[name]
        source, target = self.schemas.objects[spec.source], self.schemas.objects[spec.target]
        steps = self._back_steps(name, spec.rules_of(entity), source, target, entity)
        if not steps:
            return None
        plain = ObjectSchema(source.system, source.name, source.fields)
        return written(name, steps, _way(target), plain, Head(_back_currency(spec), None))

    def _back_steps(
        self, name: str, rules: Sequence[Rule], source: ObjectSchema, target: ObjectSchema, entity: str
    ) -> list[FieldStep]:
        found = (rule for rule in rules if rule.origin.paths)
        return [step for rule in found for step in self._back_step(name, rule, source, target, entity)]

    def _back_step(
        self, name: str, rule: Rule, source: ObjectSchema, target: ObjectSchema, entity: str
    ) -> list[FieldStep]:
        to, origin = rule.origin.paths[0], Origin((rule.to,))
        if rule.rules:
            inner = self.schemas.inner(source, to), self.schemas.inner(target, rule.to)
            steps = self._back_steps(name, rule.rules, *inner, entity)
            plain = ObjectSchema(inner[0].system, inner[0].name, inner[0].fields)
            items = written(name, steps, _way(target), plain)
            return [FieldStep(to, origin, _TYPES["list"], "list", OMIT, items=items)] if steps else []
        if rule.map:
            record = self.back(rule.map, entity)
            return [] if record is None else [FieldStep(to, origin, None, "object", OMIT, inner=record)]
        if not rule.invertible:
            return []
        field, _ = self.schemas.resolve(target, rule.to)
        undone = [step.undo for step in reversed(rule.steps) if step.undo is not None]
        return [FieldStep(to, origin, _TYPES[field.type], field.type, OMIT, *_chain(undone))]


def _way(schema: ObjectSchema) -> Way:
    return "key" if schema.struct is None else "field"


_Chain = tuple[Plain | None, Money | None, InContext | None]


def _chain(steps: Sequence[Step], wanted: Field | None = None, given: Field | None = None) -> _Chain:
    """The transformations of a rule as one function, and a check of the codes the target knows."""
    coded = any(step.codes is not None and "kept" not in step.words for step in steps)
    every = list(steps)
    if wanted is not None and wanted.choices and not coded and (given is None or given.choices != wanted.choices):
        every.append(Step("text", "text", "", _one_of(wanted.choices)))
    made: _Chain = (None, None, None)
    into = ""
    for step in every:
        made = _then(made, _in_currency(step, into) if into else (step.plain, step.money, step.in_context))
        into = step.into or into
    return made


def _in_currency(step: Step, into: str) -> _Chain:
    """A step after a conversion: its amount is in that currency, whatever the document's is."""
    money, bound = step.money, step.in_context
    if money is not None:
        return (lambda value: money(value, into)), None, None
    if bound is not None:
        return None, None, lambda value, currency, fx_date, given: bound(value, into, fx_date, given)
    return step.plain, None, None


def _then(first: _Chain, after: _Chain) -> _Chain:
    if first == (None, None, None):
        return after
    one, two = first[0], after[0]
    if one is not None and two is not None:
        return (lambda value: two(one(value))), None, None
    before, last = _general(first), _general(after)
    return (
        None,
        None,
        lambda value, currency, fx_date, given: last(before(value, currency, fx_date, given), currency, fx_date, given),
    )


def _general(made: _Chain) -> InContext:
    plain, money, bound = made
    if plain is not None:
        return lambda value, currency, fx_date, given: plain(value)
    if money is not None:
        return lambda value, currency, fx_date, given: money(value, currency)
    assert bound is not None
    return bound


def _one_of(choices: tuple[str, ...]) -> Plain:
    def check(value: str) -> str:
        if value not in choices:
            raise ValueError(f"{value!r} is none of {', '.join(choices)}; map it through a code list")
        return value

    return check


def _missing(rule: Rule, target: ObjectSchema) -> Any:
    if rule.has_default:
        return rule.default
    if rule.missing == "refuse":
        return REFUSE
    if rule.missing == "null" or (target.struct is not None and rule.missing is None and "." not in rule.to):
        return None if target.fields[rule.to.split(".", maxsplit=1)[0]].nullable else REFUSE
    # A source that its schema says is always there, and is not, is drift: the document is refused.
    return REFUSE if rule.missing is None and _always(rule, target) else OMIT


def _always(rule: Rule, target: ObjectSchema) -> bool:
    field = target.fields.get(rule.to)
    return field is not None and field.required


# --- currency ------------------------------------------------------------------------------------


def _back_currency(spec: MapSpec) -> Origin | None:
    """Where the document's currency is found on the target's side."""
    origin = spec.currency
    if origin is None or not origin.paths:
        return origin
    unchanged = [rule for rule in spec.rules if rule.origin.paths == origin.paths and not rule.steps]
    return Origin((unchanged[0].to,)) if unchanged else None


def _currency_of(origin: Origin | None, way: Way, name: str) -> Callable[[Any, Given], str]:
    if origin is None:
        return lambda document, given: ""
    if not origin.given and not origin.paths:
        constant = str(origin.constant)
        return lambda document, given: constant
    key, words = origin.given, origin.words
    read = reader(origin.paths[0], way) if origin.paths else None
    known: dict[str, str] = {}

    def currency(document: Any, given: Given) -> str:
        try:
            code = given[key] if read is None else read(document)
            found = known.get(code)
            if found is None:
                digits(code)
                found = known[code] = code
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise NotMapped(name, words, f"{error}; the currency must be known") from error
        return found

    return currency
