"""Where payers left their bank details for direct debit: a CSV file of the company's own, read again when it changes.

Columns: ``customer`` (the account's id at sales, or the customer number), ``holder``, and ``iban`` or both of
``sort_code`` and ``account_number``.
"""

import csv
from io import StringIO
from pathlib import Path

from o2c_twin.integration.connectors.gocardless import BankDetails
from o2c_twin.integration.model import Party
from o2c_twin.integration.runtime.errors import CallFailed

COLUMNS = ("customer", "holder", "iban", "sort_code", "account_number")


class BankDetailsFile:
    """The file at ``path``, for the payment provider called ``system``.

    Raises ValueError naming file, line and remedy when it cannot be read at the start; later `CallFailed`
    (unavailable), so that what is to be collected waits until the file is mended.
    """

    def __init__(self, path: Path, system: str) -> None:
        self._path = path
        self._system = system
        self._read_at = 0
        self._known: dict[str, BankDetails] = {}
        self._read()

    def __call__(self, party: Party) -> BankDetails | None:
        """What a customer left; None for one who left nothing."""
        try:
            self._read()
        except ValueError as bad:
            raise CallFailed(self._system, "put_payer", "unavailable", str(bad)) from bad
        found = self._known.get(party.crm_id)
        return found if found is not None or not party.number else self._known.get(party.number)

    def _read(self) -> None:
        try:
            changed_at = self._path.stat().st_mtime_ns
            if changed_at == self._read_at:
                return
            text = self._path.read_text(encoding="utf-8-sig")
        except OSError as missing:
            remedy = f"give a CSV file with the columns {', '.join(COLUMNS)}"
            raise ValueError(f"{self._path}: cannot be read: {missing.strerror}; {remedy}") from missing
        except UnicodeDecodeError as bad:
            raise ValueError(f"{self._path}: is not UTF-8; save it as UTF-8") from bad
        self._known = self._details(text)
        self._read_at = changed_at

    def _details(self, text: str) -> dict[str, BankDetails]:
        rows = csv.DictReader(StringIO(text), restval="")
        names = rows.fieldnames or ()
        unknown = [name for name in names if name not in COLUMNS]
        if unknown or not {"customer", "holder"} <= set(names):
            told = f"unknown column {unknown[0]!r}" if unknown else "the columns customer and holder are missing"
            raise ValueError(f"{self._path}:1: {told}; there are: {', '.join(COLUMNS)}")
        known: dict[str, BankDetails] = {}
        for row in rows:
            place = f"{self._path}:{rows.line_num}"
            if None in row:
                raise ValueError(f"{place}: more fields than columns; put a field with a comma into quotes")
            value = {name: str(row.get(name, "")).strip() for name in COLUMNS}
            given = {name: value[name].replace(" ", "") or None for name in ("iban", "account_number")}
            sort_code = value["sort_code"].replace("-", "").replace(" ", "") or None
            if not value["customer"] or not value["holder"]:
                raise ValueError(f"{place}: customer or holder is empty; give both")
            british = given["account_number"] is not None and sort_code is not None
            if (given["iban"] is None) != british or (not british and (given["account_number"] or sort_code)):
                raise ValueError(f"{place}: give an IBAN, or sort code and account number, and not both")
            if value["customer"] in known:
                raise ValueError(f"{place}: {value['customer']!r} is there twice; keep one")
            known[value["customer"]] = BankDetails(value["holder"], given["iban"], given["account_number"], sort_code)
        return known
