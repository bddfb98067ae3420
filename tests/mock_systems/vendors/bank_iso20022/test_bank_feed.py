"""The bank's feed: logging in, listing and fetching statements, its errors and its limit."""

import base64
import json
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import quote_plus

import pytest
from bankstatementparser import CamtParser

from o2c_twin.mock_systems.vendors.bank_iso20022 import BankConfig, make

MONDAY = date(2026, 3, 2)
HOUR_US = 3_600_000_000


def log_in(bank, form, **headers):
    return bank.call("POST", "/oauth2/token", form.encode(), headers, login=False)


# ------------------------------------------------------------------------------------------- login


def test_client_credentials_give_a_token_for_an_hour(bank):
    config = bank.dialect.config
    form = f"grant_type=client_credentials&client_id={config.client_id}&client_secret={config.client_secret}"
    answer = log_in(bank, form)
    body = json.loads(answer.body)
    assert (answer.status, body["token_type"], body["expires_in"]) == (200, "Bearer", 3600)
    bank.token = body["access_token"]
    bank.now_us += HOUR_US - 1
    assert bank.call("GET", "/v1/accounts").status == 200
    bank.now_us += 1
    expired = bank.call("GET", "/v1/accounts")
    assert (expired.status, json.loads(expired.body)["error"]) == (401, "invalid_token")
    assert expired.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_credentials_may_come_in_a_basic_header(open_bank):
    bank = open_bank(client_id="id:with colon", client_secret="s&cr=t")
    pair = f"{quote_plus('id:with colon')}:{quote_plus('s&cr=t')}".encode()
    basic = "Basic " + base64.b64encode(pair).decode()
    assert log_in(bank, "grant_type=client_credentials", authorization=basic).status == 200


@pytest.mark.parametrize("basic", ["é", "%%%", "//4="])
def test_a_header_that_holds_no_credentials_is_a_bad_login(bank, basic):
    answer = log_in(bank, "grant_type=client_credentials", authorization=f"Basic {basic}")
    assert (answer.status, json.loads(answer.body)["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "basic", "status", "error"),
    [
        ("grant_type=password", "", 400, "unsupported_grant_type"),
        ("", "", 400, "unsupported_grant_type"),
        ("grant_type=client_credentials&client_id=o2c-bank-client&client_secret=wrong", "", 401, "invalid_client"),
        ("grant_type=client_credentials", "", 401, "invalid_client"),
        ("grant_type=client_credentials", "Basic !!!", 401, "invalid_client"),
        ("grant_type=client_credentials", "Basic " + base64.b64encode(b"\xff:\xff").decode(), 401, "invalid_client"),
    ],
)
def test_a_wrong_login_is_refused_as_oauth_has_it(bank, form, basic, status, error):
    answer = log_in(bank, form, **({"authorization": basic} if basic else {}))
    assert (answer.status, json.loads(answer.body)["error"]) == (status, error)


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer unknown", "Basic x"])
def test_without_a_token_there_is_nothing_to_see(bank, authorization):
    headers = {"authorization": authorization} if authorization else {}
    assert bank.call("GET", "/v1/accounts", headers=headers, login=False).status == 401


def test_tokens_are_the_same_for_the_same_seed_and_no_others(open_bank):
    assert open_bank(seed=1).token == open_bank(seed=1).token != open_bank(seed=2).token


# -------------------------------------------------------------------------------------- statements


def test_accounts_are_listed_with_their_booked_balance(bank):
    bank.credit(123_45)
    bank.close(MONDAY)
    bank.credit(99_00)
    assert bank.get("/v1/accounts") == {
        "accounts": [
            {
                "accountId": "ACC1",
                "iban": "DE02500105170000000042",
                "currency": "EUR",
                "owner": "Nordwind Handel & Söhne GmbH",
                "bookedBalance": "123.45",
            }
        ]
    }


def test_a_closed_day_is_listed_and_fetched_as_camt053(bank):
    first, second = bank.credit(100_10), bank.credit(20_02, end_to_end_id=None)
    assert bank.get(bank.statements) == {"statements": []}
    statement = bank.close(MONDAY)
    assert bank.get(bank.statements)["statements"] == [
        {
            "statementId": statement.id,
            "date": "2026-03-02",
            "sequence": 1,
            "openingBalance": "0.00",
            "closingBalance": "120.12",
            "currency": "EUR",
            "entries": 2,
            "createdAt": "2026-03-02T20:00:00Z",
        }
    ]
    answer = bank.call("GET", f"{bank.statements}/{statement.id}")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/xml")
    rows = CamtParser.from_bytes(answer.body).parse().to_dict("records")
    assert [(r["AcctSvcrRef"], Decimal(r["Amount"])) for r in rows] == [
        (first.reference, Decimal("100.10")),
        (second.reference, Decimal("20.02")),
    ]


def close_days(bank, n):
    day = MONDAY
    while n:
        if day.weekday() < 5:
            bank.close(day)
            n -= 1
        day += timedelta(days=1)


def test_statements_are_asked_for_by_date(bank):
    close_days(bank, 5)

    def dates(query):
        return [s["date"] for s in bank.get(f"{bank.statements}?{query}")["statements"]]

    assert dates("fromDate=2026-03-05") == ["2026-03-05", "2026-03-06"]
    assert dates("toDate=2026-03-03") == ["2026-03-02", "2026-03-03"]
    assert dates("fromDate=2026-03-03&toDate=2026-03-04") == ["2026-03-03", "2026-03-04"]
    assert dates("fromDate=2027-01-01") == []


def test_a_long_list_comes_in_pages(bank):
    close_days(bank, 230)
    pages, page = [], 1
    while page:
        answer = bank.get(f"{bank.statements}?page={page}")
        pages.append([s["sequence"] for s in answer["statements"]])
        page = answer.get("nextPage")
    assert [len(p) for p in pages] == [100, 100, 30]
    assert [n for p in pages for n in p] == list(range(1, 231))


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/v1/accounts/ACC9/statements", 404, "unknown_account"),
        ("/v1/accounts/ACC9/statements/ACC9-2026-03-02", 404, "unknown_account"),
        ("/v1/accounts/ACC1/statements/ACC1-2026-03-02", 404, "unknown_statement"),
        ("/v1/accounts/ACC1/statements?fromDate=last-week", 400, "invalid_request"),
        ("/v1/accounts/ACC1/statements?toDate=20260302", 400, "invalid_request"),
        ("/v1/accounts/ACC1/statements?page=0", 400, "invalid_request"),
        ("/v1/accounts/ACC1/statements?page=two", 400, "invalid_request"),
        ("/v1/payments", 404, "not_found"),
    ],
)
def test_what_cannot_be_had_says_why(bank, path, status, error):
    answer = bank.call("GET", path)
    assert (answer.status, json.loads(answer.body)["error"]) == (status, error)


