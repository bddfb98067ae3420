"""A company of two legal entities: what is sold by one and booked by the other, and the design that books it right."""

from collections import Counter
from datetime import datetime
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from o2c_twin.integration.mappings import shipped_files
from o2c_twin.integration.mappings.rates import RateTable
from o2c_twin.mock_systems.roles.erp import Entity, ErpCore
from o2c_twin.reports import compute_kpis
from o2c_twin.run_record import RunRecord
from o2c_twin.scenarios import ScenarioError, load
from o2c_twin.twin import run as run_module
from o2c_twin.twin.time import epoch
from o2c_twin.twin.world.cash_desk import post_receipt
from o2c_twin.twin.world.rates import Market
from o2c_twin.twin.world.truth import Receipt

GROUP = """\
name: group
extends: to-be
orders: 60
days: 20
drain_days: 90
naive: {entities: one}
design: {entities: by-customer}
world: {home_entity: DE01, entities: {UK01: 0.4}}
"""
ORDER_MAP = "maps/netsuite/deal_to_sales_order.yaml"
CUSTOMER_MAP = "maps/netsuite/party_to_customer.yaml"
ACCOUNT_MAP = "maps/salesforce/account_to_party.yaml"
ORDER_RULES = """\
entities:
  {entity}:
    fields:
      - {{value: sold by {entity}, to: memo}}
      - each: lines
        to: item.items
        fields:
          - {{from: sku, to: item.id, by: {{lookup: {{in: items}}}}}}
          - {{from: quantity, to: quantity, by: number}}
          - {{from: unit_price_minor, to: rate, by: to-decimal}}
          - {{value: VAT-{entity}, to: taxCode.id}}
          - {{value: "{price_list}", to: price.id}}
"""


@pytest.fixture
def play(tmp_path):
    """Play a scenario with these files in its folder: what the run found, its estate, its KPIs."""

    def play(text=GROUP, naive=False, files=(), seed=None):
        for name, content in dict(files).items():
            path = tmp_path / "own" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        path = tmp_path / "group.yaml"
        path.write_text(text + ("maps: own\n" if files else ""), encoding="utf-8")
        made, build, out = [], run_module.build_estate, tmp_path / f"naive-{naive}"

        def keep(*arguments):
            made.append(build(*arguments))
            return made[-1]

        with patch.object(run_module, "build_estate", keep):
            found = run_module.run(load(path).plan(naive=naive, seed=seed), out)
        return found, made[0], RunRecord(out)

    return play


def served(estate):
    """By customer number: the legal entity on its account."""
    accounts = estate.crm.state.accounts.values()
    return {each.custom["Customer_Number__c"]: each.custom["O2C_Entity__c"] for each in accounts}


@pytest.mark.parametrize("erp", ["netsuite", "s4hana"])
def test_each_deal_is_booked_billed_and_paid_in_the_books_of_who_sold_it(play, erp):
    found, estate, record = play(GROUP + f"systems: {{erp: {{vendor: {erp}}}}}\n")
    assert found.violations == []
    erp, serves = estate.erp.state, served(estate)
    assert set(serves.values()) == {"DE01", "UK01"}
    owner = {each.id: serves[each.number] for each in erp.customers.values()}
    documents = [*erp.orders.values(), *erp.deliveries.values(), *erp.invoices.values(), *erp.payments.values()]
    assert len(documents) > 200
    assert all(each.entity == owner[each.customer_id] for each in documents)
    numbers = {
        entity: [int(i.number[3:]) for i in erp.invoices.values() if i.entity == entity] for entity in owner.values()
    }
    assert numbers["DE01"] == list(range(1001, 1001 + len(numbers["DE01"])))
    assert numbers["UK01"] == list(range(10_000_001, 10_000_001 + len(numbers["UK01"])))
    assert set(record.table("invoices")["tax_code"]) == {"VAT-DE01", "VAT-UK01"}
    # Nothing of it was left to people, who would have got it right as well.
    assert not record.table("cases")["reason"].str.contains("rejected").any()
    assert compute_kpis(record)["orders.misbooked"].value == 0


