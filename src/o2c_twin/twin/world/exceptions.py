"""What people do with the cases an engine opens."""

from o2c_twin.integration.flows.order import adopt
from o2c_twin.integration.runtime.engine import Engine
from o2c_twin.mock_systems.roles.records import RuleError
from o2c_twin.twin.world.company import Company, Process
from o2c_twin.twin.world.office import post_receipt
from o2c_twin.twin.world.views import orders_of_deal


class Exceptions:
    """Clerks who settle dead letters by hand, each in the system it is about."""

    def __init__(self, company: Company, engine: Engine) -> None:
        self._company = company
        self._engine = engine

    def settle(self, case_id: str, flow: str, object_id: str) -> None:
        """Put a case on the right desk."""
        self._company.begin(self._settle(case_id, flow, object_id))

    def _settle(self, case_id: str, flow: str, object_id: str) -> Process:
        company = self._company
        role = "receivables" if flow == "cash" else "support"
        yield from company.desk(role).work(f"settle {flow} case", object_id, company.settings.minutes_case)
        if flow == "cash":
            receipt = company.truth.receipts.get(object_id)
            if receipt is not None:
                post_receipt(company, receipt)
        elif flow == "order":
            adopt(self._engine, object_id, self._order(object_id))
        elif flow == "delivery":
            self._bill(object_id)
        else:
            self._news(flow, object_id)
        self._engine.close_case(case_id, by=role, note="settled by hand")

    def _order(self, crm_id: str) -> str:
        """Enter the order of a deal, if nobody has, and tell sales; gives its id at the ERP's interface."""
        company = self._company
        deal = next(d for d in company.truth.deals.values() if company.truth.crm_ids[d.deal_id] == crm_id)
        known = orders_of_deal(company.erp, deal.po_number)
        if known:
            order = known[0]
        else:
            number = deal.customer.number
            customers = company.erp.state.customers.values()
            master = next((c.id for c in customers if c.number == number), None)
            if master is None:
                master = company.erp.add_customer(
                    deal.customer.name,
                    company.settings.currency,
                    number=number,
                    terms_days=deal.customer.terms_days,
                    credit_limit_minor=deal.customer.credit_limit_minor,
                ).id
            lines = [(company.erp.items_by_sku[x.sku].id, x.quantity, x.price_minor) for x in deal.lines]
            order = company.erp.enter_order(master, lines, po_number=deal.po_number)
        company.tell_crm(deal.deal_id, company.news_of(order))
        return company.erp_names.name_of("order", order.id)

    def _bill(self, delivery_id: str) -> None:
        delivery = self._company.erp.state.deliveries[self._company.erp_names.id_of("shipment", delivery_id)]
        try:
            self._company.erp.invoice_order(delivery.order_id)
        except RuleError as nothing:
            # It was billed after all; the engine only never heard so.
            self._company.diary.note("support", "case without cause", "delivery", delivery.number, why=nothing.code)

    def _news(self, flow: str, object_id: str) -> None:
        erp, names = self._company.erp, self._company.erp_names
        if flow == "invoice":
            order_id = erp.state.invoices[names.id_of("invoice", object_id)].order_id
        else:
            order_id = names.id_of("order", object_id)
        order = erp.state.orders.get(order_id)
        deal = self._company.truth.deal_of_po(order.po_number) if order is not None else None
        if order is not None and deal is not None:
            self._company.tell_crm(deal.deal_id, self._company.news_of(order))
