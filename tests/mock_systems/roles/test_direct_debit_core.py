"""The direct debit provider's core: its calendar, its states, and where the money of every payment is."""

import random
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.mock_systems.roles.direct_debit import (
    SCHEMES,
    AlreadyThere,
    DirectDebitCore,
    Happening,
    RehearsedCore,
    Terms,
    WorkingDays,
    iban,
)
from o2c_twin.mock_systems.roles.direct_debit.rules import check_reference, payout_amount
from o2c_twin.mock_systems.roles.direct_debit.schemes import iban_holds, months_after
from o2c_twin.mock_systems.roles.records import RuleError


def us(day: str, hour: int = 10) -> int:
    return int(datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC).timestamp()) * 1_000_000


class Provider:
    """A provider whose clock is in our hands; what it told its listeners is in ``told``."""

    def __init__(self, day: str = "2026-03-02", **choices):
        self.at = us(day)
        choices.setdefault("refunds_need_funds", False)
        self.core = RehearsedCore(lambda: self.at, **choices)
        self.core.open_creditor("Acme Ltd", "GB", "ACME")
        self.told: list[Happening] = []
        self.core.listeners.append(self.told.append)

    def until(self, day: str, hour: int = 23) -> None:
        self.at = us(day, hour)
        self.core.run_due()

    def mandate(self, currency: str = "GBP", active: bool = True, number: str = "20000055779911") -> str:
        customer = self.core.add_customer({"company_name": "Payer"})
        account = self.core.add_account(customer.id, "Payer", number, "GB", currency)
        mandate = self.core.add_mandate(account.id)
        if active and currency == "GBP":
            self.core.rehearse_activate(mandate.id)
        return mandate.id

    def payment(self, mandate: str | None = None, amount: int = 10_000, **fields):
        mandate = mandate or self.mandate()
        currency = SCHEMES[self.core.mandate(mandate).scheme].currency
        return self.core.add_payment(mandate, amount, currency, **fields)

    def actions(self, id_: str) -> list[str]:
        return [h.action for h in self.core.state.happenings if h.id == id_]

    def refused(self, code: str, act, *args, **kwargs) -> RuleError:
        before = self.core.snapshot()
        with pytest.raises(RuleError) as caught:
            act(*args, **kwargs)
        assert caught.value.code == code
        assert self.core.snapshot() == before, "a refusal changed something"
        return caught.value


@pytest.fixture
def provider():
    return Provider()


# --- calendar ---------------------------------------------------------------------------------------


def test_a_bacs_payment_runs_through_its_working_days(provider):
    payment = provider.payment(provider.mandate())  # Monday, 10:00
    assert payment.charge_on == "2026-03-05"  # three working days on
    provider.until("2026-03-03", 15)
    assert payment.status == "pending_submission"
    provider.until("2026-03-03", 16)
    assert payment.status == "submitted"
    provider.until("2026-03-06", 11)
    assert payment.status == "submitted"
    provider.until("2026-03-06", 12)
    assert payment.status == "confirmed"
    provider.until("2026-03-09", 10)
    assert payment.status == "paid_out"
    payout = provider.core.payout(payment.payout_id)
    assert (payout.status, payout.arrives_on) == ("pending", "2026-03-09")
    provider.until("2026-03-09", 14)
    assert payout.status == "paid"
    assert provider.actions(payment.id) == ["created", "submitted", "confirmed", "paid_out"]


def test_each_step_is_stamped_with_its_own_time_however_late_it_is_run(provider):
    payment = provider.payment()
    provider.until("2026-04-30")
    stamps = [(h.action, h.at) for h in provider.core.state.happenings if h.id == payment.id]
    assert dict(stamps)["submitted"] == us("2026-03-03", 16)
    assert dict(stamps)["confirmed"] == us("2026-03-06", 12)
    every = [h.at for h in provider.core.state.happenings]
    assert every == sorted(every)


