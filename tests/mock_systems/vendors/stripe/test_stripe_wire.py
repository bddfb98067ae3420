"""The wire of the API: forms, errors, expansion, lists, versions, search."""

import base64
import json
import random
from urllib.parse import urlencode

import pytest

from o2c_twin.mock_systems.vendors.stripe import StripeConfig
from o2c_twin.mock_systems.vendors.stripe.forms import read_body
from o2c_twin.mock_systems.wire.message import Refused, Request


@pytest.mark.parametrize(
    ("body", "tree"),
    [
        (b"a=1&b=", {"a": "1", "b": ""}),
        (b"metadata[order]=SO1&metadata[x]=%C3%A4", {"metadata": {"order": "SO1", "x": "ä"}}),
        (b"expand[]=data.customer&expand[]=x", {"expand": ["data.customer", "x"]}),
        (b"items[0][price]=p&items[0][quantity]=2&items[1][price]=q",
         {"items": [{"price": "p", "quantity": "2"}, {"price": "q"}]}),
        (b"items[10]=k&items[9]=j", {"items": ["j", "k"]}),
        (b"a[b][c][]=1", {"a": {"b": {"c": ["1"]}}}),
    ],
)  # fmt: skip
def test_brackets_nest(body, tree):
    assert read_body(body) == tree


@pytest.mark.parametrize(
    "body",
    [b"a=1&a[b]=2", b"a[b]=2&a=1", b"a[b]=1&a[b][c]=2", b"[x]=1", b"a[x=1", b"\xff", b"a[" + b"x][" * 20 + b"]=1"],
)  # fmt: skip
def test_keys_that_contradict_each_other_are_refused(body):
    with pytest.raises(Refused) as refused:
        read_body(body)
    assert refused.value.response.status == 400


# --- parameters and errors --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "params", "error"),
    [
        ("POST", "payment_intents", {"currency": "eur"}, (400, "parameter_missing", "amount")),
        ("POST", "payment_intents", {"amount": "abc", "currency": "eur"}, (400, "parameter_invalid_integer", "amount")),
        ("POST", "payment_intents", {"amount": 0, "currency": "eur"}, (400, "parameter_invalid_integer", "amount")),
        ("POST", "payment_intents", {"amount": 100_000_000, "currency": "eur"}, (400, "amount_too_large", "amount")),
        ("POST", "payment_intents", {"amount": 1, "currency": "euro"}, (400, None, "currency")),
        ("POST", "customers", {"nmae": "x"}, (400, "parameter_unknown", "nmae")),
        ("POST", "customers", {"invoice_settings": {"x": 1}}, (400, "parameter_unknown", "invoice_settings[x]")),
        ("POST", "customers", {"metadata": {"k" * 41: "v"}}, (400, None, "metadata")),
        ("POST", "customers", {"metadata": {"k": "v" * 501}}, (400, None, "metadata[k]")),
        ("POST", "customers", {"metadata": {f"k{n}": "v" for n in range(51)}}, (400, None, "metadata")),
        ("POST", "invoices", {"customer": "cus_no"}, (400, "resource_missing", "customer")),
        ("POST", "refunds", {}, (400, "parameter_missing", None)),
        ("GET", "customers/cus_no", {}, (404, "resource_missing", "id")),
        ("GET", "invoices/in no such", {}, (404, "resource_missing", "id")),
        ("GET", "payment_intents/pi_no", {}, (404, "resource_missing", "intent")),
        ("GET", "customers", {"limit": 0}, (400, "parameter_invalid_integer", "limit")),
        ("GET", "customers", {"limit": 101}, (400, "parameter_invalid_integer", "limit")),
        ("GET", "customers", {"starting_after": "cus_no"}, (400, "resource_missing", "starting_after")),
        ("GET", "invoices", {"status": "odd"}, (400, None, "status")),
        ("GET", "subscriptions", {}, (404, None, None)),
        ("PUT", "customers", {}, (404, None, None)),
    ],
)
def test_bad_input_is_refused_with_the_culprit(account, method, path, params, error):
    if path.startswith("invoices/"):
        path = path.replace(" ", "_")
    assert account.refusal(method, path, params) == error


def test_what_is_not_modelled_is_in_the_journal(anywhere):
    anywhere.refusal("GET", "subscriptions")
    assert anywhere.server.journal.entries[-1].operation == "not modelled"


def test_a_json_body_is_refused(anywhere):
    answer = anywhere.call("POST", "customers", {"name": "x"}, content_type="application/json")
    assert answer.status == 400
    assert b"application/x-www-form-urlencoded" in answer.body


