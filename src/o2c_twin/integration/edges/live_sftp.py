"""A folder at an SFTP server, through the ``sftp`` program of OpenSSH in batch mode: the port of a shared folder.

The Python clients are under copyleft licences (asyncssh EPL or GPL, paramiko LGPL), so this project ships none. Each
operation is one login: meant for edges that are looked at in minutes. The host's key is always checked, the login is
always a key; nothing is asked on a terminal, and nobody's own ssh configuration is read.
"""

import asyncio
import os
import re
import shutil
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

_SSH_PORT = 22
_CONNECT_S = 10
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|[0-9A-Fa-f:]+")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@-]*")
# Quotes and backslashes end a word of a batch, and stars stand for other names.
_UNSPEAKABLE = re.compile(r'[\x00-\x1f\x7f"\\*?\[]')
_ECHO = "sftp> "
_GONE = re.compile(r"not found|No such file", re.IGNORECASE)
_REMEDIES = (
    ("host key", "check the host's key, and put it into {known_hosts}"),
    ("remote host identification", "check the host's key, and put it into {known_hosts}"),
    ("unprotected private key", "let nobody but the engine's user read {key_file}"),
    ("permission denied", "have the public key of {key_file} entered at the host for this user"),
    ("could not resolve", "correct the host's name"),
    ("refused", "see whether the host takes SFTP on this port"),
    ("timed out", "see whether the host can be reached from here"),
)
# What a long listing has before a file's name: mode, links, user, group, size, month, day, time or year.
_BEFORE_NAME = 8


class SftpFolder:
    """The folder ``root`` at ``user@host``, logged in to with ``key_file``; ``known_hosts`` has the host's key.

    ``within_s`` bounds one operation. Methods raise ConnectionRefusedError when nothing was begun, FileNotFoundError,
    and another OSError (TimeoutError among them) when it is not known what was done; messages name the remedy.
    Raises ValueError for a host, user or path that cannot be spoken of to the program, and where it is not installed.
    """

    def __init__(
        self,
        host: str,
        user: str,
        key_file: Path,
        known_hosts: Path,
        *,
        port: int = 22,
        root: str = "/",
        within_s: float = 60.0,
        program: str = "sftp",
    ) -> None:
        found = shutil.which(program)
        if found is None:
            raise ValueError(f"the program {program!r} is not installed; install the client of OpenSSH")
        if not _HOST.fullmatch(host) or not _USER.fullmatch(user):
            raise ValueError(f"{user}@{host}: is no user at a host; write sftp://USER@HOST/FOLDER")
        self._who = f"{user}@[{host}]" if ":" in host else f"{user}@{host}"
        self._root = _spoken(root.rstrip("/"))
        self._within_s = within_s
        self._files = {"key_file": str(key_file), "known_hosts": str(known_hosts)}
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": f'"{_spoken(str(known_hosts))}"',
            "GlobalKnownHostsFile": "none",
            "IdentitiesOnly": "yes",
            "PreferredAuthentications": "publickey",
            "ConnectTimeout": str(_CONNECT_S),
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
        }
        told = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        self._command = [found, "-F", "none", *told, "-i", str(key_file), "-P", str(port), "-b", "-", self._who]

    @classmethod
    def at(cls, url: str, key_file: Path, known_hosts: Path) -> "SftpFolder":
        """The folder of an address, ``sftp://USER@HOST/FOLDER``. Raises ValueError as the class does."""
        host, user, port, root = place_of(url)
        return cls(host, user, key_file, known_hosts, port=port, root=root)

    async def names(self, place: str) -> list[str]:
        """The files directly in a place, sorted by name."""
        listed = await self._run(f"cd {self._at(place)}", "ls -an")
        return sorted(name for line in listed if (name := _name_of(line)) is not None)

    async def read(self, path: str) -> bytes:
        """A file's bytes. Raises FileNotFoundError."""
        with tempfile.TemporaryDirectory(prefix="o2c-sftp-") as here:
            local = Path(here, "read")
            await self._run(f'get {self._at(path)} "{local}"')
            return local.read_bytes()

    async def write(self, path: str, data: bytes) -> None:
        """Put a file there: sent under a name ending in ``.tmp`` and renamed."""
        unfinished = self._at(f"{path}.tmp")
        with tempfile.TemporaryDirectory(prefix="o2c-sftp-") as here:
            local = Path(here, "written")
            local.write_bytes(data)
            await self._run(f'put "{local}" {unfinished}', f"rename {unfinished} {self._at(path)}")

    async def move(self, path: str, to: str) -> None:
        """Give a file another place. Raises FileNotFoundError."""
        await self._run(f"rename {self._at(path)} {self._at(to)}")

    async def remove(self, path: str) -> None:
        """Take a file away. Raises FileNotFoundError."""
        await self._run(f"rm {self._at(path)}")

    def _at(self, path: str) -> str:
        return f'"{self._root}/{_spoken(path)}"'

    async def _run(self, *batch: str) -> list[str]:
        """What the program says to a batch, without the batch's echo."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Names come as they are, messages in the words looked for; no agent, no terminal to ask on.
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
        )
        try:
            async with asyncio.timeout(self._within_s):
                out, err = await process.communicate("".join(f"{line}\n" for line in batch).encode())
        except BaseException as ended:
            if process.returncode is None:
                process.kill()
                await process.wait()
            if isinstance(ended, TimeoutError):
                raise TimeoutError(
                    f"sftp {self._who}: no end within {self._within_s:g} s; look what was done"
                ) from None
            raise
        said = out.decode("utf-8", "replace").splitlines()
        if process.returncode != 0:
            raise self._failure(err.decode("utf-8", "replace"), begun=any(line.startswith(_ECHO) for line in said))
        return [line for line in said if not line.startswith(_ECHO)]

    def _failure(self, said: str, *, begun: bool) -> OSError:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        if begun and _GONE.search(said):
            return FileNotFoundError(f"sftp {self._who}: {lines[-1] if lines else 'no such file'}")
        remedy = next((told for words, told in _REMEDIES if words in said.lower()), "see the host's log")
        why = next((line for words, _ in _REMEDIES for line in lines if words in line.lower()), " ".join(lines[-1:]))
        message = f"sftp {self._who}: {why or 'ended without a word'}; {remedy.format(**self._files)}"
        return OSError(message) if begun else ConnectionRefusedError(message)


def place_of(url: str) -> tuple[str, str, int, str]:
    """Host, user, port and folder of an address. Raises ValueError with the remedy."""
    parts = urlsplit(url)
    if not parts.hostname or not parts.username or parts.password is not None:
        raise ValueError("write sftp://USER@HOST/FOLDER; the login is a key, see key_file")
    return parts.hostname, parts.username, parts.port or _SSH_PORT, unquote(parts.path) or "/"


def _spoken(path: str) -> str:
    bad = _UNSPEAKABLE.search(path)
    if bad is not None:
        raise ValueError(f"{path!r}: {bad[0]!r} cannot be in a path here; rename the file")
    return path


def _name_of(line: str) -> str | None:
    """The name in a line of a long listing; None for what is no file."""
    if not line.startswith("-"):
        return None
    fields = line.split(None, _BEFORE_NAME)
    if len(fields) <= _BEFORE_NAME or "\\" in fields[_BEFORE_NAME]:
        raise OSError(f"a file whose name cannot be told: {line!r}; rename it at the host")
    return fields[_BEFORE_NAME]
