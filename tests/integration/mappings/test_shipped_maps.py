"""The maps that come with the engine do, field for field, what its connectors do."""

import asyncio
import json
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.integration.connectors.instants import from_iso
from o2c_twin.integration.connectors.netsuite import NetSuiteErp
from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.integration.connectors.salesforce import SalesforceCrm
from o2c_twin.integration.mappings import NotMapped, shipped_maps
from o2c_twin.integration.model import Deal, DealLine, OrderStatus, Party
from o2c_twin.integration.ports import HttpAnswer

EURO = {"currency": "EUR"}
words = st.text("abcXYZ 019-/.,:'\"\\&ßéŁ→", min_size=1, max_size=12)
ids = st.text("0aZ", min_size=15, max_size=15)
cents = st.decimals(0, 10**9, places=2)
instants = st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1)).map(
    lambda d: d.isoformat(timespec="milliseconds") + "+0000"
)
accounts = st.fixed_dictionaries(
    {
        "Id": ids,
        "Name": words,
        "Customer_Number__c": st.none() | words,
        "Payment_Terms_Days__c": st.none() | st.integers(0, 120) | st.integers(0, 120).map(lambda n: f"{n}.0"),
        "Credit_Limit__c": st.none() | st.integers(0, 10**9) | cents.map(str),
        "ERP_Id__c": st.none() | words,
        "SystemModstamp": instants,
    }
)
items = st.fixed_dictionaries(
    {
        "Product2": st.fixed_dictionaries({"ProductCode": words}),
        "Quantity": st.integers(1, 999).map(lambda n: f"{n}.0") | st.integers(1, 999),
        "UnitPrice": cents.map(str),
    }
)
opportunities = st.fixed_dictionaries(
    {
        "Id": ids,
        "Deal_Ref__c": st.none() | words,
        "PO_Number__c": st.none() | words,
        "ERP_Order_Id__c": st.none() | words,
        "SystemModstamp": instants,
        "Account": accounts,
        "OpportunityLineItems": st.none()
        | st.lists(items, max_size=4).map(lambda rows: {"records": rows, "done": True, "totalSize": len(rows)}),
    }
)
parties = st.builds(
    Party,
    crm_id=ids,
    name=words,
    number=st.none() | words,
    email=st.none() | words,
    terms_days=st.integers(0, 120),
    credit_limit_minor=st.none() | st.integers(0, 10**12),
)
deals = st.builds(
    Deal,
    crm_id=ids,
    reference=words,
    po_number=st.none() | words,
    party=parties,
    lines=st.lists(st.builds(DealLine, words, st.integers(1, 999), st.integers(0, 10**9)), max_size=4).map(tuple),
    currency=st.just("EUR"),
    won_at=st.integers(0, 2 * 10**15),
    erp_order_id=st.none() | words,
)
STATUSES = (
    "Pending Approval", "Pending Fulfillment", "Cancelled", "Partially Fulfilled",
    "Pending Billing/Partially Fulfilled", "Pending Billing", "Billed", "Closed",
)  # fmt: skip
orders = st.fixed_dictionaries(
    {
        "id": words,
        "tranId": words,
        "status": st.sampled_from(STATUSES).map(lambda name: {"id": "X", "refName": name}),
        "entity": st.fixed_dictionaries({"id": words, "refName": words}),
        "lastModifiedDate": instants,
    },
    optional={"externalId": st.none() | words, "otherRefNum": st.none() | words},
)


class Answers:
    """A wire that gives one answer to everything but the login, and keeps what it was sent."""

    def __init__(self, answer, headers=None):
        self._answer = json.dumps(answer).encode()
        self._headers = headers or {}
        self.bodies = []

    async def send(self, request):
        if request.path.endswith("/token"):
            return HttpAnswer(200, {}, b'{"access_token": "t"}')
        self.bodies.append(request.body)
        return HttpAnswer(200, self._headers, self._answer)


class Noon:
    def now(self):
        return 0


def crm(answer):
    return SalesforceCrm("crm", "https://crm.example", Answers(answer), "id", "secret")


def erp(wire):
    return NetSuiteErp("erp", "https://erp.example", wire, Noon(), TokenSigner("a", "b", "c", "d", "e"))


def sent(call):
    """The body a connector sends, with exact numbers."""
    wire = Answers({}, {"location": "/x/1"})
    asyncio.run(call(erp(wire)))
    return json.loads(wire.bodies[-1], parse_float=Decimal)


