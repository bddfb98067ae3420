"""Loops between maps: a map inside itself, and a field that comes back to where it started.

A value that goes from a system to the canonical model, to another system and back can echo for ever, or
overwrite what a person just changed. Where a value is meant to return, a rule on its way says why (``both_ways``).
"""

from collections.abc import Mapping

from o2c_twin.integration.mappings.document import Document
from o2c_twin.integration.mappings.spec import MapSpec, Rule


def check_loops(specs: Mapping[str, MapSpec], documents: Mapping[str, Document]) -> None:
    """Complain to the documents about every loop, at the rule that closes it."""
    inner = {name: [(rule.map, rule) for rule in _flat(spec.every_rule) if rule.map] for name, spec in specs.items()}
    for name, spec in specs.items():
        for rule, way in _cycles(name, {key: [(to, r, key) for to, r in each] for key, each in inner.items()}):
            told = " → ".join(way)
            documents[spec.name].complain(rule.node, f"map {name} contains itself: {told}; take one of them out")
    edges: dict[str, list[tuple[str, Rule, str]]] = {}
    for spec in specs.values():
        for source, target, rule in _edges(spec):
            edges.setdefault(source, []).append((target, rule, spec.name))
    told_of: list[frozenset[str]] = []
    for start, out in edges.items():
        for rule, way in _cycles(start, edges):
            if frozenset(way) in told_of:
                continue
            told_of.append(frozenset(way))
            owner = next(name for _, each, name in out if each is rule)
            told = " → ".join(way)
            remedy = "name one master, or say in 'both_ways' of one rule why it ends"
            documents[owner].complain(rule.node, f"a value comes back to where it started: {told}; {remedy}")


def _flat(rules: tuple[Rule, ...]) -> list[Rule]:
    return [each for rule in rules for each in (rule, *_flat(rule.rules))]


def _edges(spec: MapSpec) -> list[tuple[str, str, Rule]]:
    """From field to field, of plain values; inner maps have edges of their own."""
    every = spec.every_rule
    return [
        (f"{spec.source}.{path}", f"{spec.target}.{rule.to}", rule)
        for rule in every
        if not rule.rules and not rule.map and not rule.both_ways
        for path in rule.origin.paths
    ]


def _cycles(start: str, edges: Mapping[str, list[tuple[str, Rule, str]]]) -> list[tuple[Rule, list[str]]]:
    """The first rules out of a node by which one comes back to it, each with its shortest way."""
    found = []
    for first, rule, _ in edges.get(start, []):
        before: dict[str, str] = {first: start}
        queue = [first]
        for node in queue:
            if node == start:
                break
            for onward, _, _ in edges.get(node, []):
                if onward not in before:
                    before[onward] = node
                    queue.append(onward)
        if start in before:
            way = [start]
            while not (len(way) > 1 and way[-1] == start):
                way.append(before[way[-1]])
            found.append((rule, way[::-1]))
    return found
