"""What SOQL answers, and how it refuses, as an integration meets it."""

from datetime import date
from decimal import Decimal

import pytest

from o2c_twin.mock_systems.wire.query import soql as language
from o2c_twin.mock_systems.wire.query import soql_plan
from o2c_twin.mock_systems.wire.query.errors import (
    QueryError,
    RuleBroken,
    SyntaxFault,
    TypeMismatch,
    UnknownEntity,
    UnknownField,
    UnknownRelationship,
)


def names(result):
    return [row["Name"] for row in result.rows()]


def deals(soql, where):
    return names(soql(f"SELECT Name FROM Opportunity WHERE {where}"))


def test_a_won_deal_poll_brings_parents_nested_and_lines_in_an_envelope(soql):
    result = soql(
        "SELECT Id, Amount, Account.Name, (SELECT Product2.ProductCode, Quantity FROM OpportunityLineItems)"
        " FROM Opportunity WHERE IsWon = true AND SystemModstamp > 2026-03-18T10:00:00Z"
    )
    assert result.total == 1
    assert result.rows() == [
        {
            "attributes": {"type": "Opportunity"},
            "Id": "006000000000001AAA",
            "Amount": Decimal("10.50"),
            "Account": {"attributes": {"type": "Account"}, "Name": "Acme"},
            "OpportunityLineItems": {
                "totalSize": 2,
                "done": True,
                "records": [
                    {
                        "attributes": {"type": "OpportunityLineItem"},
                        "Product2": {"attributes": {"type": "Product2"}, "ProductCode": code},
                        "Quantity": quantity,
                    }
                    for code, quantity in (("NUT-1", 4), ("BOLT-1", 1))
                ],
            },
        }
    ]


def test_a_missing_parent_and_an_empty_child_list_are_null(soql):
    (row,) = soql(
        "SELECT Account.Name, Account.Parent.Name, (SELECT Id FROM OpportunityLineItems) FROM Opportunity"
        " WHERE AccountId = null"
    ).rows()
    assert row["Account"] is None
    assert row["OpportunityLineItems"] is None


def test_paths_climb_several_parents_and_gather_under_one_record(soql):
    (row,) = soql(
        "SELECT Account.Parent.Name, Name, Account.Name FROM Opportunity WHERE Account.Parent.Name = 'acme'"
    ).rows()
    assert list(row) == ["attributes", "Account", "Name"]
    assert row["Account"]["Name"] == "Bob's \\ BBQ"
    assert row["Account"]["Parent"]["Name"] == "Acme"


def test_a_child_sub_select_has_its_own_filter_order_and_limit(soql):
    (row, *_) = soql(
        "SELECT Id, (SELECT Quantity FROM OpportunityLineItems WHERE Quantity > 0 ORDER BY Quantity LIMIT 1)"
        " FROM Opportunity"
    ).rows()
    assert [line["Quantity"] for line in row["OpportunityLineItems"]["records"]] == [1]


def test_a_child_sub_select_may_name_its_parent_and_look_elsewhere(soql):
    (row, *_) = soql(
        "SELECT Id, (SELECT Quantity FROM Opportunity.OpportunityLineItems"
        " WHERE Id IN (SELECT Id FROM OpportunityLineItem WHERE Quantity = 4)) FROM Opportunity"
    ).rows()
    assert [line["Quantity"] for line in row["OpportunityLineItems"]["records"]] == [4]
    fault = refused(soql, "SELECT Id, (SELECT Id FROM Account.OpportunityLineItems) FROM Opportunity")
    assert isinstance(fault, UnknownRelationship)


