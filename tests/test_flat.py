"""Jobs of any size: frames batch by batch, and one Parquet file of one schema, in flat memory."""

import io
import json
import resource
import tracemalloc

import duckdb
import fsspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import nimble_pandas
from nimble_pandas.frames import Answer, Page, Pages, Spool, assemble, make_sheet
from nimble_pandas.local import Fault, serve

ASK = {"url_col": "url", "vendor": "walmart", "progress": "none"}


@pytest.fixture
def service():
    """Run a service whose pages are there at once."""
    with serve(pages="instant") as running:
        yield running
        running.check()


def rows(n, start=0):
    """Return `n` rows of different pages, the first two of the same, with an index of their own."""
    urls = [f"https://shop.example/{max(nth, 1)}" for nth in range(start, start + n)]
    return pd.DataFrame(
        {"url": urls, "day": "2026-11-23"}, index=[f"r{nth}" for nth in range(start, start + n)]
    )


def put_aside(folder, frame, portions, *, explode=False):
    """Spool pages in portions, each of some rows, and return all lines as a frame."""
    spool = Spool(folder, frame, explode=explode)
    for at, given_pages in portions:
        pages = Pages()
        answers = [Answer(status="ok", page=pages.add(page)) for page in given_pages]
        sheet = make_sheet(np.array(at), answers, np.arange(len(at)), pages, explode=explode, with_html=False)
        spool.add(sheet)
    return pa.concat_tables([*spool.tables(), spool.schema.empty_table()]).to_pandas()


def product(**fields):
    """Return a page with one product."""
    return Page(entities={"Product": [fields]})


