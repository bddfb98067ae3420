"""Four eyes: who asked may not approve, in any order of events."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from o2c_twin.integration.governance.approvals import ApprovalPolicy, ask
from o2c_twin.integration.governance.errors import ApprovalError, GovernanceError, NotAllowed

HOUR = 3_600_000_000
WRITE_OFF = ApprovalPolicy("write-off", {"EUR": 100_00, "JPY": 10_000}, 8 * HOUR, ("finance", "credit"))
TWICE = ApprovalPolicy("write-off", {}, 8 * HOUR, ("finance", "credit"), approvers=2)


def asked(policy=WRITE_OFF, now=0):
    return ask(policy, "A-1", "INV-1", "hash", "ada", "finance", now, 250_00, "EUR")


@pytest.mark.parametrize(
    ("amount", "currency", "needed"),
    [
        (99_99, "EUR", False), (100_00, "EUR", True), (-100_00, "EUR", True), (9_999, "JPY", False),
        (10_000, "JPY", True), (1, "USD", True), (None, None, True), (0, "EUR", False),
    ],
)  # fmt: skip
def test_approval_is_needed_from_the_currencys_threshold_on_and_always_where_none_is_named(amount, currency, needed):
    assert WRITE_OFF.needed(amount, currency) is needed


def test_what_was_approved_is_used_once():
    approved = asked().approve("bob", "finance", HOUR)
    used = approved.use("hash", 2 * HOUR)
    assert (used.state, used.votes[0].who) == ("used", "bob")
    with pytest.raises(ApprovalError, match="A-1: it is used; ask again"):
        used.use("hash", 2 * HOUR)


@pytest.mark.parametrize("who", ["ada", "Ada", " ada ", "ADA"])
def test_who_asked_may_not_approve_in_any_spelling_or_role(who):
    for role in ("finance", "credit"):
        with pytest.raises(ApprovalError, match="asked for it; somebody else must decide"):
            asked().approve(who, role, 1)
    with pytest.raises(ApprovalError, match="asked for it"):
        asked().refuse(who, "finance", 1, "no")


def test_two_approvers_are_two_people():
    once = asked(TWICE).approve("bob", "finance", 1)
    assert once.state == "asked"
    with pytest.raises(ApprovalError, match="1 more must approve first; ask finance or credit"):
        once.use("hash", 2)
    with pytest.raises(ApprovalError, match="Bob has decided already; somebody else must"):
        once.approve("Bob", "credit", 2)
    assert once.approve("eve", "credit", 2).state == "approved"


@pytest.mark.parametrize("role", ["sales", "auditor", "admin"])
def test_a_role_that_may_not_approve_does_not(role):
    with pytest.raises(NotAllowed):
        asked().approve("bob", role, 1)


def test_a_role_may_only_decide_what_the_policy_gives_it():
    with pytest.raises(ApprovalError, match="operations may not decide on write-off; ask finance or credit"):
        asked().approve("bob", "operations", 1)


def test_who_may_not_do_a_thing_may_not_ask_for_it():
    with pytest.raises(NotAllowed, match="sales may not write-off; ask finance"):
        ask(WRITE_OFF, "A-1", "INV-1", "hash", "ada", "sales", 0)
    with pytest.raises(ApprovalError, match="nobody asks"):
        ask(WRITE_OFF, "A-1", "INV-1", "hash", " ", "finance", 0)
    with pytest.raises(ApprovalError, match="an amount has a currency"):
        ask(WRITE_OFF, "A-1", "INV-1", "hash", "ada", "finance", 0, 5)


def test_an_approval_is_for_exactly_what_was_asked():
    with pytest.raises(ApprovalError, match="something else was approved; ask again for what it has become"):
        asked().approve("bob", "finance", 1).use("another hash", 2)


@pytest.mark.parametrize("approved", [False, True])
def test_at_the_end_of_its_time_it_is_worth_nothing(approved):
    request = asked().approve("bob", "finance", 1) if approved else asked()
    end = request.expires_at
    assert request.at(end - 1).state == ("approved" if approved else "asked")
    assert request.at(end).state == "expired"
    with pytest.raises(ApprovalError, match="it is expired; ask again"):
        request.use("hash", end) if approved else request.approve("bob", "finance", end)


def test_a_refusal_ends_it_and_needs_a_reason():
    with pytest.raises(ApprovalError, match="a refusal needs a reason"):
        asked().refuse("bob", "finance", 1, " ")
    refused = asked(TWICE).approve("eve", "credit", 1).refuse("bob", "finance", 2, "insured")
    assert (refused.state, refused.votes[-1].reason) == ("refused", "insured")
    with pytest.raises(ApprovalError, match="it is refused; ask again"):
        refused.use("hash", 3)


def test_only_who_asked_withdraws():
    with pytest.raises(ApprovalError, match="only ada may withdraw it; refuse it instead"):
        asked().withdraw("bob", 1)
    assert asked().approve("bob", "finance", 1).withdraw("Ada", 2).state == "withdrawn"


def test_time_does_not_run_backwards():
    with pytest.raises(ApprovalError, match="use one clock"):
        asked(now=10).approve("bob", "finance", 9)


@pytest.mark.parametrize("change", [{"valid_us": 0}, {"approvers": 0}, {"roles": ()}])
def test_a_policy_without_roles_time_or_approvers_is_none(change):
    with pytest.raises(ApprovalError):
        ApprovalPolicy(**({"operation": "x", "threshold_minor": {}, "valid_us": 1, "roles": ("finance",)} | change))


class Lifecycle(RuleBasedStateMachine):
    """Any people do anything in any order: the model knows what must come of it."""

    @initialize(approvers=st.integers(1, 2))
    def begin(self, approvers):
        policy = ApprovalPolicy("write-off", {}, 10, ("finance", "credit"), approvers)
        self.now, self.real = 0, ask(policy, "A", "s", "h", "ada", "finance", 0)
        self.agreed, self.voted, self.end = [], [], ""
        self.uses = 0

    def expected_open(self):
        return not self.end and self.now < 10

    @rule(by=st.integers(0, 4))
    def wait(self, by):
        self.now += by

    @rule(who=st.sampled_from(["ada", "bob", "eve", "kim"]), role=st.sampled_from(["finance", "credit", "sales"]))
    def approve(self, who, role):
        allowed = (
            self.expected_open()
            and len(self.agreed) < self.real.policy.approvers
            and role != "sales"
            and who != "ada"
            and who not in self.voted
        )
        self._try(allowed, lambda: self.real.approve(who, role, self.now))
        if allowed:
            self.agreed.append(who)
            self.voted.append(who)

    @rule(who=st.sampled_from(["ada", "bob", "eve"]))
    def refuse(self, who):
        open_ = self.expected_open() and len(self.agreed) < self.real.policy.approvers
        allowed = open_ and who != "ada" and who not in self.voted
        self._try(allowed, lambda: self.real.refuse(who, "credit", self.now, "no"))
        if allowed:
            self.end = "refused"

    @rule(who=st.sampled_from(["ada", "bob"]))
    def withdraw(self, who):
        allowed = self.expected_open() and who == "ada"
        self._try(allowed, lambda: self.real.withdraw(who, self.now))
        if allowed:
            self.end = "withdrawn"

    @rule(content=st.sampled_from(["h", "other"]))
    def use(self, content):
        allowed = self.expected_open() and len(self.agreed) >= self.real.policy.approvers and content == "h"
        self._try(allowed, lambda: self.real.use(content, self.now))
        if allowed:
            self.end = "used"
            self.uses += 1

    def _try(self, allowed, act):
        before = self.real
        try:
            self.real = act()
        except GovernanceError:
            assert not allowed
            assert self.real is before
        else:
            assert allowed

    @invariant()
    def it_is_as_the_model_says(self):
        approved = len(self.agreed) >= self.real.policy.approvers
        state = self.end or ("expired" if self.now >= 10 else "approved" if approved else "asked")
        assert self.real.at(self.now).state == state
        assert "ada" not in [vote.who for vote in self.real.votes]
        assert self.uses <= 1


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=60, stateful_step_count=12)