def test_what_is_booked_at_home_for_another_is_disputed_credited_billed_again_and_paid_later(play):
    right, _, good = play()
    wrong, estate, record = play(naive=True)
    serves, erp = served(estate), estate.erp.state
    abroad = [o for o in erp.orders.values() if serves[erp.customers[o.customer_id].number] == "UK01"]
    assert {order.entity for order in abroad} == {"DE01"}
    assert Counter(v.invariant for v in wrong.violations) == {"order is booked by who sold": len(abroad)}
    again = [i for i in erp.invoices.values() if i.replaces is not None]
    assert len(again) >= len(abroad)
    for invoice in again:
        first = erp.invoices[invoice.replaces]
        assert (first.entity, invoice.entity) == ("DE01", "UK01")
        assert first.credited_minor == first.total_minor == invoice.total_minor
        assert invoice.issued_at > first.issued_at + 4 * 86_400_000_000
    cash, late = (compute_kpis(each) for each in (good, record))
    assert late["orders.misbooked"].value == len(abroad)
    horizon = epoch(datetime.fromisoformat(record.manifest["horizon_end"]))
    assert late["billing.wrong_tax"].value == sum(erp.invoices[i.replaces].issued_at < horizon for i in again)
    assert late["order_to_cash"].value > cash["order_to_cash"].value
    # What is paid for an invoice of the other entity the account at home does not take: a clerk posts it.
    reasons = record.table("cases")["reason"]
    assert reasons.str.contains("belongs to another subsidiary").sum() > 3
    assert right.orders == wrong.orders


def test_what_is_booked_at_home_in_s4hana_is_put_right_by_people_too(play):
    found, estate, _ = play(GROUP + "systems: {erp: {vendor: s4hana}}\n", naive=True)
    assert {v.invariant for v in found.violations} == {"order is booked by who sold"}
    again = [i for i in estate.erp.state.invoices.values() if i.replaces is not None]
    assert len(again) > 10
    # The others are due later than the run ends, or by customers who are later than that.
    assert sum(i.open_minor == 0 for i in again) > len(again) / 2


def test_a_clerk_moves_a_receipt_to_the_entity_whose_invoice_it_pays():
    erp = ErpCore(lambda: 1, entities=(Entity("DE01"), Entity("UK01")))
    customer, item = erp.add_customer("Acme", "EUR").id, erp.add_item("A", "A", 100, 50, "EUR", 10).id
    order = erp.enter_order(customer, [(item, 1, 100)])
    erp.deliver(order.id)
    wrong = erp.invoice_order(order.id)
    erp.issue_credit_memo(wrong.id, 100, "entity")
    erp.assign_customer(customer, "UK01")
    again = erp.bill_again(wrong.id, "UK01")
    payment = erp.receive_payment(customer, 100, reference="B1")
    assert payment.entity == "DE01"
    company = SimpleNamespace(erp=erp, rates=Market("EUR", RateTable("none", {})))
    post_receipt(company, Receipt("B1", "C1", 0, 0, "EUR", 100, {again.number: 100}))
    assert (payment.entity, payment.unapplied_minor, again.open_minor) == ("UK01", 0, 0)


def test_each_entity_has_its_own_tax_code_price_list_and_fields_deal_by_deal(play):
    text = shipped_files().maps[ORDER_MAP].replace("version: 1", "version: 2")
    for entity, price_list in (("UK01", "5"), ("DE01", "-1")):
        text = text.replace("entities:\n", ORDER_RULES.format(entity=entity, price_list=price_list))
    found, estate, _ = play(files={"maps/order.yaml": text})
    assert found.violations == []
    dialect = estate.erp_stand.dialect
    orders = [dialect.shapes.record(order, "", 0, True) for order in estate.erp.state.orders.values()]
    lists = {"Company DE01": "-1", "Company UK01": "5"}
    assert {order["subsidiary"]["refName"] for order in orders} == set(lists)
    for order in orders:
        seller = order["subsidiary"]["refName"]
        assert order["memo"] == f"sold by {seller[-4:]}"
        for line in order["item"]["items"]:
            assert (line["taxCode"]["id"], line["price"]["id"]) == (f"VAT-{seller[-4:]}", lists[seller])


def test_customers_are_numbered_by_the_rule_of_their_entity_and_found_by_it_again(play):
    rule = "entities:\n  UK01:\n    fields:\n      - {from: number, to: entityId, by: {pattern: {pattern: 'GB-{}'}}}\n"
    text = shipped_files().maps[CUSTOMER_MAP].replace("version: 1", "version: 2").replace("entities:\n", rule)
    text_of_world = GROUP.replace("world: {", "world: {duplicate_accounts: 0.5, ")
    _, estate, _ = play(text_of_world, files={"maps/customer.yaml": text})
    customers = estate.erp.state.customers.values()
    assert {each.entity for each in customers if each.number.startswith("GB-")} == {"UK01"}
    assert all(each.number.startswith("GB-") for each in customers if each.entity == "UK01")
    assert len({each.number for each in customers}) == len(customers)


SHIPPED_AT_HOME = GROUP.replace("entities: by-customer", "entities: intercompany").replace(
    "world: {", "world: {transfer_price: 0.7, "
)


