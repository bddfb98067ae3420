"""Who calls: basic authentication, OAuth 2.0 client credentials, and the security session with its CSRF token.

Source: SAP Gateway Foundation, "Cross-Site Request Forgery Protection"; SAP NetWeaver, "HTTP Security Session
Management"; what is recorded or assumed is marked in facts.md.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections import OrderedDict
from hashlib import blake2b
from urllib.parse import parse_qsl

import msgspec

from o2c_twin.mock_systems.vendors.s4hana import errors
from o2c_twin.mock_systems.vendors.s4hana.config import CommunicationUser, S4HanaConfig
from o2c_twin.mock_systems.wire.message import Refused, Request, Response, json_response
from o2c_twin.mock_systems.wire.route import Principal

REQUIRED = "Required"
_SECOND = 1_000_000


class Session(msgspec.Struct):
    """A security session: whose it is, its CSRF token, and when it was last used (epoch microseconds)."""

    user: str
    token: str
    used_at: int


class LoginState(msgspec.Struct):
    """What a snapshot keeps of the logins. ``bearers`` are (user, end of validity) by token."""

    counter: int = 0
    sessions: dict[str, Session] = {}
    bearers: dict[str, tuple[str, int]] = {}


class Login:
    """The users of one client, their sessions and tokens."""

    def __init__(self, config: S4HanaConfig, users: tuple[CommunicationUser, ...]) -> None:
        self._config = config
        self._users = {user.name: user for user in users}
        self._known: OrderedDict[str, Principal] = OrderedDict()
        self.cookie = f"SAP_SESSIONID_{config.system_id}_{config.client}"
        self.state = LoginState()

    # --- who -------------------------------------------------------------------------------------

    def check(self, request: Request, now: int) -> Principal:
        """Who calls. Raises `Refused` with the server's login page."""
        header = request.headers.get("authorization", "")
        known = self._known.get(header)
        if known is not None:
            return known
        scheme, _, value = header.partition(" ")
        if scheme.lower() == "basic":
            principal = self._basic(value)
            if principal is not None:
                self._known[header] = principal
                if len(self._known) > 64:
                    self._known.popitem(last=False)
                return principal
        elif scheme.lower() == "bearer":
            user, until = self.state.bearers.get(value.strip(), ("", 0))
            if now < until:
                return self._principal(user)
        elif not header:
            session = self._session(request, now)
            if session is not None:
                return self._principal(session.user)
        raise Refused(self._login_page())

    def _principal(self, user: str) -> Principal:
        return Principal(self._config.client, user, user)

    def _basic(self, value: str) -> Principal | None:
        try:
            name, colon, password = b64decode(value, validate=True).decode("utf-8").partition(":")
        except (NotBase64, ValueError):
            return None
        user = self._users.get(name)
        return self._principal(name) if colon and user is not None and user.password == password else None

    def _login_page(self) -> Response:
        realm = f"SAP NetWeaver Application Server [{self._config.system_id}/{self._config.client}]"
        challenge = {"WWW-Authenticate": f'Basic realm="{realm}"'}
        return errors.html(401, "Logon Error Message", "Logon failed.", challenge)

    def require(self, user: str, service: str) -> None:
        """Raise `Refused` when the user has no communication scenario with that service."""
        if service in self._users[user].denied:
            text = f"No authorization to access Service '{service}'"
            raise Refused(errors.problem(403, "/IWFND/MED/170", text, service))

    def issue(self, request: Request, now: int) -> Response:
        """The token endpoint: client credentials, form-encoded; the client in the body or in the header."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if form.get("grant_type") != "client_credentials":
            return _oauth_error(400, "unsupported_grant_type")
        header = request.headers.get("authorization", "")
        principal = self._basic(header[6:]) if header[:6].lower() == "basic " else None
        user = self._users.get(form.get("client_id", ""))
        if principal is None and user is not None and user.password == form.get("client_secret"):
            principal = self._principal(user.name)
        if principal is None:
            return _oauth_error(401, "invalid_client")
        token = self._secret("bearer")
        expired = [known for known, (_, until) in self.state.bearers.items() if until <= now]
        for known in expired:
            del self.state.bearers[known]
        self.state.bearers[token] = (principal.user, now + self._config.token_s * _SECOND)
        body = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": str(self._config.token_s),
            "scope": form.get("scope", ""),
        }
        return json_response(200, body, {"Cache-Control": "no-store"})

    # --- sessions and CSRF tokens ----------------------------------------------------------------

    def _session(self, request: Request, now: int) -> Session | None:
        cookies = request.headers.get("cookie", "")
        for each in cookies.split(";"):
            name, _, value = each.strip().partition("=")
            if name == self.cookie:
                session = self.state.sessions.get(value)
                if session is None:
                    return None
                if now - session.used_at > self._config.session_idle_s * _SECOND:
                    del self.state.sessions[value]
                    return None
                return session
        return None

    def fetch(self, request: Request, principal: Principal, now: int) -> dict[str, str]:
        """The headers that answer ``X-CSRF-Token: Fetch``: the session's token, and its cookie when it is new.

        Raises `Refused` when there are too many sessions: each call without the cookie makes one.
        """
        session = self._session(request, now)
        if session is not None and session.user == principal.user:
            session.used_at = now
            return {"x-csrf-token": session.token}
        sessions = self.state.sessions
        if len(sessions) >= self._config.most_sessions:
            limit = self._config.session_idle_s * _SECOND
            for known in [cookie for cookie, each in sessions.items() if now - each.used_at > limit]:
                del sessions[known]
            if len(sessions) >= self._config.most_sessions:
                raise Refused(errors.html(503, "Service Unavailable", "Too many sessions."))
        cookie = self._secret("session")
        session = sessions[cookie] = Session(principal.user, self._secret("csrf"), now)
        return {"x-csrf-token": session.token, "Set-Cookie": f"{self.cookie}={cookie}; path=/; HttpOnly"}

    def confirm(self, request: Request, principal: Principal, now: int) -> None:
        """Raise `Refused` unless the call carries the token of the session its cookie names."""
        session = self._session(request, now)
        token = request.headers.get("x-csrf-token", "")
        if session is None or session.token != token or session.user != principal.user:
            headers = {"Content-Type": "text/plain;charset=utf-8", "x-csrf-token": REQUIRED}
            raise Refused(Response(403, b"CSRF token validation failed", headers))
        session.used_at = now

    def end_sessions(self) -> None:
        """End all sessions, as a restart of the application server does."""
        self.state.sessions.clear()

    def load(self, state: LoginState) -> None:
        """Go back to a state."""
        self.state = state

    def _secret(self, kind: str) -> str:
        self.state.counter += 1
        text = f"{self._config.client}/{kind}/{self.state.counter}"
        return blake2b(text.encode(), digest_size=18, key=str(self._config.seed).encode()).hexdigest()


def _oauth_error(status: int, code: str) -> Response:
    return json_response(status, {"error": code})
