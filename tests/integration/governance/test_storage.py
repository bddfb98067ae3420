"""What the ports of storage promise, of the memory that ships and of tables as the engine's database will have."""

import hashlib
import sqlite3

import pytest

from o2c_twin.integration.governance.audit import AuditTrail, verify
from o2c_twin.integration.governance.errors import Erased
from o2c_twin.integration.governance.secrets import Secret
from o2c_twin.integration.governance.storage import AuditRow, MemoryKeys, MemoryLog
from o2c_twin.integration.governance.vault import Vault


class TableLog:
    def __init__(self):
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.executescript(
            "create table audit (seq integer primary key, body blob not null, link blob not null);"
            "create trigger audit_u before update on audit begin select raise(abort, 'append only'); end;"
            "create trigger audit_d before delete on audit begin select raise(abort, 'append only'); end;"
        )

    def append(self, row):
        self.db.execute("insert into audit values (?,?,?)", (row.seq, row.body, row.link))

    def last(self):
        found = self.db.execute("select seq, body, link from audit order by seq desc limit 1").fetchone()
        return None if found is None else AuditRow(*found)

    def rows(self):
        return (AuditRow(*row) for row in self.db.execute("select seq, body, link from audit order by seq"))


class TableKeys:
    def __init__(self):
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.executescript(
            "pragma secure_delete = on;"
            "create table subject_key (slot text primary key, name text unique, wrapped blob) without rowid;"
        )

    def by_slot(self, slot):
        found = self.db.execute("select name, wrapped from subject_key where slot = ?", (slot,)).fetchone()
        return None if found is None or found[0] is None else found

    def by_name(self, name):
        found = self.db.execute("select wrapped from subject_key where name = ?", (name,)).fetchone()
        return None if found is None else found[0]

    def add(self, slot, name, wrapped):
        done = self.db.execute("insert or ignore into subject_key values (?,?,?)", (slot, name, wrapped))
        return done.rowcount == 1

    def destroy(self, slot):
        if self.destroyed(slot):
            return False
        self.db.execute("insert or replace into subject_key values (?,null,null)", (slot,))
        return True

    def destroyed(self, slot):
        found = self.db.execute("select name from subject_key where slot = ?", (slot,)).fetchone()
        return found is not None and found[0] is None


@pytest.mark.parametrize("make", [MemoryLog, TableLog])
def test_a_log_keeps_rows_in_order_and_takes_each_place_once(make):
    log = make()
    assert log.last() is None
    trail = AuditTrail(log)
    for n in range(3):
        trail.add(n, "ada", "replay", "Deal", f"D-{n}")
    assert [row.seq for row in log.rows()] == [row.seq for row in log.rows()] == [1, 2, 3]
    assert log.last().seq == 3
    with pytest.raises((ValueError, sqlite3.IntegrityError)):
        log.append(log.last())
    assert verify(log).sound
    AuditTrail(log).add(4, "ada", "replay", "Deal", "D-4")
    assert verify(log).entries == 4


@pytest.mark.parametrize("make", [MemoryKeys, TableKeys])
def test_a_key_store_keeps_one_key_a_subject_and_forgets_it_for_good(make):
    keys = make()
    assert keys.by_slot("s") is None
    assert keys.by_name("n") is None
    assert keys.add("s", "n", b"key") is True
    assert keys.add("s", "m", b"other") is False
    assert (keys.by_slot("s"), keys.by_name("n"), keys.by_name("m")) == (("n", b"key"), b"key", None)
    assert keys.destroyed("s") is False
    assert keys.destroy("s") is True
    assert (keys.by_slot("s"), keys.by_name("n"), keys.destroyed("s")) == (None, None, True)
    assert keys.destroy("s") is False
    assert keys.add("s", "n", b"key") is False
    assert keys.destroy("never seen") is True
    assert keys.destroyed("never seen") is True


@pytest.mark.parametrize("make", [MemoryKeys, TableKeys])
def test_a_vault_works_on_either(make):
    keys = make()
    vault = Vault(keys, Secret("K", "m" * 32), lambda size: hashlib.blake2b(b"x", digest_size=size).digest())
    token = vault.seal("crm:1", "Ada", "p")
    vault.forget()
    assert vault.open(token, "p") == "Ada"
    vault.erase("crm:1")
    with pytest.raises(Erased):
        vault.open(token, "p")
