"""A client with several company codes: each sells through its own sales organization and is owed what it sold."""

import json

import pytest

from o2c_twin.mock_systems.vendors.s4hana import S4HanaConfig, Unit

GROUP = S4HanaConfig(units=(Unit("DE01", "A1"), Unit("UK01", "B1")))
CUBE = "API_OPLACCTGDOCITEMCUBE_SRV/A_OperationalAcctgDocItemCube"


def views(company, seller=None):
    area = {"SalesOrganization": seller or company, "DistributionChannel": "10", "Division": "00"}
    return {"to_Customer": {"to_CustomerCompany": [{"CompanyCode": company}], "to_CustomerSalesArea": [area]}}


@pytest.fixture
def group(new_system):
    system = new_system(GROUP)
    system.item()
    return system


def billed(group, company):
    """A customer of that company code, and its invoice as the API shows it."""
    customer = group.customer(**views(company))
    order = group.order(customer, ("TG11", 1, "50.00"), SalesOrganization=company)
    assert order["SalesOrganization"] == company
    answer = json.loads(group.bill(group.ship(order["SalesOrder"])).body)["value"][0]
    assert answer["SalesOrganization"] == company
    return customer, group.get(f"API_BILLING_DOCUMENT_SRV/A_BillingDocument('{answer['BillingDocument']}')")


def test_what_a_sales_organization_sells_is_owed_to_its_company_code(group):
    home, abroad = (billed(group, company)[1] for company in ("DE01", "UK01"))
    for bill, company, number in ((home, "DE01", "INV1001"), (abroad, "UK01", "INV10000001")):
        shown = (bill["CompanyCode"], bill["SalesOrganization"], bill["DocumentReferenceID"])
        assert shown == (company, company, number)
    rows = group.rows(CUBE, filter="CompanyCode eq 'UK01' and ClearingAccountingDocument eq ''")
    assert [row["DocumentReferenceID"] for row in rows] == ["INV10000001"]


def test_a_customer_is_of_one_company_code_and_the_sales_organization_of_its_name(group):
    customer = group.customer(**views("UK01"))
    key = f"API_BUSINESS_PARTNER/A_CustomerCompany(Customer='{customer}',CompanyCode='UK01')"
    assert group.get(key)["CompanyCode"] == "UK01"
    body = {"BusinessPartnerCategory": "2", "OrganizationBPName1": "A"}
    for own, code in ((views("FR01"), "F2/163"), (views("UK01", "FR01"), "F2/164")):
        assert group.refusal(group.call("POST", "API_BUSINESS_PARTNER/A_BusinessPartner", body | own))[:2] == (
            400,
            code,
        )
    answer = group.call("POST", "API_BUSINESS_PARTNER/A_BusinessPartner", body | views("UK01", "DE01"))
    assert "several entities are not covered" in group.refusal(answer)[2]


def test_an_order_of_a_sales_organization_the_customer_is_not_maintained_for_is_refused(group):
    customer = group.customer(**views("DE01"))
    for seller, code in (("UK01", "V1/320"), ("FR01", "V1/310")):
        body = group.order_body(customer, ("TG11", 1, None), SalesOrganization=seller)
        assert group.refusal(group.call("POST", "API_SALES_ORDER_SRV/A_SalesOrder", body))[:2] == (400, code)
    assert not group.core.state.orders


def test_a_receipt_of_one_company_code_clears_nothing_of_another(group):
    customer, bill = billed(group, "UK01")
    refused = group.post_receipt(customer, "50.00", company="DE01").body.decode()
    assert "<MaximumLogItemSeverityCode>1<" not in refused and "sales area" in refused
    group.core.assign_customer(customer, "DE01")
    wrong = group.receipt(customer, "50.00", company="DE01")
    group.clear("C1", (wrong, None), (bill["AccountingDocument"], None))
    assert group.dialect.books.extras.messages["C1"] == "F5/165 The items belong to different company codes."
    right = group.receipt(customer, "50.00", company="UK01", reference="B2")
    group.clear("C2", (right, None), (bill["AccountingDocument"], None))
    assert group.core.receivables_by_entity() == {}
    assert {row["CompanyCode"] for row in group.rows(CUBE, filter=f"AccountingDocument eq '{right}'")} == {"UK01"}
