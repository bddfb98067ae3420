"""BAI2 as the bank writes it: an independent reader accepts its counts and totals, and finds what was booked."""

import itertools
import re

import pytest
from bai2 import bai2
from bank_statements import IBAN, account, clean_statements, entry, statement, wild_statements
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.mock_systems.vendors.bank_files import BankFilesConfig, bai2_file


def written(of, currency="EUR", correction=False, **config):
    return bai2_file(of, account(currency), 42, BankFilesConfig(**config), correction).decode("ascii")


def solid(text):
    return "".join((text or "").split())


@settings(max_examples=100)
@given(of=clean_statements | wild_statements, terminate=st.booleans())
def test_an_independent_reader_checks_the_totals_and_finds_every_entry(of, terminate):
    file = bai2.parse_from_string(written(of, bai2_terminate_text=terminate), check_integrity=True)
    (group,) = file.children
    (read,) = group.children
    assert (read.header.customer_account_number, read.header.currency) == (IBAN, "EUR")
    totals = {item.type_code.code: (item.amount, item.item_count) for item in read.header.summary_items}
    credits = [e.amount_minor for e in of.entries if e.amount_minor > 0]
    debits = [-e.amount_minor for e in of.entries if e.amount_minor < 0]
    assert (totals["010"][0], totals["015"][0]) == (of.opening_minor, of.closing_minor)
    assert totals["100"] == (sum(credits), len(credits))
    assert totals["400"] == (sum(debits), len(debits))
    assert len(read.children) == len(of.entries)
    for row, booked in zip(read.children, of.entries, strict=True):
        sign = 1 if row.type_code.transaction.value == "credit" else -1
        assert sign * row.amount == booked.amount_minor
        assert row.bank_reference == booked.reference
        value = row.availability["date"].isoformat() if row.availability else of.date
        assert value == booked.value_on


@settings(max_examples=60)
@given(of=clean_statements)
def test_the_text_comes_through_and_the_reference_as_far_as_it_fits(of):
    (group,) = bai2.parse_from_string(written(of)).children
    for row, booked in zip(group.children[0].children, of.entries, strict=True):
        assert solid(row.text) == solid(" ".join(booked.remittance) + (booked.counterparty or ""))
        assert (row.customer_reference or "") == (booked.end_to_end_id or "")[:16]


@settings(max_examples=60)
@given(of=wild_statements)
def test_no_record_is_longer_than_it_says_and_a_text_that_goes_on_is_not_ended(of):
    lines = written(of).split("\r\n")[:-1]
    assert all(re.fullmatch(r"(01|02|03|16|49|88|98|99),[ -~]*", line) and len(line) <= 80 for line in lines)
    for line, following in itertools.pairwise(lines):
        if line.startswith("16,") and following.startswith("88,") and line.count(",") > 8:
            assert not line.endswith("/")


def test_one_file_to_the_letter():
    entries = [
        entry(
            1, 123456, remittance=("INV/2026/0001 and INV/2026/0002, less 2% /",), counterparty="Müller & Söhne GmbH"
        ),
        entry(2, -500, kind="fee", end_to_end_id=None, remittance=(), counterparty=None),
        entry(3, 99, value_on="2026-03-04", end_to_end_id="A,B/C 0123456789XYZ", remittance=("X" * 90,)),
    ]
    assert written(statement(entries, -100)).split("\r\n") == [
        "01,TWINDEFFXXX,o2c-files,260302,2000,42,80,,2/",
        "02,o2c-files,TWINDEFFXXX,1,260302,2400,EUR,2/",
        f"03,{IBAN},EUR,010,-100,,,015,+122955,,,045,+122856,,/",
        "88,100,123555,2,,400,500,1,/",
        "16,142,123456,0,B000000001,INV1001,INV/2026/0001 AND INV/2026/0002, LESS 2%",
        "88,MUELLER & SOEHNE GMBH",
        "16,698,500,0,B000000002,,/",
        "16,142,99,V,260304,,B000000003,A B C 0123456789," + "X" * 32,
        "88," + "X" * 58 + " KUNDE AG",
        # -1.00 + 1,229.55 + 1,228.56 of balances, 1,235.55 and 5.00 of totals, and the same in details
        "49,493821,8/",
        "98,493821,1,10/",
        "99,493821,1,12/",
        "",
    ]


def test_a_correction_says_so_in_its_group():
    assert written(statement([])).split("\r\n")[1].split(",")[3] == "1"
    assert written(statement([]), correction=True).split("\r\n")[1].split(",")[3] == "3"


@pytest.mark.parametrize(
    ("kind", "credit", "debit"),
    [
        ("transfer", "142", "495"),
        ("direct-debit", "165", "455"),
        ("return", "257", "557"),
        ("fee", "399", "698"),
        ("check", "175", "475"),
    ],
)
def test_the_type_code_says_what_moved_the_money_and_which_way(kind, credit, debit):
    text = written(statement([entry(1, 1, kind=kind), entry(2, -1, kind=kind)]))
    assert re.findall(r"^16,(\d+)", text, re.MULTILINE) == [credit, debit]


def test_minor_units_stand_without_a_point_whatever_the_currency():
    assert ",142,1250,0," in written(statement([entry(amount_minor=1250)]), "JPY")
    assert ",JPY," in written(statement([]), "JPY")
