"""All operations of the vendor."""

from o2c_twin.mock_systems.vendors.hubspot.operations_app import APP_ROUTES
from o2c_twin.mock_systems.vendors.hubspot.operations_associations import ASSOCIATION_ROUTES
from o2c_twin.mock_systems.vendors.hubspot.operations_batch import BATCH_ROUTES
from o2c_twin.mock_systems.vendors.hubspot.operations_objects import OBJECT_ROUTES
from o2c_twin.mock_systems.vendors.hubspot.operations_schema import SCHEMA_ROUTES
from o2c_twin.mock_systems.wire.route import Operation

ROUTES: tuple[Operation, ...] = (
    *APP_ROUTES,
    *OBJECT_ROUTES,
    *BATCH_ROUTES,
    *ASSOCIATION_ROUTES,
    *SCHEMA_ROUTES,
)