@pytest.mark.parametrize(
    ("authorization", "part"),
    [("", "did not provide"), ("Bearer sk_test_wrongwrongwrong", "sk_test****rong"), ("Digest x", "did not provide")],
)
def test_a_bad_key_is_401_and_not_shown(account, authorization, part):
    answer = account.call("GET", "balance", authorization=authorization)
    assert answer.status == 401
    assert part in json.loads(answer.body)["error"]["message"]
    assert answer.headers["Request-Id"].startswith("req_")


def test_basic_auth_has_the_key_for_user_name(account):
    basic = base64.b64encode(f"{account.dialect.config.secret_key}:".encode()).decode()
    assert account.call("GET", "balance", authorization=f"Basic {basic}").status == 200


def test_restricted_and_expired_keys(new_account):
    account = new_account(StripeConfig(restricted_keys={"rk_test_x": ("invoices.",)}, expired_keys=("sk_test_old",)))
    assert account.call("GET", "invoices", authorization="Bearer rk_test_x").status == 200
    assert account.refusal("GET", "balance", authorization="Bearer rk_test_x") == (403, None, None)
    assert account.refusal("GET", "balance", authorization="Bearer sk_test_old")[1] == "api_key_expired"


def test_metadata_are_merged_emptied_and_kept_as_text(anywhere):
    customer = anywhere.customer(metadata={"a": 1, "b": "x"})
    assert anywhere.get(f"customers/{customer}")["metadata"] == {"a": "1", "b": "x"}
    assert anywhere.post(f"customers/{customer}", {"metadata": {"a": "", "c": "2"}})["metadata"] == {"b": "x", "c": "2"}
    assert anywhere.post(f"customers/{customer}", {"metadata": ""})["metadata"] == {}


def test_a_field_sent_empty_is_taken_away(account):
    customer = account.customer(description="old")
    changed = account.post(f"customers/{customer}", {"description": ""})
    assert (changed["description"], changed["name"]) == (None, "Acme")


# --- expansion --------------------------------------------------------------------------------------


def test_ids_are_expanded_on_every_level(anywhere):
    customer = anywhere.customer()
    payment = anywhere.payment(customer, expand=["latest_charge.balance_transaction", "customer"])
    assert payment["customer"]["id"] == customer
    assert payment["latest_charge"]["balance_transaction"]["net"] == 9_825
    (row,) = anywhere.get("payment_intents", {"expand": ["data.customer"]})["data"]
    assert row["customer"]["name"] == "Acme"


def test_what_is_only_there_when_asked_for(account):
    invoice = account.invoice(account.customer())
    assert "payments" not in invoice
    shown = account.get(f"invoices/{invoice['id']}", {"expand": ["payments.data.payment.payment_intent"]})
    assert shown["payments"]["data"][0]["payment"]["payment_intent"]["amount"] == 10_000


@pytest.mark.parametrize("path", ["nothing", "name", "a.b.c.d.e"])
def test_a_path_that_leads_nowhere_is_refused(account, path):
    customer = account.customer()
    assert account.refusal("GET", f"customers/{customer}", {"expand": [path]})[0] == 400


# --- lists ------------------------------------------------------------------------------------------


def test_a_list_is_paged_by_ids_in_both_directions(anywhere):
    made = [anywhere.customer(name=str(n)) for n in range(7)]
    first = anywhere.get("customers", {"limit": 3})
    assert (first["object"], first["url"], first["has_more"]) == ("list", "/v1/customers", True)
    assert [row["id"] for row in first["data"]] == made[:3:-1]
    rest = anywhere.get("customers", {"limit": 100, "starting_after": first["data"][-1]["id"]})
    assert ([row["id"] for row in rest["data"]], rest["has_more"]) == (made[3::-1], False)
    back = anywhere.get("customers", {"limit": 2, "ending_before": made[3]})
    assert ([row["id"] for row in back["data"]], back["has_more"]) == ([made[5], made[4]], True)
    assert anywhere.refusal("GET", "customers", {"starting_after": made[0], "ending_before": made[1]})[0] == 400


def test_a_list_is_filtered_by_date(account):
    account.customer(name="old")
    account.wait(10)
    account.customer(name="new")
    now = account.clock.us // 1_000_000
    assert [row["name"] for row in account.get("customers", {"created": {"gte": now}})["data"]] == ["new"]
    assert [row["name"] for row in account.get("customers", {"created": {"lt": now}})["data"]] == ["old"]
    assert [row["name"] for row in account.get("customers", {"created": now})["data"]] == ["new"]
    assert account.refusal("GET", "customers", {"created": {"since": 1}}) == (
        400,
        "parameter_unknown",
        "created[since]",
    )


# --- versions ---------------------------------------------------------------------------------------


