"""The shipped maps of Business Central: what each makes of any record, through the connector and by itself."""

import asyncio
import json
from datetime import datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.integration.mappings.canonical import deals_of, parties_of, words

from o2c_twin.integration.connectors.business_central import BusinessCentralErp
from o2c_twin.integration.connectors.business_central_client import BusinessCentralClient, code_of
from o2c_twin.integration.connectors.instants import from_iso
from o2c_twin.integration.mappings.documents import Receipt
from o2c_twin.integration.model import (
    Allocation,
    BankEntry,
    InvoiceStatus,
    OpenItem,
    OrderStatus,
    Shipment,
)
from o2c_twin.integration.ports import HttpAnswer

EURO = {"currency": "EUR"}
NO_ID = "00000000-0000-0000-0000-000000000000"
texts = st.just("") | words
ids = st.uuids().map(str).filter(lambda text: text != NO_ID)
cents = st.integers(0, 10**11).map(lambda n: Decimal(n) / 100)
stamps = st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1)).map(
    lambda at: at.isoformat(timespec="milliseconds") + "Z"
)
pieces = st.integers(0, 9)
comments = words.map(lambda key: {"lineType": "Comment", "description": f"Ref. {key}", "quantity": 0})
remarks = words.map(lambda text: {"lineType": "Comment", "description": text, "quantity": 0})
item_lines = st.builds(lambda n: {"lineType": "Item", "description": "Ref. W", "shippedQuantity": n}, pieces)
orders = st.fixed_dictionaries(
    {
        "id": ids,
        "number": words,
        "externalDocumentNumber": texts,
        "customerId": ids,
        "status": st.sampled_from(["Draft", "In Review", "Open"]),
        "fullyShipped": st.booleans(),
        "salesOrderLines": st.lists(item_lines | comments | remarks, max_size=4),
        "lastModifiedDateTime": stamps,
        "shipToName": texts,
    }
)
made_of = st.one_of(
    st.fixed_dictionaries({"orderId": ids, "orderNumber": words}),
    st.just({"orderId": NO_ID, "orderNumber": ""}),
)
invoices = st.builds(
    lambda head, order: head | order,
    st.fixed_dictionaries(
        {
            "id": ids,
            "number": words,
            "customerId": ids,
            "externalDocumentNumber": texts,
            "dueDate": st.dates().map(str),
            "totalAmountIncludingTax": cents.map(float),
            "remainingAmount": cents.map(float),
            "disputeStatus": texts,
            "lastModifiedDateTime": stamps,
            "salesInvoiceLines": st.lists(comments | remarks, max_size=3),
        }
    ),
    made_of,
)
parties = parties_of(words, lowest_limit_minor=1)
deals = deals_of(words, parties)
amounts = st.integers(-(10**9), 10**9)


class Company:
    """A wire that answers sets with the rows a test wrote down, and each write with a number."""

    def __init__(self, **rows):
        self._rows = rows
        self.bodies = {}

    async def send(self, request):
        set_ = request.path.rpartition("/")[2]
        if set_ == "token":
            return self._says({"access_token": "t"})
        if request.method == "GET":
            name, _, id_ = set_.partition("(")
            found = self._rows.get(name, [])
            if not id_:
                return self._says({"value": found})
            return self._says(found[0]) if found else HttpAnswer(404, {}, b"{}")
        body = self.bodies[set_] = json.loads(request.body, parse_float=Decimal)
        replies = [{"id": each["id"], "status": 201} for each in body.get("requests", ())]
        return self._says({"id": "new", "number": "N1", "responses": replies})

    def _says(self, answer):
        return HttpAnswer(200, {}, json.dumps(answer).encode())


def erp(company):
    client = BusinessCentralClient("erp", "https://bc.example", company, "t", "e", "c", "id", "secret")
    return BusinessCentralErp(client)


def does(work):
    return asyncio.run(work)


# What each map is to make of a record, said once more by hand: a map that changes has its example and this changed.


def minor(amount):
    return int(Decimal(str(amount)) * 100)


def key_in(lines):
    marked = [x["description"] for x in lines if x["lineType"] == "Comment" and x["description"].startswith("Ref. ")]
    return marked[0][5:] if marked else None


def status_of(order):
    shipped = any(line.get("shippedQuantity") for line in order["salesOrderLines"])
    return OrderStatus(
        erp_id=order["id"],
        number=order["number"],
        external_id=key_in(order["salesOrderLines"]),
        po_number=order["externalDocumentNumber"] or None,
        customer_erp_id=order["customerId"],
        credit="on hold" if order["status"] == "In Review" else "passed",
        fulfilment="shipped" if order["fullyShipped"] else "part shipped" if shipped else "open",
        modified_at=from_iso(order["lastModifiedDateTime"]),
    )


def order_of(invoice):
    return OrderStatus(
        erp_id=invoice["orderId"],
        number=invoice["orderNumber"],
        external_id=key_in(invoice["salesInvoiceLines"]),
        po_number=invoice["externalDocumentNumber"] or None,
        customer_erp_id=invoice["customerId"],
        credit="passed",
        fulfilment="shipped",
        modified_at=from_iso(invoice["lastModifiedDateTime"]),
    )


def customer_of(party):
    body = {"displayName": party.name, "paymentTermsId": "T1", "email": party.email, "number": party.number}
    if party.credit_limit_minor is not None:
        body["creditLimit"] = Decimal(party.credit_limit_minor) / 100
    return {name: value for name, value in body.items() if value is not None}


