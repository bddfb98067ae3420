"""A configuration is checked whole: what is wrong is one line with the file, the place and the remedy."""

import re

import pytest
import yaml

from o2c_twin.integration.connectors.registry import ConfigError
from o2c_twin.integration.connectors.salesforce_maps import SalesforceMaps
from o2c_twin.integration.mappings.documents import PartyNotes
from o2c_twin.integration.service.config import entity_of, holds_of, maps_of, masters_of, roots_path
from o2c_twin.integration.service.config_loading import load_config

URL = "http://127.0.0.1:9"
GOOD = {
    "systems": {
        "crm": {"vendor": "salesforce", "url": URL, "credentials": {"client_id": "a", "client_secret": "env:SF"}},
        "erp": {"vendor": "netsuite", "url": URL},
        "bank": {"vendor": "bank_iso20022", "url": URL},
    },
    "tokens": {"operations": "env:OPS", "finance/ann": "t-ann"},
}
OLD_ERP = {"vendor": "legacy_erp", "url": "file:///tmp"}
BY_EVENTS = {"topology": "event-driven"}
ENVIRONMENT = {"SF": "from the environment", "OPS": "t-ops", "LONG": "m" * 32, "SHORT": "m" * 31, "BLANK": " "}


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "engine.yaml"

    def load(content):
        text = content if isinstance(content, bytes) else None
        path.write_bytes(text if text is not None else yaml.safe_dump(content).encode())
        return load_config(path, ENVIRONMENT)

    load.path = path
    return load


def changed(**settings):
    return {**GOOD, **settings}


def system(role, **settings):
    return changed(systems={**GOOD["systems"], role: {**GOOD["systems"].get(role, {}), **settings}})


def test_a_sound_configuration_has_its_secrets_and_defaults(load):
    config = load(GOOD)
    assert config.systems["crm"].credentials == {"client_id": "a", "client_secret": "from the environment"}
    assert config.tokens == {"operations": "t-ops", "finance/ann": "t-ann"}
    assert (config.journal, config.listen.port, config.keys, config.roots_key) == (
        "sqlite:///engine.db",
        8_300,
        None,
        None,
    )


