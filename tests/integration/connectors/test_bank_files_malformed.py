"""Files that cannot be trusted are refused: by name, line and remedy, and never by an accident of the reader."""

import random
import re

import pytest

from o2c_twin.integration.connectors import bai2, camt054, mt940, ofx
from o2c_twin.integration.connectors.bank_files_statement import MalformedFile

MT940 = b"""\
:20:S26030200007
:25:DE02500105170000000042
:28C:00007/001
:60F:C260302EUR10,00
:61:2603020302C100,00NTRFINV1001//B1
:86:166?00CREDIT?20EREF+INV1001?21SVWZ+INV1001?31DE89?32KUNDE
:62M:C260302EUR110,00
-
:20:S26030200007
:25:DE02500105170000000042
:28C:00007/002
:60M:C260302EUR110,00
:61:2603020302D20,00NCHGNONREF//B2
:86:808?00CHARGES?20SVWZ+FEE
:62F:C260302EUR90,00
:64:C260302EUR90,00
-
"""
BAI2 = b"""\
01,BANK,CLIENT,260302,2000,42,80,,2/
02,CLIENT,BANK,1,260302,2400,EUR,2/
03,DE02500105170000000042,EUR,010,+1000,,,015,+9000,,/
88,100,10000,1,,400,2000,1,/
16,142,10000,0,B1,INV1001,PAYMENT OF INVOICE
88,INV1001 KUNDE
16,698,2000,0,B2,,/
49,34000,6/
98,34000,1,8/
99,34000,1,10/
"""
OFX = b"""\
OFXHEADER:100
DATA:OFXSGML
VERSION:102
SECURITY:NONE
ENCODING:USASCII
CHARSET:1252
COMPRESSION:NONE
OLDFILEUID:NONE
NEWFILEUID:NONE

<OFX>
<BANKMSGSRSV1><STMTTRNRS>
<STATUS><CODE>0<SEVERITY>INFO</STATUS>
<STMTRS>
<CURDEF>EUR
<BANKACCTFROM><BANKID>50010517<ACCTID>DE02500105170000000042<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST><DTSTART>20260302<DTEND>20260302
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260302<TRNAMT>100.00<FITID>B1<NAME>KUNDE<MEMO>INV1001</STMTTRN>
<STMTTRN><TRNTYPE>FEE<DTPOSTED>20260302<TRNAMT>-20.00<FITID>B2
<MEMO>
</STMTTRN>
</BANKTRANLIST>
<LEDGERBAL><BALAMT>90.00<DTASOF>20260302</LEDGERBAL>
</STMTRS></STMTTRNRS></BANKMSGSRSV1>
</OFX>
"""
CAMT054 = b"""\
<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-02T20:00:00Z</CreDtTm></GrpHdr>
<Ntfctn><Id>N1</Id><CreDtTm>2026-03-02T20:00:00Z</CreDtTm>
<Acct><Id><IBAN>DE02500105170000000042</IBAN></Id><Ccy>EUR</Ccy></Acct>
<TxsSummry><TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>100.00</Sum></TtlCdtNtries></TxsSummry>
<Ntry><Amt Ccy="EUR">100.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<ValDt><Dt>2026-03-02</Dt></ValDt><AcctSvcrRef>S1</AcctSvcrRef>
<NtryDtls><Btch><NbOfTxs>2</NbOfTxs><TtlAmt Ccy="EUR">100.00</TtlAmt></Btch>
<TxDtls><Refs><AcctSvcrRef>B1</AcctSvcrRef></Refs><Amt Ccy="EUR">60.00</Amt></TxDtls>
<TxDtls><Refs><EndToEndId>E2</EndToEndId></Refs><Amt Ccy="EUR">40.00</Amt></TxDtls>
</NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>
"""
FORMATS = {"mt940": (mt940, MT940), "bai2": (bai2, BAI2), "ofx": (ofx, OFX), "camt054": (camt054, CAMT054)}
formats = pytest.mark.parametrize("name", FORMATS)


def figures(read, document):
    return [(e.reference, e.amount_minor) for s in read.read_statements(document, "bank.txt") for e in s.entries]


