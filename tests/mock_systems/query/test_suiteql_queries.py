"""What SuiteQL answers, and how it refuses, as an integration meets it."""

from decimal import Decimal

import pytest

from o2c_twin.mock_systems.wire.query import suiteql_plan
from o2c_twin.mock_systems.wire.query.errors import (
    QueryError,
    RuleBroken,
    SyntaxFault,
    TypeMismatch,
    UnknownEntity,
    UnknownField,
)

NOW = 1_773_847_800_000_000  # 2026-03-18T15:30:00Z


def found(suiteql, where):
    return [row["id"] for row in suiteql(f"SELECT id FROM transaction WHERE {where} ORDER BY id").rows()]


def test_names_are_answered_in_lower_case_and_nulls_are_left_out(suiteql):
    result = suiteql("SELECT ID, TranId, Memo, foreignTotal AS Total FROM Transaction WHERE type = 'SalesOrd'")
    assert result.total == 3
    assert result.rows()[0] == {"id": 3701, "tranid": "SO3701", "total": Decimal("50.00")}
    assert result.rows()[2] == {"id": 3703, "tranid": "SO3703"}


def test_dates_are_written_as_the_source_renders_them(suiteql):
    assert suiteql("SELECT trandate FROM transaction WHERE id = 3701").rows() == [{"trandate": "3/1/2026"}]
    assert suiteql("SELECT MAX(trandate) last FROM transaction").rows() == [{"last": "3/4/2026"}]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("type = 'SalesOrd' AND status = 'B'", [3701, 3702, 3703]),
        ("type = 'salesord'", []),  # strings mind case
        ("type <> 'SalesOrd'", [4100]),
        ("id = '3701'", [3701]),  # a number in quotes is converted
        ("tranid = 5", []),
        ("tranid LIKE 'SO37%' AND NOT tranid LIKE '%1'", [3702, 3703]),
        ("tranid LIKE 'SO!_%' ESCAPE '!'", []),
        ("tranid LIKE 'SO\\_%'", []),
        ("entity IN (110, 112)", [3701, 4100]),
        ("entity NOT IN (110)", [3702]),  # unknown for null
        ("entity NOT IN (110, NULL)", []),  # unknown for every row
        ("entity != 110", [3702]),
        ("NOT (entity = 110 OR foreigntotal < 60)", [3702]),
        ("entity IS NULL", [3703]),
        ("entity IS NOT NULL AND memo IS NULL", [3701, 3702, 4100]),
        ("tranid > ''", []),  # an empty string is null
        ("entity = NULL", []),
        ("foreigntotal BETWEEN 50 AND 75.25", [3701, 3702, 4100]),
        ("foreigntotal NOT BETWEEN 50 AND 60", [3702]),
        ("110 = entity", [3701, 4100]),
        ("60 > foreigntotal", [3701, 4100]),
        ("id = 3701 OR id = 4100 AND type = 'SalesOrd'", [3701]),  # AND binds tighter
        ("(id = 3701 OR id = 4100) AND type = 'CustInvc'", [4100]),
        ("trandate = TO_DATE('2026-03-02', 'YYYY-MM-DD')", [3702]),
        ("trandate > TO_DATE('2026-03-02 08:00:00', 'YYYY-MM-DD HH24:MI:SS')", [3703, 4100]),
        ("trandate < TO_DATE('2026-03-02 08:00:00', 'YYYY-MM-DD HH24:MI:SS')", [3701, 3702]),
        ("trandate >= '03/03/2026'", [3703, 4100]),  # the account's date format
        ("lastmodifieddate >= TO_DATE('04-MAR-2026 10:15 AM', 'DD-MON-YYYY HH:MI AM')", [3703, 4100]),
        ("lastmodifieddate >= TO_TIMESTAMP('2026-03-05T10:15:00.000', 'YYYY-MM-DD\"T\"HH24:MI:SS.FF3')", [4100]),
        ("lastmodifieddate >= TO_DATE('04-MAR-2026 10:15 PM', 'DD-MON-YYYY HH:MI AM')", [4100]),
        ("TO_DATE('12 AM 1/2026', 'HH12 AM MM/YYYY') = TO_DATE('2026-01-01', 'YYYY-MM-DD')", [3701, 3702, 3703, 4100]),
        ("TO_TIMESTAMP('2026-01-01 .5', 'YYYY-MM-DD .FF') - TO_DATE('2026-01-01', 'YYYY-MM-DD') < 0.0001 / 24", []),
        ("lastmodifieddate > SYSDATE - 15", [3703, 4100]),
        ("TRUNC(lastmodifieddate) = TO_DATE('2026-03-03', 'YYYY-MM-DD')", [3702]),
        ("SYSDATE - trandate < 15", [4100]),
        ("UPPER(type) = 'SALESORD' AND LOWER(status) = 'b'", [3701, 3702, 3703]),
        ("NVL(foreigntotal, 0) = 0", [3703]),
        ("COALESCE(memo, tranid, 'x') = 'SO3702'", [3702]),
        ("tranid || '/' || memo = 'SO3701/'", [3701]),  # null adds nothing
        ("'SO' || id = tranid", [3701, 3702, 3703]),
        ("foreigntotal * 2 + 1 = 101", [3701, 4100]),
        ("-foreigntotal < -60", [3702]),
        ("ROUND(foreigntotal / 3, 1) = 25.1", [3702]),
        ("ABS(TRUNC(foreigntotal - 100)) = 24", [3702]),
        ("TO_NUMBER('3' || '701') = id", [3701]),
        ("TO_CHAR(trandate, 'YYYY-MM-DD') = '2026-03-02'", [3702]),
        ("BUILTIN.DF(status) = 'Open'", [4100]),
        ("id IN (SELECT transaction FROM transactionline WHERE item = 98)", [3701, 3702]),
        ("id NOT IN (SELECT entity FROM transaction)", []),  # one of them is null
        ("entity NOT IN (SELECT id FROM customer WHERE isinactive = 'T')", [3701, 4100]),
        ("entity IN (SELECT c.id FROM customer c WHERE c.isinactive = 'F' AND c.entityid = 'Acme')", [3701, 4100]),
        ("TO_CHAR(id) IN (SELECT id FROM transaction WHERE tranid = 'SO3701')", [3701]),
        ("foreigntotal || ';' || (0.50 - 1) = '75.25;-.5'", [3702]),
        ("foreigntotal || '' = '50'", [3701, 4100]),
        ("1 = 1", [3701, 3702, 3703, 4100]),
        ("1 = 2", []),
        ("id = 3701 -- the first\n /* and only */", [3701]),
        ('"TRANSACTION".id = 3701', [3701]),
        ("transaction.id = 3701", [3701]),
    ],
)
def test_conditions(suiteql, where, ids):
    assert found(suiteql, where) == ids


