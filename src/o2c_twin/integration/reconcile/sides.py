"""What there should be and what there is, place by place, from the rows of both systems and the engine's memory.

Compared is what must agree: that a deal's order, a customer, a delivery's bill is there; what sales reads of an order;
what the ERP knows of a customer whose master is the CRM (`governance.field_groups`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from o2c_twin.integration.model import Party
from o2c_twin.integration.reconcile.currencies import limits_compare
from o2c_twin.integration.reconcile.digests import Place, Values, values_of
from o2c_twin.integration.reconcile.memory import Memory
from o2c_twin.integration.reconcile.plan import Reference
from o2c_twin.integration.reconcile.ports import UNDATED, Gone, Row, Value

THERE: Values = (("record", "there"),)
_STATUS = ("credit", "fulfilment")
_MASTER = ("name", "number", "terms_days", "credit_limit_minor", "email")


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of one look. ``whole``: all of them, and not just those of a span of time."""

    crm: tuple[Row, ...]
    erp: tuple[Row, ...]
    gone_crm: tuple[Gone, ...] = ()
    gone_erp: tuple[Gone, ...] = ()
    whole: bool = True
    unread: frozenset[tuple[str, str, str]] = frozenset()
    """Records (role, kind, id) that are there and could not be read: nothing is said of them."""
    kept: Callable[[str, Value], Value] = lambda _, value: value
    """How the ERP keeps a customer's field (`Listing.kept`)."""

    def of(self, role: str, kind: str) -> dict[str, Row]:
        """Rows of a kind, by id."""
        return {row.id: row for row in (self.crm if role == "crm" else self.erp) if row.kind == kind}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a place's comparison rests on. ``at``: the last change in any of it (epoch microseconds)."""

    lanes: tuple[str, ...]
    at: int
    amount_minor: int
    references: tuple[Reference, ...]
    rows: tuple[Row, ...]
    told: bool = False
    """The engine has told of what there should be already: so what there is was changed since."""
    waits: bool = True
    """Whether other work in its lanes is waited for; none of it can be about an event nobody ever heard of."""


@dataclass(slots=True)
class Sides:
    """Both sides of a look, and the evidence by place. ``now`` dates what nobody can date."""

    now: int
    wanted: dict[Place, Values] = field(default_factory=dict)
    found: dict[Place, Values] = field(default_factory=dict)
    evidence: dict[Place, Evidence] = field(default_factory=dict)

    def put(self, place: Place, wanted: Values, found: Values | None, evidence: Evidence) -> None:
        """Both sides of a place."""
        self.wanted[place] = wanted
        if found is not None:
            self.found[place] = found
        self.evidence[place] = evidence


def sides_of(rows: Found, memory: Memory, now: int) -> Sides:
    """Both sides of a look."""
    sides = Sides(now)
    _customers(sides, rows, memory)
    _deals(sides, rows, memory)
    _shipments(sides, rows, memory)
    return sides


# --- customers -----------------------------------------------------------------------------------


def _customers(sides: Sides, rows: Found, memory: Memory) -> None:
    accounts, customers = rows.of("crm", "customer"), rows.of("erp", "customer")
    deleted_at = {gone.id: gone.at for gone in rows.gone_erp if gone.kind == "customer"}
    linked = {id_: known for id_ in accounts if (known := memory.customer_of(id_)) is not None}
    shared: dict[str, int] = {}
    for customer_id in linked.values():
        shared[customer_id] = shared.get(customer_id, 0) + 1
    for account_id, customer_id in linked.items():
        account, customer = accounts[account_id], customers.get(customer_id)
        lanes, references = (f"party:{account_id}",), _refer(("crm", account), ("erp", customer))
        if ("erp", "customer", customer_id) in rows.unread:
            continue
        if customer is None:
            lost = Evidence(lanes, _gone_at(customer_id, deleted_at, account, sides), 0, references, (account,))
            if rows.whole or customer_id in deleted_at:
                sides.put(Place("customer", customer_id, "there"), THERE, None, lost)
            continue
        at = max(account.at, customer.at)
        told = memory.has_told(party_of(account))
        # What the account says has been so since it was changed, whatever happens to the customer meanwhile.
        evidence = Evidence(lanes, at if told else account.at, 0, references, (account, customer), told)
        wanted = {name: rows.kept(name, value) for name, value in _master_of(account, memory, told).items()}
        if not limits_compare(account, customer):
            wanted.pop("credit_limit_minor", None)
        # Two accounts of one customer may spell it differently, and one that was there before has its own words.
        if wanted and (not told or (shared[customer_id] == 1 and memory.made(account_id))):
            found = {name: customer.fields.get(name) for name in wanted}
            sides.put(Place("customer", account_id, "master"), values_of(wanted), values_of(found), evidence)
        if memory.noted_party(account_id):
            found = {"erp_id": account.fields.get("erp_id")}
            told_id = Evidence(lanes, at, 0, references, (account, customer), told=True)
            sides.put(Place("customer", account_id, "link"), (("erp_id", customer_id),), values_of(found), told_id)
    _accounts_gone(sides, rows, memory, accounts, customers)


