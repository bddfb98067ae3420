"""What the installation is to its server: journal, snapshot, reset, control plane, time; and a real directory."""

import asyncio
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from starlette.testclient import TestClient

from o2c_twin.mock_systems.vendors.legacy_erp import LegacyErpConfig, LegacyErpDialect, Media, make
from o2c_twin.mock_systems.vendors.legacy_erp.live_folder import LiveFolder
from o2c_twin.mock_systems.vendors.legacy_erp.memory import MemoryFolder
from o2c_twin.mock_systems.wire.asgi import MockApp
from o2c_twin.mock_systems.wire.faults import Latency, LostFile
from o2c_twin.mock_systems.wire.message import Request
from o2c_twin.mock_systems.wire.ports import World
from o2c_twin.mock_systems.wire.server import MockServer
from o2c_twin.twin.time import TwinClock, TwinEnvironment, epoch, guard

ALL = ("file", "table", "queue")


def _everything(erp):
    return (erp.core.snapshot(), [erp.files(place) for place in ("in", "in/archive", "in/error", "out")])


# --- state ------------------------------------------------------------------------------------------


def test_a_snapshot_brings_back_books_files_rows_messages_and_numbers(install):
    erp = install(edges=ALL)
    erp.put("a.csv", erp.order_file("order:D1", 1))
    erp.do(erp.erp.media.queues.publish("erp.in", b"{", "m", "ORD"))
    erp.night()
    kept, before, number = erp.erp.snapshot(), _everything(erp), erp.erp.state.file_number
    erp.put("b.csv", erp.order_file("order:D2", 2))
    erp.night()
    assert _everything(erp) != before
    erp.erp.restore(kept)
    assert _everything(erp) == before and erp.erp.state.file_number == number
    assert erp.erp.media.queues.waiting("erp.in.dead") == 1
    assert erp.erp.media.tables.connection.execute("SELECT COUNT(*) FROM if_out_order").fetchone() == (1,)
    # It still knows the number of the first file, and goes on as if nothing had been.
    erp.put("a2.csv", erp.order_file("order:D1", 1))
    erp.put("b.csv", erp.order_file("order:D2", 2))
    erp.night()
    assert [o.external_id for o in erp.core.state.orders.values()] == ["order:D1", "order:D2"]
    assert "a2.csv.rej" in erp.files("in/error")


def test_a_reset_empties_folders_journal_and_faults(install):
    erp = install()
    erp.arm(LostFile(operations=("file.write",)))
    erp.put("a.csv", erp.order_file("order:D1", 1))
    erp.night()
    erp.server.reset()
    assert erp.core.state.orders == {} and erp.files("in/archive") == [] and erp.files("out") == []
    assert (erp.server.journal.count, erp.server.faults.armed()) == (0, [])
    erp.put("a.csv", erp.order_file("order:D1", 1))
    erp.night()
    assert len(erp.core.state.orders) == 1


# --- journal ----------------------------------------------------------------------------------------


def test_everything_stands_in_the_journal(install):
    erp = install(edges=ALL)
    erp.put("a.csv", erp.order_file("order:D1", 1))
    erp.night()
    counts = {}
    for entry in erp.server.journal.entries:
        counts[entry.operation] = counts.get(entry.operation, 0) + 1
        assert entry.system == "erp"
    assert set(counts) == {
        "file.list",
        "file.take",
        "file.order",
        "file.write",
        "table.claim",
        "table.publish",
        "queue.publish",
    }
    (taken,) = erp.journal("file.take")
    assert taken.request == erp.order_file("order:D1", 1).encode()
    (worked,) = erp.journal("file.order")
    assert (worked.path, worked.status, worked.method) == ("/order:D1", 201, "WORK")
    assert msgspec.json.decode(worked.response)["ERP_NO"] == "SO1001"


def test_every_step_that_faults_may_name_is_one_that_happens(install):
    erp = install(edges=ALL)
    doors = erp.erp.doors

    async def partner():
        await doors.folder.write("in/a.csv", erp.order_file("order:D1", 1).encode())
        await doors.folder.names("in")
        await doors.folder.move("in/a.csv", "in/b.csv")
        await doors.folder.read("in/b.csv")
        await doors.tables.insert([("IF_BILLING", {"REF": "r", "ORD_NO": "SO1"})])
        await doors.tables.change("IF_BILLING", [1], {"REF": "s"})
        await doors.tables.rows("IF_BILLING", {})
        await doors.queues.publish("erp.in", b"{", "m", "ORD")
        message = await doors.queues.take("erp.in")
        await doors.queues.settle(message, "again")

    erp.do(partner())
    erp.night()
    happened = {entry.operation for entry in erp.server.journal.entries}
    assert set(LegacyErpDialect.steps) <= happened


