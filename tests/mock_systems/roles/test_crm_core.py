"""The CRM's core: unique keys, amounts rolled up from lines, deletion, changes made whole."""

from itertools import pairwise

import pytest
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

from o2c_twin.mock_systems.roles.crm import CrmCore
from o2c_twin.mock_systems.roles.records import RuleError

DEAL = {"name": "Deal", "stage": "Prospecting", "close_date": "2026-03-31"}
KEY = "ErpId"


def new_id(kind, number):
    return f"{kind}-{number}"


def new_crm(now=lambda: 0):
    return CrmCore(now, new_id, unique={"account": (KEY,), "opportunity": (KEY,)})


@pytest.fixture
def crm():
    return new_crm()


@pytest.fixture
def deal(crm):
    return crm.create("opportunity", DEAL)


def add_line(crm, deal, quantity, price):
    product = crm.create("product", {"code": "P", "name": "Product"})
    values = {"opportunity_id": deal.id, "product_id": product.id, "quantity": quantity, "unit_price_minor": price}
    return crm.create("line", values)


def code_of(act):
    with pytest.raises(RuleError) as refused:
        act()
    return refused.value.code


def test_a_unique_key_finds_its_record_and_belongs_to_no_other(crm):
    first = crm.create("account", {"name": "A"}, {KEY: "C1"})
    second = crm.create("account", {"name": "B"})
    assert crm.by_key("account", KEY, "C1") is first
    assert code_of(lambda: crm.create("account", {"name": "C"}, {KEY: "C1"})) == "duplicate"
    assert code_of(lambda: crm.update("account", second.id, {}, {KEY: "C1"})) == "duplicate"
    assert second.custom == {}


def test_a_key_given_up_is_free_again(crm):
    first = crm.create("account", {"name": "A"}, {KEY: "C1"})
    crm.update("account", first.id, {}, {KEY: None})
    assert crm.by_key("account", KEY, "C1") is None
    second = crm.create("account", {"name": "B"}, {KEY: "C1"})
    crm.delete("account", second.id)
    assert crm.by_key("account", KEY, "C1") is None
    assert crm.update("account", first.id, {}, {KEY: "C1"}).custom == {KEY: "C1"}


def test_the_same_key_may_stand_for_records_of_two_kinds(crm):
    account = crm.create("account", {"name": "A"}, {KEY: "1"})
    deal = crm.create("opportunity", DEAL, {KEY: "1"})
    assert (crm.by_key("account", KEY, "1"), crm.by_key("opportunity", KEY, "1")) == (account, deal)


def test_the_amount_of_a_deal_is_the_sum_of_its_lines_and_not_writable(crm, deal):
    crm.update("opportunity", deal.id, {"amount_minor": 1})
    first, second = add_line(crm, deal, 2, 10_00), add_line(crm, deal, 1, 5_00)
    assert deal.amount_minor == 25_00
    crm.update("line", first.id, {"quantity": 3})
    assert deal.amount_minor == 35_00
    assert code_of(lambda: crm.update("opportunity", deal.id, {"amount_minor": 1})) == "computed"
    crm.delete("line", second.id)
    assert (deal.amount_minor, deal.lines) == (30_00, [first.id])


def test_a_change_of_a_line_is_a_change_of_its_deal(crm, deal):
    add_line(crm, deal, 1, 1)
    assert [(c.id, c.what) for c in crm.state.feed.since("opportunity", -1)] == [
        (deal.id, "created"),
        (deal.id, "updated"),
    ]


def test_a_line_stays_with_its_deal(crm, deal):
    line = add_line(crm, deal, 1, 100)
    other = crm.create("opportunity", DEAL)
    assert code_of(lambda: crm.update("line", line.id, {"opportunity_id": other.id})) == "fixed"
    crm.update("line", line.id, {"opportunity_id": deal.id, "quantity": 2})
    assert (deal.amount_minor, other.amount_minor) == (200, None)


