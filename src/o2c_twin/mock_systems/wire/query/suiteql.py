"""SuiteQL, the query language of NetSuite: text to syntax tree.

The subset an order-to-cash integration uses. Facts from Oracle's NetSuite help: "SuiteQL Syntax and Examples",
"SuiteQL Performance and Best Practices" (``||`` and not ``+`` joins strings; at most 1,000 values behind IN; no WITH;
no date literals; ANSI and comma joins not in one query), "Query Language Compliance" (only listed functions).
The rest is Oracle SQL: a quote in a string is doubled, ``''`` is null. ``TOP n`` is seen in public examples.
Left out: UNION, derived tables, scalar sub-selects, EXISTS, CASE, RIGHT and FULL JOIN, ``(+)``, window functions.
"""

import re
from decimal import Decimal
from typing import Literal

from o2c_twin.mock_systems.wire.query.errors import RuleBroken
from o2c_twin.mock_systems.wire.query.syntax import (
    All,
    Call,
    Compare,
    Condition,
    Constant,
    Either,
    Expression,
    FieldSet,
    From,
    IsNull,
    Item,
    Like,
    Name,
    Operator,
    Predicate,
    Select,
    Sort,
    Within,
    negate,
)
from o2c_twin.mock_systems.wire.query.tokens import Cursor, Places, Tokens

MAX_CHOICES = 1_000
NUMBER_LIMIT = 10**126
"""An Oracle NUMBER is smaller than this."""

_NAME = r'(?:"[A-Za-z_]\w*"|[A-Za-z_]\w*)'
_TOKEN = re.compile(
    r"--[^\n]*|/\*.*?\*/"
    r"|'(?:[^']++|'')*+'"
    r"|'.*+"  # a string that never ends: one bad token
    rf"|{_NAME}(?:\.{_NAME})*(?:\.\*)?"
    r"|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
    r"|<=|>=|<>|!=|\|\||\S",
    re.ASCII | re.DOTALL,
)
LITERAL = re.compile(r"('(?:[^']++|'')*+')", re.DOTALL)
"""The literals that differ from call to call: text."""

