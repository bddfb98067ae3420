"""Several workers on one journal in PostgreSQL: one of them sweeps when it is due, whoever it is."""

import asyncio
from types import SimpleNamespace

import pytest

from o2c_twin.integration.reconcile.money_sweep import MoneyReconciler, MoneyRules
from o2c_twin.integration.reconcile.reconciler import Reconciler, Rules
from o2c_twin.integration.reconcile.rhythm import by_rhythm
from o2c_twin.integration.store.postgres import PostgresJournal

SECOND = 1_000_000
HOUR = 3_600 * SECOND
RULES = Rules(every_s=20.0, settle_s=5.0)


@pytest.fixture
def pair(company, postgres_url):
    """A company whose engine has a second worker beside it, each with its sweeps."""
    here = company(journal=PostgresJournal(postgres_url, "anna"), rules=RULES)
    journal = PostgresJournal(postgres_url, "bert")
    second = here.worker(journal)
    second.start()
    here.sweeps = [here.reconciler, Reconciler(second, here.listings, RULES)]
    here.money_sweeps = [MoneyReconciler(e, here.money, MoneyRules(every_s=20.0)) for e in (here.engine, second)]
    for each in (*here.sweeps, *here.money_sweeps):
        here.env.spawn(each.run(), "sweep")
    yield here
    second.stop()
    here.engine.stop()
    here.pass_time(25 * SECOND)
    journal.close()


def looks(sweeps):
    return sum(each.looks for each in sweeps)


def test_two_workers_sweep_as_often_as_one_and_repair_once(pair):
    here = pair
    here.lost = 1.0
    here.win(here.account(1))
    here.pass_time(22 * SECOND)
    assert (looks(here.sweeps), looks(here.money_sweeps)) == (1, 1)
    here.lost = 0.0
    here.pass_time(10 * SECOND)
    assert here.disagreements() == {} and len(here.estate.erp.state.orders) == 1
    here.pass_time(10 * SECOND)
    assert (looks(here.sweeps), looks(here.money_sweeps)) == (2, 2)


def test_the_other_worker_takes_the_next_turn_of_one_that_is_gone(company, postgres_url):
    here, turns, workers = company(), [], []
    for name in ("anna", "bert"):
        journal = PostgresJournal(postgres_url, name)
        workers.append(SimpleNamespace(journal=journal, clock=here.clock, sleep=asyncio.sleep, stopped=False))

        async def turn(name=name):
            turns.append(name)
            workers[("anna", "bert").index(name)].stopped = True

        here.env.spawn(by_rhythm(workers[-1], "test", 3_600.0, turn), name)
    here.pass_time(90 * 60 * SECOND)
    assert len(turns) == 1
    here.pass_time(HOUR)
    assert sorted(turns) == ["anna", "bert"]
    for worker in workers:
        worker.journal.close()
