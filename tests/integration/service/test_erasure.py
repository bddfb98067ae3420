"""After an erasure nothing the engine keeps tells who it was, and the audit trail still holds."""

import json
from pathlib import Path

import msgspec
import pytest
from tests.integration.conftest import Bench
from tests.integration.service.conftest import Desk
from tests.integration.stores import SharedBench

from o2c_twin.integration.governance.audit import verify
from o2c_twin.integration.governance.erasure import traces
from o2c_twin.integration.governance.retention import LegalHold
from o2c_twin.integration.governance.vault import MARK
from o2c_twin.integration.model import OpenItem
from o2c_twin.integration.runtime.saga import kept_steps, remember
from o2c_twin.integration.service.live_service import Telemetry
from o2c_twin.integration.service.retention import sweep_journal
from o2c_twin.integration.service.wiring import names_of
from o2c_twin.integration.store.audit_log import JournalAuditLog
from o2c_twin.integration.store.sealed import SealedSqliteJournal
from o2c_twin.integration.store.sealed_postgres import SealedPostgresJournal

ACCOUNT, NAME, NUMBER, EMAIL, IBAN = "0015gAOKI", "Aoki Trading", "K-4711", "ap@aoki.example", "DE89370400440532013000"
NEEDLES = (ACCOUNT, NAME, NUMBER, EMAIL, IBAN)
YEAR = 366 * 86_400


class Files:
    """All the engine keeps: journal, keys, log, traces."""

    def __init__(self, bench, keys_file, tmp_path):
        self.bench, self.keys_file, self.log = bench, keys_file, tmp_path / "engine.log"
        self.spans = tmp_path / "spans.jsonl"

    def contents(self):
        journal = [self.bench.path + suffix for suffix in ("", "-wal", "-shm", "-journal")]
        if self.bench.journal.shared:
            yield "rows", _rows(self.bench.journal)
        keys = (str(self.keys_file), f"{self.keys_file}-journal")
        for place in map(Path, (*journal, *keys, self.log, self.spans)):
            try:
                yield str(place), place.read_bytes()
            except FileNotFoundError:
                continue

    def told(self):
        return list(traces(self.contents(), NEEDLES))


@pytest.fixture(params=["sqlite", "postgres"])
def sealed_bench(request, tmp_path, monkeypatch, vault):
    """On either journal, sealed."""
    path = tmp_path / "journal.db"
    if request.param == "sqlite":
        made = Bench(path, lambda at: SealedSqliteJournal(at, vault, "OFF"))
    else:
        url = request.getfixturevalue("postgres_url")
        made = SharedBench(path, url, monkeypatch, lambda at, name: SealedPostgresJournal(at, name, vault))
    yield made
    made.close()


@pytest.fixture
def files(sealed_bench, keys_file, tmp_path, vault, monkeypatch):
    made = Files(sealed_bench, keys_file, tmp_path)

    def lane_of(case_id):
        case = sealed_bench.journal.case(case_id)
        return "" if case is None else case.lane

    with made.log.open("w") as log:
        telemetry = Telemetry(str(made.spans), names_of(vault), lane_of, out=log)
        for name in ("synced", "case_opened", "dropped", "worked"):
            monkeypatch.setattr(sealed_bench.seen, name, getattr(telemetry, name), raising=False)
        yield made


@pytest.fixture
def bench(sealed_bench):
    return sealed_bench


@pytest.fixture
def desk(make_desk, files, vault):
    return make_desk(vault)


def trade(desk, bench):
    """A customer is made, changed, ordered, billed and pays; one order is refused, one receipt is nobody's."""
    who = {"name": NAME, "number": NUMBER, "email": EMAIL}
    desk.engine.receive(bench.won("D1", ACCOUNT, **who))
    bench.pass_time(20)
    (customer,) = bench.erp.customers
    (order,) = bench.erp.orders
    bench.erp.trouble["put_order"].append(bench.failed("rejected"))
    desk.engine.receive(bench.won("D2", ACCOUNT, **who))
    bench.pass_time(20)
    changed = bench.crm.parties[ACCOUNT]
    bench.crm.parties[ACCOUNT] = msgspec.structs.replace(changed, email=f"new.{EMAIL}", modified_at=7)
    event = {"event_id": f"crm:customer:{ACCOUNT}:7", "flow": "customer", "object_id": ACCOUNT}
    assert desk.post("/webhooks/crm", [{**event, "lane": f"party:{ACCOUNT}", "source_at": 7}], None).status_code == 200
    bench.erp.items.append(OpenItem("9", "INV9", customer, 5_000, "2026-02-01"))
    paid = bench.credit("B1", 5_000, f"INV9 {NAME}", IBAN, NAME)
    nobodys = bench.credit("B2", 77, "thank you", None, "Somebody Else")
    desk.engine.receive(bench.bank.closes("2026-01-06", paid, nobodys))
    bench.pass_time(30)
    assert len(bench.erp.payments) == 1, bench.reasons()
    return customer, order


def settle(desk, bench):
    for case in bench.journal.cases("open"):
        if case.object_id != "B2":
            body = {"action": "close", "note": f"told {NAME} on the phone"}
            assert desk.post(f"/api/cases/{case.case_id}", body).status_code == 200


