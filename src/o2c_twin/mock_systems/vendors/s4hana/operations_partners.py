"""Writes of API_BUSINESS_PARTNER and API_CRDTMBUSINESSPARTNER: customers, their terms, e-mail and credit limit."""

from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.vendors.s4hana import errors, services
from o2c_twin.mock_systems.vendors.s4hana.edm import Service
from o2c_twin.mock_systems.vendors.s4hana.reading import created, find
from o2c_twin.mock_systems.vendors.s4hana.rows_masters import ROLES
from o2c_twin.mock_systems.vendors.s4hana.state import Fields
from o2c_twin.mock_systems.vendors.s4hana.tables import ETAG, Row
from o2c_twin.mock_systems.vendors.s4hana.values import minor, terms_days
from o2c_twin.mock_systems.vendors.s4hana.writing import (
    match_tag,
    not_covered,
    nothing,
    read_fields,
    required,
    strings,
    unlocked,
)
from o2c_twin.mock_systems.wire.message import Response
from o2c_twin.mock_systems.wire.odata import parse_key
from o2c_twin.mock_systems.wire.route import Call, Handler

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.s4hana.dialect import S4HanaDialect

_PARTNERS, _CREDIT = services.PARTNERS, services.CREDIT
_SETS = _PARTNERS.entities
_KEPT = (
    "BusinessPartnerGrouping",
    "BusinessPartnerIDByExtSystem",
    "OrganizationBPName2",
    "SearchTerm2",
    "CorrespondenceLanguage",
)
_ADDRESS = ("StreetName", "HouseNumber", "CityName", "PostalCode", "Region", "Country", "Language")
_MARK = "IsMarkedForArchiving"
"""The central archiving flag: a partner is not deleted, it is marked. Kept as ``X`` or nothing."""
_NEW = (*_KEPT, "BusinessPartnerCategory", "OrganizationBPName1", "SearchTerm1", "BusinessPartnerIsBlocked")


def create(dialect: "S4HanaDialect", call: Call) -> Response:
    """Create an organisation with its customer roles, address, company code and sales area, nested.

    Its number comes from the internal range: whatever is sent twice makes two.
    """
    entity = _SETS["A_BusinessPartner"]
    fields, nested = read_fields(entity, call.body)
    required(fields, "BusinessPartnerCategory", "OrganizationBPName1")
    for name in fields:
        if name not in (*_NEW, "BusinessPartnerFullName", "BusinessPartnerName"):
            not_covered(name, entity)
    if fields["BusinessPartnerCategory"] != "2":
        errors.business("Only organisations (category 2) are covered.", errors.NOT_IMPLEMENTED)
    own = strings(fields, *_KEPT)
    master: Fields = {"inactive": fields.get("BusinessPartnerIsBlocked", False)}
    if fields.get("SearchTerm1"):
        master["number"] = fields["SearchTerm1"]
    for row in nested.get("to_BusinessPartnerAddress", ()):
        address, further = read_fields(_SETS["A_BusinessPartnerAddress"], row)
        own |= strings(address, *_ADDRESS)
        for email in further.get("to_EmailAddress", ()):
            master["email"] = _email(email)
    for row in nested.get("to_BusinessPartnerRole", ()):
        role, _ = read_fields(_SETS["A_BusinessPartnerRole"], row)
        if role.get("BusinessPartnerRole") not in ROLES:
            errors.business(f"BP role {role.get('BusinessPartnerRole')} does not exist", "R1/124")
    currency = dialect.config.currency
    for row in nested.get("to_Customer", ()):
        _, further = read_fields(_SETS["A_Customer"], row)
        for each in further.get("to_CustomerCompany", ()):
            company, _ = read_fields(_SETS["A_CustomerCompany"], each)
            _company(dialect, company, master)
            master |= _terms(company.get("PaymentTerms"))
        for each in further.get("to_CustomerSalesArea", ()):
            area, _ = read_fields(_SETS["A_CustomerSalesArea"], each)
            _sales_area(dialect, area, master)
            master |= _terms(area.get("CustomerPaymentTerms"))
            currency = area.get("Currency") or currency
            if "CompleteDeliveryIsDefined" in area:
                master["ship_complete"] = area["CompleteDeliveryIsDefined"]
    if currency != dialect.config.currency:
        errors.business(f"Currency {currency} is not set up.", "F2/112", "Currency")
    own["CreatedByUser"] = call.principal.user
    customer = dialect.core.add_customer(fields["OrganizationBPName1"], currency, **master)
    dialect.books.set_partner(customer.id, own)
    table = dialect.tables[_PARTNERS.name]["A_BusinessPartner"]
    return created(dialect, call.request, _PARTNERS, table, find(table, {"BusinessPartner": customer.id}))