def test_a_payment_on_a_new_bacs_mandate_waits_for_the_mandate(provider):
    mandate = provider.mandate(active=False)
    payment = provider.payment(mandate)
    assert payment.charge_on == "2026-03-06"  # a working day later than on an active one
    provider.until("2026-03-04", 9)
    assert provider.core.mandate(mandate).status == "active"
    assert provider.actions(mandate) == ["created", "submitted", "active"]
    provider.until("2026-03-04", 16)
    assert payment.status == "submitted"


def test_a_sepa_mandate_travels_with_its_first_payment(provider):
    mandate = provider.mandate("EUR")
    provider.until("2026-03-20")
    assert provider.core.mandate(mandate).status == "pending_submission"
    payment = provider.payment(mandate)  # Friday evening counts as Monday
    assert payment.charge_on == "2026-03-26"
    provider.until("2026-03-31")
    assert provider.actions(mandate) == ["created", "submitted", "active"]
    assert (payment.status, provider.core.payout(payment.payout_id).arrives_on) == ("paid_out", "2026-03-31")


@pytest.mark.parametrize(
    ("day", "hour", "charged"),
    [("2026-03-02", 15, "2026-03-05"), ("2026-03-02", 16, "2026-03-06"), ("2026-03-06", 20, "2026-03-12"),
     ("2026-03-07", 9, "2026-03-12"), ("2026-04-01", 9, "2026-04-08")],
)  # fmt: skip
def test_cut_off_weekends_and_holidays_move_the_charge(day, hour, charged):
    easter = frozenset({date(2026, 4, 3), date(2026, 4, 6)})
    provider = Provider("2026-02-02", days=WorkingDays(easter))
    mandate = provider.mandate()
    provider.until(day, hour)
    assert provider.payment(mandate).charge_on == charged


def test_a_wished_charge_day_is_kept_moved_to_a_working_day_or_refused_when_too_early(provider):
    mandate = provider.mandate()
    assert provider.payment(mandate, charge_on=date(2026, 3, 20)).charge_on == "2026-03-20"
    assert provider.payment(mandate, charge_on=date(2026, 3, 21)).charge_on == "2026-03-23"
    early = provider.refused("too-early", provider.payment, mandate, charge_on=date(2026, 3, 4))
    assert "2026-03-05" in early.message


# --- what may be done in which state ----------------------------------------------------------------


def test_a_payment_is_cancelled_only_before_it_goes_to_the_banks(provider):
    mandate = provider.mandate()
    first, second = provider.payment(mandate), provider.payment(mandate)
    assert provider.core.cancel_payment(first.id).status == "cancelled"
    provider.until("2026-03-03")
    provider.refused("not-cancellable", provider.core.cancel_payment, second.id)
    provider.refused("not-cancellable", provider.core.cancel_payment, first.id)
    provider.until("2026-03-30")
    assert provider.actions(first.id) == ["created", "cancelled"]


def test_a_refused_payment_fails_when_the_result_is_known_and_is_retried_three_times_at_most(provider):
    payment = provider.payment()
    provider.core.bank_refuses(payment.id)
    assert payment.status == "pending_submission"
    provider.until("2026-03-06", 12)
    assert (payment.status, payment.refusal.code) == ("failed", "ARUDD-0")
    for day in ("2026-03-31", "2026-04-30", "2026-05-29"):
        provider.core.retry_payment(payment.id)
        provider.core.bank_refuses(payment.id, "refer_to_payer")
        provider.until(day)
    assert payment.status == "failed"
    provider.refused("not-retriable", provider.core.retry_payment, payment.id)
    assert provider.core.state.payouts == {}


def test_a_payment_that_may_be_retried_is_retried_by_the_provider(provider):
    payment = provider.payment(retry_if_possible=True)
    provider.core.bank_refuses(payment.id)
    provider.until("2026-03-06", 12)
    failed = provider.told[-1]
    assert (failed.action, failed.will_retry) == ("failed", True)
    provider.until("2026-03-30")
    assert payment.status == "paid_out"
    assert provider.actions(payment.id)[2:4] == ["failed", "resubmission_requested"]


def test_a_closed_account_is_not_retried_by_the_provider(provider):
    payment = provider.payment(retry_if_possible=True)
    provider.core.bank_refuses(payment.id, "bank_account_closed")
    provider.until("2026-03-30")
    assert payment.status == "failed"
    assert provider.told[-1].will_retry is False


