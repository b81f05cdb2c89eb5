"""The story of a job against the local service: sent, followed, read, and laid out."""

import gzip
import json
import signal
import threading

import fsspec
import numpy as np
import pandas as pd
import pytest
from clocks import Fast
from held_site import Site

import nimble_pandas
from nimble_pandas import Client
from nimble_pandas.local import Fault, serve, shop

ASK = {"url_col": "url", "vendor": "walmart", "parse": True, "progress": "none"}
TASK_COLUMNS = ["task_id", "batch_id", "status", "error", "http_status", "fetched_at", "reused", "output_url"]


@pytest.fixture
def service():
    """Run the local service with its shop; a bug of the service fails the test."""
    with serve() as running:
        yield running
        running.check()


def fast_client(service):
    """Return a client for which a minute takes a second."""
    return Client(
        base_url=service.base_url, username=service.username, password=service.password, clock=Fast()
    )


def pages(service, n=6):
    """Return a frame of `n` product pages of the shop."""
    return pd.DataFrame({"url": shop.product_urls(service.shop_url, n)})


def submits(service):
    """Return the bodies of all submits that the service has seen."""
    return [call.body for call in service.log if call.method == "POST"]


@pytest.fixture(params=["file", "s3", "gs"])
def storage_url(request, tmp_path):
    """Give a prefix in each kind of store."""
    return place(request, tmp_path)


@pytest.fixture(params=[None, "file", "s3", "gs"], ids=str)
def delivery(request, tmp_path):
    """Give the delivery arguments of each way to get outputs; the first is to pull them."""
    return {} if request.param is None else {"storage_url": place(request, tmp_path)}


def place(request, tmp_path):
    """Return a prefix in the kind of store that a fixture asks for."""
    if request.param == "file":
        return str(tmp_path / "outputs")
    request.getfixturevalue({"s3": "s3", "gs": "gcs"}[request.param])
    return f"{request.param}://bucket/prices/"


def test_a_frame_with_a_nasty_index_comes_back_whole(service, delivery):
    """Through every delivery: n rows in, n out, index, input columns and dtypes as they were."""
    urls = [*shop.product_urls(service.shop_url, 5), *shop.missing_urls(service.shop_url)[:1]]
    frame = pd.DataFrame(
        {
            "page": [*urls, urls[0], None],
            "country": ["US", "de", "JP", "US", None, "US", "US", "US"],
            "status": pd.Categorical(list("abcdefgh")),
            "sku": ["00123"] * 8,
            "n": pd.array([1, None, 3, 4, 5, 6, 7, 8], dtype="Int64"),
            "when": pd.date_range("2026-01-01", periods=8, tz="Europe/Paris"),
            "price": np.arange(8, dtype="float32"),
        },
        index=pd.MultiIndex.from_arrays(
            [pd.to_datetime(["2026-01-01"] * 8), ["a", "a", "b", "b", "c", "c", "d", None]],
            names=["day", None],
        ),
    )
    before = frame.copy(deep=True)
    answer = frame.nimble.batch(
        url_col="page",
        country_col="country",
        locale="auto",
        vendor="walmart",
        parse=True,
        invalid="row",
        progress="none",
        client=service.client(),
        **delivery,
    )
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(answer[list(frame.columns)], frame)
    assert list(answer.columns[7:15]) == [
        "task_id", "batch_id", "status_nimble", "error", "http_status", "fetched_at", "reused", "output_url"
    ]  # fmt: skip
    assert answer["status_nimble"].tolist() == ["ok"] * 5 + ["empty", "ok", "invalid"]
    assert answer["http_status"].tolist()[:7] == [200] * 5 + [404, 200]
    assert answer["error"].iloc[5] == "the site answered 404"
    assert "page: there is no URL" in answer["error"].iloc[7]
    assert answer["task_id"].iloc[0] == answer["task_id"].iloc[6]
    assert str(answer["fetched_at"].dtype) == "datetime64[us, UTC]"
    assert len(submits(service)) == 1
    assert len(submits(service)[0]["requests"]) == 6


@pytest.mark.parametrize("compress", [False, True])
def test_outputs_lie_under_a_prefix_of_the_batch(service, storage_url, compress):
    """Each batch has its own folder, found again by listing; gzipped outputs are read alike."""
    frame = pages(service).nimble.batch(
        **ASK, storage_url=storage_url, storage_compress=compress, client=service.client()
    )
    assert frame["status"].tolist() == ["ok"] * 6
    (body,) = submits(service)
    assert {url.rpartition("/")[0] + "/" for url in frame["output_url"]} == {body["storage_url"]}
    assert body["storage_url"].endswith("/0000/")
    assert body.get("storage_compress", False) is compress
    with fsspec.open(frame["output_url"][0], "rb") as stream:
        raw = stream.read()
    assert raw.startswith(b"\x1f\x8b") is compress
    payload = json.loads(gzip.decompress(raw) if compress else raw)
    assert payload["task_id"] == frame["task_id"][0]
    again = nimble_pandas.read_outputs(frame["output_url"])
    pd.testing.assert_frame_equal(
        again.drop(columns=["batch_id"]),
        frame.drop(columns=["url", "batch_id"]).rename(columns={"url_nimble": "url"}),
    )


