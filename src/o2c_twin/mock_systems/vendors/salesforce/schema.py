"""The org's data model as data: sObjects with their fields, which the core keeps under other names.

Fields and their properties: Salesforce Object Reference, pages of the objects named. A subset: what
an order-to-cash integration reads and writes.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from o2c_twin.mock_systems.roles.crm.core import STAGES
from o2c_twin.mock_systems.vendors.salesforce.config import BadSetting, CustomField, SalesforceConfig
from o2c_twin.mock_systems.vendors.salesforce.ids import PREFIXES

FieldKind = Literal[
    "id", "reference", "string", "textarea", "phone", "email", "boolean", "currency", "double", "int", "date",
    "datetime", "picklist",
]  # fmt: skip
Source = Literal["core", "custom", "derived"]
Access = Literal["write", "create", "read"]


class Field(msgspec.Struct, frozen=True):
    """One field of an sObject.

    ``source``: an attribute of the core's record (``attribute``), a value the core keeps unread among
    the company's own, or derived by `shapes`. ``access``: written at any time, only when the record
    is created, or never. ``key`` marks an external id.
    """

    name: str
    kind: FieldKind = "string"
    source: Source = "custom"
    attribute: str = ""
    access: Access = "write"
    required: bool = False
    length: int = 255
    refers: str = ""
    relationship: str = ""
    choices: tuple[str, ...] = ()
    key: bool = False
    unique: bool = False

    @property
    def label(self) -> str:
        """The label users see, by which some messages name the field."""
        plain = self.name.removesuffix("__c").replace("_", " ")
        if self.kind == "reference" and plain.endswith("Id"):
            plain = f"{plain[:-2]} ID"
        return plain


class ChildList(msgspec.Struct, frozen=True):
    """A relation to many: ``name`` in sub-selects, the child sObject, its field that points here."""

    name: str
    sobject: str
    field: str


class SObject(msgspec.Struct, frozen=True):
    """One object. ``kind`` is the core's kind of record, empty for what is fixed in every org.

    ``borrowed``: its rows are the core's records of another object, seen from another side (a price
    book entry is a product's price), so it has no changes and no recycle bin of its own.
    """

    name: str
    plural: str
    prefix: str
    kind: str
    fields: tuple[Field, ...]
    children: tuple[ChildList, ...] = ()
    borrowed: bool = False
    actions: tuple[Literal["create", "update", "delete"], ...] = ("create", "update", "delete")

    @property
    def has_changes(self) -> bool:
        """Whether the core keeps a feed of its changes and a bin of what was deleted."""
        return bool(self.kind) and not self.borrowed


def _core(name: str, attribute: str, kind: FieldKind = "string", access: Access = "write", length: int = 255) -> Field:
    return Field(name, kind, "core", attribute, access, length=length)


def _own(name: str, kind: FieldKind = "string", length: int = 255, choices: tuple[str, ...] = ()) -> Field:
    return Field(name, kind, "custom", length=length, choices=choices)


def _derived(name: str, kind: FieldKind, access: Access = "read", refers: str = "", relationship: str = "") -> Field:
    return Field(name, kind, "derived", access=access, refers=refers, relationship=relationship)


def _reference(name: str, attribute: str, refers: str, access: Access = "write", required: bool = False) -> Field:
    return Field(name, "reference", "core", attribute, access, required, 18, refers, name.removesuffix("Id"))


_ID = Field("Id", "id", "derived", access="read", length=18)
_OWNER = Field("OwnerId", "reference", "derived", access="write", length=18, refers="User", relationship="Owner")
_SYSTEM = (
    _derived("IsDeleted", "boolean"),
    _core("CreatedDate", "created_at", "datetime", "read"),
    _derived("CreatedById", "reference", refers="User", relationship="CreatedBy"),
    _core("LastModifiedDate", "modified_at", "datetime", "read"),
    _derived("LastModifiedById", "reference", refers="User", relationship="LastModifiedBy"),
    _core("SystemModstamp", "modified_at", "datetime", "read"),
)

_ACCOUNT = SObject(
    "Account",
    "Accounts",
    PREFIXES["account"],
    "account",
    (
        _ID,
        Field("Name", "string", "core", "name", required=True),
        _own("Type", "picklist"),
        _reference("ParentId", "parent_id", "Account"),
        _core("BillingStreet", "street", "textarea"),
        _core("BillingCity", "city", length=40),
        _own("BillingState", length=80),
        _core("BillingPostalCode", "postal_code", length=20),
        _core("BillingCountry", "country", length=80),
        _own("ShippingStreet", "textarea"),
        _own("ShippingCity", length=40),
        _own("ShippingState", length=80),
        _own("ShippingPostalCode", length=20),
        _own("ShippingCountry", length=80),
        _core("Phone", "phone", "phone", length=40),
        _core("AccountNumber", "number", length=40),
        _own("Website"),
        _own("Industry", "picklist"),
        _own("Description", "textarea", 32_000),
        _OWNER,
        *_SYSTEM,
    ),
    (
        ChildList("Contacts", "Contact", "AccountId"),
        ChildList("Opportunities", "Opportunity", "AccountId"),
        ChildList("ChildAccounts", "Account", "ParentId"),
    ),
)
_CONTACT = SObject(
    "Contact",
    "Contacts",
    PREFIXES["contact"],
    "contact",
    (
        _ID,
        _reference("AccountId", "account_id", "Account"),
        Field("LastName", "string", "core", "last_name", required=True, length=80),
        _core("FirstName", "first_name", length=40),
        _derived("Name", "string"),
        _core("Email", "email", "email", length=80),
        _own("Phone", "phone", 40),
        _own("Title", length=128),
        _OWNER,
        *_SYSTEM,
    ),
)
_PRODUCT = SObject(
    "Product2",
    "Products",
    PREFIXES["product"],
    "product",
    (
        _ID,
        Field("Name", "string", "core", "name", required=True),
        _derived("ProductCode", "string", "write"),
        _own("Description", "textarea", 4_000),
        _core("IsActive", "active", "boolean"),
        _own("Family", "picklist"),
        _own("QuantityUnitOfMeasure", "picklist"),
        *_SYSTEM,
    ),
    (
        ChildList("PricebookEntries", "PricebookEntry", "Product2Id"),
        ChildList("OpportunityLineItems", "OpportunityLineItem", "Product2Id"),
    ),
)
_BOOK = SObject(
    "Pricebook2",
    "Price Books",
    PREFIXES["book"],
    "",
    (
        _ID,
        _core("Name", "name", access="read"),
        _core("IsActive", "active", "boolean", "read"),
        _core("IsStandard", "standard", "boolean", "read"),
        *_SYSTEM,
    ),
    actions=(),
)
_ENTRY = SObject(
    "PricebookEntry",
    "Price Book Entries",
    PREFIXES["price"],
    "product",
    (
        _ID,
        _core("Name", "name", access="read"),
        Field("Pricebook2Id", "reference", "derived", "", "create", True, 18, "Pricebook2", "Pricebook2"),
        Field("Product2Id", "reference", "derived", "", "create", True, 18, "Product2", "Product2"),
        Field("UnitPrice", "currency", "core", "price_minor", required=True),
        _derived("IsActive", "boolean", "write"),
        _derived("UseStandardPrice", "boolean", "write"),
        _derived("ProductCode", "string"),
        *_SYSTEM,
    ),
    borrowed=True,
)
_OPPORTUNITY = SObject(
    "Opportunity",
    "Opportunities",
    PREFIXES["opportunity"],
    "opportunity",
    (
        _ID,
        _reference("AccountId", "account_id", "Account"),
        Field("Name", "string", "core", "name", required=True, length=120),
        _own("Description", "textarea", 32_000),
        Field("StageName", "picklist", "core", "stage", required=True, choices=STAGES),
        _core("Amount", "amount_minor", "currency"),
        _derived("Probability", "double", "write"),
        _derived("ExpectedRevenue", "currency"),
        Field("CloseDate", "date", "core", "close_date", required=True),
        _own("Type", "picklist"),
        _own("NextStep"),
        _own("LeadSource", "picklist"),
        _derived("IsClosed", "boolean"),
        _derived("IsWon", "boolean"),
        _derived("HasOpportunityLineItem", "boolean"),
        _derived("Pricebook2Id", "reference", "write", "Pricebook2", "Pricebook2"),
        _OWNER,
        *_SYSTEM,
    ),
    (ChildList("OpportunityLineItems", "OpportunityLineItem", "OpportunityId"),),
)
_LINE = SObject(
    "OpportunityLineItem",
    "Opportunity Products",
    PREFIXES["line"],
    "line",
    (
        _ID,
        _reference("OpportunityId", "opportunity_id", "Opportunity", "create", True),
        _derived("SortOrder", "int"),
        Field("PricebookEntryId", "reference", "derived", "", "create", True, 18, "PricebookEntry", "PricebookEntry"),
        _reference("Product2Id", "product_id", "Product2", "read"),
        _derived("ProductCode", "string"),
        _derived("Name", "string"),
        Field("Quantity", "double", "core", "quantity", required=True),
        _derived("TotalPrice", "currency", "write"),
        _core("UnitPrice", "unit_price_minor", "currency"),
        _derived("ListPrice", "currency"),
        _own("ServiceDate", "date"),
        _own("Description"),
        *_SYSTEM,
    ),
)
_USER = SObject(
    "User",
    "Users",
    PREFIXES["user"],
    "",
    (
        _ID,
        _core("Username", "username", access="read"),
        _core("LastName", "last_name", access="read"),
        _core("Name", "name", access="read"),
        _core("Email", "username", "email", "read"),
        _core("IsActive", "active", "boolean", "read"),
        *_SYSTEM,
    ),
    actions=(),
)
_ORGANIZATION = SObject(
    "Organization",
    "Organizations",
    PREFIXES["organization"],
    "",
    (
        _ID,
        _core("Name", "name", access="read"),
        _core("OrganizationType", "edition", access="read"),
        _core("InstanceName", "instance", access="read"),
        _core("IsSandbox", "sandbox", "boolean", "read"),
        _core("DefaultCurrencyIsoCode", "currency", access="read"),
        *_SYSTEM,
    ),
    actions=(),
)
_STANDARD = (_ACCOUNT, _CONTACT, _PRODUCT, _BOOK, _ENTRY, _OPPORTUNITY, _LINE, _USER, _ORGANIZATION)
_CUSTOM_KINDS: dict[str, FieldKind] = {
    "text": "string",
    "number": "double",
    "boolean": "boolean",
    "datetime": "datetime",
    "picklist": "picklist",
}


def sobjects_of(config: SalesforceConfig) -> tuple[SObject, ...]:
    """The org's sObjects with the company's own fields. Raises `BadSetting`."""
    allowed = {sobject.name for sobject in _STANDARD if sobject.has_changes}
    for name in config.custom_fields:
        if name not in allowed:
            raise BadSetting(f"custom_fields: no sObject {name!r} can have own fields; there are {sorted(allowed)}")
    own = config.custom_fields
    return tuple(_with_own(_with_currency(each, config), own.get(each.name, {})) for each in _STANDARD)


def _with_currency(sobject: SObject, config: SalesforceConfig) -> SObject:
    """With the currency of the record, where the org has several."""
    if not config.currencies or sobject.name not in ("Account", "Opportunity"):
        return sobject
    codes = (config.currency, *config.currencies)
    field = Field("CurrencyIsoCode", "picklist", "core", "currency", length=3, choices=codes)
    return msgspec.structs.replace(sobject, fields=(*sobject.fields, field))


def _with_own(sobject: SObject, custom: dict[str, CustomField]) -> SObject:
    return msgspec.structs.replace(sobject, fields=(*sobject.fields, *_own_fields(sobject.name, custom)))


def _own_fields(sobject: str, custom: dict[str, CustomField]) -> Iterable[Field]:
    for name, field in custom.items():
        place = f"custom_fields: {sobject}.{name}"
        if not name.endswith("__c"):
            raise BadSetting(f"{place}: the name of a company's own field must end in __c")
        if (field.external_id or field.unique) and field.type != "text":
            raise BadSetting(f"{place}: only text fields can be external ids or unique here; make it text")
        yield Field(
            name,
            _CUSTOM_KINDS[field.type],
            "custom",
            choices=field.choices,
            key=field.external_id,
            unique=field.unique,
        )