def test_a_method_the_path_lacks_is_answered_with_those_it_has(bank):
    answer = bank.call("POST", "/v1/accounts")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET")


def test_sixty_calls_a_minute_are_answered_and_then_the_wait_is_told(bank):
    bank.now_us += 60_000_000 - bank.now_us % 60_000_000
    assert {bank.call("GET", "/v1/accounts").status for _ in range(60)} == {200}
    bank.now_us += 15_000_000
    refused = bank.call("GET", "/v1/accounts")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "45")
    bank.now_us += 45_000_000
    assert bank.call("GET", "/v1/accounts").status == 200


# ---------------------------------------------------------------------------------- failure shapes


def test_a_repeated_entry_stands_in_two_days_files_and_in_the_books_once(open_bank):
    bank = open_bank(repeat_entries=True)
    bank.credit(10_00)
    again = bank.credit(20_00)
    monday = bank.close(MONDAY)
    bank.now_us += HOUR_US
    fresh = bank.credit(5_00)
    tuesday = bank.close(MONDAY + timedelta(days=1))

    def parsed(statement):
        return CamtParser.from_bytes(bank.call("GET", f"{bank.statements}/{statement.id}").body)

    assert [r["AcctSvcrRef"] for r in parsed(tuesday).parse().to_dict("records")] == [again.reference, fresh.reference]
    assert len(parsed(monday).parse()) == 2
    assert parsed(tuesday).get_summary()["closing_balance"] == Decimal("35.00")


def test_a_gap_in_the_sequence_is_in_the_list_and_in_the_document(open_bank):
    bank = open_bank(skip_sequence=True)
    close_days(bank, 14)
    listed = bank.get(bank.statements)["statements"]
    assert [s["sequence"] for s in listed] == [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 15, 16]
    last = bank.call("GET", f"{bank.statements}/{listed[-1]['statementId']}").body
    assert b"<ElctrncSeqNb>16</ElctrncSeqNb>" in last


# -------------------------------------------------------------------------------- sandbox and state


def payment(bank, **fields):
    body = {"accountId": "ACC1", "amount": "12.34", "remittance": "INV1001", **fields}
    return bank.call("POST", "/v1/sandbox/incoming-payments", json.dumps(body).encode())


def test_in_the_sandbox_money_can_be_made_to_arrive_and_the_day_to_end(bank):
    arrived = payment(bank, debtorName="Kunde <AG>", debtorIban="<&>", remittance="x" * 300)
    assert arrived.status == 201
    closed = json.loads(bank.call("POST", "/v1/sandbox/close-day").body)
    assert closed == {"statements": ["ACC1-2026-03-02"]}
    document = bank.call("GET", f"{bank.statements}/ACC1-2026-03-02").body
    (row,) = CamtParser.from_bytes(document).parse().to_dict("records")
    assert (Decimal(row["Amount"]), row["AcctSvcrRef"]) == (Decimal("12.34"), json.loads(arrived.body)["reference"])
    assert [len(e) for e in bank.account.statements[0].entries[0].remittance] == [140, 140, 20]


def test_a_day_closed_early_in_the_sandbox_is_not_closed_again_in_the_evening(bank):
    payment(bank)
    bank.call("POST", "/v1/sandbox/close-day")
    assert bank.dialect.core.close_day(MONDAY) == []
    assert len(bank.account.statements) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": "12.345"},
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "ten"},
        {"amount": "NaN"},
        {"amount": "Infinity"},
        {"amount": "1e30"},
        {"accountId": "ACC9"},
        {"endToEndId": "x" * 36},
        {"amount": 12.34},
    ],
)
def test_money_that_cannot_be_does_not_arrive(bank, fields):
    answer = payment(bank, **fields)
    assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_request")
    assert bank.account.pending == []


def test_a_snapshot_brings_back_books_and_logins(bank):
    bank.credit(1_00)
    bank.close(MONDAY)
    before = bank.dialect.snapshot()
    listed = bank.get(bank.statements)
    other = make(bank.world, BankConfig())
    other.restore(before)
    assert other.snapshot() == before
    bank.now_us += HOUR_US
    bank.dialect.core.close_day(MONDAY + timedelta(days=1))
    bank.dialect.restore(before)
    bank.now_us -= HOUR_US
    assert bank.get(bank.statements) == listed
