"""MT940 as the bank writes it: what an independent reader finds is what was booked, in every dialect of field 86."""

import re
from datetime import date
from decimal import Decimal

import mt940
import pytest
from bank_statements import DAY, IBAN, account, clean_statements, entry, statement, wild_statements
from hypothesis import given, settings
from hypothesis import strategies as st
from mt940.options import Options

from o2c_twin.mock_systems.vendors.bank_files import BankFilesConfig, mt940_file

STYLES = ("german", "slash", "plain", "wrapped")
OPTIONS = Options(applicant_iban=True, merge_keeps_values=True, reversal_sign=True)
styles = pytest.mark.parametrize("style", STYLES)


def written(of, style="german", number=7, currency="EUR", **config):
    return mt940_file(of, account(currency), number, BankFilesConfig(field_86=style, **config)).decode("ascii")


def decimal(minor):
    return Decimal(minor).scaleb(-2)


def solid(text):
    return "".join((text or "").split())


@styles
@settings(max_examples=40)
@given(of=clean_statements | wild_statements, pages=st.integers(1, 3))
def test_an_independent_reader_finds_amounts_dates_references_and_balances_to_the_cent(style, of, pages):
    read = mt940.parse(written(of, style, page_entries=pages), options=OPTIONS)
    # The reader takes pages for one statement: the first balance is the opening one, the last the closing one.
    assert read.data["final_opening_balance"].amount.amount == decimal(of.opening_minor)
    assert read.data["final_closing_balance"].amount.amount == decimal(of.closing_minor)
    assert read.data["account_identification"] == IBAN
    assert len(read) == len(of.entries)
    for row, booked in zip(read, of.entries, strict=True):
        assert row.data["amount"].amount == decimal(booked.amount_minor)
        assert row.data["bank_reference"] == booked.reference
        assert row.data["date"] == date.fromisoformat(booked.value_on)
        assert row.data["entry_date"] == date.fromisoformat(booked.booked_on)
        assert row.data["status"].startswith("R") == (booked.kind == "return")


@settings(max_examples=60)
@given(of=clean_statements)
def test_the_german_subfields_hold_reference_purpose_name_and_account(of):
    for row, booked in zip(mt940.parse(written(of), options=OPTIONS), of.entries, strict=True):
        # This reader loses a blank at the end of a piece or line, as many do: words glue together.
        assert solid(row.data.get("purpose")) == solid(" ".join(booked.remittance))
        assert row.data.get("end_to_end_reference") == booked.end_to_end_id
        assert solid(row.data.get("applicant_name")) == solid((booked.counterparty or "")[:54])
        assert row.data.get("applicant_iban") == booked.counterparty_iban


@styles
@settings(max_examples=60)
@given(of=wild_statements)
def test_no_line_breaks_the_rules_of_the_format(style, of):
    text = written(of, style, upper_case=False)
    lines = text.split("\r\n")
    assert lines[-1] == "" and "\n" not in text.replace("\r\n", "")
    tags = re.compile(r":(20|25|28C|60F|60M|61|62F|62M|64|65|86):")
    inside = 0
    for line in lines[:-1]:
        assert re.fullmatch(r"[A-Za-z0-9/\-?:().,'+ ]*", line)
        tag = tags.match(line)
        inside = 1 if tag and tag[1] == "86" else inside + 1 if inside and not tag and line != "-" else 0
        assert inside <= 6
        assert len(line.removeprefix(":86:") if inside else line.removeprefix(":61:")) <= 65
        assert tag or line == "-" or line[:1] not in (":", "-")


@styles
@pytest.mark.parametrize("text", ["-" * 300, "A-" * 150, ":" * 66, "A:-" * 60, "12-" * 90])
def test_no_line_begins_with_a_colon_or_hyphen_whatever_stands_there(style, text):
    for shift in range(3):
        of = statement([entry(remittance=("B" * shift + text,), counterparty=text[:60])])
        lines = written(of, style).split("\r\n")
        assert [line for line in lines if re.match(r":\D|-.", line)] == []


def test_a_long_reference_is_cut_at_sixteen_on_the_entry_and_kept_in_the_information():
    text = written(statement([entry(end_to_end_id="PROJECT-2026/INVOICE-0001234567")]), "slash")
    assert "NTRFPROJECT-2026/INV//B000000001\r\n:86:/EREF/PROJECT-2026/INVOICE-0001234567/IBAN/" in text
    assert "NTRFNONREF//" in written(statement([entry(end_to_end_id=None)]))
    # A double slash would end the reference.
    assert "NTRFA/B//B000000001" in written(statement([entry(end_to_end_id="A//B/")]))


