"""What a plan promises the provider, so that lookups and polls read no more rows than they answer."""

from datetime import date

import pytest

from o2c_twin.mock_systems.wire.query import soql_plan, suiteql_plan
from o2c_twin.mock_systems.wire.query.results import PlanCache

NOW = 1_773_847_800_000_000  # 2026-03-18T15:30:00Z
TEN = 1_773_828_000_000_000  # 2026-03-18T10:00:00Z
DAY = 86_400_000_000


def test_a_lookup_by_id_reads_one_row(crm, erp):
    plan = soql_plan.prepare("SELECT Name FROM Opportunity WHERE Id = '006000000000002'", crm, NOW)
    assert plan.equals == {"Id": ("006000000000002AAA",)}
    assert plan.run().total == crm.handed_out == 1
    plan = suiteql_plan.prepare("SELECT id FROM transaction t WHERE t.tranid IN ('SO3701', 'SO3702')", erp, NOW)
    assert plan.equals == {"tranid": ("SO3701", "SO3702")}
    assert plan.run().total == erp.handed_out == 2


def test_a_poll_reads_only_what_changed(crm, erp):
    plan = soql_plan.prepare(
        "SELECT Id FROM Opportunity WHERE SystemModstamp > 2026-03-18T10:00:02Z AND IsWon = false", crm, NOW
    )
    assert plan.lower_bounds == {"SystemModstamp": (TEN + 2_000_000, False)}
    plan.run()
    assert crm.handed_out == 1
    plan = suiteql_plan.prepare(
        "SELECT id FROM transaction WHERE lastmodifieddate >= TO_DATE('2026-03-04','YYYY-MM-DD') AND type = 'SalesOrd'",
        erp,
        NOW,
    )
    assert plan.lower_bounds == {"lastmodifieddate": (TEN - 14 * DAY - 10 * DAY // 24, True)}
    assert plan.equals == {"type": ("SalesOrd",)}
    plan.run()
    assert erp.handed_out == 2


@pytest.mark.parametrize(
    ("where", "equals", "bounds"),
    [
        ("Name = 'NUTS'", {"Name": ("nuts",)}, {}),  # case-folded, like the index it asks for
        ("Name IN ('A', 'a', 'B')", {"Name": ("a", "b")}, {}),
        ("Amount > 5 AND Amount >= 7 AND Amount > 6", {}, {"Amount": (7, True)}),
        ("Amount >= 7 AND Amount > 7", {}, {"Amount": (7, False)}),
        ("CloseDate = TODAY", {}, {"CloseDate": (date(2026, 3, 18), True)}),
        ("(Amount > 5 AND (Name = 'x' AND IsWon = true))", {"Name": ("x",), "IsWon": (True,)}, {"Amount": (5, False)}),
        ("Amount < 5", {}, {}),
        ("Name != 'x'", {}, {}),
        ("Name = null", {}, {}),
        ("Name NOT IN ('x')", {}, {}),
        ("NOT Name = 'x'", {}, {}),
        ("Name = 'x' OR Amount > 5", {}, {}),
        ("Account.Name = 'x'", {}, {}),  # another table's column
    ],
)
def test_only_what_every_row_must_meet_is_promised(crm, where, equals, bounds):
    plan = soql_plan.prepare(f"SELECT Id FROM Opportunity WHERE {where}", crm, NOW)
    assert (plan.equals, plan.lower_bounds) == (equals, bounds)


def test_suiteql_promises_values_as_the_provider_stores_them(erp):
    plan = suiteql_plan.prepare("SELECT id FROM customer WHERE isinactive = 'T' AND id = '111'", erp, NOW)
    assert plan.equals == {"isinactive": (True,), "id": (111,)}
    plan = suiteql_plan.prepare(
        "SELECT id FROM transaction WHERE trandate > TO_DATE('2026-03-02','YYYY-MM-DD') AND NOT id <> 3703", erp, NOW
    )
    assert plan.equals == {"id": (3703,)}
    assert plan.lower_bounds == {"trandate": (date(2026, 3, 2), False)}


def test_a_semi_join_becomes_an_index_lookup(crm):
    text = "SELECT Id FROM Opportunity WHERE AccountId IN (SELECT Id FROM Account WHERE Id = '001000000000001AAA')"
    assert soql_plan.prepare(text, crm, NOW).run().total == 1
    assert crm.handed_out == 2  # one account, one opportunity


def test_a_join_starts_at_the_selective_table_and_probes_the_other(erp):
    plan = suiteql_plan.prepare(
        "SELECT l.item FROM transactionline l JOIN transaction t ON t.id = l.transaction WHERE t.tranid = 'SO3701'",
        erp,
        NOW,
    )
    assert (plan.table, plan.equals) == ("transaction", {"tranid": ("SO3701",)})
    assert plan.run().total == 2
    assert erp.handed_out == 3  # one order, its two lines


def test_a_join_prefers_the_condition_that_has_an_index(erp):
    plan = suiteql_plan.prepare(
        "SELECT l.item FROM transaction t JOIN transactionline l ON l.quantity = t.id - 3699 AND l.transaction = t.id"
        " WHERE t.id = 3701",
        erp,
        NOW,
    )
    assert plan.run().total == 1
    assert erp.handed_out == 3


def test_an_unindexed_join_reads_each_table_once(erp):
    plan = suiteql_plan.prepare(
        "SELECT l.item, m.item other FROM transactionline l JOIN transactionline m ON m.item = l.item", erp, NOW
    )
    assert plan.run().total == 5
    assert erp.handed_out == 6


def test_a_limit_without_order_stops_reading(crm):
    class Endless:
        render = crm.render
        table = crm.table

        def rows(self, table, hints):
            while True:
                yield from crm.rows(table, hints)

    assert soql_plan.prepare("SELECT Id FROM Account LIMIT 5", Endless(), NOW).run().total == 5
    assert suiteql_plan.prepare("SELECT Id FROM Account WHERE ROWNUM <= 4", Endless(), NOW).run().total == 4


def test_a_plan_runs_again_on_new_rows(crm):
    plan = soql_plan.prepare("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Opportunity)", crm, NOW)
    assert plan.run().total == 2
    crm._tables["opportunity"][1].pop(0)
    assert plan.run().total == 1


def test_kept_plans_are_bounded_and_the_oldest_goes_first(crm):
    cache, prepared = PlanCache(capacity=2), []

    def prepare(text):
        prepared.append(text)
        return soql_plan.prepare(text, crm, NOW)

    one, two, three = (f"SELECT Id FROM {name}" for name in ("Account", "Opportunity", "Product2"))
    for text in (one, two, one, three, one, two):
        cache.plan(text, prepare)
    assert prepared == [one, two, three, two]
    assert len(cache) == 2
    cache.clear()
    assert len(cache) == 0


@pytest.mark.parametrize(
    "text",
    [
        "SELECT Id FROM Opportunity WHERE CloseDate = TODAY",
        "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Opportunity WHERE CloseDate > TODAY)",
        "SELECT Name FROM Opportunity GROUP BY Name HAVING MAX(CloseDate) > TODAY",
        "SELECT Id, (SELECT Id FROM OpportunityLineItems WHERE Id IN"
        " (SELECT Id FROM Opportunity WHERE CloseDate > TODAY)) FROM Opportunity",
    ],
)
def test_a_plan_that_counts_from_now_is_not_kept(crm, text):
    cache = PlanCache()
    plan = cache.plan(text, lambda text: soql_plan.prepare(text, crm, NOW))
    assert not plan.timeless
    assert len(cache) == 0


def test_sysdate_anywhere_makes_a_plan_of_the_moment(erp):
    for text in (
        "SELECT id FROM transaction WHERE trandate < SYSDATE",
        "SELECT t.id FROM transaction t JOIN customer c ON c.id = t.entity AND t.trandate < SYSDATE",
        "SELECT id, SYSDATE - trandate FROM transaction",
        "SELECT id FROM customer WHERE id IN (SELECT entity FROM transaction WHERE trandate < SYSDATE)",
        "SELECT type FROM transaction GROUP BY type HAVING MAX(trandate) < SYSDATE",
    ):
        assert not suiteql_plan.prepare(text, erp, NOW).timeless
    assert suiteql_plan.prepare("SELECT id FROM transaction", erp, NOW).timeless
