"""What the README says is so: its code runs, and nothing public is missing from it."""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import nimble_pandas
from nimble_pandas import verbs
from nimble_pandas.local import serve, shop

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
STATUSES = (
    "ok empty failed not_delivered unreadable mismatch unknown expired invalid pending".split()  # noqa: SIM905
)


SPARK = "from pyspark"


def test_every_python_block_runs(tmp_path, monkeypatch, capsys):
    """The blocks run in order, as a reader would paste them."""
    monkeypatch.chdir(tmp_path)
    scope = {}
    for language, code in BLOCKS:
        if language == "python" and SPARK not in code:
            exec(compile(code, "README.md", "exec"), scope)
    logging.getLogger("nimble_pandas").setLevel(logging.NOTSET)
    shown = capsys.readouterr().out
    assert "USD" in shown
    assert "'www.walmart.com/ip/2' is not an http(s) URL" in shown
    assert '"arn:aws:s3:::my-bucket/*"' in shown
    assert (tmp_path / "prices.parquet").exists()


def test_the_block_on_spark_runs(tmp_path):
    """In a process of its own, after the README's first lines."""
    pytest.importorskip("pyspark")
    python = [code for language, code in BLOCKS if language == "python"]
    [block] = [code for code in python if SPARK in code]
    ran = subprocess.run(
        [sys.executable, "-c", "\n".join([*python[0].splitlines()[:3], block])],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count(" ok ") == 8


def test_every_shell_block_runs(tmp_path):
    """Each line's own command succeeds in this environment; making one is what runs the tests in CI."""
    lines = [line for language, code in BLOCKS if language == "sh" for line in code.splitlines()]
    commands = [line.rpartition("&& ")[2].removeprefix(".venv/bin/") for line in lines]
    assert [command.split()[:2] for command in commands] == [
        ["nimble-pandas", "demo"],
        ["pytest"],
        ["nimble-pandas", "run"],
        ["nimble-pandas", "run"],
        ["nimble-pandas", "jobs"],
        ["nimble-pandas", "policy"],
    ]
    with serve() as service:
        urls = shop.product_urls(service.shop_url, 3)
        (tmp_path / "urls.csv").write_text("\n".join(["url", *urls]))
        for command in commands:
            # the tests do not run themselves, and the demo has written its file under the same name
            if command != "pytest":
                (tmp_path / "prices.parquet").unlink(missing_ok=True)
                name, *arguments = command.split()
                ran = subprocess.run(
                    [Path(sys.executable).parent / name, *arguments],
                    cwd=tmp_path,
                    capture_output=True,
                    env={**os.environ, **service.environ()},
                )
                assert ran.returncode == 0, ran.stderr


def test_there_are_no_other_languages():
    """A block of a language that no test runs would be a promise that nobody checks."""
    assert {language for language, _ in BLOCKS} == {"python", "sh"}


@pytest.mark.parametrize("name", [*STATUSES, *nimble_pandas.__all__])
def test_everything_public_is_in_the_readme(name):
    """Each public name, error and status word stands in it."""
    assert re.search(rf"\b{name}\b", README)


def test_every_argument_has_its_row():
    """Each argument of the call stands in the table of arguments."""
    table = README.partition("| argument | meaning |")[2].partition("\n\n")[0]
    cells = " ".join(row.split("|")[1] for row in table.splitlines() if row.startswith("| `"))
    documented = set(re.findall(r"`(\w+)`", cells))
    code = verbs.batch.__code__
    assert documented == set(code.co_varnames[1 : 1 + code.co_kwonlyargcount])


def test_every_variable_is_in_the_readme():
    """Each environment variable that the library reads stands in it."""
    source = "".join(path.read_text() for path in Path(nimble_pandas.__file__).parent.glob("*.py"))
    for variable in set(re.findall(r"NIMBLE_[A-Z_]+", source)):
        assert variable in README


def test_notebooks_that_are_named_are_there():
    """Links to files of the project lead somewhere."""
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert (ROOT / link).exists() or os.environ.get("NO_CHECKOUT")
