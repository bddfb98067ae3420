"""Sealed texts open for who holds the key, at their own place, until their subject is erased."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from o2c_twin.integration.governance.errors import Erased, NotReadable
from o2c_twin.integration.governance.secrets import Secret
from o2c_twin.integration.governance.storage import MemoryKeys
from o2c_twin.integration.governance.vault import MARK, Vault


def entropy_of(seed):
    drawn = iter(range(10**6))
    return lambda size: hashlib.blake2b(f"{seed}:{next(drawn)}".encode(), digest_size=size).digest()


MASTER = Secret("O2C_MASTER_KEY", "m" * 32)


@pytest.fixture
def keys():
    return MemoryKeys()


@pytest.fixture
def vault(keys):
    return Vault(keys, MASTER, entropy_of("a"))


@settings(max_examples=50)
@given(st.text(), st.text(min_size=1), st.text())
def test_a_sealed_text_opens_as_it_was(text, subject, place):
    vault = Vault(MemoryKeys(), MASTER, entropy_of("a"))
    token = vault.seal(subject, text, place)
    assert token.startswith(MARK)
    assert vault.open(token, place) == text


def test_another_process_with_the_same_keys_opens_it(vault, keys):
    token = vault.seal("crm:1", "Ada", "inbox")
    assert Vault(keys, MASTER, entropy_of("b")).open(token, "inbox") == "Ada"


def test_a_replay_seals_the_same_text_to_the_same_token(vault, keys):
    again = Vault(keys, MASTER, entropy_of("other"))
    assert vault.seal("crm:1", "Ada", "inbox") == again.seal("crm:1", "Ada", "inbox")


def test_no_two_texts_or_places_or_subjects_share_a_token_or_a_nonce(vault):
    cells = [
        ("1", "Ada", "a"),
        ("1", "Bob", "a"),
        ("1", "Ada", "b"),
        ("2", "Ada", "a"),
        ("1", "daA", "a"),
        ("1", "aAda", ""),
    ]
    tokens = [vault.seal(*cell) for cell in cells]
    nonces = [token.split(":")[-1][:16] for token in tokens]
    assert len(set(tokens)) == len(set(nonces)) == len(cells)


def test_neither_the_key_store_nor_the_token_tells_who_it_is(vault, keys):
    token = vault.seal("ada@example.com", "Ada Lovelace", "inbox")
    stored = repr((keys.slots, keys.keys, keys.gone, token))
    assert "lovelace" not in stored.lower()
    assert "example.com" not in stored
    assert vault.pseudonym("ada@example.com") in token


def test_after_the_erasure_nothing_opens_and_nothing_new_is_sealed(vault, keys):
    token, name = vault.seal("crm:1", "Ada", "inbox"), vault.pseudonym("crm:1")
    other = vault.seal("crm:2", "Bob", "inbox")
    assert vault.erase("crm:1") is True
    assert vault.erase("crm:1") is False
    assert vault.erased("crm:1") is True
    for fresh in (vault, Vault(keys, MASTER, entropy_of("b"))):
        with pytest.raises(Erased, match=f"{name} at inbox was erased"):
            fresh.open(token, "inbox")
        for act in (fresh.pseudonym, lambda s, v=fresh: v.seal(s, "x", "y"), lambda s, v=fresh: v.fingerprint(s, b"")):
            with pytest.raises(Erased, match="keep nothing new of it"):
                act("crm:1")
        assert fresh.open(other, "inbox") == "Bob"
    # What is left of the key tells neither the subject nor its pseudonym.
    assert name not in repr((keys.slots, keys.keys, keys.gone))


def test_a_subject_nothing_was_sealed_for_can_be_erased_before_it_comes(vault):
    assert vault.erased("crm:9") is False
    assert vault.erase("crm:9") is True
    with pytest.raises(Erased):
        vault.seal("crm:9", "late news", "inbox")


def test_a_key_in_another_processes_memory_lives_until_it_is_told_to_forget(vault, keys):
    other = Vault(keys, MASTER, entropy_of("b"))
    vault.pseudonym("crm:1")
    other.pseudonym("crm:1")
    vault.erase("crm:1")
    assert other.erased("crm:1")
    other.forget()
    with pytest.raises(Erased):
        other.pseudonym("crm:1")


@pytest.mark.parametrize("at", range(0, 60, 3))
def test_a_token_that_was_changed_does_not_open(vault, at):
    token = vault.seal("crm:1", "Ada Lovelace", "inbox")
    place = len(token) - 1 - at % 40
    changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    with pytest.raises((NotReadable, Erased)):
        vault.open(changed, "inbox")


@pytest.mark.parametrize("token", ["", "Ada", MARK, f"{MARK}sub_1", f"{MARK}sub_1:"])
def test_what_is_no_token_does_not_open(vault, token):
    with pytest.raises(NotReadable, match="not a sealed text at inbox"):
        vault.open(token, "inbox")


def test_a_token_does_not_open_at_another_place_or_for_another_subject(vault):
    token = vault.seal("crm:1", "Ada", "inbox")
    with pytest.raises(NotReadable, match="sealed for another place"):
        vault.open(token, "cases")
    vault.seal("crm:2", "x", "inbox")
    with pytest.raises(NotReadable):
        vault.open(token.replace(vault.pseudonym("crm:1"), vault.pseudonym("crm:2")), "inbox")


def test_another_master_key_opens_nothing(vault, keys):
    token = vault.seal("crm:1", "Ada", "inbox")
    with pytest.raises(NotReadable, match="use the master key it was wrapped with"):
        Vault(keys, Secret("O2C_MASTER_KEY", "n" * 32), entropy_of("a")).open(token, "inbox")
    with pytest.raises(ValueError, match="O2C_MASTER_KEY has fewer than 32 characters"):
        Vault(keys, Secret("O2C_MASTER_KEY", "short"), entropy_of("a"))


def test_a_fingerprint_tells_a_change_and_differs_between_subjects(vault):
    one = vault.fingerprint("crm:1", b"Ada")
    assert one == vault.fingerprint("crm:1", b"Ada")
    assert len({one, vault.fingerprint("crm:1", b"Bob"), vault.fingerprint("crm:2", b"Ada")}) == 3
    assert one != hashlib.sha256(b"Ada").hexdigest()[:32]


def test_of_two_processes_that_make_a_key_at_once_one_wins_for_both(keys):
    class Late(MemoryKeys):
        """Another process adds the key between the question and the answer."""

        def by_slot(self, slot):
            found = super().by_slot(slot)
            if found is None and not self.slots:
                first.pseudonym("crm:1")
            return found

    late = Late()
    shared = MemoryKeys()
    late.slots, late.keys, late.gone = shared.slots, shared.keys, shared.gone
    first = Vault(shared, MASTER, entropy_of("first"))
    second = Vault(late, MASTER, entropy_of("second"))
    assert second.pseudonym("crm:1") == first.pseudonym("crm:1")
    assert first.open(second.seal("crm:1", "Ada", "p"), "p") == "Ada"


def test_only_so_many_keys_stay_in_memory_and_all_still_work(keys):
    vault = Vault(keys, MASTER, entropy_of("a"), cached=2)
    tokens = [vault.seal(f"crm:{n}", str(n), "p") for n in range(5)]
    assert [vault.open(token, "p") for token in tokens] == list("01234")
    assert vault.seal("crm:0", "0", "p") == tokens[0]


def test_entropy_of_another_length_is_refused(keys):
    with pytest.raises(ValueError, match="entropy gave 3 bytes, not 32"):
        Vault(keys, MASTER, lambda size: b"abc").pseudonym("crm:1")
