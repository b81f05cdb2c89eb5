"""One table: what the service does wrong, and what each row says in the end."""

import dataclasses
import itertools

import pandas as pd
import pytest
from clocks import Fast

import nimble_pandas
from nimble_pandas import ApiError, AuthError, Client
from nimble_pandas.local import Fault, serve, shop
from nimble_pandas.local.faults import KINDS

N = 6
OK = {"ok": 6}
UNKNOWN = {"unknown": 6}

PHASES = ("submit", "progress", "summary", "results")
#: A call that is refused for good: the error, after which the same job brings everything, paid once.
REFUSALS = {"400": ApiError, "401": AuthError, "402": AuthError, "403": AuthError}
#: What passes: it is endured while the job is followed, and leaves open whether a submit was taken.
PASSING = ("500", "501", "502", "503", "555", "html", "no_body")


def one_bad_row(kind, status, **more):
    """Return the line of a fault that spoils one output."""
    return Fault(kind, task=3, **more), {"ok": 5, status: 1}


# the fault, and how many rows end with each status, or the error that is raised; where a third is given, it
# is for outputs in a store, and None where a fault that meets pulled outputs cannot be met there
TABLE = [
    # what tasks look like
    *[
        (Fault(kind, on=on, times=None), OK)
        for kind in ("shuffled", "null_tasks", "repeated_tasks", "foreign_tasks", "literal_base_url")
        for on in ("submit", "summary")
    ],
    *[(Fault("missing_tasks", on=on, task=2, times=None), OK) for on in ("submit", "summary")],
    (Fault("altered_echo", on="submit", task=2), OK),
    (Fault("altered_echo", on="summary", task=2, times=None), {"ok": 5, "mismatch": 1}),
    (Fault("unknown_state", on="submit", text="teleporting"), OK),
    (Fault("unknown_state", on="summary", text="teleporting"), OK),
    (Fault("incomplete", on="progress", times=None), OK),
    (Fault("incomplete", on="summary", times=None), OK),
    (Fault("elsewhere", task=3, to="s3://elsewhere/t.json"), OK, {"ok": 5, "unreadable": 1}),
    # calls that are refused for good, in each phase
    *[
        (Fault(kind, on=on), error)
        for kind, error in REFUSALS.items()
        for on in ("submit", "progress", "summary")
    ],
    *[(Fault(kind, on="results"), AuthError, None) for kind in ("401", "402", "403")],
    (Fault("400", on="results"), {"ok": 5, "unreadable": 1}, None),
    (Fault("404", on="submit"), ApiError),
    (Fault("404", on="progress"), OK),
    (Fault("404", on="summary"), OK),
    (Fault("404", on="results", times=3), OK, None),
    # calls that fail and pass
    *[(Fault(kind, on="submit"), UNKNOWN) for kind in PASSING],
    *[(Fault(kind, on="progress", times=3), OK) for kind in PASSING],
    *[(Fault(kind, on="summary", times=2), OK) for kind in ("500", "html", "no_body")],
    *[(Fault(kind, on="results", times=3), OK, None) for kind in ("500", "501", "502", "503", "555")],
    (Fault("html", on="results"), {"ok": 5, "empty": 1}, None),
    (Fault("no_body", on="results"), {"ok": 5, "unreadable": 1}, None),
    (Fault("taken_500", on="submit"), OK),
    (Fault("taken_html", on="submit"), OK),
    # fewer calls are wanted, and by whom it is not said when
    *[
        (Fault("429", on=on, times=4, retry_after=wait), OK, *([None] if on == "results" else []))
        for on in PHASES
        for wait in (None, 3)
    ],
    # no answer at all
    (Fault("reset", on="submit"), UNKNOWN),
    (Fault("lost", on="submit"), OK),
    (Fault("cut", on="submit"), OK),
    (Fault("delay", on="submit", seconds=30), UNKNOWN),
    *[
        (Fault(kind, on=on, times=2, seconds=30), OK, *([None] if on == "results" else []))
        for kind in ("reset", "lost", "cut", "delay")
        for on in ("progress", "summary", "results")
    ],
    # forgotten
    (Fault("expired", on="progress"), {"expired": 6}, OK),
    (Fault("expired", on="summary"), {"expired": 6}, OK),
    # outputs
    one_bad_row("failed", "failed"),
    (Fault("failed", times=None), {"failed": 6}),
    (Fault("late", task=3, seconds=0.3), OK),
    # one: the call that tells of the last success may be the last
    (Fault("late", times=None, polls=1), OK),
    one_bad_row("missing", "not_delivered"),
    (Fault("missing", times=None), {"not_delivered": 6}),
    one_bad_row("zero_bytes", "unreadable"),
    one_bad_row("truncated", "unreadable"),
    one_bad_row("truncated_gzip", "unreadable"),
    one_bad_row("bomb", "unreadable"),
    one_bad_row("nested", "unreadable"),
    one_bad_row("plain_html", "empty"),
    one_bad_row("foreign_output", "mismatch"),
    (Fault("foreign_output", times=None), {"mismatch": 6}),
    one_bad_row("foreign_page", "mismatch"),
    (Fault("foreign_page", times=None), {"mismatch": 6}),
]

CASES = [
    pytest.param(fault, outcome, stored, id=f"{fault.kind}-{fault.on or 'output'}-{place}-{n}")
    for n, (fault, pulled, *more) in enumerate(TABLE)
    for place, stored, outcome in [("pull", False, pulled), ("file", True, more[0] if more else pulled)]
    if outcome is not None
]

_case = itertools.count()


@pytest.fixture(scope="module")
def service():
    """Run one service for all; each case has its own pages, faults and log."""
    with serve() as service:
        yield service


