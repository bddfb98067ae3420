"""The capability sheet under attack: every write done twice, after a lost answer or long after."""

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from o2c_twin.mock_systems.vendors.netsuite import NetSuiteConfig, NetSuiteDialect, Subsidiary, derive_integration
from o2c_twin.mock_systems.vendors.netsuite.promises import PROMISES
from o2c_twin.mock_systems.wire.faults import LostReply
from o2c_twin.mock_systems.wire.message import TransportFault

BY_OPERATION = {promise.operation: promise for promise in PROMISES}
DAY_US = 86_400_000_000
_READS = ("suiteql.query",)
_ONCE = {"externalId": "once-only"}


@pytest.fixture
def account(new_account: Any) -> Any:
    """An account of two subsidiaries, and a role of the first: every write there is can be done."""
    config = NetSuiteConfig(subsidiaries=(Subsidiary("Home", "DE01"), Subsidiary("Abroad", "UK01")))
    ours = derive_integration(config.account, 0, "all")
    return new_account(replace(config, integrations=(replace(ours, subsidiary="DE01"),)))


def test_every_write_operation_is_on_the_sheet_and_nothing_else() -> None:
    writes = {op.name for op in NetSuiteDialect.routes if op.method != "GET" and op.name not in _READS}
    assert writes == set(BY_OPERATION)
    assert len(PROMISES) == len(BY_OPERATION)
    assert NetSuiteDialect.promises == PROMISES


def _prepared(account: Any) -> dict[str, str]:
    """Records the attacks work on, by name."""
    item = account.item()
    customer, payer = account.customer(), account.customer("Payer", externalId="payer")
    shipped = account.order(customer, (item, 2, 10))
    account.write("POST", f"salesOrder/{shipped}/!transform/itemFulfillment", {"externalId": "shipped"})
    (delivery,) = account.core.state.deliveries
    return {
        "item": item,
        "customer": customer,
        "idle": account.customer("Idle"),
        "payer": payer,
        "open": account.order(customer, (item, 2, 10)),
        "unwanted": account.order(customer, (item, 1, 10)),
        "shipped": shipped,
        "delivery": delivery,
        "invoice": account.invoice(payer, item, 50, externalId="inv-1"),
        "payment": account.write(
            "POST", "customerPayment", {"customer": {"id": payer}, "payment": 20, "externalId": "pay-1"}
        ),
    }


def _call(operation: str, r: dict[str, str]) -> tuple[str, str, Any]:
    """Method, path and body of an operation; what is made carries an external id."""
    line = {"item": {"items": [{"item": {"id": r["item"]}, "quantity": 1, "rate": 5}]}}
    paid = {"customer": {"id": r["payer"]}, "payment": 5}
    applied = {"apply": {"items": [{"doc": {"id": r["invoice"]}, "amount": 7}]}}
    sides = [("1", "debit"), ("1", "credit"), ("2", "debit"), ("2", "credit")]
    rows = [{"lineSubsidiary": {"id": entity}, "account": {"id": "6"}, side: 5} for entity, side in sides]
    charge = {"subsidiary": {"id": "1"}, "line": {"items": rows}}
    calls: dict[str, tuple[str, str, Any]] = {
        "advIntercompanyJournalEntry.create": ("POST", "advIntercompanyJournalEntry", {**charge, **_ONCE}),
        "advIntercompanyJournalEntry.upsert": ("PUT", "advIntercompanyJournalEntry/eid:once-only", charge),
        "customer.create": ("POST", "customer", {"companyName": "New", **_ONCE}),
        "customer.update": ("PATCH", f"customer/{r['customer']}", {"email": "a@acme.example", "creditLimit": 500}),
        "customer.upsert": ("PUT", "customer/eid:once-only", {"companyName": "New"}),
        "customer.delete": ("DELETE", f"customer/{r['idle']}", None),
        "inventoryItem.create": ("POST", "inventoryItem", {"itemId": "GADGET"}),
        "salesOrder.create": ("POST", "salesOrder", {"entity": {"id": r["customer"]}, **line, **_ONCE}),
        "salesOrder.update": ("PATCH", f"salesOrder/{r['open']}", {"memo": "soon", "otherRefNum": "P9"}),
        "salesOrder.upsert": ("PUT", "salesOrder/eid:once-only", {"entity": {"id": r["customer"]}, **line}),
        "salesOrder.delete": ("DELETE", f"salesOrder/{r['unwanted']}", None),
        "invoice.delete": ("DELETE", f"invoice/{r['invoice']}", None),
        "customerPayment.delete": ("DELETE", f"customerPayment/{r['payment']}", None),
        "salesOrder.transform.itemFulfillment": (
            "POST", f"salesOrder/{r['open']}/!transform/itemFulfillment",
            {**_ONCE, "item": {"items": [{"orderLine": 1, "quantity": 1}]}}),
        "salesOrder.transform.invoice": (
            "POST", f"salesOrder/{r['shipped']}/!transform/invoice",
            {**_ONCE, "item": {"items": [{"orderLine": 1, "quantity": 1}]}}),
        "itemFulfillment.update": (
            "PATCH", f"itemFulfillment/{r['delivery']}",
            {"package": {"items": [{"packageTrackingNumber": "T1"}]}, **_ONCE}),
        "invoice.update": ("PATCH", f"invoice/{r['invoice']}", {"otherRefNum": "P9"}),
        "invoice.upsert": ("PUT", "invoice/eid:inv-1", {"otherRefNum": "P9"}),
        "invoice.transform.creditMemo": (
            "POST", f"invoice/{r['invoice']}/!transform/creditMemo",
            {**_ONCE, "item": {"items": [{"orderLine": 1, "amount": 3}]}}),
        "invoice.transform.customerPayment": (
            "POST", f"invoice/{r['invoice']}/!transform/customerPayment", {**_ONCE, "payment": 3}),
        "creditMemo.create": (
            "POST", "creditMemo",
            {"entity": {"id": r["payer"]}, "createdFrom": {"id": r["invoice"]}, **_ONCE,
             "item": {"items": [{"orderLine": 1, "amount": 3}]}}),
        "customerPayment.create": ("POST", "customerPayment", {**paid, **_ONCE}),
        "customerPayment.update": ("PATCH", f"customerPayment/{r['payment']}", applied),
        "customerPayment.upsert": ("PUT", "customerPayment/eid:once-only", paid),
    }  # fmt: skip
    return calls[operation]


