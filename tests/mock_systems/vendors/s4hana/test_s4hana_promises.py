"""Every line of the capability sheet attacked: the same write sent again, as after a lost answer; and bad input."""

import json
import random
from functools import partial

import pytest

from o2c_twin.mock_systems.vendors.s4hana import S4HanaDialect
from o2c_twin.mock_systems.wire.faults import LostReply
from o2c_twin.mock_systems.wire.message import TransportFault
from o2c_twin.mock_systems.wire.route import Operation

ORDERS = "API_SALES_ORDER_SRV/A_SalesOrder"
DELIVERIES = "API_OUTBOUND_DELIVERY_SRV/A_OutbDeliveryHeader"
PARTNERS = "API_BUSINESS_PARTNER/A_BusinessPartner"
CUBE = "API_OPLACCTGDOCITEMCUBE_SRV/A_OperationalAcctgDocItemCube"
PROMISES = {promise.operation: promise for promise in S4HanaDialect.promises}


def documents(s4):
    """How many documents there are, and what they say, time stamps apart."""
    state = s4.core.state
    counts = [len(table) for table in (state.customers, state.orders, state.deliveries, state.invoices, state.payments)]
    counts += [len(state.credit_memos), len(s4.dialect.books.extras.drafts)]
    counts += [len(s4.dialect.books.extras.credit_requests), [(o.credit, o.cancelled) for o in state.orders.values()]]
    return counts, s4.core.trial_balance(), [invoice.open_minor for invoice in state.invoices.values()]


# How a client finds what it has written, whatever became of the answer.
QUERIES = {
    "businessPartner.create": (PARTNERS, "BusinessPartnerIDByExtSystem eq 'E'"),
    "businessPartner.batch": (PARTNERS, "BusinessPartnerIDByExtSystem eq 'E'"),
    "salesOrder.create": (ORDERS, "ExternalDocumentID eq 'E'"),
    "salesOrder.batch": (ORDERS, "ExternalDocumentID eq 'E'"),
    "delivery.create": ("API_OUTBOUND_DELIVERY_SRV/A_OutbDeliveryItem", "ReferenceSDDocument eq '{free}'"),
    "creditMemoRequest.create": (
        "API_CREDIT_MEMO_REQUEST_SRV/A_CreditMemoRequest",
        "PurchaseOrderByCustomer eq 'E'",
    ),
    "journalEntry.post": (CUBE, "AccountingDocumentHeaderText eq 'E' and DocumentReferenceID eq 'E'"),
}
QUERIES |= {"delivery.batch": QUERIES["delivery.create"], "delivery.v0002.create": QUERIES["delivery.create"]}


