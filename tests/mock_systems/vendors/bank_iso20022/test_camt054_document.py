"""The notification as a document, alone and in batches; and both documents against the schema's rules."""

import importlib.util
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.mock_systems.roles.bank import BankAccount, Entry, Statement
from o2c_twin.mock_systems.vendors.bank_iso20022 import notification_document, statement_document


def _beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


violations = _beside("camt_schema").violations
NS = {"c": "urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"}
DAY = "2026-03-02"
ACCOUNT = BankAccount("ACC1", "DE02500105170000000042", "EUR", "Nordwind")


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


def statement(entries, opening_minor=0):
    closing = opening_minor + sum(e.amount_minor for e in entries)
    return Statement(f"ACC1-{DAY}", 7, "ACC1", DAY, opening_minor, closing, list(entries), 1_772_481_600_000_000)


def notified(entries, batch=False):
    return notification_document(statement(entries), ACCOUNT, "TWINDEFFXXX", "Twin Bank", batch)


def notification(document):
    return ElementTree.fromstring(document).find("c:BkToCstmrDbtCdtNtfctn/c:Ntfctn", NS)


def texts(node, path):
    return [found.text for found in node.iterfind(path, NS)]


_words = st.text(st.characters(codec="utf-8") | st.sampled_from("<>&\"'\x00\n😀"), max_size=200)
statements = st.builds(
    lambda rows, opening: statement([entry(n, **row) for n, row in enumerate(rows, 1)], opening),
    st.lists(
        st.builds(
            lambda amount, e2e, lines, name, value: {
                "amount_minor": amount,
                "end_to_end_id": e2e,
                "remittance": tuple(lines),
                "counterparty": name,
                "value_on": (date(2026, 3, 2) + timedelta(days=value)).isoformat(),
            },
            st.integers(-(10**12), 10**12).filter(bool),
            st.none() | st.text("ABC123-/", min_size=1, max_size=50),
            st.lists(_words, max_size=3),
            st.none() | _words,
            st.integers(0, 1),
        ),
        max_size=6,
    ),
    st.integers(-(10**12), 10**12),
)


@settings(max_examples=60)
@given(of=statements)
def test_statement_and_notifications_keep_the_schema(of):
    assert violations(statement_document(of, ACCOUNT, "TWINDEFFXXX", "Twin Bank")) == []
    for batch in (False, True):
        assert violations(notification_document(of, ACCOUNT, "TWINDEFFXXX", "Twin Bank", batch)) == []


@settings(max_examples=60)
@given(of=statements, batch=st.booleans())
def test_a_notification_tells_of_the_credits_and_of_nothing_else(of, batch):
    told = notification(notification_document(of, ACCOUNT, "TWINDEFFXXX", "Twin Bank", batch))
    credits = {e.reference: Decimal(e.amount_minor).scaleb(-2) for e in of.entries if e.amount_minor > 0}
    payments = told.findall("c:Ntry/c:NtryDtls/c:TxDtls", NS)
    amounts = {p.find("c:Refs/c:AcctSvcrRef", NS).text: Decimal(p.find("c:Amt", NS).text) for p in payments}
    assert amounts == credits and len(payments) == len(credits)
    assert sum(Decimal(t) for t in texts(told, "c:Ntry/c:Amt")) == sum(credits.values())
    assert Decimal(told.find("c:TxsSummry/c:TtlCdtNtries/c:Sum", NS).text) == sum(credits.values())
    assert told.find("c:TxsSummry/c:TtlCdtNtries/c:NbOfNtries", NS).text == str(len(told.findall("c:Ntry", NS)))
    assert told.find("c:Bal", NS) is None


def test_a_batch_is_one_booking_a_value_date_with_its_payments_under_it():
    entries = [entry(1, 100), entry(2, 250), entry(3, -70), entry(4, 5, value_on="2026-03-03")]
    told = notification(notified(entries, batch=True))
    lump, alone = told.findall("c:Ntry", NS)
    assert (lump.find("c:Amt", NS).text, alone.find("c:Amt", NS).text) == ("3.50", "0.05")
    batch = lump.find("c:NtryDtls/c:Btch", NS)
    assert (batch.find("c:NbOfTxs", NS).text, batch.find("c:TtlAmt", NS).text) == ("2", "3.50")
    assert texts(lump, "c:NtryDtls/c:TxDtls/c:Refs/c:AcctSvcrRef") == ["B000000001", "B000000002"]
    assert lump.find("c:AcctSvcrRef", NS).text == "N-ACC1-2026-03-02-1"
    assert alone.find("c:NtryDtls/c:Btch", NS) is None
    assert alone.find("c:AcctSvcrRef", NS).text == "B000000004"


