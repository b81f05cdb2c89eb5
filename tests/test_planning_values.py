"""Values are read alike whatever their dtype; equal requests are one, with a key that says what is asked."""

import hashlib
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("value", "sent"),
    [(2108.0, "02108"), (2108, "02108"), ("02108", "02108"), (" 10001 ", "10001"), (np.int64(501), "00501")],
)
def test_zips_keep_their_leading_zeros(value, sent):
    """A number has lost them and gets them back; text must have them."""
    plan = pages(1, zip=pd.Series([value], dtype=object)).nimble.plan(
        url_col="url", zip_col="zip", vendor="walmart"
    )
    assert plan.request(0)["zip"] == sent


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, "", "   ", pd.NaT])
def test_a_missing_value_leaves_it_to_the_default(missing):
    """NaN, None, NA, NaT and empty text all say nothing."""
    frame = pages(2, country=pd.Series([missing, "fr"], dtype=object))
    plan = frame.nimble.plan(url_col="url", country_col="country", country="US", vendor="walmart")
    assert [plan.effective(i)["country"] for i in range(2)] == ["US", "FR"]


@pytest.mark.parametrize(
    "dtype",
    [object, "str", "string", "category", pd.ArrowDtype(pa.string()), pd.ArrowDtype(pa.string_view())],
)
def test_every_dtype_of_text_is_read(dtype):
    """Text columns of any dtype give the same requests."""
    frame = pages(3, country=pd.Series(["US", None, "DE"], dtype="str").astype(dtype))
    frame["url"] = frame["url"].astype(dtype)
    plan = frame.nimble.plan(url_col="url", country_col="country", vendor="walmart")
    assert [plan.request(i).get("country") for i in range(3)] == ["US", None, "DE"]


@mixed
def test_parse_is_read_from_booleans_numbers_and_words():
    """Columns read from a CSV hold "true", 0 or 1.0; all are read as booleans."""
    values = pd.Series([True, 0, "True", "no", 1.0, np.bool_(False), None], dtype=object)
    plan = pages(7, parse=values).nimble.plan(url_col="url", parse_col="parse", parse=True, vendor="walmart")
    assert [plan.effective(i)["parse"] for i in range(7)] == [True, False, True, False, True, False, True]


@mixed
def test_further_parameters_are_sent_as_they_are():
    """`params` and `param_cols` reach the body with their JSON types, 1 and True told apart."""
    frame = pages(4, tag=pd.Series([1, True, "x", None], dtype=object))
    plan = frame.nimble.plan(
        url_col="url", vendor="walmart", params={"render": True}, param_cols={"tag": "tag"}
    )
    sent = body(plan)
    assert sent["render"] is True
    assert [json.dumps(request.get("tag")) for request in sent["requests"]] == ["1", "true", '"x"', "null"]


def test_equal_rows_share_a_request():
    """Duplicates, also those that only spell the same thing differently, are sent once."""
    frame = pd.DataFrame(
        {"url": [WALMART, WALMART + "2", WALMART, f" {WALMART}"], "c": ["US", "US", "us", "US"]}
    )
    plan = frame.nimble.plan(url_col="url", country_col="c", vendor="walmart")
    assert (plan.n_requests, plan.n_duplicates) == (2, 2)
    assert plan.request_of_row.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("parameter", "documented", "other"),
    [("parse", False, True), ("locale", "en", "fr"), ("country", "all", "US")],
)
def test_to_say_the_documented_default_is_to_say_nothing(parameter, documented, other):
    """It is one request with one key, unless another default holds, which the row must then contradict."""
    said = pd.Series([None, documented, other], dtype=object)
    frame = pd.DataFrame({"url": [WALMART] * 3, parameter: said})
    plain = frame.nimble.plan(url_col="url", vendor="walmart", **{f"{parameter}_col": parameter})
    assert plain.request_of_row.tolist() == [0, 0, 1]
    assert parameter not in plain.effective(0)
    outside = pd.DataFrame({"url": [WALMART]}).nimble.plan(
        url_col="url", vendor="walmart", **{parameter: documented}
    )
    against = frame.nimble.plan(
        url_col="url", vendor="walmart", **{f"{parameter}_col": parameter, parameter: other}
    )
    assert against.request_of_row.tolist() == [0, 1, 0]
    assert parameter in against.request(1)
    assert plain.key(0) == outside.key(0) == against.key(1)
    assert plain.key(1) == against.key(0) != plain.key(0)


@mixed
def test_values_are_told_apart_by_their_json():
    """Tuples that are equal in Python are three requests; a tuple and a list are one."""
    tags = pd.Series([(1, 2), (True, 2), (1.0, 2), [1, 2], "1", 1], dtype=object)
    plan = pd.DataFrame({"url": WALMART, "tag": tags}).nimble.plan(
        url_col="url", vendor="walmart", param_cols={"tag": "tag"}
    )
    assert plan.request_of_row.tolist() == [0, 1, 2, 0, 3, 4]


