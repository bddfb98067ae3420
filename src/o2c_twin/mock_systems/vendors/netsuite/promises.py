"""What NetSuite promises about its writes: an external id names one record of a type for as long as it lives.

The idempotency key in the header counts for asynchronous requests only, so it guards none of these by itself. Records
have no version: the last writer wins.
"""

from o2c_twin.mock_systems.wire.capability import Promise

_HELP = "NetSuite REST web services, "
_CREATE = _HELP + "POST: an external id that exists is refused (facts.md)"
_ITEM = _HELP + "POST: an item name that exists is refused (assumed)"
_UPSERT = _HELP + "upsert by external id (facts.md, idempotency)"
_SET = _HELP + "PATCH sets fields of a record named by its id"
_TRANSFORM = _HELP + "transform: an external id that exists is refused (facts.md)"
_DELETE = _HELP + "a second DELETE is 404; SuiteQL's deletedrecord tells"

PROMISES: tuple[Promise, ...] = (
    *(
        Promise(f"{record}.create", "external-id", source=_CREATE)
        for record in ("customer", "salesOrder", "creditMemo", "customerPayment", "advIntercompanyJournalEntry")
    ),
    Promise("inventoryItem.create", "external-id", source=_ITEM),
    *(
        Promise(f"{record}.upsert", "external-id", source=_UPSERT)
        for record in ("customer", "salesOrder", "invoice", "customerPayment", "advIntercompanyJournalEntry")
    ),
    *(
        Promise(f"{record}.update", "external-id", source=_SET)
        for record in ("customer", "salesOrder", "itemFulfillment", "invoice", "customerPayment")
    ),
    *(
        Promise(f"{source}.transform.{made}", "external-id", source=_TRANSFORM)
        for source, made in (
            ("salesOrder", "itemFulfillment"),
            ("salesOrder", "invoice"),
            ("invoice", "creditMemo"),
            ("invoice", "customerPayment"),
        )
    ),
    *(
        Promise(f"{record}.delete", "external-id", deletes_visible=True, source=_DELETE)
        for record in ("customer", "salesOrder", "invoice", "customerPayment")
    ),
)
"""Every write operation of the route table."""
