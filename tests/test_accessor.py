"""The verbs on frames and Series: what they are called with, what class comes back, how they are found."""

import doctest
import inspect

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import nimble_pandas
from nimble_pandas.accessor import NimbleSeriesAccessor
from nimble_pandas.local import serve, shop

PAGES = pd.DataFrame({"Page": ["https://www.walmart.com/ip/1"], "country": ["US"]})


@pytest.fixture(scope="module")
def service():
    """Give a local service."""
    with serve() as running:
        yield running


def test_a_column_of_urls_has_the_verbs(service, tmp_path):
    """Its name is the column's, its index is kept, and it is not changed."""
    urls = pd.Series(shop.product_urls(service.shop_url, 2), index=["a", "b"], name="page", dtype="category")
    before = urls.copy(deep=True)
    ledger = nimble_pandas.Ledger(tmp_path)
    how = {"vendor": "walmart", "parse": True, "client": service.client(), "ledger": ledger}
    frame = urls.nimble.batch(progress="none", **how)
    assert list(frame.columns[:2]) == ["page", "task_id"]
    assert list(frame["status"]) == ["ok", "ok"]
    pd.testing.assert_series_equal(frame["page"], urls)
    pd.testing.assert_series_equal(urls, before)
    unnamed = urls.rename(None)
    job = unnamed.nimble.submit(progress="none", **how)
    assert list(job.wait().frame().columns[:2]) == ["url", "task_id"]


def test_a_name_of_any_kind_is_the_columns():
    """Also 0, and a tuple, as columns of several levels have."""
    for name in (0, ("page", "url"), "url"):
        urls = pd.Series(["https://www.walmart.com/ip/1"], name=name)
        plan = urls.nimble.plan(vendor="walmart")
        assert plan.request(0) == {"url": "https://www.walmart.com/ip/1"}
        assert list(plan.rows.columns) == [name]


def test_a_geodataframe_stays_one(service, tmp_path):
    """Class, geometry and reference system are kept, whether rows are repeated or not."""
    urls = shop.product_urls(service.shop_url, 3)
    places = geopandas.points_from_xy([1, 2, 3], [4, 5, 6])
    shops = geopandas.GeoDataFrame({"url": urls, "place": places}, geometry="place", crs="EPSG:4326")
    how = {"url_col": "url", "vendor": "walmart", "parse": True, "client": service.client()}
    how |= {"progress": "none", "ledger": nimble_pandas.Ledger(tmp_path)}
    job = shops.nimble.submit(**how)
    plain = job.wait().frame()
    grid = shops.nimble.batch(country=["US", "DE"], **how)
    exploded = shops.nimble.batch(explode=True, **how)
    for frame, n_rows in ((plain, 3), (grid, 6), (exploded, 3), (job.failed(), 0)):
        assert type(frame) is geopandas.GeoDataFrame
        assert (frame.crs, frame.geometry.name, len(frame)) == (shops.crs, "place", n_rows)
    grid.to_parquet(tmp_path / "prices.parquet")
    assert geopandas.read_parquet(tmp_path / "prices.parquet").crs == shops.crs
    assert type(shops["url"].nimble.plan(vendor="walmart").rows) is pd.DataFrame


def test_every_dtype_index_and_label_survives(service, tmp_path):
    """Input columns come back equal, dtypes included, under levels of the index; the frame is not changed."""
    urls = shop.product_urls(service.shop_url, 3)
    markets = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    frame = pd.DataFrame(
        {
            "url": pd.Categorical([*urls, urls[0]]),
            "country": pd.array(["US", "US", None, "DE"], dtype=markets),
            "when": pd.date_range("2026-01-01", periods=4, tz="Europe/Berlin"),
            "price": pd.array([1, None, 3, 4], dtype=pd.ArrowDtype(pa.decimal128(10, 2))),
            "stock": pd.array([1, None, 3, 4], dtype="Int64"),
            "span": pd.interval_range(0, 4),
            "month": pd.period_range("2026-01", periods=4, freq="M"),
            "sold": pd.array([True, None, False, True], dtype="boolean"),
            "age": pd.to_timedelta([1, 2, 3, 4], unit="s"),
        },
        index=pd.MultiIndex.from_arrays([["x", "x", "y", "y"], [1, 1, 2, 2]], names=["shop", "n"]),
    )
    frame.attrs = {"source": "the shop"}
    before = frame.copy(deep=True)
    how = {"vendor": "walmart", "progress": "none", "client": service.client()}
    how["ledger"] = nimble_pandas.Ledger(tmp_path)
    found = frame.nimble.batch(url_col="url", country_col="country", **how)
    assert list(found["status"]) == ["ok"] * 4
    pd.testing.assert_frame_equal(found[frame.columns], frame)
    pd.testing.assert_frame_equal(frame, before)
    # as `frame.join(other)` has it, where the other frame has none
    assert (frame.attrs, found.attrs) == ({"source": "the shop"}, {})
    found.to_parquet(tmp_path / "found.parquet")
    nested = pd.DataFrame([urls], columns=pd.MultiIndex.from_product([["page"], ["a", "b", "c"]]), index=[7])
    twice = pd.concat([nested, nested]).nimble.batch(url_col=("page", "b"), **how)
    assert list(twice.index) == [7, 7]
    assert list(twice.columns[:4]) == [("page", "a"), ("page", "b"), ("page", "c"), ("task_id", "")]


