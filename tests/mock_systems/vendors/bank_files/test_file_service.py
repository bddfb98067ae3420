"""The file service: listing, fetching, confirming, the ways in which files go wrong, and what it promises."""

import asyncio
import base64
import hashlib
import hmac
import json
import random
import re
from datetime import date, timedelta

import httpx
import mt940
import pytest
from bai2 import bai2
from bank_statements import statement

from o2c_twin.mock_systems.roles.bank import BankAccount
from o2c_twin.mock_systems.vendors.bank_files import FileFolder
from o2c_twin.mock_systems.vendors.bank_files.dialect import BankFilesDialect
from o2c_twin.mock_systems.vendors.bank_files.operations import ROUTES
from o2c_twin.mock_systems.vendors.bank_files.outbox import statement_number
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.asgi_driver import call_asgi
from o2c_twin.mock_systems.wire.live import LiveServer
from o2c_twin.mock_systems.wire.message import Request, Response

MONDAY = date(2026, 3, 2)
DAY_US = 86_400_000_000


def business_days(bank, count, first=MONDAY, credit=True):
    """Close so many days, each with a credit."""
    day, closed = first, []
    while len(closed) < count:
        if bank.dialect.core.calendar.is_open(day):
            if credit:
                bank.now_us = max(bank.now_us, _noon(day))
                bank.credit(100_00, f"INV{1000 + len(closed)}")
                bank.credit(7_00, "LATER")
            closed.append(bank.close(day))
        day += timedelta(days=1)
    return closed


def _noon(day):
    return (day - date(1970, 1, 1)).days * DAY_US + DAY_US // 2


# --- the three ways in ------------------------------------------------------------------------------


async def _direct(bank, request):
    return await bank.server.call(request)


async def _asgi(bank, request):
    return await call_asgi(MockApp(bank.server, "control"), request)


async def _socket(bank, request):
    async with LiveServer(MockApp(bank.server, "control")) as live, httpx.AsyncClient(base_url=live.url) as client:
        answer = await client.request(
            request.method, request.path, params=request.query, headers=request.headers, content=request.body
        )
        return Response(answer.status_code, answer.content, dict(answer.headers))


@pytest.mark.parametrize("way", [_direct, _asgi, _socket], ids=["direct", "asgi", "socket"])
def test_a_client_lists_fetches_and_confirms(open_bank, way):
    bank = open_bank(formats=("mt940", "bai2", "ofx1", "ofx2"))
    headers = {"authorization": "Basic " + base64.b64encode(bank.login.encode()).decode()}

    def ask(method, path, body=b"", query=None, login=True):
        answer = asyncio.run(way(bank, Request(method, path, query or {}, headers if login else {}, body)))
        return answer.status, answer.body, {key.lower(): value for key, value in answer.headers.items()}

    movement = {"iban": bank.account.iban, "amount": "1234.56", "remittance": "INV1", "counterparty": "Kunde"}
    assert ask("POST", "/v1/sandbox/movements", json.dumps(movement).encode())[0] == 201
    assert (
        ask("POST", "/v1/sandbox/movements", json.dumps({**movement, "amount": "-5", "kind": "fee"}).encode())[0] == 201
    )
    assert ask("POST", "/v1/sandbox/close-day")[0] == 200
    files = json.loads(ask("GET", "/v1/files", query={"status": "new", "deliveredFrom": "2026-03-02"})[1])["files"]
    assert [file["format"] for file in sorted(files, key=lambda f: f["format"])] == ["bai2", "mt940", "ofx1", "ofx2"]
    for file in files:
        status, content, head = ask("GET", f"/v1/files/{file['name']}")
        assert (status, len(content), hashlib.sha256(content).hexdigest()) == (200, file["size"], file["sha256"])
        assert (head["x-content-sha256"], head["x-file-format"]) == (file["sha256"], file["format"])
        assert head["x-business-date"] == file["businessDate"] == "2026-03-02"
        if file["format"] == "mt940":
            assert str(mt940.parse(content.decode()).data["final_closing_balance"].amount.amount) == "1229.56"
        body = json.dumps({"sha256": file["sha256"]}).encode()
        assert ask("POST", f"/v1/files/{file['name']}/acknowledgement", body)[0] == 200
    assert json.loads(ask("GET", "/v1/files", query={"status": "new"})[1])["files"] == []
    assert len(json.loads(ask("GET", "/v1/files")[1])["files"]) == 4
    assert ask("POST", "/v1/sandbox/movements", json.dumps({**movement, "amount": "1.001"}).encode())[0] == 400
    assert ask("GET", "/v1/files", login=False)[0] == 401
    assert ask("GET", "/v1/files/none")[0] == 404
    status, body, head = ask("DELETE", "/v1/files")
    assert (status, json.loads(body)["code"], head["allow"]) == (405, "METHOD_NOT_ALLOWED", "GET")
    statuses = [ask("GET", "/v1/files")[0] for _ in range(60)]
    assert statuses[0] == 200 and statuses[-1] == 429
    status, body, head = ask("GET", "/v1/files")
    assert (status, json.loads(body)["code"], head["retry-after"]) == (429, "TOO_MANY_REQUESTS", "60")


