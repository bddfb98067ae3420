"""A folder at an SFTP server: against a real sshd where there is one, and against a program that stands for `sftp`."""

import asyncio
import getpass
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from o2c_twin.integration.edges.file_drop import FileDrop
from o2c_twin.integration.edges.live_sftp import SftpFolder

# Speaks as `sftp -b -` does: echoes each command, ends at the first that fails, exit code 1; 255 for no login.
FAKE = """#!{python}
import os, re, shlex, shutil, sys, time
from pathlib import Path

def end(code, *said):
    print(*said, sep="\\n", file=sys.stderr)
    sys.exit(code)

given = sys.argv[1:]
options = dict(o.split("=", 1) for f, o in zip(given, given[1:]) if f == "-o")
wanted = {{"BatchMode": "yes", "StrictHostKeyChecking": "yes", "IdentitiesOnly": "yes"}}
if not wanted.items() <= options.items() or given[-3:-1] != ["-b", "-"] or given[:2] != ["-F", "none"]:
    end(2, f"usage: {{given}}")
how = Path({how!r}).read_text()
if how == "slow":
    time.sleep(30)
if how.startswith("no login: "):
    end(255, how.removeprefix("no login: "), "Connection closed")
here = "/"
for line in sys.stdin:
    print("sftp> " + line, end="", flush=True)
    name, *args = shlex.split(line)
    try:
        if name == "cd":
            here = args[0]
            os.stat(here)
        elif name == "ls":
            for entry in sorted(os.scandir(here), key=lambda e: e.name):
                mode = "drwxr-xr-x" if entry.is_dir() else "-rw-r--r--"
                size = entry.stat().st_size
                print(f"{{mode}}    1 0        0        {{size:8}} Jan  5 08:00 {{entry.name}}")
        elif name in ("get", "put"):
            shutil.copyfile(args[0], args[1])
        elif name == "rename":
            os.replace(args[0], args[1])
        elif name == "rm":
            os.unlink(args[0])
        else:
            end(1, f"Invalid command: {{line}}")
    except FileNotFoundError:
        end(1, f'File "{{args[0]}}" not found.')
    if how == f"dies after {{name}}":
        end(255, "Connection to host closed by remote host.")
"""


class Host:
    """An SFTP host with one folder; ``folder()`` logs in to it."""

    def __init__(self, root, made, key, known_hosts, behave=None):
        self.root, self.made, self.key, self.known_hosts, self.behave = root, made, key, known_hosts, behave

    def folder(self, **settings):
        given = {**self.made, "key_file": self.key, "known_hosts": self.known_hosts, "root": str(self.root)}
        return SftpFolder(**{**given, **settings})


@pytest.fixture
def fake(tmp_path):
    how = tmp_path / "how"
    how.write_text("")
    program = tmp_path / "sftp"
    program.write_text(FAKE.format(python=sys.executable, how=str(how)))
    program.chmod(0o755)
    root = tmp_path / "share"
    root.mkdir()
    made = {"host": "files.example", "user": "o2c", "program": str(program)}
    return Host(root, made, tmp_path / "key", tmp_path / "known", how.write_text)


CONFIG = """ListenAddress 127.0.0.1
Port {port}
HostKey {here}/host
AuthorizedKeysFile {here}/key.pub
StrictModes no
UsePAM yes
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
"""


def _ours(path, user):
    for each in (path, *path.rglob("*")):
        if os.geteuid() == 0:
            os.chown(each, *user)


