"""``$batch``: reads and change sets in one call; a change set that fails leaves nothing, and one answer.

Source: SAP Gateway Foundation, "Batch Processing"; MS-ODATA 2.2.7.6.
"""

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from o2c_twin.mock_systems.vendors.s4hana import errors
from o2c_twin.mock_systems.vendors.s4hana.edm import Service
from o2c_twin.mock_systems.wire.message import Refused, Request, Response
from o2c_twin.mock_systems.wire.odata import (
    BatchReply,
    BatchRequest,
    ChangeSet,
    ChangeSetReply,
    join_batch,
    split_batch,
)
from o2c_twin.mock_systems.wire.route import Call, Handler

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.s4hana.dialect import S4HanaDialect

_SESSION = ("authorization", "cookie", "x-csrf-token")


def batch(service: Service) -> Handler:
    """The batch of one service; its parts are of that service too."""

    def handle(dialect: "S4HanaDialect", call: Call) -> Response:
        kind = call.request.headers.get("content-type", "")
        replies: list[BatchReply | ChangeSetReply] = []
        for part in split_batch(kind, call.request.body):
            if isinstance(part, ChangeSet):
                replies.append(_change_set(dialect, call, service, part))
            elif part.method != "GET":
                replies.append(_reply(errors.problem(400, errors.GENERIC, "A change belongs into a change set"), part))
            else:
                replies.append(_reply(_run(dialect, call, service, part, part.target), part))
        boundary = f"{call.now:X}{len(call.request.body):X}"
        content_type, body = join_batch(kind, replies, boundary)
        return Response(202, body, {"Content-Type": content_type, "dataserviceversion": "2.0"})

    return handle


def _reply(response: Response, request: BatchRequest) -> BatchReply:
    return BatchReply(response.status, response.headers, response.body, request.id)


def _change_set(dialect: "S4HanaDialect", call: Call, service: Service, part: ChangeSet) -> BatchReply | ChangeSetReply:
    # One change is whole or nothing by itself; of several the first ones may have to be taken back.
    before = dialect.snapshot() if len(part.requests) > 1 else None
    replies: list[BatchReply] = []
    addresses: dict[str, str] = {}
    with dialect.pushes.held() as held:
        for request in part.requests:
            response = _run(dialect, call, service, request, _resolved(request.target, addresses))
            if response.status >= 300:
                if before is not None:
                    held.clear()
                    dialect.restore(before)
                return _reply(response, request)
            if request.id is not None and "Location" in response.headers:
                addresses[request.id] = response.headers["Location"]
            replies.append(_reply(response, request))
    return ChangeSetReply(tuple(replies))


def _resolved(target: str, addresses: dict[str, str]) -> str:
    """``$1/...`` names what the request with that Content-ID made."""
    if not target.startswith("$"):
        return target
    first, slash, rest = target[1:].partition("/")
    return addresses[first] + slash + rest if first in addresses else target


def _run(dialect: "S4HanaDialect", call: Call, service: Service, part: BatchRequest, target: str) -> Response:
    address = urlsplit(target)
    path = unquote(address.path)
    if not path.startswith("/"):
        path = f"{service.root}/{path}"
    found = dialect.router.find(part.method, path)
    inside = path == service.root or path.startswith(service.root + "/")
    query = dict(parse_qsl(address.query, keep_blank_values=True))
    session = {name: call.request.headers[name] for name in _SESSION if name in call.request.headers}
    request = Request(part.method, path, query, {**part.headers, **session}, part.body, call.request.url)
    if not inside or path.endswith("/$batch") or not isinstance(found, tuple):
        return dialect.not_modelled(request, found if isinstance(found, set) else None)
    operation, params = found
    inner = Call(request, params, call.principal, call.now)
    if operation.body is not None:
        try:
            inner.body = dialect.decoder(operation).decode(part.body or b"{}")
        except msgspec.DecodeError as bad:
            return dialect.malformed(request, str(bad))
    try:
        return operation.handler(dialect, inner)
    except Refused as refusal:
        return refusal.response
