"""What a portal's owner decides: tier, app and login, the company's own properties, webhooks, oddities."""

from typing import Annotated, Literal

import msgspec

Tier = Literal["free", "starter", "professional", "enterprise"]
App = Literal["private", "public"]
PropertyType = Literal["string", "number", "date", "datetime", "enumeration", "bool"]


class BadSetting(ValueError):
    """A setting cannot be used; the message names the setting and the remedy."""


class CustomProperty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A property the company added to an object type.

    ``unique`` makes it one that may serve as ``idProperty``: no two records share a value. ``options``
    are the values of an enumeration.
    """

    type: PropertyType = "string"
    unique: bool = False
    options: tuple[str, ...] = ()
    label: str = ""


class Subscription(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the app's webhooks tell: ``deal.propertyChange`` of ``dealstage``, ``company.creation`` and so on."""

    event_type: str
    property_name: str = ""


_KEY = CustomProperty("string", unique=True)
_TEXT = CustomProperty("string")
_NUMBER = CustomProperty("number")


def default_properties() -> dict[str, dict[str, CustomProperty]]:
    """By object type: what an ERP integration writes back, and the keys it finds records by."""
    return {
        "companies": {
            "customer_number": _KEY,
            "erp_customer_id": _KEY,
            "payment_terms_days": _NUMBER,
            "credit_limit": _NUMBER,
            "erp_credit_status": _TEXT,
        },
        "contacts": {"erp_contact_id": _KEY},
        "deals": {
            "deal_ref": _KEY,
            "po_number": _TEXT,
            "erp_order_number": _TEXT,
            "erp_order_id": _TEXT,
            "erp_fulfilment_status": _TEXT,
            "erp_invoice_number": _TEXT,
            "erp_payment_status": _TEXT,
            "erp_credit_status": _TEXT,
        },
        "products": {"erp_item_id": _KEY},
        "line_items": {"erp_line_id": _KEY},
    }


class HubSpotConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One portal and one app that may call it.

    A ``private`` app logs in with ``access_token``, which does not expire; a ``public`` one trades
    ``refresh_token`` for tokens of ``token_s`` seconds. ``client_secret`` signs webhooks for both;
    ``developer_key`` is the ``hapikey`` that only webhook settings still take.
    ``currency`` is the portal's, with ``currency_digits`` decimals.

    Oddities, on where the real system has them: ``search_lag_s`` is the longest time a change stays
    hidden from search (each change draws its own, so that later ones may be seen first; 0: none);
    ``amount_follows_lines`` off leaves a deal's amount alone when its line items change;
    ``first_company_is_primary`` makes the first company put to a deal or contact its primary one;
    ``spaced_line_items`` answers ``associations=line_items`` under the name ``line items``.
    """

    client_id: str = "o2c-app"
    client_secret: str = "o2c-app-secret"
    access_token: str = "pat-eu1-o2c-twin"
    refresh_token: str = "o2c-refresh-token"
    developer_key: str = "o2c-developer-key"
    app: App = "private"
    app_id: Annotated[int, msgspec.Meta(ge=1)] = 4_200_042
    portal_id: Annotated[int, msgspec.Meta(ge=1)] = 24_242_424
    tier: Tier = "professional"
    capacity_packs: Annotated[int, msgspec.Meta(ge=0, le=2)] = 0
    token_s: Annotated[int, msgspec.Meta(ge=1)] = 1_800
    seed: int = 0
    currency: str = "EUR"
    currency_digits: Annotated[int, msgspec.Meta(ge=0, le=4)] = 2
    properties: dict[str, dict[str, CustomProperty]] = msgspec.field(default_factory=default_properties)
    webhook_url: str = ""
    subscriptions: tuple[Subscription, ...] = ()
    webhook_delay_s: Annotated[float, msgspec.Meta(ge=0.0)] = 1.0
    """How long events are gathered into one delivery."""
    search_lag_s: Annotated[float, msgspec.Meta(ge=0.0)] = 30.0
    amount_follows_lines: bool = False
    first_company_is_primary: bool = True
    spaced_line_items: bool = True