kinds = st.sampled_from(
    [1, 2.5, True, "$3", "x", None, 2**53 + 1, 2**70, [1], {"a": 1}, {"a": "b", "c": None}, {}]
)
objects = st.dictionaries(st.sampled_from(["a", "b", "a.b", "price", "day"]), kinds, max_size=4)
many_pages = st.lists(
    st.builds(Page, entities=st.fixed_dictionaries({"Product": st.lists(objects, max_size=2)})),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(many_pages, st.randoms(use_true_random=False), st.booleans())
def test_portions_in_any_order_are_the_frame(tmp_path_factory, given_pages, random, explode):
    """However the rows are cut into portions, the file has the frame's rows, columns, types and values."""
    n = len(given_pages)
    frame = pd.DataFrame({"day": range(n)})
    pages = Pages()
    answers = [Answer(status="ok", page=pages.add(page)) for page in given_pages]
    expected = assemble(frame, answers, np.arange(n), pages, explode=explode)
    portion_of = [random.randrange(3) for _ in range(n)]
    portions = [[at for at in range(n) if portion_of[at] == portion] for portion in range(3)]
    random.shuffle(portions)
    portions = [(at, [given_pages[nth] for nth in at]) for at in portions if at]
    found = put_aside(tmp_path_factory.mktemp("spool"), frame, portions, explode=explode)
    assert_frame_equal(found, expected, check_index_type=False)


def test_too_many_fields_over_all_portions(tmp_path):
    """Portions that are narrow each, and too wide together, are made narrow together."""
    given_pages = [
        product(name=f"p{nth}", price=nth, of={f"s{nth}": {"n": nth, "m": None}}) for nth in range(900)
    ]
    given_pages.append(product(name="wide", of={f"w{nth}": nth for nth in range(2_000)}, price="$1"))
    pages = Pages()
    answers = [Answer(status="ok", page=pages.add(page)) for page in given_pages]
    frame = pd.DataFrame({"day": range(901)})
    expected = assemble(frame, answers, np.arange(901), pages)
    assert list(expected.columns[-3:]) == ["name", "price", "of"]
    cuts = [range(600, 901), range(300), range(300, 600)]
    portions = [([*cut], given_pages[cut.start : cut.stop]) for cut in cuts]
    assert_frame_equal(put_aside(tmp_path, frame, portions), expected)


def test_pages_that_are_all_different_take_no_more_memory(tmp_path):
    """What is kept of the lines put aside grows with the fields, not with the ways to have some of them."""
    n, n_fields = 1_000, 30
    draw = np.random.default_rng(1)
    spool = Spool(tmp_path, pd.DataFrame(index=range(3 * n)), explode=False)
    kept = []
    for start in range(0, 3 * n, n):
        orders = [draw.permutation(n_fields)[:10].tolist() for _ in range(n)]
        pages = Pages()
        answers = [
            Answer(status="ok", page=pages.add(product(**{f"f{at}": at for at in order}))) for order in orders
        ]
        at = np.arange(n)
        tracemalloc.start()
        spool.add(make_sheet(start + at, answers, at, pages, explode=False, with_html=False))
        del pages
        kept.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        if not start:
            first_page = [f"f{at}" for at in orders[0]]
    assert max(kept[1:]) < 20_000
    columns = spool.schema.names[10:]
    assert columns[:10] == first_page
    assert len(columns) == n_fields


def test_frames_hand_out_every_row_once(service):
    """Over many batches each row comes once, with its own page, equal rows together; then they are gone."""
    frame = rows(1_700)
    frame.loc["bad"] = [None, "2026-11-23"]
    job = frame.nimble.submit(client=service.client(), invalid="row", **ASK)
    register, parts = job._story.register, []
    for part in job.frames():
        assert len(register.pages) == 0
        parts.append(part)
    assert not any(batch.tasks for batch in job._story.books.batches)
    assert len({id(answer) for answer in register.answers}) == 2
    assert len(parts) > 1
    assert max(map(len, parts)) < 1_500
    found = pd.concat(parts)
    assert sorted(found.index) == sorted(frame.index)
    assert_frame_equal(found.loc[frame.index, ["url", "day"]], frame)
    assert found["status"].value_counts().to_dict() == {"ok": 1_700, "invalid": 1}
    assert found["task_id"].nunique() == 1_699
    whole = nimble_pandas.attach(job.id, client=service.client(), progress="none").wait().frame()
    assert_frame_equal(found.loc[whole.index, whole.columns], whole)
    for ask_again in (job.frame, job.failed, lambda: job.to_parquet("x.parquet")):
        with pytest.raises(nimble_pandas.ConfigError, match="attach"):
            ask_again()
    assert list(job.frames()) == []


def test_what_went_wrong_is_known_after_it_was_handed_out():
    """A job that keeps no pages still says why some failed, and never that nothing is known."""
    with serve(pages="instant", faults=[Fault("failed", task=1)]) as service:
        job = rows(5).nimble.submit(client=service.client(), **ASK)
        before = str(job.wait())
        job = nimble_pandas.attach(job.id, client=service.client(), progress="none")
        (_,) = job.frames()
        reasons = [line for line in before.splitlines() if " failed: " in line]
        assert reasons
        assert [line for line in str(job).splitlines() if " failed: " in line] == reasons


def test_a_row_that_is_sent_again_comes_again(service):
    """What is handed out as failed, and then sent again, comes with its page; the rest does not."""
    service.inject(Fault("failed", task=1, text="blocked by the site"))
    frame = pd.DataFrame({"url": [f"https://shop.example/{nth}" for nth in range(3)]})
    job = frame.nimble.submit(client=service.client(), **ASK)
    (found,) = job.frames()
    assert found["status"].tolist() == ["ok", "failed", "ok"]
    (found,) = job.retry_failed().frames()
    assert (found.index.tolist(), found["status"].tolist()) == ([1], ["ok"])


def test_to_parquet_is_the_frame(service, tmp_path):
    """The file read back is the frame: rows in order, index, dtypes; it says where it is from."""
    frame = rows(120)
    job = frame.nimble.submit(client=service.client(), **ASK)
    path = tmp_path / "new" / "prices.parquet"
    job.to_parquet(path)
    again = nimble_pandas.attach(job.id, client=service.client(), progress="none").wait()
    assert_frame_equal(pd.read_parquet(path), again.frame())
    about = json.loads(pq.read_schema(path).metadata[b"nimble_pandas"])
    assert about["job_id"] == job.id
    assert about["batch_ids"] == job.batch_ids
    assert about["written_at"].startswith("20")
    assert about["version"] == nimble_pandas.__version__
    assert [*path.parent.iterdir()] == [path]


def test_every_reader_sees_the_same_types(service, tmp_path):
    """pandas, pyarrow, DuckDB and Polars read text as text, integers as integers and times in UTC."""
    path = tmp_path / "prices.parquet"
    frame = rows(30).reset_index(drop=True)
    frame.nimble.submit(client=service.client(), **ASK, parse=True).to_parquet(path)
    table = ds.dataset(path).to_table()
    pandas_frame = pd.read_parquet(path)
    assert isinstance(pandas_frame.index, pd.RangeIndex)
    by_duckdb = duckdb.sql(f"select * from '{path}'")
    by_polars = pl.read_parquet(path)
    assert table.column_names == list(pandas_frame) == by_duckdb.columns == by_polars.columns
    words = {
        pa.large_string(): ("VARCHAR", pl.String),
        pa.string(): ("VARCHAR", pl.String),
        pa.int64(): ("BIGINT", pl.Int64),
        pa.float64(): ("DOUBLE", pl.Float64),
        pa.bool_(): ("BOOLEAN", pl.Boolean),
        pa.timestamp("us", "UTC"): ("TIMESTAMP WITH TIME ZONE", pl.Datetime("us", "UTC")),
    }
    expected = [words[field.type] for field in table.schema]
    assert [
        (str(kind), dtype) for kind, dtype in zip(by_duckdb.types, by_polars.dtypes, strict=True)
    ] == expected
    assert by_polars["task_id"].to_list() == pandas_frame["task_id"].tolist() == table["task_id"].to_pylist()


def test_a_dataset_is_added_to_day_by_day(service, tmp_path):
    """Each job adds its files to its days; the same job again replaces them, and adds nothing."""
    day, path = rows(4), tmp_path / "prices"
    day["day"] = ["2026-11-22", "2026-11-23", "2026-11-23", "2026-11-23"]
    client = service.client()
    first = day.nimble.submit(client=client, **ASK)
    first.to_parquet(path, partition_cols=["day"])
    rows(3, start=9).assign(day="2026-11-24").nimble.submit(client=client, **ASK).to_parquet(
        path, partition_cols=["day"]
    )
    nimble_pandas.attach(first.id, client=client, progress="none").to_parquet(path, partition_cols=["day"])
    back = pd.read_parquet(path)
    assert sorted(back.index) == ["r0", "r1", "r10", "r11", "r2", "r3", "r9"]
    assert back.loc[["r0", "r1", "r10"], "day"].tolist() == [
        "2026-11-22",
        "2026-11-23",
        "2026-11-24",
    ]
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) == 3
    assert all(file.suffix == ".parquet" for file in files)


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_to_parquet_in_a_bucket(service, kind, request):
    """A file and a dataset appear in a bucket, complete."""
    request.getfixturevalue({"s3": "s3", "gs": "gcs"}[kind])
    frame, client = rows(5), service.client()
    job = frame.nimble.submit(client=client, **ASK)
    job.to_parquet(f"{kind}://bucket/prices/all.parquet")
    fs = fsspec.filesystem(kind)
    back = pd.read_parquet(io.BytesIO(fs.cat_file("bucket/prices/all.parquet")))
    assert_frame_equal(back[["url", "day"]], frame)
    again = nimble_pandas.attach(job.id, client=client, progress="none")
    again.to_parquet(f"{kind}://bucket/days/", partition_cols=["day"])
    file = fs.cat_file(f"bucket/days/day=2026-11-23/{job.id}-0.parquet")
    assert len(pd.read_parquet(io.BytesIO(file))) == 5