def test_names_and_keywords_ignore_case_and_answers_use_the_schema_spelling(soql):
    (row,) = soql("select opp.NAME, ACCOUNT.name from opportunity as Opp where ISWON = TRUE").rows()
    assert list(row) == ["attributes", "Name", "Account"]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Name = 'NUTS'", ["Nuts"]),  # strings ignore case
        ("Name != 'nuts'", ["bolts", "Washers 100%"]),
        ("Name <> 'nuts'", ["bolts", "Washers 100%"]),
        ("Name LIKE 'n%' OR Name LIKE '_olts'", ["Nuts", "bolts"]),
        (r"Name LIKE '%100\%'", ["Washers 100%"]),
        (r"Name LIKE '%10\_\%'", []),
        ("(NOT Name LIKE 'n%') AND Amount != null", ["bolts"]),
        ("Name IN ('bolts', 'nuts')", ["Nuts", "bolts"]),
        ("Name NOT IN ('bolts')", ["Nuts", "Washers 100%"]),
        ("Amount = null", ["Washers 100%"]),
        ("Amount != 200", ["Nuts", "Washers 100%"]),  # null differs from every value
        ("Amount < 200.5 AND Amount >= 10.5", ["Nuts", "bolts"]),
        ("Amount > -1", ["Nuts", "bolts"]),
        ("IsWon = null", ["bolts", "Washers 100%"]),  # a null boolean is false
        ("IsWon != null", ["Nuts"]),
        ("CloseDate = 2026-03-16", ["Nuts"]),
        ("SystemModstamp >= 2026-03-18T11:00:02+01:00", ["bolts", "Washers 100%"]),
        ("SystemModstamp = 2026-03-18T10:00:02.000+0000", ["bolts"]),
        ("Account.Name = null", ["Washers 100%"]),
        ("Account.ERP_Id__c = 'c-1'", []),  # declared case-sensitive
        ("Account.ERP_Id__c = 'C-1'", ["Nuts"]),
        ("AccountId IN (SELECT Id FROM Account WHERE Name = 'Acme')", ["Nuts"]),
        ("AccountId NOT IN (SELECT Id FROM Account WHERE Name = 'Acme')", ["bolts", "Washers 100%"]),
        (r"Account.Name = 'Bob\'s \\ BBQ'", ["bolts"]),
        (r"Name = '\u004euts'", ["Nuts"]),
        ("Id = '006000000000001'", ["Nuts"]),  # 15 characters; the last three are a checksum
    ],
)
def test_conditions(soql, where, found):
    assert deals(soql, where) == found


@pytest.mark.parametrize(
    ("literal", "first", "stop"),
    [
        ("TODAY", "2026-03-18", "2026-03-19"),
        ("yesterday", "2026-03-17", "2026-03-18"),
        ("TOMORROW", "2026-03-19", "2026-03-20"),
        ("THIS_WEEK", "2026-03-15", "2026-03-22"),
        ("LAST_WEEK", "2026-03-08", "2026-03-15"),
        ("NEXT_WEEK", "2026-03-22", "2026-03-29"),
        ("LAST_MONTH", "2026-02-01", "2026-03-01"),
        ("THIS_MONTH", "2026-03-01", "2026-04-01"),
        ("NEXT_MONTH", "2026-04-01", "2026-05-01"),
        ("THIS_QUARTER", "2026-01-01", "2026-04-01"),
        ("LAST_FISCAL_QUARTER", "2025-10-01", "2026-01-01"),
        ("LAST_YEAR", "2025-01-01", "2026-01-01"),
        ("LAST_N_DAYS:3", "2026-03-15", "2026-03-19"),
        ("LAST_90_DAYS", "2025-12-18", "2026-03-19"),
        ("NEXT_N_DAYS:3", "2026-03-19", "2026-03-22"),
        ("N_DAYS_AGO:3", "2026-03-15", "2026-03-16"),
        ("LAST_N_WEEKS:2", "2026-03-01", "2026-03-15"),
        ("LAST_N_MONTHS:14", "2025-01-01", "2026-03-01"),
        ("NEXT_N_YEARS:2", "2027-01-01", "2029-01-01"),
        ("N_MONTHS_AGO:3", "2025-12-01", "2026-01-01"),
    ],
)
def test_a_relative_date_is_a_range_of_whole_days(crm, literal, first, stop):
    def bound(sign):
        plan = soql_plan.prepare(f"SELECT Id FROM Opportunity WHERE CloseDate {sign} {literal}", crm, now)
        return plan.lower_bounds["CloseDate"]

    now = 1_773_847_800_000_000  # 2026-03-18T15:30:00Z
    assert bound("=") == (date.fromisoformat(first), True)
    assert bound(">") == (date.fromisoformat(stop), True)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("CloseDate = YESTERDAY", ["bolts"]),
        ("CloseDate != YESTERDAY", ["Nuts", "Washers 100%"]),
        ("CloseDate < YESTERDAY", ["Nuts"]),
        ("CloseDate <= YESTERDAY", ["Nuts", "bolts"]),
        ("CloseDate > YESTERDAY", ["Washers 100%"]),
        ("CloseDate >= YESTERDAY", ["bolts", "Washers 100%"]),
        ("CloseDate <= THIS_WEEK", ["Nuts", "bolts", "Washers 100%"]),
        ("CloseDate < THIS_WEEK", []),
        ("CloseDate IN (TODAY, 2026-03-16)", ["Nuts", "Washers 100%"]),
        ("CloseDate NOT IN (TODAY, 2026-03-16)", ["bolts"]),
        ("SystemModstamp = TODAY", ["Nuts", "bolts", "Washers 100%"]),
        ("SystemModstamp < LAST_N_DAYS:1", []),
    ],
)
def test_relative_dates_compare_with_their_range(soql, where, found):
    assert deals(soql, where) == found


