"""Login, ETags, queries, pages, batches, limits, errors."""

import json
import random
from typing import Any
from urllib.parse import urlencode

import pytest

from o2c_twin.mock_systems.vendors.business_central import App, BusinessCentralConfig, Oddities
from o2c_twin.mock_systems.wire.faults import LostReply, ServerError
from o2c_twin.mock_systems.wire.message import Request, TransportFault

SCOPE = "https://api.businesscentral.dynamics.com/.default"


# --- login --------------------------------------------------------------------------------------------


def _ask(company: Any, **changes: str) -> tuple[int, dict[str, Any]]:
    app = company.dialect.config.apps[0]
    form = {
        "grant_type": "client_credentials",
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "scope": SCOPE,
        **changes,
    }
    tenant = form.pop("tenant", company.dialect.config.tenant)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    path = f"/{tenant}/oauth2/v2.0/token"
    answer = company.send(Request("POST", path, {}, headers, urlencode(form).encode()))
    return answer.status, json.loads(answer.body)


def test_a_token_lets_in_until_it_expires(company: Any) -> None:
    status, answer = _ask(company)
    assert (status, answer["token_type"], answer["expires_in"]) == (200, "Bearer", 3599)
    company.token = answer["access_token"]
    assert company.rows("customers")
    company.clock.us += 3_599_000_000
    assert company.refusal("GET", "customers")[:2] == (401, "Authentication_InvalidCredentials")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "unknown"}, 400, "unauthorized_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "https://graph.microsoft.com/.default"}, 400, "invalid_scope"),
        ({"tenant": "another"}, 400, "invalid_request"),
    ],
)
def test_a_bad_login_is_refused_in_the_directorys_words(
    company: Any, changes: dict[str, str], status: int, error: str
) -> None:
    found, body = _ask(company, **changes)
    assert (found, body["error"]) == (status, error)
    assert body["error_description"].startswith("AADSTS")


@pytest.mark.parametrize("token", ["x", "a.b.c", "." * 50, "e30.e30.e30"])
def test_a_forged_token_lets_nobody_in(company: Any, token: str) -> None:
    path = f"{company.root}/companies"
    answer = company.send(Request("GET", path, {}, {"authorization": f"Bearer {token}"}, b""))
    assert answer.status == 401


def test_an_app_the_environment_does_not_know_and_a_right_it_does_not_have(new_company: Any) -> None:
    company = new_company(
        BusinessCentralConfig(apps=(App("a", "s", denied=("items",)), App("b", "s", registered=False)))
    )
    assert company.refusal("GET", "items")[0] == 403
    assert company.rows("customers") == []
    company.token = company.dialect.login.issue(company.dialect.config.apps[1], company.clock.us)
    assert company.refusal("GET", "customers")[0] == 401


# --- ETags --------------------------------------------------------------------------------------------


def test_a_change_needs_the_etag_of_the_record_as_it_is(company: Any) -> None:
    customer = company.rows("customers")[0]
    path, etag = f"customers({customer['id']})", customer["@odata.etag"]
    assert company.refusal("PATCH", path, {"city": "A"})[:2] == (400, "BadRequest_InvalidToken")
    assert company.refusal("PATCH", path, {"city": "A"}, if_match='"x"')[:2] == (400, "BadRequest_InvalidToken")
    changed = company.patch(path, {"city": "Ghent"}, etag)
    assert (changed["city"], changed["@odata.etag"] != etag) == ("Ghent", True)
    assert company.refusal("PATCH", path, {"city": "B"}, if_match=etag) == (
        409,
        "Request_EntityChanged",
        "Another user has already changed the record.",
    )
    assert company.get(path)["city"] == "Ghent"
    assert company.refusal("DELETE", path, None, if_match=etag)[0] == 409
    assert company.call("DELETE", path).status == 204


def test_the_stale_answer_and_the_missing_etag_can_be_as_elsewhere(new_company: Any) -> None:
    company = new_company(BusinessCentralConfig(oddities=Oddities(stale_etag_is_409=False, etag_required=False)))
    customer = company.customer()
    path = f"customers({customer['id']})"
    assert company.call("PATCH", path, {"city": "A"}).status == 200
    assert company.refusal("PATCH", path, {"city": "B"}, if_match=customer["@odata.etag"])[0] == 412


