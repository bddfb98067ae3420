"""What a scenario promises: a KPI or an invariant, under the naive and under the recommended design."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from o2c_twin.scenarios.errors import shown

Number = int | float | Decimal
_OPERATORS: Mapping[str, Callable[[Decimal, Decimal], bool]] = MappingProxyType(
    {">=": operator.ge, "<=": operator.le, "!=": operator.ne, ">": operator.gt, "<": operator.lt, "=": operator.eq}
)
_CONDITION = re.compile(r"(>=|<=|!=|>|<|=)\s*(-?\d+(?:\.\d+)?|naive|recommended)")


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison with a number, or with the same figure of the other design."""

    sign: str
    right: str

    def holds(self, value: Number, other: Number | None) -> bool:
        """Whether ``value`` meets it; ``other`` is the figure of the other design."""
        if self.right in ("naive", "recommended"):
            return other is not None and _OPERATORS[self.sign](_exact(value), _exact(other))
        return _OPERATORS[self.sign](_exact(value), Decimal(self.right))

    def __str__(self) -> str:
        return f"{self.sign} {self.right}"


def condition(text: str, side: str) -> Condition:
    """Read a condition such as ``"> 0"`` or ``"< naive"``, given for ``side`` (naive or recommended).

    Raises ValueError whose message continues the name of the value.
    """
    found = _CONDITION.fullmatch(text.strip())
    if found is None or found[2] == side:
        other = "recommended" if side == "naive" else "naive"
        raise ValueError(f'is {shown(text)}; write e.g. "> 0", "= 0" or "> {other}", in quotes')
    return Condition(found[1], found[2])


@dataclass(frozen=True, slots=True)
class Expectation:
    """``subject`` is a KPI's id, or with ``kind`` violation the name of an invariant: then its
    figure is the number of times it was broken. A side without a condition may show anything."""

    kind: str
    subject: str
    naive: Condition | None
    recommended: Condition | None

    def failures(self, figures: Mapping[str, Number | None]) -> list[str]:
        """What is not as promised, one line each.

        ``figures`` has the figure of each side that was run (naive, recommended, or both); None is a
        figure without a value. A condition that needs a side that was not run is left out.
        """
        missed = []
        for side, wanted in (("naive", self.naive), ("recommended", self.recommended)):
            needed = {side, wanted.right} & {"naive", "recommended"} if wanted is not None else set()
            if wanted is None or not needed <= set(figures):
                continue
            value = figures[side]
            if value is None:
                missed.append(f"{self.subject}, {side}: expected {wanted}, but it has no value")
            elif not wanted.holds(value, figures.get(wanted.right)):
                against = f" ({figures[wanted.right]})" if wanted.right in figures else ""
                missed.append(f"{self.subject}, {side}: expected {wanted}{against}, found {value}")
        return missed


def _exact(value: Number) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))
