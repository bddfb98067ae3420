"""What the axes `master_customer` and `master_credit` change: who writes what of a customer, and which way it flows."""

import json

import pytest

from o2c_twin.integration.governance.audit import entries
from o2c_twin.integration.profile import DesignProfile, ProfileError
from o2c_twin.integration.runtime.engine import Rhythm
from o2c_twin.integration.service.wiring import governed
from o2c_twin.integration.store.audit_log import JournalAuditLog

HOUR = 3_600.0


def customer_of(bench, engine, account="A1", **party):
    """An account that has become a customer; gives the ERP's id."""
    engine.receive(bench.won("D1", account, "K1", credit_limit_minor=1_000, **party))
    bench.pass_time(60)
    return bench.journal.remote("erp", "customer", account)


def sales_types(bench, engine, **changes):
    engine.receive(bench.crm.types("A1", **changes))
    bench.pass_time(60)


def finance_types(bench, engine, **changes):
    (erp_id,) = bench.erp.customers
    engine.receive(bench.erp.grants(erp_id, **changes))
    bench.pass_time(60)


def both(bench, field):
    (customer,) = bench.erp.customers.values()
    return getattr(bench.crm.parties["A1"], field), getattr(customer, field)


CREDIT = ("master_credit", "credit_limit_minor", 1_000, 5_000, 300)
NAMES = ("master_customer", "name", "Acme", "Acme Ltd", "ACME Limited")


@pytest.mark.parametrize(
    ("value", "after_sales", "after_finance"),
    [
        # What sales and the ERP hold after each has typed something of its own.
        ("crm", ("sales", "sales"), ("first", "finance")),
        ("last-change", ("sales", "sales"), ("finance", "finance")),
        ("erp", ("first", "first"), ("finance", "finance")),
    ],
)
@pytest.mark.parametrize(("axis", "field", "first", "by_sales", "by_finance"), [CREDIT, NAMES])
def test_who_is_master_decides_which_way_a_change_flows(
    bench, axis, field, first, by_sales, by_finance, value, after_sales, after_finance
):
    said = {"first": first, "sales": by_sales, "finance": by_finance}
    engine = bench.engine(**{axis: value})
    customer_of(bench, engine)
    assert both(bench, field) == (first, first)
    finance_types(bench, engine, **{field: by_finance})
    assert both(bench, field) == tuple(said[who] for who in after_finance)
    finance_types(bench, engine, **{field: first})
    sales_types(bench, engine, **{field: by_sales})
    assert both(bench, field) == tuple(said[who] for who in after_sales)
    assert bench.reasons() == []


@pytest.mark.parametrize(("axis", "other"), [("master_credit", "name"), ("master_customer", "terms_days")])
def test_fields_of_the_other_group_go_on_flowing_as_they_did(bench, axis, other):
    values = {"name": "Acme Ltd", "terms_days": 60}
    engine = bench.engine(**{axis: "erp"})
    customer_of(bench, engine)
    sales_types(bench, engine, **values)
    assert both(bench, other) == (values[other], values[other])
    (kept,) = set(values) - {other}
    assert both(bench, kept) == (("Acme", "Acme") if kept == "name" else (30, 30))


def test_what_sales_types_where_it_may_not_is_logged_as_a_refusal_and_on_the_trail(bench):
    engine = bench.engine(master_credit="erp")
    governed(engine)
    customer_of(bench, engine)
    sales_types(bench, engine, terms_days=90, credit_limit_minor=9_000)
    assert both(bench, "terms_days") == (30, 30)
    told = [(refusal.field, refusal.system, refusal.master) for refusal in bench.seen.refusals]
    assert told == [("terms_days", "crm", "erp"), ("credit_limit_minor", "crm", "erp")]
    trail = [entry.what for entry in entries(JournalAuditLog(bench.journal).rows())]
    why = "erp is master of Party.terms_days in stage customer, not crm; change it there"
    assert f"crm Party.terms_days refused: {why}" in trail
    # Told by finance, and typed by sales to the same: neither is refused.
    finance_types(bench, engine, terms_days=14)
    sales_types(bench, engine, terms_days=14)
    assert len(bench.seen.refusals) == 2


