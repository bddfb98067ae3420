"""The GoCardless connector: invoices collected by direct debit, and what became of them days and months later.

Wire facts: GoCardless API reference, version 2015-07-06. A create with a known ``Idempotency-Key`` answers 409
with the id of what the key made. A payment has no state for a late failure: it is ``failed`` after ``paid_out``.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from o2c_twin.integration.capability import Capability, Sheet
from o2c_twin.integration.connectors.gocardless_maps import GoCardlessMaps
from o2c_twin.integration.connectors.gocardless_payouts import Item, lines_of
from o2c_twin.integration.connectors.instants import from_iso, to_iso
from o2c_twin.integration.connectors.own_maps import OwnMaps, maps_for
from o2c_twin.integration.connectors.payment_maps import claim_body
from o2c_twin.integration.connectors.wire import Wire, encode, status_cause
from o2c_twin.integration.model import Inbound, Party, PaymentClaim, Payout, ProviderPayment
from o2c_twin.integration.ports import Clock, HttpAnswer, HttpPort
from o2c_twin.integration.runtime.errors import CallFailed, NotAuthentic

_VERSION = "2015-07-06"
_PAGE = 500
_LONGEST_KEY = 128
_ALIVE = ("active", "submitted", "pending_submission", "pending_customer_approval")
_CURRENCY = {
    "bacs": "GBP",
    "faster_payments": "GBP",
    "sepa_core": "EUR",
    "ach": "USD",
    "autogiro": "SEK",
    "becs": "AUD",
    "becs_nz": "NZD",
    "betalingsservice": "DKK",
    "pad": "CAD",
    "pay_to": "AUD",
}
_TURNS = frozenset({"failed", "charged_back", "cancelled", "customer_approval_denied"})
"""Actions whose cause is the reason of the state they lead to."""

SHEET: Sheet = (
    Capability("put_payer", "customers.create", "key"),
    Capability("put_payer", "customer_bank_accounts.create", "key"),
    Capability("put_payer", "mandates.create", "key"),
    Capability("collect", "payments.create", "key"),
)


@dataclass(frozen=True, slots=True)
class BankDetails:
    """What a payer wrote on the mandate: an IBAN, or a British sort code and account number."""

    holder: str
    iban: str | None = None
    account_number: str | None = None
    sort_code: str | None = None


class _Details(msgspec.Struct):
    cause: str = ""
    description: str = ""


class _Event(msgspec.Struct):
    id: str
    created_at: str
    resource_type: str
    action: str
    links: dict[str, Any] = {}
    resource_metadata: dict[str, Any] = {}
    details: _Details = msgspec.field(default_factory=_Details)


class _Cursors(msgspec.Struct):
    after: str | None = None


class _Meta(msgspec.Struct):
    cursors: _Cursors = msgspec.field(default_factory=_Cursors)


class _Events(msgspec.Struct):
    events: list[_Event]
    meta: _Meta = msgspec.field(default_factory=_Meta)


class _Items(msgspec.Struct):
    payout_items: list[Item]
    meta: _Meta = msgspec.field(default_factory=_Meta)


class _Webhook(msgspec.Struct):
    events: list[_Event]


_EVENTS = msgspec.json.Decoder(_Events)
_ITEMS = msgspec.json.Decoder(_Items)
_WEBHOOK = msgspec.json.Decoder(_Webhook)


class GoCardlessPayments:
    """A payment provider that is a GoCardless account.

    ``details`` gives the bank details a customer has left for collecting, None for one who left none. ``currency`` is
    that of the books, which the maps are given; ``maps`` say what its fields mean, the shipped ones unless others are
    given.
    """

    def __init__(
        self,
        system: str,
        url: str,
        http: HttpPort,
        clock: Clock,
        access_token: str,
        webhook_secret: str,
        details: Callable[[Party], BankDetails | None],
        currency: str = "EUR",
        maps: GoCardlessMaps | None = None,
    ) -> None:
        self.system = system
        self.sheet = SHEET
        self._wire = Wire(system, url, http)
        self._clock = clock
        self._token = access_token
        self._secret = webhook_secret.encode()
        self._details = details
        self.maps = GoCardlessMaps.shipped() if maps is None else maps
        self._currency = currency
        self._given = self.maps.given(currency)
        self._customer_of: dict[str, str] = {}
        """The customer of each mandate met; it never changes."""

    def use(self, maps: OwnMaps | None) -> None:
        """Work by other maps from the next call on."""
        self.maps = maps_for(maps, GoCardlessMaps)
        self._given = self.maps.given(self._currency)

    # --- calls -----------------------------------------------------------------------------------

    async def _send(
        self,
        operation: str,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Any = None,
        correlation: str = "",
        key: str | None = None,
    ) -> HttpAnswer:
        headers = {
            "authorization": f"Bearer {self._token}",
            "gocardless-version": _VERSION,
            "content-type": "application/json",
            "x-correlation-id": correlation,
        }
        if key is not None:
            headers["idempotency-key"] = key
        data = b"" if body is None else encode(body)
        return await self._wire.send(operation, method, path, query, headers, data)

    async def _get(self, operation: str, path: str, query: dict[str, str] | None = None) -> HttpAnswer:
        answer = await self._send(operation, "GET", path, query)
        if answer.status >= 300:
            raise self._failure(operation, answer)
        return answer

    async def _one(self, operation: str, kind: str, id_: str) -> dict[str, Any]:
        answer = await self._get(operation, f"/{kind}/{id_}")
        with self._wire.reading(operation):
            found: dict[str, Any] = self._wire.json(operation, answer)[kind]
            return found

    async def _create(
        self, operation: str, kind: str, fields: dict[str, Any], correlation: str, key: str | None
    ) -> str:
        """Make a record and give its id; one that the key has made, or that exists already, is found."""
        answer = await self._send(operation, "POST", f"/{kind}", None, {kind: fields}, correlation, key)
        if answer.status == 409:
            existing = self._existing(operation, answer)
            if existing is not None:
                return existing
        if answer.status >= 300:
            raise self._failure(operation, answer)
        with self._wire.reading(operation):
            return str(self._wire.json(operation, answer)[kind]["id"])

    def _existing(self, operation: str, answer: HttpAnswer) -> str | None:
        with self._wire.reading(operation):
            for error in self._wire.json(operation, answer)["error"].get("errors", ()):
                links = error.get("links", {})
                if error.get("reason") == "idempotent_creation_conflict":
                    return str(links["conflicting_resource_id"])
                if error.get("reason") == "bank_account_exists":
                    return str(links["customer_bank_account"])
        return None

    def _failure(self, operation: str, answer: HttpAnswer) -> CallFailed:
        text = answer.body.decode("utf-8", "replace")[:300]
        cause = status_cause(answer.status)
        wait_s = self._until_reset_s(answer) if cause == "throttled" else 0.0
        return CallFailed(self.system, operation, cause, f"{answer.status} {text}", wait_s)

    def _until_reset_s(self, answer: HttpAnswer) -> float:
        """Seconds until the count of calls starts anew; the vendor tells the time, and sends no Retry-After."""
        try:
            resets = parsedate_to_datetime(answer.headers.get("ratelimit-reset", ""))
        except (TypeError, ValueError):
            return 0.0
        return max(0.0, resets.timestamp() - self._clock.now() / 1e6)

    # --- writes ----------------------------------------------------------------------------------

    async def put_payer(self, party: Party, key: str | None, correlation: str) -> str:
        """The customer with a bank account and a mandate on it; gives the customer's id."""
        operation = "put_payer"
        given = self._details(party)
        if given is None:
            raise CallFailed(
                self.system, operation, "rejected", f"{party.name} has left no bank details to collect from"
            )
        customer_fields = _with_text(self._wire.body(operation, self.maps.party_to_customer, party, self._given))
        customer = await self._create(operation, "customers", customer_fields, correlation, _key(key, "customer"))
        account_fields: dict[str, Any] = {"account_holder_name": given.holder, "links": {"customer": customer}}
        if given.iban is not None:
            account_fields["iban"] = given.iban
        else:
            account_fields |= {
                "account_number": given.account_number,
                "branch_code": given.sort_code,
                "country_code": "GB",
            }
        account = await self._create(
            operation, "customer_bank_accounts", account_fields, correlation, _key(key, "account")
        )
        links = {"links": {"customer_bank_account": account}}
        mandate = await self._create(operation, "mandates", links, correlation, _key(key, "mandate"))
        self._customer_of[mandate] = customer
        return customer

    async def collect(self, claim: PaymentClaim, key: str | None, correlation: str) -> str:
        """A payment on the payer's mandate, on the day the invoice is due or the first day after that can be had."""
        operation = "collect"
        fields = claim_body(self._wire, self.maps.claim_to_payment, claim, self._given)
        mandate = await self._mandate_for(operation, claim.payer_id, fields["currency"])
        fields["links"] = {"mandate": mandate["id"]}
        first = mandate.get("next_possible_charge_date")
        if first is not None and claim.due_on > first:
            fields["charge_date"] = claim.due_on
        return await self._create(operation, "payments", fields, correlation, _key(key, "payment"))

    async def _mandate_for(self, operation: str, payer_id: str, currency: str) -> dict[str, Any]:
        """The payer's mandate for the currency: the newest that is alive, else the newest.

        A dead one is tried as well: the payment may have been made on it, and its key be known.
        """
        query = {"customer": payer_id, "limit": str(_PAGE)}
        answer = await self._get(operation, "/mandates", query)
        with self._wire.reading(operation):
            listed: list[dict[str, Any]] = self._wire.json(operation, answer)["mandates"]
            fitting = [m for m in listed if _CURRENCY.get(m["scheme"]) == currency]
            alive = [m for m in fitting if m["status"] in _ALIVE]
        if not fitting:
            detail = f"{payer_id} has no mandate to collect {currency} on"
            raise CallFailed(self.system, operation, "rejected", detail)
        return (alive or fitting)[0]

    # --- reads -----------------------------------------------------------------------------------

    async def payment(self, payment_id: str) -> ProviderPayment:
        """A payment with the cause of its state. The id of a refund gives the payment it is of."""
        operation = "payment"
        if payment_id.startswith("RF"):
            refund = await self._one(operation, "refunds", payment_id)
            with self._wire.reading(operation):
                payment_id = refund["links"]["payment"]
        row = await self._one(operation, "payments", payment_id)
        answer = await self._get(operation, "/events", {"payment": payment_id, "limit": "50"})
        events = self._wire.row(operation, answer, _EVENTS).events
        with self._wire.reading(operation):
            row["payer"] = await self._payer(operation, row["links"]["mandate"])
            row["outcome"] = outcome = row["status"]
            state = self.maps.state_of(outcome)
            if state == "paid" and int(row["amount_refunded"]) >= int(row["amount"]):
                row["outcome"] = "refunded"
            turn = next((event for event in events if event.action in _TURNS), None)
            going = row["outcome"] == outcome and state in ("pending", "paid")
            row["reason"] = "" if going or turn is None else turn.details.cause
            row["changed_at"] = events[0].created_at if events else row["created_at"]
            payment: ProviderPayment = self.maps.payment_to_payment.run(row, self._given)
            return payment

    async def _payer(self, operation: str, mandate_id: str) -> str:
        known = self._customer_of.get(mandate_id)
        if known is None:
            mandate = await self._one(operation, "mandates", mandate_id)
            known = self._customer_of[mandate_id] = str(mandate["links"]["customer"])
        return known

    async def payout(self, payout_id: str) -> Payout:
        """A payout with its lines; a payment and its fee are one."""
        operation = "payout"
        row = await self._one(operation, "payouts", payout_id)
        items: list[Item] = []
        query = {"payout": payout_id, "limit": str(_PAGE)}
        while True:
            page = self._wire.row(operation, await self._get(operation, "/payout_items", query), _ITEMS)
            items += page.payout_items
            if page.meta.cursors.after is None:
                break
            query = {**query, "after": page.meta.cursors.after}
        with self._wire.reading(operation):
            row["lines"] = [
                {"payment": line.payment_id, "kind": line.kind, "amount": line.amount_minor, "fee": line.fee_minor}
                for line in lines_of(items, int(row["amount"]))
            ]
            payout: Payout = self.maps.payout_to_payout.run(row, self._given)
            return payout

    # --- events ----------------------------------------------------------------------------------

    async def changes(self, since: int) -> tuple[list[Inbound], int]:
        """Events about payments, refunds and payouts from an instant on, oldest first; those of that instant again."""
        operation = "changes"
        query = {"created_at[gte]": to_iso(since), "limit": str(_PAGE)}
        found: list[_Event] = []
        while True:
            page = self._wire.row(operation, await self._get(operation, "/events", query), _EVENTS)
            found += page.events
            if page.meta.cursors.after is None:
                break
            query = {**query, "after": page.meta.cursors.after}
        with self._wire.reading(operation):
            found.reverse()
            until = max((from_iso(event.created_at) for event in found), default=since)
            return self._told(found), max(until, since)

    def pushed(self, body: bytes, headers: Mapping[str, str]) -> tuple[list[Inbound], bytes]:
        """Read a webhook: hex HMAC-SHA256 of the body. Raises `NotAuthentic`, and ValueError for what is no webhook."""
        signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(headers.get("webhook-signature", "").encode(), signature.encode()):
            raise NotAuthentic(f"{self.system}: the webhook's signature does not hold")
        return self._told(_WEBHOOK.decode(body).events), b""

    def _told(self, events: list[_Event]) -> list[Inbound]:
        return [inbound for event in events if (inbound := self._inbound(event)) is not None]

    def _inbound(self, event: _Event) -> Inbound | None:
        name = f"{self.system}:event:{event.id}"
        at = from_iso(event.created_at)
        if event.resource_type == "payouts":
            payout_id = event.links.get("payout")
            if isinstance(payout_id, str):
                return Inbound(name, "payout", payout_id, f"payout:{payout_id}", at)
        elif event.resource_type in ("payments", "refunds"):
            # A refund changes its payment; its events name only the refund, from which the payment is read.
            object_id = event.links.get("payment" if event.resource_type == "payments" else "refund")
            if isinstance(object_id, str):
                number = self.maps.invoice_of(event.resource_metadata)
                lane = f"invoice:{number}" if number else f"payment:{object_id}"
                return Inbound(name, "payment", object_id, lane, at)
        return None


def _with_text(body: dict[str, Any]) -> dict[str, Any]:
    """A record without its empty texts, which the vendor would take for a value."""
    told = ((name, _with_text(value) if isinstance(value, dict) else value) for name, value in body.items())
    return {name: value for name, value in told if value != ""}


def _key(key: str | None, step: str) -> str | None:
    """The idempotency key of one step of a write; one too long for the vendor stands for itself by its digest."""
    if key is None:
        return None
    whole = f"{key}:{step}"
    if len(whole) <= _LONGEST_KEY and whole.isascii() and whole.isprintable():
        return whole
    return f"{hashlib.sha256(key.encode()).hexdigest()}:{step}"