def test_an_older_version_still_shows_the_invoices_charge_and_payment(account):
    customer = account.customer(card="pm_card_visa")
    invoice = account.invoice(customer, collection_method="charge_automatically")
    account.post(f"invoices/{invoice['id']}/pay")
    new = account.get(f"invoices/{invoice['id']}")
    assert not {"charge", "payment_intent", "paid"} & new.keys()
    old = account.get(f"invoices/{invoice['id']}", stripe_version="2024-06-20")
    assert old["paid"] is True
    assert old["charge"].startswith("ch_")
    assert old["payment_intent"].startswith("pi_")
    assert "amount_overpaid" not in old
    (link,) = account.get("invoice_payments", {"invoice": invoice["id"]})["data"]
    assert link["payment"] == {"payment_intent": old["payment_intent"], "type": "payment_intent"}
    assert account.refusal("GET", "invoice_payments", stripe_version="2024-06-20")[0] == 404


def test_the_oldest_versions_list_charges_in_a_payment_intent(account):
    payment = account.payment()
    old = account.get(f"payment_intents/{payment['id']}", stripe_version="2020-08-27")
    assert (old["charges"]["data"][0]["refunds"]["data"], "latest_charge" in old) == ([], False)


@pytest.mark.parametrize("name", ["latest", "2026-13-01", "", "2026-10-28 endive"])
def test_an_unknown_version_is_refused(account, name):
    assert account.refusal("GET", "balance", stripe_version=name)[0] == 400


# --- search -----------------------------------------------------------------------------------------


def test_search_lags_a_minute_behind(account):
    account.customer(metadata={"number": "K-1"})
    query = {"query": "metadata['number']:'K-1'"}
    assert account.get("customers/search", query)["data"] == []
    account.wait(59)
    assert account.get("customers/search", query)["data"] == []
    account.wait(1)
    found = account.get("customers/search", query)
    assert (found["object"], found["has_more"], found["next_page"], len(found["data"])) == (
        "search_result", False, None, 1)  # fmt: skip


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('name:"Acme 1"', ["Acme 1"]),
        ('name~"cme"', ["Acme 2", "Acme 1"]),
        ('name:"acme 1" OR name:"Beta"', ["Beta", "Acme 1"]),
        ('-name~"acme" AND email:"b@x.example"', ["Beta"]),
        ("email:null", ["Acme 2", "Acme 1"]),
        ("-email:null", ["Beta"]),
        ("metadata['k']:'1' AND created>100", ["Acme 1"]),
        ("created<100", []),
        ('name:"Acme \\"3"', []),
    ],
)
def test_the_query_language(account, query, names):
    account.post("customers", {"name": "Acme 1", "metadata": {"k": "1"}})
    account.post("customers", {"name": "Acme 2"})
    account.post("customers", {"name": "Beta", "email": "b@x.example"})
    account.wait(60)
    assert [row["name"] for row in account.get("customers/search", {"query": query})["data"]] == names


@pytest.mark.parametrize(
    "query",
    ["", "name", "name:", "nothing:'x'", "name:'a' AND", "name:'a' email:'b' OR phone:'c'", "name~'ab'", "name>3",
     "created:'x'", "metadata:'x'", "name['k']:'x'", "a" * 5_000, "name:'a' XOR name:'b'"],
)  # fmt: skip
def test_a_query_that_cannot_be_read_is_refused(account, query):
    assert account.refusal("GET", "customers/search", {"query": query})[0] == 400


def test_search_is_paged(account):
    made = [account.customer() for _ in range(5)]
    account.wait(60)
    first = account.get("customers/search", {"query": "name:'Acme'", "limit": 3, "expand": ["total_count"]})
    assert (first["has_more"], first["total_count"]) == (True, 5)
    second = account.get("customers/search", {"query": "name:'Acme'", "limit": 3, "page": first["next_page"]})
    assert [row["id"] for row in first["data"] + second["data"]] == made[::-1]


# --- limits -----------------------------------------------------------------------------------------


def burst(account, calls, path="balance", method="GET"):
    return [account.call(method, path) for _ in range(calls)]


@pytest.mark.parametrize(
    ("config", "allowed", "reason"),
    [
        (StripeConfig(), 25, "global-rate"),
        (StripeConfig(livemode=True), 25, "endpoint-rate"),
        (StripeConfig(limits="older"), 25, "global-rate"),
        (StripeConfig(livemode=True, limits="older"), 100, "global-rate"),
    ],
)
def test_rates_are_limited_by_mode_and_edition(new_account, config, allowed, reason):
    account = new_account(config)
    answers = burst(account, allowed + 1)
    assert [a.status for a in answers] == [200] * allowed + [429]
    assert answers[-1].headers["Stripe-Rate-Limited-Reason"] == reason
    assert "Retry-After" not in answers[-1].headers
    assert json.loads(answers[-1].body)["error"]["code"] == "rate_limit"
    account.wait(1.1)
    assert account.call("GET", "balance").status == 200