def test_a_sparse_column_is_known_not_to_fit_parquet():
    """Before anything is paid, as for any other column that Parquet does not take."""
    frame = PAGES.assign(sold=pd.arrays.SparseArray([0]))
    with pytest.warns(UserWarning, match="Parquet cannot hold this frame's own 'sold'"):
        frame.nimble.plan(url_col="Page", vendor="walmart")


def test_a_column_that_ends_the_process_is_not_handed_to_arrow(service, tmp_path):
    """A date and a number, both numpy's own: pyarrow crashes on them, in whichever call they reach it."""
    odd = pd.Series([np.datetime64("2026-01-01"), np.float32("nan")], dtype=object)
    pages = pd.DataFrame({"url": shop.product_urls(service.shop_url, 2), "odd": odd})
    with pytest.warns(UserWarning, match="Parquet cannot hold this frame's own 'odd'"):
        job = pages.nimble.submit(
            url_col="url",
            vendor="walmart",
            progress="none",
            client=service.client(),
            ledger=nimble_pandas.Ledger(tmp_path),
        )
    assert list(job.wait().frame()["status"]) == ["ok", "ok"]


def test_levels_of_the_index_give_other_parameters():
    """As on a frame, ``country_col`` may name one."""
    urls = pd.Series(
        ["https://www.walmart.com/ip/1"] * 2, index=pd.Index(["US", "CA"], name="market"), name="url"
    )
    plan = urls.nimble.plan(vendor="walmart", country_col="market")
    assert [plan.effective(n)["country"] for n in range(2)] == ["US", "CA"]


def test_the_series_has_the_arguments_of_the_frame_but_its_own():
    """The pages are the Series: what says where they are is left out, of the documentation too."""
    for name in ("plan", "submit", "batch"):
        method = getattr(NimbleSeriesAccessor, name)
        expected = set(inspect.signature(getattr(nimble_pandas, name)).parameters) - {
            "frame",
            "url_col",
            "url",
        }
        assert set(inspect.signature(method).parameters) - {"self"} == expected
        assert "\n    url_col : " not in method.__doc__
        assert "\n    country_col : " in method.__doc__


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: PAGES.nimble.batch("Page"),
            r"batch\(\) takes its arguments by name. Such as batch\(url_col='Page'\)",
        ),
        (lambda: PAGES.nimble.batch("https://a.b"), r"Such as batch\(url='https://a.b'\)"),
        (lambda: PAGES["Page"].nimble.plan("walmart"), r'Such as plan\(vendor="walmart"\)'),
        (lambda: PAGES.nimble.batch(url_column="Page"), r"'url_column'. Did you mean 'url_col'"),
        (lambda: PAGES.nimble.plan(countr="US"), r"'countr'. Did you mean 'country' or 'country_col'\?"),
        (lambda: PAGES["Page"].nimble.plan(url_col="Page"), "unexpected keyword argument 'url_col'"),
    ],
)
def test_a_wrong_call_says_what_was_meant(call, said):
    """A TypeError, as Python's own, that names the argument that was likely meant."""
    with pytest.raises(TypeError, match=said):
        call()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: PAGES.nimble.plan(url_col="page", vendor="walmart"),
            r"\['Page', 'country'\].*Did you mean 'Page'\?",
        ),
        (lambda: PAGES.nimble.plan(url_col="Page", vendor="walmart", country_col="contry"), "mean 'country'"),
        (
            lambda: PAGES.nimble.plan(vendor="walmart"),
            "no column with the pages is named.*Give url_col='Page'",
        ),
        (lambda: PAGES.nimble.plan(url_col="Page"), 'there is no vendor.*Give vendor="walmart"'),
        (lambda: pd.DataFrame().nimble.plan(vendor="walmart"), 'Give url_col="url"'),
        (lambda: nimble_pandas.plan(PAGES["Page"], vendor="walmart"), r"urls\.nimble\.batch\("),
        (
            lambda: nimble_pandas.plan(["https://a.b"], vendor="walmart"),
            r"pandas\.Series\(urls\)\.nimble\.batch\(",
        ),
    ],
)
def test_a_slip_is_answered_with_what_to_type(call, said):
    """Columns that do not exist, arguments that are missing, and what is no frame."""
    with pytest.raises(nimble_pandas.InputError, match=f"(?s){said}") as found:
        call()
    assert "Nothing was sent." in str(found.value)


