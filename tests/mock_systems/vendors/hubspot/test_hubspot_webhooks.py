"""Webhooks: what is told, signed how, gathered how, and repeated for how long."""

import base64
import hashlib
import hmac
import json

import pytest

from o2c_twin.mock_systems.vendors.hubspot import BadSetting, Subscription

URL = "https://engine.example/webhooks/crm"
WON = Subscription("deal.propertyChange", "dealstage")


def _watch(portal, *subscriptions):
    return portal.dialect.subscribe(URL, subscriptions)


def test_a_changed_property_is_told_with_its_new_value_and_who_changed_it(portal):
    deal = portal.deal()
    _watch(portal, WON)
    portal.call("PATCH", f"deals/{deal}", {"properties": {"dealstage": "closedwon", "amount": "5"}})
    portal.act(lambda: portal.core.update("opportunity", deal, {"stage": "Closed Lost"}))
    portal.act(lambda: portal.core.update("opportunity", deal, {"name": "Other"}))
    portal.later(2)
    first, second = portal.listener.events
    assert first == {
        "eventId": 100_000_001,
        "subscriptionId": 1_001,
        "portalId": 24_242_424,
        "appId": 4_200_042,
        "occurredAt": 1_767_225_600_000,
        "subscriptionType": "deal.propertyChange",
        "attemptNumber": 0,
        "objectId": int(deal),
        "propertyName": "dealstage",
        "propertyValue": "closedwon",
        "changeSource": "INTEGRATION",
        "sourceId": "4200042",
    }
    assert (second["propertyValue"], second["changeSource"]) == ("closedlost", "CRM_UI")


def test_creations_deletions_and_associations_are_told(quick):
    _watch(
        quick,
        Subscription("company.creation"),
        Subscription("company.deletion"),
        Subscription("company.propertyChange", "name"),
        Subscription("deal.associationChange"),
    )
    company = quick.create("companies", name="Acme")
    deal = quick.deal((5, company))
    contact = quick.create("contacts", email="a@b.example")
    quick.call("PUT", f"/crm/v4/objects/contacts/{contact}/associations/default/deals/{deal}")
    quick.call("DELETE", f"/crm/v4/objects/deals/{deal}/associations/companies/{company}")
    quick.call("DELETE", f"companies/{company}")
    quick.later(2)
    told = [
        (e["subscriptionType"], e.get("changeFlag") or e.get("propertyValue") or e.get("associationType"))
        for e in quick.listener.events
    ]
    assert told == [
        ("company.creation", "CREATED"),
        ("company.propertyChange", "Acme"),
        ("deal.associationChange", "DEAL_TO_COMPANY"),
        ("deal.associationChange", "DEAL_TO_CONTACT"),
        ("deal.associationChange", "DEAL_TO_COMPANY"),
        ("company.deletion", "DELETED"),
    ]
    made, _, removed = (e for e in quick.listener.events if e["subscriptionType"] == "deal.associationChange")
    assert (made["fromObjectId"], made["toObjectId"]) == (int(deal), int(company))
    assert (made["associationRemoved"], made["isPrimaryAssociation"]) == (False, True)
    assert removed["associationRemoved"] is True


def test_what_failed_is_not_told(quick):
    _watch(quick, Subscription("company.creation"))
    body = {"inputs": [{"properties": {"name": "a"}}, {"properties": {"bad": "a"}}]}
    assert quick.call("POST", "companies/batch/create", body).status == 400
    quick.later(2)
    assert quick.listener.got == []


def test_events_are_gathered_into_deliveries_of_a_hundred(quick):
    _watch(quick, Subscription("company.creation"))
    for _ in range(2):
        quick.call("POST", "companies/batch/create", {"inputs": [{"properties": {"name": "a"}}] * 100})
    quick.create("companies", name="last")
    assert quick.listener.got == []
    quick.later(1)
    assert [len(json.loads(body)) for *_, body in quick.listener.got] == [100, 100, 1]
    ids = [event["eventId"] for event in quick.listener.events]
    assert ids == sorted(set(ids))


