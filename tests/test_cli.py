"""The command line, as a child process."""

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import requests

import nimble_pandas

COMMAND = Path(sys.executable).parent / "nimble-pandas"


def run(*arguments, **options):
    """Run the command and return what it did."""
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, **options)


def test_the_demo_fetches_compares_and_writes(tmp_path):
    """In a terminal: a live bar, the frame, a comparison, and a Parquet file that says where it is."""
    terminal, its_end = pty.openpty()
    ran = subprocess.Popen(
        [COMMAND, "demo", "--products", "20"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=its_end, text=True
    )
    os.close(its_end)
    drawn = b""
    while True:
        try:
            drawn += os.read(terminal, 65536)
        except OSError:
            break
    shown, _ = ran.communicate()
    os.close(terminal)
    assert ran.returncode == 0
    assert b"60/60 pages" in drawn
    assert drawn.count(b"\r") > 2
    assert re.search(r"currency +EUR +JPY +USD", shown)
    assert f"Wrote {tmp_path}/prices.parquet" in shown
    frame = pd.read_parquet(tmp_path / "prices.parquet")
    assert len(frame) == 60
    assert frame["status"].eq("ok").all()


def test_serve_runs_until_it_is_told_to_end():
    """It prints what another program needs to use it, answers, and ends cleanly."""
    process = subprocess.Popen([COMMAND, "serve"], stdout=subprocess.PIPE, text=True)
    settings = {}
    while len(settings) < 3:
        line = process.stdout.readline()
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            settings[name] = value
    pair = (settings["NIMBLE_USERNAME"], settings["NIMBLE_PASSWORD"])
    address = f"{settings['NIMBLE_BASE_URL']}/api/v1/batches/list"
    assert requests.get(address, auth=pair, timeout=5).status_code == 200
    assert requests.get(address, timeout=5).status_code == 401
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    process.stdout.close()


def test_an_error_is_a_line_not_a_traceback():
    """Wrong use exits with 2 and says what is wrong."""
    ran = run("policy", "ftp://x")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("nimble-pandas: 'ftp://x' names no bucket.")
    assert "Traceback" not in ran.stderr


def test_help_and_version():
    """The commands are listed, and the version is the library's."""
    assert {"demo", "serve", "policy", "check"} <= set(re.findall(r"\w+", run("--help").stdout))
    assert run("--version").stdout == f"nimble-pandas {nimble_pandas.__version__}\n"


def test_check_says_what_is_missing_in_its_exit_code(tmp_path):
    """0 where all is well, 1 where something is missing; either way it is printed, and no secret is."""
    with nimble_pandas.local.serve() as service:
        environment = {**os.environ, **service.environ()}
        well = run("check", tmp_path / "outputs", env=environment)
        wrong = run("check", env={**environment, "NIMBLE_PASSWORD": "sesame"})
    assert (well.returncode, wrong.returncode) == (0, 1)
    assert re.findall(r"^  ok +(\w+)", well.stdout, re.MULTILINE) == ["service", "key", "folder", "ledger"]
    assert re.search(r"^  missing +key ", wrong.stdout, re.MULTILINE)
    assert service.password not in well.stdout + well.stderr
    assert "sesame" not in wrong.stdout + wrong.stderr
    assert list(tmp_path.iterdir()) == []
