"""Whatever a frame holds, planning says what of it cannot be sent, and raises no error of Python's own."""

import io
import warnings
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nimble_pandas
from nimble_pandas.planning import make_plan


def pages(n=1, **columns):
    """Return a frame of `n` distinct URLs and further columns."""
    return pd.DataFrame({"url": [f"https://www.walmart.com/ip/{i}" for i in range(n)], **columns})


class Awkward:
    """Raises at whatever is asked of it."""

    def _refuse(self, *_):
        raise RuntimeError("no")

    __repr__ = __str__ = __eq__ = __hash__ = __float__ = __int__ = __bool__ = _refuse


ODD = [
    ([1], {}),
    ({"a": object()},),
    Decimal("sNaN"),
    Decimal(2108),
    10**400,
    -(10**5000),
    1e400,
    Fraction(1, 3),
    2 + 1j,
    Awkward(),
    Awkward,
    b"\xff" * 1000,
    {"a", "b"},
    np.arange(3),
    np.array(5),
    np.datetime64("NaT"),
    np.float32("nan"),
    pd.Timestamp("2026-01-01", tz="UTC"),
    pd.Interval(0, 1),
    pd.Series([1, 2]),
    pd.DataFrame({"a": [1]}),
    "\ud800",
    "x" * 1_000_000,
    ["y" * 1_000_000] * 3,
    slice(None),
    float,
]


@pytest.mark.filterwarnings("ignore:Parquet cannot hold")
@settings(max_examples=25, deadline=None)
@pytest.mark.filterwarnings("ignore:vendor")
@pytest.mark.parametrize(
    "parameter", ["url", "vendor", "country", "state", "city", "zip", "locale", "parse", "tag"]
)
@given(places=st.lists(st.integers(0, len(ODD) - 1), min_size=1, max_size=4))
def test_whatever_a_cell_holds_is_sent_or_named(parameter, places):
    """An odd object becomes a request or a short reason, never an error of Python's own."""
    values = [ODD[place] for place in places]
    frame = pages(len(values))
    frame["odd"] = pd.Series(dict(enumerate(values)), dtype=object)
    columns = {"url": "url", parameter: "odd"}
    plan = make_plan(frame, columns=columns, values={"vendor": "walmart", "country": "US", "state": "NY"})
    assert set(plan.invalid["row"]) == set(np.flatnonzero(plan.request_of_row < 0))
    assert plan.invalid["reason"].map(len).max() < 250 or plan.invalid.empty
    assert plan.n_bytes == sum(len(plan.body(batch)) for batch in plan.batches)
    assert len(repr(plan)) < 5_000
    for value in values:
        try:
            make_plan(frame, columns={"url": "url"}, values={"vendor": "walmart", parameter: value})
        except nimble_pandas.InputError as exc:
            assert len(str(exc)) < 500  # noqa: PT017 -- either it is sent, or this


@pytest.mark.parametrize("label", [["url"], {"url"}, ("a", ["url"]), "a", None.__class__])
def test_a_label_that_is_no_column_says_so(label):
    """A label that cannot be hashed, or that stands over several columns, is missing like any other."""
    frame = pages(1)
    frame.columns = pd.MultiIndex.from_tuples([("a", "b")])
    with pytest.raises(nimble_pandas.InputError, match=r"no column .*columns are \[\('a', 'b'\)\]"):
        frame.nimble.plan(url_col=label, vendor="walmart")
    assert frame.nimble.plan(url_col=("a", "b"), vendor="walmart").n_requests == 1


def test_a_grid_repeats_labels_by_request():
    """A frame that forbids duplicate labels can still be spread, as it can be exploded."""
    frame = pages(1).set_flags(allows_duplicate_labels=False)
    plan = frame.nimble.plan(url_col="url", vendor="walmart", country=["US", "FR"])
    assert plan.rows.index.tolist() == [0, 0]
    assert not frame.flags.allows_duplicate_labels


def test_a_grid_column_is_called_like_no_index_level():
    """The index of the rows can become columns."""
    frame = pages(1).set_axis(pd.Index(["mine"], name="country"))
    plan = frame.nimble.plan(url_col="url", vendor="walmart", country=["US"])
    assert plan.rows.reset_index().columns.tolist() == ["country", "url", "country_nimble"]


@pytest.mark.parametrize(
    ("frame", "named"),
    [
        (pages(1).assign(**{"1": 2}).rename(columns={"1": 1}).assign(**{"1": 3}), "1, '1'"),
        (pages(2, mixed=pd.Series([1, "a"], dtype=object)), "'mixed'"),
        (pages(2).set_axis(pd.Index([1, "a"], name="level")), "'level'"),
    ],
)
def test_a_frame_that_parquet_does_not_take_is_warned_of(frame, named):
    """That the caller's own columns cannot be written is known before anything is paid."""
    with pytest.warns(UserWarning, match=f"Parquet cannot hold this frame's own {named}:"):
        frame.nimble.plan(url_col="url", vendor="walmart")
    with warnings.catch_warnings(action="ignore"), pytest.raises((ValueError, pa.ArrowException)):
        pd.read_parquet(io.BytesIO(frame.to_parquet()))


def test_many_large_bad_cells_make_a_short_error():
    """A reason shows the beginning and the end of a long value, in the message and in `rows`."""
    frame = pages(100, url=[f"{i} {'x' * 100_000}" for i in range(100)])
    with pytest.raises(nimble_pandas.InputError) as raised:
        frame.nimble.batch(url_col="url", vendor="walmart")
    assert len(str(raised.value)) < 20_000
    assert raised.value.rows["reason"].map(len).max() < 150
