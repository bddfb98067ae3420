"""One org: the core, its fixed rows, and what the vendor keeps that the core does not."""

from collections.abc import Iterable
from typing import Any

import msgspec

from o2c_twin.mock_systems.roles.crm import CrmCore
from o2c_twin.mock_systems.vendors.salesforce import errors
from o2c_twin.mock_systems.vendors.salesforce.config import BadSetting, SalesforceConfig
from o2c_twin.mock_systems.vendors.salesforce.ids import PREFIXES, Ids, canonical
from o2c_twin.mock_systems.vendors.salesforce.schema import SObject, sobjects_of
from o2c_twin.mock_systems.wire.ports import World

UNPRICED = "PricebookEntry.IsDeleted"
"""Among a product's own values: it has no entry in the price book (yet, or no more)."""


class FixedRow(msgspec.Struct, frozen=True):
    """A user, the organization or the price book: there from the start, never changed."""

    id: str
    name: str
    username: str = ""
    last_name: str = ""
    edition: str = ""
    instance: str = ""
    currency: str = ""
    active: bool = True
    standard: bool = False
    sandbox: bool = False
    custom: dict[str, Any] = {}
    created_at: int = 0
    modified_at: int = 0


class Traces(msgspec.Struct):
    """Who did it: the core does not ask, the vendor's audit fields tell.

    By record id: the instant of the last change through the API, and what was created through it. A
    record changed since then was changed by people.
    """

    touched: dict[str, int] = {}
    made: dict[str, None] = {}


class Org:
    """The core under the vendor's names. Raises `BadSetting` for a config that cannot be served."""

    def __init__(self, world: World, config: SalesforceConfig) -> None:
        self.config = config
        self.ids = Ids(config.seed)
        org_id = canonical(config.org_id)
        if org_id is None or org_id[:3] != PREFIXES["organization"]:
            raise BadSetting(f"org_id: {config.org_id!r} is no id of an organization; give 15 characters after 00D…")
        self.sobjects = sobjects_of(config)
        self.core = CrmCore(world.clock.now, self.ids.spell, _keys(self.sobjects, True), _keys(self.sobjects, False))
        self.traces = Traces()
        born = world.clock.now()
        self.user = FixedRow(
            self.ids.spell("user", 1),
            "Integration User",
            config.username,
            "User",
            created_at=born,
            modified_at=born,
        )
        self.staff = FixedRow(
            self.ids.spell("user", 2),
            "Sales Staff",
            f"sales.{config.username}",
            "Staff",
            created_at=born,
            modified_at=born,
        )
        self.book = FixedRow(
            self.ids.spell("book", 1), "Standard Price Book", standard=True, created_at=born, modified_at=born
        )
        self.organization = FixedRow(
            org_id,
            "Twin Org",
            edition=f"{config.edition.capitalize()} Edition",
            instance=self.ids.spell("organization", 1)[3:5].upper(),
            currency=config.currency,
            sandbox=config.edition == "sandbox",
            created_at=born,
            modified_at=born,
        )
        self.fixed: dict[str, dict[str, FixedRow]] = {
            "User": {self.user.id: self.user, self.staff.id: self.staff},
            "Pricebook2": {self.book.id: self.book},
            "Organization": {self.organization.id: self.organization},
        }

    def priced(self, product: Any) -> bool:
        """Whether a product has an entry in the price book."""
        return not product.custom.get(UNPRICED)

    def lookup(self, sobject: SObject, id_: str, deleted: bool = False) -> Any | None:
        """The row of an 18-character id; with ``deleted`` also from the recycle bin."""
        kind = sobject.kind
        if not kind:
            return self.fixed[sobject.name].get(id_)
        if sobject.borrowed:
            return next((p for p in self.core.find(kind, "price_id", id_) if self.priced(p)), None)
        row = self.core.tables[kind].get(id_)
        return self.core.bins[kind].get(id_) if row is None and deleted else row

    def row(self, sobject: SObject, text: str) -> Any:
        """The row a path names by id. Raises `ApiError`."""
        row = self.lookup(sobject, text)
        if row is not None:
            return row
        id_ = canonical(text)
        if id_ is None:
            if text.isascii() and text.isalnum() and len(text) in (15, 18):
                raise errors.ApiError(400, "MALFORMED_ID", f"malformed id {text}")
            raise errors.no_key_field(text)
        row = self.lookup(sobject, id_)
        if row is None:
            raise errors.deleted() if self.is_deleted(sobject, id_) else errors.not_found()
        return row

    def is_deleted(self, sobject: SObject, id_: str) -> bool:
        """Whether there was such a record."""
        if sobject.borrowed:
            return bool(self.core.find(sobject.kind, "price_id", id_))
        return bool(sobject.kind) and id_ in self.core.bins[sobject.kind]

    def rows(self, sobject: SObject) -> Iterable[Any]:
        """All rows that are not deleted, oldest first."""
        if not sobject.kind:
            return self.fixed[sobject.name].values()
        rows = self.core.tables[sobject.kind].values()
        return filter(self.priced, rows) if sobject.borrowed else rows

    def trace(self, record: Any, created: bool = False) -> None:
        """Remember that the API user made or changed a record just now."""
        touched, made, id_ = self.traces.touched, self.traces.made, record.id
        before = touched.get(id_)
        touched[id_] = record.modified_at
        if created:
            made[id_] = None

        def back() -> None:
            if before is None:
                del touched[id_]
            else:
                touched[id_] = before
            if created:
                made.pop(id_, None)

        self.core.on_rollback(back)

    def creator(self, row: Any) -> str:
        """Id of the user who created a record."""
        return self.user.id if row.id in self.traces.made else self.staff.id

    def modifier(self, row: Any) -> str:
        """Id of the user who changed a record last."""
        return self.user.id if self.traces.touched.get(row.id) == row.modified_at else self.staff.id


def _keys(sobjects: tuple[SObject, ...], unique: bool) -> dict[str, tuple[str, ...]]:
    """By kind: unique fields, or else the others by which records are to be found."""
    found: dict[str, tuple[str, ...]] = {}
    for sobject in sobjects:
        if sobject.has_changes:
            own = tuple(f.name for f in sobject.fields if (f.unique if unique else f.key and not f.unique))
            relations = () if unique else _RELATIONS.get(sobject.kind, ())
            found[sobject.kind] = (*own, *relations)
    return found


_RELATIONS = {
    "account": ("parent_id",),
    "contact": ("account_id",),
    "opportunity": ("account_id",),
    "product": ("price_id",),
    "line": ("product_id",),
}
