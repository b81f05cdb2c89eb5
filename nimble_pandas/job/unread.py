"""Tasks whose outputs are read elsewhere: by Dask's or Spark's workers, or another day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from msgspec.structs import replace
from pandas.api.extensions import no_default

from nimble_pandas import collector
from nimble_pandas.client import Client
from nimble_pandas.clock import Clock
from nimble_pandas.errors import InputError, OutputMissing, OutputUnreadable
from nimble_pandas.frames import Answer, Names, Pages, assemble, task_columns, types_mapper
from nimble_pandas.job.judge import judge
from nimble_pandas.job.outputs import contents
from nimble_pandas.job.sources import is_passing
from nimble_pandas.models import read_output
from nimble_pandas.options import Options
from nimble_pandas.planning import Plan

if TYPE_CHECKING:
    from pandas.api.typing import NoDefault

# an output that is not there yet is looked for again for so long; a store in trouble, too
_GRACE_SECONDS = 30.0
_PAUSE_SECONDS = 1.0
# outputs in memory at once, before they are Arrow
_WINDOW = 512

#: What stands at the end of a frame of tasks.
TASK_COLUMNS = (
    *("task_id", "batch_id", "status", "error", "http_status", "fetched_at", "reused", "output_url"),
    *("input_url", "parse"),
)


def task_table(plan: Plan, answers: Sequence[Answer]) -> pa.Table:
    """Return what is known of each request, without its page.

    Parameters
    ----------
    plan : Plan
        What was sent.
    answers : sequence of Answer, length k
        First those of the plan's requests, then those of rows that cannot be sent.

    Returns
    -------
    pyarrow.Table, length k
        The content ``key``, then `TASK_COLUMNS`. ``pending`` is what has an ``output_url`` to be read.
    """
    requests = [plan.effective(position) for position in range(plan.n_requests)]
    rest = [None] * (len(answers) - len(requests))
    return pa.table(
        {
            "key": pa.array([*plan.keys.to_pylist(), *rest], plan.keys.type),
            **task_columns(answers),
            "input_url": pa.array([*(str(each["url"]) for each in requests), *rest], pa.large_string()),
            "parse": pa.array([*(each.get("parse") is True for each in requests), *rest], pa.bool_()),
        }
    )


def lay_out_tasks(rows: pd.DataFrame, table: pa.Table, of_row: np.ndarray[Any, Any]) -> pd.DataFrame:
    """Return rows with the task of each beside them.

    Parameters
    ----------
    rows : pandas.DataFrame, length n
        The caller's.
    table : pyarrow.Table
        As `task_table` returns it.
    of_row : ndarray of int, length n
        Where each row's task stands in the table; -1 for a row that has none.

    Returns
    -------
    pandas.DataFrame, length n
        The rows, then `TASK_COLUMNS`; a name that is taken gets the suffix ``_nimble``.
    """
    taken = table.select(TASK_COLUMNS).take(pa.array(of_row, mask=of_row < 0))
    named = taken.rename_columns(Names(rows, "_nimble").free(TASK_COLUMNS))
    new: pd.DataFrame = named.to_pandas(types_mapper=types_mapper(no_default))
    new.index = rows.index
    return pd.concat([rows, new], axis=1)


def read_tasks(
    tasks: pd.DataFrame,
    *,
    storage_options: Mapping[str, Any] | None = None,
    client: Client | None = None,
    explode: bool | str = False,
    dtype_backend: str | NoDefault = no_default,
) -> pd.DataFrame:
    """Read the outputs of tasks, all of them or some, in this process or in another.

    One row per row, in its order and under its index label; with `explode`, labels repeat.

    Parameters
    ----------
    tasks : pandas.DataFrame, shape (n, k)
        Rows of what `Job.tasks` returned, with its ten task columns at the end.
    storage_options : Mapping, optional
        Handed to fsspec as they are.
    client : Client, optional
        For outputs that the service keeps; made from the environment if not given.
    explode, dtype_backend : optional
        As in `batch`.

    Returns
    -------
    pandas.DataFrame
        The columns of `batch`. An output that cannot be read, or is another request's, is a row that says so.

    Raises
    ------
    InputError
        The task columns are not there; nothing was read.
    StorageError, TransportError, ApiError
        The store or the service is in trouble; all outputs are still where they are.
    """
    n_own = tasks.shape[1] - len(TASK_COLUMNS)
    told = tasks.iloc[:, max(n_own, 0) :]
    if n_own < 0 or [str(name).removesuffix("_nimble") for name in told.columns] != [*TASK_COLUMNS]:
        raise InputError(
            "the last ten columns are not those that Job.tasks() puts there.",
            hint=f"Nothing was read. They are {', '.join(TASK_COLUMNS)}, in this order.",
        )
    known = [_known(each) for each in told.set_axis(TASK_COLUMNS, axis=1).to_dict("records")]
    # rows that share a task share its output
    first = {each.answer.output_url: each for each in reversed(known) if each.waits}
    pages = Pages()
    read = _read(first, pages, Options(storage_options), client)
    answers = [read.get(each.answer.output_url, each.answer) for each in known]
    return assemble(
        tasks.iloc[:, :n_own],
        answers,
        np.arange(len(answers)),
        pages,
        explode=explode,
        with_html=not all(each.parse for each in known),
        dtype_backend=dtype_backend,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the task columns say of a row."""

    answer: Answer
    input_url: str | None
    parse: bool

    @property
    def waits(self) -> bool:
        """Whether there is an output to be read."""
        return self.answer.status == "pending" and self.answer.output_url is not None


