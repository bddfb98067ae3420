"""What the chosen designs put off survives: the process dies before and after each journal write, and comes back."""

import pytest
from tests.integration.crash_edges import Died

from o2c_twin.integration.flows.same_customer import suggestion_of
from o2c_twin.integration.model import Inbound, Shipment
from o2c_twin.integration.store import SqliteJournal

SECOND = 1_000_000
HOUR = 3_600
WRITES = ("accept", "finish", "intend", "resend", "settle", "give_up", "record", "link", "move", "open_case")


class Mortal(SqliteJournal):
    """Dies at one of its writes."""

    def __init__(self, path):
        super().__init__(path, "OFF")
        self.edges = 0
        self.last = None


def _dying(name):
    def write(self, *arguments, **named):
        for late in (False, True):
            if late:
                result = getattr(SqliteJournal, name)(self, *arguments, **named)
            self.edges += 1
            if self.edges == self.last:
                raise Died
        return result

    return write


for _name in WRITES:
    setattr(Mortal, _name, _dying(_name))


def _billing(bench, engine):
    now = bench.clock.now()
    bench.erp.shipments["S1"] = Shipment("S1", "DN-S1", "1", now)
    engine.receive(Inbound("erp:delivery:S1", "delivery", "S1", "order:1", now))


def _billed(bench, engine):
    assert bench.erp.calls.count("bill") in (1, 2)
    assert len(bench.erp.invoices) == 1


def _credit(bench, engine):
    engine.receive(bench.won())


def _told(bench, engine):
    assert len(bench.erp.orders) == 1
    assert bench.crm.notes["D1"]["credit"] == "passed"


def _doubt(bench, engine):
    engine.receive(bench.won("D1", "A1", name="Brandt Pumps GmbH", email="office@brandt-pumps.example"))
    bench.pass_time(60)
    engine.receive(bench.won("D2", "A2", name="Brandt Pumps Polska", email="biuro@brandt-pumps.example"))


def _asked(bench, engine):
    (case,) = bench.journal.cases()
    assert (case.state, len(bench.erp.orders), len(bench.erp.customers)) == ("open", 1, 1)
    engine.close_case(case.case_id, "operations", result=suggestion_of(engine, case.effect_key)[1])
    bench.pass_time(60)
    assert (len(bench.erp.orders), len(bench.erp.customers)) == (2, 1)


STORIES = {
    "a billing run": ({"invoice_trigger": "daily"}, 20 * HOUR, _billing, _billed),
    "the nightly copy of credit": ({"credit_visibility": "nightly"}, 4 * HOUR, _credit, _told),
    "a customer in doubt": ({"matching": "probabilistic"}, 300, _doubt, _asked),
}


def _tell(bench, choices, takes_s, begin, last):
    """The story with a death at one write; gives the engine that saw its end, and the writes there were."""
    bench.journal.close()
    bench.journal = journal = Mortal(bench.path)
    engine = bench.engine(sweep="off", **choices)
    engine.start()
    journal.edges, journal.last = 0, last
    try:
        begin(bench, engine)
        bench.pass_time(takes_s)
    except Died:
        engine.stop()
        bench.kill()
        engine = bench.engine(sweep="off", **choices)
        engine.start()
        try:
            # What was not taken in yet is pushed again.
            begin(bench, engine)
        finally:
            bench.pass_time(takes_s)
    return engine, journal.edges


@pytest.mark.parametrize("story", STORIES)
def test_wherever_the_process_dies_what_was_put_off_is_done_once(story, request, tmp_path):
    choices, takes_s, begin, check = STORIES[story]
    fresh = request.getfixturevalue("bench").__class__
    bench = fresh(tmp_path / "whole.db")
    engine, edges = _tell(bench, choices, takes_s, begin, None)
    check(bench, engine)
    bench.close()
    assert edges >= 10
    for last in range(1, edges + 1):
        bench = fresh(tmp_path / f"{last}.db")
        engine, _ = _tell(bench, choices, takes_s, begin, last)
        check(bench, engine)
        bench.close()
