"""Many batches: few calls, no faster than allowed, several at once, and none lost or sent twice."""

import json
import threading
import time

import pandas as pd
import pytest
from clocks import Fast

import nimble_pandas
from nimble_pandas import Client, Ledger
from nimble_pandas.job import prepare
from nimble_pandas.local import Fault, serve
from nimble_pandas.models import Delivery
from nimble_pandas.planning import make_plan


@pytest.fixture
def service():
    """Run the local service, its pages made up; a bug of the service fails the test."""
    with serve(shop=False, pages="instant") as running:
        yield running
        running.check()


def client_of(service, **more):
    """Return a client of the service."""
    return Client(base_url=service.base_url, username=service.username, password=service.password, **more)


def job_of(service, n_batches, *, size=50, folder=None, ledger=None, view="none", **more):
    """Return a job of so many batches that is not sent yet."""
    frame = pd.DataFrame({"page": [f"https://www.walmart.com/ip/{n}" for n in range(n_batches * size)]})
    plan = make_plan(
        frame,
        columns={"url": "page"},
        values={"vendor": "walmart", "parse": True},
        delivery=Delivery(storage_url=None if folder is None else folder.as_uri() + "/"),
        max_batch_requests=size,
    )
    return prepare(plan, client=client_of(service, **more), ledger=ledger or Ledger(), progress=view)


def sent(service):
    """Return how often each page was sent."""
    bodies = [call.body for call in service.log if call.method == "POST"]
    return pd.Series([request["url"] for body in bodies for request in body["requests"]]).value_counts()


def most_at_once(service):
    """Return how many submits were under way at once, as far as those that were held back tell."""
    times = [call.at for call in service.log if call.method == "POST"]
    return max(sum(start <= at < start + 0.3 for at in times) for start in times)


def test_calls_follow_batches_not_tasks(service, tmp_path):
    """A thousand tasks in twenty batches take a submit and a handful of light and heavy calls each."""
    frame = job_of(service, 20, folder=tmp_path).run()
    assert frame["status"].eq("ok").all()
    assert frame["batch_id"].nunique() == 20
    assert service.counts["submit"] == 20
    assert service.counts["progress"] <= 20 * 8
    assert service.counts["summary"] <= 20 * 3
    assert service.counts.keys() == {"submit", "progress", "summary"}


def test_the_service_sees_no_more_than_the_rate(service):
    """Also where every output is a call: sixteen threads share what is allowed."""
    frame = job_of(service, 4, size=20, max_rate=60).run()
    assert frame["status"].eq("ok").all()
    calls = service.log
    assert len(calls) >= 4 + 4 + 4 + 80
    assert len(calls) - 1 <= 60 * (calls[-1].at - calls[0].at + 0.1)


def test_a_service_that_refuses_is_called_less_often():
    """The client learns the rate from refusals: nothing is lost, and few calls are in vain."""
    with serve(shop=False, pages="instant", rate_limit=100, burst=10) as service:
        frame = job_of(service, 12, size=20, clock=Fast()).run()
        n_refused = sum(call.status_code == 429 for call in service.log)
        service.check()
    assert frame["status"].eq("ok").all()
    assert n_refused
    assert sent_and_taken(service) == {1}


def sent_and_taken(service):
    """Return how often pages were taken."""
    bodies = [call.body for call in service.log if call.method == "POST" and call.status_code == 200]
    return set(pd.Series([request["url"] for body in bodies for request in body["requests"]]).value_counts())


def test_as_many_go_at_once_as_were_taken_before(service):
    """The first alone, never more than eight; each page is sent once."""
    service.inject(Fault("delay", on="submit", seconds=0.3, times=None))
    job_of(service, 24, size=2).run()
    starts = [call.at for call in service.log if call.method == "POST"]
    assert starts[1] - starts[0] >= 0.3
    assert starts[2] - starts[1] >= 0.3
    assert 2 <= most_at_once(service) <= 8
    assert set(sent(service)) == {1}


def test_outputs_are_read_while_batches_are_sent(service):
    """The first outputs are asked for before the last batch leaves."""
    service.inject(Fault("delay", on="submit", seconds=0.2, times=None))
    job_of(service, 16, size=2).run()
    kinds = [call.endpoint for call in service.log]
    assert kinds.index("results") < len(kinds) - 1 - kinds[::-1].index("submit")


