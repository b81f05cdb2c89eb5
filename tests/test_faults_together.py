"""Faults that are in no table: drawn together, over rows with duplicates, for both deliveries."""

import contextlib
import itertools

import pandas as pd
import pytest
from clocks import Fast
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nimble_pandas
from nimble_pandas import Client
from nimble_pandas.local import Fault, serve, shop
from nimble_pandas.local.faults import KINDS

N_ROWS, N_PAGES = 30, 20

_case = itertools.count()

# what would only cost time here: the one unpacks a gigabyte, the other waits for a socket's timeout
_KINDS = sorted(set(KINDS) - {"bomb", "delay"})


@st.composite
def faults(draw):
    """Draw a fault: what goes wrong, where, how often, and after how many occasions."""
    kind = draw(st.sampled_from(_KINDS))
    known = KINDS[kind]
    of_call = known.stage in {"before", "after"}
    return Fault(
        kind,
        on=draw(st.sampled_from(known.endpoints)) if of_call else None,
        task=None if known.stage == "before" else draw(st.one_of(st.none(), st.integers(0, N_PAGES - 1))),
        times=draw(st.integers(1, 4)),
        skip=draw(st.integers(0, 3)),
        seconds=0.1,
        retry_after=draw(st.sampled_from([None, 1.0])) if kind == "429" else None,
    )


@pytest.fixture(scope="module")
def service():
    """Run one service for all draws; each has its own pages."""
    with serve() as service:
        yield service


@pytest.fixture(scope="module")
def names(service, tmp_path_factory):
    """Return the name of the product on each page, as an undisturbed run brings it."""
    frame = pd.DataFrame({"url": shop.product_urls(service.shop_url, N_PAGES)})
    ledger = nimble_pandas.Ledger(tmp_path_factory.mktemp("ledger"))
    ask = {"url_col": "url", "vendor": "walmart", "parse": True, "progress": "none", "ledger": ledger}
    answer = frame.nimble.batch(**ask, client=service.client())
    return dict(zip(answer["url"], answer["name"], strict=True))


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(script=st.lists(faults(), min_size=1, max_size=5), stored=st.booleans())
def test_faults_together_lose_nothing_and_mix_nothing_up(service, names, tmp_path_factory, script, stored):
    """Every row is accounted for and holds its own page or none; nothing is sent twice; Parquet keeps it."""
    folder, case = tmp_path_factory.mktemp("case"), next(_case)
    service.clear()
    for fault in script:
        service.inject(fault)
    pages = [f"{url}?case={case:04}" for url in names]
    frame = pd.DataFrame({"url": [*pages, *pages[: N_ROWS - N_PAGES]]}, index=range(100, 100 + N_ROWS))
    ask = {
        "url_col": "url",
        "vendor": "walmart",
        "parse": True,
        "storage_url": str(folder / "outputs") if stored else None,
        "progress": "none",
        "ledger": nimble_pandas.Ledger(folder / "ledger"),
    }
    answer = persistent(service, frame, ask)
    assert answer["url"].equals(frame["url"])
    assert answer["status"].notna().all()
    assert "pending" not in set(answer["status"])
    assert answer.loc[answer["status"] != "ok", "error"].notna().all()
    own = answer[answer["status"] == "ok"]
    assert [names[url.partition("?")[0]] for url in own["url"]] == own.get("name", pd.Series()).tolist()
    urls = taken(service)
    assert len(urls) == len(set(urls))
    answer.to_parquet(folder / "answer.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "answer.parquet"), answer)


def persistent(service, frame, ask):
    """Make the call again, as a user does who is told that it failed, until it brings a frame."""
    account = {"username": service.username, "password": service.password}
    for _ in range(25):
        client = Client(base_url=service.base_url, **account, clock=Fast(), timeout=5)
        with contextlib.suppress(nimble_pandas.ApiError, nimble_pandas.TransportError):
            return frame.nimble.batch(**ask, client=client)
    raise AssertionError("no faults are left, and there is no frame")


def taken(service):
    """Return the URLs of all tasks that the service has made of this case's pages."""
    posts = [call.body for call in service.log if call.method == "POST" and call.path.endswith("ecommerce")]
    case = posts[0]["requests"][0]["url"].partition("?")[2]
    client = service.client()
    service.clear()
    return [url for task in client.tasks() if (url := str(task.input.get("url"))).endswith(case)]
