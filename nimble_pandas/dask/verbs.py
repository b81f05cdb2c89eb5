"""The verbs on a Dask DataFrame: sent once from here, read by the workers."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Hashable, Mapping
from typing import Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pyarrow as pa
from dask.dataframe.extensions import register_dataframe_accessor

from nimble_pandas import verbs
from nimble_pandas.dask.parts import Call, declared, packed, read_part, sampled
from nimble_pandas.job import Job


class DaskJob:
    """A job whose outputs Dask's workers read; made by `submit`.

    Parameters
    ----------
    job : nimble_pandas.Job
        What was sent: one job for all partitions.
    frame : dask.dataframe.DataFrame
        The rows.
    lengths : list of int
        How many rows each partition had when it was sent.
    call : Call
        What workers need to know, to find the outputs of their rows.
    meta : Mapping, optional
        The output columns and their dtypes.

    Attributes
    ----------
    job : nimble_pandas.Job
        What was sent.
    """

    def __init__(
        self,
        job: Job,
        frame: dd.DataFrame,
        lengths: list[int],
        *,
        call: Call,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        self.job = job
        self._frame = frame
        self._lengths = lengths
        self._call = call
        self._meta = meta

    def __repr__(self) -> str:
        return (
            f"{self.job!r}\n{len(self._lengths):,} partitions; their outputs are read when they are computed"
        )

    def frame(self, timeout: float | None = None) -> dd.DataFrame:
        """Wait until every task has ended, and return the frame, to be computed.

        Partitions, rows and index are those of the frame that was submitted. Nothing is sent when it is
        computed, however often a worker does it.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; no limit if not given.

        Returns
        -------
        dask.dataframe.DataFrame
            The columns of `nimble_pandas.batch`. The output columns are those of `meta`, or those of a
            sample of the outputs; what else there is on a page, and what does not fit its column, is in
            ``other_fields``, a JSON object.

        Raises
        ------
        JobTimeout
            The job goes on and is billed; call this again.
        ApiError, TransportError
            The service does not answer; the job goes on.
        """
        tasks = self.job.tasks(timeout)
        rows = self._frame._meta  # noqa: SLF001 -- Dask's own word
        known = sampled(tasks, rows, self._call) if self._meta is None else self._meta
        meta = declared(rows, known, self._call)
        read = dask.delayed(read_part, pure=True)
        parts = zip(self._frame.to_delayed(), self._tables(), strict=True)
        return dd.from_delayed(
            [read(part, table, call=self._call, meta=meta) for part, table in parts],
            meta=meta,
            divisions=self._frame.divisions,
            verify_meta=True,
        )

    def _tables(self) -> list[bytes]:
        """Return the tasks of each partition's rows, as bytes."""
        table = self.job.task_table()
        of_row = self.job.plan.request_of_row
        # with a grid, a row comes several times
        per_row = len(of_row) // max(sum(self._lengths), 1)
        ends = np.cumsum([0, *self._lengths]) * per_row
        requests = (np.unique(of_row[start:end]) for start, end in itertools.pairwise(ends))
        return [packed(table.take(pa.array(some[some >= 0]))) for some in requests]


def submit(
    frame: dd.DataFrame,
    *,
    meta: Mapping[str, Any] | None = None,
    **arguments: Any,  # noqa: ANN401 -- as pandas' own
) -> DaskJob:
    """Send a request for every row of every partition, once and from here, and return the job.

    The columns that requests are made of are computed now, and must fit into this machine's memory. Rows,
    order and index are kept.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
        The rows.
    meta : Mapping of str to dtype, optional
        The output columns and their dtypes; those of a sample of the outputs if not given.
    **arguments
        As in `nimble_pandas.batch`; ``max_age`` is not for here.

    Returns
    -------
    DaskJob
        To be asked for its frame.

    Raises
    ------
    InputError, ConfigError, ApiError, TransportError
        As in `nimble_pandas.submit`; nothing was sent.
    """
    call = Call.of(arguments)
    own = inspect.signature(verbs.batch).parameters.keys() - inspect.signature(verbs.submit).parameters.keys()
    asked = {name: value for name, value in arguments.items() if name not in own}
    # with no rows: a column that is not there is better known before anything is computed
    verbs.plan(frame._meta, **call.planning)  # noqa: SLF001
    columns = _columns(frame, arguments)
    parts = dask.compute(*frame[columns].to_delayed())
    job = verbs.submit(pd.concat(parts), **asked)
    return DaskJob(job, frame, [len(part) for part in parts], call=call, meta=meta)


def _columns(frame: dd.DataFrame, arguments: Mapping[str, Any]) -> list[Hashable]:
    named = [value for name, value in arguments.items() if name.endswith("_col")]
    named += (arguments.get("param_cols") or {}).values()
    return [label for label in frame.columns if label in named]


def batch(
    frame: dd.DataFrame,
    *,
    meta: Mapping[str, Any] | None = None,
    timeout: float | None = None,
    **arguments: Any,  # noqa: ANN401 -- as pandas' own
) -> dd.DataFrame:
    """Send a request for every row of every partition, wait, and return the frame, to be computed.

    Parameters
    ----------
    frame, meta : optional
        As in `submit`.
    timeout : float, optional
        Seconds to wait at most; no limit if not given.
    **arguments
        As in `nimble_pandas.batch`; ``max_age`` is not for here.

    Returns
    -------
    dask.dataframe.DataFrame
        As `DaskJob.frame` returns it, to be computed or written with ``to_parquet``.

    Raises
    ------
    InputError, ConfigError, ApiError, TransportError
        As in `nimble_pandas.batch`.
    JobTimeout
        The job goes on and is billed; the same call takes it up.
    """
    return submit(frame, meta=meta, **arguments).frame(timeout)


@register_dataframe_accessor("nimble")
class DaskAccessor:
    """The verbs of nimble_pandas on a Dask DataFrame.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame
        The rows.
    """

    def __init__(self, frame: dd.DataFrame) -> None:
        self._frame = frame

    def submit(self, **arguments: Any) -> DaskJob:  # noqa: ANN401 -- as the function
        """Send a request for every row, as `nimble_pandas.dask.submit` does.

        Parameters
        ----------
        **arguments
            Those of `nimble_pandas.dask.submit`.

        Returns
        -------
        DaskJob
            To be asked for its frame.
        """
        return submit(self._frame, **arguments)

    def batch(self, **arguments: Any) -> dd.DataFrame:  # noqa: ANN401 -- as the function
        """Send a request for every row and wait, as `nimble_pandas.dask.batch` does.

        Parameters
        ----------
        **arguments
            Those of `nimble_pandas.dask.batch`.

        Returns
        -------
        dask.dataframe.DataFrame
            To be computed.
        """
        return batch(self._frame, **arguments)
