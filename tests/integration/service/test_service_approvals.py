"""Four eyes over HTTP: what one asks another decides, once, for exactly what was asked, whatever journal keeps it."""

import pytest

DAY = 86_400


def asked(desk, who="operations", **given):
    body = {"operation": "backfill", "subject": "crm", "content": {"since": "7"}, **given}
    return desk.post("/api/approvals", body, who)


def backfill(desk, approval=None, since="7", system="crm", who="operations"):
    return desk.post(f"/api/backfill/{system}", {"since": since, "approval": approval}, who)


def test_what_was_approved_is_done_once(either_desk):
    desk = either_desk
    made = asked(desk)
    told = made.json()
    assert (made.status_code, told["id"], told["state"], told["asked_by"]) == (201, "apr-1", "asked", "operations")
    assert (told["subject"], told["content"], told["ask"]) == ("crm", {"since": "7"}, ["operations", "finance"])
    early = backfill(desk, "apr-1")
    assert (early.status_code, "1 more must approve first" in early.json()["error"]) == (409, True)
    decided = desk.post("/api/approvals/apr-1", {"action": "approve"}, "finance").json()
    assert (decided["state"], decided["votes"][0]["who"]) == ("approved", "finance")
    assert backfill(desk, "apr-1").status_code == 200
    again = backfill(desk, "apr-1")
    assert (again.status_code, again.json()["error"]) == (409, "apr-1: it is used; ask again")
    assert [each["state"] for each in desk.get("/api/approvals").json()] == ["used"]
    assert desk.get("/api/approvals?state=asked").json() == []
    assert desk.trail()[:5] == [
        ("operations", "ask: backfill", "crm", "apr-1"),
        ("operations", "backfill", "crm", "refused"),
        ("finance", "approve", "apr-1", "done"),
        ("operations", "backfill", "crm", "done"),
        ("operations", "backfill", "crm", "refused"),
    ]


def test_without_an_approval_the_way_to_one_is_named(desk):
    answer = backfill(desk)
    assert answer.status_code == 403
    assert "ask with POST /api/approvals (operation 'backfill')" in answer.json()["error"]
    assert desk.trail() == [("operations", "backfill", "crm", "refused")]


@pytest.mark.parametrize(
    ("who", "status", "told"),
    [
        ("operations", 409, "operations asked for it; somebody else must decide"),
        ("auditor", 403, "auditor may not approve"),
        ("sales", 403, "sales may not approve"),
        ("credit", 409, "credit may not decide on backfill; ask operations or finance"),
    ],
)
def test_nobody_approves_what_is_not_theirs_to_approve(desk, who, status, told):
    asked(desk)
    answer = desk.post("/api/approvals/apr-1", {"action": "approve"}, who)
    assert answer.status_code == status
    assert told in answer.json()["error"]
    assert desk.get("/api/approvals").json()[0]["state"] == "asked"
    assert desk.trail()[1] == (who, "approve", "apr-1", "refused")


def test_two_people_of_one_role_are_two(desk):
    asked(desk, "operations/ann")
    assert desk.post("/api/approvals/apr-1", {"action": "approve"}, "operations/ann").status_code == 409
    assert desk.post("/api/approvals/apr-1", {"action": "approve"}, "operations/bert").status_code == 200
    assert backfill(desk, "apr-1", who="operations/ann").status_code == 200


@pytest.mark.parametrize("given", [{"since": "8"}, {"system": "erp"}])
def test_an_approval_is_for_exactly_what_was_asked(desk, given):
    approval = desk.approved("backfill", "crm", {"since": "7"})
    answer = backfill(desk, approval, **given)
    assert (answer.status_code, "something else was approved" in answer.json()["error"]) == (409, True)
    assert backfill(desk, approval).status_code == 200


