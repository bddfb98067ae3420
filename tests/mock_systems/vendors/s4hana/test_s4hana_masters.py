"""Business partners, credit accounts and products."""

import pytest

PARTNER = "API_BUSINESS_PARTNER/A_BusinessPartner"
AREA = "SalesOrganization='1710',DistributionChannel='10',Division='00'"


def _full(**fields):
    return {
        "BusinessPartnerCategory": "2",
        "OrganizationBPName1": "Acme",
        "SearchTerm1": "K-1",
        "BusinessPartnerIDByExtSystem": "001A1",
        "to_BusinessPartnerAddress": [
            {"Country": "US", "CityName": "Austin", "to_EmailAddress": [{"EmailAddress": "ap@acme.example"}]}
        ],
        "to_BusinessPartnerRole": [{"BusinessPartnerRole": "FLCU00"}, {"BusinessPartnerRole": "UKM000"}],
        "to_Customer": {
            "to_CustomerCompany": [{"CompanyCode": "1710", "PaymentTerms": "NT14"}],
            "to_CustomerSalesArea": {
                "results": [
                    {
                        "SalesOrganization": "1710",
                        "DistributionChannel": "10",
                        "Division": "00",
                        "Currency": "USD",
                        "CustomerPaymentTerms": "NT14",
                        "CompleteDeliveryIsDefined": True,
                    }
                ]
            },
        },
        **fields,
    }


def test_a_customer_with_all_its_views(s4):
    id_ = s4.create(PARTNER, _full())["BusinessPartner"]
    row = s4.get(
        f"{PARTNER}('{id_}')",
        expand="to_BusinessPartnerAddress/to_EmailAddress,to_Customer/to_CustomerCompany,to_Customer/to_CustomerSalesArea",
    )
    (address,) = row["to_BusinessPartnerAddress"]["results"]
    assert (address["CityName"], address["to_EmailAddress"]["results"][0]["EmailAddress"]) == (
        "Austin",
        "ap@acme.example",
    )
    assert row["to_Customer"]["to_CustomerCompany"]["results"][0]["PaymentTerms"] == "NT14"
    assert row["to_Customer"]["to_CustomerSalesArea"]["results"][0]["CompleteDeliveryIsDefined"] is True
    assert row["LastChangeTime"] == "PT10H00M00S"
    for condition in ("SearchTerm1 eq 'K-1'", "BusinessPartnerIDByExtSystem eq '001A1'", f"Customer eq '{id_}'"):
        assert [each["BusinessPartner"] for each in s4.rows(PARTNER, filter=condition)] == [id_]


def test_the_same_customer_sent_twice_is_two_customers(s4):
    first, second = (s4.create(PARTNER, _full())["BusinessPartner"] for _ in range(2))
    assert first != second
    assert len(s4.rows(PARTNER, filter="BusinessPartnerIDByExtSystem eq '001A1'")) == 2


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("A_BusinessPartner('{id}')", {"OrganizationBPName1": "New name", "SearchTerm1": "K-2"}),
        ("A_BusinessPartnerAddress(BusinessPartner='{id}',AddressID='{id}')", {"CityName": "Bonn"}),
        ("A_AddressEmailAddress(AddressID='{id}',Person='',OrdinalNumber='1')", {"EmailAddress": "new@acme.example"}),
        ("A_Customer('{id}')", {"OrderIsBlockedForCustomer": "01"}),
        ("A_CustomerCompany(Customer='{id}',CompanyCode='1710')", {"PaymentTerms": "NT60"}),
        ("A_CustomerSalesArea(Customer='{id}'," + AREA + ")", {"CustomerPaymentTerms": "0001"}),
    ],
)
def test_each_view_is_changed_on_its_own(s4, path, body):
    id_ = s4.create(PARTNER, _full())["BusinessPartner"]
    whole = "API_BUSINESS_PARTNER/" + path.format(id=id_)
    assert s4.refusal(s4.call("PATCH", whole, body))[0] == 428
    s4.clock.us += 2_000_000
    assert s4.call("PATCH", whole, body, if_match=s4.get(whole)["__metadata"]["etag"]).status == 204
    after = s4.get(whole)
    assert {name: after[name] for name in body} == body


