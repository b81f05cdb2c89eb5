"""A plan made again from what was written down of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from nimble_pandas.models import Delivery, encode_json
from nimble_pandas.planning.columns import TEXT, Codes, Column, Flags, fragment
from nimble_pandas.planning.keys import keys_of, share
from nimble_pandas.planning.plan import Plan

# requests whose texts are Python's objects at a time
_MANY = 1 << 14


def recall_keys(row_keys: bytes, is_valid: Flags) -> tuple[Codes, pa.Array]:
    """Find the unique requests of a call's rows.

    Parameters
    ----------
    row_keys : bytes, length 16 n
        The content key of each row's request, one after another.
    is_valid : numpy.ndarray of bool, shape (n,)
        Which rows could be sent.

    Returns
    -------
    request_of_row : numpy.ndarray, shape (n,)
        Each row's request, -1 for a row that could not be sent.
    keys : pyarrow.Array of fixed-size binary, length k
        The content key of each request.
    """
    request_of_row, _, keys = share(keys_of(row_keys), is_valid)
    return request_of_row, keys


def recall_plan(
    requests: Iterable[Mapping[str, object]],
    *,
    keys: pa.Array,
    rows: pd.DataFrame,
    request_of_row: Codes,
    invalid: Sequence[tuple[int, Hashable, str]],
    delivery: Delivery,
) -> Plan:
    """Make a plan from requests that were written down.

    Parameters
    ----------
    requests : iterable of Mapping, length k
        Unique requests, defaults filled in.
    keys : pyarrow.Array of fixed-size binary, length k
        Their content keys.
    rows : pandas.DataFrame, shape (n, m)
        The caller's rows.
    request_of_row : numpy.ndarray, shape (n,)
        Each row's request, -1 for a row that could not be sent.
    invalid : sequence of tuple
        Row, column and reason of what could not be sent.
    delivery : Delivery
        Where outputs go.

    Returns
    -------
    Plan
        Without batches: nothing of it is to be sent.
    """
    positions = [row for row, _, _ in invalid]
    return Plan(
        rows=rows,
        delivery=delivery,
        defaults={},
        invalid=pd.DataFrame(
            {
                "row": np.array(positions, dtype=np.intp),
                "label": pd.Series([rows.index[row] for row in positions], dtype=object),
                "column": pd.Series([column for _, column, _ in invalid], dtype=object),
                "reason": pd.Series([reason for _, _, reason in invalid], dtype=str),
            }
        ),
        request_of_row=request_of_row,
        columns=_columns(requests),
        keys=keys,
        batches=[],
    )


def _columns(requests: Iterable[Mapping[str, object]]) -> list[Column]:
    chunks: dict[str, list[pa.Array]] = {}
    n_requests = 0
    left = iter(requests)
    while some := list(islice(left, _MANY)):
        for name in {name: None for each in some for name in each}:
            # what no request before has said
            chunks.setdefault(name, [pa.nulls(n_requests, TEXT)])
        for name, said in chunks.items():
            before = fragment(name, "")[:-2]
            texts = [f"{before}{encode_json(each[name])}" if name in each else None for each in some]
            said.append(pa.array(texts, TEXT))
        n_requests += len(some)
    return [_column(name, pa.chunked_array(said), n_requests) for name, said in chunks.items()]


def _column(name: str, texts: pa.ChunkedArray, n_requests: int) -> Column:
    places = np.arange(n_requests, dtype=np.int32)
    distinct = texts.unique()
    # a text for all of them, or for many, is held once
    if 2 * len(distinct) <= n_requests:
        places, texts = pc.index_in(texts, distinct).to_numpy(), distinct
    return Column(parameter=name, label=name, default=None, texts=texts, places=places)