def test_a_delivery_is_signed_as_the_vendor_documents_it(quick):
    _watch(quick, Subscription("company.creation"))
    quick.create("companies", name="Käse GmbH")
    quick.later(2)
    ((at, url, headers, body),) = quick.listener.got
    stamp = headers["x-hubspot-request-timestamp"]
    mac = hmac.new(b"o2c-app-secret", f"POST{url}{body.decode()}{stamp}".encode(), hashlib.sha256).digest()
    assert headers["x-hubspot-signature-v3"] == base64.b64encode(mac).decode()
    assert (int(stamp), url) == (at // 1_000, URL)
    assert headers["x-hubspot-signature"] == hashlib.sha256(b"o2c-app-secret" + body).hexdigest()


def test_a_delivery_is_repeated_ten_times_within_a_day_and_signed_anew(quick):
    outcome = _watch(quick, Subscription("company.creation"))
    quick.listener.status = 500
    quick.create("companies", name="Acme")
    quick.later(200_000)
    times = [at for at, *_ in quick.listener.got]
    assert len(times) == 11
    assert times[-1] - times[0] == 86_400_000_000
    assert [event["attemptNumber"] for event in quick.listener.events] == list(range(11))
    assert len({headers["x-hubspot-signature-v3"] for _, _, headers, _ in quick.listener.got}) == 11
    assert (outcome.delivered, outcome.retried, outcome.given_up) == (0, 10, 1)


@pytest.mark.parametrize("status", [0, 302, 404, 429, 500])
def test_anything_but_a_success_is_repeated_and_a_success_is_not(quick, status):
    _watch(quick, Subscription("company.creation"))
    quick.listener.status = status
    quick.create("companies", name="Acme")
    quick.later(10)
    quick.listener.status = 204
    quick.later(200_000)
    assert len(quick.listener.got) == 2


def test_webhooks_are_set_up_through_the_api(portal):
    base = "/webhooks/v3/4200042"
    assert portal.call("GET", f"{base}/settings").status == 404
    body = {"targetUrl": URL, "throttling": {"maxConcurrentRequests": 10}}
    assert portal.call("PUT", f"{base}/settings", body).json["targetUrl"] == URL
    made = portal.call("POST", f"{base}/subscriptions", {"eventType": "company.creation", "active": True})
    assert (made.status, made.json["active"]) == (201, True)
    id_ = made.json["id"]
    assert [s["id"] for s in portal.call("GET", f"{base}/subscriptions").json["results"]] == [id_]
    portal.create("companies", name="told")
    portal.later(2)
    off = portal.call("PATCH", f"{base}/subscriptions/{id_}", {"active": False})
    assert off.json["active"] is False
    portal.create("companies", name="not told")
    portal.later(2)
    assert len(portal.listener.events) == 1
    assert portal.call("DELETE", f"{base}/subscriptions/{id_}").status == 204
    assert portal.call("GET", f"{base}/subscriptions/{id_}").status == 404
    assert portal.call("DELETE", f"{base}/settings").status == 204
    assert portal.call("GET", "/webhooks/v3/1/settings").status == 404


@pytest.mark.parametrize(
    "body",
    [
        {"eventType": "ticket.creation"},
        {"eventType": "deal.won"},
        {"eventType": "product.associationChange"},
        {"eventType": "deal.propertyChange"},
        {"eventType": "deal.creation", "propertyName": "dealstage"},
        {"eventType": "deal.propertyChange", "propertyName": "no_such"},
        {},
    ],
)
def test_what_cannot_be_told_is_refused(quick, body):
    assert quick.call("POST", "/webhooks/v3/4200042/subscriptions", body).error == (400, "VALIDATION_ERROR")


def test_settings_that_cannot_be_served_name_the_place(open_portal):
    with pytest.raises(BadSetting, match="subscriptions: eventType"):
        open_portal(subscriptions=(Subscription("deal.won"),))
    with pytest.raises(BadSetting, match=r"properties: no object type 'tickets'"):
        open_portal(properties={"tickets": {}})
    with pytest.raises(BadSetting, match=r"properties.deals.dealname: the vendor has"):
        open_portal(properties={"deals": {"dealname": {}}})
