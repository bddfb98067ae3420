"""An estate's own maps at a payment provider and at an old ERP, in a run: money still finds its invoice."""

import dataclasses
from unittest.mock import patch

import pytest

from o2c_twin.integration.connectors.own_maps import own_maps
from o2c_twin.integration.mappings import shipped_files
from o2c_twin.scenarios import load
from o2c_twin.twin import run as run_module
from o2c_twin.twin.plan import SystemPlan

BILL_NO = ("metadata.invoice_number", "metadata.bill_no"), ("metadata: {invoice_number", "metadata: {bill_no")
SCHEMA = "extends: {}\nobjects:\n  PaymentMetadata: {{bill_no: text}}\n"


@pytest.fixture
def play(tmp_path):
    """Play a small estate with shipped maps changed; what came of it, and the estate as it is at the end."""

    def run(systems, files, extended=""):
        shipped = shipped_files().maps
        for name, changes in files.items():
            text = shipped[f"maps/{name}.yaml"]
            for old, new in changes:
                assert old in text
                text = text.replace(old, new)
            (tmp_path / "maps").mkdir(exist_ok=True)
            (tmp_path / "maps" / f"{name.rpartition('/')[2]}.yaml").write_text(text, encoding="utf-8")
        if extended:
            (tmp_path / "schemas").mkdir()
            (tmp_path / "schemas" / "own.yaml").write_text(SCHEMA.format(extended), encoding="utf-8")
        base = load("to-be").plan(orders=20, days=25, seed=7)
        vendors = {"crm": "salesforce", "erp": "netsuite", "bank": "bank_iso20022", **systems}
        plans = {role: SystemPlan(vendor, latency_s=0.2) for role, vendor in vendors.items()}
        made, build = [], run_module.build_estate

        def keep(*arguments):
            made.append(build(*arguments))
            return made[-1]

        with patch.object(run_module, "build_estate", keep):
            result = run_module.run(dataclasses.replace(base, systems=plans, maps=own_maps(tmp_path)), None)
        return result, made[0]

    return run


@pytest.mark.parametrize(
    ("vendor", "written", "read"),
    [
        ("stripe", "stripe/claim_to_payment_intent", "stripe/payment_intent_to_payment"),
        ("gocardless", "gocardless/claim_to_payment", "gocardless/payment_to_payment"),
    ],
)
def test_a_payment_finds_its_invoice_by_the_field_the_maps_agree_on(play, vendor, written, read):
    result, estate = play({"payments": vendor}, {written: BILL_NO, read: BILL_NO}, vendor)
    payments = list(estate.payments_stand.core.state.payments.values())
    assert len(payments) > 5
    assert all(set(payment.metadata) <= {"bill_no", "due_on"} and payment.metadata["bill_no"] for payment in payments)
    paid = [item for item in estate.erp.state.invoices.values() if item.open_minor == 0]
    assert len(paid) > 5
    assert result.violations == []


def test_an_old_erp_holds_what_the_map_wrote(play):
    change = [
        ("to: PO_NO, invertible: true", "to: PO_NO, by: {pattern: {pattern: 'EU-{}'}}"),
        ("PO_NO: PO-4711", "PO_NO: EU-PO-4711"),
    ]
    _, estate = play({"erp": "legacy_erp", "bank": "bank_files"}, {"legacy_erp/deal_to_order": change})
    sent = [order for order in estate.erp.state.orders.values() if order.external_id]
    assert len(sent) > 5
    assert all(order.po_number.startswith("EU-") for order in sent)
