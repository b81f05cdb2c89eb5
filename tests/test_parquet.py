"""The frame always writes to Parquet and reads back equal, whatever the pages contained."""

import io
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from frames_of import answered, assemble, one_by_one
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.api.extensions import no_default
from pandas.testing import assert_frame_equal, assert_index_equal

TRAPS = [
    *("", ".", "a", "b", "a.b", "a.", "price", "price_nimble", "0", "None", "url", "key", "level"),
    *("status", "task_id", "entity_type", "entityType", "reused", "n_entities", "html_content"),
    *("index", "__index_level_0__", "__index_level_1__", "\ud800", "\ufffd", "é", "\0", "x" * 5_000),
]
any_text = st.text(st.characters(exclude_categories=()), max_size=8)
names = st.sampled_from(TRAPS) | any_text
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**400), 10**400)
    | st.sampled_from([2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1])
    | st.floats()
    | any_text
    | st.sampled_from(["02108", "$34.99", "1e5", "nan", "2025-12-15", "true", "null"])
)


def tower(n_levels, key, top):
    """Nest a value under a key, or in lists where there is no key."""
    for _ in range(n_levels):
        top = [top] if key is None else {key: top}
    return top


towers = st.builds(tower, st.integers(0, 3 * sys.getrecursionlimit()), st.none() | names, scalars)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
objects = st.dictionaries(names, values | towers, max_size=6)
entities = st.tuples(st.sampled_from([None, "Product", "product", "Review", "\ud800"]), objects)
answers = st.builds(
    answered,
    status=st.sampled_from(["ok", "empty", "pending", "failed"]),
    task_id=st.none() | any_text,
    error=st.none() | any_text,
    http_status=st.none() | st.integers(100, 599),
    fetched_at=st.none() | st.datetimes(timezones=st.timezones()),
    reused=st.booleans(),
    html=st.none() | any_text,
    entities=st.lists(entities, max_size=3),
)
KEYS = ["x", "y", "x", "z", "x", "y"]
INDEXES = [
    pd.RangeIndex(6),
    pd.RangeIndex(3, 15, 2, name="price"),
    pd.Index([5, 5, 1, 2, 2, 2]),
    pd.Index(KEYS, name="a"),
    pd.MultiIndex.from_arrays([KEYS, range(6)], names=["key", None]),
    pd.MultiIndex.from_arrays([KEYS, KEYS]),
    pd.DatetimeIndex(
        ["2026-03-28", "2026-03-29", "2026-03-29", "2026-03-30", "2026-10-25", "2026-10-25"],
        tz="Europe/Paris",
    ),
    pd.CategoricalIndex(KEYS, name="status"),
]
COLUMNS = {
    "url": [f"https://shop.example/{n}" for n in range(6)],
    "status": pd.Categorical(KEYS),
    "price": pd.array([1, None, 3, 4, None, 6], "Int64"),
    "a": pd.array([1, None, 3, 4, None, 6], pd.ArrowDtype(pa.int16())),
    "b": [0.5, np.nan, 1.5, 2.5, 3.5, 4.5],
    "at": pd.date_range("2026-01-01", periods=6, tz="UTC"),
}


@st.composite
def jobs(draw):
    """Draw rows, answers, and which row has which."""
    known = draw(st.lists(answers, min_size=1, max_size=4))
    n_rows = draw(st.integers(1, 6))  # Parquet itself forgets the categories of no rows
    chosen = draw(st.lists(st.sampled_from(list(COLUMNS)), unique=True))
    rows = pd.DataFrame({name: COLUMNS[name] for name in chosen}, index=range(6))
    rows = rows.set_axis(draw(st.sampled_from(INDEXES))).iloc[:n_rows]
    position = st.integers(0, len(known) - 1)
    answer_of_row = draw(st.lists(position, min_size=n_rows, max_size=n_rows))
    return rows, known, np.array(answer_of_row, dtype=np.intp)


