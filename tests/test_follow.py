"""Following a batch: few calls, patience with failures, and an end to patience."""

import pandas as pd
import pytest
from clocks import Hand
from replay import Answer, replaying

import nimble_pandas
from nimble_pandas import Client

URL = "https://www.walmart.com/ip/1"
TASK = {"id": "t1", "state": "pending", "input": {"url": URL, "vendor": "walmart"}}
SUBMITTED = Answer(body={"batch_id": "b1", "tasks": [TASK]})
OUTPUT = Answer(body={"task_id": "t1", "status": "success", "html_content": "<p>", "input_url": URL})


def progress(fraction, *, completed=False):
    """Return a progress answer."""
    return Answer(body={"status": "success", "completed": completed, "progress": fraction})


def summary(state="success"):
    """Return a summary answer."""
    return Answer(body={"status": "success", "tasks": [{**TASK, "state": state}]})


def submitted(replay):
    """Submit one page to a scripted server, on a clock that does not wait."""
    client = Client(base_url=replay.base_url, api_key="k", clock=Hand())
    frame = pd.DataFrame({"url": [URL]})
    return frame.nimble.submit(url_col="url", vendor="walmart", progress="none", client=client), client.clock


def calls(replay):
    """Return the last part of each address that was asked for."""
    return [asked.path.rpartition("/")[2] for asked in replay.asked]


def test_the_tasks_are_asked_for_only_when_something_moved():
    """Light calls while nothing happens; the summary once it has, then the output."""
    script = [
        SUBMITTED,
        progress(0),
        progress(0),
        progress(0.05),
        progress(1, completed=True),
        summary(),
        OUTPUT,
    ]
    with replaying(*script) as replay:
        job, _ = submitted(replay)
        assert job.wait().frame()["status"].tolist() == ["ok"]
    assert calls(replay) == ["ecommerce", *["progress"] * 4, "b1", "results"]


def test_a_long_job_is_asked_about_ever_more_rarely():
    """An hour takes some hundred calls, not one a second: the pause grows to a quarter of a minute."""
    with replaying(SUBMITTED, progress(0)) as replay:
        job, clock = submitted(replay)
        with pytest.raises(nimble_pandas.JobTimeout):
            job.wait(timeout=3600)
    assert clock.monotonic() == pytest.approx(3600, abs=20)
    assert 200 < len(replay.asked) < 330


def test_a_progress_of_one_without_the_flag_is_settled_by_the_tasks():
    """Done means the flag, or that all tasks have ended."""
    with replaying(SUBMITTED, progress(1), summary("processing"), progress(1), summary(), OUTPUT) as replay:
        job, _ = submitted(replay)
        assert job.wait().frame()["status"].tolist() == ["ok"]


@pytest.mark.parametrize(
    "failure",
    [Answer(status=500), Answer(status=429), Answer(body=b"<html>"), Answer(fate="drop"), Answer(status=555)],
    ids=["500", "429", "html", "drop", "555"],
)
def test_failures_that_may_pass_are_endured(failure):
    """One bad poll, or ten, do not end the wait."""
    script = [
        SUBMITTED,
        *[failure] * 10,
        progress(1, completed=True),
        failure,
        progress(1),
        summary(),
        OUTPUT,
    ]
    with replaying(*script) as replay:
        job, clock = submitted(replay)
        assert job.wait().frame()["status"].tolist() == ["ok"]
    assert clock.monotonic() < 300


def test_patience_ends_after_five_minutes_without_an_answer():
    """The error says what went on; the job can be waited for again."""
    with replaying(SUBMITTED, Answer(status=500, body={"msg": "down"})) as replay:
        job, clock = submitted(replay)
        with pytest.raises(nimble_pandas.ServerError, match="down") as raised:
            job.wait()
        assert 300 < clock.monotonic() < 340
        assert "1 requests were submitted and are billed" in raised.value.__notes__[0]
        replay.script[:] = [progress(1, completed=True), summary(), OUTPUT]
        assert job.wait().frame()["status"].tolist() == ["ok"]


def test_a_good_answer_in_between_renews_the_patience():
    """Only failures without interruption count."""
    bad = [Answer(status=500, headers={"Retry-After": "200"})]
    script = [SUBMITTED, *[*bad, progress(0)] * 4, progress(1, completed=True), summary(), OUTPUT]
    with replaying(*script) as replay:
        job, clock = submitted(replay)
        job.wait()
    assert clock.monotonic() > 800


