"""Rows become requests, and whatever cannot be sent is named before anything is."""

import json

import numpy as np
import pandas as pd
import pytest

import nimble_pandas
from nimble_pandas.planning import make_plan

WALMART = "https://www.walmart.com/ip/Product-One"

# what the frames of these tests hold on purpose
mixed = pytest.mark.filterwarnings("ignore:Parquet cannot hold")


def pages(n=3, **columns):
    """Return a frame of `n` distinct URLs and further columns."""
    return pd.DataFrame({"url": [f"https://www.walmart.com/ip/{i}" for i in range(n)], **columns})


def body(plan, number=0):
    """Return the decoded body of one of a plan's batches."""
    return json.loads(plan.body(plan.batches[number]))


def test_many_products_send_only_their_urls():
    """Defaults stand outside `requests`, in the order of the documentation's first example."""
    plan = pages().nimble.plan(
        url_col="url",
        vendor="walmart",
        storage_url="s3://Your.Repository.Path/",
        callback_url="https://your.callback.url/path",
    )
    assert list(body(plan).items()) == [
        ("requests", [{"url": f"https://www.walmart.com/ip/{i}"} for i in range(3)]),
        ("vendor", "walmart"),
        ("storage_type", "s3"),
        ("storage_url", "s3://Your.Repository.Path/"),
        ("callback_url", "https://your.callback.url/path"),
    ]


def test_many_vendors_send_those_that_differ_from_the_default():
    """A row without a vendor of its own, or with the default one, leaves it to the default."""
    frame = pages(4, vendor=["walmart", "walmart", None, "amazon"])
    plan = frame.nimble.plan(url_col="url", vendor_col="vendor", vendor="amazon")
    assert body(plan) == {
        "requests": [
            {"url": "https://www.walmart.com/ip/0", "vendor": "walmart"},
            {"url": "https://www.walmart.com/ip/1", "vendor": "walmart"},
            {"url": "https://www.walmart.com/ip/2"},
            {"url": "https://www.walmart.com/ip/3"},
        ],
        "vendor": "amazon",
    }


def test_one_url_from_many_countries_sends_it_once():
    """The URL stands outside `requests` when it is a default; countries and locales inside."""
    countries = pd.DataFrame({"country": ["US", "FR", "CA"], "locale": ["en-US", "fr", None]})
    plan = countries.nimble.plan(url=WALMART, country_col="country", locale_col="locale", vendor="walmart")
    assert body(plan) == {
        "requests": [
            {"country": "US", "locale": "en-US"},
            {"country": "FR", "locale": "fr"},
            {"country": "CA"},
        ],
        "url": WALMART,
        "vendor": "walmart",
    }


def test_a_list_makes_a_grid():
    """Every row comes once per value, its label repeated, and the value becomes a column."""
    frame = pages(2).set_axis(["a", "b"])
    plan = frame.nimble.plan(url_col="url", vendor="walmart", country=["US", "GB"], zip=["02108"])
    expected = pd.DataFrame(
        {
            "url": np.repeat(frame["url"].to_numpy(), 2),
            "country": ["US", "GB"] * 2,
            "zip": ["02108"] * 4,
        },
        index=["a", "a", "b", "b"],
    )
    pd.testing.assert_frame_equal(plan.rows, expected)
    assert plan.request(1) == {"url": "https://www.walmart.com/ip/0", "country": "GB", "zip": "02108"}