def test_a_deleted_record_is_known_as_deleted(crm, deal):
    line = add_line(crm, deal, 1, 1)
    crm.delete("opportunity", deal.id)
    assert code_of(lambda: crm.get("opportunity", deal.id)) == "deleted"
    assert code_of(lambda: crm.get("line", line.id)) == "deleted"
    assert code_of(lambda: crm.get("opportunity", "opportunity-99")) == "not-found"
    assert code_of(lambda: crm.delete("opportunity", deal.id)) == "deleted"


@pytest.mark.parametrize(
    ("kind", "values", "code"),
    [
        ("account", {}, "required"),
        ("account", {"name": ""}, "required"),
        ("contact", {"first_name": "A"}, "required"),
        ("opportunity", {**DEAL, "stage": "Almost"}, "bad-picklist"),
        ("opportunity", {**DEAL, "account_id": "account-9"}, "bad-reference"),
        ("line", {"opportunity_id": "opportunity-9", "product_id": "product-9", "quantity": 1}, "bad-reference"),
    ],
)
def test_a_record_that_breaks_a_rule_is_not_created_and_uses_no_number(crm, kind, values, code):
    before = crm.snapshot()
    assert code_of(lambda: crm.create(kind, values)) == code
    assert crm.snapshot() == before


def test_changes_made_whole_are_all_undone_when_one_fails(crm, deal):
    account = crm.create("account", {"name": "A"}, {KEY: "C1"})
    line = add_line(crm, deal, 1, 100)
    told = []
    crm.listeners.append(told.append)
    before = crm.snapshot()
    with pytest.raises(RuleError), crm.whole():
        crm.update("account", account.id, {"name": "B"}, {KEY: "C2"})
        crm.create("account", {"name": "C"}, {KEY: "C1"})
        add_line(crm, deal, 5, 100)
        crm.delete("line", line.id)
        crm.create("account", {})
    assert crm.snapshot() == before
    assert told == []
    assert crm.by_key("account", KEY, "C1") is account
    assert crm.by_key("account", KEY, "C2") is None


def test_listeners_hear_of_each_change_once_it_is_made(crm):
    told = []
    crm.listeners.append(lambda change: told.append((change.kind, change.what)))
    with crm.whole():
        account = crm.create("account", {"name": "A"})
        assert told == []
    crm.update("account", account.id, {"name": "B"})
    crm.delete("account", account.id)
    assert told == [("account", "created"), ("account", "updated"), ("account", "deleted")]


