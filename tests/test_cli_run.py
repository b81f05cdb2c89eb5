"""`nimble-pandas run`, `attach`, `jobs` and `rescue`, as child processes on the local service."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import nimble_pandas
from nimble_pandas.cli import main
from nimble_pandas.cli.endings import in_shell
from nimble_pandas.cli.files import read_rows
from nimble_pandas.local import Fault, serve, shop

COMMAND = Path(sys.executable).parent / "nimble-pandas"


@pytest.fixture
def service(monkeypatch, tmp_path):
    """Give a local service that the command finds in its environment, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    with serve() as running:
        for name, value in running.environ().items():
            monkeypatch.setenv(name, value)
        yield running


def run(*arguments, stdin=None):
    """Run the command in a process of its own and return what it did."""
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, input=stdin)


def write_rows(service, n_rows=3):
    """Write a file of products and return their URLs."""
    urls = shop.product_urls(service.shop_url, n_rows)
    lines = [f"{number:05d},{url},US,02108" for number, url in enumerate(urls)]
    Path("urls.csv").write_text("\n".join(["sku,page,country,zip", *lines]))
    return urls


def test_a_file_becomes_a_file_once(service):
    """Text stays text, the exit code is 0, and the same line again sends nothing: the file is there."""
    urls = write_rows(service)
    line = ("run", "urls.csv", "--url-col", "page", "--country-col", "country", "--zip-col", "zip")
    line += ("--vendor", "walmart", "--parse", "--out", "prices.parquet")
    ran = run(*line)
    assert (ran.returncode, ran.stdout) == (0, "")
    assert "Wrote prices.parquet: 3 rows; 3 ok." in ran.stderr
    frame = pd.read_parquet("prices.parquet")
    assert list(frame["sku"]) == ["00000", "00001", "00002"]
    assert list(frame["page"]) == urls
    assert list(frame["zip"]) == ["02108"] * 3
    assert frame["name"].notna().all()
    n_batches = len(nimble_pandas.jobs())
    again = run(*line)
    assert again.returncode == 2
    assert "--out prices.parquet is there already" in again.stderr
    assert len(nimble_pandas.jobs()) == n_batches == 1
    assert sorted(path.name for path in Path().iterdir()) == ["prices.parquet", "urls.csv"]


def test_standard_output_holds_the_table_and_nothing_else(service):
    """A bare list of URLs comes in through a pipe, a grid of two countries goes out through one."""
    urls = shop.product_urls(service.shop_url, 2)
    ran = run(
        "run", "-", "--vendor", "walmart", "--parse", "--country", "US", "--country", "DE",
        "--format", "jsonl", "--param", "render=true", "--param", "driver=vx6", stdin="\n".join(urls),
    )  # fmt: skip
    assert ran.returncode == 0
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(row["url"], row["country"]) for row in rows] == [
        (url, country) for url in urls for country in ("US", "DE")
    ]
    assert urls[0] in ran.stdout
    assert "Job " in ran.stderr


def test_some_rows_without_a_page_are_an_exit_code_of_their_own(service):
    """The table is written, and its statuses say which."""
    Path("urls.txt").write_text("\n".join(shop.missing_urls(service.shop_url)[:1]))
    assert main(["run", "urls.txt", "--vendor", "walmart", "--parse", "--out", "prices.csv"]) == 3
    assert list(pd.read_csv("prices.csv")["status"]) == ["empty"]


