"""Maps made ready: rules become steps, and steps one function a record."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from o2c_twin.integration.connectors.instants import from_iso, to_date
from o2c_twin.integration.mappings.errors import NotMapped
from o2c_twin.integration.mappings.generating import OMIT, REFUSE, FieldStep, Record, reader, written
from o2c_twin.integration.mappings.money import digits
from o2c_twin.integration.mappings.schema import Field, ObjectSchema, Schemas
from o2c_twin.integration.mappings.spec import GIVEN, MapSpec, Origin, Rule
from o2c_twin.integration.mappings.transforms import Context, InContext, Plain, Step

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
_NOTHING: Mapping[str, Any] = {}


class CompiledMap:
    """One map in one legal entity: call it with a document, and with what the map must be given.

    Wire records are dictionaries (numbers read exactly: int, Decimal or text), canonical ones Structs.
    Raises `NotMapped` when the document does not fit; its message names map, field and remedy.
    """

    def __init__(
        self,
        spec: MapSpec,
        entity: str,
        record: Record,
        source: ObjectSchema,
        back: Record | None,
        worth_in_minor: bool = False,
    ) -> None:
        self.spec = spec
        self.entity = entity
        self.worth_in_minor = worth_in_minor
        self._record = record
        self._context = _context_of(spec, source)
        self._back = back
        self._back_context = _back_context_of(spec)
        self._given = frozenset(spec.given)
        self._flag = reader(spec.intercompany.path, source.struct is not None) if spec.intercompany else None

    def __call__(self, document: Any, given: Mapping[str, Any] = _NOTHING) -> Any:
        """The document as the target has it."""
        return self._record(document, self._context(document, self._checked(given)))

    def inverse(self, document: Any, given: Mapping[str, Any] = _NOTHING) -> dict[str, Any]:
        """The fields of the source that can be found again from the target: those declared invertible."""
        if self._back is None:
            raise NotMapped(self.spec.name, "inverse", "no field is declared invertible; declare one")
        found: dict[str, Any] = self._back(document, self._back_context(document, self._checked(given)))
        return found

    def currency(self, document: Any, given: Mapping[str, Any] = _NOTHING) -> str:
        """The currency of a document's amounts; empty for a map without money."""
        return self._context(document, self._checked(given)).currency

    def intercompany(self, document: Any) -> bool:
        """Whether the document is between companies of one group; False for a map that does not say."""
        rule = self.spec.intercompany
        return rule is not None and self._flag is not None and self._flag(document) in rule.values

    def _checked(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self._given <= given.keys():
            lacking = sorted(self._given - given.keys())[0]
            type_ = self.spec.given[lacking]
            raise NotMapped(self.spec.name, lacking, f"is not given; give {GIVEN[type_]} under that name")
        return given


class Compiler:
    """Makes maps ready; inner maps are made once."""

    def __init__(self, specs: Mapping[str, MapSpec], schemas: Schemas) -> None:
        self._specs = specs
        self._schemas = schemas
        self._ready: dict[tuple[str, str], CompiledMap] = {}

    def compiled(self, name: str, entity: str = "") -> CompiledMap:
        """The map of that name, as it is in a legal entity."""
        found = self._ready.get((name, entity))
        if found is None:
            spec = self._specs[name]
            source, target = self._schemas.objects[spec.source], self._schemas.objects[spec.target]
            rules = spec.rules_of(entity)
            record = self._compile(spec, rules, source, target, entity)
            back = self._compile_back(spec, rules, source, target, entity)
            found = self._ready[name, entity] = CompiledMap(
                spec, entity, record, source, back, self._worth_in_minor(spec, target)
            )
        return found

    def _worth_in_minor(self, spec: MapSpec, target: ObjectSchema) -> bool:
        if spec.worth is None:
            return False
        base = self._schemas.inner(target, spec.worth.each) if spec.worth.each else target
        return self._schemas.resolve(base, spec.worth.amount)[0].type == "minor"

    def _compile(
        self, spec: MapSpec, rules: Sequence[Rule], source: ObjectSchema, target: ObjectSchema, entity: str
    ) -> Record:
        steps = [self._step(spec, rule, source, target, entity) for rule in rules]
        return written(spec.name, steps, source.struct is not None, target)

    def _step(self, spec: MapSpec, rule: Rule, source: ObjectSchema, target: ObjectSchema, entity: str) -> FieldStep:
        wanted, _ = self._schemas.resolve(target, rule.to)
        read = source.struct is not None
        missing = _missing(rule, target)
        if rule.rules:
            items = self._compile(
                spec,
                rule.rules,
                self._schemas.inner(source, rule.origin.paths[0]),
                self._schemas.inner(target, rule.to),
                entity,
            )
            missing = () if rule.has_default and target.struct is not None else [] if rule.has_default else missing
            every = _each(items, tuple if target.struct is not None else list)
            return FieldStep(rule.to, rule.origin, _TYPES["list"], "list", None, every, missing, read)
        if rule.map:
            return FieldStep(rule.to, rule.origin, None, "object", None, self._inner(rule.map, entity), missing, read)
        if rule.origin.given:
            way = _chain(rule.steps, wanted)
            return FieldStep(rule.to, rule.origin, (str,), "text", *way, REFUSE, read)
        if not rule.origin.paths:
            return FieldStep(rule.to, rule.origin, None, "", None, None, rule.origin.constant, read)
        field, _ = self._schemas.resolve(source, rule.origin.paths[0])
        way = _chain(rule.steps, wanted, field)
        return FieldStep(rule.to, rule.origin, _TYPES[field.type], field.type, *way, missing, read)

    def _inner(self, name: str, entity: str) -> InContext:
        inner = self.compiled(name, entity if entity in self._specs[name].entities else "")
        return lambda value, context: inner(value, context.given)

    # --- the way back ----------------------------------------------------------------------------

    def _compile_back(
        self, spec: MapSpec, rules: Sequence[Rule], source: ObjectSchema, target: ObjectSchema, entity: str
    ) -> Record | None:
        steps = [step for rule in rules for step in self._back_steps(spec, rule, source, target, entity)]
        plain = ObjectSchema(source.system, source.name, source.fields)
        return written(spec.name, steps, target.struct is not None, plain) if steps else None

    def _back_steps(
        self, spec: MapSpec, rule: Rule, source: ObjectSchema, target: ObjectSchema, entity: str
    ) -> list[FieldStep]:
        if not rule.origin.paths:
            return []
        to, origin, read = rule.origin.paths[0], Origin((rule.to,)), target.struct is not None
        if rule.rules:
            items = self._compile_back(
                spec,
                rule.rules,
                self._schemas.inner(source, to),
                self._schemas.inner(target, rule.to),
                entity,
            )
            if items is None:
                return []
            return [FieldStep(to, origin, _TYPES["list"], "list", None, _each(items, list), OMIT, read)]
        if rule.map:
            inner = self.compiled(rule.map, entity if entity in self._specs[rule.map].entities else "")
            if not any(each.invertible for each in inner.spec.rules):
                return []

            def back(value: Any, context: Context) -> Any:
                return inner.inverse(value, context.given)

            return [FieldStep(to, origin, None, "object", None, back, OMIT, read)]
        if not rule.invertible:
            return []
        field, _ = self._schemas.resolve(target, rule.to)
        undone = [step.undo for step in reversed(rule.steps) if step.undo is not None]
        plain, bound = _chain(undone)
        return [FieldStep(to, origin, _TYPES[field.type], field.type, plain, bound, OMIT, read)]


def _each(record: Record, make: Callable[[Any], Any]) -> InContext:
    if make is list:
        return lambda items, context: [record(item, context) for item in items]
    return lambda items, context: make([record(item, context) for item in items])


def _chain(
    steps: Sequence[Step], wanted: Field | None = None, given: Field | None = None
) -> tuple[Plain | None, InContext | None]:
    """The transformations of a rule as one function, and a check of the codes the target knows."""
    plain, bound = (steps[0].plain, steps[0].in_context) if steps else (None, None)
    for step in steps[1:]:
        plain, bound = _then(plain, bound, step)
    coded = any(step.codes is not None and "kept" not in step.words for step in steps)
    if wanted is not None and wanted.choices and not coded and (given is None or given.choices != wanted.choices):
        plain, bound = _then(plain, bound, Step("text", "text", "", _one_of(wanted.choices)))
    return plain, bound


def _then(plain: Plain | None, bound: InContext | None, step: Step) -> tuple[Plain | None, InContext | None]:
    after, after_bound = step.plain, step.in_context
    if plain is None and bound is None:
        return after, after_bound
    if plain is not None and after is not None:
        return (lambda value: after(plain(value))), None

    def first(value: Any, context: Context) -> Any:
        return plain(value) if plain is not None else bound(value, context) if bound is not None else value

    if after_bound is not None:
        return None, lambda value, context: after_bound(first(value, context), context)
    return None, lambda value, context: after(first(value, context)) if after is not None else None


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


# --- context -------------------------------------------------------------------------------------


def _context_of(spec: MapSpec, source: ObjectSchema) -> Callable[[Any, Mapping[str, Any]], Context]:
    struct = source.struct is not None
    currency = _currency_of(spec.currency, struct, spec.name)
    if spec.fx is None:
        return lambda document, given: Context(currency(document, given), "", given)
    day, rate_date = reader(spec.fx.date, struct), spec.fx.date

    def context(document: Any, given: Mapping[str, Any]) -> Context:
        at = day(document)
        if at is None:
            raise NotMapped(spec.name, rate_date, "is missing, and the day of the rate with it; give it")
        date = to_date(at) if type(at) is int else at if len(at) == 10 else to_date(from_iso(at))
        return Context(currency(document, given), date, given)

    return context


def _back_context_of(spec: MapSpec) -> Callable[[Any, Mapping[str, Any]], Context]:
    origin = spec.currency
    struct = spec.target.startswith("canonical.")
    if origin is not None and origin.paths:
        unchanged = [rule for rule in spec.rules if rule.origin.paths == origin.paths and not rule.steps]
        origin = Origin((unchanged[0].to,)) if unchanged else None
    currency = _currency_of(origin, struct, spec.name)
    return lambda document, given: Context(currency(document, given), "", given)


def _currency_of(origin: Origin | None, struct: bool, name: str) -> Callable[[Any, Mapping[str, Any]], str]:
    if origin is None:
        return lambda document, given: ""
    if not origin.given and not origin.paths:
        constant = str(origin.constant)
        return lambda document, given: constant
    key, words = origin.given, origin.words
    read = reader(origin.paths[0], struct) if origin.paths else None
    met: dict[str, str] = {}

    def currency(document: Any, given: Mapping[str, Any]) -> str:
        try:
            code = given[key] if read is None else read(document)
            found = met.get(code)
            if found is None:
                digits(code)
                found = met[code] = code
            return found
        except (AttributeError, TypeError, ValueError) as error:
            raise NotMapped(name, words, f"{error}; the currency must be known") from error

    return currency