def _accounts_gone(
    sides: Sides, rows: Found, memory: Memory, accounts: dict[str, Row], customers: dict[str, Row]
) -> None:
    for gone in rows.gone_crm:
        customer = customers.get(memory.customer_of(gone.id) or "") if gone.kind == "customer" else None
        if customer is not None and gone.id not in accounts:
            evidence = Evidence((f"party:{gone.id}",), gone.at, 0, _refer(("erp", customer)), (customer,))
            sides.put(Place("account", gone.id, "there"), THERE, None, evidence)


def party_of(account: Row) -> Party:
    """The party a row of the CRM tells of."""
    fields = account.fields
    terms, limit = fields.get("terms_days"), fields.get("credit_limit_minor")
    return Party(
        account.id,
        str(fields.get("name")),
        _text(fields.get("number")),
        _text(fields.get("email")),
        30 if terms is None else int(terms),
        None if limit is None else int(limit),
        **({"currency": account.currency} if account.currency else {}),
        modified_at=account.at,
        entity=_text(fields.get("entity")),
    )


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def _master_of(account: Row, memory: Memory, told: bool) -> dict[str, Value]:
    """What the ERP should know of an account. What finance may decide there is wanted only when sales has changed."""
    names = [
        name for name in _MASTER if not (told and name in memory.by_finance) and (name != "number" or memory.matched)
    ]
    return {name: value for name in names if (value := account.fields.get(name)) is not None}


# --- deals and orders ----------------------------------------------------------------------------


def _deals(sides: Sides, rows: Found, memory: Memory) -> None:
    deals, orders = rows.of("crm", "deal"), rows.of("erp", "order")
    deleted_deals = {gone.id: gone.at for gone in rows.gone_crm if gone.kind == "deal"}
    deleted_orders = {gone.id: gone.at for gone in rows.gone_erp if gone.kind == "order"}
    invoices: dict[str, list[Row]] = {}
    for invoice in rows.of("erp", "invoice").values():
        invoices.setdefault(str(invoice.fields["order"]), []).append(invoice)
    # One that could not be read may be any that is missing.
    read = rows.whole and not any(role == "erp" and kind == "invoice" for role, kind, _ in rows.unread)
    of_deal: dict[str, list[Row]] = {}
    for order in orders.values():
        deal_id = memory.deal_of(order.id, order.fields["external_id"])
        if deal_id is not None:
            of_deal.setdefault(deal_id, []).append(order)
    for deal_id in {**deals, **of_deal}:
        deal, made = deals.get(deal_id), of_deal.get(deal_id, [])
        if ("crm", "deal", deal_id) in rows.unread:
            continue
        if deal is None:
            if rows.whole or deal_id in deleted_deals:
                order = made[-1]
                at = deleted_deals.get(deal_id, sides.now)
                lanes, references = _lanes_of(order), _refer(("erp", order))
                evidence = Evidence(lanes, at, order.amount_minor, references, (order,))
                sides.put(Place("deal", deal_id, "there"), THERE, None, evidence)
        elif not made:
            _without_order(sides, deal, orders, deleted_orders, memory, rows)
        else:
            known = memory.order_of(deal_id)
            order = next((each for each in made if each.id == known), made[-1])
            _with_order(sides, deal, order, invoices.get(order.id, []), memory, read)


def _without_order(
    sides: Sides, deal: Row, orders: dict[str, Row], deleted: dict[str, int], memory: Memory, rows: Found
) -> None:
    noted = _text(deal.fields["order_id"])
    known = memory.order_of(deal.id)
    if known is None and noted is not None and memory.deal_of(noted, None) == deal.id:
        known = noted
    party = f"party:{deal.fields['account']}"
    if known is not None:
        missing = known not in orders and ("erp", "order", known) not in rows.unread
        if missing and (rows.whole or known in deleted):
            lanes, references = (f"order:{known}", party), _refer(("crm", deal))
            at = _gone_at(known, deleted, deal, sides)
            evidence = Evidence(lanes, at, deal.amount_minor, references, (deal,))
            sides.put(Place("order", known, "there"), THERE, None, evidence)
    elif noted is None and deal.fields["won"] == "yes" and deal.event is not None and not memory.heard(deal):
        evidence = Evidence((deal.event.lane,), deal.at, deal.amount_minor, _refer(("crm", deal)), (deal,), waits=False)
        sides.put(Place("deal", deal.id, "order"), THERE, None, evidence)