@pytest.fixture(scope="module")
def sshd():
    """A real server on a free port, with keys of this test's own. As root it runs as nobody."""
    server = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if server is None or shutil.which("ssh-keygen") is None or shutil.which("sftp") is None:
        pytest.skip("no real SFTP server: sshd, sftp or ssh-keygen is not installed (packages openssh-*)")
    name = "nobody" if os.geteuid() == 0 else getpass.getuser()
    user = pwd.getpwnam(name)[2:4]
    here = Path(tempfile.mkdtemp(prefix="o2c-sshd-"))
    for key in ("host", "key", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", here / key], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (here / "config").write_text(CONFIG.format(port=port, here=here))
    (here / "known").write_text(f"[127.0.0.1]:{port} {(here / 'host.pub').read_text()}")
    (here / "share").mkdir()
    _ours(here, user)
    # The engine's side reads its key as itself.
    mine = Path(tempfile.mkdtemp(prefix="o2c-sftp-key-"))
    for key in ("key", "other"):
        shutil.copy(here / key, mine / key)
        (mine / key).chmod(0o600)
    log = (here / "log").open("wb")
    who = {"user": user[0], "group": user[1], "extra_groups": []} if os.geteuid() == 0 else {}
    process = subprocess.Popen([server, "-D", "-e", "-f", here / "config"], stderr=log, cwd=here, **who)
    until = time.monotonic() + 10
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    log.close()
    if process.poll() is not None:
        pytest.skip(f"the real sshd does not start here: {(here / 'log').read_text().strip()[-200:]}")
    made = {"host": "127.0.0.1", "user": name, "port": port}
    yield Host(here / "share", made, mine / "key", here / "known"), user
    process.terminate()
    process.wait(10)
    shutil.rmtree(here)
    shutil.rmtree(mine)


@pytest.fixture
def real(sshd):
    host, user = sshd
    shutil.rmtree(host.root)
    host.root.mkdir()
    _ours(host.root, user)
    return host


@pytest.fixture(params=["fake", "real"])
def host(request):
    made = request.getfixturevalue(request.param)
    for place in ("in", "archive", "error"):
        (made.root / place).mkdir()
        (made.root / place).chmod(0o777)
    return made


def run(work):
    return asyncio.run(work)


def listed(place):
    return sorted(each.name for each in place.iterdir())


def test_a_file_is_put_there_listed_read_moved_and_taken_away(host):
    folder, data = host.folder(), bytes(range(256)) * 300

    async def work():
        assert await folder.names("in") == []
        await folder.write("in/b 2.csv", b"")
        await folder.write("in/a-grün.csv", data)
        there = await folder.names("in")
        assert await folder.read("in/a-grün.csv") == data
        await folder.write("in/a-grün.csv", b"again")
        await folder.move("in/a-grün.csv", "archive/a.csv")
        await folder.remove("in/b 2.csv")
        return there, await folder.names("in"), await folder.names(""), await folder.read("archive/a.csv")

    assert run(work()) == (["a-grün.csv", "b 2.csv"], [], [], b"again")


@pytest.mark.parametrize("call", [("read", "in/x"), ("move", "in/x", "in/y"), ("remove", "in/x"), ("names", "none")])
def test_what_is_not_there_is_not_found(host, call):
    with pytest.raises(FileNotFoundError):
        run(getattr(host.folder(), call[0])(*call[1:]))


def test_a_dropped_file_reaches_the_inbox_once(host, bench):
    event = '[{"event_id": "e1", "flow": "order", "object_id": "D1", "lane": "party:A1", "source_at": 0}]'
    drop = FileDrop(host.folder(), lambda event: bench.journal.accept(event, 0))

    async def work():
        await host.folder().write("in/events.json", event.encode())
        (host.root / "in" / "half.json.tmp").write_text("[")
        return [await drop.round(), await drop.round()]

    first, second = run(work())
    assert (first.new, second.new, second.known) == (1, 0, 0)
    assert listed(host.root / "archive") == ["events.json"]
    assert listed(host.root / "in") == ["half.json.tmp"]


def test_a_host_whose_key_is_not_known_is_not_spoken_to(real, tmp_path):
    nobody = tmp_path / "known"
    nobody.write_text("")
    with pytest.raises(ConnectionRefusedError, match=f"check the host's key, and put it into {nobody}"):
        run(real.folder(known_hosts=nobody).write("in/x", b"x"))
    changed = tmp_path / "changed"
    changed.write_text(real.known_hosts.read_text().rpartition(" ")[0][:-30] + "A" * 30)
    with pytest.raises(ConnectionRefusedError, match="check the host's key"):
        run(real.folder(known_hosts=changed).names("in"))


def test_a_key_the_host_does_not_know_is_not_let_in(real):
    with pytest.raises(ConnectionRefusedError, match=r"[Pp]ermission denied.*; have the public key of"):
        run(real.folder(key_file=real.key.with_name("other")).names(""))


def test_where_nobody_listens_nothing_was_begun(real):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectionRefusedError, match="see whether the host takes SFTP on this port"):
        run(real.folder(port=port).names(""))


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Host key verification failed.", "put it into"),
        ("o2c@files.example: Permission denied (publickey).", "have the public key of"),
        ("ssh: Could not resolve hostname files.example", "correct the host's name"),
        ("ssh: connect to host files.example port 22: Connection timed out", "see whether the host can be reached"),
        ("kex_exchange_identification: read", "see the host's log"),
    ],
)
def test_a_login_that_fails_names_the_remedy_and_nothing_was_begun(fake, said, remedy):
    fake.behave(f"no login: {said}")
    with pytest.raises(ConnectionRefusedError) as caught:
        run(fake.folder().write("x", b"x"))
    assert str(caught.value).startswith("sftp o2c@files.example: ")
    assert remedy in str(caught.value)
    assert listed(fake.root) == []


def test_a_connection_that_goes_before_the_rename_leaves_only_an_unfinished_file(fake):
    fake.behave("dies after put")
    with pytest.raises(OSError) as caught:
        run(fake.folder().write("order.csv", b"x"))
    assert not isinstance(caught.value, ConnectionRefusedError)
    assert listed(fake.root) == ["order.csv.tmp"]


def test_what_takes_too_long_is_ended_and_its_outcome_is_not_known(fake):
    fake.behave("slow")
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"no end within 0\.5 s"):
        run(fake.folder(within_s=0.5).names(""))
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"program": "no-such-sftp"}, "'no-such-sftp' is not installed; install the client of OpenSSH"),
        ({"host": "-oProxyCommand=x"}, "is no user at a host"),
        ({"user": "a b"}, "is no user at a host"),
        ({"root": '/a"b'}, "cannot be in a path here"),
    ],
)
def test_what_cannot_be_said_to_the_program_is_refused(fake, settings, told):
    with pytest.raises(ValueError, match=told):
        fake.folder(**settings)


@pytest.mark.parametrize("name", ["a\nrm b", 'a"b', "a*", "a\\b", "a?"])
def test_no_name_is_taken_for_a_command_or_for_other_files(fake, name):
    with pytest.raises(ValueError, match="cannot be in a path here; rename the file"):
        run(fake.folder().remove(name))
