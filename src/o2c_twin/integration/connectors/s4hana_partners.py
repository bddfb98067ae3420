"""Customers in S/4HANA: a business partner with its views, each changed on its own, and the credit account.

A create is known again by BusinessPartnerIDByExtSystem, which is not unique: it is looked for before it is sent.
"""

from dataclasses import dataclass
from typing import Any

from o2c_twin.integration.connectors.amounts import to_decimal
from o2c_twin.integration.connectors.s4hana_wire import ROOT, Session, fitted, literal
from o2c_twin.integration.model import Party

_PARTNERS, _CREDIT = f"{ROOT}/API_BUSINESS_PARTNER", f"{ROOT}/API_CRDTMBUSINESSPARTNER"


@dataclass(frozen=True, slots=True)
class Organisation:
    """Where in the enterprise structure the engine works; ``bank_account`` is the G/L account of the house bank."""

    company_code: str = "1710"
    sales_organization: str = "1710"
    distribution_channel: str = "10"
    division: str = "00"
    credit_segment: str = "1000"
    bank_account: str = "11001000"
    order_type: str = "OR"
    price_condition: str = "PMP0"
    country: str = "US"


class Partners:
    """The customers of one company code and sales area."""

    def __init__(self, session: Session, currency: str, organisation: Organisation) -> None:
        self._session = session
        self._currency = currency
        self._at = organisation

    async def find_by(self, operation: str, name: str, value: str) -> str | None:
        query = {"$filter": f"{name} eq {literal(value)}", "$select": "BusinessPartner"}
        query |= {"$orderby": "BusinessPartner", "$top": "1"}
        rows, _ = await self._session.page(operation, f"{_PARTNERS}/A_BusinessPartner", query)
        with self._session.wire.reading(operation):
            return rows[0]["BusinessPartner"] if rows else None

    async def put(self, party: Party, key: str | None, correlation: str) -> str:
        """Create the customer with all its views; with a key that is known already, change it."""
        known = None
        if key is not None:
            known = await self.find_by("put_customer", "BusinessPartnerIDByExtSystem", _partner_key(key))
        if known is not None:
            await self.update(known, party, correlation)
            return known
        at, terms = self._at, _terms(party)
        address: dict[str, Any] = {"Country": at.country}
        if party.email:
            address["to_EmailAddress"] = [{"EmailAddress": party.email}]
        area = {
            "SalesOrganization": at.sales_organization,
            "DistributionChannel": at.distribution_channel,
            "Division": at.division,
            "Currency": self._currency,
            "CustomerPaymentTerms": terms,
        }
        body = {
            "BusinessPartnerCategory": "2",
            **_names(party),
            "to_BusinessPartnerAddress": [address],
            "to_BusinessPartnerRole": [{"BusinessPartnerRole": role} for role in ("FLCU00", "FLCU01", "UKM000")],
            "to_Customer": {
                "to_CustomerCompany": [{"CompanyCode": at.company_code, "PaymentTerms": terms}],
                "to_CustomerSalesArea": [area],
            },
        }
        if key is not None:
            body["BusinessPartnerIDByExtSystem"] = _partner_key(key)
        path = f"{_PARTNERS}/A_BusinessPartner"
        made = await self._session.write("put_customer", "POST", path, body, correlation)
        row = self._session.body("put_customer", made)
        with self._session.wire.reading("put_customer"):
            id_: str = row["BusinessPartner"]
        await self._limit("put_customer", id_, party, correlation)
        return id_

    async def update(self, erp_id: str, party: Party, correlation: str) -> None:
        """Change name, terms, e-mail and limit: one record after the other, each the same when sent again."""
        at, terms = self._at, _terms(party)
        area = (
            f"Customer={literal(erp_id)},SalesOrganization={literal(at.sales_organization)},"
            f"DistributionChannel={literal(at.distribution_channel)},Division={literal(at.division)}"
        )
        changes: list[tuple[str, dict[str, Any]]] = [
            (f"A_BusinessPartner({literal(erp_id)})", _names(party)),
            (
                f"A_CustomerCompany(Customer={literal(erp_id)},CompanyCode={literal(at.company_code)})",
                {"PaymentTerms": terms},
            ),
            (f"A_CustomerSalesArea({area})", {"CustomerPaymentTerms": terms}),
        ]
        for path, body in changes:
            await self._patch("update_customer", f"{_PARTNERS}/{path}", body, correlation)
        if party.email:
            await self._email(erp_id, party.email, correlation)
        await self._limit("update_customer", erp_id, party, correlation)

    async def _patch(self, operation: str, path: str, body: dict[str, Any], correlation: str) -> None:
        # Sales owns these fields: they are set, whatever somebody else made of them meanwhile.
        await self._session.write(operation, "PATCH", path, body, correlation, if_match="*")

    async def _email(self, erp_id: str, email: str, correlation: str) -> None:
        operation = "update_customer"
        path = f"{_PARTNERS}/A_BusinessPartner({literal(erp_id)})/to_BusinessPartnerAddress"
        rows, _ = await self._session.page(operation, path, {"$expand": "to_EmailAddress"})
        with self._session.wire.reading(operation):
            address = rows[0]
            known = address["to_EmailAddress"]["results"]
            keys = known[0] if known else address
            number = literal(keys["AddressID"])
            if known:
                path = f"{_PARTNERS}/A_AddressEmailAddress(AddressID={number},Person={literal(keys['Person'])},"
                path += f"OrdinalNumber={literal(keys['OrdinalNumber'])})"
            else:
                path = f"{_PARTNERS}/A_BusinessPartnerAddress(BusinessPartner={literal(erp_id)},AddressID={number})"
        if not known:
            body = {"EmailAddress": email}
            await self._session.write(operation, "POST", f"{path}/to_EmailAddress", body, correlation)
        elif known[0].get("EmailAddress") != email:
            await self._patch(operation, path, {"EmailAddress": email}, correlation)

    async def _limit(self, operation: str, id_: str, party: Party, correlation: str) -> None:
        if party.credit_limit_minor is None:
            return
        key = f"BusinessPartner={literal(id_)},CreditSegment={literal(self._at.credit_segment)}"
        limit = format(to_decimal(party.credit_limit_minor, self._currency), "f")
        path = f"{_CREDIT}/CreditManagementAccount({key})"
        await self._patch(operation, path, {"CreditLimitAmount": limit}, correlation)


def _names(party: Party) -> dict[str, str]:
    body = {"OrganizationBPName1": party.name[:40]}
    if len(party.name) > 40:
        body["OrganizationBPName2"] = party.name[40:80]
    if party.number is not None:
        body["SearchTerm1"] = party.number
    return body


def _terms(party: Party) -> str:
    return "0001" if party.terms_days == 0 else f"NT{party.terms_days:02d}"


def _partner_key(key: str) -> str:
    return fitted(key.removeprefix("customer:"), 20)