def test_what_is_no_client_or_ledger_is_refused():
    """Before anything is sent, with what to give instead."""
    for name, example in (("client", r"Client\(base_url="), ("ledger", r"Ledger\(\"folder\"\)")):
        with pytest.raises(nimble_pandas.ConfigError, match=rf"(?s)not a str.*nimble_pandas\.{example}"):
            PAGES.nimble.batch(url_col="Page", vendor="walmart", **{name: "there"})


def test_the_accessor_says_what_it_is():
    """Its verbs, when it is looked at."""
    assert repr(PAGES.nimble).startswith("The verbs of nimble_pandas: batch, ")
    assert repr(PAGES["Page"].nimble).startswith("The verbs of nimble_pandas: batch, plan, submit. help()")


def test_a_column_called_status_is_the_callers(service, tmp_path):
    """`failed` goes by what became of the rows, not by what the caller calls so."""
    pages = pd.DataFrame({"url": shop.product_urls(service.shop_url, 2), "status": ["new", "ok"]})
    missing = shop.missing_urls(service.shop_url)[:1]
    pages = pd.concat([pages, pd.DataFrame({"url": missing, "status": "ok"})], ignore_index=True)
    how = {"url_col": "url", "vendor": "walmart", "client": service.client(), "progress": "none"}
    job = pages.nimble.submit(**how, ledger=nimble_pandas.Ledger(tmp_path)).wait()
    assert list(job.failed()["url"]) == missing
    assert list(job.failed()["status_nimble"]) == ["empty"]


@pytest.fixture
def shell():
    """Give an IPython, with what an analyst has imported."""
    shell = InteractiveShell(colors="nocolor")
    # jedi reads the source of all of pandas first, which takes it half a minute
    shell.Completer.use_jedi = False
    shell.user_ns.update(pages=PAGES, urls=PAGES["Page"], nimble_pandas=nimble_pandas)
    yield shell
    shell.history_manager.end_session()


def completed(shell, code):
    """Return what the tab key offers after some code, without the dots."""
    with provisionalcompleter():
        found = shell.Completer.completions(code, len(code))
        return {each.text.rpartition(".")[2] for each in found}


def test_tab_finds_the_verbs_and_their_arguments(shell):
    """``pages.nimble.<tab>`` lists verbs and nothing private; within a call, the arguments."""
    assert completed(shell, "pages.nimble.") >= {"batch", "plan", "submit"}
    assert completed(shell, 'pages["Page"].nimble.') >= {"batch", "plan", "submit"}
    assert not any(name.startswith("_") for name in completed(shell, "pages.nimble."))
    assert "url_col=" in completed(shell, "pages.nimble.batch(url_c")
    assert "country=" in completed(shell, "urls.nimble.batch(count")
    assert completed(shell, "nimble_pandas.") >= set(nimble_pandas.__all__)


def test_a_question_mark_shows_signature_and_documentation(shell):
    """What IPython shows for ``pages.nimble.batch?``."""
    shown = shell.object_inspect_text("pages.nimble.batch", detail_level=0)
    assert "url_col: 'Hashable | None' = None" in shown
    assert "Fetch a page for every row" in shown


@pytest.mark.parametrize("name", ["batch", "submit", "plan", "NimbleSeriesAccessor", "nimble_pandas"])
def test_examples_run_offline(name):
    """What the documentation shows can be pasted."""
    things = {"NimbleSeriesAccessor": NimbleSeriesAccessor, "nimble_pandas": nimble_pandas}
    thing = things.get(name) or getattr(nimble_pandas, name)
    found = [
        test for test in doctest.DocTestFinder(recurse=False).find(thing, name, globs={}) if test.examples
    ]
    assert found
    for test in found:
        said = []
        outcome = doctest.DocTestRunner().run(test, out=said.append)
        assert outcome.failed == 0, "".join(said)