class Attack:
    """A system with one of everything, and each write of it ready to be sent any number of times."""

    def __init__(self, s4):
        self.s4 = s4
        self.customer = s4.customer("Acme")
        self.invoice = s4.invoice(self.customer, "50.00")
        self.order = s4.order(self.customer, ("TG11", 3, "10.00"))["SalesOrder"]
        self.free = s4.order(self.customer, ("TG11", 1, "10.00"))["SalesOrder"]
        self.planned = s4.plan(self.order, 1)["DeliveryDocument"]
        self.picked = s4.plan(self.order, 1)["DeliveryDocument"]
        s4.action("PickAllItems", self.picked)
        self.issued = s4.ship(self.order, 1)
        self.receipt = s4.receipt(self.customer, "60.00", reference="B0", text="B0")
        self.held = s4.hold(s4.customer("Held", limit="1.00"))
        self.account = s4.get(f"API_BILLING_DOCUMENT_SRV/A_BillingDocument('{self.invoice}')")["AccountingDocument"]

    def _batched(self, service, method, path, body):
        text = "" if body is None else json.dumps(body)
        part = f"Content-Type: application/http\r\n\r\n{method} {path} HTTP/1.1\r\nIf-Match: *\r\n\r\n{text}\r\n"
        whole = f"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n{part}--c--\r\n--b--"
        kind = "multipart/mixed; boundary=b"
        return self.s4.call("POST", f"{service}/$batch", whole.encode(), content_type=kind)

    def send(self, operation):
        s4, any_tag = self.s4, {"if_match": "*"}
        name = {"BusinessPartnerCategory": "2", "OrganizationBPName1": "New", "BusinessPartnerIDByExtSystem": "E"}
        entered = s4.order_body(self.customer, ("TG11", 1, None), ExternalDocumentID="E")
        line = {"ReferenceSDDocument": self.free, "ReferenceSDDocumentItem": "10", "ActualDeliveryQuantity": "1"}
        partner = f"{PARTNERS}('{self.customer}')"
        limit = f"CreditManagementAccount(BusinessPartner='{self.customer}',CreditSegment='1000')"
        credit = {"CreditLimitAmount": "900.00"}
        header = {"PurchaseOrderByCustomer": "P"}
        address = f"BusinessPartner='{self.customer}',AddressID='{self.customer}'"
        email = f"API_BUSINESS_PARTNER/A_BusinessPartnerAddress({address})"
        tunnel = {"x_http_method": "MERGE", **any_tag}
        approval = {"SalesOrder": f"'{self.order}'"}
        blocked = {"SalesDocument": f"'{self.held}'", "SDDocumentCategory": "'C'", "SalesDocumentRjcnReason": "'10'"}
        tag = operation.removeprefix("delivery.v0002.") if "v0002" in operation else operation.removeprefix("delivery.")
        if operation.startswith("delivery.") and tag != "batch":
            root = "API_OUTBOUND_DELIVERY_SRV" + (";v=0002" if "v0002" in operation else "")
            if tag == "create":
                return s4.call("POST", f"{root}/A_OutbDeliveryHeader", {"to_DeliveryDocumentItem": [line]})
            if tag == "delete":
                return s4.call("DELETE", f"{root}/A_OutbDeliveryHeader('{self.planned}')", **any_tag)
            id_ = self.picked if tag == "postGoodsIssue" else self.planned
            query = {"DeliveryDocument": f"'{id_}'"}
            return s4.call("POST", f"{root}/{tag[0].upper()}{tag[1:]}", None, query, **any_tag)
        calls = {
            "businessPartner.create": lambda: s4.call("POST", PARTNERS, name),
            "businessPartner.createEmail": lambda: s4.call("POST", f"{email}/to_EmailAddress", {"EmailAddress": "a@b"}),
            "businessPartner.update": lambda: s4.call("PATCH", partner, {"OrganizationBPName1": "X"}, **any_tag),
            "businessPartner.merge": lambda: s4.call("MERGE", partner, {"OrganizationBPName1": "X"}, **any_tag),
            "businessPartner.tunnel": lambda: s4.call("POST", partner, {"OrganizationBPName1": "X"}, **tunnel),
            "businessPartner.batch": lambda: self._batched("API_BUSINESS_PARTNER", "POST", "A_BusinessPartner", name),
            "creditAccount.update": lambda: s4.call("PATCH", f"API_CRDTMBUSINESSPARTNER/{limit}", credit, **any_tag),
            "creditAccount.merge": lambda: s4.call("MERGE", f"API_CRDTMBUSINESSPARTNER/{limit}", credit, **any_tag),
            "creditAccount.tunnel": lambda: s4.call("POST", f"API_CRDTMBUSINESSPARTNER/{limit}", credit, **tunnel),
            "creditAccount.batch": lambda: self._batched("API_CRDTMBUSINESSPARTNER", "PATCH", limit, credit),
            "salesOrder.create": lambda: s4.call("POST", ORDERS, entered),
            "salesOrder.update": lambda: s4.call("PATCH", f"{ORDERS}('{self.order}')", header, **any_tag),
            "salesOrder.merge": lambda: s4.call("MERGE", f"{ORDERS}('{self.order}')", header, **any_tag),
            "salesOrder.tunnel": lambda: s4.call("POST", f"{ORDERS}('{self.order}')", header, **tunnel),
            "salesOrder.delete": lambda: s4.call("DELETE", f"{ORDERS}('{self.free}')", **any_tag),
            "salesOrder.releaseApprovalRequest": lambda: s4.call(
                "POST", "API_SALES_ORDER_SRV/releaseApprovalRequest", None, approval
            ),
            "salesOrder.rejectApprovalRequest": lambda: s4.call(
                "POST", "API_SALES_ORDER_SRV/rejectApprovalRequest", None, approval
            ),
            "salesOrder.batch": lambda: self._batched("API_SALES_ORDER_SRV", "POST", "A_SalesOrder", entered),
            **{
                f"creditBlock.{name[0].lower()}{name[1:]}": partial(
                    s4.call, "POST", f"API_SLS_DOC_WITH_CREDIT_BLOCK/{name}", None, blocked
                )
                for name in ("CheckCreditBlock", "ReleaseCreditBlock", "RejectCreditBlock")
            },
            "creditMemoRequest.create": lambda: s4.call(
                "POST",
                "API_CREDIT_MEMO_REQUEST_SRV/A_CreditMemoRequest",
                s4.credit_body(self.invoice, "5.00", PurchaseOrderByCustomer="E"),
            ),
            "delivery.batch": lambda: self._batched(
                "API_OUTBOUND_DELIVERY_SRV",
                "POST",
                "A_OutbDeliveryHeader",
                {"to_DeliveryDocumentItem": [line]},
            ),
            "billingDocument.createFromSdDocument": lambda: s4.bill(self.issued),
            "billingDocument.cancel": lambda: s4.call(
                "POST", "API_BILLING_DOCUMENT_SRV/Cancel", None, {"BillingDocument": f"'{self.invoice}'"}
            ),
            "billingDocument.batch": lambda: self._batched(
                "API_BILLING_DOCUMENT_SRV", "POST", f"Cancel?BillingDocument='{self.invoice}'", None
            ),
            "journalEntry.post": lambda: s4.post_receipt(self.customer, "5.00", reference="E", text="E"),
            "journalEntry.clear": lambda: s4.clear("E", (self.receipt, "10.00"), (self.account, "10.00")),
        }
        return calls[operation]()

    def found(self, operation):
        path, condition = QUERIES[operation]
        return len(self.s4.rows(path, filter=condition.format(free=self.free)))