def _things(account: Any) -> Any:
    """What there is, without the times of changes and the feed that tells of them."""
    state = msgspec.to_builtins(account.core.state)
    del state["feed"], state["numbers"]
    return json.loads(json.dumps(state), object_hook=_timeless)


def _timeless(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in ("modified_at", "updated_at")}


@pytest.mark.parametrize("operation", BY_OPERATION)
def test_a_write_sent_again_after_its_answer_was_lost_is_done_once(account: Any, operation: str) -> None:
    assert BY_OPERATION[operation].guard == "external-id"
    method, path, body = _call(operation, _prepared(account))
    before = _things(account)
    account.server.faults.add(LostReply(operations=(operation,), next=1))
    with pytest.raises(TransportFault) as lost:
        account.call(method, path, body)
    assert lost.value.applied
    once = _things(account)
    assert once != before
    for days in (0, 400):
        account.clock.us += days * DAY_US
        again = account.call(method, path, body)
        # Done already: the same success, or a refusal that says so.
        assert again.status in (204, 400, 404), again.body
        if again.status == 400:
            assert b"already exists" in again.body
        assert _things(account) == once


@pytest.mark.parametrize("operation", [name for name in BY_OPERATION if "create" in name or "transform" in name])
def test_without_an_external_id_what_is_sent_again_is_made_again(account: Any, operation: str) -> None:
    """The guard is the client's external id, and nothing the vendor does by itself."""
    method, path, body = _call(operation, _prepared(account))
    body.pop("externalId", None)
    assert account.call(method, path, body).status == 204
    once = _things(account)
    answer = account.call(method, path, body)
    if operation == "inventoryItem.create":  # its name is its key
        assert (answer.status, _things(account)) == (400, once)
    else:
        assert answer.status == 204, answer.body
        assert _things(account) != once


def test_a_new_record_is_found_at_once(account: Any) -> None:
    assert {promise.index_lag_s for promise in PROMISES} == {0.0}
    account.customer("New", externalId="k9")
    assert [row["companyname"] for row in account.select("SELECT companyname FROM customer WHERE externalid = 'k9'")]
    method, path, body = _call("salesOrder.create", _prepared(account))
    account.write(method, path, body)
    assert account.select("SELECT id FROM transaction WHERE externalid = 'once-only'")


def test_the_last_writer_wins_as_no_version_guards_a_write(account: Any) -> None:
    assert {promise.version_guard for promise in PROMISES} == {"none"}
    customer = account.customer()
    for email in ("a@x.example", "b@x.example"):
        answer = account.call("PATCH", f"customer/{customer}", {"email": email}, if_match='"1"')
        assert answer.status == 204
    assert account.get(f"customer/{customer}")["email"] == "b@x.example"


@pytest.mark.parametrize("operation", [p.operation for p in PROMISES if p.deletes_visible])
def test_what_was_deleted_can_be_asked_for(account: Any, operation: str) -> None:
    _, path, _ = _call(operation, _prepared(account))
    assert account.call("DELETE", path).status == 204
    rows = account.select("SELECT recordid, type FROM deletedrecord")
    record, _, id_ = path.partition("/")
    assert [(row["recordid"], row["type"]) for row in rows] == [(id_, record.lower())]


def test_the_idempotency_key_guards_asynchronous_requests_only(account: Any) -> None:
    item, customer = account.item(), account.customer()
    line = {"item": {"items": [{"item": {"id": item}, "quantity": 1, "rate": 5}]}}
    body = {"entity": {"id": customer}, **line}
    for _ in range(2):
        assert account.call("POST", "salesOrder", body, x_netsuite_idempotency_key="K").status == 204
    assert len(account.core.state.orders) == 2
    answers = [
        account.call("POST", "salesOrder", body, prefer="respond-async", x_netsuite_idempotency_key="K").status
        for _ in range(2)
    ]
    assert answers == [202, 400]
    assert len(account.core.state.orders) == 3