@settings(max_examples=50)
@given(accounts)
def test_an_account_is_read_as_the_connector_reads_it(maps, account):
    read = asyncio.run(crm(account).party("x"))
    assert maps.compiled("account-to-party")(account, EURO) == read


@settings(max_examples=50)
@given(opportunities)
def test_a_deal_is_read_as_the_connector_reads_it(maps, opportunity):
    read = asyncio.run(crm({"records": [opportunity], "done": True}).deal("x"))
    assert maps.compiled("opportunity-to-deal")(opportunity, EURO) == read


@settings(max_examples=50)
@given(parties)
def test_a_customer_is_written_as_the_connector_writes_it(maps, party):
    assert maps.compiled("party-to-customer")(party) == sent(lambda e: e.put_customer(party, "k", "c"))


@settings(max_examples=50)
@given(deals)
def test_an_order_is_written_as_the_connector_writes_it(maps, deal):
    known = {line.sku: str(n) for n, line in enumerate(deal.lines)}
    made = maps.compiled("deal-to-sales-order")(deal, {"customer": "77", "items": known})
    assert made == sent(lambda e: e.put_order(deal, "77", known, "k", "c"))


@settings(max_examples=50)
@given(orders)
def test_an_orders_state_is_read_as_the_connector_reads_it(maps, order):
    assert maps.compiled("sales-order-to-status")(order) == asyncio.run(erp(Answers(order)).order("1"))


def test_sales_is_told_what_the_flow_tells_it(maps):
    status = OrderStatus("9001", "SO-1", None, None, "77", "on hold", "open", 0)
    assert maps.compiled("order-status-to-opportunity")(status) == {
        "ERP_Order_Number__c": "SO-1",
        "ERP_Order_Id__c": "9001",
        "Credit_Status__c": "on hold",
        "Fulfilment_Status__c": "open",
    }
    assert maps.compiled("party-to-account")(Party("1", "A", erp_id="77")) == {"ERP_Id__c": "77"}


def test_every_status_the_vendor_has_is_mapped(maps):
    choices = maps.schemas.objects["netsuite.OrderState"].fields["refName"].choices
    assert choices == STATUSES
    for name in ("netsuite-order-credit", "netsuite-order-fulfilment"):
        assert tuple(maps.codes[name].pairs) == STATUSES


# --- there and back ------------------------------------------------------------------------------

VALUES = {
    "text": words,
    "currency": st.sampled_from(["EUR", "JPY", "KWD"]),
    "whole": st.integers(-(10**9), 10**9),
    "minor": st.integers(-(10**15), 10**15),
    "number": st.integers(-(10**6), 10**6).map(str),
    "instant": st.integers(0, 2 * 10**15),
    "iso-instant": instants,
    "flag": st.booleans(),
}


def documents(schemas, title):
    """Records of that type with every field there."""
    schema = schemas.objects[title]
    parts = {}
    for name, field in schema.fields.items():
        if field.of:
            one = documents(schemas, f"{schema.system}.{field.of}")
            many = st.lists(one, min_size=2, max_size=2)
            parts[name] = one if field.type == "object" else many if schema.struct is None else many.map(tuple)
        elif name == "credit":
            parts[name] = st.sampled_from(["on hold", "passed"])
        else:
            parts[name] = st.sampled_from(field.choices) if field.choices else VALUES.get(field.type, words)
    return st.fixed_dictionaries(parts) if schema.struct is None else st.builds(schema.struct, **parts)


def leaves(value, path=""):
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}")
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from leaves(each, f"{path}[{n}]")
    else:
        yield path, value


def at(document, path):
    for part in path.replace("[", ".[").strip(".").split("."):
        if part.startswith("["):
            document = document[int(part.strip("[]"))]
        else:
            document = document[part] if isinstance(document, dict) else getattr(document, part)
    return document


def plain(type_, value):
    return from_iso(value) if type_ == "iso-instant" else Decimal(value) if type_ == "number" else value


def invertible(maps, name):
    spec = maps.specs[name]
    found = []
    for rule in spec.rules:
        if rule.invertible:
            found.append(rule.origin.paths[0])
        found += [
            f"{rule.origin.paths[0]}[{n}].{each.origin.paths[0]}"
            for each in rule.rules
            for n in (0, 1)
            if each.invertible
        ]
        if rule.map:
            found += [f"{rule.origin.paths[0]}.{path}" for path in invertible(maps, rule.map)]
    return found


SHIPPED = shipped_maps()