# --- reading ------------------------------------------------------------------------------------------


def test_pages_follow_each_other_whatever_changes_between(new_company: Any) -> None:
    company = new_company(BusinessCentralConfig(page_size=10))
    for n in range(34):
        company.customer(f"N{n:03d}")
        company.clock.us += 1_000
    seen: list[str] = []
    page = company.get("customers?$orderby=lastModifiedDateTime&$select=number&$count=true")
    assert page["@odata.count"] == 34
    while True:
        seen += [row["number"] for row in page["value"]]
        link = page.get("@odata.nextLink")
        if link is None:
            break
        assert "aid=FIRE&" in link
        # The last one of the page is changed and moves to the end; none may be left out for it.
        row = company.rows(f"customers?$filter=number eq '{seen[-1]}'")[0]
        company.patch(f"customers({row['id']})", {"city": "moved"})
        page = company.get(link.removeprefix("http://localhost"))
        if len(seen) > 60:
            break
    assert set(seen) >= {f"N{n:03d}" for n in range(34)}


def test_a_smaller_page_can_be_asked_for_and_a_larger_is_refused(company: Any) -> None:
    for n in range(5):
        company.customer(f"N{n}")
    page = company.get("customers", prefer="odata.maxpagesize=2")
    assert (len(page["value"]), "@odata.nextLink" in page) == (2, True)
    page = company.get(page["@odata.nextLink"].partition("/v2.0/")[1] + page["@odata.nextLink"].partition("/v2.0/")[2])
    assert len(page["value"]) == 4
    assert company.refusal("GET", "customers", prefer="odata.maxpagesize=20001")[0] == 413
    assert [r["number"] for r in company.rows("customers?$top=2&$skip=1")] == ["N0", "N1"]


def test_filters_orders_and_choices(company: Any) -> None:
    company.customer("C200", city="Ghent", creditLimit=500.5)
    company.customer("C300", city="Bruges", email="a@b.example")
    cases = {
        "number eq 'c200'": [],
        "number eq 'C200'": ["C200"],
        "creditLimit gt 500": ["C200"],
        "startswith(number,'C') and city ne ''": ["C200", "C300"],
        "city eq 'Ghent' or email eq 'a@b.example'": ["C200", "C300"],
        "lastModifiedDateTime ge 2026-01-05T00:00:00Z": ["C100", "C200", "C300"],
        "lastModifiedDateTime gt 2026-01-05T00:00:00Z": [],
    }
    for condition, wanted in cases.items():
        assert [row["number"] for row in company.rows(f"customers?$filter={condition}")] == wanted, condition
    rows = company.rows("customers?$orderby=number desc&$select=number,city")
    assert rows[0] == {"@odata.etag": rows[0]["@odata.etag"], "number": "C300", "city": "Bruges"}
    one = company.get(f"customers({company.rows('customers')[0]['id']})?$expand=customerFinancialDetail")
    assert one["customerFinancialDetail"]["balance"] == 0


@pytest.mark.parametrize(
    "query",
    [
        "$filter=horn eq 1",
        "$filter=number eq",
        "$filter=number gt 5",
        "$select=horn",
        "$orderby=horn",
        "$expand=horn",
        "$top=-1",
        "$skiptoken=xx",
        "$deltatoken=1",
        "$filter=creditLimit eq 'x'",
    ],
)
def test_a_query_that_is_wrong_is_a_bad_request(company: Any, query: str) -> None:
    assert company.refusal("GET", f"customers?{query}")[:2] == (400, "BadRequest")


def test_lines_are_listed_below_their_document_or_by_its_id(company: Any) -> None:
    order = company.order(("WIDGET", 1))
    (line,) = company.rows(f"salesOrderLines?$filter=documentId eq {order['id']}")
    assert company.get(f"salesOrderLines({line['id']})")["id"] == line["id"]
    assert company.get(f"salesOrders({order['id']})/salesOrderLines({line['id']})")["id"] == line["id"]
    text = "You must specify an Id or a Document Id to get the lines."
    assert company.refusal("GET", "salesOrderLines")[2] == text


# --- batches ------------------------------------------------------------------------------------------


