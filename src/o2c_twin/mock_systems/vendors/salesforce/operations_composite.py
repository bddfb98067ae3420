"""Operations that hold other calls: composite, whose calls may use each other's answers, and batch."""

import re
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl, unquote

import msgspec

from o2c_twin.mock_systems.vendors.salesforce.errors import ApiError
from o2c_twin.mock_systems.vendors.salesforce.shapes import Json
from o2c_twin.mock_systems.vendors.salesforce.versions import DATA, versioned
from o2c_twin.mock_systems.wire.message import Refused, Request, Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.salesforce.dialect import SalesforceDialect

_REST = "REST API Developer Guide"
MOST_SUBREQUESTS = 25
MOST_QUERIES = 5
_HALTED = "The transaction was rolled back since another operation in the same transaction failed."
_QUERIES = frozenset(("query.run", "query.next", "queryAll.run", "queryAll.next"))
_SINGLE = _QUERIES | {
    "resources.list", "limits.read", "sobject.describeGlobal", "sobject.basic", "sobject.describe", "sobject.create",
    "sobject.read", "sobject.update", "sobject.delete", "sobject.readByKey", "sobject.upsert", "sobject.deleteByKey",
    "sobject.updated", "sobject.deleted",
}  # fmt: skip
_COLLECTIONS = frozenset(
    ("collection.create", "collection.read", "collection.update", "collection.upsert", "collection.delete")
)


_Method = Annotated[str, msgspec.Meta(min_length=1)]


class Subrequest(msgspec.Struct, rename="camel"):
    """One call inside a composite."""

    method: _Method
    url: str
    reference_id: str
    body: Any = None
    http_headers: dict[str, str] = {}


class Composite(msgspec.Struct, rename="camel"):
    """Calls that may name each other's answers."""

    composite_request: list[Subrequest]
    all_or_none: bool = False
    collate_subrequests: bool = False


class BatchRequest(msgspec.Struct, rename="camel"):
    """One call inside a batch."""

    method: _Method
    url: str
    rich_input: Any = None


class Batch(msgspec.Struct, rename="camel"):
    """Calls that have nothing to do with each other."""

    batch_requests: list[BatchRequest]
    halt_on_error: bool = False


class _Undone(Exception):
    """Leaves a block of changes that is not to be."""


# --- Calls within a call -----------------------------------------------------------------------


def _inner(
    dialect: "SalesforceDialect", outer: Call, method: str, url: str, headers: dict[str, str], body: Any
) -> Call:
    path, _, query = url.partition("?")
    request = Request(
        method.upper(),
        unquote(path),
        dict(parse_qsl(query, keep_blank_values=True)),
        {**outer.request.headers, **{name.lower(): value for name, value in headers.items()}},
        b"",
        outer.request.url,
    )
    return Call(request, {}, outer.principal, outer.now, {} if body is None else body)


def _run(dialect: "SalesforceDialect", call: Call, allowed: frozenset[str]) -> Response:
    """The answer to a call inside another; errors are answers too."""
    request = call.request
    found = dialect.router.find(request.method, request.path)
    if not isinstance(found, tuple):
        return dialect.not_modelled(request, found)
    operation, call.params = found
    if operation.name not in allowed:
        message = f"The request {request.method} {request.path} cannot be part of this one"
        return ApiError(400, "INVALID_BATCH_REQUEST", message).answer()
    try:
        if operation.body is not None:
            call.body = msgspec.convert(call.body, operation.body)
        return operation.handler(dialect, call)
    except msgspec.ValidationError as bad:
        return dialect.malformed(request, str(bad))
    except Refused as refusal:
        return refusal.response


def _raw(response: Response) -> msgspec.Raw | None:
    return msgspec.Raw(response.body) if response.body else None


# --- Composite ---------------------------------------------------------------------------------

_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d+\])*)\}")
_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+)\]")
_LEGAL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")


