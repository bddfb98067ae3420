"""What Salesforce promises about its writes: an upsert by external id makes one record, an update sets fields."""

from o2c_twin.mock_systems.wire.capability import Promise

_SET = "REST API Developer Guide, sObject Rows: PATCH sets fields of a record named by its id"
_UPSERT = "REST API Developer Guide, sObject Rows by External ID: upsert"
_CREATE = "REST API Developer Guide, sObject Basic Information: each POST makes a record"

PROMISES: tuple[Promise, ...] = (
    Promise("sobject.update", "external-id", source=_SET, deletes_visible=False),
    Promise("sobject.upsert", "external-id", source=_UPSERT),
    Promise("sobject.create", "none", source=_CREATE),
)
