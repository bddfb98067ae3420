"""A changed map is tried on what the engine wrote: every map of a write is given what it needs for that."""

import msgspec
import pytest

from o2c_twin.integration.connectors.own_maps import places
from o2c_twin.integration.mappings import shipped_maps
from o2c_twin.integration.mappings.documents import PartyChange
from o2c_twin.integration.model import Allocation, BankEntry, Charge, Deal, DealLine, Party
from o2c_twin.integration.service.past_documents import past_documents
from o2c_twin.integration.store import Effect

SHIPPED = shipped_maps()
PARTY = Party("A1", "Aoki", "K-1", email="ap@aoki.example", terms_days=14, credit_limit_minor=2_500_050)
DEAL = Deal("D1", "R-1", "PO-1", PARTY, (DealLine("P-1", 3, 1_999),), "EUR", 1_767_601_800_000_000)
ENTRY = BankEntry("B1", 10_000, "EUR", "2026-01-05", None, "INV1", "Aoki", None)
WRITTEN = {
    "put_customer": (PARTY,),
    "update_customer": ("77", PARTY),
    "put_order": (DEAL, "77", {"P-1": "501"}),
    "put_payment": (ENTRY, "77", [Allocation("9", 9_999)]),
    "change_customer": ("77", PartyChange("A1", "EUR", "Aoki KK", terms_days=14, credit_limit_minor=2_500_050)),
    "put_charge": (Charge("DE01", "UK01", 8_000, "EUR", "INV1"),),
}


def effect(n, write):
    arguments = msgspec.json.encode(WRITTEN[write])
    return Effect(f"{write}:{n}", "erp", write, arguments, "c", "l", "done", "1", 1, n, n, None)


ERPS = ("netsuite", "s4hana", "business_central", "legacy_erp")
BY_SOURCE = {
    "canonical.Party": ["put_customer:0", "update_customer:1"],
    "canonical.Deal": ["put_order:2"],
    "canonical.Receipt": ["put_payment:3"],
    "canonical.PartyChange": ["change_customer:4"],
    "canonical.Charge": ["put_charge:5"],
}


@pytest.mark.parametrize("name", [place.map for place in places().values() if place.target.partition(".")[0] in ERPS])
def test_a_map_of_a_write_to_the_erp_makes_of_the_past_what_it_made_then(name):
    ready = SHIPPED.compiled(name)
    past = list(past_documents([effect(n, write) for n, write in enumerate(WRITTEN)], ready, lambda each: each))
    assert [each.key for each in past] == BY_SOURCE[ready.spec.source]
    for each in past:
        assert ready(each.content, each.given)