def sales_order_of(deal, items):
    lines = [
        {
            "lineType": "Item",
            "itemId": items[line.sku],
            "quantity": line.quantity,
            "unitPrice": Decimal(line.unit_price_minor) / 100,
        }
        for line in deal.lines
    ]
    head = {"customerId": "77", "salesOrderLines": lines}
    return head if deal.po_number is None else head | {"externalDocumentNumber": deal.po_number}


@settings(max_examples=50)
@given(parties)
def test_a_customer_is_written_with_its_terms(maps, party):
    company = Company()
    assert does(erp(company).put_customer(party, "k", "c")) == "new"
    days = f"{party.terms_days}D"
    terms = {"code": days, "displayName": f"Net {party.terms_days} days", "dueDateCalculation": days}
    assert company.bodies["paymentTerms"] == maps.compiled("business-central-party-to-payment-terms")(party) == terms
    wanted = customer_of(party)
    assert maps.compiled("business-central-party-to-customer")(party, {"terms": "T1"}) == wanted
    sent = company.bodies["customers"]
    assert sent == wanted | {"paymentTermsId": "new", "number": party.number or code_of("k")}
    there = Company(paymentTerms=[{"id": "T1", "dueDateCalculation": days}])
    does(erp(there).put_customer(party, None, "c"))
    assert there.bodies == {"customers": wanted}


@settings(max_examples=50)
@given(deals)
def test_an_order_is_written_and_its_key_behind_it(maps, deal):
    items = {line.sku: str(n) for n, line in enumerate(deal.lines)}
    company = Company()
    does(erp(company).put_order(deal, "77", items, "order:1", "c"))
    made = maps.compiled("business-central-deal-to-sales-order")(deal, {"customer": "77", "items": items})
    assert made == sales_order_of(deal, items)
    made["salesOrderLines"].append({"lineType": "Comment", "description": "Ref. order:1"})
    assert company.bodies == {"salesOrders": made}


@settings(max_examples=50)
@given(st.integers(1, 10**12), st.text("AB1", min_size=1, max_size=40), st.lists(st.builds(Allocation, words, amounts)))
def test_a_receipt_is_written_as_a_line_for_each_invoice_and_one_for_the_rest(maps, amount, reference, allocations):
    entry = BankEntry(reference, amount, "EUR", "2026-01-05", None, "", None, None)
    company = Company(customerPaymentJournals=[{"id": "J1"}])
    assert does(erp(company).put_payment(entry, "77", allocations, "cash:1", "c")) == "CASH:1"
    *lines, post = company.bodies["$batch"]["requests"]
    assert post["url"] == "companies(c)/journals(J1)/Microsoft.NAV.post"
    assert {line["url"] for line in lines} <= {"companies(c)/customerPaymentJournals(J1)/customerPayments"}
    parts = [(each.invoice_erp_id, each.amount_minor) for each in allocations]
    rest = amount - sum(paid for _, paid in parts)
    parts += [(None, rest)] if rest else []
    bodies = [line["body"] for line in lines]
    assert [(body.pop("appliesToInvoiceId", None), minor(-body.pop("amount"))) for body in bodies] == parts
    head = {
        "customerId": "77",
        "postingDate": "2026-01-05",
        "documentNumber": "CASH:1",
        "externalDocumentNumber": reference[:35],
    }
    assert bodies == [head] * len(parts)
    receipt = Receipt(entry, "77", tuple(allocations) or None)
    made = maps.compiled("business-central-receipt-to-payment")(receipt, {"document": "CASH:1"})
    assert minor(made["amount"]) == amount


@settings(max_examples=50)
@given(orders)
def test_an_orders_state_is_read(order):
    assert does(erp(Company(salesOrders=[order])).order(order["id"])) == status_of(order)


@settings(max_examples=50)
@given(invoices)
def test_an_order_that_is_gone_is_read_from_its_invoice(invoice):
    if invoice["orderNumber"]:
        assert does(erp(Company(salesInvoices=[invoice])).order(invoice["orderId"])) == order_of(invoice)


@settings(max_examples=50)
@given(invoices)
def test_an_invoice_is_read_as_such_and_as_an_open_item(invoice):
    reader = erp(Company(salesInvoices=[invoice]))
    assert does(reader.invoice(invoice["id"])) == InvoiceStatus(
        erp_id=invoice["id"],
        number=invoice["number"],
        order_erp_id=invoice["orderId"] if invoice["orderNumber"] else None,
        total_minor=minor(invoice["totalAmountIncludingTax"]),
        open_minor=minor(invoice["remainingAmount"]),
        modified_at=from_iso(invoice["lastModifiedDateTime"]),
    )
    item = OpenItem(
        erp_id=invoice["id"],
        number=invoice["number"],
        customer_erp_id=invoice["customerId"],
        open_minor=minor(invoice["remainingAmount"]),
        due_on=invoice["dueDate"],
        disputed=invoice["disputeStatus"] != "",
    )
    assert does(reader.open_items("77")) == does(reader.items_named(["INV1"])) == [item]


@settings(max_examples=50)
@given(ids, words, words, stamps, st.booleans())
def test_a_shipment_is_read_with_the_id_of_its_order_be_it_gone_or_not(id_, number, order, stamp, gone):
    row = {"id": id_, "number": number, "orderNumber": order, "lastModifiedDateTime": stamp}
    there = {"salesInvoices": [{"orderId": "O1"}]} if gone else {"salesOrders": [{"id": "O1"}]}
    read = does(erp(Company(salesShipments=[row], **there)).shipment(id_))
    assert read == Shipment(id_, number, "O1", from_iso(stamp))


def test_every_status_the_vendor_has_is_mapped(maps):
    choices = maps.schemas.objects["business_central.salesOrder"].fields["status"].choices
    assert tuple(maps.codes["business-central-order-credit"].pairs) == choices == ("Draft", "In Review", "Open")