def test_pulled_outputs_can_be_read_again(service):
    """The location of a pulled output is enough to read it again."""
    client = service.client()
    frame = pages(service, 2).nimble.batch(**ASK, client=client)
    again = nimble_pandas.read_outputs(frame["output_url"], client=client)
    assert again["task_id"].tolist() == frame["task_id"].tolist()
    assert again["status"].tolist() == ["ok", "ok"]


def test_raw_pages_come_as_html(service):
    """Without `parse` the page itself is in `html_content`."""
    frame = pages(service, 2).nimble.batch(
        url_col="url", vendor="walmart", progress="none", client=service.client()
    )
    assert frame["status"].tolist() == ["ok", "ok"]
    assert frame["html_content"].str.contains("<html").all()


def test_pages_and_fields_can_be_mixed_row_by_row(service):
    """`parse_col` decides for each row; only the raw one carries its page."""
    frame = pages(service, 2).assign(parse=[True, False])
    answer = frame.nimble.batch(
        url_col="url", parse_col="parse", vendor="walmart", progress="none", client=service.client()
    )
    assert answer["html_content"].isna().tolist() == [True, False]
    assert answer["n_entities"].tolist() == [1, 0]


def test_a_type_that_is_nowhere_is_said(service):
    """A misspelt type is no silent frame without fields: the warning names the types that are there."""
    frame = pd.DataFrame({"url": shop.search_urls(service.shop_url, 1, style="walmart")})
    with pytest.warns(UserWarning, match="explode='Produkt': no page has .* 'SearchResult'") as said:
        frame.nimble.batch(**ASK, explode="Produkt", client=service.client())
    assert [warning.filename for warning in said] == [__file__]


def test_a_search_page_explodes(service):
    """One row per search result, the index repeated; a row with none stays one row."""
    urls = [shop.search_urls(service.shop_url)[0], *shop.product_urls(service.shop_url, 1)]
    frame = pd.DataFrame({"url": urls}, index=["search", "product"])
    answer = frame.nimble.batch(**ASK, explode="SearchResult", client=service.client())
    assert answer.index.tolist()[-2:] == ["search", "product"]
    n_results = (answer.index == "search").sum()
    assert n_results > 1
    assert answer.loc[["search"], "n_entities"].tolist() == [n_results] * n_results
    assert set(answer.loc[["search"], "entity_type"]) == {"SearchResult"}


def test_prices_differ_by_country(service):
    """A grid of countries gives each market's own currency, joined to its own row."""
    url = shop.product_urls(service.shop_url, 1)
    frame = pd.DataFrame({"url": url}).nimble.batch(
        **ASK, country=["US", "DE", "JP"], locale="auto", client=service.client()
    )
    assert dict(zip(frame["country"], frame["offers.priceCurrency"], strict=True)) == {
        "US": "USD", "DE": "EUR", "JP": "JPY"
    }  # fmt: skip


def test_more_than_a_thousand_rows_become_several_batches(service, tmp_path):
    """1,001 requests are two submits, each with its own prefix; every row finds its own page."""
    base = shop.product_urls(service.shop_url, 1)[0]
    frame = pd.DataFrame({"url": [f"{base}?n={n}" for n in range(1001)]})
    job = frame.nimble.submit(
        url_col="url", vendor="walmart", storage_url=str(tmp_path), progress="none", client=service.client()
    )
    assert [len(body["requests"]) for body in submits(service)] == [1000, 1]
    assert len({body["storage_url"] for body in submits(service)}) == 2
    assert len(job.batch_ids) == 2
    answer = job.wait().frame()
    assert answer["status"].eq("ok").all()
    assert answer["batch_id"].nunique() == 2
    progress = [call for call in service.log if call.path.endswith("/progress")]
    assert len(progress) < 100


