"""Connectors from a configuration: what is missing or wrong is named with place and remedy before a call is made."""

import asyncio
import os
from datetime import UTC, datetime

import pytest

from o2c_twin.integration.connectors.bank_details import BankDetailsFile
from o2c_twin.integration.connectors.gocardless import BankDetails
from o2c_twin.integration.connectors.registry import CONNECTORS, ConfigError, Site
from o2c_twin.integration.model import Party, WriteOff
from o2c_twin.integration.ports import HttpAnswer
from o2c_twin.integration.runtime.errors import CallFailed

HEAD = "customer,holder,iban,sort_code,account_number\n"
PLACES = ("in", "in/archive", "in/error", "out", "out/archive")


async def no_sleep(seconds):
    raise AssertionError("nobody waits here")


def make(role, vendor, url="http://127.0.0.1:9", credentials=None, **options):
    site = Site(role, url, None, None, "EUR", credentials or {}, options, no_sleep)
    return CONNECTORS[role][vendor](site)


@pytest.fixture
def share(tmp_path):
    for place in PLACES:
        (tmp_path / "share" / place).mkdir(parents=True, exist_ok=True)
    return tmp_path / "share"


@pytest.fixture
def details(tmp_path):
    path = tmp_path / "details.csv"

    def write(text):
        path.write_text(text)
        return path

    return write


LOGIN = {"access_token": "t", "webhook_secret": "s"}


@pytest.mark.parametrize(
    ("credentials", "options", "told"),
    [
        ({}, {}, "systems.payments.credentials.access_token: is missing; give it, as env:VARIABLE"),
        (LOGIN, {}, "systems.payments.options.bank_details: is missing; name the CSV file"),
        (
            LOGIN,
            {"bank_details": "none.csv"},
            "systems.payments.options.bank_details: none.csv: cannot be read",
        ),
    ],
)
def test_gocardless_says_what_it_lacks(credentials, options, told):
    with pytest.raises(ConfigError) as caught:
        make("payments", "gocardless", credentials=credentials, **options)
    assert str(caught.value).startswith(told)


def test_gocardless_is_made_of_a_login_and_a_file_of_bank_details(details):
    path = details(HEAD + "A1,Acme,DE02100100100006820101,,\n")
    made = make("payments", "gocardless", credentials=LOGIN, bank_details=str(path))
    assert made.system == "payments"


def test_bank_details_are_found_by_account_or_number_and_read_again_when_they_change(details):
    path = details(HEAD + 'A1,"Acme, Ltd",DE02 1001 0010 0006 8201 01,,\nK-7,Bee,,20-00-00,55779911\n')
    known = BankDetailsFile(path, "payments")
    assert known(Party("A1", "x")) == BankDetails("Acme, Ltd", "DE02100100100006820101")
    assert known(Party("A2", "x", "K-7")) == BankDetails("Bee", None, "55779911", "200000")
    assert known(Party("A3", "x")) is None
    details(HEAD + "A3,Cee,DE02100100100006820101,,\n")
    os.utime(path, ns=(1, 1))
    assert known(Party("A3", "x")).holder == "Cee"
    assert known(Party("A1", "x")) is None
    details("customer\n")
    os.utime(path, ns=(2, 2))
    with pytest.raises(CallFailed, match="the columns customer and holder are missing") as caught:
        known(Party("A3", "x"))
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ":1: the columns customer and holder are missing; there are: customer, holder, iban"),
        ("customer,holder,bic\n", ":1: unknown column 'bic'; there are: customer"),
        (HEAD + "A1,,DE02,,\n", ":2: customer or holder is empty; give both"),
        (HEAD + "A1,a,,,\n", ":2: give an IBAN, or sort code and account number, and not both"),
        (HEAD + "A1,a,,200000,\n", ":2: give an IBAN, or sort code and account number, and not both"),
        (HEAD + "A1,a,DE02,200000,5\n", ":2: give an IBAN, or sort code and account number, and not both"),
        (HEAD + "A1,a,DE02,,5\n", ":2: give an IBAN, or sort code and account number, and not both"),
        (HEAD + "A1,a,DE02,,\nA1,a,DE02,,\n", ":3: 'A1' is there twice; keep one"),
        (HEAD + "A1,Acme, Ltd,DE02,,\n", ":2: more fields than columns; put a field with a comma into quotes"),
    ],
)
def test_a_bad_file_of_bank_details_is_refused_by_line(details, text, told):
    path = details(text)
    with pytest.raises(ConfigError) as caught:
        make("payments", "gocardless", credentials=LOGIN, bank_details=str(path))
    assert str(caught.value).startswith(f"systems.payments.options.bank_details: {path}{told}")


