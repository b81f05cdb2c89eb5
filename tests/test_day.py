"""A day goes by: kernels die in the evening, the service forgets overnight, the bucket does not."""

import contextlib
import sqlite3
from datetime import timedelta

import pandas as pd
import pytest
from clocks import Fast

import nimble_pandas
from nimble_pandas import Client
from nimble_pandas.job import Job
from nimble_pandas.job.story import CLIENTS
from nimble_pandas.local import Fault, serve, shop

HOUR = 3600


class Day(Fast):
    """A fast clock that is moved on by hours, together with the service's."""

    def __init__(self, service):
        self._service = service
        self._moved_seconds = 0.0

    def monotonic(self):
        """Return seconds, those that were skipped included."""
        return super().monotonic() + self._moved_seconds

    def now(self):
        """Return the time of that day."""
        return super().now() + timedelta(seconds=self._moved_seconds)

    def pass_hours(self, hours):
        """Move both clocks on, and forget what the process had in memory."""
        self._moved_seconds += hours * HOUR
        self._service.clock.advance(hours * HOUR)
        CLIENTS.clear()


@pytest.fixture
def service():
    """Run the local service with its shop; a bug of the service fails the test."""
    with serve() as running:
        yield running
        running.check()


@pytest.fixture
def day(service):
    """Return the clock that the service and all clients of the test go by."""
    return Day(service)


def client_of(service, day):
    """Return a client of a new kernel."""
    return Client(base_url=service.base_url, username=service.username, password=service.password, clock=day)


def submitted(service, day, n=6, **arguments):
    """Submit a frame of `n` pages, wait until the service has them all, and let the kernel die."""
    client = client_of(service, day)
    urls = shop.product_urls(service.shop_url, n)
    job = pd.DataFrame({"url": urls, "sku": [f"{i:03d}" for i in range(n)]}).nimble.submit(
        url_col="url", vendor="walmart", parse=True, progress="none", client=client, refresh=True, **arguments
    )
    while not all(client.progress(batch_id).completed for batch_id in job.batch_ids):
        pass
    return job.id


def taken_up(job_id, service, day):
    """Take a job up in a new kernel."""
    return nimble_pandas.attach(job_id, client=client_of(service, day), progress="none")


def n_sent(service):
    """Return how many requests were sent in all."""
    return sum(len(call.body["requests"]) for call in service.log if call.method == "POST")


@pytest.mark.parametrize("stored", [False, True], ids=["pull", "file"])
def test_an_hour_before_the_service_forgets_all_is_there(service, day, tmp_path, stored):
    """The job warns when it is short of time, and is collected in time."""
    where = {"storage_url": str(tmp_path / "outputs")} if stored else {}
    job_id = submitted(service, day, **where)
    assert "forgets" not in repr(taken_up(job_id, service, day))
    day.pass_hours(23)
    job = taken_up(job_id, service, day)
    assert job.hours_left == pytest.approx(1, abs=0.1)
    assert "forgets it in 1.0 hours" in repr(job)
    assert job.wait().frame()["status"].tolist() == ["ok"] * 6
    assert n_sent(service) == 6


