"""Other maps for a running engine's connectors: each works by them, and what it has open or knows stays."""

from types import SimpleNamespace

import pytest

from o2c_twin.integration.connectors.own_maps import VENDOR_MAPS, own_maps
from o2c_twin.integration.connectors.registry import TAKES_MAPS
from o2c_twin.integration.mappings import shipped_files
from o2c_twin.integration.service.live_service import connectors

CODES = "codes/gocardless_payment_states.yaml", "codes/legacy_erp_order_credit.yaml", "codes/stripe_payment_states.yaml"
CHANGES = ("submitted: pending", "submitted: paid"), ("HOLD: on hold", "HOLD: passed"), ("canceled: c", "canceled: c")


class Clock:
    def now(self):
        return 0


@pytest.fixture
def made(tmp_path):
    """The connectors of an estate with these vendors by role."""

    def make(**vendors):
        (tmp_path / "details.csv").write_text("customer,holder,iban\nA1,Acme,DE1\n", encoding="utf-8")
        for place in ("in/archive", "in/error", "out/archive"):
            (tmp_path / "erp" / place).mkdir(parents=True, exist_ok=True)
        url = {"legacy_erp": f"file://{tmp_path}/erp"}
        options = {"gocardless": {"bank_details": str(tmp_path / "details.csv")}}
        names = ("access_token", "webhook_secret", "secret_key")
        systems = {
            role: SimpleNamespace(
                vendor=vendor,
                url=url.get(vendor, "https://x.example"),
                currency="EUR",
                credentials=dict.fromkeys(names, "s"),
                options=options.get(vendor, {}),
            )
            for role, vendor in vendors.items()
        }
        return connectors(SimpleNamespace(systems=systems), None, Clock(), [], None)

    return make


@pytest.fixture
def own(tmp_path):
    """Own code lists in which other statuses count."""
    (tmp_path / "own" / "codes").mkdir(parents=True)
    for path, (old, new) in zip(CODES, CHANGES, strict=True):
        text = shipped_files().codes[path]
        assert old in text
        (tmp_path / "own" / path).write_text(text.replace(old, new), encoding="utf-8")
    return own_maps(tmp_path / "own")


def test_a_debiting_provider_takes_other_maps_though_the_bank_details_cannot_be_read_now(tmp_path, made, own):
    payments = made(payments="gocardless")["payments"]
    (tmp_path / "details.csv").unlink()
    payments.use(own)
    assert payments.maps.state_of("submitted") == "paid"
    payments.use(None)
    assert payments.maps.state_of("submitted") == "pending"


def test_an_old_erp_takes_other_maps_and_keeps_its_records(made, own):
    erp = made(erp="legacy_erp")["erp"]
    mirror = erp.mirror
    erp.use(own)
    assert erp.mirror is mirror
    row = {"ERP_ID": "9", "ORD_NO": "S", "CUST_ID": "7", "CREDIT": "HOLD", "FULFILMENT": "OPEN", "AT": 0}
    assert mirror.maps.order_to_status(row).credit == "passed"


def test_every_connector_that_works_by_maps_can_be_given_others(made, own):
    payments = made(payments="stripe")["payments"]
    before = payments.maps
    payments.use(own)
    assert payments.maps is not before
    assert VENDOR_MAPS.keys() >= TAKES_MAPS
    assert [maps().system for maps in VENDOR_MAPS.values()] == [*VENDOR_MAPS]