def _with_order(sides: Sides, deal: Row, order: Row, invoices: list[Row], memory: Memory, whole: bool) -> None:
    told = memory.noted(order.id)
    if told is None:
        # The order is just being made, or a person is at it.
        return
    lanes = (*_lanes_of(order), f"party:{deal.fields['account']}")
    references = _refer(("crm", deal), ("erp", order), *(("erp", each) for each in invoices))

    def put(group: str, wanted: dict[str, Value], told: bool, *rows: Row) -> None:
        found = {name: deal.fields.get(name) for name in wanted}
        at = max(row.at for row in (deal, *rows))
        evidence = Evidence(lanes, at, 0, references, (deal, *rows), told)
        sides.put(Place("deal", deal.id, group), values_of(wanted), values_of(found), evidence)

    number = {"order_number": order.fields["number"], "order_id": order.id}
    put("number", number, True, order)
    put("status", {n: order.fields[n] for n in _STATUS}, told == state_of(order), order)
    bills = memory.bills(order.id)
    by_number = {str(row.fields["number"]): row for row in invoices}
    missing = [number for number in bills if number not in by_number]
    if whole:
        # The number sales was told is all that is left of it: a log of deletions knows it by another name.
        for told_number in missing:
            lost = Evidence(lanes, max(deal.at, order.at), 0, references, (deal, order))
            sides.put(Place("invoice", told_number, "there"), THERE, None, lost)
    if by_number and not missing:
        states = {number: str(row.fields["state"]) for number, row in by_number.items()}
        put("invoice", told_of(states), dict(bills) == states, *invoices)


def state_of(order: Row) -> str:
    """What sales is told of an order's state, as the journal keeps it."""
    return f"{order.fields['credit']}|{order.fields['fulfilment']}"


def told_of(states: dict[str, str]) -> dict[str, Value]:
    """What sales reads of an order's invoices, from their states by number; as `flows.invoice` writes it."""
    numbers = ",".join(sorted(states, key=lambda number: (len(number), number)))
    return {
        "invoice_number": numbers,
        "payment": "Paid" if all(state == "paid" for state in states.values()) else "Open",
    }


# --- shipments -----------------------------------------------------------------------------------


def _shipments(sides: Sides, rows: Found, memory: Memory) -> None:
    orders = rows.of("erp", "order")
    billed: dict[str, int] = {}
    for invoice in rows.of("erp", "invoice").values():
        order_id = str(invoice.fields["order"])
        billed[order_id] = billed.get(order_id, 0) + invoice.amount_minor
    for shipment in rows.of("erp", "shipment").values():
        order = orders.get(str(shipment.fields["order"]))
        if order is None or shipment.event is None or memory.heard(shipment):
            continue
        if shipment.fields.get("to_bill", order.fields["to_bill"]) != "yes":
            continue
        left = max(0, order.amount_minor - billed.get(order.id, 0))
        references = _refer(("erp", shipment), ("erp", order))
        at = max(shipment.at, order.at)
        evidence = Evidence((shipment.event.lane,), at, left, references, (shipment, order), waits=False)
        sides.put(Place("shipment", shipment.id, "billed"), THERE, None, evidence)


def _lanes_of(order: Row) -> tuple[str, ...]:
    """The lane its vendor's events go by, and the one the flows make of its id."""
    named = f"order:{order.id}"
    return tuple(dict.fromkeys((named if order.event is None else order.event.lane, named)))


def _gone_at(id_: str, deleted: Mapping[str, int], counterpart: Row, sides: Sides) -> int:
    """When a record went. Where the vendor keeps no account of it: when what belongs to it was last changed."""
    at = deleted.get(id_, sides.now)
    return counterpart.at if at == UNDATED else at


def _refer(*rows: tuple[str, Row | None]) -> tuple[Reference, ...]:
    found: Iterable[tuple[str, Row]] = ((role, row) for role, row in rows if row is not None)
    return tuple(("crm" if role == "crm" else "erp", row.kind, row.id) for role, row in found)
