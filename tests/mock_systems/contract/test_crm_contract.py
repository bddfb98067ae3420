"""What every CRM does, whoever makes it: its dialect may not bend the rules of the core."""

import pytest
from msgspec import structs

from o2c_twin.integration.mappings.documents import PartyChange
from o2c_twin.integration.model import DealLine

_NOTES = {
    "order_number": "SO1001",
    "order_id": "4711",
    "fulfilment": "part shipped",
    "invoice_number": "INV1001",
    "payment": "open",
    "credit": "passed",
}
_FIELDS = {"order_number": "erp_order_number", "order_id": "erp_order_id"}
"""Where the names of a note and of `CrmFields` differ."""


class Sales:
    """Sales staff: they enter customers, products and deals on the screens of the CRM."""

    def __init__(self, bench):
        self.core, self.fields = bench.core, bench.stand.fields
        self._products = {}

    def account(self, number, **custom):
        values = {self.fields.customer_number: f"K-{number}", **{getattr(self.fields, k): v for k, v in custom.items()}}
        return self.core.create("account", {"name": f"Kunde {number} Söhne & Co"}, values).id

    def deal(self, account, number, *lines, won=True):
        custom = {self.fields.deal_ref: f"R-{number}", self.fields.po_number: f"PO-{number}"}
        values = {"name": f"Deal {number}", "stage": "Negotiation/Review", "close_date": "2026-01-31"}
        deal = self.core.create("opportunity", {**values, "account_id": account, "currency": "EUR"}, custom).id
        for sku, quantity, price in lines:
            product = self._products.get(sku) or self._product(sku, price)
            line = {"opportunity_id": deal, "product_id": product, "quantity": quantity, "unit_price_minor": price}
            self.core.create("line", line)
        if won:
            self.core.update("opportunity", deal, {"stage": "Closed Won"})
        return deal

    def _product(self, sku, price):
        product = self.core.create("product", {"code": sku, "name": sku.title(), "price_minor": price}).id
        self._products[sku] = product
        return product


@pytest.fixture
def sales(crm):
    return Sales(crm)


def _won(events):
    return sorted(event.object_id for event in events if event.flow == "order")


# --- reading ----------------------------------------------------------------------------------------


def test_a_won_deal_is_read_with_its_lines_to_the_cent(crm, sales):
    account = sales.account(1, terms_days=45, credit_limit="12345.67")
    lines = (("WIDGET", 3, 1_999), ("CABLE", 999, 1), ("PLANT", 1, 123_456_789))
    told = crm.do(crm.system.deal(sales.deal(account, 1, *lines)))
    assert sorted(told.lines, key=lambda line: line.sku) == sorted(
        (DealLine(*line) for line in lines), key=lambda line: line.sku
    )
    assert (told.reference, told.po_number, told.currency, told.erp_order_id) == ("R-1", "PO-1", "EUR", None)
    party = told.party
    assert (party.crm_id, party.name, party.number) == (account, "Kunde 1 Söhne & Co", "K-1")
    assert (party.terms_days, party.credit_limit_minor, party.currency) == (45, 1_234_567, "EUR")
    assert crm.do(crm.system.party(account)) == party


def test_a_deal_of_many_lines_is_read_whole(crm, sales):
    lines = [(f"PART-{n % 7}", n + 1, 100 + n % 7) for n in range(260)]
    told = crm.do(crm.system.deal(sales.deal(sales.account(1), 1, *lines)))
    assert sorted((line.quantity, line.unit_price_minor) for line in told.lines) == [(q, p) for _, q, p in lines]


def test_a_deal_there_is_not_is_missing(crm, sales):
    known = sales.deal(sales.account(1), 1, ("WIDGET", 1, 100))
    other = sales.deal(sales.account(2), 2, ("WIDGET", 1, 100))
    crm.core.delete("opportunity", other)
    assert crm.do(crm.system.deal(known)).crm_id == known
    assert crm.fails(crm.system.deal(other)).cause == "missing"


# --- writing ----------------------------------------------------------------------------------------


def test_notes_are_written_where_sales_reads_them(crm, sales):
    deal = sales.deal(sales.account(1), 1, ("WIDGET", 1, 100))
    crm.do(crm.system.note_deal(deal, _NOTES, "order:R-1"))
    kept = crm.core.get("opportunity", deal).custom
    fields = crm.stand.fields
    assert {name: kept[getattr(fields, _FIELDS.get(name, name))] for name in _NOTES} == _NOTES
    assert kept[fields.po_number] == "PO-1", "a note leaves the rest alone"
    assert crm.do(crm.system.deal(deal)).erp_order_id == "4711"


