"""What was sent is on disk: nothing is lost with the kernel, and nothing is sent twice."""

import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from clocks import Fast

import nimble_pandas
from nimble_pandas import Client, Ledger
from nimble_pandas.local import Fault, serve, shop

ASK = {"url_col": "url", "vendor": "walmart", "parse": True, "progress": "none"}


@pytest.fixture
def service():
    """Run the local service with its shop; a bug of the service fails the test."""
    with serve() as running:
        yield running
        running.check()


def client_of(service):
    """Return a client for which a minute takes a second and a half."""
    return Client(
        base_url=service.base_url, username=service.username, password=service.password, clock=Fast()
    )


def pages(service, n=6):
    """Return a frame of `n` product pages of the shop."""
    return pd.DataFrame(
        {"url": shop.product_urls(service.shop_url, n), "sku": [f"{i:03d}" for i in range(n)]}
    )


def sent(service):
    """Return how often the service was sent each URL."""
    bodies = [call.body for call in service.log if call.method == "POST"]
    return pd.Series([request["url"] for body in bodies for request in body["requests"]]).value_counts()


def in_a_child(service, code):
    """Run code in another process, with the service and the same ledger; return what it printed."""
    program = textwrap.dedent(code)
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **service.environ()},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_it_lies_where_it_is_told_and_only_its_owner_reads_it(tmp_path, monkeypatch):
    """NIMBLE_PANDAS_HOME moves it; the file and its folder are private."""
    monkeypatch.setenv("NIMBLE_PANDAS_HOME", str(tmp_path / "here"))
    ledger = Ledger()
    assert ledger.path == tmp_path / "here" / "ledger.sqlite"
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(ledger.folder.stat().st_mode) == 0o700


def test_a_job_is_taken_up_in_another_process(service):
    """With nothing in memory: the same rows, index and order, and no second submit."""
    frame = pages(service).set_axis(list("fedcba"))
    job = frame.nimble.submit(**ASK, client=service.client())
    shown = in_a_child(
        service,
        f"""
        import nimble_pandas
        frame = nimble_pandas.attach({job.id!r}).wait(progress="none").frame()
        print(list(frame.index), list(frame["sku"]), list(frame["status"]))
        """,
    )
    assert shown == f"{list('fedcba')} {list(frame['sku'])} {['ok'] * 6}\n"
    assert sent(service).tolist() == [1] * 6


def test_running_the_cell_again_takes_up_what_is_under_way(service):
    """Also with the rows in another order, and with more of them: only what is new is sent."""
    client = service.client()
    job = pages(service, 4).nimble.submit(**ASK, client=client)
    again = pages(service, 4).iloc[::-1].nimble.submit(**ASK, client=client)
    assert again.id == job.id
    assert sent(service).sum() == 4
    more = pages(service, 6).sample(frac=1, random_state=1)
    answer = more.nimble.batch(**ASK, client=client)
    assert answer["status"].tolist() == ["ok"] * 6
    pd.testing.assert_frame_equal(answer[["url", "sku"]], more)
    assert sent(service).tolist() == [1] * 6


def test_a_frame_that_was_handed_out_is_not_taken_up_again(service):
    """The next day's prices are fetched anew; nothing is reused unless it is asked for."""
    client = service.client()
    pages(service).nimble.batch(**ASK, client=client)
    again = pages(service).nimble.batch(**ASK, client=client)
    assert sent(service).tolist() == [2] * 6
    assert not again["reused"].any()


def test_refresh_sends_everything_anew(service):
    """Even what is under way, when the caller says so."""
    client = service.client()
    first = pages(service).nimble.submit(**ASK, client=client)
    second = pages(service).nimble.submit(**ASK, refresh=True, client=client)
    assert first.id != second.id
    assert sent(service).tolist() == [2] * 6


def test_answers_that_were_taken_up_are_handed_out_once(service):
    """What another kernel has read is old news, too, once it stands in a complete frame."""
    client = service.client()
    job = pages(service).nimble.submit(**ASK, client=client).wait()
    taken_up = pages(service).nimble.batch(**ASK, client=client)
    assert taken_up["batch_id"].unique().tolist() == job.batch_ids
    assert nimble_pandas.jobs()["collected"].all()
    pages(service).nimble.batch(**ASK, client=client)
    assert sent(service).tolist() == [2] * 6


def planned_only(service, client, frame, **ask):
    """Return the id of a job whose process ended before anything was sent."""
    service.inject(Fault("429", on="submit", retry_after=60))
    with pytest.raises(KeyboardInterrupt):
        frame.nimble.submit(**{**ASK, **ask, "progress": Interrupting("submitting")}, client=client)
    service.clear()
    return nimble_pandas.jobs().index[-1]