def test_the_same_word_typed_again_is_put_back_again(bench):
    engine = bench.engine(master_credit="erp")
    customer_of(bench, engine)
    for times in (1, 2, 3):
        sales_types(bench, engine, terms_days=90)
        assert both(bench, "terms_days") == (30, 30)
        assert bench.crm.calls.count("change_party") == times


@pytest.mark.parametrize("value", ["last-change", "erp"])
def test_what_the_engine_wrote_itself_does_not_echo(bench, value):
    engine = bench.engine(master_credit=value, master_customer=value)
    (erp_id,) = (customer_of(bench, engine),)
    finance_types(bench, engine, terms_days=14)
    sales_types(bench, engine, name="Acme Ltd")
    wrote = [call for call in (*bench.crm.calls, *bench.erp.calls) if call.startswith("change_")]
    # Both systems tell of what was written to them, more than once and late.
    for _ in range(3):
        engine.receive(bench.crm.types("A1"))
        engine.receive(bench.erp.grants(erp_id))
        bench.pass_time(60)
    assert [call for call in (*bench.crm.calls, *bench.erp.calls) if call.startswith("change_")] == wrote
    assert len(wrote) == 2


def test_of_two_changes_at_once_the_later_one_wins_and_the_other_is_lost(bench):
    engine = bench.engine(master_credit="last-change")
    erp_id = customer_of(bench, engine)
    notices = [bench.erp.grants(erp_id, terms_days=14)]
    bench.pass_time(5)
    notices.append(bench.crm.types("A1", terms_days=60))
    for notice in notices:
        engine.receive(notice)
    bench.pass_time(60)
    assert both(bench, "terms_days") == (60, 60)


def test_what_sales_types_back_to_what_it_was_is_a_change(bench):
    engine = bench.engine(master_credit="last-change")
    customer_of(bench, engine)
    finance_types(bench, engine, terms_days=14)
    sales_types(bench, engine, terms_days=30)
    assert both(bench, "terms_days") == (30, 30)


def test_only_what_differs_is_written(bench):
    engine = bench.engine(master_credit="erp")
    customer_of(bench, engine)
    finance_types(bench, engine, terms_days=14)
    sales_types(bench, engine, name="Acme Ltd")
    written = bench.journal._db.execute("select arguments from effect where write like 'change_%'").fetchall()
    told = [{k: v for k, v in json.loads(row[0])[1].items() if v is not None} for row in written]
    assert told == [
        {"crm_id": "A1", "currency": "EUR", "terms_days": 14},
        {"crm_id": "A1", "currency": "EUR", "name": "Acme Ltd"},
    ]


@pytest.mark.parametrize("dies_s", [half / 2 for half in range(1, 17)])
def test_whenever_the_process_dies_both_groups_are_finished(bench, dies_s):
    """Neither system tells of what was written to it: what the next life does not know of is not done."""
    engine = bench.engine(master_credit="erp")
    customer_of(bench, engine)
    bench.erp.trouble["change_customer"] = [bench.LOST]
    engine.receive(bench.crm.types("A1", name="Acme Ltd", terms_days=90))
    bench.pass_time(dies_s)
    bench.kill()
    bench.engine(master_credit="erp").start()
    bench.pass_time(300)
    assert (both(bench, "name"), both(bench, "terms_days")) == (("Acme Ltd", "Acme Ltd"), (30, 30))
    assert bench.journal.pending() == bench.journal.unsettled() == bench.journal.cases() == []