@pytest.mark.parametrize("name", [name for name in SHIPPED.specs if name != "party-to-account"])
def test_every_invertible_field_comes_back_as_it_was(name):
    spec, ready = SHIPPED.specs[name], SHIPPED.compiled(name)
    source = SHIPPED.schemas.objects[spec.source]
    wanted = sorted(invertible(SHIPPED, name))

    @settings(max_examples=40)
    @given(documents(SHIPPED.schemas, spec.source), VALUES["currency"])
    def comes_back(document, currency):
        lines = document.lines if name == "deal-to-sales-order" else ()
        with_it = {"currency": currency, "customer": "77", "items": {line.sku: "1" for line in lines}}
        back = dict(leaves(ready.inverse(ready(document, with_it), with_it)))
        assert sorted(path.strip(".") for path in back) == wanted
        for path, value in back.items():
            bare = ".".join(part.split("[")[0] for part in path.strip(".").split("."))
            type_ = _type(SHIPPED, source, bare)
            assert plain(type_, value) == plain(type_, at(document, path)), path

    comes_back()


def _type(maps, schema, path):
    first, _, rest = path.partition(".")
    field = schema.fields[first]
    return field.type if not rest else _type(maps, maps.schemas.objects[f"{schema.system}.{field.of}"], rest)


def test_most_fields_are_invertible_so_the_property_says_something(maps):
    assert {name: len(invertible(maps, name)) for name in maps.specs} == {
        "account-to-party": 7,
        "opportunity-to-deal": 17,
        "party-to-customer": 4,
        "deal-to-sales-order": 3,
        "sales-order-to-status": 6,
        "order-status-to-opportunity": 4,
        "party-to-account": 0,
    }


# --- drift ---------------------------------------------------------------------------------------

ACCOUNT = {"Id": "1", "Name": "A", "SystemModstamp": "2026-01-05T00:00:00Z"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"Name": None}, "Name: is missing"),
        ({"Name": 5}, "Name: is a int, not a text"),
        ({"Credit_Limit__c": 10.5}, "Credit_Limit__c: a float is not exact"),
        ({"Credit_Limit__c": True}, "Credit_Limit__c: is a bool, not a decimal number, exact"),
        ({"Credit_Limit__c": "ten"}, "Credit_Limit__c: 'ten' is no number"),
        ({"Credit_Limit__c": "NaN"}, "is no number"),
        ({"Credit_Limit__c": "1e999999"}, "too many digits"),
        ({"Credit_Limit__c": "0.001"}, "more decimals than the currency"),
        ({"Payment_Terms_Days__c": "30.5"}, "Payment_Terms_Days__c: 30.5 is not a whole number"),
        ({"SystemModstamp": "yesterday"}, "SystemModstamp: Invalid isoformat"),
        ({"SystemModstamp": None}, "SystemModstamp: is missing"),
    ],
)
def test_a_record_that_drifted_is_refused_with_map_field_and_reason(maps, change, said):
    with pytest.raises(NotMapped) as refused:
        maps.compiled("account-to-party")(ACCOUNT | change, EURO)
    assert said in str(refused.value)
    assert (refused.value.map, refused.value.field) == ("account-to-party", next(iter(change)))


@pytest.mark.parametrize(
    ("given_with", "said"),
    [({}, "currency: is not given"), ({"currency": "euro"}, "no currency code"), ({"currency": None}, "currency")],
)
def test_a_map_is_not_run_without_what_it_must_be_given(maps, given_with, said):
    with pytest.raises(NotMapped, match=said):
        maps.compiled("account-to-party")(ACCOUNT, given_with)


@pytest.mark.parametrize("document", [None, [], "Account", 5])
def test_what_is_no_record_is_refused(maps, document):
    with pytest.raises(NotMapped, match="map account-to-party"):
        maps.compiled("account-to-party")(document, EURO)


def test_unknown_names_are_told_with_those_there_are(maps):
    with pytest.raises(KeyError, match="did you mean 'account-to-party'"):
        maps.compiled("account-to-partie")
    with pytest.raises(KeyError, match="no entity 'DE01'"):
        maps.compiled("account-to-party", "DE01")


def test_documents_share_nothing(maps):
    ready = maps.compiled("deal-to-sales-order")
    deal = Deal("1", "D", None, Party("2", "A"), (), "EUR", 0)
    one, two = (ready(deal, {"customer": "7", "items": {}}) for _ in range(2))
    one["item"]["items"].append("x")
    one["entity"]["id"] = "8"
    assert two == {"entity": {"id": "7"}, "item": {"items": []}}
