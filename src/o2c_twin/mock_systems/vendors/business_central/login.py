"""Signing in with Entra client credentials, and the bearer tokens that come of it.

A token is signed over what it says (application, expiry), so none is kept. Source: Microsoft identity platform,
"OAuth 2.0 client credentials flow"; codes and texts AADSTS as recorded.
"""

import base64
import hmac
from hashlib import sha256
from urllib.parse import parse_qsl

import msgspec

from o2c_twin.mock_systems.vendors.business_central.config import App, BusinessCentralConfig
from o2c_twin.mock_systems.vendors.business_central.errors import error
from o2c_twin.mock_systems.wire.message import Refused, Request, Response, json_response
from o2c_twin.mock_systems.wire.route import Principal

SCOPE = "https://api.businesscentral.dynamics.com/.default"
_REJECTED = "The server has rejected the client credentials."
_MICRO = 1_000_000
_KNOWN = 512


class _Claims(msgspec.Struct):
    appid: str
    exp: int


_CLAIMS = msgspec.json.Decoder(_Claims)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class EntraLogin:
    """The directory of one tenant."""

    def __init__(self, config: BusinessCentralConfig) -> None:
        self._config = config
        self._apps = {app.client_id: app for app in config.apps}
        self._key = f"entra {config.tenant} {config.seed}".encode()
        self._seen: dict[str, tuple[int, Principal]] = {}

    def _sign(self, text: str) -> str:
        return _b64(hmac.new(self._key, text.encode(), sha256).digest())

    def issue(self, app: App, now: int) -> str:
        """A token that lives ``token_s`` from now."""
        head = _b64(b'{"typ":"JWT","alg":"RS256"}')
        expires = now // _MICRO + self._config.token_s
        claims = {"aud": SCOPE.removesuffix("/.default"), "appid": app.client_id, "tid": self._config.tenant}
        text = f"{head}.{_b64(msgspec.json.encode({**claims, 'exp': expires}))}"
        return f"{text}.{self._sign(text)}"

    def token(self, request: Request, tenant: str, now: int) -> Response:
        """The token endpoint's answer."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        grant, scope = form.get("grant_type", ""), form.get("scope", "")
        app = self._apps.get(form.get("client_id", ""))
        if tenant != self._config.tenant:
            return _aad(400, "invalid_request", 90002, f"Tenant '{tenant[:60]}' not found.", now)
        if grant != "client_credentials":
            return _aad(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.", now)
        if app is None:
            return _aad(400, "unauthorized_client", 700016, "Application was not found in the directory.", now)
        if not hmac.compare_digest(form.get("client_secret", "").encode(), app.client_secret.encode()):
            return _aad(401, "invalid_client", 7000215, "Invalid client secret provided.", now)
        if scope != SCOPE:
            return _aad(400, "invalid_scope", 1002012, "The provided value for scope is not valid.", now)
        life = self._config.token_s
        answer = {"token_type": "Bearer", "expires_in": life, "ext_expires_in": life}
        return json_response(200, {**answer, "access_token": self.issue(app, now)})

    def check(self, request: Request, now: int) -> Principal:
        """Who calls. Raises `Refused` with 401."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        known = self._seen.get(token)
        if known is None:
            known = self._read(token) if kind.lower() == "bearer" else None
            if known is None:
                raise Refused(_unauthorized())
            if len(self._seen) >= _KNOWN:
                self._seen.clear()
            self._seen[token] = known
        expires, principal = known
        if now >= expires:
            raise Refused(_unauthorized())
        return principal

    def app(self, principal: Principal) -> App:
        """The application behind a principal."""
        return self._apps[principal.app]

    def _read(self, token: str) -> tuple[int, Principal] | None:
        text, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(text).encode()):
            return None
        body = text.partition(".")[2]
        claims = _CLAIMS.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        app = self._apps.get(claims.appid)
        if app is None or not app.registered:
            return None
        environment = f"{self._config.tenant}/{self._config.environment}"
        return claims.exp * _MICRO, Principal(environment, app.client_id, app.client_id)


def _unauthorized() -> Response:
    return error(401, "Authentication_InvalidCredentials", _REJECTED, {"WWW-Authenticate": "Bearer"})


def _aad(status: int, code: str, number: int, text: str, now: int) -> Response:
    trace = f"{number:08x}-0000-4000-8000-{now // 1_000:012x}"[-36:]
    body = {"error": code, "error_description": f"AADSTS{number}: {text} Trace ID: {trace}", "error_codes": [number]}
    return json_response(status, body)
