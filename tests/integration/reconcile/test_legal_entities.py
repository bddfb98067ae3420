"""Sweeps of a company of two legal entities: each account is compared and repaired in the entity that serves it."""

import pytest

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@pytest.mark.parametrize("erp", ["netsuite", "s4hana"])
def test_an_account_of_another_entity_is_known_as_told_and_repaired_there(company, erp):
    here = company(erp=erp, entities={"UK01": 0.5})
    account = here.account(1, entity="UK01")
    here.win(account)
    here.pass_time(2 * HOUR)
    (customer,) = here.estate.erp.state.customers.values()
    assert (customer.entity, here.order_of(here.deals[0]).entity) == ("UK01", "UK01")
    here.pass_time(DAY)
    assert here.look().repairs == ()
    here.estate.erp.update_customer(customer.id, name="As a clerk has it")
    here.pass_time(DAY)
    plan, _ = here.sweep()
    assert len(plan.repairs) == 1
    here.pass_time(HOUR)
    (customer,) = here.estate.erp.state.customers.values()
    assert (customer.name, customer.entity) == ("Customer 1", "UK01")
    assert here.look().repairs == ()