BAD = [
    (b"", "the file: must be object, not null; correct it there"),
    (b"- a", "the file: must be object, not array; correct it there"),
    (b"systems: [", ":1: not YAML: expected the node content, but found '<stream end>'; mend it there"),
    (b"a: 1\na: 2\n", ":2: not YAML: 'a' is given twice; keep one; mend it there"),
    (b"\xff\xfe\x00", "is not UTF-8; save it as UTF-8"),
    (b"a: \x00", "not YAML: "),
    ({}, "systems: is missing; give it"),
    (
        {**GOOD, "reconcile": True, "systems": {**GOOD["systems"], "erp": OLD_ERP}},
        "reconcile: systems.erp.vendor: legacy_erp cannot be listed; use netsuite or s4hana or business_central, or",
    ),
    (changed(sistems={}), "sistems: there is no such setting; remove it, or correct its name"),
    (changed(systems={}), "systems: crm is missing; give its vendor and url"),
    (system("payroll", vendor="x", url=URL), "systems.payroll: no such role; there are: crm, erp, bank"),
    (system("crm", vendor="sap"), "systems.crm.vendor: no connector for 'sap'; there are: salesforce"),
    (system("crm", url="ftp://x"), "systems.crm.url: 'ftp://x' is no address; begin with http:// or https://"),
    (system("crm", url="env:NONE"), "systems.crm.url: no secret NONE; set it in the env"),
    (system("crm", options={"x": "1"}), "systems.crm.options.x: no such option; there are: currencies"),
    (
        system("crm", vendor="hubspot", options={"x": "1"}),
        "systems.crm.options.x: no such option; hubspot has none; remove it",
    ),
    (system("erp", vendor="legacy_erp"), "systems.erp.url: 'http://127.0.0.1:9' is no address; begin with file:///"),
    (
        system("erp", vendor="legacy_erp", url="file:///x", options={"speling": "csv"}),
        "systems.erp.options.speling: no such option; there are: spelling, encoding",
    ),
    (
        changed(edge={"rabbitmq": {"url": "amqp://h/"}}),
        "edge.rabbitmq: is for an event-driven topology; set profile.topology",
    ),
    (
        changed(edge={"rabbitmq": {"url": "amqp://h/"}}, profile={**BY_EVENTS, "delivery": "naive-retry"}),
        "edge.rabbitmq: needs an inbox; set profile.delivery to effectively-once",
    ),
    (
        changed(edge={"rabbitmq": {"url": "http://u:hunter2@h/"}}, profile=BY_EVENTS),
        "edge.rabbitmq.url: 'http://h/' is no address; begin with amqp:// or amqps://",
    ),
    (changed(edge={"rabbitmq": {"url": "amqp://h/", "lanes": 0}}), "edge.rabbitmq.lanes: must be int >= 1"),
    *(
        (system("crm", inbound=inbound), f"systems.crm.inbound{told}")
        for inbound, told in (
            ({}, ": says neither or both of folder and table; give one"),
            (
                {"folder": {"url": "file:///x"}, "table": {"url": "sqlite:///x"}},
                ": says neither or both of folder and table; give one",
            ),
            ({"queue": {}}, ".queue: there is no such setting; remove it"),
            ({"folder": {"url": "file:///none"}}, ".folder.url: there is no folder /none/in; mount the share, or make"),
            ({"folder": {"url": "ftp://u:hunter2@h/x"}}, ".folder.url: 'ftp://h/x' is no address; begin with file:///"),
            ({"folder": {"url": "env:NONE"}}, ".folder.url: no secret NONE; set it in the environment"),
            ({"folder": {"url": "file:///x", "key_file": "k"}}, ".folder.key_file: is for sftp://; remove it"),
            ({"folder": {"url": "file:///x", "completion": "soon"}}, ".folder.completion: Invalid enum value 'soon'; "),
            ({"folder": {"url": "file:///x", "every_s": 0}}, ".folder.every_s: must be float > 0.0; correct it there"),
            ({"folder": {"url": "sftp://h/x"}}, ".folder.url: write sftp://USER@HOST/FOLDER; the login is a key"),
            ({"folder": {"url": "sftp://u@h/x"}}, ".folder.key_file: is missing; name the file of the private key"),
            (
                {"folder": {"url": "sftp://u@h/x", "key_file": "none", "known_hosts": "x"}},
                ".folder.key_file: there is no file none; put it there",
            ),
            ({"table": {"url": "oracle://u:hunter2@h/x"}}, ".table.url: 'oracle://h/x' is no address; begin with sqli"),
            ({"table": {"url": "sqlite:///x", "table": "a b"}}, ".table.table: must be str matching regex"),
            ({"table": {"url": "sqlite:///x", "most": 0}}, ".table.most: must be int >= 1; correct it there"),
        )
    ),
    (
        {**system("crm", inbound={"table": {"url": "sqlite:///x"}}), "profile": {"delivery": "naive-retry"}},
        "systems.crm.inbound: needs an inbox; set profile.delivery to effectively-once, or leave it out",
    ),
    (
        {**system("crm", inbound={"table": {"url": "sqlite:///x"}}), "profile": {"topology": "api-first"}},
        "systems.crm.inbound: is for one engine that is told; set profile.topology to hub or event-driven, or",
    ),
    (changed(edge={}), "edge.rabbitmq: is missing; give it"),
    (system("crm", url=7), "systems.crm.url: must be str, not int; correct it there"),
    (system("crm", currency="euro"), "systems.crm.currency: must be str matching regex '^[A-Z]{3}$'; correct it there"),
    (system("crm", credentials={"a": "env:NONE"}), "systems.crm.credentials.a: no secret NONE; set it in the env"),
    (system("crm", credentials={"a": "env:BLANK"}), "systems.crm.credentials.a: no secret BLANK; set it in the"),
    (system("crm", allowances=[{"calls": 0, "window_s": 1}]), "systems.crm.allowances[0].calls: must be int >= 1"),
    (changed(listen={"port": 70_000}), "listen.port: must be int <= 65535; correct it there"),
    (changed(listen={"prt": 1}), "listen.prt: there is no such setting"),
    (changed(profile={"trigger": "never"}), "profile.trigger: no value 'never'; "),
    (changed(compensates=["ordre"]), "compensates: no flow 'ordre'; there are: order, customer"),
    (changed(profile={"tempo": "fast"}), "profile.no design axis 'tempo'; "),
    (changed(rhythm={"poll_s": 0}), "rhythm.poll_s: must be float > 0.0; correct it there"),
    (changed(tokens={"boss": "x"}), "tokens.boss: no such role; there are: sales, credit"),
    (changed(tokens={"finance/": "x"}), "tokens.finance/: no such role"),
    (changed(tokens={"finance": ""}), "tokens.finance: is empty; give it a token of its own"),
    (changed(tokens={"finance": "x", "sales": "x"}), "tokens.sales: is the token of finance too; give each its own"),
    (changed(tokens={"finance": "env:NONE"}), "tokens.finance: no secret NONE; set it in the environment"),
    (changed(journal="mysql://x"), "journal: 'mysql://x' is no address; begin with sqlite:///FILE or postgresql"),
    (changed(journal="sqlite:///"), "journal: 'sqlite:///' is no address"),
    (changed(journal="sqlite:///none/x.db"), "journal: there is no folder for 'none/x.db'; make it"),
    (changed(traces="none/x.jsonl"), "traces: there is no folder for 'none/x.jsonl'; make it"),
    (changed(keys="sqlite:///keys.db"), "master_key: is missing; keys is given"),
    (changed(master_key="env:LONG"), "keys: is missing; master_key is given"),
    (changed(keys="sqlite:///keys.db", master_key="env:SHORT"), "master_key: has fewer than 32 characters; make it"),
    (changed(keys="sqlite:///engine.db", master_key="env:LONG"), "keys: is the journal; keep them in a database"),
    (changed(roots="a.roots"), "roots_key: is missing; roots are signed with it"),
    (changed(journal="postgresql+pg8000://u@h/d", roots_key="env:LONG"), "roots: is missing; say in which file"),
    (changed(holds=[{"id": "h"}]), "holds[0].reason: is missing; give it"),
    (changed(holds=[{"id": "h", "reason": "r", "until": "soon"}]), "holds[0].until: must be str matching regex"),
    (changed(masters=[{"object": "Ghost", "master": "erp"}]), "masters[0].object: no 'Ghost'; there are: Party"),
    (changed(masters=[{"object": "Party", "master": "erp", "stage": "x"}]), "masters[0].stage: Party has no 'x'; "),
    (changed(masters=[{"object": "Party", "master": "erp", "field": "x"}]), "masters[0].field: Party has no 'x'; "),
    (
        changed(masters=[{"object": "Party", "master": "erp", "field": "name"}]),
        "masters[0]: erp as master of Party.name contradicts profile.master_customer, which is 'crm'; take",
    ),
    (
        changed(profile={"master_credit": "erp"}, masters=[{"object": "Party", "master": "crm"}]),
        "masters[0]: crm as master of Party.terms_days contradicts profile.master_credit, which is 'erp'; name",
    ),
    (
        {**changed(profile={"master_credit": "erp"}), "systems": {**GOOD["systems"], "erp": OLD_ERP}},
        "profile: master_credit 'erp' cannot be had of systems.erp: this ERP tells nothing of its customers by file, ",
    ),
    (
        changed(profile={"master_customer": "erp", "topology": "point-to-point"}),
        "profile.master_customer 'erp': with topology 'point-to-point' whoever hears the ERP knows no customer's",
    ),
    (changed(masters=[{"object": "Party", "master": "boss"}]), "masters[0].master: Invalid enum value 'boss'; correct"),
]


