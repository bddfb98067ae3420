"""Subscriptions with their handshake, notices gathered and told, retries, and how a subscription ends."""

from typing import Any

import pytest

from o2c_twin.mock_systems.vendors.business_central import BusinessCentralConfig
from o2c_twin.mock_systems.wire.faults import DuplicatedWebhook, LostWebhook

HOOK = "http://hub/bc"
DAY_US = 86_400_000_000


def _subscribe(company: Any, set_: str = "salesOrders", state: str = "s3cret") -> dict[str, Any]:
    resource = f"/api/v2.0/companies({company.cid})/{set_}"
    body = {"notificationUrl": HOOK, "resource": resource, "clientState": state}
    return dict(company.post(f"{company.root}/subscriptions", body))


@pytest.fixture
def company(new_company: Any) -> Any:
    made = new_company()
    made.item()
    made.customer()
    return made


def test_changes_within_half_a_minute_are_one_notice(company: Any) -> None:
    subscription = _subscribe(company)
    company.posted.deliver()
    order = company.order(("WIDGET", 3))
    company.patch(f"salesOrders({order['id']})", {"shipToCity": "Ghent"})
    (notice,) = company.posted.deliver()
    assert company.slept[0] == 30.0
    assert notice == {
        "subscriptionId": subscription["subscriptionId"],
        "clientState": "s3cret",
        "expirationDateTime": "2026-01-08T00:00:00Z",
        "resource": f"api/v2.0/companies({company.cid})/salesOrders({order['id']})",
        "changeType": "created",
        "lastModifiedDateTime": "2026-01-05T00:00:00Z",
    }


def test_an_order_that_is_invoiced_is_told_as_deleted_and_its_documents_as_created(company: Any) -> None:
    for set_ in ("salesOrders", "salesInvoices", "salesShipments"):
        _subscribe(company, set_)
    company.posted.deliver()
    order = company.order(("WIDGET", 1))
    company.posted.deliver()
    company.posted.sent.clear()
    company.act(f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice")
    told = {n["resource"].rpartition("/")[2].partition("(")[0]: n["changeType"] for n in company.posted.deliver()}
    assert told == {"salesOrders": "deleted", "salesInvoices": "created", "salesShipments": "created"}
    assert len(company.posted.sent) == 1, "one request to an address"


def test_a_subscription_lapses_after_three_days_unless_it_is_renewed(company: Any) -> None:
    made = _subscribe(company)
    company.posted.deliver()
    path = f"{company.root}/subscriptions('{made['subscriptionId']}')"
    company.clock.us += 2 * DAY_US
    assert company.refusal("PATCH", path, {})[:2] == (401, "Authentication_InvalidCredentials")
    company.token = company.dialect.login.issue(company.dialect.config.apps[0], company.clock.us)
    assert company.refusal("PATCH", path, {})[:2] == (400, "BadRequest_InvalidToken")
    renewed = company.patch(path, {"notificationUrl": HOOK}, company.get(path)["@odata.etag"])
    assert renewed["expirationDateTime"] == "2026-01-10T00:00:00Z"
    company.clock.us += 3 * DAY_US
    company.core.enter_order("102", [("101", 1, 100)])
    assert company.posted.deliver() == []
    assert company.dialect.state.subscriptions == {}


@pytest.mark.parametrize("status", [0, 408, 429, 503])
def test_who_cannot_be_reached_is_tried_again_for_a_day_and_a_half(company: Any, status: int) -> None:
    company.dialect.subscribe(HOOK, ("salesOrders",))
    company.posted.statuses = [status] * 3
    company.order(("WIDGET", 1))
    company.posted.deliver()
    assert len(company.posted.sent) == 4
    company.posted.statuses = [status] * 100
    company.slept.clear()
    company.order(("WIDGET", 1))
    company.posted.deliver()
    assert 24 * 3_600 < sum(company.slept) <= 36 * 3_600
    assert len(company.dialect.state.subscriptions) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 302])
def test_any_other_answer_ends_the_subscription_and_nobody_is_told(company: Any, status: int) -> None:
    company.dialect.subscribe(HOOK, ("salesOrders",))
    company.posted.statuses = [status]
    company.order(("WIDGET", 1))
    company.posted.deliver()
    assert (len(company.posted.sent), company.dialect.state.subscriptions) == (1, {})


def test_very_many_changes_are_told_as_a_collection(new_company: Any) -> None:
    company = new_company(BusinessCentralConfig(webhook_batch=3))
    company.dialect.subscribe(HOOK, ("customers",))
    for n in range(4):
        company.customer(f"N{n}")
    (notice,) = company.posted.deliver()
    assert notice["changeType"] == "collection"
    query = notice["resource"].partition("?")[2].replace("%20", " ")
    assert len(company.rows(f"customers?{query}")) == 4


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"notificationUrl": "ftp://x", "resource": "x"},
        {"notificationUrl": HOOK},
        {"notificationUrl": HOOK, "resource": "api/v2.0/companies(x)/horns"},
    ],
)
def test_a_subscription_that_is_wrong_is_refused(company: Any, body: dict[str, Any]) -> None:
    assert company.refusal("POST", f"{company.root}/subscriptions", body)[0] == 400


def test_an_environment_has_room_for_so_many_subscriptions(new_company: Any) -> None:
    company = new_company(BusinessCentralConfig(most_subscriptions=1))
    _subscribe(company)
    body = {"notificationUrl": HOOK, "resource": f"companies({company.cid})/items"}
    assert company.refusal("POST", f"{company.root}/subscriptions", body)[0] == 400


def test_a_subscription_is_ended_with_its_etag(company: Any) -> None:
    made = _subscribe(company)
    path = f"{company.root}/subscriptions('{made['subscriptionId']}')"
    assert company.refusal("DELETE", path)[0] == 400
    assert company.call("DELETE", path, if_match=made["@odata.etag"]).status == 204
    assert company.refusal("GET", path)[0] == 404


def test_notices_can_be_lost_and_doubled(company: Any) -> None:
    company.dialect.subscribe(HOOK, ("salesOrders",))
    company.server.faults.add(LostWebhook(next=1))
    company.order(("WIDGET", 1))
    assert company.posted.deliver() == []
    company.server.faults.add(DuplicatedWebhook())
    company.order(("WIDGET", 1))
    assert len(company.posted.deliver()) == 2
