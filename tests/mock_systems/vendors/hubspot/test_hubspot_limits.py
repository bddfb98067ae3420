"""Limits by tier with the vendor's exact replies, and both ways to log in."""

from urllib.parse import urlencode

import pytest


def _used_up(portal, calls):
    answers = [portal.call("GET", "deals") for _ in range(calls + 1)]
    assert {a.status for a in answers[:-1]} == {200}
    return answers[-1]


@pytest.mark.parametrize(
    ("settings", "burst", "daily"),
    [
        ({"tier": "free"}, 100, 250_000),
        ({"tier": "professional"}, 190, 650_000),
        ({"tier": "enterprise", "capacity_packs": 2}, 250, 3_000_000),
    ],
)
def test_ten_seconds_hold_a_tiers_calls_and_the_next_gets_the_vendors_429(open_portal, settings, burst, daily):
    portal = open_portal(**settings)
    first = portal.call("GET", "deals")
    assert first.headers["x-hubspot-ratelimit-max"] == str(burst)
    assert first.headers["x-hubspot-ratelimit-remaining"] == str(burst - 1)
    assert first.headers["x-hubspot-ratelimit-interval-milliseconds"] == "10000"
    assert first.headers["x-hubspot-ratelimit-daily"] == str(daily)
    assert first.headers["x-hubspot-ratelimit-daily-remaining"] == str(daily - 1)
    refused = _used_up(portal, burst - 1)
    assert refused.status == 429
    assert "retry-after" not in refused.headers
    body = refused.json
    assert {k: body[k] for k in ("status", "message", "errorType", "policyName")} == {
        "status": "error",
        "message": "You have reached your ten_secondly_rolling limit.",
        "errorType": "RATE_LIMIT",
        "policyName": "TEN_SECONDLY_ROLLING",
    }
    portal.later(10.5)
    assert portal.call("GET", "deals").status == 200


def test_search_has_a_limit_of_its_own_and_no_headers(open_portal):
    portal = open_portal(search_lag_s=0.0)
    answers = [portal.search("deals") for _ in range(6)]
    assert [a.status for a in answers] == [200] * 5 + [429]
    assert answers[-1].json["message"] == "You have reached your secondly limit."
    assert answers[-1].json["policyName"] == "SECONDLY"
    assert not any(name.startswith("x-hubspot-ratelimit") for name in answers[0].headers)
    assert portal.call("GET", "deals").status == 200
    portal.later(1.1)
    assert portal.search("deals").status == 200
    assert [entry.throttled for entry in portal.server.journal.entries][5] is True


def test_a_days_calls_come_to_an_end_in_the_vendors_words_and_begin_again_at_midnight(open_portal):
    portal = open_portal()
    principal = portal.dialect.login.principal("Bearer pat-eu1-o2c-twin", portal.clock.us)
    left = 650_000
    while left:  # spend the day's budget in bursts, as a busy client might
        cost = min(190, left)
        assert portal.dialect.limiter.admit(principal, cost, portal.clock.us) is None
        left -= cost
        portal.clock.us += 10_200_000
    refused = portal.call("GET", "deals")
    assert (refused.status, refused.json["policyName"]) == (429, "DAILY")
    assert refused.json["message"] == "You have reached your daily limit."
    assert refused.headers["x-hubspot-ratelimit-daily-remaining"] == "0"
    portal.clock.us = 1_767_225_600_000_000 + 86_400_000_000
    assert portal.call("GET", "deals").status == 200


def test_an_app_of_the_public_kind_has_smaller_bursts_and_no_daily_header(open_portal):
    portal = open_portal(app="public")
    portal.token = _token(portal).json["access_token"]
    answer = portal.call("GET", "deals")
    assert answer.headers["x-hubspot-ratelimit-max"] == "110"
    assert "x-hubspot-ratelimit-daily" not in answer.headers


# --- login ------------------------------------------------------------------------------------------


def _token(portal, path="/oauth/v1/token", **form):
    form = {
        "grant_type": "refresh_token",
        "client_id": "o2c-app",
        "client_secret": "o2c-app-secret",
        "refresh_token": "o2c-refresh-token",
        **form,
    }
    return portal.raw("POST", path, urlencode(form).encode())


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer nobody", "Basic cGF0"])
def test_a_call_without_a_known_token_is_refused(portal, authorization):
    answer = portal.raw("GET", "/crm/v3/objects/deals", authorization=authorization)
    assert answer.error == (401, "INVALID_AUTHENTICATION")
    assert answer.json["message"].startswith("Authentication credentials not found.")


def test_a_refresh_token_is_traded_for_tokens_that_end_after_half_an_hour(open_portal):
    portal = open_portal("asgi", app="public")
    traded = _token(portal).json
    assert (traded["expires_in"], traded["token_type"], traded["refresh_token"]) == (
        1_800,
        "bearer",
        "o2c-refresh-token",
    )
    portal.token = traded["access_token"]
    portal.later(1_799)
    assert portal.call("GET", "deals").status == 200
    about = portal.raw("GET", f"/oauth/v1/access-tokens/{portal.token}").json
    assert (about["hub_id"], about["expires_in"]) == (24_242_424, 1)
    portal.later(8)
    late = portal.call("GET", "deals")
    assert late.error == (401, "EXPIRED_AUTHENTICATION")
    assert late.json["message"] == "The OAuth token used to make this call expired 7 second(s) ago."
    assert portal.raw("GET", f"/oauth/v1/access-tokens/{portal.token}").status == 404
    portal.token = _token(portal, "/oauth/v3/token").json["access_token"]
    assert portal.call("GET", "deals").status == 200


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"client_id": "x"}, "BAD_CLIENT_ID"),
        ({"client_secret": "x"}, "BAD_CLIENT_SECRET"),
        ({"refresh_token": "x"}, "BAD_REFRESH_TOKEN"),
        ({"grant_type": "password"}, "BAD_GRANT_TYPE"),
        ({"grant_type": "authorization_code", "code": "x"}, "BAD_AUTH_CODE"),
    ],
)
def test_a_trade_that_is_wrong_says_what_is(open_portal, form, status):
    answer = _token(open_portal(app="public"), **form)
    assert (answer.status, answer.json["status"]) == (400, status)


def test_a_private_apps_token_is_no_public_ones(open_portal):
    assert open_portal(app="public").call("GET", "deals").error == (401, "INVALID_AUTHENTICATION")
    assert _token(open_portal()).status == 400


def test_webhook_settings_take_the_developer_key_and_nothing_else_does(quick):
    path, key = "/webhooks/v3/4200042/subscriptions", {"hapikey": "o2c-developer-key"}
    assert quick.raw("GET", path, query=key).status == 200
    assert quick.raw("GET", path, query={"hapikey": "x"}).error == (401, "INVALID_AUTHENTICATION")
    assert quick.raw("GET", "/crm/v3/objects/deals", query=key).error == (401, "INVALID_AUTHENTICATION")
