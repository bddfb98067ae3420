"""Webhook subscriptions: made and renewed with a handshake, and lapsing after three days.

The subscriber is asked while the caller waits; without the token the call is refused and nothing is changed.
"""

from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from o2c_twin.mock_systems.vendors.business_central import entities
from o2c_twin.mock_systems.vendors.business_central.errors import JSON, bad_request, no_record, not_there
from o2c_twin.mock_systems.vendors.business_central.feed import RESOURCES
from o2c_twin.mock_systems.vendors.business_central.reading import etag_of, filtered, options, typed_rows
from o2c_twin.mock_systems.vendors.business_central.serving import (
    body_of,
    check_etag,
    done,
    enter,
    segment_key,
)
from o2c_twin.mock_systems.vendors.business_central.state import Subscription
from o2c_twin.mock_systems.vendors.business_central.values import instant_of
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.business_central.dialect import BusinessCentralDialect


def _shape(dialect: "BusinessCentralDialect", subscription: Subscription) -> dict[str, Any]:
    return {
        "subscriptionId": subscription.id,
        "notificationUrl": subscription.url,
        "resource": f"api/v2.0/{dialect.company_segment}/{subscription.resource}",
        "timestamp": subscription.modified_at // 1_000_000,
        "userId": dialect.guids.of("user", "1"),
        "lastModifiedDateTime": instant_of(subscription.modified_at),
        "clientState": subscription.client_state,
        "expirationDateTime": instant_of(subscription.expires_at),
    }


def _answer(dialect: "BusinessCentralDialect", call: Call, subscription: Subscription, status: int) -> Response:
    shape = _shape(dialect, subscription)
    etag = etag_of(shape)
    context = f"{call.request.url}{dialect.config.root}/$metadata#subscriptions/$entity"
    body = {"@odata.context": context, "@odata.etag": etag, **shape}
    return json_response(status, body, {"OData-Version": "4.0", "ETag": etag}, JSON)


