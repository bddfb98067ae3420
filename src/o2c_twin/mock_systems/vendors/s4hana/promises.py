"""What each write promises a client that had no answer. There is no idempotency key anywhere.

Source: fact sheet, "Idempotency and concurrency". A new record can be read as soon as its call is answered
(assumed: the database commits before the answer).
"""

from dataclasses import replace

from o2c_twin.mock_systems.wire.capability import Promise

_PROMISES: tuple[Promise, ...] = (
    Promise(
        "businessPartner.create", "query", source="BusinessPartnerIDByExtSystem is not unique, and can be asked for"
    ),
    Promise("businessPartner.createEmail", "external-id", source="a second address is refused here"),
    Promise("businessPartner.update", "external-id", version_guard="etag", source="sets fields of a known record"),
    Promise("businessPartner.merge", "external-id", version_guard="etag", source="as update"),
    Promise("businessPartner.tunnel", "external-id", version_guard="etag", source="as update"),
    Promise("businessPartner.batch", "query", bulk_limit=1_000, source="as its parts; a change set is all or none"),
    Promise("creditAccount.update", "external-id", version_guard="etag", source="sets fields of a known record"),
    Promise("creditAccount.merge", "external-id", version_guard="etag", source="as update"),
    Promise("creditAccount.tunnel", "external-id", version_guard="etag", source="as update"),
    Promise("creditAccount.batch", "external-id", version_guard="etag", bulk_limit=1_000, source="as its parts"),
    Promise("salesOrder.create", "query", source="ExternalDocumentID and PurchaseOrderByCustomer can be asked for"),
    Promise("salesOrder.update", "external-id", version_guard="etag", source="sets fields of a known record"),
    Promise("salesOrder.merge", "external-id", version_guard="etag", source="as update"),
    Promise("salesOrder.tunnel", "external-id", version_guard="etag", source="as update"),
    Promise("salesOrder.delete", "external-id", version_guard="etag", source="404 the second time"),
    Promise("salesOrder.releaseApprovalRequest", "external-id", source="refused when not in approval"),
    Promise("salesOrder.rejectApprovalRequest", "external-id", source="refused when not in approval"),
    Promise("salesOrder.batch", "query", bulk_limit=1_000, source="as its parts; a change set is all or none"),
    Promise("creditBlock.checkCreditBlock", "external-id", source="sets a status"),
    Promise("creditBlock.releaseCreditBlock", "external-id", source="refused when not blocked, in a 200"),
    Promise("creditBlock.rejectCreditBlock", "external-id", source="refused when not blocked, in a 200"),
    Promise("creditMemoRequest.create", "query", source="PurchaseOrderByCustomer can be asked for"),
    Promise("delivery.create", "query", source="items can be asked for by the order they refer to"),
    Promise("delivery.pickAllItems", "external-id", version_guard="etag", source="sets a status"),
    Promise("delivery.confirmPickingAllItems", "external-id", version_guard="etag", source="sets a status"),
    Promise("delivery.postGoodsIssue", "external-id", version_guard="etag", source="refused once posted"),
    Promise("delivery.delete", "external-id", version_guard="etag", source="404 the second time"),
    Promise("delivery.batch", "query", bulk_limit=1_000, source="as its parts; a change set is all or none"),
    Promise("billingDocument.createFromSdDocument", "external-id", source="a delivery completely billed is refused"),
    Promise("billingDocument.cancel", "external-id", source="a cancelled document is refused, in a 200"),
    Promise("billingDocument.batch", "external-id", bulk_limit=1_000, source="as its parts"),
    Promise("journalEntry.post", "query", bulk_limit=1_000, partial=True, source="no check of DocumentReferenceID"),
    Promise("journalEntry.clear", "key", bulk_limit=1_000, partial=True, source="the message id is remembered"),
)
_NEWER = "delivery.v0002."
PROMISES = _PROMISES + tuple(
    [
        replace(each, operation=each.operation.replace("delivery.", _NEWER))
        for each in _PROMISES
        if each.operation.startswith("delivery.") and not each.operation.endswith(".batch")
    ]
)
"""Every write, those of the newer address of the delivery service too."""
