"""The grammar of ``$filter``: words to a tree, by precedence climbing.

Sources: MS-ODATA 2.2.3.6.1.1.5 (V2 operators and functions); OASIS OData 4.01 URL Conventions 5.1.1 (V4).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from o2c_twin.mock_systems.wire.odata.errors import ODataError, Version
from o2c_twin.mock_systems.wire.odata.literals import LITERALS, Token

DEEPEST = 60
"""Nesting beyond this is refused: an answer, and no overflow of the stack."""
_COMPARE = ("eq", "ne", "gt", "ge", "lt", "le")
_ADD = ("add", "sub")
_MULTIPLY = ("mul", "div", "mod", "divby")
_V2_ONLY = {"substringof": (2, 2), "replace": (3, 3)}
# now() is left out: the answer would depend on when a kept predicate runs.
_V4_ONLY = {"contains": (2, 2), "date": (1, 1), "time": (1, 1)}
_BOTH = {
    "startswith": (2, 2),
    "endswith": (2, 2),
    "length": (1, 1),
    "indexof": (2, 2),
    "substring": (2, 3),
    "tolower": (1, 1),
    "toupper": (1, 1),
    "trim": (1, 1),
    "concat": (2, 2),
    "year": (1, 1),
    "month": (1, 1),
    "day": (1, 1),
    "hour": (1, 1),
    "minute": (1, 1),
    "second": (1, 1),
    "round": (1, 1),
    "floor": (1, 1),
    "ceiling": (1, 1),
}
_FUNCTIONS: dict[Version, dict[str, tuple[int, int]]] = {2: _BOTH | _V2_ONLY, 4: _BOTH | _V4_ONLY}


@dataclass(frozen=True, slots=True)
class Constant:
    """The literal at that token."""

    at: int


@dataclass(frozen=True, slots=True)
class Path:
    """A property, or one reached by navigation (``a/b``)."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A built-in function."""

    name: str
    arguments: "tuple[Node, ...]"
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """A comparison or a calculation."""

    operator: str
    left: "Node"
    right: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Within:
    """``left in (a, b)``."""

    left: "Node"
    choices: "tuple[Node, ...]"
    at: int


@dataclass(frozen=True, slots=True)
class Not:
    """``not term``."""

    term: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Junction:
    """Terms joined by ``and`` (``every``) or ``or``."""

    every: bool
    terms: "tuple[Node, ...]"
    at: int


Node = Constant | Path | Call | Binary | Within | Not | Junction


class Parser:
    """One reading of one text; ``at`` in the tree counts words, so that a tree serves all texts of its shape."""

    def __init__(self, words: Sequence[Token], version: Version, length: int) -> None:
        self._words = words
        self._version = version
        self._length = length
        self._i = 0
        self._depth = 0

    def whole(self) -> Node:
        """The tree of the text. Raises `ODataError`."""
        node = self._either()
        if self._i < len(self._words):
            raise self._error(f"unexpected {self._words[self._i].text!r}")
        return node

    def _error(self, message: str, at: int | None = None) -> ODataError:
        i = self._i if at is None else at
        return ODataError(message, self._words[i].at if i < len(self._words) else self._length)

    def _word(self) -> str:
        """The next word when it can be an operator or a mark; empty otherwise."""
        if self._i < len(self._words):
            token = self._words[self._i]
            if token.kind in ("name", "mark"):
                return token.text
        return ""

    def _take(self, mark: str) -> None:
        if self._word() != mark:
            got = repr(self._words[self._i].text) if self._i < len(self._words) else "the end"
            raise self._error(f"expected {mark!r}, not {got}")
        self._i += 1

    def _either(self) -> Node:
        return self._joined("or", self._every)

    def _every(self) -> Node:
        return self._joined("and", self._compared)

    def _joined(self, word: str, part: Callable[[], Node]) -> Node:
        at = self._i
        terms = [part()]
        while self._word() == word:
            self._i += 1
            terms.append(part())
        return terms[0] if len(terms) == 1 else Junction(word == "and", tuple(terms), at)

    def _compared(self) -> Node:
        left = self._sum()
        while True:
            word, at = self._word(), self._i
            if word in _COMPARE:
                self._i += 1
                left = Binary(word, left, self._sum(), at)
            elif word == "in" and self._version == 4:
                self._i += 1
                left = Within(left, self._listed(), at)
            else:
                return left

    def _sum(self) -> Node:
        left = self._product()
        while (word := self._word()) in _ADD:
            at = self._i
            self._i += 1
            left = Binary(word, left, self._product(), at)
        return left

    def _product(self) -> Node:
        left = self._single()
        while (word := self._word()) in _MULTIPLY and (word != "divby" or self._version == 4):
            at = self._i
            self._i += 1
            left = Binary(word, left, self._single(), at)
        return left

    def _single(self) -> Node:
        if self._i >= len(self._words):
            raise self._error("something is missing at the end")
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"nested deeper than {DEEPEST}")
        node = self._unit(self._words[self._i])
        self._depth -= 1
        return node

    def _unit(self, token: Token) -> Node:
        at = self._i
        if token.kind in LITERALS:
            self._i += 1
            return Constant(at)
        if token.text == "(":
            self._i += 1
            node = self._either()
            self._take(")")
            return node
        if token.kind == "mark":
            raise self._error(f"unexpected {token.text!r}")
        self._i += 1
        if token.text == "not":
            return Not(self._single(), at)
        if self._word() == "(":
            return self._call(token, at)
        return Path(token.text, at)

    def _call(self, token: Token, at: int) -> Node:
        arity = _FUNCTIONS[self._version].get(token.text)
        if arity is None:
            raise self._error(f"no function {token.text!r} in version {self._version}", at)
        arguments = self._listed()
        if not arity[0] <= len(arguments) <= arity[1]:
            raise self._error(f"{token.text} does not take {len(arguments)} arguments", at)
        return Call(token.text, arguments, at)

    def _listed(self) -> tuple[Node, ...]:
        self._take("(")
        found = [self._either()]
        while self._word() == ",":
            self._i += 1
            found.append(self._either())
        self._take(")")
        return tuple(found)