def test_a_grid_column_whose_name_is_taken_gets_the_suffix():
    """The caller's own column stays what it is."""
    plan = pages(1, country=["mine"]).nimble.plan(url_col="url", vendor="walmart", country=["US"])
    assert plan.rows.loc[0, ["country", "country_nimble"]].tolist() == ["mine", "US"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"country": ["US"], "country_col": "url"}, "country_col="),
        ({"country": []}, "empty list"),
        ({"country": {"US"}}, "no order"),
        ({"country": "UK"}, "'GB'"),
        ({"zip": "2108"}, "five digits"),
        ({"url": "www.walmart.com"}, "not an http(s) URL"),
        ({"params": {"country": "US"}}, "country= or country_col="),
        ({"params": {"requests": 5}}, "'requests' is no name of a parameter"),
        ({"params": {5: 5}}, "5 is no name of a parameter"),
        ({"params": {"storage_url": "s3://b"}}, "argument of its own"),
        ({"url_col": "link"}, "no column 'link' (for url); the columns are ['url']"),
        ({"storage_url": "ftp://host/x"}, "in no store"),
        ({"callback_url": "nowhere"}, "no http(s) URL"),
        ({"callback_url": 5}, "callback_url=5 is no http(s) URL"),
        ({"params": 5}, "params=5 names no parameter"),
        ({"param_cols": ["url"]}, "param_cols=['url'] names no parameter"),
        ({"storage_compress": True}, "needs a storage_url"),
    ],
)
def test_a_wrong_argument_says_so(arguments, said):
    """An argument that is wrong for every row is named, and that nothing was sent."""
    with pytest.raises((nimble_pandas.InputError, nimble_pandas.ConfigError)) as raised:
        pages().nimble.plan(**{"url_col": "url", "vendor": "walmart", **arguments})
    assert said in str(raised.value)
    assert "Nothing was sent" in str(raised.value)


@mixed
def test_all_bad_rows_stand_in_one_error():
    """Index labels, columns and reasons of every bad row are in the message and in `rows`."""
    frame = pd.DataFrame(
        {
            "url": [WALMART, "ftp://x", None, 3, "  ", WALMART],
            "country": ["UK", "US", "us", None, "XX", "DE"],
            "zip": [2108.0, np.nan, 10001.0, 123456.0, 1.5, np.nan],
            "state": [None, "ZZ", "ny", "NY", None, "NY"],
            "city": [None, None, None, None, None, "Berlin"],
        },
        index=["a", "a", "b", "c", "d", "e"],
    )
    with pytest.raises(nimble_pandas.InputError) as raised:
        frame.nimble.batch(
            url_col="url", country_col="country", zip_col="zip", state_col="state", vendor="walmart"
        )
    rows = [tuple(row) for row in raised.value.rows[["label", "column"]].to_numpy()]
    assert sorted(rows) == [
        ("a", "country"),
        ("a", "state"),
        ("a", "url"),
        ("b", "url"),
        ("c", "state"),
        ("c", "url"),
        ("c", "zip"),
        ("d", "country"),
        ("d", "url"),
        ("d", "zip"),
        ("e", "state"),
    ]
    message = str(raised.value)
    assert "6 of 6 rows cannot be sent" in message
    assert "row 'a', column 'country': 'UK'" in message
    assert 'invalid="row"' in message


def test_a_vendor_is_needed_and_an_unknown_one_only_warns():
    """No vendor is an error of every row; a vendor that is not on the list may still be the service's."""
    with pytest.raises(nimble_pandas.InputError, match="there is no vendor"):
        pages().nimble.batch(url_col="url")
    with pytest.warns(UserWarning, match="'target'"):
        assert pages().nimble.plan(url_col="url", vendor="Target").defaults == {"vendor": "target"}


@pytest.mark.parametrize(("n_rows", "sizes"), [(0, []), (1, [1]), (1000, [1000]), (1001, [1000, 1])])
def test_a_batch_has_at_most_a_thousand_requests(n_rows, sizes):
    """The thousand-and-first request opens a second batch; an empty frame makes none."""
    plan = pages(n_rows).nimble.plan(url_col="url", vendor="walmart")
    assert [len(batch) for batch in plan.batches] == sizes


def test_batches_are_cut_by_the_bytes_to_be_sent():
    """No body is larger than allowed, and the sizes are those of the real JSON."""
    frame = pages(500, tag=["é" * (i % 7) for i in range(500)])
    plan = make_plan(
        frame, columns={"url": "url", "tag": "tag"}, values={"vendor": "walmart"}, max_batch_bytes=2000
    )
    sizes = [len(json.dumps(plan.request(i), separators=(",", ":"))) for i in range(plan.n_requests)]
    assert plan.request_bytes().tolist() == sizes
    assert all(len(plan.body(batch)) < 2100 for batch in plan.batches)
    assert sum(map(len, plan.batches)) == 500


