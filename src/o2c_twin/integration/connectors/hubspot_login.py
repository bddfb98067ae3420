"""How a client proves itself to HubSpot, and HubSpot to a client.

Wire facts: HubSpot developer documentation, "Private apps", "OAuth", "Validating requests".
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from o2c_twin.integration.connectors.bearer import Bearer, refused_login, token_for
from o2c_twin.integration.connectors.wire import Wire
from o2c_twin.integration.ports import Clock
from o2c_twin.integration.runtime.errors import NotAuthentic

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


def session_of(wire: Wire, app: HubSpotApp) -> Bearer:
    """The token calls are made with; a public app's is fetched when there is none."""
    if isinstance(app, PrivateApp):
        return Bearer(wire, None, app.access_token)
    form = {
        "grant_type": "refresh_token",
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "refresh_token": app.refresh_token,
    }
    return Bearer(
        wire, partial(token_for, wire, "/oauth/v1/token", urlencode(form), partial(refused_login, wire.system))
    )


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
