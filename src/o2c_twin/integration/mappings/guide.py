"""The living mapping guide: what the maps say, for people, made from the same files the engine runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import jinja2

from o2c_twin.integration.mappings.mapset import MapSet
from o2c_twin.integration.mappings.schema import ObjectSchema
from o2c_twin.integration.mappings.spec import EACH, MISSING, EntityRules, MapSpec, Rule


@dataclass(frozen=True, slots=True)
class Line:
    """One field in words."""

    source: str
    target: str
    becomes: str
    missing: str
    back: str
    owner: str
    since: str
    note: str


@dataclass(frozen=True, slots=True)
class Page:
    """One map in words."""

    spec: MapSpec
    hash: str
    head: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    entities: tuple[tuple[EntityRules, tuple[Line, ...]], ...]
    intercompany: tuple[Line, ...]
    unused: tuple[str, ...]
    unwritten: tuple[str, ...]


def pages(maps: MapSet) -> Iterator[Page]:
    """All maps in words, by name."""
    for name in sorted(maps.specs):
        spec = maps.specs[name]
        source, target = maps.schemas.objects[spec.source], maps.schemas.objects[spec.target]
        entities = tuple((each, tuple(_lines(each.rules))) for each in spec.entities.values())
        read = {path.split(".")[0] for rule in spec.every_rule for path in rule.origin.paths}
        written = {rule.to.split(".")[0] for rule in spec.every_rule}
        yield Page(
            spec,
            maps.content_hash(name),
            tuple(_head(spec)),
            tuple(_lines(spec.rules)),
            entities,
            tuple(_lines(spec.intercompany.rules)) if spec.intercompany is not None else (),
            _left(source, read, "write"),
            _left(target, written, "read"),
        )


def _left(schema: ObjectSchema, met: set[str], closed: str) -> tuple[str, ...]:
    return tuple(name for name, field in schema.fields.items() if name not in met and field.access != closed)


def _head(spec: MapSpec) -> Iterator[tuple[str, str]]:
    yield "Owner", spec.owner
    yield "Since", spec.since
    if spec.partial:
        yield "Writes", "these fields of a record that is there already"
    if spec.given:
        yield "Given with a document", ", ".join(f"{name} ({type_})" for name, type_ in spec.given.items())
    if spec.currency is not None:
        yield "Currency of amounts", spec.currency.words
    if spec.fx is not None:
        told = f"into {spec.fx.target}, rates of {spec.fx.source}, of the day of {spec.fx.date}, {spec.fx.rounding}"
        yield "Foreign currency", f"{told}. {spec.fx.note}".strip(" .") + "."
    if spec.intercompany is not None:
        yield "Intercompany when", f"{spec.intercompany.path} is one of {', '.join(spec.intercompany.values)}"
    if spec.worth is not None:
        times = f" × {spec.worth.quantity}, over {spec.worth.each}" if spec.worth.each else ""
        yield "Worth of a document", f"{spec.worth.amount}{times}"


def _lines(rules: tuple[Rule, ...], outer: str = "", inner: str = "") -> Iterator[Line]:
    for rule in rules:
        source = " or else ".join(f"{outer}{path}" for path in rule.origin.paths) or rule.origin.words
        yield Line(
            source,
            f"{inner}{rule.to}",
            _becomes(rule),
            _missing(rule),
            "yes" if rule.invertible else "",
            rule.owner,
            rule.since,
            " ".join(each for each in (rule.note, rule.both_ways) if each),
        )
        if rule.rules:
            yield from _lines(rule.rules, f"{outer}{rule.origin.paths[0]}[].", f"{inner}{rule.to}[].")


def _becomes(rule: Rule) -> str:
    if rule.map:
        return f"by map {rule.map}"
    if rule.rules:
        return "each item as below"
    return ", then ".join(step.words for step in rule.steps) or "as it is"


def _missing(rule: Rule) -> str:
    if rule.has_default:
        return "an empty list" if rule.default == [] else str(rule.default)
    return MISSING[rule.missing] if rule.missing else ""


def guide_markdown(maps: MapSet) -> str:
    """The guide as Markdown."""
    told = [
        "# Mapping guide",
        "Made from the map files the engine runs; change those, not this page.",
        *(part for page in pages(maps) for part in _markdown_page(page)),
        "## Code lists",
        *(part for name in sorted(maps.codes) for part in _markdown_codes(maps, name)),
    ]
    return "\n\n".join(told) + "\n"


_COLUMNS = ("Source", "Target", "Becomes", "When missing", "Way back", "Owner", "Since", "Note")


def _markdown_page(page: Page) -> Iterator[str]:
    spec = page.spec
    yield f"## {spec.name}"
    yield _md(f"{spec.title}. `{spec.source}` → `{spec.target}`, version {spec.version} ({page.hash}).")
    if spec.note:
        yield _md(spec.note)
    yield "\n".join(f"- {name}: {_md(value)}" for name, value in page.head)
    yield _markdown_table(page.lines)
    for entity, lines in page.entities:
        yield f"### {_md(title_of(entity))}"
        if entity.note:
            yield _md(entity.note)
        yield _markdown_table(lines)
    if page.intercompany:
        yield "### Between companies of the group"
        yield _markdown_table(page.intercompany)
    if page.unused:
        yield f"Not read: {_md(', '.join(page.unused))}."
    if page.unwritten:
        yield f"Not written: {_md(', '.join(page.unwritten))}."


def title_of(entity: EntityRules) -> str:
    """Where an entity's rules count, as a heading."""
    return "Where each deal brings its legal entity" if entity.entity == EACH else f"In entity {entity.entity}"


def _markdown_table(lines: tuple[Line, ...]) -> str:
    rows = [_cells(line) for line in lines]
    body = [f"| {' | '.join(_md(cell) for cell in row)} |" for row in (_COLUMNS, *rows)]
    return "\n".join([body[0], f"|{' --- |' * len(_COLUMNS)}", *body[1:]])


def _cells(line: Line) -> tuple[str, ...]:
    return line.source, line.target, line.becomes, line.missing, line.back, line.owner, line.since, line.note


def _markdown_codes(maps: MapSet, name: str) -> Iterator[str]:
    codes = maps.codes[name]
    yield f"### {name}"
    yield _md(f"{codes.title}. Owner: {codes.owner}. Source: {codes.source}. {codes.note}".strip())
    rows = "\n".join(f"| {_md(code)} | {_md(to)} |" for code, to in codes.pairs.items())
    yield f"| From | To |\n| --- | --- |\n{rows}"


def _md(text: Any) -> str:
    """A text that stands for itself in a table of Markdown."""
    return "".join(f"\\{c}" if c in "|*<>[]\\" else c for c in str(text)).replace("\n", " ")


def guide_html(maps: MapSet) -> str:
    """The guide as one page of HTML that needs nothing else."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    text = (files("o2c_twin.integration.mappings") / "guide.html.j2").read_text("utf-8")
    lists = [maps.codes[name] for name in sorted(maps.codes)]
    made: str = environment.from_string(text).render(
        pages=list(pages(maps)), lists=lists, columns=_COLUMNS, cells=_cells, title_of=title_of
    )
    return made
