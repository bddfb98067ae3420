"""The golden record: which value survives in each field when several masters are one customer."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Value = str | int
Values = Mapping[str, Value | None]


@dataclass(frozen=True, slots=True)
class MasterVersion:
    """One master to be merged: where it is from, when it last changed (same unit in all) and what it says."""

    id: str
    system: str
    modified_at: int
    values: Values


@dataclass(frozen=True, slots=True)
class Survivor:
    """The value of one field with its provenance: the master it is from and the rule that chose it."""

    value: Value
    from_id: str
    rule: str


class SurvivorshipError(ValueError):
    """A rule that does not exist or cannot be applied to a value; the message names field and remedy."""


RULES: dict[str, str] = {
    "most-recent": "the value changed last",
    "oldest": "the value changed first",
    "longest": "the fullest text",
    "most-frequent": "the value most masters have",
    "lowest": "the smallest figure; a credit limit must not grow by a merge",
    "highest": "the greatest figure",
    "by-system": "the value of the first system in the declared order, then the most recent",
}

CUSTOMER_RULES: dict[str, str] = {
    "name": "by-system",
    "number": "by-system",
    "vat": "most-frequent",
    "iban": "most-recent",
    "email": "most-recent",
    "phone": "most-recent",
    "street+postal_code+city+country": "most-recent",
    "terms_days": "lowest",
    "credit_limit_minor": "lowest",
}


def golden_record(
    versions: Sequence[MasterVersion], rules: Mapping[str, str], systems: Sequence[str] = ()
) -> dict[str, Survivor]:
    """The surviving value per field of ``rules``, in their order; fields that no master fills are left out.

    Fields joined by `+` survive together, from one of the masters that fill most of them: an address is never
    put together from two. The order of ``versions`` does not matter: what a rule leaves open goes to the latest
    change, then to the smallest system and id, then to the smallest value. ``systems`` is the order for
    `by-system`, most trusted first; others come after it. Figures must be of one unit and currency.
    Raises `SurvivorshipError`.
    """
    golden: dict[str, Survivor] = {}
    for fields, rule in rules.items():
        if rule not in RULES:
            raise SurvivorshipError(f"{fields}: no survivorship rule {rule!r}; there are: {', '.join(RULES)}")
        names = fields.split("+")
        filled = [(version, _filled(version, names)) for version in versions]
        most = max((len(values) for _, values in filled), default=0)
        fullest = [(version, _compared(values)) for version, values in filled if len(values) == most]
        if most:
            version, _ = min(fullest, key=_order(fields, rule, fullest, systems))
            golden |= {name: Survivor(value, version.id, rule) for name, value in _filled(version, names).items()}
    return golden


def _filled(version: MasterVersion, names: Sequence[str]) -> dict[str, Value]:
    return {n: value for n in names if (value := version.values.get(n)) is not None and value != ""}


def _compared(values: Mapping[str, Value]) -> Value:
    """One field as it is, several as one text."""
    return next(iter(values.values())) if len(values) == 1 else " ".join(map(str, values.values()))


_Filled = tuple[MasterVersion, Value]


def _order(
    field: str, rule: str, filled: Sequence[_Filled], systems: Sequence[str]
) -> Callable[[_Filled], tuple[int, int, str, str, str]]:
    counts = Counter(str(value) for _, value in filled)

    def preference(version: MasterVersion, value: Value) -> int:
        match rule:
            case "oldest":
                return version.modified_at
            case "longest":
                return -len(str(value))
            case "most-frequent":
                return -counts[str(value)]
            case "lowest":
                return _figure(field, rule, version, value)
            case "highest":
                return -_figure(field, rule, version, value)
            case "by-system":
                return systems.index(version.system) if version.system in systems else len(systems)
            case _:
                return -version.modified_at

    def order(candidate: _Filled) -> tuple[int, int, str, str, str]:
        version, value = candidate
        return preference(version, value), -version.modified_at, version.system, version.id, str(value)

    return order


def _figure(field: str, rule: str, version: MasterVersion, value: Value) -> int:
    if isinstance(value, int):
        return value
    raise SurvivorshipError(
        f"{field} of {version.id}: the rule {rule!r} needs a figure, not {value!r}; "
        "give the field another rule or its value in minor units"
    )
