"""A service that reconciles has the listings of its vendors, whichever of those that can be listed they are."""

import itertools

import pytest
import yaml

from o2c_twin.integration.connectors.listings import LISTED, PROVIDERS
from o2c_twin.integration.service.config_loading import load_config
from o2c_twin.integration.service.live_service import Service

CREDENTIALS = (
    "client_id client_secret access_token webhook_url account consumer_key consumer_secret token_id token_secret"
    " company_code sales_organization distribution_channel division credit_segment user password push_authorization"
    " tenant environment company_id client_state account_id webhook_secret secret_key"
)
PAIRS = tuple(itertools.product(*LISTED.values()))
TRIOS = [(*pair, provider) for pair, provider in zip(PAIRS, itertools.cycle(PROVIDERS), strict=False)]


@pytest.mark.parametrize(("crm", "erp", "provider"), TRIOS)
def test_all_that_can_be_listed_is_swept(tmp_path, crm, erp, provider):
    vendors = {"crm": crm, "erp": erp, "bank": "bank_iso20022", "payments": provider}
    known = dict.fromkeys(CREDENTIALS.split(), "x")
    systems = {
        role: {"vendor": vendor, "url": "http://127.0.0.1:9", "credentials": known} for role, vendor in vendors.items()
    }
    if provider == "gocardless":
        details = tmp_path / "details.csv"
        details.write_text("customer,holder,iban,sort_code,account_number\nK-1,Acme,DE02100100100006820101,,\n")
        systems["payments"]["options"] = {"bank_details": str(details)}
    path = tmp_path / "engine.yaml"
    elsewhere = provider == "stripe"
    raw = {"systems": systems, "journal": f"sqlite:///{tmp_path}/engine.db", "reconcile": True}
    raw |= {"money_elsewhere": True} if elsewhere else {}
    path.write_text(yaml.safe_dump(raw))
    service = Service(load_config(path, {}), "anna")
    assert service._reconciler is not None and service._reconciler.listings is service._listings
    assert service._money_sweeper.listings.provider.system == "payments"
    assert service._money_sweeper.rules.unbacked == (not elsewhere)
    service.journal.close()