def test_a_doubled_quote_is_one_quote(suiteql):
    assert suiteql("SELECT id FROM customer WHERE entityid = 'O''Hara'").rows() == [{"id": 111}]


def test_booleans_are_t_and_f(suiteql):
    assert suiteql("SELECT id, isinactive FROM customer ORDER BY id").rows() == [
        {"id": 110, "isinactive": "F"},
        {"id": 111, "isinactive": "T"},
    ]


def test_display_text_and_formatted_values_can_be_selected(suiteql):
    (row,) = suiteql(
        "SELECT BUILTIN.DF(t.status) AS statusname, TO_CHAR(t.lastmodifieddate, 'DD.MM.YYYY HH24:MI'), NVL(memo, '-')"
        " FROM transaction t WHERE t.id = 4100"
    ).rows()
    assert row == {"statusname": "Open", "expr1": "05.03.2026 10:15", "expr2": "-"}


def test_a_star_is_every_column(suiteql):
    assert suiteql("SELECT * FROM customer WHERE id = 110").rows() == [
        {"id": 110, "entityid": "Acme", "isinactive": "F"}
    ]
    (row,) = suiteql(
        "SELECT c.*, t.tranid FROM transaction t JOIN customer c ON c.id = t.entity WHERE t.id = 3701"
    ).rows()
    assert row == {"id": 110, "entityid": "Acme", "isinactive": "F", "tranid": "SO3701"}