def erase(desk, subject=ACCOUNT):
    approval = desk.approved("erase subject", subject)
    return desk.post("/api/erase", {"subject": subject, "approval": approval})


def test_what_is_personal_is_sealed_from_the_first_moment(desk, files, sealed_bench):
    trade(desk, sealed_bench)
    found = {trace.needle for trace in files.told()}
    # Names and addresses are nowhere; what things are named by is, until the erasure.
    assert found == {ACCOUNT, NUMBER}
    assert not {trace.place for trace in files.told()} & {str(files.log), str(files.spans)}
    reasons = sealed_bench.reasons()
    assert any("Somebody Else" in reason for reason in reasons), "people read the case as it is"


def test_after_an_erasure_nothing_tells_who_it_was(desk, files, sealed_bench):
    _, order = trade(desk, sealed_bench)
    settle(desk, sealed_bench)
    answer = erase(desk)
    assert answer.status_code == 200, answer.text
    assert answer.json()["held"] == []
    assert answer.json()["pseudonym"].startswith("sub_")
    assert files.told() == []
    names = {place.rpartition("/")[2] for place, _ in files.contents()}
    journal = "rows" if sealed_bench.journal.shared else "journal.db"
    assert {journal, "keys.db", "engine.log", "spans.jsonl"} <= names
    verdict = verify(JournalAuditLog(sealed_bench.journal))
    assert (verdict.sound, verdict.entries > 10) == (True, True)
    # What is not personal is still there.
    assert sealed_bench.journal.outcome("order:D1") == order
    reasons = [case["reason"] for case in desk.get("/api/cases").json()]
    assert "[erased]" in reasons
    assert any("Somebody Else" in reason for reason in reasons), "somebody else's case is as it was"
    approvals = desk.get("/api/approvals").json()
    assert (approvals[-1]["subject"], approvals[-1]["state"]) == ("[erased]", "used")


@pytest.mark.parametrize("held", [False, True])
def test_nor_what_both_sides_of_a_customer_told_each_other(make_desk, files, sealed_bench, vault, held):
    holds = (LegalHold("h1", "a lawsuit", (ACCOUNT,)),) if held else ()
    desk = make_desk(vault, holds, master_customer="last-change", master_credit="erp", survivorship="golden")
    customer, _ = trade(desk, sealed_bench)
    for notice in (
        sealed_bench.erp.grants(customer, name=f"{NAME} KK", number="K-4712", terms_days=14),
        sealed_bench.crm.types(ACCOUNT, terms_days=90),
    ):
        desk.engine.receive(notice)
        sealed_bench.pass_time(30)
    assert sealed_bench.crm.parties[ACCOUNT].name == f"{NAME} KK"
    assert sealed_bench.crm.parties[ACCOUNT].terms_days == 14
    settle(desk, sealed_bench)
    assert (answer := erase(desk)).status_code == 200, answer.text
    assert bool(answer.json()["held"]) == held
    assert list(traces(files.contents(), (*NEEDLES, "K-4712"))) == []
    kinds = ("customer", "master_customer", "master_credit", "accounts")
    assert [sealed_bench.journal.links("erp", kind) for kind in kinds] == [[], [], [], []]


def test_the_trail_names_the_pseudonym_and_the_receipt_too(desk, sealed_bench):
    trade(desk, sealed_bench)
    settle(desk, sealed_bench)
    pseudonym = erase(desk).json()["pseudonym"]
    told = desk.get("/api/audit", "auditor").json()
    (entry,) = [each for each in told if each["what"] == "erase subject" and each["object"] == "Party"]
    assert (entry["who"], entry["subject"]) == ("operations", pseudonym)
    assert [entry for entry in desk.trail() if entry[0] != "auditor"][-4:] == [
        ("operations", "ask: erase subject", pseudonym, "apr-1"),
        ("finance", "approve", "apr-1", "done"),
        ("operations", "erase subject", "Party", ""),
        ("operations", "erase subject", pseudonym, "done"),
    ]
    assert ACCOUNT not in json.dumps(told)


def test_an_erasure_needs_two_and_only_operations_may_ask(desk, sealed_bench):
    trade(desk, sealed_bench)
    settle(desk, sealed_bench)
    for role in ("sales", "credit", "finance", "auditor"):
        assert desk.post("/api/erase", {"subject": ACCOUNT}, role).status_code == 403
        asking = {"operation": "erase subject", "subject": ACCOUNT}
        assert desk.post("/api/approvals", asking, role).status_code == 403
    assert desk.post("/api/erase", {"subject": ACCOUNT}).status_code == 403
    approval = desk.approved("erase subject", ACCOUNT)
    other = sealed_bench.won("D9", "A9")
    desk.engine.receive(other)
    sealed_bench.pass_time(60)
    assert desk.post("/api/erase", {"subject": "A9", "approval": approval}).status_code == 409
    assert not desk.vault.erased("A9")