def test_arrow_lists_and_structs_can_be_sent():
    """Columns of Arrow's nested types give lists and objects."""
    tags = pd.Series([[1, 2], None, [1, 2]], dtype=pd.ArrowDtype(pa.list_(pa.int64())))
    about = pd.Series([{"a": 1}] * 3, dtype=pd.ArrowDtype(pa.struct([("a", pa.int64())])))
    plan = pd.DataFrame({"url": WALMART, "tag": tags, "about": about}).nimble.plan(
        url_col="url", vendor="walmart", param_cols={"tag": "tag", "about": "about"}
    )
    assert [plan.request(i).get("tag") for i in range(plan.n_requests)] == [[1, 2], None]
    assert plan.request(1)["about"] == {"a": 1}


values = st.one_of(
    st.none(),
    st.just(np.nan),
    st.text(max_size=8),
    st.integers(-10, 10**6),
    st.floats(),
    st.booleans(),
    st.lists(st.integers(), max_size=2),
    st.sampled_from(["US", "us", "UK", "FR", WALMART, "02108", 2108.0, "NY"]),
)


@mixed
@settings(deadline=None)
@given(st.lists(st.tuples(values, values, values, values), max_size=12), st.randoms())
def test_every_row_is_sent_or_named_and_keys_do_not_depend_on_order(rows, random):
    """Whatever the cells hold, each row has a request or a reason; shuffled rows have the same keys."""
    shuffled = random.sample(rows, len(rows))
    keys = []
    for each in (rows, shuffled):
        frame = pd.DataFrame(each, columns=["url", "country", "zip", "state"], dtype=object)
        plan = frame.nimble.plan(
            url_col="url", country_col="country", zip_col="zip", state_col="state", vendor="walmart"
        )
        named = set(plan.invalid["row"])
        assert {row for row, request in enumerate(plan.request_of_row) if request < 0} == named
        assert plan.n_requests == len(set(plan.request_of_row) - {-1})
        for request in range(plan.n_requests):
            json.loads(json.dumps(plan.request(request), allow_nan=False))
        keys.append({plan.key(i) for i in range(plan.n_requests)})
        assert len(keys[-1]) == plan.n_requests
    assert keys[0] == keys[1]


texts = st.one_of(
    st.none(),
    st.text(max_size=4),
    st.integers(0, 5).map(lambda i: f"https://www.walmart.com/ip/{i}"),
    st.sampled_from(
        [f" {WALMART}", f"{WALMART}#é", f'{WALMART}/"\\', f"{WALMART}\n", "HTTP://x", "ftp://x", "\x7f"]
    ),
)


def chunks(values):
    """Return texts as Arrow keeps them, in chunks, one of them empty."""
    half = len(values) // 2
    array = pa.chunked_array([values[:half], [], values[half:]], pa.string())
    return pd.Series(array, dtype=pd.ArrowDtype(pa.string()))


@mixed
@settings(deadline=None)
@given(rows=st.lists(st.tuples(texts, texts), max_size=9), default=st.sampled_from([None, WALMART]))
@pytest.mark.parametrize("kind", [lambda values: pd.Series(values, dtype=object), chunks])
def test_what_is_sent_is_what_each_row_says(kind, rows, default):
    """Read a column at a time, requests, sizes and keys are those of each row read for itself."""
    frame = pd.DataFrame({name: kind([row[i] for row in rows]) for i, name in enumerate(["url", "tag"])})
    columns = {"url": "url", "tag": "tag"}
    plan = make_plan(frame, columns=columns, values={"vendor": "walmart", "url": default, "locale": "en"})
    requests = plan.encoded(range(plan.n_requests))
    assert [len(request) for request in requests] == plan.request_bytes().tolist()
    for (url, tag), position in zip(rows, plan.request_of_row, strict=True):
        said = {"url": (url or "").strip(), "tag": tag if tag and tag.strip() else None}
        if position >= 0:
            inside = {name: value for name, value in said.items() if value and value != default}
            assert requests[position] == json.dumps(inside, separators=(",", ":"))
            meant = {"url": default, **inside, "vendor": "walmart"}
            canonical = json.dumps(meant, separators=(",", ":"), sort_keys=True).encode()
            assert plan.key(position) == hashlib.blake2b(canonical, digest_size=16).digest()
            assert json.loads(plan.encoded([position], filled=True)[0]) == {**meant, "locale": "en"}
        else:
            assert not said["url"].lower().startswith("http")
            assert said["url"] or default is None


def test_requests_that_say_nothing_are_empty():
    """Rows for which the defaults hold are one request, and its JSON is an empty object."""
    plan = pd.DataFrame({"sku": [1, 2]}).nimble.plan(url=WALMART, vendor="walmart")
    assert body(plan) == {"requests": [{}], "url": WALMART, "vendor": "walmart"}
    assert plan.request_of_row.tolist() == [0, 0]


def test_many_rows_are_planned_as_few_are():
    """Whatever is done to so many rows at a time, each has the request and the key that it has alone."""
    numbers = np.arange(40_000) % 35_000
    urls = chunks([f"https://www.walmart.com/ip/{number}" for number in numbers])
    plan = pd.DataFrame({"url": urls}).nimble.plan(url_col="url", vendor="walmart")
    assert plan.request_of_row.tolist() == numbers.tolist()
    for row in (0, 16_384, 34_999):
        alone = pd.DataFrame({"url": urls[[row]]}).nimble.plan(url_col="url", vendor="walmart")
        assert alone.key(0) == plan.key(row)
        assert alone.request(0) == plan.request(row)