@pytest.mark.parametrize("value", ["last-change", "erp"])
def test_every_account_of_a_customer_is_told(bench, value):
    engine = bench.engine(master_credit=value)
    customer_of(bench, engine)
    engine.receive(bench.won("D2", "A2", "K1", credit_limit_minor=7_000, terms_days=60))
    bench.pass_time(60)
    # The second account came with wishes of its own: nobody was refused, it is told what is agreed.
    assert bench.seen.refusals == []
    assert [(p.terms_days, p.credit_limit_minor) for p in bench.crm.parties.values()] == [(30, 1_000), (30, 1_000)]
    finance_types(bench, engine, terms_days=14)
    assert [(p.terms_days, p.credit_limit_minor) for p in bench.crm.parties.values()] == [(14, 1_000), (14, 1_000)]


def test_what_finance_changed_before_anybody_knew_whose_customer_it_is_is_not_forgotten(bench):
    engine = bench.engine(master_credit="erp")
    # Sales cannot be told the customer's number for a while, and as long the account is not known for one.
    bench.crm.trouble["note_party"] = [bench.failed(retry_after_s=20.0)]
    engine.receive(bench.won("D1", "A1", "K1", credit_limit_minor=1_000))
    bench.pass_time(5)
    (erp_id,) = bench.erp.customers
    assert bench.journal.remote("erp", "customer", "A1") is None
    engine.receive(bench.erp.grants(erp_id, terms_days=14))
    bench.pass_time(60)
    assert both(bench, "terms_days") == (14, 14)


def test_a_change_the_erp_never_told_of_is_found_when_it_is_asked(bench):
    engine = bench.engine(master_credit="erp", rhythm=Rhythm(sweep_s=HOUR))
    engine.start()
    erp_id = customer_of(bench, engine)
    bench.erp.changed_customers = [bench.erp.grants(erp_id, terms_days=14)]
    bench.pass_time(HOUR)
    assert both(bench, "terms_days") == (14, 14)
    assert bench.erp.calls.count("customer_changes") == 1


def test_in_the_shipped_design_the_erp_is_never_asked_for_its_customers(bench):
    engine = bench.engine(rhythm=Rhythm(sweep_s=HOUR))
    engine.start()
    customer_of(bench, engine)
    finance_types(bench, engine, terms_days=14)
    bench.pass_time(2 * HOUR)
    assert not {"customer", "customer_changes", "change_customer"} & set(bench.erp.calls)
    assert both(bench, "terms_days") == (30, 14)


@pytest.mark.parametrize("delivery", ["fire-and-forget", "naive-retry", "effectively-once"])
def test_every_delivery_carries_it(bench, delivery):
    engine = bench.engine(master_credit="erp", delivery=delivery)
    customer_of(bench, engine)
    finance_types(bench, engine, terms_days=14)
    sales_types(bench, engine, terms_days=90)
    assert both(bench, "terms_days") == (14, 14)


@pytest.mark.parametrize("matching", ["off", "exact-key"])
def test_a_number_goes_back_only_where_it_is_the_customers_on_both_sides(bench, matching):
    engine = bench.engine(master_customer="erp", matching=matching)
    customer_of(bench, engine)
    finance_types(bench, engine, number="D-77")
    assert bench.crm.parties["A1"].number == ("D-77" if matching == "exact-key" else "K1")


def test_the_journal_remembers_no_name(bench):
    engine = bench.engine(master_customer="erp")
    customer_of(bench, engine, name="Zyxwvut")
    finance_types(bench, engine, name="Zyxwvut Ltd")
    rows = bench.journal._db.execute("select * from xref").fetchall()
    assert rows
    assert not any("zyxwvut" in str(row).lower() for row in rows)


# --- refused at the start --------------------------------------------------------------------------


def test_a_connector_that_tells_nothing_of_customers_is_refused_at_the_start(bench, monkeypatch):
    monkeypatch.delattr(type(bench.erp), "customer_changes")
    with pytest.raises(ValueError, match="master_credit 'erp' cannot be had, for the connector of erp has"):
        bench.engine(master_credit="erp")
    assert bench.engine(master_credit="crm")


def test_where_links_are_not_shared_nobody_knows_whose_account_a_customer_is():
    with pytest.raises(ProfileError, match=r"master_credit 'last-change': .*; choose 'crm', or topology 'hub'"):
        DesignProfile(topology="point-to-point", master_credit="last-change")
