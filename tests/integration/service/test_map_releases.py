"""Field maps released by two people: tried on the past, pinned in the journal, taken up by a working connector."""

import json

import msgspec
import pytest

from o2c_twin.integration.connectors.netsuite import NetSuiteErp
from o2c_twin.integration.connectors.netsuite_maps import NetSuiteMaps
from o2c_twin.integration.connectors.oauth1 import TokenSigner
from o2c_twin.integration.connectors.own_maps import OwnMaps, maps_for
from o2c_twin.integration.governance.roles import ROLES
from o2c_twin.integration.mappings import MapFiles, shipped_files
from o2c_twin.integration.model import Deal, DealLine, Party
from o2c_twin.integration.service.api import service_app
from o2c_twin.integration.service.map_releases import begin, in_use, maps_in_use
from o2c_twin.integration.service.mapped import Mapped
from o2c_twin.integration.service.wiring import governed
from o2c_twin.integration.store import Effect

ORDER_MAP = "maps/netsuite/deal_to_sales_order.yaml"
TOKENS = {name: f"token-of-{name}" for name in (*ROLES, "operations/ann")}
OWN_REFERENCE = "{from: reference, to: otherRefNum"


def changed(version=2, change=("{from: po_number, to: otherRefNum", OWN_REFERENCE)):
    """The shipped order map, which now writes the deal's own reference where the buyer's number stood."""
    text = shipped_files().maps[ORDER_MAP].replace("version: 1\n", f"version: {version}\n", 1)
    assert change[0] in text
    return text.replace(*change).replace("otherRefNum: PO-4711", "otherRefNum: D-1")


def remember(journal, count=2):
    """Orders of the past."""
    for n in range(1, count + 1):
        deal = Deal(str(n), f"D-{n}", None, Party("1", "A"), (DealLine("P-1", 3, 1_999),), "EUR", 0)
        arguments = msgspec.json.encode((deal, "77", {"P-1": "501"}))
        journal.intend(Effect(f"order:{n}", "erp", "put_order", arguments, "c", "l", "sent", None, 1, n, n, None))
        journal.settle(f"order:{n}", str(n))


class Desk:
    """A service and its people; ``used`` is what it was told to work by."""

    def __init__(self, bench, office):
        self.bench, self.used = bench, []
        self.operations = governed(bench.engine(), use_maps=self.used.append)
        self.office = office(service_app(bench.now_running, self.operations, TOKENS, lambda: True), TOKENS, bench.do)

    def propose(self, text=None, who="operations", **more):
        return self.office.call("POST", "/api/maps", who, json={"maps": {"own.yaml": text or changed()}, **more})

    def approved(self, asking, by="finance"):
        id_ = self.office.call("POST", "/api/approvals", json=asking).json()["id"]
        assert self.office.call("POST", f"/api/approvals/{id_}", by, json={"action": "approve"}).status_code == 200
        return id_

    def release(self, proposal, approval, who="operations"):
        return self.office.call("POST", f"/api/maps/{proposal['release']}", who, json={"approval": approval})

    def released(self, text=None, **more):
        proposal = self.propose(text, **more).json()
        answer = self.release(proposal, self.approved(proposal["asking"]))
        assert answer.status_code == 200, answer.text
        return proposal["release"]

    def status(self):
        return self.office.call("GET", "/api/maps", "auditor").json()


@pytest.fixture
def bench(either_bench):
    return either_bench


@pytest.fixture
def desk(bench, office):
    remember(bench.journal)
    return Desk(bench, office)


def test_a_proposal_shows_what_it_would_have_done_and_changes_nothing(desk):
    answer = desk.propose()
    told = answer.json()
    assert answer.status_code == 201
    found = told["maps"]["deal-to-sales-order"]
    assert (found["documents"], found["fields"]) == (2, {"otherRefNum": 2})
    assert found["money"] == {"EUR": {"old": 11_994, "new": 11_994, "moved": 0}}
    content = told["asking"]["content"]["deal-to-sales-order"]
    assert content.startswith("version 2, ")
    assert content.endswith("2 of 2 documents change; 0 EUR minor units moved")
    status = desk.status()
    assert (status["in_use"], status["used"], status["maps"]["deal-to-sales-order"]["version"]) == ("", [], 1)
    assert [each["release"] for each in status["proposed"]] == [told["release"]]
    assert desk.used == []


