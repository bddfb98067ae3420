"""What a choice of the design profile changes in who is one customer and what is known of one."""

import msgspec
import pytest

from o2c_twin.integration.flows.same_customer import ANOTHER, suggestion_of
from o2c_twin.integration.model import Inbound

SECOND = 1_000_000


# --- matching ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("matching", "second", "customers"),
    [
        ("off", {"name": "Brandt Pumps GmbH", "number": "K1"}, 2),
        ("name", {"name": "BRANDT  pumps gmbh", "number": "K2"}, 1),
        ("name", {"name": "Brandt Pumps", "number": "K1"}, 2),
        ("exact-key", {"name": "Another Name", "number": "K1"}, 1),
        ("exact-key", {"name": "Brandt Pumps GmbH", "number": "K2"}, 2),
        ("normalised", {"name": "BRANDT PUMPS Ltd.", "number": "K2"}, 1),
        ("normalised", {"name": "Brandt Valves GmbH", "number": "K1"}, 2),
        ("probabilistic", {"name": "Brandt Pumps Limited", "number": "K1"}, 1),
        ("probabilistic", {"name": "Okafor Tea Traders", "number": "K2"}, 2),
    ],
)
def test_which_accounts_are_one_customer_is_the_choice_of_matching(bench, matching, second, customers):
    engine = bench.engine(matching=matching)
    engine.receive(bench.won("D1", "A1", name="Brandt Pumps GmbH", number="K1"))
    bench.pass_time(60)
    engine.receive(bench.won("D2", "A2", **second))
    bench.pass_time(60)
    assert len(bench.erp.orders) == 2
    assert len({order.customer_erp_id for order in bench.erp.orders.values()}) == len(bench.erp.customers) == customers


@pytest.mark.parametrize(("same", "customers"), [(True, 1), (False, 2)])
def test_in_doubt_the_order_waits_for_a_person_and_goes_on_with_the_answer(bench, same, customers):
    engine = bench.engine(matching="probabilistic")
    engine.receive(bench.won("D1", "A1", name="Brandt Pumps GmbH", email="office@brandt-pumps.example"))
    bench.pass_time(60)
    engine.receive(bench.won("D2", "A2", name="Brandt Pumps Polska", email="biuro@brandt-pumps.example"))
    bench.pass_time(60)
    (case,) = bench.journal.cases("open")
    assert (case.flow, case.object_id, len(bench.erp.orders)) == ("customer", "A2", 1)
    account, erp_id = suggestion_of(engine, case.effect_key)
    assert account == "A1"
    # A restart forgets neither the question nor who waits for it.
    bench.kill()
    engine = bench.engine(matching="probabilistic")
    engine.start()
    engine.close_case(case.case_id, "sales", result=erp_id if same else ANOTHER)
    bench.pass_time(60)
    assert (len(bench.erp.orders), len(bench.erp.customers)) == (2, customers)
    assert len(bench.journal.cases()) == 1


@pytest.mark.parametrize("how", ["close_case", "replay_case"])
def test_a_question_settled_without_an_answer_is_not_asked_again(bench, how):
    engine = bench.engine(matching="probabilistic")
    for n, name in ((1, "Brandt Pumps GmbH"), (2, "Brandt Pumps Polska")):
        engine.receive(bench.won(f"D{n}", f"A{n}", name=name, email="office@brandt-pumps.example"))
        bench.pass_time(60)
    (case,) = bench.journal.cases("open")
    getattr(engine, how)(case.case_id, "operations")
    bench.pass_time(60)
    engine.receive(bench.won("D3", "A2", name="Brandt Pumps Polska", email="office@brandt-pumps.example"))
    bench.pass_time(60)
    assert (len(bench.erp.orders), len(bench.erp.customers), len(bench.journal.cases())) == (3, 2, 1)


def test_the_journal_remembers_no_name(bench):
    for n, matching in enumerate(("name", "normalised", "probabilistic")):
        bench.engine(matching=matching).receive(bench.won(f"D{n}", f"A{n}", name=f"Zyxwvut {n}"))
        bench.pass_time(60)
    rows = bench.journal._db.execute("select * from xref").fetchall()
    assert rows
    assert not any("zyxwvut" in str(row).lower() for row in rows)


# --- survivorship --------------------------------------------------------------------------------


def _changed(bench, account, **changes):
    now = bench.clock.now() // SECOND * SECOND
    bench.crm.parties[account] = msgspec.structs.replace(bench.crm.parties[account], modified_at=now, **changes)
    return Inbound(f"crm:account:{account}:{now}", "customer", account, f"party:{account}", now)


@pytest.mark.parametrize(
    ("survivorship", "limit", "terms", "email"),
    [("last-change", 900, 60, "b@x.example"), ("golden", 500, 30, "b@x.example")],
)
def test_what_survives_of_two_accounts_is_the_choice_of_survivorship(bench, survivorship, limit, terms, email):
    engine = bench.engine(survivorship=survivorship)
    for n, choices in ((1, {"credit_limit_minor": 500}), (2, {"credit_limit_minor": 900, "terms_days": 60})):
        engine.receive(bench.won(f"D{n}", f"A{n}", number="K1", **choices))
        bench.pass_time(60)
    engine.receive(_changed(bench, "A2", email=email))
    bench.pass_time(60)
    ((_, customer),) = bench.erp.customers.items()
    assert (customer.credit_limit_minor, customer.terms_days, customer.email) == (limit, terms, email)


def test_a_golden_record_is_told_as_soon_as_a_second_account_joins_and_not_again_while_nothing_changes(bench):
    engine = bench.engine(survivorship="golden")
    engine.receive(bench.won("D1", "A1", number="K1", credit_limit_minor=900))
    bench.pass_time(60)
    engine.receive(bench.won("D2", "A2", number="K1", credit_limit_minor=500))
    bench.pass_time(60)
    assert [customer.credit_limit_minor for customer in bench.erp.customers.values()] == [500]
    told = bench.erp.calls.count("update_customer")
    engine.receive(_changed(bench, "A2"))
    bench.pass_time(60)
    assert bench.erp.calls.count("update_customer") == told == 1
