"""The unmodified Python client `simple-salesforce` against an org on a real TLS socket."""

import datetime

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.mock_systems.vendors.salesforce.live_org import USER, LiveOrg

from o2c_twin.mock_systems.vendors.salesforce import CustomField
from o2c_twin.mock_systems.wire.faults import ServerError, Throttled

simple_salesforce = pytest.importorskip("simple_salesforce")
from simple_salesforce import Salesforce, SFType, format_soql  # noqa: E402
from simple_salesforce.exceptions import (  # noqa: E402
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

# --- login -------------------------------------------------------------------------------------


def test_the_client_logs_in_in_every_way_it_knows(live):
    soap = f"{live.host}/services/Soap/u/59.0?x="
    clients = [
        live.client(),
        live.client(username=USER["username"], password="passTOKEN"),
        Salesforce(domain=soap, **USER),
        Salesforce(
            domain=soap,
            username=USER["username"],
            password="passTOKEN",
            organizationId=live.dialect.org.organization.id,
        ),
    ]
    session_id = clients[0].session_id
    clients.append(Salesforce(session_id=session_id, instance_url=f"https://{live.host}"))
    for client in clients:
        assert client.limits()["DailyApiRequests"]["Max"] == 15_000
        client.session.close()


def test_the_client_logs_in_with_a_signed_assertion(live):
    key = rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    domain = f"{live.host}/services/oauth2/token?x="
    client = Salesforce(username=USER["username"], consumer_key="app", privatekey=key.decode(), domain=domain)
    assert client.limits()
    client.session.close()


def test_a_wrong_login_raises_the_clients_own_error(live):
    with requests.Session() as session:
        with pytest.raises(SalesforceAuthenticationFailed) as refused:
            live.client(consumer_secret="wrong", session=session)
        assert refused.value.code == "invalid_client"
        with pytest.raises(SalesforceAuthenticationFailed) as refused:
            Salesforce(domain=f"{live.host}/services/Soap/u/59.0?x=", **{**USER, "password": "wrong"}, session=session)
        assert refused.value.code == "INVALID_LOGIN"


def test_an_expired_session_raises_without_a_login_and_is_renewed_with_one(live, sf):
    bare = Salesforce(session_id=sf.session_id, instance_url=f"https://{live.host}", session=sf.session)
    old = sf.session_id
    live.clock.us += 7_201 * 1_000_000
    with pytest.raises(SalesforceExpiredSession):
        bare.limits()
    assert sf.Account.create({"Name": "After the night"})["success"]
    assert sf.session_id != old


def test_the_client_can_ask_who_it_is_and_end_its_session(sf):
    assert sf.oauth2("userinfo")["preferred_username"] == USER["username"]
    assert sf.is_sandbox() is False


# --- records -----------------------------------------------------------------------------------


def test_records_are_created_read_changed_and_deleted(sf):
    id_ = sf.Account.create({"Name": "Acme", "Credit_Limit__c": 1250.5})["id"]
    assert sf.Account.get(id_)["Credit_Limit__c"] == 1250.5
    assert sf.Account.update(id_, {"Phone": "1"}) == 204
    assert sf.Account.get(id_)["Phone"] == "1"
    assert sf.Account.delete(id_) == 204
    with pytest.raises(SalesforceResourceNotFound):
        sf.Account.get(id_)
    assert isinstance(sf.Account, SFType)


def test_records_are_upserted_and_read_by_key(sf):
    assert sf.Account.upsert("ERP_Id__c/C-1", {"Name": "Acme"}) == 201
    assert sf.Account.upsert("ERP_Id__c/C-1", {"Phone": "1"}) == 200
    assert sf.Account.get_by_custom_id("ERP_Id__c", "C-1")["Phone"] == "1"


def test_several_matches_raise(files):
    live = LiveOrg(*files, custom_fields={"Account": {"Legacy__c": CustomField(external_id=True)}})
    client = live.client()
    for name in "AB":
        client.Account.create({"Name": name, "Legacy__c": "7"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        client.Account.get_by_custom_id("Legacy__c", "7")
    client.session.close()
    live.stop()


def test_bad_data_raises_with_the_vendors_code(sf):
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.Account.create({"Phone": "1"})
    assert refused.value.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.Opportunity.create({"Name": "D", "StageName": "Won?", "CloseDate": "2026-01-01"})
    assert refused.value.content[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


def test_the_client_reads_the_data_model(sf):
    assert "Opportunity" in [o["name"] for o in sf.describe()["sobjects"]]
    assert sf.Account.metadata()["objectDescribe"]["name"] == "Account"
    assert "ERP_Id__c" in [f["name"] for f in sf.Account.describe()["fields"]]


def test_the_client_polls_the_replication_calls(live, sf):
    kept, gone = (sf.Account.create({"Name": name})["id"] for name in ("Kept", "Gone"))
    sf.Account.delete(gone)
    live.clock.us += 120 * 1_000_000
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    end = start + datetime.timedelta(minutes=2)
    assert sf.Account.updated(start, end)["ids"] == [kept]
    assert [row["id"] for row in sf.Account.deleted(start, end)["deletedRecords"]] == [gone]


# --- queries -----------------------------------------------------------------------------------


def test_the_client_walks_through_thousands_of_rows(live, sf):
    for n in range(4_100):
        live.dialect.core.create("account", {"name": f"Account {n}"})
    query = "SELECT Id, Name FROM Account"
    everything = sf.query_all(query)
    assert everything["totalSize"] == 4_100
    assert len({row["Id"] for row in everything["records"]}) == 4_100
    assert sum(1 for _ in sf.query_all_iter(query)) == 4_100
    first = sf.query(query)
    locator = first["nextRecordsUrl"].rpartition("/")[2]
    assert len(sf.query_more(locator)["records"]) == 2_000
    assert len(sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)["records"]) == 2_000
    small = sf.query(query, headers={"Sforce-Query-Options": "batchSize=200"})
    assert len(small["records"]) == 200


def test_the_client_reads_a_won_deal_with_its_lines(live, sf):
    core = live.dialect.core
    account = core.create("account", {"name": "O'Neill"})
    product = core.create("product", {"code": "P-1", "name": "P", "price_minor": 1999})
    deal = core.create(
        "opportunity", {"name": "D", "stage": "Closed Won", "close_date": "2026-01-01", "account_id": account.id}
    )
    line = {"opportunity_id": deal.id, "product_id": product.id, "quantity": 3, "unit_price_minor": 1050}
    core.create("line", line)
    query = format_soql(
        "SELECT Amount, (SELECT Product2.ProductCode FROM OpportunityLineItems) FROM Opportunity "
        "WHERE IsWon = true AND Account.Name IN {} AND SystemModstamp >= {}",
        ["O'Neill", "other"],
        datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    )
    (row,) = sf.query(query)["records"]
    assert row["Amount"] == 31.5
    assert row["OpportunityLineItems"]["records"][0]["Product2"]["ProductCode"] == "P-1"


def test_a_bad_query_raises(sf):
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.query("SELECT Id FROM")
    assert refused.value.content[0]["errorCode"] == "MALFORMED_QUERY"


def test_the_client_sees_deleted_rows_if_it_asks(sf):
    id_ = sf.Account.create({"Name": "Gone"})["id"]
    sf.Account.delete(id_)
    query = "SELECT Id, IsDeleted FROM Account"
    assert sf.query(query)["totalSize"] == 0
    assert sf.query(query, include_deleted=True)["records"][0]["IsDeleted"] is True


# --- several in one ----------------------------------------------------------------------------


def test_the_client_sends_a_composite(sf):
    body = {
        "allOrNone": True,
        "compositeRequest": [
            {
                "method": "POST",
                "url": "/services/data/v59.0/sobjects/Account",
                "referenceId": "acc",
                "body": {"Name": "A"},
            },
            {
                "method": "POST",
                "url": "/services/data/v59.0/sobjects/Contact",
                "referenceId": "con",
                "body": {"LastName": "B", "AccountId": "@{acc.id}"},
            },
        ],
    }
    answer = sf.restful("composite", method="POST", json=body)
    assert [row["httpStatusCode"] for row in answer["compositeResponse"]] == [201, 201]
    assert sf.query("SELECT Account.Name FROM Contact")["records"][0]["Account"]["Name"] == "A"


def test_the_client_sends_a_batch_a_collection_and_a_tree(sf):
    batch = {"batchRequests": [{"method": "GET", "url": "v59.0/limits"}]}
    assert sf.restful("composite/batch", method="POST", json=batch)["hasErrors"] is False
    records = [{"attributes": {"type": "Account"}, "Name": name} for name in "AB"]
    created = sf.restful("composite/sobjects", method="POST", json={"records": records})
    assert [row["success"] for row in created] == [True, True]
    tree = {"records": [{"attributes": {"type": "Account", "referenceId": "r"}, "Name": "C"}]}
    assert sf.restful("composite/tree/Account", method="POST", json=tree)["hasErrors"] is False
    ids = ",".join(row["id"] for row in created)
    assert len(sf.restful("composite/sobjects", params={"ids": ids}, method="DELETE")) == 2


def test_the_client_changes_a_collection_in_which_one_record_is_refused(sf):
    ids = [sf.Account.create({"Name": name})["id"] for name in "AB"]
    records = [{"attributes": {"type": "Account"}, "id": id_, "Phone": "1"} for id_ in (ids[0], ids[0][:-4], ids[1])]
    rows = sf.restful("composite/sobjects", method="PATCH", json={"allOrNone": False, "records": records})
    assert [row["success"] for row in rows] == [True, False, True]
    assert [error["statusCode"] for error in rows[1]["errors"]] == ["NOT_FOUND"]
    assert [sf.Account.get(id_)["Phone"] for id_ in ids] == ["1", "1"]


# --- bulk --------------------------------------------------------------------------------------


def test_bulk_jobs_insert_upsert_update_and_query(sf):
    rows = [{"Name": f"Bulk {n}", "ERP_Id__c": str(n), "Credit_Limit__c": "10.5"} for n in range(250)]
    (done,) = sf.bulk2.Account.insert(records=rows, wait=0.01)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"], done["numberRecordsTotal"]) == (250, 0, 250)
    assert len(sf.bulk2.Account.get_successful_records(done["job_id"]).splitlines()) == 251
    again = [{"ERP_Id__c": "0", "Name": "First"}, {"ERP_Id__c": "900", "Name": "New"}, {"ERP_Id__c": "901", "Name": ""}]
    (done,) = sf.bulk2.Account.upsert(records=again, external_id_field="ERP_Id__c", wait=0.01)
    assert (done["numberRecordsProcessed"], done["numberRecordsFailed"]) == (3, 1)
    assert "REQUIRED_FIELD_MISSING" in sf.bulk2.Account.get_failed_records(done["job_id"])
    everything = sf.bulk2.Account.get_all_ingest_records(done["job_id"])
    assert [len(everything[part]) for part in ("successfulRecords", "failedRecords")] == [2, 1]
    assert len(sf.bulk2.Account.get_unprocessed_records(done["job_id"]).splitlines()) == 1
    id_ = sf.Account.get_by_custom_id("ERP_Id__c", "900")["Id"]
    sf.bulk2.Account.update(records=[{"Id": id_, "Phone": "1"}], wait=0.01)
    assert sf.Account.get(id_)["Phone"] == "1"
    parts = list(sf.bulk2.Account.query("SELECT Id, Name FROM Account", max_records=100, wait=0.01))
    assert [len(part.splitlines()) - 1 for part in parts] == [100, 100, 51]
    deleted = list(sf.bulk2.Account.query_all("SELECT Id FROM Account", wait=0.01))
    assert len(deleted[0].splitlines()) == 252


def test_bulk_files_are_split_into_jobs(sf, tmp_path):
    file = tmp_path / "accounts.csv"
    file.write_text("Name\n" + "".join(f"A{n}\n" for n in range(30)))
    jobs = sf.bulk2.Account.insert(csv_file=str(file), batch_size=10, wait=0.01)
    assert [job["numberRecordsProcessed"] for job in jobs] == [10, 10, 10]
    assert sf.query("SELECT COUNT() FROM Account")["totalSize"] == 30
    sf.bulk2.Account.download("SELECT Name FROM Account", path=str(tmp_path), wait=0.01)
    (loaded,) = [each for each in tmp_path.iterdir() if each != file]
    assert len(loaded.read_text().splitlines()) == 31


# --- limits and failures -----------------------------------------------------------------------


def test_the_client_reads_the_use_of_the_quota(sf):
    sf.limits()
    assert sf.api_usage["api-usage"] == simple_salesforce.util.Usage(used=1, total=15_000)


def test_over_the_daily_limit_the_client_is_refused(live, sf):
    sf.limits()
    principal = live.dialect.login.principal(f"Bearer {sf.session_id}", live.clock.now())
    assert live.dialect.limiter.admit(principal, 14_999, live.clock.now()) is None
    with pytest.raises(SalesforceRefusedRequest) as refused:
        sf.Account.create({"Name": "Too late"})
    assert refused.value.content[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
    live.clock.us += (86_400 + 1_440) * 1_000_000
    assert sf.Account.create({"Name": "Next day"})["success"]


def test_injected_faults_reach_the_client_as_the_vendors_own(live, sf):
    live.server.faults.add(Throttled(next=1))
    with pytest.raises(SalesforceRefusedRequest):
        sf.limits()
    live.server.faults.clear()
    live.server.faults.add(ServerError(status=503, next=1))
    with pytest.raises(SalesforceGeneralError) as failed:
        sf.limits()
    assert failed.value.status == 503
    live.server.faults.clear()
    assert sf.limits()
