"""What the bank reports of a closed day: the statement, or what known failure shapes make of it."""

import msgspec

from o2c_twin.mock_systems.roles.bank import BankAccount, Statement
from o2c_twin.mock_systems.vendors.bank_iso20022.config import BankConfig


def sequence_of(config: BankConfig, statement: Statement) -> int:
    """The number on the statement; with the switch ``skip_sequence`` every seventh is never used."""
    return statement.sequence + (statement.sequence - 1) // 6 if config.skip_sequence else statement.sequence


def reported(config: BankConfig, account: BankAccount, position: int) -> Statement:
    """The statement at ``position`` of the account as clients get it, over the feed or as a file.

    With the switch ``repeat_entries`` the last entry of the day before stands in it again; the
    balances stay those of the books, as in the real failure, so that a reader can notice.
    """
    statement = account.statements[position]
    entries = statement.entries
    if config.repeat_entries and position and account.statements[position - 1].entries:
        entries = [account.statements[position - 1].entries[-1], *entries]
    return msgspec.structs.replace(statement, sequence=sequence_of(config, statement), entries=entries)
