"""The connector for statement files, against the bank that lays them out, in virtual time and over a scripted wire."""

import asyncio
import hashlib
import hmac
import json
from datetime import UTC, date, datetime, timedelta

import pytest

from o2c_twin.integration.capability import guard_of
from o2c_twin.integration.connectors.bank_files import SHEET, BankFiles
from o2c_twin.integration.ports import NoAnswer, NotSent
from o2c_twin.integration.runtime.errors import NotAuthentic
from o2c_twin.mock_systems.vendors.bank_files import BankFilesConfig, BankFilesDialect, make
from o2c_twin.mock_systems.wire.faults import FaultPlan, LostReply
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.time import epoch
from o2c_twin.twin.transport import direct

IBAN = "DE02500105170000000042"
MONDAY = date(2026, 3, 2)
DAY_US = 86_400_000_000
FORMATS = ("mt940", "bai2", "ofx1", "ofx2")


class Estate:
    """A bank, its clock, and the engine's connector to it."""

    def __init__(self, **config):
        self.us = epoch(datetime(2026, 3, 2, 12, tzinfo=UTC))
        self.posted = []
        self.config = BankFilesConfig(**config)
        world = World(self, lambda *key: 0.5, self.sleep, lambda work, name: asyncio.run(work), self._post)
        self.dialect = make(world, self.config)
        self.account = self.dialect.core.open_account(IBAN, "EUR", "Us")
        self.server = MockServer("files", self.dialect, world)
        self.bank = self.connector()

    def connector(self, password="files-secret", account=IBAN, file_format=""):
        http = direct({"files": self.server}, self.sleep)
        secret = self.config.webhook_secret
        return BankFiles("files", "http://files", http, self.config.login, password, account, secret, file_format)

    def now(self):
        return self.us

    async def sleep(self, seconds):
        self.us += round(seconds * 1e6)

    async def _post(self, url, headers, body):
        self.posted.append((headers, body))
        return 200, b""

    def credit(self, minor, text="INV1001", **fields):
        details = {"end_to_end_id": "E1", "counterparty": "KUNDE AG", "counterparty_iban": None, **fields}
        return self.dialect.core.credit(self.account.id, minor, remittance=(text,), **details)

    def debit(self, minor):
        return self.dialect.core.debit(
            self.account.id, minor, end_to_end_id=None, remittance=(), counterparty=None, counterparty_iban=None
        )

    def days(self, count, credits=(100_00, 7_00)):
        """So many business days, each with its credits."""
        closed, day = 0, MONDAY
        while closed < count:
            if self.dialect.core.calendar.is_open(day):
                self.us = epoch(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
                for minor in credits:
                    self.credit(minor)
                self.us += 8 * 3_600_000_000
                self.dialect.core.close_day(day)
                closed += 1
            day += timedelta(days=1)

    def statements(self, since="1970-01-01", bank=None):
        return asyncio.run((bank or self.bank).statements(since))

    def entries(self, name, bank=None):
        return asyncio.run((bank or self.bank).entries(name))

    def fetched(self):
        """How many files were fetched so far."""
        return sum(entry.operation == "files.read" for entry in self.server.journal.entries)

    def read_all(self, bank=None):
        """What the engine would post of everything there is, in order of delivery."""
        return [e for event in self.statements(bank=bank)[0] for e in self.entries(event.object_id, bank)]


def test_the_sheet_says_what_the_bank_promises():
    promises = {promise.operation: promise for promise in BankFilesDialect.promises}
    for claim in SHEET:
        promise = promises[claim.operation]
        assert (claim.guard, claim.retention_s, claim.index_lag_s, claim.version_guard, claim.bulk_limit) == (
            promise.guard,
            promise.retention_s,
            promise.index_lag_s,
            promise.version_guard,
            promise.bulk_limit,
        )
    assert guard_of(SHEET, "acknowledge").guard == "external-id"


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_is_listed_read_and_confirmed(file_format):
    estate = Estate(formats=(file_format,))
    booked = [estate.credit(1_234_56, "INV1001 INV1002"), estate.debit(5_00), estate.credit(99, "INV1003")]
    estate.us += 8 * 3_600_000_000
    estate.dialect.core.close_day(MONDAY)
    (event,), until = estate.statements("2026-03-01")
    (file,) = estate.dialect.box.files.values()
    assert (event.event_id, event.flow, event.object_id) == (f"files:file:{file.name}", "cash", file.name)
    assert (event.lane, event.source_at, until) == (f"bank:{IBAN}", file.delivered_at, "2026-03-02")
    assert file.acknowledged_at is None
    credits = estate.entries(file.name)
    assert [(e.reference, e.amount_minor, e.currency, e.value_on) for e in credits] == [
        (booked[0].reference, 1_234_56, "EUR", "2026-03-02"),
        (booked[2].reference, 99, "EUR", "2026-03-02"),
    ]
    assert "INV1001 INV1002" in credits[0].remittance and credits[0].end_to_end_id == "E1"
    assert file.acknowledged_at == estate.us
    # Asked again, it gives the same: the engine may have to start over.
    assert estate.entries(file.name) == credits


def test_only_files_delivered_after_the_day_are_told_over_all_pages():
    estate = Estate(keep_days=400)
    estate.days(120, credits=())
    everything, until = estate.statements()
    assert len(everything) == 120 and until == max(f.date for f in estate.dialect.box.files.values())
    assert estate.statements(until) == ([], until)
    (last,), _ = estate.statements((date.fromisoformat(until) - timedelta(days=1)).isoformat())
    assert last == everything[-1]


def test_where_a_day_comes_in_several_formats_one_is_read():
    estate = Estate(formats=("mt940", "bai2"))
    estate.days(1)
    assert len(estate.statements()[0]) == 2
    only = estate.connector(file_format="bai2")
    (event,), _ = estate.statements(bank=only)
    assert event.object_id.startswith("BAI2_")
    assert len(estate.entries(event.object_id, only)) == 2
    # The other format's file of the day is no version of this one.
    before = estate.fetched()
    last = max(event.object_id for event in estate.statements()[0])
    assert last.startswith("MT940_") and len(estate.entries(last)) == 2
    assert estate.fetched() == before + 1


def test_another_accounts_files_are_not_ours():
    estate = Estate()
    estate.dialect.core.open_account("DE89370400440532013000", "EUR", "Them")
    estate.days(1)
    assert [e.object_id[:16] for e in estate.statements()[0]] == ["MT940_0000000042"]


# --- files that go wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_sent_twice_brings_its_money_once(file_format):
    estate = Estate(formats=(file_format,), repeat_files=True)
    estate.days(3)
    estate.us += DAY_US
    events, _ = estate.statements()
    assert len(events) == 4
    assert [len(estate.entries(event.object_id)) for event in events] == [2, 2, 2, 0]
    assert all(file.acknowledged_at for file in estate.dialect.box.files.values())


def test_the_very_same_file_is_known_by_its_hash():
    estate = Estate(repeat_files=True)
    estate.days(3)
    estate.us += DAY_US
    again = estate.statements()[0][-1]
    assert (estate.entries(again.object_id), estate.fetched()) == ([], 1)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_late_file_is_found_by_its_day_of_delivery(file_format):
    estate = Estate(formats=(file_format,), late_files=True)
    estate.days(4)
    assert len(estate.read_all()) == 6
    _, until = estate.statements()
    estate.us += 2 * DAY_US
    (late,), _ = estate.statements(until)
    assert len(estate.entries(late.object_id)) == 2


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_correction_that_adds_an_entry_brings_just_that(file_format):
    estate = Estate(formats=(file_format,), corrections="added")
    estate.days(5)
    estate.us += DAY_US // 2
    events, _ = estate.statements()
    found = [[e.amount_minor for e in estate.entries(event.object_id)] for event in events[4:]]
    assert found == [[100_00], [7_00]]


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_correction_that_changes_an_entry_is_for_a_person(file_format, refusal):
    estate = Estate(formats=(file_format,), corrections="changed")
    estate.days(5)
    estate.us += DAY_US // 2
    *_, wrong, right = (event.object_id for event in estate.statements()[0])
    assert [e.amount_minor for e in estate.entries(wrong)] == [100_00, 6_99]
    failure = refusal(estate.bank.entries(right))
    assert (failure.cause, failure.retryable) == ("rejected", False)
    assert right in failure.detail and "699 -> 700" in failure.detail and "by hand" in failure.detail
    assert estate.dialect.box.files[right].acknowledged_at is None


def test_ids_the_bank_changes_make_a_repetition_a_case_for_a_person(refusal):
    estate = Estate(formats=("ofx1",), repeat_files=True, fitid_changes=True)
    estate.days(3)
    estate.us += DAY_US
    again = estate.statements()[0][-1]
    assert "-> gone" in refusal(estate.bank.entries(again.object_id)).detail


def test_numbers_that_begin_again_each_year_are_not_repetitions():
    estate = Estate(keep_days=800)
    day, seen = date(2026, 12, 30), []
    for _ in range(4):
        estate.us = epoch(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
        estate.credit(100)
        estate.us += 8 * 3_600_000_000
        seen += estate.dialect.core.close_day(day)
        day += timedelta(days=1)
    contents = [file.content.decode() for file in estate.dialect.box.files.values()]
    assert [text[text.index(":28C:") :][5:10] for text in contents] == ["00001", "00002", "00001"]
    assert len({e.reference for e in estate.read_all()}) == len(estate.read_all()) == len(seen) == 3


def test_a_file_that_makes_no_sense_is_refused_and_a_sound_one_after_it_is_read(refusal):
    estate = Estate(repeat_files=True)
    estate.days(3)
    broken = list(estate.dialect.box.files.values())[2]
    broken.content = broken.content.replace(b":62F:", b":62X:")
    broken.sha256 = hashlib.sha256(broken.content).hexdigest()
    failure = refusal(estate.bank.entries(broken.name))
    assert failure.cause == "rejected"
    assert f"{broken.name}, line" in failure.detail and "fetch it again" in failure.detail
    assert broken.acknowledged_at is None
    estate.us += DAY_US
    again = estate.statements()[0][-1]
    assert len(estate.entries(again.object_id)) == 2


# --- the wire ---------------------------------------------------------------------------------------


def test_a_confirmation_whose_answer_is_lost_is_said_again_and_counts_once(refusal):
    estate = Estate()
    estate.days(1)
    ((event,), _) = estate.statements()
    plan = FaultPlan("files", lambda *key: 0.5, estate.us, [LostReply()])
    estate.server.faults = estate.dialect.faults = plan
    failure = refusal(estate.bank.entries(event.object_id))
    assert (failure.cause, failure.operation, failure.retryable) == ("unknown-outcome", "acknowledge", True)
    (file,) = estate.dialect.box.files.values()
    first = file.acknowledged_at
    estate.server.faults = estate.dialect.faults = FaultPlan("files", lambda *key: 0.5, estate.us)
    estate.us += DAY_US
    assert len(estate.entries(event.object_id)) == 2
    assert file.acknowledged_at == first


@pytest.mark.parametrize(
    ("config", "password", "cause"), [({}, "wrong", "login"), ({"login_expires_at": 1}, "files-secret", "login")]
)
def test_a_bad_or_expired_login_is_a_login_failure(refusal, config, password, cause):
    estate = Estate(**config)
    assert refusal(estate.connector(password).statements("2026-01-01")).cause == cause


def test_a_throttled_call_says_how_long_to_wait(refusal):
    estate = Estate()
    for _ in range(60):
        estate.statements()
    failure = refusal(estate.bank.statements("1970-01-01"))
    assert (failure.cause, failure.retry_after_s) == ("throttled", 60.0)


def test_a_file_that_is_gone_is_missing(refusal):
    estate = Estate(keep_days=1)
    estate.days(1)
    ((event,), _) = estate.statements()
    estate.us += 2 * DAY_US
    assert refusal(estate.bank.entries(event.object_id)).cause == "missing"
    assert refusal(estate.bank.entries("no such file")).cause == "missing"


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (NotSent("refused"), "unavailable"),
        (NoAnswer("silence"), "unknown-outcome"),
        ((503, b"", {"retry-after": "9"}), "unavailable"),
        ((500, b""), "unknown-outcome"),
        ((400, b""), "rejected"),
        ((200, b"half", {"x-content-sha256": "0" * 64, "x-file-format": "mt940"}), "unknown-outcome"),
        ((200, b"x", {"x-file-format": "pdf"}), "rejected"),
        ((200, b"x", {"x-file-format": "mt940"}), "rejected"),
    ],
)
def test_an_answer_is_sorted_by_what_may_be_done_about_it(http, refusal, answer, cause):
    bank = BankFiles("files", "https://files.example", http, "o2c", "secret", IBAN, "whsec")
    http.answers(answer)
    assert refusal(bank.entries("F1")).cause == cause