def test_what_was_sent_is_fetched_later(service, capsys):
    """``--no-wait`` prints the id alone; `jobs` lists it, `attach` and the same line again take it up."""
    write_rows(service)
    line = ["run", "urls.csv", "--url-col", "page", "--vendor", "walmart", "--no-wait"]
    sent = run(*line)
    job_id = sent.stdout.strip()
    assert sent.returncode == 0
    assert f"nimble-pandas attach {job_id} --out prices.parquet" in sent.stderr
    assert main(line) == 0
    again = capsys.readouterr()
    assert again.out == sent.stdout
    assert "3 of 3 requests were under way already" in again.err
    assert main(["jobs", "--json"]) == 0
    (listed,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (listed["job_id"], listed["n_rows"]) == (job_id, 3)
    for command in ("jobs", "rescue"):
        assert main([command]) == 0
        assert job_id in capsys.readouterr().out
    assert main(["attach", job_id, "--out", "prices.tsv"]) == 0
    table = pd.read_csv("prices.tsv", sep="\t", dtype={"sku": str})
    assert list(table["sku"]) == ["00000", "00001", "00002"]


def test_a_job_that_takes_longer_than_it_may_goes_on(service, capsys):
    """``--timeout`` ends with 5 and the line to type; what has arrived is to be had at any time."""
    service.inject(Fault("late", seconds=20, times=None))
    write_rows(service)
    line = ["run", "urls.csv", "--url-col", "page", "--vendor", "walmart", "--out", "prices.csv"]
    assert main([*line, "--timeout", "0.1"]) == 5
    said = capsys.readouterr().err
    assert "3 requests were submitted and are billed" in said
    found = re.search(r"nimble-pandas attach (\S+) --out prices.csv", said)
    assert main(["attach", found[1], "--no-wait", "--out", "prices.csv"]) == 5
    assert set(pd.read_csv("prices.csv")["status"]) == {"pending"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_detaches(number, code, service):
    """Ctrl-C and SIGTERM say what is billed and how to go on, leave no file, and end with their code."""
    service.inject(Fault("late", seconds=20, times=None))
    write_rows(service)
    line = [COMMAND, "run", "urls.csv", "--url-col", "page", "--vendor", "walmart", "--out", "prices.csv"]
    ran = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
    said = ""
    while "Running" not in said:
        said += ran.stderr.readline()
    ran.send_signal(number)
    said += ran.communicate()[1]
    assert ran.returncode == code
    assert "3 requests were submitted and are billed; they go on at the service." in said
    assert re.search(r"Take it up again: nimble-pandas attach \S+ --out prices.csv\n", said)
    assert "Traceback" not in said
    assert [path.name for path in Path().iterdir()] == ["urls.csv"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["urls.csv", "--url-col", "pgae", "--vendor", "walmart"], "Did you mean 'page'?"),
        (["urls.csv", "--vendor", "walmart"], "Give --url-col page."),
        (["urls.csv", "--url-col", "page"], "Give --vendor walmart, or the column"),
        (["nowhere.csv", "--vendor", "walmart"], "nowhere.csv cannot be read: No such file"),
        (["urls.csv", "--url-col", "page", "--vendor", "walmart", "--max-requests", "2"], "--max-requests 2"),
        (["urls.csv", "--out", "prices.xlsx"], "End it in .parquet, .csv, .tsv, .jsonl"),
        (["urls.csv", "--out", "nowhere/prices.csv"], "there is no folder nowhere"),
        (["urls.csv", "--out", "/dev/null", "--format", "csv"], "/dev/null is no file"),
        (["urls.csv", "--param", "render"], "--param takes NAME=VALUE"),
        (
            ["urls.csv", "--url-col", "page", "--vendor", "amazon", "--storage-option", "secret=sesame"],
            "secret=… is refused",
        ),
    ],
)
def test_wrong_use_sends_nothing(service, arguments, said, capsys, tmp_path):
    """It ends with 2 and says what is wrong, in the words of a shell, with no secret and no traceback."""
    write_rows(service)
    assert main(["run", *arguments, "--ledger", str(tmp_path / "ledger")]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert not re.search("Traceback|sesame", shown.err)
    assert shown.out == ""
    assert nimble_pandas.jobs(ledger=nimble_pandas.Ledger(tmp_path / "ledger")).empty


def test_a_plan_sends_nothing(service, capsys):
    """``--plan`` prints what would be sent, needs no service, and ends with 2 where rows are wrong."""
    write_rows(service)
    assert main(["run", "urls.csv", "--url-col", "page", "--vendor", "walmart", "--plan"]) == 0
    assert main(["run", "urls.csv", "--url-col", "sku", "--vendor", "walmart", "--plan"]) == 2
    shown = capsys.readouterr().out
    assert "requests: 3 (0 duplicates share an answer)" in shown
    assert "'00000' is not an http(s) URL" in shown
    assert nimble_pandas.jobs().empty


def test_a_service_that_refuses_is_an_exit_code_of_its_own(service, monkeypatch, capsys):
    """4, and nothing was sent."""
    write_rows(service)
    monkeypatch.setenv("NIMBLE_PASSWORD", "sesame")
    assert main(["run", "urls.csv", "--url-col", "page", "--vendor", "walmart"]) == 4
    said = capsys.readouterr().err
    assert "answered 401" in said
    assert "sesame" not in said


def test_a_reader_that_has_seen_enough(service):
    """`head` ends the command without a word."""
    write_rows(service, 40)
    line = f"{COMMAND} run urls.csv --url-col page --vendor walmart --no-parse --progress none | head -c 10"
    ran = subprocess.run(line, shell=True, capture_output=True, text=True)
    assert ran.stdout == "sku,page,c"
    assert "BrokenPipe" not in ran.stderr


def test_a_file_that_cannot_be_written_to_its_end_is_none(service):
    """What was fetched is not lost: the message says how it is written once more, and the same line does."""
    urls = write_rows(service, 40)
    line = f"{COMMAND} run urls.csv --url-col page --vendor walmart --no-parse --out prices.csv"
    # more than the ledger needs, in KiB, and less than the pages
    ran = subprocess.run(["bash", "-c", f"ulimit -f 200; {line}"], capture_output=True, text=True)
    assert len(urls) == 40
    assert ran.returncode == 1
    assert "File too large" in ran.stderr
    assert re.search(r"All pages are there: nimble-pandas attach \S+ --out prices.csv", ran.stderr)
    assert [path.name for path in Path().iterdir()] == ["urls.csv"]
    again = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert (again.returncode, service.counts["submit"]) == (0, 1)


@pytest.mark.parametrize("more", ["", "; frame = job.wait().frame()"])
def test_what_to_type_is_spelled_for_a_shell(more):
    """Whether the library says to wait for the job, or to read its pages again."""
    said = in_shell(f'Read the pages again: job = nimble_pandas.attach("J"){more}', out="p.parquet")
    assert said == "Read the pages again: nimble-pandas attach J --out p.parquet"


def test_every_argument_of_the_call_is_an_option():
    """`run` has them all, described."""
    import inspect

    shown = run("run", "--help").stdout
    spelled = {"storage_options": "storage-option", "params": "param", "param_cols": "param-col"}
    for name in inspect.signature(nimble_pandas.batch).parameters:
        if name not in {"frame", "client"}:
            assert f"--{spelled.get(name, name.replace('_', '-'))} " in shown.replace(",", " ")
    assert "exit codes:" in shown


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"sku,country\n007,NA\n,\n", {"sku": ["007", None], "country": ["NA", None]}),
        ("\ufeffsku;url\n1;http://a.b/?x=1,2\n".encode(), {"sku": ["1"], "url": ["http://a.b/?x=1,2"]}),
        (b"sku\turl\n1\ta,b\n", {"sku": ["1"], "url": ["a,b"]}),
        (b"http://a.b/?q=1,2\n\nhttp://c.d\n", {"url": ["http://a.b/?q=1,2", "http://c.d"]}),
        (b'{"zip": "02108"}\n{"n": 9007199254740993}\n', {"zip": ["02108", None], "n": [None, 2**53 + 1]}),
        (b'[{"zip": "02108"}]', {"zip": ["02108"]}),
    ],
    ids=["csv", "semicolons", "tsv", "list", "jsonl", "json"],
)
def test_files_are_read_as_what_they_hold(content, expected, tmp_path):
    """What they are called does not matter, nor whether they are gzipped; no digit and no zero is lost."""
    import gzip

    path = tmp_path / "rows"
    for written in (content, gzip.compress(content)):
        path.write_bytes(written)
        frame = read_rows(str(path))
        assert frame.astype(object).where(frame.notna(), None).to_dict("list") == expected


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04", b"\xff\xfe", b'{"a": 1', b"a,b\n1,2,3,4\n1\n", b"", b"[1]"]
)
def test_files_that_hold_no_rows_are_refused(content, tmp_path):
    """The message names the file and says what is read."""
    (tmp_path / "rows").write_bytes(content)
    with pytest.raises(nimble_pandas.InputError, match=r"rows cannot be read: .*\.\nNothing was sent\."):
        read_rows(str(tmp_path / "rows"))