JOINED = [("SO3701", 98), ("SO3701", 99), ("SO3702", 98)]


@pytest.mark.parametrize(
    "tables",
    [
        "transaction t INNER JOIN transactionline l ON l.transaction = t.id",
        "transactionline l JOIN transaction t ON (t.id = l.transaction)",
        "transaction t, transactionline l WHERE t.id = l.transaction",
        "transaction t CROSS JOIN transactionline l WHERE l.transaction = t.id",
    ],
)
def test_inner_joins_in_every_spelling(suiteql, tables):
    rows = suiteql(f"SELECT t.tranid, l.item FROM {tables} ORDER BY t.tranid, l.linesequencenumber").rows()
    assert [(row["tranid"], row["item"]) for row in rows] == JOINED


def test_null_meets_nothing_in_a_join(suiteql):
    twins = "u.foreigntotal = t.foreigntotal AND u.id <> t.id"
    text = f"SELECT t.id FROM transaction t JOIN transaction u ON {twins} ORDER BY t.id"
    assert suiteql(text).rows() == [{"id": 3701}, {"id": 4100}]
    assert suiteql("SELECT t.id FROM transaction t JOIN transaction u ON u.memo = t.memo").rows() == []


def test_a_date_is_written_by_a_format_model(suiteql):
    def written(moment, model):
        text = f"SELECT TO_CHAR(TO_DATE('{moment}', 'YYYY-MM-DD HH24:MI:SS'), '{model}') v FROM customer WHERE id = 110"
        return suiteql(text).rows()[0]["v"]

    assert written("2026-03-05 00:07:09", "HH:MI:SS AM") == "12:07:09 AM"
    assert written("2026-03-05 13:07:09", "DD-MON-YYYY HH12:MI PM") == "05-MAR-2026 01:07 PM"
    assert written("2026-03-05 13:07:09", 'YYYY-MM-DD"T"HH24:MI:SS.FF3') == "2026-03-05T13:07:09.000"


def test_a_left_join_keeps_rows_without_a_match(suiteql):
    rows = suiteql(
        "SELECT t.tranid, c.entityid, l.item FROM transaction t"
        " LEFT JOIN customer c ON c.id = t.entity AND c.isinactive = 'F'"
        " LEFT OUTER JOIN transactionline l ON l.transaction = t.id AND l.quantity > 1 ORDER BY t.id"
    ).rows()
    assert [tuple(row.values()) for row in rows] == [
        ("SO3701", "Acme", 98),
        ("SO3702", 98),
        ("SO3703",),
        ("INV4100", "Acme"),
    ]


def test_a_condition_on_the_outer_side_filters_after_the_join(suiteql):
    rows = suiteql("SELECT t.id FROM transaction t LEFT JOIN customer c ON c.id = t.entity WHERE c.id IS NULL").rows()
    assert rows == [{"id": 3703}]


def test_groups_sums_and_having(suiteql):
    rows = suiteql(
        "SELECT t.entity, COUNT(*) AS n, SUM(l.quantity), COUNT(DISTINCT t.status) kinds FROM transaction t"
        " JOIN transactionline l ON l.transaction = t.id GROUP BY t.entity"
        " HAVING SUM(l.quantity) > 2 ORDER BY SUM(l.quantity)"
    ).rows()
    assert rows == [
        {"entity": 110, "n": 2, "expr1": 3, "kinds": 1},
        {"entity": 111, "n": 1, "expr1": 5, "kinds": 1},
    ]