class CrmMachine(RuleBasedStateMachine):
    """Everything a client may do to one CRM."""

    def __init__(self):
        super().__init__()
        self.now = 0
        self.crm = new_crm(self.clock)
        self.told = []
        self.crm.listeners.append(self.told.append)

    def clock(self):
        self.now += 1
        return self.now

    @initialize()
    def catalogue(self):
        self.crm.create("product", {"code": "P", "name": "Product"})
        self.crm.create("opportunity", DEAL)

    def attempt(self, act):
        before, heard = self.crm.snapshot(), len(self.told)
        try:
            act()
        except RuleError:
            assert self.crm.snapshot() == before
            assert len(self.told) == heard

    def pick(self, kind, number):
        ids = list(self.crm.tables[kind])
        return ids[number % len(ids)] if ids and number < 9 else f"{kind}-99"

    keys = st.sampled_from([{}, {KEY: None}, {KEY: "1"}, {KEY: "2"}, {KEY: "3"}])
    numbers = st.integers(0, 9)
    kinds = st.sampled_from(["account", "opportunity"])

    @rule(kind=kinds, key=keys, amount=st.none() | st.integers(0, 99))
    def create(self, kind, key, amount):
        values = {"name": "A"} if kind == "account" else {**DEAL, "amount_minor": amount}
        self.attempt(lambda: self.crm.create(kind, values, key))

    @rule(deal=numbers, quantity=st.integers(0, 5), price=st.integers(0, 900))
    def add_line(self, deal, quantity, price):
        values = {"opportunity_id": self.pick("opportunity", deal), "product_id": "product-1"}
        self.attempt(lambda: self.crm.create("line", {**values, "quantity": quantity, "unit_price_minor": price}))

    @rule(kind=kinds, number=numbers, key=keys, name=st.sampled_from(["", "B"]))
    def update(self, kind, number, key, name):
        self.attempt(lambda: self.crm.update(kind, self.pick(kind, number), {"name": name}, key))

    @rule(number=numbers, amount=st.integers(0, 99))
    def set_amount(self, number, amount):
        self.attempt(lambda: self.crm.update("opportunity", self.pick("opportunity", number), {"amount_minor": amount}))

    @rule(line=numbers, deal=numbers, quantity=st.integers(0, 5))
    def update_line(self, line, deal, quantity):
        values = {"opportunity_id": self.pick("opportunity", deal), "quantity": quantity}
        self.attempt(lambda: self.crm.update("line", self.pick("line", line), values))

    @rule(kind=st.sampled_from(["account", "opportunity", "line"]), number=numbers)
    def delete(self, kind, number):
        self.attempt(lambda: self.crm.delete(kind, self.pick(kind, number)))

    @precondition(lambda self: self.crm.tables["opportunity"])
    @rule(number=numbers, key=keys, fails=st.booleans())
    def several_at_once(self, number, key, fails):
        def act():
            with self.crm.whole():
                self.create("account", {}, None)
                self.add_line(number, 2, 10)
                self.delete("line", 0)
                self.crm.create("opportunity", {} if fails else DEAL, key)

        self.attempt(act)

    @rule()
    def restart(self):
        snapshot = self.crm.snapshot()
        self.crm = new_crm(self.clock)
        self.crm.listeners.append(self.told.append)
        self.crm.restore(snapshot)
        assert self.crm.snapshot() == snapshot

    @invariant()
    def lines_and_amounts_agree(self):
        for deal in self.crm.state.opportunities.values():
            lines = [line for line in self.crm.state.lines.values() if line.opportunity_id == deal.id]
            assert deal.lines == [line.id for line in lines]
            if lines:
                assert deal.amount_minor == sum(line.quantity * line.unit_price_minor for line in lines)

    @invariant()
    def no_line_outlives_its_deal(self):
        assert {line.opportunity_id for line in self.crm.state.lines.values()} <= set(self.crm.state.opportunities)

    @invariant()
    def keys_find_exactly_their_records(self):
        for kind in ("account", "opportunity"):
            holders = {r.custom[KEY]: r for r in self.crm.tables[kind].values() if r.custom.get(KEY) is not None}
            assert len(holders) == sum(r.custom.get(KEY) is not None for r in self.crm.tables[kind].values())
            for key in "123":
                assert self.crm.by_key(kind, KEY, key) is holders.get(key)

    @invariant()
    def the_feed_is_in_order_and_everybody_was_told(self):
        changes = [c for feed in self.crm.state.feed.by_kind.values() for c in feed]
        assert sorted(changes, key=repr) == sorted(self.told, key=repr)
        assert all(a.at <= b.at for a, b in pairwise(self.told))
        for feed in self.crm.state.feed.by_kind.values():
            assert all(a.at <= b.at for a, b in pairwise(feed))

    @invariant()
    def numbers_have_no_gaps(self):
        state = self.crm.state
        for kind, table in self.crm.tables.items():
            ids = {*table, *self.crm.bins[kind]}
            assert ids == {f"{kind}-{i}" for i in range(1, state.numbers.last.get(kind, 0) + 1)}


def test_the_records_hold_together_whatever_is_done():
    run_state_machine_as_test(CrmMachine, settings=settings(max_examples=100, stateful_step_count=30))