def test_the_servers_latency_is_the_partners_wait(install):
    erp = install()
    erp.server.latency = Latency(median_s=0.5, sigma=0.2)
    erp.erp.bind(erp.server)
    before = erp.clock.us
    erp.do(erp.erp.doors.folder.names("in"))
    (entry,) = erp.server.journal.entries
    assert entry.duration_us == erp.clock.us - before > 100_000


def test_the_partners_steps_stand_there_too(install):
    erp = install()
    door = erp.erp.doors.folder
    erp.do(door.write("in/a.csv", b"x"))
    erp.do(door.names("in"))
    with pytest.raises(FileNotFoundError):
        erp.do(door.read("in/b.csv"))
    assert [(e.operation, e.path, e.status, e.caller) for e in erp.server.journal.entries] == [
        ("partner.file.write", "/in/a.csv", 200, "partner"),
        ("partner.file.list", "/in", 200, "partner"),
        ("partner.file.read", "/in/b.csv", 404, "partner"),
    ]


# --- the server -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/orders"), ("FILE", "/in/a.csv"), ("GET", "")])
def test_there_is_no_http_interface(install, method, path):
    erp = install()
    answer = asyncio.run(erp.server.call(Request(method, path)))
    assert answer.status == 404 and b"no HTTP interface" in answer.body
    assert [e.operation for e in erp.server.journal.entries] == ["not modelled"]


def test_the_control_plane_shows_and_steers_it(install):
    erp = install()
    with TestClient(MockApp(erp.server, "secret")) as client:
        client.headers["authorization"] = "Bearer secret"
        health = client.get("/_o2c/health").json()
        assert (health["vendor"], health["edges"], health["customers"]) == ("legacy_erp", ["file"], 1)
        assert health["next_round"] == 1_767_650_400_000_000  # 22:00
        promises = client.get("/_o2c/capabilities").json()
        assert {p["guard"] for p in promises if p["operation"].startswith("file.")} == {"query", "external-id"}
        assert client.put("/_o2c/snapshots/empty").status_code == 204
        armed = client.post("/_o2c/faults", json={"fault": "connection-refused", "until_s": 3_600 * 15})
        assert armed.status_code in (200, 201), armed.text
        erp.put("a.csv", erp.order_file("order:D1", 1))
        erp.until(1_767_650_400_000_000)
        assert erp.core.state.orders == {}
        assert client.delete("/_o2c/faults").status_code == 204
        erp.night()
        assert len(erp.core.state.orders) == 1
        entries = client.get("/_o2c/journal", params={"operation": "file.take"}).json()["entries"]
        assert [e["status"] for e in entries] == [200]
        assert client.post("/_o2c/snapshots/empty/restore").status_code == 204
        assert erp.core.state.orders == {}
        assert client.get("/openapi.json").status_code == 200


def test_an_edge_without_a_medium_is_refused(install):
    with pytest.raises(ValueError, match="no medium for the edge table"):
        install(edges=("file", "table"), media=Media(folder=MemoryFolder()))
    with pytest.raises(ValueError, match="at most once"):
        LegacyErpConfig(edges=("file", "file"))
    with pytest.raises(ValueError, match="two implied decimals"):
        LegacyErpConfig(currency="JPY")


# --- time -------------------------------------------------------------------------------------------


def _week(seed):
    with TwinEnvironment() as env:
        clock = TwinClock(env, epoch_of())
        draw = random.Random(seed).random
        world = World(clock, lambda *key: 0.5, env.aio.sleep, env.spawn, None)
        erp = make(world, LegacyErpConfig(edges=ALL))
        server = MockServer("erp", erp, world)
        erp.core.add_item("WIDGET", "Widget", 2_000, 1_200, "EUR", 100_000)
        customer = erp.core.add_customer("Acme", "EUR", number="K-1")
        erp.served(server)

        def busy():
            while True:
                yield env.timeout(round(draw() * 3_600_000_000))
                order = erp.core.enter_order(customer.id, [("101", 1 + int(draw() * 5), 2_000)])
                erp.core.deliver(order.id)

        env.process(busy())
        with guard():
            env.run(until=5 * 86_400_000_000)
        return len(erp.core.state.orders), [
            (e.at, e.operation, e.path, e.status, e.request, e.response) for e in server.journal.entries
        ]