def _batch(company: Any, *requests: tuple[str, str, Any], **headers: str) -> list[dict[str, Any]]:
    rows = []
    for n, (method, url, body) in enumerate(requests, 1):
        row = {"id": str(n), "method": method, "url": f"companies({company.cid})/{url}", "headers": {"If-Match": "*"}}
        rows.append({**row, "body": body} if body is not None else row)
    answer = company.call("POST", f"{company.root}/$batch", {"requests": rows}, **headers)
    assert answer.status == 200, answer.body
    return list(json.loads(answer.body)["responses"])


def test_a_batch_stops_at_the_first_failure_and_keeps_what_was_done(company: Any) -> None:
    new = ("POST", "customers", {"number": "N1", "displayName": "x"})
    replies = _batch(company, new, ("GET", "horns", None), ("GET", "items", None))
    assert [reply["status"] for reply in replies] == [201, 404]
    replies = _batch(company, ("GET", "horns", None), ("GET", "items", None), prefer="odata.continue-on-error")
    assert [reply["status"] for reply in replies] == [404, 200]
    assert len(company.rows("customers")) == 2


def test_a_snapshot_batch_is_done_whole_or_not_at_all(company: Any) -> None:
    order = company.order(("WIDGET", 3))
    line = company.lines(order)[0]
    patch = ("PATCH", f"salesOrderLines({line['id']})", {"shipQuantity": 1})
    action = ("POST", f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice", None)
    new = ("POST", "customers", {"number": "N1", "displayName": "x"})
    (reply,) = _batch(company, patch, new, ("GET", "horns", None), isolation="snapshot")
    assert (reply["id"], reply["status"]) == ("3", 404)
    assert len(company.rows("customers")) == 1
    assert company.lines(order)[0]["shipQuantity"] == 3
    assert [reply["status"] for reply in _batch(company, patch, action, isolation="snapshot")] == [200, 204]
    assert company.lines(order)[0]["shippedQuantity"] == 1


def test_a_batch_has_a_limit_and_holds_no_batch(company: Any) -> None:
    many = [{"id": str(n), "method": "GET", "url": "companies"} for n in range(101)]
    assert company.refusal("POST", f"{company.root}/$batch", {"requests": many})[0] == 400
    inner = {"requests": [{"id": "1", "method": "POST", "url": "$batch", "body": {"requests": []}}]}
    answer = json.loads(company.call("POST", f"{company.root}/$batch", inner).body)
    assert answer["responses"][0]["status"] == 400


# --- limits and errors --------------------------------------------------------------------------------


def test_too_many_requests_are_refused_without_a_time_to_wait(new_company: Any) -> None:
    company = new_company()
    for _ in range(6_000):
        company.dialect.limiter.admit(
            company.dialect.login.check(_login(company), company.clock.us), 1, company.clock.us
        )
    answer = company.call("GET", "items")
    assert (answer.status, "Retry-After" in answer.headers) == (429, False)
    assert json.loads(answer.body)["error"]["code"] == "429"
    company.clock.us += 306_000_000
    assert company.call("GET", "items").status == 200


def _login(company: Any) -> Request:
    return Request("GET", "/", {}, {"authorization": f"Bearer {company.token}"}, b"")


def test_plans_and_the_429_can_be_chosen(new_company: Any) -> None:
    oddities = Oddities(throttle_body="empty", retry_after=True)
    company = new_company(BusinessCentralConfig(plan="sandbox-2023", oddities=oddities))
    statuses = [company.call("GET", "items").status for _ in range(301)]
    assert statuses == [200] * 300 + [429]
    answer = company.call("GET", "items")
    assert (answer.body, int(answer.headers["Retry-After"]) > 0) == (b"", True)


@pytest.mark.parametrize(
    ("status", "code"), [(503, "Internal_TenantUnavailable"), (504, "Unknown"), (500, "Internal_ServerError")]
)
def test_the_service_fails_in_its_own_words(company: Any, status: int, code: str) -> None:
    company.server.faults.add(ServerError(status=status))
    answer = company.call("GET", "items")
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (status, code)
    assert ("Retry-After" in answer.headers) == (status == 503)


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "modelled"),
    [
        ("GET", "horns", 404, "BadRequest_NotFound", False),
        ("GET", "horns(00000001-0000-0000-0000-000000000001)", 404, "BadRequest_NotFound", False),
        ("PATCH", "horns(00000001-0000-0000-0000-000000000001)", 404, "BadRequest_NotFound", False),
        ("GET", "salesOrders(00000001-0000-0000-0000-000000000001)/horns", 404, "Internal_RecordNotFound", True),
        ("GET", "customers(00000001-0000-0000-0000-000000000001)", 404, "Internal_RecordNotFound", True),
        ("GET", "customers('x'", 400, "BadRequest", True),
        ("DELETE", "customers", 405, "BadRequest_MethodNotAllowed", True),
        ("GET", "customers(x)/horns/x/y", 404, "BadRequest_NotFound", False),
        (
            "POST",
            "salesOrders(00000001-0000-0000-0000-000000000001)/Microsoft.NAV.horn",
            405,
            "BadRequest_MethodNotAllowed",
            False,
        ),
    ],
)
def test_what_is_not_covered_is_not_found(
    company: Any, method: str, path: str, status: int, code: str, modelled: bool
) -> None:
    assert company.refusal(method, path)[:2] == (status, code)
    assert (company.server.journal.entries[-1].operation == "not modelled") is not modelled


