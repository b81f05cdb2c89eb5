"""Dask frames: sent once from here, read by workers that may die, and nothing is left out."""

import json
import os
import signal
import threading
import time

import dask.dataframe as dd
import distributed
import pandas as pd
import pytest

import nimble_pandas.dask
from nimble_pandas.dask.fitting import fitted
from nimble_pandas.local import Fault, serve, shop


@pytest.fixture(scope="module")
def service():
    """Run the local service with its shop; a bug of the service fails the test."""
    with serve() as running:
        yield running
        assert not running._errors


@pytest.fixture(scope="module")
def cluster():
    """Run a real cluster of two worker processes."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
    ) as running:
        yield running


@pytest.fixture
def ask(service, tmp_path):
    """Return the arguments of a call."""
    service.clear()
    return {
        "url_col": "url",
        "vendor": "walmart",
        "parse": True,
        "storage_url": str(tmp_path / "outputs"),
        "client": service.client(),
        "progress": "none",
    }


def rows(service, n=40):
    """Return a frame of pages, one in four of them twice, under labels of its own."""
    urls = shop.product_urls(service.shop_url, n - n // 4)
    urls += urls[: n // 4]
    return pd.DataFrame({"sku": [f"{i:03d}" for i in range(n)], "url": urls}, index=range(100, 100 + n))


def n_sent(service):
    """Return how many requests the service was sent."""
    return sum(len(call.body["requests"]) for call in service.log if call.method == "POST")


def slowly(part):
    """Return a partition after a while, so that its worker can be killed on the way."""
    time.sleep(0.3)
    return part


def test_workers_read_what_was_sent_once_though_one_of_them_dies(service, cluster, ask, tmp_path):
    """Straight to Parquet: every row is there, with its own page, and no page was sent twice."""
    frame = rows(service)
    with distributed.Client(cluster) as workers:
        parts = dd.from_pandas(frame, npartitions=8).map_partitions(slowly)
        answer = parts.nimble.batch(**ask)
        assert n_sent(service) == 30
        victim = min(int(pid) for pid in workers.run(os.getpid).values())
        killer = threading.Timer(0.7, os.kill, (victim, signal.SIGKILL))
        killer.start()
        answer.to_parquet(tmp_path / "prices")
        killer.join()
        assert victim not in workers.run(os.getpid).values()
    read = pd.read_parquet(tmp_path / "prices").sort_index()
    assert read.index.tolist() == frame.index.tolist()
    assert read["sku"].tolist() == frame["sku"].tolist()
    assert read["status"].tolist() == ["ok"] * 40
    assert (read["url"].str.rpartition("/")[2] == read["sku_nimble"]).all()
    assert n_sent(service) == 30


def test_it_is_the_frame_that_pandas_gets(service, ask):
    """Column by column, but for the names of tasks and the time."""
    frame = rows(service, 12)
    lazy = dd.from_pandas(frame, npartitions=3).nimble.batch(**ask)
    answer = lazy.compute(scheduler="sync")
    expected = frame.nimble.batch(**ask, refresh=True)
    own = ["task_id", "batch_id", "fetched_at", "output_url"]
    pd.testing.assert_frame_equal(
        answer.drop(columns=[*own, "other_fields"]), expected.drop(columns=own), check_dtype=False
    )
    assert answer["other_fields"].isna().all()
    # computed again, it is read again, and not sent
    assert lazy["status"].compute(scheduler="sync").tolist() == ["ok"] * 12
    assert n_sent(service) == 18


def test_the_same_call_takes_up_what_was_sent(service, ask):
    """Whatever became of the first one."""
    parts = dd.from_pandas(rows(service, 8), npartitions=2)
    job = parts.nimble.submit(**ask)
    assert "2 partitions" in repr(job)
    assert parts.nimble.batch(**ask)["status"].compute(scheduler="sync").tolist() == ["ok"] * 8
    assert n_sent(service) == 6


def in_pandas(part):
    """Call pandas' own verb, as one would who does not know of Dask's."""
    return part.nimble.batch(url_col="url", vendor="walmart", progress="none")


def test_made_up_rows_send_nothing(service, ask, monkeypatch):
    """Neither when a graph is built, nor when Dask tries a function of the caller's on rows of its own."""
    for name, value in service.environ().items():
        monkeypatch.setenv(name, value)
    parts = dd.from_pandas(rows(service, 8), npartitions=2)
    with pytest.raises(ValueError, match="2 of 2 rows cannot be sent"):
        # with no meta= given, Dask makes up rows to find out what comes back
        parts.map_partitions(in_pandas)
    assert n_sent(service) == 0
    parts.nimble.submit(**ask)
    assert n_sent(service) == 6