def test_order_puts_nulls_first_unless_told_otherwise_and_ignores_case(soql):
    def ordered(by):
        return names(soql(f"SELECT Name FROM Opportunity ORDER BY {by}"))

    assert ordered("Amount") == ["Washers 100%", "Nuts", "bolts"]
    assert ordered("Amount DESC") == ["Washers 100%", "bolts", "Nuts"]
    assert ordered("Amount DESC NULLS LAST") == ["bolts", "Nuts", "Washers 100%"]
    assert ordered("Name ASC") == ["bolts", "Nuts", "Washers 100%"]
    assert ordered("StageName DESC, Name DESC") == ["Washers 100%", "bolts", "Nuts"]


def test_limit_and_offset_count_after_sorting_and_the_total_is_what_they_leave(soql):
    result = soql("SELECT Name FROM Opportunity ORDER BY Name LIMIT 5 OFFSET 1")
    assert result.total == 2
    assert names(result) == ["Nuts", "Washers 100%"]


def test_a_result_can_be_read_page_by_page(soql):
    result = soql("SELECT Name FROM Opportunity")
    assert [len(result.rows(start, start + 2)) for start in (0, 2, 4)] == [2, 1, 0]
    assert result.total == 3


def test_count_without_a_field_answers_a_total_and_no_records(soql):
    result = soql("SELECT COUNT() FROM Opportunity WHERE Amount != null")
    assert (result.total, result.rows()) == (2, [])


def test_aggregates_group_skip_nulls_and_are_named_by_alias_or_number(soql):
    result = soql(
        "SELECT StageName, COUNT(Id) n, COUNT(Amount), SUM(Amount), MAX(CloseDate) last FROM Opportunity"
        " GROUP BY StageName HAVING COUNT(Id) > 0 ORDER BY COUNT(Id) DESC"
    )
    assert result.rows() == [
        {
            "attributes": {"type": "AggregateResult"},
            "StageName": "Prospecting",
            "n": 2,
            "expr0": 1,
            "expr1": Decimal("200"),
            "last": "2026-03-18",
        },
        {
            "attributes": {"type": "AggregateResult"},
            "StageName": "Closed Won",
            "n": 1,
            "expr0": 1,
            "expr1": Decimal("10.50"),
            "last": "2026-03-16",
        },
    ]


