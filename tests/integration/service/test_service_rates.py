"""Exchange rates of a service: from its own maps, checked before anything starts, and those of the release in use."""

from dataclasses import replace
from decimal import Decimal

import pytest
import yaml

from o2c_twin.integration.connectors.own_maps import own_maps
from o2c_twin.integration.connectors.registry import CONNECTORS, ConfigError, Site
from o2c_twin.integration.service.config import maps_of
from o2c_twin.integration.service.config_loading import load_config
from o2c_twin.integration.service.rates import RatesInUse

URL = "http://127.0.0.1:9"
SYSTEMS = {
    "crm": {"vendor": "salesforce", "url": URL},
    "erp": {"vendor": "netsuite", "url": URL},
    "bank": {"vendor": "bank_iso20022", "url": URL},
}
ECB = "rates: ecb\npairs:\n  USD/EUR:\n    2026-01-05: {}\n"


@pytest.fixture
def load(tmp_path):
    (tmp_path / "own" / "rates").mkdir(parents=True)
    (tmp_path / "own" / "rates" / "ecb.yaml").write_text(ECB.format("0.925"))

    def load(**settings):
        path = tmp_path / "engine.yaml"
        path.write_text(yaml.safe_dump({"systems": SYSTEMS, "tokens": {"operations": "t"}, **settings}))
        return load_config(path, {})

    load.folder = tmp_path / "own"
    return load


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"profile": {"currencies": "converted"}}, "rates: is missing, and profile.currencies is converted"),
        ({"rates": "ecb"}, "rates: no rates 'ecb'; put a file of them into rates/"),
    ],
)
def test_rates_that_are_needed_and_not_there_stop_the_start(load, settings, told):
    with pytest.raises(ConfigError, match=told):
        load(**settings)


def test_a_misspelt_source_is_told_of_the_one_there_is(load):
    with pytest.raises(ConfigError, match="rates: no rates 'ebc'; did you mean 'ecb'"):
        load(rates="ebc", maps=str(load.folder))


def test_the_engine_converts_by_the_rates_of_the_maps_in_use(load):
    config = load(rates="ecb", maps=str(load.folder), profile={"currencies": "converted"})
    rates = RatesInUse(config.rates, maps_of(config))
    exchange = rates.into("EUR")
    assert exchange.into_books(10_000, "USD", "2026-01-05") == 9_250
    (load.folder / "rates" / "ecb.yaml").write_text(ECB.format("0.9"))
    rates.use(own_maps(load.folder))
    assert exchange.into_books(10_000, "USD", "2026-01-05") == 9_000


def test_without_a_source_there_are_no_rates(load):
    config = load(maps=str(load.folder))
    assert RatesInUse(config.rates, maps_of(config)).into("EUR").rate is None
    assert RatesInUse("ecb", maps_of(config))("2026-01-05", "USD", "EUR") == Decimal("0.925")


class _Clock:
    def now(self):
        return 0


def test_a_connector_is_told_which_other_currencies_or_accounts_there_are(http):
    login = dict.fromkeys(
        ("client_id", "client_secret", "account", "consumer_key", "consumer_secret", "token_id", "token_secret"), "x"
    )
    site = Site("s", URL, http, _Clock(), "EUR", {**login, "account_id": "A1", "webhook_secret": "x"})
    assert CONNECTORS["erp"]["netsuite"](replace(site, options={"currencies": "USD, GBP"})).currencies.several
    assert CONNECTORS["crm"]["salesforce"](replace(site, options={"currencies": "USD"}))._several
    bank = CONNECTORS["bank"]["bank_iso20022"](replace(site, options={"other_accounts": "A2,A3"}))
    assert bank._others == ("A2", "A3")
    assert not CONNECTORS["erp"]["netsuite"](site).currencies.several
