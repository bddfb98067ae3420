"""``expand[]``: what may be expanded is what the official client says, and a wrong path is refused before the work."""

import ast
import json
from pathlib import Path

import pytest

from o2c_twin.mock_systems.vendors.stripe.expansion import kind_of, leads
from o2c_twin.mock_systems.vendors.stripe.operations import ROUTES
from o2c_twin.mock_systems.vendors.stripe.versions import version
from o2c_twin.mock_systems.wire.message import Request

NOW, OLDER, OLDEST = version("2026-10-28.endive"), version("2024-06-20"), version("2022-08-01")
_CLIENT = {
    "customer": "_customer", "payment_method": "_payment_method", "invoice": "_invoice", "invoiceitem": "_invoice_item",
    "line_item": "_invoice_line_item", "invoice_payment": "_invoice_payment", "payment_intent": "_payment_intent",
    "charge": "_charge", "refund": "_refund", "dispute": "_dispute", "credit_note": "_credit_note",
    "balance_transaction": "_balance_transaction", "payout": "_payout", "cash_balance": "_cash_balance",
    "customer_cash_balance_transaction": "_customer_cash_balance_transaction", "event": "_event",
    "credit_note_line_item": "_credit_note_line_item", "webhook_endpoint": "_webhook_endpoint", "balance": "_balance",
}  # fmt: skip


def _marked(module: str, name: str) -> set[str]:
    """The properties of a record which the client's types mark as expandable."""
    stripe = pytest.importorskip("stripe")
    tree = ast.parse((Path(stripe.__file__).parent / f"{module}.py").read_text("utf-8"))
    (record,) = [c for c in tree.body if isinstance(c, ast.ClassDef) and _object_name(c) == name]
    fields = [each for each in record.body if isinstance(each, ast.AnnAssign)]
    return {ast.unparse(each.target) for each in fields if "ExpandableField" in ast.unparse(each.annotation)}


def _object_name(kind: ast.ClassDef) -> str | None:
    for each in kind.body:
        if isinstance(each, ast.AnnAssign) and ast.unparse(each.target) == "OBJECT_NAME" and each.value is not None:
            return str(ast.literal_eval(each.value))
    return None


@pytest.mark.parametrize("kind", _CLIENT)
def test_what_may_be_expanded_is_what_the_official_client_marks(kind):
    table = leads(kind, NOW)
    within = {name for name, kinds in table.items() if any("." in each or ":" in each for each in kinds)}
    asked_for = {"payments", "confirmation_secret", "cash_balance", "balance_transactions", "test_clock"}
    shown_whole = (within - {"test_clock"}) | (asked_for & set(table) - {"test_clock"})
    # The merchant's own bank account is not modelled, so it cannot be shown.
    assert set(table) - shown_whole == _marked(_CLIENT[kind], kind) - {"destination"}


def test_an_older_version_has_other_properties():
    assert "payment_intent" in leads("invoice", OLDER)
    assert "payments" not in leads("invoice", OLDER)
    assert "charges" in leads("payment_intent", OLDEST)
    assert "latest_charge" not in leads("payment_intent", OLDEST)


def test_every_operation_has_a_kind_of_record_it_answers_with():
    kinds = {operation.name: kind_of(operation.name) for operation in ROUTES}
    assert kinds["invoices.lines"] == "list:line_item"
    assert kinds["customers.search"] == "search:customer"
    assert kinds["payment_intents.confirm"] == "payment_intent"


def test_an_answer_is_of_the_kind_its_operation_promises(account):
    customer = account.customer(card="pm_card_visa")
    invoice = account.invoice(customer)
    paths = ["customers", "customers/{c}", "invoices", "invoices/{i}", "invoices/{i}/lines", "payment_intents",
             "balance", "invoice_payments", "customers/{c}/payment_methods", "customers/{c}/cash_balance"]  # fmt: skip
    for path in paths:
        real = path.format(c=customer, i=invoice["id"])
        shown = account.get(real)
        (operation,) = [
            op for op in ROUTES if op.method == "GET" and op.path.replace("{id}", "*") == _starred(f"/v1/{path}")
        ]
        shape, _, of = kind_of(operation.name).rpartition(":")
        assert shown["object"] == (shape or of)
        assert {row["object"] for row in shown.get("data", ())} <= {of}


def _starred(path: str) -> str:
    return path.replace("{c}", "*").replace("{i}", "*")


@pytest.mark.parametrize(
    ("path", "params", "wrong"),
    [
        ("customers", {"name": "Acme"}, "nothing"),
        ("customers", {"name": "Acme"}, "metadata"),
        ("customers", {"name": "Acme"}, "data.test_clock"),
        ("payment_intents", {"amount": 100, "currency": "eur"}, "latest_charge.nothing"),
        ("payment_intents", {"amount": 100, "currency": "eur"}, "customer.a.b.c.d"),
        ("invoices/{invoice}/pay", {"paid_out_of_band": True}, "payments.payment"),
        ("invoices/{invoice}/void", {}, ""),
        ("test_clocks", {"frozen_time": 1_772_442_100}, "status"),
    ],
)
def test_a_wrong_path_is_refused_before_anything_is_done(anywhere, path, params, wrong):
    invoice = anywhere.invoice(anywhere.customer())["id"]
    path = path.format(invoice=invoice).replace("test_clocks", "test_helpers/test_clocks")
    before, told = anywhere.dialect.core.snapshot(), len(anywhere.dialect.events.state.events)
    answer = anywhere.call("POST", path, {**params, "expand": ["customer", wrong][-1:]}, idempotency_key="K")
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["type"], error["param"]) == (400, "invalid_request_error", "expand")
    assert "expand" in error["message"]
    assert wrong in error["message"]
    assert anywhere.dialect.core.snapshot() == before
    assert len(anywhere.dialect.events.state.events) == told
    # What did not pass the check is not remembered under its key: the same call, put right, is done.
    assert anywhere.call("POST", path, params, idempotency_key="K").status == 200


def test_a_list_is_told_where_its_records_are(account):
    answer = account.call("GET", "customers", {"expand": ["test_clock"]})
    message = json.loads(answer.body)["error"]["message"]
    assert message == (
        "This property cannot be expanded (test_clock). You may want to try expanding 'data.test_clock' instead."
    )


def test_one_of_several_kinds_has_what_the_others_lack(account):
    payment = account.payment(account.customer())
    account.post("refunds", {"payment_intent": payment["id"], "amount": 100})
    rows = account.get("balance_transactions", {"expand": ["data.source.charge", "data.source.payment_intent"]})["data"]
    shown = {row["source"]["object"]: row["source"] for row in rows}
    assert shown["refund"]["charge"]["object"] == "charge"
    assert shown["charge"]["payment_intent"]["id"] == payment["id"]


def test_a_get_may_name_several_in_each_way_a_client_spells_a_list(anywhere):
    payment = anywhere.payment(anywhere.customer())
    path = f"/v1/payment_intents/{payment['id']}"
    headers = {"authorization": f"Bearer {anywhere.dialect.config.secret_key}"}
    for query in ({"expand[]": "customer,latest_charge"}, {"expand[0]": "customer", "expand[1]": "latest_charge"}):
        shown = json.loads(anywhere.send(Request("GET", path, query, headers)).body)
        assert (shown["customer"]["object"], shown["latest_charge"]["object"]) == ("customer", "charge")
