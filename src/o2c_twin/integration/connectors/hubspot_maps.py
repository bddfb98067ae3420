"""What HubSpot's maps need of its API: properties to ask for, and the types its answers are decoded to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from o2c_twin.integration.connectors.vendor_maps import Place, VendorMaps, kept, names_written
from o2c_twin.integration.mappings import CompiledMap
from o2c_twin.integration.mappings.rows import ITEMS

_INSIDE = "properties."
_AGREED, _CURRENCY = "agreed_price", "deal_currency_code"
# What a discount is told by: the price of a piece before it, and the amount of the line after it.
_PRICED = ("quantity", "price", "amount")


@dataclass(frozen=True)
class HubSpotMaps(VendorMaps):
    """The maps of an account."""

    deal_to_deal: CompiledMap
    company_to_party: CompiledMap
    notes_to_deal: CompiledMap
    notes_to_company: CompiledMap
    change_to_company: CompiledMap

    system: ClassVar = "hubspot"
    places: ClassVar = {
        "deal_to_deal": Place("hubspot-deal-to-deal", "hubspot.deal", "canonical.Deal"),
        "company_to_party": Place("hubspot-company-to-party", "hubspot.company", "canonical.Party"),
        "notes_to_deal": Place("hubspot-notes-to-deal", "canonical.DealNotes", "hubspot.DealProperties"),
        "notes_to_company": Place("hubspot-notes-to-company", "canonical.PartyNotes", "hubspot.CompanyProperties"),
        "change_to_company": Place(
            "hubspot-party-change-to-company", "canonical.PartyChange", "hubspot.CompanyProperties"
        ),
    }

    @cached_property
    def deal_properties(self) -> str:
        """The properties of a deal that are read; its name first, by which a person finds it."""
        return ",".join(dict.fromkeys(("dealname", *_properties(self.deal_to_deal.paths))))

    @cached_property
    def company_properties(self) -> str:
        """The properties of a company that are read, its own map's and those of the deal's."""
        return ",".join(dict.fromkeys(_properties((*self.company_to_party.paths, *self._bought))))

    @cached_property
    def party_fields(self) -> frozenset[str]:
        """What is kept of a party on its company: read, and written where the ERP is master of it."""
        return kept(self.change_to_company, self.company_to_party)

    @cached_property
    def line_properties(self) -> tuple[str, ...]:
        """The properties of a line item that are read."""
        read = _properties(_below(self.deal_to_deal.paths, f"lines{ITEMS}."))
        return tuple(dict.fromkeys(each for name in read for each in (_PRICED[1:] if name == _AGREED else (name,))))

    @cached_property
    def order_property(self) -> str | None:
        """Where the id of a deal's order is read; None where no single property holds it."""
        paths = self.deal_to_deal.sources_of("erp_order_id")
        return paths[0].removeprefix(_INSIDE) if len(paths) == 1 else None

    @cached_property
    def notes(self) -> Mapping[str, str]:
        """Where each note on a deal is read again."""
        return names_written(self.notes_to_deal)

    @cached_property
    def deal(self) -> msgspec.json.Decoder[Any]:
        """A deal with its associations."""
        row = self.deal_to_deal.row("id", f"{_INSIDE}{_CURRENCY}")
        linked: Any = [("associations", dict[str, Any], msgspec.field(default_factory=dict))]
        return msgspec.json.Decoder(msgspec.defstruct("Deal", linked, bases=(row,), kw_only=True))

    @cached_property
    def company(self) -> msgspec.json.Decoder[Any]:
        """A company, with what either map reads of it."""
        return msgspec.json.Decoder(self.company_to_party.row(*self._bought))

    @cached_property
    def _bought(self) -> tuple[str, ...]:
        return tuple(_below(self.deal_to_deal.paths, "company."))

    @cached_property
    def lines(self) -> msgspec.json.Decoder[Any]:
        """A batch of line items."""
        told = (f"{_INSIDE}{name}" for name in (*_PRICED, _AGREED))
        row = self.deal_to_deal.row("id", f"{_INSIDE}hs_sku", *told, inside="lines")
        results: Any = list[row]  # type: ignore[valid-type]  # made by a map
        return msgspec.json.Decoder(msgspec.defstruct("Batch", [("results", results)]))


def agree(line: Any) -> None:
    """Give a decoded line item the price agreed: after discount, when there is one.

    Raises ValueError or ArithmeticError for one that makes no sense.
    """
    told = line.properties
    told.agreed_price = told.price
    if told.hs_sku == "":
        told.hs_sku = None
    if told.amount is not None and told.price is not None and told.price * told.quantity != told.amount:
        told.agreed_price = told.amount / told.quantity


def _properties(paths: Iterable[str]) -> Iterator[str]:
    return _below(paths, _INSIDE)


def _below(paths: Iterable[str], begin: str) -> Iterator[str]:
    return (path.removeprefix(begin) for path in paths if path.startswith(begin))
