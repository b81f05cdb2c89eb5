"""Values of one field, from all pages, become one Arrow column of one type."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

import pyarrow as pa

from nimble_pandas.frames.jsontext import as_text, without_surrogates

# 64-bit offsets: pages of one job pass the 2 GB that a plain Arrow string column can hold.
TEXT = pa.large_string()


def typed_column(values: Sequence[object], kinds: set[type]) -> pa.Array:
    """Give all values one type: bool, int64, float64, else text.

    Integers and floats together are floats, unless an integer beyond 2**53 might lose its
    value: that, an integer beyond 64 bits, a list, or any other mixture makes text of all.
    NaN is null. Text is never read as a number or a date.

    Parameters
    ----------
    values : sequence of object, length n
        Decoded JSON values.
    kinds : set of type
        The types of `values`.

    Returns
    -------
    pyarrow.Array
        Length n, in the order of `values`; without any value it is text.
    """
    kinds = kinds - {type(None)}
    if float in kinds and len(kinds) > 1:
        values = [None if type(value) is float and isnan(value) else value for value in values]
        kinds = set(map(type, values)) - {type(None)}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds and kinds <= {int, float}:
        return _number_column(values, kinds)
    if kinds <= {str}:
        return text_column(values)
    return text_column([as_text(value) for value in values])


def text_column(values: Sequence[object]) -> pa.Array:
    """Return text and nulls as an Arrow column, lone surrogates replaced.

    Parameters
    ----------
    values : sequence of str or None, length n
        Text and nulls.

    Returns
    -------
    pyarrow.Array
        Length n, in the order of `values`.
    """
    try:
        return pa.array(values, TEXT)
    except UnicodeEncodeError:
        clean = [without_surrogates(value) if isinstance(value, str) else None for value in values]
        return pa.array(clean, TEXT)


def _number_column(values: Sequence[object], kinds: set[type]) -> pa.Array:
    """Let Arrow judge: it refuses integers beyond 64 bits, and among floats those beyond 2**53."""
    try:
        column = pa.array(values, pa.float64() if float in kinds else pa.int64(), from_pandas=True)
    except (OverflowError, pa.ArrowInvalid):
        return text_column([as_text(value) for value in values])
    return column if column.null_count < len(column) else pa.nulls(len(column), TEXT)