def test_a_day_without_credits_has_a_notification_without_entries():
    told = notification(notified([entry(1, -100)]))
    assert told.findall("c:Ntry", NS) == []
    assert texts(told, "c:TxsSummry/c:TtlCdtNtries/c:Sum") == ["0.00"]


def test_the_feed_gives_the_notification_beside_the_statement(open_bank):
    for batch in (False, True):
        bank = open_bank(batch_credits=batch)
        bank.credit(100_00)
        bank.credit(50_00)
        closed = bank.close(date(2026, 3, 2))
        answer = bank.call("GET", f"{bank.statements}/{closed.id}/notification")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/xml")
        assert texts(notification(answer.body), "c:Ntry/c:Amt") == (["150.00"] if batch else ["100.00", "50.00"])
        assert violations(answer.body) == []
    assert bank.call("GET", f"{bank.statements}/NONE/notification").status == 404


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (b"<NtryRef>B000000001</NtryRef>", b"<NtryRef></NtryRef>", "Ntry/NtryRef: 0 characters"),
        (b"<NtryRef>B000000001</NtryRef>", b"<NtryRef>" + b"x" * 36 + b"</NtryRef>", "Ntry/NtryRef: 36 characters"),
        (b"<Sts><Cd>BOOK</Cd></Sts>", b"<Sts>BOOK</Sts>", "Ntry/Sts: text or attributes"),
        (b"<Sts><Cd>BOOK</Cd></Sts>", b"", "Ntry/Sts: stands 0 times"),
        (b'<Amt Ccy="EUR">1.00</Amt>', b"<Amt>1.00</Amt>", "Ntry/Amt: attributes []"),
        (b'<Amt Ccy="EUR">1.00</Amt>', b'<Amt Ccy="eur">1.00</Amt>', "Ntry/Amt: currency"),
        (b'<Amt Ccy="EUR">1.00</Amt>', b'<Amt Ccy="EUR">-1.00</Amt>', "Ntry/Amt: '-1.00' is no Amount"),
        (b'<Amt Ccy="EUR">1.00</Amt>', b'<Amt Ccy="EUR">1.000001</Amt>', "Ntry/Amt: '1.000001' is no Amount"),
        (b'<Amt Ccy="EUR">1.00</Amt>', b'<Amt Ccy="EUR">1,00</Amt>', "Ntry/Amt: '1,00' is no Amount"),
        (b"<CdtDbtInd>CRDT</CdtDbtInd>", b"<CdtDbtInd>C</CdtDbtInd>", "CdtDbtInd: 'C' is no Side"),
        (b"<Dt>2026-03-02</Dt>", b"<Dt>2026-02-30</Dt>", "BookgDt/Dt: '2026-02-30' is no Date"),
        (b"<IBAN>DE02500105170000000042</IBAN>", b"<IBAN>de02</IBAN>", "Acct/Id/IBAN: 'de02' is no IBAN"),
        (b"<BICFI>TWINDEFFXXX</BICFI>", b"<BICFI>TWINDEFFXX</BICFI>", "BICFI: 'TWINDEFFXX' is no BIC"),
        (b"<Pty><Nm>Kunde AG</Nm></Pty>", b"<Nm>Kunde AG</Nm>", "RltdPties/Dbtr: ['Nm'] where one of"),
        (b"<NbOfNtries>1</NbOfNtries>", b"<NbOfNtries>one</NbOfNtries>", "NbOfNtries: 'one' is no Numeric15"),
        (b"<Ustrd>INV1001</Ustrd>", b"<Ustrd>" + b"x" * 141 + b"</Ustrd>", "RmtInf/Ustrd: 141 characters"),
        (b"T20:00:00Z</CreDtTm>", b" 20:00:00</CreDtTm>", "CreDtTm: '2026-03-02 20:00:00' is no DateTime"),
    ],
)
def test_what_breaks_the_schema_is_found_where_it_stands(old, new, place):
    whole = notified([entry()])
    assert old in whole and violations(whole) == []
    assert any(place in found for found in violations(whole.replace(old, new, 1)))


@settings(max_examples=40)
@given(data=st.data())
def test_elements_out_of_order_are_found(data):
    root = ElementTree.fromstring(notified([entry(), entry(2)], batch=data.draw(st.booleans())))
    parents = [node for node in root.iter() if len({child.tag for child in node}) > 1]
    parent = data.draw(st.sampled_from(parents))
    children = list(parent)
    swapped = data.draw(st.permutations(children).filter(lambda p: [c.tag for c in p] != [c.tag for c in children]))
    parent[:] = swapped
    assert any("out of order" in found or "stands" in found for found in violations(ElementTree.tostring(root)))
