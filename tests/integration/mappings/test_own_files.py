"""A company's own files in place of the shipped ones or beside them; exchange rates, added fields, intercompany."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.integration.connectors.own_maps import own_maps
from o2c_twin.integration.connectors.salesforce_maps import SalesforceMaps
from o2c_twin.integration.mappings import MappingError, load_maps, replay, shipped_files
from o2c_twin.integration.mappings.replay import Document, Money

ACCOUNT = "maps/salesforce/account_to_party.yaml"
TEXT = shipped_files().maps[ACCOUNT]
PLANT = TEXT.replace("given: {", "given: {plant: X, ").replace(
    "plant: X, currency: currency", "plant: text, currency: currency"
)
RATES = "rates: ECB\npairs:\n  USD/EUR:\n    2026-01-05: 0.9234\n    2026-01-08: 0.92\n"


@pytest.fixture
def folder(tmp_path):
    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path

    return write


def refused(folder, entity=""):
    with pytest.raises(MappingError) as error:
        own_maps(folder, entity)
    return error.value.problems


# --- whose files count ------------------------------------------------------------------------------


def test_an_own_map_takes_the_place_of_the_shipped_one_and_the_others_stay(folder):
    text = TEXT.replace("from: Customer_Number__c", "from: AccountNumber").replace(
        "Customer_Number__c:", "AccountNumber:"
    )
    own = own_maps(folder({"maps/ours.yaml": text})).of(SalesforceMaps)
    assert own.account_fields == (
        "Id,Name,AccountNumber,Payment_Terms_Days__c,Credit_Limit__c,ERP_Id__c,SystemModstamp"
    )
    assert "Account.AccountNumber" in own.deal_query
    assert own.notes == SalesforceMaps.shipped().notes


def test_without_files_and_entity_there_are_no_own_maps():
    assert own_maps(None) is None


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"maps/x.yaml": TEXT.replace("map: account", "map: acount")}, "x.yaml:1:1: no connector runs a map"),
        ({"maps/x.yaml": TEXT, "maps/y.yaml": TEXT}, "y.yaml:1:1: describes 'account-to-party', as "),
        ({"codes/x.yaml": TEXT}, "x.yaml:1:1: does not belong into codes/; move it into maps/"),
        ({"maps/x.yaml": TEXT.replace("Name, to: name", "Nam, to: name")}, "x.yaml:13:5: from: salesforce.Account has"),
        ({"maps/x.yaml": PLANT}, "map account-to-party must be given plant; write 'plant: text' under 'given'"),
        ({"schemas/x.yaml": "extends: netsweet\nobjects: {a: {b: text}}\n"}, "no system 'netsweet'; did you mean"),
        ({"schemas/x.yaml": 'system: own\nobjects: {A: {"b\\"c": text}}\n'}, "x.yaml:2:"),
        ({"rates/x.yaml": "rates: E\npairs: {USD/EUR: {today: 1}}\n"}, "x.yaml:2:26: USD/EUR: 'today' is no date"),
        ({"rates/x.yaml": "rates: E\npairs: {USD/EUR: {2026-01-05: -1}}\n"}, "must be a decimal number above 0"),
        ({"rates/x.yaml": "rates: E\npairs: {DOLLAR: {2026-01-05: 1}}\n"}, "pair 'DOLLAR': 'DOLLAR' is no currency"),
        ({"rates/x.yaml": "rates: E\npairs: {USD/EUR: {2026-01-05: 0.1, 2026-01-05: 1}}\n"}, "given twice"),
        ({"rates/x.yaml": "rates: E\n"}, "x.yaml:1:1: rates need 'pairs'"),
        ({"readme.txt": ""}, "has no map files; put them into maps/, codes/, schemas/ or rates/ there"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_file_line_and_remedy(folder, files, told):
    assert told in refused(folder(files))[0]


STATUS = """\
map: notes-to-opportunity
version: 2
source: canonical.OrderStatus
target: salesforce.Opportunity
partial: true
owner: o
since: 2026-01-05
given: {plant: text}
fields: [{from: credit, to: Credit_Status__c}, {given: plant, to: StageName}]
examples:
  - given: {plant: X}
    in: {erp_id: "1", number: n, external_id: null, po_number: null, customer_erp_id: c, credit: passed,
      fulfilment: open, modified_at: 0}
    out: {Credit_Status__c: passed, StageName: X}