def refused(name, document):
    with pytest.raises(MalformedFile) as caught:
        FORMATS[name][0].read_statements(document, "bank.txt")
    error = caught.value
    assert str(error).startswith(f"bank.txt, line {error.line}: {error.problem}; {error.remedy}")
    assert 1 <= error.line <= document.count(b"\n") + 1
    assert error.remedy
    return error


LENIENT = [
    (MT940, b":20:S26030200007\n", b"ABNANL2A\n940\nABNANL2A\n:20:S26030200007\n"),
    (MT940, b":20:S26030200007\n", b"\x01\n:20:S26030200007\n"),
    (MT940, b"\n-\n", b"\n-\x03\n"),
    (MT940, b"2603020302C100", b"260302    C100"),
    (MT940, b"2603020302C100", b"260302CR100"),
    (MT940, b"C100,00N", b"C100N"),
    (MT940, b"C100,00NTRF", b"C100,00S   "),
    (MT940, b"EUR10,00", b"EUR00000000000010,"),
    (MT940, b":60F:C260302EUR10,00\n", b":60F:C260302EUR10,00\n:86:GENERAL NEWS\n"),
    (MT940, b"\n", b"\r\n"),
    (MT940, b":20:S26030200007\n", b"\xef\xbb\xbf:20:S26030200007\n"),
    (MT940, b":28C:00007/002", b":28C:00007/001"),
    (BAI2, b"0,B1,INV1001,", b"S,10000,0,0,B1,INV1001,"),
    (BAI2, b"0,B1,INV1001,", b"D,2,0,5000,1,5000,B1,INV1001,"),
    (BAI2, b"0,B1,INV1001,", b"V,,,B1,INV1001,"),
    (BAI2, b",1,/", b",1,,/"),
    (BAI2, b"16,698,2000,0,B2,,/", b"16,698,2000,,B2,,a text, with / and , in it"),
    (BAI2, b"\n99,34000,1,10/\n", b"\n99,34000,1,10/\n\n\x1a"),
    (BAI2, b"03,DE02500105170000000042,EUR,", b"03,DE02500105170000000042,,"),
    (OFX, b"<TRNAMT>100.00", b"<TRNAMT>+100,0"),
    (OFX, b"<TRNAMT>100.00<FITID>B1<NAME>KUNDE", b"<TRNAMT>100<FITID>B1<PAYEE><NAME>KUNDE</PAYEE>"),
    (OFX, b"<MEMO>\n", b"<MEMO></MEMO>\n"),
    (OFX, b"\n", b"\r\n"),
    (OFX, b"CHARSET:1252", b"CHARSET:ISO-8859-1"),
    (CAMT054, b"<Sts><Cd>BOOK</Cd></Sts>", b"<Sts>BOOK</Sts>"),
    (CAMT054, b'xmlns="urn', b'xmlns:n="x" xmlns="urn'),
]


@pytest.mark.parametrize(("whole", "old", "new"), LENIENT)
def test_what_banks_do_to_a_format_is_taken_as_it_is_meant(whole, old, new):
    read = next(read for read, sample in FORMATS.values() if sample is whole)
    assert old in whole
    changed = whole.replace(old, new, whole.count(old) if old == b"\n" else 1)
    assert figures(read, changed) == figures(read, whole)


def test_an_entry_the_bank_gives_no_reference_is_named_by_its_statement_and_place():
    nameless = MT940.replace(b"//B1", b"//NONREF").replace(b"//B2", b"")
    names = [name for name, _ in figures(mt940, nameless)]
    assert names == [f"DE02500105170000000042/2026-03-02/00007/{n}" for n in (1, 2)]
    names = [name for name, _ in figures(bai2, BAI2.replace(b",B1,", b",,").replace(b",B2,", b",,"))]
    assert names == [f"DE02500105170000000042/2026-03-02/{n}" for n in (1, 2)]


def test_events_without_money_are_no_entries():
    news = b":61:2603020302C0,00NMSCNONREF//B9\n:62M:"
    assert figures(mt940, MT940.replace(b":62M:", news)) == figures(mt940, MT940)
    assert figures(ofx, OFX.replace(b"<TRNAMT>-20.00", b"<TRNAMT>0.00")) == [("B1", 10_000)]
    told = BAI2.replace(b"16,698,2000,0,B2,,/", b"16,698,2000,0,B2,,/\n16,890,,,,,NEWS")
    told = told.replace(b"00,6/", b"00,7/").replace(b",1,8/", b",1,9/").replace(b",1,10/", b",1,11/")
    assert figures(bai2, told) == figures(bai2, BAI2)