def test_aggregates_over_nothing_give_one_row_without_groups_and_none_with(soql):
    assert soql("SELECT SUM(Amount), COUNT(Id) FROM Opportunity WHERE Name = 'x'").rows()[0]["expr0"] is None
    assert soql("SELECT SUM(Amount), COUNT(Id) FROM Opportunity WHERE Name = 'x'").rows()[0]["expr1"] == 0
    assert soql("SELECT COUNT(Id) FROM Opportunity WHERE Name = 'x' GROUP BY Name").total == 0


def test_field_sets_stand_for_columns(soql):
    assert list(soql("SELECT FIELDS(ALL) FROM Account LIMIT 1").rows()[0]) == ["attributes", "Id", "Name", "ERP_Id__c"]
    assert list(soql("SELECT FIELDS(STANDARD) FROM Account").rows()[0]) == ["attributes", "Id", "Name"]
    assert list(soql("SELECT Id, FIELDS(custom) FROM Account LIMIT 200").rows()[0]) == ["attributes", "Id", "ERP_Id__c"]


def refused(soql, text) -> QueryError:
    with pytest.raises(QueryError) as caught:
        soql(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "token", "row", "column"),
    [
        ("SELECT Id FROM Lead WHERE Process_Date__c = 'Q2' June 2026'", "June", 1, 50),
        ("SELECT Id\nFROM Contact\nWHERE Id = 'a' AND LastName LIKE 'test' OR email LIKE 'test'", "OR", 3, 41),
        ("SELECT Id FROM Lead WHERE SomeField__c IS NULL", "IS", 1, 40),
        ('SELECT Id FROM Account WHERE Name = "x"', '"', 1, 37),
        ("SELECT Id FROM Account WHERE a > b", "b", 1, 34),
        ("SELECT Id FROM Account WHERE Name = 'open", "'open", 1, 37),
        ("SELECT Id FROM Account WHERE Name = 'open\\'", "'open\\'", 1, 37),
        (r"SELECT Id FROM Account WHERE Name = 'a\q'", r"'a\q'", 1, 37),
        (r"SELECT Id FROM Account WHERE Name = '100\%'", r"'100\%'", 1, 37),  # only LIKE knows this escape
        ("SELECT Id FROM Account WHERE", "", 1, 29),
        ("SELECT * FROM Account", "*", 1, 8),
        ("SELECT Id FROM Account LIMIT x", "x", 1, 30),
        ("SELECT Id FROM Opportunity WHERE SystemModstamp > 2026-01-01T00:00:00", "2026-01-01T00:00:00", 1, 51),
        ("q=SELECT Id FROM Account", "q", 1, 1),
        ("", "", 1, 1),
    ],
)
def test_a_syntax_fault_names_the_token_and_its_place(soql, text, token, row, column):
    fault = refused(soql, text)
    assert isinstance(fault, SyntaxFault)
    assert (fault.token, fault.place.row, fault.place.column) == (token, row, column)


def test_mixing_and_with_or_asks_for_parentheses(soql):
    fault = refused(soql, "SELECT Id FROM Account WHERE (Id = 'a' OR Id = 'b' AND Id = 'c')")
    assert isinstance(fault, SyntaxFault)
    assert (fault.token, fault.expected) == ("AND", "parentheses around terms joined by OR")


def test_an_unknown_field_names_field_entity_and_place(soql):
    fault = refused(soql, "SELECT Id, Status, Location, Body FROM Account")
    assert isinstance(fault, UnknownField)
    assert (fault.field, fault.entity, fault.place.column) == ("Status", "Account", 12)
    fault = refused(soql, "SELECT Id FROM Opportunity WHERE Account.Foo__c = 'x'")
    assert isinstance(fault, UnknownField)
    assert (fault.field, fault.entity, fault.place.column) == ("Foo__c", "Account", 34)


