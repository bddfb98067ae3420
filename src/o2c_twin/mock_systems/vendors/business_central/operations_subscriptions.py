"""Webhook subscriptions: made and renewed with a handshake, and lapsing after three days.

The handshake runs beside the call: a subscription the subscriber does not confirm is taken back, where the real
service refuses the call itself (facts.md).
"""

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.vendors.business_central import entities
from o2c_twin.mock_systems.vendors.business_central.errors import JSON, bad_request, no_record, no_resource
from o2c_twin.mock_systems.vendors.business_central.feed import RESOURCES
from o2c_twin.mock_systems.vendors.business_central.operations_common import (
    body_of,
    check_etag,
    done,
    enter,
    segment_key,
)
from o2c_twin.mock_systems.vendors.business_central.reading import etag_of, filtered, options, typed_rows
from o2c_twin.mock_systems.vendors.business_central.state import Subscription
from o2c_twin.mock_systems.vendors.business_central.values import instant_of
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response
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


def create_subscription(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST: the subscriber is asked to confirm before anything is told."""
    enter(dialect, call)
    dialect.drop_lapsed(call.now)
    body = body_of(dialect, call, entities.SUBSCRIPTION)
    url, resource = body.text("notificationUrl"), body.text("resource")
    if url is None or resource is None:
        missing = "notificationUrl" if url is None else "resource"
        bad_request(f"The required parameter '{missing}' was not provided.", "BadRequest_RequiredParamNotProvided")
    if not url.startswith(("https://", "http://")):
        bad_request(f"The notification URL '{url[:100]}' is not valid.")
    set_ = resource_of(dialect, resource)
    if any(s.url == url and s.resource == set_ for s in dialect.state.subscriptions.values()):
        bad_request("A subscription for this notification URL and resource exists.", "Internal_EntityWithSameKeyExists")
    if len(dialect.state.subscriptions) >= dialect.config.most_subscriptions:
        bad_request("The maximum number of webhook subscriptions has been reached.")
    number = dialect.state.numbers.next("subscription")
    id_ = blake2b(f"{number}".encode(), digest_size=16, key=b"bc %d" % dialect.config.seed).hexdigest()
    expires = call.now + dialect.config.subscription_s * 1_000_000
    state = body.text("clientState") or ""
    subscription = Subscription(id_, url, set_, state, expires, call.now, confirmed=False)
    dialect.state.subscriptions[id_] = subscription
    dialect.world.spawn(_confirm(dialect, subscription, 0), f"webhook.handshake.{number}")
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
        raise Refused(no_resource(call.request.path))
    found = dialect.state.subscriptions.get(key)
    if found is None:
        no_record()
    return found


def read_subscription(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """GET of one."""
    return _answer(dialect, call, _known(dialect, call), 200)


def renew_subscription(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """PATCH: three more days from now, after another handshake."""
    subscription = _known(dialect, call)
    check_etag(dialect, call, _shape(dialect, subscription), required=True)
    body = body_of(dialect, call, entities.SUBSCRIPTION)
    url, resource = body.text("notificationUrl"), body.text("resource")
    if url is not None and not url.startswith(("https://", "http://")):
        bad_request(f"The notification URL '{url[:100]}' is not valid.")
    set_ = subscription.resource if resource is None else resource_of(dialect, resource)
    before = subscription.expires_at
    subscription.url = url or subscription.url
    subscription.resource = set_
    subscription.client_state = body.fields.get("clientState", subscription.client_state)
    subscription.expires_at = call.now + dialect.config.subscription_s * 1_000_000
    subscription.modified_at = call.now
    number = dialect.state.numbers.next("handshake")
    dialect.world.spawn(_confirm(dialect, subscription, before), f"webhook.handshake.r{number}")
    return _answer(dialect, call, subscription, 200)


def delete_subscription(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """DELETE: needs the ETag, as the renewal does."""
    subscription = _known(dialect, call)
    check_etag(dialect, call, _shape(dialect, subscription), required=True)
    del dialect.state.subscriptions[subscription.id]
    return done()


async def _confirm(dialect: "BusinessCentralDialect", subscription: Subscription, before: int) -> None:
    """Ask the subscriber to send the token back; without it a new subscription goes, a renewal is void."""
    raw = f"{subscription.id}/{subscription.expires_at}".encode()
    token = blake2b(raw, digest_size=16, key=b"bc %d" % dialect.config.seed).hexdigest()
    mark = "&" if "?" in subscription.url else "?"
    status, body = await dialect.world.post(f"{subscription.url}{mark}validationToken={token}", {}, b"")
    if status == 200 and body.decode("utf-8", "replace").strip() == token:
        subscription.confirmed = True
    elif before:
        subscription.expires_at = before
    elif dialect.state.subscriptions.get(subscription.id) is subscription:
        del dialect.state.subscriptions[subscription.id]
