"""The installed command in a process of its own, with the real simulation behind it."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

O2C = [sys.executable, "-m", "o2c_twin.cli.main"]
_SMALL = ("--orders", "25", "--days", "14")


@pytest.fixture
def o2c(tmp_path):
    """`o2c("run", "to-be")` as a process in an empty directory; gives what `subprocess.run` gives."""

    def call(*args, **options):
        return subprocess.run(
            [*O2C, *args], capture_output=True, text=True, cwd=tmp_path, check=False, timeout=300, **options
        )

    return call


def test_help_imports_nothing_heavy(o2c):
    """What makes a command line slow is what it imports before it knows what is wanted."""
    code = (
        "import sys; sys.argv = ['o2c', '--help']\n"
        "from o2c_twin.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "heavy = {'pandas', 'numpy', 'pyarrow', 'matplotlib', 'fastapi', 'uvicorn', 'faker', 'rich', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_a_run_is_the_same_in_every_process_and_over_both_transports(o2c, tmp_path):
    def hash_of(hash_seed, *args):
        done = o2c("run", "to-be", *_SMALL, "--json", *args, env={**os.environ, "PYTHONHASHSEED": hash_seed})
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)["trace_hash"]

    first = hash_of("1")
    assert hash_of("2", "--transport", "asgi") == first
    assert hash_of("1", "--seed", "8") != first


def test_a_piped_demonstration_is_quiet_and_leaves_its_report(o2c, tmp_path):
    done = o2c("demo", *_SMALL, "--out", "here")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "as-is" in done.stdout
    assert "<html" in (tmp_path / "here" / "report.html").read_text(encoding="utf-8")


def test_a_narrow_encoding_of_the_terminal_is_no_error(o2c):
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = o2c("compare", "to-be", "to-be", *_SMALL, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Deals won" in done.stdout


@pytest.mark.parametrize(
    "args",
    [("run", "to-bee"), ("run", "to-be", "--set", "x=y"), ("run", "to-be", "--out", "/dev/null/x"), ("nonsense",)],
)
def test_bad_input_is_one_line_and_exit_code_two(o2c, args):
    done = o2c(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("o2c: error: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_one_line_and_exit_code_two(o2c):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = o2c("up", "to-be", "--port", str(taken.getsockname()[1]))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("o2c: error: cannot listen on 127.0.0.1:")
    assert done.stderr.count("\n") == 1


def test_up_says_where_everything_is_and_ends_when_interrupted(tmp_path):
    log = Path(tmp_path) / "up.json"
    with log.open("w") as out:
        process = subprocess.Popen([*O2C, "up", "to-be", "--port", "0", "--json"], stdout=out, cwd=tmp_path)
    try:
        described = _wait_for_json(log, process)
        for system in described["systems"].values():
            host, port = system["url"].removeprefix("http://").split(":")
            socket.create_connection((host, int(port)), timeout=10).close()
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(timeout=60)
    assert code == 0


def _wait_for_json(log, process):
    """The JSON object in a growing file; fails when the process ends before it is there."""
    import time

    while True:
        try:
            return json.loads(log.read_text())
        except ValueError:
            assert process.poll() is None, "o2c up ended before it was ready"
            time.sleep(0.05)
