"""Texts that differ only in their literals share one preparation, and answer as if each had its own."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from o2c_twin.mock_systems.wire.query import soql, soql_plan, suiteql, suiteql_plan
from o2c_twin.mock_systems.wire.query.errors import QueryError
from o2c_twin.mock_systems.wire.query.results import PlanCache

NOW = 1_773_847_800_000_000  # 2026-03-18T15:30:00Z
TEN = 1_773_828_000_000_000  # 2026-03-18T10:00:00Z

SOQL_TEXTS = (
    "SELECT Id, Name FROM Opportunity WHERE Id = {}",
    "SELECT Id FROM Opportunity WHERE Name = {} OR StageName = {}",
    "SELECT Id FROM Opportunity WHERE SystemModstamp > {} AND IsWon = true ORDER BY SystemModstamp",
    "SELECT Id FROM Opportunity WHERE NOT Name IN ({}, {}) LIMIT 2",
    "SELECT Id FROM Opportunity WHERE Account.Name = {} AND SystemModstamp <= {}",
    "SELECT Id FROM Opportunity WHERE Name LIKE {} AND StageName = {}",
    "SELECT Name, COUNT(Id) n FROM Opportunity WHERE Name >= {} GROUP BY Name HAVING MAX(Name) < {}",
    "SELECT Id, (SELECT Id FROM OpportunityLineItems WHERE Product2.ProductCode = {}) FROM Opportunity WHERE Name > {}",
    "SELECT Id FROM Opportunity WHERE AccountId IN (SELECT Id FROM Account WHERE Name = {}) AND Name != {}",
    "SELECT Id, (SELECT Id FROM OpportunityLineItems WHERE Id IN (SELECT Id FROM OpportunityLineItem)) FROM Opportunity"
    " WHERE Name > {}",
    "SELECT COUNT() FROM Opportunity WHERE CloseDate < TODAY AND Name != {}",
    "SELECT COUNT() FROM Opportunity WHERE Name != {}",
    "SELECT Id FROM Opportunity WHERE Amount > {}",
    "SELECT Id FROM Account WHERE ERP_Id__c={} AND Id=-{}",
)
SOQL_LITERALS = st.sampled_from(
    [
        "'006000000000001AAA'",
        "'006000000000002'",
        "'NUTS'",
        "'bolts'",
        "'Closed Won'",
        "'Bob\\'s \\\\ BBQ'",
        "'Bob\\s'",
        "''",
        "'2026-03-18T10:00:01Z'",
        "'C-1'",
        "'NUT-1'",
        "'%o%'",
        "2026-03-18T10:00:01Z",
        "2026-03-18T12:00:02.000+02:00",
        "2026-02-31T10:00:00Z",
        "2026-03-18T10:00:00",
        "2026-03-18",
        "5",
        "10.5",
        "null",
    ]
)
SUITEQL_TEXTS = (
    "SELECT id, tranid FROM transaction WHERE tranid = {}",
    "SELECT id FROM transaction WHERE id = {} OR type IN ({}, {}, 'CustInvc')",
    "SELECT id, TO_CHAR(trandate, 'YYYY-MM-DD') d FROM transaction WHERE type = {} ORDER BY trandate DESC, id",
    "SELECT id FROM transaction WHERE lastmodifieddate >= TO_DATE({}, {}) AND type = 'SalesOrd'",
    "SELECT id FROM transaction WHERE trandate > {} AND ROWNUM <= 2",
    "SELECT id FROM transaction WHERE tranid LIKE {} AND NOT type <> {}",
    "SELECT id FROM transaction WHERE tranid || {} = {}",
    "SELECT id FROM transaction WHERE NVL(memo, {}) = {}",
    "SELECT id, {} AS mark FROM transaction WHERE type = {}",
    "SELECT type, COUNT(*) FROM transaction WHERE type <> {} GROUP BY type HAVING MAX(tranid) > {}",
    "SELECT id FROM transaction WHERE tranid > {} ORDER BY 1 / (id - 3701)",
    "SELECT t.id FROM transaction t JOIN customer c ON c.id = t.entity WHERE c.entityid = {} AND t.type = {}",
    "SELECT id FROM customer WHERE id IN (SELECT entity FROM transaction WHERE tranid = {}) AND entityid = {}",
    "SELECT id FROM transaction WHERE TO_NUMBER(type || {}) = 1 -- {}",
    "SELECT id /* {} */ FROM transaction WHERE type = {}",
    "SELECT id FROM transaction WHERE trandate < SYSDATE AND type = {}",
)
SUITEQL_LITERALS = st.sampled_from(
    [
        "'SO3701'",
        "'3702'",
        "'SalesOrd'",
        "'CustInvc'",
        "'O''Hara'",
        "'Acme'",
        "''",
        "'2026-03-04'",
        "'03/02/2026'",
        "'YYYY-MM-DD'",
        "'SO%'",
        "'T",
        "7",
    ]
)


def outcome(plan_of, text):
    """What a plan promises and answers, or the error it is refused with."""
    try:
        plan = plan_of(text)
        result = plan.run()
        return plan.table, plan.equals, plan.lower_bounds, plan.timeless, result.total, result.rows()
    except QueryError as refused:
        return type(refused), str(refused), refused.place


def asked(texts, literals):
    def filled(text):
        count = text.count("{}")
        return st.lists(literals, min_size=count, max_size=count).map(lambda values: text.format(*values))

    # The same few texts again and again, so that plans are made from one another in all orders.
    return st.lists(st.sampled_from(texts).flatmap(filled), min_size=2, max_size=12)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(
    [
        "SELECT Id FROM Opportunity WHERE NOT Name IN ('Nuts', 'x')",
        "SELECT Id FROM Opportunity WHERE NOT Name IN ('bolts', 'x')",
    ]
)
@given(
    st.sampled_from(SOQL_TEXTS).flatmap(lambda text: asked((text,), SOQL_LITERALS)) | asked(SOQL_TEXTS, SOQL_LITERALS)
)
def test_soql_with_other_literals_answers_as_a_fresh_plan_does(crm, texts):
    cache = PlanCache(literal=soql.LITERAL)

    def fresh(text):
        return soql_plan.prepare(text, crm, NOW)

    for text in texts:
        assert outcome(lambda text: cache.plan(text, fresh), text) == outcome(fresh, text)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(
    [
        f"SELECT id /* {note} */ FROM transaction WHERE type = {type}"
        for note, type in (("'SalesOrd'", "'CustInvc'"), ("'CustInvc'", "'SalesOrd'"))
    ]
)
@given(
    st.sampled_from(SUITEQL_TEXTS).flatmap(lambda text: asked((text,), SUITEQL_LITERALS))
    | asked(SUITEQL_TEXTS, SUITEQL_LITERALS)
)
def test_suiteql_with_other_literals_answers_as_a_fresh_plan_does(erp, texts):
    cache = PlanCache(literal=suiteql.LITERAL)

    def fresh(text):
        return suiteql_plan.prepare(text, erp, NOW)

    for text in texts:
        assert outcome(lambda text: cache.plan(text, fresh), text) == outcome(fresh, text)


def prepared_by(cache, prepare, texts):
    """The texts that were prepared from scratch."""
    seen = []

    def fresh(text):
        seen.append(text)
        return prepare(text)

    for text in texts:
        cache.plan(text, fresh)
    return seen


@pytest.mark.parametrize(
    "text",
    [
        "SELECT Id, Name FROM Opportunity WHERE Id = '{}'",
        "SELECT Id FROM Opportunity WHERE SystemModstamp > 2026-03-18T10:00:0{}.000Z AND IsWon = true ORDER BY Id",
        "SELECT Id, (SELECT Id FROM OpportunityLineItems) FROM Opportunity WHERE Name IN ('a', '{}')",
    ],
)
def test_a_soql_text_is_prepared_once_for_all_its_literals(crm, text):
    texts = [text.format(number) for number in range(5)]
    seen = prepared_by(PlanCache(literal=soql.LITERAL), lambda text: soql_plan.prepare(text, crm, NOW), texts)
    assert seen == texts[:1]


def test_a_suiteql_text_is_prepared_once_for_all_its_literals(erp):
    text = (
        "SELECT id, TO_CHAR(lastmodifieddate, 'YYYY-MM-DD') AS day FROM transaction WHERE type IN ('SalesOrd', '{}')"
        " AND lastmodifieddate >= TO_DATE('2026-03-0{}', 'YYYY-MM-DD') ORDER BY lastmodifieddate, id"
    )
    texts = [text.format(number, number + 1) for number in range(5)]
    seen = prepared_by(PlanCache(literal=suiteql.LITERAL), lambda text: suiteql_plan.prepare(text, erp, NOW), texts)
    assert seen == texts[:1]


def test_a_literal_that_shapes_the_answer_needs_a_preparation_of_its_own(crm, erp):
    seen = prepared_by(
        PlanCache(literal=soql.LITERAL),
        lambda text: soql_plan.prepare(text, crm, NOW),
        [f"SELECT Id FROM Opportunity WHERE Name LIKE '{pattern}'" for pattern in ("a%", "b%", "c%")],
    )
    assert len(seen) == 3
    seen = prepared_by(
        PlanCache(literal=suiteql.LITERAL),
        lambda text: suiteql_plan.prepare(text, erp, NOW),
        [f"SELECT TO_CHAR(trandate, '{form}') FROM transaction WHERE type = 'SalesOrd'" for form in ("YYYY", "MM")],
    )
    assert len(seen) == 2


def test_a_result_kept_for_paging_never_sees_later_literals(crm):
    cache = PlanCache(literal=soql.LITERAL)
    text = "SELECT Name FROM Opportunity WHERE SystemModstamp > 2026-03-18T10:00:0{}Z ORDER BY SystemModstamp"

    def fresh(text):
        return soql_plan.prepare(text, crm, NOW)

    kept = [cache.plan(text.format(second), fresh).run() for second in range(4)]
    plans = [cache.plan(text.format(second), fresh) for second in range(4)]
    names = ["Nuts", "bolts", "Washers 100%"]
    for first in (2, 0, 3, 1):
        assert kept[first].total == 3 - first
        assert [row["Name"] for row in kept[first].rows(1)] == names[first + 1 :]
        assert [row["Name"] for row in plans[first].run().rows()] == names[first:]


def test_what_is_wrong_in_a_later_text_is_named_at_its_own_place(erp):
    cache = PlanCache(literal=suiteql.LITERAL)

    def fresh(text):
        return suiteql_plan.prepare(text, erp, NOW)

    text = "SELECT id FROM transaction WHERE type <> '{}' AND TO_NUMBER(tranid) = '{}'"
    cache.plan(text.format("a", "1"), fresh)
    late = cache.plan(text.format("a longer one", "2"), fresh)
    with pytest.raises(QueryError) as refused:
        late.run()
    assert refused.value.place.offset == text.format("a longer one", "2").index("TO_NUMBER")
    with pytest.raises(QueryError) as refused:
        cache.plan(text.format("x", "no number"), fresh)
    assert refused.value.place.offset == text.format("x", "no number").index("TO_NUMBER")


def test_a_sub_select_is_asked_again_for_each_text(crm):
    cache = PlanCache(literal=soql.LITERAL)
    text = (
        "SELECT Name, (SELECT Id FROM OpportunityLineItems WHERE Id IN (SELECT Id FROM OpportunityLineItem))"
        " FROM Opportunity WHERE Name = '{}'"
    )

    def lines_of(name):
        (row,) = cache.plan(text.format(name), lambda text: soql_plan.prepare(text, crm, NOW)).run().rows()
        return row["OpportunityLineItems"]

    assert lines_of("Nuts")["totalSize"] == 2
    crm._tables["opportunitylineitem"][1].clear()
    assert lines_of("bolts") is None


def test_plans_for_other_literals_are_bounded_too(crm):
    cache = PlanCache(capacity=2, literal=soql.LITERAL)
    names = ("Id", "Name", "StageName")
    texts = [f"SELECT {name} FROM Opportunity WHERE Id = '{number}'" for number in range(2) for name in names]
    assert prepared_by(cache, lambda text: soql_plan.prepare(text, crm, NOW), texts) == texts
    assert len(cache) == 2
    cache.clear()
    assert prepared_by(cache, lambda text: soql_plan.prepare(text, crm, NOW), texts[-1:]) == texts[-1:]
