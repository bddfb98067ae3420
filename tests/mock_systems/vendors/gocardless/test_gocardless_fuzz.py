"""Requests as nobody should send them: every operation with bodies, ids and queries that make little sense."""

import json
import random
from collections import Counter
from typing import Any

from o2c_twin.mock_systems.wire.message import Request

ODD: tuple[Any, ...] = (
    None, "", "x" * 600, 0, -1, 10**30, 1.5, True, [], {}, [1], {"a": 1}, "2026-13-45", "GBP", "é\u0000", "20-00-00",
    {"mandate": None}, {"customer": []}, {"payment": 1}, "DE89370400440532013000", 10**18, "٣",
)  # fmt: skip
NAMES = (
    "amount", "currency", "charge_date", "description", "reference", "retry_if_possible", "metadata", "links", "iban",
    "account_number", "branch_code", "country_code", "company_name", "given_name", "scheme", "account_holder_name",
    "total_amount_confirmation", "colour",
)  # fmt: skip
QUERIES = (
    "limit", "after", "before", "created_at[gte]", "created_at[lt]", "status", "mandate", "payment", "payout",
    "customer", "scheme", "enabled", "creditor", "resource_type", "\x00",
)  # fmt: skip

SOUND: dict[str, dict[str, Any]] = {
    "customers": {"company_name": "A"},
    "customer_bank_accounts": {"account_holder_name": "A", "iban": "DE89370400440532013000"},
    "payments": {"amount": 900, "currency": "GBP"},
    "refunds": {"amount": 5, "total_amount_confirmation": 5},
    "mandates": {},
}
LINKS = {
    "customer_bank_accounts": "customer", "mandates": "customer_bank_account", "payments": "mandate",
    "refunds": "payment", "data": "resource",
}  # fmt: skip


def _fuzz(account: Any, seed: int, count: int) -> Counter[int]:
    """Send ``count`` requests to operations drawn by ``seed``; gives how many answers each status had."""
    rng = random.Random(seed)
    mandate = account.mandate()
    account.payment(mandate)
    ids = ["nobody", mandate, "é", "a%2Fb", account.get("/customers")["customers"][0]["id"]]
    statuses: Counter[int] = Counter()
    for n in range(count):
        operation = rng.choice(account.dialect.routes)
        known = [
            *ids,
            *list(account.core.state.payments)[-3:],
            *list(account.core.state.payouts)[-2:],
            *list(account.core.state.accounts)[-2:],
        ]
        path = "/".join(rng.choice(known) if part.startswith("{") else part for part in operation.path.split("/"))
        body = _body(rng, operation.name.partition(".")[0], known)
        query = {rng.choice(QUERIES): str(rng.choice((*ODD, *known))) for _ in range(rng.randrange(3))}
        more = {"idempotency-key": rng.choice(["K", "L" * 200, str(n)])} if rng.random() < 0.3 else {}
        request = Request(operation.method, path, query, {**account.headers, **more}, body)
        answer = account.run(account.server.call(request))
        assert json.loads(answer.body), request
        assert answer.status < 500, (request, answer)
        statuses[answer.status] += 1
        if n % 20 == 0:
            account.days(rng.random() * 5)
    return statuses


def _body(rng: random.Random, kind: str, known: list[str]) -> bytes:
    if rng.random() < 0.1:
        return rng.choice([b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"a":' * 50, b"1e400"])
    envelope = rng.choice([kind, kind, kind, "data", "nothing"])
    fields: Any = {rng.choice(NAMES): rng.choice(ODD) for _ in range(rng.randrange(5))}
    if rng.random() < 0.7:
        # A body that might do, with at most one thing wrong.
        fields = {**SOUND.get(kind, {}), **dict(list(fields.items())[: rng.randrange(2)])}
        envelope = kind
        if kind in LINKS and "links" not in fields:
            fields["links"] = {LINKS[kind]: rng.choice(known)}
    if rng.random() < 0.1:
        fields = rng.choice(ODD)
    return json.dumps({envelope: fields}).encode()


def test_two_hundred_odd_requests_are_all_answered_in_the_vendors_words(direct):
    statuses = _fuzz(direct, 1, 200)
    assert {200, 201, 400, 404, 422} <= set(statuses)