def test_a_late_failure_takes_the_money_from_a_later_payout_and_gives_the_fee_back(provider):
    mandate = provider.mandate()
    payment, other = provider.payment(mandate, 10_000), provider.payment(mandate, 30_000, charge_on=date(2026, 3, 20))
    provider.until("2026-03-10")
    assert payment.status == "paid_out"
    provider.core.bank_refuses(payment.id, "refer_to_payer")
    assert payment.status == "failed"
    provider.until("2026-03-19")
    assert provider.actions(payment.id)[-1] == "failed"  # no payout to take it from yet
    provider.until("2026-03-24")
    assert provider.actions(payment.id)[-1] == "late_failure_settled"
    payout = provider.core.payout(other.payout_id)
    assert [(i.kind, i.tenths) for i in payout.items] == [
        ("payment_paid_out", 300_000),
        ("fee", -3_200),
        ("payment_failed", -100_000),
        ("fee", 1_200),
    ]
    assert payout.amount == 30_000 - 320 - 10_000 + 120


def test_a_claim_takes_a_payment_back_and_may_be_withdrawn_before_or_after_it_is_settled():
    provider = Provider(terms=Terms(surcharge=500))
    mandate = provider.mandate()
    one, two = provider.payment(mandate), provider.payment(mandate, 50_000)
    provider.until("2026-03-10")
    provider.core.payer_claims_back(one.id)
    assert (one.status, provider.told[-1].code) == ("charged_back", "DDICA-2")
    assert provider.core.bank_withdraws_claim(one.id).status == "paid_out"
    assert provider.core.state.owed["GBP"] == []
    provider.core.payer_claims_back(one.id, "authorisation_disputed")
    three = provider.payment(mandate, 20_000)
    provider.until("2026-03-20")
    assert "chargeback_settled" in provider.actions(one.id)
    assert provider.core.payout(three.payout_id).amount == 20_000 - 220 - 10_000 + 120 - 500
    provider.core.bank_withdraws_claim(one.id)
    provider.until("2026-03-24")
    last = list(provider.core.state.payouts.values())[-1]
    assert last.amount == 10_000 - 120 + 500
    assert two.status == "paid_out"


def test_sepa_lets_a_payer_take_money_back_for_eight_weeks_and_as_unauthorised_for_thirteen_months(provider):
    mandate = provider.mandate("EUR")
    payments = [provider.payment(mandate) for _ in range(3)]
    provider.until("2026-04-01")
    assert payments[0].charge_on == "2026-03-05"
    provider.until("2026-04-30")
    provider.core.payer_claims_back(payments[0].id)
    provider.until("2026-05-01")
    provider.refused("claim-too-late", provider.core.payer_claims_back, payments[1].id)
    provider.core.payer_claims_back(payments[1].id, "authorisation_disputed")
    provider.until("2027-04-30")
    provider.refused("claim-too-late", provider.core.payer_claims_back, payments[2].id, "authorisation_disputed")


def test_a_mandate_cancelled_at_the_bank_takes_what_is_pending_with_it_and_fails_what_is_on_its_way(provider):
    mandate = provider.mandate()
    sent = provider.payment(mandate)
    provider.until("2026-03-04")
    pending = provider.payment(mandate)
    provider.core.payer_cancels_mandate(mandate)
    assert (pending.status, sent.status) == ("cancelled", "submitted")
    provider.until("2026-03-06")
    assert (sent.status, sent.refusal.cause, sent.refusal.code) == ("failed", "mandate_cancelled", "ARUDD-1")
    told = next(h for h in provider.told if h.kind == "mandate" and h.action == "cancelled")
    assert (told.origin, told.code) == ("bank", "ADDACS-1")
    provider.refused("mandate-inactive", provider.payment, mandate)
    provider.refused("mandate-inactive", provider.core.retry_payment, sent.id)
    provider.refused("mandate-state", provider.core.payer_cancels_mandate, mandate)


