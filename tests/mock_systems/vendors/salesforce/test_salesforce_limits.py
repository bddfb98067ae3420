"""The limits of the org, and what the vendor says when it fails itself."""

import asyncio
import json

import pytest

from o2c_twin.mock_systems.vendors.salesforce.limits import policy_of
from o2c_twin.mock_systems.wire.faults import Latency, ServerError, Throttled
from o2c_twin.mock_systems.wire.message import Request


@pytest.mark.parametrize(
    ("settings", "quota"),
    [
        ({"edition": "developer", "licences": 500}, 15_000),
        ({"edition": "enterprise", "licences": 20}, 120_000),
        ({"edition": "unlimited", "licences": 20}, 200_000),
        ({"edition": "sandbox"}, 5_000_000),
    ],
)
def test_the_daily_limit_is_that_of_the_edition(open_org, settings, quota):
    org = open_org(**settings)
    assert org.call("GET", "/limits").json["DailyApiRequests"]["Max"] == quota
    assert org.call("GET", "/limits").headers["Sforce-Limit-Info"] == f"api-usage=2/{quota}"
    assert all(window.source for window in org.dialect.policy.windows)


def spend(org, calls):
    """Use up calls as another integration of the org would."""
    org.call("GET", "/limits")
    principal = org.dialect.authenticate(
        Request("GET", "/", {}, {"authorization": f"Bearer {org.token}"}), org.clock.now()
    )
    assert org.dialect.limiter.admit(principal, calls, org.clock.now()) is None


def test_over_the_daily_limit_every_call_is_refused_until_a_day_has_passed(open_org):
    org = open_org(edition="developer")
    spend(org, 14_998)
    assert org.call("GET", "/limits").status == 200
    refused = org.call("POST", "/sobjects/Account", {"Name": "A"})
    assert refused.status == 403
    assert refused.json == [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
    assert refused.headers["Sforce-Limit-Info"] == "api-usage=15000/15000"
    assert "Retry-After" not in refused.headers
    assert list(org.dialect.core.tables["account"]) == []
    assert org.log_in().status == 200
    org.later(86_400 + 1_440)
    org.token = ""
    assert org.call("GET", "/limits").status == 200


def test_the_journal_knows_a_throttled_call_though_its_status_is_403(open_org):
    org = open_org(edition="developer")
    spend(org, 14_999)
    org.call("GET", "/limits")
    last = org.server.journal.entries[-1]
    assert (last.status, last.throttled) == (403, True)


def test_a_batch_that_does_not_fit_the_day_is_refused_whole(open_org):
    org = open_org(edition="developer")
    spend(org, 14_996)
    body = {"batchRequests": [{"method": "POST", "url": "v59.0/sobjects/Account", "richInput": {"Name": "A"}}] * 4}
    assert org.call("POST", "/composite/batch", body).error == (403, "REQUEST_LIMIT_EXCEEDED")
    assert org.dialect.core.tables["account"] == {}


def test_only_calls_longer_than_twenty_seconds_count_as_concurrent(open_org):
    org = open_org(edition="developer")
    org.call("GET", "/limits")
    org.server.faults.add(Latency(operations=("query.run",), median_s=100.0, sigma=0.0))
    query = Request(
        "GET", f"{org.base}/query", {"q": "SELECT Id FROM Account"}, {"authorization": f"Bearer {org.token}"}
    )

    async def crowd():
        running = [asyncio.ensure_future(org.server.call(query)) for _ in range(5)]
        await org.clock.pass_time(10)
        early = await org.server.call(Request("GET", f"{org.base}/limits", {}, query.headers))
        await org.clock.pass_time(15)
        late = await org.server.call(Request("GET", f"{org.base}/limits", {}, query.headers))
        await org.clock.pass_time(100)
        return early, late, await asyncio.gather(*running)

    early, late, done = org.run(crowd())
    assert early.status == 200
    assert late.status == 403
    assert json.loads(late.body)[0] == {
        "message": "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
        "errorCode": "REQUEST_LIMIT_EXCEEDED",
    }
    assert {response.status for response in done} == {200}
    assert org.call("GET", "/limits").status == 200


def test_production_has_more_room_for_long_calls_than_a_developers_org(open_org):
    rooms = {
        edition: policy_of(open_org(edition=edition).dialect.config).concurrency[0].limit
        for edition in ("developer", "enterprise", "unlimited", "sandbox")
    }
    assert rooms == {"developer": 5, "enterprise": 25, "unlimited": 25, "sandbox": 25}


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Throttled(), 403, "REQUEST_LIMIT_EXCEEDED"),
        (ServerError(status=500), 500, "UNKNOWN_EXCEPTION"),
        (ServerError(status=503), 503, "SERVER_UNAVAILABLE"),
    ],
)
def test_an_injected_fault_speaks_as_the_vendor(org, fault, status, code):
    org.call("GET", "/limits")
    org.server.faults.add(fault)
    assert org.call("POST", "/sobjects/Account", {"Name": "A"}).error == (status, code)
    assert org.dialect.core.tables["account"] == {}


def test_a_reset_goes_back_to_the_sealed_org(org):
    org.create("Account", Name="Seed", ERP_Id__c="1")
    org.server.seal()
    token = org.token
    org.create("Account", Name="More", ERP_Id__c="2")
    org.call("PATCH", "/sobjects/Account/ERP_Id__c/1", {"Phone": "1"})
    org.server.reset()
    assert org.token == token
    assert org.rows("SELECT Name, Phone FROM Account") == [{"Name": "Seed", "Phone": None}]
    assert org.call("PATCH", "/sobjects/Account/ERP_Id__c/2", {"Name": "Again"}).status == 201
    assert org.call("GET", "/limits").headers["Sforce-Limit-Info"].startswith("api-usage=3/")


def test_two_orgs_share_nothing(open_org):
    one, other = open_org(), open_org()
    one.create("Account", Name="One")
    assert other.rows("SELECT Id FROM Account") == []


def test_the_control_plane_is_told_plan_and_counts(org):
    org.priced_product()
    facts = org.dialect.facts()
    assert (facts["vendor"], facts["plan"], facts["sessions"]) == ("salesforce", "enterprise", 1)
    assert facts["records"]["Product2"] == facts["records"]["PricebookEntry"] == 1
