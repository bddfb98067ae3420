"""What every call goes through: version, idempotency key, parameters, the work, ``expand``, the answer.

Idempotency (docs.stripe.com/api/idempotent_requests): a key on a POST is remembered for a day with the status
and body of the first answer, whatever it was; an answer to parameters that do not pass, or to a call refused
because another was under way, is not remembered.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from o2c_twin.mock_systems.roles.billing import Declined
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.mock_systems.vendors.stripe import errors, expansion, forms
from o2c_twin.mock_systems.vendors.stripe.shapes import Shape
from o2c_twin.mock_systems.vendors.stripe.versions import Version
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Handler, Operation, Standing

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.stripe.dialect import StripeDialect

REPLAYED = "Idempotent-Replayed"
_LONGEST_KEY = 255


class Asked(msgspec.Struct, gc=False):
    """One call, read: the id in its path, its API version, the instant, all parameters of the path."""

    id: str
    version: Version
    now: int
    params: dict[str, str]


Work = Callable[["StripeDialect", Asked, Any], Shape]


class Remembered(msgspec.Struct, gc=False):
    """The first answer to a key."""

    at: int
    asked: bytes
    status: int
    body: bytes


def served(work: Work, params: type[forms.Params], kind: str) -> Handler:
    """A handler that reads ``params``, does ``work`` and shows what it gives: a record of that ``kind``."""

    def handler(stripe: "StripeDialect", call: Call) -> Response:
        request = call.request
        as_of = stripe.version_of(request)
        stripe.core.run_due()
        key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
        asked = b""
        if key:
            if len(key) > _LONGEST_KEY:
                errors.refuse(400, f"An idempotency key has {_LONGEST_KEY} characters at most.")
            asked = _fingerprint(request.path, request.body)
            known = stripe.remembered(key, call.now)
            if known is not None:
                return _again(known, asked, key)
        if request.method == "POST":
            _check_type(request.headers.get("content-type", ""), request.body)
            tree = forms.read_body(request.body)
            if request.query:
                tree = {**forms.read_query(request.query), **tree}
        else:
            tree = forms.read_query(request.query)
        read = forms.typed(tree, params)
        if read.expand:
            expansion.check(read.expand, kind, as_of)
        stripe.events.request_id, stripe.events.key = stripe.request_id, key or None
        try:
            response = _work(stripe, work, read, Asked(call.params.get("id", ""), as_of, call.now, call.params))
        finally:
            stripe.events.request_id = stripe.events.key = None
        response.headers["Stripe-Version"] = as_of.name
        if key:
            response.headers["Idempotency-Key"] = key
            if response.status != 429:
                stripe.remember(key, Remembered(call.now, asked, response.status, response.body))
        return response

    return handler


def _work(stripe: "StripeDialect", work: Work, read: Any, asked: Asked) -> Response:
    # A test token becomes a payment method before the rest of the call can be refused.
    before = len(stripe.core.state.instruments)
    try:
        shown = work(stripe, asked, read)
        if read.expand:
            stripe.finder.expand(shown, read.expand, asked.version)
    except RuleError as rule:
        stripe.core.forget_instruments(before)
        payment = stripe.core.state.payments.get(asked.id)
        intent = None if payment is None else stripe.shapes.payment(payment, asked.version)
        return errors.ruled(rule, asked.id, intent)
    except Declined as refused:
        return errors.declined(refused, stripe.shapes.payment(refused.payment, asked.version))
    except Refused as refusal:
        stripe.core.forget_instruments(before)
        return refusal.response
    shown.pop("_total", None)
    return json_response(200, shown, None, errors.JSON)


def _fingerprint(path: str, body: bytes) -> bytes:
    return blake2b(path.encode() + b"\n" + body, digest_size=16).digest()


def _again(known: Remembered, asked: bytes, key: str) -> Response:
    if known.asked != asked:
        message = (
            f"Keys for idempotent requests can only be used with the same parameters they were first used with. "
            f"Try using a key other than '{key}' if you meant to execute a different request."
        )
        return errors.problem(400, message, type_="idempotency_error")
    return Response(known.status, known.body, {"Content-Type": errors.JSON, "Idempotency-Key": key, REPLAYED: "true"})


def _check_type(content_type: str, body: bytes) -> None:
    if body and content_type.partition(";")[0].strip().lower() not in ("application/x-www-form-urlencoded", ""):
        errors.refuse(400, "Invalid request (check that your POST content type is application/x-www-form-urlencoded).")


def operation(
    name: str,
    method: str,
    path: str,
    work: Work,
    summary: str,
    params: type[forms.Params] = forms.Params,
    source: str = "API reference",
    standing: Standing = "documented",
) -> Operation:
    """An operation whose body is a form."""
    tag = name.partition(".")[0]
    return Operation(
        name,
        method,
        path,
        served(work, params, expansion.kind_of(name)),
        summary,
        standing=standing,
        source=source,
        tags=(tag,),
    )
