"""SOAP envelopes: the body as a tree without namespaces, confirmations and faults as text."""

from xml.etree import ElementTree
from xml.sax.saxutils import escape

from o2c_twin.mock_systems.wire.message import Refused, Response

_TYPE = "text/xml; charset=utf-8"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_LARGEST = 1_000_000
NAMESPACE = "http://sap.com/xi/SAPSCORE/SFIN"


def body_of(data: bytes, root: str) -> ElementTree.Element:
    """The element ``root`` in the body of an envelope. Raises `Refused` with a fault."""
    if len(data) > _LARGEST or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise Refused(fault("the message is not accepted"))
    try:
        envelope = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError) as bad:
        raise Refused(fault(f"XML parse error: {bad}")) from bad
    for element in envelope.iter():
        element.tag = element.tag.rpartition("}")[2]
    body = envelope.find("Body") if envelope.tag == "Envelope" else None
    found = None if body is None else body.find(root)
    if found is None:
        raise Refused(fault(f"no {root} in the body"))
    return found


def said(element: ElementTree.Element, path: str) -> str:
    """The text at a path, empty where there is none."""
    return (element.findtext(path) or "").strip()


def envelope(content: str) -> Response:
    """200 with a body."""
    text = (
        f'<soap-env:Envelope xmlns:soap-env="{_ENVELOPE}"><soap-env:Header/><soap-env:Body>{content}'
        "</soap-env:Body></soap-env:Envelope>"
    )
    return Response(200, text.encode(), {"Content-Type": _TYPE})


def fault(text: str) -> Response:
    """500 with a fault, as SOAP 1.1 has it for what cannot be processed."""
    response = envelope(
        '<soap-env:Fault><faultcode>soap-env:Server</faultcode><faultstring xml:lang="en">Web service processing '
        f"error; {escape(text[:200])}</faultstring></soap-env:Fault>"
    )
    return Response(500, response.body, response.headers)
