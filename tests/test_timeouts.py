"""A wait ends about when it was to end, whatever hangs; nothing is lost, mixed up or sent twice."""

import contextlib
import json
import sys
import threading
import time
import zlib

import pandas as pd
import pytest
from held_store import held_store

import nimble_pandas
from nimble_pandas.errors import JobDetached
from nimble_pandas.local import Fault, serve

READERS = ["curl", "fsspec"]

# how late a wait may end: about a second, and what a busy machine takes; what hangs does so for longer
LATE_SECONDS = 3.0

ASK = {"url_col": "url", "vendor": "walmart", "parse": True, "progress": "none"}


@pytest.fixture
def service():
    """Run the local service, its pages made up; a bug of the service fails the test."""
    with serve(shop=False, pages="instant") as running:
        yield running
        running.check()


@pytest.fixture(params=READERS)
def store(request, s3, monkeypatch):
    """Give an S3 that can be shut, for whoever reads from it with one of the readers."""
    import s3fs
    from servers import close_filesystems

    monkeypatch.setenv("NIMBLE_PANDAS_READER", request.param)
    with held_store(s3) as held:
        yield held
    close_filesystems(s3fs.S3FileSystem)


def rows(n):
    """Return a frame of so many pages."""
    return pd.DataFrame({"url": [f"https://www.walmart.com/ip/{each}" for each in range(n)]})


def stored(store):
    """Return what a call says that is delivered to a store, and reads through the way that can be shut."""
    return {"storage_url": "s3://bucket/out/", "storage_options": {"endpoint_url": store.url}}


@contextlib.contextmanager
def ends_after(seconds):
    """Make sure that a block ends when it is to, and soon, on the machine's clock."""
    started = time.monotonic()
    yield
    took = time.monotonic() - started
    assert seconds - 0.1 <= took <= seconds + LATE_SECONDS, f"{took:.1f} s"


def delivered(service, job):
    """Wait until every task of a job has ended."""
    until = time.monotonic() + 20
    while not all(service.client().progress(each).completed for each in job.batch_ids):
        assert time.monotonic() < until
        time.sleep(0.05)


def assert_whole(job, service, n, n_submits=1):
    """Make sure that each row has its own page, once, and that each request was sent once."""
    frame = job.frame()
    assert frame["status"].tolist() == ["ok"] * n
    # what a made-up page is called follows from its URL
    assert frame["name"].tolist() == [f"Product {zlib.crc32(url.encode())}" for url in frame["url"]]
    assert dict(job.snapshot().counts) == {"ok": n}
    assert len(job._story.register.pages) == n
    assert service.counts["submit"] == n_submits


def wait_for(condition):
    """Wait until a condition holds."""
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def test_many_short_waits_leave_few_threads(service, store):
    """Whoever looks in again and again at a store that hangs does not fill the machine with threads."""
    job = rows(40).nimble.submit(**ASK, **stored(store), client=service.client())
    delivered(service, job)
    store.shut()
    for _ in range(4):
        with pytest.raises(nimble_pandas.JobTimeout):
            job.wait(timeout=0)
    fetching = [thread for thread in threading.enumerate() if thread.name == "nimble-pandas-fetch"]
    assert len(fetching) < 2 * 16
    store.open()
    job.wait()
    assert_whole(job, service, 40)


@pytest.mark.parametrize("late", [False, True])
def test_a_store_that_says_nothing_is_not_waited_for(service, store, late):
    """What was not read is read by the next wait, whether what was asked for first still comes or not."""
    job = rows(40).nimble.submit(**ASK, **stored(store), client=service.client())
    delivered(service, job)
    store.shut()
    until = time.monotonic() + 20
    # on a busy machine, the first wait may be over before anything was asked for
    while not store.n_held:
        assert time.monotonic() < until, "nothing was asked for"
        with ends_after(0.5), pytest.raises(nimble_pandas.JobTimeout):
            job.wait(timeout=0.5)
    with ends_after(0.5), pytest.raises(nimble_pandas.JobTimeout, match="no answer yet") as raised:
        job.wait(timeout=0.5)
    assert f'nimble_pandas.attach("{job.id}")' in str(raised.value)
    assert "40 requests were submitted and are billed" in str(raised.value)
    store.open()
    if late:
        store.answer_late()
    with ends_after(0.0):
        job.wait(timeout=20)
    assert_whole(job, service, 40)


def test_a_store_that_stops_in_the_middle_loses_nothing(service, store):
    """What was read before stays, and is not read again."""
    job = rows(40).nimble.submit(**ASK, **stored(store), client=service.client())
    job.wait()
    store.shut()
    again = rows(60).nimble.submit(**ASK, **stored(store), client=service.client(), refresh=True)
    delivered(service, again)
    with ends_after(0.5), pytest.raises(nimble_pandas.JobTimeout):
        again.wait(timeout=0.5)
    with ends_after(0.5), pytest.raises(nimble_pandas.JobTimeout):
        again.wait(timeout=0.5)
    store.open()
    again.wait()
    assert_whole(again, service, 60, n_submits=2)


