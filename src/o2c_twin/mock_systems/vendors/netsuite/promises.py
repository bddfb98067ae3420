"""What NetSuite promises about its writes: an external id names one record of a type for as long as it lives."""

from o2c_twin.mock_systems.wire.capability import Promise

_UPSERT = "NetSuite REST web services, upsert by external id (facts.md, idempotency)"
_TRANSFORM = "NetSuite REST web services, transform: an external id that exists is refused (facts.md)"
_SET = "NetSuite REST web services, PATCH sets fields of a record named by its id"

PROMISES: tuple[Promise, ...] = (
    *(
        Promise(f"{record}.upsert", "external-id", source=_UPSERT)
        for record in ("customer", "salesOrder", "customerPayment")
    ),
    *(
        Promise(f"{record}.update", "external-id", source=_SET)
        for record in ("customer", "salesOrder", "customerPayment")
    ),
    Promise("salesOrder.transform.invoice", "external-id", source=_TRANSFORM),
)
