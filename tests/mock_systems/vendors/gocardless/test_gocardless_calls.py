"""What every call has in common: token, version, pages, limits, idempotency keys; and the mock's own state."""

import json
from datetime import date, timedelta

import pytest

from o2c_twin.mock_systems.wire.faults import MaintenanceWindow, ServerError, Throttled


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({}, 401, "missing_authorization_header"),
        ({"authorization": "Basic x"}, 401, "invalid_authorization_header"),
        ({"authorization": "Bearer "}, 401, "invalid_authorization_header"),
        ({"authorization": "Bearer nobody"}, 401, "access_token_not_found"),
        ({"authorization": "Bearer old"}, 401, "access_token_revoked"),
        ({"authorization": "Bearer sandbox-o2c-token"}, 400, "missing_version_header"),
        (
            {"authorization": "Bearer sandbox-o2c-token", "gocardless-version": "2014-01-01"},
            400,
            "version_not_found",
        ),
    ],
)
@pytest.mark.parametrize("wire", ["direct", "socket"])
def test_a_call_needs_a_token_and_the_version(open_account, wire, headers, status, reason):
    account = open_account(wire, revoked_tokens=("old",))
    sent = {name.replace("-", "_"): value for name, value in headers.items()}
    assert account.raw("GET", "/payments", **sent).reason == (status, "invalid_api_usage", reason)


def test_a_read_only_token_reads_only(open_account):
    account = open_account(read_only_token="reader")
    account.headers["authorization"] = "Bearer reader"
    assert account.get("/payments")["payments"] == []
    refused = account.call("POST", "/customers", {"customers": {"company_name": "Acme"}})
    assert refused.reason == (403, "invalid_api_usage", "insufficient_permissions")


# --- pages ------------------------------------------------------------------------------------------


def test_lists_are_walked_by_cursor_newest_first(account):
    made = [account.make("customers", company_name=f"C{n}")["id"] for n in range(5)]
    first = account.get("/customers", limit="2")
    assert first["meta"] == {"cursors": {"before": None, "after": made[3]}, "limit": 2}
    second = account.get("/customers", limit="2", after=made[3])
    assert [c["id"] for c in second["customers"]] == [made[2], made[1]]
    last = account.get("/customers", limit="2", after=second["meta"]["cursors"]["after"])
    assert ([c["id"] for c in last["customers"]], last["meta"]["cursors"]["after"]) == ([made[0]], None)
    back = account.get("/customers", limit="2", before=last["meta"]["cursors"]["before"])
    assert [c["id"] for c in back["customers"]] == [made[2], made[1]]
    assert back["meta"]["cursors"] == {"before": made[2], "after": made[1]}
    newest = account.get("/customers", limit="2", before=made[2])
    assert ([c["id"] for c in newest["customers"]], newest["meta"]["cursors"]["before"]) == ([made[4], made[3]], None)
    assert account.get("/customers")["meta"]["limit"] == 50


def test_rows_made_between_two_pages_shift_nothing(direct):
    made = [direct.make("customers", company_name=f"C{n}")["id"] for n in range(4)]
    first = direct.get("/customers", limit="2")
    direct.make("customers", company_name="late")
    second = direct.get("/customers", limit="2", after=first["meta"]["cursors"]["after"])
    assert [c["id"] for c in second["customers"]] == [made[1], made[0]]


def test_times_bound_lists_to_the_millisecond(direct):
    ids = []
    for _ in range(4):
        ids.append(direct.make("customers", company_name="C")["id"])
        direct.seconds(0.001)
    stamps = {c["id"]: c["created_at"] for c in direct.get("/customers")["customers"]}
    assert stamps[ids[0]] == "2026-03-02T10:00:00.000Z"

    def found(bound):
        rows = direct.get("/customers", **{f"created_at[{bound}]": stamps[ids[1]]})["customers"]
        return [row["id"] for row in rows][::-1]

    assert [found(bound) for bound in ("gt", "gte", "lt", "lte")] == [ids[2:], ids[1:], ids[:1], ids[:2]]