def _email(row: Fields) -> str | None:
    fields, _ = read_fields(_SETS["A_AddressEmailAddress"], row)
    address: str = fields.get("EmailAddress", "")
    if address and "@" not in address:
        errors.business(f"'{address[:60]}' is no e-mail address", "AM/261", "EmailAddress")
    return address or None


def _terms(key: str | None) -> Fields:
    if not key:
        return {}
    try:
        return {"terms_days": terms_days(key)}
    except ValueError:
        errors.business(f"Payment terms {key} are not defined.", "F2/212", "PaymentTerms")


def _company(dialect: "S4HanaDialect", fields: Fields, master: Fields) -> None:
    company = fields.get("CompanyCode")
    if company not in dialect.config.company_codes:
        errors.business(f"Company code {company} is not defined.", "F2/163", "CompanyCode")
    _of_entity(dialect, company, master)


def _sales_area(dialect: "S4HanaDialect", fields: Fields, master: Fields) -> None:
    config = dialect.config
    seller, *area = (fields.get(name) for name in ("SalesOrganization", "DistributionChannel", "Division"))
    if seller not in config.sales_organizations or area != [config.distribution_channel, config.division]:
        errors.business("The sales area is not defined.", "F2/164", "SalesOrganization")
    _of_entity(dialect, seller, master)


def _of_entity(dialect: "S4HanaDialect", entity: str, master: Fields) -> None:
    """A new customer's legal entity. One that sells is the one that is owed: others are assigned on the screen."""
    if not dialect.config.units:
        return
    if master.setdefault("entity", entity) != entity:
        errors.business(
            "Company code and sales organization of several entities are not covered.", errors.NOT_IMPLEMENTED
        )


def create_email(dialect: "S4HanaDialect", call: Call) -> Response:
    """The first e-mail address of a partner's address."""
    segment = parse_key(call.params["entity"], 2)
    if segment.name != "A_BusinessPartnerAddress" or call.params["further"] != "to_EmailAddress":
        errors.refuse(400, errors.NOT_IMPLEMENTED, "Method 'CREATE' not implemented for this navigation")
    table = dialect.tables[_PARTNERS.name]["A_BusinessPartnerAddress"]
    row = find(table, segment.under(table.entity.keys))
    unlocked(dialect, "Business partner", row["BusinessPartner"])
    if table.navs["to_EmailAddress"](row):
        errors.business("One e-mail address an address is covered; change it.", errors.NOT_IMPLEMENTED)
    email = _email(call.body)
    if email is None:
        required({}, "EmailAddress")
    dialect.core.update_customer(row["BusinessPartner"], email=email)
    emails = dialect.tables[_PARTNERS.name]["A_AddressEmailAddress"]
    return created(dialect, call.request, _PARTNERS, emails, table.navs["to_EmailAddress"](row)[0])


def update(service: Service) -> Handler:
    """Change one record of a customer's master; each is tagged by the customer's last change."""

    def handle(dialect: "S4HanaDialect", call: Call) -> Response:
        segment = parse_key(call.params["entity"], 2)
        table = dialect.tables[service.name].get(segment.name)
        change = _CHANGES.get(segment.name)
        if table is None or change is None:
            errors.refuse(400, errors.NOT_IMPLEMENTED, f"Method 'UPDATE' not implemented for '{segment.name}'")
        key = segment.under(table.entity.keys)
        row = find(table, key)
        match_tag(call.request, row)
        id_: str = row.get("BusinessPartner") or row.get("Customer") or row["AddressID"]
        unlocked(dialect, "Business partner", id_)
        fields, nested = read_fields(table.entity, call.body)
        for name in nested:
            not_covered(name, table.entity)
        fields = {name: value for name, value in fields.items() if name not in table.entity.keys}
        master, own = change(dialect, row, fields)
        dialect.core.update_customer(id_, **master)
        if own:
            dialect.books.set_partner(id_, own)
        after = table.one(key)
        return nothing(None if after is None else after[ETAG])

    return handle


