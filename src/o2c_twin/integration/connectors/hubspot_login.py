"""How a client proves itself to HubSpot, and HubSpot to a client.

Wire facts: HubSpot developer documentation, "Private apps", "OAuth", "Validating requests".
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from o2c_twin.integration.connectors.wire import Wire, retry_after_s, status_cause
from o2c_twin.integration.ports import Clock
from o2c_twin.integration.runtime.errors import CallFailed, Cause, NotAuthentic

_OLDEST_MS = 300_000


@dataclass(frozen=True, slots=True)
class PrivateApp:
    """A private app's token, which does not expire."""

    access_token: str


@dataclass(frozen=True, slots=True)
class PublicApp:
    """A public app's approval by the account's owner."""

    client_id: str
    client_secret: str
    refresh_token: str


HubSpotApp = PrivateApp | PublicApp


class Session:
    """The token calls are made with; a public app's is fetched when there is none."""

    def __init__(self, wire: Wire, app: HubSpotApp) -> None:
        self._wire = wire
        self._app = app
        self._token = app.access_token if isinstance(app, PrivateApp) else None

    @property
    def renews(self) -> bool:
        """Whether a refused token can be replaced."""
        return isinstance(self._app, PublicApp)

    async def token(self) -> str:
        """The token. Raises `CallFailed` when there is none to be had."""
        if self._token is None:
            self._token = await self._trade()
        return self._token

    def refused(self, token: str) -> None:
        """The system did not take this token: the next call gets another."""
        # Calls side by side are refused one by one; the first has fetched a new one by now.
        if self.renews and self._token == token:
            self._token = None

    async def _trade(self) -> str:
        app = self._app
        assert isinstance(app, PublicApp)  # a private app always has its token
        form = {
            "grant_type": "refresh_token",
            "client_id": app.client_id,
            "client_secret": app.client_secret,
            "refresh_token": app.refresh_token,
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        body = urlencode(form).encode()
        answer = await self._wire.send("login", "POST", "/oauth/v1/token", None, headers, body, logs_in=True)
        if answer.status != 200:
            cause: Cause = "login" if answer.status < 429 else status_cause(answer.status, logs_in=True)
            detail = answer.body.decode("utf-8", "replace")[:200]
            raise CallFailed(self._wire.system, "login", cause, detail, retry_after_s(answer))
        with self._wire.reading("login"):
            return str(self._wire.json("login", answer)["access_token"])


@dataclass(frozen=True, slots=True)
class PushCheck:
    """Checks signature v3 of a delivery: method, address, body and time, none older than five minutes.

    ``address`` gives the URL the system was told to push to, exactly as it was told.
    """

    system: str
    client_secret: str
    address: Callable[[], str]
    clock: Clock

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Raises `NotAuthentic` when the delivery is not from who it should be, or too old."""
        stamp = headers.get("x-hubspot-request-timestamp", "")
        signed = b"POST" + self.address().encode() + body + stamp.encode()
        mac = base64.b64encode(hmac.new(self.client_secret.encode(), signed, hashlib.sha256).digest())
        if not hmac.compare_digest(mac, headers.get("x-hubspot-signature-v3", "").encode()):
            raise NotAuthentic(f"{self.system}: the delivery's signature does not hold")
        if not stamp.isdigit() or abs(self.clock.now() // 1_000 - int(stamp)) > _OLDEST_MS:
            raise NotAuthentic(f"{self.system}: the delivery is older than five minutes")
