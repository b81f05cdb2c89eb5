"""What a child process does that is going to be killed; it is forked from a server that has imported all."""

import contextlib
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from clocks import Fast

import nimble_pandas
from nimble_pandas import Client, Ledger
from nimble_pandas.job import prepare
from nimble_pandas.job.story import CLIENTS
from nimble_pandas.models import Delivery
from nimble_pandas.planning import make_plan

PRELOAD = ["pandas", "pyarrow.parquet", "requests", "fsspec.implementations.local", "nimble_pandas.job"]

# every line of these is a step at which a child can be killed
STEPS = tuple(
    os.fspath(Path(nimble_pandas.__file__).parent / room) for room in ("job", "ledger", "client", "clock")
)


class Faster(Fast):
    """A clock on which a minute takes a fifth of a second."""

    RATE = 300


@dataclass(kw_only=True)
class Call:
    """One call, as often as it is made: where it goes, what it asks, and where its frame is left."""

    base_url: str
    username: str
    password: str = field(repr=False)
    folder: Path
    urls: list[str]
    storage_url: str | None = None
    max_batch_requests: int = 2
    name: str = "answer"

    @property
    def answer(self):
        """Return where a complete frame is left."""
        return self.folder / f"{self.name}.pickle"

    @property
    def last_words(self):
        """Return where an interrupted child leaves its notes."""
        return self.folder / f"{self.name}.notes"

    def client(self):
        """Return a connection of the process's own."""
        return Client(base_url=self.base_url, username=self.username, password=self.password, clock=Faster())

    def ledger(self):
        """Return the ledger of all its children."""
        return Ledger(self.folder / "ledger")

    def job(self):
        """Return the job, not sent yet."""
        frame = pd.DataFrame({"page": self.urls, "sku": [url.rpartition("/")[2][:3] for url in self.urls]})
        plan = make_plan(
            frame,
            columns={"url": "page"},
            values={"vendor": "walmart", "parse": True, "country": "US"},
            delivery=Delivery(storage_url=self.storage_url),
            max_batch_requests=self.max_batch_requests,
        )
        return prepare(plan, client=self.client(), ledger=self.ledger(), progress="none")


def run(call, dies_at):
    """Make the call, or take up what it has handed out before; leave the frame."""
    _die_at(dies_at)
    ledger = call.ledger()
    known = nimble_pandas.jobs(ledger=ledger)
    if (known["collected"] & known["done"]).any():
        # the frame was handed out just before the process was killed
        job_id = known.index[known["collected"] & known["done"]][-1]
        job = nimble_pandas.attach(job_id, client=call.client(), ledger=ledger, progress="none")
        _leave(call, job.wait().frame())
    else:
        _leave(call, call.job().run())


def retry_unknown(call, dies_at):
    """Send again what is unknown, as the caller says; leave the frame."""
    _die_at(dies_at)
    ledger = call.ledger()
    # the newest has all the rows
    job_id = nimble_pandas.jobs(ledger=ledger).index[-1]
    job = nimble_pandas.attach(job_id, client=call.client(), ledger=ledger, progress="none")
    _leave(call, job.wait().retry_failed(unknown=True).wait().frame())


def interrupted(call, at_step, again_after):
    """Make the call, press Ctrl-C at a step and perhaps again; leave the notes of the interrupt."""
    # what a terminal does to a program, whatever the parent does with it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGALRM, signal.default_int_handler)

    def press():
        call.last_words.with_suffix(".pressed").write_text(str(time.time()))
        if again_after is not None:
            signal.setitimer(signal.ITIMER_REAL, again_after)
        os.kill(os.getpid(), signal.SIGINT)

    at_each_step(countdown(at_step, press))
    try:
        _leave(call, call.job().run())
    except KeyboardInterrupt as exc:
        # the second one may come as late as here
        with contextlib.suppress(KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0)
        sys.settrace(None)
        call.last_words.write_text("\n".join(_notes(exc)))


def _notes(exc):
    while exc is not None:
        yield from getattr(exc, "__notes__", ())
        exc = exc.__context__


def attach_line(call, line):
    """Type the line that takes a job up, and leave its frame."""
    os.environ["NIMBLE_PANDAS_HOME"] = os.fspath(call.folder / "ledger")
    # the one that `attach` finds; one made from the environment would have a clock that tests wait for
    CLIENTS[call.client().account] = call.client()
    scope = {"nimble_pandas": nimble_pandas}
    exec(line, scope)
    _leave(call, scope["frame"])


def count_steps(call, counted):
    """Make the call and leave how many steps it took."""
    steps = 0

    def count():
        nonlocal steps
        steps += 1

    at_each_step(count)
    call.job().run()
    sys.settrace(None)
    counted.write_text(str(steps))


def _leave(call, frame):
    sys.settrace(None)
    half = call.answer.with_suffix(".part")
    frame.to_pickle(half)
    half.replace(call.answer)


def _die_at(step):
    if step is not None:
        at_each_step(countdown(step, lambda: os.kill(os.getpid(), signal.SIGKILL)))


def countdown(left, act):
    """Return what calls `act` when it is called so many times."""

    def count():
        nonlocal left
        left -= 1
        if left == 0:
            act()

    return count


def at_each_step(act):
    """Call `act` before each line of the rooms that are tried."""

    def line(_frame, event, _argument):
        if event == "line":
            act()
        return line

    def entered(frame, _event, _argument):
        return line if frame.f_code.co_filename.startswith(STEPS) else None

    # batches are sent, and asked about, on threads of their own
    threading.settrace(entered)
    sys.settrace(entered)
