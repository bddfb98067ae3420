"""The subjects' keys in a database: one key a subject, once, and nothing left of one that was destroyed."""

import pytest

from o2c_twin.integration.store.keys import SqlKeys


@pytest.fixture(params=["sqlite", "postgres"])
def address(request, tmp_path):
    if request.param == "postgres":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'keys.db'}"


@pytest.fixture
def keys(address):
    made = SqlKeys(address)
    yield made
    made.close()


def test_a_subject_has_one_key(keys):
    assert keys.by_slot("s") is None
    assert keys.add("s", "sub_1", b"key")
    assert not keys.add("s", "sub_2", b"other")
    assert not keys.add("t", "sub_1", b"other")
    assert (keys.by_slot("s"), keys.by_name("sub_1"), keys.by_name("sub_2")) == (("sub_1", b"key"), b"key", None)
    assert not keys.destroyed("s")


def test_what_is_destroyed_is_gone_for_good_and_for_all_workers(keys, address):
    keys.add("s", "sub_1", b"key")
    other = SqlKeys(address)
    assert other.destroy("s")
    other.close()
    assert not keys.destroy("s")
    assert keys.destroyed("s")
    assert (keys.by_slot("s"), keys.by_name("sub_1")) == (None, None)
    assert not keys.add("s", "sub_3", b"new")


def test_who_never_had_a_key_can_be_erased_beforehand(keys):
    assert keys.destroy("nobody")
    assert keys.destroyed("nobody")
    assert not keys.add("nobody", "sub_1", b"key")


def test_the_file_holds_no_bytes_of_a_destroyed_key(tmp_path):
    keys = SqlKeys(f"sqlite:///{tmp_path / 'keys.db'}")
    for n in range(50):
        keys.add(f"slot-{n}", f"name-{n}", f"wrapped key {n:02} ".encode() * 3)
    keys.destroy("slot-17")
    keys.close()
    found = (tmp_path / "keys.db").read_bytes()
    assert b"wrapped key 16" in found
    assert b"wrapped key 17" not in found
    assert b"name-17" not in found
