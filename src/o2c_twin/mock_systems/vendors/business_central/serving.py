"""What all operations do: check the address, find records, check ETags, answer with a record."""

from typing import TYPE_CHECKING, Any

from o2c_twin.mock_systems.vendors.business_central.bodies import Body, read_body
from o2c_twin.mock_systems.vendors.business_central.entities import EntityType
from o2c_twin.mock_systems.vendors.business_central.errors import (
    JSON,
    bad_request,
    error,
    no_record,
    not_there,
    refuse,
)
from o2c_twin.mock_systems.vendors.business_central.reading import etag_of, options, shown
from o2c_twin.mock_systems.vendors.business_central.sources import LISTED, Source
from o2c_twin.mock_systems.wire.message import Refused, Response, json_response
from o2c_twin.mock_systems.wire.odata import ODataError, ODataQuery, parse_key
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.business_central.dialect import BusinessCentralDialect

CHANNEL = "api"
NOTHING_ASKED = ODataQuery()


def enter(dialect: "BusinessCentralDialect", call: Call, set_: str = "") -> None:
    """Check tenant, environment, company and permission. Raises `Refused`."""
    params = call.params
    if params["tenant"] != dialect.config.tenant or params["environment"] != dialect.config.environment:
        refuse(404, "BadRequest_NotFound", f"The environment '{params['environment'][:60]}' does not exist.")
    company = params.get("company")
    if company is not None and company != dialect.company_segment:
        name, key = _key(company)
        if name != "companies":
            not_there(call.request.path)
        if key.lower() != dialect.company_id:
            refuse(404, "Internal_CompanyNotFound", "The company could not be found.")
    if set_ and set_ in dialect.login.app(call.principal).denied:
        refuse(403, "Authorization_RequestDenied", f"You do not have permission to use {set_}.")


def _key(segment: str) -> tuple[str, str]:
    """Name and key of a path segment. Raises `Refused`."""
    try:
        read = parse_key(segment, 4)
        return read.name, "" if read.values is None else str(read.under(("id",))["id"])
    except ODataError:
        bad_request("The key in the request URI is not valid.")


def segment_key(segment: str) -> tuple[str, str]:
    """Name and key of a path segment such as ``customers(<guid>)``. Raises `Refused`."""
    # The usual form, without the cost of reading a language.
    name, bracket, rest = segment.partition("(")
    if bracket and len(rest) == 37 and rest[-1] == ")" and rest[8] == "-":
        return name, rest[:36].lower()
    name, key = _key(segment)
    return name, key.lower()


def addressed(dialect: "BusinessCentralDialect", call: Call, segment: str = "record") -> tuple[Source, Any]:
    """The set and the record a path segment names. Raises `Refused`: 404 for both."""
    name, key = segment_key(call.params[segment])
    source = LISTED.get(name)
    if source is None:
        not_there(call.request.path)
    if not key:
        raise Refused(not_allowed(call.request.method))
    enter(dialect, call, name)
    record = source.find(dialect, key)
    if record is None:
        no_record()
    return source, record


def not_allowed(method: str) -> Response:
    """405."""
    return error(405, "BadRequest_MethodNotAllowed", f"'{method}' requests are not allowed for this resource.")


def of_set(dialect: "BusinessCentralDialect", call: Call, set_: str) -> Any:
    """The record a path names, which must be of that set. Raises `Refused`."""
    source, record = addressed(dialect, call)
    if source.type.set != set_:
        not_there(call.request.path)
    return record


def check_etag(dialect: "BusinessCentralDialect", call: Call, shape: dict[str, Any], required: bool = False) -> None:
    """Raise `Refused` when the client's ETag is missing where it must be, malformed, or stale."""
    sent = call.request.headers.get("if-match", "").strip()
    oddities = dialect.oddities
    if not sent:
        if required and oddities.etag_required:
            bad_request("The request must include an If-Match header with the ETag.", "BadRequest_InvalidToken")
        return
    if sent == "*":
        return
    if not (sent.startswith('W/"') and sent.endswith('"')):
        bad_request("The ETag value in the If-Match header is not valid.", "BadRequest_InvalidToken")
    if sent != etag_of(shape):
        status = 409 if oddities.stale_etag_is_409 else 412
        refuse(status, "Request_EntityChanged", "Another user has already changed the record.")


def body_of(dialect: "BusinessCentralDialect", call: Call, entity: EntityType) -> Body:
    """The body of a call as a record of that type. Raises `Refused`, also for query options the answer cannot keep."""
    if call.request.query:
        options(dialect, call, entity)
    return read_body(entity, call.body, dialect.oddities.code_fields_uppercase)


def answer(dialect: "BusinessCentralDialect", call: Call, source: Source, record: Any, status: int = 200) -> Response:
    """A record as the body of an answer."""
    query = options(dialect, call, source.type) if call.request.query else NOTHING_ASKED
    root = f"{call.request.url}{dialect.config.root}"
    set_ = source.type.set
    context = {"@odata.context": f"{root}/$metadata#{dialect.company_segment}/{set_}/$entity"}
    shape = shown(dialect, source, record, call.now, query)
    headers = {"OData-Version": "4.0"}
    if "@odata.etag" in shape:
        headers["ETag"] = shape["@odata.etag"]
    if status == 201:
        headers["Location"] = f"{root}/{dialect.company_segment}/{set_}({shape.get('id', '')})"
    return json_response(status, {**context, **shape}, headers, JSON)


def line_answer(
    dialect: "BusinessCentralDialect", call: Call, set_: str, shape: dict[str, Any], status: int
) -> Response:
    """A line as the body of an answer."""
    root = f"{call.request.url}{dialect.config.root}"
    etag = etag_of(shape)
    context = f"{root}/$metadata#{dialect.company_segment}/{set_}/$entity"
    body = {"@odata.context": context, "@odata.etag": etag, **shape}
    return json_response(status, body, {"OData-Version": "4.0", "ETag": etag}, JSON)


def done() -> Response:
    """204: a deletion or an action."""
    return Response(204, b"", {"OData-Version": "4.0"})