def test_an_entry_valued_on_the_thirtieth_of_february_is_of_its_last_day():
    for day, meant in (("260230", "2026-02-28"), ("280230", "2028-02-29"), ("280229", "2028-02-29")):
        (first, *_) = mt940.read_statements(MT940.replace(b":61:260302", f":61:{day}".encode(), 1))
        assert first.entries[0].value_on == meant


def test_an_empty_day_may_have_no_control_totals():
    empty = b"""\
01,BANK,CLIENT,260302,2000,42,,,2/
02,CLIENT,BANK,1,260302,2400,EUR,2/
03,DE1,EUR,010,,,,015,,,/
49,,2/
98,,1,4/
99,,1,6/
"""
    (found,) = bai2.read_statements(empty)
    assert (found.opening_minor, found.closing_minor, found.entries) == (0, 0, ())


def test_a_notification_of_a_debit_is_negative_and_what_is_not_booked_is_no_entry():
    summed = b"<TtlCdtNtries><NbOfNtries>1</NbOfNtries><Sum>100.00</Sum></TtlCdtNtries>"
    debit = CAMT054.replace(b"CRDT", b"DBIT").replace(summed, summed.replace(b"Cdt", b"Dbt"))
    assert figures(camt054, debit) == [("B1", -6_000), ("S1/2", -4_000)]
    assert figures(camt054, CAMT054.replace(b"<Cd>BOOK</Cd>", b"<Cd>PDNG</Cd>")) == []


def test_a_notification_of_the_older_version_names_the_payer_elsewhere():
    details = (
        b"<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs>"
        b'<AmtDtls><TxAmt><Amt Ccy="EUR">60.00</Amt></TxAmt></AmtDtls><RltdPties><Dbtr><Nm>ACME</Nm></Dbtr>'
        b"<DbtrAcct><Id><IBAN>DE89</IBAN></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>INV</Ustrd><Ustrd>7</Ustrd>"
        b"<Strd><CdtrRefInf><Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>"
    )
    first = CAMT054[CAMT054.index(b"<TxDtls>") : CAMT054.index(b"</TxDtls>") + 9]
    older = CAMT054.replace(first, details).replace(b".001.08", b".001.02").replace(b"<Cd>BOOK</Cd>", b"BOOK")
    entry = camt054.read_statements(older)[0].entries[0]
    assert (entry.reference, entry.amount_minor, entry.end_to_end_id) == ("S1/1", 6_000, None)
    assert (entry.payer, entry.payer_iban, entry.remittance) == ("ACME", "DE89", "INV 7 RF18539007547034")


@pytest.mark.parametrize(("code", "sign"), [(399, 1), (400, -1), (699, -1), (920, 1), (959, 1), (960, -1)])
def test_the_type_code_says_credit_or_debit(code, sign):
    document = BAI2.replace(b"16,142,", b"16,%d," % code).replace(b"010,+1000,", b"010,,")
    document = document.replace(b"015,+9000,", b"015,,").replace(b"34000", b"24000")
    if sign > 0:
        document = document.replace(b"015,,", b"015,+8000,").replace(b"24000", b"32000")
    else:
        document = document.replace(b"015,,", b"015,-12000,").replace(b"24000", b"12000")
    assert figures(bai2, document) == [("B1", sign * 10_000), ("B2", -2_000)]


def test_several_fields_of_information_on_one_entry_are_read_together():
    more = b":86:166?00CREDIT?20EREF+INV1001?21SVWZ+INV\n:86:1001?31DE89?32KUNDE\n"
    whole = b":86:166?00CREDIT?20EREF+INV1001?21SVWZ+INV1001?31DE89?32KUNDE\n"
    assert mt940.read_statements(MT940.replace(whole, more)) == mt940.read_statements(MT940)