def _known(told: Mapping[Any, Any]) -> _Known:
    said = {name: None if pd.isna(value) else value for name, value in told.items()}
    fetched_at, http_status = said["fetched_at"], said["http_status"]
    answer = Answer(
        status=said["status"] or "unknown",
        task_id=said["task_id"],
        batch_id=said["batch_id"],
        error=said["error"],
        http_status=None if http_status is None else int(http_status),
        fetched_at=None if fetched_at is None else pd.Timestamp(fetched_at).to_pydatetime(),
        reused=bool(said["reused"]),
        output_url=said["output_url"],
    )
    return _Known(answer=answer, input_url=said["input_url"], parse=said["parse"] is not False)


def _read(
    waiting: Mapping[str | None, _Known], pages: Pages, storage_options: Options, client: Client | None
) -> dict[str | None, Answer]:
    """Read outputs; those that are not there yet, or cannot be had now, again and again for a while."""
    clock = client.clock if client else Clock()
    deadline = clock.monotonic() + _GRACE_SECONDS
    read: dict[str | None, Answer] = {}
    while left := [url for url in waiting if url not in read]:
        late = clock.monotonic() >= deadline
        for start in range(0, len(left), _WINDOW):
            some = [str(url) for url in left[start : start + _WINDOW]]
            with collector.paused():
                for url, found in contents(some, storage_options, client):
                    answer = _settled(waiting[url], found, pages, late=late)
                    read |= {} if answer is None else {url: answer}
        if len(read) < len(waiting):
            clock.sleep(_PAUSE_SECONDS)
    return read


def _settled(known: _Known, found: bytes | Exception, pages: Pages, *, late: bool) -> Answer | None:
    """Return what an output says; None where another look is worth it."""
    if isinstance(found, bytes):
        try:
            output = read_output(found)
        except OutputUnreadable as exc:
            return replace(known.answer, status="unreadable", error=str(exc))
        answer, page = judge(
            output,
            known=known.answer,
            parse=known.parse,
            url=known.input_url,
            http_status=known.answer.http_status,
        )
        return answer if page is None else replace(answer, page=pages.add(page))
    if isinstance(found, OutputMissing):
        return replace(known.answer, status="not_delivered", error=str(found)) if late else None
    if not is_passing(found):
        return replace(known.answer, status="unreadable", error=str(found))
    if late:
        raise found
    return None
