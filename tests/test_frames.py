"""The frame: one row per row, in its order, under its label, with its own page."""

import doctest
import json
import sys
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from frames_of import answered, assemble
from pandas.testing import assert_frame_equal, assert_index_equal

from nimble_pandas import frames
from nimble_pandas.errors import ConfigError
from nimble_pandas.frames import types_mapper

TASK_COLUMNS = [
    "task_id",
    "batch_id",
    "status",
    "error",
    "http_status",
    "fetched_at",
    "reused",
    "output_url",
    "entity_type",
    "n_entities",
]


def product(**fields):
    """Return a product with these fields."""
    return ("Product", fields)


def fields_of(*pages, **options):
    """Return the columns that come from the pages alone, one product a row."""
    rows = pd.DataFrame(index=range(len(pages)))
    answers = [answered(status="ok", entities=[product(**page)]) for page in pages]
    return assemble(rows, answers, np.arange(len(pages)), **options).drop(columns=TASK_COLUMNS)


def test_whole_frame():
    """Input, task and page columns stand in this order, and each has its type."""
    rows = pd.DataFrame({"sku": ["A1", "A2", "A3"]}, index=pd.Index([7, 7, 9], name="id"))
    answers = [
        answered(status="pending", task_id="t1", batch_id="b"),
        answered(
            status="ok",
            task_id="t0",
            batch_id="b",
            http_status=200,
            fetched_at=datetime(2026, 1, 2, 5, 4, tzinfo=timezone(timedelta(hours=2))),
            reused=True,
            output_url="s3://bucket/t0.json",
            html="<p>",
            entities=[product(name="Tea", offers={"price": 3, "sizes": [1, 2]}, zip="02108", new=True)],
        ),
        answered(status="empty", error="the site answered 404", http_status=404, html="gone"),
    ]
    expected = pd.DataFrame(
        {
            "sku": ["A1", "A2", "A3"],
            "task_id": ["t0", None, "t1"],
            "batch_id": ["b", None, "b"],
            "status": ["ok", "empty", "pending"],
            "error": [None, "the site answered 404", None],
            "http_status": pd.array([200, 404, None], "Int64"),
            "fetched_at": pd.to_datetime(["2026-01-02 03:04", None, None], utc=True).as_unit("us"),
            "reused": [True, False, False],
            "output_url": ["s3://bucket/t0.json", None, None],
            "entity_type": ["Product", None, None],
            "n_entities": pd.array([1, 0, None], "Int64"),
            "html_content": ["<p>", "gone", None],
            "name": ["Tea", None, None],
            "offers.price": pd.array([3, None, None], "Int64"),
            "offers.sizes": ["[1,2]", None, None],
            "zip": ["02108", None, None],
            "new": pd.array([True, None, None], "boolean"),
        },
        index=rows.index,
    )
    expected = expected.astype(dict.fromkeys(["task_id", "error", "output_url", "entity_type"], "str"))
    assert_frame_equal(assemble(rows, answers, np.array([1, 2, 0]), with_html=True), expected)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], pd.array([1, 2], "Int64")),
        ([1, None], pd.array([1, None], "Int64")),
        ([1, float("nan")], pd.array([1, None], "Int64")),
        ([True, None], pd.array([True, None], "boolean")),
        ([1, 2.5, None], pd.array([1.0, 2.5, np.nan], "float64")),
        ([float("inf"), float("nan"), -1.5], pd.array([np.inf, np.nan, -1.5], "float64")),
        ([2**53, 0.5], pd.array([2.0**53, 0.5], "float64")),
        ([2**53 + 1, 0.5], pd.array(["9007199254740993", "0.5"], "str")),
        ([2**63, 1], pd.array(["9223372036854775808", "1"], "str")),
        ([2**63 - 1, -(2**63)], pd.array([2**63 - 1, -(2**63)], "Int64")),
        ([10**400, 1.5], pd.array(["1" + "0" * 400, "1.5"], "str")),
        (["$3", 3, 3.5, True, None], pd.array(["$3", "3", "3.5", "true", None], "str")),
        (["x", float("inf"), 1e300], pd.array(["x", "Infinity", "1e+300"], "str")),
        ([True, 1], pd.array(["true", "1"], "str")),
        ([None, float("nan")], pd.array([None, None], "str")),
        (["02108", "10001"], pd.array(["02108", "10001"], "str")),
        (["2025-12-15", None], pd.array(["2025-12-15", None], "str")),
        ([[{"a": "é"}], []], pd.array(['[{"a":"é"}]', "[]"], "str")),
        ([{}, "x"], pd.array(["{}", "x"], "str")),
        (["\ud800a", "\ud83d\ude00"], pd.array(["\ufffda", "😀"], "str")),
        ([["\udc00"], None], pd.array(['["\ufffd"]', None], "str")),
    ],
    ids=repr,
)
def test_one_column_one_type(values, expected):
    """A field has one type in all rows, and no value is lost for it."""
    found = fields_of(*({"x": value} for value in values))
    assert_frame_equal(found, pd.DataFrame({"x": expected}))


