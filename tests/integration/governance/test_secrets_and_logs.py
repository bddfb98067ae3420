"""Secrets are used and never shown; a log line says what happened and to whom no more than a pseudonym."""

import copy
import json
import pickle
import sys
import time
import traceback

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.integration.governance.errors import SecretMissing
from o2c_twin.integration.governance.redaction import redact
from o2c_twin.integration.governance.secrets import MASK, Secret, Secrets, system_ring


class Ring:
    def __init__(self, held):
        self._held = held

    def get_password(self, service_name, username):
        return self._held.get((service_name, username))


def test_the_environment_comes_before_the_ring():
    ring = Ring({("o2c-twin", "A"): "from ring", ("o2c-twin", "B"): "from ring"})
    secrets = Secrets({"A": " from environment\n", "C": ""}, ring)
    assert secrets.get("A").reveal() == "from environment"
    assert secrets.get("B").reveal() == "from ring"
    with pytest.raises(
        SecretMissing, match="no secret C; set it in the environment, or in the key ring under 'o2c-twin'"
    ):
        secrets.get("C")


def test_a_missing_secret_is_named_with_the_remedy_and_without_its_neighbours():
    with pytest.raises(SecretMissing) as missing:
        Secrets({"O2C_OTHER": "hunter2"}).get("O2C_CRM_CLIENT_SECRET")
    assert str(missing.value) == "no secret O2C_CRM_CLIENT_SECRET; set it in the environment"


def test_a_secret_is_shown_nowhere():
    secret = Secret("O2C_KEY", "hunter2-hunter2")

    def shown():
        yield from (repr(secret), str(secret), f"{secret}", f"{secret:>40}", f"{secret!r}", "".join(map(str, [secret])))
        yield repr({"a": [secret]})
        try:
            raise ValueError("trouble with", secret)
        except ValueError:
            yield traceback.format_exc()

    assert all("hunter2" not in text for text in shown())
    for write in (pickle.dumps, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError):
            write(secret)
    assert secret.reveal() == "hunter2-hunter2"


def test_secrets_are_equal_by_their_text_and_only_to_secrets():
    one, same, other = Secret("A", "x"), Secret("A", "x"), Secret("A", "y")
    assert one == same
    assert one != other
    assert one != "x"
    assert hash(one) == hash(same)
    with pytest.raises(ValueError, match="the secret A is empty"):
        Secret("A", "")


def test_without_the_optional_package_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SecretMissing, match="install keyring, or set secrets in the environment"):
        system_ring()


def test_with_it_the_ring_is_the_machines(monkeypatch):
    ring = Ring({("o2c-twin", "A"): "s"})
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert Secrets({}, system_ring()).get("A").reveal() == "s"


# --- log fields ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "authorization", "Authorization", "cookie", "set-cookie", "password", "client_secret", "access_token",
        "x-api-key", "apiKey", "credentials", "oauth_signature", "private_key", "name", "email", "remittance", "payer",
        "payer_iban", "party", "phone", "companyName",
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", ["Ada", 5, ["Ada"], {"x": "Ada"}, b"Ada"])
def test_a_field_that_is_secret_or_personal_by_name_is_masked_whole(name, value):
    assert redact({name: value}) == {name: MASK}
    assert redact({"request": [{"headers": {name: value}}]}) == {"request": [{"headers": {name: MASK}}]}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("asked ada.l+x@lovelace.co.uk twice", f"asked {MASK} twice"),
        ("from DE89 3704 0044 0532 0130 00 today", f"from {MASK} today"),
        ("card 4111 1111 1111 1111", "card **** 1111"),
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {MASK}"),
        ("key hunter2-hunter2!", f"key {MASK}!"),
        ("SO-1 shipped", "SO-1 shipped"),
    ],
)
def test_in_a_text_only_what_may_not_be_shown_is_masked(text, left):
    secret = Secret("O2C_KEY", "hunter2-hunter2")
    assert redact({"event": text}, [secret]) == {"event": left}
    assert redact({"event": [text, {"deep": text}]}, [secret]) == {"event": [left, {"deep": left}]}
    assert redact({"event": text.encode()}, [secret]) == {"event": left}


def test_a_secret_is_masked_inside_a_longer_one_and_in_what_is_no_text():
    secrets = [Secret("A", "hunter2"), Secret("B", "hunter2-long")]

    class Thing:
        def __str__(self):
            return "thing of hunter2-long"

    assert redact({"a": "x hunter2-long y", "b": Thing(), "c": secrets[0], "hunter2": 1}, secrets) == {
        "a": f"x {MASK} y", "b": f"thing of {MASK}", "c": MASK, "hunter2": 1,
    }  # fmt: skip


def test_what_says_nothing_stays_as_it_is():
    fields = {
        "event": "order.created",
        "order_number": "SO-1",
        "object_id": "0065",
        "attempt": 3,
        "ok": True,
        "at": None,
    }
    assert redact(fields) == fields
    assert redact({"token": None, "password": True}) == {"token": None, "password": True}


def test_the_fields_given_are_not_changed():
    fields = {"a": {"password": "x"}}
    redact(fields)
    assert fields == {"a": {"password": "x"}}


def test_no_depth_hides_anything_and_no_loop_hangs():
    loop = {"event": "hunter2"}
    loop["again"] = loop
    assert "hunter2" not in json.dumps(redact(loop, [Secret("A", "hunter2")]))


@settings(max_examples=50)
@given(
    st.recursive(
        st.text("hunter2 @a.b", max_size=12),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=4), inner, max_size=3),
        max_leaves=6,
    )
)
def test_a_secret_is_in_no_redacted_line(value):
    line = redact({"event": value}, [Secret("A", "hunter2")])
    assert "hunter2" not in json.dumps(line)


@pytest.mark.parametrize("text", ["a" * 50_000 + "@", "a.b@" * 10_000, "DE12 " * 3_000, "1 2 " * 10_000])
def test_no_text_keeps_the_log_waiting(text):
    start = time.process_time()
    redact({"event": text})
    assert time.process_time() - start < 3
