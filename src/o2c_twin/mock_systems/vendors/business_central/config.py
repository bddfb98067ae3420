"""What a Business Central environment is set up with: company, apps, plan, and its oddities as switches."""

from hashlib import blake2b
from typing import Literal

import msgspec

Plan = Literal["online", "production-2023", "sandbox-2023", "on-premises"]


class App(msgspec.Struct, frozen=True):
    """A registered Entra application: an integration signs in as it with client credentials.

    ``denied`` are entity sets (``customerPayments``) its permission sets do not cover. ``registered``: an app
    that exists in the directory but not in the environment gets a token, and is turned away with it.
    """

    client_id: str
    client_secret: str
    denied: tuple[str, ...] = ()
    registered: bool = True


class Oddities(msgspec.Struct, frozen=True):
    """Behaviour that breaks integrations; each is as the real service has it and may be switched off.

    ``order_deleted_when_invoiced``: a sales order is gone (404) with its last invoice. ``etag_required``: a
    PATCH without If-Match is a bad request. ``stale_etag_is_409``: a stale ETag is answered 409, not 412.
    ``throttle_body``: the body of a 429, which is not documented. ``retry_after``: whether a 429 has
    ``Retry-After``. ``code_fields_uppercase``: document and customer numbers are kept in capitals.
    ``shipment_webhooks``: shipments can be subscribed to (they fulfil the documented conditions and are not on
    the documented list). ``credit_approval``: orders over the credit limit wait for approval ("In Review") and
    cannot ship, as with the approval workflow; without it the limit is a warning nobody sees.
    """

    order_deleted_when_invoiced: bool = True
    etag_required: bool = True
    stale_etag_is_409: bool = True
    throttle_body: Literal["json", "empty"] = "json"
    retry_after: bool = False
    code_fields_uppercase: bool = True
    shipment_webhooks: bool = True
    credit_approval: bool = True


class BusinessCentralConfig(msgspec.Struct, frozen=True):
    """One environment with one company. Without ``apps`` one is derived from ``seed`` (see `derive_app`).

    ``currency`` is the local currency, with two decimals. ``page_size`` is the most rows of a page, ``terms``
    the payment terms (days net) that exist at the start. ``webhook_delay_s`` is how long changes are gathered
    before they are told, ``webhook_batch`` the most of them that are told one by one.
    """

    tenant: str = "7e0a5b1c-2f4d-4a86-9d3e-5c1b2a3f4e5d"
    environment: str = "production"
    company: str = "CRONUS"
    apps: tuple[App, ...] = ()
    plan: Plan = "online"
    seed: int = 0
    currency: str = "USD"
    token_s: int = 3599
    page_size: int = 20_000
    terms: tuple[int, ...] = (0, 7, 10, 14, 15, 21, 30, 45, 60, 90)
    webhook_delay_s: float = 30.0
    webhook_batch: int = 1_000
    subscription_s: int = 259_200
    most_subscriptions: int = 200
    bill_on_delivery: bool = False
    oddities: Oddities = Oddities()

    @property
    def root(self) -> str:
        """The path all API addresses begin with."""
        return f"/v2.0/{self.tenant}/{self.environment}/api/v2.0"


def derive_app(tenant: str, seed: int, name: str) -> App:
    """The credentials of application ``name`` in a tenant: the same for the same tenant, seed and name."""

    def derived(part: str, size: int) -> str:
        return blake2b(f"{tenant}/{name}/{part}".encode(), digest_size=size, key=str(seed).encode()).hexdigest()

    raw = derived("client id", 16)
    client_id = f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}"
    return App(client_id, derived("client secret", 20))
