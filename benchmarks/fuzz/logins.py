"""How a client of each vendor logs in: the headers of its calls."""

import base64
import json
from collections.abc import Callable
from random import Random
from typing import Any, Protocol
from urllib.parse import urlencode

from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.mock_systems.wire.message import Request, Response
from o2c_twin.mock_systems.wire.ports import Clock

URL = "http://fuzz.test"


class Caller(Protocol):
    """Who logs in: it can call, and knows the mock it calls."""

    name: str
    dialect: Any
    rng: Random

    @property
    def clock(self) -> Clock:
        """The mock's."""
        ...

    def call(self, request: Request) -> Response:
        """One request."""
        ...


Headers = dict[str, str]
Login = Callable[[Caller, str, str, dict[str, str]], Headers]
"""Method, path and query of the call that is to be made; only a signature needs them."""


def _token(path: str, secrets: Callable[[Any], dict[str, str]]) -> Login:
    def login(caller: Caller, *_: Any) -> Headers:
        form = {"grant_type": "client_credentials", **secrets(caller.dialect)}
        where = path.format(config=caller.dialect.config)
        kind = {"content-type": "application/x-www-form-urlencoded"}
        answer = caller.call(Request("POST", where, {}, kind, urlencode(form).encode(), URL, where))
        return {"authorization": f"Bearer {json.loads(answer.body)['access_token']}"}

    return login


def _bearer(caller: Caller, *_: Any) -> Headers:
    config = caller.dialect.config
    version = {"gocardless-version": "2015-07-06"} if caller.name == "gocardless" else {}
    for name in ("secret_key", "access_token", "token"):
        if hasattr(config, name):
            return {"authorization": f"Bearer {getattr(config, name)}", **version}
    return {}


def _basic(user: str, password: str) -> Headers:
    return {"authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def _signed(caller: Caller, method: str, path: str, query: dict[str, str]) -> Headers:
    config = caller.dialect.config
    keys = config.integrations[0]
    signer = TokenSigner(config.account, keys.consumer_key, keys.consumer_secret, keys.token_id, keys.token_secret)
    nonce = f"{caller.rng.random()}"
    headers = {"authorization": signer.header(method, URL + path, query, caller.clock.now() // 1_000_000, nonce)}
    return {**headers, "prefer": "transient"} if path.endswith("suiteql") else headers


def _client_secret(dialect: Any) -> dict[str, str]:
    return {"client_id": dialect.config.client_id, "client_secret": dialect.config.client_secret}


def _sap(caller: Caller, *_: Any) -> Headers:
    user = caller.dialect.config.users[0]
    path = "/sap/opu/odata/sap/API_SALES_ORDER_SRV"
    headers = {**_basic(user.name, user.password), "x-csrf-token": "Fetch"}
    answer = caller.call(Request("GET", path, {}, headers, b"", URL, path))
    cookie = answer.headers.get("set-cookie", "").partition(";")[0]
    return {**headers, "x-csrf-token": answer.headers.get("x-csrf-token", ""), "cookie": cookie}


_LOGINS: dict[str, Login] = {
    "salesforce": _token("/services/oauth2/token", _client_secret),
    "bank_iso20022": _token("/oauth2/token", _client_secret),
    "business_central": _token(
        "/{config.tenant}/oauth2/v2.0/token",
        lambda dialect: {
            "client_id": dialect.config.apps[0].client_id,
            "client_secret": dialect.config.apps[0].client_secret,
            "scope": "https://api.businesscentral.dynamics.com/.default",
        },
    ),
    "netsuite": _signed,
    "s4hana": _sap,
    "bank_files": lambda caller, *_: _basic(caller.dialect.config.login, caller.dialect.config.password),
}


class Logins:
    """The headers of somebody who may call: one login for many calls, or a signature for each."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._login = _LOGINS.get(caller.name, _bearer)
        self._kept: Headers | None = None

    def headers(self, method: str, path: str, query: dict[str, str]) -> Headers:
        """Those of this call."""
        if self._kept is not None:
            return dict(self._kept)
        made = self._login(self._caller, method, path, query)
        self._kept = None if self._login is _signed else made
        return dict(made)

    def forget(self) -> None:
        """The system says 401: log in anew with the next call."""
        self._kept = None
