"""Advanced intercompany journal entries: one entry that balances in each of two subsidiaries."""

from typing import TYPE_CHECKING

from o2c_twin.mock_systems.vendors.netsuite.answers import written
from o2c_twin.mock_systems.vendors.netsuite.bodies import Body
from o2c_twin.mock_systems.vendors.netsuite.errors import missing, user_error
from o2c_twin.mock_systems.vendors.netsuite.finding import body_of, referenced_currency, upsert_key
from o2c_twin.mock_systems.vendors.netsuite.record_types import INTERCOMPANY
from o2c_twin.mock_systems.wire.message import Response
from o2c_twin.mock_systems.wire.route import Call

if TYPE_CHECKING:
    from o2c_twin.mock_systems.vendors.netsuite.dialect import NetSuiteDialect


def create_entry(dialect: "NetSuiteDialect", call: Call) -> Response:
    """POST: what the subsidiary of the entry charges the other one of its lines."""
    body = body_of(dialect, call, INTERCOMPANY)
    return _create(dialect, call, body, body.text("externalId"))


def upsert_entry(dialect: "NetSuiteDialect", call: Call) -> Response:
    """PUT by external id: create when there is none; an entry that is there is left as it is."""
    key = upsert_key(call)
    body = body_of(dialect, call, INTERCOMPANY)
    known = dialect.core.by_external_id("intercompany", key)
    if known is None:
        return _create(dialect, call, body, key)
    return written(call.request, INTERCOMPANY.name, known)


def _create(dialect: "NetSuiteDialect", call: Call, body: Body, external_id: str | None) -> Response:
    seller = dialect.subsidiaries.asked(body)
    if seller is None:
        missing("Subsidiary")
    currency = referenced_currency(dialect, body) or dialect.config.currency
    rows = body.lines("line") or []
    sums: dict[str, int] = {}
    debits: dict[str, int] = {}
    for row in rows:
        entity = dialect.subsidiaries.asked(row, "lineSubsidiary")
        if entity is None:
            missing("Subsidiary")
        if row.reference("account") is None:
            missing("Account")
        debit, credit = row.money("debit") or 0, row.money("credit") or 0
        if (debit > 0) == (credit > 0) or debit < 0 or credit < 0:
            user_error("A line has a debit or a credit.")
        sums[entity] = sums.get(entity, 0) + debit - credit
        debits[entity] = debits.get(entity, 0) + debit
    others = [entity for entity in sums if entity != seller]
    if seller not in sums or len(others) != 1:
        user_error("The lines of this entry must be of its own and one other subsidiary.")
    if any(sums.values()) or len(set(debits.values())) != 1:
        user_error("The amounts of this entry are not in balance for each subsidiary.")
    entry = dialect.core.charge_between(
        seller, others[0], debits[seller], currency, body.text("memo") or "", external_id=external_id
    )
    return written(call.request, INTERCOMPANY.name, entry.id)
