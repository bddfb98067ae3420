"""Bulk API 2.0: records in and out as CSV."""

import csv
import io

import pytest


def table(text, delimiter=","):
    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


def ingest(org, operation, sobject, data, **more):
    """Run a job to its end; gives its info."""
    job = org.call("POST", "/jobs/ingest", {"operation": operation, "object": sobject, **more})
    assert job.status == 200, job.text
    assert job.json["state"] == "Open"
    path = f"/jobs/ingest/{job.json['id']}"
    assert org.call("PUT", f"{path}/batches", data.encode()).status == 201
    assert org.call("PATCH", path, {"state": "UploadComplete"}).json["state"] == "UploadComplete"
    return org.call("GET", path).json


def results(org, job, which):
    answer = org.call("GET", f"/jobs/ingest/{job['id']}/{which}/")
    assert answer.headers["Content-Type"] == "text/csv"
    return table(answer.text)


def test_rows_are_inserted_each_for_itself(org):
    job = ingest(org, "insert", "Account", 'Name,Credit_Limit__c,ERP_Id__c\n"A, Inc.",12.5,1\n,1,2\nB,,3\nC,,1\n')
    assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 4, 2)
    good, bad = results(org, job, "successfulResults"), results(org, job, "failedResults")
    assert [(r["Name"], r["sf__Created"]) for r in good] == [("A, Inc.", "true"), ("B", "true")]
    assert [r["sf__Error"].split(":")[0] for r in bad] == ["REQUIRED_FIELD_MISSING", "DUPLICATE_VALUE"]
    assert results(org, job, "unprocessedrecords") == []
    assert org.read("Account", good[0]["sf__Id"])["Credit_Limit__c"] == 12.5


def test_rows_are_upserted_by_key(org):
    org.create("Account", Name="A", ERP_Id__c="1", Phone="9")
    job = ingest(org, "upsert", "Account", "ERP_Id__c,Name,Phone\n1,,#N/A\n2,B,5\n", externalIdFieldName="ERP_Id__c")
    assert [r["sf__Created"] for r in results(org, job, "successfulResults")] == ["false", "true"]
    rows = org.rows("SELECT Name, Phone FROM Account ORDER BY ERP_Id__c")
    assert rows == [{"Name": "A", "Phone": None}, {"Name": "B", "Phone": "5"}]


def test_rows_are_updated_and_deleted_by_id(org):
    ids = [org.create("Account", Name=name) for name in "AB"]
    job = ingest(org, "update", "Account", f"Id,Phone\n{ids[0]},1\n001000000000000AAA,2\n")
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (2, 1)
    assert org.read("Account", ids[0])["Phone"] == "1"
    ingest(org, "delete", "Account", f"Id\n{ids[1]}\n")
    assert org.rows("SELECT Name FROM Account") == [{"Name": "A"}]


def test_a_row_may_name_its_parent_by_key(org):
    account = org.create("Account", Name="A", ERP_Id__c="1")
    job = ingest(org, "insert", "Contact", "LastName,Account.ERP_Id__c\nBee,1\nCee,9\n")
    assert job["numberRecordsFailed"] == 1
    assert org.rows("SELECT LastName, AccountId FROM Contact") == [{"LastName": "Bee", "AccountId": account}]


@pytest.mark.parametrize(("delimiter", "char"), [("TAB", "\t"), ("SEMICOLON", ";"), ("PIPE", "|")])
def test_columns_are_divided_as_the_job_says(org, delimiter, char):
    job = ingest(
        org, "insert", "Account", f"Name{char}Phone\r\nA{char}1\r\n", columnDelimiter=delimiter, lineEnding="CRLF"
    )
    text = org.call("GET", f"/jobs/ingest/{job['id']}/successfulResults").text
    assert table(text, char)[0]["Phone"] == "1"
    assert "\r\n" in text


def test_a_file_with_an_unknown_column_fails_the_job(org):
    job = ingest(org, "insert", "Account", "Name,Foo__c\nA,1\n")
    assert job["state"] == "Failed"
    assert job["errorMessage"] == "InvalidBatch : Field name not found : Foo__c"
    assert results(org, job, "unprocessedrecords") == [{"Name": "A", "Foo__c": "1"}]
    assert org.rows("SELECT Id FROM Account") == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"operation": "merge", "object": "Account"}, "INVALIDJOB"),
        ({"operation": "insert", "object": "Nothing"}, "INVALIDENTITY"),
        ({"operation": "upsert", "object": "Account", "externalIdFieldName": "Phone"}, "INVALIDJOB"),
        ({"operation": "insert", "object": "Account", "contentType": "JSON"}, "INVALIDJOB"),
    ],
)
def test_a_job_that_makes_no_sense_is_not_made(org, body, code):
    assert org.call("POST", "/jobs/ingest", body).error == (400, code)