options = st.fixed_dictionaries(
    {
        "explode": st.sampled_from([False, True, "Product"]),
        "with_html": st.booleans(),
        "dtype_backend": st.sampled_from([no_default, "numpy_nullable", "pyarrow"]),
    }
)
thorough = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@thorough
@given(jobs(), options)
def test_reads_back_equal(job, option):
    """Written and read, the frame is equal: values, dtypes, names, index."""
    frame = assemble(*job, **option)
    stored = io.BytesIO()
    frame.to_parquet(stored)
    assert_frame_equal(pd.read_parquet(stored), frame)


@thorough
@given(jobs(), options.filter(lambda option: option["dtype_backend"] is not no_default))
def test_reads_back_equal_by_the_backend(job, option):
    """Read with the same backend, the new columns are equal (pandas converts index and input, too)."""
    frame = assemble(*job, **option)
    stored = io.BytesIO()
    frame.to_parquet(stored)
    back = pd.read_parquet(stored, dtype_backend=option["dtype_backend"])
    n_input = len(job[0].columns)
    assert_frame_equal(back.iloc[:, n_input:].set_axis(frame.index), frame.iloc[:, n_input:])


@thorough
@given(jobs(), options)
def test_every_row_is_accounted_for(job, option):
    """Each row has its line or lines, in order, under its label, with its input."""
    rows, known, answer_of_row = job
    before = rows.copy()
    frame = assemble(rows, known, answer_of_row, **option)
    assert_frame_equal(rows, before)
    counts = [max(1, n_lines(one_by_one(known[at][1]), option["explode"])) for at in answer_of_row]
    at = np.repeat(np.arange(len(rows)), counts)
    assert_frame_equal(frame.iloc[:, : len(rows.columns)], rows.iloc[at], check_column_type=False)
    assert_index_equal(frame.index, rows.index.take(at), exact="equiv")


def n_lines(found, explode):
    """Count the entities that get a line."""
    if explode == "Product":
        return sum(word_of(*entity).casefold() == "product" for entity in found)
    return len(found) if explode else min(len(found), 1)


def word_of(entity_type, fields):
    """Return an entity's type, said by itself or by its fields."""
    words = (entity_type, fields.get("entity_type"), fields.get("entityType"))
    return next((word for word in words if isinstance(word, str)), "")


@thorough
@given(jobs(), st.booleans())
def test_no_row_has_another_rows_page(job, explode):
    """Each line's fields, nested ones too, are those of its own answer."""
    rows, known, answer_of_row = job
    marked = [
        answered(
            status=answer.status,
            task_id=str(nth),
            entities=[
                ("Review", {**fields, "mark": {"of": f"{nth}/{at}"}})
                for at, (_, fields) in enumerate(one_by_one(page))
            ],
        )
        for nth, (answer, page) in enumerate(known)
    ]
    frame = assemble(rows, marked, answer_of_row, explode=explode)
    n_shown = [len(one_by_one(marked[at][1])) if explode else 1 for at in answer_of_row]
    expected = [
        f"{at}/{nth}" if marked[at][1].entities else None
        for at, n in zip(answer_of_row, n_shown, strict=True)
        for nth in range(max(1, n))
    ]
    if not any(expected):
        assert "mark.of" not in frame
    else:
        assert frame["mark.of"].astype(object).where(frame["mark.of"].notna(), None).tolist() == expected
    assert frame["task_id"].tolist() == [
        str(at) for at, n in zip(answer_of_row, n_shown, strict=True) for _ in range(max(1, n))
    ]


@pytest.mark.parametrize("n_rows", [0, 1])
@pytest.mark.parametrize("backend", [no_default, "numpy_nullable", "pyarrow"])
def test_nothing_arrived(backend, n_rows, tmp_path):
    """A frame without rows, or without any page, has typed columns all the same, and reads back equal."""
    rows = pd.DataFrame({"url": ["u"], "n": [1]}).iloc[:n_rows]
    frame = assemble(rows, [answered(status="pending")], np.zeros(n_rows, dtype=int), dtype_backend=backend)
    frame.to_parquet(tmp_path / "prices.parquet")
    assert_frame_equal(pd.read_parquet(tmp_path / "prices.parquet"), frame)