def test_a_partition_that_comes_out_otherwise_gets_no_other_rows_pages(service, ask):
    """Its new rows are unknown; the others have their own pages."""
    frame = rows(service, 8)
    turn = iter(range(100))

    def other(part):
        return part if next(turn) < 1 else part.assign(url=[*part["url"][:-1], "https://shop.example/new"])

    parts = dd.from_pandas(frame, npartitions=1).map_partitions(other, meta=frame)
    answer = parts.nimble.batch(**ask).compute(scheduler="sync")
    assert answer["status"].tolist() == ["ok"] * 7 + ["unknown"]
    assert answer["n_entities"].isna().tolist() == [False] * 7 + [True]


def test_what_is_wrong_is_said_before_anything_is_sent(service, ask):
    """A column that is not there, rows that cannot be sent, an argument that nobody knows."""
    frame = rows(service, 8)
    parts = dd.from_pandas(frame, npartitions=2)
    with pytest.raises(nimble_pandas.InputError, match="sku"):
        parts.nimble.batch(**{**ask, "url_col": "page"})
    bad = dd.from_pandas(frame.assign(url=[*frame["url"][:-1], "nowhere"]), npartitions=2)
    with pytest.raises(nimble_pandas.InputError, match="row 107"):
        bad.nimble.batch(**ask)
    with pytest.raises(TypeError, match="nonsense"):
        parts.nimble.batch(**ask, nonsense=1)
    assert n_sent(service) == 0
    answer = bad.nimble.batch(**ask, invalid="row").compute(scheduler="sync")
    assert answer["status"].tolist() == ["ok"] * 7 + ["invalid"]
    assert "http" in answer["error"].iloc[-1]


def test_a_grid_explodes_and_failed_rows_say_why(service, ask):
    """As in pandas: each row in each country, each entity a row, under the labels of its row."""
    service.inject(Fault("failed", task=0))
    url = shop.search_urls(service.shop_url, 1)[0]
    parts = dd.from_pandas(pd.DataFrame({"url": [url]}, index=[5]), npartitions=1)
    answer = parts.nimble.batch(**ask, country=["US", "DE"], explode=True).compute(scheduler="sync")
    assert set(answer.index) == {5}
    assert len(answer) > 3
    assert answer["country"].value_counts()["US"] == 1
    assert answer["status"].tolist() == ["failed"] + ["ok"] * (len(answer) - 1)


def test_tasks_are_read_elsewhere(service, ask):
    """`Job.tasks` and `read_tasks`, in parts: what `Job.frame` has, and another's output is a mismatch."""
    frame = rows(service, 8)
    job = frame.nimble.submit(**ask)
    tasks = job.tasks()
    assert tasks["status"].tolist() == ["pending"] * 8
    parts = [nimble_pandas.read_tasks(tasks.iloc[start : start + 3]) for start in range(0, 8, 3)]
    whole = job.wait().frame()
    pd.testing.assert_frame_equal(pd.concat(parts)[["status", "name"]], whole[["status", "name"]])
    swapped = tasks.assign(output_url=tasks["output_url"].iloc[::-1].to_numpy())
    assert set(nimble_pandas.read_tasks(swapped)["status"]) == {"mismatch"}
    with pytest.raises(nimble_pandas.InputError, match="ten columns"):
        nimble_pandas.read_tasks(whole)


def test_what_a_declared_column_cannot_hold_is_kept_beside_it():
    """Exactly: no number loses a digit, no text is lost, and what fits is where it was declared."""
    read = pd.DataFrame(
        {
            "price": ["34.99", "call us", None, "0012"],
            "stock": [1.0, 2.5, None, 4.0],
            "big": pd.array([2**53 + 1, 1, None, 2], dtype="Int64"),
            "new": ["a", None, None, "b"],
            "flag": pd.array([True, None, False, True], dtype="boolean"),
            "rank": pd.array([1, None, 3, 4], dtype="Int64"),
        }
    )
    meta = pd.DataFrame(
        {
            "price": pd.Series(dtype="float64"),
            "stock": pd.Series(dtype="Int64"),
            "big": pd.Series(dtype="float64"),
            "absent": pd.Series(dtype="Int64"),
            "flag": pd.Series(dtype="str"),
            "rank": pd.Series(dtype="boolean"),
            "other_fields": pd.Series(dtype="str"),
        }
    )
    answer = fitted(read, meta)
    assert answer.dtypes.to_dict() == meta.dtypes.to_dict()
    assert answer["price"].isna().tolist() == [False, True, True, True]
    assert answer["stock"].tolist()[::3] == [1, 4]
    assert answer["big"].isna().tolist() == [True, False, True, False]
    assert answer["flag"].fillna("").tolist() == ["true", "", "false", "true"]
    rest = [None if pd.isna(text) else json.loads(text) for text in answer["other_fields"]]
    assert rest == [
        {"new": "a", "big": 2**53 + 1, "rank": 1},
        {"price": "call us", "stock": 2.5},
        {"rank": 3},
        {"new": "b", "price": "0012", "rank": 4},
    ]
