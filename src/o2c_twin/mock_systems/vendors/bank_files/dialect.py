"""The file bank's dialect: HTTP Basic, a folder of statement files, acknowledgements, signed notices."""

import base64
import binascii
import hashlib
import hmac
from typing import Any, ClassVar

import msgspec

from o2c_twin.mock_systems.roles.bank import BankCore
from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.bank_files.config import BankFilesConfig
from o2c_twin.mock_systems.vendors.bank_files.limits import STANDARD
from o2c_twin.mock_systems.vendors.bank_files.operations import ROUTES, problem, row
from o2c_twin.mock_systems.vendors.bank_files.outbox import Outbox, deliver
from o2c_twin.mock_systems.wire.capability import Promise
from o2c_twin.mock_systems.wire.dialect import Dialect
from o2c_twin.mock_systems.wire.faults import FaultPlan
from o2c_twin.mock_systems.wire.limits import Limiter, Verdict
from o2c_twin.mock_systems.wire.message import Refused, Request, Response
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.route import Operation, Principal
from o2c_twin.mock_systems.wire.webhooks import DeliveryRules, Outcome, WebhookSender

# Assumed: a notice is tried again after 1, 5, 30 minutes and 2, 6, 12 hours.
_ATTEMPTS_S = (0.0, 60.0, 300.0, 1_800.0, 7_200.0, 21_600.0, 43_200.0)


class BankFilesDialect(Dialect):
    """The file service of one bank."""

    vendor: ClassVar[str] = "bank_files"
    family: ClassVar[str] = "bank"
    routes: ClassVar[tuple[Operation, ...]] = ROUTES
    promises: ClassVar[tuple[Promise, ...]] = (
        Promise("files.acknowledge", "external-id", source="assumed: a file is confirmed by its name"),
        Promise("sandbox.movement", "none", source="assumed"),
        Promise("sandbox.close", "external-id", source="a day is closed once"),
    )

    def __init__(self, core: BankCore, world: World, config: BankFilesConfig) -> None:
        self.core = core
        self.world = world
        self.config = config
        self.box = Outbox()
        self.policy = STANDARD
        self.limiter = Limiter(self.policy)
        self.faults: FaultPlan | None = None
        self._senders: dict[str, WebhookSender] = {}
        core.listeners.append(self._changed)

    # --- login and answers -----------------------------------------------------------------------

    def authenticate(self, request: Request, now: int) -> Principal:
        """HTTP Basic (RFC 7617)."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        try:
            login, _, password = base64.b64decode(credentials, validate=True).partition(b":")
        except (binascii.Error, ValueError):
            login = password = b""
        known = hmac.compare_digest(login, self.config.login.encode())
        if scheme.lower() != "basic" or not (known and hmac.compare_digest(password, self.config.password.encode())):
            raise self._login("BAD_LOGIN", "Unknown login or wrong password")
        if self.config.login_expires_at and now >= self.config.login_expires_at:
            raise self._login("PASSWORD_EXPIRED", "The password has expired")
        return Principal("bank", self.config.login, self.config.login)

    def _login(self, code: str, message: str) -> Refused:
        refusal = problem(401, code, message)
        refusal.headers["WWW-Authenticate"] = 'Basic realm="files"'
        return Refused(refusal)

    def not_modelled(self, request: Request, allowed: set[str] | None) -> Response:
        """Unknown path, or known path with another method."""
        if allowed:
            response = problem(405, "METHOD_NOT_ALLOWED", f"{request.method} is not supported here")
            response.headers["Allow"] = ", ".join(sorted(allowed))
            return response
        return problem(404, "NOT_FOUND", f"No resource at {request.path}")

    def malformed(self, request: Request, detail: str) -> Response:
        """A body that cannot be read."""
        return problem(400, "BAD_REQUEST", detail)

    def throttled(self, verdict: Verdict | None, now: int) -> Response:
        """429 with the seconds to wait."""
        wait_us = 60_000_000 if verdict is None else verdict.retry_after_us
        response = problem(429, "TOO_MANY_REQUESTS", "Too many calls")
        response.headers["Retry-After"] = str(-(-wait_us // 1_000_000))
        return response

    def failed(self, status: int) -> Response:
        """The bank fails itself."""
        return problem(status, "UNAVAILABLE", "The service is not available")

    # --- files and notices -----------------------------------------------------------------------

    def subscribe(self, url: str) -> Outcome:
        """Push a notice to ``url`` when a file is laid out; gives the counts of its deliveries.

        Files that appear later (late ones, corrections, repetitions) come without a notice.
        """
        if url not in self._senders:
            rules = DeliveryRules(_ATTEMPTS_S, self.sign, source="assumed")
            plan = FaultPlan("bank_files", self.world.draw, self.world.clock.now())
            self._senders[url] = WebhookSender("bank_files", url, rules, self.world, plan)
        return self._senders[url].outcome

    def sign(self, body: bytes, now: int) -> dict[str, str]:
        """Headers of a notice: HMAC-SHA256 over timestamp, a dot, and the body."""
        stamp = str(now // 1_000_000)
        mac = hmac.new(self.config.webhook_secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
        return {"content-type": "application/json", "x-files-signature": f"t={stamp},v1={mac.hexdigest()}"}

    def _changed(self, change: Change) -> None:
        if change.kind != "statement":
            return
        for account in self.core.state.accounts.values():
            if account.statements and account.statements[-1].id == change.id:
                for file in deliver(self.box, account, len(account.statements) - 1, self.config, change.at):
                    self._tell(msgspec.json.encode({"event": "file.delivered", "file": row(file)}), file.name)

    def _tell(self, body: bytes, name: str) -> None:
        for sender in self._senders.values():
            sender.faults = self.faults or sender.faults
            sender.send("file", name, body)

    # --- state -----------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Core and files."""
        return msgspec.msgpack.encode((self.core.snapshot(), self.box))

    def restore(self, snapshot: bytes) -> None:
        """Back to a snapshot."""
        core, self.box = msgspec.msgpack.decode(snapshot, type=tuple[bytes, Outbox])
        self.core.restore(core)

    def facts(self) -> dict[str, Any]:
        """Plan and counts."""
        return {**super().facts(), "accounts": len(self.core.state.accounts), "files": len(self.box.files)}


def make(world: World, config: BankFilesConfig) -> BankFilesDialect:
    """A bank of a world, without accounts."""
    return BankFilesDialect(BankCore(world.clock.now), world, config)
