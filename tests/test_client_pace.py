"""How often a service is called: never faster than it may be, and it is heard when it wants fewer calls."""

import pickle
import threading
from itertools import pairwise

import pytest
from clocks import Hand
from replay import BODY, SUBMITTED, Answer, client, replaying

import nimble_pandas
from nimble_pandas import Client
from nimble_pandas.client.pace import Pace

REFUSED = 429, {}, None
WELL = 200, {}, None


def taken(pace, clock, n):
    """Return when each of so many turns came."""
    times = []
    for _ in range(n):
        pace.turn()
        times.append(clock.monotonic())
    return times


def test_calls_are_evenly_spaced():
    """No second sees more than its share, however many calls are waiting; idle time is not saved up."""
    clock = Hand()
    pace = Pace(4.0, clock)
    assert taken(pace, clock, 4) == [0.0, 0.25, 0.5, 0.75]
    clock.seconds = 100.0
    assert taken(pace, clock, 3) == [100.0, 100.25, 100.5]


def test_a_refusal_halves_the_rate_and_time_brings_it_back():
    """Refusals that come together count once; quickly back to what was well, then with care to the limit."""
    clock = Hand()
    pace = Pace(80.0, clock)
    pace.turn()
    for _ in range(5):
        pace.learn(*REFUSED)
    assert pace.rate == 40.0
    rates = []
    for _ in range(60):
        clock.seconds += 1
        pace.turn()
        rates.append(pace.rate)
    assert rates[0] == pytest.approx(44.0)
    assert all(one <= other for one, other in pairwise(rates))
    n_to_known = sum(rate < 72.0 for rate in rates)
    assert 5 <= n_to_known <= 8
    assert rates[n_to_known + 2] < 75.0
    assert rates[-1] == 80.0


def test_a_storm_of_refusals_does_not_end_in_silence():
    """There is a slowest rate, for a service that wants less says for how long."""
    clock = Hand()
    pace = Pace(80.0, clock)
    for _ in range(50):
        clock.seconds += 1
        pace.learn(*REFUSED)
    assert pace.rate == 0.5


def test_without_a_limit_a_refusal_halves_what_was_called():
    """Nothing limits calls to this machine, until it wants fewer; long after that nothing does again."""
    clock = Hand()
    pace = Pace(None, clock)
    taken(pace, clock, 100)
    assert clock.slept == []
    pace.learn(*REFUSED)
    assert pace.rate == 50.0
    clock.seconds += 1000
    pace.turn()
    assert pace.rate == float("inf")


def test_a_service_that_has_no_call_left_is_not_waited_to_refuse():
    """`ratelimit-remaining: 0` slows calls down a little; anything else does not."""
    clock = Hand()
    pace = Pace(10.0, clock)
    pace.learn(200, {"ratelimit-remaining": "1", "ratelimit-limit": "10"}, None)
    assert pace.rate == 10.0
    pace.learn(200, {"ratelimit-remaining": "0", "ratelimit-limit": "10"}, None)
    assert pace.rate == 8.0


def test_retry_after_holds_all_calls_for_a_while():
    """Whoever else wants to call waits for seconds; who was told to wait for minutes does that himself."""
    for asked, held in ((2.0, 2.0), (90.0, 5.0)):
        clock = Hand()
        pace = Pace(None, clock)
        pace.turn()
        pace.learn(429, {}, asked)
        assert taken(pace, clock, 1) == [held]


def test_threads_share_the_rate():
    """Sixteen threads with one client call no faster than one would."""
    clock = Hand()
    pace = Pace(10.0, clock)
    threads = [threading.Thread(target=lambda: [pace.turn() for _ in range(10)]) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert pace._next_at == pytest.approx(16.0)


def test_every_call_of_a_client_takes_its_turn():
    """Submits, progress, tasks and outputs: each is a call."""
    with replaying(Answer(body=SUBMITTED), Answer(body={"progress": 1})) as replay:
        asked = client(replay, max_rate=2)
        asked.submit(BODY)
        asked.progress("b1")
        asked.summary("b1")
        asked.output("t1")
    assert asked.clock.monotonic() == 1.5
    assert asked.rate == 2.0


def test_a_submit_that_is_not_ready_is_not_sent():
    """What is written down before a submit is written down when its turn has come, or it does not leave."""

    def not_ready():
        raise nimble_pandas.ConfigError("the disk is full")

    with replaying(Answer(body=SUBMITTED)) as replay:
        asked = client(replay)
        with pytest.raises(nimble_pandas.ConfigError, match="disk"):
            asked.submit(BODY, ready=not_ready)
    assert replay.asked == []


def test_the_rate_has_a_default_that_is_documented(monkeypatch):
    """80 a second for a service elsewhere, none for one on this machine; a pickle keeps what was given."""
    monkeypatch.setenv("NIMBLE_API_KEY", "k")
    assert Client().rate == 80.0
    assert Client(base_url="http://127.0.0.1:1").rate == float("inf")
    assert Client(max_rate=float("inf")).rate == float("inf")
    assert pickle.loads(pickle.dumps(Client(max_rate=5))).rate == 5.0


@pytest.mark.parametrize("max_rate", [0, -1, "5", True, float("nan")])
def test_a_rate_that_is_none_is_refused(max_rate):
    """Before anything is sent."""
    with pytest.raises(nimble_pandas.ConfigError, match="max_rate="):
        Client(api_key="k", max_rate=max_rate)
