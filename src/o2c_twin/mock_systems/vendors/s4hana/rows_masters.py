"""Business partners, customers, credit accounts and products, as rows."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from o2c_twin.mock_systems.roles.erp import Customer, Item
from o2c_twin.mock_systems.roles.erp.rules import exposure_minor
from o2c_twin.mock_systems.vendors.s4hana import services
from o2c_twin.mock_systems.vendors.s4hana.edm import Entity
from o2c_twin.mock_systems.vendors.s4hana.tables import (
    DIALOG_USER,
    ETAG,
    Company,
    Key,
    Row,
    Table,
    filler,
    number,
    stamped,
    text,
    wanted,
)
from o2c_twin.mock_systems.vendors.s4hana.values import amount, clock, day, moment, terms_key
from o2c_twin.mock_systems.wire.odata import Predicate

_PARTNERS, _CREDIT, _PRODUCTS = services.PARTNERS.entities, services.CREDIT.entities, services.PRODUCTS.entities
ROLES = ("FLCU00", "FLCU01", "UKM000")
"""Customer in financial accounting, customer in sales, credit management business partner."""
_ADDRESS = ("StreetName", "HouseNumber", "CityName", "PostalCode", "Region", "Country", "Language")


class MasterRows:
    """Rows of API_BUSINESS_PARTNER, API_CRDTMBUSINESSPARTNER and API_PRODUCT_SRV."""

    def __init__(self, company: Company) -> None:
        self._core, self._config, self._books = company.core, company.config, company.books
        self._fill = {name: filler(each) for name, each in (*_PARTNERS.items(), *_CREDIT.items(), *_PRODUCTS.items())}

    def tables(self) -> list[Table]:
        """All sets of the three services."""
        by_customer = {
            "A_BusinessPartner": (self.partner, "BusinessPartner"),
            "A_Customer": (self.customer, "Customer"),
            "A_CustomerCompany": (self.company, "Customer"),
            "A_CustomerSalesArea": (self.sales_area, "Customer"),
            "A_BusinessPartnerAddress": (self.address, "BusinessPartner"),
        }
        navs: dict[str, dict[str, Callable[[Row], list[Row]]]] = {
            "A_BusinessPartner": {
                "to_BusinessPartnerAddress": lambda row: self._of(row["BusinessPartner"], self.address),
                "to_BusinessPartnerRole": lambda row: self._roles(row["BusinessPartner"]),
                "to_Customer": lambda row: self._of(row["BusinessPartner"], self.customer),
            },
            "A_Customer": {
                "to_CustomerCompany": lambda row: self._of(row["Customer"], self.company),
                "to_CustomerSalesArea": lambda row: self._of(row["Customer"], self.sales_area),
            },
            "A_BusinessPartnerAddress": {"to_EmailAddress": lambda row: self._emails(row["BusinessPartner"])},
        }
        made = []
        for name, (build, key) in by_customer.items():
            entity = _PARTNERS[name]
            made.append(self._customer_table(entity.name, build, key, navs.get(name, {})))
        made.append(
            Table(
                _PARTNERS["A_AddressEmailAddress"],
                lambda key: next(iter(self._emails(number(key["AddressID"]))), None),
                lambda predicate: (row for id_ in self._core.state.customers for row in self._emails(id_)),
            )
        )
        made.append(
            Table(
                _PARTNERS["A_BusinessPartnerRole"],
                self._role,
                lambda predicate: (row for each in self._customers(predicate) for row in self._roles(each.id)),
            )
        )
        made.append(self._customer_table("CreditMgmtBusinessPartner", self.credit_partner, "BusinessPartner", {}))
        made.append(self._customer_table("CreditManagementAccount", self.credit_account, "BusinessPartner", {}))
        return [*made, *self._products()]

    # --- business partners -----------------------------------------------------------------------

    def _customer_table(
        self, name: str, build: Callable[[Customer], Row], key_name: str, navs: dict[str, Callable[[Row], list[Row]]]
    ) -> Table:
        entity = _PARTNERS.get(name) or _CREDIT[name]

        def one(key: Key) -> Row | None:
            customer = self._core.state.customers.get(number(key[key_name]))
            if customer is None:
                return None
            row = build(customer)
            return row if all(text(key[k]) == row[k] for k in entity.keys if k not in (key_name, "AddressID")) else None

        return Table(entity, one, lambda predicate: map(build, self._customers(predicate)), navs)

    def _customers(self, predicate: Predicate | None) -> Iterable[Customer]:
        customers = self._core.state.customers
        for name in ("BusinessPartner", "Customer"):
            ids = wanted(predicate, name)
            if ids is not None:
                return [customers[id_] for id_ in ids if id_ in customers]
        external = wanted(predicate, "BusinessPartnerIDByExtSystem")
        if external is not None and "" not in external:
            known = self._books.partners_by_external
            return [customers[id_] for each in external for id_ in known.get(each, ()) if id_ in customers]
        return customers.values()

    def _of(self, id_: str, build: Callable[[Customer], Row]) -> list[Row]:
        customer = self._core.state.customers.get(id_)
        return [] if customer is None else [build(customer)]

    def partner(self, customer: Customer) -> Row:
        """A_BusinessPartner."""
        own = self._books.extras.partners.get(customer.id, {})
        tag = stamped(customer.modified_at, self._config.coarse_etags)
        return self._fill["A_BusinessPartner"](
            {
                "BusinessPartnerCategory": "2",
                "BusinessPartnerGrouping": "BP02",
                **own,
                "BusinessPartner": customer.id,
                "Customer": customer.id,
                "BusinessPartnerFullName": customer.name,
                "BusinessPartnerName": customer.name,
                "OrganizationBPName1": customer.name,
                "SearchTerm1": "" if customer.number == customer.id else customer.number,
                "BusinessPartnerIsBlocked": customer.inactive,
                "IsMarkedForArchiving": own.get("IsMarkedForArchiving") == "X",
                "CreatedByUser": own.get("CreatedByUser", DIALOG_USER),
                "CreationDate": day(customer.created_at),
                "CreationTime": clock(customer.created_at),
                "LastChangeDate": day(customer.modified_at),
                "LastChangeTime": clock(customer.modified_at),
                "ETag": tag,
                ETAG: tag,
            }
        )

    def address(self, customer: Customer) -> Row:
        """A_BusinessPartnerAddress: one an organisation."""
        own = self._books.extras.partners.get(customer.id, {})
        return self._fill["A_BusinessPartnerAddress"](
            {
                **{name: own[name] for name in _ADDRESS if name in own},
                "BusinessPartner": customer.id,
                "AddressID": customer.id,
                "FullName": customer.name,
                ETAG: stamped(customer.modified_at),
            }
        )

    def _emails(self, id_: str) -> list[Row]:
        customer = self._core.state.customers.get(id_)
        if customer is None or not customer.email:
            return []
        row = {
            "AddressID": id_,
            "OrdinalNumber": "1",
            "IsDefaultEmailAddress": True,
            "EmailAddress": customer.email,
            "SearchEmailAddress": customer.email.upper()[:20],
            ETAG: stamped(customer.modified_at),
        }
        return [self._fill["A_AddressEmailAddress"](row)]

    def _roles(self, id_: str) -> list[Row]:
        customer = self._core.state.customers.get(id_)
        if customer is None:
            return []
        since, until = moment(customer.created_at), moment(253_402_214_400_000_000)
        rows = []
        for role in ROLES:
            row = {"BusinessPartner": id_, "BusinessPartnerRole": role, "ValidFrom": since, "ValidTo": until}
            rows.append(self._fill["A_BusinessPartnerRole"]({**row, ETAG: stamped(customer.created_at)}))
        return rows

    def _role(self, key: Key) -> Row | None:
        rows = self._roles(number(key["BusinessPartner"]))
        return next((row for row in rows if row["BusinessPartnerRole"] == key["BusinessPartnerRole"]), None)

    def customer(self, customer: Customer) -> Row:
        """A_Customer."""
        return self._fill["A_Customer"](
            {
                "Customer": customer.id,
                "CustomerName": customer.name,
                "CustomerFullName": customer.name,
                "CustomerAccountGroup": "CUST",
                "CreationDate": day(customer.created_at),
                "OrderIsBlockedForCustomer": "01" if customer.inactive else "",
                ETAG: stamped(customer.modified_at),
            }
        )

    def company(self, customer: Customer) -> Row:
        """A_CustomerCompany."""
        return self._fill["A_CustomerCompany"](
            {
                "Customer": customer.id,
                "CompanyCode": self._config.company_of(customer.entity),
                "PaymentTerms": terms_key(customer.terms_days),
                "ReconciliationAccount": "12100000",
                ETAG: stamped(customer.modified_at),
            }
        )

    def sales_area(self, customer: Customer) -> Row:
        """A_CustomerSalesArea."""
        config = self._config
        return self._fill["A_CustomerSalesArea"](
            {
                "Customer": customer.id,
                "SalesOrganization": config.sales_organization_of(customer.entity),
                "DistributionChannel": config.distribution_channel,
                "Division": config.division,
                "Currency": customer.currency,
                "CustomerPaymentTerms": terms_key(customer.terms_days),
                "CompleteDeliveryIsDefined": customer.ship_complete,
                "OrderIsBlockedForCustomer": "01" if customer.inactive else "",
                ETAG: stamped(customer.modified_at),
            }
        )

    # --- credit ----------------------------------------------------------------------------------

    def credit_partner(self, customer: Customer) -> Row:
        """CreditMgmtBusinessPartner."""
        row = {"BusinessPartner": customer.id, "CreditCheckRule": "B2B", ETAG: stamped(customer.modified_at)}
        return self._fill["CreditMgmtBusinessPartner"](row)

    def credit_account(self, customer: Customer) -> Row:
        """CreditManagementAccount: no limit is a limit of zero that is not checked."""
        limit = customer.credit_limit_minor
        over = limit is not None and exposure_minor(customer) > limit
        return self._fill["CreditManagementAccount"](
            {
                "BusinessPartner": customer.id,
                "CreditSegment": self._config.credit_segment,
                "CreditAccountIsBlocked": customer.hold == "ON",
                "BusinessPartnerIsCritical": over,
                "CreditLimitAmount": amount(limit or 0),
                "CreditLimitIsZero": limit == 0,
                "CreditLimitLastChangeDate": day(customer.modified_at),
                "CreditSegmentCurrency": customer.currency,
                ETAG: stamped(customer.modified_at),
            }
        )

    # --- products --------------------------------------------------------------------------------

    def _items(self, predicate: Predicate | None) -> Iterable[Item]:
        skus = wanted(predicate, "Product")
        if skus is None:
            return self._core.state.items.values()
        return [self._core.items_by_sku[sku] for sku in skus if sku in self._core.items_by_sku]

    def _products(self) -> Iterator[Table]:
        builds = {
            "A_Product": self.product,
            "A_ProductDescription": self.description,
            "A_ProductSalesDelivery": self.sales_delivery,
            "A_ProductPlant": self.product_plant,
        }
        for name, build in builds.items():
            entity = _PRODUCTS[name]

            navs: dict[str, Callable[[Row], list[Row]]] = {}
            if name == "A_Product":
                navs = {
                    "to_Description": lambda row: [self.description(self._core.items_by_sku[row["Product"]])],
                    "to_SalesDelivery": lambda row: [self.sales_delivery(self._core.items_by_sku[row["Product"]])],
                    "to_Plant": lambda row: [self.product_plant(self._core.items_by_sku[row["Product"]])],
                }
            yield self._item_table(entity, build, navs)

    def _item_table(
        self, entity: Entity, build: Callable[[Item], Row], navs: dict[str, Callable[[Row], list[Row]]]
    ) -> Table:
        def one(key: Key) -> Row | None:
            item = self._core.items_by_sku.get(text(key["Product"]))
            if item is None:
                return None
            row = build(item)
            return row if all(text(key[k]) == row[k] for k in entity.keys) else None

        return Table(entity, one, lambda predicate: map(build, self._items(predicate)), navs)

    def product(self, item: Item) -> Row:
        """A_Product."""
        return self._fill["A_Product"](
            {
                "Product": item.sku,
                "ProductType": "FERT",
                "BaseUnit": "PC",
                "ItemCategoryGroup": "NORM",
                "CreatedByUser": DIALOG_USER,
                "LastChangeDate": day(item.modified_at),
                "LastChangeDateTime": moment(item.modified_at),
                ETAG: stamped(item.modified_at),
            }
        )

    def description(self, item: Item) -> Row:
        """A_ProductDescription, in English."""
        row = {"Product": item.sku, "Language": "EN", "ProductDescription": item.name}
        return self._fill["A_ProductDescription"](row)

    def sales_delivery(self, item: Item) -> Row:
        """A_ProductSalesDelivery."""
        config = self._config
        return self._fill["A_ProductSalesDelivery"](
            {
                "Product": item.sku,
                "ProductSalesOrg": config.sales_organization,
                "ProductDistributionChnl": config.distribution_channel,
                "ItemCategoryGroup": "NORM",
                "BaseUnit": "PC",
                "MinimumOrderQuantity": Decimal(0),
            }
        )

    def product_plant(self, item: Item) -> Row:
        """A_ProductPlant."""
        row = {"Product": item.sku, "Plant": self._config.plant, "AvailabilityCheckType": "SR", "BaseUnit": "PC"}
        return self._fill["A_ProductPlant"](row)
