"""Token-based authentication, checked against oauthlib's signatures."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client

from o2c_twin.mock_systems.vendors.netsuite import NetSuiteConfig, derive_integration
from o2c_twin.mock_systems.vendors.netsuite.login import TokenLogin
from o2c_twin.mock_systems.wire.message import Refused, Request

NOW_US = 1_767_571_200_000_000
CUSTOMERS = "/services/rest/record/v1/customer"


def challenge(answer: Any) -> str:
    """The error the WWW-Authenticate header names, of an answer that must be the 401."""
    assert answer.status == 401
    body = json.loads(answer.body)
    assert body["title"] == "Unauthorized"
    assert body["o:errorDetails"][0]["o:errorCode"] == "INVALID_LOGIN"
    header = answer.headers["WWW-Authenticate"]
    assert header.startswith('OAuth realm="123456_SB1", error="')
    return str(header.split('error="')[1].split('"')[0])


def signed(account: Any, **client: Any) -> Any:
    header = account.authorization("GET", CUSTOMERS, None, **client)
    return account.send(Request("GET", CUSTOMERS, {}, {"authorization": header}))


def test_a_signed_call_passes(account: Any) -> None:
    assert signed(account).status == 200


@pytest.mark.parametrize(
    ("client", "error"),
    [
        ({"client_secret": "wrong"}, "signature_invalid"),
        ({"resource_owner_secret": "wrong"}, "signature_invalid"),
        ({"client_key": "unknown"}, "consumer_key_unknown"),
        ({"resource_owner_key": "unknown"}, "token_rejected"),
        ({"realm": "999999"}, "token_rejected"),
        ({"signature_method": "HMAC-SHA1"}, "signature_method_rejected"),
        ({"nonce": "short"}, "nonce_rejected"),
        ({"timestamp": "1767570899"}, "timestamp_refused"),
        ({"timestamp": "1767571501"}, "timestamp_refused"),
    ],
)
def test_a_wrong_credential_clock_or_nonce_is_a_401(account: Any, client: dict[str, str], error: str) -> None:
    assert challenge(signed(account, **client)) == error


def test_the_clock_may_be_five_minutes_off_either_way(account: Any) -> None:
    assert signed(account, timestamp="1767570900").status == 200
    assert signed(account, timestamp="1767571500").status == 200


def test_no_signature_at_all_is_a_401(account: Any) -> None:
    assert challenge(account.send(Request("GET", CUSTOMERS))) == "token_rejected"
    assert challenge(account.send(Request("GET", CUSTOMERS, {}, {"authorization": "Bearer x"}))) == "token_rejected"
    assert challenge(account.send(Request("GET", CUSTOMERS, {}, {"authorization": "OAuth x"}))) == "parameter_absent"


def test_method_address_and_query_are_part_of_the_signature(account: Any) -> None:
    header = account.authorization("GET", CUSTOMERS, {"limit": "5"})
    for request in (
        Request("POST", CUSTOMERS, {"limit": "5"}, {"authorization": header}, b"{}"),
        Request("GET", CUSTOMERS + "/1", {"limit": "5"}, {"authorization": header}),
        Request("GET", CUSTOMERS, {"limit": "6"}, {"authorization": header}),
        Request("GET", CUSTOMERS, {}, {"authorization": header}),
        Request("GET", CUSTOMERS, {"limit": "5"}, {"authorization": header}, url="http://elsewhere"),
    ):
        assert challenge(account.send(request)) == "signature_invalid"
    assert account.send(Request("GET", CUSTOMERS, {"limit": "5"}, {"authorization": header})).status == 200


def test_a_request_cannot_be_replayed(account: Any) -> None:
    header = account.authorization("GET", CUSTOMERS)
    request = Request("GET", CUSTOMERS, {}, {"authorization": header})
    assert account.send(request).status == 200
    assert challenge(account.send(request)) == "nonce_used"
    account.clock.us += 299_000_000
    assert challenge(account.send(request)) == "nonce_used"
    account.clock.us += 2_000_000
    assert challenge(account.send(request)) == "timestamp_refused"


def test_a_nonce_is_remembered_as_long_as_its_timestamp_would_be_taken(account: Any) -> None:
    assert signed(account).status == 200
    account.clock.us += 500_000_000
    early = account.authorization("GET", CUSTOMERS, None, timestamp=str(NOW_US // 1_000_000 + 800))
    request = Request("GET", CUSTOMERS, {}, {"authorization": early})
    assert account.send(request).status == 200
    for _ in range(6):
        account.clock.us += 99_000_000
        assert signed(account).status == 200
        assert challenge(account.send(request)) == "nonce_used"


def test_memory_of_nonces_is_bounded() -> None:
    ours = derive_integration("123456_SB1", 0, "x")
    login = TokenLogin("123456_SB1", (ours,))
    login._use_once("first", 1_000)
    for number in range(200_000):
        login._use_once(str(number), 1_000)
    assert len(login._nonces) + len(login._earlier) <= 2 * 65_536


def test_a_body_hash_must_be_that_of_the_body(account: Any) -> None:
    body = b'{"companyName":"Acme"}'
    for digest in (hashlib.sha1(body).digest(), hashlib.sha256(body).digest()):
        claimed = base64.b64encode(digest).decode()
        # oauthlib signs what it finds in the query as well, so that is where the hash goes to be signed.
        header = account.authorization("POST", CUSTOMERS, {"oauth_body_hash": claimed})
        header += f', oauth_body_hash="{claimed.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")}"'
        bad = Request("POST", CUSTOMERS, {}, {"authorization": header}, body.replace(b"Acme", b"Evil"))
        assert challenge(account.send(bad)) == "signature_invalid"
        assert account.send(Request("POST", CUSTOMERS, {}, {"authorization": header}, body)).status == 204


def test_two_integrations_of_one_account_are_two_users_of_one_pool(new_account: Any) -> None:
    both = tuple(derive_integration("123456_SB1", 7, name) for name in ("shop", "bank"))
    account = new_account(NetSuiteConfig(integrations=both))
    shop, bank = both
    header = account.authorization("GET", CUSTOMERS)
    assert account.dialect.authenticate(Request("GET", CUSTOMERS, {}, {"authorization": header}), NOW_US).app == "shop"
    header = account.authorization(
        "GET",
        CUSTOMERS,
        client_key=bank.consumer_key,
        client_secret=bank.consumer_secret,
        resource_owner_key=bank.token_id,
        resource_owner_secret=bank.token_secret,
    )
    caller = account.dialect.authenticate(Request("GET", CUSTOMERS, {}, {"authorization": header}), NOW_US)
    assert (caller.tenant, caller.app) == ("123456_SB1", "bank")
    # One application's token does not go with the other's key.
    assert challenge(signed(account, client_key=bank.consumer_key)) == "token_rejected"
    assert shop.consumer_key != bank.consumer_key


def test_credentials_depend_on_account_seed_and_name_only() -> None:
    assert derive_integration("A", 1, "x") == derive_integration("A", 1, "x")
    others = [derive_integration(*key) for key in (("B", 1, "x"), ("A", 2, "x"), ("A", 1, "y"))]
    assert all(other.token_secret != derive_integration("A", 1, "x").token_secret for other in others)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@given(
    st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]),
    st.text("abcXYZ019-._~", min_size=1, max_size=20),
    st.dictionaries(WORDS, WORDS, max_size=4),
    st.text("abcdefghij0123456789-._~", min_size=6, max_size=30),
)
def test_whatever_is_signed_rightly_passes_and_nothing_else(
    new_account: Any, method: str, segment: str, query: dict[str, str], nonce: str
) -> None:
    account = new_account()
    query = {name: value for name, value in query.items() if not name.startswith("oauth_")}
    path = f"{CUSTOMERS}/{segment}"
    header = account.authorization(method, path, query, nonce=nonce)
    request = Request(method, path, query, {"authorization": header})
    assert account.dialect.login.check(request, NOW_US).app == "o2c integration"
    other = Request(method, path + "x", query, {"authorization": header})
    with pytest.raises(Refused):
        account.dialect.login.check(other, NOW_US)


def test_the_path_is_signed_as_it_was_sent(account: Any) -> None:
    """A client may encode more of a path than it must; the driver tells what was sent, or it is worked out."""
    sent = "/services/rest/record/v1/customer/eid:CRM%3A7%20b"
    ours = account.dialect.config.integrations[0]

    def header(nonce: str) -> str:
        client = Client(
            ours.consumer_key,
            ours.consumer_secret,
            ours.token_id,
            ours.token_secret,
            signature_method=SIGNATURE_HMAC_SHA256,
            realm="123456_SB1",
            timestamp=str(NOW_US // 1_000_000),
            nonce=nonce,
        )
        return str(client.sign("http://localhost" + sent, "GET")[1]["Authorization"])

    decoded = "/services/rest/record/v1/customer/eid:CRM:7 b"
    told = Request("GET", decoded, {}, {"authorization": header("nonce-1")}, raw_path=sent)
    untold = Request("GET", decoded, {}, {"authorization": header("nonce-2")})
    assert account.send(told).status == account.send(untold).status == 404


def in_usual_order(
    path: str, query: dict[str, str], said: dict[str, str], first: dict[str, str] | None = None, sign_first: bool = True
) -> Request:
    """A GET as most clients sign it: what changes from call to call stands last in the header.

    ``first`` are further parameters at its beginning, signed like the others or not.
    """
    ours = derive_integration("123456_SB1", 0, "o2c integration")
    fields = {
        "oauth_consumer_key": ours.consumer_key,
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_token": ours.token_id,
        "oauth_version": "1.0",
        "oauth_timestamp": str(NOW_US // 1_000_000),
        "oauth_nonce": "nonce0",
        **said,
    }
    realm, secret = fields.pop("realm", "123456_SB1"), fields.pop("secret", ours.token_secret)
    signed = {**(first if first and sign_first else {}), **fields, **query}
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in signed.items())
    parameters = "&".join(f"{name}={value}" for name, value in pairs)
    text = "&".join(quote(part, safe="~") for part in ("GET", "http://localhost" + path, parameters))
    key = f"{quote(ours.consumer_secret, safe='~')}&{quote(secret, safe='~')}"
    signature = base64.b64encode(hmac.digest(key.encode(), text.encode(), "sha256")).decode()
    parts = [("realm", realm), *(first or {}).items(), *fields.items(), ("oauth_signature", signature)]
    header = "OAuth " + ", ".join(f'{name}="{quote(value, safe="~")}"' for name, value in parts)
    return Request("GET", path, query, {"authorization": header})


SAID = st.lists(
    st.sampled_from(
        [
            *(("oauth_timestamp", str(NOW_US // 1_000_000 + late)) for late in (-301, -300, 300, 301)),
            *(("oauth_nonce", nonce) for nonce in ("nonce1", "nonce2", "short", "with-dash", "n" * 65)),
            ("realm", "123456_sb1"),
            ("realm", "999"),
            ("secret", "wrong"),
            ("oauth_consumer_key", "unknown"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_version", "2.0"),
            ("oauth_timestamp", "soon"),
        ]
    ),
    max_size=2,
).map(dict)
CALLS = st.lists(
    st.tuples(SAID, st.sampled_from([{}, {"limit": "5"}, {"a": "x y", "q": "id IS 1"}]), st.booleans()), max_size=8
)


@given(CALLS)
def test_a_client_that_is_known_is_checked_as_one_that_is_new(calls: list[tuple[Any, Any, bool]]) -> None:
    ours = derive_integration("123456_SB1", 0, "o2c integration")
    acquainted = TokenLogin("123456_SB1", (ours,))
    for number in range(2):
        first = in_usual_order(CUSTOMERS, {}, {"oauth_nonce": f"before{number}"})
        assert acquainted.check(first, NOW_US).app == "o2c integration"
    fresh = TokenLogin("123456_SB1", (ours,))

    def verdict(login: TokenLogin, request: Request) -> object:
        try:
            return login.check(request, NOW_US)
        except Refused as refused:
            return refused.response.headers["WWW-Authenticate"]

    for said, query, redirected in calls:
        request = in_usual_order(CUSTOMERS, query, said)
        if redirected:
            request.path += "/1"
        fresh._heads.clear()
        assert verdict(acquainted, request) == verdict(fresh, request)


def test_a_parameter_that_was_not_signed_is_refused_from_a_client_that_is_known_too() -> None:
    login = TokenLogin("123456_SB1", (derive_integration("123456_SB1", 0, "o2c integration"),))
    body_hash = {"oauth_body_hash": base64.b64encode(hashlib.sha256(b"").digest()).decode()}
    for number in range(2):
        said = {"oauth_nonce": f"nonce{number}"}
        assert login.check(in_usual_order(CUSTOMERS, {}, said, body_hash), NOW_US).app == "o2c integration"
    with pytest.raises(Refused):
        login.check(in_usual_order(CUSTOMERS, {}, {"oauth_nonce": "nonce2"}, body_hash, sign_first=False), NOW_US)
