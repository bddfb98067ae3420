"""The repair plan over the service's API and on the command line, on the real mocks: shown, applied, approved."""

import json

import pytest

from o2c_twin.integration.governance.roles import ROLES, TABLE
from o2c_twin.integration.service.api import service_app
from o2c_twin.integration.service.wiring import governed

HOUR = 3_600_000_000
TOKENS = {name: f"token-of-{name}" for name in (*ROLES, "operations/ann")}


@pytest.fixture
def trading(company, office):
    """A company that sells, its service, and the people at it."""

    def make(**settings):
        here = company(**settings)
        here.operations = governed(here.engine, reconciler=here.reconciler)
        app = service_app(here.engine, here.operations, TOKENS, lambda: True)
        here.office = office(app, TOKENS, here.env.aio.run_until_complete)
        here.deal = here.win(here.account(1))
        here.pass_time(HOUR)
        return here

    return make


@pytest.fixture
def wiped(trading):
    """Somebody wiped the order's number at sales: a repair that needs nobody's approval."""
    here = trading()
    here.estate.crm.update("opportunity", here.deal, {}, {here.estate.crm_fields.erp_order_number: None})
    here.pass_time(HOUR)
    return here


@pytest.fixture
def forgotten(trading):
    """A deal of 50,000 EUR nobody told of: its repair needs approval."""
    here = trading()
    here.lost = 1.0
    here.win(here.accounts[0], 2_000)
    here.pass_time(HOUR)
    here.lost = 0.0
    return here


def outcomes(here):
    told = here.operations._audit.entries()
    return [(e["who"], e["what"], e["key"]) for e in told if e["who"] not in ("engine", "finance")]


def test_a_plan_is_shown_and_changes_nothing(wiped):
    before = wiped.disagreements()
    told = wiped.office.call("GET", "/api/repairs/plan", "finance").json()
    (repair,) = told["repairs"]
    assert (repair["action"], repair["kind"], repair["key"], repair["group"]) == ("write", "deal", wiped.deal, "number")
    assert [change["field"] for change in repair["changes"]] == ["order_number"]
    assert (told["held"], told["asking"], told["doubt"], told["blind"]) == ([], None, "", [])
    wiped.pass_time(HOUR)
    assert wiped.disagreements() == before != {}
    text = wiped.office.o2c("sweep", "--plan").output
    assert "order_number" in text
    assert "1 repairs; 0 are being worked on, 0 are too young to tell" in text
    assert json.loads(wiped.office.o2c("sweep", "--plan", "--json").output)["repairs"] == [repair]


def test_what_needs_no_approval_is_applied_once(wiped):
    answer = wiped.office.o2c("sweep", "--apply", "--json")
    assert answer.exit_code == 0, answer.stderr
    told = json.loads(answer.output)
    assert (told["begun"], told["held"]) == ([told["repairs"][0]["id"]], [])
    wiped.pass_time(HOUR)
    assert wiped.disagreements() == {}
    again = wiped.office.call("POST", "/api/repairs/apply", json={}).json()
    assert (again["repairs"], again["begun"]) == ([], [])
    assert ("operations", "repair plan apply", "1 begun, 0 cases, 0 left, 0 held") in outcomes(wiped)


def test_much_money_is_held_until_somebody_else_has_approved_exactly_that(forgotten):
    orders = forgotten.estate.erp.state.orders
    answer = forgotten.office.o2c("sweep", "--apply")
    assert "0 begun, 0 made a case, 0 left to work under way, 1 held" in answer.output
    forgotten.pass_time(HOUR)
    assert len(orders) == 1
    assert "1 need approval" in forgotten.office.o2c("sweep", "--plan").output
    assert "apr-1: asked; somebody else of operations or finance" in forgotten.office.o2c("sweep", "--ask").output
    (asked,) = forgotten.office.call("GET", "/api/approvals").json()
    assert (asked["content"]["amount_minor"], asked["content"]["currency"]) == ("5000000", "EUR")
    early = forgotten.office.o2c("sweep", "--apply", "--approval", "apr-1")
    assert (early.exit_code, "1 more must approve first" in early.stderr) == (2, True)
    assert "operations asked for it; somebody else must decide" in forgotten.office.o2c("approve", "apr-1").stderr
    assert forgotten.office.o2c("approve", "apr-1", who="finance").exit_code == 0
    done = forgotten.office.call("POST", "/api/repairs/apply", json={"approval": "apr-1"}).json()
    assert (len(done["begun"]), done["held"]) == (1, [])
    forgotten.pass_time(HOUR)
    assert len(orders) == 2
    again = forgotten.office.call("POST", "/api/repairs/apply", json={"approval": "apr-1"})
    assert (again.status_code, "nothing waits for approval" in again.json()["error"]) == (409, True)


def test_an_approval_of_a_plan_is_not_one_of_what_the_plan_has_become(forgotten):
    forgotten.office.o2c("sweep", "--ask")
    forgotten.office.o2c("approve", "apr-1", who="operations/ann")
    forgotten.lost = 1.0
    forgotten.win(forgotten.accounts[0], 3_000)
    forgotten.pass_time(HOUR)
    forgotten.lost = 0.0
    answer = forgotten.office.call("POST", "/api/repairs/apply", json={"approval": "apr-1"})
    assert answer.status_code == 409
    assert answer.json()["error"] == "apr-1: something else was approved; ask again for what it has become"
    forgotten.pass_time(HOUR)
    assert len(forgotten.estate.erp.state.orders) == 1
    assert forgotten.office.call("GET", "/api/approvals").json()[0]["state"] == "approved"


@pytest.mark.parametrize("role", ROLES)
def test_the_table_says_who_may_look_and_who_may_apply(wiped, role):
    for operation, method, path in (
        ("sweep", "GET", "/api/repairs/plan"),
        ("repair plan apply", "POST", "/api/repairs/apply"),
    ):
        answer = wiped.office.call(method, path, role, json={})
        allowed = TABLE[operation][role] != "no"
        assert answer.status_code == (200 if allowed else 403)
        if not allowed:
            assert answer.json()["error"].startswith(f"{role} may not {operation}; ask ")
    assert wiped.operations._audit.entries()[-1]["key"] == (
        "1 begun, 0 cases, 0 left, 0 held" if role == "operations" else "refused"
    )


def test_where_systems_cannot_be_compared_that_is_said(bench, office):
    operations = governed(bench.engine(), why_not="hubspot with netsuite cannot be listed")
    at = office(service_app(bench.now_running, operations, TOKENS, lambda: True), TOKENS, bench.do)
    for arguments in (("--plan",), ("--apply",), ("--ask",)):
        answer = at.o2c("sweep", *arguments)
        assert answer.exit_code == 2
        assert "there is no repair plan here: hubspot with netsuite cannot be listed" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "one thing at a time: give a system, --plan, --apply or --ask"),
        (("crm", "--plan"), "one thing at a time"),
        (("--plan", "--apply"), "one thing at a time"),
        (("--plan", "--approval", "apr-1"), "--approval is for --apply; give both"),
    ],
)
def test_a_sweep_of_two_minds_is_refused(wiped, arguments, told):
    answer = wiped.office.o2c("sweep", *arguments)
    assert (answer.exit_code, told in answer.stderr) == (2, True)


def test_nothing_is_asked_where_nothing_is_held(wiped):
    answer = wiped.office.o2c("sweep", "--ask")
    assert (answer.exit_code, "no repair needs approval now" in answer.stderr) == (2, True)
    assert wiped.office.o2c("sweep", "erp").output == "erp: swept\n"
