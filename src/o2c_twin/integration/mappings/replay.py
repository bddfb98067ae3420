"""What a changed map would have made of past documents: which fields, which documents, what money."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from o2c_twin.integration.mappings.compiling import CompiledMap
from o2c_twin.integration.mappings.errors import NotMapped
from o2c_twin.integration.mappings.examples import ABSENT, differences
from o2c_twin.integration.mappings.money import Rounder, number
from o2c_twin.integration.mappings.spec import Worth


@dataclass(frozen=True, slots=True)
class Document:
    """A past document: ``key`` names it, ``content`` is what the map was given, with ``given``."""

    key: str
    content: Any
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of one target document; None also stands for one that is not there."""

    path: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """One document that comes out otherwise. ``refused_*`` says why a map refuses it; worth in minor units."""

    key: str
    fields: tuple[FieldChange, ...]
    currency: str = ""
    old_worth: int = 0
    new_worth: int = 0
    refused_old: str = ""
    refused_new: str = ""


@dataclass(frozen=True, slots=True)
class Money:
    """Per currency, in minor units: what all documents were worth under either map, and all differences added up
    without their signs (two errors that cancel out are still two errors).

    A document one of the maps refuses is in neither sum.
    """

    old: int = 0
    new: int = 0
    moved: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """The outcome of a replay."""

    documents: int
    changes: tuple[DocumentChange, ...]
    money: Mapping[str, Money]

    @property
    def fields(self) -> dict[str, int]:
        """Field (items of lists taken together) to the number of documents in which it changes."""
        counts: dict[str, int] = {}
        for change in self.changes:
            for path in dict.fromkeys(_of_all_items(each.path) for each in change.fields):
                counts[path] = counts.get(path, 0) + 1
        return dict(sorted(counts.items()))

    def lines(self) -> Iterator[str]:
        """For a person who is to release the map."""
        refused = sum(1 for change in self.changes if change.refused_new and not change.refused_old)
        freed = sum(1 for change in self.changes if change.refused_old and not change.refused_new)
        yield f"{len(self.changes)} of {self.documents} documents change; {refused} newly refused, {freed} no longer"
        for path, count in self.fields.items():
            yield f"{path}: in {count} documents"
        for currency, money in sorted(self.money.items()):
            yield f"{currency}: {money.old} before, {money.new} after, {money.moved} moved (minor units)"


def replay(old: CompiledMap, new: CompiledMap, documents: Iterable[Document]) -> Difference:
    """What the new map makes of documents that went through the old one. Pure; keeps only what differs."""
    count, changes = 0, []
    money: dict[str, Money] = {}
    for document in documents:
        count += 1
        was, refused_old = _made(old, document)
        now, refused_new = _made(new, document)
        currency, old_worth = ("", 0) if refused_old else _worth(old, document, was)
        new_currency, new_worth = ("", 0) if refused_new else _worth(new, document, now)
        if currency and new_currency and not (refused_old or refused_new):
            _add(money, currency, Money(old=old_worth))
            _add(money, new_currency, Money(new=new_worth))
            moved = abs(new_worth - old_worth) if currency == new_currency else abs(old_worth)
            _add(money, currency, Money(moved=moved))
            if currency != new_currency:
                _add(money, new_currency, Money(moved=abs(new_worth)))
        if refused_old or refused_new:
            if refused_old != refused_new:
                change = DocumentChange(document.key, (), currency, old_worth, new_worth, refused_old, refused_new)
                changes.append(change)
            continue
        fields = tuple(FieldChange(path, _told(a), _told(b)) for path, a, b in differences(_plain(was), _plain(now)))
        if fields or old_worth != new_worth:
            changes.append(DocumentChange(document.key, fields, currency or new_currency, old_worth, new_worth))
    return Difference(count, tuple(changes), money)


def _made(compiled: CompiledMap, document: Document) -> tuple[Any, str]:
    try:
        return compiled(document.content, document.given), ""
    except NotMapped as refusal:
        return None, str(refusal)


def _plain(made: Any) -> Any:
    return msgspec.to_builtins(made, builtin_types=(Decimal,))


def _told(value: Any) -> Any:
    return None if value is ABSENT else value


def _add(money: dict[str, Money], currency: str, more: Money) -> None:
    there = money.get(currency, Money())
    money[currency] = Money(there.old + more.old, there.new + more.new, there.moved + more.moved)


def _of_all_items(path: str) -> str:
    return ".".join(part.split("[", 1)[0] for part in path.split("."))


def _worth(compiled: CompiledMap, document: Document, made: Any) -> tuple[str, int]:
    """Currency and worth in minor units of a target document; no currency where the map does not say."""
    worth = compiled.spec.worth
    if worth is None:
        return "", 0
    currency = compiled.written_currency(document.content, document.given)
    target = _plain(made)
    items = (_at(target, worth.each) or ()) if worth.each else (target,)
    return currency, sum(_minor(compiled, worth, item, currency) for item in items)


def _minor(compiled: CompiledMap, worth: Worth, item: Any, currency: str) -> int:
    amount, quantity = _at(item, worth.amount), _at(item, worth.quantity) if worth.quantity else 1
    if amount is None or quantity is None:
        return 0
    if compiled.worth_in_minor:
        return int(amount) * int(quantity)
    return Rounder("half-up").to_minor(number(amount) * number(quantity), currency)


def _at(target: Any, path: str) -> Any:
    for part in path.split("."):
        if target is None:
            return None
        target = target.get(part)
    return target
