"""A job that is taken up from the ledger: all of it, a part at a time, whatever comes in between."""

import gc
import time
import tracemalloc

import pandas as pd
import pytest
from clocks import Fast
from held_site import Site

import nimble_pandas
from nimble_pandas import Client, JobTimeout, Ledger
from nimble_pandas.job import books
from nimble_pandas.local import Fault, serve

# more than are read again before anybody waits
N = 20_000


@pytest.fixture(scope="module")
def service():
    """Run the local service, its pages made up; a bug of the service fails the test."""
    with serve(shop=False, pages="instant") as running:
        yield running
        running.check()


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """Give a ledger that outlives a test."""
    return Ledger(tmp_path_factory.mktemp("ledger"))


def client_of(service, **more):
    """Return a client of the service."""
    return Client(base_url=service.base_url, username=service.username, password=service.password, **more)


def submit(service, ledger, frame, folder, **more):
    """Send a frame's pages, whose outputs go to a folder."""
    return frame.nimble.submit(
        url_col="url",
        vendor="walmart",
        parse=True,
        progress="none",
        storage_url=str(folder),
        client=client_of(service, **more),
        ledger=ledger,
    )


@pytest.fixture(scope="module")
def written(service, ledger, tmp_path_factory):
    """Give a job whose answers are all written down, one of them a failure, and its Parquet."""
    folder = tmp_path_factory.mktemp("written")
    frame = pd.DataFrame({"url": [f"https://www.walmart.com/ip/{n}" for n in range(N)]})
    service.inject(Fault("failed", task=3))
    job = submit(service, ledger, frame, folder)
    job.to_parquet(folder / "prices.parquet")
    return job.id, folder / "prices.parquet"


@pytest.fixture
def job(service, ledger, written):
    """Give the job, taken up with nothing in memory."""
    return nimble_pandas.attach(written[0], client=client_of(service), ledger=ledger, progress="none")


def test_parquet_is_what_it_was(job, written, tmp_path):
    """The pages are read again, and written as they were the first time."""
    job.to_parquet(tmp_path / "again.parquet")
    again, before = (pd.read_parquet(path) for path in (tmp_path / "again.parquet", written[1]))
    assert before["status"].value_counts().to_dict() == {"ok": N - 1, "failed": 1}
    pd.testing.assert_frame_equal(again, before)


def test_pages_are_in_memory_a_part_at_a_time(service, ledger, written):
    """What is kept of a request that was answered is a few bytes, and never all pages."""
    gc.collect()
    tracemalloc.start()
    try:
        job = nimble_pandas.attach(written[0], client=client_of(service), ledger=ledger, progress="none")
        n_rows = [len(frame) for frame in job.frames()]
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(n_rows) == N
    assert max(n_rows) < N
    assert kept < 200 * N, kept / N


def test_the_frame_has_all_that_is_written_down(job, written):
    """Also where nobody has waited."""
    assert not job.done
    pd.testing.assert_frame_equal(job.frame(), pd.read_parquet(written[1]))
    assert job.done


def test_whoever_stops_in_between_goes_on_from_there(job):
    """The first rows are taken, and the others by another call: each comes once."""
    frames = job.frames()
    first = next(frames)
    frames.close()
    assert len(first) < N
    rows = pd.concat([first, *job.frames()])
    assert rows.index.is_unique
    assert len(rows) == N


def test_what_failed_is_sent_again(service, ledger, tmp_path):
    """All answers are looked at for it, also those that were not read yet."""
    frame = pd.DataFrame({"url": [f"https://www.walmart.com/ip/again-{n}" for n in range(N)]})
    # in the last batch
    service.inject(Fault("failed", url=f"again-{N - 1}"))
    job = submit(service, ledger, frame, tmp_path / "outputs")
    job.to_parquet(tmp_path / "prices.parquet")
    job = nimble_pandas.attach(job.id, client=client_of(service), ledger=ledger, progress="none")
    n_before = service.counts["submit"]
    answer = job.retry_failed().wait().frame()
    assert service.counts["submit"] == n_before + 1
    assert answer["status"].eq("ok").all()
    assert answer["url"].tolist() == frame["url"].tolist()


@pytest.mark.parametrize("n_at_once", [0, 1000])
def test_an_output_that_is_gone_is_asked_for_with_the_rest_of_its_batch(
    tmp_path, ledger, monkeypatch, n_at_once
):
    """One batch: some pages are answered, of which one is not to be had any more, and some still run."""
    with serve(shop=False) as service, Site(tmp_path / "open") as site:
        frame = pd.DataFrame({"url": site.urls(6, held=2)})
        job = submit(service, ledger, frame, tmp_path / "outputs", clock=Fast())
        until = time.monotonic() + 30
        while (job.refresh().frame()["status"] == "ok").sum() < 4:
            assert time.monotonic() < until
        gone = job.frame()["output_url"][2]
        (tmp_path / "outputs" / gone.partition("/outputs/")[2]).unlink()
        monkeypatch.setattr(books, "_PAGES_AT_ONCE", n_at_once)
        again = nimble_pandas.attach(
            job.id, client=client_of(service, clock=Fast()), ledger=ledger, progress="none"
        )
        # what runs is followed, whatever was read
        assert again.snapshot().n_batches == 1
        with pytest.raises(JobTimeout):
            again.tasks(timeout=20)
        site.gate.touch()
        # the outputs of those that ran are not read: if nothing was before, all have ended by now
        assert again.tasks()["status"].tolist() == ["ok", "ok", "pending", "ok", "pending", "pending"]
        assert again.wait().frame()["status"].tolist() == ["ok", "ok", "not_delivered", "ok", "ok", "ok"]
        assert again.snapshot().n_batches == 1
        assert service.counts["submit"] == 1
        service.check()
        site.shutdown()
