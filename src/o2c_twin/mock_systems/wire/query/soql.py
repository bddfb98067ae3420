"""SOQL, the query language of Salesforce: text to syntax tree.

Grammar from the Salesforce SOQL and SOSL reference: "SOQL SELECT Syntax", "Condition Expression Syntax (WHERE
Clause)" (AND and OR may not be mixed without parentheses: "Client applications must specify parentheses when
nesting operators"), "Quoted String Escape Sequences" (a backslash anywhere else is an error), "Date Formats and
Date Literals in WHERE", "SELECT" for FIELDS(). OFFSET above 2,000 is refused (reference, "OFFSET").
Left out: TYPEOF, WITH, USING SCOPE, ROLLUP and CUBE, INCLUDES and EXCLUDES, DISTANCE, FORMAT, toLabel, date functions.
"""

import re
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Literal

from o2c_twin.mock_systems.wire.query import moments
from o2c_twin.mock_systems.wire.query.errors import RuleBroken
from o2c_twin.mock_systems.wire.query.syntax import (
    AGGREGATES,
    All,
    Call,
    Children,
    Compare,
    Constant,
    Either,
    Expression,
    FieldSet,
    From,
    IsNull,
    Item,
    Like,
    Name,
    Not,
    Operator,
    Predicate,
    Select,
    Sort,
    Within,
)
from o2c_twin.mock_systems.wire.query.tokens import Cursor, Places, Tokens

MAX_OFFSET = 2_000
MAX_FIELDS_LIMIT = 200

_TOKEN = re.compile(
    r"'(?:[^'\\]++|\\.)*+'"
    r"|'.*+"  # a string that never ends: one bad token
    r"|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?::\d+)?"
    r"|\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
    r"|<=|>=|<>|!=|\S",
    re.ASCII | re.DOTALL,
)
LITERAL = re.compile(
    r"('(?:[^'\\]++|\\.)*+'|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))",
    re.ASCII | re.DOTALL,
)
"""The literals that differ from call to call: text, and date-times."""

_STRING = re.compile(r"'(?:[^'\\]++|\\.)*+'", re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_SIGNS: dict[str, Operator] = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_FIELD_SETS: tuple[Literal["ALL"], Literal["STANDARD"], Literal["CUSTOM"]] = ("ALL", "STANDARD", "CUSTOM")
_CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None}


def tokenize(text: str) -> Tokens:
    """The tokens of a SOQL query."""
    return Tokens(_TOKEN, text)


def places(text: str) -> Places:
    """Where the tokens of a SOQL query stand."""
    return Places(_TOKEN, text)


def parse(text: str) -> Select:
    """A SOQL query as a tree. Raises :class:`SyntaxFault` or :class:`RuleBroken`, with the place."""
    return Parser(tokenize(text)).query()


def literal(word: str, at: int) -> Constant:
    """The value of a `LITERAL` at token ``at``. Raises ``ValueError`` for one the parser has to look at."""
    if word[0] != "'":
        return Constant(moments.iso_instant(word), "instant", at)
    if "\\" in word:
        raise ValueError("an escape sequence")
    return Constant(word[1:-1], "string", at)


