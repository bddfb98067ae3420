"""What each field of the canonical model tells about people and money, and how long it is kept.

Periods are those of German law as an example; a company's own go into a table of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from o2c_twin.integration import model
from o2c_twin.integration.governance.errors import Erased
from o2c_twin.integration.governance.vault import MARK, Vault
from o2c_twin.integration.mappings.documents import PartyChange

Kind = Literal["personal", "financial", "none"]
ERASED = "[erased]"
"""What stands where a text can no longer be read."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long something is kept: whole years after the end of the year it belongs to, or days when it is technical.

    ``source`` says where that is written.
    """

    years: int = 0
    days: int = 0
    source: str = ""


RETENTION: Mapping[str, Retention] = MappingProxyType(
    {
        "voucher": Retention(years=8, source="AO § 147 (1) no. 4, (3) and HGB § 257, as of 2025: booking vouchers"),
        "letter": Retention(years=6, source="AO § 147 (1) no. 2, 3, (3): commercial letters"),
        "business": Retention(years=3, source="BGB §§ 195, 199: the regular limitation period"),
        "technical": Retention(days=90, source="the operator's need to repair"),
    }
)
"""Periods by name."""


@dataclass(frozen=True, slots=True)
class Tag:
    """What a field is, and the name of its period in `RETENTION`."""

    kind: Kind
    retention: str


def _tags(retention: str, personal: str = "", financial: str = "", none: str = "") -> Mapping[str, Tag]:
    kinds: tuple[tuple[Kind, str], ...] = (("personal", personal), ("financial", financial), ("none", none))
    return MappingProxyType({name: Tag(kind, retention) for kind, names in kinds for name in names.split()})


TAGS: Mapping[str, Mapping[str, Tag]] = MappingProxyType(
    {
        "Party": _tags(
            "business",
            "crm_id name number email erp_id",
            "terms_days credit_limit_minor currency",
            "modified_at entity",
        ),
        "PartyChange": _tags("business", "crm_id name number email", "terms_days credit_limit_minor currency"),
        "DealLine": _tags("letter", "", "unit_price_minor quantity", "sku"),
        "Deal": _tags("letter", "party", "lines currency", "crm_id reference po_number won_at erp_order_id"),
        "OrderStatus": _tags(
            "letter", "customer_erp_id", "", "erp_id number external_id po_number credit fulfilment modified_at"
        ),
        "Shipment": _tags("letter", "", "", "erp_id number order_erp_id issued_at"),
        "OpenItem": _tags(
            "voucher",
            "customer_erp_id",
            "open_minor due_on discount_minor discount_until currency",
            "erp_id number disputed",
        ),
        "InvoiceStatus": _tags(
            "voucher", "", "total_minor open_minor currency", "erp_id number order_erp_id modified_at"
        ),
        "BankEntry": _tags(
            "voucher", "end_to_end_id remittance payer payer_iban", "amount_minor currency value_on", "reference"
        ),
        "Allocation": _tags("voucher", "", "amount_minor", "invoice_erp_id"),
        "Charge": _tags("voucher", "", "amount_minor currency", "seller buyer invoice"),
        "WriteOff": _tags("voucher", "", "amount_minor currency", "invoice_erp_id reason"),
        "Discount": _tags("voucher", "", "amount_minor currency paid_on", "invoice_erp_id reason"),
        "PaymentClaim": _tags("voucher", "payer_id", "amount_minor currency due_on", "invoice_number"),
        "ProviderPayment": _tags(
            "voucher",
            "payer_id",
            "amount_minor refunded_minor currency state",
            "payment_id invoice_number reason payout_id modified_at",
        ),
        "PayoutLine": _tags("voucher", "", "amount_minor fee_minor", "payment_id kind"),
        "Payout": _tags("voucher", "", "amount_minor currency lines", "payout_id reference arrives_on"),
        "Inbound": _tags("technical", "object_id lane event_id", "", "flow source_at"),
    }
)
"""Object to field to tag. A customer's numbers are personal: they lead to a person as long as a system knows them."""


def sealed(vault: Vault, subject: str, record: msgspec.Struct, place: str) -> dict[str, Any]:
    """A canonical record as plain data in which what is personal is sealed for its subject.

    ``place`` is where it will be stored. Raises `Erased` when the subject was.
    """
    return _through(record, place, lambda text, where: vault.seal(subject, text, where))


def opened(vault: Vault, content: Any, place: str, erased: str | None = None) -> Any:
    """Plain data with every sealed text opened; ``erased`` is put where that is no longer possible.

    Raises `Erased` when nothing is to be put there.
    """
    if isinstance(content, dict):
        return {key: opened(vault, value, f"{place}.{key}", erased) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [opened(vault, value, place, erased) for value in content]
    if not isinstance(content, str) or not content.startswith(MARK):
        return content
    try:
        return msgspec.json.decode(vault.open(content, place))
    except Erased:
        if erased is None:
            raise
        return erased


def pseudonymous(record: msgspec.Struct, pseudonym: str) -> dict[str, Any]:
    """A record that must be kept although its subject is erased: the pseudonym stands for all that is personal."""
    return _through(record, "", lambda text, where: pseudonym)


def _through(record: msgspec.Struct, place: str, personal: Any) -> dict[str, Any]:
    name = type(record).__name__
    tags = TAGS[name]
    made: dict[str, Any] = {}
    for field in record.__struct_fields__:
        value, where = getattr(record, field), f"{place}.{field}"
        if isinstance(value, msgspec.Struct):
            made[field] = _through(value, where, personal)
        elif isinstance(value, tuple):
            made[field] = [_through(each, where, personal) for each in value]
        elif tags[field].kind == "personal" and value is not None:
            made[field] = personal(msgspec.json.encode(value).decode(), where)
        else:
            made[field] = value
    return made


def untagged() -> list[str]:
    """Fields of the canonical model or of `PartyChange` without a tag, and tags without a field: none should be."""
    found = []
    for name, struct in (*vars(model).items(), (PartyChange.__name__, PartyChange)):
        if isinstance(struct, type) and issubclass(struct, msgspec.Struct) and struct is not msgspec.Struct:
            there, tagged = struct.__struct_fields__, TAGS.get(name, {})
            found += [f"{name}.{field}" for field in (*there, *tagged) if (field in there) != (field in tagged)]
    return found
