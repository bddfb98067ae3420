"""Operations of Bulk API 2.0."""

from typing import TYPE_CHECKING

import msgspec

from o2c_twin.mock_systems.vendors.salesforce import errors
from o2c_twin.mock_systems.vendors.salesforce.jobs import (
    DELIMITERS,
    ENDINGS,
    INGEST,
    QUERY,
    Job,
    give_out,
    page,
    take_in,
)
from o2c_twin.mock_systems.vendors.salesforce.limits import (
    BULK_BATCHES_A_DAY,
    BULK_QUERY_JOBS_A_DAY,
    BULK_UPLOAD_BYTES,
)
from o2c_twin.mock_systems.vendors.salesforce.versions import DATA, versioned
from o2c_twin.mock_systems.wire.message import Response, json_response
from o2c_twin.mock_systems.wire.route import Call, Operation

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.salesforce.dialect import SalesforceDialect

_BULK = "Bulk API 2.0 Developer Guide"
_DAY_US = 86_400_000_000


class NewJob(msgspec.Struct, rename="camel"):
    """The body that makes a job."""

    operation: str
    object: str = ""
    query: str = ""
    external_id_field_name: str | None = None
    column_delimiter: str = "COMMA"
    line_ending: str = "LF"
    content_type: str = "CSV"


class JobState(msgspec.Struct):
    """The body that moves a job on."""

    state: str


def _job(dialect: "SalesforceDialect", call: Call, operations: tuple[str, ...]) -> Job:
    job = dialect.jobs.by_id.get(call.params["job"])
    if job is None or job.operation not in operations:
        raise errors.not_found()
    return job


def _new(dialect: "SalesforceDialect", call: Call, operations: tuple[str, ...]) -> Job:
    body: NewJob = call.body
    for name, value, choices in (
        ("operation", body.operation, operations),
        ("columnDelimiter", body.column_delimiter, DELIMITERS),
        ("lineEnding", body.line_ending, ENDINGS),
        ("contentType", body.content_type, ("CSV",)),
    ):
        if value not in choices:
            raise errors.ApiError(400, "INVALIDJOB", f"InvalidJob : {name}: {value} is none of {', '.join(choices)}")
    return Job(
        dialect.org.ids.spell("job", dialect.jobs.count + 1),
        body.operation,
        body.object,
        call.params["version"],
        dialect.org.user.id,
        call.now,
        call.now,
        body.external_id_field_name or "",
        body.column_delimiter,
        body.line_ending,
    )


@versioned
def create_ingest(dialect: "SalesforceDialect", call: Call) -> Response:
    """A job that takes records in."""
    job = _new(dialect, call, INGEST)
    shape = dialect.shapes.get(job.object)
    if shape is None or not shape.sobject.actions:
        raise errors.ApiError(400, "INVALIDENTITY", f"InvalidEntity : Unable to find object: {job.object}")
    if job.operation == "upsert":
        field = shape.field(job.key)
        if field is None or not (field.field.key or field.field.kind == "id"):
            message = f"InvalidJob : External ID was blank or is no external id of {job.object}: {job.key}"
            raise errors.ApiError(400, "INVALIDJOB", message)
    dialect.jobs.add(job)
    return json_response(200, job.info())


@versioned
def upload(dialect: "SalesforceDialect", call: Call) -> Response:
    """The records of a job, as one CSV file."""
    job = _job(dialect, call, INGEST)
    if job.state != "Open" or job.upload:
        raise errors.ApiError(400, "INVALIDJOBSTATE", "Object status must be Open and without data to receive data")
    if len(call.request.body) > BULK_UPLOAD_BYTES:
        return Response(413)
    try:
        job.upload = call.request.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise errors.ApiError(400, "INVALIDBATCH", "InvalidBatch : the file is not UTF-8") from None
    return Response(201)


@versioned
def move_ingest(dialect: "SalesforceDialect", call: Call) -> Response:
    """Close a job's upload, or give the job up."""
    job = _job(dialect, call, INGEST)
    wanted = call.body.state
    if wanted == "Aborted" and job.state in ("Open", "UploadComplete", "InProgress"):
        job.state, job.modified = "Aborted", call.now
        return json_response(200, job.info())
    if wanted != "UploadComplete" or job.state != "Open":
        raise errors.ApiError(400, "INVALIDJOBSTATE", f"Invalid job state transition from {job.state} to {wanted}")
    job.state, job.modified = "UploadComplete", call.now
    answer = json_response(200, job.info())
    if dialect.jobs.batches(call.now - _DAY_US) >= BULK_BATCHES_A_DAY:
        job.state, job.error, job.unprocessed = "Failed", "ApiBatchItems Limit exceeded.", job.upload
    else:
        take_in(job, dialect.rows, dialect.shape(job.object), call.now)
    return answer


@versioned
def read_ingest(dialect: "SalesforceDialect", call: Call) -> Response:
    """How a job is doing."""
    return json_response(200, _job(dialect, call, INGEST).info())


@versioned
def delete_ingest(dialect: "SalesforceDialect", call: Call) -> Response:
    """Forget a job that is over."""
    return _delete(dialect, _job(dialect, call, INGEST))


@versioned
def delete_query(dialect: "SalesforceDialect", call: Call) -> Response:
    """Forget a query job that is over."""
    return _delete(dialect, _job(dialect, call, QUERY))