def test_another_company_or_environment_is_not_found(company: Any) -> None:
    other = company.root.replace("production", "sandbox")
    assert company.refusal("GET", f"{other}/companies")[0] == 404
    path = f"{company.root}/companies(00000001-0000-0000-0000-000000000001)/customers"
    assert company.refusal("GET", path)[:2] == (404, "Internal_CompanyNotFound")
    assert company.get(f"{company.root}/companies")["value"][0]["id"] == company.cid
    assert b"salesOrder" in company.call("GET", f"{company.root}/$metadata").body


def test_a_body_that_is_none_is_a_bad_request(company: Any) -> None:
    for body in (b"{", b"[]", b'{"number":', b"\xff"):
        assert company.refusal("POST", "customers", body)[:2] == (400, "BadRequest")


# --- promises, attacked -------------------------------------------------------------------------------

_WRITES = {"POST", "PATCH", "DELETE"}


def test_every_write_operation_has_a_promise(new_company: Any) -> None:
    dialect = new_company().dialect
    writes = {op.name for op in dialect.routes if op.method in _WRITES and not op.open}
    assert {promise.operation for promise in dialect.promises} == writes


def _twice(company: Any, method: str, path: str, body: Any = None, **headers: str) -> int:
    """A write whose answer is lost, sent again; the status of the second."""
    company.server.faults.add(LostReply(next=1))
    with pytest.raises(TransportFault):
        company.call(method, path, body, **headers)
    company.server.faults.clear()
    return int(company.call(method, path, body, **headers).status)


def test_writes_with_a_key_of_their_own_are_done_once(new_company: Any) -> None:
    company = new_company()
    assert _twice(company, "POST", "customers", {"number": "N1", "displayName": "x"}) == 400
    assert _twice(company, "POST", "items", {"number": "I1"}) == 400
    assert _twice(company, "POST", "paymentTerms", {"code": "77D", "dueDateCalculation": "77D"}) == 400
    assert _twice(company, "POST", "customerPaymentJournals", {"code": "J1"}) == 400
    hook = {"notificationUrl": "http://hub", "resource": f"api/v2.0/companies({company.cid})/customers"}
    assert _twice(company, "POST", f"{company.root}/subscriptions", hook) == 400
    assert len(company.rows("customers")) == len(company.rows("items")) == 1
    assert len(company.rows("customerPaymentJournals")) == 4


