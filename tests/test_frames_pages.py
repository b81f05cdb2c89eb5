"""Pages become Arrow as they land, in whatever order, and nobody sees that from the frame."""

import gc
import json
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from frames_of import by_type
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pandas.testing import assert_frame_equal

from nimble_pandas import collector
from nimble_pandas.frames import Answer, Page, Pages, assemble
from nimble_pandas.frames.text import as_text, json_array, text_array
from nimble_pandas.models import read_output


def pages_of(n):
    """Return pages whose fields, types and numbers of entities differ from one to the next."""
    pages = []
    for nth in range(n):
        price = [nth, nth + 0.5, f"${nth}", True, None, [nth]][nth % 6]
        product = ("Product", {"price": price, f"of{nth % 7}": {"n": nth, "s": str(nth)}})
        review = (None, {"entityType": "Review", "stars": nth % 5})
        pages.append(
            Page(entities=by_type(*[review, product][: nth % 3]), html=f"<p>{nth}" if nth % 2 else None)
        )
    return pages


@pytest.mark.parametrize("explode", [False, True, "Product"])
def test_the_order_of_arrival_does_not_show(explode):
    """However pages land, the frame is the one of pages that land in the order of the rows."""
    n = 700
    rows = pd.DataFrame({"row": range(n)})
    frames = []
    for order in (np.arange(n), np.random.default_rng(1).permutation(n)):
        pages = Pages()
        given = pages_of(n)
        answers = [Answer(status="ok")] * n
        for nth in order:
            answers[nth] = replace(answers[nth], page=pages.add(given[nth]))
        frames.append(assemble(rows, answers, np.arange(n), pages, explode=explode, with_html=True))
    assert_frame_equal(*frames)
    assert frames[0]["html_content"].dropna().unique().tolist() == [f"<p>{nth}" for nth in range(1, n, 2)]


def test_a_field_that_is_not_shown_is_no_column():
    """What only other entities have makes no column, and does not make text of numbers."""
    found = [
        ("Review", {"price": "cheap", "stars": 1}),
        ("Product", {"price": 3}),
    ]
    pages = Pages()
    answers = [Answer(status="ok", page=pages.add(Page(entities=by_type(*found))))]
    frame = assemble(pd.DataFrame(index=[0]), answers, np.array([0]), pages)
    assert "stars" not in frame
    assert frame["price"].tolist() == [3]
    exploded = assemble(pd.DataFrame(index=[0]), answers, np.array([0]), pages, explode=True)
    assert exploded["price"].tolist() == ["cheap", "3"]


def test_long_pages_are_not_copied_into_the_frame():
    """Pages of 100 KB are in memory once, though they landed in another order than that of the rows."""
    pages = Pages()
    places = [pages.add(Page(html=f"{nth % 10}" * 100_000)) for nth in range(40)]
    pages.add(Page(html="x" * 2**23))  # what waits is Arrow from here on
    answers = [Answer(status="ok", page=place) for place in reversed(places)] + [Answer(status="pending")]
    before = pa.total_allocated_bytes()
    frame = assemble(pd.DataFrame(index=range(41)), answers, np.arange(41), pages, with_html=True)
    assert pa.total_allocated_bytes() - before < 1_000_000
    assert frame["html_content"].str[:2].tolist()[-3:-1] == ["11", "00"]
    assert frame["html_content"].isna().tolist() == [False] * 40 + [True]


def test_too_many_fields_on_one_page_among_others():
    """A page with thousands of fields leaves the columns of the others, landed before it, as they are."""
    given = [{"name": f"p{nth}", "offers": {"price": nth, "sizes": [1, 2.5]}} for nth in range(300)]
    given.append(
        {"name": "wide", "offers": {"price": 1.5, "sizes": None}, "ids": {f"i{k}": k for k in range(3000)}}
    )
    pages = Pages()
    answers = [Answer(status="ok", page=pages.add(Page(entities={"Product": [each]}))) for each in given]
    frame = assemble(pd.DataFrame(index=range(301)), answers, np.arange(301), pages)
    assert list(frame.columns[10:]) == ["name", "offers.price", "offers.sizes", "ids"]
    assert frame["offers.price"].tolist() == [*map(float, range(300)), 1.5]
    assert frame["offers.sizes"].dropna().unique().tolist() == ["[1,2.5]"]
    assert json.loads(frame["ids"].iloc[-1]) == given[-1]["ids"]


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(exclude_categories=()), max_size=5)
    | st.floats()
    | st.sampled_from(["\0nimble\0", ', "\\u0000nimble\\u0000", ', "\x7f\u2028é😀\x1f/<>&", "1e16"])
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    st.lists(
        st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=3), values), min_size=1, max_size=4
    )
)
def test_texts_written_together_are_those_written_one_by_one(together):
    """A column of lists is the same JSON as its lists, whatever they hold."""
    one_by_one = text_array([as_text(value) for value in together])
    assert json_array(together).to_pylist() == one_by_one.to_pylist()


@pytest.mark.parametrize("odd", [None, "é" * 200, "\ud800" + "a" * 200, "", "a" * 300])
def test_long_texts_are_those_that_were_given(odd):
    """Whether they are joined or converted; only halves of surrogate pairs are replaced."""
    values = ["x" * 150, odd, "y" * 250, ""]
    array = text_array(values)
    array.validate(full=True)
    given_back = [value and value.replace("\ud800", "\ufffd") for value in values]
    assert array.to_pylist() == given_back


@pytest.mark.parametrize(
    "number",
    [
        *("1", "-0", "-0.0", "1.0", "1e5", "1E-7", "0.1", "5e-324", "1e400", "-1e999", "NaN", "-Infinity"),
        *("9223372036854775808", "-9223372036854775809", "1" + "0" * 400, "9007199254740993.0"),
        *('"\\ud800"', '"\\ud83d\\ude00"', '"\\/\\u0000"', '{"a": 1, "b": 2, "a": 3}', "[1, [2, {}]]"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_json_is_read_as_python_reads_it(number, encoding):
    """Every number has the value, the type and the digits that `json` gives it."""
    text = f'{{"parsing": {{"entities": {{"Product": [{{"x": {number}}}]}}}}}}'
    (product,) = read_output(text.encode(encoding)).entities["Product"]
    expected = json.loads(number)
    assert (repr(product["x"]), type(product["x"])) == (repr(expected), type(expected))


def test_the_collector_goes_on_when_the_last_pause_has_ended():
    """Pauses of several threads overlap; one that the caller has switched off stays off."""
    assert gc.isenabled()
    entered, leave = threading.Event(), threading.Event()

    def pause():
        with collector.paused():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=pause)
    with collector.paused():
        thread.start()
        entered.wait()
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()
    gc.disable()
    try:
        with collector.paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
