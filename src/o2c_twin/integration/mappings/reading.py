"""Reads one map file; every complaint names file, line, column, what is wrong and the remedy."""

from collections.abc import Mapping
from datetime import date
from typing import Any, cast

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from o2c_twin.integration.mappings.codes import CodeList
from o2c_twin.integration.mappings.document import Document
from o2c_twin.integration.mappings.errors import known, shown
from o2c_twin.integration.mappings.money import ROUNDING
from o2c_twin.integration.mappings.spec import (
    GIVEN,
    MISSING,
    EntityRules,
    Example,
    Intercompany,
    MapSpec,
    Missing,
    Origin,
    Rule,
    Worth,
)
from o2c_twin.integration.mappings.transforms import CATALOGUE, Fx, Step, Surroundings

_TOP = (
    "map", "version", "title", "source", "target", "owner", "since", "note", "given", "currency", "fx",
    "intercompany", "worth", "partial", "fields", "entities", "examples",
)  # fmt: skip
_RULE = (
    "from", "given", "value", "to", "by", "default", "missing", "map", "each", "fields", "invertible", "both_ways",
    "owner", "since", "note",
)  # fmt: skip
_ORIGINS = ("from", "given", "value", "each")
_MAY_MISS = ("rounding", "unknown", "otherwise", "of")


