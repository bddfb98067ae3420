"""After an erasure nothing anywhere tells who it was, the chain still holds, and what must be kept is kept."""

import hashlib
import json

import msgspec
import pytest

from o2c_twin.integration import model
from o2c_twin.integration.governance.audit import AuditTrail, verify
from o2c_twin.integration.governance.erasure import Document, Trace, erase, traces
from o2c_twin.integration.governance.errors import Erased
from o2c_twin.integration.governance.personal_data import (
    ERASED,
    RETENTION,
    TAGS,
    opened,
    pseudonymous,
    sealed,
    untagged,
)
from o2c_twin.integration.governance.redaction import redact
from o2c_twin.integration.governance.retention import Kept, LegalHold, due_on, sweep
from o2c_twin.integration.governance.secrets import Secret
from o2c_twin.integration.governance.storage import MemoryKeys, MemoryLog
from o2c_twin.integration.governance.vault import MARK, Vault
from o2c_twin.integration.mappings.documents import PartyChange
from o2c_twin.integration.model import BankEntry, Deal, DealLine, InvoiceStatus, OpenItem, Party

PARTY = Party("0015g00000ADA01", "Ada Lovelace Söhne", "K-4711", "ada@lovelace.example", 14, 500_000, "EUR", "77001", 5)
DEAL = Deal("0065g1", "D-1", "PO-9", PARTY, (DealLine("P-1", 3, 1999),), "EUR", 7)
ENTRY = BankEntry(
    "BK-1", 5997, "EUR", "2026-02-01", "E2E-1", "INV-1 Ada Lovelace Söhne", "Lovelace Söhne", "DE89370400440532013000"
)
NEEDLES = (
    "Ada Lovelace Söhne", "Lovelace Söhne", "K-4711", "ada@lovelace.example", "0015g00000ADA01", "77001",
    "DE89370400440532013000", "E2E-1",
)  # fmt: skip


@pytest.fixture
def vault():
    drawn = iter(range(10**6))
    return Vault(
        MemoryKeys(),
        Secret("O2C_MASTER_KEY", "m" * 32),
        lambda size: hashlib.blake2b(str(next(drawn)).encode(), digest_size=size).digest(),
    )


def test_every_field_of_the_model_is_tagged_and_nothing_else():
    assert untagged() == []
    assert sum(len(tags) for tags in TAGS.values()) == sum(
        len(each.__struct_fields__)
        for each in (*vars(model).values(), PartyChange)
        if isinstance(each, type) and issubclass(each, msgspec.Struct) and each is not msgspec.Struct
    )
    assert {tag.retention for tags in TAGS.values() for tag in tags.values()} == set(RETENTION)
    assert all(period.source and bool(period.years) != bool(period.days) for period in RETENTION.values())


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("Party.name", "personal"), ("Party.email", "personal"), ("BankEntry.payer_iban", "personal"),
        ("BankEntry.remittance", "personal"), ("OpenItem.customer_erp_id", "personal"),
        ("Party.credit_limit_minor", "financial"), ("InvoiceStatus.total_minor", "financial"),
        ("Deal.reference", "none"),
    ],
)  # fmt: skip
def test_the_tags_say_what_they_should(field, kind):
    name, _, attribute = field.partition(".")
    assert TAGS[name][attribute].kind == kind


@pytest.mark.parametrize("record", [PARTY, DEAL, ENTRY])
def test_what_is_personal_is_sealed_and_the_rest_stays(vault, record):
    made = sealed(vault, "crm:ada", record, "journal")
    raw = json.dumps(made, default=str).encode()
    assert list(traces([("journal", raw)], NEEDLES)) == []
    assert msgspec.convert(opened(vault, made, "journal"), type(record)) == record
    whole = msgspec.json.decode(msgspec.json.encode(record))
    for field, tag in TAGS[type(record).__name__].items():
        if tag.kind != "personal":
            assert made[field] == whole[field]
        elif isinstance(whole[field], str):
            assert made[field].startswith(MARK)


