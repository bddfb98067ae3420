"""A ``$filter`` as closures over a row, and the cache of those read already."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from o2c_twin.mock_systems.wire.odata.errors import ODataError, Version
from o2c_twin.mock_systems.wire.odata.grammar import Binary, Call, Constant, Junction, Node, Not, Parser, Path, Within
from o2c_twin.mock_systems.wire.odata.literals import LITERALS, Token, tokens, value_of
from o2c_twin.mock_systems.wire.odata.values import FUNCTIONS, Unlike, calculated, equal, ordered

Row = Mapping[str, Any]
Get = Callable[[Row], Any]
_FLIPPED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
_BOOLEAN_CALLS = ("substringof", "contains", "startswith", "endswith")


class Predicate:
    """A condition: true or false of a row; a null condition is false.

    ``names`` maps each property path to its position in the text. ``equals`` maps a path to the values one of
    which every matching row has there, ``lower_bounds`` a path to (value, inclusive) that every matching row
    reaches. Calling it raises `ODataError` where values do not go together.
    """

    __slots__ = ("_test", "equals", "lower_bounds", "names", "text")

    def __init__(
        self,
        text: str,
        test: Get,
        names: dict[str, int],
        equals: dict[str, tuple[Any, ...]],
        lower_bounds: dict[str, tuple[Any, bool]],
    ) -> None:
        self.text = text
        self._test = test
        self.names = names
        self.equals = equals
        self.lower_bounds = lower_bounds

    def __call__(self, row: Row) -> bool:
        found = self._test(row)
        if found is True:
            return True
        if found is None or found is False:
            return False
        raise ODataError("the filter is no condition", 0)


def parse_filter(text: str, version: Version) -> Predicate:
    """Read a ``$filter``. Raises `ODataError`."""
    words = tokens(text, version)
    return _bound(text, words, Parser(words, version, len(text)).whole())


class Filters:
    """The filters one dialect read lately, at most ``capacity`` texts and as many shapes."""

    __slots__ = ("_capacity", "_shapes", "_texts", "version")

    def __init__(self, version: Version, capacity: int = 256) -> None:
        self.version = version
        self._capacity = capacity
        self._texts: OrderedDict[str, Predicate] = OrderedDict()
        self._shapes: OrderedDict[tuple[str, ...], Node] = OrderedDict()

    def __call__(self, text: str) -> Predicate:
        """The predicate of a text. Raises `ODataError`."""
        known = self._texts.get(text)
        if known is not None:
            self._texts.move_to_end(text)
            return known
        words = tokens(text, self.version)
        # A literal's kind starts with a mark no word starts with, so that no two shapes are confused.
        shape = tuple([f"'{w.kind}" if w.kind in LITERALS else w.text for w in words])
        node = self._shapes.get(shape)
        if node is None:
            node = Parser(words, self.version, len(text)).whole()
        self._keep(self._shapes, shape, node)
        predicate = _bound(text, words, node)
        self._keep(self._texts, text, predicate)
        return predicate

    def _keep(self, kept: OrderedDict[Any, Any], key: Any, value: Any) -> None:
        kept[key] = value
        kept.move_to_end(key)
        if len(kept) > self._capacity:
            kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._texts)


def _bound(text: str, words: Sequence[Token], node: Node) -> Predicate:
    binder = _Binder(words)
    test = binder.get(node)
    equals: dict[str, tuple[Any, ...]] = {}
    bounds: dict[str, tuple[Any, bool]] = {}
    for term in node.terms if isinstance(node, Junction) and node.every else (node,):
        binder.promise(term, equals, bounds)
    return Predicate(text, test, binder.names, equals, bounds)


class _Binder:
    """Makes closures from a tree and the words of one text."""

    def __init__(self, words: Sequence[Token]) -> None:
        self._words = words
        self.names: dict[str, int] = {}

    def _value(self, node: Constant) -> Any:
        return value_of(self._words[node.at])

    def get(self, node: Node) -> Get:
        match node:
            case Constant():
                value = self._value(node)
                return lambda row: value
            case Path(name):
                self.names.setdefault(name, self._words[node.at].at)
                return _reading(name)
            case Binary(operator) if operator in ("eq", "ne"):
                return self._equality(node)
            case Binary(operator):
                work = ordered(operator) if operator in _FLIPPED else calculated(operator)
                return self._of_two(work, node.left, node.right, node.at)
            case Call(name, arguments):
                return self._call(name, [self.get(argument) for argument in arguments], node.at)
            case Within(left, choices):
                return self._within(self.get(left), [self.get(choice) for choice in choices], node.at)
            case Not(term):
                return self._negated(self._condition(term))
            case Junction(every, terms):
                return _junction(every, [self._condition(term) for term in terms])

    def _trouble(self, trouble: Unlike, at: int) -> ODataError:
        return ODataError(str(trouble), self._words[at].at)

    def _equality(self, node: Binary) -> Get:
        wanted = node.operator == "eq"
        if isinstance(node.left, Path) and isinstance(node.right, Constant) and "/" not in node.left.name:
            name, value, kind = node.left.name, self._value(node.right), type(self._value(node.right))
            self.names.setdefault(name, self._words[node.left.at].at)
            at = node.at

            def test(row: Row) -> bool:
                found = row.get(name)
                if found.__class__ is kind:
                    return (found == value) is wanted
                try:
                    return equal(found, value) is wanted
                except Unlike as trouble:
                    raise self._trouble(trouble, at) from trouble

            return test
        same = equal if wanted else lambda left, right: not equal(left, right)
        return self._of_two(same, node.left, node.right, node.at)

    def _of_two(self, work: Callable[[Any, Any], Any], left: Node, right: Node, at: int) -> Get:
        one, other = self.get(left), self.get(right)

        def result(row: Row) -> Any:
            try:
                return work(one(row), other(row))
            except Unlike as trouble:
                raise self._trouble(trouble, at) from trouble
            except OverflowError as trouble:
                raise ODataError("the result is out of range", self._words[at].at) from trouble

        return result

    def _call(self, name: str, arguments: list[Get], at: int) -> Get:
        work = FUNCTIONS[name]

        def result(row: Row) -> Any:
            values = [argument(row) for argument in arguments]
            if None in values:
                return None
            try:
                return work(*values)
            except Unlike as trouble:
                raise self._trouble(trouble, at) from trouble

        return result

    def _within(self, left: Get, choices: list[Get], at: int) -> Get:
        def test(row: Row) -> bool:
            found = left(row)
            try:
                return any(equal(found, choice(row)) for choice in choices)
            except Unlike as trouble:
                raise self._trouble(trouble, at) from trouble

        return test

    def _condition(self, node: Node) -> Get:
        """The node where a truth value has to stand."""
        get = self.get(node)
        if (
            isinstance(node, Not | Junction | Within)
            or (isinstance(node, Binary) and (node.operator in ("eq", "ne") or node.operator in _FLIPPED))
            or (isinstance(node, Call) and node.name in _BOOLEAN_CALLS)
        ):
            return get
        at = self._words[node.at].at

        def test(row: Row) -> Any:
            found = get(row)
            if found is None or found is True or found is False:
                return found
            raise ODataError("a condition is expected here", at)

        return test

    @staticmethod
    def _negated(get: Get) -> Get:
        def test(row: Row) -> bool | None:
            found = get(row)
            return None if found is None else not found

        return test

    # --- what every matching row has ---------------------------------------------------------------

    def promise(self, node: Node, equals: dict[str, tuple[Any, ...]], bounds: dict[str, tuple[Any, bool]]) -> None:
        """Add what a term that must be true says about a property."""
        fixed = self._choices(node)
        if fixed is not None:
            equals.setdefault(*fixed)
        elif isinstance(node, Binary) and node.operator in _FLIPPED:
            operator, left, right = node.operator, node.left, node.right
            if isinstance(left, Constant):
                operator, left, right = _FLIPPED[operator], right, left
            if operator in ("gt", "ge") and isinstance(left, Path) and isinstance(right, Constant):
                value = self._value(right)
                if value is not None:
                    bounds.setdefault(left.name, (value, operator == "ge"))

    def _choices(self, node: Node) -> tuple[str, tuple[Any, ...]] | None:
        """The one path this term fixes, and the values it may have."""
        match node:
            case Binary("eq", Path(name), Constant() as value) | Binary("eq", Constant() as value, Path(name)):
                return name, (self._value(value),)
            case Within(Path(name), choices):
                values = [self._value(choice) for choice in choices if isinstance(choice, Constant)]
                return (name, tuple(values)) if len(values) == len(choices) else None
            case Junction(False, terms):
                found = [self._choices(term) for term in terms]
                names = {one[0] if one else "" for one in found}
                if len(names) == 1 and all(found):
                    return names.pop(), tuple([value for one in found if one for value in one[1]])
        return None


def _reading(path: str) -> Get:
    name, _, rest = path.partition("/")
    if not rest:
        return lambda row: row.get(name)
    further = _reading(rest)

    def get(row: Row) -> Any:
        found = row.get(name)
        if isinstance(found, Mapping):
            return further(found)
        if found is None:
            return None
        raise ODataError(f"{name} is no single record", 0)

    return get


def _junction(every: bool, terms: list[Get]) -> Get:
    decisive = not every

    def test(row: Row) -> bool | None:
        unknown = False
        for term in terms:
            found = term(row)
            if found is decisive:
                return bool(found)
            if found is None:
                unknown = True
        return None if unknown else every

    return test