def test_payments_are_listed_by_the_day_they_are_charged(direct):
    mandate = direct.mandate()
    first = direct.payment(mandate)["charge_date"]
    later = (date.fromisoformat(first) + timedelta(7)).isoformat()
    later = direct.payment(mandate, charge_date=later)["charge_date"]

    def found(bound, day):
        rows = direct.get("/payments", **{f"charge_date[{bound}]": day})["payments"]
        return [row["charge_date"] for row in rows][::-1]

    bounds = ("gt", "gte", "lt", "lte")
    assert [found(bound, later) for bound in bounds] == [[], [later], [first], [first, later]]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"limit": "0"}, (422, "/limit", "must be a number from 1 to 500")),
        ({"limit": "501"}, (422, "/limit", "must be a number from 1 to 500")),
        ({"limit": "ten"}, (422, "/limit", "must be a number from 1 to 500")),
        ({"created_at[gte]": "monday"}, (422, "/created_at[gte]", "must be an ISO 8601 date-time")),
        ({"charge_date[gte]": "monday"}, (422, "/charge_date[gte]", "must be a date")),
        ({"colour": "red"}, (400, "invalid_api_usage", "invalid_filters")),
        ({"after": "PM1"}, (400, "invalid_api_usage", "invalid_filters")),
        ({"after": "PM1", "before": "PM2"}, (400, "invalid_api_usage", "invalid_filters")),
    ],
)
def test_a_list_asked_for_in_a_way_there_is_not_is_refused(account, query, reason):
    assert account.call("GET", "/payments", query=query).reason == reason


def test_lists_are_filtered(direct):
    mandate, other = direct.mandate(), direct.mandate("55779912", active=False)
    one, two = direct.payment(mandate)["id"], direct.payment(other)["id"]
    direct.act("payments", one, "cancel")

    def ids(kind, **query):
        return [row["id"] for row in direct.get(f"/{kind}", **query)[kind]]

    customer = direct.one("mandates", mandate)["links"]["customer"]
    assert ids("payments", mandate=mandate) == ids("payments", customer=customer) == [one]
    assert ids("payments", status="pending_submission") == [two]
    assert ids("payments", currency="EUR") == ids("payments", scheme="sepa_core") == []
    assert ids("mandates", status="active,cancelled") == ids("mandates", customer=customer) == [mandate]
    assert ids("mandates", scheme="bacs,sepa_core") == [other, mandate]
    assert ids("customer_bank_accounts", customer=customer, enabled="false") == []
    reference = direct.one("mandates", mandate)["reference"]
    assert ids("mandates", reference=reference) == [mandate]
    assert direct.call("GET", "/mandates", query={"scheme": "ach"}).reason[0] == 422


def test_payout_items_are_walked_in_their_order(direct):
    mandate = direct.mandate()
    made = [direct.payment(mandate, 1_000 + n)["id"] for n in range(3)]
    direct.days(8)
    payout = direct.one("payments", made[0])["links"]["payout"]
    items, after = [], None
    while True:
        page = direct.get("/payout_items", payout=payout, limit="4", **({"after": after} if after else {}))
        items += page["payout_items"]
        after = page["meta"]["cursors"]["after"]
        if after is None:
            break
    assert [i["amount"] for i in items if i["type"] == "payment_paid_out"] == ["1000.0", "1001.0", "1002.0"]
    assert len(items) == 6
    last = direct.get("/payout_items", payout=payout, limit="4", after=f"{payout}-3")
    back = direct.get("/payout_items", payout=payout, limit="4", before=last["meta"]["cursors"]["before"])
    assert (back["payout_items"], back["meta"]["cursors"]["before"]) == (items[:4], None)
    for cursor in ("PO1-1", f"{payout}-99", f"{payout}-x"):
        query = {"payout": payout, "after": cursor}
        refused = direct.call("GET", "/payout_items", query=query)
        assert refused.reason == (400, "invalid_api_usage", "invalid_filters")


# --- limits -----------------------------------------------------------------------------------------


def test_a_thousand_calls_a_minute_and_the_headers_tell(direct):
    direct.seconds(20)
    first = direct.call("GET", "/payments")
    assert first.headers["ratelimit-limit"] == "1000"
    assert first.headers["ratelimit-remaining"] == "999"
    assert first.headers["ratelimit-reset"] == "Mon, 02 Mar 2026 10:01:00 GMT"
    for _ in range(999):
        last = direct.call("GET", "/creditors")
    assert (last.status, last.headers["ratelimit-remaining"]) == (200, "0")
    refused = direct.call("GET", "/payments")
    assert refused.reason == (429, "invalid_api_usage", "rate_limit_exceeded")
    assert refused.headers["ratelimit-remaining"] == "0"
    direct.seconds(39)
    assert direct.call("GET", "/payments").status == 429
    direct.seconds(1)
    assert direct.call("GET", "/payments").headers["ratelimit-remaining"] == "999"


