"""Books in one currency: a figure in another would be booked as one in theirs."""

from o2c_twin.integration.runtime.errors import CallFailed


def check_currency(system: str, operation: str, currency: object, books: str) -> None:
    """Raise `CallFailed` (rejected) for a document that is not in the currency of a system's books."""
    if currency != books:
        raise CallFailed(system, operation, "rejected", f"{currency} is not the currency of the books, {books}")
