"""Partitions with the columns that were declared, though each read pages of its own; nothing is left out."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype

#: Where what no declared column can hold is kept, as a JSON object.
OTHER = "other_fields"

_NO = object()
_MAX_INTEGER = 2**63


def fitted(frame: pd.DataFrame, meta: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the declared columns and dtypes.

    Parameters
    ----------
    frame : pandas.DataFrame, length n
        As it was read.
    meta : pandas.DataFrame
        What it is to be; its last column is ``other_fields``.

    Returns
    -------
    pandas.DataFrame, length n
        What no column can hold is in ``other_fields``, one JSON object a row.
    """
    columns: dict[Any, pd.Series] = {}
    rest: dict[Any, pd.Series] = {name: frame[name] for name in frame.columns if name not in meta.columns}
    for name, dtype in meta.dtypes.drop(OTHER).items():
        if name not in frame.columns:
            columns[name] = pd.Series([None] * len(frame), index=frame.index, dtype=dtype)
        elif frame[name].dtype == dtype:
            columns[name] = frame[name]
        else:
            columns[name], left = _cast(frame[name], dtype)
            rest |= {} if left.isna().all() else {name: left}
    columns[OTHER] = _as_json(rest, frame.index).astype(meta.dtypes[OTHER])
    return pd.DataFrame(columns, index=frame.index)[list(meta.columns)]


def _cast(series: pd.Series, dtype: Any) -> tuple[pd.Series, pd.Series]:  # noqa: ANN401 -- any dtype
    """Return the values that fit a dtype, and those that do not."""
    fit = _fit_of(dtype)
    values = series.astype(object).where(series.notna(), None)
    fitting = [None if value is None else fit(value) for value in values]
    cast = pd.Series([None if value is _NO else value for value in fitting], index=series.index, dtype=dtype)
    left = [value if fits is _NO else None for value, fits in zip(values, fitting, strict=True)]
    return cast, pd.Series(left, index=series.index, dtype=object)


def _fit_of(dtype: Any) -> Callable[[Any], object]:  # noqa: ANN401 -- any dtype
    if is_bool_dtype(dtype):
        return _boolean
    if is_integer_dtype(dtype):
        return _integer
    if is_float_dtype(dtype):
        return _float
    return _text


def _text(value: object) -> object:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _boolean(value: object) -> object:
    return {"true": True, "false": False}.get(str(value).lower(), _NO)


def _float(value: object) -> object:
    said = _number(value)
    if said is None or not math.isfinite(said):
        return _NO
    # beyond 2**53 not every integer is a float
    return float(said) if float(said) == said else _NO


def _integer(value: object) -> object:
    said = _number(value)
    whole = said is not None and math.isfinite(said) and said == int(said)
    return int(said) if said is not None and whole and abs(said) < _MAX_INTEGER else _NO


def _number(value: object) -> int | float | None:
    """Return a number, also one that stands as JSON text because another page has text there."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _as_json(rest: Mapping[Any, pd.Series], index: pd.Index) -> pd.Series:
    """Return what is left of each row as a JSON object; missing where nothing is."""
    rows: list[dict[str, object]] = [{} for _ in index]
    for name, series in rest.items():
        for row, value in zip(rows, series.astype(object).where(series.notna(), None), strict=True):
            if value is not None:
                row[str(name)] = value
    texts = [json.dumps(row, default=str, ensure_ascii=False) if row else None for row in rows]
    return pd.Series(texts, index=index, dtype=object)