# --- login and paths --------------------------------------------------------------------------------


def test_a_bad_or_expired_login_is_refused_in_the_banks_words(open_bank):
    bank = open_bank(login_expires_at=_noon(MONDAY) + 1)
    assert bank.call("GET", "/v1/files").status == 200
    for login in ("o2c-files:wrong", "nobody:files-secret", ":", "o2c-files"):
        answer = bank.call("GET", "/v1/files", login=login)
        assert (answer.status, json.loads(answer.body)["code"]) == (401, "BAD_LOGIN")
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="files"'
    bank.now_us += 1
    assert json.loads(bank.call("GET", "/v1/files").body)["code"] == "PASSWORD_EXPIRED"


def test_what_is_not_covered_says_so_and_is_noted(bank):
    assert bank.call("GET", "/v1/orders").status == 404
    assert bank.server.journal.entries[-1].operation == "not modelled"


@pytest.mark.parametrize(
    "query", ["deliveredFrom=today", "businessDate=2026-02-30", "status=old", "page=0", "page=x", "page=" + "9" * 30]
)
def test_a_bad_parameter_is_named(bank, query):
    answer = bank.call("GET", f"/v1/files?{query}")
    assert answer.status == 400
    assert query.split("=")[0] in json.loads(answer.body)["message"]


def test_listings_are_paged_oldest_first(open_bank):
    bank = open_bank(keep_days=400)
    business_days(bank, 120, credit=False)
    first = bank.get("/v1/files")
    second = bank.get(f"/v1/files?page={first['nextPage']}")
    assert (len(first["files"]), len(second["files"]), "nextPage" in second) == (100, 20, False)
    names = [file["name"] for file in first["files"] + second["files"]]
    assert len(set(names)) == 120
    days = [file["businessDate"] for file in first["files"] + second["files"]]
    assert days == sorted(days)
    assert [f["businessDate"] for f in bank.files("businessDate=2026-03-04")] == ["2026-03-04"]
    assert {f["deliveredAt"][:10] for f in bank.files("deliveredFrom=2026-08-01")} == {
        f["businessDate"] for f in bank.files("deliveredFrom=2026-08-01")
    }
    assert bank.files("account=DE00") == []


# --- files ------------------------------------------------------------------------------------------


def test_a_file_is_named_like_those_on_a_banks_sftp_server(open_bank):
    bank = open_bank(formats=("mt940", "bai2", "ofx1"))
    bank.close(MONDAY)
    assert sorted(file["name"] for file in bank.files()) == [
        "BAI2_0000000042_20260302_20260302T200000_000002.bai",
        "MT940_0000000042_20260302_20260302T200000_000001.sta",
        "OFX1_0000000042_20260302_20260302T200000_000003.ofx",
    ]


def test_files_are_gone_after_their_time(open_bank):
    bank = open_bank(keep_days=10)
    bank.close(MONDAY)
    (file,) = bank.files()
    bank.now_us += 10 * DAY_US
    assert bank.call("GET", f"/v1/files/{file['name']}").status == 200
    bank.now_us += 1
    assert bank.call("GET", f"/v1/files/{file['name']}").status == 410
    assert bank.files() == []


def test_every_third_file_comes_again_a_day_later(open_bank):
    bank = open_bank(repeat_files=True, formats=("mt940",))
    business_days(bank, 3)
    assert len(bank.files()) == 3
    bank.now_us += DAY_US
    *_, third, again = bank.files()
    assert third["businessDate"] == again["businessDate"] and third["name"] != again["name"]
    assert third["sha256"] == again["sha256"]
    assert again["deliveredAt"] > third["deliveredAt"]


