"""The maps of S/4HANA that come with the engine: what each makes of any record, read from an answer and written."""

import asyncio
import datetime as calendar
import json
import re
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.integration.connectors.s4hana import S4HanaErp
from o2c_twin.integration.model import (
    BankEntry,
    Deal,
    DealLine,
    InvoiceStatus,
    OpenItem,
    OrderStatus,
    Party,
    Shipment,
)
from o2c_twin.integration.ports import HttpAnswer
from o2c_twin.integration.runtime.errors import CallFailed

words = st.text("abcXYZ 019-/.,:'\"\\&<ßéŁ→", min_size=1, max_size=12)
maybe = st.just("") | words
numbers = st.integers(1, 10**9).map(str)
cents = st.integers(0, 10**12)
stamps = st.integers(0, 4 * 10**12)


class Client:
    """A wire that gives one record to every read but the token's, and keeps what it was sent."""

    def __init__(self, record=None, rows=(), confirmation=b""):
        self._read = {"d": record} if record is not None else {"d": {"results": list(rows)}}
        self._confirmation = confirmation
        self.sent = []

    async def send(self, request):
        self.sent.append(request)
        if request.headers.get("x-csrf-token") == "Fetch":
            return HttpAnswer(200, {"x-csrf-token": "T"}, b"")
        if request.path.startswith("/sap/bc/"):
            return HttpAnswer(200, {}, self._confirmation)
        made = {"d": {"SalesOrder": "1", "BusinessPartner": "17"}}
        return HttpAnswer(200, {}, json.dumps(self._read if request.method == "GET" else made).encode())

    def bodies(self):
        return [json.loads(each.body) for each in self.sent if each.body]


class Noon:
    def now(self):
        return 1_767_700_800_000_000  # 2026-01-06 12:00


def erp(client, maps=None):
    return S4HanaErp("erp", "https://erp.example", client, Noon(), "u", "p", "USD", maps=maps)


def date(milliseconds):
    return f"/Date({milliseconds}+0000)/"


def decimal(minor):
    return f"{Decimal(minor) / 100:.2f}"


orders = st.fixed_dictionaries(
    {
        "SalesOrder": numbers,
        "ExternalDocumentID": maybe,
        "PurchaseOrderByCustomer": maybe,
        "SoldToParty": numbers,
        "TotalCreditCheckStatus": st.sampled_from(["", "A", "B", "C", "D"]),
        "OverallTotalDeliveryStatus": st.sampled_from(["", "A", "B", "C"]),
        "OverallSDDocumentRejectionSts": st.sampled_from(["", "A", "B", "C"]),
        "LastChangeDateTime": stamps,
    }
)


@settings(max_examples=60)
@given(orders)
def test_an_order_is_read(order):
    delivered, rejected = order["OverallTotalDeliveryStatus"], order["OverallSDDocumentRejectionSts"]
    fulfilment = {"": "cancelled" if rejected == "C" else "open", "A": "open", "B": "part shipped", "C": "shipped"}
    record = {**order, "LastChangeDateTime": date(order["LastChangeDateTime"])}
    assert asyncio.run(erp(Client(record)).order("1")) == OrderStatus(
        erp_id=order["SalesOrder"],
        number=order["SalesOrder"],
        external_id=order["ExternalDocumentID"] or None,
        po_number=order["PurchaseOrderByCustomer"] or None,
        customer_erp_id=order["SoldToParty"],
        credit="on hold" if order["TotalCreditCheckStatus"] == "B" else "passed",
        fulfilment=fulfilment[delivered],
        modified_at=order["LastChangeDateTime"] * 1_000,
    )


def test_a_delivery_is_read():
    item = {"ReferenceSDDocument": "9001"}
    record = {
        "DeliveryDocument": "80000001",
        "ActualGoodsMovementDate": date(86_400_000),
        "ActualGoodsMovementTime": "PT01H02M03S",
        "to_DeliveryDocumentItem": {"results": [item, {"ReferenceSDDocument": "9002"}]},
    }
    issued = (86_400 + 3_723) * 1_000_000
    assert asyncio.run(erp(Client(record)).shipment("x")) == Shipment("80000001", "80000001", "9001", issued)


@settings(max_examples=60)
@given(maybe, cents, st.sampled_from(["A", "C"]), st.sampled_from(["none", "", "9001"]), stamps)
def test_an_invoice_is_read(number, total, clearing, order, stamp):
    record = {
        "BillingDocument": "90000001",
        "DocumentReferenceID": number,
        "TotalGrossAmount": decimal(total),
        "InvoiceClearingStatus": clearing,
        "LastChangeDateTime": date(stamp),
        "to_Item": {"results": [] if order == "none" else [{"SalesDocument": order}]},
    }
    assert asyncio.run(erp(Client(record)).invoice("90000001")) == InvoiceStatus(
        erp_id="90000001",
        number=number or "90000001",
        order_erp_id="9001" if order == "9001" else None,
        total_minor=total,
        open_minor=0 if clearing == "C" else total,
        modified_at=stamp * 1_000,
    )


@settings(max_examples=60)
@given(maybe, st.integers(1, 10**12), st.integers(0, 20_000))
def test_an_open_item_is_read_less_what_was_paid_of_it(number, minor, day):
    row = {
        "FiscalYear": "2026", "AccountingDocument": "9400000001", "AccountingDocumentItem": "1", "Customer": "17",
        "NetDueDate": date(day * 86_400_000), "ClearingAccountingDocument": "", "InvoiceReference": "",
        "AmountInTransactionCurrency": decimal(minor), "BillingDocument": "90000001", "DocumentReferenceID": number,
    }  # fmt: skip
    part = {**row, "BillingDocument": "", "InvoiceReference": "9400000001", "AmountInTransactionCurrency": "-0.01"}

    class Ledger(Client):
        async def send(self, request):
            found = part if "InvoiceReference eq" in request.query["$filter"] else row
            return HttpAnswer(200, {}, json.dumps({"d": {"results": [found]}}).encode())

    due = (calendar.date(1970, 1, 1) + calendar.timedelta(days=day)).isoformat()
    wanted = OpenItem("90000001", number or "90000001", "17", minor - 1, due)
    assert asyncio.run(erp(Ledger()).open_items("17")) == [wanted]


