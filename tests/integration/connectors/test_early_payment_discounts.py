"""What terms grant who pays early: read with the open items, and granted once, on every ERP that takes it."""

import asyncio

import pytest
from tests.integration.connectors.s4hana_bench import Bench as S4HanaBench
from tests.integration.connectors.test_business_central_connector import Bench as BusinessCentralBench

from o2c_twin.integration.connectors.business_central import BusinessCentralErp
from o2c_twin.integration.connectors.business_central_postings import BusinessCentralPostings
from o2c_twin.integration.connectors.early_payment import early_payment
from o2c_twin.integration.connectors.netsuite import NetSuiteErp
from o2c_twin.integration.connectors.netsuite_postings import NetSuitePostings
from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.integration.connectors.s4hana_partners import Organisation
from o2c_twin.integration.connectors.s4hana_postings import S4HanaPostings
from o2c_twin.integration.model import Allocation, BankEntry, Discount
from o2c_twin.integration.runtime.errors import CallFailed
from o2c_twin.mock_systems.roles.erp import EarlyPayment
from o2c_twin.mock_systems.vendors import netsuite
from o2c_twin.mock_systems.wire.faults import LostReply

DUE, EARLY = 100_030, 2_001
KEY = "discount:B1:1"
VENDORS = ("netsuite", "s4hana", "business_central")


class NetSuiteBench(S4HanaBench):
    """The bench of another ERP with a NetSuite account on it."""

    def __init__(self):
        super().__init__()
        world = self.server.world
        self.dialect = netsuite.make(world, netsuite.NetSuiteConfig(date_format="YYYY-MM-DD"))
        self.server = type(self.server)("erp", self.dialect, world)
        self.core = self.dialect.core
        self.core.add_item("TG11", "TG11", 1_000, 500, "USD", 100)

    def connect(self, **connector):
        if not hasattr(self.dialect.config, "integrations"):
            return None
        # A new process signs in another second: a nonce is good once.
        self.clock.us += 1_000_000
        token, account = self.dialect.config.integrations[0], self.dialect.config.account
        signer = TokenSigner(account, token.consumer_key, token.consumer_secret, token.token_id, token.token_secret)
        return NetSuiteErp("erp", "http://erp", self, self.clock, signer, "USD", **connector)


class Ledger:
    """An invoice of 1,000.30 on any ERP, due in 30 days, of which 2 % may be kept for ten; and a connector to it."""

    def __init__(self, vendor, option=True):
        made = {"netsuite": NetSuiteBench, "s4hana": S4HanaBench, "business_central": BusinessCentralBench}
        self.vendor, self.bench = vendor, made[vendor]()
        self.option = option
        core = self.core = self.bench.core
        core.early_payment = EarlyPayment(200, 10)
        core.add_item("DEAR", "Dear", DUE, 1_000, "USD", 10)
        customer = core.add_customer("Acme", "USD", number="K-1", terms_days=30)
        order = core.enter_order(customer.id, [(core.items_by_sku["DEAR"].id, 1, DUE)])
        core.deliver(order.id)
        self.made = core.invoice_order(order.id)
        self.erp = self.connect()
        (item,) = self.run(self.erp.items_named([self.made.number]))
        self.item, self.invoice, self.customer = item, item.erp_id, item.customer_erp_id

    def connect(self):
        option, bench = self.option, self.bench
        if self.vendor == "netsuite":
            return bench.connect(discounts="EARLY-PAYMENT" if option else "")
        if self.vendor == "s4hana":
            return bench.connect(organisation=Organisation(discount_account="70050000" if option else ""))
        plain = bench.connect()
        return BusinessCentralErp(plain._client, "USD", "s3cret", discounts="DISCOUNT" if option else "")

    def run(self, work):
        return asyncio.run(work)

    def paid(self, value_on):
        entry = BankEntry("B1", DUE - EARLY, "USD", value_on, None, self.made.number, "ACME", None)
        rows = [Allocation(self.invoice, DUE - EARLY)]
        self.run(self.erp.put_payment(entry, self.customer, rows, "cash:B1", "c"))

    def granted(self, erp=None, minor=EARLY):
        what = Discount(self.invoice, minor, "USD", "2026-01-05", "early payment discount")
        return self.run((erp or self.erp).grant_discount(what, KEY, "c"))

    def lose(self):
        operation = {"netsuite": "invoice.transform.creditMemo", "s4hana": "journalEntry.post"}
        self.bench.server.faults.add(LostReply(operations=(operation.get(self.vendor, "batch"),), next=1))

    @property
    def books(self):
        balances = self.core.trial_balance()
        names = ("bank", "discounts granted", "write-offs", "receivables", "unapplied cash", "revenue")
        return [balances.get(name, 0) for name in names]


