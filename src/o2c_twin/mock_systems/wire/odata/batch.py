"""The ``$batch`` codec: several requests in one, as multipart/mixed or (version 4) as JSON.

Sources: MS-ODATA 2.2.7.6 (batch request, V2); OASIS OData 4.01 Protocol 11.7 and JSON Format 19 (V4).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

import msgspec

from o2c_twin.mock_systems.wire.odata.errors import ODataError

_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))', re.IGNORECASE)
_REQUEST = re.compile(r"([A-Z]+) (\S+)(?: HTTP/1\.[01])?")
_BLANK = re.compile(rb"\r?\n\r?\n")
_LINE = re.compile(r"\r?\n")
_MOST = 1000


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """One request of a batch. ``target`` is as sent: absolute, or relative to the service root, percent-encoded.

    Header names are in lower case. ``id`` is its Content-ID or JSON id; ``depends_on`` the ids (JSON) of those that
    must have succeeded.
    """

    method: str
    target: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    id: str | None = None
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Requests that happen all or not at all. ``id`` is the JSON ``atomicityGroup``."""

    requests: tuple[BatchRequest, ...]
    id: str | None = None


@dataclass(frozen=True, slots=True)
class BatchReply:
    """One answer of a batch; a change set that failed is answered with one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ChangeSetReply:
    """The answers of a change set that was done."""

    replies: tuple[BatchReply, ...]
    id: str | None = None


def split_batch(content_type: str, body: bytes) -> tuple[BatchRequest | ChangeSet, ...]:
    """The requests of a batch. Raises `ODataError`; ``position`` counts bytes."""
    if _is_json(content_type):
        return _split_json(body)
    return tuple([_part(part, at) for part, at in _parts(body, _boundary(content_type), 0)])


def join_batch(
    content_type: str, replies: Sequence[BatchReply | ChangeSetReply], boundary: str = "batch"
) -> tuple[str, bytes]:
    """The answer to a batch whose request had that content type: its content type and body."""
    if _is_json(content_type):
        return "application/json;odata.metadata=minimal", _joined_json(replies)
    out = bytearray()
    for number, reply in enumerate(replies):
        out += b"--%s\r\n" % boundary.encode()
        if isinstance(reply, BatchReply):
            out += _written(reply)
            continue
        inner = f"{boundary}_changeset_{number}"
        content = b"".join([b"--%s\r\n%s" % (inner.encode(), _written(one)) for one in reply.replies])
        content += b"--%s--\r\n" % inner.encode()
        out += b"Content-Type: multipart/mixed; boundary=%s\r\n" % inner.encode()
        out += b"Content-Length: %d\r\n\r\n%s\r\n" % (len(content), content)
    out += b"--%s--\r\n" % boundary.encode()
    return f"multipart/mixed; boundary={boundary}", bytes(out)


def _is_json(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == "application/json"


# --- multipart -----------------------------------------------------------------------------------


def _boundary(content_type: str) -> bytes:
    match = _BOUNDARY.search(content_type)
    if not content_type.strip().lower().startswith("multipart/mixed") or match is None:
        raise ODataError(f"not multipart/mixed with a boundary: {content_type[:60]!r}", 0, "$batch")
    try:
        return (match[1] or match[2]).encode("ascii")
    except UnicodeEncodeError as bad:
        raise ODataError("the boundary is not ASCII", 0, "$batch") from bad


def _parts(body: bytes, boundary: bytes, base: int) -> list[tuple[bytes, int]]:
    delimiter = re.compile(rb"(?:^|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|$)")
    marks = list(delimiter.finditer(body))
    if not marks:
        raise ODataError("the boundary does not occur", base, "$batch")
    found: list[tuple[bytes, int]] = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        if mark[1]:
            return found
        if following is None:
            break
        start = mark.end() + (2 if body[mark.end() : mark.end() + 2] == b"\r\n" else 1)
        # An empty line may belong to the mark before and the one after.
        found.append((body[min(start, following.start()) : following.start()], base + start))
        if len(found) > _MOST:
            raise ODataError(f"more than {_MOST} parts", base + start, "$batch")
    raise ODataError("the closing boundary is missing", base + len(body), "$batch")


def _headers(block: bytes, at: int) -> dict[str, str]:
    try:
        lines = _LINE.split(block.decode("utf-8"))
    except UnicodeDecodeError as bad:
        raise ODataError("headers are not UTF-8", at, "$batch") from bad
    headers: dict[str, str] = {}
    for line in lines:
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise ODataError(f"not a header: {line[:60]!r}", at, "$batch")
        headers[name.strip().lower()] = value.strip()
    return headers


def _cut(content: bytes) -> tuple[bytes, bytes, int]:
    """What stands before and after the first empty line, and where that begins."""
    match = _BLANK.search(content)
    if match is None:
        return content, b"", len(content)
    return content[: match.start()], content[match.end() :], match.end()


def _part(content: bytes, at: int) -> BatchRequest | ChangeSet:
    head, rest, start = _cut(content)
    headers = _headers(head, at)
    kind = headers.get("content-type", "")
    if kind.lower().startswith("multipart/mixed"):
        inner = [_part(part, where) for part, where in _parts(rest, _boundary(kind), at + start)]
        requests = [one for one in inner if isinstance(one, BatchRequest)]
        if len(requests) < len(inner):
            raise ODataError("a change set within a change set", at, "$batch")
        for one in requests:
            if one.method in ("GET", "HEAD"):
                raise ODataError("a change set holds no GET", at, "$batch")
        return ChangeSet(tuple(requests))
    if not kind.lower().startswith("application/http"):
        raise ODataError(f"a part is application/http or multipart/mixed, not {kind[:60]!r}", at, "$batch")
    return _request(rest.lstrip(b"\r\n"), at + start, headers.get("content-id"))


def _request(content: bytes, at: int, content_id: str | None) -> BatchRequest:
    line, _, rest = content.partition(b"\n")
    match = _REQUEST.fullmatch(line.decode("utf-8", "replace").strip())
    if match is None:
        raise ODataError(f"not a request line: {line[:60]!r}", at, "$batch")
    # Without headers the empty line follows at once.
    head, body, _ = _cut(b"\r\n" + rest)
    headers = _headers(head, at + len(line))
    size = headers.get("content-length", "")
    body = body[: int(size)] if size.isascii() and size.isdecimal() and len(size) < 12 else body.rstrip(b"\r\n")
    return BatchRequest(match[1], match[2], headers, body, content_id or headers.get("content-id"))


def _written(reply: BatchReply) -> bytes:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {reply.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items() if name.lower() != "content-length"]
    lines.append(f"Content-Length: {len(reply.body)}")
    inner = "\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body
    outer = ["Content-Type: application/http", f"Content-Length: {len(inner)}", "content-transfer-encoding: binary"]
    if reply.id is not None:
        outer.append(f"Content-ID: {reply.id}")
    return "\r\n".join(outer).encode() + b"\r\n\r\n" + inner + b"\r\n"


# --- JSON ----------------------------------------------------------------------------------------


class _JsonRequest(msgspec.Struct):
    id: str
    method: str
    url: str
    headers: dict[str, str] = {}
    body: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    atomicity_group: str | None = msgspec.field(name="atomicityGroup", default=None)
    depends_on: list[str] = msgspec.field(name="dependsOn", default=[])


class _JsonBatch(msgspec.Struct):
    requests: list[_JsonRequest]


_DECODER = msgspec.json.Decoder(_JsonBatch)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def _split_json(body: bytes) -> tuple[BatchRequest | ChangeSet, ...]:
    try:
        rows = _DECODER.decode(body).requests
    except msgspec.DecodeError as bad:
        raise ODataError(f"not a JSON batch: {bad}", 0, "$batch") from bad
    if len(rows) > _MOST:
        raise ODataError(f"more than {_MOST} requests", 0, "$batch")
    found: list[BatchRequest | ChangeSet] = []
    seen: dict[str, None] = {}
    closed: dict[str, None] = {}
    group: list[BatchRequest] = []
    open_group: str | None = None
    for row in rows:
        for known in (row.id, row.atomicity_group):
            if known in seen:
                raise ODataError(f"the id {known!r} occurs twice", 0, "$batch")
        unknown = [name for name in row.depends_on if name not in seen and name not in closed and name != open_group]
        if unknown:
            raise ODataError(f"{row.id!r} depends on {unknown[0]!r}, which does not come before", 0, "$batch")
        seen[row.id] = None
        if row.atomicity_group != open_group:
            if open_group is not None:
                found.append(ChangeSet(tuple(group), open_group))
                closed[open_group] = None
                group = []
            open_group = row.atomicity_group
            if open_group in closed:
                raise ODataError(f"the group {open_group!r} is not in one piece", 0, "$batch")
        request = BatchRequest(
            row.method.upper(),
            row.url,
            {name.lower(): value for name, value in row.headers.items()},
            b"" if row.body is msgspec.UNSET else bytes(row.body),
            row.id,
            tuple(row.depends_on),
        )
        if open_group is None:
            found.append(request)
        else:
            group.append(request)
    if open_group is not None:
        found.append(ChangeSet(tuple(group), open_group))
    return tuple(found)


def _joined_json(replies: Sequence[BatchReply | ChangeSetReply]) -> bytes:
    rows: list[dict[str, Any]] = []
    for reply in replies:
        if isinstance(reply, BatchReply):
            rows.append(_json_reply(reply, None))
        else:
            rows += [_json_reply(one, reply.id) for one in reply.replies]
    return _ENCODER.encode({"responses": rows})


def _json_reply(reply: BatchReply, group: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {"id": reply.id or "", "status": reply.status}
    if group is not None:
        row["atomicityGroup"] = group
    row["headers"] = {name.lower(): value for name, value in reply.headers.items()}
    if reply.body:
        kind: Literal["json", "text"] = "json" if "json" in row["headers"].get("content-type", "json") else "text"
        row["body"] = msgspec.Raw(reply.body) if kind == "json" else reply.body.decode("utf-8", "replace")
    return row
