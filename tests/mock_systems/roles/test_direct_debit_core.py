"""The direct debit provider's core: its calendar, its states, and what it tells."""

from datetime import date

import pytest
from tests.mock_systems.roles.direct_debit_provider import Provider, us

from o2c_twin.mock_systems.roles.direct_debit import AlreadyThere, Happening, Terms, WorkingDays
from o2c_twin.mock_systems.roles.records import RuleError


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
