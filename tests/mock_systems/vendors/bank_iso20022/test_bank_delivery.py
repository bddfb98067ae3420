"""What the bank sends by itself: the signed notice that a statement is ready, and files in a folder."""

import hashlib
import hmac
import json
from datetime import date, timedelta

from o2c_twin.mock_systems.vendors.bank_iso20022 import StatementFolder
from o2c_twin.mock_systems.wire.faults import LostWebhook

MONDAY = date(2026, 3, 2)


def signature(secret, header, body):
    fields = dict(part.split("=") for part in header.split(","))
    expected = hmac.new(secret.encode(), f"{fields['t']}.".encode() + body, hashlib.sha256).hexdigest()
    return int(fields["t"]), hmac.compare_digest(expected, fields["v1"])


def test_a_notice_says_which_statement_is_ready_and_is_signed(bank):
    bank.dialect.subscribe("https://engine.test/bank")
    statement = bank.close(MONDAY)
    ((at, headers, body),) = bank.received
    assert json.loads(body) == {
        "event": "statement.ready",
        "accountId": "ACC1",
        "statementId": statement.id,
        "createdAt": "2026-03-02T20:00:00Z",
    }
    assert signature("bank-webhook-secret", headers["x-bank-signature"], body) == (at // 1_000_000, True)
    assert signature("another secret", headers["x-bank-signature"], body)[1] is False


def test_a_notice_nobody_takes_is_tried_again_and_given_up_in_the_end(bank):
    outcome = bank.dialect.subscribe("https://engine.test/bank")
    bank.statuses = [500, 0, 404]
    bank.close(MONDAY)
    start = bank.received[0][0]
    assert [(at - start) // 1_000_000 for at, _, _ in bank.received] == [0, 60, 360, 2_160]
    assert (outcome.delivered, outcome.retried, outcome.given_up) == (1, 3, 0)
    bank.statuses = [500] * 7
    bank.close(MONDAY + timedelta(days=1))
    assert len(bank.received) == 4 + 7
    assert outcome.given_up == 1


def test_every_subscriber_is_told_and_none_twice(bank):
    for url in ("https://a.test", "https://b.test", "https://a.test"):
        bank.dialect.subscribe(url)
    bank.close(MONDAY)
    assert len(bank.received) == 2


def test_a_lost_notice_leaves_the_statement_to_be_asked_for(bank):
    outcome = bank.dialect.subscribe("https://engine.test/bank")
    bank.dialect.faults = bank.server.faults
    bank.server.faults.add(LostWebhook(operations=("webhook.statement",), next=1))
    bank.close(MONDAY)
    assert (bank.received, outcome.lost) == ([], 1)
    assert len(bank.get(bank.statements)["statements"]) == 1


def test_each_closed_day_becomes_a_file_named_by_account_date_and_sequence(bank, tmp_path):
    folder = StatementFolder(bank.dialect, tmp_path / "out" / "statements")
    bank.credit(1_00)
    monday = bank.close(MONDAY)
    bank.close(MONDAY + timedelta(days=1))
    files = sorted(p.name for p in folder.folder.iterdir())
    assert files == [
        "camt053_DE02500105170000000042_2026-03-02_00001.xml",
        "camt053_DE02500105170000000042_2026-03-03_00002.xml",
    ]
    assert (folder.folder / files[0]).read_bytes() == bank.call("GET", f"{bank.statements}/{monday.id}").body


def test_failure_shapes_are_in_the_files_as_in_the_feed(open_bank, tmp_path):
    bank = open_bank(repeat_entries=True, skip_sequence=True)
    StatementFolder(bank.dialect, tmp_path)
    for offset in range(7):
        day = MONDAY + timedelta(days=offset if offset < 5 else offset + 2)
        bank.now_us = int((day - date(1970, 1, 1)).days) * 86_400_000_000
        bank.credit(100 + offset)
        statement = bank.close(day)
    last = sorted(tmp_path.iterdir())[-1]
    assert last.name.endswith("_00008.xml")
    assert last.read_bytes().count(b"<Ntry>") == 2
    assert last.read_bytes() == bank.call("GET", f"{bank.statements}/{statement.id}").body


def test_a_statement_can_be_written_again(bank, tmp_path):
    folder = StatementFolder(bank.dialect, tmp_path)
    bank.close(MONDAY)
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()
    path.unlink()
    assert folder.write("ACC1", 0) == path
    assert path.read_bytes() == before
