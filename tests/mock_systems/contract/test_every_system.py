"""What every system does, in whatever role."""

from o2c_twin.integration.connectors.writes import ONE_OF_MANY, WRITES
from o2c_twin.twin.plan import VENDORS
from o2c_twin.twin.stands import STANDS


def test_what_can_be_planned_can_stand():
    assert {role: set(makers) for role, makers in STANDS.items() if makers} == {
        role: set(vendors) for role, vendors in VENDORS.items() if vendors
    }


def test_what_is_not_covered_gets_the_vendors_refusal_and_is_journalled(any_system):
    for method in ("GET", "POST", "PATCH", "DELETE"):
        for path in ("/no/such/thing", "/", "/v999/orders/1", "/%00", "/é"):
            answer = any_system.ask(path, method)
            assert answer.status in (400, 401, 404, 405), (method, path, answer)
            assert answer.body, (method, path, "the vendor says something")
            entry = any_system.server.journal.entries[-1]
            assert (entry.operation, entry.status) == ("not modelled", answer.status)


def test_the_connectors_claims_are_the_mocks_promises(any_system):
    promises = {promise.operation: promise for promise in any_system.server.dialect.promises}
    sheet = getattr(any_system.system, "sheet", ())
    # A bank that is only read from has nothing to claim.
    assert sheet or any_system.role == "bank"
    for claim in sheet:
        assert claim.write in WRITES or claim.write in ONE_OF_MANY
        promise = promises[claim.operation]
        assert (claim.guard, claim.retention_s) == (promise.guard, promise.retention_s), claim
        assert claim.index_lag_s >= promise.index_lag_s
        assert claim.bulk_limit <= promise.bulk_limit
        assert claim.version_guard in ("none", promise.version_guard)
        assert not (claim.bulk_limit > 1 and promise.partial) or claim.partial, "some items may fail alone"


def test_every_system_publishes_a_sheet_about_operations_it_has(any_system):
    dialect = any_system.server.dialect
    assert dialect.promises
    assert all(promise.source for promise in dialect.promises)
    if dialect.routes:
        known = {operation.name for operation in dialect.routes}
        assert sorted({promise.operation for promise in dialect.promises} - known) == []


def test_a_snapshot_is_gone_back_to(any_system):
    dialect = any_system.server.dialect
    before = dialect.snapshot()
    dialect.restore(before)
    assert dialect.snapshot() == before