@formats
def test_the_samples_are_whole(name):
    expected = {
        "mt940": [("B1", 10_000), ("B2", -2_000)],
        "bai2": [("B1", 10_000), ("B2", -2_000)],
        "ofx": [("B1", 10_000), ("B2", -2_000)],
        "camt054": [("B1", 6_000), ("S1/2", 4_000)],
    }
    assert figures(*FORMATS[name]) == expected[name]


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "problem"),
    [
        ("mt940", b":28C:00007/001\n", b":28C:00007/001\nhello\n", 4, "belongs to no field"),
        ("mt940", b"C100,00N", b"C100.00N", 5, "is not an entry"),
        ("mt940", b"C100,00N", b"C100,001N", 5, "is not one"),
        ("mt940", b":61:260302", b":61:260231", 5, "'2026-02-31' is not a date"),
        ("mt940", b"C100,00N", b"D100,00N", 7, "opening 1000 and entries -10000 make -9000"),
        ("mt940", b":62F:C260302EUR90,00", b":62F:C260302EUR90,01", 15, "the closing balance is 9001"),
        ("mt940", b":62F:C260302EUR90,00", b":62F:C260302USD90,00", 15, "balances in EUR, EUR and USD"),
        ("mt940", b":60M:C260302EUR110,00", b":60M:C260302EUR100,00", 12, "does not open with the balance"),
        ("mt940", b":28C:00007/002", b":28C:00007/003", 12, "a page is missing"),
        ("mt940", b":28C:00007/002", b":28C:seven", 11, "is not a statement number"),
        ("mt940", b":60M:C260302EUR110,00", b":60F:C260302EUR110,00", 9, "begins before the last page"),
        ("mt940", b":60F:C260302EUR10,00", b":60M:C260302EUR10,00", 4, "a page without the page before"),
        ("mt940", b":62F:C260302EUR90,00", b":62M:C260302EUR90,00", 15, "the last page of the statement is missing"),
        ("mt940", b":62F:C260302EUR90,00\n", b"", 9, "has no field 62F or 62M"),
        ("mt940", b":25:DE02500105170000000042\n", b"", 1, "has no field 25"),
        ("mt940", b":25:DE02500105170000000042\n", b":25:DE1\n", 12, "belongs to another statement"),
        ("mt940", b":86:166", b":87:166", 6, "belongs to no field"),
        ("mt940", b":61:2603020302C100,00NTRFINV1001//B1\n", b"", 6, "opening 1000 and entries 0 make 1000"),
        ("mt940", b":20:S26030200007\n", b"hello\n", 2, "belongs to no field"),
        ("mt940", b":60F:C260302EUR10,00\n", b":60F:C260302EUR10,00\n" * 2, 5, "twice"),
        ("bai2", b"16,142,10000,", b"16,142,10001,", 8, "control total 34000, the amounts make 34001"),
        ("bai2", b"16,142,", b"16,698,", 3, "opening 1000 and entries -12000"),
        ("bai2", b"16,142,", b"16,700,", 5, "type code 700 is neither credit nor debit"),
        ("bai2", b"16,142,10000,", b"16,142,-10000,", 5, "a detail with a sign"),
        ("bai2", b"16,142,10000,", b"16,142,100.00,", 5, "is not a type code with its amount"),
        ("bai2", b"0,B1,", b"V,260230,,B1,", 5, "'2026-02-30' is not a date"),
        ("bai2", b"0,B1,", b"D,x,B1,", 5, "funds type D"),
        ("bai2", b"88,INV1001 KUNDE\n", b"", 7, "6 records told, 5 found"),
        ("bai2", b"49,34000,6/", b"49,34000,/", 8, "no records told"),
        ("bai2", b"98,34000,1,8/", b"98,34000,2,8/", 9, "2 accounts told, 1 found"),
        ("bai2", b"99,34000,1,10/", b"99,34000,1,9/", 10, "9 records told, 10 found"),
        ("bai2", b"99,34000,1,10/", b"99,3400,1,10/", 10, "control total 3400, the amounts make 34000"),
        ("bai2", b"99,34000,1,10/\n", b"", 9, "the file ends where a record 99 is due"),
        ("bai2", b"98,34000,1,8/\n", b"", 9, "a record 99 stands where a record 98 is due"),
        ("bai2", b"99,34000,1,10/\n", b"99,34000,1,10/\n01,A,B,260302,2000,1,80,,2/\n", 11, "after the file trailer"),
        ("bai2", b",1,260302,2400", b",4,260302,2400", 2, "the group is a test"),
        ("bai2", b",1,260302,2400", b",2,260302,2400", 2, "deletes an earlier group"),
        ("bai2", b",,2/\n02", b",,3/\n02", 1, "does not say version 2"),
        ("bai2", b"03,DE02500105170000000042,", b"03,,", 3, "an account without a number"),
        ("bai2", b"01,BANK", b"1,BANK", 1, "begins no BAI2 record"),
        ("bai2", b"01,BANK", b"88,BANK", 1, "a continuation (88) of nothing"),
        ("ofx", b"<TRNAMT>100.00", b"<TRNAMT>1e2", 18, "'1e2' is not an amount"),
        ("ofx", b"<TRNAMT>100.00", b"<TRNAMT>100.001", 18, "is not one"),
        ("ofx", b"<TRNAMT>100.00", b"", 18, "STMTTRN has no TRNAMT"),
        ("ofx", b"<FITID>B2", b"<FITID>B1", 19, "FITID B1 stood in line 18 already"),
        ("ofx", b"<FITID>B2", b"<FITID>B2<CORRECTFITID>B1", 19, "corrects an earlier one"),
        ("ofx", b"<DTPOSTED>20260302<TRNAMT>100", b"<DTPOSTED>20260230<TRNAMT>100", 18, "'2026-02-30' is not a date"),
        ("ofx", b"<CODE>0<", b"<CODE>2000<", 12, "the bank answers with status 2000 INFO"),
        (
            "ofx",
            b"<OFX>\n",
            b"<OFX>\n<SIGNONMSGSRSV1><SONRS><STATUS><CODE>15500<SEVERITY>ERROR<MESSAGE>Login</STATUS></SONRS>"
            b"</SIGNONMSGSRSV1>\n",
            12,
            "the bank answers with status 15500 ERROR Login",
        ),
        ("ofx", b"</BANKTRANLIST>", b"", 24, "</STMTRS> closes what is not open"),
        ("ofx", b"</OFX>", b"", 26, "<OFX> is never closed"),
        ("ofx", b"<CURDEF>EUR", b"", 14, "STMTRS has no CURDEF"),
        ("ofx", b"<LEDGERBAL>", b"<LEDGERBAL>x", 23, "text 'x' in LEDGERBAL"),
        ("ofx", b"OFXHEADER", b"HEADER", 1, "no OFX"),
        ("camt054", b">60.00<", b">60.01<", 7, "do not make its sum"),
        ("camt054", b'Amt Ccy="EUR">60', b'Amt Ccy="USD">60', 7, "do not make its sum"),
        ("camt054", b"<NbOfTxs>2<", b"<NbOfTxs>3<", 9, "a batch of 3 payments, 2 found"),
        ("camt054", b'<TtlAmt Ccy="EUR">100', b'<TtlAmt Ccy="EUR">101', 9, "the batch's sum is not the entry's amount"),
        ("camt054", b"<Sum>100.00<", b"<Sum>99.00<", 6, "do not make the sum 99.00"),
        ("camt054", b"<NbOfNtries>1<", b"<NbOfNtries>2<", 6, "2 entries told, 1 found"),
        ("camt054", b"<CdtDbtInd>CRDT<", b"<CdtDbtInd>BOTH<", 7, "says neither credit nor debit"),
        ("camt054", b'Amt Ccy="EUR">100.00</Amt', b'Amt Ccy="EUR">-100.00</Amt', 7, "with a sign"),
        ("camt054", b'<Amt Ccy="EUR">100.00</Amt>', b"", 7, "Ntry has no Amt"),
        ("camt054", b"<Dt>2026-03-02<", b"<Dt>2026-03-32<", 7, "is not a date"),
        ("camt054", b"camt.054", b"camt.053", 2, "not a camt.054 document"),
        ("camt054", b"</NtryDtls>", b"", 12, "not well-formed"),
        ("camt054", b'"UTF-8"', b'"EBCDIC-X"', 1, "not well-formed"),
        ("camt054", b"<Document", b'<!DOCTYPE d [<!ENTITY e "x">]><Document', 2, "a document type is declared"),
    ],
)
def test_what_is_wrong_is_said_with_line_and_remedy(name, old, new, line, problem):
    whole = FORMATS[name][1]
    assert old in whole
    error = refused(name, whole.replace(old, new, 1))
    assert problem in error.problem
    assert error.line == line