class MapReader:
    """One map file, read with the code lists there are."""

    def __init__(self, document: Document, codes: Mapping[str, CodeList]) -> None:
        self._document = document
        self._codes = codes
        self._around = Surroundings(codes, {})
        self._owner = ""
        self._since = ""

    def read(self) -> MapSpec:
        """The map, as far as it can be read; complaints go to the document."""
        document = self._document
        top = document.entries(document.root, "the map", _TOP)
        for key in ("map", "version", "source", "target", "owner", "since", "fields"):
            if key not in top:
                document.complain(None, f"no '{key}'; every map needs one")
        self._owner = document.text(top.get("owner"), "owner")
        self._since = self._date(top.get("since"), "since")
        given = self._given(top.get("given"))
        self._around = Surroundings(self._codes, given, self._fx(top.get("fx")))
        return MapSpec(
            name=document.text(top.get("map"), "map"),
            version=document.whole(top["version"], "version") if "version" in top else 1,
            source=document.text(top.get("source"), "source"),
            target=document.text(top.get("target"), "target"),
            rules=self._rules(top.get("fields"), "fields"),
            title=document.text(top.get("title"), "title"),
            owner=self._owner,
            since=self._since,
            note=document.text(top.get("note"), "note"),
            given=given,
            currency=self._currency(top.get("currency")),
            fx=self._around.fx,
            intercompany=self._intercompany(top.get("intercompany")),
            worth=self._worth(top.get("worth")),
            entities=self._entities(top.get("entities")),
            examples=self._examples(top.get("examples")),
            partial=document.flag(top.get("partial"), "partial"),
            file=document.name,
            node=document.root,
        )

    # --- the head --------------------------------------------------------------------------------

    def _date(self, node: Node | None, what: str, default: str = "") -> str:
        if node is None:
            return default
        text = self._document.text(node, what)
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            self._document.complain(node, f"{what}: {shown(text)} is no date; write it as 2026-01-31")
            return default

    def _given(self, node: Node | None) -> dict[str, str]:
        if node is None:
            return {}
        found = self._document.entries(node, "'given'")
        given = {name: self._document.text(each, f"given.{name}") for name, each in found.items()}
        for name, type_ in given.items():
            if type_ not in GIVEN:
                self._document.complain(found[name], f"given.{name}: no type {shown(type_)}; {known(type_, GIVEN)}")
        return given

    def _currency(self, node: Node | None) -> Origin | None:
        if node is None:
            return None
        if isinstance(node, ScalarNode):
            return Origin(constant=self._document.text(node, "currency"))
        found = self._document.entries(node, "'currency'", ("from", "given"))
        if len(found) != 1:
            self._document.complain(node, "currency needs one of 'from' and 'given'; keep one of them")
        return self._origin(found, "currency")

    def _fx(self, node: Node | None) -> Fx | None:
        if node is None:
            return None
        document = self._document
        found = document.entries(node, "'fx'", ("source", "date", "target", "rounding", "note"))
        for key in ("source", "date", "target"):
            if key not in found:
                document.complain(node, f"fx has no '{key}'; say where rates come from, whose day counts, into what")
        rounding = document.text(found.get("rounding"), "fx.rounding", "half-up")
        if rounding not in ROUNDING:
            document.complain(found["rounding"], f"fx.rounding: no rule {shown(rounding)}; {known(rounding, ROUNDING)}")
            rounding = "half-up"
        texts = {key: document.text(found.get(key), f"fx.{key}") for key in ("source", "date", "target", "note")}
        return Fx(texts["source"], texts["date"], texts["target"], rounding, texts["note"])

    def _intercompany(self, node: Node | None) -> Intercompany | None:
        if node is None:
            return None
        found = self._document.entries(node, "'intercompany'", ("from", "among", "fields"))
        values = self._document.plain(found["among"]) if "among" in found else None
        if "from" not in found or not isinstance(values, list):
            self._document.complain(node, "intercompany needs 'from' (a path) and 'among' (a list of texts)")
            return None
        path, rules = self._document.text(found["from"], "intercompany.from"), found.get("fields")
        return Intercompany(path, tuple(str(v) for v in values), self._rules(rules, "intercompany.fields"))

    def _worth(self, node: Node | None) -> Worth | None:
        if node is None:
            return None
        found = self._document.entries(node, "'worth'", ("amount", "each", "quantity"))
        if "amount" not in found or ("each" in found) != ("quantity" in found):
            self._document.complain(node, "worth needs 'amount', and with 'each' also 'quantity'")
        return Worth(**{key: self._document.text(found.get(key), f"worth.{key}") for key in _WORTH})

    # --- rules -----------------------------------------------------------------------------------

    def _rules(self, node: Node | None, what: str) -> tuple[Rule, ...]:
        if node is None:
            return ()
        rules = [self._rule(each, f"{what}[{n}]") for n, each in enumerate(self._document.items(node, what), 1)]
        return tuple(rule for rule in rules if rule is not None)

    def _rule(self, node: Node, what: str) -> Rule | None:
        document = self._document
        found = document.entries(node, what, _RULE)
        origins = [key for key in _ORIGINS if key in found]
        if "to" not in found or len(origins) != 1:
            if isinstance(node, MappingNode):
                document.complain(node, f"{what} needs 'to' and one of {', '.join(_ORIGINS)}; keep one of them")
            return None
        to = document.text(found["to"], f"{what}.to")
        if ("each" in found) != ("fields" in found):
            document.complain(node, f"{to}: 'each' (a list) and 'fields' (of its items) belong together; write both")
            return None
        if "fields" in found and not self._document.items(found["fields"], f"{to}.fields"):
            document.complain(found["fields"], f"{to}: 'fields' is empty; say what becomes of each item")
            return None
        if "map" in found and "from" not in found:
            document.complain(found["map"], f"{to}: 'map' needs 'from', the path of the inner object")
        missing = document.text(found.get("missing"), f"{to}.missing")
        if missing and missing not in MISSING:
            document.complain(found["missing"], f"{to}.missing: no value {shown(missing)}; {known(missing, MISSING)}")
            missing = ""
        return Rule(
            to=to,
            origin=self._origin(found, to),
            steps=self._steps(found.get("by"), to),
            default=document.plain(found["default"]) if "default" in found else None,
            has_default="default" in found,
            missing=cast(Missing, missing) if missing else None,
            map=document.text(found.get("map"), f"{to}.map"),
            rules=self._rules(found.get("fields"), f"{to}.fields"),
            invertible=document.flag(found.get("invertible"), f"{to}.invertible"),
            both_ways=document.text(found.get("both_ways"), f"{to}.both_ways"),
            owner=document.text(found.get("owner"), f"{to}.owner", self._owner),
            since=self._date(found.get("since"), f"{to}.since", self._since),
            note=document.text(found.get("note"), f"{to}.note"),
            written=document.plain(found["by"]) if "by" in found else None,
            node=node,
        )

    def _origin(self, found: Mapping[str, Node], what: str) -> Origin:
        document = self._document
        if "value" in found:
            return Origin(constant=document.plain(found["value"]))
        if "given" in found:
            name = document.text(found["given"], f"{what}.given")
            if name not in self._around.given:
                document.complain(
                    found["given"], f"{what}: {shown(name)} is not given; {known(name, self._around.given)}"
                )
            return Origin(given=name)
        node = found.get("each") or found.get("from")
        if isinstance(node, SequenceNode):
            return Origin(tuple(document.text(each, f"{what}.from") for each in node.value))
        return Origin((document.text(node, f"{what}.from"),)) if node is not None else Origin()

    def _steps(self, node: Node | None, to: str) -> tuple[Step, ...]:
        if node is None:
            return ()
        nodes = list(node.value) if isinstance(node, SequenceNode) else [node]
        steps = [self._step(each, to) for each in nodes]
        return tuple(step for step in steps if step is not None)

    def _step(self, node: Node, to: str) -> Step | None:
        document = self._document
        if isinstance(node, MappingNode) and len(node.value) == 1:
            (name, arguments_node), *_ = document.entries(node, f"{to}.by").items() or [("", node)]
        else:
            name, arguments_node = document.text(node, f"{to}.by"), None
        kind = CATALOGUE.get(name)
        if kind is None:
            document.complain(node, f"{to}: no transformation {shown(name)}; {known(name, CATALOGUE)}")
            return None
        arguments: dict[str, Any] = {}
        if arguments_node is not None:
            found = document.entries(arguments_node, f"{to}: {name}", tuple(kind.arguments))
            arguments = {key: document.plain(each) for key, each in found.items()}
        lacking = [key for key in kind.arguments if key not in arguments and key not in _MAY_MISS]
        if lacking:
            needs = "; ".join(f"'{key}': {kind.arguments[key]}" for key in lacking)
            document.complain(node, f"{to}: {name} needs {needs}")
            return None
        try:
            return kind.build(arguments, self._around)
        except ValueError as error:
            document.complain(node, f"{to}: {name}: {error}")
            return None

    # --- entities, examples ----------------------------------------------------------------------

    def _entities(self, node: Node | None) -> dict[str, EntityRules]:
        if node is None:
            return {}
        entities: dict[str, EntityRules] = {}
        for name, each in self._document.entries(node, "'entities'").items():
            found = self._document.entries(each, f"entities.{name}", ("note", "fields"))
            rules = self._rules(found.get("fields"), f"entities.{name}.fields")
            note = self._document.text(found.get("note"), f"entities.{name}.note")
            entities[name] = EntityRules(name, rules, note, each)
        return entities

    def _examples(self, node: Node | None) -> tuple[Example, ...]:
        if node is None:
            self._document.complain(None, "no 'examples'; show at least one document with 'in' and 'out'")
            return ()
        examples = []
        for n, each in enumerate(self._document.items(node, "'examples'"), 1):
            found = self._document.entries(each, f"examples[{n}]", ("in", "out", "refused", "given", "entity", "note"))
            if "in" not in found or ("out" in found) == ("refused" in found):
                self._document.complain(each, f"examples[{n}] needs 'in' and one of 'out' and 'refused'")
                continue
            data = {key: self._document.plain(found[key]) for key in ("in", "out", "given") if key in found}
            texts = {
                key: self._document.text(found.get(key), f"examples[{n}].{key}")
                for key in ("entity", "refused", "note")
            }
            examples.append(Example(data["in"], data.get("out"), data.get("given") or {}, **texts, node=each))
        return tuple(examples)


_WORTH = ("amount", "each", "quantity")
