"""The CRM's core: records with custom fields, unique keys, stages; each change whole or not at all."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from o2c_twin.mock_systems.roles.crm.keys import Keys
from o2c_twin.mock_systems.roles.crm.records import Account, Contact, CrmState, Opportunity, OpportunityLine, Product
from o2c_twin.mock_systems.roles.crm.rules import CrmRules
from o2c_twin.mock_systems.roles.crm.undo import Step, Undo, saved_fields, saved_place
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
_TYPES: dict[str, type] = {
    "account": Account,
    "contact": Contact,
    "product": Product,
    "opportunity": Opportunity,
    "line": OpportunityLine,
}
_REFERENCES = {
    "account_id": "account",
    "parent_id": "account",
    "opportunity_id": "opportunity",
    "product_id": "product",
}


class CrmCore:
    """One company's CRM.

    ``new_id(kind, n)`` spells the id of the n-th record of a kind as the vendor does; ``unique``
    names, by kind, the custom fields whose values must be unique (external ids); ``lookups`` more
    fields, core or custom, by which records are to be found without a scan; ``rules`` what vendors
    differ in.
    """

    def __init__(
        self,
        now: Callable[[], int],
        new_id: Callable[[str, int], str],
        unique: Mapping[str, tuple[str, ...]] | None = None,
        lookups: Mapping[str, tuple[str, ...]] | None = None,
        rules: CrmRules | None = None,
    ) -> None:
        self._now = now
        self._rules = rules or CrmRules()
        self._new_id = new_id
        self._keys = Keys(_TYPES, unique or {}, lookups or {})
        self._undo: Undo | None = None
        self.listeners: list[Listener] = []
        self._load(CrmState())

    def _load(self, state: CrmState) -> None:
        self.state = state
        self.tables: dict[str, dict[str, Any]] = _by_kind(state)
        self.bins: dict[str, dict[str, Any]] = _by_kind(state.bin)
        self._keys.clear()
        for kind, table in self.tables.items():
            for record in table.values():
                self._keys.add(kind, record)

    def snapshot(self) -> bytes:
        """The whole state as bytes."""
        return msgspec.msgpack.encode(self.state)

    def restore(self, snapshot: bytes) -> None:
        """Go back to a snapshot; listeners stay."""
        self._load(msgspec.msgpack.decode(snapshot, type=CrmState))

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Changes made inside are made all together or, when the block raises, not at all.

        Listeners hear of them when the block ends. Blocks may be nested: an inner one may fail alone.
        """
        outer, undo = self._undo, Undo(self.state)
        self._undo = undo
        try:
            yield
        except BaseException:
            undo.roll_back()
            raise
        finally:
            self._undo = outer
        if outer is not None:
            outer.absorb(undo)
            return
        for change in undo.untold:
            self._tell(change)

    def on_rollback(self, step: Step) -> None:
        """Inside `whole`: what else to take back, for those who keep something beside the core."""
        if self._undo is not None:
            self._undo.steps.append(step)

    def _tell(self, change: Change) -> None:
        for listener in self.listeners:
            listener(change)

    def _changed(self, kind: str, id_: str, what: ChangeKind, at: int) -> None:
        change = Change(at, kind, id_, what)
        self.state.feed.by_kind.setdefault(kind, []).append(change)
        if self._undo is None:
            self._tell(change)
        else:
            self._undo.untold.append(change)

    def get(self, kind: str, id_: str) -> Any:
        """The record. Raises `RuleError` ``not-found``, or ``deleted`` when there was one."""
        record = self.tables[kind].get(id_)
        if record is None:
            if id_ in self.bins[kind]:
                raise RuleError("deleted", f"{kind} {id_} was deleted")
            raise RuleError("not-found", f"no {kind} {id_}")
        return record

    def by_key(self, kind: str, field: str, value: str) -> Any | None:
        """The record whose unique custom field has this value."""
        found = self._keys.find(kind, field, value)
        return self.tables[kind][found[0]] if found else None

    def find(self, kind: str, field: str, value: str) -> list[Any]:
        """All records whose ``field``, a unique key or a lookup, has this value."""
        table = self.tables[kind]
        return [table[id_] for id_ in self._keys.find(kind, field, value)]

    def add_key(self, kind: str, field: str) -> None:
        """Make a custom field unique from now on. Raises `RuleError` ``duplicate`` when two records share a value."""
        held: dict[str, str] = {}
        for record in self.tables[kind].values():
            value = record.custom.get(field)
            if value is not None and held.setdefault(str(value), record.id) != record.id:
                raise RuleError("duplicate", held[str(value)], field)
        self._keys.add_unique(kind, field, self.tables[kind].values())

    def has_key(self, kind: str, field: str) -> bool:
        """Whether ``field`` is a unique key of ``kind``."""
        return field in self._keys.unique.get(kind, ())

    def can_find(self, kind: str, field: str) -> bool:
        """Whether `find` knows ``field``."""
        return self._keys.knows(kind, field)

    def create(self, kind: str, values: Mapping[str, Any], custom: Mapping[str, Any] | None = None) -> Any:
        """Create a record from core fields and custom fields. Raises `RuleError`."""
        missing = [f for f in self._rules.required.get(kind, ()) if not values.get(f)]
        if missing:
            raise RuleError("required", ", ".join(missing), missing[0])
        self._check(kind, values, custom or {}, None)
        now = self._now()
        id_ = self._new_id(kind, self.state.numbers.next(kind))
        record = _TYPES[kind](id=id_, **values)
        record.created_at = record.modified_at = now
        if kind == "product" and not record.price_id:
            record.price_id = self._new_id("price", self.state.numbers.next("price"))
        if custom:
            record.custom.update(custom)
        self.tables[kind][id_] = record
        self._keys.add(kind, record)
        if self._undo is not None:
            self._undo.steps.append(lambda: self._forget(kind, id_))
        self._changed(kind, id_, "created", now)
        if kind == "line":
            self._roll_up(record, now)
        return record

    def _forget(self, kind: str, id_: str) -> None:
        self._keys.drop(kind, self.tables[kind].pop(id_))

    def update(self, kind: str, id_: str, values: Mapping[str, Any], custom: Mapping[str, Any] | None = None) -> Any:
        """Change fields of a record. Raises `RuleError`."""
        record = self.get(kind, id_)
        custom = custom or {}
        if kind == "opportunity" and "amount_minor" in values and record.lines and self._rules.amount_follows_lines:
            raise RuleError("computed", "amount is the sum of the lines", "amount_minor")
        left = None
        if kind == "line" and values.get("opportunity_id", record.opportunity_id) != record.opportunity_id:
            if not self._rules.lines_move:
                raise RuleError("fixed", "a line stays with its opportunity", "opportunity_id")
            left = record.opportunity_id
        for field in self._rules.required.get(kind, ()):
            if field in values and not values[field]:
                raise RuleError("required", field, field)
        self._check(kind, values, custom, id_)
        if self._undo is not None:
            self._remember(kind, record)
        keyed = self._keys.touched(kind, values, custom)
        if keyed:
            self._keys.drop(kind, record)
        for field, value in values.items():
            setattr(record, field, value)
        if custom:
            record.custom.update(custom)
        if keyed:
            self._keys.add(kind, record)
        record.modified_at = self._now()
        self._changed(kind, id_, "updated", record.modified_at)
        if kind == "line":
            if left:
                self._roll_up(record, record.modified_at, left)
            self._roll_up(record, record.modified_at)
        return record

    def _remember(self, kind: str, record: Any) -> None:
        restore = saved_fields(record)

        def step() -> None:
            self._keys.drop(kind, record)
            restore()
            self._keys.add(kind, record)

        self.on_rollback(step)

    def delete(self, kind: str, id_: str) -> None:
        """Delete a record, an opportunity with its lines; it stays visible to those who ask for deleted ones."""
        record = self.get(kind, id_)
        now = self._now()
        if kind == "opportunity":
            for line_id in record.lines:
                self._drop("line", line_id, now)
        self._drop(kind, id_, now)
        if kind == "line":
            self._roll_up(record, now)

    def _drop(self, kind: str, id_: str, now: int) -> None:
        table = self.tables[kind]
        if self._undo is not None:
            self._undo.steps.append(self._way_back(kind, id_))
        record = table.pop(id_)
        self._keys.drop(kind, record)
        record.modified_at = now
        self.bins[kind][id_] = record
        self._changed(kind, id_, "deleted", now)

    def _way_back(self, kind: str, id_: str) -> Step:
        record = self.tables[kind][id_]
        fields, place = saved_fields(record), saved_place(self.tables[kind], id_)

        def step() -> None:
            del self.bins[kind][id_]
            fields()
            place()
            self._keys.add(kind, record)

        return step

    def _check(self, kind: str, values: Mapping[str, Any], custom: Mapping[str, Any], id_: str | None) -> None:
        if "stage" in values and values["stage"] not in STAGES:
            raise RuleError("bad-picklist", str(values["stage"]), "stage")
        for field, target in _REFERENCES.items() if values else ():
            value = values.get(field)
            if value == "" and kind == "line" and field not in self._rules.required.get(kind, ()):
                continue
            if value is not None and value not in self.tables[target]:
                raise RuleError("bad-reference", str(value), field)
        for field in self._keys.unique.get(kind, ()):
            value = custom.get(field)
            if value is not None:
                for holder in self._keys.find(kind, field, str(value)):
                    if holder != id_:
                        raise RuleError("duplicate", holder, field)

    def _roll_up(self, line: OpportunityLine, now: int, left: str = "") -> None:
        # ``left`` is the opportunity a line has gone from.
        opportunity = self.state.opportunities.get(left or line.opportunity_id)
        if opportunity is None:
            return
        if self._undo is not None:
            self._remember("opportunity", opportunity)
        if left or line.id not in self.state.lines:
            opportunity.lines.remove(line.id)
        elif line.id not in opportunity.lines:
            opportunity.lines.append(line.id)
        if self._rules.amount_follows_lines:
            opportunity.amount_minor = _total(self.state.lines[i] for i in opportunity.lines)
        opportunity.modified_at = now
        self._changed("opportunity", opportunity.id, "updated", now)


def _total(lines: Iterable[OpportunityLine]) -> int | None:
    amounts = [line.quantity * line.unit_price_minor for line in lines]
    return sum(amounts) if amounts else None


def _by_kind(records: Any) -> dict[str, dict[str, Any]]:
    return {
        "account": records.accounts,
        "contact": records.contacts,
        "product": records.products,
        "opportunity": records.opportunities,
        "line": records.lines,
    }
