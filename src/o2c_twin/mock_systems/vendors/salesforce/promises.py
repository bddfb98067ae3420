"""What Salesforce promises about its writes: an upsert by external id makes one record, an update sets fields.

There is no idempotency key. A create sent again makes a second record, unless a unique field among its values refuses
it (DUPLICATE_VALUE); SOQL sees what is committed at once, so a client that asks first knows.
"""

from o2c_twin.mock_systems.vendors.salesforce.operations_collections import MOST_RECORDS
from o2c_twin.mock_systems.vendors.salesforce.operations_composite import MOST_SUBREQUESTS
from o2c_twin.mock_systems.wire.capability import Promise

_REST = "REST API Developer Guide, "
_CREATE = _REST + "sObject Basic Information: each POST makes a record; SOQL finds it"
_SET = _REST + "sObject Rows: PATCH sets fields of a record named by its id; If-Match on Account only"
_POSTED = _REST + "POST with _HttpMethod=PATCH is the same as PATCH"
_UPSERT = _REST + "sObject Rows by External ID: upsert"
_DELETE = _REST + "sObject Rows: a second DELETE is 404 ENTITY_IS_DELETED"
_MANY = _REST + "sObject Collections: up to 200 records, each for itself unless allOrNone"
_TREE = _REST + "sObject Tree: all records or none"
_COMPOSITE = _REST + "Composite: up to 25 subrequests, each for itself unless allOrNone"
_BATCH = _REST + "Composite Batch: up to 25 subrequests, each for itself"
_BULK = "Bulk API 2.0 Developer Guide: a job is known by its id, takes one upload and is closed once"

PROMISES: tuple[Promise, ...] = (
    Promise("sobject.create", "query", source=_CREATE),
    Promise("sobject.update", "external-id", version_guard="etag", source=_SET),
    Promise("sobject.postedUpdate", "external-id", version_guard="etag", source=_POSTED),
    Promise("sobject.upsert", "external-id", source=_UPSERT),
    Promise("sobject.postedUpsert", "external-id", source=_POSTED),
    Promise("sobject.delete", "external-id", deletes_visible=True, source=_DELETE),
    Promise("sobject.deleteByKey", "external-id", deletes_visible=True, source=_DELETE),
    Promise("collection.create", "query", bulk_limit=MOST_RECORDS, partial=True, source=_MANY),
    Promise("collection.update", "external-id", bulk_limit=MOST_RECORDS, partial=True, source=_MANY),
    Promise("collection.upsert", "external-id", bulk_limit=MOST_RECORDS, partial=True, source=_MANY),
    Promise(
        "collection.delete",
        "external-id",
        bulk_limit=MOST_RECORDS,
        partial=True,
        deletes_visible=True,
        source=_MANY,
    ),
    Promise("composite.tree", "query", bulk_limit=MOST_RECORDS, source=_TREE),
    Promise("composite.run", "query", bulk_limit=MOST_SUBREQUESTS, partial=True, source=_COMPOSITE),
    Promise("composite.batch", "query", bulk_limit=MOST_SUBREQUESTS, partial=True, source=_BATCH),
    Promise("job.ingest.create", "query", source=_BULK + "; the list of jobs tells"),
    Promise("job.ingest.upload", "external-id", source=_BULK),
    Promise("job.ingest.move", "external-id", source=_BULK),
    Promise("job.ingest.delete", "external-id", source=_BULK),
    Promise("job.query.create", "query", source=_BULK + "; the list of jobs tells"),
    Promise("job.query.move", "external-id", source=_BULK),
    Promise("job.query.delete", "external-id", source=_BULK),
)
"""Every write operation of the route table but the logins."""
