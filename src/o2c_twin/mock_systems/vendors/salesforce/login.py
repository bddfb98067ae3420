"""Logging in and staying so: OAuth grants, SOAP login, sessions that end after a time of inactivity."""

import base64
import hmac
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any
from urllib.parse import unquote_plus
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import msgspec

from o2c_twin.mock_systems.vendors.salesforce.config import SalesforceConfig
from o2c_twin.mock_systems.vendors.salesforce.errors import ApiError
from o2c_twin.mock_systems.vendors.salesforce.org import Org
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Principal

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_MICRO = 1_000_000


class Session(msgspec.Struct):
    """One session; ``at`` is the last activity the vendor took note of."""

    principal: Principal
    at: int


class Sessions(msgspec.Struct):
    """All sessions of an org by token, and how many there ever were."""

    by_token: dict[str, Session] = {}
    count: int = 0


class Login:
    """Issues tokens and knows them again."""

    def __init__(self, org: Org) -> None:
        self.org = org
        self.config: SalesforceConfig = org.config
        self.state = Sessions()
        self._life_us = org.config.session_s * _MICRO

    @property
    def refresh_token(self) -> str:
        """The refresh token of the one approval the org's owner gave to the connected app."""
        return f"5Aep861{self._sign('refresh')}"

    def _sign(self, text: str) -> str:
        key = b"salesforce %d" % self.config.seed
        digest = blake2b(text.encode(), digest_size=48, key=key).digest()
        return base64.urlsafe_b64encode(digest).decode().replace("-", ".").replace("=", "")

    def open(self, app: str, now: int) -> str:
        """A new session of the integration user; gives its token."""
        state = self.state
        state.count += 1
        gone = [token for token, session in state.by_token.items() if now - session.at > self._life_us]
        for token in gone:
            del state.by_token[token]
        org_id = self.org.organization.id
        token = f"{org_id[:15]}!{self._sign(f'{app} {state.count}')}"
        state.by_token[token] = Session(Principal(org_id, app, self.config.username), now)
        return token

    def close(self, token: str) -> bool:
        """End a session; False when there was none."""
        return self.state.by_token.pop(token, None) is not None

    def principal(self, authorization: str, now: int) -> Principal:
        """Who sends this ``Authorization`` header. Raises `ApiError`."""
        session = self.state.by_token.get(authorization.partition(" ")[2])
        if session is None or now - session.at > self._life_us:
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        if now - session.at > self._life_us // 2:
            # Activity is noted only in the second half of the time (from memory of the help page on session settings).
            session.at = now
        return session.principal


