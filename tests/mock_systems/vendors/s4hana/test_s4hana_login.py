"""Logging in, and the CSRF token that belongs to a session."""

import json

import pytest

from o2c_twin.mock_systems.vendors.s4hana import CommunicationUser, S4HanaConfig

ORDERS = "API_SALES_ORDER_SRV/A_SalesOrder"


@pytest.mark.parametrize(
    "authorization", ["", "Basic !!", "Basic dXNlcjpwdw==", "Basic dXNlcg==", "Bearer nobody", "Digest x"]
)
def test_without_a_valid_login_there_is_a_page_and_a_challenge(s4, authorization):
    answer = s4.send("GET", ORDERS, None, {"authorization": authorization} if authorization else {}, None)
    assert answer.status == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["www-authenticate"] == 'Basic realm="SAP NetWeaver Application Server [S4H/100]"'


def test_a_bearer_token_lives_as_long_as_it_says(s4):
    user = s4.dialect.config.users[0]
    form = f"grant_type=client_credentials&client_id={user.name}&client_secret={user.password}".encode()
    issued = json.loads(s4.send("POST", "/sap/bc/sec/oauth2/token", None, {}, form).body)
    assert (issued["token_type"], issued["expires_in"]) == ("Bearer", "3600")
    bearer = {"authorization": f"Bearer {issued['access_token']}"}
    assert s4.send("GET", ORDERS, None, bearer, None).status == 200
    s4.clock.us += 3_600 * 1_000_000
    assert s4.send("GET", ORDERS, None, bearer, None).status == 401


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        (b"grant_type=password", 400, "unsupported_grant_type"),
        (b"grant_type=client_credentials&client_id=x&client_secret=y", 401, "invalid_client"),
        (b"\xff", 400, "unsupported_grant_type"),
    ],
)
def test_the_token_endpoint_says_what_is_wrong(s4, form, status, error):
    answer = s4.send("POST", "/sap/bc/sec/oauth2/token", None, {}, form)
    assert (answer.status, json.loads(answer.body)["error"]) == (status, error)


def test_a_user_without_the_scenario_may_not_use_the_service(new_system):
    s4 = new_system(S4HanaConfig(users=(CommunicationUser("U", "p", ("API_BUSINESS_PARTNER",)),)))
    status, code, _ = s4.refusal(s4.call("GET", "API_BUSINESS_PARTNER/A_BusinessPartner"))
    assert (status, code) == (403, "/IWFND/MED/170")
    assert s4.call("GET", ORDERS).status == 200


def _required(answer):
    assert answer.status == 403
    assert answer.headers["x-csrf-token"] == "Required"
    assert (answer.headers["content-type"], answer.body) == (
        "text/plain;charset=utf-8",
        b"CSRF token validation failed",
    )


def test_a_write_needs_the_token_of_its_own_session(s4):
    one, other = s4.fetch(), s4.fetch()
    assert one["x-csrf-token"] != other["x-csrf-token"]
    auth = {"authorization": s4.authorization}
    mixed = {"x-csrf-token": one["x-csrf-token"], "cookie": other["cookie"]}
    for session in ({}, mixed, {"cookie": one["cookie"]}, {"x-csrf-token": one["x-csrf-token"]}):
        _required(s4.send("POST", ORDERS, None, {**auth, **session}, {}))
    assert s4.send("POST", ORDERS, None, {**auth, **one}, {}).status == 400  # the body is looked at now


def test_a_token_dies_with_its_session_after_half_an_hour_of_silence(s4):
    customer = s4.customer()
    s4.clock.us += 1_799 * 1_000_000
    s4.order(customer, ("TG11", 1, None))  # use keeps it alive
    s4.clock.us += 1_799 * 1_000_000
    s4.order(customer, ("TG11", 1, None))
    s4.clock.us += 1_801 * 1_000_000
    _required(s4.call("POST", ORDERS, s4.order_body(customer, ("TG11", 1, None))))
    assert len(s4.core.state.orders) == 2
    s4.session = {}
    s4.order(customer, ("TG11", 1, None))


def test_a_restart_ends_all_sessions(s4):
    s4.customer()
    s4.dialect.login.end_sessions()
    _required(s4.call("POST", ORDERS, {}))


def test_the_same_session_keeps_its_token_and_a_head_request_fetches_one(s4):
    session = s4.fetch()
    auth = {"authorization": s4.authorization, "cookie": session["cookie"], "x-csrf-token": "fetch"}
    answer = s4.send("HEAD", "API_SALES_ORDER_SRV/", None, auth, None)
    assert answer.headers["x-csrf-token"] == session["x-csrf-token"]
    assert "set-cookie" not in answer.headers
    # A token comes with an error as well.
    lost = s4.send("GET", ORDERS + "('9')", None, auth, None)
    assert (lost.status, lost.headers["x-csrf-token"]) == (404, session["x-csrf-token"])


def test_a_session_stands_for_the_login(s4):
    session = s4.fetch()
    assert s4.send("GET", ORDERS, None, {"cookie": session["cookie"]}, None).status == 200


def test_who_never_sends_the_cookie_back_runs_out_of_sessions(new_system):
    s4 = new_system(S4HanaConfig(most_sessions=3))
    for _ in range(3):
        s4.fetch()
    answer = s4.call("GET", ORDERS, x_csrf_token="Fetch")
    assert answer.status == 503
    s4.clock.us += 1_801 * 1_000_000
    assert s4.call("GET", ORDERS, x_csrf_token="Fetch").status == 200