def test_a_refused_mandate_fails_and_takes_its_payments_with_it(provider):
    mandate = provider.mandate(active=False)
    payment = provider.payment(mandate)
    provider.core.bank_refuses_mandate(mandate)
    provider.until("2026-03-04", 9)
    assert (provider.core.mandate(mandate).status, payment.status) == ("failed", "cancelled")


def test_a_mandate_is_reinstated_and_expires_when_it_is_not_used(provider):
    mandate = provider.mandate()
    provider.core.cancel_mandate(mandate)
    provider.refused("not-cancellable", provider.core.cancel_mandate, mandate)
    provider.core.reinstate_mandate(mandate)
    provider.refused("mandate-alive", provider.core.reinstate_mandate, mandate)
    provider.until("2026-03-20")
    assert provider.actions(mandate)[-3:] == ["resubmission_requested", "submitted", "reinstated"]
    provider.until("2026-12-01")
    provider.payment(mandate)
    provider.until("2027-12-30")
    assert provider.core.mandate(mandate).status == "active"
    provider.until("2028-01-10")
    assert provider.core.mandate(mandate).status == "expired"


def test_a_disabled_account_cannot_be_collected_from_and_may_be_given_again(provider):
    mandate = provider.mandate()
    account = provider.core.account(provider.core.mandate(mandate).account_id)
    with pytest.raises(AlreadyThere) as there:
        provider.core.add_account(account.customer_id, "Payer", "20000055779911", "GB", "GBP")
    assert there.value.existing == account.id
    payment = provider.payment(mandate)
    provider.core.disable_account(account.id)
    assert (payment.status, provider.core.mandate(mandate).status) == ("cancelled", "cancelled")
    provider.refused("already-disabled", provider.core.disable_account, account.id)
    provider.refused("account-disabled", provider.core.add_mandate, account.id)
    again = provider.core.add_account(account.customer_id, "Payer", "20000055779911", "GB", "GBP")
    assert again.id != account.id


def test_a_moved_mandate_collects_from_the_new_account(provider):
    mandate = provider.mandate()
    before = provider.core.mandate(mandate).account_id
    provider.core.payer_moves_account(mandate, "30000012345678")
    now = provider.core.mandate(mandate)
    assert (now.account_id != before, now.status, provider.core.account(now.account_id).ending) == (
        True,
        "active",
        "78",
    )


def test_refunds_say_what_they_bring_the_total_to_and_end_in_a_payout(provider):
    mandate = provider.mandate()
    payment = provider.payment(mandate)
    provider.refused("refund-state", provider.core.add_refund, payment.id, 100, 100)
    provider.until("2026-03-10")
    provider.refused("total-differs", provider.core.add_refund, payment.id, 100, 200)
    provider.refused("bad-amount", provider.core.add_refund, payment.id, 10_001, 10_001)
    refund = provider.core.add_refund(payment.id, 4_000, 4_000)
    for total in (4_100, 4_200, 4_300, 4_400):
        provider.core.add_refund(payment.id, 100, total)
    provider.refused("too-many-refunds", provider.core.add_refund, payment.id, 100, 4_500)
    provider.payment(mandate, 20_000)
    provider.until("2026-03-20")
    assert provider.actions(refund.id) == ["created", "paid", "refund_settled"]
    assert provider.core.bank_returns_refund(refund.id).status == "bounced"
    assert payment.refunded == 4_400
    provider.until("2026-03-23")
    assert (refund.status, payment.refunded) == ("funds_returned", 400)


def test_a_refund_needs_funds_where_the_provider_asks_for_them():
    provider = Provider(refunds_need_funds=True)
    mandate = provider.mandate()
    payment = provider.payment(mandate)
    provider.until("2026-03-10")
    provider.refused("no-funds", provider.core.add_refund, payment.id, 100, 100)
    provider.payment(mandate, 1_000)
    provider.until("2026-03-17", 13)
    assert provider.core.available("GBP") == 970
    assert provider.core.add_refund(payment.id, 970, 970).amount == 970


