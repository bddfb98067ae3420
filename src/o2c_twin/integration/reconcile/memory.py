"""What the engine remembers of records: which belong together, and what it last told each side. Read only."""

from collections.abc import Mapping

import msgspec

from o2c_twin.integration.flows.customer import told_digest
from o2c_twin.integration.flows.masters import BY_NUMBER
from o2c_twin.integration.flows.order import ORDER_KEY
from o2c_twin.integration.governance.field_groups import by_finance
from o2c_twin.integration.model import Party
from o2c_twin.integration.reconcile.ports import Row, Value
from o2c_twin.integration.runtime.engine import Engine

_BILLS = msgspec.json.Decoder(dict[str, str])


class Memory:
    """An engine's journal, as a sweep reads it.

    ``matched`` says whether accounts are matched with customers by their number, ``by_finance`` which fields of a
    customer may be what somebody typed in the ERP.
    """

    def __init__(self, engine: Engine) -> None:
        self._journal = engine.journal
        self._crm = engine.crm.system
        self._erp = engine.erp.system
        self.matched = engine.profile.matching in BY_NUMBER
        self.by_finance = by_finance(engine.masters)

    def known(self, role: str, kind: str) -> list[str]:
        """Ids of the customers and orders that belong to an account or a deal; of the CRM's records none."""
        if role == "erp" and kind == "customer":
            return list(dict.fromkeys(link.remote for link in self._journal.links(self._erp, "customer")))
        if role == "erp" and kind == "order":
            return [link.canonical for link in self._journal.links(self._crm, "deal-of-order")]
        return []

    # --- orders ----------------------------------------------------------------------------------

    def order_of(self, deal_id: str) -> str | None:
        """The ERP's id of the order the engine made for a deal."""
        return self._journal.outcome(f"{ORDER_KEY}{deal_id}")

    def deal_of(self, order_id: str, external_id: Value) -> str | None:
        """The deal of an order, by cross-reference or by the key it carries."""
        known = self._journal.remote(self._crm, "deal-of-order", order_id)
        if known is None and isinstance(external_id, str) and external_id.startswith(ORDER_KEY):
            return external_id.removeprefix(ORDER_KEY)
        return known

    def noted(self, order_id: str) -> str | None:
        """What sales was last told of an order's state; None while it was told nothing."""
        return self._journal.remote(self._crm, "noted", order_id)

    def bills(self, order_id: str) -> Mapping[str, str]:
        """What sales was last told of an order's invoices: number to state."""
        known = self._journal.remote(self._crm, "bills", order_id)
        return {} if known is None else _BILLS.decode(known)

    # --- customers -------------------------------------------------------------------------------

    def customer_of(self, account_id: str) -> str | None:
        """The ERP's id of the customer behind an account."""
        return self._journal.remote(self._erp, "customer", account_id)

    def has_told(self, party: Party) -> bool:
        """Whether the ERP was told of an account just as it is now."""
        told = self._journal.remote(self._erp, "customer-digest", party.crm_id)
        return told is None or told == told_digest(self.as_matched(party))

    def as_matched(self, party: Party) -> Party:
        """The party as the ERP is told of it."""
        return party if self.matched else msgspec.structs.replace(party, number=None)

    def made(self, account_id: str) -> bool:
        """Whether the engine made the customer; else it was there before."""
        return self._journal.outcome(f"customer:{account_id}") is not None

    def noted_party(self, account_id: str) -> bool:
        """Whether the account was told its customer's id."""
        return self._journal.outcome(f"note:customer:{account_id}") is not None

    # --- events and cases ------------------------------------------------------------------------

    def heard(self, row: Row) -> bool:
        """Whether the event that tells of a record has ever arrived."""
        return row.event is not None and self._journal.event(row.event.event_id) is not None

    def has_case(self, case_id: str) -> bool:
        """Whether a person was asked, be it settled or not."""
        return self._journal.case(case_id) is not None