def test_an_unknown_object_or_relation_says_which(soql):
    fault = refused(soql, "SELECT Id FROM Contacts")
    assert isinstance(fault, UnknownEntity)
    assert fault.entity == "Contacts"
    fault = refused(soql, "SELECT Contact.Name FROM Opportunity")
    assert isinstance(fault, UnknownRelationship)
    assert (fault.relationship, fault.entity) == ("Contact", "Opportunity")
    fault = refused(soql, "SELECT Id, (SELECT Id FROM Quotes) FROM Opportunity")
    assert isinstance(fault, UnknownRelationship)
    assert fault.relationship == "Quotes"


@pytest.mark.parametrize(
    ("where", "field", "expected", "given"),
    [
        ("Name = 3999", "Name", "string", "number"),
        ("CloseDate <= '2018-05-23'", "CloseDate", "date", "string"),
        ("SystemModstamp > 2026-01-01", "SystemModstamp", "instant", "date"),
        ("CloseDate > 2026-01-01T00:00:00Z", "CloseDate", "date", "instant"),
        ("Amount = '5'", "Amount", "number", "string"),
        ("Amount = TODAY", "Amount", "number", "a relative date"),
        ("IsWon = 'true'", "IsWon", "boolean", "string"),
        ("IsWon > false", "IsWon", "boolean", ">"),
        ("Amount LIKE '1%'", "Amount", "number", "LIKE"),
        ("Amount IN (1, 'x')", "Amount", "number", "string"),
        ("Amount NOT IN (SELECT Name FROM Account)", "Amount", "number", "string"),
    ],
)
def test_a_literal_of_the_wrong_type_blames_the_field(soql, where, field, expected, given):
    fault = refused(soql, f"SELECT Id FROM Opportunity WHERE {where}")
    assert isinstance(fault, TypeMismatch)
    assert (fault.field, fault.expected, fault.given, fault.place.column) == (field, expected, given, 34)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("SELECT Id FROM Account LIMIT 1 OFFSET 2001", "offset too large"),
        ("SELECT FIELDS(ALL) FROM Account", "fields need limit"),
        ("SELECT FIELDS(CUSTOM) FROM Account LIMIT 201", "fields need limit"),
        ("SELECT Id, FIELDS(ALL) FROM Account LIMIT 1", "duplicate field"),
        ("SELECT Id, Name, id FROM Account", "duplicate field"),
        ("SELECT Name, COUNT(Id) FROM Account", "not grouped"),
        ("SELECT Name n FROM Account", "alias without group"),
        ("SELECT Id FROM Account WHERE COUNT(Id) > 1", "misplaced aggregate"),
        ("SELECT UPPER(Name) FROM Account", "unknown function"),
        ("SELECT Id FROM Opportunity WHERE CloseDate = 2026-02-30", "bad value"),
        ("SELECT Id FROM Opportunity WHERE CloseDate = LAST_N_YEARS:9999", "bad value"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT Id, Name FROM Account)", "one column"),
    ],
)
def test_a_broken_rule_is_named(soql, text, rule):
    fault = refused(soql, text)
    assert isinstance(fault, RuleBroken)
    assert fault.rule == rule


def test_a_sum_of_text_is_refused(soql):
    fault = refused(soql, "SELECT SUM(Name) FROM Account")
    assert isinstance(fault, TypeMismatch)
    assert (fault.field, fault.given) == ("Name", "SUM")


def test_the_tree_is_data(soql):
    assert language.parse("SELECT Id FROM Account WHERE Name = 'x'") == language.parse(
        "SELECT Id FROM Account WHERE Name = 'x'"
    )
    assert hash(language.parse("SELECT Id FROM Account"))


def test_an_object_called_order_can_be_asked_and_sorted():
    select = language.parse("SELECT Id FROM Order ORDER BY Id")
    assert select.tables[0].table == "Order"
    assert len(select.order) == 1


def test_a_15_character_id_gains_its_checksum():
    assert soql_plan.full_id("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert soql_plan.full_id("SO-1") == "SO-1"