def test_documents_sent_twice_are_there_twice_and_can_be_asked_for(new_company: Any) -> None:
    company = new_company()
    company.item()
    company.customer()
    lines = [{"lineObjectNumber": "WIDGET", "quantity": 1}]
    for path, part in (("salesOrders", "salesOrderLines"), ("salesInvoices", "salesInvoiceLines")):
        body = {"customerNumber": "C100", "externalDocumentNumber": "K-1", part: lines}
        assert _twice(company, "POST", path, body) == 201
        rows = company.rows(f"{path}?$filter=externalDocumentNumber eq 'K-1'")
        assert len(rows) == 2, "a query right after the write sees it"
    order, draft = company.rows("salesOrders")[0], company.rows("salesInvoices")[0]
    assert _twice(company, "POST", f"salesOrders({order['id']})/salesOrderLines", {"lineType": "Comment"}) == 201
    assert _twice(company, "POST", f"salesInvoices({draft['id']})/salesInvoiceLines", lines[0]) == 201
    invoice = company.invoice("WIDGET")
    body = {"customerNumber": "C100", "externalDocumentNumber": "K-1", "invoiceId": invoice["id"]}
    assert _twice(company, "POST", "salesCreditMemos", body) == 201
    memos = company.rows("salesCreditMemos?$filter=externalDocumentNumber eq 'K-1'")
    assert len(memos) == 2
    line = {"lineType": "Account", "lineObjectNumber": "40100", "quantity": 1, "unitPrice": 1}
    assert _twice(company, "POST", f"salesCreditMemos({memos[0]['id']})/salesCreditMemoLines", line) == 201
    journal = company.journal()
    payment = {"customerNumber": "C100", "amount": -1, "documentNumber": "P1", "journalId": journal}
    assert _twice(company, "POST", f"customerPaymentJournals({journal})/customerPayments", payment) == 201
    assert _twice(company, "POST", "customerPayments", payment) == 201
    condition = f"journalId eq {journal} and documentNumber eq 'P1'"
    assert len(company.rows(f"customerPayments?$filter={condition}")) == 4


def test_actions_sent_twice_act_once(new_company: Any) -> None:
    company = new_company()
    company.item()
    company.customer()
    order = company.order(("WIDGET", 1))
    assert _twice(company, "POST", f"salesOrders({order['id']})/Microsoft.NAV.shipAndInvoice") == 404
    invoice = company.rows(f"salesInvoices?$filter=orderId eq {order['id']}")[0]
    assert _twice(company, "POST", f"salesInvoices({invoice['id']})/Microsoft.NAV.cancel") == 400
    journal = company.journal()
    _ = company.post(f"customerPaymentJournals({journal})/customerPayments", {"customerNumber": "C100", "amount": -1})
    assert _twice(company, "POST", f"journals({journal})/Microsoft.NAV.post") == 400
    draft = company.post(
        "salesInvoices",
        {"customerNumber": "C100", "salesInvoiceLines": [{"lineObjectNumber": "WIDGET", "quantity": 1}]},
    )
    assert _twice(company, "POST", f"salesInvoices({draft['id']})/Microsoft.NAV.post") == 400
    invoice = company.invoice("WIDGET")
    lines = [{"lineType": "Account", "lineObjectNumber": "40100", "quantity": 1, "unitPrice": 1}]
    body = {"customerNumber": "C100", "invoiceId": invoice["id"], "salesCreditMemoLines": lines}
    memo = company.post("salesCreditMemos", body)
    assert _twice(company, "POST", f"salesCreditMemos({memo['id']})/Microsoft.NAV.post") == 400
    assert (len(company.core.state.invoices), len(company.core.state.payments)) == (3, 1)
    assert len(company.core.state.credit_memos) == 2


def test_changes_that_rest_on_an_old_read_are_refused(new_company: Any) -> None:
    company = new_company()
    company.item()
    customer = company.customer()
    path = f"customers({customer['id']})"
    assert _twice(company, "PATCH", path, {"city": "A"}, if_match=customer["@odata.etag"]) == 409
    order = company.order(("WIDGET", 2))
    line = company.lines(order)[0]
    path = f"salesOrderLines({line['id']})"
    assert _twice(company, "PATCH", path, {"shipQuantity": 1}, if_match=line["@odata.etag"]) == 409
    path = f"salesOrders({order['id']})/{path}"
    assert _twice(company, "PATCH", path, {"shipQuantity": 0}, if_match=company.lines(order)[0]["@odata.etag"]) == 409
    journal = f"customerPaymentJournals({company.journal()})"
    payment = company.post(f"{journal}/customerPayments", {"customerNumber": "C100", "amount": -1})
    assert _twice(company, "DELETE", f"{journal}/customerPayments({payment['id']})") == 404
    assert _twice(company, "DELETE", f"salesOrders({order['id']})") == 404


# --- nonsense -----------------------------------------------------------------------------------------