def test_endpoints_are_counted_each_for_itself_and_the_account_as_a_whole(new_account):
    account = new_account(StripeConfig(livemode=True))
    paths = ("balance", "customers", "invoices", "charges", "refunds")
    statuses = [account.call("GET", paths[n % 5]).status for n in range(101)]
    assert statuses == [200] * 100 + [429]
    account.wait(2)
    search = [account.call("GET", "customers/search", {"query": "name:'x'"}).status for _ in range(21)]
    assert search == [200] * 20 + [429]


def test_one_payment_intent_takes_a_thousand_updates_an_hour(account):
    payment = account.post("payment_intents", {"amount": 5, "currency": "eur"})
    account.core.state.payments[payment["id"]].hour = account.clock.us // 3_600_000_000
    account.core.state.payments[payment["id"]].updates_in_hour = 999
    path = f"payment_intents/{payment['id']}"
    assert account.call("POST", path, {"description": "1000"}).status == 200
    answer = account.call("POST", path, {"description": "1001"})
    assert (answer.status, answer.headers["Stripe-Rate-Limited-Reason"]) == (429, "resource-specific")
    account.wait(3_600)
    assert account.call("POST", path, {"description": "1001"}).status == 200


# --- nothing breaks it ------------------------------------------------------------------------------


def test_no_request_however_odd_breaks_the_server(new_account):
    account = new_account(StripeConfig(seed=3))
    account.dialect.limiter.admit = lambda principal, cost, now: None
    assert odd_requests(account, 200) == []


def odd_requests(account, count, seed=1):
    """Requests made of the routes, known ids and odd values; those that were answered with 5xx or not at all."""
    chance = random.Random(seed)
    customer = account.customer(card="pm_card_visa")
    invoice, draft = account.invoice(customer), account.invoice(customer, finalise=False)
    payment = account.payment(customer)
    ids = [customer, invoice["id"], draft["id"], payment["id"], payment["latest_charge"], "cus_no", "x" * 300, "é"]
    odd = [
        "",
        "0",
        "-1",
        "1",
        "1.5",
        "NaN",
        "9" * 20,
        "null",
        "true",
        "EUR",
        "a" * 6_000,
        "\x00",
        "data.customer",
        *ids,
    ]
    fitting = {
        "amount": ["1", "500", "99999999"],
        "currency": ["eur", "usd"],
        "customer": [customer],
        "charge": [payment["latest_charge"]],
        "payment_intent": [payment["id"]],
        "invoice": [invoice["id"], draft["id"]],
        "payment_method": ["pm_card_visa", "pm_card_chargeDeclined", "pm_card_createDispute"],
        "payment_method_types": ["card", "sepa_debit", "customer_balance"],
        "confirm": ["true"],
        "type": ["card", "sepa_debit", "charge"],
        "query": ["name:'Acme'", "amount>3", "status:'paid'"],
        "url": ["https://x.example/hook"],
        "enabled_events": ["*", "invoice.paid"],
        "frozen_time": ["1800000000", "1790000000"],
        "created": ["1800000000"],
    }
    broken = []
    for _ in range(count):
        route = chance.choice(account.dialect.routes)
        path = "/".join(chance.choice(ids) if step.startswith("{") else step for step in route.path.split("/"))
        pairs = []
        for name in _names(route):
            if name in fitting and chance.random() < 0.7:
                listed = name in ("payment_method_types", "enabled_events")
                pairs.append((f"{name}[]" if listed else name, chance.choice(fitting[name])))
            elif chance.random() < 0.1:
                pairs.append((name + chance.choice(["", "", "[0]", "[a]", "[]", "["]), chance.choice(odd)))
        headers = {"authorization": f"Bearer {account.dialect.config.secret_key}"}
        if chance.random() < 0.1:
            headers["idempotency-key"] = chance.choice(["k", "k2", "k" * 256])
        if chance.random() < 0.1:
            headers["stripe-version"] = chance.choice(["2020-08-27", "x", "2024-06-20"])
        body = urlencode(pairs).encode() if chance.random() < 0.97 else chance.randbytes(20)
        query, body = (dict(pairs), b"") if route.method != "POST" else ({}, body)
        try:
            answer = account.send(Request(route.method, path, query, headers, body))
        except Exception as error:
            broken.append((route.name, path, pairs, repr(error)))
            continue
        if answer.status >= 500:
            broken.append((route.name, path, pairs, answer.status))
        if answer.status == 200 and route.method == "POST":
            ids.append(json.loads(answer.body)["id" if b'"id"' in answer.body else "object"])
            ids = ids[-40:]
        if chance.random() < 0.05:
            account.wait(days=chance.choice([0.1, 1, 10]))
    return broken


def _names(route):
    """The parameters an operation takes."""
    closed = [cell.cell_contents for cell in route.handler.__closure__]
    return [name for content in closed for name in getattr(content, "__struct_fields__", ())]
