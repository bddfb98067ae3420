"""Changes posted by user-event scripts, and asynchronous requests."""

import json
from typing import Any

from o2c_twin.mock_systems.vendors.netsuite import NetSuiteConfig, Subscription
from o2c_twin.mock_systems.wire.faults import DuplicatedWebhook, LostWebhook

HOOK = "http://hub/netsuite"
ASYNC = {"prefer": "respond-async"}


def test_a_script_posts_every_change_of_its_record_types(account: Any) -> None:
    account.dialect.subscribe(Subscription(HOOK, ("salesOrder", "invoice"), "s3cret", "X-Hub-Secret"))
    customer = account.customer()
    order = account.order(customer, (account.item(), 1, 10), externalId="WEB-1", otherRefNum="PO-7")
    account.write("POST", f"salesOrder/{order}/!transform/itemFulfillment")
    invoice = account.write("POST", f"salesOrder/{order}/!transform/invoice")
    notices = account.posted.deliver()
    assert notices[0] == {
        "type": "salesOrder",
        "id": order,
        "event": "create",
        "tranId": "SO1001",
        "externalId": "WEB-1",
        "otherRefNum": "PO-7",
        "lastModifiedDate": "2026-01-05T00:00:00Z",
    }
    made = next(notice for notice in notices if notice["type"] == "invoice")
    assert (made["id"], made["event"], made["createdFrom"]) == (invoice, "create", order)
    assert {notice["type"] for notice in notices} == {"salesOrder", "invoice"}
    assert [n["event"] for n in notices if n["type"] == "salesOrder"] == ["create", "edit", "edit"]
    url, headers, _ = account.posted.sent[0]
    assert (url, headers["X-Hub-Secret"]) == (HOOK, "s3cret")


def test_a_deletion_is_told_by_id(account: Any) -> None:
    account.dialect.subscribe(Subscription(HOOK))
    customer = account.customer(externalId="CRM-7")
    account.call("DELETE", f"customer/{customer}")
    created, deleted = account.posted.deliver()
    assert (created["event"], created["externalId"]) == ("create", "CRM-7")
    assert (deleted["type"], deleted["id"], deleted["event"]) == ("customer", customer, "delete")


def test_a_notice_is_sent_once_whatever_the_answer(account: Any) -> None:
    account.dialect.subscribe(Subscription(HOOK))
    account.posted.status = 500
    account.customer()
    account.posted.deliver()
    assert len(account.posted.sent) == 1
    (sender,) = account.dialect.pushes.senders()
    assert sender.outcome.given_up == 1


def test_changes_by_people_are_told_as_those_of_the_api(account: Any) -> None:
    account.dialect.subscribe(Subscription(HOOK, ("inventoryItem",)))
    item = account.item()
    account.core.receive_stock(item, 5)
    assert [notice["event"] for notice in account.posted.deliver()] == ["create", "edit"]


def test_notices_can_be_lost_and_doubled(account: Any) -> None:
    account.dialect.subscribe(Subscription(HOOK))
    account.server.faults.add(LostWebhook(operations=("webhook.customer",), next=1))
    account.server.faults.add(DuplicatedWebhook(operations=("webhook.inventoryItem",)))
    account.customer()
    account.item()
    assert [notice["type"] for notice in account.posted.deliver()] == ["inventoryItem", "inventoryItem"]


def test_scripts_of_the_configuration_are_deployed_at_the_start(new_account: Any) -> None:
    account = new_account(NetSuiteConfig(subscriptions=(Subscription(HOOK, ("customer",)),)))
    account.customer()
    assert [notice["type"] for notice in account.posted.deliver()] == ["customer"]


# --- asynchronous requests -----------------------------------------------------------------------


def test_an_asynchronous_request_is_a_job_with_the_real_answer_behind_it(account: Any) -> None:
    answer = account.call("POST", "customer", {"companyName": "Acme"}, **ASYNC)
    assert (answer.status, answer.headers["Preference-Applied"]) == (202, "respond-async")
    job = account.get(answer.headers["Location"])
    assert (job["id"], job["completed"], job["progress"]) == ("1", True, "succeeded")
    path = job["task"]["links"][0]["href"].removeprefix("http://localhost")
    assert account.get(path)["completed"] is True
    result = account.call("GET", f"{path}/1/result")
    assert result.status == 204
    (customer,) = account.core.state.customers
    assert result.headers["Location"].endswith(f"/customer/{customer}")


def test_a_refused_asynchronous_request_is_a_failed_job(account: Any) -> None:
    answer = account.call("POST", "customer", {}, **ASYNC)
    assert answer.status == 202
    assert account.get(answer.headers["Location"])["progress"] == "failed"
    result = account.call("GET", answer.headers["Location"] + "/task/1/result")
    assert json.loads(result.body)["o:errorDetails"][0]["o:errorCode"] == "USER_ERROR"


def test_an_idempotency_key_is_taken_once(account: Any) -> None:
    key = {"x_netsuite_idempotency_key": "cac827ea-3543-4cda-add2-bae634326c27"}
    first = account.call("POST", "customer", {"companyName": "Acme"}, **ASYNC, **key)
    again = account.call("POST", "customer", {"companyName": "Acme"}, **ASYNC, **key)
    assert again.status == 400
    body = json.loads(again.body)
    assert (body["title"], body["o:errorDetails"][0]["o:errorCode"]) == ("Conflict", "IDEMPOTENCY_ERROR")
    assert again.headers["Location"] == first.headers["Location"]
    assert len(account.core.state.customers) == 1


def test_an_idempotency_key_is_ignored_when_the_call_is_synchronous(account: Any) -> None:
    key = {"x_netsuite_idempotency_key": "cac827ea-3543-4cda-add2-bae634326c27"}
    for _ in range(2):
        assert account.call("POST", "customer", {"companyName": "Acme"}, **key).status == 204
    assert len(account.core.state.customers) == 2


def test_jobs_and_keys_survive_a_snapshot(account: Any) -> None:
    key = {"x_netsuite_idempotency_key": "k-1"}
    first = account.call("POST", "customer", {"companyName": "Acme"}, **ASYNC, **key)
    kept = account.dialect.snapshot()
    account.dialect.restore(kept)
    assert account.get(first.headers["Location"])["progress"] == "succeeded"
    assert account.call("POST", "customer", {"companyName": "Acme"}, **ASYNC, **key).status == 400
    assert account.refusal("GET", "/services/rest/async/v1/job/99")[:2] == (404, "NONEXISTENT_ID")
