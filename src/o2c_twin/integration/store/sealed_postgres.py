"""The sealed journal of many workers."""

from o2c_twin.integration.governance.vault import Vault
from o2c_twin.integration.store.postgres import PostgresJournal
from o2c_twin.integration.store.sealed import Sealing


class SealedPostgresJournal(Sealing, PostgresJournal):  # type: ignore[misc]  # Sealing is typed over SQLite's
    """One worker's view of the shared memory, sealed."""

    def __init__(self, url: str, worker: str, vault: Vault) -> None:
        PostgresJournal.__init__(self, url, worker)
        self._vault = vault