def test_type_is_the_same_however_far_apart():
    """The first page's number and the ten-thousandth page's text are one column of text."""
    pages = [{"price": nth, "stock": nth} for nth in range(5_000)] + [{"price": "$1.50", "stock": 0.5}]
    found = fields_of(*pages)
    expected = pd.DataFrame(
        {"price": [*map(str, range(5_000)), "$1.50"], "stock": [*map(float, range(5_000)), 0.5]}
    )
    assert_frame_equal(found, expected)


def test_object_here_scalar_there():
    """A field that is an object on one page and text on the next gets columns for both."""
    found = fields_of({"offers": {"price": 1}}, {"offers": "sold out"}, {"offers": {}})
    expected = pd.DataFrame(
        {"offers.price": pd.array([1, None, None], "Int64"), "offers": [None, "sold out", "{}"]}
    )
    assert_frame_equal(found, expected)


def test_paths_that_read_alike():
    """A dot in a name and a level of nesting are two columns, the second with the suffix."""
    found = fields_of({"a.b": 1, "a": {"b": 2}, "": {"": 3}, ".": 4})
    expected = pd.DataFrame({"a.b": [1], "a.b_nimble": [2], ".": [3], "._nimble": [4]}, dtype="Int64")
    assert_frame_equal(found, expected)


def test_taken_names():
    """A name that the caller, the index or a task column has gets the suffix until it is free."""
    rows = pd.DataFrame({"price": [9], "status": ["mine"]}, index=pd.Index([1], name="name"))
    page = product(price=1, name="Tea", status="new", status_x=5, error="none")
    frame = assemble(rows, [answered(status="ok", entities=[page])], np.array([0]), suffix="_x")
    tasks = ["status_x" if name == "status" else name for name in TASK_COLUMNS]
    pages = ["price_x", "name_x", "status_x_x", "status_x_x_x", "error_x"]
    assert list(frame.columns) == ["price", "status", *tasks, *pages]
    assert frame.loc[1, ["status", "status_x", "status_x_x", "status_x_x_x"]].tolist() == [
        "mine",
        "ok",
        "new",
        5,
    ]


def test_columns_in_order_of_first_appearance():
    """Fields stand as the rows show them first, whatever the order of the answers."""
    answers = [
        answered(status="ok", entities=[product(c=1, b=2)]),
        answered(status="ok", entities=[product(b={"z": 1}, a=1, b2=1)]),
    ]
    frame = assemble(pd.DataFrame(index=range(3)), answers, np.array([1, 0, 1]))
    assert list(frame.columns) == [*TASK_COLUMNS, "b.z", "a", "b2", "c", "b"]


@pytest.mark.parametrize("n_pages", [3, 40])
def test_pages_with_other_keys_in_other_order(n_pages):
    """Pages that share no layout keep their own values, few or many of them."""
    pages = [
        {"id": nth, f"only_{nth}": nth} if nth % 2 else {f"only_{nth}": nth, "id": nth}
        for nth in range(n_pages)
    ]
    found = fields_of(*pages, *pages)
    twice = [*range(n_pages), *range(n_pages)]
    assert found["id"].tolist() == twice
    for nth in range(n_pages):
        assert found[f"only_{nth}"].dropna().index.tolist() == [nth, nth + n_pages]


