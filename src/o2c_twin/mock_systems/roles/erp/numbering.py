"""How an ERP numbers its records: one sequence for all ids, or a range of its own for some kinds."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Numbering:
    """``ranges``: the first id of each kind with a range of its own; the other kinds share one from 101.

    Kinds: customer, item, order, delivery, invoice, credit_memo, payment. ``plain`` are those whose number is their
    id; the others have a prefix and a sequence (``INV1001``). Ids are decimal in any case.
    """

    ranges: Mapping[str, int] = field(default_factory=dict)
    plain: frozenset[str] = frozenset()