def test_what_home_ships_for_another_is_charged_between_them_once_and_in_no_receivable(play):
    found, estate, record = play(SHIPPED_AT_HOME)
    assert found.violations == []
    erp = estate.erp.state
    owed = {i.number: i.total_minor for i in erp.invoices.values() if i.entity == "UK01"}
    charged = {entry.reference: entry.amount_minor for entry in erp.intercompany.values()}
    assert len(charged) > 10 and len(erp.intercompany) == len(charged)
    assert charged == {number: (total * 7 + 5) // 10 for number, total in owed.items()}
    assert {(entry.seller, entry.buyer) for entry in erp.intercompany.values()} == {("DE01", "UK01")}
    assert set(record.table("invoices")["document_id"]) == {i.number for i in erp.invoices.values()}
    assert estate.erp.trial_balance()["receivables"] == sum(estate.erp.receivables_by_entity().values())


def test_without_it_each_invoice_of_another_entity_is_missed_between_them(play):
    found, estate, _ = play(SHIPPED_AT_HOME.replace("entities: intercompany", "entities: by-customer"))
    abroad = [i for i in estate.erp.state.invoices.values() if i.entity == "UK01"]
    assert Counter(v.invariant for v in found.violations) == {"goods are charged between entities": len(abroad)}


def test_a_charge_that_is_refused_is_a_case_and_posted_by_hand(play):
    names = shipped_files().maps["maps/netsuite/charge_to_journal.yaml"].replace("version: 1", "version: 2")
    # Nobody is served by the entity this map names.
    names = names.replace(
        "{from: buyer, to: buyer.externalId, invertible: true}", "{value: FR01, to: buyer.externalId}"
    )
    names = names.replace("buyer: {externalId: UK01}", "buyer: {externalId: FR01}")
    found, estate, record = play(SHIPPED_AT_HOME, files={"maps/charge.yaml": names})
    assert found.violations == []
    assert (
        record.table("cases")["reason"].str.contains("linesubsidiary").sum() == len(estate.erp.state.intercompany) > 5
    )


def test_with_hubspot_the_company_says_it(play):
    found, estate, _ = play(GROUP + "systems: {crm: {vendor: hubspot}}\n")
    assert found.violations == []
    assert {order.entity for order in estate.erp.state.orders.values()} == {"DE01", "UK01"}


def test_by_customer_in_a_company_of_one_is_as_one(play):
    found, estate, _ = play(GROUP.replace("world: {home_entity: DE01, entities: {UK01: 0.4}}\n", ""))
    assert found.violations == []
    assert {order.entity for order in estate.erp.state.orders.values()} == {None}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "systems: {erp: {vendor: business_central}}\n",
            "scenario 'group': world.entities: business_central keeps one legal entity here; take an ERP of: netsuite,",
        ),
        (
            "world: {entities: {ABROAD: 0.2}, home_entity: DE01}\nsystems: {erp: {vendor: s4hana}}\n",
            "world.entities: ABROAD is no company code of S/4HANA, which has four characters; rename it",
        ),
        (
            "design: {entities: intercompany}\nworld: {entities: {UK01: 0.2}}\n",
            "design.entities: intercompany needs a transfer price; set world.transfer_price, such as 0.7",
        ),
        (
            "design: {entities: intercompany}\nworld: {transfer_price: 0.5}\nsystems: {erp: {vendor: s4hana}}\n",
            "design.entities: intercompany: this engine's connector to s4hana charges nothing between entities; take",
        ),
        ("world: {entities: {UK01: 1.2}}\n", "world.entities {'UK01': 1.2} are no shares of all customers; lower them"),
        (
            "world: {entities: {uk: 0.2}}\n",
            "world.entities 'uk' is no legal entity's code; it has two to eight capital",
        ),
        ("world: {entities: {HOME: 0.2}}\n", "world.entities HOME is the home entity; name further ones only"),
        ("world: {entities: {UK01: a lot}}\n", "world.entities is 'a lot'; write a number"),
        ("world: {entities: [UK01]}\n", "world.entities must hold 'name: value' lines; write names with a number each"),
        ("world: {entities: {UK01: 0.1, UK01: 0.2}}\n", "world.entities: 'UK01' is given twice; keep one of them"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(play, change, said):
    sections = [line.split(":")[0] for line in change.splitlines()]
    text = "".join(line for line in GROUP.splitlines(True) if line.split(":")[0] not in sections)
    with pytest.raises(ScenarioError) as refused:
        play(text + change)
    assert said in str(refused.value)


def test_an_account_map_that_makes_no_entity_is_refused(play):
    text = shipped_files().maps[ACCOUNT_MAP].replace("version: 1", "version: 2")
    start, end = text.index("entities:\n"), text.index("examples:\n")
    text = text[:start] + text[end:]
    start, end = text.index("  - note: of an account that says"), text.index("  - note: a tenth of a cent")
    text = text[:start] + text[end:]
    with pytest.raises(ScenarioError) as refused:
        play(files={"maps/account.yaml": text})
    assert "maps/account.yaml:1:1: map account-to-party makes no 'entity', by which each deal is sold;" in str(
        refused.value
    )