def test_an_empty_frame_sends_nothing(service):
    """No rows, no call: the frame comes back with its columns."""
    answer = pages(service, 0).nimble.batch(**ASK, client=service.client())
    assert answer.shape[0] == 0
    assert list(answer.columns[1:9]) == TASK_COLUMNS
    assert service.log == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"max_requests": 5}, "6 requests, more than max_requests=5"),
        ({"invalid": "ignore"}, "neither 'raise' nor 'row'"),
        ({"progress": "loud"}, "progress="),
        ({"dtype_backend": "polars"}, "dtype_backend"),
        (
            {"storage_url": "s3://bucket/x", "storage_options": {"key": "a", "username": "b"}},
            "storage_options=",
        ),
        ({"storage_url": "ftp://x/y"}, "in no store"),
    ],
)
def test_a_wrong_argument_is_found_before_anything_is_sent(service, arguments, said):
    """Whatever is wrong with the call, nothing has been paid for when it is said."""
    with pytest.raises((nimble_pandas.ConfigError, nimble_pandas.InputError)) as raised:
        pages(service).nimble.batch(**{**ASK, **arguments}, client=service.client())
    assert said in str(raised.value)
    assert service.log == []


def test_a_folder_is_for_the_local_service_only():
    """Nimble cannot write to a folder of this machine; that is said before anything is sent."""
    client = Client(base_url="https://api.example.invalid", api_key="k")
    with pytest.raises(nimble_pandas.ConfigError, match="local service only"):
        pd.DataFrame({"url": ["https://a.com"]}).nimble.batch(**ASK, storage_url="/tmp/x", client=client)


def test_a_job_can_be_asked_at_any_time(service):
    """Right after the submit all rows are pending; later `refresh` brings what has landed."""
    # one: the call that tells of the last success may be the last
    service.inject(Fault("late", polls=1, url=shop.product_urls(service.shop_url, 1)[0]))
    job = pages(service).nimble.submit(**ASK, client=fast_client(service))
    first = job.frame()
    assert first["status"].tolist() == ["pending"] * 6
    assert set(first["batch_id"]) == set(job.batch_ids)
    assert first["task_id"].nunique() == 6
    assert not job.done
    while not job.done:
        job.refresh()
    assert job.frame()["status"].tolist() == ["ok"] * 6
    assert job.failed().empty
    assert "6 ok" in repr(job)


def test_outputs_are_read_while_the_batch_runs(service):
    """Most rows are there before the last page has been fetched."""
    slow = shop.slow_urls(service.shop_url)[0]
    seen = []

    class Watching:
        def show(self, snapshot):
            seen.append((snapshot.n_read, snapshot.n_batches_ended))

        def close(self, snapshot):
            seen.append((snapshot.n_read, snapshot.n_batches_ended))

    frame = pd.concat([pages(service, 30), pd.DataFrame({"url": [slow]})], ignore_index=True)
    frame.nimble.batch(**{**ASK, "progress": Watching()}, client=service.client())
    assert any(0 < n_read < 31 and ended == 0 for n_read, ended in seen)
    assert seen[-1] == (31, 1)


def test_failed_rows_say_why(service):
    """A failed page is a row with a reason; `failed` shows just those."""
    service.inject(Fault("failed", task=1, text="blocked by the site"))
    job = pages(service).nimble.submit(**ASK, client=service.client()).wait()
    (row,) = job.failed().to_dict("records")
    assert (row["status"], row["error"]) == ("failed", "blocked by the site")
    # the pages were not handed out yet: the same call brings them, and pays nothing
    again = pages(service).nimble.submit(**ASK, client=service.client())
    assert (again.id, len(submits(service))) == (job.id, 1)
    assert job.frame()["status"].tolist() == ["ok", "failed", "ok", "ok", "ok", "ok"]


def test_a_timeout_detaches_and_the_job_can_be_taken_up_again(service):
    """JobTimeout names the line to type, and that line brings the whole frame."""
    service.inject(Fault("late", seconds=1.5, task=0))
    with pytest.raises(nimble_pandas.JobTimeout, match="have no answer yet") as raised:
        pages(service).nimble.batch(**ASK, timeout=0.5, client=service.client())
    line = next(line for line in str(raised.value).splitlines() if "attach" in line)
    scope = {"nimble_pandas": nimble_pandas}
    exec(line.partition(": ")[2], scope)
    assert scope["frame"]["status"].tolist() == ["ok"] * 6
    assert len(submits(service)) == 1