Change = tuple[dict[str, Any], dict[str, str]]
"""What changes of the core's customer, and of the fields kept beside it."""


def _only(entity: str, fields: Fields, *names: str) -> None:
    described = _SETS.get(entity) or _CREDIT.entities[entity]
    for name in fields:
        if name not in names:
            not_covered(name, described)


def _partner(dialect: "S4HanaDialect", row: Row, fields: Fields) -> Change:
    _only("A_BusinessPartner", fields, *_NEW, _MARK)
    master: dict[str, Any] = {}
    if "OrganizationBPName1" in fields:
        required(fields, "OrganizationBPName1")
        master["name"] = fields["OrganizationBPName1"]
    if "SearchTerm1" in fields:
        master["number"] = fields["SearchTerm1"] or row["BusinessPartner"]
    if "BusinessPartnerIsBlocked" in fields:
        master["inactive"] = fields["BusinessPartnerIsBlocked"]
    marked = {_MARK: "X" if fields[_MARK] else ""} if _MARK in fields else {}
    return master, {**strings(fields, *_KEPT), **marked}


def _address(dialect: "S4HanaDialect", row: Row, fields: Fields) -> Change:
    _only("A_BusinessPartnerAddress", fields, *_ADDRESS)
    return {}, strings(fields, *_ADDRESS)


def _changed_email(dialect: "S4HanaDialect", row: Row, fields: Fields) -> Change:
    _only("A_AddressEmailAddress", fields, "EmailAddress", "IsDefaultEmailAddress")
    required(fields, "EmailAddress")
    return {"email": _email(fields)}, {}


def _customer(dialect: "S4HanaDialect", row: Row, fields: Fields) -> Change:
    _only("A_Customer", fields, "OrderIsBlockedForCustomer")
    return {"inactive": bool(fields.get("OrderIsBlockedForCustomer"))} if fields else {}, {}


def _changed_company(dialect: "S4HanaDialect", row: Row, fields: Fields) -> Change:
    _only("A_CustomerCompany", fields, "PaymentTerms")
    return _terms(fields.get("PaymentTerms")), {}


def _changed_area(dialect: "S4HanaDialect", row: Row, fields: Fields) -> Change:
    _only(
        "A_CustomerSalesArea", fields, "CustomerPaymentTerms", "CompleteDeliveryIsDefined", "OrderIsBlockedForCustomer"
    )
    master = _terms(fields.get("CustomerPaymentTerms"))
    if "CompleteDeliveryIsDefined" in fields:
        master["ship_complete"] = fields["CompleteDeliveryIsDefined"]
    if "OrderIsBlockedForCustomer" in fields:
        master["inactive"] = bool(fields["OrderIsBlockedForCustomer"])
    return master, {}


def _credit(dialect: "S4HanaDialect", row: Row, fields: Fields) -> Change:
    _only("CreditManagementAccount", fields, "CreditLimitAmount", "CreditAccountIsBlocked", "CreditSegmentCurrency")
    master: dict[str, Any] = {}
    if fields.get("CreditSegmentCurrency", row["CreditSegmentCurrency"]) != row["CreditSegmentCurrency"]:
        errors.business("The currency of the credit segment is fixed.", "UKM/020", "CreditSegmentCurrency")
    if "CreditLimitAmount" in fields:
        try:
            master["credit_limit_minor"] = minor(fields["CreditLimitAmount"])
        except ValueError:
            errors.business("The amount has too many decimals.", "UKM/021", "CreditLimitAmount")
        if master["credit_limit_minor"] < 0:
            errors.business("The credit limit must not be negative.", "UKM/022", "CreditLimitAmount")
    if "CreditAccountIsBlocked" in fields:
        master["hold"] = "ON" if fields["CreditAccountIsBlocked"] else "AUTO"
    return master, {}


_CHANGES = {
    "A_BusinessPartner": _partner,
    "A_BusinessPartnerAddress": _address,
    "A_AddressEmailAddress": _changed_email,
    "A_Customer": _customer,
    "A_CustomerCompany": _changed_company,
    "A_CustomerSalesArea": _changed_area,
    "CreditManagementAccount": _credit,
}
