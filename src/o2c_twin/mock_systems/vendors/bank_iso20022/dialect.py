"""The bank's dialect: OAuth client credentials, JSON lists, camt.053 documents, a signed 'statement ready' notice."""

import hashlib
import hmac
from typing import Any, ClassVar

import msgspec

from o2c_twin.mock_systems.roles.bank import BankCore
from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.bank_iso20022.camt053 import stamp
from o2c_twin.mock_systems.vendors.bank_iso20022.config import BankConfig
from o2c_twin.mock_systems.vendors.bank_iso20022.limits import STANDARD
from o2c_twin.mock_systems.vendors.bank_iso20022.operations import ROUTES, problem
from o2c_twin.mock_systems.wire.capability import Promise
from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.faults import FaultPlan
from o2c_twin.mock_systems.wire.limits import Limiter, Verdict
from o2c_twin.mock_systems.wire.message import Refused, Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.route import Operation, Principal
from o2c_twin.mock_systems.wire.webhooks import DeliveryRules, Outcome, WebhookSender

TOKEN_LIFE_US = 3_600_000_000
# Assumed: a notice is tried again after 1, 5, 30 minutes and 2, 6, 12 hours.
_ATTEMPTS_S = (0.0, 60.0, 300.0, 1_800.0, 7_200.0, 21_600.0, 43_200.0)


class BankDialect(Dialect):
    """The feed of one bank."""

    vendor: ClassVar[str] = "bank_iso20022"
    family: ClassVar[str] = "bank"
    routes: ClassVar[tuple[Operation, ...]] = ROUTES
    promises: ClassVar[tuple[Promise, ...]] = (
        Promise("sandbox.payment", "none", source="assumed: two like payments are two payments"),
        Promise("sandbox.close", "external-id", source="a day is closed once"),
    )
    """A feed is read. Only its sandbox can be written to."""

    def __init__(self, core: BankCore, world: World, config: BankConfig) -> None:
        self.core = core
        self.world = world
        self.config = config
        self.policy = STANDARD
        self.limiter = Limiter(self.policy)
        self.faults: FaultPlan | None = None
        self._issued = 0
        self._tokens: dict[str, int] = {}
        self._senders: dict[str, WebhookSender] = {}
        core.listeners.append(self._changed)

    # --- login -----------------------------------------------------------------------------------

    def issue_token(self, client_id: str, client_secret: str, now: int) -> str:
        """A token for an hour. Raises `Refused`."""
        known = hmac.compare_digest(client_id.encode(), self.config.client_id.encode())
        if not (known and hmac.compare_digest(client_secret.encode(), self.config.client_secret.encode())):
            refusal = problem(401, "invalid_client", "Client authentication failed")
            refusal.headers["WWW-Authenticate"] = 'Basic realm="bank"'
            raise Refused(refusal)
        self._issued += 1
        key = f"{self.config.seed}:{self._issued}".encode()
        token = hashlib.blake2b(key, digest_size=20, person=b"bank token").hexdigest()
        self._tokens[token] = now + TOKEN_LIFE_US
        while len(self._tokens) > 100:
            del self._tokens[next(iter(self._tokens))]
        return token

    def authenticate(self, request: Request, now: int) -> Principal:
        """Bearer tokens of this bank."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self._tokens.get(token, 0) <= now:
            refusal = problem(401, "invalid_token", "The access token is missing, unknown or expired")
            refusal.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
            raise Refused(refusal)
        return Principal("bank", self.config.client_id, self.config.client_id)

    # --- answers ---------------------------------------------------------------------------------

    def not_modelled(self, request: Request, allowed: set[str] | None) -> Response:
        """Unknown path, or known path with another method."""
        if allowed:
            response = problem(405, "method_not_allowed", f"{request.method} is not supported here")
            response.headers["Allow"] = ", ".join(sorted(allowed))
            return response
        return problem(404, "not_found", f"No resource at {request.path}")

    def malformed(self, request: Request, detail: str) -> Response:
        """A body that cannot be read."""
        return problem(400, "invalid_request", detail)

    def throttled(self, verdict: Verdict | None, now: int) -> Response:
        """429 with the seconds to wait."""
        wait_us = 60_000_000 if verdict is None else verdict.retry_after_us
        response = problem(429, "rate_limit", "Too many calls")
        response.headers["Retry-After"] = str(-(-wait_us // 1_000_000))
        return response

    def failed(self, status: int) -> Response:
        """The bank fails itself."""
        return problem(status, "server_error", "The service is not available")

    # --- notices ---------------------------------------------------------------------------------

    def subscribe(self, url: str) -> Outcome:
        """Push a notice to ``url`` whenever a statement is ready; gives the counts of its deliveries."""
        if url not in self._senders:
            rules = DeliveryRules(_ATTEMPTS_S, self.sign, source="assumed")
            plan = FaultPlan("bank", self.world.draw, self.world.clock.now())
            self._senders[url] = WebhookSender("bank", url, rules, self.world, plan)
        return self._senders[url].outcome

    def sign(self, body: bytes, now: int) -> dict[str, str]:
        """Headers of a notice: HMAC-SHA256 over timestamp, a dot, and the body."""
        stamp = str(now // 1_000_000)
        mac = hmac.new(self.config.webhook_secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
        return {"content-type": "application/json", "x-bank-signature": f"t={stamp},v1={mac.hexdigest()}"}

    def _changed(self, change: Change) -> None:
        if change.kind != "statement":
            return
        account_id = change.id.removesuffix(f"-{change.id[-10:]}")
        notice = {
            "event": "statement.ready",
            "accountId": account_id,
            "statementId": change.id,
            "createdAt": stamp(change.at),
        }
        body = msgspec.json.encode(notice)
        for sender in self._senders.values():
            sender.faults = self.faults or sender.faults
            sender.send("statement", change.id, body)

    # --- state -----------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Core and sessions."""
        return msgspec.msgpack.encode((self.core.snapshot(), self._issued, self._tokens))

    def restore(self, snapshot: bytes) -> None:
        """Back to a snapshot."""
        core, self._issued, self._tokens = msgspec.msgpack.decode(snapshot, type=tuple[bytes, int, dict[str, int]])
        self.core.restore(core)

    def facts(self) -> dict[str, Any]:
        """Plan and counts."""
        statements = sum(len(a.statements) for a in self.core.state.accounts.values())
        return {**super().facts(), "accounts": len(self.core.state.accounts), "statements": statements}


def make(world: World, config: BankConfig) -> BankDialect:
    """A bank of a world, without accounts."""
    return BankDialect(BankCore(world.clock.now), world, config)