def test_retry_after_is_honoured():
    """The service decides when it is asked again."""
    script = [
        SUBMITTED,
        Answer(status=429, headers={"Retry-After": "90"}),
        progress(1, completed=True),
        summary(),
    ]
    with replaying(*script, OUTPUT) as replay:
        job, clock = submitted(replay)
        job.wait()
    assert 90 <= clock.monotonic() < 100


@pytest.mark.parametrize("code", [400, 401, 403])
def test_a_refusal_is_not_endured(code):
    """What will not pass is said at once, and the job can be taken up when it has been mended."""
    with replaying(SUBMITTED, Answer(status=code, body={"msg": "no"})) as replay:
        job, clock = submitted(replay)
        with pytest.raises(nimble_pandas.ApiError, match="no"):
            job.wait()
        assert clock.monotonic() == 0
        replay.script[:] = [progress(1, completed=True), summary(), OUTPUT]
        assert job.wait().done


def test_an_output_has_time_to_land():
    """A success whose output is not there is asked for again for half a minute, then said to be missing."""
    gone = Answer(status=404, body={"error": "Task not found"})
    with replaying(SUBMITTED, progress(1, completed=True), summary(), gone) as replay:
        job, clock = submitted(replay)
        frame = job.wait().frame()
    assert frame["status"].tolist() == ["not_delivered"]
    assert 30 < clock.monotonic() < 35
    with replaying(SUBMITTED, progress(1, completed=True), summary(), *[gone] * 9, OUTPUT) as replay:
        job, _ = submitted(replay)
        assert job.wait().frame()["status"].tolist() == ["ok"]


def test_a_submit_that_must_wait_is_sent_when_it_may():
    """429 says that nothing was taken: the submit is put off for as long as the service asks."""
    wait = Answer(status=429, headers={"Retry-After": "45"})
    with replaying(wait, wait, SUBMITTED, progress(1, completed=True), summary(), OUTPUT) as replay:
        job, clock = submitted(replay)
        assert clock.monotonic() == pytest.approx(90)
        assert job.wait().frame()["status"].tolist() == ["ok"]
    assert calls(replay)[:3] == ["ecommerce"] * 3


def test_a_submit_that_must_always_wait_is_given_up():
    """After five minutes of being put off, the call says so; nothing was sent."""
    with replaying(Answer(status=429, headers={"Retry-After": "60"})) as replay:
        with pytest.raises(nimble_pandas.RateLimited):
            submitted(replay)
    assert set(calls(replay)) == {"ecommerce"}


def test_outputs_that_are_rate_limited_are_read_later():
    """`Retry-After` holds for reading too: nothing that is paid for is given up meanwhile."""
    wait = Answer(status=429, headers={"Retry-After": "120"})
    with replaying(SUBMITTED, progress(1, completed=True), summary(), wait, wait, OUTPUT) as replay:
        job, clock = submitted(replay)
        assert job.wait().frame()["status"].tolist() == ["ok"]
    assert clock.monotonic() == pytest.approx(240, abs=5)
    assert calls(replay).count("results") == 3


def test_outputs_that_cannot_be_read_for_minutes_leave_the_job_as_it_is():
    """The error says what to type; nothing is settled, and a later wait reads everything."""
    with replaying(SUBMITTED, progress(1, completed=True), summary(), Answer(status=500)) as replay:
        job, _ = submitted(replay)
        with pytest.raises(nimble_pandas.ServerError) as raised:
            job.wait()
        assert "attach" in raised.value.__notes__[0]
        replay.script[:] = [OUTPUT]
        assert job.wait().frame()["status"].tolist() == ["ok"]


def test_one_404_is_no_end():
    """A batch that is not known at one moment may be at the next; only a minute of it means forgotten."""
    gone = Answer(status=404, body={"error": "Batch not found"})
    with replaying(SUBMITTED, gone, gone, progress(1, completed=True), summary(), OUTPUT) as replay:
        job, _ = submitted(replay)
        assert job.wait().frame()["status"].tolist() == ["ok"]
    with replaying(SUBMITTED, gone) as replay:
        job, clock = submitted(replay)
        frame = job.wait().frame()
    assert frame["status"].tolist() == ["expired"]
    assert clock.monotonic() > 60


@pytest.mark.parametrize("timeout", ["5", -1, float("nan"), True])
def test_a_timeout_that_is_none_is_refused(timeout):
    """Before anything is sent or waited for."""
    with replaying(SUBMITTED) as replay:
        client = Client(base_url=replay.base_url, api_key="k", clock=Hand())
        frame = pd.DataFrame({"url": [URL]})
        with pytest.raises(nimble_pandas.ConfigError, match="timeout="):
            frame.nimble.batch(
                url_col="url", vendor="walmart", timeout=timeout, progress="none", client=client
            )
    assert replay.asked == []
