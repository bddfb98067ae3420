"""OFX as the bank writes it, 1.x and 2.x: an independent reader, strict about the standard, finds what was booked."""

import io
from datetime import date
from decimal import Decimal

import pytest
from bank_statements import IBAN, account, clean_statements, entry, statement, wild_statements
from hypothesis import given, settings

from o2c_twin.mock_systems.vendors.bank_files import BankFilesConfig, ofx_file

versions = pytest.mark.parametrize("version", [1, 2])


def written(of, version, currency="EUR", number=42, **config):
    return ofx_file(of, account(currency), number, BankFilesConfig(**config), version)


def read(document):
    reader = pytest.importorskip(
        "ofxtools.Parser",
        reason="GPL, so no dependency of this project: install ofxtools to compare with it",
    )
    tree = reader.OFXTree()
    tree.parse(io.BytesIO(document))
    return tree.convert().statements[0]


@versions
@settings(max_examples=60)
@given(of=clean_statements | wild_statements)
def test_an_independent_reader_finds_amounts_dates_ids_and_balances_to_the_cent(version, of):
    found = read(written(of, version))
    assert (found.curdef, found.account.bankid, found.account.acctid) == ("EUR", "50010517", IBAN)
    assert found.balance.balamt == Decimal(of.closing_minor).scaleb(-2)
    assert len(found.transactions) == len(of.entries)
    for row, booked in zip(found.transactions, of.entries, strict=True):
        assert row.trnamt == Decimal(booked.amount_minor).scaleb(-2)
        assert row.fitid == booked.reference
        assert row.dtposted.date() == date.fromisoformat(booked.booked_on)
        assert row.dtavail.date() == date.fromisoformat(booked.value_on)


@versions
@settings(max_examples=60)
@given(of=clean_statements)
def test_texts_come_through(version, of):
    for row, booked in zip(read(written(of, version)).transactions, of.entries, strict=True):
        assert (row.memo or "") == " ".join(booked.remittance)
        assert row.name == (booked.counterparty[:32].strip() if booked.counterparty else None)
        assert row.refnum == (booked.end_to_end_id[:32] if booked.end_to_end_id else None)


@versions
def test_a_name_is_cut_at_32_a_memo_at_255_and_markup_stays_text(version):
    of = statement([entry(counterparty="A & B <GmbH> Müller" + "x" * 40, remittance=("m" * 140, "n" * 140))])
    (row,) = read(written(of, version)).transactions
    assert row.name == ("A & B <GmbH> Müller" + "x" * 40)[:32]
    assert row.memo == ("m" * 140 + " " + "n" * 140)[:255]


def test_sgml_leaves_are_open_and_xml_ones_closed():
    one, two = (written(statement([entry()]), version) for version in (1, 2))
    assert one.startswith(b"OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\n")
    assert b"<FITID>B000000001\r\n" in one and b"</FITID>" not in one
    assert two.startswith(b'<?xml version="1.0"') and b'<?OFX OFXHEADER="200" VERSION="211"' in two
    assert b"<FITID>B000000001</FITID>" in two


@versions
def test_the_same_entry_has_the_same_id_in_every_file_unless_the_bank_changes_them(version):
    of = statement([entry(1), entry(2)])

    def ids(**more):
        return [row.fitid for row in read(written(of, version, **more)).transactions]

    assert ids(number=1) == ids(number=2) == ["B000000001", "B000000002"]
    assert ids(number=1, fitid_changes=True) == ["1-1", "1-2"]
    assert ids(number=2, fitid_changes=True) == ["2-1", "2-2"]


@versions
@pytest.mark.parametrize(
    ("kind", "minor", "type_"),
    [
        ("transfer", 1, "CREDIT"),
        ("transfer", -1, "DEBIT"),
        ("fee", -1, "FEE"),
        ("direct-debit", -1, "DIRECTDEBIT"),
        ("check", -1, "CHECK"),
        ("return", -1, "DEBIT"),
    ],
)
def test_the_type_says_what_moved_the_money(version, kind, minor, type_):
    (row,) = read(written(statement([entry(amount_minor=minor, kind=kind)]), version)).transactions
    assert (row.trntype, row.trnamt) == (type_, Decimal(minor).scaleb(-2))


@versions
@pytest.mark.parametrize(("currency", "minor", "text"), [("JPY", 1250, "1250"), ("KWD", -1005, "-1.005")])
def test_amounts_have_the_decimals_of_their_currency(version, currency, minor, text):
    assert f"<TRNAMT>{text}".encode() in written(statement([entry(amount_minor=minor)]), version, currency)
