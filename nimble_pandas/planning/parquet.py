"""What of the caller's own frame Parquet does not take: better known before anything is paid."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa


def unwritable(rows: pd.DataFrame) -> list[Hashable]:
    """Return the columns and index levels that keep a frame from being written to Parquet.

    Parameters
    ----------
    rows : pandas.DataFrame, shape (n, k)
        The caller's rows.

    Returns
    -------
    list of Hashable
        Labels that are one and the same as text, then those of objects that are of no one type.
    """
    as_text = pd.Series([str(label) for label in rows.columns], dtype=object)
    alike: list[Hashable] = list(rows.columns[as_text.duplicated(keep=False)])
    sparse = [label for label, dtype in rows.dtypes.items() if isinstance(dtype, pd.SparseDtype)]
    alike += [label for label in sparse if label not in alike]
    return alike + [label for label, column in _objects(rows) if label not in alike and not _fits(column)]


def _objects(rows: pd.DataFrame) -> Iterator[tuple[Hashable, pd.Series | pd.Index]]:
    # any other dtype is of one type as it is, and may have millions of rows
    yield from ((label, column) for label, column in rows.items() if column.dtype == object)
    for number, name in enumerate(rows.index.names):
        level = rows.index.get_level_values(number)
        if level.dtype == object:
            yield name, level


def _fits(column: pd.Series | pd.Index) -> bool:
    kinds = set(map(type, column))
    if np.datetime64 in kinds and any(issubclass(kind, np.floating) for kind in kinds):
        # pyarrow (26) does not refuse numpy's scalars of both kinds in one column: it ends the process
        return False
    try:
        pa.array(column, from_pandas=True)
    except Exception:  # noqa: BLE001 -- pyarrow has an error for each kind of trouble, and objects their own
        return False
    return True
