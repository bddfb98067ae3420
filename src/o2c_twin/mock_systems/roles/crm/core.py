"""The CRM's core: records with custom fields, unique keys, stages; each change whole or not at all."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from o2c_twin.mock_systems.roles.crm.records import Account, Contact, CrmState, Opportunity, OpportunityLine, Product
from o2c_twin.mock_systems.roles.records import Change, ChangeKind, Listener, RuleError

Record = Account | Contact | Product | Opportunity | OpportunityLine
STAGES = (
    "Prospecting",
    "Qualification",
    "Needs Analysis",
    "Value Proposition",
    "Id. Decision Makers",
    "Perception Analysis",
    "Proposal/Price Quote",
    "Negotiation/Review",
    "Closed Won",
    "Closed Lost",
)
WON, LOST = "Closed Won", "Closed Lost"
_REQUIRED = {"contact": ("last_name",), "account": ("name",), "opportunity": ("name", "stage", "close_date")}
_REFERENCES = {
    "account_id": "account",
    "parent_id": "account",
    "opportunity_id": "opportunity",
    "product_id": "product",
}


class CrmCore:
    """One company's CRM.

    ``new_id(kind, n)`` spells the id of the n-th record of a kind as the vendor does; ``unique``
    names, by kind, the custom fields whose values must be unique (external ids).
    """

    def __init__(
        self,
        now: Callable[[], int],
        new_id: Callable[[str, int], str],
        unique: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self._now = now
        self._new_id = new_id
        self._unique = dict(unique or {})
        self.listeners: list[Listener] = []
        self._load(CrmState())

    def _load(self, state: CrmState) -> None:
        self.state = state
        self.tables: dict[str, dict[str, Any]] = {
            "account": state.accounts,
            "contact": state.contacts,
            "product": state.products,
            "opportunity": state.opportunities,
            "line": state.lines,
        }
        self._types: dict[str, type] = {
            "account": Account,
            "contact": Contact,
            "product": Product,
            "opportunity": Opportunity,
            "line": OpportunityLine,
        }
        self._keys: dict[tuple[str, str, str], str] = {}
        for kind, fields in self._unique.items():
            for record in self.tables[kind].values():
                for field in fields:
                    if record.custom.get(field) is not None:
                        self._keys[kind, field, str(record.custom[field])] = record.id

    def snapshot(self) -> bytes:
        """The whole state as bytes."""
        return msgspec.msgpack.encode(self.state)

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot; listeners stay."""
        self._load(msgspec.msgpack.decode(snapshot, type=CrmState))

    def _changed(self, kind: str, id_: str, what: ChangeKind, at: int) -> None:
        change = Change(at, kind, id_, what)
        self.state.feed.by_kind.setdefault(kind, []).append(change)
        for listener in self.listeners:
            listener(change)

    def get(self, kind: str, id_: str) -> Any:
        """The record. Raises `RuleError` ``not-found``, or ``deleted`` when there was one."""
        record = self.tables[kind].get(id_)
        if record is None:
            if id_ in self.state.deleted.get(kind, {}):
                raise RuleError("deleted", f"{kind} {id_} was deleted")
            raise RuleError("not-found", f"no {kind} {id_}")
        return record

    def by_key(self, kind: str, field: str, value: str) -> Any | None:
        """The record whose unique custom field has this value."""
        id_ = self._keys.get((kind, field, value))
        return None if id_ is None else self.tables[kind][id_]

    def has_key(self, kind: str, field: str) -> bool:
        """Whether ``field`` is a unique key of ``kind``."""
        return field in self._unique.get(kind, ())

    def create(self, kind: str, values: Mapping[str, Any], custom: Mapping[str, Any] | None = None) -> Any:
        """Create a record from core fields and custom fields. Raises `RuleError`."""
        missing = [f for f in _REQUIRED.get(kind, ()) if not values.get(f)]
        if missing:
            raise RuleError("required", ", ".join(missing), missing[0])
        self._check(kind, values, custom or {}, None)
        now = self._now()
        id_ = self._new_id(kind, self.state.numbers.next(kind))
        record = self._types[kind](id=id_, **values)
        record.created_at = record.modified_at = now
        if kind == "product" and not record.price_id:
            record.price_id = self._new_id("price", self.state.numbers.next("price"))
        if custom:
            self._set_custom(kind, record, custom)
        self.tables[kind][id_] = record
        if kind == "line":
            self._roll_up(record, now)
        self._changed(kind, id_, "created", now)
        return record

    def update(self, kind: str, id_: str, values: Mapping[str, Any], custom: Mapping[str, Any] | None = None) -> Any:
        """Change fields of a record. Raises `RuleError`."""
        record = self.get(kind, id_)
        if kind == "opportunity" and "amount_minor" in values and record.lines:
            raise RuleError("computed", "amount is the sum of the lines", "amount_minor")
        for field in _REQUIRED.get(kind, ()):
            if field in values and not values[field]:
                raise RuleError("required", field, field)
        self._check(kind, values, custom or {}, id_)
        for field, value in values.items():
            setattr(record, field, value)
        if custom:
            self._set_custom(kind, record, custom)
        record.modified_at = self._now()
        if kind == "line":
            self._roll_up(record, record.modified_at)
        self._changed(kind, id_, "updated", record.modified_at)
        return record

    def delete(self, kind: str, id_: str) -> None:
        """Delete a record; it stays visible to those who ask for deleted ones."""
        record = self.get(kind, id_)
        now = self._now()
        del self.tables[kind][id_]
        for field in self._unique.get(kind, ()):
            self._keys.pop((kind, field, str(record.custom.get(field))), None)
        self.state.deleted.setdefault(kind, {})[id_] = now
        if kind == "line":
            opportunity = self.tables["opportunity"].get(record.opportunity_id)
            if opportunity is not None:
                opportunity.lines.remove(id_)
                self._roll_up(record, now)
        self._changed(kind, id_, "deleted", now)

    def _check(self, kind: str, values: Mapping[str, Any], custom: Mapping[str, Any], id_: str | None) -> None:
        if "stage" in values and values["stage"] not in STAGES:
            raise RuleError("bad-picklist", str(values["stage"]), "stage")
        for field, target in _REFERENCES.items():
            value = values.get(field)
            if value is not None and value not in self.tables[target]:
                raise RuleError("bad-reference", str(value), field)
        for field in self._unique.get(kind, ()):
            value = custom.get(field)
            if value is not None:
                holder = self._keys.get((kind, field, str(value)))
                if holder is not None and holder != id_:
                    raise RuleError("duplicate", holder, field)

    def _set_custom(self, kind: str, record: Any, custom: Mapping[str, Any]) -> None:
        for field in self._unique.get(kind, ()):
            if field in custom:
                self._keys.pop((kind, field, str(record.custom.get(field))), None)
                if custom[field] is not None:
                    self._keys[kind, field, str(custom[field])] = record.id
        record.custom.update(custom)

    def _roll_up(self, line: OpportunityLine, now: int) -> None:
        opportunity = self.state.opportunities[line.opportunity_id]
        if line.id in self.state.lines and line.id not in opportunity.lines:
            opportunity.lines.append(line.id)
        rows = [self.state.lines[i] for i in opportunity.lines]
        opportunity.amount_minor = sum(r.quantity * r.unit_price_minor for r in rows) if rows else None
        opportunity.modified_at = now
