"""Statements as files in a folder, as banks deliver them host to host: for live use."""

from pathlib import Path

from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.bank_iso20022.camt053 import file_name, statement_document
from o2c_twin.mock_systems.vendors.bank_iso20022.dialect import BankDialect
from o2c_twin.mock_systems.vendors.bank_iso20022.reported import reported


class StatementFolder:
    """Writes each statement of a bank into ``folder`` when its day is closed.

    A file appears under its name only when it is whole: readers that poll the folder never see half of one.
    """

    def __init__(self, bank: BankDialect, folder: Path) -> None:
        self._bank = bank
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        bank.core.listeners.append(self._changed)

    def _changed(self, change: Change) -> None:
        if change.kind != "statement":
            return
        for account in self._bank.core.state.accounts.values():
            if account.statements and account.statements[-1].id == change.id:
                self.write(account.id, len(account.statements) - 1)

    def write(self, account_id: str, position: int) -> Path:
        """Write the statement at ``position`` of an account again or for the first time; gives its path.

        Raises `RuleError` on an unknown account, IndexError when there is no such statement.
        """
        account = self._bank.core.account(account_id)
        shown = reported(self._bank.config, account, position)
        path = self.folder / file_name(shown, account)
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(statement_document(shown, account, self._bank.config.bic, self._bank.config.name))
        unfinished.replace(path)
        return path