def test_one_page_of_another_layout_among_many():
    """A page with its keys in another order, or fewer, joins the columns of the rest."""
    pages = [{"a": nth, "b": "x"} for nth in range(20)] + [{"b": None, "a": 20.5}, {"a": 21}]
    expected = pd.DataFrame({"a": [*map(float, range(20)), 20.5, 21.0], "b": ["x"] * 20 + [None] * 2})
    assert_frame_equal(fields_of(*pages), expected)


def test_deep_nesting():
    """What nests deeper than the stack is JSON text from the 32nd level on, and no error."""
    inner = deep = []
    for _ in range(50_000):
        inner.append({"a": [1, "é", {}]})
        inner.append([])
        inner = inner[1]
    tower = 1
    for _ in range(50_000):
        tower = {"a": tower}
    found = fields_of({"list": deep, "tower": tower})
    assert list(found.columns) == ["list", "tower" + ".a" * 31]
    assert found.iloc[0, 0].startswith('[{"a":[1,"é",{}]},[{"a":[1,"é",{}]},[')
    assert found.iloc[0, 0].endswith("[]" + "]" * 50_000)
    assert found.iloc[0, 1] == '{"a":' * 49_969 + "1" + "}" * 49_969


def test_deep_text_is_the_same_json():
    """Text written without the stack is what `json` would have written."""
    from nimble_pandas.frames import text

    value = {"a": [1, None, True, 1.5, "é\n", [], {}, {"b": [[]], "": -2}], "c": {"d": "\u2028"}}
    assert text._encode_deep(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))


ENTITIES = [
    ("SearchResult", {"n": 1}),
    ("product", {"n": 2}),
    (None, {"n": 3, "entityType": "Product"}),
    (None, {"n": 4}),
]


@pytest.mark.parametrize(
    ("explode", "labels", "expected"),
    [
        (False, ["x", "y", "x"], [2, 1, None]),
        (True, ["x", "x", "x", "x", "y", "x"], [1, 2, 3, 4, 1, None]),
        ("PRODUCT", ["x", "x", "y", "x"], [2, 3, None, None]),
        ("SearchResult", ["x", "y", "x"], [1, 1, None]),
        ("Review", ["x", "y", "x"], [None, None, None]),
    ],
)
def test_explode(explode, labels, expected):
    """One line per row, per entity, or per entity of a type; no row loses its last line."""
    rows = pd.DataFrame({"sku": pd.Categorical(["a", "b", "c"])}, index=["x", "y", "x"])
    answers = [
        answered(status="empty"),
        answered(status="ok", entities=ENTITIES),
        answered(status="ok", entities=ENTITIES[:1]),
    ]
    frame = assemble(rows, answers, np.array([1, 2, 0]), explode=explode)
    assert frame.index.tolist() == labels
    assert frame["sku"].dtype == rows["sku"].dtype
    assert list(frame["sku"].unique()) == ["a", "b", "c"]
    assert frame["n_entities"].groupby(frame["sku"], observed=True).first().tolist() == [4, 1, 0]
    if "n" not in frame:
        frame["n"] = pd.array([None] * len(frame), "Int64")
    assert frame["n"].astype(object).where(frame["n"].notna(), None).tolist() == expected


def test_explode_as_pandas_does():
    """Index and input columns are those of `DataFrame.explode` on a column of lists."""
    index = pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 2)], names=["l", None])
    counts = [2, 0, 3]
    rows = pd.DataFrame({"k": [1.5, 2.5, 3.5]}, index=index)
    answers = [answered(status="ok", entities=[product(n=n) for n in range(count)]) for count in counts]
    frame = assemble(rows, answers, np.arange(3), explode=True)
    peer = rows.assign(n=[list(range(count)) for count in counts]).explode("n")
    assert_frame_equal(frame[["k"]], peer[["k"]])
    assert_frame_equal(frame[["n"]], peer[["n"]].astype("Int64"))


def test_entity_type_is_said_once():
    """The page's own word fills `entity_type`; only what says something else stays a field."""
    entities = [
        (None, {"entity_type": "Review", "entityType": "Review"}),
        (None, {"entity_type": 3}),
        ("Product", {"entityType": "Product"}),
        ("Product", {"entityType": "Offer"}),
    ]
    frame = assemble(
        pd.DataFrame(index=[0]), [answered(status="ok", entities=entities)], np.array([0]), explode=True
    )
    assert list(frame.columns) == [*TASK_COLUMNS, "entity_type_nimble", "entityType"]
    assert frame["entity_type"].fillna("").tolist() == ["Review", "", "Product", "Product"]
    assert frame["entityType"].fillna("").tolist() == ["", "", "", "Offer"]


