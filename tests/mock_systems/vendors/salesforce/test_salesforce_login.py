"""Getting a session, keeping it, losing it."""

import base64
import json
from xml.etree import ElementTree

import pytest

APP = {"client_id": "app", "client_secret": "app-secret"}
USER = {"username": "sync@acme.example", "password": "passTOKEN"}


def assertion(**claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    usual = {"iss": "app", "sub": "sync@acme.example", "aud": "https://login.salesforce.com", "exp": 1_767_225_700}
    return f"{part({'alg': 'RS256'})}.{part({**usual, **claims})}.signature"


def jwt_form(**claims):
    return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion(**claims)}


def soap(username, password, **more):
    extra = "".join(f"<n:{k}>{v}</n:{k}>" for k, v in more.items())
    return (
        '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" xmlns:n="urn:partner.soap.sforce.com">'
        f"<env:Header>{extra}</env:Header><env:Body><n:login><n:username>{username}</n:username>"
        f"<n:password>{password}</n:password></n:login></env:Body></env:Envelope>"
    ).encode()


def soap_login(org, body):
    answer = org.raw("POST", "/services/Soap/u/59.0", body)
    return answer, {e.tag.rpartition("}")[2]: e.text for e in ElementTree.fromstring(answer.text).iter()}


def test_every_grant_of_the_configured_app_opens_a_session_that_works(org):
    forms = [
        {"grant_type": "client_credentials", **APP},
        {"grant_type": "password", **APP, **USER},
        {"grant_type": "refresh_token", **APP, "refresh_token": org.dialect.login.refresh_token},
        jwt_form(),
    ]
    for form in forms:
        answer = org.log_in(**form)
        assert answer.status == 200
        assert answer.json["token_type"] == "Bearer"
        assert answer.json["instance_url"] == "https://acme.example"
        assert "expires_in" not in answer.json
        assert "refresh_token" not in answer.json
        org.token = answer.json["access_token"]
        assert org.call("GET", "/limits/").status == 200


def test_the_app_may_name_itself_in_the_authorization_header(org):
    basic = base64.b64encode(b"app:app-secret").decode()
    answer = org.raw("POST", "/services/oauth2/token", b"grant_type=client_credentials", authorization=f"Basic {basic}")
    assert answer.status == 200


@pytest.mark.parametrize("basic", ["é", "%%%", "//4="])
def test_a_header_that_holds_no_credentials_is_a_bad_login(org, basic):
    answer = org.raw("POST", "/services/oauth2/token", b"grant_type=client_credentials", authorization=f"Basic {basic}")
    assert answer.status in (400, 401)
    assert answer.json["error"] == "invalid_client_id"


@pytest.mark.parametrize(
    ("form", "error", "description"),
    [
        (
            {"grant_type": "client_credentials", **APP, "client_id": "other"},
            "invalid_client_id",
            "client identifier invalid",
        ),
        (
            {"grant_type": "client_credentials", **APP, "client_secret": "no"},
            "invalid_client",
            "invalid client credentials",
        ),
        ({"grant_type": "password", **APP, **USER, "password": "pass"}, "invalid_grant", "authentication failure"),
        (
            {"grant_type": "refresh_token", **APP, "refresh_token": "old"},
            "invalid_grant",
            "expired access/refresh token",
        ),
        ({"grant_type": "device", **APP}, "unsupported_grant_type", "grant type not supported"),
        (jwt_form(iss="other"), "invalid_client_id", "client identifier invalid"),
        (jwt_form(sub="eve@acme.example"), "invalid_grant", "user hasn't approved this consumer"),
        (jwt_form(exp=1_767_000_000), "invalid_grant", "assertion expired"),
        ({**jwt_form(), "assertion": "x.y"}, "invalid_grant", "invalid assertion"),
    ],
)
def test_a_wrong_login_is_refused_in_the_vendors_words(org, form, error, description):
    answer = org.log_in(**form)
    assert answer.status == 400
    assert answer.json == {"error": error, "error_description": description}


def test_soap_login_gives_a_session_and_where_to_use_it(org):
    answer, found = soap_login(org, soap("sync@acme.example", "passTOKEN"))
    assert answer.status == 200
    assert found["serverUrl"].startswith("https://acme.example/services/Soap/u/59.0/00D")
    org.token = found["sessionId"]
    assert org.call("GET", "/limits/").status == 200


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (soap("sync@acme.example", "wrong"), "INVALID_LOGIN"),
        (soap("sync@acme.example", "passTOKEN", organizationId="00D000000000000"), "INVALID_LOGIN"),
        (b"<not xml", "INVALID_SOAP"),
        (b"<logout/>", "UNKNOWN_OPERATION"),
    ],
)
def test_soap_login_fails_with_a_fault(org, body, code):
    answer, found = soap_login(org, body)
    assert answer.status == 500
    assert found["exceptionCode"] == code
    assert found["exceptionMessage"]


def test_a_call_without_a_session_is_refused(org):
    for header in ({}, {"authorization": "Bearer nobody"}):
        answer = org.raw("GET", f"{org.base}/limits", **header)
        assert answer.status == 401
        assert answer.json == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_a_session_ends_after_two_hours_without_a_call(org):
    assert org.call("GET", "/limits").status == 200
    org.later(7_201)
    assert org.call("GET", "/limits").error == (401, "INVALID_SESSION_ID")


def test_a_session_in_use_goes_on_for_ever(org):
    for _ in range(10):
        assert org.call("GET", "/limits").status == 200
        org.later(4_000)
    assert org.call("GET", "/limits").status == 200


def test_a_call_in_the_first_half_of_the_time_does_not_prolong_the_session(org):
    assert org.call("GET", "/limits").status == 200
    org.later(3_000)
    assert org.call("GET", "/limits").status == 200
    org.later(4_201)
    assert org.call("GET", "/limits").status == 401


def test_the_time_of_inactivity_is_the_orgs_choice(open_org):
    org = open_org(session_s=900)
    assert org.call("GET", "/limits").status == 200
    org.later(901)
    assert org.call("GET", "/limits").status == 401


def test_a_revoked_session_is_gone(org):
    assert org.call("GET", "/limits").status == 200
    assert org.raw("POST", "/services/oauth2/revoke", f"token={org.token}".encode()).status == 200
    assert org.call("GET", "/limits").status == 401
    assert org.raw("POST", "/services/oauth2/revoke", f"token={org.token}".encode()).status == 400


def test_the_identity_url_of_a_login_names_the_user(org):
    login = org.log_in().json
    org.token = login["access_token"]
    path = login["id"].removeprefix("https://acme.example")
    answer = org.call("GET", "/services/oauth2/userinfo")
    assert answer.json["preferred_username"] == "sync@acme.example"
    identity = org.raw("GET", path, authorization=f"OAuth {org.token}")
    assert identity.json["user_id"] == answer.json["user_id"]


def test_the_same_seed_gives_the_same_tokens_and_another_seed_others(open_org):
    first, second, third = (open_org(seed=seed).log_in().json["access_token"] for seed in (7, 7, 8))
    assert first == second != third


def test_versions_are_listed_to_anybody_and_an_unknown_version_is_not_there(org):
    listed = org.raw("GET", "/services/data/").json
    assert {"label": "Winter '24", "url": "/services/data/v59.0", "version": "59.0"} in listed
    assert org.call("GET", "/services/data/v59.0").json["sobjects"] == "/services/data/v59.0/sobjects"
    assert org.call("GET", "/services/data/v99.0/limits").error == (404, "NOT_FOUND")