def test_every_fourth_file_comes_two_days_late(open_bank):
    bank = open_bank(late_files=True)
    business_days(bank, 4)
    assert [f["businessDate"][-2:] for f in bank.files()] == ["02", "03", "04"]
    due = next(f for f in bank.dialect.box.files.values() if f.date.endswith("05"))
    assert bank.call("GET", f"/v1/files/{due.name}").status == 404
    bank.now_us += 2 * DAY_US
    assert [f["businessDate"][-2:] for f in bank.files()] == ["02", "03", "04", "05"]


@pytest.mark.parametrize(("mode", "first"), [("added", [100_00]), ("changed", [100_00, 6_99])])
def test_every_fifth_statement_is_wrong_at_first_and_replaced(open_bank, mode, first):
    bank = open_bank(corrections=mode, formats=("bai2",))
    business_days(bank, 5)
    assert len(bank.files()) == 5
    bank.now_us += DAY_US // 24
    wrong, right = bank.files()[4:]
    read = [bai2.parse_from_string(bank.call("GET", f"/v1/files/{f['name']}").body.decode()) for f in (wrong, right)]
    amounts = [[row.amount for row in file.children[0].children[0].children] for file in read]
    assert amounts == [first, [100_00, 7_00]]
    assert [file.children[0].header.group_status.value for file in read] == ["1", "3"]


@pytest.mark.parametrize(("restart", "numbers"), [(True, [1, 2, 1]), (False, [1, 2, 3])])
def test_statement_numbers_begin_again_each_year_if_the_bank_counts_so(restart, numbers):
    days = ["2026-12-30", "2026-12-31", "2027-01-04"]
    account = BankAccount("ACC1", "DE1", "EUR", "N")
    account.statements = [statement([], day=day, number=n) for n, day in enumerate(days, 1)]
    assert [statement_number(account, at, restart) for at in range(3)] == numbers


def test_a_transport_may_strip_blanks_at_line_ends(open_bank):
    words = " ".join(["abcd"] * 40)
    for strip in (False, True):
        bank = open_bank(field_86="wrapped", drop_trailing_blanks=strip)
        bank.credit(100, words)
        bank.close(MONDAY)
        text = next(iter(bank.dialect.box.files.values())).content.decode()
        assert (" \r\n" in text) is not strip


def test_a_folder_shows_what_has_appeared_and_nothing_half_written(open_bank, tmp_path):
    bank = open_bank(repeat_files=True)
    folder = FileFolder(bank.dialect, tmp_path / "in")
    business_days(bank, 3)
    assert sorted(p.name for p in folder.folder.iterdir()) == [f["name"] for f in bank.files()]
    bank.now_us += DAY_US
    (late,) = folder.sync()
    assert late.read_bytes() == bank.call("GET", f"/v1/files/{late.name}").body
    assert folder.sync() == [] and len(list(folder.folder.iterdir())) == 4


# --- notices and state ------------------------------------------------------------------------------


