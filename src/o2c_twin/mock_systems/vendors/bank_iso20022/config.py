"""One bank: its name, the client's credentials, and the known failure shapes of bank files as switches."""

import msgspec


class BankConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One bank: the client's credentials, the secret notices are signed with, and known failure shapes.

    ``repeat_entries``: the last entry of a day stands again in the next day's file.
    ``skip_sequence``: every seventh statement number is left out. ``batch_credits``: notifications book the
    credits of a value date in one sum, with the payments under it (a habit of banks, no failure).
    """

    client_id: str = "o2c-bank-client"
    client_secret: str = "bank-secret"
    webhook_secret: str = "bank-webhook-secret"
    seed: int = 0
    bic: str = "TWINDEFFXXX"
    name: str = "Twin Bank"
    repeat_entries: bool = False
    skip_sequence: bool = False
    batch_credits: bool = False
