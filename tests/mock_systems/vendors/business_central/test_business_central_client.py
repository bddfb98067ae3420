"""The `pybusinesscentral` package from PyPI, unmodified, against the mock on a socket.

It is pointed by ``Configuration(host=<url>/v2.0/<tenant>/<environment>/api/v2.0, access_token=<token>)`` alone.
"""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from pybusinesscentral import ApiClient, Configuration, apis, models
from pybusinesscentral.exceptions import ApiException

from o2c_twin.mock_systems.vendors.business_central import BusinessCentralConfig, BusinessCentralDialect, make
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.faults import Throttled
from o2c_twin.mock_systems.wire.live import LiveServer, run_live
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer

JSON = "application/json"


class RealClock:
    def now(self) -> int:
        return time.time_ns() // 1_000


async def post_nowhere(url: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    return 0, b""


class Live:
    """A mock on a port, and the package's client pointed at it."""

    def __init__(self, url: str, server: MockServer, dialect: BusinessCentralDialect) -> None:
        self.url, self.server, self.dialect = url, server, dialect
        self.cid = dialect.company_id
        self.token = dialect.login.issue(dialect.config.apps[0], server.world.clock.now())

    def client(self, token: str | None = None) -> ApiClient:
        host = self.url + self.dialect.config.root
        return ApiClient(Configuration(host=host, access_token=self.token if token is None else token))


def live(story: Callable[[Live], None]) -> None:
    """Run ``story`` in a thread of its own (the client blocks) against a mock on a free port."""

    async def main() -> None:
        world = World(RealClock(), lambda *key: 0.5, asyncio.sleep, lambda work, name: work.close(), post_nowhere)
        dialect = make(world, BusinessCentralConfig())
        server = MockServer("erp", dialect, world)
        async with LiveServer(MockApp(server, "control")) as listening:
            await asyncio.to_thread(story, Live(listening.url, server, dialect))

    run_live(main())


def test_order_to_cash_through_the_client() -> None:
    """Every call of the client about what the mock covers."""
    passed: list[str] = []

    def story(at: Live) -> None:
        client, cid, core = at.client(), at.cid, at.dialect.core
        item = core.add_item("WIDGET", "Widget", 2500, 1000, "USD", 100)
        item_id = at.dialect.guids.of("item", item.id)

        def did(name: str, value: Any) -> Any:
            passed.append(name)
            return value

        companies = apis.CompanyApi(client)
        assert did("list_companies", companies.list_companies()).value[0].id == cid
        assert did("get_company", companies.get_company(cid)).name == "CRONUS"

        terms = apis.PaymentTermApi(client)
        new = {"code": "33D", "displayName": "Net 33", "dueDateCalculation": "33D"}
        term = did("post_payment_term", terms.post_payment_term(cid, JSON, new))
        assert did("list_payment_terms", terms.list_payment_terms(cid)).value
        assert did("get_payment_term", terms.get_payment_term(cid, term.id)).due_date_calculation == "33D"

        customers = apis.CustomerApi(client)
        body = models.PostCustomerRequest(number="C1", display_name="Acme", payment_terms_id=term.id)
        customer = did("post_customer", customers.post_customer(cid, JSON, body))
        for n in range(2, 6):
            customers.post_customer(cid, JSON, models.PostCustomerRequest(number=f"C{n}", display_name="More"))
        page = did("list_customers", customers.list_customers(cid, top=2, skip=1, filter="startswith(number,'C')"))
        assert [row.number for row in page.value] == ["C2", "C3"]
        assert did("get_customer", customers.get_customer(cid, customer.id)).number == "C1"
        changed = models.PostCustomerRequest(city="Ghent")
        row = did("patch_customer", customers.patch_customer(cid, customer.id, JSON, "*", changed))
        assert row.city == "Ghent"
        doomed = page.value[0].id
        assert did("delete_customer", customers.delete_customer(cid, doomed)) is None

        invoices = apis.SalesInvoiceApi(client)
        draft = models.PostSalesInvoiceRequest(customer_id=customer.id, external_document_number="WEB-1")
        invoice = did("post_sales_invoice", invoices.post_sales_invoice(cid, JSON, draft))
        lines = apis.SalesInvoiceLineApi(client)
        line = models.PostSalesInvoiceLineForSalesInvoiceRequest(item_id=item_id, line_type="Item", quantity=2)
        made = lines.post_sales_invoice_line_for_sales_invoice(cid, invoice.id, JSON, line)
        assert did("post_sales_invoice_line_for_sales_invoice", made).amount_including_tax == 50
        texts = models.PostSalesInvoiceRequest(due_date=date(2030, 1, 1), customer_purchase_order_reference="PO-1")
        patched = invoices.patch_sales_invoice(cid, invoice.id, JSON, "*", texts)
        assert did("patch_sales_invoice", patched).customer_purchase_order_reference == "PO-1"
        assert did("post_action_sales_invoices", invoices.post_action_sales_invoices(cid, invoice.id)) is None
        posted = did("get_sales_invoice", invoices.get_sales_invoice(cid, invoice.id))
        assert (posted.id, posted.status, posted.remaining_amount) == (invoice.id, "Open", 50)
        found = lines.list_sales_invoice_lines_for_sales_invoice(cid, invoice.id)
        assert did("list_sales_invoice_lines_for_sales_invoice", found).value[0].quantity == 2
        by_filter = lines.list_sales_invoice_lines(cid, filter=f"documentId eq {invoice.id}")
        assert len(did("list_sales_invoice_lines", by_filter).value) == 1
        other = invoices.post_sales_invoice(cid, JSON, draft)
        assert did("delete_sales_invoice", invoices.delete_sales_invoice(cid, other.id)) is None
        assert len(did("list_sales_invoices", invoices.list_sales_invoices(cid)).value) == 1

        journals = apis.JournalApi(client)
        payments = next(iter(at.dialect.state.journals))
        journal_id = at.dialect.guids.of("journal", payments)
        assert did("get_journal", journals.get_journal(cid, journal_id)).code == "PAYMENT"
        assert did("list_journals", journals.list_journals(cid)).value == []
        with pytest.raises(ApiException) as refused:
            journals.post_action_journals(cid, journal_id)
        assert (refused.value.status, "nothing to post" in str(refused.value.body)) == (400, True)
        did("post_action_journals", None)

        ledger = apis.GeneralLedgerEntryApi(client)
        entries = did("list_general_ledger_entries", ledger.list_general_ledger_entries(cid, top=5))
        assert len(entries.value) == 5
        accounts = did("list_accounts", apis.AccountApi(client).list_accounts(cid, filter="number eq '67200'"))
        cost = did("get_account", apis.AccountApi(client).get_account(cid, accounts.value[0].id))
        assert (cost.number, cost.category) == ("67200", "Expense")

        memos, credit_lines = apis.SalesCreditMemoApi(client), apis.SalesCreditMemoLineApi(client)
        new = models.PostSalesCreditMemoRequest(customer_id=customer.id, invoice_id=invoice.id)
        memo = did("post_sales_credit_memo", memos.post_sales_credit_memo(cid, JSON, new))
        line = models.PostSalesCreditMemoLineForSalesCreditMemoRequest(
            line_type="Account", account_id=cost.id, quantity=1, unit_price=2
        )
        made = credit_lines.post_sales_credit_memo_line_for_sales_credit_memo(cid, memo.id, JSON, line)
        assert did("post_sales_credit_memo_line_for_sales_credit_memo", made).amount_including_tax == 2
        assert did("post_action_sales_credit_memos", memos.post_action_sales_credit_memos(cid, memo.id)) is None
        assert did("get_sales_credit_memo", memos.get_sales_credit_memo(cid, memo.id)).status == "Paid"
        found = credit_lines.list_sales_credit_memo_lines_for_sales_credit_memo(cid, memo.id)
        assert did("list_sales_credit_memo_lines_for_sales_credit_memo", found).value[0].account_id == cost.id
        other = memos.post_sales_credit_memo(cid, JSON, new)
        assert did("delete_sales_credit_memo", memos.delete_sales_credit_memo(cid, other.id)) is None
        assert len(did("list_sales_credit_memos", memos.list_sales_credit_memos(cid)).value) == 1
        assert invoices.get_sales_invoice(cid, invoice.id).remaining_amount == 48

    live(story)
    assert len(set(passed)) == 32


def test_errors_reach_the_client() -> None:
    def story(at: Live) -> None:
        customers, cid = apis.CustomerApi(at.client()), at.cid
        body = models.PostCustomerRequest(number="C1", display_name="Acme")
        customer = customers.post_customer(cid, JSON, body)
        stale = 'W/"MTk7AAAA"'
        cases: list[tuple[Callable[[], Any], int, str]] = [
            (lambda: customers.post_customer(cid, JSON, body), 400, "Internal_EntityWithSameKeyExists"),
            (lambda: customers.patch_customer(cid, customer.id, JSON, stale, body), 409, "Request_EntityChanged"),
            (lambda: customers.get_customer(cid, cid), 404, "Internal_RecordNotFound"),
            (lambda: customers.list_customers(cid, filter="horn eq 1"), 400, "BadRequest"),
            (lambda: apis.VendorApi(at.client()).list_vendors(cid), 404, "BadRequest_NotFound"),
            (lambda: apis.CustomerApi(at.client("expired")).list_customers(cid), 401, "Authentication_"),
        ]
        for call, status, code in cases:
            with pytest.raises(ApiException) as refused:
                call()
            assert refused.value.status == status
            assert json.loads(str(refused.value.body))["error"]["code"].startswith(code)
        at.server.faults.add(Throttled(next=1))
        with pytest.raises(ApiException) as refused:
            customers.list_customers(cid)
        assert refused.value.status == 429
        assert len(customers.list_customers(cid).value) == 1

    live(story)