class _References:
    """Answers by reference id, and the strings that name parts of them."""

    def __init__(self) -> None:
        self._answers: dict[str, Response] = {}
        self._decoded: dict[str, Any] = {}

    def add(self, name: str, response: Response) -> None:
        self._answers[name] = response

    def fill(self, value: Any) -> Any:
        """``value`` with every reference replaced. Raises `ApiError` for one that leads nowhere."""
        if isinstance(value, str):
            if "@{" not in value:
                return value
            whole = _REFERENCE.fullmatch(value)
            return self._value(whole) if whole else _REFERENCE.sub(lambda match: str(self._value(match)), value)
        if isinstance(value, dict):
            return {name: self.fill(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.fill(each) for each in value]
        return value

    def _value(self, match: re.Match[str]) -> Any:
        name, path = match.groups()
        response = self._answers.get(name)
        if response is not None and name not in self._decoded:
            good = response.status < 300 and response.body
            self._decoded[name] = msgspec.json.decode(response.body) if good else None
        value = self._decoded.get(name)
        for key, index in _STEP.findall(path):
            if key:
                value = value.get(key) if isinstance(value, dict) else None
            else:
                value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
        if value is None or isinstance(value, (dict, list)):
            message = f"Invalid reference specified. No value for {name}{path} found in {name}"
            raise ApiError(400, "PROCESSING_HALTED", message)
        return value


@versioned
def composite(dialect: "SalesforceDialect", call: Call) -> Response:
    """Several calls, of which later ones may use what earlier ones answered; all of them or none, if asked."""
    body: Composite = call.body
    _check_composite(body)
    answers: list[Response] = []
    try:
        with dialect.core.whole() if body.all_or_none else nullcontext():
            references = _References()
            for each in body.composite_request:
                response = _subrequest(dialect, call, each, references, body.all_or_none)
                references.add(each.reference_id, response)
                answers.append(response)
                if body.all_or_none and _failed(response, each.url):
                    raise _Undone
    except _Undone:
        failed = len(answers) - 1
        halted = ApiError(400, "PROCESSING_HALTED", _HALTED).answer()
        answers = [answers[i] if i == failed else halted for i in range(len(body.composite_request))]
    return json_response(
        200,
        {
            "compositeResponse": [
                {
                    "body": _raw(response),
                    "httpHeaders": {k: v for k, v in response.headers.items() if k in ("Location", "ETag")},
                    "httpStatusCode": response.status,
                    "referenceId": each.reference_id,
                }
                for each, response in zip(body.composite_request, answers, strict=True)
            ]
        },
    )


def _failed(response: Response, url: str) -> bool:
    """Whether a subrequest undoes the others; a collection does by one bad record."""
    if response.status >= 300:
        return True
    if "/composite/sobjects" not in url:
        return False
    return not all(row.get("success", True) for row in msgspec.json.decode(response.body) if row is not None)


def _check_composite(body: Composite) -> None:
    names = [each.reference_id for each in body.composite_request]
    if not names or len(names) > MOST_SUBREQUESTS:
        message = f"a composite holds 1 to {MOST_SUBREQUESTS} subrequests, not {len(names)}"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    if len(set(names)) < len(names):
        raise ApiError(400, "INVALID_INPUT", "referenceId must be unique within a composite")
    for name in names:
        if not _LEGAL_ID.fullmatch(name):
            message = (
                f"Provided referenceId ('{name}') must start with a letter or a number, and it can contain only "
                "letters, numbers and underscores ('_')."
            )
            raise ApiError(400, "INVALID_INPUT", message)
    queries = sum(1 for each in body.composite_request if "/query" in each.url or "/composite/sobjects" in each.url)
    if queries > MOST_QUERIES:
        message = f"at most {MOST_QUERIES} subrequests may be queries or collections, not {queries}"
        raise ApiError(400, "LIMIT_EXCEEDED", message)


def _subrequest(
    dialect: "SalesforceDialect", call: Call, each: Subrequest, references: _References, all_or_none: bool
) -> Response:
    try:
        inner = _inner(
            dialect, call, each.method, references.fill(each.url), each.http_headers, references.fill(each.body)
        )
    except ApiError as nowhere:
        return nowhere.response
    if all_or_none and "/composite/sobjects" in inner.request.path:
        # The outer flag holds for collections inside, whatever they say themselves.
        if isinstance(inner.body, dict) and inner.request.method != "DELETE":
            inner.body = {**inner.body, "allOrNone": True}
        inner.request.query["allOrNone"] = "true"
    return _run(dialect, inner, _SINGLE | _COLLECTIONS)


# --- Batch -------------------------------------------------------------------------------------


@versioned
def batch(dialect: "SalesforceDialect", call: Call) -> Response:
    """Several calls, each for itself."""
    body: Batch = call.body
    count = len(body.batch_requests)
    if not count or count > MOST_SUBREQUESTS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"a batch holds 1 to {MOST_SUBREQUESTS} subrequests, not {count}")
    # Each counts as a call; the batch itself has been counted as the first.
    verdict = dialect.limiter.admit(call.principal, count - 1, call.now)
    if verdict is not None:
        raise Refused(dialect.throttled(verdict, call.now), throttled=True)
    results: list[Json] = []
    failed = False
    for each in body.batch_requests:
        if failed and body.halt_on_error:
            halted = [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}]
            results.append({"statusCode": 412, "result": halted})
            continue
        url = each.url if each.url.startswith("/") else f"/services/data/{each.url}"
        inner = _inner(dialect, call, each.method, url, {}, each.rich_input)
        response = _run(dialect, inner, _SINGLE)
        failed = failed or response.status >= 400
        results.append({"statusCode": response.status, "result": _raw(response)})
    return json_response(200, {"hasErrors": failed, "results": results})


COMPOSITE_ROUTES: tuple[Operation, ...] = (
    Operation(
        "composite.run",
        "POST",
        f"{DATA}/composite",
        composite,
        "Calls that use each other's answers",
        body=Composite,
        source=f"{_REST}, Composite",
    ),
    Operation(
        "composite.batch",
        "POST",
        f"{DATA}/composite/batch",
        batch,
        "Calls that do not",
        body=Batch,
        source=f"{_REST}, Composite Batch",
    ),
)