def test_every_write_has_a_promise_and_every_promise_is_of_a_write():
    reads = ("GET", "HEAD")

    def writes(operation: Operation) -> bool:
        return operation.method not in reads and not operation.open

    assert sorted(PROMISES) == sorted(op.name for op in S4HanaDialect.routes if writes(op))


@pytest.mark.parametrize("operation", sorted(PROMISES))
def test_a_write_whose_answer_is_lost_keeps_its_promise(s4, operation):
    attack = Attack(s4)
    promise = PROMISES[operation]
    start = documents(s4)
    number = s4.server.faults.add(LostReply(operations=(operation,)))
    with pytest.raises(TransportFault) as lost:
        attack.send(operation)
    assert lost.value.applied is ("Approval" not in operation)
    s4.server.faults.remove(number)
    once = documents(s4)
    if promise.guard == "query":
        # The record is there at once, and a blind repetition is a second one, or takes what is left.
        assert attack.found(operation) == 1
        assert once != start
        again = attack.send(operation)
        doubled = documents(s4) != once
        assert doubled or again.status == 400 or b"HTTP/1.1 400" in again.body
    else:
        attack.send(operation)
        assert documents(s4) == once


def test_a_message_id_is_remembered_for_ever_and_an_hour(s4):
    attack = Attack(s4)
    attack.send("journalEntry.clear")
    once = documents(s4)
    s4.clock.us += 400 * 86_400 * 1_000_000
    s4.session = {}
    attack.send("journalEntry.clear")
    assert documents(s4) == once


