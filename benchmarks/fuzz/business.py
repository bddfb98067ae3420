"""The business there is before the fuzzing: records in the mock's core, and a day of the engine's connector."""

from collections.abc import Callable, Coroutine
from datetime import date, timedelta
from typing import Any

from o2c_twin.integration.model import Allocation, BankEntry, Deal, DealLine, Party, PaymentClaim

Step = Callable[[Any, Any, str, int], Coroutine[Any, Any, None]]
"""Stand, its connector, currency, the instant in microseconds."""


def seed_core(core: Any, currency: str) -> None:
    """Some records to begin with, by what the core is."""
    role = next(kind.__module__.split(".")[3] for kind in type(core).__mro__ if ".roles." in kind.__module__)
    if role == "erp":
        items = [core.add_item(sku, sku.title(), 1_999, 900, currency, 20) for sku in ("WIDGET", "GADGET")]
        for number in range(3):
            customer = core.add_customer(f"Customer {number}", currency, credit_limit_minor=50_000 * number)
            order = core.enter_order(
                customer.id, [(item.id, 2 + number, 1_999) for item in items], po_number=f"P{number}"
            )
            if order.credit != "hold":
                core.deliver(order.id, {1: 1})
                invoice = core.invoice_order(order.id)
                if number == 1:
                    core.receive_payment(customer.id, 1_000, applications=[(invoice.id, 500)])
    elif role == "crm":
        product = core.create("product", {"code": "WIDGET", "name": "Widget", "price_minor": 1_999})
        for number in range(3):
            account = core.create("account", {"name": f"Account {number}"})
            values = {"name": f"Deal {number}", "stage": "Closed Won", "close_date": "2026-01-31"}
            deal = core.create("opportunity", {**values, "account_id": account.id})
            line = {"opportunity_id": deal.id, "product_id": product.id, "quantity": 2, "unit_price_minor": 1_999}
            core.create("line", line)
    elif role == "bank":
        account = core.open_account("DE89370400440532013000", currency, "The company")
        for day in range(3):
            details = {
                "end_to_end_id": f"E{day}",
                "remittance": ("INV1",),
                "counterparty": "A",
                "counterparty_iban": None,
            }
            core.credit(account.id, 100 + day, **details)
            core.close_day(date(2026, 1, 5) + timedelta(days=day))
    elif role == "billing":
        _seed_billing(core, currency.lower())
    elif role == "direct_debit":
        customer = core.add_customer({"company_name": "Acme"})
        accounts = (("GBP", "GB", "20000055779911"), ("EUR", "DE", "DE89370400440532013000"))
        for money, country, number in accounts:
            account = core.add_account(customer.id, "Acme", number, country, money)
            mandate = core.add_mandate(account.id)
            for amount in (1_000, 2_000):
                core.add_payment(mandate.id, amount, money)


def _seed_billing(core: Any, currency: str) -> None:
    """Invoices in every state, payments by card, debit and transfer, and what became of some of them."""
    for number in range(3):
        customer = core.add_customer(name=f"Customer {number}", email=f"c{number}@example.com")
        core.add_instrument("card" if number else "debit", "4242", customer_id=customer.id)
        core.invoicing.add_line(customer.id, currency, 700)
        for methods in (("card", "debit"), ("transfer",)):
            draft = core.invoicing.create(customer.id, currency, automatic=False, methods=methods)
            core.invoicing.add_line(customer.id, currency, 900, invoice_id=draft.id)
            invoice = core.invoicing.create(customer.id, currency, automatic=False, methods=methods)
            core.invoicing.add_line(customer.id, currency, 1_900, invoice_id=invoice.id)
            core.invoicing.finalise(invoice.id)
        for manual in (False, True):
            payment = core.collecting.create(
                5_000, currency, ("card", "debit"), customer_id=customer.id, manual_capture=manual
            )
            core.customer_pays(payment.id)
        waiting = core.collecting.create(3_000, currency, ("transfer",), customer_id=customer.id)
        core.collecting.confirm(waiting.id)
        core.customer_transfers(customer.id, 800, currency)
    paid = next(each for each in core.state.charges.values() if each.captured and each.method == "card")
    core.returning.refund(paid.id, 100)
    core.customer_disputes(paid.id)


async def _erp_day(stand: Any, erp: Any, currency: str, now_us: int) -> None:
    party = Party("A1", "Acme", "K-1", "a@acme.example", credit_limit_minor=10_000_000, currency=currency)
    customer = await erp.put_customer(party, "customer:A1", "c")
    lines = (DealLine("WIDGET", 2, 1_999), DealLine("GADGET", 1, 500))
    items = await erp.item_ids()
    order = await erp.put_order(Deal("D1", "R1", "PO1", party, lines, currency, 0), customer, items, "order:D1", "c")
    await erp.update_customer(customer, party, "c")
    await erp.order(order)
    stand.dialect.core.deliver(stand.names.id_of("order", order), {1: 1})
    invoice = await erp.bill(order, "bill:1", "c")
    entry = BankEntry("B1", 1_000, currency, "2026-01-05", None, "INV", "ACME", None)
    await erp.put_payment(entry, customer, [Allocation(invoice, 500)], "cash:B1", "c")
    await erp.open_items(customer)
    await erp.changes(now_us - 10**12)


async def _crm_day(stand: Any, crm: Any, currency: str, now_us: int) -> None:
    deal = next(iter(stand.dialect.core.state.opportunities.values()))
    await crm.deal(deal.id)
    await crm.note_deal(deal.id, {"order_id": "1", "fulfilment": "open"}, "c")
    await crm.note_party(deal.account_id, "1", "c")
    await crm.changes(now_us - 10**12)


async def _bank_day(stand: Any, bank: Any, currency: str, now_us: int) -> None:
    for event in (await bank.statements("2025-12-31"))[0]:
        await bank.entries(event.object_id)


async def _provider_day(stand: Any, provider: Any, currency: str, now_us: int) -> None:
    payer = await provider.put_payer(Party("A1", "Acme", "K-1", "a@acme.example", currency=currency), "payer:1", "c")
    await provider.collect(PaymentClaim("INV1", payer, 500, currency, "2026-02-04"), "collect:1", "c")
    await provider.changes(now_us - 1)


DAYS: dict[str, Step] = {"erp": _erp_day, "crm": _crm_day, "bank": _bank_day, "payments": _provider_day}
"""What the engine's connector does all day, by role."""
