"""Any statement of the bank, written in any format and read again, is what was booked, as far as the format can tell.

Each format is also read by a reader that is not ours: both find the same amounts, days and references.
"""

import importlib.util
import io
import sys
from decimal import Decimal
from pathlib import Path

import mt940 as independent_mt940
import pytest
from bai2 import bai2 as independent_bai2
from hypothesis import given, settings
from hypothesis import strategies as st
from mt940.options import Options

from o2c_twin.integration.connectors import bai2, camt053, camt054, mt940, ofx
from o2c_twin.mock_systems.vendors.bank_files import BankFilesConfig, bai2_file, mt940_file, ofx_file
from o2c_twin.mock_systems.vendors.bank_iso20022 import notification_document, statement_document

_WRITTEN = Path(__file__).parents[2] / "mock_systems" / "vendors" / "bank_files" / "statements.py"
_spec = importlib.util.spec_from_file_location("bank_statements", _WRITTEN)
statements = sys.modules.setdefault("bank_statements", importlib.util.module_from_spec(_spec))
_spec.loader.exec_module(statements)
account, entry, statement = statements.account, statements.entry, statements.statement

STYLES = ("german", "slash", "plain", "wrapped")
styles = pytest.mark.parametrize("style", STYLES)


def as_mt940(of, style="german", currency="EUR", **config):
    return mt940_file(of, account(currency), 7, BankFilesConfig(field_86=style, **config))


def as_bai2(of, currency="EUR", **config):
    return bai2_file(of, account(currency), 42, BankFilesConfig(**config))


def as_ofx(of, version, currency="EUR", **config):
    return ofx_file(of, account(currency), 42, BankFilesConfig(**config), version)


def as_camt054(of, batch=False):
    return notification_document(of, account(), "TWINDEFFXXX", "Twin Bank", batch)


def one(read, document):
    (found,) = read(document)
    return found


def figures(entries):
    return [(e.reference, e.amount_minor, e.currency, e.value_on) for e in entries]


def booked(of, currency="EUR"):
    return [(e.reference, e.amount_minor, currency, e.value_on) for e in of.entries]


def solid(text):
    return "".join((text or "").split())


any_statement = statements.clean_statements | statements.wild_statements

WRITERS = {
    **{f"mt940 {style}": (lambda of, style=style: as_mt940(of, style, page_entries=2)) for style in STYLES},
    "mt940 in an envelope": lambda of: as_mt940(of, swift_envelope=True),
    "mt940 without trailing blanks": lambda of: as_mt940(of, "wrapped", drop_trailing_blanks=True),
    "bai2": as_bai2,
    "bai2 with ended texts": lambda of: as_bai2(of, bai2_terminate_text=True),
    "ofx 1.x": lambda of: as_ofx(of, 1),
    "ofx 2.x": lambda of: as_ofx(of, 2),
}


def reader_of(name):
    return {"mt940": mt940, "bai2": bai2, "ofx": ofx}[name.split()[0]].read_statements


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=40)
@given(of=any_statement)
def test_whatever_a_payer_typed_amounts_signs_days_references_and_balances_come_back(name, of):
    found = one(reader_of(name), WRITERS[name](of))
    assert figures(found.entries) == booked(of)
    assert found.closing_minor == of.closing_minor
    assert found.opening_minor == (None if name.startswith("ofx") else of.opening_minor)
    assert (found.account, found.currency, found.day) == (statements.IBAN, "EUR", statements.DAY)
    assert [e.reference for e in found.credits] == [e.reference for e in of.entries if e.amount_minor > 0]


@settings(max_examples=60)
@given(of=any_statement, batch=st.booleans())
def test_a_notification_gives_the_credits_as_the_statement_of_the_day_does(of, batch):
    found = one(camt054.read_statements, as_camt054(of, batch))
    of_statement = camt053.read_statement(statement_document(of, account(), "TWINDEFFXXX", "Twin Bank"))
    # A batch books each value date together.
    assert sorted(found.entries, key=lambda e: e.reference) == of_statement
    assert figures(of_statement) == [row for row in booked(of) if row[1] > 0]


# --- texts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["german", "slash"])
@settings(max_examples=60)
@given(of=statements.clean_statements)
def test_structured_mt940_brings_every_text_back(style, of):
    for found, sent in zip(one(mt940.read_statements, as_mt940(of, style)).entries, of.entries, strict=True):
        assert found.remittance == " ".join(sent.remittance)
        assert found.end_to_end_id == sent.end_to_end_id
        assert found.payer == sent.counterparty
        assert found.payer_iban == sent.counterparty_iban


@pytest.mark.parametrize("style", ["plain", "wrapped"])
@settings(max_examples=60)
@given(of=statements.clean_statements, strip=st.booleans())
def test_free_mt940_brings_all_texts_back_as_one_and_the_reference_cut_at_sixteen(style, of, strip):
    document = as_mt940(of, style, drop_trailing_blanks=strip)
    for found, sent in zip(one(mt940.read_statements, document).entries, of.entries, strict=True):
        parts = (" ".join(sent.remittance), sent.counterparty, sent.counterparty_iban)
        assert found.remittance == " ".join(part for part in parts if part)
        assert found.end_to_end_id == (sent.end_to_end_id[:16] if sent.end_to_end_id else None)
        assert (found.payer, found.payer_iban) == (None, None)


@settings(max_examples=60)
@given(of=statements.clean_statements)
def test_bai2_brings_text_and_name_back_as_one(of):
    for found, sent in zip(one(bai2.read_statements, as_bai2(of)).entries, of.entries, strict=True):
        assert found.remittance == " ".join(part for part in (*sent.remittance, sent.counterparty) if part)
        assert found.end_to_end_id == (sent.end_to_end_id[:16] if sent.end_to_end_id else None)