def test_a_notice_of_each_file_is_signed_and_says_what_the_listing_says(bank):
    outcome = bank.dialect.subscribe("https://client.example/hook")
    bank.close(MONDAY)
    ((headers, body),) = bank.received
    assert json.loads(body) == {"event": "file.delivered", "file": bank.files()[0]}
    stamp, mac = re.fullmatch(r"t=(\d+),v1=(\w+)", headers["x-files-signature"]).groups()
    expected = hmac.new(b"files-webhook-secret", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert mac == expected and outcome.delivered == 1


def test_a_snapshot_brings_files_and_confirmations_back(bank):
    bank.credit(100)
    bank.close(MONDAY)
    (file,) = bank.files()
    before = bank.dialect.snapshot()
    bank.call("POST", f"/v1/files/{file['name']}/acknowledgement", {"sha256": file["sha256"]})
    bank.close(MONDAY + timedelta(days=1))
    bank.dialect.restore(before)
    assert bank.files() == [file] and bank.dialect.facts()["files"] == 1
    bank.close(MONDAY + timedelta(days=1))
    assert len(bank.files()) == 2


def test_the_same_days_give_the_same_files(open_bank):
    def run():
        bank = open_bank(formats=("mt940", "bai2", "ofx2"), repeat_files=True, corrections="changed", late_files=True)
        business_days(bank, 6)
        return bank.dialect.snapshot()

    assert run() == run()


# --- what is promised, by attack --------------------------------------------------------------------


def test_every_write_has_a_promise():
    writes = {operation.name for operation in ROUTES if operation.method != "GET"}
    assert {promise.operation for promise in BankFilesDialect.promises} == writes


def test_a_confirmation_said_again_changes_nothing_and_a_wrong_one_is_refused(bank):
    bank.close(MONDAY)
    (file,) = bank.files()
    path = f"/v1/files/{file['name']}/acknowledgement"
    wrong = bank.call("POST", path, {"sha256": "0" * 64})
    assert (wrong.status, json.loads(wrong.body)["code"]) == (409, "HASH_MISMATCH")
    assert bank.files()[0]["acknowledgedAt"] is None
    first = bank.call("POST", path, {"sha256": file["sha256"].upper()})
    bank.now_us += 30 * DAY_US
    again = bank.call("POST", path, {"sha256": file["sha256"]})
    assert (first.status, again.status, first.body) == (200, 200, again.body)


def test_a_movement_said_again_moves_money_again_and_a_day_closes_once(bank):
    movement = {"iban": bank.account.iban, "amount": "10.00"}
    for _ in range(2):
        assert bank.call("POST", "/v1/sandbox/movements", movement).status == 201
    assert len(json.loads(bank.call("POST", "/v1/sandbox/close-day").body)["statements"]) == 1
    assert json.loads(bank.call("POST", "/v1/sandbox/close-day").body)["statements"] == []
    assert bank.account.balance_minor == 20_00


@pytest.mark.parametrize("amount", ["0", "0.00", "1.001", "1000000000", "-1000000000", "NaN", "ten", ""])
def test_a_movement_of_no_amount_is_refused_whole(bank, amount):
    answer = bank.call("POST", "/v1/sandbox/movements", {"iban": bank.account.iban, "amount": amount})
    assert (answer.status, json.loads(answer.body)["code"]) == (400, "BAD_REQUEST")
    assert bank.account.pending == []


def test_a_debit_takes_an_account_below_zero(bank):
    movement = {"iban": bank.account.iban, "amount": "-12.34", "kind": "return", "endToEndId": "E1"}
    assert bank.call("POST", "/v1/sandbox/movements", movement).status == 201
    closed = bank.close(MONDAY)
    assert (closed.closing_minor, closed.entries[0].kind, closed.entries[0].end_to_end_id) == (-12_34, "return", "E1")


def test_no_request_makes_the_service_fail(open_bank, count=200):
    dice = random.Random(1)
    values = [None, "", 0, -1, 1e300, "1e5", "NaN", "-0", "0", "12.34", "999999999.99", "1000000000", "ä" * 200, [], {}]
    values += ["a/b", "\x00", "DE02500105170000000042", True, "return", "2026-03-02", "x" * 500, "?20EREF+:61:\r\n-"]
    bank = open_bank(formats=("mt940", "bai2", "ofx1", "ofx2"))
    bank.close(MONDAY)
    known = bank.files()[0]["name"]
    statuses = []
    for _ in range(count):
        operation = dice.choice(ROUTES)
        path = operation.path.replace("{name}", dice.choice([known, "x", "%2e", "a" * 300]))
        if operation.method == "GET":
            keys = ("deliveredFrom", "businessDate", "status", "page", "account")
            path += "?" + "&".join(f"{dice.choice(keys)}={str(dice.choice(values))[:60]}" for _ in range(2))
        body = {
            "iban": dice.choice([bank.account.iban, bank.account.iban, dice.choice(values)]),
            "amount": dice.choice(["10.00", "-3", dice.choice(values)]),
        }
        for key in ("remittance", "endToEndId", "counterparty", "counterpartyIban", "kind", "sha256"):
            if dice.random() < 0.4:
                body[key] = dice.choice(values)
        raw = dice.choice(
            [json.dumps(body).encode(), json.dumps(body).encode()[:-3], b"\xff", b"[]"][: dice.choice([1, 4])]
        )
        bank.now_us += 2_000_000
        statuses.append(bank.call(operation.method, path, raw if operation.method == "POST" else None).status)
    assert max(statuses) < 500
    assert {200, 201, 400, 404} <= set(statuses)
