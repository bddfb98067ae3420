"""Whatever is done to the ERP, in whatever order: its books balance and its figures are those of its documents."""

from collections import Counter
from decimal import Decimal
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from o2c_twin.mock_systems.roles.erp import CreditMemo, ErpCore, Invoice, Payment
from o2c_twin.mock_systems.roles.erp.exchange import in_books
from o2c_twin.mock_systems.roles.records import RuleError

DAY_US = 86_400_000_000
PRICES = [0, 999, 1_250, 40_000]
quantities = st.integers(0, 12)
picks = st.integers(0, 29)
"""Which record; the last number is one that is not there."""
external_ids = st.sampled_from([None, None, None, None, *(f"deal-{i}" for i in range(9))])


def has_orders(machine):
    return bool(machine.core.state.orders)


def has_invoices(machine):
    return bool(machine.core.state.invoices)


class ErpMachine(RuleBasedStateMachine):
    """Everything clerks, pickers and integrations may do to one ERP."""

    bill_on_delivery = False
    abroad = "EUR"
    """The currency of the second customer."""

    def __init__(self):
        super().__init__()
        self.now = 1_767_225_600_000_000
        self.core = ErpCore(lambda: self.now, self.bill_on_delivery)
        self.core.exchange = rate_of
        self.issued = Counter()

    # ------------------------------------------------------------------------------- what is done

    @initialize(limit=st.sampled_from([20_000, 200_000]))
    def open_for_business(self, limit):
        for i, each in enumerate([limit, None]):
            known = {"credit_limit_minor": each, "terms_days": 30, "external_id": f"c{i}"}
            self.core.add_customer(f"Customer {i}", self.abroad if i else "EUR", **known)
        for i, price in enumerate(PRICES):
            self.core.add_item(f"SKU{i}", f"Item {i}", price, price // 2, "EUR", on_hand=8 + i * 4)
        for customer_id in list(self.core.state.customers):  # some trade has been done already
            items = list(self.core.state.items.values())
            self.enter(customer_id, [(items[1].id, 4, 999), (items[2].id, 6, 1_250)])
            self.deliver_what_is_reserved(0, bill=True)

    def attempt(self, act):
        """Do it; a refusal must have changed nothing."""
        self.now += 1_000_000
        before = self.core.snapshot()
        try:
            return act()
        except RuleError as refused:
            assert refused.code
            assert self.core.snapshot() == before, f"{refused.code} was refused and changed something"
            return None

    def pick(self, table, number):
        """One id of a table, now and then one that is not there; low numbers are the youngest."""
        ids = list(reversed(table))
        return ids[number % len(ids)] if ids and number < 29 else "no-such-id"

    @rule(
        customer=st.integers(0, 1),
        lines=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=3),
        external_id=external_ids,
        complete=st.sampled_from([None, None, True]),
        po=st.sampled_from([None, "PO-1", "PO-2"]),
    )
    def enter_order(self, customer, lines, external_id, complete, po):
        items = list(reversed(self.core.state.items.values()))
        wanted = [(items[i].id, 6 - n, items[i].price_minor) for i, n in lines]
        customer_id = list(self.core.state.customers)[customer]
        self.enter(customer_id, wanted, external_id=external_id, po_number=po, ship_complete=complete)

    @rule(customer=picks, lines=st.lists(st.tuples(picks, st.integers(-1, 3), st.integers(-1, 9)), max_size=3))
    def enter_any_order(self, customer, lines):
        state = self.core.state
        self.enter(self.pick(state.customers, customer), [(self.pick(state.items, i), n, p) for i, n, p in lines])

    def enter(self, *args, **kwargs):
        order = self.attempt(lambda: self.core.enter_order(*args, **kwargs))
        if order is not None:
            self.issued["order"] += 1
            assert order.number == f"SO{1000 + self.issued['order']}"

    def deliverable(self, complete=(False,)):
        orders = [o for o in self.live_orders() if o.credit in ("passed", "released") and o.ship_complete in complete]
        return [o for o in orders if any(n.committed for n in o.lines)]

    @precondition(lambda self: self.deliverable((False, True)))
    @rule(order=picks, quantity=st.integers(1, 6))
    def deliver_part(self, order, quantity):
        able = self.deliverable((False, True))
        order = able[order % len(able)]
        reserved = {line.line: line.committed for line in order.lines if line.committed}
        number = next(iter(reserved))
        self.deliver_quantities(order.id, {number: min(quantity, reserved[number])})

    @precondition(lambda self: self.deliverable())
    @rule(order=picks, bill=st.booleans())
    def deliver_what_is_reserved(self, order, bill):
        able = self.deliverable()
        order = able[order % len(able)]
        assert self.attempt(lambda: self.core.deliver(order.id))
        self.issued["delivery"] += 1
        self.issued["invoice"] += self.bill_on_delivery
        if bill and not self.bill_on_delivery:
            assert self.attempt(lambda: self.core.invoice_order(order.id))
            self.issued["invoice"] += 1

    @precondition(has_orders)
    @rule(order=picks, some=st.none() | st.dictionaries(st.integers(1, 4), quantities, max_size=3), ext=external_ids)
    def deliver(self, order, some, ext):
        self.deliver_quantities(self.pick(self.core.state.orders, order), some, external_id=ext)

    def deliver_quantities(self, order_id, quantities, external_id=None):
        held = order_id in self.core.state.orders and self.core.state.orders[order_id].credit == "hold"
        delivery = self.attempt(lambda: self.core.deliver(order_id, quantities, external_id=external_id))
        if delivery is not None:
            assert not held, "an order on hold was delivered"
            self.issued["delivery"] += 1
            self.issued["invoice"] += self.bill_on_delivery
            assert delivery.number == f"IF{1000 + self.issued['delivery']}"
            if self.core.state.orders[order_id].ship_complete:
                lines = self.core.state.orders[order_id].lines
                assert all(line.closed or line.shipped == line.quantity for line in lines)

    @precondition(lambda self: any(unbilled_lines(o) for o in self.live_orders()))
    @rule(order=picks, less=st.integers(-1, 1))
    def bill_part(self, order, less):
        able = [o for o in self.live_orders() if unbilled_lines(o)]
        order = able[order % len(able)]
        line = unbilled_lines(order)[0]
        invoice = self.attempt(
            lambda: self.core.invoice_order(order.id, {line.line: line.shipped - line.billed - less})
        )
        self.issued["invoice"] += invoice is not None

    @precondition(has_orders)
    @rule(order=picks, some=st.none() | st.dictionaries(st.integers(1, 4), quantities, max_size=3), ext=external_ids)
    def invoice(self, order, some, ext):
        invoice = self.attempt(
            lambda: self.core.invoice_order(self.pick(self.core.state.orders, order), some, external_id=ext)
        )
        if invoice is not None:
            self.issued["invoice"] += 1
            assert invoice.number == f"INV{1000 + self.issued['invoice']}"
            assert invoice.due_at == invoice.issued_at + 30 * DAY_US

    @precondition(has_invoices)
    @rule(invoice=picks, amount=st.integers(-1, 60_000))
    def credit(self, invoice, amount):
        memo = self.attempt(
            lambda: self.core.issue_credit_memo(self.pick(self.core.state.invoices, invoice), amount, "price")
        )
        if memo is not None:
            self.issued["memo"] += 1
            assert memo.number == f"CM{1000 + self.issued['memo']}"

    @precondition(has_invoices)
    @rule(invoice=picks)
    def credit_whole(self, invoice):
        found = self.core.state.invoices.get(self.pick(self.core.state.invoices, invoice))
        if found is not None and found.total_minor > found.credited_minor:
            assert self.attempt(
                lambda: self.core.issue_credit_memo(found.id, found.total_minor - found.credited_minor, "returned")
            )
            self.issued["memo"] += 1

    @rule(
        customer=picks,
        amount=st.integers(-1, 90_000),
        to=st.lists(st.tuples(picks, st.integers(0, 50_000) | st.just(1)), max_size=3) | st.just([]),
    )
    def receive_payment(self, customer, amount, to):
        state = self.core.state
        applications = [(self.pick(state.invoices, i), a) for i, a in to]
        payment = self.attempt(
            lambda: self.core.receive_payment(self.pick(state.customers, customer), amount, applications)
        )
        if payment is not None:
            self.issued["payment"] += 1
            assert payment.number == f"PYMT{1000 + self.issued['payment']}"

    @precondition(lambda self: self.open_invoices())
    @rule(customer=picks, over=st.sampled_from([0, 0, 0, 700]))
    def pay_all(self, customer, over):
        owed = self.open_invoices()
        customer_id = sorted({i.customer_id for i in owed})[customer % len({i.customer_id for i in owed})]
        to = [(i.id, i.open_minor) for i in owed if i.customer_id == customer_id]
        assert self.attempt(lambda: self.core.receive_payment(customer_id, sum(a for _, a in to) + over, to))
        self.issued["payment"] += 1

    def open_invoices(self):
        return [i for i in self.core.state.invoices.values() if i.open_minor]

    @precondition(lambda self: self.core.state.payments and self.open_invoices())
    @rule(payment=picks, invoice=picks, amount=st.integers(-1, 50_000) | st.just(1))
    def apply_payment(self, payment, invoice, amount):
        payment_id = self.pick(self.core.state.payments, payment)
        invoice_id = self.pick([i.id for i in self.open_invoices()], invoice)
        self.attempt(lambda: self.core.apply_payment(payment_id, [(invoice_id, amount)]))

    @precondition(lambda self: self.core.state.payments)
    @rule(payment=picks, customer=picks)
    def move_payment(self, payment, customer):
        payment_id = self.pick(self.core.state.payments, payment)
        customer_id = self.pick(self.core.state.customers, customer)
        self.attempt(lambda: self.core.move_payment(payment_id, customer_id))

    @precondition(lambda self: any(a.source_kind == "payment" for a in self.core.state.applications))
    @rule(number=picks, share=st.sampled_from([1, 2, 0]))
    def unapply_payment(self, number, share):
        applied = [a for a in self.core.state.applications if a.source_kind == "payment"]
        one = applied[number % len(applied)]
        amount = one.amount_minor // share if share else one.amount_minor + 1
        self.attempt(lambda: self.core.unapply_payment(one.source_id, one.invoice_id, amount))

    @rule(item=picks, quantity=st.integers(-1, 20))
    def receive_stock(self, item, quantity):
        self.attempt(lambda: self.core.receive_stock(self.pick(self.core.state.items, item), quantity))

    @precondition(has_invoices)
    @rule(invoice=picks)
    def return_goods(self, invoice):
        self.attempt(lambda: self.core.return_goods(self.pick(self.core.state.invoices, invoice)))

    @precondition(has_orders)
    @rule(order=picks)
    def cancel(self, order):
        self.attempt(lambda: self.core.cancel_order(self.pick(self.core.state.orders, order)))

    @precondition(has_orders)
    @rule(order=picks, lines=st.lists(st.integers(1, 4), max_size=2))
    def close_lines(self, order, lines):
        self.attempt(lambda: self.core.close_lines(self.pick(self.core.state.orders, order), lines))

    @precondition(has_orders)
    @rule(order=picks)
    def delete_order(self, order):
        self.attempt(lambda: self.core.delete_order(self.pick(self.core.state.orders, order)))

    @precondition(has_orders)
    @rule(order=picks, po=st.sampled_from(["PO-1", "PO-3"]))
    def correct_order(self, order, po):
        self.attempt(lambda: self.core.update_order(self.pick(self.core.state.orders, order), memo="x", po_number=po))

    @precondition(has_orders)
    @rule(order=picks)
    def release(self, order):
        order_id = self.pick(self.core.state.orders, order)
        released = self.attempt(lambda: self.core.release_credit(order_id))
        if released is not None:
            assert (released.credit, released.hold_reason, released.cancelled) == ("released", None, False)

    @precondition(has_orders)
    @rule(order=picks, days=st.integers(0, 3))
    def check_before_picking(self, order, days):
        self.attempt(lambda: self.core.recheck_order(self.pick(self.core.state.orders, order), days))

    @rule(
        customer=picks,
        change=st.sampled_from(
            [
                {"hold": "ON"},
                {"hold": "OFF"},
                {"hold": "AUTO"},
                {"credit_limit_minor": 30_000},
                {"credit_limit_minor": 400_000},
                {"inactive": True},
                {"inactive": False},
                {"external_id": "c0"},
                {"external_id": "c9"},
                {"external_id": None},
            ]
        ),
    )
    def change_customer(self, customer, change):
        customer_id = self.pick(self.core.state.customers, customer)
        changed = self.attempt(lambda: self.core.update_customer(customer_id, **change))
        if changed is not None and ("hold" in change or "credit_limit_minor" in change):
            self.nothing_held_would_fit(customer_id)

    def nothing_held_would_fit(self, customer_id):
        customer = self.core.state.customers[customer_id]
        held = [o for o in self.live_orders(customer_id) if o.credit == "hold"]
        free = self.exposure(customer_id) - sum(map(open_value, held))
        for order in held:
            assert customer.hold == "ON" or (
                customer.hold == "AUTO" and free + open_value(order) > customer.credit_limit_minor
            )

    @rule()
    def restart(self):
        """A core restored from a snapshot is the same core, indexes and all."""
        snapshot = self.core.snapshot()
        copy = ErpCore(lambda: self.now, self.bill_on_delivery)
        copy.exchange = rate_of
        copy.restore(snapshot)
        assert copy.snapshot() == snapshot
        for index in ("by_number", "items_by_sku", "payments_by_reference", "invoices_of", "orders_of", "_ext"):
            assert filled(getattr(copy, index)) == filled(getattr(self.core, index)), index
        open_now = {c: list(rows) for c, rows in filled(self.core.open_invoices).items()}
        assert {c: list(rows) for c, rows in filled(copy.open_invoices).items()} == open_now
        by_po = {po: sorted(ids) for po, ids in filled(self.core.orders_by_po).items()}
        assert {po: sorted(ids) for po, ids in filled(copy.orders_by_po).items()} == by_po
        self.core = copy

    # ------------------------------------------------------------------------------ what must hold

    def live_orders(self, customer_id=None):
        return [
            o
            for o in self.core.state.orders.values()
            if not o.cancelled and (customer_id is None or o.customer_id == customer_id)
        ]

    def exposure(self, customer_id):
        """From the documents alone."""
        state = self.core.state
        owed = sum(i.open_minor for i in state.invoices.values() if i.customer_id == customer_id)
        on_account = sum(p.unapplied_minor for p in state.payments.values() if p.customer_id == customer_id)
        on_account += sum(m.unapplied_minor for m in state.credit_memos.values() if m.customer_id == customer_id)
        ordered = sum(map(open_value, self.live_orders(customer_id)))
        return owed + ordered + sum(map(unbilled_value, self.live_orders(customer_id))) - on_account

    @invariant()
    def every_document_is_posted_in_balance(self):
        by_document = Counter()
        for _, document, _, amount in self.core.state.postings:
            by_document[document] += amount
        assert {d: n for d, n in by_document.items() if n} == {}
        assert sum(self.core.trial_balance().values()) == 0

    @invariant()
    def accounts_agree_with_the_documents(self):
        state, balance = self.core.state, Counter(self.core.trial_balance())
        documents = [*state.invoices.values(), *state.payments.values(), *state.credit_memos.values()]
        owed = sum(i.open_minor for i in state.invoices.values())
        assert owed == sum(c.balance_minor for c in state.customers.values())
        self.agrees(balance, documents, in_books)
        assert balance["inventory"] == sum(i.on_hand * i.cost_minor for i in state.items.values())
        for currency, own in self.core.foreign_balances().items():
            assert currency != "EUR" and sum(own.values()) == 0
            mine = [document for document in documents if document.currency == currency]
            self.agrees(Counter(own), mine, lambda minor, rate: minor)

    def agrees(self, balance, documents, worth):
        """Accounts against the documents, each amount worth what it says at the document's rate."""

        def total(kind, field):
            return sum(worth(getattr(d, field), d.exchange_rate) for d in documents if isinstance(d, kind))

        assert balance["receivables"] == total(Invoice, "open_minor")
        assert -balance["unapplied cash"] == total(Payment | CreditMemo, "unapplied_minor")
        assert balance["bank"] == total(Payment, "amount_minor")
        assert -balance["revenue"] == total(Invoice, "total_minor") - total(CreditMemo, "amount_minor")

    @invariant()
    def running_exposure_is_that_of_the_documents(self):
        for customer in self.core.state.customers.values():
            orders = self.live_orders(customer.id)
            assert customer.open_orders_minor == sum(map(open_value, orders))
            assert customer.unbilled_minor == sum(map(unbilled_value, orders))
            running = customer.balance_minor + customer.open_orders_minor + customer.unbilled_minor
            assert running - customer.unapplied_minor == self.exposure(customer.id)

    @invariant()
    def nothing_is_paid_credited_or_applied_beyond_what_it_is_worth(self):
        state = self.core.state
        to, of = Counter(), Counter()
        for a in state.applications:
            to[a.invoice_id] += a.amount_minor
            of[a.source_kind, a.source_id] += a.amount_minor
        for i in state.invoices.values():
            assert 0 <= i.open_minor == i.total_minor - to[i.id]
            assert 0 <= i.credited_minor <= i.total_minor
        for kind, table in (("payment", state.payments), ("credit_memo", state.credit_memos)):
            for source in table.values():
                assert 0 <= source.unapplied_minor == source.amount_minor - of[kind, source.id]

    @invariant()
    def goods_are_counted(self):
        state = self.core.state
        reserved, short = Counter(), Counter()
        for order in state.orders.values():
            for line in order.lines:
                assert 0 <= line.billed <= line.shipped <= line.quantity
                assert 0 <= line.committed <= line.quantity - line.shipped
                assert line.committed == 0 or not (order.cancelled or line.closed)
                reserved[line.item_id] += line.committed
                if not (order.cancelled or line.closed):
                    short[line.item_id] += line.quantity - line.shipped - line.committed
        for item in state.items.values():
            assert 0 <= item.committed == reserved[item.id] <= item.on_hand
            assert self.core.backlog(item.id) == short[item.id]
            assert item.on_hand == item.committed or short[item.id] == 0, "free stock while orders wait for it"

    @invariant()
    def numbers_have_no_gaps(self):
        state = self.core.state
        for prefix, table in (("INV", state.invoices), ("IF", state.deliveries), ("PYMT", state.payments)):
            assert [d.number for d in table.values()] == [f"{prefix}{1001 + i}" for i in range(len(table))]
        assert [m.number for m in state.credit_memos.values()] == [f"CM{1001 + i}" for i in range(self.issued["memo"])]

    @invariant()
    def the_feed_is_in_the_order_of_time_and_tells_of_every_document(self):
        state = self.core.state
        for changes in state.feed.by_kind.values():
            assert all(a.at <= b.at for a, b in pairwise(changes))
        for kind, table in (("order", state.orders), ("invoice", state.invoices), ("payment", state.payments)):
            created = [c.id for c in state.feed.by_kind.get(kind, []) if c.what == "created"]
            assert set(table) <= set(created)
            assert len(created) == len(set(created))


