"""Operations of the app itself: tokens, webhook settings and subscriptions."""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from o2c_twin.mock_systems.vendors.hubspot import errors
from o2c_twin.mock_systems.vendors.hubspot.config import Subscription
from o2c_twin.mock_systems.vendors.hubspot.values import stamp
from o2c_twin.mock_systems.vendors.hubspot.webhooks import Subscribed
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.hubspot.dialect import HubSpotDialect

Json = dict[str, Any]
_OAUTH = "HubSpot developer documentation, OAuth"
_HOOKS = "HubSpot developer documentation, Webhooks"


class Throttling(msgspec.Struct, frozen=True):
    """Deliveries at once (kept and answered; deliveries here are never held back)."""

    maxConcurrentRequests: int


class Settings(msgspec.Struct, frozen=True):
    """Where webhooks go."""

    targetUrl: str
    throttling: Throttling


class NewSubscription(msgspec.Struct, frozen=True):
    """What is to be told."""

    eventType: str
    propertyName: str | None = None
    active: bool = False
    objectTypeId: str | None = None


class ChangedSubscription(msgspec.Struct, frozen=True):
    """A subscription turned on or off."""

    active: bool | None = None


# --- tokens -----------------------------------------------------------------------------------------


def _form(call: Call) -> dict[str, str]:
    return dict(parse_qsl(call.request.body.decode("utf-8", "replace"), keep_blank_values=True))


def token_v1(dialect: "HubSpotDialect", call: Call) -> Response:
    """An access token for a refresh token or a code."""
    return dialect.login.trade(_form(call), call.now, newer=False)


def token_v3(dialect: "HubSpotDialect", call: Call) -> Response:
    """The same, with more said about the token."""
    return dialect.login.trade(_form(call), call.now, newer=True)


def about_token(dialect: "HubSpotDialect", call: Call) -> Response:
    """What an access token is good for."""
    return dialect.login.about(call.params["token"], call.now)


def about_refresh(dialect: "HubSpotDialect", call: Call) -> Response:
    """What a refresh token is good for."""
    return dialect.login.about_refresh(call.params["token"])


# --- webhooks ---------------------------------------------------------------------------------------


def _of_app(dialect: "HubSpotDialect", call: Call) -> None:
    if call.params["app"] != str(dialect.config.app_id):
        raise errors.not_found()


def _settings(dialect: "HubSpotDialect") -> Response:
    state = dialect.webhooks.state
    if not state.target_url:
        raise errors.not_found()
    at = stamp(state.settings_at)
    return json_response(
        200,
        {
            "targetUrl": state.target_url,
            "throttling": {"maxConcurrentRequests": state.most_requests},
            "createdAt": at,
            "updatedAt": at,
        },
    )


def read_settings(dialect: "HubSpotDialect", call: Call) -> Response:
    """Where webhooks go."""
    _of_app(dialect, call)
    return _settings(dialect)


def put_settings(dialect: "HubSpotDialect", call: Call) -> Response:
    """Send webhooks there from now on."""
    _of_app(dialect, call)
    body = call.body
    if not body.targetUrl.startswith(("https://", "http://")):
        raise errors.bad_request(f"targetUrl {body.targetUrl[:60]!r} is no address")
    if not 0 < body.throttling.maxConcurrentRequests <= 1_000:
        raise errors.bad_request("maxConcurrentRequests must be between 1 and 1000")
    dialect.webhooks.aim(body.targetUrl, body.throttling.maxConcurrentRequests)
    return _settings(dialect)


def clear_settings(dialect: "HubSpotDialect", call: Call) -> Response:
    """Send no webhooks any more."""
    _of_app(dialect, call)
    dialect.webhooks.aim("", 10)
    return Response(204)


def _shown(made: Subscribed) -> Json:
    answer: Json = {
        "id": str(made.id),
        "eventType": made.event_type,
        "active": made.active,
        "createdAt": stamp(made.created_at),
        "updatedAt": stamp(made.updated_at),
    }
    if made.property_name:
        answer["propertyName"] = made.property_name
    return answer


def _found(dialect: "HubSpotDialect", call: Call) -> Subscribed:
    _of_app(dialect, call)
    text = call.params["id"]
    id_ = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    found = dialect.webhooks.state.subscriptions.get(id_)
    if found is None:
        raise errors.not_found()
    return found


def list_subscriptions(dialect: "HubSpotDialect", call: Call) -> Response:
    """All subscriptions of the app."""
    _of_app(dialect, call)
    return json_response(200, {"results": [_shown(s) for s in dialect.webhooks.state.subscriptions.values()]})


def create_subscription(dialect: "HubSpotDialect", call: Call) -> Response:
    """A new subscription; it tells nothing until it is active."""
    _of_app(dialect, call)
    body = call.body
    wanted = Subscription(body.eventType, body.propertyName or "")
    return json_response(201, _shown(dialect.webhooks.subscribe(wanted, body.active)))


def read_subscription(dialect: "HubSpotDialect", call: Call) -> Response:
    """One subscription."""
    return json_response(200, _shown(_found(dialect, call)))


def update_subscription(dialect: "HubSpotDialect", call: Call) -> Response:
    """A subscription turned on or off."""
    found = _found(dialect, call)
    if call.body.active is not None:
        found = msgspec.structs.replace(found, active=call.body.active, updated_at=call.now)
        dialect.webhooks.replace(found, found.id)
    return json_response(200, _shown(found))


def archive_subscription(dialect: "HubSpotDialect", call: Call) -> Response:
    """End a subscription."""
    dialect.webhooks.replace(None, _found(dialect, call).id)
    return Response(204)


_SETTINGS = "/webhooks/v3/{app}/settings"
_SUBSCRIPTIONS = "/webhooks/v3/{app}/subscriptions"
APP_ROUTES = (
    Operation("token.v1", "POST", "/oauth/v1/token", token_v1, "Trade a refresh token", open=True, source=_OAUTH),
    Operation("token.v3", "POST", "/oauth/v3/token", token_v3, "Trade a refresh token", open=True, source=_OAUTH),
    Operation("token.about", "GET", "/oauth/v1/access-tokens/{token}", about_token, "About a token", open=True,
              source=_OAUTH),
    Operation("token.aboutRefresh", "GET", "/oauth/v1/refresh-tokens/{token}", about_refresh, "About a refresh token",
              open=True, source=_OAUTH),
    Operation("webhook.settings", "GET", _SETTINGS, read_settings, "Where webhooks go", source=_HOOKS),
    Operation("webhook.configure", "PUT", _SETTINGS, put_settings, "Send webhooks there", Settings, source=_HOOKS),
    Operation("webhook.clear", "DELETE", _SETTINGS, clear_settings, "Send no webhooks", success=204, source=_HOOKS),
    Operation("subscription.list", "GET", _SUBSCRIPTIONS, list_subscriptions, "Subscriptions", source=_HOOKS),
    Operation("subscription.create", "POST", _SUBSCRIPTIONS, create_subscription, "Subscribe", NewSubscription,
              success=201, source=_HOOKS),
    Operation("subscription.read", "GET", f"{_SUBSCRIPTIONS}/{{id}}", read_subscription, "One subscription",
              source=_HOOKS),
    Operation("subscription.update", "PATCH", f"{_SUBSCRIPTIONS}/{{id}}", update_subscription,
              "Turn a subscription on or off", ChangedSubscription, source=_HOOKS),
    Operation("subscription.archive", "DELETE", f"{_SUBSCRIPTIONS}/{{id}}", archive_subscription, "Unsubscribe",
              success=204, source=_HOOKS),
)  # fmt: skip
