"""Associations between records: what the core knows as references, and what only the vendor keeps.

A deal's or contact's primary company and a line item's deal live in the core's references; everything
else (second companies, contacts of deals) is kept here, in both directions.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.hubspot import errors
from o2c_twin.mock_systems.vendors.hubspot.portal import Portal
from o2c_twin.mock_systems.vendors.hubspot.records import Shape
from o2c_twin.mock_systems.vendors.hubspot.schema import PAIRS, Pair

_REFERENCE = {
    ("deals", "companies"): "account_id",
    ("contacts", "companies"): "account_id",
    ("line_items", "deals"): "opportunity_id",
}
"""Which core field holds the primary association of a pair (or, for line items, the only one)."""

Told = Callable[[Pair, str, str, bool, bool], None]
"""Hears of an association: pair, ids, whether it was removed, whether it is primary."""


class Link(msgspec.Struct, frozen=True, gc=False):
    """One association as seen from one record."""

    to: str
    primary: bool


class Links:
    """All associations of a portal."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self.kept: dict[str, dict[str, None]] = {}
        """Ids by ``source:id:target``; one entry a direction."""
        self.told: Told = lambda pair, from_id, to_id, removed, primary: None

    def pair(self, source: Shape, target: Shape) -> Pair:
        """How the two may be associated. Raises `ApiError` when they may not."""
        found = PAIRS.get((source.type.name, target.type.name))
        if found is None:
            raise errors.bad_request(
                f"No associations are defined between {source.type.type_id} and {target.type.type_id}"
            )
        return found

    def of(self, pair: Pair, row: Any) -> list[Link]:
        """The associations of a record, the primary one first; archived records are not among them."""
        core = self._portal.core
        kind = self._portal.shapes[pair.target].kind
        table = core.tables[kind]
        field = _REFERENCE.get((pair.source, pair.target))
        firsts: Iterable[str] = ()
        if field is not None:
            referred = getattr(row, field)
            firsts = (referred,) if referred else ()
        elif (pair.target, pair.source) == ("line_items", "deals"):
            firsts = row.lines
        elif (back := _REFERENCE.get((pair.target, pair.source))) is not None:
            firsts = [each.id for each in core.find(kind, back, row.id)]
        primary = pair.primary != 0
        found = {id_: Link(id_, primary) for id_ in firsts if id_ in table}
        for id_ in self.kept.get(f"{pair.source}:{row.id}:{pair.target}", ()):
            if id_ not in found and id_ in table:
                found[id_] = Link(id_, False)
        return list(found.values())

    def put(self, pair: Pair, row: Any, other: Any, primary: bool) -> tuple[int, ...]:
        """Associate two records; gives the type ids they are associated by now. Raises `ApiError`."""
        forward, back = (pair.source, pair.target), (pair.target, pair.source)
        if forward in _REFERENCE:
            return pair.types(self._refer(pair, row, other, primary))
        if back in _REFERENCE:
            return pair.types(self._refer(PAIRS[back], other, row, primary))
        self._keep(pair, row.id, other.id)
        return pair.types(False)

    def _refer(self, pair: Pair, row: Any, other: Any, primary: bool) -> bool:
        """Associate by the core's reference, or beside it; whether the association is the primary one."""
        core, config = self._portal.core, self._portal.config
        field = _REFERENCE[pair.source, pair.target]
        held = getattr(row, field)
        if held == other.id:
            return pair.primary != 0
        if not pair.primary:
            # A line item has one deal: put to another, it leaves the first (from memory of the vendor's forum).
            self._set(pair, row, field, other.id)
            return False
        gone = not held or held not in core.tables["account"]
        if primary or (gone and config.first_company_is_primary):
            self._drop_kept(pair, row.id, other.id)
            self._set(pair, row, field, other.id)
            if held and not gone:
                self._keep(pair, row.id, held, quiet=True)
            return True
        self._keep(pair, row.id, other.id)
        return False

    def _set(self, pair: Pair, row: Any, field: str, value: str | None) -> None:
        try:
            self._portal.core.update(self._portal.shapes[pair.source].kind, row.id, {field: value})
        except RuleError as broken:
            raise errors.bad_request(f"{broken.code}: {broken.message}") from None

    def _keep(self, pair: Pair, from_id: str, to_id: str, quiet: bool = False) -> None:
        one, two = f"{pair.source}:{from_id}:{pair.target}", f"{pair.target}:{to_id}:{pair.source}"
        if to_id in self.kept.get(one, ()):
            return
        self.kept.setdefault(one, {})[to_id] = None
        self.kept.setdefault(two, {})[from_id] = None
        self._portal.core.on_rollback(lambda: self._forget(one, to_id, two, from_id))
        if not quiet:
            self.told(pair, from_id, to_id, False, False)

    def _drop_kept(self, pair: Pair, from_id: str, to_id: str) -> bool:
        one, two = f"{pair.source}:{from_id}:{pair.target}", f"{pair.target}:{to_id}:{pair.source}"
        if to_id not in self.kept.get(one, ()):
            return False
        self._forget(one, to_id, two, from_id)

        def back() -> None:
            self.kept.setdefault(one, {})[to_id] = None
            self.kept.setdefault(two, {})[from_id] = None

        self._portal.core.on_rollback(back)
        return True

    def _forget(self, one: str, to_id: str, two: str, from_id: str) -> None:
        for key, id_ in ((one, to_id), (two, from_id)):
            ids = self.kept.get(key)
            if ids is not None:
                ids.pop(id_, None)
                if not ids:
                    del self.kept[key]

    def remove(self, pair: Pair, row: Any, other: Any) -> None:
        """Take all associations between two records away; none is no error."""
        for way, one, two in ((pair, row, other), (PAIRS[pair.target, pair.source], other, row)):
            field = _REFERENCE.get((way.source, way.target))
            if field is not None and getattr(one, field) == two.id:
                self._set(way, one, field, None if way.primary else "")
        if self._drop_kept(pair, row.id, other.id):
            self.told(pair, row.id, other.id, True, False)