def test_payouts_leave_when_they_are_at_the_bank(provider):
    booked: list[tuple[int, int, str, str]] = []
    provider.core.payout_listeners.append(lambda p: booked.append((provider.at, p.amount, p.currency, p.reference)))
    provider.payment(amount=10_000)
    provider.until("2026-03-09", 13)
    assert booked == []
    provider.until("2026-03-09", 14)
    assert booked == [(us("2026-03-09", 14), 9_880, "GBP", "ACME-reference-1")]


def test_a_returned_payout_is_sent_again(provider):
    payment = provider.payment()
    provider.until("2026-03-09")
    payout = provider.core.payout(payment.payout_id)
    provider.core.bank_returns_payout(payout.id)
    provider.refused("payout-state", provider.core.bank_returns_payout, payout.id)
    provider.until("2026-03-10")
    assert provider.actions(payout.id) == ["paid", "bounced", "paid"]


# --- steps, listeners, state ------------------------------------------------------------------------


def test_a_listener_may_act_while_it_is_told(provider):
    def refuse(happening: Happening) -> None:
        if happening.kind == "payment" and happening.action == "submitted":
            provider.core.bank_refuses(happening.id, "insufficient_funds")

    provider.core.listeners.append(refuse)
    payment = provider.payment()
    provider.until("2026-03-30")
    assert payment.status == "failed"


def test_the_world_is_told_when_the_next_step_is_due(provider):
    due: list[int] = []
    provider.core.on_due = due.append
    payment = provider.payment()
    while provider.core.next_due is not None and payment.status != "paid_out":
        assert due[-1] == provider.core.next_due
        provider.at = due[-1]
        assert provider.core.run_due() >= 1
    assert provider.at == us("2026-03-09", 10)


def test_a_snapshot_holds_everything_and_goes_on_as_if_nothing_had_been(provider):
    mandate = provider.mandate()
    payment = provider.payment(mandate)
    provider.until("2026-03-04")
    kept = provider.core.snapshot()
    provider.until("2026-03-20")
    went = provider.core.snapshot()
    other = Provider("2026-03-04")
    other.core.restore(kept)
    other.until("2026-03-20")
    assert other.core.snapshot() == went
    assert other.core.payment(payment.id).status == "paid_out"
    assert other.core.payments_of == provider.core.payments_of
    assert other.core.happenings_of == provider.core.happenings_of
    provider.core.reset()
    assert provider.core.next_due is None
    with pytest.raises(RuleError, match="open a creditor first"):
        _ = provider.core.creditor


# --- money ------------------------------------------------------------------------------------------


def _books_balance(core: DirectDebitCore) -> None:
    """Every payout is the rounded sum of its items, and every payment's money is where its state says."""
    items = [item for payout in core.state.payouts.values() for item in payout.items]
    for payout in core.state.payouts.values():
        assert payout.amount == payout_amount(payout.items) > 0
    items += [item for owed in core.state.owed.values() for item in owed]
    for payment in core.state.payments.values():
        mine = [i for i in items if i.payment_id == payment.id]
        moved = sum(i.tenths for i in mine if i.kind.startswith("payment") and i.kind != "payment_refunded")
        assert moved == (payment.amount * 10 if payment.status == "paid_out" else 0), payment
        refunded = sum(i.tenths for i in mine if "refund" in i.kind)
        assert refunded == -payment.refunded * 10, payment
        fees = sum(i.tenths for i in mine if i.kind == "fee")
        assert fees == (-payment.fee if payment.status == "paid_out" else 0), payment
        assert (payment.id in core.state.ready) == (payment.status == "confirmed"), payment
        assert payment.payout_id is not None or payment.status != "paid_out", payment
        assert payment.payout_id is None or payment.status not in ("confirmed", "submitted"), payment
        assert 0 <= payment.refunded <= payment.amount


