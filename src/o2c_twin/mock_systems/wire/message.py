"""Request and response: bytes in, bytes out, whatever the transport."""

from collections.abc import Mapping
from typing import Any

import msgspec


class Request(msgspec.Struct, gc=False):
    """One HTTP request as a system sees it.

    ``path`` is percent-decoded and has no query; ``headers`` have lower-case names. ``url`` is
    scheme and authority as the client addressed them (signatures and links need it). ``raw_path``
    is the path as it was sent, percent-encoded; empty when the driver has only the decoded one.
    """

    method: str
    path: str
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes = b""
    url: str = "http://localhost"
    raw_path: str = ""


class Response(msgspec.Struct, gc=False):
    """One HTTP response. ``headers`` keep the vendor's own spelling."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = {}


class Refused(Exception):
    """Raised by a handler or a layer to answer with ``response`` and change nothing.

    ``throttled`` marks an answer that asks the client to slow down, whatever status the vendor gives it.
    """

    def __init__(self, response: Response, throttled: bool = False) -> None:
        super().__init__(response.status)
        self.response = response
        self.throttled = throttled or response.status == 429


class NotModelled(Refused):
    """Raised by a handler whose path names something the mock does not have; the journal says ``not modelled``.

    For vendors that address many kinds of record in one form, such as ``customers(1)``, so that routing cannot tell.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(response)


class TransportFault(Exception):
    """The client gets no usable answer: what the network did to this call.

    ``kind`` is ``refused`` (never reached the system), ``reset`` (connection dropped) or
    ``silent`` (no answer until the client gives up). ``applied`` tells the truth, which a client
    cannot see: whether the system had already made the change.
    """

    def __init__(self, kind: str, applied: bool) -> None:
        super().__init__(kind)
        self.kind = kind
        self.applied = applied


_ENCODER = msgspec.json.Encoder(decimal_format="number")
JSON_TYPE = "application/json;charset=UTF-8"


def json_response(
    status: int, value: Any, headers: Mapping[str, str] | None = None, content_type: str = JSON_TYPE
) -> Response:
    """A response with ``value`` as JSON; Decimal is written as a JSON number, exactly."""
    answer = {"Content-Type": content_type}
    if headers:
        answer.update(headers)
    return Response(status, _ENCODER.encode(value), answer)
