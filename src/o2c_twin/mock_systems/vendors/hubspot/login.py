"""Logging in: a private app's token, or a public app's refresh token and the tokens it is traded for.

Sources: HubSpot developer documentation, "Private apps" and "OAuth"; bodies of both 401s from public
integration code.
"""

import hmac
from typing import Any

import msgspec

from o2c_twin.mock_systems.vendors.hubspot import errors
from o2c_twin.mock_systems.vendors.hubspot.ids import name_of
from o2c_twin.mock_systems.vendors.hubspot.portal import Portal
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Principal

SCOPES = (
    "oauth",
    *(f"crm.objects.{name}.{right}" for name in ("companies", "contacts", "deals") for right in ("read", "write")),
    "crm.schemas.companies.read",
    "crm.schemas.deals.read",
    "e-commerce",
)
_MICRO = 1_000_000
_KEPT = 200


class Tokens(msgspec.Struct):
    """Tokens with the instants they end, and how many there ever were."""

    ends: dict[str, int] = {}
    count: int = 0


class Login:
    """Issues tokens and knows them again."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._config = portal.config
        self.state = Tokens()
        self._principal = Principal(str(portal.config.portal_id), str(portal.config.app_id), portal.config.client_id)

    def principal(self, authorization: str, now: int) -> Principal:
        """Who sends this ``Authorization`` header. Raises `ApiError`."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise errors.unauthenticated()
        if self._config.app == "private":
            if not hmac.compare_digest(token.encode(), self._config.access_token.encode()):
                raise errors.unauthenticated()
            return self._principal
        end = self.state.ends.get(token)
        if end is None:
            raise errors.unauthenticated()
        if end <= now:
            raise errors.expired((now - end) // _MICRO)
        return self._principal

    def developer(self, key: str) -> Principal:
        """Who sends this developer key. Raises `ApiError`."""
        if not hmac.compare_digest(key.encode(), self._config.developer_key.encode()):
            raise errors.unauthenticated()
        return self._principal

    def trade(self, form: dict[str, str], now: int, newer: bool) -> Response:
        """The token endpoint; ``newer`` answers as its third version does."""
        config = self._config
        if config.app == "private":
            return _refused("BAD_CLIENT_ID", "missing or unknown client id")
        grant = form.get("grant_type", "")
        if grant not in ("refresh_token", "authorization_code"):
            return _refused("BAD_GRANT_TYPE", f"missing or unknown grant_type {grant[:40]}")
        if not hmac.compare_digest(form.get("client_id", "").encode(), config.client_id.encode()):
            return _refused("BAD_CLIENT_ID", "missing or unknown client id")
        if not hmac.compare_digest(form.get("client_secret", "").encode(), config.client_secret.encode()):
            return _refused("BAD_CLIENT_SECRET", "missing or invalid client secret")
        given = form.get("refresh_token" if grant == "refresh_token" else "code", "")
        wanted = config.refresh_token if grant == "refresh_token" else self.code
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            if grant == "refresh_token":
                return _refused("BAD_REFRESH_TOKEN", "missing or invalid refresh token")
            return _refused("BAD_AUTH_CODE", "missing or unknown auth code")
        answer: dict[str, Any] = {
            "token_type": "bearer",
            "refresh_token": config.refresh_token,
            "access_token": self._open(now),
            "expires_in": config.token_s,
        }
        if newer:
            answer |= {
                "hub_id": config.portal_id, "user_id": 1, "scopes": list(SCOPES), "token_use": "access_token"
            }  # fmt: skip
        return json_response(200, answer)

    @property
    def code(self) -> str:
        """The code of the one approval the portal's owner gave to the app."""
        return self._portal.ids.token("code", 0)

    def _open(self, now: int) -> str:
        state = self.state
        state.count += 1
        token = self._portal.ids.token("access", state.count)
        state.ends[token] = now + self._config.token_s * _MICRO
        while len(state.ends) > _KEPT:
            del state.ends[next(iter(state.ends))]
        return token

    def about(self, token: str, now: int) -> Response:
        """What a token is good for."""
        end = self.state.ends.get(token)
        if end is None or end <= now:
            return _missing("access token", token)
        config = self._config
        return json_response(
            200,
            {
                "token": token,
                "user": "owner@portal.example",
                "hub_domain": "portal.example",
                "scopes": list(SCOPES),
                "hub_id": config.portal_id,
                "app_id": config.app_id,
                "expires_in": (end - now) // _MICRO,
                "user_id": 1,
                "token_type": "access",
            },
        )

    def about_refresh(self, token: str) -> Response:
        """What a refresh token is good for."""
        config = self._config
        if config.app == "private" or not hmac.compare_digest(token.encode(), config.refresh_token.encode()):
            return _missing("refresh token", token)
        return json_response(
            200,
            {
                "token": token,
                "user": "owner@portal.example",
                "hub_domain": "portal.example",
                "scopes": list(SCOPES),
                "hub_id": config.portal_id,
                "client_id": config.client_id,
                "user_id": 1,
                "token_type": "refresh",
            },
        )


def _refused(status: str, message: str) -> Response:
    return json_response(400, {"status": status, "message": message, "correlationId": name_of(message)})


def _missing(what: str, token: str) -> Response:
    body = {
        "status": "error",
        "message": f"the {what} is unknown or no longer good",
        "correlationId": name_of(token),
        "category": errors.NOT_FOUND,
    }
    return json_response(404, body)