def test_credentials_that_are_long_in_coming_are_not_waited_for(service, store, home):
    """A program that is asked for the key to a store, and takes its time, keeps nobody."""
    (home / ".aws").mkdir()
    script = home / "key.py"
    key = {"Version": 1, "AccessKeyId": "testing", "SecretAccessKey": "testing"}
    script.write_text(f"import time; time.sleep(4); print({json.dumps(key)!r})")
    line = f"credential_process = {sys.executable} {script}"
    (home / ".aws" / "config").write_text(f"[profile slow]\nregion = us-east-1\n{line}\n")
    call = stored(store)
    call["storage_options"]["profile"] = "slow"
    job = rows(40).nimble.submit(**ASK, **call, client=service.client())
    delivered(service, job)
    with ends_after(0.5), pytest.raises(nimble_pandas.JobTimeout, match="40 of 40 requests"):
        job.wait(timeout=0.5)
    job.wait(timeout=30)
    assert_whole(job, service, 40)


def test_outputs_that_are_pulled_are_not_waited_for(service):
    """A service that says nothing of its outputs is left when the time is over, and asked again."""
    job = rows(40).nimble.submit(**ASK, client=service.client())
    delivered(service, job)
    service.inject(Fault("delay", on="results", seconds=5, skip=20, times=16))
    with ends_after(2.0), pytest.raises(nimble_pandas.JobTimeout, match="20 of 40 requests"):
        job.wait(timeout=2.0)
    with ends_after(0.0):
        job.wait(timeout=20)
    assert_whole(job, service, 40)
    # what was asked for first arrives now, and changes nothing
    time.sleep(5)
    job.wait()
    assert_whole(job, service, 40)


def test_outputs_that_drip_are_left_too(service):
    """Where each comes in its time, but all of them would take too long, the wait ends as well."""
    job = rows(300).nimble.submit(**ASK, client=service.client())
    delivered(service, job)
    service.inject(Fault("delay", on="results", seconds=0.3, times=None))
    with ends_after(2.0), pytest.raises(nimble_pandas.JobTimeout):
        job.wait(timeout=2.0)
    assert 0 < job.snapshot().n_read < 300
    job.wait()
    assert_whole(job, service, 300)


def test_however_short_the_waits_are_they_come_to_an_end(service):
    """Whoever looks in with no time at all still gets his rows from a service that is slow to answer."""
    service.inject(Fault("delay", on="results", seconds=0.2, times=None))
    job = rows(60).nimble.submit(**ASK, client=service.client())
    for _ in range(60):
        with contextlib.suppress(nimble_pandas.JobTimeout), ends_after(0.0):
            job.wait(timeout=0)
        if job.done:
            break
    assert_whole(job, service, 60)


@pytest.mark.parametrize("call", ["tasks", "task"])
def test_a_lost_batch_is_not_waited_for(service, store, call):
    """List calls that hang are left; what they say later is taken in, and nothing is sent again."""
    service.inject(Fault("lost", on="submit"))
    service.inject(Fault("delay", on=call, seconds=5))
    if call == "task":
        # found by its outputs alone
        service.inject(Fault("404", on="tasks", times=None))
    job = rows(4).nimble.submit(**ASK, **stored(store), client=service.client())
    with ends_after(1.0), pytest.raises(nimble_pandas.JobTimeout, match="4 of 4 requests") as raised:
        job.wait(timeout=1.0)
    assert "4 may have been, and are looked for" in str(raised.value)
    time.sleep(4.5)
    job.wait(timeout=20)
    assert_whole(job, service, 4)


def test_lists_that_hang_do_not_keep_others_from_being_read(service):
    """While one batch is looked for, the outputs of another are read."""
    service.inject(Fault("delay", on="tasks", seconds=6, times=None))
    first = rows(4).nimble.submit(**ASK, client=service.client())
    service.inject(Fault("lost", on="submit"))
    job = rows(8).nimble.submit(**ASK, client=service.client())
    with ends_after(2.0), pytest.raises(nimble_pandas.JobTimeout, match="4 of 8 requests"):
        job.wait(timeout=2.0)
    assert first.batch_ids == job.batch_ids
    assert job.frame()["status"].eq("ok").sum() == 4


def test_a_prefix_that_cannot_be_listed_is_not_waited_for(service, store):
    """A lost batch is looked for in the store as well, which says nothing."""
    service.inject(Fault("lost", on="submit"))
    service.inject(Fault("404", on="tasks", times=None))
    job = rows(4).nimble.submit(**ASK, **stored(store), client=service.client())
    store.shut()
    with ends_after(1.0), pytest.raises(nimble_pandas.JobTimeout, match="4 of 4 requests"):
        job.wait(timeout=1.0)
    store.open()
    store.answer_late()
    job.wait(timeout=20)
    assert_whole(job, service, 4)