def _live_through(seed: int, acts: int) -> tuple[DirectDebitCore, set[str]]:
    """A provider's random life; checks its books after every act. Gives it with the item kinds that were paid out."""
    provider = Provider(terms=Terms(surcharge=250))
    core = provider.core
    mandates = {"GBP": provider.mandate(), "EUR": provider.mandate("EUR")}
    rng = random.Random(seed)

    def one_of(*statuses: str) -> str:
        fitting = [p.id for p in core.state.payments.values() if p.status in statuses]
        return rng.choice(fitting or list(core.state.payments) or [""])

    def act() -> None:
        match rng.choice(
            [
                "collect",
                "collect",
                "wait",
                "wait",
                "wait",
                "refuse",
                "claim",
                "withdraw",
                "retry",
                "refund",
                "bounce",
                "cancel",
            ]
        ):
            case "collect":
                currency = rng.choice(["GBP", "EUR"])
                core.add_payment(mandates[currency], rng.randrange(1, 99_999), currency)
            case "refuse":
                core.bank_refuses(one_of("submitted", "confirmed", "paid_out"))
            case "claim":
                core.payer_claims_back(one_of("confirmed", "paid_out"), "authorisation_disputed")
            case "withdraw":
                core.bank_withdraws_claim(one_of("charged_back"))
            case "retry":
                core.retry_payment(one_of("failed"))
            case "cancel":
                core.cancel_payment(one_of("pending_submission") if rng.random() < 0.3 else "")
            case "refund":
                payment = core.payment(one_of("confirmed", "paid_out"))
                part = min(rng.randrange(1, 50_000), payment.amount - payment.refunded)
                core.add_refund(payment.id, part, payment.refunded + part)
            case "bounce":
                core.bank_returns_refund(rng.choice(list(core.state.refunds) or [""]))
            case _:
                provider.at += rng.randrange(1, 3 * 86_400) * 1_000_000
                core.run_due()

    for _ in range(acts):
        before = len(core.state.happenings)
        try:
            act()
        except RuleError:
            assert len(core.state.happenings) == before
        _books_balance(core)
    provider.at += 40 * 86_400_000_000
    core.run_due()
    _books_balance(core)
    return core, {i.kind for payout in core.state.payouts.values() for i in payout.items}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_no_money_is_lost_or_made_whatever_happens(seed):
    _live_through(seed, 120)


def test_the_random_life_meets_every_way_money_moves():
    core, kinds = _live_through(1, 250)
    assert kinds == {
        "payment_paid_out", "payment_failed", "payment_charged_back", "payment_refunded", "refund_funds_returned",
        "fee", "surcharge",
    }  # fmt: skip
    assert len(core.state.payouts) > 10
    assert {h.action for h in core.state.happenings} >= {
        "late_failure_settled", "chargeback_settled", "chargeback_cancelled", "refund_settled",
    }  # fmt: skip


# --- small rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "tenths"), [(100, 210), (10_000, 1_200), (4_567, 657), (1_000_000, 4_000), (1, 200)]
)
def test_fees_are_a_share_and_a_fixed_sum_capped_to_a_tenth_of_a_penny(amount, tenths):
    assert Terms().fee(amount) == tenths


@pytest.mark.parametrize("text", ["ACME-12345678", "REF123", "A1B2C3 D/E&F.G"])
def test_bacs_takes_these_references(text):
    check_reference(SCHEMES["bacs"], text)


@pytest.mark.parametrize(
    "text", ["", "AB1", "DDIC123456", "AAAAAA", "-ABC123", "ABC1234 ", "abc1234", "A" * 10 + "1234567890"]
)
def test_bacs_refuses_these_references(text):
    with pytest.raises(RuleError) as caught:
        check_reference(SCHEMES["bacs"], text)
    assert caught.value.field == "reference"


def test_ibans_hold_by_their_check_digits():
    assert iban("DE", "370400440532013000") == "DE89370400440532013000"
    assert iban_holds("GB60BARC20000055779911")
    assert not iban_holds("GB61BARC20000055779911")
    assert not iban_holds("GB60")
    assert not iban_holds("é" * 20)


@pytest.mark.parametrize(
    ("day", "months", "later"), [("2026-01-31", 1, "2026-02-28"), ("2026-12-02", 13, "2028-01-02")]
)
def test_months_end_where_the_month_does(day, months, later):
    assert months_after(date.fromisoformat(day), months) == date.fromisoformat(later)