def quote(text: str) -> str:
    """A SOQL string literal that means ``text``: what a careful client sends."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r") + "'"


class Parser(Cursor):
    """Recursive descent over the tokens of one query."""

    __slots__ = ()

    reserved = frozenset(("AND", "ASC", "DESC", "FROM", "HAVING", "IN", "LIKE", "LIMIT", "NOT", "NULL", "NULLS", "OR"))
    reserved |= {"SELECT", "TRUE", "FALSE", "WHERE"}
    _after_table = frozenset(("WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR"))

    def query(self) -> Select:
        select = self.select(children=True)
        self.end()
        return select

    def select(self, children: bool) -> Select:
        self.need("SELECT")
        items = self.listed(partial(self.item, children))
        self.need("FROM")
        at = self.at
        table, alias = self.name(), ""
        self.take("AS")
        if self.is_name() and self.upper[self.at] not in self._after_table:
            alias = self.plain_name()
        where = self.condition() if self.take("WHERE") else None
        group: tuple[Expression, ...] = ()
        if self.take("GROUP"):
            self.need("BY")
            group = self.listed(self.operand)
        having = self.condition() if self.take("HAVING") else None
        order: tuple[Sort, ...] = ()
        if self.take("ORDER"):
            self.need("BY")
            order = self.listed(self.sort)
        limit = self.count() if self.take("LIMIT") else None
        offset = self.offset() if self.take("OFFSET") else 0
        if self.take("FOR") and not (self.take("VIEW") or self.take("REFERENCE") or self.take("UPDATE")):
            raise self.fault("VIEW or REFERENCE")
        for item in items:
            if type(item) is FieldSet and item.which != "STANDARD" and (limit is None or limit > MAX_FIELDS_LIMIT):
                raise RuleBroken(self.tokens.place(item.at), "fields need limit", f"FIELDS({item.which})")
        tables = (From(table, alias, at),)
        return Select(items, tables, where, group, having, order, limit, offset)

    def item(self, children: bool) -> Item | FieldSet | Children:
        at = self.at
        if children and self.take("("):
            inner = self.select(children=False)
            self.need(")")
            return Children(inner)
        if self.upper[at] == "FIELDS" and self.words[at + 1] == "(":
            self.at += 2
            for which in _FIELD_SETS:
                if self.take(which):
                    self.need(")")
                    return FieldSet(which, "", at)
            raise self.fault("ALL, STANDARD or CUSTOM")
        expression = self.operand()
        alias = self.plain_name() if self.upper[self.at] != "FROM" and self.is_name() else ""
        return Item(expression, alias)

    def operand(self) -> Name | Call:
        """A field, or an aggregate of one."""
        at = self.at
        name = self.name()
        if self.words[self.at] != "(":
            return Name(name, at)
        upper = self.upper[at]
        if upper not in AGGREGATES:
            raise RuleBroken(self.tokens.place(at), "unknown function", name)
        self.at += 1
        if upper == "COUNT" and self.take(")"):
            return Call("COUNT", (), at)
        argument = self.at
        call = Call(upper, (Name(self.name(), argument),), at)
        self.need(")")
        return call

    def sort(self) -> Sort:
        return Sort(self.operand(), *self.direction())

    def offset(self) -> int:
        at = self.at
        offset = self.count()
        if offset > MAX_OFFSET:
            raise RuleBroken(self.tokens.place(at), "offset too large", str(offset))
        return offset

    # Conditions.

    def condition(self) -> Predicate:
        """Terms joined by AND only, or by OR only."""
        self.deeper()
        first = self.term()
        joined = self.upper[self.at]
        if joined in ("AND", "OR"):
            terms = [first]
            while self.take(joined):
                terms.append(self.term())
            if self.upper[self.at] in ("AND", "OR"):
                raise self.fault(f"parentheses around terms joined by {joined}")
            first = All(tuple(terms)) if joined == "AND" else Either(tuple(terms))
        self.depth -= 1
        return first

    def term(self) -> Predicate:
        if self.take("("):
            inner = self.condition()
            self.need(")")
            return inner
        if self.take("NOT"):
            self.deeper()
            inner = Not(self.term())
            self.depth -= 1
            return inner
        at = self.at
        left = self.operand()
        sign = _SIGNS.get(self.words[self.at])
        if sign is not None:
            self.at += 1
            right = self.value()
            if right.type == "null" and sign in ("=", "!="):
                return IsNull(left, sign == "!=", at)
            return Compare(sign, left, right, at)
        if self.take("LIKE"):
            return Like(left, self.pattern(), False, at)
        negated = self.take("NOT")
        self.need("IN")
        return self.within(left, negated, at)

    def within(self, left: Expression, negated: bool, at: int) -> Within:
        self.need("(")
        if self.upper[self.at] == "SELECT":
            self.deeper()
            select = self.select(children=False)
            self.depth -= 1
            self.need(")")
            return Within(left, select, negated, at)
        choices = self.listed(self.value)
        self.need(")")
        return Within(left, choices, negated, at)

    # Values.

    def value(self) -> Constant:
        at, word = self.at, self.words[self.at]
        first = word[:1]
        self.at += 1
        if first == "'":
            return Constant(self.string(at), "string", at)
        if first and first in "+-":
            word += self.words[self.at]
            self.at += 1
            if not word[1:2].isdigit() and word[1:2] != ".":
                raise self.fault("a number", at)
        elif not (first.isdigit() or first == "."):
            upper = self.upper[at]
            if upper in _CONSTANTS:
                return Constant(_CONSTANTS[upper], "null" if upper == "NULL" else "boolean", at)
            period = moments.period(upper)
            if period is None:
                raise self.fault("a value", at)
            return Constant(period, "period", at)
        if "T" in word and word[-1] != "Z" and word[-6] not in "+-" and word[-5] not in "+-":
            raise self.fault("a date and time with its zone", at)
        try:
            if "T" in word:
                return Constant(moments.iso_instant(word), "instant", at)
            if word[4:5] == "-":
                return Constant(date.fromisoformat(word), "date", at)
            return Constant(int(word) if word.lstrip("+-").isdigit() else Decimal(word), "number", at)
        except (ValueError, ArithmeticError):
            raise RuleBroken(self.tokens.place(at), "bad value", word[:40]) from None

    def string(self, at: int) -> str:
        """The value of the string literal at ``at``."""
        word = self.words[at]
        if "\\" not in word:
            if len(word) < 2 or word[-1] != "'":
                raise self.fault("a closing quote", at)
            return word[1:-1]
        if not _STRING.fullmatch(word):
            raise self.fault("a closing quote", at)
        return _ESCAPE.sub(lambda match: self._escaped(match[1], at), word[1:-1])

    def pattern(self) -> str:
        """The string literal that is next, as a ``LIKE`` pattern in the tree's own spelling."""
        at, word = self.at, self.words[self.at]
        if word[:1] != "'":
            raise self.fault("a string")
        self.at += 1
        if "\\" not in word:
            return self.string(at)
        if not _STRING.fullmatch(word):
            raise self.fault("a closing quote", at)

        def keep(match: re.Match[str]) -> str:
            if match[1] in "%_\\":
                return match[0]
            return self._escaped(match[1], at)

        return _ESCAPE.sub(keep, word[1:-1])

    def _escaped(self, code: str, at: int) -> str:
        if len(code) == 5:
            return chr(int(code[1:], 16))
        plain = _PLAIN.get(code.lower())
        if plain is None:
            raise self.fault("a known escape sequence after the backslash", at)
        return plain