def epoch_of():
    return epoch(datetime(2026, 1, 5, tzinfo=UTC))


def test_a_week_in_virtual_time_is_the_same_twice_and_touches_no_clock_thread_or_socket():
    orders, entries = _week(1)
    assert orders > 150 and len(entries) > 1_000
    assert _week(1) == (orders, entries)
    assert _week(2) != (orders, entries)


def test_nothing_simulated_imports_what_is_live():
    program = (
        "import sys, o2c_twin.mock_systems.vendors.legacy_erp, o2c_twin.integration.connectors.legacy_erp\n"
        "print([m for m in sys.modules if 'live' in m and m.startswith('o2c_twin') or m in ('sqlalchemy','aio_pika')])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# --- a real directory -------------------------------------------------------------------------------


@pytest.fixture(params=["memory", "live"])
def folder(request, tmp_path):
    return MemoryFolder() if request.param == "memory" else LiveFolder(tmp_path)


def test_a_folder_is_a_folder(folder):
    async def work():
        await folder.write("in/b.csv", b"2")
        await folder.write("in/a.csv", b"1")
        await folder.write("in/a.csv", b"3")
        await folder.move("in/b.csv", "in/archive/b.csv")
        await folder.remove("in/none.csv")
        kept = folder.dump()
        with pytest.raises(FileNotFoundError):
            await folder.read("in/b.csv")
        with pytest.raises(FileNotFoundError):
            await folder.move("in/b.csv", "in/error/b.csv")
        for path in ("elsewhere/a.csv", "../a.csv", "in/../../a.csv"):
            with pytest.raises(FileNotFoundError):
                await folder.write(path, b"")
        first = [await folder.names(place) for place in ("in", "in/archive", "out")], await folder.read("in/a.csv")
        await folder.remove("in/a.csv")
        await folder.write("out/x", b"")
        folder.load(kept)
        return first, [await folder.names(place) for place in ("in", "in/archive", "out")]

    (names, data), after = asyncio.run(work())
    assert names == after == [["a.csv"], ["b.csv"], []] and data == b"3"


def test_a_script_with_a_directory_talks_to_the_erp(install, tmp_path):
    erp = install(media=Media(folder=LiveFolder(tmp_path)))
    # As a shell script does it: write under another name, then rename.
    unfinished = tmp_path / "in" / "ORD_1.csv.tmp"
    unfinished.write_bytes(erp.order_file("order:D1", 1).encode("cp1252")[:50])
    erp.night()
    assert erp.core.state.orders == {}
    unfinished.write_bytes(erp.order_file("order:D1", 1).encode("cp1252"))
    unfinished.rename(tmp_path / "in" / "ORD_1.csv")
    erp.night()
    (order,) = erp.core.state.orders.values()
    assert sorted(p.name for p in (tmp_path / "in").iterdir() if p.is_file()) == []
    assert (tmp_path / "in" / "archive" / "ORD_1.csv").exists()
    (ack,) = Path(tmp_path / "out").glob("ACK_*.csv")
    assert f"|A|{order.id}|{order.number}|" in ack.read_text("cp1252")
    assert not list(tmp_path.rglob("*.part"))


# --- promises under attack --------------------------------------------------------------------------


def test_every_promise_is_of_a_document_an_edge_takes():
    assert {p.operation for p in LegacyErpDialect.promises} == {
        f"{edge}.{document}" for edge in ALL for document in ("customer", "customer-change", "order", "cash", "billing")
    }


class Watched(MemoryFolder):
    """Looks after each change of the folder where the file is."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def _look(self):
        found = [place for place in ("in", "in/archive", "in/error") if "x.csv" in self._places[place]]
        if found != self.seen[-1:]:
            self.seen.append(",".join(found))

    async def write(self, path, data):
        await super().write(path, data)
        self._look()

    async def move(self, path, to):
        await super().move(path, to)
        self._look()

    async def remove(self, path):
        await super().remove(path)
        self._look()


@pytest.mark.parametrize(("spoilt", "place"), [(False, "in/archive"), (True, "in/error")])
def test_query_a_file_can_be_found_at_every_moment(install, spoilt, place):
    folder = Watched()
    erp = install(media=Media(folder=folder))
    body = erp.order_file("order:D1", 1)
    erp.put("x.csv", body.replace("TRL|2", "TRL|3") if spoilt else body)
    erp.night()
    assert "" not in folder.seen
    assert (folder.seen[0], folder.seen[-1]) == ("in", place)


def test_query_without_looking_first_a_second_order_is_made(install):
    # What the guard `query` says: the ERP itself refuses nothing that comes in a file of its own.
    erp = install()
    for number in (1, 2):
        erp.put(f"{number}.csv", erp.order_file("order:D1", number))
        erp.night()
    assert len(erp.core.state.orders) == 2


def test_external_id_a_change_sent_twice_changes_once(install):
    erp = install()
    for number in (1, 2):
        erp.put(
            f"{number}.csv",
            f"HDR|CUS|{number}|SHOP|20260105120000\nC|upd:1|103||Neu GmbH|EUR|20|900.00|\nTRL|1|20|900.00\n",
        )
        erp.night()
    (customer,) = erp.core.state.customers.values()
    assert (customer.name, customer.terms_days, customer.credit_limit_minor) == ("Neu GmbH", 20, 90_000)
    assert customer.number == "K-1" and [e.operation for e in erp.journal("file.customer-change")] != []


# --- anything at all --------------------------------------------------------------------------------

_PIECES = [
    b"HDR|ORD|1|SHOP|20260105120000",
    b"HDR|CUS|2|SHOP|20260105120000",
    b"HDR|PAY|3|SHOP|20260105120000",
    b"H|r|K-1|PO|20260105|EUR|1",
    b"L|1|WIDGET|3|EA|19.99",
    b"C|r||K-2|Name|EUR|30|1.00|",
    b"P|r|K-1|20260105|1.00|EUR|B1",
    b"A|INV1|1.00",
    b"TRL|2|5|19.99",
    b"TRL|1|30|1.00",
    b"00ORD000000000000001SHOP        20260105120000",
    b"10r",
    b"900000000000000000000000000000000000000000{",
    b'L|"|',
    b"|||",
    b"\xff\x81",
    b"",
    b"L|1|WIDGET|99999999999999999999|EA|1",
    b"H|r|K-1|PO|20260105|EUR|" + b"9" * 5_000,
]


def fuzz(install, count, seed):
    """Random files, rows and messages; gives the statuses of what became of them."""
    chance = random.Random(seed)
    erp = install(edges=ALL)
    statuses = []
    erp.server.journal.sink = lambda entry: statuses.append(entry.status)
    for n in range(count):
        lines = [chance.choice(_PIECES) for _ in range(chance.randrange(6))]
        raw = chance.choice([b"\r\n", b"\n", b"\r", b"\x00"]).join(lines)
        if raw and chance.random() < 0.3:
            at = chance.randrange(len(raw))
            raw = raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :]
        erp.put(f"f{n}{chance.choice(['.csv', '.dat', '.DAT', '', '.'])}", raw)
        erp.do(erp.erp.media.queues.publish("erp.in", chance.choice([raw, b'{"type":"ORD","head":' + raw]), "", ""))
        row = {name: chance.choice(["", None, "x", -1, 2**62, "9" * 99, "K-1", 1.5, "ü|\x00"]) for name in _COLUMNS}
        erp.do(erp.erp.media.tables.insert([("IF_ORDER_HDR", row), ("IF_CASH_HDR", {"REF": row["REF"]})]))
        if n % 50 == 49:
            erp.night()
    erp.night()
    return statuses


_COLUMNS = ("BATCH_ID", "SEQ", "REF", "CUST_NO", "PO_NO", "ORD_DATE", "CURR", "LINE_COUNT")


def test_whatever_comes_is_refused_or_taken_and_nothing_breaks(install):
    statuses = fuzz(install, 700, 1)  # a file, a message and a row each: more than 2,000
    assert not [s for s in statuses if s >= 500] and 422 in statuses