def test_the_purpose_is_cut_in_pieces_of_27_each_code_word_at_the_start_of_one():
    text = written(statement([entry(remittance=("INVOICES 2026-00123 2026-00124 2026-00125 2026-00126",))]))
    field = "".join(text[text.index(":86:") : text.index("\r\n:62F:")].split("\r\n"))
    assert "?20EREF+INV1001?21SVWZ+INVOICES 2026-00123 20?2226-00124 2026-00125 2026-00?23126?31DE89" in field
    assert field.startswith(":86:166?00SEPA CREDIT TRANSFER?10000001?20")


def test_hard_wrapping_cuts_through_a_number_and_soft_wrapping_does_not():
    words = "PAYMENT FOR OUR INVOICES WITH THE NUMBERS 2026-00123 2026-00124 2026-00125"
    of = statement([entry(remittance=(words,), counterparty=None, counterparty_iban=None)])
    assert "2026-00124 2\r\n026-00125\r\n" in written(of, "wrapped").replace(":86:", "")
    assert "2026-00124\r\n2026-00125\r\n" in written(of, "plain")


def test_six_lines_are_all_there_is():
    numbers = " ".join(f"INV-2026-{n:06d}" for n in range(60))
    of = statement([entry(remittance=(numbers,))])
    for style, last in (("german", 15), ("slash", 19), ("plain", 23), ("wrapped", 23)):
        text = written(of, style).replace("\r\n", "")
        kept = max(n for n in range(60) if f"{n:06d}" in re.sub(r"\?2\d", "", text[text.index(":86:") :]))
        assert kept == last, style


@pytest.mark.parametrize(
    ("umlauts", "upper", "name"),
    [
        ("digraph", True, "MUELLER . SOEHNE STRASSE"),
        ("plain", True, "MULLER . SOHNE STRASSE"),
        ("digraph", False, "Mueller . Soehne Strasse"),
    ],
)
def test_letters_outside_the_swift_set_are_written_otherwise(umlauts, upper, name):
    of = statement([entry(counterparty="Müller & Söhne Straße")])
    assert name in written(of, "plain", umlauts=umlauts, upper_case=upper)


@pytest.mark.parametrize(
    ("amount", "kind", "start"),
    [
        (100, "transfer", ":61:2603020302CR1,00NTRF"),
        (-100, "transfer", ":61:2603020302DR1,00NTRF"),
        (-100, "return", ":61:2603020302RCR1,00NRTI"),
        (100, "return", ":61:2603020302RDR1,00NRTI"),
        (-5, "fee", ":61:2603020302DR0,05NCHG"),
    ],
)
def test_a_return_reverses_what_it_undoes(amount, kind, start):
    assert start in written(statement([entry(amount_minor=amount, kind=kind)]))


def test_pages_hand_their_balance_on_and_the_last_tells_what_is_available():
    entries = [entry(n, 100, value_on="2026-03-04" if n == 5 else DAY) for n in range(1, 6)]
    text = written(statement(entries, -50), page_entries=2)
    balances = re.findall(r":(28C|60.|62.|64|65):(\S+)", text)
    assert balances == [
        ("28C", "00007/001"),
        ("60F", "D260302EUR0,50"),
        ("62M", "C260302EUR1,50"),
        ("28C", "00007/002"),
        ("60M", "C260302EUR1,50"),
        ("62M", "C260302EUR3,50"),
        ("28C", "00007/003"),
        ("60M", "C260302EUR3,50"),
        ("62F", "C260302EUR4,50"),
        ("64", "C260302EUR3,50"),
        ("65", "C260304EUR4,50"),
    ]


def test_an_empty_day_has_both_balances_and_no_entry():
    text = written(statement([], 4200), number=3)
    assert text == (
        f":20:S26030200003\r\n:25:{IBAN}\r\n:28C:00003/001\r\n:60F:C260302EUR42,00\r\n:62F:C260302EUR42,00\r\n"
        ":64:C260302EUR42,00\r\n-\r\n"
    )


@pytest.mark.parametrize(
    ("currency", "minor", "text"), [("JPY", 1250, "1250,"), ("KWD", 1005, "1,005"), ("EUR", 5, "0,05")]
)
def test_amounts_have_a_comma_and_the_decimals_of_their_currency(currency, minor, text):
    assert f"C{currency[2]}{text}N" in written(statement([entry(amount_minor=minor)]), currency=currency)


def test_the_swift_envelope_is_around_every_page_if_the_bank_sends_it():
    text = written(statement([entry(1), entry(2)]), page_entries=1, swift_envelope=True)
    assert text.count("{1:F01TWINDEFFXXXX0000000000}{2:I940TWINDEFFXXXXN}{4:\r\n:20:") == text.count("\r\n-}\r\n") == 2
    assert len(mt940.parse(text)) == 2
