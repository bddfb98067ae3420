"""SOQL over the org, long answers in pages, and the ways to poll for changes."""

import pytest


def seed_accounts(org, count):
    for n in range(count):
        org.core.create("account", {"name": f"Account {n:05d}"}, {"Customer_Number__c": f"C-{n:05d}"})


def test_a_won_deal_comes_with_its_lines_and_its_account(org):
    account = org.create("Account", Name="Acme", ERP_Id__c="7", Payment_Terms_Days__c=30)
    entry = org.priced_product("P-1", 100)
    deal = org.deal(AccountId=account, StageName="Closed Won", Deal_Ref__c="D-1")
    org.create("OpportunityLineItem", OpportunityId=deal, PricebookEntryId=entry, Quantity=2, UnitPrice=10.5)
    answer = org.query(
        "SELECT Id, Amount, Account.Name, Account.ERP_Id__c, Account.Payment_Terms_Days__c, "
        "(SELECT Product2.ProductCode, Quantity, UnitPrice FROM OpportunityLineItems) "
        "FROM Opportunity WHERE IsWon = true AND SystemModstamp >= 2026-01-01T00:00:00Z"
    )
    (row,) = answer.json["records"]
    assert (row["Id"], row["Amount"]) == (deal, 21.0)
    assert row["attributes"]["url"] == f"/services/data/v59.0/sobjects/Opportunity/{deal}"
    assert row["Account"]["Name"] == "Acme"
    assert row["Account"]["attributes"]["type"] == "Account"
    assert row["Account"]["Payment_Terms_Days__c"] == 30.0
    lines = row["OpportunityLineItems"]
    assert (lines["totalSize"], lines["done"]) == (1, True)
    assert lines["records"][0]["Product2"]["ProductCode"] == "P-1"
    assert (lines["records"][0]["Quantity"], lines["records"][0]["UnitPrice"]) == (2.0, 10.5)


def test_a_deal_without_lines_has_null_for_them(org):
    org.deal()
    (row,) = org.rows("SELECT Name, Account.Name, (SELECT Id FROM OpportunityLineItems) FROM Opportunity")
    assert row == {"Name": "Deal", "Account": None, "OpportunityLineItems": None}


def test_children_of_an_account_come_in_sub_selects(org):
    account = org.create("Account", Name="Acme")
    org.create("Contact", LastName="Bee", FirstName="Ann", AccountId=account)
    org.deal(AccountId=account)
    (row,) = org.rows("SELECT (SELECT Name FROM Contacts), (SELECT StageName FROM Opportunities) FROM Account")
    assert [c["Name"] for c in row["Contacts"]["records"]] == ["Ann Bee"]
    assert [o["StageName"] for o in row["Opportunities"]["records"]] == ["Prospecting"]


@pytest.mark.parametrize(
    "where",
    [
        "Id = '{id}'",
        "Id IN ('{id}', '{other}') AND Name = 'acme 2'",
        "Customer_Number__c = 'C-2'",
        "ERP_Id__c IN ('E-2')",
        "ParentId = '{other}'",
        "Parent.Name = 'Acme 1'",
        "SystemModstamp > 2026-01-01T00:01:30Z",
        "SystemModstamp >= 2026-01-01T00:02:00Z",
        "CreatedDate = TODAY AND Name LIKE '%2'",
        "Credit_Limit__c = 2.5",
        "NOT Name = 'Acme 1'",
    ],
)
def test_every_index_finds_what_a_scan_finds(org, where):
    org.later(60)
    other = org.create("Account", Name="Acme 1", Customer_Number__c="C-1", ERP_Id__c="E-1")
    org.later(60)
    id_ = org.create(
        "Account", Name="Acme 2", Customer_Number__c="C-2", ERP_Id__c="E-2", ParentId=other, Credit_Limit__c=2.5
    )
    assert org.rows(f"SELECT Id FROM Account WHERE {where.format(id=id_, other=other)}") == [{"Id": id_}]


def test_counts_and_groups(org):
    for stage in ("Prospecting", "Closed Won", "Closed Won"):
        org.deal(StageName=stage, Amount=10)
    assert org.query("SELECT COUNT() FROM Opportunity").json["totalSize"] == 3
    grouped = org.rows("SELECT StageName, COUNT(Id) n, SUM(Amount) FROM Opportunity GROUP BY StageName")
    assert {"StageName": "Closed Won", "n": 2, "expr0": 20.0} in grouped