def test_the_vendor_fails_in_its_own_words(account):
    for fault, status, type_, reason in (
        (ServerError(next=1), 500, "gocardless", "internal_server_error"),
        (MaintenanceWindow(next=1), 503, "gocardless", "internal_server_error"),
        (Throttled(next=1), 429, "invalid_api_usage", "rate_limit_exceeded"),
    ):
        account.server.faults.add(fault)
        assert account.call("GET", "/payments").reason == (status, type_, reason)
    assert account.call("GET", "/payments").status == 200


# --- idempotency keys -------------------------------------------------------------------------------


def test_a_key_makes_one_resource_however_often_it_is_sent(account):
    sent = {"customers": {"company_name": "Acme"}}
    first = account.call("POST", "/customers", sent, idempotency_key="K1").json["customers"]["id"]
    for _ in range(3):
        again = account.call("POST", "/customers", sent, idempotency_key="K1")
        assert again.reason == (409, "invalid_state", "idempotent_creation_conflict")
        assert again.json["error"]["errors"][0]["links"] == {"conflicting_resource_id": first}
    assert len(account.get("/customers")["customers"]) == 1
    assert account.call("POST", "/customers", sent, idempotency_key="K2").status == 201
    assert account.call("POST", "/customers", sent).status == 201


def test_a_refused_create_uses_no_key_and_a_key_counts_for_its_endpoint(account):
    assert account.call("POST", "/customers", {"customers": {}}, idempotency_key="K").status == 422
    customer = account.make("customers", "K", company_name="Acme")
    fields = {"account_number": "55779911", "branch_code": "200000", "country_code": "GB"}
    links = {"customer": customer["id"]}
    held = account.make("customer_bank_accounts", "K", account_holder_name="Acme", links=links, **fields)
    account.make("mandates", "K", links={"customer_bank_account": held["id"]})
    # The key is looked at before the body.
    assert account.call("POST", "/customers", {"customers": {}}, idempotency_key="K").status == 409


def test_a_key_too_long_is_refused(direct):
    sent = {"customers": {"company_name": "Acme"}}
    refused = direct.call("POST", "/customers", sent, idempotency_key="K" * 129)
    assert refused.reason == (400, "invalid_api_usage", "idempotency_key_too_long")
    assert direct.call("POST", "/customers", sent, idempotency_key="K" * 128).status == 201


# --- the mock's own state ---------------------------------------------------------------------------


def test_a_snapshot_brings_back_records_keys_events_and_what_is_due(open_account):
    account = open_account()
    mandate = account.mandate()
    payment = account.make("payments", "K", amount=100, currency="GBP", links={"mandate": mandate})["id"]
    account.server.seal()
    kept = account.dialect.snapshot()
    account.days(10)
    assert account.one("payments", payment)["status"] == "paid_out"
    events = account.get("/events")
    account.make("customers", "L", company_name="Later")
    account.dialect.restore(kept)
    assert account.dialect.snapshot() == kept
    # What was due in the meantime is due still, and done at once: the same events at the same times.
    assert account.get("/events") == events
    assert account.one("payments", payment)["status"] == "paid_out"
    assert account.call("POST", "/payments", {}, idempotency_key="K").status == 409
    account.make("customers", "L", company_name="Later")
    account.server.reset()
    assert account.dialect.facts()["payments"] == 1


def test_two_accounts_of_a_seed_are_the_same_and_of_another_are_not(open_account):
    def ids(**settings):
        account = open_account(**settings)
        account.payment()
        account.days(9)
        return json.dumps([account.get(f"/{kind}") for kind in ("customers", "events", "payouts")])

    assert ids(seed=1) == ids(seed=1)
    assert ids(seed=1) != ids(seed=2)


def test_nothing_happens_by_itself_when_nobody_drives_the_clock_and_nothing_is_late(open_account):
    account = open_account()
    payment = account.payment()["id"]
    account.clock.us += 30 * 86_400_000_000  # the clock jumps: no sleeper is woken
    shown = account.one("payments", payment)
    assert shown["status"] == "paid_out"
    assert account.one("payouts", shown["links"]["payout"])["created_at"] == "2026-03-09T10:00:00.000Z"