_JUNK = [None, "", "x" * 300, -1, 0, 10**30, 1.5, True, [], {}, [{}], "2026-13-01", "ä\u0000", "*", "' or 1 eq 1"]


def nonsense(company: Any, seed: int, count: int) -> list[int]:
    """Statuses of requests nobody would send."""
    dice = random.Random(seed)
    order = company.order(("WIDGET", 5))
    draft = company.post("salesInvoices", {"customerNumber": "C100"})
    ids = [order["id"], draft["id"], company.rows("customers")[0]["id"], company.journal(), "x", "", "0", company.cid]
    sets = sorted({op.path.rpartition("/")[2] for op in company.dialect.routes})
    documents = [f"salesOrders({ids[0]})", f"salesInvoices({ids[1]})", f"customers({ids[2]})", f"journals({ids[3]})"]
    documents += [f"customerPaymentJournals({ids[3]})", f"salesOrderLines({company.lines(order)[0]['id']})", "horns(x)"]
    names = ["customerNumber", "displayName", "number", "salesOrderLines", "salesInvoiceLines", "amount", "creditLimit"]
    names += ["lineObjectNumber", "quantity", "shipQuantity", "blocked", "code", "dueDateCalculation", "postingDate"]
    names += ["appliesToInvoiceId", "customerId", "documentNumber", "notificationUrl", "resource", "unitPrice", "type"]
    options = ["$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count", "$skiptoken"]
    words = ["number", "eq", "'C100'", "lastModifiedDateTime", "ge", "2026-01-05T00:00:00Z", "(", ")", ",", "desc", "1"]
    statuses = []
    for _ in range(count):
        operation = dice.choice(company.dialect.routes)
        record = dice.choice(documents)
        path = operation.path.partition("/api/v2.0/")[2].partition("/")[2]
        path = path.replace("{record}", record).replace("{line}", f"{dice.choice(sets)}({dice.choice(ids)})")
        if dice.random() < 0.2:
            path = f"{dice.choice(sets)}({dice.choice(ids)})/{dice.choice(sets)}"
        query = {
            dice.choice(options): " ".join(dice.choices(words, k=dice.randrange(6))) for _ in range(dice.randrange(3))
        }
        body: Any = {
            dice.choice(names): dice.choice([*_JUNK, "C100", "WIDGET", 3, -3]) for _ in range(dice.randrange(5))
        }
        if dice.random() < 0.3:
            body["salesOrderLines"] = [{dice.choice(names): dice.choice([*_JUNK, "WIDGET", 2])}]
        target = path if dice.random() < 0.1 else f"{company.root}/companies({company.cid})/{path}"
        headers = {"authorization": f"Bearer {company.token}", "content-type": "application/json"}
        if dice.random() < 0.5:
            headers["if-match"] = dice.choice(["*", "x", 'W/"x"'])
        data = dice.choice([json.dumps(body).encode(), json.dumps(body).encode(), b"", b"[1]", b"{"])
        method = operation.method if dice.random() < 0.8 else dice.choice(["GET", "POST", "PATCH", "DELETE", "PUT"])
        statuses.append(company.send(Request(method, target, query, headers, data)).status)
    return statuses


def test_nonsense_is_refused_and_never_a_crash(new_company: Any) -> None:
    company = new_company()
    company.item()
    company.customer()
    statuses = nonsense(company, 1, 300)
    assert max(statuses) < 500
    assert {200, 201, 204, 400, 404, 405} <= set(statuses)
    assert sum(company.core.trial_balance().values()) == 0


# --- options on writes --------------------------------------------------------------------------------


@pytest.mark.parametrize("option", ["$select=nothing", "$expand=nothing", "$count=perhaps", "$top=x"])
@pytest.mark.parametrize(
    ("set_", "body"), [("customers", {"displayName": "Acme"}), ("items", {"displayName": "Widget"})]
)
def test_a_write_whose_answer_cannot_be_as_asked_is_refused_and_writes_nothing(
    company: Any, set_: str, body: dict[str, Any], option: str
) -> None:
    before = company.dialect.core.snapshot()
    assert company.refusal("POST", f"{set_}?{option}", body)[0] == 400
    assert company.dialect.core.snapshot() == before