_SIGNS: dict[str, Operator] = {"=": "=", "!=": "!=", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_MOMENTS = frozenset(("SYSDATE", "CURRENT_DATE"))
_AFTER_NAME = frozenset((",", ")", "FROM", "AS", ""))


def tokenize(text: str) -> Tokens:
    """The tokens of a SuiteQL query; names in double quotes are taken without them."""
    tokens = Tokens(_TOKEN, text)
    if '"' in text:
        quoted = [len(word) > 2 and word[0] != "'" for word in tokens.words]
        tokens.words = [w.replace('"', "") if q else w for w, q in zip(tokens.words, quoted, strict=True)]
        tokens.upper = [word.upper() for word in tokens.words]
    return tokens


def places(text: str) -> Places:
    """Where the tokens of a SuiteQL query stand."""
    return Places(_TOKEN, text)


def parse(text: str) -> Select:
    """A SuiteQL query as a tree. Raises :class:`SyntaxFault` or :class:`RuleBroken`, with the place."""
    return Parser(tokenize(text)).query()


def literal(word: str, at: int) -> Constant:
    """The value of a `LITERAL` at token ``at``; ``''`` is null."""
    text = word[1:-1].replace("''", "'")
    return Constant(text or None, "string" if text else "null", at)


def quote(text: str) -> str:
    """A SuiteQL string literal that means ``text``."""
    return "'" + text.replace("'", "''") + "'"


class Parser(Cursor):
    """Recursive descent over the tokens of one query.

    A parenthesis may hold a value or a condition, so both come from one grammar and are told apart
    where only one of them may stand.
    """

    __slots__ = ()

    reserved = frozenset(("AND", "AS", "ASC", "BETWEEN", "BY", "CROSS", "DESC", "DISTINCT", "FETCH", "FROM", "FULL"))
    reserved |= {"GROUP", "HAVING", "IN", "INNER", "IS", "JOIN", "LEFT", "LIKE", "LIMIT", "NOT", "NULL", "OFFSET"}
    reserved |= {"ON", "OR", "ORDER", "OUTER", "RIGHT", "SELECT", "UNION", "WHERE"}

    def query(self) -> Select:
        select = self.select()
        self.end()
        return select

    def select(self) -> Select:
        self.need("SELECT")
        top = None
        if self.upper[self.at] == "TOP" and self.words[self.at + 1].isdigit():
            self.at += 1
            top = self.count()
        distinct = self.take("DISTINCT")
        if not distinct:
            self.take("ALL")
        items = self.listed(self.item)
        self.need("FROM")
        tables = self.tables()
        where = self.predicate() if self.take("WHERE") else None
        group: tuple[Expression, ...] = ()
        if self.take("GROUP"):
            self.need("BY")
            group = self.listed(self.expression)
        having = self.predicate() if self.take("HAVING") else None
        order: tuple[Sort, ...] = ()
        if self.take("ORDER"):
            self.need("BY")
            order = self.listed(self.sort)
        offset, limit = self.window()
        if top is not None:
            limit = top if limit is None else min(top, limit)
        return Select(items, tables, where, group, having, order, limit, offset, distinct)

    def item(self) -> Item | FieldSet:
        at = self.at
        if self.take("*"):
            return FieldSet("ALL", "", at)
        if self.words[at].endswith(".*"):
            self.at += 1
            return FieldSet("ALL", self.words[at][:-2], at)
        expression = self.expression()
        if self.take("AS") or self.is_name():
            return Item(expression, self.plain_name())
        return Item(expression)

    def tables(self) -> tuple[From, ...]:
        found = [self.table("inner")]
        while True:
            at = self.at
            if self.take(","):
                found.append(self.table("inner"))
                style = ","
            elif self.upper[at] in ("CROSS", "LEFT", "INNER", "JOIN"):
                found.append(self.joined())
                style = "JOIN"
            else:
                return tuple(found)
            if len(found) == 2:
                first_style = style
            elif style != first_style:
                raise RuleBroken(self.tokens.place(at), "mixed joins", self.words[at])

    def table(self, join: Literal["inner", "left"]) -> From:
        at = self.at
        name, alias = self.plain_name(), ""
        if self.take("AS") or self.is_name():
            alias = self.plain_name()
        return From(name, alias, at, join)

    def joined(self) -> From:
        cross, left = self.take("CROSS"), self.take("LEFT")
        if left:
            self.take("OUTER")
        elif not cross:
            self.take("INNER")
        self.need("JOIN")
        table = self.table("left" if left else "inner")
        if cross:
            return table
        self.need("ON")
        return From(table.table, table.alias, table.at, table.join, self.predicate())

    def sort(self) -> Sort:
        return Sort(self.expression(), *self.direction())

    def window(self) -> tuple[int, int | None]:
        """``OFFSET n ROWS`` and ``FETCH FIRST n ROWS ONLY``, as in Oracle 12c."""
        offset, limit = 0, None
        if self.take("OFFSET"):
            offset = self.count()
            if not self.take("ROWS"):
                self.need("ROW")
        if self.take("FETCH"):
            if not self.take("FIRST"):
                self.need("NEXT")
            limit = 1 if self.upper[self.at] in ("ROW", "ROWS") else self.count()
            if not self.take("ROWS"):
                self.need("ROW")
            self.need("ONLY")
        return offset, limit

    # Conditions and values.

    def predicate(self) -> Predicate:
        at = self.at
        return self.as_predicate(self.either(), at)

    def expression(self) -> Expression:
        at = self.at
        if self.is_name() and self.upper[at + 1] in _AFTER_NAME and self.upper[at] not in _MOMENTS:
            self.at += 1  # most expressions are one name: spare it the descent
            return Name(self.words[at], at)
        return self.as_value(self.either(), at)

    def as_predicate(self, node: Expression | Predicate, at: int) -> Predicate:
        if isinstance(node, Condition):
            return node
        raise self.fault("a condition", at)

    def as_value(self, node: Expression | Predicate, at: int) -> Expression:
        if isinstance(node, Condition):
            raise self.fault("a value", at)
        return node

    def either(self) -> Expression | Predicate:
        self.deeper()
        at = self.at
        node = self.all()
        if self.upper[self.at] == "OR":
            terms = [self.as_predicate(node, at)]
            while self.take("OR"):
                at = self.at
                terms.append(self.as_predicate(self.all(), at))
            node = Either(tuple(terms))
        self.depth -= 1
        return node

    def all(self) -> Expression | Predicate:
        at = self.at
        node = self.negation()
        if self.upper[self.at] == "AND":
            terms = [self.as_predicate(node, at)]
            while self.take("AND"):
                at = self.at
                terms.append(self.as_predicate(self.negation(), at))
            node = All(tuple(terms))
        return node

    def negation(self) -> Expression | Predicate:
        if not self.take("NOT"):
            return self.comparison()
        self.deeper()
        at = self.at
        node = negate(self.as_predicate(self.negation(), at))
        self.depth -= 1
        return node

    def comparison(self) -> Expression | Predicate:
        at = self.at
        node = self.sum()
        sign = _SIGNS.get(self.words[self.at])
        if sign is not None:
            left = self.as_value(node, at)
            self.at += 1
            return Compare(sign, left, self.operand(), at)
        word = self.upper[self.at]
        if word not in ("IS", "NOT", "IN", "LIKE", "BETWEEN"):
            return node
        left = self.as_value(node, at)
        if self.take("IS"):
            negated = self.take("NOT")
            self.need("NULL")
            return IsNull(left, negated, at)
        negated = self.take("NOT")
        if self.take("IN"):
            return self.within(left, negated, at)
        if self.take("LIKE"):
            return Like(left, self.pattern(), negated, at)
        self.need("BETWEEN")
        low = self.operand()
        self.need("AND")
        between = All((Compare(">=", left, low, at), Compare("<=", left, self.operand(), at)))
        return negate(between) if negated else between

    def within(self, left: Expression, negated: bool, at: int) -> Within:
        self.need("(")
        if self.upper[self.at] == "SELECT":
            self.deeper()
            select = self.select()
            self.depth -= 1
            self.need(")")
            return Within(left, select, negated, at)
        choices = self.listed(self.expression)
        self.need(")")
        if len(choices) > MAX_CHOICES:
            raise RuleBroken(self.tokens.place(at), "too many values", str(len(choices)))
        return Within(left, choices, negated, at)

    def operand(self) -> Expression:
        at = self.at
        return self.as_value(self.sum(), at)

    def sum(self) -> Expression | Predicate:
        start, depth = self.at, self.depth
        node = self.product()
        while (sign := self.words[self.at]) in ("+", "-", "||"):
            self.deeper()  # a chain nests to the left
            at = self.at
            self.at += 1
            right = self.as_value(self.product(), at + 1)
            node = Call(sign, (self.as_value(node, start), right), at)
        self.depth = depth
        return node

    def product(self) -> Expression | Predicate:
        start, depth = self.at, self.depth
        node = self.primary()
        while (sign := self.words[self.at]) in ("*", "/"):
            self.deeper()
            at = self.at
            self.at += 1
            right = self.as_value(self.primary(), at + 1)
            node = Call(sign, (self.as_value(node, start), right), at)
        self.depth = depth
        return node

    def primary(self) -> Expression | Predicate:
        at, word = self.at, self.words[self.at]
        first = word[:1]
        if self.is_name() and word[-1] != "*":
            self.at += 1
            if self.words[self.at] == "(":
                return self.call(at)
            return Call(self.upper[at], (), at) if self.upper[at] in _MOMENTS else Name(word, at)
        if first == "'":
            self.string()
            return literal(word, at)
        if first.isdigit() or (first == "." and len(word) > 1):
            return self.number()
        if self.take("("):
            node = self.either()
            self.need(")")
            return node
        if self.take("NULL"):
            return Constant(None, "null", at)
        if self.take("-") or self.take("+"):
            self.deeper()
            value = self.as_value(self.primary(), at + 1)
            self.depth -= 1
            return Call("*", (Constant(-1, "number", at), value), at) if word == "-" else value
        raise self.fault("a value")

    def call(self, at: int) -> Call:
        name = self.upper[at]
        self.need("(")
        if self.take("*"):
            self.need(")")
            if name != "COUNT":
                raise self.fault("an argument", at + 2)
            return Call(name, (), at)
        if self.take(")"):
            raise self.fault("an argument", at + 2)
        distinct = self.take("DISTINCT")
        arguments = self.listed(self.expression)
        self.need(")")
        return Call(name, arguments, at, distinct)

    def number(self) -> Constant:
        at, word = self.at, self.words[self.at]
        self.at += 1
        try:
            value = Decimal(word)
        except ArithmeticError:
            value = Decimal(NUMBER_LIMIT)
        if value >= NUMBER_LIMIT:
            raise RuleBroken(self.tokens.place(at), "bad value", word[:40])
        return Constant(int(value) if word.isdigit() else value, "number", at)

    def string(self) -> str:
        word = self.words[self.at]
        if word[:1] != "'":
            raise self.fault("a string")
        if word.count("'") % 2:
            raise self.fault("a closing quote")
        self.at += 1
        return word[1:-1].replace("''", "'")

    def pattern(self) -> str:
        """A ``LIKE`` pattern, with its ``ESCAPE`` if any, in the tree's own spelling."""
        text = self.string()
        escape = ""
        if self.take("ESCAPE"):
            at = self.at
            escape = self.string()
            if len(escape) != 1:
                raise self.fault("one character", at)
        if "\\" not in text and not escape:
            return text
        parts = iter(text)
        return "".join("\\" + next(parts, "") if c == escape else "\\\\" if c == "\\" else c for c in parts)
