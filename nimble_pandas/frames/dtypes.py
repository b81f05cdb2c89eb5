"""Which pandas dtype shows which Arrow type."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype, no_default
from pandas.api.typing import NoDefault

from nimble_pandas.errors import ConfigError
from nimble_pandas.frames.text import TEXT

# Integers and booleans are nullable even where nothing is missing today, so that a column
# has the same dtype tomorrow, when one page lacks the field.
_DEFAULT: dict[pa.DataType, ExtensionDtype] = {
    pa.int64(): pd.Int64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    TEXT: pd.StringDtype(na_value=np.nan),
}
_NUMPY_NULLABLE = {**_DEFAULT, pa.float64(): pd.Float64Dtype(), TEXT: pd.StringDtype()}


def types_mapper(dtype_backend: str | NoDefault) -> Callable[[pa.DataType], ExtensionDtype | None]:
    """Return the rule by which Arrow columns are shown, as ``Table.to_pandas`` takes it.

    Parameters
    ----------
    dtype_backend : {"numpy_nullable", "pyarrow"} or no_default
        As in `pandas.read_parquet`.

    Returns
    -------
    callable
        Arrow type → pandas dtype, or None where NumPy's is meant.

    Raises
    ------
    ConfigError
        There is no such backend. Call it before anything is sent.
    """
    if dtype_backend is no_default:
        return _DEFAULT.get
    if dtype_backend == "numpy_nullable":
        return _NUMPY_NULLABLE.get
    if dtype_backend == "pyarrow":
        return pd.ArrowDtype
    raise ConfigError(
        f"dtype_backend is {dtype_backend!r}",
        hint="Leave it out, or give 'numpy_nullable' or 'pyarrow'.",
    )
