"""What is known of one request, and the task columns that say it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

import msgspec
import numpy as np
import pyarrow as pa

from nimble_pandas.frames.layouts import Positions
from nimble_pandas.frames.text import text_column

# what is longer is a page, and says nothing more
_MAX_ERROR = 2_000

#: The place of a page that is not there.
NO_PAGE = -1

# what says that a page was read, though there may be nothing on it
_WAS_READ = frozenset({"ok", "empty"})


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
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
    page : int, default -1
        Its page's place among the pages of the job; -1 for none.
    """

    status: str
    task_id: str | None = None
    batch_id: str | None = None
    error: str | None = None
    http_status: int | None = None
    fetched_at: datetime | None = None
    reused: bool = False
    output_url: str | None = None
    page: int = NO_PAGE


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
        "http_status": _integers([answer.http_status for answer in answers]),
        "fetched_at": pa.array([answer.fetched_at for answer in answers], pa.timestamp("us", "UTC")),
        "reused": pa.array([answer.reused for answer in answers], pa.bool_()),
        "output_url": text_column([answer.output_url for answer in answers]),
    }


def _integers(numbers: Sequence[int | None]) -> pa.Array:
    try:
        return pa.array(numbers, pa.int64())
    except OverflowError:
        fitting = [None if number is None or abs(number) >= 2**63 else number for number in numbers]
        return pa.array(fitting, pa.int64())


def pages_of(answers: Sequence[Answer]) -> Positions:
    """Return the place of each answer's page, -1 for none.

    Parameters
    ----------
    answers : sequence of Answer, length n
        What is known of each request.

    Returns
    -------
    ndarray of int, length n
        In the order of `answers`.
    """
    return np.fromiter(map(attrgetter("page"), answers), np.intp, len(answers))


def entity_counts(answers: Sequence[Answer], n_on_page: Positions) -> pa.Array:
    """Count what each page holds; null where no page was read, so that 0 means a page without any.

    Parameters
    ----------
    answers : sequence of Answer, length n
        What is known of each request.
    n_on_page : ndarray of int, length n
        How many entities its page has, 0 for no page.

    Returns
    -------
    pyarrow.Array
        int64, length n.
    """
    status = map(attrgetter("status"), answers)
    was_read = np.fromiter(map(_WAS_READ.__contains__, status), np.bool_, len(answers))
    return pa.array(n_on_page, pa.int64(), mask=~(was_read | (n_on_page > 0)))
