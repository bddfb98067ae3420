"""What the vendor promises about its writes: the capability sheet of the mock."""

from o2c_twin.mock_systems.vendors.hubspot.operations_batch import MOST_INPUTS
from o2c_twin.mock_systems.wire.capability import Promise

INDEX_LAG_S = 30.0
_OBJECTS = "HubSpot CRM API description; search lag from public integration code"
_LINKS = "HubSpot developer documentation, Associations v4"

PROMISES = (
    # A plain create knows no key: only a search, once the index has caught up, can tell whether it was done.
    # With a unique property among its values a second one is refused.
    Promise("object.create", "query", index_lag_s=INDEX_LAG_S, source=_OBJECTS),
    # A change names its record and sets values: done twice it is done once. The last writer wins.
    Promise("object.update", "external-id", source=_OBJECTS),
    Promise("object.archive", "external-id", source=_OBJECTS),
    Promise("batch.create", "query", index_lag_s=INDEX_LAG_S, bulk_limit=MOST_INPUTS, partial=True, source=_OBJECTS),
    Promise("batch.update", "external-id", bulk_limit=MOST_INPUTS, partial=True, source=_OBJECTS),
    Promise("batch.upsert", "external-id", bulk_limit=MOST_INPUTS, partial=True, source=_OBJECTS),
    Promise("batch.archive", "external-id", bulk_limit=MOST_INPUTS, source=_OBJECTS),
    Promise("association.put", "external-id", source=_LINKS),
    Promise("association.putDefault", "external-id", source=_LINKS),
    Promise("association.remove", "external-id", source=_LINKS),
    Promise("associations.create", "external-id", bulk_limit=2_000, source=_LINKS),
    Promise("associations.createDefault", "external-id", bulk_limit=2_000, source=_LINKS),
    Promise("associations.archive", "external-id", bulk_limit=2_000, source=_LINKS),
    Promise("property.create", "external-id", source="HubSpot developer documentation, Properties"),
    Promise("property.update", "external-id", source="HubSpot developer documentation, Properties"),
    Promise("property.archive", "external-id", source="HubSpot developer documentation, Properties"),
    Promise("webhook.configure", "external-id", source="HubSpot developer documentation, Webhooks"),
    Promise("webhook.clear", "external-id", source="HubSpot developer documentation, Webhooks"),
    Promise("subscription.create", "query", source="HubSpot developer documentation, Webhooks"),
    Promise("subscription.update", "external-id", source="HubSpot developer documentation, Webhooks"),
    Promise("subscription.archive", "external-id", source="HubSpot developer documentation, Webhooks"),
)
