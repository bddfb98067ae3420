"""The bank connector and its statements: ISO 20022 camt.053 in the versions banks send."""

import asyncio
import hashlib
import hmac
import json
from datetime import UTC, date, datetime
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.integration.connectors.bank_feed import BankFeed
from o2c_twin.integration.connectors.camt053 import read_statement
from o2c_twin.integration.runtime.errors import NotAuthentic
from o2c_twin.mock_systems.roles.bank import BankCore
from o2c_twin.mock_systems.vendors.bank_iso20022.camt053 import statement_document
from o2c_twin.twin.time import epoch

TOKEN = (200, {"access_token": "T1"})
NOON = epoch(datetime(2026, 1, 5, 12, tzinfo=UTC))


def _document(version, entries, statement_id="ST1"):
    return (
        f'<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>'
        f"<Stmt><Id>{statement_id}</Id>{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def _entry(
    version, *details, side="CRDT", status="BOOK", amount="100.00", ref="<AcctSvcrRef>B1</AcctSvcrRef>", currency="EUR"
):
    state = f"<Sts>{status}</Sts>" if version == "02" else f"<Sts><Cd>{status}</Cd></Sts>"
    inside = f"<NtryDtls>{''.join(details)}</NtryDtls>" if details else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{state}'
        f"<BookgDt><Dt>2026-01-05</Dt></BookgDt><ValDt><Dt>2026-01-06</Dt></ValDt>{ref}{inside}</Ntry>"
    )


def _details(version, amount=None, name="ACME", iban="DE02100100100006820101", text="INV1", end_to_end="E1"):
    party = f"<Nm>{name}</Nm>" if version == "02" else f"<Pty><Nm>{name}</Nm></Pty>"
    value = ""
    if amount is not None:
        value = f'<Amt Ccy="EUR">{amount}</Amt>'
        value = f"<AmtDtls><TxAmt>{value}</TxAmt></AmtDtls>" if version == "02" else value
    return (
        f"<TxDtls><Refs><EndToEndId>{end_to_end}</EndToEndId></Refs>{value}<RltdPties><Dbtr>{party}</Dbtr>"
        f"<DbtrAcct><Id><IBAN>{iban}</IBAN></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>"
    )


both = pytest.mark.parametrize("version", ["02", "08"])


@both
def test_a_credit_is_read_in_either_version(version):
    (entry,) = read_statement(_document(version, _entry(version, _details(version))))
    assert (entry.reference, entry.amount_minor, entry.currency, entry.value_on) == ("B1", 10_000, "EUR", "2026-01-06")
    assert (entry.end_to_end_id, entry.remittance, entry.payer) == ("E1", "INV1", "ACME")
    assert entry.payer_iban == "DE02100100100006820101"


@both
def test_only_booked_credits_are_money(version):
    entries = [
        _entry(version, side="DBIT"),
        _entry(version, status="PDNG"),
        _entry(version, status="INFO"),
        _entry(version, amount="1.00"),
    ]
    assert [e.amount_minor for e in read_statement(_document(version, "".join(entries)))] == [100]


@both
def test_a_batch_of_payers_is_a_receipt_for_each(version):
    details = [
        _details(version, "60.00", "ACME", "DE02100100100006820101", "INV1"),
        _details(version, "40.00", "BOLT", "DE75512108001245126199", "INV2"),
    ]
    found = read_statement(_document(version, _entry(version, *details)))
    assert [(e.reference, e.amount_minor, e.payer, e.remittance) for e in found] == [
        ("B1/1", 6_000, "ACME", "INV1"),
        ("B1/2", 4_000, "BOLT", "INV2"),
    ]


@both
@pytest.mark.parametrize("amounts", [(None, None), ("60.00", "41.00")])
def test_a_batch_whose_parts_do_not_add_up_is_one_receipt_of_nobody_in_particular(version, amounts):
    details = [_details(version, amounts[0], "ACME", "I1", "INV1"), _details(version, amounts[1], "BOLT", "I2", "INV2")]
    (entry,) = read_statement(_document(version, _entry(version, *details)))
    assert (entry.amount_minor, entry.payer, entry.payer_iban, entry.remittance) == (10_000, None, None, "INV1 INV2")


