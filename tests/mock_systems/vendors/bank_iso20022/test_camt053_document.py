"""The statement as a document: what an independent reader finds in it is what the bank has booked."""

from datetime import date, timedelta
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from bankstatementparser import CamtParser
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.mock_systems.roles.bank import BankAccount, Entry, Statement
from o2c_twin.mock_systems.vendors.bank_iso20022 import file_name, statement_document

NS = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"}
IBAN = "DE02500105170000000042"
DAY = "2026-03-02"


def entry(number=1, amount_minor=100, **fields):
    values = {
        "booked_on": DAY,
        "value_on": DAY,
        "end_to_end_id": "INV1001",
        "remittance": ("INV1001",),
        "counterparty": "Kunde AG",
        "counterparty_iban": "DE89370400440532013000",
        "received_at": 0,
    }
    return Entry(f"B{number:09d}", amount_minor, **{**values, **fields})


def document(entries, opening_minor=0, currency="EUR", owner="Nordwind", bank="Twin Bank"):
    closing = opening_minor + sum(e.amount_minor for e in entries)
    statement = Statement(f"ACC1-{DAY}", 7, "ACC1", DAY, opening_minor, closing, list(entries), 1_772_481_600_000_000)
    return statement_document(statement, BankAccount("ACC1", IBAN, currency, owner), "TWINDEFFXXX", bank)


def root_of(xml):
    return ElementTree.fromstring(xml)


def texts(node, path):
    return [found.text for found in node.iterfind(path, NS)]


# Letters of the trade, what XML must escape, and what it cannot hold at all.
words = st.text(st.characters(codec="utf-8") | st.sampled_from("<>&\"'\x00\x1f\n\t\uffff😀"), max_size=200)
entries_of_a_day = st.lists(
    st.builds(
        lambda amount, e2e, lines, name, iban, value: {
            "amount_minor": amount,
            "end_to_end_id": e2e,
            "remittance": tuple(lines),
            "counterparty": name,
            "counterparty_iban": iban,
            "value_on": (date(2026, 3, 2) + timedelta(days=value)).isoformat(),
        },
        st.integers(-(10**12), 10**12).filter(bool),
        st.none() | st.from_regex(r"[A-Z0-9\-]{1,35}", fullmatch=True),
        st.lists(words, max_size=3),
        st.none() | words,
        st.none() | st.just("GB29NWBK60161331926819"),
        st.integers(-3, 3),
    ),
    max_size=8,
).map(lambda rows: [entry(number, **row) for number, row in enumerate(rows, 1)])


@given(entries=entries_of_a_day, opening=st.integers(-(10**12), 10**12))
def test_an_independent_reader_finds_amounts_references_and_balances_to_the_cent(entries, opening):
    parser = CamtParser.from_bytes(document(entries, opening))
    summary = parser.get_summary()
    closing = opening + sum(e.amount_minor for e in entries)
    assert summary["opening_balance"] == Decimal(opening).scaleb(-2)
    assert summary["closing_balance"] == Decimal(closing).scaleb(-2)
    assert (summary["account_id"], summary["statement_id"], summary["currency"]) == (IBAN, f"ACC1-{DAY}", "EUR")
    rows = parser.parse().to_dict("records")
    assert len(rows) == len(entries)
    for row, booked in zip(rows, entries, strict=True):
        assert Decimal(row["Amount"]) == Decimal(booked.amount_minor).scaleb(-2)
        assert (row["Currency"], row["AcctSvcrRef"]) == ("EUR", booked.reference)
        assert row["DrCr"] == ("CRDT" if booked.amount_minor > 0 else "DBIT")
        assert row["EndToEndId"] == (booked.end_to_end_id or "NOTPROVIDED")
        assert (str(row["BookgDt"]), str(row["ValDt"])) == (booked.booked_on, booked.value_on)


@given(entries=entries_of_a_day, opening=st.integers(-(10**12), 10**12))
def test_opening_entries_and_closing_add_up_in_the_document_itself(entries, opening):
    stmt = root_of(document(entries, opening)).find("c:BkToCstmrStmt/c:Stmt", NS)

    def signed(node):
        side = 1 if node.find("c:CdtDbtInd", NS).text == "CRDT" else -1
        return side * Decimal(node.find("c:Amt", NS).text)

    balances = {b.find("c:Tp/c:CdOrPrtry/c:Cd", NS).text: signed(b) for b in stmt.iterfind("c:Bal", NS)}
    booked = [signed(n) for n in stmt.iterfind("c:Ntry", NS)]
    assert balances["OPBD"] + sum(booked) == balances["CLBD"]
    summary = stmt.find("c:TxsSummry", NS)
    assert signed(summary.find("c:TtlNtries/c:TtlNetNtry", NS)) == sum(booked)
    assert texts(summary, ".//c:NbOfNtries") == [
        str(n) for n in (len(booked), sum(a > 0 for a in booked), sum(a < 0 for a in booked))
    ]
    assert [Decimal(t) for t in texts(summary, ".//c:Sum")] == [
        sum(a for a in booked if a > 0),
        -sum(a for a in booked if a < 0),
    ]


@given(name=words, line=words)
def test_any_text_comes_through_but_for_what_no_document_can_hold(name, line):
    stmt = root_of(document([entry(counterparty=name, remittance=(line,))], owner=name, bank=name))

    def as_sent(text):
        return "".join(c if c.isprintable() else " " for c in text[:140])

    details = stmt.find(".//c:TxDtls", NS)
    assert texts(details, "c:RmtInf/c:Ustrd") == ([as_sent(line)] if line else [])
    assert texts(details, "c:RltdPties/c:Dbtr/c:Pty/c:Nm") == ([as_sent(name)] if name else [])
    assert (stmt.find(".//c:Ownr/c:Nm", NS).text or "") == as_sent(name)


