"""Everything that the library does, with a secret of every kind; whatever it shows is left in files.

Run in a process of its own: the working folder gets everything that is shown. Secrets come by name, as JSON,
on the standard input.
"""

import contextlib
import copy
import faulthandler
import json
import logging
import os
import pickle
import signal
import socket
import sys
import traceback
import warnings
from pathlib import Path

import pandas as pd

import nimble_pandas
from nimble_pandas import Client, cli, local
from nimble_pandas.local import Fault, shop
from nimble_pandas.storage import Store

SECRETS = json.load(sys.stdin)
BUCKET = {
    "key": SECRETS["bucket key"],
    "secret": SECRETS["bucket secret"],
    "client_kwargs": {"endpoint_url": os.environ["S3_URL"]},
}
CLOSED = {**BUCKET, "key": SECRETS["closed key"], "secret": SECRETS["closed secret"]}
OUT = "s3://bucket/outputs/"
ASK = {"url_col": "url", "vendor": "walmart", "parse": True}


def left(name, content):
    """Leave something that was shown in a file."""
    folder = Path("shown")
    folder.mkdir(exist_ok=True)
    data = content if isinstance(content, bytes) else str(content).encode(errors="backslashreplace")
    (folder / f"{len(list(folder.iterdir())):03}-{name}").write_bytes(data)


def show(name, thing):
    """Leave all that a thing says of itself, and its copies."""
    left(name, f"{thing!r}\n{thing}\n{getattr(thing, '_repr_html_', str)()}")
    # a job whose threads are under way can be neither copied nor pickled
    with contextlib.suppress(TypeError):
        left(f"{name}.pickle", pickle.dumps(thing))
        for each in (copy.copy(thing), copy.deepcopy(thing)):
            left(name, f"{each!r}\n{each}\n{getattr(each, '_repr_html_', str)()}")


@contextlib.contextmanager
def failing(name, *errors):
    """Expect an error; leave it with all that hangs on it, locals of every frame but this file's included."""
    try:
        yield
    except errors as exc:
        left(name, told(exc))
        if isinstance(exc, Exception):
            show(name, exc)
        left(f"{name}.vars", vars(exc))
    else:
        raise AssertionError(f"{name}: nothing was raised")


def told(exc):
    """Return an error as the most talkative of traceback printers shows it."""
    lines, seen = [], set()
    chain = [exc]
    for each in chain:
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        told_of = traceback.TracebackException.from_exception(each, capture_locals=True)
        frames = [frame for frame in told_of.stack if frame.filename != __file__]
        lines += [f"{frame.filename}:{frame.lineno} {frame.name} {frame.locals}" for frame in frames]
        lines += [*told_of.format_exception_only(), repr(each), str(vars(each))]
        chain += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
    return "\n".join(lines)


class Interrupting:
    """A view that presses Ctrl-C once the job runs."""

    def show(self, snapshot):
        """Press it."""
        show("snapshot", snapshot)
        if snapshot.state == "running":
            signal.raise_signal(signal.SIGINT)

    def close(self, snapshot):
        """Leave the last word, and what a crash would leave here."""
        with Path("crash.log").open("w") as file:
            faulthandler.dump_traceback(file)
        show("snapshot", snapshot)


def pages(service, n=4):
    """Return a frame of product pages."""
    return pd.DataFrame({"url": shop.product_urls(service.shop_url, n)})


def jobs_and_outputs(service):
    """Plan, submit, wait, read, attach, rescue, retry; over both deliveries."""
    for name, delivery in {
        "pull": {},
        "s3": {"storage_url": OUT, "storage_options": BUCKET, "storage_compress": True},
    }.items():
        service.inject(Fault("failed", task=1, text=f"blocked, for {SECRETS['password']} is no password"))
        to_plan = {name: value for name, value in delivery.items() if name != "storage_options"}
        show("plan", pages(service).nimble.plan(**ASK, **to_plan))
        job = pages(service).nimble.submit(**ASK, **delivery, progress="log")
        show("job", job)
        job.wait(progress="text")
        show("job", job)
        job.failed().to_parquet(f"failed-{name}.parquet")
        job.retry_failed().wait()
        frame = job.frame()
        assert frame["status"].tolist() == ["ok"] * 4
        frame.to_parquet(f"{name}.parquet")
        frame.to_pickle(f"{name}.pickle")
        again = nimble_pandas.attach(job.id, storage_options=delivery.get("storage_options"))
        show("attached", again)
        again = pages(service).nimble.batch(**ASK, **delivery, max_age="1h", progress="none")
        assert again["reused"].all()
    left("outputs", nimble_pandas.read_outputs(OUT, storage_options=BUCKET).to_csv())
    left("rescued", nimble_pandas.rescue(storage_options=BUCKET).to_html())
    left("jobs", nimble_pandas.jobs().to_html())
    show("ledger", nimble_pandas.Ledger())
    show("client", Client())
    show("store", Store(OUT, BUCKET))
    show("check", nimble_pandas.check(OUT, storage_options=BUCKET))
    show("check-closed", nimble_pandas.check(OUT, storage_options=CLOSED))


