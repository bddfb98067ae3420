"""Customers in S/4HANA: a business partner with its views, each changed on its own, and the credit account.

A create is known again by BusinessPartnerIDByExtSystem, which is not unique: it is looked for before it is sent.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from o2c_twin.integration.connectors.s4hana_maps import S4HanaMaps, changed_at, days_of, head_of, view_of
from o2c_twin.integration.connectors.s4hana_wire import ROOT, Session, as_texts, fitted, instant, literal
from o2c_twin.integration.mappings import CompiledMap
from o2c_twin.integration.mappings.documents import CustomerMaster, PartyChange
from o2c_twin.integration.mappings.spec import EACH
from o2c_twin.integration.model import Party

_EMAIL, _COMPANY = "to_BusinessPartnerAddress/to_EmailAddress", "to_Customer/to_CustomerCompany"
_SELECT = (
    "BusinessPartner,OrganizationBPName1,OrganizationBPName2,SearchTerm1,CreationDate,CreationTime,LastChangeDate,"
    f"LastChangeTime,{_EMAIL}/EmailAddress,{_COMPANY}/CompanyCode,{_COMPANY}/PaymentTerms"
)
_PARTNERS, _CREDIT = f"{ROOT}/API_BUSINESS_PARTNER", f"{ROOT}/API_CRDTMBUSINESSPARTNER"


@dataclass(frozen=True, slots=True)
class Organisation:
    """Where in the enterprise structure the engine works, and with which codes of its customising.

    ``bank_account`` is the G/L account of the house bank, ``write_off_account`` that of bank charges and bad debt,
    ``discount_account`` that of cash discounts granted: without one no invoice is asked for what its terms grant;
    ``rejection_reason`` is what items of a cancelled order are rejected with.
    """

    company_code: str = "1710"
    sales_organization: str = "1710"
    distribution_channel: str = "10"
    division: str = "00"
    credit_segment: str = "1000"
    bank_account: str = "11001000"
    order_type: str = "OR"
    price_condition: str = "PMP0"
    country: str = "US"
    write_off_account: str = "65200000"
    rejection_reason: str = "10"
    credit_request_type: str = "CR"
    discount_account: str = ""


class Partners:
    """The customers of one company code and sales area."""

    def __init__(self, session: Session, currency: str, organisation: Organisation, maps: S4HanaMaps) -> None:
        self._session = session
        self._currency = currency
        self._at = organisation
        self._maps = maps
        self._given = maps.given(currency)

    async def by_number(self, number: str, entity: str | None = None) -> str | None:
        """The partner with that number, where and as the map of customers writes it in that entity."""
        maps = self._maps.within(entity)
        field = maps.number_field
        if field is None:
            return None
        with self._session.wire.reading("customer_by_number"):
            held = str(maps.number_held(number))
        return await self._find_by("customer_by_number", field, held)

    async def _find_by(self, operation: str, name: str, value: str) -> str | None:
        query = {"$filter": f"{name} eq {literal(value)}", "$select": "BusinessPartner"}
        query |= {"$orderby": "BusinessPartner", "$top": "1"}
        rows, _ = await self._session.page(operation, f"{_PARTNERS}/A_BusinessPartner", query)
        with self._session.wire.reading(operation):
            return rows[0]["BusinessPartner"] if rows else None

    def _mapped(self, operation: str, compiled: CompiledMap, document: Party | PartyChange) -> dict[str, Any]:
        made = self._session.wire.body(operation, compiled, document, self._given)
        partner: dict[str, Any] = as_texts(
            {
                **made,
                "company": view_of(made, "company", "PaymentTerms"),
                "area": view_of(made, "area", "CustomerPaymentTerms"),
            }
        )
        return partner

    async def put(self, party: Party, key: str | None, correlation: str) -> str:
        """Create the customer with all its views; with a key that is known already, change it."""
        partner = self._mapped("put_customer", self._maps.within(party.entity).party_to_partner, party)
        known = None
        if key is not None:
            known = await self._find_by("put_customer", "BusinessPartnerIDByExtSystem", _partner_key(key))
        if known is not None:
            await self.update(known, party, correlation)
            return known
        at, email = self._at, _email_of(partner)
        address: dict[str, Any] = {"Country": at.country}
        if email:
            address["to_EmailAddress"] = [{"EmailAddress": email}]
        area = {
            "SalesOrganization": at.sales_organization,
            "DistributionChannel": at.distribution_channel,
            "Division": at.division,
            "Currency": self._currency,
            **partner["area"],
        }
        body = {
            "BusinessPartnerCategory": "2",
            **head_of(partner),
            "to_BusinessPartnerAddress": [address],
            "to_BusinessPartnerRole": [{"BusinessPartnerRole": role} for role in ("FLCU00", "FLCU01", "UKM000")],
            "to_Customer": {
                "to_CustomerCompany": [{"CompanyCode": at.company_code, **partner["company"]}],
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
        await self._credit("put_customer", id_, partner, correlation)
        return id_

    async def update(self, erp_id: str, party: Party, correlation: str) -> None:
        """Change what the map writes: one record after the other, each the same when sent again."""
        partner = self._mapped("update_customer", self._maps.within(party.entity).party_to_partner, party)
        at = self._at
        # Which company code and sales area a view is of is its key, and no field to be changed.
        company = partner["company"].pop("CompanyCode", at.company_code)
        seller = partner["area"].pop("SalesOrganization", at.sales_organization)
        await self._write("update_customer", erp_id, partner, company, seller, correlation)

    async def change(self, erp_id: str, change: PartyChange, correlation: str) -> None:
        """Change what is given, in the same way."""
        partner = self._mapped("change_customer", self._maps.change_to_partner, change)
        company = await self.company_of("change_customer", erp_id)
        seller = await self._seller_of("change_customer", erp_id)
        await self._write("change_customer", erp_id, partner, company, seller, correlation)

    async def _write(
        self, operation: str, erp_id: str, partner: dict[str, Any], company: str, seller: str, correlation: str
    ) -> None:
        at = self._at
        area = (
            f"Customer={literal(erp_id)},SalesOrganization={literal(seller)},"
            f"DistributionChannel={literal(at.distribution_channel)},Division={literal(at.division)}"
        )
        changes: list[tuple[str, dict[str, Any]]] = [
            (f"A_BusinessPartner({literal(erp_id)})", head_of(partner)),
            (
                f"A_CustomerCompany(Customer={literal(erp_id)},CompanyCode={literal(company)})",
                partner["company"],
            ),
            (f"A_CustomerSalesArea({area})", partner["area"]),
        ]
        for path, body in changes:
            if body:
                await self._patch(operation, f"{_PARTNERS}/{path}", body, correlation)
        email = _email_of(partner)
        if email:
            await self._email(operation, erp_id, email, correlation)
        await self._credit(operation, erp_id, partner, correlation)

    async def read(self, erp_id: str) -> CustomerMaster:
        """The customer as it stands: the partner with its terms in accounting, and its credit account."""
        query = {"$select": _SELECT, "$expand": f"{_EMAIL},{_COMPANY}"}
        row = await self._session.get("customer", f"{_PARTNERS}/A_BusinessPartner({literal(erp_id)})", query)
        key = f"BusinessPartner={literal(erp_id)},CreditSegment={literal(self._at.credit_segment)}"
        account = await self._session.get("customer", f"{_CREDIT}/CreditManagementAccount({key})")
        with self._session.wire.reading("customer"):
            master: CustomerMaster = self._maps.partner_to_master.run(self._partner_of(row, account), self._given)
            return master

    def _partner_of(self, row: dict[str, Any], account: dict[str, Any]) -> dict[str, Any]:
        """A partner as its map takes it; a limit of 0 that is not said to be one is none."""
        own, any_ = self._at.company_code, self._maps.entity == EACH
        companies = row["to_Customer"]["to_CustomerCompany"]["results"]
        terms = next((each["PaymentTerms"] for each in companies if any_ or each["CompanyCode"] == own), "")
        addresses = row["to_BusinessPartnerAddress"]["results"]
        emails = [each["EmailAddress"] for address in addresses for each in address["to_EmailAddress"]["results"]]
        limited = Decimal(account["CreditLimitAmount"]) != 0 or account["CreditLimitIsZero"]
        limit_on = account["CreditLimitLastChangeDate"]
        return {
            "head": {
                **row,
                "OrganizationBPName": row["OrganizationBPName1"] + row["OrganizationBPName2"],
                "SearchTerm1": row["SearchTerm1"] or None,
                "changed_at": max(changed_at(row), instant(limit_on) if limit_on else 0),
            },
            "email": {"EmailAddress": next(iter(emails), None) or None},
            "company": {"terms_days": days_of(terms)},
            "credit": {"CreditLimitAmount": account["CreditLimitAmount"] if limited else None},
        }

    async def company_of(self, operation: str, id_: str) -> str:
        """The company code a customer buys from: the engine's, or the customer's own where each deal says it."""
        if self._maps.entity != EACH:
            return self._at.company_code
        return await self._first(operation, "A_CustomerCompany", id_, "CompanyCode")

    async def _seller_of(self, operation: str, id_: str) -> str:
        """The sales organization a customer buys from, in the same way."""
        if self._maps.entity != EACH:
            return self._at.sales_organization
        return await self._first(operation, "A_CustomerSalesArea", id_, "SalesOrganization")

    async def _first(self, operation: str, views: str, id_: str, field: str) -> str:
        query = {"$filter": f"Customer eq {literal(id_)}", "$select": field, "$orderby": field}
        rows = await self._session.rows(operation, f"{_PARTNERS}/{views}", query)
        with self._session.wire.reading(operation):
            return str(rows[0][field])

    async def _patch(self, operation: str, path: str, body: dict[str, Any], correlation: str) -> None:
        # Sales owns these fields: they are set, whatever somebody else made of them meanwhile.
        await self._session.write(operation, "PATCH", path, body, correlation, if_match="*")

    async def _email(self, operation: str, erp_id: str, email: str, correlation: str) -> None:
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

    async def _credit(self, operation: str, id_: str, partner: dict[str, Any], correlation: str) -> None:
        if "credit" not in partner:
            return
        key = f"BusinessPartner={literal(id_)},CreditSegment={literal(self._at.credit_segment)}"
        path = f"{_CREDIT}/CreditManagementAccount({key})"
        await self._patch(operation, path, partner["credit"], correlation)


def _email_of(partner: dict[str, Any]) -> str | None:
    found: str | None = partner.get("email", {}).get("EmailAddress")
    return found


def _partner_key(key: str) -> str:
    return fitted(key.removeprefix("customer:"), 20)
