"""What goes wrong on this side: names that do not resolve, clocks that are set, keys that change."""

import datetime as dt

import pandas as pd
import pytest
import requests
from clocks import Fast, Hand
from replay import Answer, replaying

import nimble_pandas
from nimble_pandas import Client
from nimble_pandas.local import Fault, serve, shop

N = 4
STORED = pytest.mark.parametrize("stored", [False, True], ids=["pull", "file"])


@pytest.fixture(scope="module")
def service():
    """Run one service for all."""
    with serve() as service:
        yield service
        service.check()


def ask(service, stored, folder, **client):
    """Return product pages, and the arguments to ask for them."""
    service.clear()
    account = {"username": service.username, "password": service.password, "clock": Fast(), **client}
    return pd.DataFrame({"url": shop.product_urls(service.shop_url, N)}), {
        "url_col": "url",
        "vendor": "walmart",
        "storage_url": str(folder) if stored else None,
        "progress": "none",
        "client": Client(base_url=service.base_url, **account),
    }


def n_submits(service):
    """Return how many submits the service saw."""
    return sum(call.method == "POST" for call in service.log)


class Nameless(requests.adapters.HTTPAdapter):
    """Sends the first so many calls of a kind to a name that does not resolve."""

    def __init__(self, kind, times):
        super().__init__()
        self.kind, self.left = kind, times

    def send(self, request, **options):
        """Send a call, or have it fail as it does where there is no network."""
        if self.left and request.url.endswith(self.kind):
            self.left -= 1
            request.url = "http://no-such-host.invalid/"
        return super().send(request, **options)


@STORED
@pytest.mark.parametrize("kind", ["/ecommerce", "/progress", "/results"])
def test_a_name_that_does_not_resolve_for_a_while(service, kind, stored, tmp_path):
    """Nothing was sent: a submit is sent when the name is back, and any other call is made again."""
    frame, arguments = ask(service, stored, tmp_path, transport=(nameless := Nameless(kind, 2)))
    assert frame.nimble.batch(**arguments)["status"].tolist() == ["ok"] * N
    assert n_submits(service) == 1
    assert nameless.left == (2 if stored and kind == "/results" else 0)


@STORED
def test_a_name_that_does_not_resolve_at_all(service, stored, tmp_path):
    """The error says that nothing was sent; the same call, later, sends it, for it is no lost answer."""
    frame, arguments = ask(service, stored, tmp_path, transport=Nameless("/ecommerce", 3))
    with pytest.raises(nimble_pandas.TransportError, match="Nothing of this batch was sent") as raised:
        frame.nimble.batch(**arguments)
    assert not isinstance(raised.value, nimble_pandas.SubmitUnknown)
    assert n_submits(service) == 0
    assert frame.nimble.batch(**arguments)["status"].tolist() == ["ok"] * N
    assert n_submits(service) == 1


class Set(Fast):
    """A clock whose time of day can be set; its seconds go on as ever."""

    def __init__(self):
        self.ahead = dt.timedelta()

    def now(self):
        """Return the time of day, as it was set."""
        return super().now() + self.ahead


class Setting:
    """A view that sets the clock once the job runs."""

    def __init__(self, clock, hours):
        self.clock, self.hours = clock, hours

    def show(self, snapshot):
        """Set it, as a time server does, or a laptop that wakes up."""
        if snapshot.state == "running":
            self.clock.ahead = dt.timedelta(hours=self.hours)

    def close(self, snapshot):
        """Do nothing."""


@STORED
@pytest.mark.parametrize(("hours", "fault"), [(-30, None), (-5, "lost"), (5, None), (30, "404")])
def test_a_clock_that_is_set_in_the_middle_of_a_job(service, hours, fault, stored, tmp_path):
    """Nothing expires, nobody waits for ever or asks without a pause, and no page looks old."""
    clock = Set()
    frame, arguments = ask(service, stored, tmp_path, clock=clock)
    if fault:
        service.inject(Fault(fault, on="progress", times=2))
    service.inject(Fault("late", times=None, seconds=0.2))
    job = frame.nimble.submit(**{**arguments, "progress": Setting(clock, hours)}).wait(timeout=120)
    answer = job.frame()
    assert answer["status"].tolist() == ["ok"] * N
    assert n_submits(service) == 1
    assert len(service.log) < 60
    assert repr(job)
    assert nimble_pandas.jobs()["hours_left"].between(0, 54).all()
    again = nimble_pandas.attach(job.id, client=arguments["client"], progress="none").wait().frame()
    assert not again["reused"].any()
    pd.testing.assert_frame_equal(again, answer)


@STORED
@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_is_set_does_not_pay_again(service, hours, stored, tmp_path):
    """The same call takes up what is under way, whatever the time of day has become."""
    clock = Set()
    frame, arguments = ask(service, stored, tmp_path, clock=clock)
    frame.nimble.submit(**arguments)
    clock.ahead = dt.timedelta(hours=hours)
    assert frame.nimble.batch(**arguments)["status"].tolist() == ["ok"] * N
    assert n_submits(service) == 1


@STORED
def test_a_key_that_changes_in_the_middle(monkeypatch, stored, tmp_path):
    """The error says how to go on; with the new key in the environment, that line brings everything."""
    with serve(username="anna", password="old") as service:
        frame, arguments = ask(service, stored, tmp_path)
        job = frame.nimble.submit(**arguments)
        service.inject(Fault("401", on="progress", times=None))
        with pytest.raises(nimble_pandas.AuthError) as raised:
            job.wait()
        service.clear()
        (note,) = raised.value.__notes__
        line = next(line for line in note.splitlines() if "attach(" in line).partition(": ")[2]
        for name, value in service.environ().items():
            monkeypatch.setenv(name, value)
        scope = {"nimble_pandas": nimble_pandas}
        exec(line, scope)
        assert scope["frame"]["status"].tolist() == ["ok"] * N
        assert scope["job"]._story.client is not arguments["client"]


def test_a_storm_of_429_leaves_the_job_as_it_is():
    """In each phase, with and without a time to come back: the error says so, and later all is there."""
    url = "https://www.walmart.com/ip/1"
    task = {"id": "t1", "state": "success", "input": {"url": url, "vendor": "walmart"}}
    taken = Answer(body={"batch_id": "b1", "tasks": [{**task, "state": "pending"}]})
    done = Answer(body={"completed": True, "progress": 1})
    tasks = Answer(body={"tasks": [task]})
    output = Answer(body={"task_id": "t1", "status": "success", "html_content": "<p>", "input_url": url})
    script = [taken, done, tasks, output]
    for n, headers in [(1, {}), (2, {"Retry-After": "50"}), (3, {}), (3, {"Retry-After": "50"})]:
        with replaying(*script[:n], Answer(status=429, headers=headers)) as replay:
            client = Client(base_url=replay.base_url, api_key="k-1234", clock=Hand())
            arguments = {"url_col": "url", "vendor": "walmart", "progress": "none", "client": client}
            job = pd.DataFrame({"url": [url]}).nimble.submit(**arguments, refresh=True)
            with pytest.raises(nimble_pandas.RateLimited):
                job.wait()
            assert 300 < client.clock.monotonic() < 420
            assert len(replay.asked) < 400
            replay.script[:] = script[1 if n < 3 else 3 :]
            assert job.wait().frame()["status"].tolist() == ["ok"]