def test_nothing_leaves_after_a_lost_answer(service):
    """What is under way comes to its own end; the rest stays unsent until the lost one is settled."""
    service.inject(Fault("delay", on="submit", seconds=0.2, times=None))
    # the eighth of those that are taken: several are under way with it
    service.inject(Fault("reset", on="submit", skip=8))
    job = job_of(service, 30, size=2, clock=Fast())
    frame = job.run()
    n_sent = service.counts["submit"]
    assert 9 <= n_sent <= 9 + 7
    counts = frame["status"].value_counts().to_dict()
    assert counts == {"ok": 2 * (n_sent - 1), "unknown": 2, "failed": 60 - 2 * n_sent}
    assert set(sent(service)) == {1}
    assert frame.loc[frame["status"] == "failed", "error"].str.startswith("not sent").all()


def test_a_refusal_that_meets_all_keeps_the_rest_from_leaving(service):
    """No budget: those under way are refused, too, or run; nothing else is sent, and it is said."""
    service.inject(Fault("delay", on="submit", seconds=0.1, times=None))
    service.inject(Fault("402", on="submit", skip=6, times=None))
    frame = job_of(service, 30, size=2).run()
    assert service.counts["submit"] <= 6 + 8
    assert frame["status"].value_counts().to_dict() == {"ok": 12, "failed": 48}


class Interrupting:
    """A view that is interrupted when so many batches are known to be taken."""

    def __init__(self, at):
        self.at = at
        self.job = None

    def show(self, _snapshot):
        """Press Ctrl-C."""
        if len(self.job.batch_ids) >= self.at:
            raise KeyboardInterrupt

    def close(self, snapshot):
        """Do nothing."""


def test_an_interrupt_leaves_what_is_under_way_to_itself(service):
    """It ends at once; what had left is written down when it is taken, and nothing else leaves."""
    service.inject(Fault("delay", on="submit", seconds=0.5, skip=6, times=None))
    view = Interrupting(6)
    view.job = job = job_of(service, 30, size=2, view=view)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt) as raised:
        job.run()
    assert time.monotonic() - started < 5
    assert "were not sent yet" in raised.value.__notes__[0]
    other = nimble_pandas.attach(job.id, client=client_of(service))
    n_known = len(other.batch_ids)
    frame = other.wait(progress="none").frame()
    assert frame["status"].eq("ok").all()
    assert n_known < 30
    assert set(sent(service)) == {1}


def test_what_was_under_way_is_known_to_the_next_wait(service):
    """The same job goes on where it was interrupted, and takes in what came of it meanwhile."""
    service.inject(Fault("delay", on="submit", seconds=0.3, skip=6, times=None))
    view = Interrupting(6)
    view.job = job = job_of(service, 20, size=2, view=view)
    with pytest.raises(KeyboardInterrupt):
        job.run()
    frame = job.wait(progress="none").frame()
    assert frame["status"].eq("ok").all()
    assert set(sent(service)) == {1}


def test_a_timeout_does_not_wait_for_a_call(service):
    """A call that hangs is left alone when the time is over."""
    service.inject(Fault("delay", on="progress", seconds=20, times=None))
    started = time.monotonic()
    with pytest.raises(nimble_pandas.JobTimeout):
        job_of(service, 1).run(timeout=0.5)
    assert time.monotonic() - started < 10


def test_two_threads_of_calls_do_not_keep_a_process_alive(service):
    """All threads that call are daemons: what hangs ends with its process."""
    service.inject(Fault("delay", on="progress", seconds=3, times=None))
    with pytest.raises(nimble_pandas.JobTimeout):
        job_of(service, 1).run(timeout=0.2)
    calling = [thread for thread in threading.enumerate() if thread.name == "nimble-call"]
    assert calling
    assert all(thread.daemon for thread in calling)


def test_an_intent_is_on_disk_before_its_batch_arrives(service):
    """However many go at once: whatever the service has been sent, the ledger knew of."""
    service.inject(Fault("delay", on="submit", seconds=0.1, times=None))
    ledger = Ledger()
    seen = []

    class Looking:
        def show(self, _snapshot):
            arrived = [json.dumps(call.body) for call in service.log if call.method == "POST"]
            states = {batch.number: batch.state for batch in ledger.batches(job.id)}
            seen.append(len(arrived) <= sum(state != "planned" for state in states.values()))

        def close(self, _snapshot):
            pass

    job = job_of(service, 12, size=2, ledger=ledger, view=Looking())
    job.run()
    assert seen
    assert all(seen)