def test_a_release_takes_effect_when_somebody_else_has_approved_it(desk):
    proposal = desk.propose().json()
    alone = desk.release(proposal, None)
    assert (alone.status_code, "needs a second pair of eyes" in alone.json()["error"]) == (403, True)
    id_ = desk.office.call("POST", "/api/approvals", json=proposal["asking"]).json()["id"]
    own = desk.office.call("POST", f"/api/approvals/{id_}", json={"action": "approve"})
    assert own.status_code == 409
    desk.office.call("POST", f"/api/approvals/{id_}", "operations/ann", json={"action": "approve"})
    answer = desk.release(proposal, id_)
    assert answer.json() == {"in_use": proposal["release"], "approved_by": "operations/ann"}
    (used,) = desk.used
    assert used.load().specs["deal-to-sales-order"].version == 2
    status = desk.status()
    assert (status["in_use"], status["proposed"]) == (proposal["release"], [])
    assert status["maps"]["deal-to-sales-order"]["version"] == 2
    assert (status["used"][0]["by"], status["used"][0]["approved_by"]) == ("operations", "operations/ann")
    trail = [(e["who"], e["what"], e["object"]) for e in desk.operations._audit.entries() if "map" in e["what"]]
    assert trail[:2] == [("operations", "propose maps", "maps"), ("operations", "mapping release", proposal["release"])]
    assert ("operations", "mapping release", proposal["release"]) in trail[2:]


def test_with_the_command_line(desk, tmp_path):
    path = tmp_path / "order.yaml"
    path.write_text(changed())
    told = desk.office.o2c("mapping", "release", path).output
    assert "2 of 2 documents change; 0 newly refused, 0 no longer" in told
    assert "order:1: otherRefNum None -> D-1" in told
    assert "apr-1: asked; somebody else of operations or finance" in told
    assert desk.office.o2c("approve", "apr-1", who="finance").exit_code == 0
    answer = desk.office.o2c("mapping", "release", "--approval", "apr-1")
    assert answer.output.endswith(": in use from now on\n")
    status = desk.office.o2c("mapping", "status", who="auditor").output
    assert "in use since 2026-01-05 00:00, by operations, approved by finance" in status
    assert json.loads(desk.office.o2c("mapping", "status", "--json").output)["in_use"] == in_use(desk.bench.journal)
    for arguments, said in (
        ((), "give files to propose, or --approval"),
        ((path, "--approval", "apr-1"), "give files to propose, or --approval"),
        (("--approval", "apr-9"), "apr-9: is no approval of maps"),
        ((path,), "these are the maps in use; there is nothing to release"),
        ((tmp_path / "none.yaml",), "none.yaml: cannot be read: No such file or directory"),
        ((tmp_path,), "has no map files; put them into maps/"),
    ):
        refused = desk.office.o2c("mapping", "release", *arguments)
        assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("map: [", "own.yaml"),
        (changed(change=("to: otherRefNum", "to: otherRefNumber")), "did you mean 'otherRefNum'?"),
        (
            changed(version=1),
            "map deal-to-sales-order: does something else under the version in use; raise",
        ),
        ("map: nobody-runs-this\nversion: 1\n", "own.yaml"),
    ],
)
def test_files_that_may_not_be_used_are_not_proposed(desk, text, told):
    answer = desk.propose(text)
    assert (answer.status_code, told in answer.json()["error"]) == (422, True), answer.text
    assert desk.status()["proposed"] == []


def test_an_approval_is_for_the_release_it_was_asked_for_and_for_what_was_in_use_then(desk):
    first, second = desk.propose().json(), desk.propose(changed(version=3)).json()
    assert first["release"] != second["release"]
    approval = desk.approved(first["asking"])
    crossed = desk.release(second, approval)
    assert (crossed.status_code, "something else was approved" in crossed.json()["error"]) == (409, True)
    assert desk.release(first, approval).status_code == 200
    late = desk.release(second, desk.approved(second["asking"]))
    assert late.status_code == 409
    assert "was tried against other maps than those in use now; propose it again" in late.json()["error"]
    assert in_use(desk.bench.journal) == first["release"]


