"""Money is conserved whatever customers and banks do at the payment provider; nothing comes from nowhere."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.mock_systems.roles.billing_provider import Provider

from o2c_twin.mock_systems.roles.billing import Behaviour, BillingCore, Declined
from o2c_twin.mock_systems.roles.records import RuleError

STEPS = st.lists(
    st.tuples(st.integers(0, 15), st.integers(0, 30), st.integers(1, 20_000)),
    min_size=1,
    max_size=40,
)


def act(provider, step, pick, amount):
    """One of the things that may happen, to one of the records there are; a rule may forbid it."""
    core, state = provider.core, provider.core.state

    def one(table):
        return list(table)[pick % len(table)]

    match step:
        case 0:
            behaviour = Behaviour(
                decline="do_not_honor" if pick % 7 == 0 else None,
                returned="insufficient_funds" if pick % 5 == 0 else None,
                disputes="fraudulent" if pick % 11 == 0 else None,
                rejects_refunds=pick % 4 == 0,
            )
            provider.customer(method="card" if pick % 2 else "debit", behaviour=behaviour)
        case 1 | 2:
            methods = ("transfer",) if pick % 3 == 0 else ()
            provider.invoice(one(state.customers), amount, methods=methods)
        case 3:
            core.invoicing.pay(one(state.invoices), out_of_band=pick % 10 == 0)
        case 4:
            core.customer_pays_invoice(one(state.invoices), "debit" if pick % 2 else "card")
        case 5:
            core.customer_transfers(one(state.customers), amount, "eur")
        case 6:
            payment = core.collecting.create(amount, "eur", ("transfer",), customer_id=one(state.customers))
            core.collecting.confirm(payment.id)
        case 7:
            core.returning.refund(one(state.charges), amount if pick % 2 else None)
        case 8:
            core.customer_disputes(one(state.charges), inquiry=pick % 5 == 0)
        case 9:
            core.network_decides(one(state.disputes), won=pick % 2 == 0)
        case 10:
            invoice = state.invoices[one(state.invoices)]
            after = max(0, amount - invoice.remaining_minor)
            core.crediting.create(invoice.id, amount, refund_minor=after)
        case 11:
            core.bank_returns_debit(one(state.charges))
        case 12:
            core.bank_rejects_refund(one(state.refunds))
        case 13:
            core.bank_rejects_payout(one(state.payouts))
        case 14:
            core.collecting.cancel(one(state.payments))
        case 15:
            provider.wait(days=pick % 9)


@given(STEPS)
@settings(max_examples=120)
@example([(0, 1, 1), (1, 1, 5_000), (3, 1, 1), (7, 0, 1), (15, 8, 1), (8, 0, 1), (15, 8, 1)])
def test_charges_less_refunds_disputes_and_fees_are_payouts_and_balance(steps):
    provider = Provider()
    provider.customer(method="card")
    for step, pick, amount in steps:
        try:
            act(provider, step, pick, amount)
        except (RuleError, Declined, ZeroDivisionError):
            pass
        check_the_books(provider)
    provider.wait(days=120)
    check_the_books(provider)
    again = BillingCore(lambda: provider.now)
    again.restore(provider.core.snapshot())
    assert again.snapshot() == provider.core.snapshot()


def check_the_books(provider):
    state = provider.core.state
    charged = sum(c.captured_minor for c in state.charges.values() if c.status == "succeeded")
    refunded = sum(r.amount_minor for r in state.refunds.values() if r.status != "failed")
    disputed = sum(d.amount_minor for d in state.disputes.values() if d.entry_ids and d.status != "won")
    fees = sum(entry.fee_minor for entry in state.entries.values())
    sent = sum(p.amount_minor for p in state.payouts.values() if p.status != "failed")
    assert charged - refunded - disputed - fees == sent + sum(provider.balance)
    # Customers' transfers are their cash, set aside for a payment, or have become a charge.
    came = sum(entry.amount_minor for entry in state.cash_entries.values() if entry.kind == "funded")
    cash = sum(customer.cash.get("eur", 0) for customer in state.customers.values())
    transfers = [c for c in state.charges.values() if c.method == "transfer"]
    became = sum(c.amount_minor - c.refunded_minor for c in transfers)
    aside = sum(p.funded_minor for p in state.payments.values() if p.status != "succeeded")
    assert came == cash + aside + became
    assert all(minor >= 0 for customer in state.customers.values() for minor in customer.cash.values())
    for charge in state.charges.values():
        assert 0 <= charge.refunded_minor <= charge.amount_minor
    for invoice in state.invoices.values():
        links = (state.invoice_payments[id_] for id_ in invoice.payment_ids)
        paid = sum(link.paid_minor or 0 for link in links)
        assert invoice.out_of_band or invoice.paid_minor == paid
        if invoice.status == "paid" and not invoice.out_of_band:
            assert invoice.paid_minor - invoice.overpaid_minor == invoice.due_minor
