"""The caller's cells, as parameter values: each checked by its parameter's rule."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from nimble_pandas.errors import InputError
from nimble_pandas.models import DOCUMENTED_DEFAULTS, encode_json
from nimble_pandas.planning.columns import TEXT, Codes, Column, fragment
from nimble_pandas.planning.rules import plain_pattern, rule
from nimble_pandas.planning.shown import shown


def read_default(parameter: str, value: object) -> object:
    """Return `value` as it is sent for all rows.

    Parameters
    ----------
    parameter : str
        The API's name.
    value : object
        The argument; None for no default.

    Returns
    -------
    object
        What is sent, or None.

    Raises
    ------
    InputError
        The value breaks the parameter's rule; nothing was sent.
    """
    if _is_missing(value):
        return None
    sent, reason = _read(parameter, value)
    if reason is not None:
        raise InputError(f"{parameter}={shown(value)}: {reason}.", hint="Nothing was sent.")
    return sent


def read_column(parameter: str, series: pd.Series, *, label: Hashable, default: object) -> Column:
    """Return a column of the caller's as parameter values.

    Parameters
    ----------
    parameter : str
        The API's name.
    series : pandas.Series, length n
        The caller's values; a missing one, or an empty text, says nothing.
    label : Hashable
        The caller's name for the column.
    default : object
        What holds where a row says nothing. A value equal to it says nothing new; where there is none,
        neither does what the API's documentation names as its default.

    Returns
    -------
    Column
        With the reasons of the rows that cannot be sent.
    """
    pattern = plain_pattern(parameter)
    texts = _texts(series) if pattern is not None else None
    if pattern is not None and texts is not None:
        return _read_texts(parameter, texts, pattern, label=label, default=default)
    codes, cells = _factorize(series)
    sent, reasons = _read_cells(parameter, cells, default)
    said = [None if value is None else fragment(parameter, value) for value in sent]
    return Column(
        parameter=parameter,
        label=label,
        default=default,
        # -1, pandas' word for missing, is the first one
        texts=pa.array([None, *said], TEXT),
        places=(codes + 1).astype(np.int32),
        reasons=_by_row(codes, reasons),
    )


def _read_texts(
    parameter: str, texts: pa.Array | pa.ChunkedArray, pattern: str, *, label: Hashable, default: object
) -> Column:
    """Read texts of which most are sent just as they are; only the others go through the rule."""
    plain = pc.match_substring_regex(texts, pattern)
    if isinstance(default, str):
        plain = pc.and_(plain, pc.not_equal(texts, default))
    is_odd = np.asarray(pc.fill_null(pc.invert(plain), False))
    reasons: dict[int, str] = {}
    if is_odd.any():
        odd = pa.array(is_odd)
        codes, cells = _distinct_texts(texts.filter(odd))
        sent, reasons = _read_cells(parameter, cells, default)
        inside = pa.array([None if value is None else encode_json(value)[1:-1] for value in sent], TEXT)
        texts = pc.replace_with_mask(texts, odd, inside.take(pa.array(codes)))
        rows = np.flatnonzero(is_odd)
        reasons = {int(rows[place]): reason for place, reason in _by_row(codes, reasons).items()}
    return Column(
        parameter=parameter,
        label=label,
        default=default,
        texts=texts,
        places=np.arange(len(texts), dtype=np.int32),
        needs_quotes=True,
        reasons=reasons,
    )


def _distinct_texts(texts: pa.Array | pa.ChunkedArray) -> tuple[Codes, Sequence[object]]:
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    encoded = whole.dictionary_encode()
    return encoded.indices.to_numpy(), encoded.dictionary.to_pylist()


def _read_cells(
    parameter: str, cells: Sequence[object], default: object
) -> tuple[list[object], dict[int, str]]:
    """Return what is sent for each cell, None for nothing, and the reasons of those that cannot be."""
    implied = DOCUMENTED_DEFAULTS.get(parameter) if default is None else default
    # True, 1 and 1.0 are equal, but are sent as three different things
    implied_json = None if implied is None else encode_json(implied)
    sent: list[object] = []
    reasons: dict[int, str] = {}
    for place, cell in enumerate(cells):
        value, reason = _read(parameter, cell)
        if reason is not None:
            reasons[place] = reason
        says_nothing = value is None or (implied_json is not None and encode_json(value) == implied_json)
        sent.append(None if says_nothing else value)
    return sent, reasons


def _by_row(codes: Codes, reasons: dict[int, str]) -> dict[int, str]:
    rows = np.flatnonzero(np.isin(codes, list(reasons))) if reasons else ()
    return {int(row): reasons[int(codes[row])] for row in rows}


def _read(parameter: str, value: object) -> tuple[object, str | None]:
    """Return what is sent for a value, and the reason where it cannot be."""
    try:
        return rule(parameter)(value), None
    except ValueError as exc:
        return None, str(exc)
    except Exception as exc:  # noqa: BLE001 -- a cell may hold any object, and its methods raise anything
        return None, f"{shown(value)} cannot be read: {type(exc).__name__}"


def _is_missing(value: object) -> bool:
    try:
        return pd.isna(value) is True  # type: ignore[call-overload]
    except Exception:  # noqa: BLE001 -- a signalling NaN raises when it is compared
        return False


def _texts(series: pd.Series) -> pa.Array | pa.ChunkedArray | None:
    """Return a column of texts as Arrow has them, shared with the frame where it can be."""
    if not _is_text(series):
        return None
    try:
        return pa.array(series, from_pandas=True).cast(TEXT)
    except (ValueError, pa.ArrowException):  # a lone surrogate is no UTF-8
        return None


_TEXT_TYPES = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


def _is_text(series: pd.Series) -> bool:
    if series.dtype == object:
        try:
            # objects may be anything, and pyarrow takes bytes for text
            return pd.api.types.infer_dtype(series) == "string"
        except Exception:  # noqa: BLE001 -- as in `_is_missing`
            return False
    if isinstance(series.dtype, pd.ArrowDtype):
        # pandas' own `dtype.type` does not know views of text
        return any(is_of(series.dtype.pyarrow_dtype) for is_of in _TEXT_TYPES)
    return isinstance(series.dtype, pd.StringDtype)


def _factorize(series: pd.Series) -> tuple[Codes, Sequence[object]]:
    if series.dtype != object or _is_text(series):
        try:
            codes, values = pd.factorize(series)
            return codes, list(values)
        except (NotImplementedError, TypeError):  # lists and structs of Arrow
            series = series.astype(object)
    # objects may be unhashable, and those that are equal may still differ (True and 1)
    known: dict[object, int] = {}
    uniques: list[object] = []
    objects = series.to_numpy()
    codes = np.full(len(series), -1, dtype=np.intp)
    for row in np.flatnonzero(_is_given(series)):
        value = objects[row]
        code = known.setdefault(_raw_key(value), len(uniques))
        if code == len(uniques):
            uniques.append(value)
        codes[row] = code
    return codes, uniques


def _is_given(series: pd.Series) -> npt.NDArray[np.bool_]:
    try:
        return series.notna().to_numpy()
    except Exception:  # noqa: BLE001 -- as in `_is_missing`
        return np.array([not _is_missing(value) for value in series], dtype=bool)


def _raw_key(value: object) -> object:
    try:
        # in bytes, for 1 and "1" are two things
        return value if type(value) is str else encode_json(value).encode()
    except Exception:  # noqa: BLE001 -- what is no JSON is equal to nothing but itself
        return id(value)