@pytest.mark.parametrize(
    ("backend", "whole", "flag", "real", "text"),
    [
        ("numpy_nullable", pd.Int64Dtype(), pd.BooleanDtype(), pd.Float64Dtype(), pd.StringDtype()),
        ("pyarrow", *map(pd.ArrowDtype, (pa.int64(), pa.bool_(), pa.float64(), pa.large_string()))),
    ],
)
def test_dtype_backend(backend, whole, flag, real, text):
    """The new columns get the backend's dtypes, the caller's keep theirs."""
    rows = pd.DataFrame({"mine": [1], "words": pd.Series(["x"], dtype=object)})
    page = product(i=1, b=True, f=1.5, s="x", nothing=None)
    answers = [answered(status="ok", fetched_at=datetime.now(UTC), entities=[page])]
    dtypes = assemble(rows, answers, np.array([0]), dtype_backend=backend).dtypes
    assert dtypes[["mine", "words"]].tolist() == [np.dtype("int64"), np.dtype(object)]
    assert dtypes[["http_status", "n_entities", "i"]].tolist() == [whole] * 3
    assert dtypes[["reused", "b"]].tolist() == [flag] * 2
    assert dtypes["f"] == real
    assert dtypes[["status", "error", "s", "nothing"]].tolist() == [text] * 4


def test_unusable_arguments():
    """A backend that does not exist, or a suffix that cannot end, is named in the error."""
    with pytest.raises(ConfigError, match="dtype_backend is 'polars'"):
        types_mapper("polars")
    with pytest.raises(ConfigError, match="suffix is empty"):
        assemble(pd.DataFrame(), [], np.array([], dtype=int), suffix="")


INDEXES = {
    "range": pd.RangeIndex(5, 14, 3),
    "repeated": pd.Index(["a", "a", None]),
    "multi": pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 2)], names=["task_id", None]),
    "times": pd.DatetimeIndex(["2026-01-01", "2026-01-01", "2026-03-29"], tz="Europe/Paris", name="at"),
    "categories": pd.CategoricalIndex(["x", "y", "x"]),
    "named with a number": pd.Index([3.5, 1.5, 3.5], name=0),
}


@pytest.mark.parametrize("explode", [False, True])
@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_input_is_untouched(index, explode):
    """Index, columns, dtypes and labels are the caller's, and her frame has not changed."""
    rows = pd.DataFrame(
        {
            "category": pd.Categorical(["a", "b", "a"], ["b", "a", "c"], ordered=True),
            "nullable": pd.array([1, None, 3], "UInt8"),
            "arrow": pd.array([[1], None, []], pd.ArrowDtype(pa.list_(pa.int8()))),
            "object": [{"a": 1}, 2, "3"],
            "when": pd.to_datetime(["2026-01-01"] * 3).tz_localize("Asia/Tokyo"),
            0: [1.5, 2.5, np.nan],
            None: [1, 2, 3],
        },
    ).set_axis(index)
    rows.attrs = {"mine": np.arange(3)}
    before = rows.copy()
    page = product(**{"0": 1, "category": 2})
    frame = assemble(rows, [answered(status="ok", entities=[page])], np.zeros(3, dtype=int), explode=explode)
    assert frame.attrs == {}
    assert list(frame.columns[7:]) == [
        *("task_id_nimble" if name in index.names else name for name in TASK_COLUMNS[:1]),
        *TASK_COLUMNS[1:],
        "0_nimble",
        "category_nimble",
    ]
    assert_index_equal(frame.index, index)
    assert_frame_equal(frame.iloc[:, :7], before, check_column_type=False)
    frame["nullable"] = 0
    assert_frame_equal(rows, before)


def test_repeated_column_labels():
    """Two input columns of one label stay two."""
    rows = pd.DataFrame([[1, "a"], [2, "b"]], columns=["x", "x"])
    frame = assemble(rows, [answered(status="ok", entities=[product(x=5)])], np.array([0, 0]))
    assert list(frame.columns) == ["x", "x", *TASK_COLUMNS, "x_nimble"]
    assert_frame_equal(frame[["x"]], rows)