def list_subscriptions(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """GET of all."""
    enter(dialect, call)
    dialect.drop_lapsed(call.now)
    query = options(dialect, call, entities.SUBSCRIPTION)
    shapes = (_shape(dialect, each) for each in dialect.state.subscriptions.values())
    rows = filtered(typed_rows(shapes, entities.SUBSCRIPTION), query.filter)
    value = [{"@odata.etag": etag_of(row.shape), **row.shape} for row in rows]
    context = f"{call.request.url}{dialect.config.root}/$metadata#subscriptions"
    return json_response(200, {"@odata.context": context, "value": value}, {"OData-Version": "4.0"}, JSON)


class Wanted(NamedTuple):
    """What a subscription is to be."""

    url: str
    resource: str
    client_state: str


def _wanted(dialect: "BusinessCentralDialect", call: Call) -> Wanted:
    """What a POST asks for. Raises `Refused`."""
    enter(dialect, call)
    dialect.drop_lapsed(call.now)
    body = body_of(dialect, call, entities.SUBSCRIPTION)
    url, resource = body.text("notificationUrl"), body.text("resource")
    if url is None or resource is None:
        missing = "notificationUrl" if url is None else "resource"
        bad_request(f"The required parameter '{missing}' was not provided.", "BadRequest_RequiredParamNotProvided")
    _check_url(url)
    set_ = resource_of(dialect, resource)
    if any(s.url == url and s.resource == set_ for s in dialect.state.subscriptions.values()):
        bad_request("A subscription for this notification URL and resource exists.", "Internal_EntityWithSameKeyExists")
    if len(dialect.state.subscriptions) >= dialect.config.most_subscriptions:
        bad_request("The maximum number of webhook subscriptions has been reached.")
    return Wanted(url, set_, body.text("clientState") or "")


def _check_url(url: str) -> None:
    if not url.startswith(("https://", "http://")):
        bad_request(f"The notification URL '{url[:100]}' is not valid.")


def create_subscription(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST, once the subscriber has confirmed; somebody else may have taken the place meanwhile."""
    wanted = _wanted(dialect, call)
    number = dialect.state.numbers.next("subscription")
    id_ = blake2b(f"{number}".encode(), digest_size=16, key=b"bc %d" % dialect.config.seed).hexdigest()
    expires = call.now + dialect.config.subscription_s * 1_000_000
    subscription = Subscription(id_, wanted.url, wanted.resource, wanted.client_state, expires, call.now)
    dialect.state.subscriptions[id_] = subscription
    return _answer(dialect, call, subscription, 201)


def resource_of(dialect: "BusinessCentralDialect", resource: str) -> str:
    """The set a subscription's resource names; absolute and relative addresses are taken. Raises `Refused`."""
    path = resource.partition("?")[0].rstrip("/")
    company, _, set_ = path.rpartition("/")
    named = company.rpartition("/")[2].lower()
    known = [name for kind, name in RESOURCES.items() if kind != "delivery" or dialect.oddities.shipment_webhooks]
    if set_ not in known or named != dialect.company_segment.lower():
        bad_request(f"The resource '{resource[:200]}' is not supported for webhook subscriptions.")
    return set_


def _known(dialect: "BusinessCentralDialect", call: Call) -> Subscription:
    enter(dialect, call)
    dialect.drop_lapsed(call.now)
    name, key = segment_key(call.params["record"])
    if name != "subscriptions" or not key:
        not_there(call.request.path)
    found = dialect.state.subscriptions.get(key)
    if found is None:
        no_record()
    return found


def read_subscription(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """GET of one."""
    return _answer(dialect, call, _known(dialect, call), 200)


def _renewed(dialect: "BusinessCentralDialect", call: Call) -> tuple[Subscription, Wanted]:
    """A subscription, and what a PATCH makes of it. Raises `Refused`."""
    subscription = _known(dialect, call)
    check_etag(dialect, call, _shape(dialect, subscription), required=True)
    body = body_of(dialect, call, entities.SUBSCRIPTION)
    url, resource = body.text("notificationUrl"), body.text("resource")
    if url is not None:
        _check_url(url)
    set_ = subscription.resource if resource is None else resource_of(dialect, resource)
    state = body.fields.get("clientState", subscription.client_state)
    return subscription, Wanted(url or subscription.url, set_, state)


def renew_subscription(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """PATCH: three more days from now, once the subscriber has confirmed again."""
    subscription, wanted = _renewed(dialect, call)
    subscription.url, subscription.resource, subscription.client_state = wanted
    subscription.expires_at = call.now + dialect.config.subscription_s * 1_000_000
    subscription.modified_at = call.now
    return _answer(dialect, call, subscription, 200)


def delete_subscription(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """DELETE: needs the ETag, as the renewal does."""
    subscription = _known(dialect, call)
    check_etag(dialect, call, _shape(dialect, subscription), required=True)
    del dialect.state.subscriptions[subscription.id]
    return done()


# --- the handshake ----------------------------------------------------------------------------------


async def confirm_new(dialect: "BusinessCentralDialect", call: Call) -> None:
    """Ask the subscriber of a POST that would be let through. Raises `Refused`."""
    wanted = _wanted(dialect, call)
    await _shake_hands(dialect, call, wanted)


async def confirm_renewal(dialect: "BusinessCentralDialect", call: Call) -> None:
    """Ask the subscriber of a PATCH that would be let through. Raises `Refused`."""
    _, wanted = _renewed(dialect, call)
    await _shake_hands(dialect, call, wanted)


async def _shake_hands(dialect: "BusinessCentralDialect", call: Call, wanted: Wanted) -> None:
    raw = f"{wanted.url} {wanted.resource} {call.now}".encode()
    token = blake2b(raw, digest_size=16, key=b"bc %d" % dialect.config.seed).hexdigest()
    mark = "&" if "?" in wanted.url else "?"
    status, body = await dialect.world.post(f"{wanted.url}{mark}validationToken={token}", {}, b"")
    if status != 200 or body.decode("utf-8", "replace").strip() != token:
        answered = f"answered {status}" if status else "did not answer"
        said = "answered something else than the validation token" if status == 200 else answered
        bad_request(f"The notification URL '{wanted.url[:100]}' could not be validated: it {said}.")
