"""Every field of the canonical model has one master in every stage of its life, and nobody else writes it."""

import msgspec
import pytest

from o2c_twin.integration import model
from o2c_twin.integration.governance.field_groups import GROUPS, SHIPPED, contradiction, registry_of
from o2c_twin.integration.governance.systems_of_record import ANY, STAGES, Mastery, Registry, Write
from o2c_twin.integration.profile import AXES, DesignProfile

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
    rule = SHIPPED.rule(name, field, stage)
    assert rule is not None
    assert rule.master in ("crm", "erp", "bank", "provider", "engine")
    assert SHIPPED.refuse(Write(rule.master, name, "k", field, stage, 0)) is None
    refused = [
        s for s in ("crm", "erp", "bank", "provider", "engine") if SHIPPED.refuse(Write(s, name, "k", field, stage, 0))
    ]
    assert sorted(refused) == sorted({"crm", "erp", "bank", "provider", "engine"} - {rule.master, *rule.writers})


def test_no_rule_is_about_what_does_not_exist():
    for rule in SHIPPED.rules:
        assert rule.object in STRUCTS
        assert rule.field == ANY or rule.field in STRUCTS[rule.object].__struct_fields__
        assert rule.stage == ANY or rule.stage in STAGES[rule.object]


@pytest.mark.parametrize(
    ("system", "field", "stage", "master"),
    [
        ("crm", "name", "customer", None),
        ("erp", "name", "customer", "crm"),
        ("crm", "terms_days", "prospect", None),
        ("crm", "terms_days", "customer", None),
        ("engine", "terms_days", "customer", "crm"),
        ("erp", "terms_days", "customer", None),
        ("engine", "terms_days", "prospect", "crm"),
        ("crm", "name", "blocked", "erp"),
        ("crm", "crm_id", "blocked", None),
        ("crm", "credit_limit_minor", "prospect", "erp"),
    ],
)
def test_the_most_exact_rule_counts(system, field, stage, master):
    refusal = SHIPPED.refuse(write(system, field, stage))
    assert (None if refusal is None else refusal.master) == master


def test_a_refusal_is_a_record_that_can_be_logged_and_tells_no_value():
    refusal = registry_of(DesignProfile(master_credit="erp")).refuse(write("crm", "credit_limit_minor"))
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


# --- as the design's axes have it ------------------------------------------------------------------

BOTH = ("crm", "erp")
MAY = {
    ("master_customer", "crm"): ("crm",),
    ("master_customer", "last-change"): BOTH,
    ("master_customer", "erp"): ("erp",),
    # What finance types in the ERP where sales' word counts is left there until sales writes again.
    ("master_credit", "crm"): BOTH,
    ("master_credit", "last-change"): BOTH,
    ("master_credit", "erp"): ("erp",),
}


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.axis)
def test_an_axis_says_who_writes_each_of_its_fields(group):
    assert list(group.rules) == list(AXES[group.axis])
    for value in AXES[group.axis]:
        registry = registry_of(DesignProfile(**{group.axis: value}))
        for field in group.fields:
            may = tuple(system for system in BOTH if registry.refuse(write(system, field)) is None)
            assert may == MAY[group.axis, value]
            # Before there is a customer sales proposes, whatever the axis says.
            assert registry.rule("Party", "terms_days", "prospect").master == "crm"


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (Mastery("Party", "name", ANY, "erp"), "erp as master of Party.name contradicts profile.master_customer"),
        (Mastery("Party", ANY, "customer", "erp"), "erp as master of Party.name contradicts profile.master_customer"),
        (
            Mastery("Party", "terms_days", "customer", "crm"),
            "crm as master of Party.terms_days contradicts profile.master_credit, which is 'erp'; take the rule out, "
            "or choose another profile.master_credit",
        ),
        (Mastery("Party", "terms_days", "customer", "erp", ("crm",)), "crm as writer of Party.terms_days contradicts"),
        (Mastery("Party", ANY, ANY, "crm"), "crm as master of Party.terms_days contradicts profile.master_credit, "),
    ],
)
def test_a_companys_own_rule_may_not_contradict_an_axis(own, told):
    assert contradiction(own, DesignProfile(master_credit="erp")).startswith(told)


@pytest.mark.parametrize(
    "own",
    [
        Mastery("Party", "name", "prospect", "erp"),
        Mastery("Party", ANY, "blocked", "crm"),
        Mastery("Party", "terms_days", "customer", "erp"),
        Mastery("Party", "currency", ANY, "erp"),
        Mastery("Deal", ANY, ANY, "erp"),
    ],
)
def test_a_rule_about_something_else_or_of_the_same_mind_contradicts_nothing(own):
    assert contradiction(own, DesignProfile(master_credit="erp")) is None
