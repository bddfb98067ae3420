"""What the service promises about its writes: the capability sheet."""

from o2c_twin.mock_systems.wire.capability import Promise

_AL = "API v2.0 has no idempotency key (Microsoft Learn; source of the API pages)"

PROMISES: tuple[Promise, ...] = (
    Promise("customers.create", "external-id", source="No. is the key of the customer table: a second one is refused"),
    Promise("items.create", "external-id", source="No. is the key of the item table"),
    Promise("paymentTerms.create", "external-id", source="Code is the key of the payment terms table"),
    Promise("salesOrders.create", "query", source=_AL + "; externalDocumentNumber can be asked for"),
    Promise("salesInvoices.create", "query", source=_AL + "; externalDocumentNumber can be asked for"),
    Promise("salesCreditMemos.create", "query", source=_AL + "; externalDocumentNumber can be asked for"),
    Promise("salesCreditMemoLines.add", "query", source=_AL),
    Promise("customerPaymentJournals.create", "external-id", source="the batch name is the key of the table"),
    Promise("customerPayments.create", "query", source=_AL + "; documentNumber can be asked for"),
    Promise("customerPayments.add", "query", source=_AL + "; documentNumber can be asked for"),
    Promise("salesOrderLines.add", "query", source=_AL),
    Promise("salesInvoiceLines.add", "query", source=_AL),
    Promise("salesOrders.shipAndInvoice", "query", source="the quantities shipped and invoiced can be read"),
    Promise("post", "query", source="what is posted is no draft any more; ledger entries carry the document number"),
    Promise("salesInvoices.cancel", "query", source="the status can be read"),
    Promise("record.update", "query", version_guard="etag", source="If-Match, 409 Request_EntityChanged when stale"),
    Promise("record.delete", "query", version_guard="etag", source="a second deletion is a 404"),
    Promise("line.update", "query", version_guard="etag", source="If-Match"),
    Promise("line.delete", "query", version_guard="etag", source="a second deletion is a 404"),
    Promise("subscriptions.create", "external-id", source="address and resource are its key"),
    Promise("subscriptions.renew", "query", version_guard="etag", source="If-Match"),
    Promise("subscriptions.delete", "query", version_guard="etag", source="If-Match"),
    Promise(
        "batch",
        "query",
        bulk_limit=100,
        partial=True,
        source="OData transactional $batch; with Isolation: snapshot whole",
    ),
)
"""Every write operation of the route table."""