def test_a_partner_is_marked_for_archiving_and_found_by_the_mark(s4):
    gone, there = s4.customer(), s4.customer()
    path = f"{PARTNER}('{gone}')"
    for mark in (True, False, True):
        tag = s4.get(path)["__metadata"]["etag"]
        assert s4.call("PATCH", path, {"IsMarkedForArchiving": mark}, if_match=tag).status == 204
        assert s4.get(path)["IsMarkedForArchiving"] is mark
        s4.clock.us += 2_000_000
    assert [row["BusinessPartner"] for row in s4.rows(PARTNER, filter="IsMarkedForArchiving eq false")] == [there]


def test_a_first_email_address_is_added(s4):
    id_ = s4.customer()
    path = f"API_BUSINESS_PARTNER/A_BusinessPartnerAddress(BusinessPartner='{id_}',AddressID='{id_}')/to_EmailAddress"
    assert s4.rows(path) == []
    s4.create(path, {"EmailAddress": "a@b.example"})
    assert s4.refusal(s4.call("POST", path, {"EmailAddress": "c@d.example"}))[:2] == (400, "/IWBEP/CM_MGW_RT/021")
    assert s4.refusal(s4.call("POST", path, {"EmailAddress": "nonsense"}))[0] == 400
    assert [row["EmailAddress"] for row in s4.rows(path)] == ["a@b.example"]


def test_a_credit_limit_releases_what_fits_it(s4):
    id_ = s4.customer(limit="10.00")
    order = s4.order(id_, ("TG11", 1, "50.00"))["SalesOrder"]
    key = f"API_CRDTMBUSINESSPARTNER/CreditManagementAccount(BusinessPartner='{id_}',CreditSegment='1000')"
    assert s4.get(key)["BusinessPartnerIsCritical"] is True
    assert s4.call("PATCH", key, {"CreditLimitAmount": "100.00"}, if_match="*").status == 204
    assert s4.get(key)["CreditLimitAmount"] == "100.00"
    assert s4.get(f"API_SALES_ORDER_SRV/A_SalesOrder('{order}')")["TotalCreditCheckStatus"] == "A"
    assert s4.call("MERGE", key, {"CreditAccountIsBlocked": True}, if_match="*").status == 204
    assert s4.order(id_, ("TG11", 1, "1.00"))["TotalCreditCheckStatus"] == "B"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"OrganizationBPName1": ""}, "00/055"),
        ({"BusinessPartnerCategory": "1"}, "/IWBEP/CM_MGW_RT/021"),
        ({"BusinessPartnerUUID": "x"}, "/IWBEP/CM_MGW_RT/021"),
        ({"BusinessPartnerIDByExtSystem": "x" * 21}, "/IWBEP/CM_MGW_RT/064"),
        ({"to_BusinessPartnerRole": [{"BusinessPartnerRole": "NONE"}]}, "R1/124"),
        ({"to_Customer": {"to_CustomerCompany": [{"CompanyCode": "1"}]}}, "F2/163"),
        ({"to_Customer": {"to_CustomerCompany": [{"CompanyCode": "1710", "PaymentTerms": "ZZ"}]}}, "F2/212"),
        ({"to_Customer": {"to_CustomerSalesArea": [{"SalesOrganization": "1"}]}}, "F2/164"),
        ({"to_BusinessPartnerAddress": [{"to_EmailAddress": [{"EmailAddress": "x"}]}]}, "AM/261"),
    ],
)
def test_a_partner_that_is_wrong_is_refused_whole(s4, fields, code):
    before = s4.core.snapshot()
    assert s4.refusal(s4.call("POST", PARTNER, _full(**fields)))[:2] == (400, code)
    assert s4.core.snapshot() == before


def test_entity_tags_of_partners_have_whole_seconds(s4):
    id_ = s4.customer()
    tag = s4.get(f"{PARTNER}('{id_}')")["__metadata"]["etag"]
    s4.clock.us += 300_000
    s4.core.update_customer(id_, name="Changed by a person")
    assert s4.call("PATCH", f"{PARTNER}('{id_}')", {"OrganizationBPName1": "Over it"}, if_match=tag).status == 204


def test_products_with_their_texts_and_plants(s4):
    row = s4.get("API_PRODUCT_SRV/A_Product('TG11')", expand="to_Description,to_SalesDelivery,to_Plant")
    assert row["to_Description"]["results"][0]["ProductDescription"] == "Trading good TG11"
    assert row["to_SalesDelivery"]["results"][0]["ProductSalesOrg"] == "1710"
    assert row["to_Plant"]["results"][0]["Plant"] == "1710"
