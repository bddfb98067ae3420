"""Survivorship: which value of several masters the golden record keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from o2c_twin.integration.match.survivorship import (
    CUSTOMER_RULES,
    RULES,
    MasterVersion,
    Survivor,
    SurvivorshipError,
    golden_record,
)

VERSIONS = [
    MasterVersion("c1", "crm", 30, {"name": "Delta", "phone": "1", "credit_limit_minor": 500_00}),
    MasterVersion("e1", "erp", 20, {"name": "Delta Foods", "phone": "2", "credit_limit_minor": 900_00}),
    MasterVersion("e2", "erp", 10, {"name": "Delta Foods", "phone": None, "credit_limit_minor": 700_00}),
]


@pytest.mark.parametrize(
    ("rule", "value", "of"),
    [
        ("most-recent", "Delta", "c1"),
        ("oldest", "Delta Foods", "e2"),
        ("longest", "Delta Foods", "e1"),
        ("most-frequent", "Delta Foods", "e1"),
        ("by-system", "Delta Foods", "e1"),
    ],
)
def test_each_rule_keeps_the_value_it_says_with_its_provenance(rule, value, of):
    golden = golden_record(VERSIONS, {"name": rule}, systems=["erp", "crm"])
    assert golden == {"name": Survivor(value, of, rule)}


def test_a_credit_limit_does_not_grow_by_a_merge():
    golden = golden_record(VERSIONS, CUSTOMER_RULES, systems=["erp"])
    assert golden["credit_limit_minor"] == Survivor(500_00, "c1", "lowest")
    assert golden_record(VERSIONS, {"credit_limit_minor": "highest"})["credit_limit_minor"].value == 900_00


def test_an_empty_field_never_survives_a_filled_one():
    versions = [MasterVersion("new", "crm", 99, {"phone": ""}), *VERSIONS]
    assert golden_record(versions, {"phone": "most-recent", "fax": "longest"}) == {
        "phone": Survivor("1", "c1", "most-recent")
    }


def test_an_address_is_never_put_together_from_two_masters():
    versions = [
        MasterVersion("old", "crm", 1, {"street": "Ring 1", "postal_code": "80331", "city": "München"}),
        MasterVersion("new", "erp", 2, {"street": "Kai 9", "postal_code": "20457", "city": "Hamburg"}),
        MasterVersion("newest", "erp", 3, {"city": "Berlin"}),
    ]
    golden = golden_record(versions, CUSTOMER_RULES)
    assert {name: survivor.value for name, survivor in golden.items()} == versions[1].values
    assert {survivor.from_id for survivor in golden.values()} == {"new"}


def test_a_rule_that_cannot_be_applied_is_refused_with_field_and_remedy():
    with pytest.raises(SurvivorshipError, match=r"name: no survivorship rule 'newest'; there are: most-recent"):
        golden_record(VERSIONS, {"name": "newest"})
    with pytest.raises(SurvivorshipError, match=r"name of c1: the rule 'lowest' needs a figure.*minor units"):
        golden_record(VERSIONS[:1], {"name": "lowest"})


_VERSIONS = st.lists(
    st.builds(
        MasterVersion,
        id=st.sampled_from("abcd"),
        system=st.sampled_from(["crm", "erp", "shop"]),
        modified_at=st.integers(0, 3),
        values=st.dictionaries(st.sampled_from(["name", "limit"]), st.none() | st.integers(0, 3), max_size=2),
    ),
    max_size=6,
)


@given(_VERSIONS, st.randoms(use_true_random=False), st.sampled_from(list(RULES)))
def test_the_golden_record_does_not_depend_on_the_order_of_the_masters(versions, chance, rule):
    rules = {"name": rule, "limit": rule}
    golden = golden_record(versions, rules, systems=["erp", "crm"])
    shuffled = list(versions)
    chance.shuffle(shuffled)
    assert golden_record(shuffled, rules, systems=["erp", "crm"]) == golden
    for field, survivor in golden.items():
        assert any(v.id == survivor.from_id and v.values.get(field) == survivor.value for v in versions)