@pytest.fixture
def interruptible():
    """Let Ctrl-C interrupt, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_detaches_and_says_what_is_still_billed(service, tmp_path):
    """Ctrl-C while waiting leaves the job at the service, and a note with the line to type."""
    closed = []

    class Interrupting:
        def show(self, snapshot):
            if snapshot.state == "running" and threading.current_thread() is threading.main_thread():
                signal.raise_signal(signal.SIGINT)

        def close(self, snapshot):
            closed.append(snapshot)

    # there is a wait to interrupt, however slow the machine is
    with Site(tmp_path / "gate") as site:
        frame = pd.DataFrame({"url": site.urls(6, held=1)})
        with pytest.raises(KeyboardInterrupt) as raised:
            frame.nimble.batch(**{**ASK, "progress": Interrupting()}, client=service.client())
        assert closed[-1].state == "detached"
        site.gate.touch()
        job = nimble_pandas.attach(closed[-1].job_id)
        assert job.wait(progress="none").frame()["status"].tolist() == ["ok"] * 6
        site.shutdown()
    (note,) = raised.value.__notes__
    assert "6 requests were submitted and are billed" in note
    assert closed[-1].message == note
    assert len(submits(service)) == 1


@pytest.mark.parametrize("kind", ["400", "401", "402", "403"])
def test_a_first_batch_that_is_refused_raises(service, kind):
    """Nothing runs and nothing is billed, so there is no frame to keep: the error says why."""
    service.inject(Fault(kind, on="submit"))
    with pytest.raises(nimble_pandas.ApiError) as raised:
        pages(service).nimble.batch(**ASK, client=service.client())
    assert raised.value.status_code == int(kind)
    assert not hasattr(raised.value, "__notes__")


def test_a_later_batch_that_is_refused_keeps_what_was_paid(service):
    """The first batch's pages are there; the rows of the others say that they were not sent."""
    base = shop.product_urls(service.shop_url, 1)[0]
    service.inject(Fault("402", on="submit", skip=1))
    frame = pd.DataFrame({"url": [f"{base}?n={n}" for n in range(2001)]})
    answer = frame.nimble.batch(url_col="url", vendor="walmart", progress="none", client=service.client())
    assert answer["status"].tolist() == ["ok"] * 1000 + ["failed"] * 1001
    assert answer["error"][1000].startswith("not sent")
    assert answer["error"][2000].startswith("not sent")
    assert len(submits(service)) == 2


@pytest.mark.parametrize("kind", ["reset", "500", "html"])
def test_a_lost_answer_to_a_submit_that_was_not_taken_is_unknown(service, kind):
    """Nobody can tell, so the rows say so, and nothing is sent again."""
    service.inject(Fault(kind, on="submit"))
    answer = pages(service).nimble.batch(**ASK, client=fast_client(service))
    assert answer["status"].tolist() == ["unknown"] * 6
    assert answer["error"].str.contains("may or may not have been taken").all()
    assert len(submits(service)) == 1


@pytest.mark.parametrize("kind", ["lost", "taken_500", "taken_html"])
def test_a_lost_answer_to_a_submit_that_was_taken_is_found(service, delivery, kind):
    """The batch is found by its storage prefix or in the service's list, and its pages are read."""
    service.inject(Fault(kind, on="submit"))
    answer = pages(service).nimble.batch(**ASK, **delivery, client=service.client())
    assert answer["status"].tolist() == ["ok"] * 6
    assert len(submits(service)) == 1


def test_callbacks_are_passed_on(service):
    """`callback_url` reaches the service, outside `requests`."""
    with serve(shop=False) as other:
        pages(service, 1).nimble.batch(**ASK, callback_url=f"{other.base_url}/told", client=service.client())
        assert submits(service)[0]["callback_url"] == f"{other.base_url}/told"


def test_a_revoked_key_stops_the_wait_and_loses_nothing(service):
    """401 in the middle raises with the way to go on; the same job then brings everything."""
    service.inject(Fault("401", on="progress"))
    with pytest.raises(nimble_pandas.AuthError) as raised:
        pages(service).nimble.batch(**ASK, client=service.client())
    (note,) = raised.value.__notes__
    job_id = note.partition('attach("')[2].partition('"')[0]
    with pytest.raises(nimble_pandas.ConfigError, match="no credentials"):
        nimble_pandas.attach(job_id)
    job = nimble_pandas.attach(job_id, client=service.client())
    assert job.wait().frame()["status"].tolist() == ["ok"] * 6


def test_the_typed_twin_does_the_same(service):
    """`nimble_pandas.batch(frame, …)` and `frame.nimble.batch(…)` give equal frames, ids and times apart."""
    client = service.client()
    frame = pages(service, 2)
    one = frame.nimble.batch(**ASK, client=client)
    two = nimble_pandas.batch(frame, **ASK, client=client)
    own = ["task_id", "batch_id", "fetched_at", "output_url"]
    pd.testing.assert_frame_equal(one.drop(columns=own), two.drop(columns=own))


@pytest.mark.parametrize("dtype_backend", ["numpy_nullable", "pyarrow"])
def test_the_frame_of_a_job_is_written_to_parquet_and_read_back(service, tmp_path, dtype_backend):
    """Promise: what a call returns is equal after Parquet."""
    frame = pages(service, 12)
    answer = frame.nimble.batch(**ASK, dtype_backend=dtype_backend, client=service.client())
    answer.to_parquet(tmp_path / "prices.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "prices.parquet"), answer)
