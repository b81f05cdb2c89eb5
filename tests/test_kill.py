"""A process that is killed at any moment, and started again: nothing lost, nothing sent twice."""

import dataclasses
import multiprocessing
import random
import signal
import sys
import time
from collections import Counter

import killed
import pandas as pd
import pytest
from loopback_site import eventually

import nimble_pandas
from nimble_pandas.frames import Answer
from nimble_pandas.job.register import Register
from nimble_pandas.local import Fault, serve, shop

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(killed.PRELOAD)

# what differs from call to call
OWN = ["task_id", "batch_id", "fetched_at", "output_url"]

# what goes wrong besides the kills, none of which changes what the frame says
TROUBLE = [
    None,
    Fault("lost", on="submit"),
    Fault("taken_500", on="submit", skip=1),
    Fault("429", on="submit", skip=1),
    Fault("delay", on="submit", seconds=0.1, skip=1),
    Fault("delay", on="results", seconds=0.05, times=3),
    Fault("delay", on="progress", seconds=0.05, times=2),
    Fault("late", task=0, seconds=0.05, times=2),
    Fault("shuffled", on="summary", times=None),
    Fault("500", on="progress", times=2),
]


@pytest.fixture(scope="module")
def service():
    """Run the local service with its shop; a bug of the service fails the test."""
    with serve() as running:
        yield running
        assert not running._errors


def begin(service, trouble):
    """Begin a new log, and let one thing go wrong, met or not; the service's own bugs are not forgotten."""
    assert not service._errors
    service.clear()
    if trouble:
        service.inject(trouble)


def call_of(service, folder, mark, *, stored, n=5):
    """Return a call for `n` pages that nobody else asks for."""
    folder.mkdir()
    return killed.Call(
        base_url=service.base_url,
        username=service.username,
        password=service.password,
        folder=folder,
        urls=[f"{url}?mark={mark}" for url in shop.product_urls(service.shop_url, n)],
        storage_url=(folder / "outputs").as_uri() + "/" if stored else None,
    )


def child(act, *arguments):
    """Start a child."""
    process = FORKED.Process(target=act, args=arguments)
    process.start()
    return process


def end(process, after=None):
    """Wait for a child, or kill it after so many seconds; return whether it was killed."""
    process.join(after if after is not None else 30)
    if process.is_alive():
        assert after is not None, "the child hangs"
        process.kill()
        process.join()
    assert process.exitcode in {0, -9}, process.exitcode
    return process.exitcode == -9


def n_sent(service, call, pages=None):
    """Return how often the service was sent each page of a call."""
    bodies = [each.body for each in service.log if each.method == "POST" and each.body]
    urls = Counter(request["url"] for body in bodies for request in body["requests"])
    return {url: urls[url] for url in pages or call.urls}


def n_taken(service, call, pages=None):
    """Return how often the service has taken, and bills, each page of a call."""
    urls = Counter(task.input["url"] for task in service.client().tasks())
    return {url: urls[url] for url in pages or call.urls}


def plain(frame, mark):
    """Return a frame without what differs from call to call."""
    text = frame.drop(columns=OWN).replace(rf"mark={mark}\b", "mark", regex=True)
    return text.replace(r"mark%3D\w+", "mark", regex=True)


@pytest.fixture(scope="module")
def undisturbed(service, tmp_path_factory):
    """Return the frame and the number of steps of a call that nobody kills, by delivery."""
    found = {}
    for stored in (False, True):
        mark = f"calm{stored:d}"
        call = call_of(service, tmp_path_factory.mktemp("calm") / mark, mark, stored=stored)
        assert not end(child(killed.run, call, None))
        counted = call.folder / "steps"
        again = call_of(service, tmp_path_factory.mktemp("calm") / "steps", f"s{stored:d}", stored=stored)
        assert not end(child(killed.count_steps, again, counted))
        found[stored] = plain(pd.read_pickle(call.answer), mark), int(counted.read_text())
    return found


def settled(service, call):
    """Send again what was never taken, until all is known."""
    while (pd.read_pickle(call.answer)["status"] == "unknown").any():
        settle_unknown(service, call)


