"""Events, webhook endpoints and test clocks."""

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from o2c_twin.mock_systems.vendors.stripe import errors
from o2c_twin.mock_systems.vendors.stripe.events import KNOWN_TYPES, Endpoint
from o2c_twin.mock_systems.vendors.stripe.forms import Metadata, Params, Text, merged
from o2c_twin.mock_systems.vendors.stripe.operations_invoices import Second, given
from o2c_twin.mock_systems.vendors.stripe.paging import DatedListParams, ListParams, newest, page, span_of
from o2c_twin.mock_systems.vendors.stripe.serving import Asked, operation
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape
from o2c_twin.mock_systems.vendors.stripe.versions import version

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.stripe.dialect import StripeDialect

# --- events -----------------------------------------------------------------------------------------


class EventListParams(DatedListParams, kw_only=True):
    """Filters of a list of events; ``type`` may end in an asterisk."""

    type: str | None = None
    types: Annotated[list[str], msgspec.Meta(max_length=20)] | None = None
    delivery_success: bool | None = None


def event_list(stripe: "StripeDialect", asked: Asked, params: EventListParams) -> Shape:
    """Events of the last 30 days."""
    if params.type is not None and params.types is not None:
        errors.refuse(400, "You may only specify one of these parameters: type, types.", param="types")
    if params.delivery_success is not None:
        errors.refuse(400, "Received unknown parameter: delivery_success", code="parameter_unknown",
                      param="delivery_success")  # fmt: skip
    wanted = params.types if params.types is not None else [params.type] if params.type is not None else None
    exact = frozenset(wanted or ())
    prefixes = tuple(type_[:-1] for type_ in wanted or () if type_.endswith("*"))
    span = span_of(params.created)

    def rows() -> Any:
        for event in stripe.events.kept(asked.now):
            second = event.created_at // 1_000_000
            if span is not None and span.before(second):
                return
            if span is not None and not span.holds(second):
                continue
            if wanted is None or event.type in exact or (prefixes and event.type.startswith(prefixes)):
                yield event

    return page(rows(), params, "/v1/events", "event", lambda event: str(event.id), stripe.events.show)


def event_retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """An event, for 30 days."""
    event = stripe.events.state.events.get(asked.id)
    if event is None or stripe.events.is_old(event, asked.now):
        errors.no_such("event", asked.id, "id", in_path=True)
    shown = stripe.events.show(event)
    shown["data"] = msgspec.json.decode(event.data)
    return shown


# --- webhook endpoints ------------------------------------------------------------------------------


class EndpointParams(Params, kw_only=True):
    """A new endpoint."""

    url: Annotated[str, msgspec.Meta(max_length=2_048)]
    enabled_events: list[str]
    api_version: str | None = None
    description: Text | None = None
    metadata: Metadata | UnsetType = UNSET


class EndpointUpdateParams(Params, kw_only=True):
    """What may change."""

    url: Annotated[str, msgspec.Meta(max_length=2_048)] | None = None
    enabled_events: list[str] | None = None
    description: Text | UnsetType | None = UNSET
    disabled: bool | None = None
    metadata: Metadata | UnsetType = UNSET


def _check(stripe: "StripeDialect", url: str | None, events: list[str] | None, api_version: str | None = None) -> None:
    if url is not None:
        if not url.startswith(("https://", "http://")):
            errors.refuse(400, "Invalid URL: An explicit scheme (such as https) must be provided.",
                          code="url_invalid", param="url")  # fmt: skip
        if stripe.config.livemode and not url.startswith("https://"):
            errors.refuse(400, "Invalid URL: URL must be HTTPS in live mode.", code="url_invalid", param="url")
    if events is not None:
        if not events:
            errors.refuse(400, "Missing required param: enabled_events.", code="parameter_missing",
                          param="enabled_events")  # fmt: skip
        for type_ in events:
            if type_ != "*" and type_ not in KNOWN_TYPES:
                message = f"Invalid enabled_events: {type_[:60]} is not an event this account has."
                errors.refuse(400, message, param="enabled_events")
    if api_version is not None:
        try:
            version(api_version)
        except ValueError as bad:
            errors.refuse(400, str(bad), param="api_version")


def _shown(stripe: "StripeDialect", endpoint: Endpoint, with_secret: bool = False) -> Shape:
    shown: Shape = {
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "api_version": endpoint.api_version,
        "application": None,
        "created": endpoint.created_at // 1_000_000,
        "description": endpoint.description,
        "enabled_events": list(endpoint.events),
        "livemode": stripe.config.livemode,
        "metadata": endpoint.metadata,
        "status": "enabled" if endpoint.enabled else "disabled",
        "url": endpoint.url,
    }
    if with_secret:
        shown["secret"] = endpoint.secret
    return shown


def endpoint_create(stripe: "StripeDialect", asked: Asked, params: EndpointParams) -> Shape:
    """Begin to send events; the secret is shown this once."""
    _check(stripe, params.url, params.enabled_events, params.api_version)
    endpoint = stripe.events.add_endpoint(
        params.url,
        tuple(params.enabled_events),
        api_version=params.api_version,
        description=params.description,
        metadata=merged({}, given(params.metadata)),
    )
    return _shown(stripe, endpoint, with_secret=True)