def test_a_statement_of_no_account_is_refused():
    error = refused("mt940", MT940.replace(b":25:DE02500105170000000042", b":25:"))
    assert (error.problem, error.line) == ("no account", 2)


@formats
@pytest.mark.parametrize("document", [b"", b" \r\n", b"PK\x03\x04\0\0", b"hello", b"<html><body>Login</body></html>"])
def test_what_is_no_statement_at_all_is_refused(name, document):
    refused(name, document)


@formats
def test_a_file_cut_off_anywhere_is_refused_or_has_lost_no_entry(name):
    read, whole = FORMATS[name]
    complete = figures(read, whole)
    cut = [whole[:at] for at in range(len(whole))]
    survived = 0
    for document in cut:
        try:
            assert figures(read, document) == complete, document[-60:]
            survived += 1
        except MalformedFile:
            pass
    # Only what comes after the last balance may be missing.
    assert survived < 40


@pytest.mark.parametrize("name", ["mt940", "bai2", "camt054"])  # OFX has nothing to check an amount against
def test_one_digit_changed_in_any_amount_is_found(name):
    whole = FORMATS[name][1]
    amounts = {
        "mt940": rb":6[012][FM]?:\w*?(?:EUR|C|D)(\d+,\d\d)",
        "bai2": rb"(?:,(?:010|015|100|400),\+?|^16,\d+,|^(?:49|98|99),)(\d{3,})",
        "camt054": rb'(?:Ccy="EUR">|<Sum>)(\d+\.\d\d)',
    }[name]
    changed = 0
    for match in re.finditer(amounts, whole, re.MULTILINE):
        for at in range(*match.span(1)):
            if whole[at : at + 1].isdigit():
                digit = b"%d" % ((int(whole[at : at + 1]) + 1) % 10)
                refused(name, whole[:at] + digit + whole[at + 1 :])
                changed += 1
    assert changed >= 20