def test_columns_of_several_levels():
    """Under a column MultiIndex a new name stands on the first level."""
    rows = pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")], names=["one", "two"]))
    frame = assemble(rows, [answered(status="ok", entities=[product(p=5)])], np.array([0]))
    expected = [("a", "b"), *((name, "") for name in TASK_COLUMNS), ("p", "")]
    assert_index_equal(frame.columns, pd.MultiIndex.from_tuples(expected, names=["one", "two"]))


def test_names_taken_on_the_first_of_several_levels():
    """A column of the caller's with nothing below its first level is one that has that name."""
    columns = pd.MultiIndex.from_tuples([("task_id", ""), ("p", "q")])
    rows = pd.DataFrame([[1, 2]], columns=columns)
    frame = assemble(rows, [answered(status="ok", entities=[product(p=5)])], np.array([0]))
    assert frame.columns.is_unique
    assert frame[("task_id_nimble", "")].isna().all()
    assert frame[("p", "")].tolist() == [5]


@pytest.mark.parametrize("explode", [1, 0, None, "", ["Product"], b"Product", np.float64(1)])
def test_explode_is_checked_before_there_are_rows(explode):
    """A dry run on an empty frame finds what is no way to explode."""
    with pytest.raises(ConfigError, match="is neither True, False nor a type"):
        assemble(pd.DataFrame(), [], np.array([], dtype=int), explode=explode)


def test_what_comes_from_outside_is_no_error():
    """Numbers beyond 64 bits are missing, a page of an error is cut, half of a pair is replaced."""
    answer = answered(
        status="ok",
        http_status=2**63,
        error="\udc00" + "x" * 10_000_000,
        task_id="\ud800",
        output_url="s3://b/\ud800",
        entities=ENTITIES,
    )
    frame = assemble(pd.DataFrame(index=[0]), [answer], np.array([0]), explode=np.True_)
    assert frame["http_status"].isna().all()
    assert frame["error"].str.len().tolist() == [2_000] * 4
    assert frame["task_id"].tolist() == ["\ufffd"] * 4


def test_labels_that_may_not_repeat():
    """A frame that forbids repeated labels can still be exploded."""
    rows = pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False)
    frame = assemble(rows, [answered(status="ok", entities=ENTITIES)], np.array([0]), explode=True)
    assert frame["a"].tolist() == [1, 1, 1, 1]
    assert not rows.flags.allows_duplicate_labels


def test_no_rows():
    """An empty frame has the columns and dtypes of a full one."""
    rows = pd.DataFrame({"url": pd.array([], "str")})
    full = assemble(pd.DataFrame({"url": ["u"]}), [answered(status="ok")], np.array([0]), with_html=True)
    frame = assemble(rows, [], np.array([], dtype=int), with_html=True)
    assert_frame_equal(frame, full.iloc[:0], check_index_type=False)


def test_a_shared_answer_is_not_a_shared_frame():
    """Rows that share an answer show it each, and writing to one leaves the others alone."""
    rows = pd.DataFrame({"u": ["a", "b", "a"]})
    answers = [answered(status="ok", entities=[product(n=n)]) for n in (1, 2)]
    frame = assemble(rows, answers, np.array([0, 1, 0]))
    frame.loc[0, "n"] = 9
    assert frame["n"].tolist() == [9, 2, 1]


def test_frames_concatenate():
    """Yesterday's frame and today's, one with gaps and one without, keep the dtypes."""
    day = fields_of({"n": 1, "ok": True, "s": "x"})
    gap = fields_of({"n": None, "ok": None, "s": None, "f": 1.5}, {"n": 2, "ok": False, "s": "y", "f": 2.5})
    both = pd.concat([day, gap])
    assert both[["n", "ok", "s"]].dtypes.tolist() == day.dtypes.tolist()


def test_example_in_the_docstring():
    """The example of `assemble` gives what it shows."""
    module = sys.modules[frames.assemble.__module__]  # the package shows the function under the module's name
    assert doctest.testmod(module).attempted
    assert not doctest.testmod(module).failed
