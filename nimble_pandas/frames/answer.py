"""What is known of one request, and the task columns that say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from nimble_pandas.frames.text import text_column
from nimble_pandas.models import Entity

# what is longer is a page, and says nothing more
_MAX_ERROR = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known of one unique request; any number of rows may share it.

    Parameters
    ----------
    status : str
        Our word for where the row stands: ``ok``, ``failed``, ``empty``, ``not_delivered``,
        ``unreadable``, ``mismatch``, ``unknown``, ``expired``, ``invalid`` or ``pending``.
    task_id : str, optional
        The service's name for the task.
    batch_id : str, optional
        The batch that the task was sent in.
    error : str, optional
        Why there is no page, or no product in it.
    http_status : int, optional
        What the target site answered.
    fetched_at : datetime, optional
        When the page was fetched, tz-aware.
    reused : bool, default False
        Whether the output was collected by an earlier job.
    output_url : str, optional
        Where the output lies.
    html : str, optional
        The page itself.
    entities : sequence of Entity, default ()
        What the page holds, in page order.
    """

    status: str
    task_id: str | None = None
    batch_id: str | None = None
    error: str | None = None
    http_status: int | None = None
    fetched_at: datetime | None = None
    reused: bool = False
    output_url: str | None = None
    html: str | None = None
    entities: Sequence[Entity] = ()


def task_columns(answers: Sequence[Answer]) -> dict[str, pa.Array]:
    """Return the columns that stand between the caller's and the page's.

    Parameters
    ----------
    answers : sequence of Answer, length n
        What is known of each request.

    Returns
    -------
    dict of str to pyarrow.Array
        Each of length n, in the order of `answers`.
    """
    return {
        "task_id": text_column([answer.task_id for answer in answers]),
        "batch_id": text_column([answer.batch_id for answer in answers]),
        "status": text_column([answer.status for answer in answers]),
        "error": text_column([answer.error and answer.error[:_MAX_ERROR] for answer in answers]),
        "http_status": pa.array([_fitting(answer.http_status) for answer in answers], pa.int64()),
        "fetched_at": pa.array([answer.fetched_at for answer in answers], pa.timestamp("us", "UTC")),
        "reused": pa.array([answer.reused for answer in answers], pa.bool_()),
        "output_url": text_column([answer.output_url for answer in answers]),
    }


def _fitting(number: int | None) -> int | None:
    return number if number is not None and abs(number) < 2**63 else None


def entity_counts(answers: Sequence[Answer]) -> pa.Array:
    """Count what each page holds; null where no page was read, so that 0 means a page without any.

    Parameters
    ----------
    answers : sequence of Answer, length n
        What is known of each request.

    Returns
    -------
    pyarrow.Array
        int64, length n.
    """
    return pa.array([_count(answer) for answer in answers], pa.int64())


def _count(answer: Answer) -> int | None:
    was_read = answer.entities or answer.status in {"ok", "empty"}
    return len(answer.entities) if was_read else None
