"""What an ERP owes a design in which sales hears of its customers: read one, tell of it, change a part of it."""

import pytest

from o2c_twin.integration.connectors.registry import DEAF
from o2c_twin.integration.mappings.documents import PartyChange
from o2c_twin.twin.plan import VENDORS

TELLING = [vendor for vendor in VENDORS["erp"] if vendor not in DEAF]
CHANGES = {"name": "Acme Söhne & Co", "terms_days": 14, "credit_limit_minor": 4_567_89}
SECOND = 1_000_000


telling = pytest.mark.parametrize("erp", TELLING, indirect=True)


def master(erp, trade):
    told = erp.do(erp.system.customer(trade.customer))
    assert told.erp_id == trade.customer
    return {name: getattr(told, name) for name in CHANGES}


@telling
def test_a_customer_is_read_as_it_was_written(erp, open_trade):
    trade = open_trade(limit_minor=1_234_567)
    told = erp.do(erp.system.customer(trade.customer))
    party = trade.party
    assert (told.name, told.terms_days, told.credit_limit_minor) == (party.name, 30, 1_234_567)
    assert (told.number, told.email) == (party.number, party.email)
    (record,) = erp.core.state.customers.values()
    assert told.modified_at // SECOND == record.modified_at // SECOND
    erp.core.update_customer(record.id, credit_limit_minor=None, terms_days=0)
    told = erp.do(erp.system.customer(trade.customer))
    assert (told.terms_days, told.credit_limit_minor) == (0, None)


@telling
@pytest.mark.parametrize("field", CHANGES)
def test_what_is_given_is_changed_and_nothing_else(erp, trade, field):
    assert set(CHANGES) <= erp.system.customer_fields
    before, whole = master(erp, trade), PartyChange("A1", "EUR", **{field: CHANGES[field]})
    erp.do(erp.system.change_customer(trade.customer, whole, "c"))
    assert master(erp, trade) == {**before, field: CHANGES[field]}


@telling
def test_an_e_mail_is_changed_and_added(erp, trade):
    (record,) = erp.core.state.customers.values()
    for before in ("ap@acme.example", None):
        erp.core.update_customer(record.id, email=before)
        erp.do(erp.system.change_customer(trade.customer, PartyChange("A1", "EUR", email="x@y.example"), "c"))
        assert erp.do(erp.system.customer(trade.customer)).email == "x@y.example"


@telling
def test_a_change_sent_again_is_the_same_change(erp, trade):
    change = PartyChange("A1", "EUR", **CHANGES)
    key = "master_credit:1"
    erp.lost_then_resent("change_customer", key, lambda: erp.system.change_customer(trade.customer, change, "c"))
    assert master(erp, trade) == CHANGES
    assert len(erp.core.state.customers) == 1


@telling
def test_every_changed_customer_is_fed_and_none_is_missed(erp, trade):
    erp.later(2 * 86_400)
    _, since = erp.do(erp.system.customer_changes(erp.clock.now() - SECOND))
    assert erp.do(erp.system.customer_changes(erp.clock.now()))[0] == []
    (record,) = erp.core.state.customers.values()
    for change in ({"name": "Other"}, {"credit_limit_minor": 100_00}, {"terms_days": 14}):
        erp.later(10)
        erp.core.update_customer(record.id, **change)
        events, since = erp.do(erp.system.customer_changes(since))
        assert {(e.flow, e.object_id, e.lane) for e in events} == {
            ("customer-master", trade.customer, f"customer:{trade.customer}")
        }
        assert max(e.source_at for e in events) // SECOND == erp.clock.now() // SECOND


def test_the_vendors_that_tell_nothing_are_on_the_list_of_those(erp):
    methods = ("customer", "customer_changes", "change_customer")
    assert all(hasattr(erp.system.impatient, name) for name in methods) == (erp.vendor not in DEAF)