def test_groups_may_be_expressions_and_used_inside_others(suiteql):
    rows = suiteql(
        "SELECT 'M ' || TO_CHAR(trandate, 'YYYY-MM') AS month, NVL(SUM(foreigntotal), 0) / COUNT(*) AS mean"
        " FROM transaction GROUP BY TO_CHAR(trandate, 'YYYY-MM')"
    ).rows()
    assert rows == [{"month": "M 2026-03", "mean": Decimal("43.8125")}]


def test_order_takes_aliases_and_numbers_and_puts_nulls_where_oracle_does(suiteql):
    def ordered(by):
        return [
            row["id"] for row in suiteql(f"SELECT id, foreigntotal AS amount FROM transaction ORDER BY {by}").rows()
        ]

    assert ordered("amount, id") == [3701, 4100, 3702, 3703]
    assert ordered("2 DESC, 1 DESC") == [3703, 3702, 4100, 3701]
    assert ordered("foreigntotal NULLS FIRST, id") == [3703, 3701, 4100, 3702]


def test_distinct_keeps_one_of_each(suiteql):
    assert suiteql("SELECT DISTINCT type FROM transaction").rows() == [{"type": "SalesOrd"}, {"type": "CustInvc"}]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("SELECT id FROM transaction ORDER BY id DESC FETCH FIRST 2 ROWS ONLY", [4100, 3703]),
        ("SELECT id FROM transaction ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY", [3702, 3703]),
        ("SELECT id FROM transaction ORDER BY id OFFSET 3 ROWS", [4100]),
        ("SELECT id FROM transaction FETCH FIRST ROW ONLY", [3701]),
        ("SELECT TOP 2 id FROM transaction ORDER BY id DESC", [4100, 3703]),
        ("SELECT TOP 2 id FROM transaction ORDER BY id FETCH FIRST 1 ROWS ONLY", [3701]),
        ("SELECT id FROM transaction WHERE ROWNUM <= 3 AND ROWNUM < 3", [3701, 3702]),
        ("SELECT id FROM transaction WHERE ROWNUM <= 2 ORDER BY id DESC", [3702, 3701]),  # counted before sorting
        ("SELECT id FROM transaction WHERE ROWNUM < 2", [3701]),
        ("SELECT id FROM transaction WHERE ROWNUM = 1 AND type = 'CustInvc'", [4100]),
        ("SELECT id FROM transaction WHERE ROWNUM > 1", []),  # no row is ever the first
        ("SELECT id FROM transaction WHERE ROWNUM >= 1 AND ROWNUM != 3", [3701, 3702]),
    ],
)
def test_row_limits(suiteql, text, ids):
    assert [row["id"] for row in suiteql(text).rows()] == ids


def refused(suiteql, text) -> QueryError:
    with pytest.raises(QueryError) as caught:
        suiteql(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "token", "column"),
    [
        ("SELECT id FROM transaction LIMIT 10", "LIMIT", 28),
        ("SELECT id, FROM transaction", "FROM", 12),
        ("SELECT id FROM transaction WHERE id", "id", 34),
        ("SELECT id FROM transaction WHERE id = 1 = 2", "=", 41),
        ("SELECT id FROM transaction WHERE (id = 1) + 2 = 3", "(", 34),
        ("SELECT id = 1 FROM transaction", "id", 8),
        ("SELECT id FROM transaction WHERE tranid = 'open", "'open", 43),
        ("SELECT id FROM transaction WHERE tranid = 'it''", "'it''", 43),
        ("SELECT id FROM transaction t RIGHT JOIN customer c ON c.id = t.id", "RIGHT", 30),
        ("SELECT id FROM (SELECT id FROM transaction)", "(", 16),
        ("SELECT SUM(*) FROM transaction", "*", 12),
        ("SELECT id FROM transaction /* a */ WHERE", "", 41),
        ("DELETE FROM transaction", "DELETE", 1),
    ],
)
def test_a_syntax_fault_names_the_token_and_its_place(suiteql, text, token, column):
    fault = refused(suiteql, text)
    assert isinstance(fault, SyntaxFault)
    assert (fault.token, fault.place.column) == (token, column)


