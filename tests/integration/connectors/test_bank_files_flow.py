"""Statement files through the engine: each credit is posted once, and what a bank takes back is put before a person."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from o2c_twin.integration.connectors.bank_files import BankFiles
from o2c_twin.integration.model import OpenItem
from o2c_twin.mock_systems.vendors.bank_files import BankFilesConfig, make
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.time import epoch
from o2c_twin.twin.transport import direct

IBAN = "DE02500105170000000042"
MONDAY = date(2026, 1, 5)
formats = pytest.mark.parametrize("file_format", ["mt940", "bai2", "ofx1", "ofx2"])


async def _nobody_listens(url, headers, body):
    return 200, b""


class Files:
    """The bank of the bench delivers files; an open invoice and its payment a day."""

    def __init__(self, bench, file_format, **config):
        self.bench = bench
        settings = BankFilesConfig(formats=(file_format,), **config)
        world = World(bench.clock, lambda *key: 0.5, asyncio.sleep, lambda work, name: work.close(), _nobody_listens)
        self.dialect = make(world, settings)
        self.account = self.dialect.core.open_account(IBAN, "EUR", "Us")
        http = direct({"bank": MockServer("bank", self.dialect, world)}, asyncio.sleep)
        secret = settings.webhook_secret
        bench.bank = BankFiles("bank", "http://bank", http, settings.login, settings.password, IBAN, secret)
        bench.engine(trigger="nightly")
        bench.now_running.start()

    def days(self, count):
        for n in range(1, count + 1):
            day = MONDAY + timedelta(days=n - 1)
            self.bench.erp.items.append(OpenItem(f"i{n}", f"INV{n}", "C1", 1_000 * n, day.isoformat()))
            self.until(day, 10)
            self.dialect.core.credit(
                self.account.id,
                1_000 * n,
                end_to_end_id=None,
                remittance=(f"pays INV{n}",),
                counterparty="ACME",
                counterparty_iban=None,
            )
            self.until(day, 20)
            self.dialect.core.close_day(day)
        self.until(MONDAY + timedelta(days=count + 4), 0)

    def until(self, day, hour):
        at = epoch(datetime(day.year, day.month, day.day, hour, tzinfo=UTC))
        self.bench.pass_time((at - self.bench.clock.now()) / 1e6)


@formats
def test_files_that_come_twice_or_late_are_posted_once(bench, file_format):
    files = Files(bench, file_format, repeat_files=True, late_files=True, corrections="added")
    files.days(5)
    assert sorted(bench.erp.payments) == [("C1", 1_000 * n, {f"i{n}": 1_000 * n}) for n in range(1, 6)]
    assert bench.reasons() == []
    assert all(file.acknowledged_at for file in files.dialect.box.files.values())


@formats
def test_an_amount_the_bank_changes_afterwards_is_a_case(bench, file_format):
    files = Files(bench, file_format, corrections="changed")
    files.days(5)
    assert [amount for _, amount, _ in bench.erp.payments] == [1_000, 2_000, 3_000, 4_000, 4_999]
    (reason,) = bench.reasons()
    assert "4999 -> 5000" in reason and "by hand" in reason
