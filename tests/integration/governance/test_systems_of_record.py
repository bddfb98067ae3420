"""Every field of the canonical model has one master in every stage of its life, and nobody else writes it."""

import msgspec
import pytest

from o2c_twin.integration import model
from o2c_twin.integration.governance.systems_of_record import ANY, DEFAULT, STAGES, Mastery, Registry, Write

STRUCTS = {
    name: struct
    for name, struct in vars(model).items()
    if isinstance(struct, type) and issubclass(struct, msgspec.Struct) and name not in ("Struct", "Inbound")
}
CELLS = [
    (name, field, stage)
    for name, struct in STRUCTS.items()
    for field in struct.__struct_fields__
    for stage in STAGES[name]
]


def write(system, field, stage="customer", object="Party"):
    return Write(system, object, "sub_1", field, stage, 7)


def test_every_object_of_the_model_has_stages():
    assert sorted(STAGES) == sorted(STRUCTS)
    assert len(CELLS) > 100


@pytest.mark.parametrize(("name", "field", "stage"), CELLS)
def test_every_field_has_a_master_who_may_write_it(name, field, stage):
    rule = DEFAULT.rule(name, field, stage)
    assert rule is not None
    assert rule.master in ("crm", "erp", "bank", "provider", "engine")
    assert DEFAULT.refuse(Write(rule.master, name, "k", field, stage, 0)) is None
    refused = [
        s for s in ("crm", "erp", "bank", "provider", "engine") if DEFAULT.refuse(Write(s, name, "k", field, stage, 0))
    ]
    assert sorted(refused) == sorted({"crm", "erp", "bank", "provider", "engine"} - {rule.master, *rule.writers})


def test_no_rule_is_about_what_does_not_exist():
    for rule in DEFAULT.rules:
        assert rule.object in STRUCTS
        assert rule.field == ANY or rule.field in STRUCTS[rule.object].__struct_fields__
        assert rule.stage == ANY or rule.stage in STAGES[rule.object]


@pytest.mark.parametrize(
    ("system", "field", "stage", "master"),
    [
        ("crm", "name", "customer", None),
        ("erp", "name", "customer", "crm"),
        ("crm", "terms_days", "prospect", None),
        ("crm", "terms_days", "customer", "erp"),
        ("engine", "terms_days", "customer", None),
        ("engine", "terms_days", "prospect", "crm"),
        ("crm", "name", "blocked", "erp"),
        ("crm", "crm_id", "blocked", None),
        ("crm", "credit_limit_minor", "prospect", "erp"),
    ],
)
def test_the_most_exact_rule_counts(system, field, stage, master):
    refusal = DEFAULT.refuse(write(system, field, stage))
    assert (None if refusal is None else refusal.master) == master


def test_a_refusal_is_a_record_that_can_be_logged_and_tells_no_value():
    refusal = DEFAULT.refuse(write("crm", "credit_limit_minor"))
    assert msgspec.json.decode(msgspec.json.encode(refusal)) == {
        "type": "write-refused",
        "object": "Party",
        "key": "sub_1",
        "field": "credit_limit_minor",
        "stage": "customer",
        "system": "crm",
        "master": "erp",
        "at": 7,
        "message": "erp is master of Party.credit_limit_minor in stage customer, not crm; change it there",
    }


def test_where_nobody_is_master_nobody_writes():
    refusal = Registry(()).refuse(write("crm", "name"))
    assert refusal.message == "nobody is master of Party.name in stage customer; enter one in the registry"


def test_two_masters_of_one_thing_are_refused():
    rules = (Mastery("Party", "name", ANY, "crm"), Mastery("Party", "name", ANY, "erp"))
    with pytest.raises(ValueError, match=r"Party\.name in stage \* has two masters; keep one rule"):
        Registry(rules)
