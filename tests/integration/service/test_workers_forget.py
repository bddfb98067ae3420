"""Whom one worker has erased, the others forget too, whoever of them has the housekeeping."""

import pytest
import yaml

from o2c_twin.integration.governance.errors import Erased
from o2c_twin.integration.service.config_loading import load_config
from o2c_twin.integration.service.live_service import Service


@pytest.fixture
def services(tmp_path, postgres_url):
    names = ("account", "consumer_key", "consumer_secret", "token_id", "token_secret")
    bank = dict.fromkeys(("client_id", "client_secret", "account_id", "webhook_secret"), "x")
    systems = {
        "crm": {"vendor": "salesforce", "credentials": {"client_id": "c", "client_secret": "s"}},
        "erp": {"vendor": "netsuite", "credentials": dict.fromkeys(names, "x")},
        "bank": {"vendor": "bank_iso20022", "credentials": bank},
    }
    raw = {
        "systems": {role: {"url": "http://127.0.0.1:9", **system} for role, system in systems.items()},
        "journal": postgres_url,
        "keys": f"sqlite:///{tmp_path}/keys.db",
        "master_key": "m" * 32,
    }
    path = tmp_path / "engine.yaml"
    path.write_text(yaml.safe_dump(raw))
    pair = [Service(load_config(path, {}), name) for name in ("anna", "bert")]
    yield pair
    for each in pair:
        each.journal.close()


def test_an_erased_person_is_in_no_workers_memory(services):
    anna, bert = services
    anna._housekeeping()
    bert.vault.seal("0015gAOKI", "Ada", "place")
    anna.vault.erase("0015gAOKI")
    bert._housekeeping()
    with pytest.raises(Erased):
        bert.vault.seal("0015gAOKI", "Ada", "place")