def test_unknown_names_say_which(suiteql):
    fault = refused(suiteql, "SELECT balance FROM customer")
    assert isinstance(fault, UnknownField)
    assert (fault.field, fault.entity) == ("balance", "customer")
    fault = refused(suiteql, "SELECT c.balance FROM transaction t JOIN customer c ON c.id = t.entity")
    assert isinstance(fault, UnknownField)
    assert (fault.field, fault.entity, fault.place.column) == ("balance", "customer", 8)
    assert isinstance(refused(suiteql, "SELECT id FROM salesorder"), UnknownEntity)
    assert isinstance(refused(suiteql, "SELECT x.id FROM customer c"), UnknownEntity)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("SELECT id FROM transaction t JOIN customer c ON c.id = t.entity", "ambiguous name"),
        ("SELECT t.id FROM transaction t, transaction t", "ambiguous name"),
        ("SELECT t.id FROM transaction t, customer c JOIN transactionline l ON l.transaction = t.id", "mixed joins"),
        ("SELECT type, COUNT(*) FROM transaction", "not grouped"),
        ("SELECT BUILTIN.DF(status), COUNT(*) FROM transaction GROUP BY status", "not grouped"),
        ("SELECT * FROM transaction GROUP BY type", "not grouped"),
        ("SELECT id FROM transaction WHERE COUNT(*) > 1", "misplaced aggregate"),
        ("SELECT RANK(id) FROM transaction", "unknown function"),
        ("SELECT NVL(id) FROM transaction", "wrong arguments"),
        ("SELECT BUILTIN.DF('x') FROM transaction", "wrong arguments"),
        ("SELECT UPPER(DISTINCT type) FROM transaction", "wrong arguments"),
        ("SELECT id FROM transaction WHERE trandate > TO_DATE('2026-02-30', 'YYYY-MM-DD')", "bad value"),
        ("SELECT id FROM transaction WHERE trandate > TO_DATE('2026-02-03', 'Q')", "bad value"),
        ("SELECT id FROM transaction WHERE trandate > SYSDATE - 9999999", "bad value"),
        ("SELECT id FROM transaction WHERE trandate > SYSDATE + 3000000", "bad value"),
        ("SELECT id FROM transaction WHERE id = 1e200", "bad value"),
        ("SELECT id FROM transaction ORDER BY 2", "bad value"),
        ("SELECT TO_NUMBER(tranid) FROM transaction", "bad value"),
        ("SELECT id / (id - 3701) FROM transaction", "arithmetic"),
        ("SELECT id FROM transaction WHERE id IN (SELECT id, type FROM transaction)", "one column"),
        (f"SELECT id FROM transaction WHERE id IN ({'1,' * 1000}1)", "too many values"),
    ],
)
def test_a_broken_rule_is_named(erp, text, rule):
    with pytest.raises(RuleBroken) as caught:
        suiteql_plan.prepare(text, erp, NOW).run().rows()
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("where", "field", "expected"),
    [
        ("trandate > '2026-01-05'", "trandate", "date"),  # not in the account's format
        ("id = 'abc'", "id", "number"),
        ("trandate = 5", "trandate", "date"),
        ("trandate IN (SELECT id FROM transaction)", "trandate", "date"),
        ("foreigntotal LIKE '5%'", "foreigntotal", "number"),
    ],
)
def test_a_literal_of_the_wrong_type_blames_the_column(suiteql, where, field, expected):
    fault = refused(suiteql, f"SELECT id FROM transaction WHERE {where}")
    assert isinstance(fault, TypeMismatch)
    assert (fault.field, fault.expected) == (field, expected)


def test_the_account_decides_the_date_format(erp):
    plan = suiteql_plan.prepare("SELECT id FROM transaction WHERE trandate >= '04/03/2026'", erp, NOW, "DD/MM/YYYY")
    assert plan.run().rows() == [{"id": 4100}]