class Interrupting:
    """A view that is interrupted in one state of the job, once it is written down."""

    def __init__(self, state):
        self.state = state

    def show(self, snapshot):
        """Press Ctrl-C."""
        if snapshot.state == self.state and snapshot.n_batches:
            raise KeyboardInterrupt

    def close(self, snapshot):
        """Do nothing."""


def test_a_batch_that_was_planned_is_sent_whole(service, tmp_path):
    """As its own call had it, rows, delivery and all, even if fewer rows of it are asked for now."""
    client = service.client()
    where = {"storage_url": str(tmp_path / "outputs"), "storage_compress": True}
    job_id = planned_only(service, client, pages(service), country="US", **where)
    few = pages(service, 2).assign(country="US")
    frame = few.nimble.batch(**ASK, country_col="country", **where, client=client)
    assert frame["status"].tolist() == ["ok"] * 2
    (body,) = (call.body for call in service.log if call.method == "POST")
    assert len(body["requests"]) == 6
    assert body["storage_compress"]
    whole = nimble_pandas.attach(job_id, client=client, progress="none").wait().frame()
    assert whole["status"].tolist() == ["ok"] * 6
    assert sent(service).tolist() == [1] * 6


def test_jobs_counts_what_was_taken_up_and_what_was_retried(service):
    """By a job's rows: those that an earlier job sent count, and one that was sent again counts once."""
    service.inject(Fault("failed", task=1))
    service.inject(Fault("delay", on="summary", seconds=1, times=2))
    client = service.client()
    first = pages(service).nimble.submit(**ASK, client=client)
    second = pages(service, 3).nimble.submit(**ASK, client=client)
    known = nimble_pandas.jobs()
    assert known["n_requests"].tolist() == [6, 3]
    assert known["pending"].tolist() == [6, 3]
    assert not known["done"].any()
    assert not known["collected"].any()
    assert second.wait().frame()["status"].tolist() == ["ok", "failed", "ok"]
    first.wait().retry_failed().wait().frame()
    known = nimble_pandas.jobs()
    assert known["n_requests"].tolist() == [6, 3]
    assert known["ok"].tolist() == [6, 3]
    assert known["collected"].all()


def test_a_job_keeps_its_own_pages(service):
    """What was fetched since for an equal call is not shown as what the job fetched."""
    client = client_of(service)
    first = pages(service).nimble.submit(**ASK, client=client).wait()
    # another job takes the same pages up, and adds to them
    second = pages(service, 8).nimble.submit(**ASK, client=client).wait()
    told = {job.id: job.frame()["task_id"].tolist() for job in (first, second)}
    newer = pages(service, 8).nimble.batch(**ASK, client=client, refresh=True)
    assert told[second.id][:6] == told[first.id]
    assert not {*newer["task_id"]} & {*told[second.id]}
    for job_id, task_ids in told.items():
        again = nimble_pandas.attach(job_id, client=client, progress="none").wait().frame()
        assert again["task_id"].tolist() == task_ids


def test_every_job_can_be_named(service):
    """Also one that sends nothing because all of it is under way in two other jobs, or in a longer one."""
    client = service.client()
    service.inject(Fault("late", seconds=1, times=None))
    pages(service, 2).nimble.submit(**ASK, client=client)
    pages(service, 4).nimble.submit(**ASK, client=client)
    for rows in (slice(None), slice(3), slice(3, 4)):
        frame = pages(service, 4).iloc[rows]
        job = frame.nimble.submit(**ASK, client=client)
        assert job.id in job.how_to_go_on()
        attached = nimble_pandas.attach(job.id, client=client).frame()
        pd.testing.assert_frame_equal(attached[["url", "sku"]], frame)
    assert sent(service).tolist() == [1] * 4


def test_a_call_with_a_row_twice_is_a_job_of_its_own(service):
    """All of it may be under way in another: its frame has other rows, also when it is taken up by name."""
    client = service.client()
    first = pages(service, 3).nimble.submit(**ASK, client=client)
    twice = pages(service, 3).iloc[[0, 0, 1, 2]]
    job = twice.nimble.submit(**ASK, client=client)
    assert job.id != first.id
    attached = nimble_pandas.attach(job.id, client=client).wait(progress="none").frame()
    pd.testing.assert_frame_equal(attached[["url", "sku"]], twice)
    assert sent(service).tolist() == [1] * 3


def test_what_another_kernel_gave_up_is_given_up_here(service):
    """A batch that was refused to one kernel does not keep the other waiting."""
    client = service.client()
    job_id = planned_only(service, client, pages(service))
    here = nimble_pandas.attach(job_id, client=client)
    there = nimble_pandas.attach(job_id, client=client)
    service.inject(Fault("402", on="submit"))
    with pytest.raises(nimble_pandas.ApiError):
        there.refresh()
    assert here.wait(timeout=10).frame()["status"].tolist() == ["failed"] * 6


