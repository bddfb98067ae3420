"""What a shipped map carries over and says it can find again is found again, for any record."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.integration.connectors.instants import from_iso
from o2c_twin.integration.mappings import shipped_maps

words = st.text("abcXYZ 019-/.,:'\"\\&ßéŁ→", min_size=1, max_size=12)
instants = st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1)).map(
    lambda d: d.isoformat(timespec="milliseconds") + "+0000"
)

VALUES = {
    "text": words,
    "currency": st.sampled_from(["EUR", "JPY", "KWD"]),
    "whole": st.integers(-(10**9), 10**9),
    "minor": st.integers(-(10**15), 10**15),
    "number": st.integers(-(10**6), 10**6).map(str),
    "instant": st.integers(0, 2 * 10**15),
    "iso-instant": instants,
    "flag": st.booleans(),
}


def documents(schemas, title):
    """Records of that type with every field there."""
    schema = schemas.objects[title]
    parts = {}
    for name, field in schema.fields.items():
        if name == "terms" and schema.title == "netsuite.customer":
            # Terms that are no number of days are refused.
            parts[name] = st.sampled_from([{"refName": "Net 30"}, {"refName": "Due on receipt"}])
        elif name == "dueDateCalculation" and schema.title == "business_central.customer":
            parts[name] = st.sampled_from(["30D", "0D"])
        elif field.of:
            one = documents(schemas, f"{schema.system}.{field.of}")
            many = st.lists(one, min_size=2, max_size=2)
            parts[name] = one if field.type == "object" else many if schema.struct is None else many.map(tuple)
        elif name == "credit":
            parts[name] = st.sampled_from(["on hold", "passed"])
        else:
            parts[name] = st.sampled_from(field.choices) if field.choices else VALUES.get(field.type, words)
    return st.fixed_dictionaries(parts) if schema.struct is None else st.builds(schema.struct, **parts)


def leaves(value, path=""):
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}")
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from leaves(each, f"{path}[{n}]")
    else:
        yield path, value


def at(document, path):
    for part in path.replace("[", ".[").strip(".").split("."):
        if part.startswith("["):
            document = document[int(part.strip("[]"))]
        else:
            document = document[part] if isinstance(document, dict) else getattr(document, part)
    return document


def plain(type_, value):
    return from_iso(value) if type_ == "iso-instant" else Decimal(value) if type_ == "number" else value


def invertible(maps, name):
    spec = maps.specs[name]
    found = []
    for rule in spec.rules:
        if rule.invertible:
            found.append(rule.origin.paths[0])
        found += [
            f"{rule.origin.paths[0]}[{n}].{each.origin.paths[0]}"
            for each in rule.rules
            for n in (0, 1)
            if each.invertible
        ]
        if rule.map:
            found += [f"{rule.origin.paths[0]}.{path}" for path in invertible(maps, rule.map)]
    return found


SHIPPED = shipped_maps()


@pytest.mark.parametrize("name", SHIPPED.specs)
def test_every_invertible_field_comes_back_as_it_was(name):
    spec, ready = SHIPPED.specs[name], SHIPPED.compiled(name)
    source = SHIPPED.schemas.objects[spec.source]
    wanted = sorted(invertible(SHIPPED, name))

    @settings(max_examples=40)
    @given(documents(SHIPPED.schemas, spec.source), VALUES["currency"])
    def comes_back(document, currency):
        lines = document.lines if spec.source == "canonical.Deal" else ()
        with_it = {"currency": currency, "customer": "77", "items": {line.sku: "1" for line in lines}}
        terms = {f"{document.terms_days}D": "T30"} if spec.given.get("terms") == "table" else "T30"
        with_it |= {"terms": terms, "document": "B1", "today": "2026-01-06"}
        paid = document.allocations if spec.source == "canonical.Receipt" else ()
        with_it["invoices"] = {each.invoice_erp_id: "1" for each in paid}
        back = dict(leaves(ready.inverse(ready(document, with_it), with_it)))
        assert sorted(path.strip(".") for path in back) == wanted
        for path, value in back.items():
            bare = ".".join(part.split("[")[0] for part in path.strip(".").split("."))
            type_ = _type(SHIPPED, source, bare)
            assert plain(type_, value) == plain(type_, at(document, path)), path

    comes_back()


def _type(maps, schema, path):
    first, _, rest = path.partition(".")
    field = schema.fields[first]
    return field.type if not rest else _type(maps, maps.schemas.objects[f"{schema.system}.{field.of}"], rest)


def test_most_fields_are_invertible_so_the_property_says_something(maps):
    assert {name: len(invertible(maps, name)) for name in maps.specs} == {
        "account-to-party": 7,
        "charge-to-journal": 3,
        "opportunity-to-deal": 17,
        "notes-to-opportunity": 6,
        "notes-to-account": 1,
        "party-change-to-account": 3,
        "party-change-to-customer": 4,
        "customer-to-master": 5,
        "s4hana-party-change-to-partner": 4,
        "s4hana-partner-to-master": 6,
        "business-central-party-change-to-customer": 2,
        "business-central-customer-to-master": 5,
        "hubspot-party-change-to-company": 3,
        "hubspot-company-to-party": 5,
        "hubspot-deal-to-deal": 16,
        "hubspot-notes-to-deal": 6,
        "hubspot-notes-to-company": 1,
        "party-to-customer": 4,
        "deal-to-sales-order": 3,
        "receipt-to-payment": 3,
        "sales-order-to-status": 6,
        "fulfillment-to-shipment": 4,
        "invoice-to-status": 6,
        "transaction-to-open-item": 5,
        "business-central-party-to-customer": 3,
        "business-central-party-to-payment-terms": 1,
        "business-central-deal-to-sales-order": 3,
        "business-central-receipt-to-payment": 4,
        "business-central-sales-order-to-status": 7,
        "business-central-invoiced-order-to-status": 6,
        "business-central-shipment-to-shipment": 4,
        "business-central-invoice-to-status": 6,
        "business-central-invoice-to-open-item": 6,
        "s4hana-party-to-partner": 4,
        "s4hana-deal-to-sales-order": 3,
        "s4hana-receipt-to-journal-entry": 3,
        "s4hana-sales-order-to-status": 5,
        "s4hana-delivery-to-shipment": 3,
        "s4hana-invoice-to-status": 5,
        "s4hana-ledger-item-to-open-item": 4,
        "stripe-party-to-customer": 4,
        "stripe-claim-to-payment-intent": 5,
        "stripe-payment-intent-to-payment": 8,
        "stripe-payout-to-payout": 9,
        "gocardless-party-to-customer": 4,
        "gocardless-claim-to-payment": 3,
        "gocardless-payment-to-payment": 8,
        "gocardless-payout-to-payout": 13,
        "legacy-erp-party-to-customer": 5,
        "legacy-erp-deal-to-order": 8,
        "legacy-erp-receipt-to-cash": 6,
        "legacy-erp-order-to-status": 6,
        "legacy-erp-despatch-to-shipment": 4,
        "legacy-erp-invoice-to-status": 6,
        "legacy-erp-item-to-open-item": 5,
    }