def test_one_may_go_back_to_what_was_in_use_before(desk):
    desk.released()
    proposal = desk.office.call("POST", "/api/maps", json={"alone": True}).json()
    assert desk.release(proposal, desk.approved(proposal["asking"])).status_code == 200
    assert desk.used[-1] is None
    assert desk.status()["maps"]["deal-to-sales-order"]["version"] == 1
    again = desk.propose().json()
    assert desk.release(again, desk.approved(again["asking"])).status_code == 200
    assert desk.status()["maps"]["deal-to-sales-order"]["version"] == 2


def test_what_is_proposed_stands_beside_the_own_files_in_use(desk):
    desk.released()
    customer = shipped_files().maps["maps/netsuite/party_to_customer.yaml"]
    more = customer.replace("version: 1\n", "version: 2\n", 1)
    proposal = desk.office.call("POST", "/api/maps", json={"maps": {"customer.yaml": more}}).json()
    assert desk.release(proposal, desk.approved(proposal["asking"])).status_code == 200
    versions = {name: each["version"] for name, each in desk.status()["maps"].items()}
    assert (versions["deal-to-sales-order"], versions["party-to-customer"]) == (2, 2)


@pytest.mark.parametrize("role", ROLES)
def test_only_operations_releases(desk, role):
    proposal = desk.propose().json()
    for answer in (desk.propose(who=role), desk.release(proposal, None, role)):
        said = answer.json().get("error", "")
        assert ("may not mapping release" in said) == (role != "operations"), answer.text
    assert desk.used == []


def test_the_version_in_use_outlives_the_process_and_another_worker_takes_it_up(desk, bench, office):
    other = Desk(bench, office)
    id_ = desk.released()
    assert other.operations.maps.follow() is True
    assert other.operations.maps.follow() is False
    assert other.used[0].load().specs["deal-to-sales-order"].version == 2
    bench.kill()
    assert in_use(bench.journal) == id_
    assert maps_in_use(bench.journal, "").load().specs["deal-to-sales-order"].version == 2


def test_configured_maps_count_at_the_first_start_and_then_the_journal_does(bench):
    journal = bench.journal
    first = OwnMaps(MapFiles({"a.yaml": changed()}, {}, {}))
    assert begin(journal, 1, None)
    assert maps_in_use(journal, "") is None
    assert begin(journal, 2, first)
    assert maps_in_use(journal, "").load().specs["deal-to-sales-order"].version == 2
    assert begin(journal, 3, OwnMaps(MapFiles({"elsewhere.yaml": changed()}, {}, {})))
    assert begin(journal, 3, None)
    assert not begin(journal, 4, OwnMaps(MapFiles({"a.yaml": changed(version=3)}, {}, {})))
    assert maps_in_use(journal, "").load().specs["deal-to-sales-order"].version == 2


def test_a_connector_at_work_sends_by_the_maps_in_use(bench, http):
    signer = TokenSigner("1", "k", "s", "t", "u")

    def made(maps):
        return NetSuiteErp("erp", "http://erp", http, bench.clock, signer, "EUR", maps_for(maps, NetSuiteMaps))

    erp = Mapped(made, None)
    deal = Deal("1", "D-1", "PO-9", Party("1", "A"), (DealLine("P-1", 3, 1_999),), "EUR", 0)
    for maps in (None, OwnMaps(MapFiles({"a.yaml": changed()}, {}, {})), None):
        erp.use(maps)
        http.answers((204, b"", {"location": "http://erp/x/7"}))
        bench.do(erp.put_order(deal, "77", {"P-1": "501"}, "order:1", "c"))
    assert [json.loads(sent.body)["otherRefNum"] for sent in http.sent] == ["PO-9", "D-1", "PO-9"]
    with pytest.raises(AttributeError):
        erp.no_such_call  # noqa: B018 - asking is the test