@pytest.mark.usefixtures("s3")
def test_what_cannot_be_written_is_said_before_anything_is(service, tmp_path):
    """A column that is not there, a value that Parquet does not know; a bucket that is not there, later."""
    job = rows(2).nimble.submit(client=service.client(), **ASK)
    with pytest.raises(nimble_pandas.InputError, match=r"no column 'week'.*\n.*url, day"):
        job.to_parquet(tmp_path / "x", partition_cols=["week"])
    gap = rows(2).assign(day=["2026-11-23", None]).nimble.submit(client=service.client(), **ASK)
    with pytest.raises(nimble_pandas.InputError, match=r"'day' has no value in row r1"):
        gap.to_parquet(tmp_path / "x", partition_cols=["day"])
    with pytest.raises(nimble_pandas.ConfigError, match="explode"):
        job.to_parquet(tmp_path / "x.parquet", explode=1)
    with pytest.warns(UserWarning, match="odd"):
        odd = rows(2).assign(odd=[1, "x"]).nimble.submit(client=service.client(), **ASK)
    with pytest.raises(nimble_pandas.InputError, match="odd"):
        odd.to_parquet(tmp_path / "x.parquet")
    assert [*tmp_path.iterdir()] == []
    assert odd.wait().frame()["status"].tolist() == ["ok", "ok"]
    with pytest.raises(nimble_pandas.StorageError, match="attach"):
        job.to_parquet("s3://no-such-bucket/x.parquet")


@pytest.mark.parametrize("partition_cols", [None, ["day"]], ids=["file", "dataset"])
def test_a_disk_that_is_full_says_how_to_read_the_pages_again(service, tmp_path, partition_cols):
    """Nothing is left behind, and with more room the line that the error names writes it."""
    job = rows(40).nimble.submit(client=service.client(), **ASK).wait()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(nimble_pandas.StorageError, match="cannot be written") as raised:
            job.to_parquet(tmp_path / "x.parquet", partition_cols=partition_cols)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [*tmp_path.iterdir()] == []
    scope = {"nimble_pandas": nimble_pandas}
    exec(raised.value.hint.partition(": ")[2], scope)
    scope["job"].to_parquet(tmp_path / "x.parquet", partition_cols=partition_cols)
    assert pd.read_parquet(tmp_path / "x.parquet")["status"].tolist() == ["ok"] * 40
    assert service.counts["submit"] == 1


def test_no_rows(service, tmp_path):
    """A job of no rows writes a file of no rows, with the columns that every frame has."""
    job = rows(0).nimble.submit(client=service.client(), **ASK)
    job.to_parquet(tmp_path / "none.parquet")
    back = pd.read_parquet(tmp_path / "none.parquet")
    assert back.empty
    assert list(back.columns[:4]) == ["url", "day", "task_id", "batch_id"]