@formats
def test_no_damage_makes_a_reader_fail_otherwise(name, count=400):
    read, whole = FORMATS[name]
    dice = random.Random(name)
    lines = whole.split(b"\n")
    pieces = [
        b"\xff",
        b"\0",
        b":",
        b"-",
        b"/",
        b",",
        b"<",
        b">",
        b"&",
        b"\r\n",
        b"88,",
        b":61:",
        b":86:",
        b"</STMTTRN>",
    ]
    pieces += [
        b"<STMTTRN>",
        b"</Ntry>",
        b"999999999999999999999",
        b"\xe2\x82\xac",
        b"{4:",
        b"-}",
        b"D,999999999,",
        b"?",
    ]
    outcomes = {True: 0, False: 0}
    for _ in range(count):
        damaged = list(lines)
        for _ in range(dice.choice([1, 1, 2, 4])):
            at = dice.randrange(len(damaged))
            line = damaged[at]
            place = dice.randrange(len(line) + 1)
            what = dice.randrange(6)
            if what == 0:
                del damaged[at : at + 1]
                damaged = damaged or [b""]
            elif what == 1:
                damaged.insert(dice.randrange(len(damaged) + 1), line)
            elif what == 2:
                damaged[at] = line[:place] + dice.choice(pieces) + line[place:]
            elif what == 3:
                damaged[at] = line[:place] + line[place + dice.randrange(1, 9) :]
            elif what == 4:
                damaged[at] = line[:place] + bytes([dice.randrange(256)]) + line[place + 1 :]
            else:
                other = dice.randrange(len(damaged))
                damaged[at], damaged[other] = damaged[other], damaged[at]
        document = b"\n".join(damaged)
        try:
            read.read_statements(document, "bank.txt")
            outcomes[True] += 1
        except MalformedFile as error:
            outcomes[False] += 1
            assert 1 <= error.line <= document.count(b"\n") + 1
            assert error.file == "bank.txt" and error.problem and error.remedy
    assert outcomes[False] > count // 3
