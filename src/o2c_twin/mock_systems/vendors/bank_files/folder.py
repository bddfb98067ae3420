"""The outbox as files in a folder, as an SFTP server shows it: for live use."""

from pathlib import Path

from o2c_twin.mock_systems.roles.records import Change
from o2c_twin.mock_systems.vendors.bank_files.dialect import BankFilesDialect


class FileFolder:
    """Writes the bank's files into ``folder``: what is laid out when a day closes, and on `sync` what is due by then.

    A file appears under its name only when it is whole: readers that poll the folder never see half of one.
    """

    def __init__(self, bank: BankFilesDialect, folder: Path) -> None:
        self._bank = bank
        self._written: dict[str, Path] = {}
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        # After the bank's own listener, which lays the files out.
        bank.core.listeners.append(self._changed)

    def _changed(self, change: Change) -> None:
        if change.kind == "statement":
            self.sync()

    def sync(self) -> list[Path]:
        """Write what has appeared since the last time; gives the paths, oldest delivery first."""
        now = self._bank.world.clock.now()
        due = [f for f in self._bank.box.files.values() if f.delivered_at <= now and f.name not in self._written]
        for file in sorted(due, key=lambda f: (f.delivered_at, f.name)):
            path = self.folder / file.name
            unfinished = path.with_suffix(".part")
            unfinished.write_bytes(file.content)
            unfinished.replace(path)
            self._written[file.name] = path
        return [self._written[f.name] for f in sorted(due, key=lambda f: (f.delivered_at, f.name))]
