"""What Salesforce's maps need of its language: columns to select, and the types its answers are decoded to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from o2c_twin.integration.connectors.vendor_maps import Place, VendorMaps, kept, names_written
from o2c_twin.integration.mappings import CompiledMap
from o2c_twin.integration.mappings.rows import ITEMS

LINES = "OpportunityLineItems"
CURRENCY = "CurrencyIsoCode"
"""The currency of a record, which only an org with several has."""
CURRENCIES = (CURRENCY, f"Account.{CURRENCY}")
_RECORDS = f"{LINES}.records"
# What a person finds a record by stands first, whatever the maps read.
_HEAD = ("Id", "Name")


@dataclass(frozen=True)
class SalesforceMaps(VendorMaps):
    """The maps of an org."""

    opportunity_to_deal: CompiledMap
    account_to_party: CompiledMap
    notes_to_opportunity: CompiledMap
    notes_to_account: CompiledMap
    change_to_account: CompiledMap

    system: ClassVar = "salesforce"
    places: ClassVar = {
        "opportunity_to_deal": Place("opportunity-to-deal", "salesforce.Opportunity", "canonical.Deal"),
        "account_to_party": Place("account-to-party", "salesforce.Account", "canonical.Party"),
        "notes_to_opportunity": Place("notes-to-opportunity", "canonical.DealNotes", "salesforce.Opportunity"),
        "notes_to_account": Place("notes-to-account", "canonical.PartyNotes", "salesforce.Account"),
        "change_to_account": Place("party-change-to-account", "canonical.PartyChange", "salesforce.Account"),
    }

    @cached_property
    def account_fields(self) -> str:
        """The fields of an account that are read, as the vendor lists them."""
        return ",".join(dict.fromkeys((*_HEAD, *self.account_to_party.paths)))

    @cached_property
    def party_fields(self) -> frozenset[str]:
        """What is kept of a party on its account: read, and written where the ERP is master of it."""
        return kept(self.change_to_account, self.account_to_party)

    @cached_property
    def deal_query(self) -> str:
        """SOQL for one opportunity with all its map reads; its id goes into the braces."""
        return f"SELECT {','.join(_columns(self.opportunity_to_deal.paths))} FROM Opportunity WHERE Id = '{{}}'"

    @cached_property
    def notes(self) -> Mapping[str, str]:
        """Where each note on a deal is read again."""
        return names_written(self.notes_to_opportunity)

    @cached_property
    def order_field(self) -> str | None:
        """Where the id of a deal's order is read; None where no single field holds it."""
        paths = self.opportunity_to_deal.sources_of("erp_order_id")
        return paths[0] if len(paths) == 1 else None

    @cached_property
    def deals(self) -> msgspec.json.Decoder[Any]:
        """A page of opportunities, each with the first page of its lines."""
        more = (f"{LINES}.nextRecordsUrl",) if self.reads_lines else ()
        return _page(self.opportunity_to_deal.row(*more))

    @cached_property
    def deals_in_currencies(self) -> msgspec.json.Decoder[Any]:
        """The same, each with its currency and its account's, of an org that has several."""
        more = (f"{LINES}.nextRecordsUrl",) if self.reads_lines else ()
        return _page(self.opportunity_to_deal.row(*more, *CURRENCIES))

    @cached_property
    def lines(self) -> msgspec.json.Decoder[Any]:
        """A further page of an opportunity's lines."""
        return _page(self.opportunity_to_deal.row(inside=_RECORDS))

    @cached_property
    def reads_lines(self) -> bool:
        """Whether the deal's lines are the opportunity's."""
        return any(path.startswith(f"{_RECORDS}{ITEMS}.") for path in self.opportunity_to_deal.paths)


def _page(row: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    records: Any = list[row]  # type: ignore[valid-type]  # made by a map
    return msgspec.json.Decoder(msgspec.defstruct("Page", [("records", records), ("nextRecordsUrl", str | None, None)]))


def _columns(paths: tuple[str, ...]) -> Iterator[str]:
    """Columns of the record itself, then one sub-select for each list."""
    lists: dict[str, list[str]] = {}
    for path in dict.fromkeys((*_HEAD, *paths)):
        name, inside, column = path.partition(f".records{ITEMS}.")
        if inside:
            lists.setdefault(name, []).append(column)
        else:
            yield path
    yield from (f"(SELECT {','.join(columns)} FROM {name})" for name, columns in lists.items())