def test_the_org_knows_itself(open_org):
    sandbox = open_org(edition="sandbox")
    assert sandbox.rows("SELECT IsSandbox FROM Organization LIMIT 1") == [{"IsSandbox": True}]
    assert open_org().rows("SELECT IsSandbox FROM Organization LIMIT 1") == [{"IsSandbox": False}]


@pytest.mark.parametrize(
    ("query", "code", "part"),
    [
        ("SELECT Id FROM Account WHERE Name = 'x' ORDER", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Account WHERE SystemModstamp > June", "MALFORMED_QUERY", "unexpected token: 'June'"),
        ("SELECT Foo FROM Account", "INVALID_FIELD", "No such column 'Foo' on entity 'Account'"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE", "sObject type 'Nothing' is not supported"),
        ("SELECT Id, Boss.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Boss'"),
        (
            "SELECT Id FROM Account WHERE Name = 5",
            "INVALID_FIELD",
            "must be of type string and should be enclosed in quotes",
        ),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset"),
        ("", "MALFORMED_QUERY", "q is required"),
    ],
)
def test_a_bad_query_is_told_where_and_why(org, query, code, part):
    answer = org.query(query)
    assert answer.error == (400, code)
    assert part in answer.json[0]["message"]


def test_a_bad_query_is_shown_with_a_pointer(org):
    message = org.query("SELECT Foo FROM Account").json[0]["message"]
    lines = message.split("\n")
    assert lines[1:4] == ["SELECT Foo FROM Account", "       ^", "ERROR at Row:1:Column:8"]


def test_a_query_longer_than_an_address_may_be_is_refused(org):
    assert org.query(f"SELECT Id FROM Account WHERE Name = '{'x' * 17_000}'").status == 414


# --- pages -------------------------------------------------------------------------------------


def pages(org, answer):
    found = [answer.json]
    while not found[-1]["done"]:
        found.append(org.call("GET", found[-1]["nextRecordsUrl"]).json)
    return found


def test_a_long_answer_comes_in_pages_of_two_thousand(org):
    seed_accounts(org, 4_500)
    found = pages(org, org.query("SELECT Name FROM Account ORDER BY Name DESC"))
    assert [len(page["records"]) for page in found] == [2_000, 2_000, 500]
    assert {page["totalSize"] for page in found} == {4_500}
    assert "nextRecordsUrl" not in found[-1]
    names = [record["Name"] for page in found for record in page["records"]]
    assert names == sorted(names, reverse=True)
    assert len(set(names)) == 4_500


@pytest.mark.parametrize(("asked", "given"), [("200", 200), ("500", 500), ("5", 200), ("9999", 2_000)])
def test_the_client_may_ask_for_smaller_pages(org, asked, given):
    seed_accounts(org, 2_100)
    answer = org.query("SELECT Id FROM Account", sforce_query_options=f"batchSize={asked}")
    assert len(answer.json["records"]) == given
    assert answer.json["nextRecordsUrl"].endswith(f"-{given}")


def test_pages_hold_the_rows_that_matched_at_first(org):
    seed_accounts(org, 300)
    first = org.query("SELECT Name FROM Account", sforce_query_options="batchSize=200")
    seed_accounts_again = org.core.create("account", {"name": "late"})
    (_, second) = pages(org, first)
    assert len(second["records"]) == 100
    assert seed_accounts_again.name not in [record["Name"] for record in second["records"]]


def test_a_user_has_ten_cursors_and_the_oldest_goes(org):
    seed_accounts(org, 300)
    urls = [
        org.query("SELECT Id FROM Account", sforce_query_options="batchSize=200").json["nextRecordsUrl"]
        for _ in range(11)
    ]
    assert org.call("GET", urls[0]).error == (400, "INVALID_QUERY_LOCATOR")
    assert all(org.call("GET", url).status == 200 for url in urls[1:])


def test_a_cursor_is_gone_after_two_days_and_after_a_restore(org):
    seed_accounts(org, 300)
    state = org.dialect.snapshot()
    url = org.query("SELECT Id FROM Account", sforce_query_options="batchSize=200").json["nextRecordsUrl"]
    org.dialect.restore(state)
    org.token = ""
    assert org.call("GET", url).error == (400, "INVALID_QUERY_LOCATOR")
    url = org.query("SELECT Id FROM Account", sforce_query_options="batchSize=200").json["nextRecordsUrl"]
    org.later(2 * 86_400 + 1)
    org.token = ""
    assert org.call("GET", url).error == (400, "INVALID_QUERY_LOCATOR")


# --- polling -----------------------------------------------------------------------------------


def test_polling_by_time_stamp_sees_every_change_once_a_second_has_passed(org):
    seed_accounts(org, 50)
    org.later(10)
    seen = []
    cursor = "2026-01-01T00:00:05Z"
    for n in range(5):
        id_ = org.core.create("account", {"name": f"New {n}"}).id
        org.later(1)
        org.core.update("account", id_, {"phone": "1"})
        org.later(1)
        found = org.rows(
            f"SELECT Id, SystemModstamp FROM Account WHERE SystemModstamp > {cursor} ORDER BY SystemModstamp"
        )
        seen += [row["Id"] for row in found]
        cursor = found[-1]["SystemModstamp"].replace("+0000", "Z")
    assert len(seen) == 5
    assert len(set(seen)) == 5


def test_a_change_in_the_second_of_the_last_poll_is_missed_by_greater_than(org):
    # What makes careful integrations poll with an overlap: the vendor's stamps have no fractions.
    org.later(1.25)
    org.create("Account", Name="Early")
    (early,) = org.rows("SELECT SystemModstamp FROM Account")
    org.later(0.5)
    org.create("Account", Name="Late")
    stamp = early["SystemModstamp"].replace("+0000", "Z")
    assert org.rows(f"SELECT Name FROM Account WHERE SystemModstamp > {stamp}") == []
    overlapping = org.rows(f"SELECT Name FROM Account WHERE SystemModstamp >= {stamp}")
    assert [row["Name"] for row in overlapping] == ["Early", "Late"]


def test_a_line_that_changes_its_deals_amount_changes_the_deal(org):
    deal = org.deal()
    entry = org.priced_product()
    org.later(60)
    org.create("OpportunityLineItem", OpportunityId=deal, PricebookEntryId=entry, Quantity=1)
    assert org.rows("SELECT Id FROM Opportunity WHERE SystemModstamp > 2026-01-01T00:00:30Z") == [{"Id": deal}]


def test_a_deleted_record_is_seen_only_by_those_who_ask_for_deleted_ones(org):
    kept, gone = (org.create("Account", Name=name) for name in ("Kept", "Gone"))
    org.later(60)
    org.call("DELETE", f"/sobjects/Account/{gone}")
    assert org.rows("SELECT Id FROM Account") == [{"Id": kept}]
    assert org.rows("SELECT Id FROM Account WHERE SystemModstamp > 2026-01-01T00:00:30Z") == []
    both = org.call("GET", "/queryAll/", query={"q": "SELECT Name, IsDeleted, SystemModstamp FROM Account"})
    assert [(r["Name"], r["IsDeleted"], r["SystemModstamp"][14:19]) for r in both.json["records"]] == [
        ("Kept", False, "00:00"),
        ("Gone", True, "01:00"),
    ]


def test_the_replication_calls_tell_ids_by_span_of_time(org):
    early = org.create("Account", Name="Early")
    org.later(120)
    late, gone = (org.create("Account", Name=name) for name in ("Late", "Gone"))
    org.core.update("account", late, {"phone": "1"})
    org.later(60)
    org.call("DELETE", f"/sobjects/Account/{gone}")
    org.later(60)
    org.create("Account", Name="After the end")
    span = {"start": "2026-01-01T00:02:00+00:00", "end": "2026-01-01T00:04:30+00:00"}
    assert org.call("GET", "/sobjects/Account/updated/", query=span).json == {
        "ids": [late],
        "latestDateCovered": "2026-01-01T00:04:00.000+0000",
    }
    deleted = org.call("GET", "/sobjects/Account/deleted/", query=span).json
    assert deleted["deletedRecords"] == [{"id": gone, "deletedDate": "2026-01-01T00:03:00.000+0000"}]
    first = org.call("GET", "/sobjects/Account/updated", query={**span, "start": "2026-01-01T00:00:59Z"}).json
    assert first["ids"] == [early, late]


@pytest.mark.parametrize(
    "span",
    [
        {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:00:59Z"},
        {"start": "2025-11-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"},
        {"start": "yesterday", "end": "2026-01-01T00:00:00Z"},
        {},
    ],
)
def test_a_span_that_cannot_be_is_refused(org, span):
    assert org.call("GET", "/sobjects/Account/updated", query=span).error == (400, "INVALID_REPLICATION_DATE")