def test_a_customers_id_is_written_and_read_again(crm, sales):
    account = sales.account(1)
    assert crm.do(crm.system.party(account)).erp_id is None
    crm.do(crm.system.note_party(account, "815", "customer:K-1"))
    assert crm.do(crm.system.party(account)).erp_id == "815"
    assert crm.core.get("account", account).name == "Kunde 1 Söhne & Co"


@pytest.mark.parametrize("write", ["note_deal", "note_party"])
def test_a_note_written_again_after_a_lost_answer_is_the_same_note(crm, sales, write):
    account = sales.account(1)
    deal = sales.deal(account, 1, ("WIDGET", 1, 100))
    counts = {kind: len(table) for kind, table in crm.core.tables.items()}

    def send():
        if write == "note_deal":
            return crm.system.note_deal(deal, {"order_id": "4711"}, "order:R-1")
        return crm.system.note_party(account, "4711", "customer:K-1")

    crm.lost_then_resent(write, "", send)
    assert {kind: len(table) for kind, table in crm.core.tables.items()} == counts
    told = crm.do(crm.system.deal(deal))
    assert (told.erp_order_id if write == "note_deal" else told.party.erp_id) == "4711"


_CHANGES = {"name": "Acme Söhne & Co", "number": "D-77", "terms_days": 14, "credit_limit_minor": 4_567_89}


@pytest.mark.parametrize("field", _CHANGES)
def test_an_account_is_told_what_is_given_and_nothing_else(crm, sales, field):
    account = sales.account(1, terms_days=45, credit_limit="12345.67")
    assert crm.system.party_fields == set(_CHANGES)
    before = crm.do(crm.system.party(account))
    change = PartyChange(account, "EUR", **{field: _CHANGES[field]})
    crm.lost_then_resent("change_party", "", lambda: crm.system.change_party(account, change, "customer:K-1"))
    after = crm.do(crm.system.party(account))
    assert structs.replace(after, modified_at=0) == structs.replace(before, modified_at=0, **{field: _CHANGES[field]})


# --- changes ----------------------------------------------------------------------------------------


def test_the_feed_tells_every_won_deal_and_account_over_all_its_pages(crm, sales):
    # More than a page of any vendor: 200 or 2,000 rows.
    _, since = crm.do(crm.system.changes(crm.clock.now() - 1))
    accounts, deals = [], []
    for number in range(2_100):
        accounts.append(sales.account(number))
        if number % 10 == 0:
            deals.append(sales.deal(accounts[-1], number, ("WIDGET", 1, 100)))
            sales.deal(accounts[-1], f"{number}-open", ("WIDGET", 1, 100), won=False)
        if number % 100 == 0:
            crm.later(1.0)
    crm.later()
    events, following = crm.do(crm.system.changes(since))
    assert _won(events) == sorted(deals)
    assert sorted({e.object_id for e in events if e.flow == "customer"}) == sorted(accounts)
    assert len({event.event_id for event in events}) == len(events)
    late = sales.deal(accounts[0], "late", ("WIDGET", 1, 100))
    crm.later()
    events, _ = crm.do(crm.system.changes(following))
    assert late in _won(events)


def test_a_deal_with_an_order_noted_is_no_news(crm, sales):
    deal = sales.deal(sales.account(1), 1, ("WIDGET", 1, 100))
    crm.do(crm.system.note_deal(deal, {"order_id": "4711"}, "order:R-1"))
    crm.later()
    events, _ = crm.do(crm.system.changes(crm.clock.now() - 10**12))
    assert _won(events) == []


def test_a_push_names_the_deal_as_the_feed_does(crm, sales):
    crm.stand.subscribe("http://engine.test/crm")
    deal = sales.deal(sales.account(1), 1, ("WIDGET", 1, 100))
    crm.later()
    pushed = [event for headers, body in crm.posted for event in crm.system.pushed(body, headers)[0]]
    fed, _ = crm.do(crm.system.changes(crm.clock.now() - 10**12))
    assert set(_won(pushed)) == set(_won(fed)) == {deal}
    assert {e.event_id for e in pushed if e.flow == "order"} == {e.event_id for e in fed if e.flow == "order"}