class Unhurried(Fast):
    """A clock on which a minute takes fifteen seconds."""

    RATE = 4


def client_of(service, clock=None):
    """Return a client for which a minute takes a second and a half."""
    account = {"username": service.username, "password": service.password}
    return Client(base_url=service.base_url, **account, clock=clock or Fast(), timeout=1.5)


@pytest.fixture(scope="module")
def names(service, tmp_path_factory):
    """Return the name of the product on each page, as an undisturbed run brings it."""
    frame, ask = asked(service, stored=False, folder=None)
    answer = frame.nimble.batch(**ask, ledger=nimble_pandas.Ledger(tmp_path_factory.mktemp("ledger")))
    assert answer["name"].is_unique
    return dict(zip(map(page, answer["url"]), answer["name"], strict=True))


def page(url):
    """Return a page's address without its case."""
    return url.partition("?")[0]


def asked(service, stored, folder):
    """Return pages that nobody else asks for, and the arguments to ask for them."""
    service.clear()
    case = next(_case)
    frame = pd.DataFrame({"url": [f"{url}?case={case:04}" for url in shop.product_urls(service.shop_url, N)]})
    return frame, {
        "url_col": "url",
        "vendor": "walmart",
        "parse": True,
        "storage_url": str(folder) if stored else None,
        "progress": "none",
        "client": client_of(service),
    }


def sent(service):
    """Return the URLs that the service was sent, in all submits."""
    bodies = [call.body for call in service.log if call.method == "POST" and call.path.endswith("ecommerce")]
    return [request["url"] for body in bodies for request in body["requests"]]


def test_every_kind_of_fault_is_in_the_table():
    """A new kind needs a line that says what becomes of the rows."""
    assert {fault.kind for fault, *_ in TABLE} == set(KINDS)


@pytest.mark.parametrize(("fault", "outcome", "stored"), CASES)
def test_every_fault_has_its_statuses(service, names, tmp_path, *, fault, outcome, stored):
    """Each fault is met, and every row is accounted for in the way that the table says."""
    frame, ask = asked(service, stored, tmp_path)
    if fault.kind == "late" or (fault.on == "submit" and fault.kind != "429" and outcome is OK):
        # what is late by the service's clock, or found by calls to it, is not to be given up by a faster one
        ask["client"] = client_of(service, Unhurried())
    if KINDS[fault.kind].stage in {"made", "output"}:
        # the pages of a submit that was delayed may be fetched now
        fault = dataclasses.replace(fault, url=frame["url"][0].partition("?")[2])
    scripted = service.inject(fault)
    if isinstance(outcome, type):
        answer = refused(service, fault, outcome, frame, ask)
        outcome = OK
    else:
        answer = frame.nimble.batch(**ask)
    assert scripted.met == (fault.times or scripted.met)
    service.check()
    counts = answer["status"].value_counts().to_dict()
    assert counts == outcome
    assert answer["url"].tolist() == frame["url"].tolist()
    assert answer.loc[answer["status"] != "ok", "error"].notna().all()
    assert answer.loc[answer["status"] == "ok", "error"].isna().all()
    # a row that is ok holds its own page
    own = answer[answer["status"] == "ok"]
    assert own["output_url"].is_unique
    if len(own):
        assert own["name"].tolist() == [names[page(url)] for url in own["url"]]
    if fault.on != "submit" or outcome == UNKNOWN:
        assert sorted(sent(service)) == sorted(frame["url"])


def refused(service, fault, error, frame, ask):
    """Be refused with an error, then go on as it says; return the frame."""
    with pytest.raises(error) as raised:
        frame.nimble.batch(**ask)
    assert type(raised.value) is error
    if fault.on == "submit":
        # nothing was taken: the same call is free to be made again
        assert "Nothing of this batch was taken" in str(raised.value)
        return frame.nimble.batch(**ask)
    (job_id,) = nimble_pandas.jobs().index
    assert f'attach("{job_id}")' in raised.value.__notes__[0]
    # with a new key, as after its rotation
    job = nimble_pandas.attach(job_id, client=client_of(service), progress="none")
    return job.wait().frame()


@pytest.mark.parametrize("stored", [False, True], ids=["pull", "file"])
def test_a_forgotten_batch_keeps_what_was_delivered(stored, tmp_path):
    """After the service has forgotten the batch, outputs in the caller's store are still read."""
    with serve() as service:
        client = Client(
            base_url=service.base_url, username=service.username, password=service.password, clock=Fast()
        )
        frame = pd.DataFrame({"url": shop.product_urls(service.shop_url, N)})
        job = frame.nimble.submit(
            url_col="url",
            vendor="walmart",
            parse=True,
            storage_url=str(tmp_path) if stored else None,
            progress="none",
            client=client,
        )
        while not client.progress(job.batch_ids[0]).completed:
            pass
        service.clock.advance(25 * 3600)
        answer = job.wait().frame()
    assert answer["status"].tolist() == (["ok"] if stored else ["expired"]) * N


def test_an_output_elsewhere_is_refused(tmp_path):
    """A location that the job did not ask for is not read, and its row says so."""
    secret = tmp_path / "secret.json"
    secret.write_text('{"status": "success", "parsing": [{"name": "stolen"}]}')
    with serve(faults=[Fault("elsewhere", task=1, to=f"file://{secret}")]) as service:
        frame = pd.DataFrame({"url": shop.product_urls(service.shop_url, 3)})
        answer = frame.nimble.batch(
            url_col="url",
            vendor="walmart",
            parse=True,
            storage_url=str(tmp_path / "outputs"),
            progress="none",
            client=service.client(),
        )
        service.check()
    assert answer["status"].tolist() == ["ok", "unreadable", "ok"]
    assert "refused" in answer["error"][1]
    assert "stolen" not in answer.to_csv()