"""


def test_a_map_in_a_connectors_place_has_its_source_and_is_given_what_the_connector_has(folder):
    source, given_with = refused(folder({"maps/x.yaml": STATUS}))
    assert (
        "source: 'canonical.OrderStatus', where map notes-to-opportunity is run it is 'canonical.DealNotes'" in source
    )
    assert "given.plant: map notes-to-opportunity is not given a text of that name; there are: currency" in given_with


# --- added fields -----------------------------------------------------------------------------------


def test_a_file_adds_fields_to_a_system_and_leaves_the_rest(folder):
    text = TEXT.replace("  - {from: Name, to: name, invertible: true}\n", "  - {from: [Trade__c, Name], to: name}\n")
    own = own_maps(
        folder({"maps/x.yaml": text, "schemas/x.yaml": "extends: salesforce\nobjects: {Account: {Trade__c: text}}\n"})
    )
    ready = own.of(SalesforceMaps).account_to_party
    row = {"Id": "1", "Name": "N", "SystemModstamp": "2026-01-05T10:00:00Z"}
    assert ready(row | {"Trade__c": "T"}, {"currency": "EUR"}).name == "T"
    assert ready(row, {"currency": "EUR"}).name == "N"


# --- exchange rates ---------------------------------------------------------------------------------


def rates(text=RATES):
    return load_maps({}, {}, {}, {"rates/ecb.yaml": text}).rates


def test_a_rate_holds_on_its_day_and_as_long_as_its_file_says():
    told = rates()
    assert told("ECB", "2026-01-05", "USD", "EUR") == Decimal("0.9234")
    assert [told("ECB", day, "USD", "EUR") for day in ("2026-01-04", "2026-01-06", "2026-01-09")] == [None] * 3
    assert told("ECB", "2026-01-05", "EUR", "USD") is None  # nobody published it
    assert told("Fed", "2026-01-05", "USD", "EUR") is None
    told = rates(RATES.replace("pairs:", "holds_days: 2\npairs:"))
    days = [told("ECB", f"2026-01-{day:02}", "USD", "EUR") for day in range(4, 13)]
    first, second = Decimal("0.9234"), Decimal("0.92")
    assert days == [None, first, first, first, second, second, second, None, None]


@given(st.dictionaries(st.dates(), st.integers(1, 10**6), min_size=1, max_size=8), st.dates(), st.integers(1, 40))
def test_the_rate_of_a_day_is_the_last_one_that_still_holds(table, day, holds):
    lines = "".join(f"    {each}: {rate / 1000:.3f}\n" for each, rate in table.items())
    told = rates(f"rates: ECB\nholds_days: {holds}\npairs:\n  USD/EUR:\n{lines}")
    past = [each for each in table if 0 <= (day - each).days <= holds]
    wanted = Decimal(table[max(past)]) / 1000 if past else None
    assert told("ECB", day.isoformat(), "USD", "EUR") == wanted


def test_after_a_conversion_an_amount_has_the_other_currencys_decimals(build):
    head = "given: {rates: rates}\ncurrency: {from: currency}\nworth: {amount: quantity}\n"
    head += "fx: {source: E, date: sold_at, target: JPY}\n"
    fields = "  - {from: id, to: text}\n  - {from: price, to: quantity, by: [to-minor, convert, to-decimal, whole]}\n"
    example = "examples:\n  - given: {rates: {}}\n    out: {text: a, quantity: 1}\n"
    example += "    in: {id: a, price: 1, currency: JPY, sold_at: '2026-01-05T00:00:00Z'}\n"
    ready = build(fields, head, example).compiled("sale-to-entry")
    given_with = {"rates": lambda *asked: Decimal("160.5")}
    sale = {"id": "a", "price": "10.00", "currency": "EUR", "sold_at": "2026-01-05T00:00:00Z"}
    assert ready(sale, given_with) == {"text": "a", "quantity": 1605}
    assert (ready.currency(sale, given_with), ready.written_currency(sale, given_with)) == ("EUR", "JPY")
    # What the documents are worth is told in the currency they are written in.
    found = replay(ready, ready, [Document("a", sale, given_with)])
    assert found.money == {"JPY": Money(1605, 1605, 0)}


# --- between companies of one group -----------------------------------------------------------------


def test_documents_between_companies_of_the_group_go_by_rules_of_their_own(build):
    head = (
        "intercompany:\n  from: buyer_group\n  among: [G1, G2]\n  fields:\n    - {value: transfer, to: price_list}\n"
        "    - {value: outside scope, to: tax_code}\n"
        "entities:\n  DE01:\n    fields: [{value: DE, to: price_list}, {value: VAT19, to: tax_code}]\n"
    )
    maps = build("  - {from: id, to: text}\n  - {value: standard, to: price_list}\n", head, EXAMPLE)
    inside, outside = SALE | {"buyer_group": "G2"}, SALE | {"buyer_group": "X"}
    general, german = maps.compiled("sale-to-entry"), maps.compiled("sale-to-entry", "DE01")
    between = {"text": "a", "price_list": "transfer", "tax_code": "outside scope"}
    assert (general(outside), general(inside)) == ({"text": "a", "price_list": "standard"}, between)
    assert (german(outside), german(inside)) == ({"text": "a", "price_list": "DE", "tax_code": "VAT19"}, between)
    assert "buyer_group" in general.paths


SALE = {"id": "a", "price": "1", "currency": "EUR", "sold_at": "2026-01-05T00:00:00Z", "lines": []}
EXAMPLE = """\
examples:
  - {in: {id: a, buyer_group: G1}, out: {text: a, price_list: transfer, tax_code: outside scope}}
  - {in: {id: a}, out: {text: a, price_list: standard}}
"""


def test_what_counts_between_companies_of_the_group_is_part_of_what_a_map_does(build):
    head = "intercompany: {from: buyer_group, among: [G1]%s}\n"
    fields, example = "  - {from: id, to: text}\n", "examples: [{in: {id: a}, out: {text: a}}]\n"
    plain = build(fields, head % "", example)
    more = build(fields, head % ", fields: [{value: x, to: tax_code}]", example)
    assert plain.content_hash("sale-to-entry") != more.content_hash("sale-to-entry")
    with pytest.raises(MappingError, match=r"books\.Entry has no field 'tax_cod'; did you mean"):
        build(fields, head % ", fields: [{value: x, to: tax_cod}]", example)
