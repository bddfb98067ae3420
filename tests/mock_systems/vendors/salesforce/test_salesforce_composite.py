"""Several calls in one: references, whole or not at all, batches, collections, trees."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def sub(method, url, reference, body=None):
    request = {"method": method, "url": f"/services/data/v59.0{url}", "referenceId": reference}
    return request if body is None else {**request, "body": body}


def composite(org, *subrequests, all_or_none=True):
    answer = org.call("POST", "/composite", {"allOrNone": all_or_none, "compositeRequest": list(subrequests)})
    assert answer.status == 200, answer.text
    return answer.json["compositeResponse"]


def order(org):
    return [
        sub("POST", "/sobjects/Account", "acc", {"Name": "Acme"}),
        sub(
            "POST",
            "/sobjects/Opportunity",
            "opp",
            {"Name": "For @{acc.id}", "AccountId": "@{acc.id}", "StageName": "Prospecting", "CloseDate": "2026-01-01"},
        ),
        sub("GET", "/query/?q=SELECT+Id,Name+FROM+Account+WHERE+Id='@{acc.id}'", "found"),
        sub("PATCH", "/sobjects/Opportunity/@{opp.id}", "upd", {"PO_Number__c": "@{found.records[0].Name}"}),
    ]


def test_later_calls_use_what_earlier_ones_answered(org):
    answers = composite(org, *order(org))
    assert [a["httpStatusCode"] for a in answers] == [201, 201, 200, 204]
    assert [a["referenceId"] for a in answers] == ["acc", "opp", "found", "upd"]
    account = answers[0]["body"]["id"]
    assert answers[0]["httpHeaders"]["Location"] == f"/services/data/v59.0/sobjects/Account/{account}"
    assert answers[3]["body"] is None
    (deal,) = org.rows("SELECT Name, AccountId, PO_Number__c FROM Opportunity")
    assert deal == {"Name": f"For {account}", "AccountId": account, "PO_Number__c": "Acme"}


def test_all_or_none_takes_everything_back_and_says_who_is_to_blame(org):
    kept = org.create("Account", Name="Kept", Phone="1")
    before = org.dialect.core.snapshot()
    answers = composite(
        org,
        *order(org),
        sub("PATCH", f"/sobjects/Account/{kept}", "kept", {"Phone": "2", "ERP_Id__c": "X"}),
        sub("DELETE", f"/sobjects/Account/{kept}", "gone"),
        sub("POST", "/sobjects/Contact", "bad", {"FirstName": "No last name"}),
        sub("POST", "/sobjects/Account", "after", {"Name": "Never tried"}),
    )
    assert {a["httpStatusCode"] for a in answers} == {400}
    codes = {a["referenceId"]: a["body"][0]["errorCode"] for a in answers}
    assert codes.pop("bad") == "REQUIRED_FIELD_MISSING"
    assert set(codes.values()) == {"PROCESSING_HALTED"}
    assert org.dialect.core.snapshot() == before
    assert org.call("GET", "/sobjects/Account/ERP_Id__c/X").status == 404
    assert org.read("Account", kept)["Phone"] == "1"


def test_without_all_or_none_each_call_stands_for_itself(org):
    answers = composite(
        org,
        sub("POST", "/sobjects/Account", "bad", {}),
        sub("POST", "/sobjects/Contact", "orphan", {"LastName": "Bee", "AccountId": "@{bad.id}"}),
        sub("POST", "/sobjects/Account", "good", {"Name": "Acme"}),
        all_or_none=False,
    )
    assert [a["httpStatusCode"] for a in answers] == [400, 400, 201]
    assert answers[1]["body"] == [
        {"errorCode": "PROCESSING_HALTED", "message": "Invalid reference specified. No value for bad.id found in bad"}
    ]
    assert org.rows("SELECT Name FROM Account") == [{"Name": "Acme"}]


def test_nobody_hears_of_changes_that_were_taken_back(org):
    heard = []
    org.core.listeners.append(heard.append)
    bad = sub("POST", "/sobjects/Contact", "bad", {})
    composite(org, *order(org), bad)
    assert heard == []
    composite(org, *order(org))
    assert [(change.kind, change.what) for change in heard] == [
        ("account", "created"),
        ("opportunity", "created"),
        ("opportunity", "updated"),
    ]


def test_a_composite_is_one_call_of_the_day(org):
    before = org.call("GET", "/limits").json["DailyApiRequests"]["Remaining"]
    composite(org, *order(org))
    assert org.call("GET", "/limits").json["DailyApiRequests"]["Remaining"] == before - 2


@pytest.mark.parametrize(
    ("requests", "code"),
    [
        ([], "LIMIT_EXCEEDED"),
        ([sub("GET", "/limits", f"r{n}") for n in range(26)], "LIMIT_EXCEEDED"),
        ([sub("GET", "/query?q=SELECT+Id+FROM+Account", f"r{n}") for n in range(6)], "LIMIT_EXCEEDED"),
        ([sub("GET", "/limits", "same")] * 2, "INVALID_INPUT"),
        ([sub("GET", "/limits", "no-dashes")], "INVALID_INPUT"),
    ],
)
def test_a_composite_out_of_bounds_is_refused_as_a_whole(org, requests, code):
    answer = org.call("POST", "/composite", {"compositeRequest": requests})
    assert answer.error == (400, code)


def test_a_composite_that_cannot_be_read_is_refused_at_the_top(org):
    assert org.call("POST", "/composite", {"compositeRequest": [{"method": "GET"}]}).error == (400, "JSON_PARSER_ERROR")


def test_not_every_call_may_be_part_of_a_composite(org):
    answers = composite(
        org,
        sub("POST", "/composite/batch", "inner", {"batchRequests": []}),
        sub("GET", "/nowhere", "nowhere"),
        sub("PUT", "/sobjects/Account", "method"),
        all_or_none=False,
    )
    assert [a["httpStatusCode"] for a in answers] == [400, 404, 405]


def test_all_or_none_holds_for_collections_inside(org):
    records = [{"attributes": {"type": "Account"}, **fields} for fields in ({"Name": "A"}, {})]
    answers = composite(
        org,
        sub("POST", "/sobjects/Account", "one", {"Name": "One"}),
        sub("POST", "/composite/sobjects", "many", {"allOrNone": False, "records": records}),
    )
    assert answers[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert [row["errors"][0]["statusCode"] for row in answers[1]["body"]] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "REQUIRED_FIELD_MISSING",
    ]
    assert org.rows("SELECT Id FROM Account") == []


# --- batch -------------------------------------------------------------------------------------


def batch(org, *requests, halt=False):
    answer = org.call("POST", "/composite/batch", {"batchRequests": list(requests), "haltOnError": halt})
    assert answer.status == 200, answer.text
    return answer.json


def test_a_batch_does_each_call_for_itself_and_counts_them_all(org):
    before = org.call("GET", "/limits").json["DailyApiRequests"]["Remaining"]
    answer = batch(
        org,
        {"method": "POST", "url": "v59.0/sobjects/Account", "richInput": {"Name": "A"}},
        {"method": "POST", "url": "/services/data/v59.0/sobjects/Account", "richInput": {}},
        {"method": "GET", "url": "v59.0/query?q=SELECT+Name+FROM+Account"},
    )
    assert answer["hasErrors"]
    assert [r["statusCode"] for r in answer["results"]] == [201, 400, 200]
    assert answer["results"][2]["result"]["records"][0]["Name"] == "A"
    assert org.call("GET", "/limits").json["DailyApiRequests"]["Remaining"] == before - 4


def test_a_call_without_a_method_is_refused_and_nothing_is_done(org):
    good = {"method": "POST", "url": "v59.0/sobjects/Account", "richInput": {"Name": "A"}}
    answer = org.call("POST", "/composite/batch", {"batchRequests": [good, {**good, "method": ""}]})
    assert (answer.status, answer.json[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
    assert org.rows("SELECT Id FROM Account") == []


def test_a_batch_may_stop_at_the_first_error(org):
    good = {"method": "POST", "url": "v59.0/sobjects/Account", "richInput": {"Name": "A"}}
    bad = {"method": "POST", "url": "v59.0/sobjects/Account", "richInput": {}}
    answer = batch(org, good, bad, good, halt=True)
    assert [r["statusCode"] for r in answer["results"]] == [201, 400, 412]
    assert answer["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    assert len(org.rows("SELECT Id FROM Account")) == 1


# --- collections -------------------------------------------------------------------------------


def record(sobject="Account", **fields):
    return {"attributes": {"type": sobject}, **fields}


def test_a_collection_tells_of_each_record(org):
    body = {"records": [record(Name="A"), record(), record("Contact", LastName="B"), record("Nothing"), {"Name": "C"}]}
    answer = org.call("POST", "/composite/sobjects", body)
    assert [row["success"] for row in answer.json] == [True, False, True, False, False]
    assert answer.json[1]["errors"] == [
        {"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required fields are missing: [Name]", "fields": ["Name"]}
    ]


def test_a_collection_may_be_all_or_none(org):
    answer = org.call("POST", "/composite/sobjects", {"allOrNone": True, "records": [record(Name="A"), record()]})
    assert [row["errors"][0]["statusCode"] for row in answer.json] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "REQUIRED_FIELD_MISSING",
    ]
    assert org.rows("SELECT Id FROM Account") == []


def test_records_are_changed_read_and_deleted_together(org):
    ids = [org.create("Account", Name=name) for name in "AB"]
    deal = org.deal()
    changes = [
        record(id=ids[0], Phone="1"),
        record(Id=ids[1], Phone="2"),
        record("Opportunity", id=deal, Amount=3),
        record(),
    ]
    answer = org.call("PATCH", "/composite/sobjects", {"records": changes})
    assert [row["success"] for row in answer.json] == [True, True, True, False]
    query = {"ids": f"{ids[0]},{ids[1]},001000000000000", "fields": "Name,Phone"}
    read = org.call("GET", "/composite/sobjects/Account", query=query).json
    assert [None if r is None else (r["Name"], r["Phone"]) for r in read] == [("A", "1"), ("B", "2"), None]
    gone = org.call("DELETE", "/composite/sobjects", query={"ids": f"{ids[0]},{deal},{ids[0]}"})
    assert [row["success"] for row in gone.json] == [True, True, False]
    assert org.rows("SELECT Id FROM Account") == [{"Id": ids[1]}]


def test_deletes_may_be_all_or_none(org):
    id_ = org.create("Account", Name="A")
    answer = org.call("DELETE", "/composite/sobjects", query={"ids": f"{id_},{id_}", "allOrNone": "true"})
    assert [row["success"] for row in answer.json] == [False, False]
    assert org.rows("SELECT Id FROM Account") == [{"Id": id_}]


def test_a_collection_upserts_by_key(org):
    org.create("Account", Name="A", ERP_Id__c="1")
    rows = [record(ERP_Id__c="1", Phone="1"), record(ERP_Id__c="2", Name="B"), record(Name="no key")]
    answer = org.call("PATCH", "/composite/sobjects/Account/ERP_Id__c", {"records": rows})
    assert [row.get("created") for row in answer.json] == [False, True, None]
    assert [r["Name"] for r in org.rows("SELECT Name FROM Account ORDER BY ERP_Id__c")] == ["A", "B"]


def test_a_collection_holds_two_hundred_records_at_most(org):
    answer = org.call("POST", "/composite/sobjects", {"records": [record(Name="A")] * 201})
    assert answer.error == (400, "JSON_PARSER_ERROR")


# --- trees -------------------------------------------------------------------------------------


def leaf(sobject, reference, **fields):
    return {"attributes": {"type": sobject, "referenceId": reference}, **fields}


def test_a_tree_creates_parents_with_their_children(org):
    deals = {"records": [leaf("Opportunity", "d1", Name="D", StageName="Prospecting", CloseDate="2026-01-01")]}
    people = {"records": [leaf("Contact", "c1", LastName="B"), leaf("Contact", "c2", LastName="C")]}
    body = {"records": [leaf("Account", "a1", Name="A", Contacts=people, Opportunities=deals)]}
    answer = org.call("POST", "/composite/tree/Account", body)
    assert answer.status == 201
    assert [row["referenceId"] for row in answer.json["results"]] == ["a1", "c1", "c2", "d1"]
    assert [r["LastName"] for r in org.rows("SELECT LastName FROM Contact WHERE Account.Name = 'A'")] == ["B", "C"]


def test_a_tree_with_a_bad_branch_is_not_planted(org):
    people = {"records": [leaf("Contact", "c1", LastName="B"), leaf("Contact", "c2")]}
    answer = org.call(
        "POST", "/composite/tree/Account", {"records": [leaf("Account", "a1", Name="A", Contacts=people)]}
    )
    assert answer.status == 400
    assert answer.json["hasErrors"]
    assert [(r["referenceId"], r["errors"][0]["statusCode"]) for r in answer.json["results"]] == [
        ("c2", "REQUIRED_FIELD_MISSING")
    ]
    assert org.rows("SELECT Id FROM Account") == []


# --- whole or not at all, for any changes --------------------------------------------------------

CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from(["Account", "Contact"]), st.integers(0, 3)),
        st.tuples(st.just("update"), st.integers(0, 5), st.integers(0, 3)),
        st.tuples(st.just("delete"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("line"), st.integers(0, 1), st.integers(1, 9)),
        st.tuples(st.just("drop line"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("drop deal"), st.integers(0, 1), st.just(0)),
    ),
    max_size=8,
)


@settings(
    max_examples=60,
    # Each example founds an org of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=CHANGES)
def test_whatever_a_composite_did_before_its_failure_is_undone(open_org, changes):
    org = open_org()
    entry = org.priced_product()
    accounts = [org.create("Account", Name=f"A{n}", ERP_Id__c=f"E{n}") for n in range(6)]
    deals = [org.deal(AccountId=accounts[n], Deal_Ref__c=f"D{n}") for n in range(2)]
    lines = [
        org.create("OpportunityLineItem", OpportunityId=deals[n % 2], PricebookEntryId=entry, Quantity=n + 1)
        for n in range(4)
    ]
    before = org.dialect.core.snapshot()
    touched = dict(org.dialect.org.traces.touched)
    requests = []
    for n, (what, which, value) in enumerate(changes):
        match what:
            case "create":
                body = {"Name": "N", "ERP_Id__c": f"E{value}x"} if which == "Account" else {"LastName": "L"}
                requests.append(sub("POST", f"/sobjects/{which}", f"r{n}", body))
            case "update":
                requests.append(
                    sub("PATCH", f"/sobjects/Account/{accounts[which]}", f"r{n}", {"ERP_Id__c": f"E{value}y"})
                )
            case "delete":
                requests.append(sub("DELETE", f"/sobjects/Account/{accounts[which]}", f"r{n}"))
            case "line":
                body = {"OpportunityId": deals[which], "PricebookEntryId": entry, "Quantity": value}
                requests.append(sub("POST", "/sobjects/OpportunityLineItem", f"r{n}", body))
            case "drop line":
                requests.append(sub("DELETE", f"/sobjects/OpportunityLineItem/{lines[which]}", f"r{n}"))
            case _:
                requests.append(sub("DELETE", f"/sobjects/Opportunity/{deals[which]}", f"r{n}"))
    composite(org, *requests, sub("POST", "/sobjects/Account", "last", {}))
    assert org.dialect.core.snapshot() == before
    assert org.dialect.org.traces.touched == touched
    # The keys, too, find what they found.
    for n, account in enumerate(accounts):
        assert org.call("GET", f"/sobjects/Account/ERP_Id__c/E{n}").json["Id"] == account
        assert org.call("GET", f"/sobjects/Account/ERP_Id__c/E{n}y").status == 404
