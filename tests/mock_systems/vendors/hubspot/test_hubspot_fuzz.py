"""Bad input: whatever a client sends, no exception, no 5xx, and a refused write changes nothing."""

import json
import os
import random

COUNT = int(os.environ.get("O2C_FUZZ", "200"))
KINDS = ("companies", "contacts", "deals", "line_items", "products")
NAMES = (
    *("name", "dealname", "dealstage", "amount", "closedate", "email", "quantity", "price", "hs_product_id"),
    *("erp_customer_id", "customer_number", "payment_terms_days", "lifecyclestage", "hs_object_id", "x", ""),
    *("deal_currency_code", "pipeline", "hubspot_owner_id", "hs_lastmodifieddate", "createdate", "po_number"),
)
VALUES = (
    *("", " ", "a", "Acme", "closedwon", "1", "-1", "1e999", "1e-999", "1e14", "NaN", "Infinity", "12.345", "0.1"),
    *("1_000", "\uff11", "2026-01-01", "2026-13-45", "9999-12-31T23:59:59Z", "1767225600000", "99999999999999999999"),
    *("-62135596800000", "a@b.example", "a@b", "EUR", "x" * 70_000, "\x00", "é", "\U0001f4b6"),
    *(None, True, False, 0, 1, -5, 10**30, 1.5, 1e300, [], {}, ["a"], {"a": 1}),
)
OPERATORS = (
    *("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY"),
    *("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN", "X", 1),
)
SOUND = {
    "companies": {"name": "Acme", "city": "Bonn", "payment_terms_days": "30"},
    "contacts": {"firstname": "Ann", "lastname": "Lee"},
    "deals": {"dealname": "D", "dealstage": "closedwon", "amount": "12.50"},
    "line_items": {"name": "X", "quantity": "2", "price": "1.25"},
    "products": {"name": "P", "price": "3"},
}
KEYS = {"companies": "erp_customer_id", "contacts": "erp_contact_id", "deals": "deal_ref",
        "line_items": "erp_line_id", "products": "erp_item_id"}  # fmt: skip