def test_a_credit_without_the_banks_reference_is_named_by_its_statement_and_place():
    # Else all of them would be one entry to the engine, and only the first be posted.
    plain = _entry("08", ref="")
    numbered = _entry("08", ref="<NtryRef>1</NtryRef>")
    one, two = (_document("08", numbered + plain + plain, id_) for id_ in ("ST1", "ST2"))
    names = [entry.reference for file in (one, two) for entry in read_statement(file)]
    assert names == ["ST1/1", "ST1/2", "ST1/3", "ST2/1", "ST2/2", "ST2/3"]


@both
def test_structured_references_are_part_of_the_remittance(version):
    text = (
        "<TxDtls><RmtInf><Strd><RfrdDocInf><Nb>INV7</Nb></RfrdDocInf><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf>"
        "</Strd></RmtInf></TxDtls>"
    )
    (entry,) = read_statement(_document(version, _entry(version, text)))
    assert entry.remittance == "INV7 RF18539007547034"


@both
def test_what_is_not_told_is_none(version):
    (entry,) = read_statement(_document(version, _entry(version)))
    assert (entry.end_to_end_id, entry.payer, entry.payer_iban, entry.remittance) == (None, None, None, "")
    (entry,) = read_statement(_document(version, _entry(version, _details(version, end_to_end="NOTPROVIDED"))))
    assert entry.end_to_end_id is None


@pytest.mark.parametrize(
    ("currency", "amount", "minor"), [("JPY", "100", 100), ("KWD", "1.234", 1_234), ("EUR", "0.1", 10)]
)
def test_amounts_are_minor_units_of_their_currency(currency, amount, minor):
    (entry,) = read_statement(_document("08", _entry("08", amount=amount, currency=currency)))
    assert (entry.amount_minor, entry.currency) == (minor, currency)


@pytest.mark.parametrize(
    "document",
    [
        b"<Document/>",
        _document("08", "").replace(b"camt.053", b"camt.054"),
        _document("08", _entry("08", amount="1.234")),
        _document("08", _entry("08").replace('<Amt Ccy="EUR">100.00</Amt>', "")),
    ],
    ids=["no namespace", "another message", "a tenth of a cent", "no amount"],
)
def test_what_is_no_statement_is_refused(document):
    with pytest.raises(ValueError, match=r"camt|decimals|amount"):
        read_statement(document)


# What banks pass on: EPC 217-08, the SEPA character set, with letters many add to it and what XML escapes.
_texts = st.text("abcXYZ0189 /-?:().,'+äöüß&<>\"", min_size=1, max_size=20).map(lambda text: " ".join(text.split()))


@given(st.lists(st.tuples(st.integers(1, 10**12), _texts, _texts), max_size=5))
def test_a_statement_the_bank_writes_is_read_as_it_was_booked(credits):
    core = BankCore(lambda: NOON)
    account = core.open_account("DE02500105170000000042", "EUR", "Us")
    for amount, text, name in credits:
        core.credit(
            account.id,
            amount,
            end_to_end_id=None,
            remittance=(text,) if text else (),
            counterparty=name or None,
            counterparty_iban=None,
        )
    (statement,) = core.close_day(date(2026, 1, 5))
    found = read_statement(statement_document(statement, account, "TWINDEFF", "Bank"))
    assert [(e.amount_minor, e.remittance, e.payer) for e in found] == [(a, t, n or None) for a, t, n in credits]
    assert len({e.reference for e in found}) == len(credits)


# --- the feed ---------------------------------------------------------------------------------------


@pytest.fixture
def bank(http):
    return BankFeed("bank", "https://bank.example", http, "app", "secret", "ACC1", "whsec")


def _statement(id_, day):
    return {"statementId": id_, "date": day, "createdAt": f"{day}T21:00:00Z"}


def test_statements_after_a_day_are_listed_over_all_pages(bank, http):
    first = {"statements": [_statement("S1", "2026-01-05"), _statement("S2", "2026-01-06")], "nextPage": 2}
    http.answers(TOKEN, (200, first), (200, {"statements": [_statement("S3", "2026-01-07")]}))
    events, until = asyncio.run(bank.statements("2026-01-05"))
    assert [(e.flow, e.object_id, e.lane) for e in events] == [("cash", "S2", "bank:ACC1"), ("cash", "S3", "bank:ACC1")]
    assert until == "2026-01-07"
    assert http.sent[2].query == {"fromDate": "2026-01-05", "page": "2"}


