"""An estate's own field maps in a run: what a file says is what stands in the systems afterwards."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from unittest.mock import patch

import pytest

from o2c_twin.integration.mappings import shipped_files
from o2c_twin.scenarios import ScenarioError, load
from o2c_twin.twin import run as run_module
from o2c_twin.twin.pool import Job, run_many
from o2c_twin.twin.time import epoch

FILES = shipped_files().maps
LINES = """\
  - each: lines
    to: item.items
    fields:
      - {from: sku, to: item.id, by: {lookup: {in: items}}}
      - {from: quantity, to: quantity, by: number}
      - {from: unit_price_minor, to: rate, by: %s}
"""
SCENARIO = "name: own\nextends: to-be\norders: 25\ndays: 10\ndrain_days: 2\n%s"


@pytest.fixture
def estate(tmp_path):
    """Play a scenario with these files in its folder; the estate as it is at the end."""

    def play(files, more="maps: own\n"):
        for name, text in files.items():
            path = tmp_path / "own" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        path = tmp_path / "mine.yaml"
        path.write_text(SCENARIO % more, encoding="utf-8")
        made, build = [], run_module.build_estate

        def keep(*arguments):
            made.append(build(*arguments))
            return made[-1]

        with patch.object(run_module, "build_estate", keep):
            run_module.run(load(path).plan(), None)
        return made[0]

    return play


def changed(name, *changes):
    """A shipped map with each text replaced by another."""
    text = FILES[name]
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def shown(estate):
    """All orders as NetSuite shows them, lines included."""
    dialect = estate.erp_stand.dialect
    return [dialect.shapes.record(order, "", 0, True) for order in dialect.core.state.orders.values()]


OWN_FIELDS = {
    "schemas/ours.yaml": "extends: netsuite\nobjects:\n  salesOrder: {custbody_plant: text}\n",
    "maps/order.yaml": changed(
        "maps/netsuite/deal_to_sales_order.yaml",
        ("version: 1", "version: 2"),
        (
            "{from: po_number, to: otherRefNum, invertible: true, note: What the buyer will look for on the invoice.}",
            "{from: po_number, to: otherRefNum, by: {pattern: {pattern: 'EU-{}'}}}\n"
            "  - {value: HH, to: custbody_plant}",
        ),
        (
            "entities:\n",
            "entities:\n  DE01:\n    fields:\n      - {value: order of DE01, to: memo}\n"
            + "".join(f"    {line}\n" for line in (LINES % "to-decimal").splitlines())
            + '          - {value: "19", to: taxCode.id}\n          - {value: "-1", to: price.id}\n',
        ),
        ("otherRefNum: PO-4711", "otherRefNum: EU-PO-4711\n      custbody_plant: HH"),
    ),
}


def test_a_changed_map_writes_what_it_says_into_the_erps_records(estate):
    orders = shown(estate(OWN_FIELDS))
    assert len(orders) > 5
    assert all(order["otherRefNum"].startswith("EU-PO-") for order in orders)
    assert {order["custbody_plant"] for order in orders} == {"HH"}
    assert not any("memo" in order or "taxCode" in order["item"]["items"][0] for order in orders)


def test_the_legal_entity_brings_its_tax_code_its_price_list_and_its_fields(estate):
    orders = shown(estate(OWN_FIELDS, "maps: own\nentity: DE01\n"))
    assert len(orders) > 5
    lines = [line for order in orders for line in order["item"]["items"]]
    assert {(line["taxCode"]["id"], line["price"]["id"]) for line in lines} == {("19", "-1")}
    assert {order["memo"] for order in orders} == {"order of DE01"}
    assert all(order["otherRefNum"].startswith("EU-PO-") for order in orders)


def test_customers_are_numbered_by_the_entitys_rule_and_found_by_it_again(estate):
    rule = "entities:\n  DE01:\n    fields:\n      - {from: number, to: entityId, by: {pattern: {pattern: 'DE-{}'}}}\n"
    text = changed("maps/netsuite/party_to_customer.yaml", ("version: 1", "version: 2"), ("entities:\n", rule))
    ended = estate({"maps/customer.yaml": text}, "maps: own\nentity: DE01\nworld: {duplicate_accounts: 0.5}\n")
    numbers = [customer.number for customer in ended.erp.state.customers.values()]
    assert len(numbers) > 3
    assert all(number.startswith("DE-") for number in numbers)
    assert len(set(numbers)) == len(numbers)
    # Entered twice by sales, and one customer all the same: the second is found under the number the first was given.
    accounts = ended.crm.state.accounts
    held = Counter(each.custom["Customer_Number__c"] for each in accounts.values())
    deals = [each for each in ended.crm.state.opportunities.values() if each.stage == "Closed Won"]
    twice = [deal for deal in deals if held[accounts[deal.account_id].custom["Customer_Number__c"]] > 1]
    assert twice
    assert all(deal.custom["ERP_Order_Id__c"] for deal in twice)


CENTRAL = {
    "maps/order.yaml": changed(
        "maps/business_central/deal_to_sales_order.yaml",
        ("version: 1", "version: 2"),
        ("externalDocumentNumber, invertible: true", "externalDocumentNumber, by: {pattern: {pattern: 'EU-{}'}}"),
        ("externalDocumentNumber: PO-4711", "externalDocumentNumber: EU-PO-4711"),
    ),
    "maps/customer.yaml": changed(
        "maps/business_central/party_to_customer.yaml",
        ("version: 1", "version: 2"),
        ("from: number, to: number, invertible: true", "from: number, to: number, by: {pattern: {pattern: 'DE-{}'}}"),
        ("      number: K-1\n", "      number: DE-K-1\n"),
    ),
}


def test_business_central_keeps_what_the_estates_maps_write(estate):
    ended = estate(CENTRAL, "maps: own\nsystems: {erp: {vendor: business_central}}\nworld: {duplicate_accounts: 0.5}\n")
    orders = [order for order in ended.erp.state.orders.values() if order.channel == "api"]
    numbers = [customer.number for customer in ended.erp.state.customers.values()]
    assert len(orders) > 5 and len(numbers) > 3
    assert all(order.po_number.startswith("EU-PO") for order in orders)
    assert all(number.startswith("DE-") for number in numbers)
    assert len(set(numbers)) == len(numbers)


RATES = ("0.9234", "0.9187")
DAY = 86_400_000_000
CHANGED_AT = epoch(datetime(2026, 1, 7, tzinfo=UTC))
FX = {
    # Sales prices are in dollars here, whatever currency the books are kept in.
    "maps/deal.yaml": changed(
        "maps/salesforce/opportunity_to_deal.yaml",
        ("version: 1", "version: 2"),
        ("currency: {given: currency}\n", "currency: USD\n"),
        ("{given: currency, to: currency}", "{value: USD, to: currency}"),
        ("      currency: EUR\n      won_at", "      currency: USD\n      won_at"),
    ),
    "maps/order.yaml": changed(
        "maps/netsuite/deal_to_sales_order.yaml",
        ("version: 1", "version: 2"),
        ("given: {customer: text, items: table}\n", "given: {customer: text, items: table, rates: rates}\n"),
        ("currency: {from: currency}\n", "currency: {from: currency}\nfx: {source: ECB, date: won_at, target: EUR}\n"),
        ("by: to-decimal", "by: [convert, to-decimal]"),
        ('given: {customer: "77", items: {P-1: "501"}}', 'given: {customer: "77", items: {P-1: "501"}, rates: {}}'),
        ('given: {customer: "77", items: {}}', 'given: {customer: "77", items: {}, rates: {}}'),
    ),
    "rates/ecb.yaml": (
        f"rates: ECB\nholds_days: 6\npairs:\n  USD/EUR:\n    2026-01-01: {RATES[0]}\n    2026-01-07: {RATES[1]}\n"
    ),
}


def test_an_order_in_another_currency_is_posted_in_that_of_the_books_to_the_cent(estate):
    ended = estate(FX)
    deals = {deal.custom["PO_Number__c"]: deal for deal in ended.crm.state.opportunities.values()}
    orders = list(ended.erp.state.orders.values())
    used = set()
    for order in orders:
        prices = [ended.crm.state.lines[line].unit_price_minor for line in deals[order.po_number].lines]
        rate = RATES[order.entered_at >= CHANGED_AT]
        assert [line.unit_price_minor for line in order.lines] == [cents(price, rate) for price in prices]
        assert order.currency == "EUR"
        used.add(rate)
    assert used == set(RATES)


def cents(price, rate):
    """A price in cents at a rate, a half cent up."""
    return int((Decimal(price) * Decimal(rate) + Decimal("0.5")) // 1)


def test_an_order_of_a_day_without_a_rate_is_a_case_and_not_an_order(estate):
    ended = estate(FX | {"rates/ecb.yaml": FX["rates/ecb.yaml"].replace("holds_days: 6", "holds_days: 1")})
    # The others are with people, who enter them by hand.
    ours = [order for order in ended.erp.state.orders.values() if order.channel == "api"]
    days = {order.entered_at // DAY for order in ours}
    first = CHANGED_AT // DAY
    assert days
    assert days <= {first - 6, first - 5, first, first + 1}


@pytest.mark.parametrize(
    ("files", "more", "told"),
    [
        ({}, "maps: own\n", ":6:7: maps: {own}: is no folder; give one with maps/, codes/, schemas/ or rates/"),
        (
            {"maps/order.yaml": OWN_FIELDS["maps/order.yaml"]},
            "maps: own\n",
            ":6:7: maps: {own}/maps/order.yaml:20:5: to: netsuite.salesOrder has no field 'custbody_plant'",
        ),
        (OWN_FIELDS, "maps: own\nentity: FR01\n", ":7:9: entity: no map has rules for 'FR01'; did you mean 'DE01'?"),
        ({}, "entity: DE01\n", ":6:9: entity: no map has rules for 'DE01'; there are: none"),
        (
            {name: text for name, text in FX.items() if name != "rates/ecb.yaml"},
            "maps: own\n",
            "own/maps/order.yaml:1:1: fx.source: no rates 'ECB'; there are: none",
        ),
    ],
)
def test_maps_that_do_not_fit_are_refused_with_the_scenario_before_anything_runs(tmp_path, estate, files, more, told):
    with pytest.raises(ScenarioError) as refused:
        estate(files, more)
    assert told.format(own=tmp_path / "own") in refused.value.problems[0]
    assert refused.value.problems[0].startswith(str(tmp_path / "mine.yaml"))


def test_a_scenario_that_extends_another_plays_with_the_same_maps_in_its_own_processes(tmp_path, estate):
    estate(OWN_FIELDS, "maps: own\nentity: DE01\n")
    plan = load(tmp_path / "mine.yaml").plan()
    results = [result.trace_hash for result in run_many([Job(plan), Job(plan)])]
    assert results == [run_module.run(plan, None).trace_hash] * 2
