"""``$batch``: several operations in one call, in order, and with ``Isolation: snapshot`` all or none of them.

Sources: OASIS OData JSON Format 4.01, 19; Microsoft Learn, "Using OData transactional $batch requests".
"""

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from o2c_twin.mock_systems.vendors.business_central.errors import bad_request, error
from o2c_twin.mock_systems.vendors.business_central.limits import MOST_BATCHED
from o2c_twin.mock_systems.vendors.business_central.serving import enter
from o2c_twin.mock_systems.wire.message import Refused, Request, Response
from o2c_twin.mock_systems.wire.odata import (
    BatchReply,
    BatchRequest,
    ChangeSet,
    ChangeSetReply,
    ODataError,
    join_batch,
    split_batch,
)
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.business_central.dialect import BusinessCentralDialect


def batch(dialect: "BusinessCentralDialect", call: Call) -> Response:
    """POST $batch, as JSON or multipart."""
    enter(dialect, call)
    headers = call.request.headers
    kind = headers.get("content-type", "")
    try:
        parts = split_batch(kind, call.request.body)
    except ODataError as bad:
        bad_request(f"The batch request is not valid: {bad}")
    count = sum(len(part.requests) if isinstance(part, ChangeSet) else 1 for part in parts)
    if count > MOST_BATCHED:
        bad_request(f"The batch request has {count} operations; the maximum is {MOST_BATCHED}.")
    if headers.get("isolation", "").lower() == "snapshot":
        replies = _together(dialect, call, parts)
    else:
        go_on = "continue-on-error" in headers.get("prefer", "") and "continue-on-error=false" not in headers["prefer"]
        replies = _one_by_one(dialect, call, parts, go_on)
    answered, content = join_batch(kind, replies)
    return Response(200, content, {"Content-Type": answered, "OData-Version": "4.0"})


def _one_by_one(
    dialect: "BusinessCentralDialect", call: Call, parts: tuple[BatchRequest | ChangeSet, ...], go_on: bool
) -> list[BatchReply | ChangeSetReply]:
    replies: list[BatchReply | ChangeSetReply] = []
    ended: dict[str, int] = {}
    for part in parts:
        if isinstance(part, ChangeSet):
            done = _together(dialect, call, part.requests)
            failed = next((r for r in done if isinstance(r, BatchReply) and r.status >= 400), None)
            answers = tuple(r for r in done if isinstance(r, BatchReply))
            replies.append(ChangeSetReply(answers, part.id) if failed is None else failed)
            if failed is not None and not go_on:
                break
            continue
        if any(ended.get(id_, 500) >= 400 for id_ in part.depends_on):
            reply = _reply(part, error(424, "BadRequest", "A request this one depends on has failed."))
        else:
            reply = _reply(part, _one(dialect, call, part))
        if part.id is not None:
            ended[part.id] = reply.status
        replies.append(reply)
        if reply.status >= 400 and not go_on:
            break
    return replies


def _together(
    dialect: "BusinessCentralDialect", call: Call, parts: tuple[BatchRequest | ChangeSet, ...]
) -> list[BatchReply | ChangeSetReply]:
    """All or none: the state before is brought back when one fails, and its answer alone is given."""
    requests = [r for part in parts for r in (part.requests if isinstance(part, ChangeSet) else (part,))]
    undo = dialect.undo_point(any(_reaches_core(r) for r in requests[:-1]))
    replies: list[BatchReply | ChangeSetReply] = []
    for request in requests:
        reply = _reply(request, _one(dialect, call, request))
        if reply.status >= 400:
            undo()
            return [reply]
        replies.append(reply)
    return replies


def _reaches_core(request: BatchRequest) -> bool:
    """Whether an operation changes more than the dialect's own state, which costs little to copy."""
    if request.method == "PATCH" and "salesOrderLines" in request.target:
        return False
    return request.method != "GET" and "customerPayment" not in request.target


def _reply(request: BatchRequest, response: Response) -> BatchReply:
    return BatchReply(response.status, response.headers, response.body, request.id)


def _one(dialect: "BusinessCentralDialect", call: Call, request: BatchRequest) -> Response:
    split = urlsplit(request.target)
    path = unquote(split.path)
    if not split.scheme and not path.startswith("/"):
        path = f"{dialect.config.root}/{path}"
    query = dict(parse_qsl(split.query, keep_blank_values=True))
    inner = Request(
        request.method,
        path,
        query,
        request.headers,
        request.body,
        call.request.url,
        split.path if split.scheme else path,
    )
    found = dialect.router.find(request.method, path)
    if not isinstance(found, tuple):
        return dialect.not_modelled(inner, found)
    operation, params = found
    if operation.name == "batch" or operation.open or operation.asks is not None:
        return error(400, "BadRequest", "A batch cannot hold this request.")
    made = Call(inner, params, call.principal, call.now)
    if operation.body is not None:
        try:
            made.body = dialect.decode(request.body or b"{}")
        except msgspec.DecodeError as bad:
            return dialect.malformed(inner, str(bad))
    try:
        return operation.handler(dialect, made)
    except Refused as refusal:
        return refusal.response