def test_while_work_is_under_way_nothing_is_erased(desk, sealed_bench):
    trade(desk, sealed_bench)
    answer = desk.post("/api/approvals", {"operation": "erase subject", "subject": ACCOUNT})
    assert (answer.status_code, "settle it or close its case, then erase" in answer.json()["error"]) == (409, True)


@pytest.mark.parametrize("before", [False, True])
def test_an_erasure_of_nobody_is_refused(desk, sealed_bench, before):
    trade(desk, sealed_bench)
    settle(desk, sealed_bench)
    subject, status, told = "nobody", 404, "nothing is kept of that subject"
    if before:
        assert erase(desk).status_code == 200
        subject, status, told = ACCOUNT, 409, "was erased before"
    answer = desk.post("/api/approvals", {"operation": "erase subject", "subject": subject})
    assert (answer.status_code, told in answer.json()["error"]) == (status, True)


def test_of_an_erased_account_nothing_new_is_kept_and_its_money_is_a_persons(desk, files, sealed_bench):
    bench = sealed_bench
    customer, _ = trade(desk, bench)
    settle(desk, bench)
    assert erase(desk).status_code == 200
    desk.engine.receive(bench.won("D3", ACCOUNT, name=NAME, number=NUMBER, email=EMAIL))
    bench.pass_time(60)
    assert len(bench.erp.orders) == 1
    bench.erp.items.append(OpenItem("10", "INV10", customer, 900, "2026-02-01"))
    desk.engine.receive(bench.bank.closes("2026-01-07", bench.credit("B3", 900, f"INV10 {NAME}", IBAN, NAME)))
    bench.pass_time(600)
    assert len(bench.erp.payments) == 1
    (case,) = [case for case in bench.journal.cases("open") if case.object_id == "B3"]
    assert "the subject was erased" in case.reason
    assert files.told() == []


def test_an_erasure_that_was_killed_halfway_is_done_by_the_next(desk, files, sealed_bench, monkeypatch):
    trade(desk, sealed_bench)
    settle(desk, sealed_bench)
    for step in ("rename", "compact"):
        with monkeypatch.context() as killed:

            def dies(*_):
                raise KeyboardInterrupt

            killed.setattr(type(sealed_bench.journal), step, dies)
            with pytest.raises(KeyboardInterrupt):
                desk.operations._forgetting.erase(ACCOUNT, "operations")
        if step == "rename":
            assert not desk.vault.erased(ACCOUNT)
    sealed_bench.journal.compact()
    assert files.told() == []


def test_what_a_legal_hold_covers_is_kept_under_the_pseudonym(make_desk, files, sealed_bench, vault):
    desk = make_desk(vault, holds=[LegalHold("audit-2026", "tax audit", keys=("cash:B1",))])
    trade(desk, sealed_bench)
    settle(desk, sealed_bench)
    answer = erase(desk).json()
    assert answer["held"] == ["cash:B1"]
    kept = json.loads(sealed_bench.journal.effect("cash:B1").arguments)
    assert (kept["record"]["amount_minor"], kept["record"]["payer"]) == (5_000, answer["pseudonym"])
    assert files.told() == []


def test_what_is_kept_too_long_is_deleted_and_its_outcome_stays(desk, sealed_bench):
    trade(desk, sealed_bench)
    settle(desk, sealed_bench)
    journal, now = sealed_bench.journal, sealed_bench.clock.now()
    remember(journal, "a flow that died", [f"customer:{ACCOUNT}", "order:D1"])
    assert sweep_journal(journal, now).events == 0
    soon = sweep_journal(journal, now + 91 * 86_400 * 1_000_000)
    assert (soon.events > 0, soon.effects, soon.cases) == (True, 0, 0)
    later = sweep_journal(journal, now + 5 * YEAR * 1_000_000)
    assert later.cases == 1
    assert journal.effect(f"customer:{ACCOUNT}").arguments == b""
    assert journal.effect("cash:B1").arguments != b"", "a voucher is kept for eight years"
    kept = {link.canonical for link, _ in kept_steps(journal)}
    assert (later.steps, kept) == (1, {"a flow that died"}), "a customer's creation is over, an order is not"
    last = sweep_journal(journal, now + 10 * YEAR * 1_000_000, [LegalHold("h", "r", keys=("cash:B1",))])
    assert (last.held, last.steps, list(kept_steps(journal))) == (1, 1, [])
    assert journal.outcome("order:D1") is not None


def _rows(journal):
    tables = ("inbox", "effect", "exception_case", "xref", "audit", "approval", "cursor", "lane")
    return repr([_text(row) for table in tables for row in journal._sql(f"select * from {table}")]).encode()


def _text(row):
    return [bytes(each).decode("utf-8", "replace") if isinstance(each, bytes | memoryview) else each for each in row]


def test_without_a_vault_nothing_is_sealed(either_bench):
    bench, desk = either_bench, Desk(either_bench)
    desk.engine.receive(bench.won("D1", ACCOUNT, name=NAME))
    bench.pass_time(60)
    assert NAME.encode() in bench.journal.effect(f"customer:{ACCOUNT}").arguments
    assert not bench.journal.effect(f"customer:{ACCOUNT}").arguments.startswith(MARK.encode())