def test_a_record_of_an_erased_subject_opens_with_a_mark_or_not_at_all(vault):
    made = sealed(vault, "crm:ada", DEAL, "journal")
    vault.erase("crm:ada")
    with pytest.raises(Erased):
        opened(vault, made, "journal")
    left = opened(vault, made, "journal", erased=ERASED)
    assert left["party"]["name"] == left["party"]["crm_id"] == ERASED
    assert (left["reference"], left["party"]["terms_days"], left["lines"]) == (
        "D-1", 14, [{"sku": "P-1", "quantity": 3, "unit_price_minor": 1999}],
    )  # fmt: skip


# --- the whole way -------------------------------------------------------------------------------


class Estate:
    """What an engine keeps of one subject and another: payloads, cases, logs, audit, vouchers."""

    def __init__(self, vault):
        self.vault, self.audit, self.vouchers = vault, MemoryLog(), {}
        self.trail = AuditTrail(self.audit)
        self.stored = {}
        for n, subject in enumerate(("crm:ada", "crm:bob")):
            name = vault.pseudonym(subject)
            party = PARTY if n == 0 else msgspec.structs.replace(PARTY, name="Bob Noyce")
            self.stored[f"inbox/{n}"] = msgspec.json.encode(sealed(vault, subject, party, "inbox"))
            self.stored[f"effect/{n}"] = msgspec.json.encode(sealed(vault, subject, DEAL, "effect"))
            reason = vault.seal(subject, f"no unique customer: {party.name}, '{ENTRY.remittance}'", "case")
            self.stored[f"case/{n}"] = reason.encode()
            line = redact(
                {"event": "customer.created", "name": party.name, "mail": f"<{party.email}>", "subject": name}
            )
            self.stored[f"log/{n}"] = json.dumps(line, ensure_ascii=False).encode()
            content = msgspec.json.encode(party)
            self.trail.add(n, "ops", "create customer", "Party", name, name, "", vault.fingerprint(subject, content))

    def everything(self):
        yield from self.stored.items()
        yield from ((f"audit/{row.seq}", row.body) for row in self.audit.rows())
        yield from ((f"voucher/{key}", msgspec.json.encode(value)) for key, value in self.vouchers.items())


def kept(object, key, since, subject="crm:ada", retention="voucher"):
    return Kept(object, key, subject, since, retention)


DOCUMENTS = (
    Document(kept("OpenItem", "INV-1", "2026-02-01"), OpenItem("1", "INV-1", "77001", 5997, "2026-03-01")),
    Document(kept("BankEntry", "BK-1", "2026-02-01"), ENTRY),
    Document(kept("InvoiceStatus", "INV-2", "2026-02-01"), InvoiceStatus("2", "INV-2", None, 100, 0, 0)),
)
HOLD = LegalHold("H-1", "tax audit of 2026", keys=("INV-1", "BK-1"), until="2027-01-01")


def test_an_erased_subject_is_unreadable_everywhere_and_the_chain_still_holds(vault):
    estate = Estate(vault)
    name = vault.pseudonym("crm:ada")
    assert opened(vault, msgspec.json.decode(estate.stored["inbox/0"]), "inbox")["name"] == PARTY.name
    receipt = erase(
        vault, estate.trail, "crm:ada", DOCUMENTS, [HOLD],
        lambda kept, content: estate.vouchers.update({kept.key: content}), "ops", 9, "2026-06-01",
    )  # fmt: skip
    assert receipt.held == ("INV-1", "BK-1")
    assert verify(estate.audit).sound
    assert list(traces(estate.everything(), NEEDLES)) == []
    for place in ("inbox/0", "effect/0"):
        with pytest.raises(Erased):
            opened(vault, msgspec.json.decode(estate.stored[place]), place.split("/")[0])
    with pytest.raises(Erased):
        vault.open(estate.stored["case/0"].decode(), "case")
    # The other subject is untouched, and the erasure itself is on record.
    assert opened(vault, msgspec.json.decode(estate.stored["inbox/1"]), "inbox")["name"] == "Bob Noyce"
    assert msgspec.json.decode(estate.audit.last().body)[2:7] == ["ops", "erase subject", "Party", "", name]
    with pytest.raises(Erased):
        erase(vault, estate.trail, "crm:ada", (), (), lambda *_: None, "ops", 10, "2026-06-01")
    assert verify(estate.audit).entries == 3