def open_value(order):
    return sum((n.quantity - n.shipped) * n.unit_price_minor for n in order.lines if not n.closed)


def unbilled_lines(order):
    return [n for n in order.lines if n.billed < n.shipped]


def unbilled_value(order):
    return sum((n.shipped - n.billed) * n.unit_price_minor for n in order.lines)


def filled(index):
    return {key: value for key, value in index.items() if value}


def rate_of(currency, at):
    """Another rate every second, so that no two documents are sure to have the same."""
    return None if currency == "EUR" else Decimal(8_000 + at // 1_000_000 % 3_989) / 10_000


class ForeignErpMachine(ErpMachine):
    """The same with a customer in another currency, whose rate never rests."""

    abroad = "USD"


class BillingErpMachine(ErpMachine):
    """The same for an ERP that bills with each goods issue."""

    bill_on_delivery = True


def test_the_books_hold_whatever_is_done():
    run_state_machine_as_test(ErpMachine, settings=settings(max_examples=200, stateful_step_count=50))


def test_the_books_hold_to_the_cent_in_each_currency():
    run_state_machine_as_test(ForeignErpMachine, settings=settings(max_examples=100, stateful_step_count=50))


def test_the_books_hold_when_each_goods_issue_is_billed():
    run_state_machine_as_test(BillingErpMachine, settings=settings(max_examples=60, stateful_step_count=50))
