"""A plan made again from what was written down of it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from nimble_pandas.models import Delivery, encode_json
from nimble_pandas.planning.columns import TEXT, Codes, Column, fragment
from nimble_pandas.planning.keys import keys_of
from nimble_pandas.planning.plan import Plan


def recall_plan(
    requests: Sequence[Mapping[str, object]],
    *,
    keys: Sequence[bytes],
    rows: pd.DataFrame,
    request_of_row: Codes,
    invalid: Sequence[tuple[int, Hashable, str]],
    delivery: Delivery,
) -> Plan:
    """Make a plan from requests that were written down.

    Parameters
    ----------
    requests : sequence of Mapping, length k
        Unique requests, defaults filled in.
    keys : sequence of bytes, length k
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
        columns=[_column(name, requests) for name in {name: None for each in requests for name in each}],
        keys=keys_of(b"".join(keys)),
        batches=[],
    )


def _column(name: str, requests: Sequence[Mapping[str, object]]) -> Column:
    before = fragment(name, "")[:-2]
    said = [f"{before}{encode_json(request[name])}" if name in request else None for request in requests]
    return Column(
        parameter=name,
        label=name,
        default=None,
        texts=pa.array(said, TEXT),
        places=np.arange(len(requests), dtype=np.int32),
    )