def test_every_field_stands_where_iso_20022_has_it():
    credit, debit = entry(1, 123_45, remittance=("INV1001", "INV1002")), entry(2, -5_00, counterparty="Lieferant")
    root = root_of(document([credit, debit], opening_minor=-1_00))
    assert root.tag == "{urn:iso:std:iso:20022:tech:xsd:camt.053.001.08}Document"
    stmt = root.find("c:BkToCstmrStmt/c:Stmt", NS)
    assert [child.tag.rpartition("}")[2] for child in stmt] == [
        *("Id", "ElctrncSeqNb", "LglSeqNb", "CreDtTm", "FrToDt", "Acct", "Bal", "Bal", "TxsSummry", "Ntry", "Ntry")
    ]
    one = {
        "c:Id": "ACC1-2026-03-02",
        "c:ElctrncSeqNb": "7",
        "c:CreDtTm": "2026-03-02T20:00:00Z",
        "c:FrToDt/c:FrDtTm": "2026-03-02T00:00:00Z",
        "c:FrToDt/c:ToDtTm": "2026-03-02T23:59:59Z",
        "c:Acct/c:Id/c:IBAN": IBAN,
        "c:Acct/c:Ccy": "EUR",
        "c:Acct/c:Ownr/c:Nm": "Nordwind",
        "c:Acct/c:Svcr/c:FinInstnId/c:BICFI": "TWINDEFFXXX",
        "c:Bal[1]/c:Tp/c:CdOrPrtry/c:Cd": "OPBD",
        "c:Bal[1]/c:Amt": "1.00",
        "c:Bal[1]/c:CdtDbtInd": "DBIT",
        "c:Bal[1]/c:Dt/c:Dt": DAY,
        "c:Bal[2]/c:Tp/c:CdOrPrtry/c:Cd": "CLBD",
        "c:Bal[2]/c:Amt": "117.45",
        "c:Ntry[1]/c:NtryRef": "B000000001",
        "c:Ntry[1]/c:Amt": "123.45",
        "c:Ntry[1]/c:CdtDbtInd": "CRDT",
        "c:Ntry[1]/c:Sts/c:Cd": "BOOK",
        "c:Ntry[1]/c:BookgDt/c:Dt": DAY,
        "c:Ntry[1]/c:ValDt/c:Dt": DAY,
        "c:Ntry[1]/c:AcctSvcrRef": "B000000001",
        "c:Ntry[1]/c:BkTxCd/c:Domn/c:Cd": "PMNT",
        "c:Ntry[1]/c:BkTxCd/c:Domn/c:Fmly/c:Cd": "RCDT",
        "c:Ntry[1]/c:BkTxCd/c:Domn/c:Fmly/c:SubFmlyCd": "ESCT",
        "c:Ntry[1]/c:NtryDtls/c:TxDtls/c:Refs/c:EndToEndId": "INV1001",
        "c:Ntry[1]/c:NtryDtls/c:TxDtls/c:Amt": "123.45",
        "c:Ntry[1]/c:NtryDtls/c:TxDtls/c:RltdPties/c:Dbtr/c:Pty/c:Nm": "Kunde AG",
        "c:Ntry[1]/c:NtryDtls/c:TxDtls/c:RltdPties/c:DbtrAcct/c:Id/c:IBAN": "DE89370400440532013000",
        "c:Ntry[2]/c:BkTxCd/c:Domn/c:Fmly/c:Cd": "ICDT",
        "c:Ntry[2]/c:Amt": "5.00",
        "c:Ntry[2]/c:CdtDbtInd": "DBIT",
        "c:Ntry[2]/c:NtryDtls/c:TxDtls/c:RltdPties/c:Cdtr/c:Pty/c:Nm": "Lieferant",
    }
    assert {path: texts(stmt, path) for path in one} == {path: [text] for path, text in one.items()}
    assert texts(root, "c:BkToCstmrStmt/c:GrpHdr/c:MsgId") == ["ACC1-2026-03-02"]
    assert texts(stmt, "c:Ntry[1]/c:NtryDtls/c:TxDtls/c:RmtInf/c:Ustrd") == ["INV1001", "INV1002"]
    assert {a.get("Ccy") for a in stmt.iterfind("c:Ntry//c:Amt", NS)} == {"EUR"}


@pytest.mark.parametrize(
    ("currency", "minor", "text"),
    [("EUR", 5, "0.05"), ("EUR", 10**12 + 1, "10000000000.01"), ("JPY", 1250, "1250"), ("KWD", 1005, "1.005")],
)
def test_amounts_have_the_decimals_of_their_currency(currency, minor, text):
    root = root_of(document([entry(amount_minor=minor)], currency=currency))
    assert {a.text for a in root.iterfind(".//c:Ntry//c:Amt", NS)} == {text}


def test_an_empty_day_is_a_statement_too():
    parser = CamtParser.from_bytes(document([], opening_minor=42_00))
    assert parser.get_summary()["closing_balance"] == Decimal("42.00")
    assert len(parser.parse()) == 0


def test_a_balance_of_nothing_is_a_credit():
    sides = texts(root_of(document([])), ".//c:CdtDbtInd")
    assert sides == ["CRDT", "CRDT", "CRDT"]


def test_a_file_is_named_by_account_date_and_sequence():
    statement = Statement("ACC1-2026-03-02", 7, "ACC1", DAY, 0, 0, [], 0)
    assert file_name(statement, BankAccount("ACC1", IBAN, "EUR", "N")) == f"camt053_{IBAN}_2026-03-02_00007.xml"