def test_what_is_held_is_kept_under_the_pseudonym_with_its_amounts(vault):
    estate = Estate(vault)
    name = vault.pseudonym("crm:ada")
    subjects = []

    def keep(kept, content):
        subjects.append(kept.subject)
        estate.vouchers[kept.key] = content

    erase(vault, estate.trail, "crm:ada", DOCUMENTS, [HOLD], keep, "ops", 9, "2026-06-01")
    assert subjects == [name, name]
    assert estate.vouchers["INV-1"] == {
        "erp_id": "1", "number": "INV-1", "customer_erp_id": name, "open_minor": 5997, "due_on": "2026-03-01",
        "disputed": False, "discount_minor": 0, "discount_until": "", "currency": "",
    }  # fmt: skip
    assert estate.vouchers["BK-1"]["amount_minor"] == 5997
    assert estate.vouchers["BK-1"]["payer"] == estate.vouchers["BK-1"]["remittance"] == name


def test_a_pseudonymous_deal_names_nobody():
    raw = json.dumps(pseudonymous(DEAL, "sub_1"), ensure_ascii=False).encode()
    assert list(traces([("deal", raw)], NEEDLES)) == []
    assert b'"unit_price_minor": 1999' in raw


# --- the proof itself ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "x Ada Lovelace Söhne y".encode(),
        b'{"n": "ADA LOVELACE S\\u00f6hne"}',
        b"/search?q=Ada%20Lovelace%20S%C3%B6hne",
        b"name=Ada+Lovelace+S%C3%B6hne&x=1",
    ],
)
def test_the_proof_finds_a_name_in_every_spelling(content):
    assert [trace.place for trace in traces([("log", content)], ["Ada Lovelace Söhne"])] == ["log"]


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_the_proof_finds_a_name_inside_base64(before):
    import base64

    content = base64.b64encode(f'{before}"name": "Ada Lovelace Söhne", "more"'.encode())
    (trace,) = traces([("blob", content)], ["Ada Lovelace Söhne"])
    assert isinstance(trace, Trace)
    assert trace.spelling.startswith("base64")


def test_the_proof_refuses_a_needle_that_is_everywhere():
    with pytest.raises(ValueError, match="'ab' is found everywhere"):
        list(traces([], ["ab"]))


# --- retention -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "since", "due"),
    [
        ("voucher", "2026-01-01", "2035-01-01"), ("voucher", "2026-12-31", "2035-01-01"),
        ("letter", "2026-06-30", "2033-01-01"), ("business", "2024-02-29", "2028-01-01"),
        ("technical", "2026-01-01", "2026-04-01"),
    ],
)  # fmt: skip
def test_years_count_from_the_end_of_the_year(period, since, due):
    assert due_on(RETENTION[period], since) == due


def test_a_sweep_lists_what_is_due_and_what_only_a_hold_keeps():
    stored = [
        kept("Inbound", "E-1", "2026-01-01", retention="technical"),
        kept("OpenItem", "INV-1", "2015-05-05"),
        kept("OpenItem", "INV-2", "2018-05-05"),
        kept("Party", "K-1", "2020-01-01", "crm:bob", "business"),
    ]
    hold = LegalHold("H-1", "lawsuit", subjects=("crm:bob",))
    plan = sweep(stored, "2026-04-01", [HOLD, hold])
    assert [each.key for each in plan.delete] == ["E-1"]
    assert [(each.kept.key, each.hold.id) for each in plan.held] == [("INV-1", "H-1"), ("K-1", "H-1")]
    later = sweep(stored, "2027-01-01", [HOLD, hold])
    assert [each.key for each in later.delete] == ["E-1", "INV-1", "INV-2"]
    assert [each.kept.key for each in later.held] == ["K-1"]
    assert sweep(stored, "2026-03-31").delete == tuple(stored[1:2] + stored[3:])


def test_nothing_is_deleted_by_guess():
    with pytest.raises(ValueError, match="Party K-1: no period 'forever'; there are: voucher"):
        sweep([kept("Party", "K-1", "2020-01-01", retention="forever")], "2026-01-01")