def _delete(dialect: "SalesforceDialect", job: Job) -> Response:
    if job.state not in ("JobComplete", "Failed", "Aborted"):
        raise errors.ApiError(400, "INVALIDJOBSTATE", f"a job in state {job.state} cannot be deleted")
    del dialect.jobs.by_id[job.id]
    return Response(204)


@versioned
def list_ingest(dialect: "SalesforceDialect", call: Call) -> Response:
    """All ingest jobs."""
    return _listed(dialect, INGEST)


@versioned
def list_query(dialect: "SalesforceDialect", call: Call) -> Response:
    """All query jobs."""
    return _listed(dialect, QUERY)


def _listed(dialect: "SalesforceDialect", operations: tuple[str, ...]) -> Response:
    found = [job.info() for job in dialect.jobs.by_id.values() if job.operation in operations]
    return json_response(200, {"done": True, "records": found, "nextRecordsUrl": None})


def _csv_answer(text: str, headers: dict[str, str] | None = None) -> Response:
    return Response(200, text.encode(), {"Content-Type": "text/csv", **(headers or {})})


@versioned
def results(dialect: "SalesforceDialect", call: Call) -> Response:
    """What became of a job's records: one of three files."""
    job = _job(dialect, call, INGEST)
    files = {
        "successfulresults": job.successful,
        "failedresults": job.failures,
        "unprocessedrecords": job.unprocessed,
    }
    text = files.get(call.params["results"].lower())
    if text is None:
        raise errors.not_found()
    if job.state not in ("JobComplete", "Failed", "Aborted"):
        raise errors.ApiError(400, "INVALIDJOBSTATE", f"a job in state {job.state} has no results yet")
    return _csv_answer(text)


@versioned
def create_query(dialect: "SalesforceDialect", call: Call) -> Response:
    """A job that gives records out."""
    job = _new(dialect, call, QUERY)
    if dialect.jobs.queries(call.now - _DAY_US) >= BULK_QUERY_JOBS_A_DAY:
        raise errors.ApiError(400, "LIMIT_EXCEEDED", "DailyBulkV2QueryJobs Limit exceeded.")
    job.query = call.body.query
    give_out(job, dialect.queries.run(job.query, call.now, deleted=job.operation == "queryAll").rows())
    job.state = "UploadComplete"
    dialect.jobs.add(job)
    answer = json_response(200, job.info())
    job.state = "JobComplete"
    return answer


@versioned
def read_query(dialect: "SalesforceDialect", call: Call) -> Response:
    """How a query job is doing."""
    return json_response(200, _job(dialect, call, QUERY).info())


@versioned
def move_query(dialect: "SalesforceDialect", call: Call) -> Response:
    """Give a query job up."""
    job = _job(dialect, call, QUERY)
    raise errors.ApiError(400, "INVALIDJOBSTATE", f"Invalid job state transition from {job.state} to {call.body.state}")


@versioned
def query_results(dialect: "SalesforceDialect", call: Call) -> Response:
    """A part of a query job's records."""
    job = _job(dialect, call, QUERY)
    asked = call.request.query
    size, start = asked.get("maxRecords", str(max(1, len(job.lines)))), asked.get("locator", "0")
    if not (size.isdigit() and int(size) > 0 and start.isdigit() and int(start) <= len(job.lines)):
        raise errors.ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator or maxRecords")
    stop = int(start) + int(size)
    headers = {
        "Sforce-Locator": str(stop) if stop < len(job.lines) else "null",
        "Sforce-NumberOfRecords": str(len(job.lines[int(start) : stop])),
    }
    return _csv_answer(page(job, int(start), int(size)), headers)


_INGEST = f"{DATA}/jobs/ingest"
_QUERY = f"{DATA}/jobs/query"

BULK_ROUTES: tuple[Operation, ...] = (
    Operation(
        "job.ingest.create", "POST", _INGEST, create_ingest, "A job to take records in", body=NewJob, source=_BULK
    ),
    Operation("job.ingest.list", "GET", _INGEST, list_ingest, "All ingest jobs", source=_BULK),
    Operation("job.ingest.read", "GET", f"{_INGEST}/{{job}}", read_ingest, "How a job is doing", source=_BULK),
    Operation(
        "job.ingest.move", "PATCH", f"{_INGEST}/{{job}}", move_ingest, "Close or abort", body=JobState, source=_BULK
    ),
    Operation(
        "job.ingest.delete", "DELETE", f"{_INGEST}/{{job}}", delete_ingest, "Forget a job", success=204, source=_BULK
    ),
    Operation(
        "job.ingest.upload", "PUT", f"{_INGEST}/{{job}}/batches", upload, "Send the CSV", success=201, source=_BULK
    ),
    Operation(
        "job.ingest.results", "GET", f"{_INGEST}/{{job}}/{{results}}", results, "What became of it", source=_BULK
    ),
    Operation("job.query.create", "POST", _QUERY, create_query, "A job to give records out", body=NewJob, source=_BULK),
    Operation("job.query.list", "GET", _QUERY, list_query, "All query jobs", source=_BULK),
    Operation("job.query.read", "GET", f"{_QUERY}/{{job}}", read_query, "How a job is doing", source=_BULK),
    Operation("job.query.move", "PATCH", f"{_QUERY}/{{job}}", move_query, "Abort", body=JobState, source=_BULK),
    Operation(
        "job.query.delete", "DELETE", f"{_QUERY}/{{job}}", delete_query, "Forget a job", success=204, source=_BULK
    ),
    Operation("job.query.results", "GET", f"{_QUERY}/{{job}}/results", query_results, "Part of the rows", source=_BULK),
)
