"""Resource paths: entity sets with their key predicates.

Sources: MS-ODATA 2.2.3.3 (V2 resource path); OASIS OData 4.01 ABNF, rule ``keyPredicate``.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from o2c_twin.mock_systems.wire.odata.errors import ODataError, Version
from o2c_twin.mock_systems.wire.odata.literals import LITERALS, tokens, value_of

_SEGMENT = re.compile(r"([$\w][\w.]*)(\(.*\))?", re.DOTALL)
_SIMPLE = re.compile(r"(\w+)\('([^']*)'\)")
_BARE = re.compile(r"\(\s*([0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})\s*\)")
_ASSIGN = re.compile(r"\s*([^\W\d]\w*)\s*=\s*")


@dataclass(frozen=True, slots=True)
class EntityKey:
    """A path segment: ``name`` is the entity set's (or function's); ``values`` are None without parentheses."""

    name: str
    values: dict[str, object] | None

    def under(self, properties: Sequence[str]) -> dict[str, object]:
        """The values by key property, in that order. Raises `ODataError` when it is another key."""
        values = self.values or {}
        if len(properties) == 1 and list(values) == [""]:
            return {properties[0]: values[""]}
        if sorted(values) != sorted(properties):
            raise ODataError(f"{self.name} has the key {', '.join(properties)}", len(self.name), "key", self.name)
        return {name: values[name] for name in properties}


def parse_key(text: str, version: Version) -> EntityKey:
    """Read one path segment. Raises `ODataError`."""
    usual = _SIMPLE.fullmatch(text)
    if usual is not None:
        return EntityKey(usual[1], {"": usual[2]})
    match = _SEGMENT.fullmatch(text)
    if match is None:
        raise ODataError(f"not a path segment: {text[:60]!r}", 0, "key")
    name, inside = match[1], match[2]
    if inside is None:
        return EntityKey(name, None)
    bare = _BARE.fullmatch(inside)
    if bare is not None and version == 4:
        return EntityKey(name, {"": value_of(tokens(bare[1], 4, "key")[0], "key")})
    return EntityKey(name, _values(inside[1:-1], len(name) + 1, version))


def _values(inside: str, base: int, version: Version) -> dict[str, object]:
    values: dict[str, object] = {}
    for start, part in _parts(inside):
        at = base + start
        if not part.strip():
            if inside.strip():
                raise ODataError("a value is missing", at, "key")
            return {}
        match = _ASSIGN.match(part)
        name, literal = (match[1], part[match.end() :]) if match else ("", part)
        words = tokens(literal, version, "key")
        if len(words) != 1 or words[0].kind not in LITERALS:
            raise ODataError(f"not a value: {literal[:60]!r}", at, "key")
        if name in values or (values and "" in (name, *values)):
            raise ODataError("a key of several values names each once", at, "key")
        values[name] = value_of(words[0], "key")
    return values


def _parts(inside: str) -> list[tuple[int, str]]:
    found = []
    quoted, start = False, 0
    for at, char in enumerate(inside):
        if char == "'":
            quoted = not quoted
        elif char == "," and not quoted:
            found.append((start, inside[start:at]))
            start = at + 1
    found.append((start, inside[start:]))
    return found


def split_path(path: str) -> list[str]:
    """The segments of a path; a slash within quotes belongs to a key."""
    found, word = [], ""
    quoted = False
    for char in path.strip("/"):
        if char == "'":
            quoted = not quoted
        if char == "/" and not quoted:
            found.append(word)
            word = ""
        else:
            word += char
    return [*found, word] if path.strip("/") else []