# --- bad input --------------------------------------------------------------------------------------

VALUES = [None, "", "x", "'", "10", -1, 0.5, True, [], {}, [{}], {"results": "x"}, "/Date(1)/", "9" * 40, "\u0000", "é"]


def _mangled(rng, value):
    if isinstance(value, dict) and value and rng.random() < 0.8:
        name = rng.choice(sorted(value))
        return {**value, rng.choice([name, name, "Nothing"]): _mangled(rng, value[name])}
    if isinstance(value, list) and value and rng.random() < 0.8:
        return [_mangled(rng, each) for each in value]
    return rng.choice(VALUES)


def fuzz(s4, count, seed):
    """Random calls of every operation; gives the statuses."""
    rng = random.Random(seed)
    attack = Attack(s4)
    order = s4.order_body(attack.customer, ("TG11", 1, "1.00"), PurchaseOrderByCustomer="P")
    bodies = [
        order,
        {"to_DeliveryDocumentItem": [{"ReferenceSDDocument": attack.free, "ReferenceSDDocumentItem": "10"}]},
        {"BusinessPartnerCategory": "2", "OrganizationBPName1": "N", "to_Customer": {"to_CustomerCompany": []}},
        {"CreditLimitAmount": "1.00"},
        {"EmailAddress": "a@b"},
        {"_Reference": [{"SDDocument": attack.issued, "SDDocumentCategory": "J"}]},
    ]
    keys = [
        "('1')",
        "(1)",
        "('x''y')",
        "(A='1')",
        "",
        "(",
        "('17100001')",
        "(SalesOrder='1',SalesOrderItem='10')",
        "()",
    ]
    queries = [
        {"$filter": "SalesOrder eq '1'"},
        {"$filter": "LastChangeDateTime ge datetimeoffset'0001-01-01T00:00:00Z'"},
        {"$filter": "substringof('1',SalesOrder) or 1 eq"},
        {"$expand": "to_Item/to_PricingElement"},
        {"$top": "99999999999"},
        {"$select": "*"},
        {"$orderby": "SalesOrder desc"},
        {"DeliveryDocument": "'80000001'", "BillingDocument": "'90000001'", "SalesOrder": "'1'"},
        {"DeliveryDocument": "80000001"},
        {"$skiptoken": "1"},
    ]
    sets = [name for service in s4.dialect.tables.values() for name in service]
    statuses = []
    for _ in range(count):
        operation = rng.choice(s4.dialect.routes)
        path = operation.path.replace("{entity}", rng.choice(sets) + rng.choice(keys))
        path = path.replace("{further}", rng.choice(["to_Item", "$count", "SalesOrder", "to_EmailAddress", "x"]))
        body = _mangled(rng, rng.choice(bodies)) if rng.random() < 0.7 else rng.choice(bodies)
        raw = rng.choice([json.dumps(body).encode(), json.dumps(body).encode()[: rng.randrange(60)], b"--b--"])
        headers = {"content_type": "multipart/mixed; boundary=b"} if rng.random() < 0.2 else {}
        if rng.random() < 0.7:
            headers["if_match"] = "*"
        if rng.random() < 0.3:
            headers["x_http_method"] = "MERGE"
        answer = s4.call(operation.method, path, raw, rng.choice(queries), **headers)
        assert answer.status < 500 or (b"faultstring" in answer.body and "/srt/" in path), (operation.name, path, raw)
        statuses.append(answer.status)
        assert sum(s4.core.trial_balance().values()) == 0
    return statuses


def test_bad_input_never_breaks_it(s4):
    statuses = fuzz(s4, 200, 1)
    assert len(set(statuses)) >= 5
