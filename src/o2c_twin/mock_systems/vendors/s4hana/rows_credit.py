"""Orders that are blocked for credit, and credit memo requests, as rows."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from o2c_twin.mock_systems.roles.erp.rules import order_value_minor
from o2c_twin.mock_systems.vendors.s4hana import services
from o2c_twin.mock_systems.vendors.s4hana.rows_orders import UNIT
from o2c_twin.mock_systems.vendors.s4hana.state import CreditRequest
from o2c_twin.mock_systems.vendors.s4hana.tables import (
    ETAG,
    Company,
    Key,
    Row,
    Table,
    filler,
    first_of,
    item_number,
    number,
    stamped,
    user_of,
    wanted,
)
from o2c_twin.mock_systems.vendors.s4hana.values import amount, day, moment
from o2c_twin.mock_systems.wire.odata import Predicate

_BLOCKED = services.CREDIT_BLOCKS.entities["A_CreditBlockedSalesDocument"]
Navs = dict[str, Callable[[Row], list[Row]]]
_SETS = services.CREDIT_MEMO_REQUESTS.entities


class CreditRows:
    """Rows of API_SLS_DOC_WITH_CREDIT_BLOCK and API_CREDIT_MEMO_REQUEST_SRV."""

    def __init__(self, company: Company) -> None:
        self._core, self._config, self._books = company.core, company.config, company.books
        self._fill = {name: filler(each) for name, each in (*_SETS.items(), (_BLOCKED.name, _BLOCKED))}

    def tables(self) -> list[Table]:
        """All sets of the two services."""
        heads = {"to_Item": lambda row: self._items(self._requests[row["CreditMemoRequest"]])}
        items: Navs = {"to_PricingElement": self._prices_of}
        return [
            Table(_BLOCKED, self._one_blocked, self._scan_blocked),
            Table(_SETS["A_CreditMemoRequest"], self._one, self._scan, heads),
            self._part("A_CreditMemoRequestItem", items),
            self._part("A_CreditMemoReqItemPrcgElmnt", {}),
        ]

    # --- blocked orders --------------------------------------------------------------------------

    def _one_blocked(self, key: Key) -> Row | None:
        return self._blocked(number(key["SalesDocument"]))

    def _scan_blocked(self, predicate: Predicate | None) -> Iterable[Row]:
        ids = wanted(predicate, "SalesDocument")
        rows = [self._blocked(id_) for id_ in (self._core.state.orders if ids is None else ids)]
        return [row for row in rows if row is not None]

    def _blocked(self, id_: str) -> Row | None:
        order = self._core.state.orders.get(id_)
        if order is None or order.cancelled or order.credit not in ("hold", "rejected"):
            return None
        config = self._config
        return self._fill[_BLOCKED.name](
            {
                "SalesDocument": order.id,
                "SDDocumentCategory": "C",
                "SalesDocumentType": "OR",
                "SalesOrganization": config.sales_organization,
                "DistributionChannel": config.distribution_channel,
                "OrganizationDivision": config.division,
                "CreatedByUser": user_of(order.channel),
                "CreationDate": day(order.entered_at),
                "LastChangeDate": day(order.modified_at),
                "SoldToParty": order.customer_id,
                "TotalNetAmount": amount(order_value_minor(order)),
                "TransactionCurrency": order.currency,
                "CustomerCreditAccount": order.customer_id,
                "TotalCreditCheckStatus": "B",
                "OverallSDProcessStatus": "A",
            }
        )

    # --- credit memo requests --------------------------------------------------------------------

    @property
    def _requests(self) -> dict[str, CreditRequest]:
        return self._books.extras.credit_requests

    def _one(self, key: Key) -> Row | None:
        request = self._requests.get(number(key["CreditMemoRequest"]))
        return None if request is None else self._request(request)

    def _found(self, predicate: Predicate | None) -> list[CreditRequest]:
        books = self._books
        ids = wanted(predicate, "CreditMemoRequest")
        if ids is None and (names := wanted(predicate, "PurchaseOrderByCustomer")) is not None and "" not in names:
            ids = [id_ for name in names for id_ in books.requests_by_reference.get(name, ())]
        if ids is None and (bills := wanted(predicate, "ReferenceSDDocument")) is not None and "" not in bills:
            ids = [id_ for bill in bills for id_ in books.requests_of.get(bill, ())]
        return [self._requests[id_] for id_ in (self._requests if ids is None else ids) if id_ in self._requests]

    def _scan(self, predicate: Predicate | None) -> Iterator[Row]:
        return map(self._request, self._found(predicate))

    def _part(self, name: str, navs: Navs) -> Table:
        entity = _SETS[name]
        build = self._items if name == "A_CreditMemoRequestItem" else self._prices

        def one(key: Key) -> Row | None:
            request = self._requests.get(number(key["CreditMemoRequest"]))
            if request is None:
                return None
            exact = {each: key[each] for each in entity.keys if each != "CreditMemoRequest"}
            exact["CreditMemoRequestItem"] = str(item_number(exact["CreditMemoRequestItem"]))
            return first_of(build(request), exact)

        def scan(predicate: Predicate | None) -> Iterator[Row]:
            return (row for request in self._found(predicate) for row in build(request))

        return Table(entity, one, scan, navs)

    def _status(self, request: CreditRequest) -> str:
        return "A" if request.memo_id is None else "C"

    def _request(self, request: CreditRequest) -> Row:
        config = self._config
        changed = request.created_at
        if request.memo_id is not None:
            changed = self._core.state.credit_memos[request.memo_id].issued_at
        return self._fill["A_CreditMemoRequest"](
            {
                "CreditMemoRequest": request.id,
                "CreditMemoRequestType": "CR",
                "SalesOrganization": config.sales_organization,
                "DistributionChannel": config.distribution_channel,
                "OrganizationDivision": config.division,
                "SoldToParty": request.customer_id,
                "CreationDate": day(request.created_at),
                "CreatedByUser": request.created_by,
                "LastChangeDate": day(changed),
                "LastChangeDateTime": moment(changed),
                "PurchaseOrderByCustomer": request.reference,
                "TotalNetAmount": amount(sum(quantity * price for _, quantity, price in request.lines)),
                "TransactionCurrency": config.currency,
                "SDDocumentReason": request.reason,
                "ReferenceSDDocument": request.invoice_id,
                "ReferenceSDDocumentCategory": "M",
                "OverallSDProcessStatus": self._status(request),
                "OverallOrdReltdBillgStatus": self._status(request),
                ETAG: stamped(changed),
            }
        )

    def _items(self, request: CreditRequest) -> list[Row]:
        currency = self._config.currency
        return [
            self._fill["A_CreditMemoRequestItem"](
                {
                    "CreditMemoRequest": request.id,
                    "CreditMemoRequestItem": str(at * 10),
                    "CreditMemoRequestItemText": self._core.items_by_sku[material].name,
                    "Material": material,
                    "RequestedQuantity": Decimal(quantity),
                    "RequestedQuantityUnit": UNIT,
                    "TransactionCurrency": currency,
                    "NetAmount": amount(quantity * price),
                    "OrderRelatedBillingStatus": self._status(request),
                    ETAG: stamped(request.created_at),
                }
            )
            for at, (material, quantity, price) in enumerate(request.lines, 1)
        ]

    def _prices(self, request: CreditRequest) -> list[Row]:
        currency = self._config.currency
        return [
            self._fill["A_CreditMemoReqItemPrcgElmnt"](
                {
                    "CreditMemoRequest": request.id,
                    "CreditMemoRequestItem": str(at * 10),
                    "PricingProcedureStep": "10",
                    "PricingProcedureCounter": "1",
                    "ConditionType": "PMP0",
                    "ConditionRateValue": amount(price),
                    "ConditionCurrency": currency,
                    "ConditionQuantity": Decimal(1),
                    "ConditionQuantityUnit": UNIT,
                    "ConditionAmount": amount(quantity * price),
                    "TransactionCurrency": currency,
                    ETAG: stamped(request.created_at),
                }
            )
            for at, (_, quantity, price) in enumerate(request.lines, 1)
        ]

    def _prices_of(self, row: Row) -> list[Row]:
        prices = self._prices(self._requests[row["CreditMemoRequest"]])
        return [each for each in prices if each["CreditMemoRequestItem"] == row["CreditMemoRequestItem"]]