def test_with_no_new_statement_the_day_stays(bank, http):
    http.answers(TOKEN, (200, {"statements": []}))
    assert asyncio.run(bank.statements("2026-01-05")) == ([], "2026-01-05")


def test_a_statement_that_is_cut_off_may_be_asked_for_again(bank, http, refusal):
    whole = _document("08", _entry("08"))
    http.answers(TOKEN, (200, whole[: len(whole) // 2]))
    failure = refusal(bank.entries("S1"))
    assert (failure.cause, failure.retryable) == ("unknown-outcome", True)


@pytest.mark.parametrize("body", [b"<Document/>", _document("08", _entry("08", amount="x"))])
def test_a_statement_that_makes_no_sense_is_refused_with_a_reason(bank, http, refusal, body):
    http.answers(TOKEN, (200, body))
    assert refusal(bank.entries("S1")).cause == "rejected"


@pytest.mark.parametrize(
    ("status", "headers", "cause", "wait"),
    [
        (429, {"retry-after": "60"}, "throttled", 60.0),
        (
            503,
            {"retry-after": "Mon, 05 Jan 2026 10:01:00 GMT", "date": "Mon, 05 Jan 2026 10:00:00 GMT"},
            "unavailable",
            60.0,
        ),
        (500, {}, "unknown-outcome", 0.0),
        (404, {}, "missing", 0.0),
        (400, {}, "rejected", 0.0),
    ],
)
def test_an_answer_is_sorted_by_what_may_be_done_about_it(bank, http, refusal, status, headers, cause, wait):
    http.answers(TOKEN, (status, b"", headers))
    failure = refusal(bank.entries("S1"))
    assert (failure.cause, failure.retry_after_s) == (cause, wait)


def test_an_expired_token_is_renewed_once(bank, http, refusal):
    http.answers(TOKEN, (401, b""), (200, {"access_token": "T2"}), (200, _document("08", "")))
    assert asyncio.run(bank.entries("S1")) == []
    assert http.sent[-1].headers["authorization"] == "Bearer T2"
    http.answers((401, b""), TOKEN, (401, b""))
    assert refusal(bank.entries("S1")).cause == "login"


@pytest.mark.parametrize(("status", "cause"), [(401, "login"), (429, "throttled"), (503, "unavailable")])
def test_a_login_that_fails_says_why(bank, http, refusal, status, cause):
    http.answers((status, b"", {"retry-after": "7"}))
    failure = refusal(bank.entries("S1"))
    assert (failure.cause, failure.retry_after_s) == (cause, 7.0)


def _notice(**fields):
    return json.dumps(
        {"statementId": "S2", "createdAt": "2026-01-06T21:00:00Z", "accountId": "ACC1", **fields}
    ).encode()


def _signed(body, secret=b"whsec"):
    mac = hmac.new(secret, b"1767733200." + body, hashlib.sha256).hexdigest()
    return {"x-bank-signature": f"t=1767733200,v1={mac}"}


@pytest.mark.parametrize("headers", [{}, {"x-bank-signature": "t=1,v1="}, _signed(b"other"), _signed(b"{}", b"guess")])
def test_a_notice_nobody_signed_is_not_believed(bank, headers):
    with pytest.raises(NotAuthentic):
        bank.pushed(b"{}", headers)


def test_a_notice_is_the_event_a_poll_would_have_found(bank, http):
    http.answers(TOKEN, (200, {"statements": [_statement("S2", "2026-01-06")]}))
    polled, _ = asyncio.run(bank.statements("2026-01-05"))
    assert bank.pushed(_notice(), _signed(_notice())) == (polled, b"")


def test_the_notice_of_another_account_is_not_ours(bank):
    assert bank.pushed(_notice(accountId="ACC2"), _signed(_notice(accountId="ACC2"))) == ([], b"")


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", _notice(createdAt=None), _notice(createdAt="soon")])
def test_a_notice_that_makes_no_sense_is_refused(bank, body):
    with pytest.raises(ValueError, match=r".+"):
        bank.pushed(body, _signed(body))


def test_a_name_with_markup_stays_a_name(bank):
    name = escape("A & B <GmbH>")
    (entry,) = read_statement(_document("08", _entry("08", _details("08", name=name))))
    assert entry.payer == "A & B <GmbH>"