@pytest.mark.parametrize(
    "index",
    [
        pd.Index([7, 7, 7]),
        pd.MultiIndex.from_tuples([(1, "a"), (1, "a"), (2, "b")], names=["n", None]),
        pd.date_range("2026-01-01", periods=3, tz="Europe/Paris"),
    ],
)
def test_any_index_will_do(index):
    """Labels may repeat, nest or be times: rows are told apart by position."""
    frame = pages(3, country=["US", "UK", "DE"]).set_axis(index)
    plan = frame.nimble.plan(url_col="url", country_col="country", vendor="walmart")
    assert plan.request_of_row.tolist() == [0, -1, 1]
    assert plan.invalid["label"].tolist() == [index[1]]
    pd.testing.assert_index_equal(plan.rows.index, index)


def test_an_index_level_can_give_the_urls():
    """A frame indexed by URL needs no reset_index."""
    frame = pages(2, sku=["A1", "A2"]).set_index("url")
    plan = frame.nimble.plan(url_col="url", vendor="walmart")
    assert plan.request(1) == {"url": "https://www.walmart.com/ip/1"}


def test_two_columns_of_one_name_are_refused():
    """Such a frame could not be written to Parquet in the end."""
    frame = pages(1, a=[1]).set_axis(["url", "url"], axis=1)
    with pytest.raises(nimble_pandas.InputError, match="more than one column called 'url'"):
        frame.nimble.plan(url_col="url", vendor="walmart")


def test_a_plan_shows_what_would_be_sent():
    """Its repr counts rows, requests and bytes; its HTML escapes what the frame holds."""
    frame = pages(3, country=["US", "<b>", "US"])
    plan = frame.nimble.plan(url_col="url", country_col="country", vendor="walmart")
    assert "rows:     3" in repr(plan)
    assert "row 1, column 'country'" in repr(plan)
    assert "&lt;b&gt;" in plan._repr_html_()
    assert "<b>'" not in plan._repr_html_()


def test_the_callers_frame_is_not_changed():
    """Planning, with a grid too, leaves the frame as it was."""
    frame = pages(2, country=["us", None])
    before = frame.copy(deep=True)
    frame.nimble.plan(url_col="url", country_col="country", vendor="walmart", zip=["02108", "10001"])
    pd.testing.assert_frame_equal(frame, before)


def test_the_plan_keeps_the_rows_as_they_were():
    """What is done to the frame after planning moves no answer to another row."""
    frame = pages(3, stock=pd.array([1, 2, 3], "Int64"))
    before = frame.copy()
    plan = frame.nimble.plan(url_col="url", vendor="walmart")
    frame["stock"].array[0] = 9
    frame.loc[1, "url"] = "elsewhere"
    frame["more"] = 1
    frame.index = [2, 1, 0]
    frame.index.name = "later"
    pd.testing.assert_frame_equal(plan.rows, before)


def test_a_list_in_params_is_sent_as_it_is():
    """Only the parameters of the API's table make a grid: another one may take a list."""
    actions = [{"click": "#a"}, {"wait": 2}]
    plan = pages(2).nimble.plan(url_col="url", vendor="walmart", params={"browser_actions": actions})
    assert body(plan)["browser_actions"] == actions
    assert plan.n_rows == 2


def test_all_countries_can_be_asked_for():
    """A row that says "all" gets all, whatever the default; as the default it is sent too."""
    frame = pages(3, country=["all", None, "FR"])
    plan = frame.nimble.plan(url_col="url", country_col="country", country="US", vendor="walmart")
    assert [plan.effective(i)["country"] for i in range(3)] == ["ALL", "US", "FR"]
    plan = frame.nimble.plan(url_col="url", country_col="country", country="All", vendor="walmart")
    assert body(plan)["country"] == "ALL"
    assert [plan.request(i).get("country") for i in range(3)] == [None, None, "FR"]


@pytest.mark.parametrize(
    "call", [nimble_pandas.plan, lambda frame, **arguments: frame.nimble.plan(**arguments)]
)
def test_a_warning_points_at_the_line_that_made_the_call(call):
    """Called as a function or from the accessor, what is warned of is the caller's own code."""
    with pytest.warns(UserWarning, match="vendor 'target'") as warned:
        call(pages(), url_col="url", vendor="target")
    assert warned[0].filename == __file__
