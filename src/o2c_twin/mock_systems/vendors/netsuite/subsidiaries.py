"""The subsidiaries of an account: how records name them, and which of them a body asks for.

A customer belongs to a primary subsidiary and may be assigned to further ones; a transaction belongs to one of these,
the primary one where it names none, and cannot be moved. Source: SuiteTalk Schema and Records Browser, field
``subsidiary`` of Customer and CustomerSubsidiaryRelationship. Without OneWorld there is one, which is only shown.
"""

from typing import Any

from o2c_twin.mock_systems.roles.erp import Customer, Entity
from o2c_twin.mock_systems.roles.erp.entities import assigned
from o2c_twin.mock_systems.vendors.netsuite.bodies import Body
from o2c_twin.mock_systems.vendors.netsuite.config import NetSuiteConfig


def entities_of(config: NetSuiteConfig) -> tuple[Entity, ...]:
    """The core's word for the subsidiaries: an entity has the subsidiary's external id for its code."""
    return tuple(Entity(each.external_id, each.tax_code) for each in config.subsidiaries)


class Subsidiaries:
    """The subsidiaries of one account."""

    def __init__(self, config: NetSuiteConfig) -> None:
        self._all = config.subsidiaries
        self._parent: dict[str, Any] = {"id": "1", "refName": config.subsidiary}
        self._shown = {
            each.external_id: {"id": str(number), "refName": each.name}
            for number, each in enumerate(config.subsidiaries, 1)
        }

    def __bool__(self) -> bool:
        return bool(self._all)

    def shown(self, entity: str | None) -> dict[str, Any]:
        """A record's subsidiary as a reference."""
        return self._parent if entity is None else self._shown[entity]

    def asked(self, body: Body, name: str = "subsidiary") -> str | None:
        """The entity a body names; None when it names none, or the account has only one. Raises `Refused`."""
        reference = body.reference(name) if self._all else None
        if reference is None:
            return None
        for number, each in enumerate(self._all, 1):
            if (reference.id or str(number)) == str(number) and (
                (reference.external_id or each.external_id) == each.external_id
                and (reference.name or each.name) == each.name
            ):
                return each.external_id
        body.refuse(name, reference)

    def of_transaction(self, body: Body, customer: Customer) -> str | None:
        """The entity of a new transaction of a customer. Raises `Refused` where the customer is not assigned to it."""
        asked = self.asked(body)
        if asked is not None and not assigned(customer, asked):
            body.refuse("subsidiary")
        return customer.entity if asked is None else asked

    def check_tax(self, row: Body, entity: str | None) -> None:
        """Raises `Refused` for a line's tax code that is none of the subsidiary's nexus."""
        code = row.reference("taxCode") if entity is not None else None
        own = next((each.tax_code for each in self._all if each.external_id == entity), "")
        if code is not None and own and str(code) != own:
            row.refuse("taxCode", code)
