"""The Stripe connector: invoices collected by payment intents, events by poll and webhook, payouts with their lines.

Wire facts: Stripe API reference, version 2026-10-28.endive; docs.stripe.com/webhooks, /error-handling, /rate-limits.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlencode

import msgspec

from o2c_twin.integration.capability import Capability, Sheet
from o2c_twin.integration.connectors.payment_maps import claim_body
from o2c_twin.integration.connectors.stripe_maps import StripeMaps
from o2c_twin.integration.connectors.stripe_reading import (
    TOLD,
    Event,
    Page,
    form_of,
    inbound,
    lane_of,
    member,
    read_payment,
    read_payout,
)
from o2c_twin.integration.connectors.wire import Wire, retry_after_s, status_cause
from o2c_twin.integration.model import Inbound, Party, PaymentClaim, Payout, ProviderPayment
from o2c_twin.integration.ports import Clock, HttpAnswer, HttpPort
from o2c_twin.integration.runtime.errors import CallFailed, Cause, NotAuthentic

Way = Literal["page", "transfer", "saved"]
"""How money is asked for: on a page where the customer pays by card or debit, by a bank transfer into the account
Stripe gives the customer, or at once from what the customer has saved there."""
VERSION = "2026-10-28.endive"
KEY_KEPT_S = 86_400.0
SEARCH_LAG_S = 60.0
SHEET: Sheet = (
    Capability("put_payer", "customers.create", "key", KEY_KEPT_S, SEARCH_LAG_S),
    Capability("collect", "payment_intents.create", "key", KEY_KEPT_S, SEARCH_LAG_S),
)
_MICRO = 1_000_000
_PAGE = "100"
_EVENTS_KEPT_US = 30 * 86_400 * _MICRO
_TOLERANCE_S = 300
_LONGEST_KEY = 255
_PAGE_DECODER = msgspec.json.Decoder(Page)
_EVENT_DECODER = msgspec.json.Decoder(Event)
_Form = dict[str, str]


class StripePayments:
    """A payment provider that is a Stripe account, logged in to with a secret or restricted key.

    ``currency`` is that of the books, which the maps are given; ``maps`` say what its fields mean, the shipped ones
    unless others are given.
    """

    def __init__(
        self,
        system: str,
        url: str,
        http: HttpPort,
        clock: Clock,
        secret_key: str,
        webhook_secret: str,
        way: Way = "page",
        currency: str = "EUR",
        maps: StripeMaps | None = None,
    ) -> None:
        self.system = system
        self.sheet = SHEET
        self._wire = Wire(system, url, http)
        self._clock = clock
        self._authorization = f"Bearer {secret_key}"
        self._webhook_secret = webhook_secret.encode()
        self._way = way
        self.maps = StripeMaps.shipped() if maps is None else maps
        self.given = self.maps.given(currency)

    # --- calls -----------------------------------------------------------------------------------

    async def _send(
        self,
        operation: str,
        method: str,
        path: str,
        params: _Form | None = None,
        correlation: str = "",
        key: str | None = None,
    ) -> HttpAnswer:
        headers = {
            "authorization": self._authorization,
            "stripe-version": VERSION,
            "x-correlation-id": correlation,
        }
        if method != "POST":
            return await self._wire.send(operation, method, path, params, headers)
        headers["content-type"] = "application/x-www-form-urlencoded"
        if key is not None:
            headers["idempotency-key"] = key
        return await self._wire.send(operation, method, path, None, headers, urlencode(params or {}).encode())

    async def _get(self, operation: str, path: str, params: _Form | None = None) -> dict[str, Any]:
        answer = await self._send(operation, "GET", path, params)
        if answer.status >= 300:
            raise self._failure(operation, answer)
        return self._wire.json(operation, answer)

    async def _all(self, operation: str, path: str, params: _Form) -> list[dict[str, Any]]:
        """All rows of a list, newest first; each page starts after the last row of the one before."""
        rows: list[dict[str, Any]] = []
        query = {**params, "limit": _PAGE}
        while True:
            page = await self._get(operation, path, query)
            with self._wire.reading(operation):
                rows.extend(page["data"])
                if not page["has_more"] or not page["data"]:
                    return rows
                query["starting_after"] = page["data"][-1]["id"]

    def _failure(self, operation: str, answer: HttpAnswer) -> CallFailed:
        text = answer.body.decode("utf-8", "replace")[:300]
        code = _error(answer).get("code")
        cause: Cause
        if code in ("idempotency_key_in_use", "lock_timeout"):
            # Another call is at it: the same call succeeds when that one is over.
            cause = "unavailable"
        elif code == "rate_limit":
            cause = "throttled"
        else:
            cause = status_cause(answer.status)
        return CallFailed(self.system, operation, cause, f"{answer.status} {text}", retry_after_s(answer))

    # --- writes ----------------------------------------------------------------------------------

    async def put_payer(self, party: Party, key: str | None, correlation: str) -> str:
        """The customer."""
        form = form_of(self._wire.body("put_payer", self.maps.party_to_customer, party, self.given))
        answer = await self._send("put_payer", "POST", "/v1/customers", form, correlation, _key(key, "customer"))
        if answer.status >= 300:
            raise self._failure("put_payer", answer)
        with self._wire.reading("put_payer"):
            return str(self._wire.json("put_payer", answer)["id"])

    async def collect(self, claim: PaymentClaim, key: str | None, correlation: str) -> str:
        """A payment intent for an invoice, in the way this account collects; a declined one is there as well."""
        form = form_of(claim_body(self._wire, self.maps.claim_to_intent, claim, self.given))
        if self._way == "transfer":
            form["payment_method_types[0]"] = "customer_balance"
            form["payment_method_data[type]"] = "customer_balance"
            form["confirm"] = "true"
        elif self._way == "saved":
            form |= {"payment_method": await self._saved(claim), "confirm": "true", "off_session": "true"}
        answer = await self._send("collect", "POST", "/v1/payment_intents", form, correlation, _key(key, "payment"))
        if answer.status < 300:
            with self._wire.reading("collect"):
                return str(self._wire.json("collect", answer)["id"])
        error = _error(answer)
        made = error.get("payment_intent")
        if answer.status == 402 and isinstance(made, dict) and isinstance(made.get("id"), str):
            return str(made["id"])
        if error.get("type") == "idempotency_error" and answer.status == 400:
            # Something else was sent under this key, such as a card that is no longer the customer's.
            known = await self._made_before(claim)
            if known is not None:
                return known
        raise self._failure("collect", answer)

    async def _saved(self, claim: PaymentClaim) -> str:
        customer = await self._get("collect", f"/v1/customers/{claim.payer_id}")
        with self._wire.reading("collect"):
            saved = member(member(customer, "invoice_settings") or {}, "default_payment_method")
        if not saved:
            raise CallFailed(self.system, "collect", "rejected", f"{claim.payer_id} has saved nothing to collect from")
        return str(saved)

    async def _made_before(self, claim: PaymentClaim) -> str | None:
        for intent in await self._all("collect", "/v1/payment_intents", {"customer": claim.payer_id}):
            with self._wire.reading("collect"):
                if self.maps.invoice_of(intent["metadata"]) == claim.invoice_number and intent["status"] != "canceled":
                    return str(intent["id"])
        return None

    # --- reads -----------------------------------------------------------------------------------

    async def payment(self, payment_id: str) -> ProviderPayment:
        """A payment with its refunds, and with its dispute when there is one."""
        operation = "payment"
        expand = {"expand[0]": "latest_charge.refunds"}
        intent = await self._get(operation, f"/v1/payment_intents/{payment_id}", expand)
        with self._wire.reading(operation):
            disputed = bool(member(intent["latest_charge"] or {}, "disputed"))
        dispute = None
        if disputed:
            found = await self._get(operation, "/v1/disputes", {"payment_intent": payment_id, "limit": "1"})
            with self._wire.reading(operation):
                dispute = found["data"][0] if found["data"] else None
        with self._wire.reading(operation):
            return read_payment(intent, dispute, self.maps, self.given)

    async def payout(self, payout_id: str) -> Payout:
        """A payout; of an automatic one the lines are told, one made by hand has none."""
        operation = "payout"
        row = await self._get(operation, f"/v1/payouts/{payout_id}")
        with self._wire.reading(operation):
            automatic = bool(row["automatic"])
        entries: list[dict[str, Any]] = []
        if automatic:
            query = {"payout": payout_id, "expand[0]": "data.source"}
            entries = await self._all(operation, "/v1/balance_transactions", query)
        with self._wire.reading(operation):
            return read_payout(row, entries, self.maps, self.given)

    # --- events ----------------------------------------------------------------------------------

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """Events about payments and payouts from the second of an instant on, oldest first.

        Stripe keeps events for 30 days. Asked for more, what was made since is told as it is now, beside them.
        """
        operation = "changes"
        query = {"limit": _PAGE, "created[gte]": str(since // _MICRO)}
        query |= {f"types[{number}]": type_ for number, type_ in enumerate(TOLD)}
        found: list[Event] = []
        while True:
            answer = await self._send(operation, "GET", "/v1/events", query)
            if answer.status >= 300:
                raise self._failure(operation, answer)
            page = self._wire.row(operation, answer, _PAGE_DECODER)
            found += page.data
            if not page.has_more or not page.data:
                break
            query["starting_after"] = page.data[-1].id
        found.reverse()
        told = [event for event in (inbound(self.system, each, self.maps) for each in found) if event is not None]
        forgotten = self._clock.now() - _EVENTS_KEPT_US
        if since < forgotten:
            told = await self._made_since(since, forgotten) + told
        return told, max((event.source_at for event in told), default=since)

    async def _made_since(self, since: int, until: int) -> list[Inbound]:
        created = {"created[gte]": str(since // _MICRO), "created[lte]": str(until // _MICRO)}
        told: list[Inbound] = []
        for intent in reversed(await self._all("changes", "/v1/payment_intents", created)):
            with self._wire.reading("changes"):
                id_, at = intent["id"], intent["created"] * _MICRO
                lane = lane_of(id_, intent["metadata"], self.maps)
                told.append(Inbound(f"{self.system}:made:{id_}", "payment", id_, lane, at))
        for row in reversed(await self._all("changes", "/v1/payouts", created)):
            with self._wire.reading("changes"):
                id_, at = row["id"], row["created"] * _MICRO
                told.append(Inbound(f"{self.system}:made:{id_}", "payout", id_, f"payout:{id_}", at))
        return told

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """Read a webhook.

        Raises `NotAuthentic` when no v1 signature holds or its time is more than five minutes from the engine's,
        and ValueError for what is no event.
        """
        fields = [part.strip().partition("=")[::2] for part in headers.get("stripe-signature", "").split(",")]
        stamp = next((value for name, value in fields if name == "t"), "")
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 16):
            raise NotAuthentic(f"{self.system}: the webhook has no Stripe-Signature with a time")
        signed = hmac.new(self._webhook_secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest().encode()
        if not any(name == "v1" and hmac.compare_digest(value.encode(), signed) for name, value in fields):
            raise NotAuthentic(f"{self.system}: the webhook's signature does not hold")
        if abs(self._clock.now() // _MICRO - int(stamp)) > _TOLERANCE_S:
            raise NotAuthentic(f"{self.system}: the webhook was signed more than {_TOLERANCE_S} seconds from now")
        head = msgspec.json.decode(body, type=_Head)
        if head.type not in TOLD:
            return [], b""
        event = inbound(self.system, _EVENT_DECODER.decode(body), self.maps)
        return [] if event is None else [event], b""


class _Head(msgspec.Struct):
    type: str


class _Refusal(msgspec.Struct):
    error: dict[str, Any] = {}


_REFUSAL = msgspec.json.Decoder(_Refusal)


def _error(answer: HttpAnswer) -> dict[str, Any]:
    """The error of an answer; empty when it is not Stripe that answered."""
    try:
        return _REFUSAL.decode(answer.body).error
    except msgspec.DecodeError:
        return {}


def _key(key: str | None, step: str) -> str | None:
    """The idempotency key of a step; one Stripe would not take stands for itself by its digest."""
    if key is None:
        return None
    whole = f"{key}:{step}"
    if len(whole) <= _LONGEST_KEY and whole.isascii() and whole.isprintable():
        return whole
    return f"{hashlib.sha256(key.encode()).hexdigest()}:{step}"