def test_what_another_kernel_found_is_found_here(service):
    """A batch whose answer was lost is found by one kernel, and by the other through the ledger."""
    service.inject(Fault("lost", on="submit"))
    client = service.client()
    here = pages(service).nimble.submit(**ASK, client=client)
    there = nimble_pandas.attach(here.id, client=client)
    there.refresh()
    assert here.refresh().batch_ids == there.batch_ids
    assert here.wait().frame()["status"].tolist() == ["ok"] * 6


def test_giving_up_leaves_alone_what_another_kernel_has_sent(service):
    """A kernel that has lost an answer refuses only what is still not sent."""
    base = shop.product_urls(service.shop_url, 1)[0]
    frame = pd.DataFrame({"url": [f"{base}?n={n}" for n in range(1001)]})
    service.inject(Fault("reset", on="submit"))
    here = frame.nimble.submit(**{**ASK, "parse": False}, client=client_of(service))
    there = nimble_pandas.attach(here.id, client=client_of(service)).refresh()
    assert len(there.batch_ids) == 1
    counts = here.wait().frame()["status"].value_counts().to_dict()
    assert counts == {"unknown": 1000, "ok": 1}
    assert len([call for call in service.log if call.method == "POST"]) == 2


def test_two_kernels_retry_what_failed_once(service):
    """The second takes up what the first has sent again."""
    service.inject(Fault("failed", task=1))
    client = service.client()
    job = pages(service).nimble.submit(**ASK, client=client).wait()
    other = nimble_pandas.attach(job.id, client=client).wait(progress="none")
    job.retry_failed()
    assert other.retry_failed().wait(progress="none").frame()["status"].tolist() == ["ok"] * 6
    assert job.wait().frame()["status"].tolist() == ["ok"] * 6
    assert sorted(sent(service)) == [1] * 5 + [2]


def test_a_batch_is_found_whatever_the_clocks_say(service, tmp_path):
    """An hour between this machine's clock and the service's does not hide a batch under its own prefix."""
    service.clock.advance(-3600)
    service.inject(Fault("lost", on="submit"))
    frame = pages(service).nimble.batch(**ASK, storage_url=str(tmp_path / "out"), client=client_of(service))
    assert frame["status"].tolist() == ["ok"] * 6


@pytest.mark.parametrize("stored", [False, True], ids=["pull", "file"])
def test_max_age_reuses_row_by_row(service, tmp_path, stored):
    """Rows that were fetched lately are read again, and say so; the others are fetched."""
    client = service.client()
    where = {"storage_url": str(tmp_path / "outputs")} if stored else {}
    first = pages(service, 3).nimble.batch(**ASK, **where, client=client)
    answer = pages(service, 5).nimble.batch(**ASK, **where, max_age="1h", client=client)
    assert answer["reused"].tolist() == [True] * 3 + [False] * 2
    assert answer["status"].tolist() == ["ok"] * 5
    own = ["task_id", "fetched_at", "name", "offers.price"]
    pd.testing.assert_frame_equal(answer.loc[:2, own], first[own], check_dtype=False)
    assert sent(service).tolist() == [1] * 5
    for wrong in ("soon", 5, "-1h"):
        with pytest.raises(nimble_pandas.ConfigError, match="no length of time"):
            pages(service).nimble.batch(**ASK, max_age=wrong, client=client)


def test_retry_failed_sends_once_what_failed(service):
    """As a new batch of the same job; what is there already is not sent again."""
    service.inject(Fault("failed", task=1))
    job = pages(service).nimble.submit(**ASK, client=service.client()).wait()
    assert job.frame()["status"].tolist() == ["ok", "failed", "ok", "ok", "ok", "ok"]
    frame = job.retry_failed().wait().frame()
    assert frame["status"].tolist() == ["ok"] * 6
    assert sorted(sent(service)) == [1] * 5 + [2]
    job.retry_failed().wait()
    assert sent(service).sum() == 7
    attached = nimble_pandas.attach(job.id)
    assert attached.wait(progress="none").frame()["status"].tolist() == ["ok"] * 6


def test_unknown_rows_are_sent_again_only_when_the_caller_says_so(service):
    """`retry_failed(unknown=True)` is that word; running the cell again is not."""
    service.inject(Fault("reset", on="submit"))
    client = client_of(service)
    job = pages(service).nimble.submit(**ASK, client=client).wait()
    assert set(job.frame()["status"]) == {"unknown"}
    again = pages(service).nimble.batch(**ASK, client=client)
    assert set(again["status"]) == {"unknown"}
    assert set(job.retry_failed().frame()["status"]) == {"unknown"}
    assert len([call for call in service.log if call.method == "POST"]) == 1
    frame = job.retry_failed(unknown=True).wait().frame()
    assert frame["status"].tolist() == ["ok"] * 6