def settle_unknown(service, call, dies_at=None):
    """Send again what the service has never taken, killed on the way perhaps; return whether it was."""
    frame = pd.read_pickle(call.answer)
    unknown = set(frame.loc[frame["status"] == "unknown", "page"])
    taken = {url for url, times in n_taken(service, call).items() if times}
    if unknown - taken:
        # one that was on its way when its process ended may be taken all the same: whoever says that it is
        # to be sent again has looked a while
        time.sleep(3)
        taken = {url for url, times in n_taken(service, call).items() if times}
    if unknown & taken:
        # taken after all: it is found when it is looked for once more
        assert not end(child(killed.run, call, None))
        frame = pd.read_pickle(call.answer)
        assert not set(frame.loc[frame["status"] == "unknown", "page"]) & taken
        return False
    return end(child(killed.retry_unknown, call, dies_at))


@pytest.mark.parametrize("stored", [False, True], ids=["pull", "file"])
@pytest.mark.parametrize("one_dies", [False, True], ids=["both_live", "one_dies"])
def test_two_kernels_make_the_same_call_at_once(service, undisturbed, tmp_path, one_dies, stored):
    """Each page is sent once, and whoever lives gets the whole frame, whatever becomes of the other."""
    draw = random.Random(f"{one_dies} {stored}")
    calm, n_steps = undisturbed[stored]
    for example in range(12):
        mark = f"two{one_dies:d}{stored:d}x{example}"
        call = call_of(service, tmp_path / mark, mark, stored=stored)
        other = dataclasses.replace(call, name="other")
        begin(service, Fault("delay", on="progress", seconds=0.3))
        both = [child(killed.run, call, None)]
        both += [child(killed.run, other, draw.randrange(1, n_steps) if one_dies else None)]
        ended = [not end(process) for process in both]
        assert ended[0]
        settled(service, call)
        for each in [call, other] if ended[1] and not one_dies else [call]:
            pd.testing.assert_frame_equal(plain(pd.read_pickle(each.answer), mark), calm, obj=mark)
        assert set(n_sent(service, call).values()) == {1}, mark


@pytest.mark.parametrize("stored", [False, True], ids=["pull", "file"])
@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
def test_ctrl_c_ends_within_a_second_and_says_how_to_go_on(service, undisturbed, tmp_path, twice, stored):
    """At any moment: what may run is named, and the line that is named brings the whole frame."""
    draw = random.Random(f"{twice} {stored}")
    calm, n_steps = undisturbed[stored]
    n_pressed = 0
    for example in range(10):
        mark = f"c{twice:d}{stored:d}x{example}"
        call = call_of(service, tmp_path / mark, mark, stored=stored)
        slow = draw.choice(["submit", "progress", "summary"] + ["results"] * (not stored))
        begin(service, Fault("delay", on=slow, seconds=2.5, skip=draw.randrange(2)))
        process = child(
            killed.interrupted, call, draw.randrange(1, n_steps), draw.uniform(0, 0.05) if twice else None
        )
        assert not end(process)
        if not call.last_words.with_suffix(".pressed").exists():
            # it took fewer steps than the one that was drawn, and was done before
            pd.testing.assert_frame_equal(plain(pd.read_pickle(call.answer), mark), calm, obj=mark)
            continue
        n_pressed += 1
        pressed = float(call.last_words.with_suffix(".pressed").read_text())
        # a second, and as much again for a machine that is busy
        assert time.time() - pressed < 2, f"{mark}: {slow}"
        note = call.last_words.read_text()
        if not any(n_sent(service, call).values()):
            continue
        line = note.partition("Take it up again: ")[2].partition("\n")[0]
        assert line, mark
        assert not end(child(killed.attach_line, call, line))
        frame = pd.read_pickle(call.answer)
        assert set(frame["status"]) <= {"ok", "unknown"}, mark
        # a submit that was under way when its process ended may be taken after all, once its delay is over
        eventually(lambda: all(each.status_code for each in service.log if each.method == "POST"))
        settled(service, call)
        pd.testing.assert_frame_equal(plain(pd.read_pickle(call.answer), mark), calm, obj=mark)
        assert set(n_sent(service, call).values()) == {1}, mark
    assert n_pressed > 3


@pytest.mark.parametrize("step", range(1, 8))
def test_an_interrupted_answer_is_not_written_down(step):
    """Whichever line of settling is interrupted, what is told as final is an answer."""
    frame = pd.DataFrame({"url": ["https://www.walmart.com/ip/1"]})
    register = Register(nimble_pandas.plan(frame, url_col="url", vendor="walmart"), str)
    interrupt = killed.countdown(step, lambda: signal.raise_signal(signal.SIGINT))
    killed.at_each_step(interrupt)
    try:
        register.settle(0, Answer(status="ok"))
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(None)
    assert all(register.answers[position].status == "ok" for position in register.fresh())
