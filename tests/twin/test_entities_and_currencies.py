"""A company of two legal entities whose customers buy in several currencies: what each design makes of it."""

from unittest.mock import patch

import pytest

from o2c_twin.reports import compute_kpis
from o2c_twin.run_record import RunRecord
from o2c_twin.scenarios import ScenarioError, load
from o2c_twin.twin import run as run_module

GROUP = """\
name: group
extends: to-be
orders: 70
days: 20
drain_days: 90
design: {{entities: {entities}, currencies: {currencies}}}
world: {{home_entity: DE01, entities: {{UK01: 0.5}}, transfer_price: {price}, foreign: {{USD: 0.4, GBP: 0.2}}}}
"""


@pytest.fixture
def play(tmp_path):
    """Play the company with a design: what the run found, its estate, its record."""

    def play(entities, currencies, price=0.0, more=""):
        path, made, build = tmp_path / "group.yaml", [], run_module.build_estate
        text = GROUP.format(entities=entities, currencies=currencies, price=price) + more
        path.write_text(text, encoding="utf-8")

        def keep(*arguments):
            made.append(build(*arguments))
            return made[-1]

        with patch.object(run_module, "build_estate", keep):
            found = run_module.run(load(path).plan(), tmp_path / "out")
        return found, made[0], RunRecord(tmp_path / "out")

    return play


def broken(found):
    """The invariants that did not hold."""
    return {violation.invariant for violation in found.violations}


def test_each_entity_bills_and_is_paid_in_the_currency_of_its_customer(play):
    found, estate, record = play("by-customer", "document")
    assert found.violations == []
    erp = estate.erp.state
    accounts = {each.custom["Customer_Number__c"]: each for each in estate.crm.state.accounts.values()}
    bought = {each.id: accounts[each.number] for each in erp.customers.values()}
    documents = [*erp.orders.values(), *erp.invoices.values(), *erp.payments.values()]
    assert len(documents) > 150
    for each in documents:
        account = bought[each.customer_id]
        assert (each.entity, each.currency) == (account.custom["O2C_Entity__c"], account.currency)
    pairs = {(invoice.entity, invoice.currency) for invoice in erp.invoices.values()}
    assert len({entity for entity, _ in pairs}) == 2 and len({c for e, c in pairs if e == "UK01"}) > 1
    assert sum(estate.erp.receivables_by_entity().values()) == estate.erp.trial_balance()["receivables"]
    kpis = compute_kpis(record)
    assert (kpis["orders.misbooked"].value, kpis["leakage.amount"].value) == (0, 0)


def test_what_the_wrong_entity_billed_is_billed_again_in_the_same_currency_and_the_books_balance(play):
    found, estate, record = play("one", "document")
    assert broken(found) == {"order is booked by who sold"}
    erp = estate.erp.state
    again = [invoice for invoice in erp.invoices.values() if invoice.replaces is not None]
    assert {invoice.currency for invoice in again} > {"EUR"}
    for invoice in again:
        first = erp.invoices[invoice.replaces]
        assert (first.entity, invoice.entity) == ("DE01", "UK01")
        assert (first.currency, first.total_minor) == (invoice.currency, invoice.total_minor)
    assert any(erp.invoices[i.replaces].exchange_rate != i.exchange_rate for i in again)
    # Billed again is billed once.
    kpis = compute_kpis(record)
    assert (kpis["leakage.amount"].value, kpis["overbilling.amount"].value) == (0, 0)


@pytest.mark.parametrize("entities", ["one", "by-customer"])
def test_figures_carried_over_as_they_stand_are_wrong_whoever_books_them(play, entities):
    found, _, record = play(entities, "relabelled")
    assert {"order is as agreed", "order is in the currency agreed"} <= broken(found)
    assert not any(invariant.startswith("books balance") for invariant in broken(found))
    assert ("order is booked by who sold" in broken(found)) == (entities == "one")
    reasons = set(record.table("disputes")["reason"])
    assert reasons == ({"entity", "currency"} if entities == "one" else {"currency"})


@pytest.mark.parametrize("currencies", ["document", "converted"])
def test_entities_charge_each_other_in_the_currency_of_the_invoice(play, currencies):
    found, estate, _ = play("intercompany", currencies, 0.7)
    assert "goods are charged between entities" not in broken(found)
    erp = estate.erp.state
    billed = {i.number: (i.currency, i.exchange_rate is None) for i in erp.invoices.values() if i.entity == "UK01"}
    charged = {e.reference: (e.currency, e.exchange_rate is None) for e in erp.intercompany.values()}
    assert charged == billed and len(charged) == len(erp.intercompany) > 10
    assert len({currency for currency, _ in charged.values()}) == (3 if currencies == "document" else 1)
    own = estate.erp.trial_balance()
    assert own["intercompany receivables"] + own["intercompany payables"] == 0 < own["intercompany receivables"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("systems: {erp: {vendor: s4hana}}\n", "systems.erp: "),
        ("systems: {crm: {vendor: hubspot}}\n", "systems.crm: "),
    ],
)
def test_who_keeps_several_entities_but_one_currency_is_refused_before_anything_runs(play, more, said):
    with pytest.raises(ScenarioError) as refused:
        play("by-customer", "document", more=more)
    assert said in str(refused.value) and "world.foreign" in str(refused.value)
