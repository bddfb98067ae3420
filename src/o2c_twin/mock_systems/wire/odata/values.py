"""What the operators and functions of ``$filter`` do with values.

Null: a comparison with null is false (``eq`` and ``ne`` apart), a function of null is null, and ``and``, ``or``,
``not`` follow three-valued logic. Source: OASIS OData 4.01 URL Conventions 5.1.1.1; version 2 does not say.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from operator import ge, gt, le, lt
from typing import Any
from uuid import UUID

# Sums and products are exact or refused; a quotient has the digits of an IEEE 754 decimal128.
_EXACT = Context(prec=1000, traps=[Inexact, InvalidOperation, Overflow])
_QUOTIENT = Context(prec=34, traps=[InvalidOperation, DivisionByZero, Overflow])


class Unlike(Exception):
    """Two values, or a value and an operator, do not go together."""


def kind_of(value: object) -> str:
    """The family of a value, within which values compare."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | Decimal):
        return "number"
    if isinstance(value, date):
        return "moment"
    if isinstance(value, UUID):
        return "guid"
    if isinstance(value, time):
        return "time of day"
    return "duration" if isinstance(value, timedelta) else type(value).__name__


def aligned(left: Any, right: Any) -> tuple[Any, Any]:
    """Both values in one type that compares. Raises `Unlike`."""
    if left.__class__ is right.__class__:
        return left, right
    one, other = kind_of(left), kind_of(right)
    if one == other:
        if one != "moment":
            return left, right
        return _instant(left), _instant(right)
    if {one, other} == {"guid", "string"}:
        return str(left).lower(), str(right).lower()
    raise Unlike(f"a {one} does not compare with a {other}")


def _instant(value: date) -> datetime:
    if isinstance(value, datetime):
        return value
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def equal(left: Any, right: Any) -> bool:
    """``eq``; null equals null only."""
    if left is None or right is None:
        return left is right
    if left.__class__ is not right.__class__:
        left, right = aligned(left, right)
    return bool(left == right)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {"gt": gt, "ge": ge, "lt": lt, "le": le}


def ordered(operator: str) -> Callable[[Any, Any], bool]:
    """``gt``, ``ge``, ``lt`` or ``le``; false where one side is null."""
    compare = _ORDER[operator]

    def test(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        if left.__class__ is not right.__class__:
            left, right = aligned(left, right)
        try:
            return compare(left, right)
        except TypeError as bad:
            raise Unlike(str(bad)) from bad

    return test


def calculated(operator: str) -> Callable[[Any, Any], Any]:
    """``add sub mul div divby mod``: exact on numbers, ``add`` and ``sub`` also of a moment and a duration."""

    def result(left: Any, right: Any) -> Any:
        if left is None or right is None:
            return None
        if kind_of(left) == "moment" and isinstance(right, timedelta) and operator in ("add", "sub"):
            return left + right if operator == "add" else left - right
        if kind_of(left) != "number" or kind_of(right) != "number":
            raise Unlike(f"{operator} is for numbers")
        return _number(operator, left, right)

    return result


def _number(operator: str, left: int | Decimal, right: int | Decimal) -> int | Decimal:
    whole = isinstance(left, int) and isinstance(right, int)
    one, other = Decimal(left), Decimal(right)
    try:
        match operator:
            case "add":
                found = _EXACT.add(one, other)
            case "sub":
                found = _EXACT.subtract(one, other)
            case "mul":
                found = _EXACT.multiply(one, other)
            case "mod":
                found = _EXACT.remainder(one, other)
            case "div" if whole:
                found = _EXACT.divide_int(one, other)
            case _:
                return _QUOTIENT.divide(one, other)
    except ArithmeticError as bad:
        raise Unlike(f"{left} {operator} {right} has no exact result") from bad
    return int(found) if whole else found


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise Unlike(f"a {kind_of(value)} is no string")


def _whole(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Unlike(f"a {kind_of(value)} is no whole number")


def _part(name: str) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        part = getattr(value, name, None)
        if not isinstance(part, int):
            raise Unlike(f"a {kind_of(value)} has no {name}")
        return part

    return read


def _rounded(rounding: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if kind_of(value) != "number":
            raise Unlike(f"a {kind_of(value)} is no number")
        return value if isinstance(value, int) else value.to_integral_value(rounding)

    return read


def _instant_only(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    raise Unlike(f"a {kind_of(value)} is no instant")


def _substring(text: Any, start: Any, length: Any = None) -> str:
    first = max(0, _whole(start))
    return _text(text)[first : None if length is None else first + max(0, _whole(length))]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "substringof": lambda part, text: _text(part) in _text(text),
    "contains": lambda text, part: _text(part) in _text(text),
    "startswith": lambda text, part: _text(text).startswith(_text(part)),
    "endswith": lambda text, part: _text(text).endswith(_text(part)),
    "length": lambda text: len(_text(text)),
    "indexof": lambda text, part: _text(text).find(_text(part)),
    "substring": _substring,
    "replace": lambda text, old, new: _text(text).replace(_text(old), _text(new)) if old else text,
    "tolower": lambda text: _text(text).lower(),
    "toupper": lambda text: _text(text).upper(),
    "trim": lambda text: _text(text).strip(),
    "concat": lambda one, other: _text(one) + _text(other),
    "year": _part("year"),
    "month": _part("month"),
    "day": _part("day"),
    "hour": _part("hour"),
    "minute": _part("minute"),
    "second": _part("second"),
    "date": lambda moment: _instant_only(moment).date(),
    "time": lambda moment: _instant_only(moment).time(),
    "round": _rounded(ROUND_HALF_UP),
    "floor": _rounded("ROUND_FLOOR"),
    "ceiling": _rounded("ROUND_CEILING"),
}