def _endpoint(stripe: "StripeDialect", asked: Asked) -> Endpoint:
    endpoint = stripe.events.state.endpoints.get(asked.id)
    if endpoint is None:
        errors.no_such("webhook_endpoint", asked.id, "id", in_path=True)
    return endpoint


def endpoint_retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """An endpoint, without its secret."""
    return _shown(stripe, _endpoint(stripe, asked))


def endpoint_update(stripe: "StripeDialect", asked: Asked, params: EndpointUpdateParams) -> Shape:
    """Change what is sent."""
    endpoint = _endpoint(stripe, asked)
    _check(stripe, params.url, params.enabled_events)
    endpoint.url = params.url or endpoint.url
    if params.enabled_events is not None:
        endpoint.events = tuple(params.enabled_events)
    if params.description is not UNSET:
        endpoint.description = params.description
    if params.disabled is not None:
        endpoint.enabled = not params.disabled
    endpoint.metadata = merged(endpoint.metadata, given(params.metadata))
    return _shown(stripe, endpoint)


def endpoint_delete(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """Send nothing more."""
    del stripe.events.state.endpoints[_endpoint(stripe, asked).id]
    return {"id": asked.id, "object": "webhook_endpoint", "deleted": True}


def endpoint_list(stripe: "StripeDialect", asked: Asked, params: ListParams) -> Shape:
    """Endpoints."""
    rows = newest(stripe.events.state.endpoints)
    return page(rows, params, "/v1/webhook_endpoints", "webhook_endpoint", lambda e: e.id, lambda e: _shown(stripe, e))


# --- test clocks ------------------------------------------------------------------------------------


class ClockParams(Params, kw_only=True):
    """A new clock."""

    frozen_time: Second
    name: Annotated[str, msgspec.Meta(max_length=300)] | None = None


class AdvanceParams(Params, kw_only=True):
    """Where to."""

    frozen_time: Second


def _sandbox_only(stripe: "StripeDialect") -> None:
    if stripe.config.livemode:
        errors.refuse(400, "Test clocks are available in test mode only.")


def clock_create(stripe: "StripeDialect", asked: Asked, params: ClockParams) -> Shape:
    """A clock for some customers' invoices."""
    _sandbox_only(stripe)
    return stripe.shapes.clock(stripe.core.add_clock(params.frozen_time * 1_000_000, params.name), asked.version)


def clock_retrieve(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """A test clock: ``advancing``, then ``ready``."""
    return stripe.shapes.clock(stripe.core.clock(asked.id), asked.version)


def clock_advance(stripe: "StripeDialect", asked: Asked, params: AdvanceParams) -> Shape:
    """Move it forward; it is there a little later."""
    takes_us = int(stripe.config.clock_takes_s * 1_000_000)
    clock = stripe.core.advance_clock(asked.id, params.frozen_time * 1_000_000, takes_us)
    return stripe.shapes.clock(clock, asked.version)


def clock_delete(stripe: "StripeDialect", asked: Asked, params: Params) -> Shape:
    """Delete it with its customers."""
    stripe.core.delete_clock(asked.id)
    return {"id": asked.id, "object": "test_helpers.test_clock", "deleted": True}


def clock_list(stripe: "StripeDialect", asked: Asked, params: ListParams) -> Shape:
    """Test clocks."""
    rows, show = newest(stripe.core.state.clocks), stripe.shapes.clock
    url = "/v1/test_helpers/test_clocks"
    return page(rows, params, url, "test clock", lambda c: c.id, lambda c: show(c, asked.version))


_CLOCKS = "/v1/test_helpers/test_clocks"
_CLOCK_DOCS = "docs.stripe.com/billing/testing/test-clocks"
_HOOKS = "/v1/webhook_endpoints"
ROUTES = (
    operation("events.list", "GET", "/v1/events", event_list, "List events", EventListParams),
    operation("events.retrieve", "GET", "/v1/events/{id}", event_retrieve, "An event"),
    operation("webhook_endpoints.create", "POST", _HOOKS, endpoint_create, "Create an endpoint", EndpointParams),
    operation("webhook_endpoints.list", "GET", _HOOKS, endpoint_list, "List endpoints", ListParams),
    operation("webhook_endpoints.retrieve", "GET", f"{_HOOKS}/{{id}}", endpoint_retrieve, "An endpoint"),
    operation("webhook_endpoints.update", "POST", f"{_HOOKS}/{{id}}", endpoint_update, "Change an endpoint",
              EndpointUpdateParams),
    operation("webhook_endpoints.delete", "DELETE", f"{_HOOKS}/{{id}}", endpoint_delete, "Delete an endpoint"),
    operation("test_clocks.create", "POST", _CLOCKS, clock_create, "Create a test clock", ClockParams, _CLOCK_DOCS),
    operation("test_clocks.list", "GET", _CLOCKS, clock_list, "List test clocks", ListParams, _CLOCK_DOCS),
    operation("test_clocks.retrieve", "GET", f"{_CLOCKS}/{{id}}", clock_retrieve, "A test clock", source=_CLOCK_DOCS),
    operation("test_clocks.advance", "POST", f"{_CLOCKS}/{{id}}/advance", clock_advance, "Move a test clock",
              AdvanceParams, _CLOCK_DOCS),
    operation("test_clocks.delete", "DELETE", f"{_CLOCKS}/{{id}}", clock_delete, "Delete a test clock",
              source=_CLOCK_DOCS),
)  # fmt: skip
