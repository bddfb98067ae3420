"""What cannot be guessed about a vendor from its operation table, as data: one `Hints` a vendor.

``$customers`` in a text stands for one of the customers there are, and so for every kind of record.
"""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Hints:
    """Names in paths, queries and bodies.

    ``params``: values of a path's parameters; ``queries``: values of query parameters; ``bodies``: texts the vendor
    reads that are no JSON; ``always``: query parameters of most POSTs; ``form``: bodies are forms; ``writes``: bodies
    that are accepted as they are, by operation, from which (and from what was accepted) others are made; ``settings``:
    path parameters that are the mock's own, as formats of its dialect; ``sets``: entity sets of a path that names
    records as ``set(key)``; ``tables``: the core's table of a part of a path, where their names differ;
    ``test_mode``: the account is one for tests, where a run's is live.
    """

    params: dict[str, tuple[str, ...]] = field(default_factory=dict)
    queries: dict[str, tuple[str, ...]] = field(default_factory=dict)
    bodies: tuple[str, ...] = ()
    always: dict[str, str] = field(default_factory=dict)
    form: bool = False
    writes: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    sets: tuple[str, ...] = ()
    tables: dict[str, str] = field(default_factory=dict)
    test_mode: bool = False


_SOQL = (
    "SELECT Id, Name FROM Account WHERE Name = 'Acme' ORDER BY Name LIMIT 5",
    "SELECT Id, (SELECT Quantity FROM OpportunityLineItems) FROM Opportunity WHERE IsWon = true",
    "SELECT COUNT() FROM Account WHERE SystemModstamp > 2026-01-01T00:00:00Z",
)
_SUITEQL = (
    "SELECT id, tranid FROM transaction WHERE type = 'CustInvc' AND entity = '1'",
    "SELECT TO_CHAR(lastmodifieddate, 'YYYY-MM-DD') AS m, BUILTIN.DF(status) FROM transaction ORDER BY id",
    "SELECT id FROM customer WHERE entityid IN ('C1', 'C2')",
)
HINTS: dict[str, Hints] = {
    "salesforce": Hints(
        {
            "version": ("v59.0",) * 9 + ("v45.0", "v99.9"),
            "type": ("Account", "Opportunity", "Contact", "Product2", "PricebookEntry", "OpportunityLineItem"),
            "field": ("Id", "Customer_Number__c", "ERP_Id__c", "Deal_Ref__c", "Name"),
            "results": ("successfulResults", "failedResults", "unprocessedrecords"),
        },
        {"q": _SOQL, "start": ("2026-01-05T00:00:00Z",), "end": ("2026-01-06T00:00:00Z",), "_HttpMethod": ("PATCH",)},
        ("Name,Id\nAcme,1\n", "Id\n", '"', "Name\n\n\n", "<e:Envelope xmlns:e='x'/>"),
        writes={
            "sobject.create": (
                {"Name": "A"}, {"LastName": "B"}, {"Name": "C", "StageName": "Prospecting", "CloseDate": "2026-01-31"},
            ),
            "sobject.update": ({"Name": "A"},),
            "job.ingest.create": ({"operation": "insert", "object": "Account"},),
            "job.ingest.upload": ("Name\nAcme\n",),
            "job.ingest.move": ({"state": "UploadComplete"},),
            "job.query.create": ({"operation": "query", "query": "SELECT Id FROM Account"},),
            "collection.create": ({"allOrNone": True, "records": [{"attributes": {"type": "Account"}, "Name": "A"}]},),
            "composite.batch": ({"batchRequests": [{"method": "GET", "url": "v59.0/sobjects/Account"}]},),
            "composite.run": (
                {"compositeRequest": [{"method": "POST", "url": "/services/data/v59.0/sobjects/Account",
                                       "referenceId": "a", "body": {"Name": "A"}}]},
            ),
        },
    ),
    "netsuite": Hints(
        {"id": ("eid:K1", "eid:", "1", "2", "101"), "type": ("customer", "salesOrder"), "line": ("1", "9")},
        {"replace": ("item", "apply"), "expandSubResources": ("true",), "q": ("entity ANY_OF [1]", 'id EQUAL "1"')},
        tuple(json.dumps({"q": q}) for q in _SUITEQL),
    ),
    "business_central": Hints(
        settings={
            "tenant": "{0.config.tenant}", "environment": "{0.config.environment}",
            "company": "companies({0.company_id})",
        },
        sets=(
            "companies", "customers", "items", "salesOrders", "salesInvoices", "salesShipments",
            "customerPaymentJournals", "customerPayments", "journals", "subscriptions", "salesOrderLines",
            "paymentTerms", "generalLedgerEntries", "x",
        ),
        writes={
            "customers.create": ({"displayName": "A"},),
            "items.create": ({"number": "I9", "displayName": "I", "type": "Inventory"},),
            "paymentTerms.create": ({"code": "NET77", "dueDateCalculation": "77D"},),
            "salesInvoices.create": ({"customerNumber": "C1001"},),
            "customerPaymentJournals.create": ({"code": "J9", "displayName": "J"},),
            "customerPayments.create": ({"journalDisplayName": "J", "customerNumber": "C1001", "amount": -5},),
            "subscriptions.create": (
                {"notificationUrl": "https://a.example/h", "resource": "salesOrders", "clientState": "s"},
            ),
            "record.update": ({"displayName": "B"}, {"externalDocumentNumber": "P9"}, {"shipQuantity": 1}),
        },
    ),
    "s4hana": Hints(
        {
            "entity": (
                "A_SalesOrder", "A_SalesOrder('$orders')", "A_SalesOrder(", "$metadata",
                "A_BusinessPartner('$customers')",
                "A_SalesOrderItem(SalesOrder='$orders',SalesOrderItem='10')", "A_OutbDeliveryHeader", "A_Product",
                "A_OutbDeliveryHeader('$deliveries')", "A_BillingDocument('$invoices')", "A_BusinessPartner", "A_X()",
            ),
            "further": ("to_Item", "to_Partner", "$count", "$value", "Nothing"),
        },
        {"$filter": ("SalesOrder eq '1'", "CreationDate gt datetime'2026-01-01T00:00:00'")},
        ("<soapenv:Envelope xmlns:soapenv='http://schemas.xmlsoap.org/soap/envelope/'/>", "--b\r\n\r\n--b--"),
        always={
            "DeliveryDocument": "'$deliveries'", "SalesOrder": "'$orders'", "BillingDocument": "'$invoices'",
        },
        writes={
            "salesOrder.update": ({"PurchaseOrderByCustomer": "P9"},),
            "businessPartner.update": ({"OrganizationBPName1": "B"},),
            "salesOrder.create": (
                {"SalesOrderType": "OR", "SalesOrganization": "1710", "DistributionChannel": "10",
                 "OrganizationDivision": "00", "SoldToParty": "$customers",
                 "to_Item": [{"Material": "WIDGET", "RequestedQuantity": "2"}]},
            ),
            "delivery.create": (
                {"to_DeliveryDocumentItem": [{"ReferenceSDDocument": "$orders", "ReferenceSDDocumentItem": "10"}]},
            ),
            "businessPartner.create": ({"BusinessPartnerCategory": "2", "OrganizationBPName1": "A"},),
        },
    ),
    "hubspot": Hints(
        {
            "type": ("deals", "companies", "contacts", "products", "line_items", "0-3"),
            "from": ("deals", "companies", "contacts"), "to": ("companies", "line_items", "deals"),
            "version": ("v3", "2026-03", "v9"), "app": ("4200042", "1"), "pipeline": ("default",),
            "stage": ("closedwon",), "name": ("name", "dealname", "erp_order_id"),
        },
        {"idProperty": ("customer_number", "name"), "associations": ("companies,line_items", "x")},
        writes={
            "object.create": (
                {"properties": {"name": "A"}}, {"properties": {"dealname": "D", "dealstage": "closedwon"}},
            ),
            "object.update": ({"properties": {"name": "A"}}, {"properties": {"dealstage": "closedwon"}}),
            "property.create": ({"name": "p1", "label": "P", "type": "string", "fieldType": "text", "groupName": "g"},),
        },
    ),
    "stripe": Hints(
        {},
        {"query": ("email:'a'", "metadata['k']:'v' AND", "created>0"), "expand[]": ("customer", "data.x.y.z.w")},
        form=True,
        test_mode=True,  # only there are test cards and test clocks known
        tables={
            "payment_intents": "payments", "payment_methods": "instruments", "invoiceitems": "waiting_lines",
            "balance_transactions": "entries", "cash_balance_transactions": "cash_entries", "test_clocks": "clocks",
        },
        writes={
            "customers.create": ({"name": "A", "email": "a@example.com"},),
            "invoices.create": ({"customer": "$customers", "collection_method": "send_invoice", "days_until_due": 9},),
            "invoiceitems.create": ({"customer": "$customers", "amount": 900, "currency": "eur"},),
            "invoices.add_lines": ({"lines": [{"amount": 900, "description": "x"}]},),
            "invoices.create_preview": ({"customer": "$customers"},),
            "payment_methods.attach": ({"customer": "$customers"},),
            "payment_methods.create": ({"type": "sepa_debit", "sepa_debit": {"iban": "DE89370400440532013000"}},),
            "payment_intents.create": (
                {"customer": "$customers", "amount": 900, "currency": "eur",
                 "payment_method": "pm_card_visa", "confirm": True},
            ),
            "payment_intents.capture": ({"amount_to_capture": 1},),
            "payment_intents.confirm": ({"payment_method": "pm_card_visa"}, {"payment_method": "$payment_methods"}),
            "payment_intents.update": ({"payment_method": "pm_card_visa"}, {"amount": 700}),
            "payment_intents.cancel": ({}, {"cancellation_reason": "duplicate"}),
            "payment_intents.apply_customer_balance": ({"amount": 100}, {}),
            "customers.update": ({"name": "B"}, {"invoice_settings": {"default_payment_method": "$payment_methods"}}),
            "cash_balance.update": ({"settings": {"reconciliation_mode": "manual"}},),
            "invoices.update": ({"description": "B"}, {"auto_advance": True}),
            "invoices.finalize": ({}, {"auto_advance": True}),
            "invoices.send": ({},),
            "invoices.void": ({},),
            "invoices.mark_uncollectible": ({},),
            "payment_methods.detach": ({},),
            "refunds.cancel": ({},),
            "disputes.close": ({},),
            "payouts.cancel": ({},),
            "test_clocks.advance": ({"frozen_time": 1770000000},),
            "invoices.pay": ({"payment_method": "pm_card_visa"}, {"paid_out_of_band": True}, {}),
            "invoices.attach_payment": ({"payment_intent": "$payment_intents"},),
            "disputes.update": ({"evidence": {"customer_name": "A"}, "submit": True},),
            "refunds.create": ({"payment_intent": "$payment_intents", "amount": 5},),
            "credit_notes.create": ({"invoice": "$invoices", "amount": 5},),
            "payouts.create": ({"amount": 5, "currency": "eur"},),
            "test_clocks.create": ({"frozen_time": 1767600000},),
            "test_helpers.fund_cash_balance": ({"amount": 900, "currency": "eur"},),
            "webhook_endpoints.create": ({"url": "https://a.example/h", "enabled_events": ["*"]},),
            "funding_instructions.create": (
                {"currency": "eur", "funding_type": "bank_transfer", "bank_transfer": {"type": "eu_bank_transfer"}},
            ),
        },
    ),
    "gocardless": Hints(
        {"name": ("payment_confirmed", "payment_failed", "mandate_activated", "payout_paid", "x")},
        tables={"customer_bank_accounts": "accounts"},
        writes={
            "customers.update": ({"customers": {"company_name": "B", "metadata": {"a": "b"}}},),
            "customer_bank_accounts.update": ({"customer_bank_accounts": {"metadata": {"a": "b"}}},),
            "mandates.update": ({"mandates": {"metadata": {"a": "b"}}},),
            "payments.update": ({"payments": {"retry_if_possible": True}},),
            "payments.cancel": ({"data": {"metadata": {"a": "b"}}},),
            "refunds.create": (
                {"refunds": {"amount": 5, "total_amount_confirmation": 5, "links": {"payment": "$payments"}}},
            ),
            "scenario_simulators.run": ({"data": {"links": {"resource": "$payments"}}},),
        },
    ),
    "bank_files": Hints({}, {"businessDate": ("2026-01-05",)}),
}  # fmt: skip
