"""Queries that differ only in their literals: read once, then bound to each text's own values.

A client asks the same question about another order all day long. Reading the text and working out the
answer's shape is most of the cost of preparing a query, and neither depends on the literals in its condition.
So a plan can be made from an earlier one: the condition is bound anew with the new values, by the same binder
that binds a fresh query, and all else is shared. Nothing is changed in place, so a result kept for paging
keeps its own values.
"""

import re
from collections.abc import Callable, Mapping, Sequence

from o2c_twin.mock_systems.wire.query.syntax import (
    All,
    Call,
    Compare,
    Constant,
    Either,
    Expression,
    IsNull,
    Like,
    Name,
    Not,
    Predicate,
    Select,
    Within,
)
from o2c_twin.mock_systems.wire.query.tokens import Tokens

Read = Callable[[str, int], Constant]
"""The constant a literal means, at that token. Raises ``ValueError`` for one that only the parser can judge."""


def split(literal: re.Pattern[str], text: str) -> tuple[tuple[str, ...], list[str]]:
    """What stands between the literals of a text, and the literals. ``literal`` has one group, around all of it."""
    parts = literal.split(text)
    return tuple(parts[::2]), parts[1::2]


class Slots:
    """The places of a text's literals in the condition of its query.

    Only there may others take their places: in a field list, a pattern or a sub-select a literal shapes more
    than a comparison, and has to be the same.
    """

    def __init__(self, where: Predicate, tokens: Tokens, literal: re.Pattern[str], read: Read) -> None:
        self._where = where
        self._read = read
        at_all = [at for at, word in enumerate(tokens.words) if literal.fullmatch(word)]
        words = [tokens.words[at] for at in at_all]
        # Where two readers see the same literals in one text, they do so in all that differ in them only.
        self._sure = words == split(literal, tokens.text)[1]
        places = _places(where)
        self._free = [(number, at) for number, at in enumerate(at_all) if at in places]
        self._set = [(number, words[number]) for number, at in enumerate(at_all) if at not in places]

    def filled(self, literals: Sequence[str]) -> Predicate | None:
        """The condition with other literals; None where they differ elsewhere too.

        Raises ``ValueError`` or ``ArithmeticError`` for a literal that cannot be read.
        """
        if not self._sure or any(literals[number] != word for number, word in self._set):
            return None
        read = self._read
        return _filled(self._where, {at: read(literals[number], at) for number, at in self._free})


def _places(node: Expression | Predicate) -> set[int]:
    """The tokens of the values in a condition, sub-selects apart."""
    match node:
        case Constant():
            return {node.at}
        case Name():
            return set()
        case Call():
            return set().union(*map(_places, node.arguments))
        case Compare():
            return _places(node.left) | _places(node.right)
        case Within():
            choices = () if isinstance(node.choices, Select) else node.choices
            return _places(node.left).union(*map(_places, choices))
        case Like() | IsNull():
            return _places(node.left)
        case All() | Either():
            return set().union(*map(_places, node.terms))
        case Not():
            return _places(node.term)


def _filled(node: Predicate, constants: Mapping[int, Constant]) -> Predicate:
    match node:
        case Compare():
            left, right = _value(node.left, constants), _value(node.right, constants)
            return Compare(node.operator, left, right, node.at)
        case All():
            return All(tuple([_filled(term, constants) for term in node.terms]))
        case Within():
            choices = node.choices
            if not isinstance(choices, Select):
                choices = tuple([_value(choice, constants) for choice in choices])
            return Within(_value(node.left, constants), choices, node.negated, node.at)
        case IsNull():
            return IsNull(_value(node.left, constants), node.negated, node.at)
        case Like():
            return Like(_value(node.left, constants), node.pattern, node.negated, node.at)
        case Either():
            return Either(tuple([_filled(term, constants) for term in node.terms]))
        case Not():
            return Not(_filled(node.term, constants))


def _value(node: Expression, constants: Mapping[int, Constant]) -> Expression:
    if isinstance(node, Constant):
        return constants.get(node.at, node)
    if isinstance(node, Call):
        arguments = tuple([_value(argument, constants) for argument in node.arguments])
        return Call(node.name, arguments, node.at, node.distinct)
    return node