def test_jobs_are_listed_and_rescued(service):
    """What every job has so far, with nothing in memory; rescued outputs outlive the service's memory."""
    client = service.client()
    done = pages(service, 2).nimble.batch(**ASK, client=client)
    job = pages(service, 4).nimble.submit(**ASK, refresh=True, client=client)
    listed = nimble_pandas.jobs()
    assert listed["n_requests"].tolist() == [2, 4]
    assert listed["done"].tolist() == [True, False]
    assert listed["collected"].tolist() == [True, False]
    assert listed["hours_left"].between(23.9, 24).all()
    while not nimble_pandas.rescue(client=client)["done"].all():
        pass
    service.clock.advance(25 * 3600)
    frame = nimble_pandas.attach(job.id, client=client).wait(progress="none").frame()
    assert frame["status"].tolist() == ["ok"] * 4
    assert len(done) == 2


def test_a_ledger_that_cannot_be_written_stops_the_submit(service, tmp_path):
    """Before anything is sent; so does one that is damaged or of a newer version."""
    for name, spoil in {
        "file": lambda path: path.parent.rmdir() or path.parent.write_text(""),
        "damaged": lambda path: path.write_bytes(b"not a database" * 100),
        "newer": lambda path: sqlite3.connect(path).execute("PRAGMA user_version = 99").connection.close(),
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        spoil(folder / "ledger.sqlite")
        with pytest.raises(nimble_pandas.ConfigError, match="ledger"):
            pages(service).nimble.batch(**ASK, client=service.client(), ledger=Ledger(folder))
    assert service.log == []


def test_a_damaged_ledger_is_left_as_it_is(service, tmp_path):
    """The error names it and what to type; then calls go on, and old outputs are read without it."""
    client, outputs = service.client(), str(tmp_path / "outputs")
    folder = tmp_path / "my ledger"
    first = pages(service).nimble.batch(**ASK, storage_url=outputs, client=client, ledger=Ledger(folder))
    path = folder / "ledger.sqlite"
    # its header is sound, and the rest is not
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))
    spoiled = path.read_bytes()
    with pytest.raises(nimble_pandas.ConfigError, match="is damaged") as raised:
        pages(service).nimble.batch(**ASK, client=client, ledger=Ledger(folder))
    assert path.read_bytes() == spoiled
    assert str(path) in str(raised.value)
    assert len([call for call in service.log if call.method == "POST"]) == 1
    subprocess.run(raised.value.hint.partition(": ")[2].partition(" -- ")[0], shell=True, check=True)
    assert (tmp_path / "my ledger.damaged" / "ledger.sqlite").read_bytes() == spoiled
    pages(service).nimble.batch(**ASK, client=client, ledger=Ledger(folder))
    assert sorted(nimble_pandas.read_outputs(outputs)["task_id"]) == sorted(first["task_id"])


@pytest.mark.parametrize("limit", [0, 40_000, 60_000, 80_000])
def test_a_full_disk_stops_a_submit_before_it_is_sent(service, limit):
    """However little fits: nothing is sent, the error says so, and with more room the same call goes on."""
    Ledger()
    call = f"""
        import resource, pandas as pd, nimble_pandas
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
        frame = pd.DataFrame({{"url": [{pages(service)["url"][0]!r} + f"?n={{n}}" for n in range(900)]}})
        try:
            nimble_pandas.submit(frame, url_col="url", vendor="walmart", progress="none")
        except nimble_pandas.ConfigError as exc:
            print(exc)
        """
    said = in_a_child(service, call)
    assert "cannot be used" in said
    assert "NIMBLE_PANDAS_HOME" in said
    assert service.log == []
    assert nimble_pandas.jobs().empty
    in_a_child(service, call.replace(f"({limit}, {limit})", "(-1, -1)"))
    assert nimble_pandas.jobs()["n_requests"].tolist() == [900]


def test_no_secret_is_written_down(service, home):
    """Neither the password nor a store's key is in any file that a job leaves behind."""
    pages(service).nimble.batch(**ASK, client=service.client())
    files = [path for path in home.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert service.password.encode() not in path.read_bytes(), path


def test_many_kernels_may_open_a_new_ledger_at_once(tmp_path):
    """Whoever comes first makes it; nobody is told that it is locked."""
    with ThreadPoolExecutor(8) as pool:
        for n in range(8):
            opened = list(pool.map(Ledger, [tmp_path / str(n)] * 8))
            assert {ledger.jobs() == [] for ledger in opened} == {True}
