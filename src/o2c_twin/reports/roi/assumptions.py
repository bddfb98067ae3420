"""The assumptions of an ROI: what each is, in which unit, and the schema that an assumptions file follows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from o2c_twin.reports.roi.cash_flow import RoiError

Kind = Literal["number", "shares", "flag", "year", "date"]
Value = Decimal | tuple[Decimal, ...] | bool | date

ROLES = ("order_entry", "billing", "receivables", "credit", "warehouse", "support")
FINANCING = "released_cash_financing_rate"
INFLOW = "released_cash_inflow_shares"
REVERSAL = "released_cash_reversal_year"


@dataclass(frozen=True, slots=True)
class Spec:
    """One assumption the schema knows. ``unit`` is what the file must say; CUR stands for its currency.

    Numbers lie between ``least`` and ``most`` (None: no upper bound).
    """

    key: str
    meaning: str
    unit: str
    kind: Kind = "number"
    least: Decimal = Decimal(0)
    most: Decimal | None = None
    required: bool = True

    def unit_in(self, currency: str) -> str:
        return self.unit.replace("CUR", currency)


@dataclass(frozen=True, slots=True)
class Assumption:
    """One assumption as its owner states it; ``place`` is file and line, ``as_of`` the date it was made.

    ``low`` and ``high`` are the limits the owner would defend: they make it a driver of the sensitivity.
    """

    key: str
    value: Value
    unit: str
    source: str
    owner: str
    place: str
    low: Decimal | None = None
    high: Decimal | None = None
    as_of: date | None = None

    @property
    def is_placeholder(self) -> bool:
        """The source itself says that the figure waits to be replaced."""
        return self.source.lower().startswith("placeholder")


@dataclass(frozen=True, slots=True)
class Assumptions:
    """A checked set of assumptions, money in ``currency``."""

    currency: str
    by_key: Mapping[str, Assumption]

    def __iter__(self) -> Iterator[Assumption]:
        return iter(self.by_key.values())

    def __contains__(self, key: str) -> bool:
        return key in self.by_key

    def number(self, key: str) -> Decimal:
        """A number's value; raises `RoiError` when it is absent or no number."""
        value = self._value(key)
        if not isinstance(value, Decimal):
            raise RoiError(f"assumption {key!r} is {value!r}, not a number")
        return value

    def shares(self, key: str) -> tuple[Decimal, ...]:
        value = self._value(key)
        if not isinstance(value, tuple):
            raise RoiError(f"assumption {key!r} is {value!r}, not a list of yearly shares")
        return value

    def flag(self, key: str) -> bool:
        value = self._value(key)
        if not isinstance(value, bool):
            raise RoiError(f"assumption {key!r} is {value!r}, not true or false")
        return value

    def day(self, key: str) -> date:
        value = self._value(key)
        if not isinstance(value, date):
            raise RoiError(f"assumption {key!r} is {value!r}, not a date")
        return value

    def numbers(self) -> dict[str, Decimal]:
        """All assumptions that are plain numbers, by key."""
        return {a.key: a.value for a in self if isinstance(a.value, Decimal)}

    def _value(self, key: str) -> Value:
        if key not in self.by_key:
            raise RoiError(f"assumption {key!r} is not given; there are {', '.join(self.by_key)}")
        return self.by_key[key].value


_ONE = Decimal(1)


def _share(key: str, meaning: str, unit: str = "share") -> Spec:
    return Spec(key, meaning, unit, most=_ONE)


def _rate(key: str, meaning: str, required: bool = True) -> Spec:
    return Spec(key, meaning, "share a year", most=_ONE, required=required)


# Costs by key: what it pays for. One-off costs fall on the decision, the exit on the end of the horizon.
ONCE_COSTS: Mapping[str, str] = MappingProxyType(
    {
        "cost_build": "design, mapping and building the integration",
        "cost_testing": "testing, including environments and test data",
        "cost_data_cleanup": "cleaning master data and open items before go-live",
        "cost_change_management": "training, documentation, communication",
        "cost_parallel_run": "running old and new side by side",
        "cost_internal_time": "own people's time on the project",
        "cost_exit": "leaving the platform at the end of the horizon",
    }
)
YEARLY_COSTS: Mapping[str, str] = MappingProxyType(
    {
        "cost_licences": "subscriptions of the connected systems",
        "cost_middleware": "integration platform and hosting",
        "cost_support": "operation, monitoring, exception handling by the supplier",
        "cost_upgrades": "adapting to new versions of the connected systems",
    }
)
EXIT_COST = "cost_exit"

_SPECS = (
    _rate("discount_rate", "cost of capital at which future money is discounted"),
    _rate("borrowing_rate", "marginal rate of the company's borrowing; finances outflows in the modified IRR"),
    Spec("project_start", "day of the decision, from which years count", "date", kind="date"),
    Spec("ramp", "share of the benefits reached in each year; their number is the horizon", "share", kind="shares"),
    _rate(FINANCING, "value of a year's use of released cash (excludes the inflow)", required=False),
    Spec(INFLOW, "share of the released cash that arrives in each year (excludes the financing rate)", "share",
         kind="shares", required=False),
    Spec(REVERSAL, "year in which released cash flows back", "year", kind="year", least=_ONE, required=False),
    *(Spec(f"loaded_rate_{role}", f"wage with all on-costs, {role.replace('_', ' ')}", "CUR per hour")
      for role in ROLES),
    _share("realisation", "share of the hours saved that leaves the budget or goes to named work"),
    Spec("hours_are_hard", "whether a post, overtime, contractor or planned hire really goes away", "true or false",
         kind="flag"),
    Spec("cost_per_billing_error", "cost of a billing error besides the clerk hours the run measures",
         "CUR per error"),
    _share("bad_debt_rate_before", "credit sales never collected today", "share of revenue"),
    _share("bad_debt_rate_after", "credit sales never collected after the change", "share of revenue"),
    *(Spec(key, meaning, "CUR") for key, meaning in ONCE_COSTS.items()),
    *(Spec(key, meaning, "CUR a year") for key, meaning in YEARLY_COSTS.items()),
    *(_share(f"risk_cut_{what}", f"risk cut on {what.replace('_', ' ')}")
      for what in ("hours", "billing_errors", "leakage", "bad_debt", "released_cash")),
    Spec("risk_raise_once", "risk raise on one-off costs", "share", most=Decimal(10)),
    Spec("risk_raise_yearly", "risk raise on yearly costs", "share", most=Decimal(10)),
)  # fmt: skip

SPECS: Mapping[str, Spec] = MappingProxyType({spec.key: spec for spec in _SPECS})