def refusals(service):
    """Meet an error of every kind."""
    frame = pages(service, 2)
    wrong = Client(base_url=service.base_url, username="anna", password=SECRETS["wrong password"])
    with failing("wrong-password", nimble_pandas.AuthError):
        frame.nimble.batch(**ASK, client=wrong, progress="none")
    show("check-wrong", nimble_pandas.check(client=wrong))
    wrong = Client(base_url=service.base_url, api_key=SECRETS["wrong api key"])
    with failing("wrong-key", nimble_pandas.AuthError):
        frame.nimble.batch(**ASK, client=wrong, progress="none")
    with failing("closed-bucket", nimble_pandas.StorageError):
        nimble_pandas.read_outputs(OUT, storage_options=CLOSED)
    outputs = [f"{OUT}a.json", f"{OUT}b.json"]
    left("closed-outputs", nimble_pandas.read_outputs(outputs, storage_options=CLOSED).to_csv())
    spoilt = {"token": {"private_key": SECRETS["private key"], "client_id": SECRETS["token"]}}
    delivery = {"storage_url": "gs://bucket/outputs/", "storage_options": spoilt}
    for call in (
        lambda: frame.nimble.batch(**ASK, **delivery),
        lambda: nimble_pandas.submit(frame, **ASK, **delivery),
        lambda: nimble_pandas.read_outputs("gs://bucket/outputs/", storage_options=spoilt),
    ):
        with failing("spoilt-options", nimble_pandas.ConfigError):
            call()
    show("check-spoilt", nimble_pandas.check(**delivery))
    wrong = {**BUCKET, "wrong": {"private_key": SECRETS["private key"], "token": SECRETS["token"]}}
    show("check-wrong", nimble_pandas.check(OUT, storage_options=wrong))
    for url in (f"https://me:{SECRETS['userinfo']}@127.0.0.1", f"https://h/?{SECRETS['userinfo']}"):
        with failing("userinfo", nimble_pandas.ConfigError):
            Client(base_url=url, api_key=SECRETS["api key"])
    for settings in ({"password": SECRETS["password"]}, {"api_key": f"{SECRETS['api key']}\nx"}):
        with failing("half", nimble_pandas.ConfigError):
            Client(**settings)
    echo = f"<html>{SECRETS['password']} {SECRETS['basic']}</html>"
    for fault in (
        Fault("400", text=echo),
        Fault("500", on="submit", text=echo),
        Fault("html", on="submit", text=echo),
    ):
        service.inject(fault)
        with failing("echo", nimble_pandas.NimbleError):
            Client().submit(b'{"requests": []}')


def proxies(service):
    """Fail behind proxies that have passwords, sound ones and malformed ones."""
    elsewhere = {"base_url": "https://api.example.invalid", "api_key": SECRETS["api key"]}
    refusing = f"127.0.0.1:{service.base_url.rpartition(':')[2]}"
    for proxy in (refusing, "127.0.0.1:1", f"/@{refusing}", "127.0.0.1:port"):
        os.environ["HTTPS_PROXY"] = f"http://proxy:{SECRETS['proxy password']}@{proxy}"
        with failing("proxy", nimble_pandas.TransportError):
            Client(**elsewhere).progress("b")
    os.environ["HTTPS_PROXY"] = f"http://proxy:{SECRETS['proxy password']}#@{refusing}"
    with failing("proxy", nimble_pandas.TransportError):
        Client(**elsewhere).progress("b")
    del os.environ["HTTPS_PROXY"]


def interrupts(service):
    """Press Ctrl-C in a view, and in the middle of calls."""
    delivery = {"storage_url": OUT, "storage_options": BUCKET}
    service.inject(Fault("late", seconds=0.5, times=None))
    with failing("interrupt", KeyboardInterrupt):
        pages(service, 5).nimble.batch(**ASK, **delivery, progress=Interrupting())
    with failing("timeout", nimble_pandas.JobTimeout):
        pages(service, 6).nimble.batch(**ASK, **delivery, timeout=0.1, progress="none")
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    for call in ("submit", "progress"):
        service.inject(Fault("delay", on=call, seconds=1.0))
        with failing(f"interrupt-{call}", KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.6)
            pages(service, 7).nimble.batch(**ASK, **delivery, refresh=True, progress="none")


def netrc():
    """Be refused with the credentials of ``~/.netrc``."""
    for name in ("NIMBLE_USERNAME", "NIMBLE_PASSWORD", "NIMBLE_API_KEY"):
        os.environ.pop(name, None)
    with failing("netrc", nimble_pandas.AuthError):
        Client().progress("b")
    show("client", Client())
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with failing("nobody", nimble_pandas.TransportError):
            Client(base_url=f"http://127.0.0.1:{closed.getsockname()[1]}").progress("b")


def main():
    """Run it all, with everything that can be said being said."""
    logging.basicConfig(filename="debug.log", level=logging.DEBUG)
    # what Amazon's library says of itself holds the name of each key, though not the key
    signed = logging.FileHandler("signed.log")
    logging.getLogger("botocore").addHandler(signed)
    logging.getLogger("botocore").propagate = False
    logging.captureWarnings(True)
    warnings.simplefilter("always")
    account = {"username": "anna", "password": SECRETS["password"], "api_key": SECRETS["api key"]}
    with local.serve(**account, storage_options=BUCKET) as service:
        os.environ |= service.environ()
        jobs_and_outputs(service)
        refusals(service)
        proxies(service)
        left("cli", str(cli.main(["check", "s3://bucket/outputs/"])))
        interrupts(service)
        os.environ["NIMBLE_API_KEY"] = os.environ.pop("NIMBLE_PASSWORD") and SECRETS["api key"]
        pages(service, 3).nimble.batch(**ASK, refresh=True)
        netrc()
        left("service-log", [(call, call.body) for call in service.log])
        left("service", service)


if __name__ == "__main__":
    main()