@pytest.mark.parametrize("call", ["submit", "progress", "summary"])
def test_no_call_is_waited_for(service, call):
    """A submit that hangs comes to its own end, and is not sent again; so with the calls that follow it."""
    service.inject(Fault("delay", on=call, seconds=5))
    with ends_after(0.5), pytest.raises(nimble_pandas.JobTimeout) as raised:
        rows(4).nimble.batch(**ASK, timeout=0.5, client=service.client())
    line = next(line for line in str(raised.value).splitlines() if "attach" in line)
    job_id = line.partition('attach("')[2].partition('"')[0]
    time.sleep(5)
    job = nimble_pandas.attach(job_id, client=service.client(), progress="none").wait()
    assert_whole(job, service, 4)


@pytest.mark.parametrize("how", ["tasks", "frames", "to_parquet"])
def test_every_call_with_a_timeout_keeps_to_it(service, store, tmp_path, how):
    """Also those that hand out what has come; the rows that were not come the next time."""
    job = rows(40).nimble.submit(**ASK, **stored(store), client=service.client())
    if how != "tasks":
        delivered(service, job)
        store.shut()
    else:
        service.inject(Fault("delay", on="progress", seconds=5, times=None))
    calls = {
        "tasks": job.tasks,
        "frames": lambda timeout=None: pd.concat(job.frames(timeout=timeout)),
        "to_parquet": lambda timeout=None: job.to_parquet(tmp_path / "a.parquet", timeout=timeout),
    }
    with ends_after(0.5), pytest.raises(nimble_pandas.JobTimeout):
        calls[how](timeout=0.5)
    assert [*tmp_path.iterdir()] == []
    store.open()
    found = calls[how]()
    frame = pd.read_parquet(tmp_path / "a.parquet") if how == "to_parquet" else found
    assert frame["status"].tolist() == ["pending" if how == "tasks" else "ok"] * 40
    assert service.counts["submit"] == 1


def test_detach_ends_what_hangs(service, store):
    """A wait that another thread ends is over within a second, and the job can be waited for again."""
    job = rows(40).nimble.submit(**ASK, **stored(store), client=service.client())
    delivered(service, job)
    store.shut()
    threading.Timer(1.0, job.detach).start()
    with ends_after(1.0), pytest.raises(JobDetached, match="go on at the service"):
        job.wait()
    store.open()
    job.wait()
    assert_whole(job, service, 40)


def test_detach_ends_a_watch_that_hangs(service, store):
    """The button of a view ends the thread, and calls beside it that have a timeout keep to it."""
    job = rows(40).nimble.submit(**ASK, **stored(store), client=service.client())
    delivered(service, job)
    store.shut()
    job.watch(progress="none")
    wait_for(lambda: store.n_held)
    with ends_after(0.5), pytest.raises(nimble_pandas.JobTimeout):
        job.wait(timeout=0.5)
    with ends_after(0.5), pytest.raises(nimble_pandas.JobTimeout):
        list(job.frames(timeout=0.5))
    watch = job._sittings._watch
    with ends_after(0.0):
        job.detach()
        watch.join(10)
    assert not watch.alive
    store.open()
    job.wait()
    assert_whole(job, service, 40)


def test_two_waits_keep_to_their_own_times(service, store):
    """One that takes the steps, and hangs, does not keep another from ending in time."""
    job = rows(40).nimble.submit(**ASK, **stored(store), client=service.client())
    delivered(service, job)
    store.shut()
    ended = []

    def wait():
        with ends_after(4.0), pytest.raises(nimble_pandas.JobTimeout):
            job.wait(timeout=4.0)
        ended.append(True)

    other = threading.Thread(target=wait)
    other.start()
    wait_for(lambda: store.n_held)
    with ends_after(0.5), pytest.raises(nimble_pandas.JobTimeout):
        job.wait(timeout=0.5)
    other.join()
    assert ended
    store.open()
    job.wait()
    assert_whole(job, service, 40)


def test_answers_of_earlier_calls_are_not_waited_for(service, store):
    """A call that would reuse what cannot be read says that nothing was sent; later it reuses it."""
    client = service.client()
    rows(40).nimble.batch(**ASK, **stored(store), client=client)
    store.shut()
    with ends_after(0.5), pytest.raises(nimble_pandas.JobTimeout, match="Nothing was sent"):
        rows(40).nimble.batch(**ASK, **stored(store), max_age="1h", timeout=0.5, client=client)
    store.open()
    frame = rows(40).nimble.batch(**ASK, **stored(store), max_age="1h", timeout=20, client=client)
    assert frame["reused"].all()
    assert service.counts["submit"] == 1


def test_what_an_earlier_call_has_read_is_not_waited_for(service, store):
    """A call that takes up an earlier one, whose pages cannot be read again now, says how to go on."""
    client = service.client()
    rows(40).nimble.submit(**ASK, **stored(store), client=client).wait()
    store.shut()
    with ends_after(0.5), pytest.raises(nimble_pandas.JobTimeout) as raised:
        rows(50).nimble.batch(**ASK, **stored(store), timeout=0.5, client=client)
    line = next(line for line in str(raised.value).splitlines() if "attach" in line)
    job_id = line.partition('attach("')[2].partition('"')[0]
    store.open()
    job = nimble_pandas.attach(
        job_id, client=client, storage_options=stored(store)["storage_options"], progress="none"
    ).wait()
    assert_whole(job, service, 50, n_submits=2)
