"""The capability sheet under attack: what is sent to the sandbox twice."""

import json

import pytest

from o2c_twin.mock_systems.vendors.bank_iso20022.dialect import BankDialect
from o2c_twin.mock_systems.wire.faults import LostReply
from o2c_twin.mock_systems.wire.message import TransportFault

BY_OPERATION = {promise.operation: promise for promise in BankDialect.promises}


def test_every_write_operation_is_on_the_sheet_and_nothing_else():
    writes = {op.name for op in BankDialect.routes if op.method != "GET" and not op.open}
    assert writes == set(BY_OPERATION)


def _lost(bank, operation, path, body):
    bank.server.faults.add(LostReply(operations=(operation,), next=1))
    with pytest.raises(TransportFault) as lost:
        bank.call("POST", path, body)
    assert lost.value.applied


def test_a_payment_sent_again_is_a_second_payment(bank):
    assert BY_OPERATION["sandbox.payment"].guard == "none"
    path, body = "/v1/sandbox/incoming-payments", json.dumps({"accountId": bank.account.id, "amount": "10"}).encode()
    _lost(bank, "sandbox.payment", path, body)
    assert bank.call("POST", path, body).status == 201
    assert [entry.amount_minor for entry in bank.account.pending] == [1_000, 1_000]


def test_a_day_closed_again_stays_as_it_is(bank):
    assert BY_OPERATION["sandbox.close"].guard == "external-id"
    bank.credit(1_000)
    _lost(bank, "sandbox.close", "/v1/sandbox/close-day", b"")
    before = bank.dialect.core.snapshot()
    again = bank.call("POST", "/v1/sandbox/close-day")
    assert (again.status, json.loads(again.body)) == (200, {"statements": []})
    assert bank.dialect.core.snapshot() == before
    assert len(bank.get(bank.statements)["statements"]) == 1
