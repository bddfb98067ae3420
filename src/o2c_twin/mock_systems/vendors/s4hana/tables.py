"""What a reader needs of an entity set: a record by key, the records worth a look, and the records beside one."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from o2c_twin.mock_systems.roles.erp import ErpCore
from o2c_twin.mock_systems.vendors.s4hana.config import S4HanaConfig
from o2c_twin.mock_systems.vendors.s4hana.edm import Entity
from o2c_twin.mock_systems.vendors.s4hana.state import Books
from o2c_twin.mock_systems.vendors.s4hana.values import AS_IS, DEFAULTS, WRITERS, etag_of, microseconds, moment
from o2c_twin.mock_systems.wire.odata import Predicate

Row = dict[str, Any]
Key = dict[str, object]
ETAG = "@etag"
"""Where a row keeps its entity tag; no property has such a name."""
DIALOG_USER = "CLERK"
"""Who people in the world are to the system."""


@dataclass(frozen=True, slots=True)
class Table:
    """One entity set. ``scan`` may give more rows than the predicate matches, never fewer."""

    entity: Entity
    one: Callable[[Key], Row | None]
    scan: Callable[[Predicate | None], Iterable[Row]]
    navs: dict[str, Callable[[Row], list[Row]]] = field(default_factory=dict)
    columns: dict[str, Callable[[Any], Any] | None] = field(init=False)
    """How each property is written; None: as it is."""

    def __post_init__(self) -> None:
        writers = {name: None if kind in AS_IS else WRITERS[kind] for name, kind in self.entity.fields.items()}
        object.__setattr__(self, "columns", writers)


@dataclass(frozen=True, slots=True)
class Company:
    """What the rows are made from."""

    core: ErpCore
    config: S4HanaConfig
    books: Books


def filler(entity: Entity) -> Callable[[Row], Row]:
    """Completes the rows of an entity: what SAP Gateway shows of unset fields."""
    empty = {name: DEFAULTS[kind] for name, kind in entity.fields.items()}
    return lambda values: {**empty, **values}


def user_of(channel: str) -> str:
    """The user a document's channel stands for."""
    return DIALOG_USER if channel == "manual" else channel


def stamped(at_us: int, coarse: bool = False) -> str:
    """The entity tag of a record changed at that instant."""
    at = moment(at_us)
    return etag_of(at.replace(microsecond=0) if coarse else at)


def text(value: object) -> str:
    """A key's value as text."""
    return value if isinstance(value, str) else str(value)


def number(value: object) -> str:
    """A document number without the zeros a client may pad it with."""
    return text(value).lstrip("0")


def item_number(value: object) -> int:
    """An item's number; -1 for what is none."""
    digits = text(value)
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 9 else -1


def wanted(predicate: Predicate | None, name: str) -> list[str] | None:
    """The values a property must have one of, without repeats; None when the filter leaves it open."""
    if predicate is None or name not in predicate.equals:
        return None
    return list(dict.fromkeys(value for value in predicate.equals[name] if isinstance(value, str)))


def changed_since(core: ErpCore, kind: str, predicate: Predicate | None, name: str) -> Iterator[str] | None:
    """Ids of records changed since the instant the filter asks for; None when it asks for none."""
    bound = None if predicate is None else predicate.lower_bounds.get(name)
    if bound is None or not isinstance(bound[0], datetime):
        return None
    try:
        since = microseconds(bound[0] - timedelta(microseconds=1))
    except OverflowError:
        return None
    return iter(dict.fromkeys(change.id for change in core.state.feed.since(kind, since)))


def first_of(rows: Iterable[Row], key: Mapping[str, object]) -> Row | None:
    """The first row with these values."""
    return next((row for row in rows if all(row[name] == value for name, value in key.items())), None)