@pytest.mark.parametrize(
    "hand_out",
    [Job.frame, lambda job: list(job.frames()), lambda job: job.to_parquet("prices.parquet")],
    ids=["frame", "frames", "to_parquet"],
)
def test_what_could_not_be_written_down_is_later(service, day, tmp_path, monkeypatch, hand_out):
    """The disk is full while outputs are read: once it is not, the ledger has them, and so a day later."""
    monkeypatch.chdir(tmp_path)
    job_id = submitted(service, day)
    job = taken_up(job_id, service, day)
    with contextlib.closing(sqlite3.connect(nimble_pandas.Ledger().path, isolation_level=None)) as ledger:
        ledger.execute(
            "CREATE TRIGGER no_room BEFORE UPDATE OF status ON requests "
            "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
        with pytest.raises(nimble_pandas.ConfigError, match="disk is full"):
            job.wait()
        ledger.execute("DROP TRIGGER no_room")
    hand_out(job)
    day.pass_hours(25)
    assert taken_up(job_id, service, day).wait().frame()["status"].tolist() == ["ok"] * 6
    assert n_sent(service) == 6


def test_what_lies_in_the_bucket_is_read_a_day_later(service, day, tmp_path):
    """Though the service has forgotten the batch, and nothing is sent again."""
    job_id = submitted(service, day, storage_url=str(tmp_path / "outputs"))
    day.pass_hours(25)
    frame = taken_up(job_id, service, day).wait().frame()
    assert frame["status"].tolist() == ["ok"] * 6
    assert frame["sku"].tolist() == [f"{i:03d}" for i in range(6)]
    assert (day.now() - frame["fetched_at"]).min() > timedelta(hours=24)
    assert n_sent(service) == 6


def test_what_was_only_with_the_service_is_expired_and_can_be_sent_again(service, day):
    """The rows stay, say so, and `retry_failed` sends them once more; `rescue` would have kept them."""
    lost, kept = submitted(service, day), submitted(service, day, n=4)
    ledger = nimble_pandas.Ledger()
    taken_up(kept, service, day).collect_now()
    day.pass_hours(25)
    assert taken_up(kept, service, day).wait().frame()["status"].tolist() == ["ok"] * 4
    job = taken_up(lost, service, day).wait()
    assert job.frame()["status"].tolist() == ["expired"] * 6
    assert n_sent(service) == 10
    assert job.retry_failed().wait().frame()["status"].tolist() == ["ok"] * 6
    assert n_sent(service) == 16
    assert nimble_pandas.jobs(ledger=ledger)["done"].all()


def test_what_is_missing_from_the_bucket_a_day_later_is_expired(service, day, tmp_path):
    """Row by row: what is there is read, what is not is named."""
    service.inject(Fault("missing", task=2))
    service.inject(Fault("failed", task=4))
    job_id = submitted(service, day, storage_url=str(tmp_path / "outputs"))
    day.pass_hours(25)
    frame = taken_up(job_id, service, day).wait().frame()
    assert frame["status"].tolist() == ["ok", "ok", "expired", "ok", "expired", "ok"]
    assert frame["error"].isna().tolist() == [True, True, False, True, False, True]


@pytest.mark.parametrize("stored", [False, True], ids=["pull", "file"])
def test_a_submit_whose_answer_was_lost_the_day_before(service, day, tmp_path, stored):
    """It is found under its prefix in the bucket; where there is none, nobody knows, and nothing is sent."""
    service.inject(Fault("lost", on="submit"))
    client = client_of(service, day)
    pages = pd.DataFrame({"url": shop.product_urls(service.shop_url, 3)})
    where = {"storage_url": str(tmp_path / "outputs")} if stored else {}
    job = pages.nimble.submit(url_col="url", vendor="walmart", progress="none", client=client, **where)
    while sum(task.ended for task in client.tasks()) < 3:
        pass
    day.pass_hours(25)
    frame = taken_up(job.id, service, day).wait().frame()
    assert frame["status"].tolist() == ["ok" if stored else "unknown"] * 3
    assert n_sent(service) == 3


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_that_was_set_loses_nothing(service, day, tmp_path, hours):
    """The machine's clock is wrong by more than a day, and is set right while a job is under way."""
    urls = shop.product_urls(service.shop_url, 6)
    client = client_of(service, day)
    job = pd.DataFrame({"url": urls}).nimble.submit(
        url_col="url", vendor="walmart", progress="none", client=client, storage_url=str(tmp_path / "outputs")
    )
    # the wall clock alone; what counts seconds goes on as it did
    day.now = lambda: super(Day, day).now() + timedelta(hours=hours)
    assert job.wait().frame()["status"].tolist() == ["ok"] * 6
    again = nimble_pandas.attach(job.id, client=client_of(service, day), progress="none")
    assert again.wait().frame()["status"].tolist() == ["ok"] * 6
    assert n_sent(service) == 6