@pytest.mark.parametrize("version", [1, 2])
@settings(max_examples=60)
@given(of=statements.clean_statements)
def test_ofx_brings_texts_back_as_far_as_they_fit(version, of):
    for found, sent in zip(one(ofx.read_statements, as_ofx(of, version)).entries, of.entries, strict=True):
        assert found.remittance == " ".join(sent.remittance)
        assert found.end_to_end_id == (sent.end_to_end_id[:32] if sent.end_to_end_id else None)
        assert found.payer == (sent.counterparty[:32].strip() if sent.counterparty else None)


@pytest.mark.parametrize("style", STYLES)
def test_a_reference_that_a_line_break_cuts_through_is_whole_again(style):
    # Up to a word as long as a line: whether a blank followed one that fills it, the free dialects do not tell.
    for shift in range(65):
        text = "X" * shift + " 20260012345 20260012346 20260012347"
        of = statement([entry(remittance=(text.strip(),), counterparty=None, counterparty_iban=None)])
        (found,) = one(mt940.read_statements, as_mt940(of, style)).entries
        assert found.remittance == text.strip()


@pytest.mark.parametrize(("currency", "minor"), [("JPY", 1250), ("KWD", 1005), ("EUR", 1), ("USD", 10**11 - 1)])
def test_amounts_are_minor_units_of_their_currency(currency, minor):
    of = statement([entry(amount_minor=minor), entry(2, -minor)])
    for document, read in (
        (as_mt940(of, currency=currency), mt940),
        (as_bai2(of, currency=currency), bai2),
        (as_ofx(of, 1, currency), ofx),
    ):
        found = one(read.read_statements, document)
        assert [(e.amount_minor, e.currency) for e in found.entries] == [(minor, currency), (-minor, currency)]


def test_bai2_words_stay_apart_wherever_a_record_ends():
    for shift in range(1, 77):
        text = "X" * shift + " 20260012345 20260012346 20260012347 20260012348"
        (found,) = one(bai2.read_statements, as_bai2(statement([entry(remittance=(text,), counterparty=None)]))).entries
        assert found.remittance == text


@pytest.mark.parametrize("style", STYLES)
def test_the_dialects_own_signs_in_a_text_do_no_harm(style):
    text = "IS IT ?20 OR ?31DE00 OR SVWZ+NO :61:X"
    of = statement([entry(remittance=(text,), counterparty="A?32 B", counterparty_iban=None)])
    (found,) = one(mt940.read_statements, as_mt940(of, style)).entries
    assert found.remittance.startswith(text.replace("?", ".") if style == "german" else text)
    assert found.payer_iban is None


@pytest.mark.parametrize("length", [75, 76, 77, 78, 79, 80, 160, 200])
def test_a_word_longer_than_a_bai2_record_is_whole_again(length):
    of = statement([entry(remittance=("7" * length,), counterparty=None)])
    (found,) = one(bai2.read_statements, as_bai2(of)).entries
    assert found.remittance == "7" * length


# --- the other reader -------------------------------------------------------------------------------


def cents(amount):
    return int(Decimal(amount).scaleb(2))


@styles
@settings(max_examples=40)
@given(of=any_statement)
def test_mt940_is_read_as_another_reader_reads_it(style, of):
    document = as_mt940(of, style, page_entries=2)
    other = independent_mt940.parse(
        document.decode(), options=Options(applicant_iban=True, merge_keeps_values=True, reversal_sign=True)
    )
    ours = one(mt940.read_statements, document)
    assert [(e.reference, e.amount_minor, e.value_on) for e in ours.entries] == [
        (row.data["bank_reference"], cents(row.data["amount"].amount), row.data["date"].isoformat()) for row in other
    ]
    assert ours.opening_minor == cents(other.data["final_opening_balance"].amount.amount)
    if style == "german":
        for found, row in zip(ours.entries, other, strict=True):
            # The other reader knows code words anywhere, and sees `transaction_details` where there are none.
            if "+" not in found.remittance:
                assert solid(found.remittance) == solid(row.data.get("purpose"))
            assert solid(found.payer) == solid(row.data.get("applicant_name"))


@settings(max_examples=60)
@given(of=any_statement)
def test_bai2_is_read_as_another_reader_reads_it(of):
    document = as_bai2(of)
    (rows,) = (group.children[0].children for group in independent_bai2.parse_from_string(document.decode()).children)
    ours = one(bai2.read_statements, document)
    assert [(e.reference, abs(e.amount_minor), e.end_to_end_id) for e in ours.entries] == [
        (row.bank_reference, row.amount, row.customer_reference) for row in rows
    ]
    assert [e.amount_minor > 0 for e in ours.entries] == [r.type_code.transaction.value == "credit" for r in rows]
    for found, row in zip(ours.entries, rows, strict=True):
        assert solid(found.remittance) == solid(row.text)


@pytest.mark.parametrize("version", [1, 2])
@settings(max_examples=40)
@given(of=any_statement)
def test_ofx_is_read_as_another_reader_reads_it(version, of):
    document = as_ofx(of, version)
    reader = pytest.importorskip(
        "ofxtools.Parser",
        reason="GPL, so no dependency of this project: install ofxtools to compare with it",
    )
    tree = reader.OFXTree()
    tree.parse(io.BytesIO(document))
    rows = tree.convert().statements[0].transactions
    ours = one(ofx.read_statements, document)
    assert [(e.reference, e.amount_minor, e.end_to_end_id, e.remittance or None, e.payer) for e in ours.entries] == [
        (row.fitid, cents(row.trnamt), row.refnum, row.memo, row.name) for row in rows
    ]