parties = st.builds(
    Party,
    crm_id=words,
    name=st.text("abcß→ ", min_size=1, max_size=90),
    number=st.none() | words,
    email=st.none() | words,
    terms_days=st.integers(0, 120),
    credit_limit_minor=st.none() | cents,
    currency=st.just("USD"),
)


@settings(max_examples=60)
@given(parties)
def test_a_customer_is_written(party):
    client = Client(rows=())
    assert asyncio.run(erp(client).put_customer(party, "customer:1", "c")) == "17"
    terms = "0001" if party.terms_days == 0 else f"NT{party.terms_days:02d}"
    address = {"Country": "US"} | ({"to_EmailAddress": [{"EmailAddress": party.email}]} if party.email else {})
    area = {"SalesOrganization": "1710", "DistributionChannel": "10", "Division": "00", "Currency": "USD"}
    wanted = {
        "BusinessPartnerCategory": "2",
        "OrganizationBPName1": party.name[:40],
        **({"OrganizationBPName2": party.name[40:80]} if len(party.name) > 40 else {}),
        **({"SearchTerm1": party.number} if party.number is not None else {}),
        "to_BusinessPartnerAddress": [address],
        "to_BusinessPartnerRole": [{"BusinessPartnerRole": role} for role in ("FLCU00", "FLCU01", "UKM000")],
        "to_Customer": {
            "to_CustomerCompany": [{"CompanyCode": "1710", "PaymentTerms": terms}],
            "to_CustomerSalesArea": [{**area, "CustomerPaymentTerms": terms}],
        },
        "BusinessPartnerIDByExtSystem": "1",
    }
    limit = party.credit_limit_minor
    assert client.bodies() == [wanted, *([] if limit is None else [{"CreditLimitAmount": decimal(limit)}])]


@settings(max_examples=60)
@given(st.none() | words, st.lists(st.builds(DealLine, words, st.integers(1, 999), cents), max_size=4))
def test_an_order_is_written(po_number, lines):
    client = Client(rows=())
    deal = Deal("D", "R", po_number, Party("A", "Acme"), tuple(lines), "USD", 0)
    asyncio.run(erp(client).put_order(deal, "17", {line.sku: f"M{line.sku}" for line in lines}, "order:1", "c"))
    price = [{"ConditionRateValue": decimal(line.unit_price_minor), "ConditionCurrency": "USD"} for line in lines]
    (body,) = client.bodies()
    assert body == {
        "SalesOrderType": "OR",
        "SalesOrganization": "1710",
        "DistributionChannel": "10",
        "OrganizationDivision": "00",
        "SoldToParty": "17",
        "to_Item": [
            {
                "Material": f"M{line.sku}",
                "RequestedQuantity": str(line.quantity),
                "to_PricingElement": [{"ConditionType": "PMP0", **each}],
            }
            for line, each in zip(lines, price, strict=True)
        ],
        **({} if po_number is None else {"PurchaseOrderByCustomer": po_number}),
        "ExternalDocumentID": "order:1",
    }


POSTED = b"<x><AccountingDocument>1400000001</AccountingDocument><FiscalYear>2026</FiscalYear></x>"


@settings(max_examples=40)
@given(st.integers(1, 10**12), st.text("abc/-019", min_size=1, max_size=16))
def test_a_receipt_is_written(minor, reference):
    client = Client(rows=(), confirmation=POSTED)
    entry = BankEntry(reference, minor, "USD", "2026-01-05", None, "", None, None)
    assert asyncio.run(erp(client).put_payment(entry, "17", [], "cash:1", "c")) == "1400000001"
    body = client.sent[-1].body.decode()
    amounts = re.findall(r'<AmountInTransactionCurrency currencyCode="USD">([^<]*)<', body)
    assert amounts == [decimal(minor), f"-{decimal(minor)}"]
    assert f"<DocumentReferenceID>{reference}</DocumentReferenceID>" in body
    assert "<Debtor>17</Debtor>" in body
    assert "<DocumentDate>2026-01-06</DocumentDate><PostingDate>2026-01-06</PostingDate>" in body


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"SoldToParty": None}, "SoldToParty: is missing; it must be there"),
        ({"SoldToParty": 5}, "SoldToParty: is a int, not a text"),
        (
            {"OverallTotalDeliveryStatus": "Z"},
            "progress: 'Z' is not in code list s4hana-order-fulfilment",
        ),
        ({"LastChangeDateTime": "2026-01-05"}, "not a date: '2026-01-05'"),
        ({"LastChangeDateTime": 5}, "TypeError"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(change, told):
    record = {
        "SalesOrder": "1", "ExternalDocumentID": "", "PurchaseOrderByCustomer": "", "SoldToParty": "17",
        "TotalCreditCheckStatus": "", "OverallTotalDeliveryStatus": "A", "OverallSDDocumentRejectionSts": "A",
        "LastChangeDateTime": date(0), **change,
    }  # fmt: skip
    with pytest.raises(CallFailed) as failed:
        asyncio.run(erp(Client(record)).order("1"))
    assert failed.value.cause == "rejected"
    assert failed.value.detail.startswith("answer not understood: ")
    assert told in failed.value.detail
