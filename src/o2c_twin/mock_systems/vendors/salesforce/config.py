"""What an org's owner decides: edition, login, the company's own fields, whom to tell of changes."""

from typing import Annotated, Literal

import msgspec

Edition = Literal["developer", "enterprise", "unlimited", "sandbox"]
CustomType = Literal["text", "number", "boolean", "datetime", "picklist"]
TriggerType = Literal["onAllChanges", "onCreateOnly", "onCreateOrTriggeringUpdate"]


class BadSetting(ValueError):
    """A setting cannot be used; the message names the setting and the remedy."""


class CustomField(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A field the company added to an sObject.

    ``external_id`` makes it a key for upserts; ``unique`` refuses a value another record has (case
    counts, as with the vendor's option "treat 'ABC' and 'abc' as different values"). ``choices`` are
    the values of a restricted picklist; none leave it open.
    """

    type: CustomType = "text"
    external_id: bool = False
    unique: bool = False
    choices: tuple[str, ...] = ()


class OutboundMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A workflow rule with an outbound message: which changes are told to which address.

    ``criteria`` is a condition in SOQL (``IsWon = true``), empty for every record. ``trigger`` is the
    vendor's: ``onCreateOrTriggeringUpdate`` tells a record when it begins to meet the criteria,
    ``onAllChanges`` at every change while it does. Source: Metadata API, WorkflowRule ``triggerType``.
    """

    name: str
    object: str
    url: str
    fields: tuple[str, ...] = ("Id", "SystemModstamp")
    criteria: str = ""
    trigger: TriggerType = "onCreateOrTriggeringUpdate"


_KEY = CustomField("text", external_id=True, unique=True)
_TEXT = CustomField("text")
_NUMBER = CustomField("number")
_TIME = CustomField("datetime")


def default_custom_fields() -> dict[str, dict[str, CustomField]]:
    """By sObject: the fields an ERP integration writes back into, and the keys it finds records by."""
    return {
        "Account": {
            "ERP_Id__c": _KEY,
            "Customer_Number__c": _KEY,
            "Credit_Status__c": _TEXT,
            "Credit_Limit__c": _NUMBER,
            "Payment_Terms_Days__c": _NUMBER,
            "ERP_Last_Sync__c": _TIME,
        },
        "Opportunity": {
            "Deal_Ref__c": _KEY,
            "PO_Number__c": _TEXT,
            "ERP_Order_Number__c": _TEXT,
            "ERP_Order_Id__c": _TEXT,
            "Fulfilment_Status__c": _TEXT,
            "Invoice_Number__c": _TEXT,
            "Payment_Status__c": _TEXT,
            "Credit_Status__c": _TEXT,
            "ERP_Last_Sync__c": _TIME,
        },
    }


class SalesforceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One org.

    ``username`` is the integration user every login acts as; the password of a login is ``password``
    followed by ``security_token``. ``session_s`` is the time of inactivity after which a session ends.
    ``instance_url`` goes into login answers; empty means the address the client called. ``currency``
    is the org's own, with ``currency_digits`` decimals; with ``currencies``, others with as many, it has the feature
    multiple currencies: accounts and opportunities have a CurrencyIsoCode.
    """

    client_id: str
    client_secret: str
    username: str = "integration@example.com"
    password: str = "secret"
    security_token: str = ""
    org_id: str = "00D5g00000Twin1"
    edition: Edition = "enterprise"
    licences: Annotated[int, msgspec.Meta(ge=1)] = 10
    session_s: Annotated[int, msgspec.Meta(ge=900, le=86_400)] = 7_200
    seed: int = 0
    instance_url: str = ""
    currency: str = "EUR"
    currencies: tuple[str, ...] = ()
    currency_digits: Annotated[int, msgspec.Meta(ge=0, le=4)] = 2
    custom_fields: dict[str, dict[str, CustomField]] = msgspec.field(default_factory=default_custom_fields)
    outbound_messages: tuple[OutboundMessage, ...] = ()
