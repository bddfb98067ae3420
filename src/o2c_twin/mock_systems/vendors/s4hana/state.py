"""What an S/4HANA client keeps beside the core's documents, and what is planned before it is posted."""

from typing import Any

import msgspec


class Draft(msgspec.Struct):
    """An outbound delivery before goods issue: quantity by order line, and whether it is picked."""

    id: str
    order_id: str
    customer_id: str
    quantities: dict[int, int]
    created_at: int
    modified_at: int
    created_by: str
    picked: bool = False


class Receipt(msgspec.Struct):
    """What the accounting document of a payment carries besides its amounts."""

    reference: str
    header_text: str
    created_by: str


class CreditRequest(msgspec.Struct):
    """A credit memo request of an invoice; ``memo_id`` once it is billed."""

    id: str
    invoice_id: str
    customer_id: str
    created_at: int
    created_by: str
    lines: list[tuple[str, int, int]]
    """material, quantity, price in minor units"""
    reference: str = ""
    reason: str = ""
    memo_id: str | None = None


class Extras(msgspec.Struct):
    """The records' own fields: ``orders``, ``lines`` (by ``order/line``), ``partners`` and ``deliveries`` by id."""

    orders: dict[str, dict[str, str]] = {}
    lines: dict[str, dict[str, str]] = {}
    partners: dict[str, dict[str, str]] = {}
    deliveries: dict[str, dict[str, str]] = {}
    drafts: dict[str, Draft] = {}
    receipts: dict[str, Receipt] = {}
    cancelled: dict[str, str] = {}
    """billing document to its cancellation"""
    messages: dict[str, str] = {}
    """SOAP message id to what became of it"""
    credit_requests: dict[str, CreditRequest] = {}
    requested: dict[str, str] = {}
    """credit memo to the request it was billed from"""
    locks: dict[str, str] = {}
    """document to the dialog user who has it open"""


class Books:
    """The extras with the indexes a look-up needs."""

    def __init__(self) -> None:
        self.load(Extras())

    def load(self, extras: Extras) -> None:
        """Go back to a state."""
        self.extras = extras
        self.by_external: dict[str, list[str]] = {}
        self.partners_by_external: dict[str, list[str]] = {}
        self.drafts_of: dict[str, list[str]] = {}
        self.requests_by_reference: dict[str, list[str]] = {}
        self.requests_of: dict[str, list[str]] = {}
        for request in extras.credit_requests.values():
            self._index_request(request)
        for id_, fields in extras.orders.items():
            self._index(self.by_external, fields.get("ExternalDocumentID"), id_)
        for id_, fields in extras.partners.items():
            self._index(self.partners_by_external, fields.get("BusinessPartnerIDByExtSystem"), id_)
        for draft in extras.drafts.values():
            self._index(self.drafts_of, draft.order_id, draft.id)

    @staticmethod
    def _index(index: dict[str, list[str]], value: str | None, id_: str) -> None:
        if value:
            index.setdefault(value, []).append(id_)

    def set_order(self, id_: str, fields: dict[str, str]) -> None:
        """Keep fields of an order's header."""
        self._set(self.extras.orders, self.by_external, "ExternalDocumentID", id_, fields)

    def set_partner(self, id_: str, fields: dict[str, str]) -> None:
        """Keep fields of a business partner."""
        self._set(self.extras.partners, self.partners_by_external, "BusinessPartnerIDByExtSystem", id_, fields)

    def _set(
        self,
        table: dict[str, dict[str, str]],
        index: dict[str, list[str]],
        indexed: str,
        id_: str,
        fields: dict[str, str],
    ) -> None:
        known = table.setdefault(id_, {})
        before = known.get(indexed)
        known.update(fields)
        if known.get(indexed) != before:
            if before:
                index[before].remove(id_)
            self._index(index, known.get(indexed), id_)

    def forget_order(self, id_: str) -> None:
        """The order is gone."""
        external = self.extras.orders.pop(id_, {}).get("ExternalDocumentID")
        if external:
            self.by_external[external].remove(id_)

    def _index_request(self, request: CreditRequest) -> None:
        self._index(self.requests_by_reference, request.reference, request.id)
        self._index(self.requests_of, request.invoice_id, request.id)

    def ask_credit(self, request: CreditRequest) -> None:
        """A credit memo is asked for."""
        self.extras.credit_requests[request.id] = request
        self._index_request(request)

    def plan(self, draft: Draft) -> None:
        """A delivery is created."""
        self.extras.drafts[draft.id] = draft
        self._index(self.drafts_of, draft.order_id, draft.id)

    def unplan(self, id_: str) -> Draft:
        """A delivery leaves the house or is deleted."""
        draft = self.extras.drafts.pop(id_)
        self.drafts_of[draft.order_id].remove(id_)
        return draft

    def planned(self, order_id: str) -> dict[int, int]:
        """Quantity by line in deliveries that have not left."""
        planned: dict[int, int] = {}
        for id_ in self.drafts_of.get(order_id, ()):
            for line, quantity in self.extras.drafts[id_].quantities.items():
                planned[line] = planned.get(line, 0) + quantity
        return planned


Fields = dict[str, Any]
"""A decoded body."""
