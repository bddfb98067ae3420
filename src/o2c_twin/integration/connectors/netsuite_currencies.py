"""The currencies of a NetSuite account: which it has, and what it calls them.

Wire facts: SuiteTalk REST Web Services, record ``currency``; its ``symbol`` is the ISO 4217 code, its ``name`` is the
company's own word, and documents refer to it by id. Without the feature Multiple Currencies there is no such record.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from o2c_twin.integration.runtime.errors import CallFailed

COLUMN = "currency"
ALL = "SELECT id, symbol FROM currency"
"""The SuiteQL that lists them."""


class NetSuiteCurrencies:
    """``books`` is the account's base currency, ``foreign`` those the engine works in besides; all as ISO codes."""

    def __init__(self, system: str, books: str, foreign: Collection[str]) -> None:
        self._system = system
        self._books = books
        self._foreign = frozenset(foreign)
        self._code_of: Mapping[str, str] = {}
        self._id_of: Mapping[str, str] = {}

    @property
    def several(self) -> bool:
        """Whether the engine works in others than the base currency."""
        return bool(self._foreign)

    def with_column(self, query: str) -> str:
        """A query for documents or customers, with their currency where there are several."""
        return query.replace("SELECT ", f"SELECT {COLUMN}, ", 1) if self._foreign else query

    @property
    def untold(self) -> bool:
        """Whether the account is still to be asked what it calls them (`ALL`)."""
        return bool(self._foreign) and not self._code_of

    def told(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take the account's answer to `ALL`. Raises KeyError for a row without a field that was asked for."""
        self._code_of = {str(row["id"]): str(row["symbol"]) for row in rows}
        self._id_of = {code: id_ for id_, code in self._code_of.items()}

    def named(self, operation: str, currency: str) -> dict[str, Any]:
        """What names a currency in the body of a document: nothing for that of the books.

        Raises `CallFailed` for one the account does not have: the amount would be booked in the books' otherwise.
        """
        if currency == self._books:
            return {}
        if currency not in self._foreign:
            others = f" or {', '.join(sorted(self._foreign))}" if self._foreign else ""
            detail = f"{currency} is not the currency of the books, {self._books}{others}"
            raise CallFailed(self._system, operation, "rejected", detail)
        if currency not in self._id_of:
            detail = f"the account has no currency with the symbol {currency}; set it up there"
            raise CallFailed(self._system, operation, "rejected", detail)
        return {"currency": {"id": self._id_of[currency]}}

    def code(self, row: Mapping[str, Any]) -> str:
        """The ISO code of what a row, or a record, refers to; the books' where there is one currency.

        Raises KeyError for one the account did not tell of.
        """
        if not self._foreign:
            return self._books
        told = row[COLUMN]
        return self._code_of[str(told["id"] if isinstance(told, Mapping) else told)]
