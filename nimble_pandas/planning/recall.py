"""A plan made again from what was written down of it."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
import pandas as pd
import pyarrow as pa

from nimble_pandas.models import Delivery, encode_json
from nimble_pandas.planning.columns import TEXT, Codes, Column, Flags, Places, fragment
from nimble_pandas.planning.keys import keys_of, share
from nimble_pandas.planning.plan import Plan

# requests whose texts are Python's objects at a time
_AT_ONCE = 1 << 12


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
    columns: dict[str, _Few | _Many] = {}
    n_requests = 0
    left = iter(requests)
    while some := list(islice(left, _AT_ONCE)):
        for name in {name: None for each in some for name in each} | dict.fromkeys(columns):
            before = fragment(name, "")[:-2]
            texts = [f"{before}{encode_json(each[name])}" if name in each else None for each in some]
            if name not in columns:
                columns[name] = (_Few if 2 * len(set(texts)) <= len(texts) else _Many)(n_requests)
            columns[name].add(texts)
        n_requests += len(some)
    return [
        Column(parameter=name, label=name, default=None, texts=column.texts, places=column.places)
        for name, column in columns.items()
    ]


class _Few:
    """Texts that are said again and again, each held once.

    Parameters
    ----------
    n_before : int
        Requests before the first that says one.
    """

    def __init__(self, n_before: int) -> None:
        self._place_of: dict[str | None, int] = {None: 0}
        self._places = array("i", [0]) * n_before

    def add(self, texts: Sequence[str | None]) -> None:
        """Take in what the next requests say."""
        known = self._place_of
        self._places.extend(known.setdefault(text, len(known)) for text in texts)

    @property
    def texts(self) -> pa.Array:
        """Each of them."""
        return pa.array(list(self._place_of), TEXT)

    @property
    def places(self) -> Places:
        """Where each request's is."""
        return np.array(self._places, dtype=np.int32)


class _Many:
    """Texts of which nearly each is another.

    Parameters
    ----------
    n_before : int
        Requests before the first that says one.
    """

    def __init__(self, n_before: int) -> None:
        self._chunks = [pa.nulls(n_before, TEXT)]

    def add(self, texts: Sequence[str | None]) -> None:
        """Take in what the next requests say."""
        self._chunks.append(pa.array(texts, TEXT))

    @property
    def texts(self) -> pa.ChunkedArray:
        """All of them."""
        return pa.chunked_array(self._chunks)

    @property
    def places(self) -> Places:
        """Where each request's is."""
        return np.arange(len(self.texts), dtype=np.int32)