def token_answer(login: Login, form: Mapping[str, str], basic: str, url: str, now: int) -> Response:
    """The token endpoint: a session for one of the grants, or the vendor's refusal (400)."""
    config = login.config
    grant = form.get("grant_type", "")
    id_, secret = _client(form, basic)
    if grant == JWT_BEARER:
        problem = _bad_assertion(config, form.get("assertion", ""), now)
    elif grant not in ("client_credentials", "password", "refresh_token"):
        problem = ("unsupported_grant_type", "grant type not supported")
    elif not hmac.compare_digest(id_.encode(), config.client_id.encode()):
        problem = ("invalid_client_id", "client identifier invalid")
    elif not hmac.compare_digest(secret.encode(), config.client_secret.encode()):
        problem = ("invalid_client", "invalid client credentials")
    elif grant == "password" and not _is_user(config, form.get("username", ""), form.get("password", "")):
        problem = ("invalid_grant", "authentication failure")
    elif grant == "refresh_token" and not hmac.compare_digest(
        form.get("refresh_token", "").encode(), login.refresh_token.encode()
    ):
        problem = ("invalid_grant", "expired access/refresh token")
    else:
        problem = None
    if problem is not None:
        return json_response(400, {"error": problem[0], "error_description": problem[1]})
    token = login.open(config.client_id, now)
    issued = str(now // 1_000)
    identity = f"{url}/id/{login.org.organization.id}/{login.org.user.id}"
    signature = hmac.new(config.client_secret.encode(), (identity + issued).encode(), "sha256").digest()
    answer: dict[str, Any] = {
        "access_token": token,
        "signature": base64.b64encode(signature).decode(),
        "instance_url": config.instance_url or url,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued,
    }
    if grant != "refresh_token":
        answer["scope"] = "api"
    return json_response(200, answer, {"Cache-Control": "no-cache, no-store"})


def _client(form: Mapping[str, str], basic: str) -> tuple[str, str]:
    if basic.startswith("Basic "):
        try:
            id_, _, secret = base64.b64decode(basic[6:], validate=True).decode().partition(":")
        except ValueError:  # not ASCII, not Base64, or not UTF-8 inside
            return "", ""
        return unquote_plus(id_), unquote_plus(secret)
    return form.get("client_id", ""), form.get("client_secret", "")


def _is_user(config: SalesforceConfig, username: str, password: str) -> bool:
    wanted = f"{config.username.lower()}\n{config.password}{config.security_token}"
    return hmac.compare_digest(f"{username.lower()}\n{password}".encode(), wanted.encode())


def _bad_assertion(config: SalesforceConfig, assertion: str, now: int) -> tuple[str, str] | None:
    """What is wrong with a JWT; its signature is taken on trust (the org's certificate is not modelled)."""
    parts = assertion.split(".")
    try:
        payload = parts[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=dict[str, Any])
        expires = int(claims.get("exp", 0))
    except (IndexError, ValueError, TypeError):
        return "invalid_grant", "invalid assertion"
    if claims.get("iss") != config.client_id:
        return "invalid_client_id", "client identifier invalid"
    if claims.get("sub") != config.username:
        return "invalid_grant", "user hasn't approved this consumer"
    if expires * _MICRO < now:
        return "invalid_grant", "assertion expired"
    return None


_SOAP = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="urn:partner.soap.sforce.com" '
    'xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
)
_LOGGED_IN = (
    "<loginResponse><result><metadataServerUrl>{url}/services/Soap/m/{version}/{org}</metadataServerUrl>"
    "<passwordExpired>false</passwordExpired><sandbox>{sandbox}</sandbox>"
    "<serverUrl>{url}/services/Soap/u/{version}/{org}</serverUrl><sessionId>{token}</sessionId>"
    "<userId>{user}</userId><userInfo><organizationId>{org}</organizationId>"
    "<sessionSecondsValid>{seconds}</sessionSecondsValid><userName>{name}</userName></userInfo></result></loginResponse>"
)
_FAULT = (
    "<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{code}: {message}</faultstring><detail>"
    '<sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode>'
    "<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
)
_XML = {"Content-Type": "text/xml;charset=UTF-8"}


def soap_answer(login: Login, body: bytes, version: str, url: str, now: int) -> Response:
    """The SOAP login call: a session, or a fault (500)."""
    try:
        envelope = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return _fault("INVALID_SOAP", "the body is not well-formed XML")
    found = {element.tag.rpartition("}")[2]: element.text or "" for element in envelope.iter()}
    if "login" not in found:
        return _fault("UNKNOWN_OPERATION", "only login is modelled in the SOAP API")
    config, org = login.config, login.org
    if not _is_user(config, found.get("username", ""), found.get("password", "")):
        return _fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
    wanted = found.get("organizationId")
    if wanted and wanted[:15] != org.organization.id[:15]:
        return _fault("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.")
    token = login.open("SOAP", now)
    result = _LOGGED_IN.format(
        url=escape(config.instance_url or url),
        version=escape(version),
        org=org.organization.id,
        sandbox=str(org.organization.sandbox).lower(),
        token=escape(token),
        user=org.user.id,
        seconds=config.session_s,
        name=escape(config.username),
    )
    return Response(200, _SOAP.format(body=result).encode(), dict(_XML))


def _fault(code: str, message: str) -> Response:
    fault = _FAULT.format(code=code, message=escape(message))
    return Response(500, _SOAP.format(body=fault).encode(), dict(_XML))