CLOSED = [DUE - EARLY, EARLY, 0, 0, 0, -DUE]


def test_two_per_cent_for_ten_days_from_the_invoice_half_up():
    made = early_payment(DUE, "USD", "2", "10", "2026-01-25")
    assert (str(made["discount"]), made["discount_until"]) == ("20.01", "2026-02-04")
    assert early_payment(25, "USD", 2, 10, "2026-01-25")["discount"].as_tuple().digits == (1,)
    for percent, days, open_minor in ((None, None, DUE), (0, 10, DUE), (2, None, DUE), (2, 10, 0)):
        assert not early_payment(open_minor, "USD", percent, days, "2026-01-25")["discount"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_open_item_tells_what_its_terms_grant_and_until_when(vendor):
    ledger = Ledger(vendor)
    assert (ledger.item.open_minor, ledger.item.discount_minor) == (DUE, EARLY)
    assert ledger.item.discount_until == "2026-01-15"
    assert ledger.run(ledger.erp.open_items(ledger.customer)) == [ledger.item]


@pytest.mark.parametrize("vendor", VENDORS)
def test_terms_that_grant_nothing_and_a_connector_that_does_not_ask_tell_none(vendor):
    ledger = Ledger(vendor)
    ledger.made.early = ledger.core.early_payment = None
    assert ledger.run(ledger.erp.open_items(ledger.customer))[0].discount_minor == 0
    assert Ledger(vendor, option=False).item.discount_minor == 0


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("lost", [False, True])
def test_a_discount_is_granted_once_against_its_own_account_and_closes_the_invoice(vendor, lost):
    ledger = Ledger(vendor)
    # Posted by a person and after the day, so that no ledger grants it with the payment.
    ledger.core.receive_payment(ledger.made.customer_id, DUE - EARLY, [(ledger.made.id, DUE - EARLY)])
    if lost:
        ledger.lose()
        with pytest.raises(CallFailed) as failed:
            ledger.granted()
        assert failed.value.cause == "unknown-outcome"
    again = ledger.connect()
    document = None if vendor == "netsuite" else ledger.run(again.find("grant_discount", KEY))
    if document is None:
        document = ledger.granted(again)
    assert document
    if vendor != "business_central":
        assert ledger.granted(ledger.connect()) == document
    assert ledger.books == CLOSED


def test_business_central_grants_it_with_a_payment_in_time_and_the_connector_finds_nothing_left_to_grant():
    ledger = Ledger("business_central")
    ledger.paid("2026-01-15")
    assert ledger.books == CLOSED
    assert ledger.granted() == ""
    assert ledger.books == CLOSED


def test_business_central_grants_nothing_with_a_payment_a_day_late_and_the_journal_does():
    ledger = Ledger("business_central")
    ledger.paid("2026-01-16")
    assert ledger.made.open_minor == EARLY
    assert ledger.granted()
    assert ledger.books == CLOSED


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_connector_that_was_told_of_no_account_for_it_refuses_and_names_the_option(vendor):
    ledger = Ledger(vendor, option=False)
    with pytest.raises(CallFailed) as failed:
        ledger.granted()
    assert failed.value.cause == "rejected"
    assert "set the option 'discount" in failed.value.detail
    assert ledger.books == [0, 0, 0, DUE, 0, -DUE]


@pytest.mark.parametrize("vendor", VENDORS)
def test_more_than_is_open_is_refused(vendor):
    ledger = Ledger(vendor)
    ledger.core.receive_payment(ledger.made.customer_id, DUE - 1, [(ledger.made.id, DUE - 1)])
    with pytest.raises(CallFailed) as failed:
        ledger.granted()
    assert failed.value.cause == "rejected"
    assert ledger.core.trial_balance().get("discounts granted", 0) == 0


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_was_granted_is_no_posting_that_money_must_have_come_in_for(vendor):
    ledger = Ledger(vendor)
    ledger.paid("2026-01-05")
    ledger.granted()
    assert ledger.books == CLOSED
    kinds = {"netsuite": NetSuitePostings, "s4hana": S4HanaPostings, "business_central": BusinessCentralPostings}
    postings = ledger.run(kinds[vendor](ledger.erp).postings(0))
    assert [each.amount_minor for each in postings] == [DUE - EARLY]
