"""What a worker does with one partition: find its rows' tasks by content key, read their outputs."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import no_default

from nimble_pandas import verbs
from nimble_pandas.dask.fitting import OTHER, fitted
from nimble_pandas.job import TASK_COLUMNS, lay_out_tasks, read_tasks, task_table
from nimble_pandas.planning import Plan

# outputs that are looked at to find out which columns there are
_SAMPLE = 200
# what every frame has between the caller's columns and the fields
_N_FIXED = 10
# as when a partition is computed anew, and comes out otherwise
_STRANGER = "this row is none of those that were submitted"

_PLANNING = frozenset(inspect.signature(verbs.plan).parameters) - {"frame"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a worker needs to know of a call: how rows become requests, and how outputs are read.

    Parameters
    ----------
    planning : Mapping
        Arguments of `plan`.
    storage_options : Mapping, optional
        Handed to fsspec as they are.
    explode, dtype_backend : optional
        As in `batch`.
    """

    planning: Mapping[str, Any]
    storage_options: Mapping[str, Any] | None = field(default=None, repr=False)
    explode: bool | str = False
    dtype_backend: Any = no_default

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Call:
        """Return what workers need of the arguments of `batch`."""
        kept = ("storage_options", "explode", "dtype_backend")
        return cls(
            planning={name: value for name, value in arguments.items() if name in _PLANNING},
            **{name: arguments[name] for name in kept if name in arguments},
        )

    def read(self, tasks: pd.DataFrame) -> pd.DataFrame:
        """Read the outputs of tasks."""
        return read_tasks(
            tasks,
            storage_options=self.storage_options,
            explode=self.explode,
            dtype_backend=self.dtype_backend,
        )


def read_part(part: pd.DataFrame, packed: bytes, *, call: Call, meta: pd.DataFrame) -> pd.DataFrame:
    """Return a partition with what its rows' outputs hold.

    A row is found by its content key, so that a partition that was computed anew, and came out
    otherwise, is given nothing that is not its own.

    Parameters
    ----------
    part : pandas.DataFrame, shape (n, k)
        The rows.
    packed : bytes
        The tasks of the partition, as an Arrow stream.
    call : Call
        How rows became requests.
    meta : pandas.DataFrame
        The columns and dtypes to return.

    Returns
    -------
    pandas.DataFrame
        As `meta` says.
    """
    table = pa.ipc.open_stream(packed).read_all()
    plan = verbs.plan(part, **call.planning)
    place = {key: nth for nth, key in enumerate(table["key"].to_pylist())}
    of_request = np.array([place.get(key, -1) for key in plan.keys.to_pylist()], dtype=np.intp)
    # -1, a row that cannot be sent, is the last one
    tasks = lay_out_tasks(plan.rows, table, np.append(of_request, -1)[plan.request_of_row])
    return fitted(call.read(_explained(tasks, plan)), meta)


def _explained(tasks: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Say of rows that have no task why that is so."""
    n_own = tasks.shape[1] - len(TASK_COLUMNS)
    status, error = (n_own + TASK_COLUMNS.index(name) for name in ("status", "error"))
    for row in np.flatnonzero(tasks.iloc[:, status].isna()).tolist():
        tasks.iloc[row, [status, error]] = ["unknown", _STRANGER]
    for row, column, reason in plan.invalid[["row", "column", "reason"]].itertuples(index=False):
        tasks.iloc[row, [status, error]] = ["invalid", f"{column}: {reason}"]
    return tasks


def packed(table: pa.Table) -> bytes:
    """Return a table as the bytes that `read_part` takes.

    Parameters
    ----------
    table : pyarrow.Table
        Some tasks.

    Returns
    -------
    bytes
        An Arrow stream, compressed.
    """
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
        stream.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def sampled(tasks: pd.DataFrame, rows: pd.DataFrame, call: Call) -> dict[str, Any]:
    """Return the output columns of some of the tasks, and their dtypes.

    Parameters
    ----------
    tasks : pandas.DataFrame
        All tasks, with those of the caller's columns that requests were made of.
    rows : pandas.DataFrame, shape (0, k)
        With all of them: their names are taken.
    call : Call
        How outputs are read.

    Returns
    -------
    dict of str to dtype
        In order of first appearance.
    """
    n_own = tasks.shape[1] - len(TASK_COLUMNS)
    waiting = np.flatnonzero(tasks.iloc[:, n_own + TASK_COLUMNS.index("status")] == "pending")
    places = np.unique(np.linspace(0, max(len(waiting) - 1, 0), _SAMPLE, dtype=np.intp))
    some = tasks.iloc[waiting[places] if len(waiting) else []]
    absent = rows.columns.difference(some.columns[:n_own])
    read = call.read(pd.concat([pd.DataFrame(index=some.index, columns=absent), some], axis=1))
    return dict(read.dtypes.iloc[len(absent) + n_own + _N_FIXED :])


def declared(rows: pd.DataFrame, fields: Mapping[str, Any], call: Call) -> pd.DataFrame:
    """Return the columns and dtypes of all partitions.

    Parameters
    ----------
    rows : pandas.DataFrame, shape (0, k)
        With the caller's columns.
    fields : Mapping of str to dtype
        The output columns.
    call : Call
        How rows become requests, and outputs are read.

    Returns
    -------
    pandas.DataFrame, shape (0, m)
        As Dask wants its ``meta``.
    """
    plan = verbs.plan(rows, **call.planning)
    no_tasks = lay_out_tasks(plan.rows, task_table(plan, []), plan.request_of_row)
    whole = call.read(no_tasks)
    if plan.wants_html and "html_content" not in fields:
        fields = {"html_content": "str", **fields}
    new = {name: pd.Series(dtype=dtype) for name, dtype in {**fields, OTHER: "str"}.items()}
    return pd.concat([whole, pd.DataFrame(new, index=whole.index)], axis=1)