class Maker:
    """Makes requests: sound ones, and sound ones in which a thing or two are wrong."""

    def __init__(self, chance, ids):
        self.chance, self.pick, self.ids = chance, chance.choice, ids
        self.wild = 0.0
        self.kind = "companies"

    def request(self, op):
        self.wild = self.pick((0.0, 0.05, 0.3, 1.0))
        self.kind = self.pick(KINDS)
        raw = self.body() if op.method in ("POST", "PUT", "PATCH") else b""
        return self.path(op.path), self.query(), raw

    def odd(self):
        return self.chance.random() < self.wild

    def id(self, kind=""):
        if self.odd():
            return self.pick(("1", "0", "abc", "", "9" * 24, 5, -1, None, "é", "x" * 300))
        return self.ids.get(kind or self.kind, "1")

    def properties(self):
        if self.odd():
            return self.pick(VALUES)
        found = dict(SOUND[self.kind])
        while self.odd() and len(found) < 9:
            found[self.pick(NAMES)] = self.pick(VALUES)
        return found

    def types(self):
        type_id = self.pick((1, 5, 20, 19, 3, 279, 341, 0, -1, "5", None)) if self.odd() else self.pick((5, 341))
        return [{"associationCategory": self.pick(("HUBSPOT_DEFINED", 1)) if self.odd() else "HUBSPOT_DEFINED",
                 "associationTypeId": type_id}]  # fmt: skip

    def item(self):
        number = str(self.chance.randrange(10**6))
        found = {
            "id": self.id(),
            "properties": self.properties(),
            "idProperty": self.pick((*NAMES, None)) if self.odd() else self.pick(("", KEYS[self.kind])),
            "from": {"id": self.id("deals")},
            "to": self.pick(({"id": self.id("companies")}, [{"id": self.id("companies")}])),
            "types": self.types(),
            "objectWriteTraceId": self.pick((None, number)) if not self.odd() else self.pick((3, "1")),
            "associations": [{"to": {"id": self.id()}, "types": self.types()}] if self.odd() else [],
        }
        return {k: v for k, v in found.items() if not self.odd()}

    def filters(self):
        return [
            {
                "propertyName": self.pick(NAMES) if self.odd() else "hs_object_id",
                "operator": self.pick(OPERATORS),
                "value": self.pick(VALUES) if self.odd() else "5",
                "values": self.pick(([], "x", [self.pick(VALUES)])) if self.odd() else ["5"],
                "highValue": self.pick(VALUES) if self.odd() else "9",
            }
            for _ in range(self.chance.randrange(3))
        ]

    def body(self):
        if self.odd() and self.odd():
            return self.pick((b"", b"{", b"[]", b"null", b"\xff\xfe", b'"x"', b'{"properties":{"amount":1E-99999}}'))
        if self.chance.random() < 0.15:
            return json.dumps(self.types()).encode()
        property_ = {"name": f"own_{self.chance.randrange(99)}", "type": "string", "hasUniqueValue": False}
        if self.odd():
            property_ = {"name": self.pick(("K 2", "dealname", "", 5)), "type": self.pick(("enumeration", "x"))}
        found = {
            **self.item(),
            **property_,
            "inputs": "x" if self.odd() else [self.item() for _ in range(self.chance.randrange(4))],
            "filterGroups": [{"filters": self.filters()}],
            "limit": self.pick((1, 0, 200, "5", None)) if self.odd() else 5,
            "after": self.pick((None, "0", 5, "x")) if self.odd() else None,
            "query": self.pick((None, "a", "*", 5)) if self.odd() else None,
            "sorts": self.pick((["name"], [{"propertyName": self.pick(NAMES)}], "x")) if self.odd() else [],
            "label": "L",
            "fieldType": "text",
            "groupName": "g",
            "options": self.pick(([], [{"label": "A", "value": "a"}], "x")) if self.odd() else [],
            "targetUrl": self.pick(("x", 5)) if self.odd() else "https://x.example",
            "throttling": {"maxConcurrentRequests": self.pick((0, "x")) if self.odd() else 1},
            "eventType": self.pick(("deal.propertyChange", "x", 5)) if self.odd() else "deal.creation",
            "propertyName": self.pick((*NAMES, 5)) if self.odd() else None,
            "active": self.pick((False, "x")) if self.odd() else True,
        }
        return json.dumps({k: v for k, v in found.items() if not (self.odd() and self.odd())}).encode()

    def path(self, template):
        kind = self.pick(("0-2", "tickets", "é")) if self.odd() else self.kind
        values = {
            "{type}": kind,
            "{from}": kind if self.odd() else "deals",
            "{to}": kind if self.odd() else "companies",
            "{id}": str(self.id("deals" if "{to}" in template else "") or "1"),
            "{to_id}": str(self.id("companies") or "1"),
            "{app}": "x" if self.odd() else "4200042",
            "{version}": "x" if self.odd() else "2026-09",
            "{name}": self.pick(NAMES) or "x",
            "{pipeline}": "x" if self.odd() else "default",
            "{stage}": "x" if self.odd() else "closedwon",
        }
        for key, value in values.items():
            template = template.replace(key, value)
        return template

    def query(self):
        found = {
            "limit": self.pick(("1", "100", "0", "-1", "x", "")),
            "after": self.pick(("1", "x", "", *self.ids.values())),
            "properties": self.pick(("name", "a,,b", ",", "amount,dealstage")),
            "associations": self.pick(("companies", "x", ",")),
            "archived": self.pick(("true", "false", "x")),
            "idProperty": self.pick(NAMES),
            "propertiesWithHistory": self.pick(("name", "x")),
        }
        return {k: v for k, v in found.items() if self.odd()}


def test_no_request_brings_the_portal_down_and_refused_writes_change_nothing(open_portal):
    portal = open_portal(tier="enterprise", search_lag_s=1.0)
    company = portal.create("companies", name="Acme", erp_customer_id="C-1")
    deal = portal.deal((5, company))
    product = portal.create("products", name="W", hs_sku="W", price="1.50")
    line = portal.create("line_items", (20, deal), hs_product_id=product, quantity="1")
    contact = portal.create("contacts", (279, company), email="a@b.example")
    ids = {"companies": company, "deals": deal, "products": product, "line_items": line, "contacts": contact}
    chance = random.Random(int(os.environ.get("O2C_FUZZ_SEED", "20261")))
    maker = Maker(chance, ids)
    routes = [op for op in portal.dialect.routes if not op.name.startswith("token.")]
    seen: dict[int, int] = {}
    sealed = portal.dialect.snapshot()
    for n in range(COUNT):
        portal.later(0.3)
        if n % 40 == 39:
            portal.dialect.restore(sealed)  # what was archived is there again
        op = chance.choice(routes)
        where, asked, raw = maker.request(op)
        before = portal.dialect.snapshot()
        answer = portal.raw(op.method, where, raw, asked, authorization=f"Bearer {portal.token}")
        place = f"{op.method} {where} {asked} {raw[:2_000]!r}: {answer.status} {answer.text[:300]}"
        assert answer.status < 500, place
        seen[answer.status] = seen.get(answer.status, 0) + 1
        if answer.text:
            json.loads(answer.text)
        if answer.status >= 400:
            assert answer.status == 405 or answer.error, place
            # Search settles what it has come to know; that is no change of anybody's data.
            if op.name.removesuffix(".dated") != "object.search":
                assert portal.dialect.snapshot() == before, place
    assert min(seen[status] for status in (200, 201, 204, 400, 404)) >= COUNT // 50, seen
