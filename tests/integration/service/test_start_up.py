"""An engine that was killed is back at work soon: it loads what its configuration needs, and nothing else.

Named are packages that take long to load, all of them installed, and the code of vendors the configuration does not
name. That another configuration does load such a thing shows that it would be seen.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
import yaml
from tests.integration.service.test_live_worker import SECRETS, _config

VENDORS = "o2c_twin.integration.connectors."
HEAVY = ("sqlalchemy", "alembic", "pg8000", "aio_pika", "aiormq", "cryptography", "jinja2", "fastapi", "pydantic")
HEAVY += ("structlog", "uvicorn", "starlette", "prometheus_client", "opentelemetry", "rich", "pygments", "rapidfuzz")
OTHERS = ("hubspot", "s4hana", "business_central", "stripe", "gocardless", "legacy_erp", "bank_files")
SERVICE = """
import asyncio, json, os, sys
from pathlib import Path
import o2c_twin.cli.main
from o2c_twin.integration.service.config_loading import load_config
from o2c_twin.integration.service.live_service import Service

async def main():
    service = Service(load_config(Path("engine.yaml"), os.environ), "w")
    service.engine.start()
    print(json.dumps(sorted(sys.modules)))

asyncio.run(main())
"""


@pytest.fixture
def loaded(tmp_path):
    """The modules of a process whose engine, of a configuration with such changes, has just begun its work."""

    def loaded(crm="salesforce", **changes):
        plain = {"keys": None, "master_key": None, "roots_key": None, "traces": None}
        config = _config(**{**plain, **changes})
        if crm == "hubspot":
            logins = {"access_token": "t", "client_secret": "s", "webhook_url": "http://here/"}
            config["systems"]["crm"] = {**config["systems"]["crm"], "vendor": "hubspot", "credentials": logins}
        (tmp_path / "engine.yaml").write_text(yaml.safe_dump(config))
        ended = subprocess.run(
            [sys.executable, "-c", SERVICE],
            cwd=tmp_path,
            env={**os.environ, **SECRETS},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return set(json.loads(ended.stdout))

    return loaded


def test_an_engine_loads_what_its_configuration_needs_before_its_first_call(loaded):
    modules = loaded()
    assert {"aiohttp", f"{VENDORS}salesforce", f"{VENDORS}netsuite", f"{VENDORS}bank_feed"} <= modules
    assert all(map(find_spec, HEAVY))
    assert not modules & {*HEAVY}
    assert not [name for name in modules if name.removeprefix(VENDORS).startswith(OTHERS)]


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({"crm": "hubspot"}, f"{VENDORS}hubspot"),
        ({"keys": "sqlite:///keys.db", "master_key": "env:O2C_MASTER_KEY"}, "sqlalchemy"),
        ({"traces": "spans.jsonl"}, "opentelemetry"),
    ],
)
def test_what_another_configuration_needs_is_loaded_with_it(loaded, changes, needed):
    assert needed in loaded(**changes)
