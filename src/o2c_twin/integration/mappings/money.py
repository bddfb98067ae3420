"""Exact money in maps: minor units and decimals under named rounding rules. No float ever passes."""

import decimal
from collections.abc import Callable
from decimal import Decimal

from o2c_twin.integration.connectors.amounts import to_decimal

ROUNDING = {
    "exact": "a finer amount is refused",
    "half-up": "a half goes away from zero, as invoices are rounded",
    "half-even": "a half goes to the even digit",
    "down": "digits beyond the currency's are cut off",
}
"""The rounding rules a map may name."""
_MODES = {"half-up": decimal.ROUND_HALF_UP, "half-even": decimal.ROUND_HALF_EVEN, "down": decimal.ROUND_DOWN}
_ONE = Decimal(1)
# Wide enough for any amount; what would still lose a digit is an error, not a rounding.
_DIGITS = 60


def digits(currency: object) -> int:
    """Decimals of a currency (ISO 4217). Raises ValueError for what is no code of three capitals."""
    if not (type(currency) is str and len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise ValueError(f"{currency!r} is no currency code; give three capitals such as EUR")
    return -int(to_decimal(1, currency).as_tuple().exponent)


def number(value: object) -> Decimal:
    """An exact decimal of what a wire's number is read as. Raises ValueError: a float has lost digits already."""
    kind = type(value)
    if kind is str or kind is int or kind is Decimal:
        try:
            found = Decimal(value)  # type: ignore[arg-type]  # str, int or Decimal: the line above
        except decimal.InvalidOperation:
            found = Decimal("NaN")
        if found.is_finite():
            return found
        raise ValueError(f"{value!r} is no number")
    if kind is float:
        raise ValueError("a float is not exact; read the wire's numbers as text or Decimal")
    raise ValueError(f"a {kind.__name__} is no number")


def whole(value: object) -> int:
    """The whole number a decimal stands for. Raises ValueError when it is none."""
    if type(value) is int:
        return value
    exact = number(value)
    if exact.adjusted() > _DIGITS or exact != (found := int(exact)):
        raise ValueError(f"{value} is not a whole number")
    return found


class Rounder:
    """Amounts to and from minor units, by one rounding rule."""

    __slots__ = ("_context", "_mode", "_places", "_steps")

    def __init__(self, rule: str = "exact") -> None:
        self._mode = _MODES.get(rule)
        traps = [decimal.InvalidOperation, decimal.Overflow, decimal.Inexact]
        self._context = decimal.Context(prec=_DIGITS, traps=traps)
        self._places: dict[str, int] = {}
        self._steps: dict[str, Decimal] = {}

    def to_minor(self, value: object, currency: str) -> int:
        """Minor units of a decimal amount. Raises ValueError when the rule is ``exact`` and the amount is finer."""
        places = self._places.get(currency)
        if places is None:
            places = self._places[currency] = digits(currency)
        exact = number(value)
        try:
            scaled = exact.scaleb(places, self._context)
        except decimal.DecimalException:
            scaled = None
        if scaled is None or scaled.adjusted() > _DIGITS:
            raise ValueError(f"{value} {currency} has too many digits to be an amount")
        minor = int(scaled)
        if minor == scaled:
            return minor
        if self._mode is None:
            remedy = "mend the amount, or name a rounding rule"
            raise ValueError(f"{value} {currency} has more decimals than the currency; {remedy}")
        return int(scaled.to_integral_value(self._mode))

    def to_decimal(self, minor: object, currency: str) -> Decimal:
        """The decimal amount of minor units, with all the decimals of its currency."""
        if type(minor) is not int:
            raise ValueError(f"{minor!r} is no whole number of minor units")
        step = self._steps.get(currency)
        if step is None:
            step = self._steps[currency] = _ONE.scaleb(-digits(currency))
        try:
            return self._context.multiply(minor, step)
        except decimal.DecimalException:
            raise ValueError(f"{minor} {currency} has too many digits to be an amount") from None

    def converted(self, minor: int, source: str, rate: Decimal, target: str) -> int:
        """Minor units in another currency: amount times rate, rounded once, at the end."""
        try:
            amount = self._context.multiply(self.to_decimal(minor, source), number(rate))
        except decimal.DecimalException:
            raise ValueError(f"{minor} {source} at {rate} is no amount") from None
        return self.to_minor(amount, target)


Rate = Callable[[str, str, str, str], Decimal | None]
"""``(source, date, from, to)`` to the units of ``to`` for one of ``from``; None when that day has no rate."""