@pytest.mark.parametrize(
    ("body", "cause"), [(b"", "unknown-outcome"), ({"files": [{"name": 1}]}, "rejected"), ({}, "rejected")]
)
def test_a_listing_that_makes_no_sense_is_refused(http, refusal, body, cause):
    bank = BankFiles("files", "https://files.example", http, "o2c", "secret", IBAN, "whsec")
    http.answers((200, body))
    assert refusal(bank.statements("2026-01-01")).cause == cause


def test_the_statement_of_another_account_is_refused(refusal):
    estate = Estate()
    estate.days(1)
    (file,) = estate.dialect.box.files.values()
    file.content = file.content.replace(IBAN.encode(), b"DE89370400440532013000")
    file.sha256 = hashlib.sha256(file.content).hexdigest()
    failure = refusal(estate.bank.entries(file.name))
    assert (failure.cause, "not of DE02" in failure.detail) == ("rejected", True)


# --- notices ----------------------------------------------------------------------------------------


def test_a_notice_is_the_event_a_poll_would_have_found():
    estate = Estate()
    estate.dialect.subscribe("http://engine/hook")
    estate.days(1)
    polled, _ = estate.statements()
    ((headers, body),) = estate.posted
    assert estate.bank.pushed(body, headers) == (polled, b"")
    assert estate.connector(account="DE1").pushed(body, headers) == ([], b"")
    assert estate.connector(file_format="bai2").pushed(body, headers) == ([], b"")
    for bad in ({}, {"x-files-signature": "t=1,v1="}, {"x-files-signature": headers["x-files-signature"] + "0"}):
        with pytest.raises(NotAuthentic):
            estate.bank.pushed(body, bad)
    with pytest.raises(NotAuthentic):
        estate.bank.pushed(body + b" ", headers)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", json.dumps({"file": {"name": "F"}}).encode()])
def test_a_notice_that_makes_no_sense_is_refused(body):
    estate = Estate()
    mac = hmac.new(b"files-webhook-secret", b"1." + body, hashlib.sha256).hexdigest()
    with pytest.raises(ValueError, match=r".+"):
        estate.bank.pushed(body, {"x-files-signature": f"t=1,v1={mac}"})