@pytest.mark.parametrize(("content", "told"), BAD, ids=[str(n) for n in range(len(BAD))])
def test_what_is_wrong_is_one_line_with_place_and_remedy(load, content, told):
    with pytest.raises(ConfigError) as caught:
        load(content)
    message = str(caught.value)
    assert message.startswith(str(load.path))
    assert told in message
    assert "\n" not in message
    assert ";" in message


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory; give the path"):
        load_config(tmp_path / "none.yaml", {})


def test_no_message_shows_a_secret(load):
    told = changed(journal="mysql://user:hunter2@host/x", tokens={"operations": "hunter2"})
    with pytest.raises(ConfigError) as caught:
        load(told)
    assert "hunter2" not in str(caught.value)


def test_roots_are_beside_the_journal_unless_told_otherwise(load):
    assert str(roots_path(load(changed(roots_key="env:LONG")))) == "engine.db.roots"
    assert str(roots_path(load(changed(roots_key="env:LONG", roots="kept.roots")))) == "kept.roots"


def test_holds_and_masters_are_read(load):
    own = {"object": "Party", "field": "name", "stage": "prospect", "master": "erp"}
    config = load(changed(holds=[{"id": "h", "reason": "r", "keys": ["cash:B1"]}], masters=[own]))
    assert holds_of(config)[0].keys == ("cash:B1",)
    rule = masters_of(config).rule("Party", "name", "prospect")
    assert (rule.master, masters_of(config).rule("Party", "email", "prospect").master) == ("erp", "crm")
    assert masters_of(load(GOOD)).rule("Party", "name", "prospect").master == "crm"


