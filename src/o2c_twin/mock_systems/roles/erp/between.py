"""What the legal entities of a company charge each other: in both books at once, so that it cancels for the group."""

from o2c_twin.mock_systems.roles.erp.amendments import Amendments
from o2c_twin.mock_systems.roles.erp.records import IntercompanyEntry
from o2c_twin.mock_systems.roles.records import RuleError

_SIDES = (("intercompany receivables", "intercompany revenue"), ("intercompany cost", "intercompany payables"))
"""The accounts a charge debits and credits: the seller's, and the buyer's."""


class Between(Amendments):
    """The part of an ERP core that charges between entities; `ErpCore` completes it."""

    def charge_between(
        self,
        seller: str,
        buyer: str,
        amount_minor: int,
        currency: str,
        reference: str,
        *,
        external_id: str | None = None,
    ) -> IntercompanyEntry:
        """Post what ``seller`` has shipped for ``buyer``, at their transfer price, valued at the rate of the day.

        Raises `RuleError` for an entity there is not, one that charges itself, a bad amount or a known external id.
        """
        self._refuse_known_external_id("intercompany", external_id)
        if self.entities.known(seller) == self.entities.known(buyer):
            raise RuleError("same-entity", f"{seller} cannot charge itself", "subsidiary")
        if amount_minor <= 0:
            raise RuleError("bad-amount", "a charge must be positive", "line")
        now, id_ = self._now(), self._new_id("intercompany")
        number = self._new_number("intercompany", "IC", id_)
        rate = self.exchange(currency, now)
        entry = IntercompanyEntry(
            id_, number, seller, buyer, amount_minor, currency, reference, now, external_id, exchange_rate=rate
        )
        self.state.intercompany[id_] = entry
        self._claim_external_id("intercompany", external_id, id_)
        for debit, credit in _SIDES:
            self._post_document(now, entry, currency, debit, credit, amount_minor)
        return entry