def test_a_job_goes_its_way_once(org):
    job = ingest(org, "insert", "Account", "Name\nA\n")
    path = f"/jobs/ingest/{job['id']}"
    assert org.call("PUT", f"{path}/batches", b"Name\nB\n").error == (400, "INVALIDJOBSTATE")
    assert org.call("PATCH", path, {"state": "UploadComplete"}).error == (400, "INVALIDJOBSTATE")
    assert org.call("DELETE", path).status == 204
    assert org.call("GET", path).error == (404, "NOT_FOUND")
    opened = org.call("POST", "/jobs/ingest", {"operation": "insert", "object": "Account"}).json
    path = f"/jobs/ingest/{opened['id']}"
    assert org.call("GET", f"{path}/failedResults").error == (400, "INVALIDJOBSTATE")
    assert org.call("PATCH", path, {"state": "Aborted"}).json["state"] == "Aborted"


def test_jobs_are_kept_for_seven_days(org):
    first = ingest(org, "insert", "Account", "Name\nA\n")
    assert [job["id"] for job in org.call("GET", "/jobs/ingest").json["records"]] == [first["id"]]
    org.later(7 * 86_400 + 1)
    org.token = ""
    second = ingest(org, "insert", "Account", "Name\nB\n")
    assert [job["id"] for job in org.call("GET", "/jobs/ingest").json["records"]] == [second["id"]]


def test_a_query_job_gives_its_rows_in_parts(org):
    account = org.create("Account", Name="Acme")
    for n in range(5):
        org.deal(Name=f'Deal "{n}"', AccountId=account, Amount=n + 0.5)
    org.deal(Name="Loose")
    query = "SELECT Name, Account.Name, Amount, IsWon, CloseDate, SystemModstamp FROM Opportunity ORDER BY Name"
    job = org.call("POST", "/jobs/query", {"operation": "query", "query": query}).json
    assert (job["state"], job["object"]) == ("UploadComplete", "Opportunity")
    path = f"/jobs/query/{job['id']}"
    assert org.call("GET", path).json["state"] == "JobComplete"
    assert org.call("GET", path).json["numberRecordsProcessed"] == 6
    rows, locator = [], "0"
    while locator != "null":
        part = org.call("GET", f"{path}/results", query={"maxRecords": "4", "locator": locator})
        found = table(part.text)
        assert part.headers["Sforce-NumberOfRecords"] == str(len(found))
        rows += found
        locator = part.headers["Sforce-Locator"]
    assert len(rows) == 6
    assert rows[1] == {
        "Name": 'Deal "1"',
        "Account.Name": "Acme",
        "Amount": "1.5",
        "IsWon": "false",
        "CloseDate": "2026-02-01",
        "SystemModstamp": "2026-01-01T00:00:00.000+0000",
    }
    assert (rows[5]["Account.Name"], rows[5]["Amount"]) == ("", "")


def test_a_query_job_over_deleted_rows(org):
    id_ = org.create("Account", Name="Gone")
    org.call("DELETE", f"/sobjects/Account/{id_}")
    for operation, lines in (("query", 1), ("queryAll", 2)):
        job = org.call("POST", "/jobs/query", {"operation": operation, "query": "SELECT Id FROM Account"}).json
        assert len(org.call("GET", f"/jobs/query/{job['id']}/results").text.splitlines()) == lines


def test_a_query_job_takes_plain_fields_only(org):
    for query in ("SELECT COUNT(Id) FROM Account", "SELECT (SELECT Id FROM Contacts) FROM Account"):
        answer = org.call("POST", "/jobs/query", {"operation": "query", "query": query})
        assert answer.error == (400, "FEATURENOTENABLED")
    answer = org.call("POST", "/jobs/query", {"operation": "query", "query": "SELECT Foo FROM Account"})
    assert answer.error == (400, "INVALID_FIELD")


def test_jobs_survive_a_snapshot(org):
    job = ingest(org, "insert", "Account", "Name\nA\n")
    state = org.dialect.snapshot()
    org.call("DELETE", f"/jobs/ingest/{job['id']}")
    org.dialect.restore(state)
    assert [r["Name"] for r in results(org, job, "successfulResults")] == ["A"]