def test_the_profile_says_who_is_master_of_a_customers_fields(load):
    registry = masters_of(load(changed(profile={"master_credit": "erp"})))
    found = [registry.rule("Party", field, "customer").master for field in ("name", "terms_days", "credit_limit_minor")]
    assert found == ["crm", "erp", "erp"]


MAP = """\
map: notes-to-account
version: 2
source: canonical.PartyNotes
target: salesforce.Account
partial: true
owner: o
since: 2026-01-05
fields: [{from: erp_id, to: AccountNumber}]
entities: {DE01: {fields: [{from: erp_id, to: AccountNumber, by: {pattern: {pattern: "DE-{}"}}}]}}
examples: [{in: {erp_id: "7"}, out: {AccountNumber: "7"}}]
"""


def test_a_companys_own_maps_are_checked_with_the_configuration(load, tmp_path):
    (tmp_path / "own" / "maps").mkdir(parents=True)
    path = tmp_path / "own" / "maps" / "account.yaml"
    path.write_text(MAP, encoding="utf-8")
    for entity, written in (("", "7"), ("DE01", "DE-7")):
        maps = maps_of(load(changed(maps="own", entity=entity)))
        assert maps.of(SalesforceMaps).notes_to_account(PartyNotes("7")) == {"AccountNumber": written}
    assert maps_of(load(GOOD)) is None
    for settings, told in (
        (
            {"maps": "own", "entity": "FR01"},
            "entity: no map has rules for 'FR01'; did you mean 'DE01'? there are: DE01",
        ),
        ({"maps": "mine"}, "maps: mine: is no folder; give one with maps/, codes/, schemas/ or rates/"),
    ):
        with pytest.raises(ConfigError) as refused:
            load(changed(**settings))
        assert str(refused.value) == f"{load.path}: {told}"
    path.write_text(MAP.replace("to: AccountNumber}", "to: AcountNumber}"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"engine\.yaml: maps: own/maps/account\.yaml:8:10: .*did you mean 'AccountN"):
        load(changed(maps="own"))


def test_by_customer_each_deal_says_its_entity_and_the_maps_are_asked_for_it(load):
    by_customer = {"entities": "by-customer"}
    config = load(changed(profile=by_customer))
    maps = maps_of(config).of(SalesforceMaps)
    assert "O2C_Entity__c" in maps.account_fields
    assert entity_of(config) == "*"
    assert entity_of(load(GOOD)) == ""
    for settings, said in (
        (
            changed(profile=by_customer, entity="DE01"),
            "entity: is for profile.entities one; by-customer each",
        ),
        (
            system("erp", vendor="business_central") | {"profile": by_customer},
            "profile.entities: by-customer: this engine's connector to business_central knows one legal entity",
        ),
    ):
        with pytest.raises(ConfigError, match=re.escape(said)):
            load(settings)


def test_what_is_charged_between_entities_needs_to_know_who_ships_and_at_which_price(load):
    between, group = {"entities": "intercompany"}, {"home": "DE01", "transfer_price": 0.7}
    config = load(changed(profile=between, group=group))
    assert (config.group.home, config.group.transfer_price, entity_of(config)) == ("DE01", 0.7, "*")
    for settings, said in (
        (changed(profile=between), "group: is missing; give home and transfer_price"),
        (changed(group=group), "group: is for profile.entities intercompany; leave it out"),
        (changed(profile=between, group={**group, "transfer_price": 7}), "group.transfer_price: must be"),
        (
            system("erp", vendor="s4hana") | {"profile": between, "group": group},
            "profile.entities: intercompany: this engine's connector to s4hana charges nothing between entities",
        ),
    ):
        with pytest.raises(ConfigError, match=re.escape(said)):
            load(settings)