def test_a_legacy_erp_is_reached_by_what_its_address_says(share, tmp_path):
    guards = {
        f"file://{share}": "query",
        f"sqlite:///{tmp_path}/staging.db": "query",
        "amqp://guest:guest@127.0.0.1:5672": "key",
    }
    for url, guard in guards.items():
        made = make("erp", "legacy_erp", url)
        assert made.sheet[0].guard == guard
    made = make("erp", "legacy_erp", f"file://{share}", spelling="fixed", markers="yes", patience_s="0.5")
    assert made.sheet[0].operation == "file.customer"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"spelling": "xml"}, "spelling: 'xml' is not understood; give csv or fixed"),
        ({"markers": "maybe"}, "markers: 'maybe' is not understood; give yes where a file is complete"),
        ({"patience_s": "soon"}, "patience_s: 'soon' is not understood; give a number"),
        ({"patience_s": "0"}, "patience_s: '0' is not understood; give seconds, more than none"),
        ({"utc_offset_minutes": "1.5"}, "utc_offset_minutes: '1.5' is not understood; give a number"),
        ({"encoding": "klingon"}, "encoding: 'klingon' is not understood; give the name of a character set"),
    ],
)
def test_a_legacy_erp_says_which_option_is_wrong(share, options, told):
    with pytest.raises(ConfigError) as caught:
        make("erp", "legacy_erp", f"file://{share}", **options)
    assert str(caught.value).startswith(f"systems.erp.options.{told}")


def test_a_folder_that_is_not_mounted_is_named(share):
    (share / "out" / "archive").rmdir()
    with pytest.raises(ConfigError, match=r"systems.erp.url: there is no folder .*/out/archive; mount the share, or"):
        make("erp", "legacy_erp", f"file://{share}")


@pytest.mark.parametrize(
    ("url", "options", "told"),
    [
        ("sftp://host/share", {}, "systems.erp.url: write sftp://USER@HOST/FOLDER; the login is a key"),
        ("sftp://o2c:secret@host/share", {}, "systems.erp.url: write sftp://USER@HOST/FOLDER; the login is a key"),
        ("sftp://o2c@host/share", {}, "systems.erp.options.key_file: is missing; name the file of the private key"),
        ("sftp://o2c@host/share", {"key_file": "x"}, "systems.erp.options.known_hosts: is missing; name the file"),
        (
            "sftp://o2c@host/share",
            {"key_file": "none.key", "known_hosts": "x"},
            "systems.erp.options.key_file: there is no file none.key; put it there",
        ),
    ],
)
def test_an_sftp_login_says_what_it_lacks(url, options, told):
    with pytest.raises(ConfigError) as caught:
        make("erp", "legacy_erp", url, **options)
    assert str(caught.value).startswith(told)
    assert "secret" not in str(caught.value)


# --- what a vendor's customising calls things -------------------------------------------------------


class Nothing:
    """A system that lets in whoever asks, and has an invoice and nothing else."""

    def now(self):
        return int(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * 1_000_000)

    async def send(self, request):
        rows = b'"value": [], "items": [], "hasMore": false, "d": {"results": []}'
        return HttpAnswer(200, {}, b'{"access_token": "t", "customerId": "c", ' + rows + b"}")


class Everything(dict):
    """Credentials of any name."""

    def get(self, name, default=None):
        return name


@pytest.mark.parametrize(
    ("vendor", "options", "told"),
    [
        ("netsuite", {}, "no item WRITE-OFF; make an other charge item on the account, or name another"),
        ("netsuite", {"write_offs": "KLEIN"}, "no item KLEIN;"),
        ("business_central", {}, "no payment journal WRITEOFF; make it, with the account it balances on"),
        ("business_central", {"write_offs": "KLEIN"}, "no payment journal KLEIN;"),
        ("s4hana", {"write_off_account": "65200001", "rejection_reason": "50"}, "no invoice 1"),
    ],
)
def test_what_write_offs_are_booked_against_is_named_in_the_file_and_in_the_refusal(vendor, options, told):
    system = Nothing()
    erp = CONNECTORS["erp"][vendor](Site("erp", "http://x", system, system, "EUR", Everything(), options, no_sleep))
    with pytest.raises(CallFailed) as failed:
        asyncio.run(erp.write_off(WriteOff("1", 100, "EUR", "bank charge"), "k", "c"))
    assert failed.value.detail.startswith(told)
