"""The maps that come with the engine: what each makes of any record, read from an answer's bytes and written."""

import asyncio
import json
from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.mappings.canonical import deals_of, parties_of, words

from o2c_twin.integration.connectors.instants import from_iso
from o2c_twin.integration.connectors.netsuite import NetSuiteErp
from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.integration.connectors.salesforce import SalesforceCrm
from o2c_twin.integration.mappings import NotMapped
from o2c_twin.integration.mappings.documents import DealNotes, PartyNotes, Receipt
from o2c_twin.integration.model import Allocation, BankEntry, Deal, DealLine, OrderStatus, Party
from o2c_twin.integration.ports import HttpAnswer

EURO = {"currency": "EUR"}
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
parties = parties_of(ids)
deals = deals_of(ids, parties, erp_order_id=st.none() | words)
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


# What each map is to make of a record, said once more by hand: a map that changes has its example and this changed.


def cents_of(amount):
    return None if amount is None else int(Decimal(str(amount)) * 100)


def party_of(account):
    terms = account["Payment_Terms_Days__c"]
    return Party(
        crm_id=account["Id"],
        name=account["Name"],
        number=account["Customer_Number__c"],
        terms_days=30 if terms is None else int(Decimal(terms)),
        credit_limit_minor=cents_of(account["Credit_Limit__c"]),
        erp_id=account["ERP_Id__c"],
        modified_at=from_iso(account["SystemModstamp"]),
    )


def deal_of(opportunity):
    rows = (opportunity["OpportunityLineItems"] or {"records": []})["records"]
    return Deal(
        crm_id=opportunity["Id"],
        reference=opportunity["Deal_Ref__c"] or opportunity["Id"],
        po_number=opportunity["PO_Number__c"],
        party=party_of(opportunity["Account"]),
        lines=tuple(
            DealLine(row["Product2"]["ProductCode"], int(Decimal(row["Quantity"])), cents_of(row["UnitPrice"]))
            for row in rows
        ),
        currency="EUR",
        won_at=from_iso(opportunity["SystemModstamp"]),
        erp_order_id=opportunity["ERP_Order_Id__c"],
    )


def customer_of(party):
    body = {"companyName": party.name, "terms": {"refName": f"Net {party.terms_days}"}}
    limit = party.credit_limit_minor
    more = {"entityId": party.number, "creditLimit": None if limit is None else Decimal(limit) / 100}
    return body | {name: value for name, value in (more | {"email": party.email}).items() if value is not None}


def sales_order_of(deal, items):
    lines = [
        {"item": {"id": items[x.sku]}, "quantity": x.quantity, "rate": Decimal(x.unit_price_minor) / 100}
        for x in deal.lines
    ]
    body = {"entity": {"id": "77"}, "item": {"items": lines}}
    return body if deal.po_number is None else body | {"otherRefNum": deal.po_number}


def payment_of(entry, allocations):
    body = {"customer": {"id": "77"}, "payment": Decimal(entry.amount_minor) / 100, "checkNum": entry.reference}
    rows = [
        {"doc": {"id": each.invoice_erp_id}, "apply": True, "amount": Decimal(each.amount_minor) / 100}
        for each in allocations
    ]
    return body | ({"apply": {"items": rows}} if rows else {})


def status_of(order):
    name = order["status"]["refName"]
    shipped = {"Cancelled": "cancelled", "Pending Approval": "open", "Pending Fulfillment": "open"}
    part = "part shipped" if "Partially" in name else "shipped"
    return OrderStatus(
        erp_id=order["id"],
        number=order["tranId"],
        external_id=order.get("externalId"),
        po_number=order.get("otherRefNum"),
        customer_erp_id=order["entity"]["id"],
        credit="on hold" if name == "Pending Approval" else "passed",
        fulfilment=shipped.get(name, part),
        modified_at=from_iso(order["lastModifiedDate"]),
    )


@settings(max_examples=50)
@given(accounts)
def test_an_account_is_read(maps, account):
    assert asyncio.run(crm(account).party("x")) == party_of(account)
    assert maps.compiled("account-to-party")(account, EURO) == party_of(account)


@settings(max_examples=50)
@given(opportunities)
def test_a_deal_is_read(maps, opportunity):
    read = asyncio.run(crm({"records": [opportunity], "done": True}).deal("x"))
    assert read == maps.compiled("opportunity-to-deal")(opportunity, EURO) == deal_of(opportunity)


@settings(max_examples=50)
@given(parties)
def test_a_customer_is_written(maps, party):
    body = sent(lambda e: e.put_customer(party, "k", "c"))
    assert body == maps.compiled("party-to-customer")(party) == customer_of(party)


@settings(max_examples=50)
@given(deals)
def test_an_order_is_written(maps, deal):
    known = {line.sku: str(n) for n, line in enumerate(deal.lines)}
    body = sent(lambda e: e.put_order(deal, "77", known, "k", "c"))
    made = maps.compiled("deal-to-sales-order")(deal, {"customer": "77", "items": known})
    assert body == made == sales_order_of(deal, known)


@settings(max_examples=50)
@given(st.integers(1, 10**12), words, st.lists(st.builds(Allocation, words, st.integers(-(10**9), 10**9)), max_size=3))
def test_a_payment_is_written(maps, amount, reference, allocations):
    entry = BankEntry(reference, amount, "EUR", "2026-01-05", None, "", None, None)
    body = sent(lambda e: e.put_payment(entry, "77", allocations, "k", "c"))
    made = maps.compiled("receipt-to-payment")(Receipt(entry, "77", tuple(allocations) or None))
    assert body == made == payment_of(entry, allocations)


@settings(max_examples=50)
@given(orders)
def test_an_orders_state_is_read(maps, order):
    read = asyncio.run(erp(Answers(order)).order("1"))
    assert read == maps.compiled("sales-order-to-status")(order) == status_of(order)


def test_sales_is_told_what_became_of_a_deal_and_of_a_customer(maps):
    notes = DealNotes("SO-1", "9001", "open", "INV1", "Paid", "on hold")
    assert maps.compiled("notes-to-opportunity")(notes) == {
        "ERP_Order_Number__c": "SO-1",
        "ERP_Order_Id__c": "9001",
        "Credit_Status__c": "on hold",
        "Fulfilment_Status__c": "open",
        "Invoice_Number__c": "INV1",
        "Payment_Status__c": "Paid",
    }
    assert maps.compiled("notes-to-opportunity")(DealNotes(payment="Open")) == {"Payment_Status__c": "Open"}
    assert maps.compiled("notes-to-account")(PartyNotes("77")) == {"ERP_Id__c": "77"}


def test_every_status_the_vendor_has_is_mapped(maps):
    choices = maps.schemas.objects["netsuite.OrderState"].fields["refName"].choices
    assert choices == STATUSES
    for name in ("netsuite-order-credit", "netsuite-order-fulfilment"):
        assert tuple(maps.codes[name].pairs) == STATUSES


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
