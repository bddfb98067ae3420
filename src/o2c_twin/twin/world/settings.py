"""The figures of a world, each with where it comes from (domain sheet 3.8 unless said otherwise)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from types import MappingProxyType

_CODE = re.compile(r"[A-Z0-9]{2,8}")
_SHARES = (
    "duplicate_accounts",
    "generous_sales",
    "field_error",
    "misfiled",
    "keyed_twice",
    "no_reference",
    "bank_charges",
    "deductions",
    "mangled_references",
    "early_discount",
    "early_payers",
    "late_discounts",
    "transfer_price",
)

PER_EURO: Mapping[str, Decimal] = MappingProxyType(
    {
        "EUR": Decimal(1),
        "USD": Decimal("1.08"),
        "GBP": Decimal("0.847"),
        "CHF": Decimal("0.953"),
        "SEK": Decimal("11.43"),
        "NOK": Decimal("11.63"),
        "DKK": Decimal("7.459"),
        "PLN": Decimal("4.306"),
        "CZK": Decimal("25.12"),
        "CAD": Decimal("1.482"),
        "AUD": Decimal("1.640"),
    }
)
"""In which currencies customers may buy, and about how many of each a euro was worth in 2024 (means of the European
Central Bank's reference rates). All have two decimals."""


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """One company's year. Shares are between 0 and 1, times as their names say.

    Sources: ``field_error`` 0.29 % a typed field (Garza et al., single entry). Terms 85/10/5 % net
    30/45/60. Dispute settlement lognormal, median 12 days, p90 30. ``line_fill`` is not set but
    comes out of stock policy. Minutes of work: 6.5 an order and 7 a receipt (the ROI example of the
    domain sheet); the others, the shares of misfiled papers and of payments that are short, mistyped or without a
    reference, who pays early for a discount, how generous sales is, a credit controller's patience, how many cases it
    takes until somebody looks at the mapping and the time that takes are modelling assumptions without a published
    source, to be calibrated by the user.
    """

    orders: int = 5_000
    days: int = 365
    drain_days: int = 60
    start: date = date(2026, 1, 1)
    currency: str = "EUR"
    """Of the company's books: those of all its legal entities."""
    foreign: Mapping[str, float] = field(default_factory=dict)
    """Currency to the share of customers who buy in it; all others buy in the books'."""
    rates: str = ""
    """The exchange rates, by their name among those of the estate's own maps; drawn from the seed where none are."""
    customers: int = 0
    """0: one for each 60 orders a year, at least 12."""
    items: int = 60
    stock_cover_days: float = 1.0
    """Demand the reorder point covers beyond the supplier's lead time."""
    lead_days: float = 7.0
    credit_factor: float = 2.2
    """Credit limit as a multiple of what a customer owes on average."""
    credit_check_at_delivery: bool = False
    release_days: int = 5
    """How long a manual credit release holds."""
    credit_waits: int = 3
    """How often a controller waits two working days for money before releasing an order far over the limit."""
    duplicate_accounts: float = 0.0
    """Share of deals that sales enters under a second account of the same customer."""
    generous_sales: float = 0.0
    """Deals for which sales writes longer terms and a higher limit on the account of a customer it knows."""
    credit_review_days: float = 0.0
    """How often credit control sets a customer's terms and limit in the ERP, first when it is new; 0: never."""
    field_error: float = 0.0029
    misfiled: float = 0.001
    """Papers that never reach the next desk: an order not keyed, a delivery not billed."""
    keyed_twice: float = 0.001
    no_reference: float = 0.06
    """Payments whose remittance names no invoice."""
    bank_charges: float = 0.0
    """Payments of which the banks on the way keep 5 to 35 units."""
    deductions: float = 0.0
    """Payments less an agreed discount of 2 % that is not on the invoice."""
    mangled_references: float = 0.0
    """Payments whose remittance names its invoices mistyped or cut."""
    early_discount: float = 0.0
    """What the company's payment terms let a customer keep who pays within ``discount_days``; 0: nothing."""
    discount_days: int = 10
    """Counted from the invoice. Terms that are due no later than that grant nothing."""
    early_payers: float = 0.4
    """Share of customers who pay early for a discount, where there is one."""
    late_discounts: float = 0.1
    """Payments of theirs that come as late as usual and keep the discount all the same."""
    home_entity: str = "HOME"
    """The legal entity that serves all customers no further one serves; named only where there are further ones."""
    entities: dict[str, float] = field(default_factory=dict)
    """Further legal entities of the company, each with the share of customers it serves. All keep books in
    ``currency``, whatever their customers buy in."""
    transfer_price: float = 0.0
    """What further entities owe the home entity of what they bill, for it ships all goods; 0: they have their own."""
    mend_days: float = 1.0
    """From the day somebody sees that a system's records have changed until the mapping that reads them is released."""
    mend_cases: int = 5
    """Cases of the same change that are settled by hand, where nothing says so, until somebody sees that it is one."""
    minutes_order: float = 6.5
    minutes_customer: float = 8.0
    minutes_invoice: float = 4.0
    minutes_receipt: float = 7.0
    minutes_status: float = 1.5
    minutes_credit: float = 10.0
    minutes_dispute: float = 20.0
    minutes_case: float = 15.0
    minutes_pick: float = 9.0

    def __post_init__(self) -> None:
        for name in ("orders", "days", "items", "mend_cases", "discount_days"):
            if getattr(self, name) < 1:
                raise ValueError(f"world.{name}: must be at least 1, not {getattr(self, name)}")
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
                raise ValueError(f"world.{each.name}: must not be negative, not {value}")
        for name in _SHARES:
            if getattr(self, name) > 1:
                raise ValueError(f"world.{name}: is a share between 0 and 1, not {getattr(self, name)}")
        if self.bank_charges + self.deductions > 1:
            raise ValueError("world.bank_charges: with world.deductions more than all payments; lower one of them")
        self._check_foreign()
        self._check_entities()

    def _check_entities(self) -> None:
        for code in (self.home_entity, *self.entities):
            if not _CODE.fullmatch(code):
                told = "has two to eight capital letters and digits, such as UK01"
                raise ValueError(f"world.entities: {code!r} is no legal entity's code; it {told}")
        if self.home_entity in self.entities:
            raise ValueError(f"world.entities: {self.home_entity} is the home entity; name further ones only")
        if not all(0 <= share <= 1 for share in self.entities.values()) or sum(self.entities.values()) > 1:
            raise ValueError(f"world.entities: {self.entities} are no shares of all customers; lower them")

    def _check_foreign(self) -> None:
        for currency, share in self.foreign.items():
            if currency not in PER_EURO or currency == self.currency:
                known = ", ".join(code for code in PER_EURO if code != self.currency)
                raise ValueError(f"world.foreign: no customers can buy in {currency!r}; there are: {known}")
            if not 0 < share <= 1:
                raise ValueError(f"world.foreign: {currency} is a share above 0 and up to 1, not {share}")
        if sum(self.foreign.values()) > 1:
            raise ValueError("world.foreign: the shares are more than all customers; lower one of them")
        if self.foreign and self.currency not in PER_EURO:
            raise ValueError(
                f"world.currency: with world.foreign there are no rates into {self.currency}; "
                f"there are: {', '.join(PER_EURO)}"
            )

    @property
    def legal_entities(self) -> tuple[str, ...]:
        """All legal entities by code, the home entity first; empty where the company is one."""
        return (self.home_entity, *self.entities) if self.entities else ()

    @property
    def orders_per_year(self) -> float:
        """Orders scaled to 365 days."""
        return self.orders * 365 / self.days

    @property
    def customer_count(self) -> int:
        """Number of customers."""
        return self.customers or max(12, round(self.orders_per_year / 60))