def test_an_approval_is_for_one_operation(desk):
    approval = desk.approved("repair plan apply", "crm", {"since": "7"})
    answer = backfill(desk, approval)
    assert answer.json()["error"] == f"{approval}: is for repair plan apply, not for backfill; ask again"


def test_an_approval_expires_after_a_day(either_desk, bench):
    desk = either_desk
    approval = desk.approved("backfill", "crm", {"since": "7"})
    bench.pass_time(DAY - 60)
    assert desk.get("/api/approvals").json()[0]["state"] == "approved"
    bench.pass_time(61)
    assert desk.get("/api/approvals").json()[0]["state"] == "expired"
    answer = backfill(desk, approval)
    assert (answer.status_code, answer.json()["error"]) == (409, f"{approval}: it is expired; ask again")


def test_a_no_needs_a_reason_and_is_final(desk):
    asked(desk)
    path = "/api/approvals/apr-1"
    assert desk.post(path, {"action": "refuse"}, "finance").status_code == 409
    refused = desk.post(path, {"action": "refuse", "reason": "not at quarter's end"}, "finance").json()
    assert (refused["state"], refused["votes"][0]["reason"]) == ("refused", "not at quarter's end")
    assert desk.post(path, {"action": "approve"}, "operations/ann").status_code == 409
    assert backfill(desk, "apr-1").status_code == 409


def test_only_who_asked_withdraws(desk):
    asked(desk)
    path = "/api/approvals/apr-1"
    assert desk.post(path, {"action": "withdraw"}, "finance").status_code == 409
    assert desk.post(path, {"action": "withdraw"}).json()["state"] == "withdrawn"


@pytest.mark.parametrize(
    ("who", "given", "status", "told"),
    [
        ("finance", {}, 403, "finance may not backfill; ask operations"),
        ("operations", {"operation": "sweep"}, 422, "'sweep' needs no approval; there are: release hold"),
        ("operations", {"operation": "burn"}, 422, "'burn' is no operation"),
        ("operations", {"subject": " "}, 422, "subject: say what it is about"),
        ("operations", {"operation": "erase subject", "subject": "A1"}, 409, "no vault is configured"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_the_remedy(desk, who, given, status, told):
    answer = asked(desk, who, **given)
    assert answer.status_code == status
    assert told in answer.json()["error"]
    assert desk.get("/api/approvals").json() == []
    assert desk.trail()[0][3] == "refused"


def test_an_approval_that_is_not_there_is_not_found(desk):
    answer = desk.post("/api/approvals/apr-9", {"action": "approve"}, "finance")
    assert (answer.status_code, answer.json()["error"]) == (404, "no approval 'apr-9'; see GET /api/approvals")
    asked(desk)
    assert desk.post("/api/approvals/apr-1", {"action": "burn"}, "finance").status_code == 422


def test_of_two_who_decide_at_once_one_is_first(either_desk, bench):
    desk = either_desk
    asked(desk)
    before = bench.journal.approval("apr-1")
    assert desk.post("/api/approvals/apr-1", {"action": "approve"}, "finance").status_code == 200
    after = bench.journal.approval("apr-1")
    assert (before.version, after.version, after.state) == (1, 2, "approved")
    # Another worker read it before that, and writes now.
    assert not bench.journal.put_approval(after)
    assert not bench.journal.put_approval(before)


def test_under_four_eyes_a_case_is_settled_with_an_approval(make_desk):
    desk = make_desk(controls="four-eyes")
    case = desk.refused_order()
    body = {"action": "close", "note": "by hand"}
    answer = desk.post(f"/api/cases/{case.case_id}", body, "finance")
    assert (answer.status_code, "second pair of eyes" in answer.json()["error"]) == (403, True)
    approval = desk.approved("edit case", case.case_id, by="operations", who="finance")
    settled = desk.post(f"/api/cases/{case.case_id}", {**body, "approval": approval}, "finance")
    assert settled.status_code == 200, settled.text
    assert desk.bench.journal.case(case.case_id).closed_by == "finance"
