"""What the service answers: tasks, batches, progress.

Read leniently, in the names of every generation that is documented: a field that is missing or of another
type is None, and a task in an unknown state still runs.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

# the documented words, and those that mean the same to everybody; of "done" and "finished" the output says
# whether it is well
_ENDED_WELL = frozenset({"success", "completed", "succeeded", "done", "finished"})
_ENDED_BADLY = frozenset(
    {"failed", "error", "failure", "cancelled", "canceled", "timeout", "timed_out", "expired"}
)

_INT64 = 2**63
_PERCENT = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The service's unit of work: one page.

    Parameters
    ----------
    id : str
        Its name at the service.
    state : str
        The service's word for where it stands.
    input : Mapping
        The request, as the service understood it.
    output_url : str or None
        Where its output lies, or will.
    error : str or None
        Why it failed.
    status_code : int or None
        The target site's HTTP status.
    batch_id : str or None
        The batch that it belongs to.
    created_at : datetime or None
        When the service took it.
    """

    id: str
    state: str
    input: Mapping[str, object] = field(default_factory=dict)
    output_url: str | None = None
    error: str | None = None
    status_code: int | None = None
    batch_id: str | None = None
    created_at: datetime | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the task has ended well."""
        return self.state in _ENDED_WELL

    @property
    def ended(self) -> bool:
        """Whether the task has ended, well or badly."""
        return self.succeeded or self.state in _ENDED_BADLY

    @classmethod
    def from_json(cls, value: object) -> Task | None:
        """Read a task.

        Parameters
        ----------
        value : object
            Decoded JSON.

        Returns
        -------
        Task or None
            None for a null task, or one without an id.
        """
        if not isinstance(value, Mapping):
            return None
        task_id = read_text(value.get("id")) or read_text(value.get("task_id"))
        if not task_id:
            return None
        return cls(
            id=task_id,
            state=(read_text(value.get("state")) or read_text(value.get("status")) or "pending").lower(),
            input=_echo(value.get("input")),
            output_url=read_text(value.get("output_url")),
            error=reason(value) or read_text(value.get("error_type")),
            status_code=read_integer(value.get("status_code")),
            batch_id=read_text(value.get("batch_id")) or read_text(value.get("batchId")),
            created_at=read_time(value.get("created_at")),
        )


def _echo(value: object) -> Mapping[str, object]:
    if isinstance(value, str):
        # an object that was put into text on its way
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(value)
    return value if isinstance(value, Mapping) else {}


def read_tasks(value: object) -> list[Task]:
    """Read a list of tasks, leaving out what is null or has no id.

    Parameters
    ----------
    value : object
        Decoded JSON.

    Returns
    -------
    list of Task
        In the service's order, which means nothing.
    """
    tasks = map(Task.from_json, value) if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return [task for task in tasks if task is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What the service says of a batch, at submit or in a summary.

    Parameters
    ----------
    id : str or None
        Its name at the service.
    tasks : list of Task
        In no particular order.
    completed : bool
        Whether the service says that every task has ended.
    """

    id: str | None
    tasks: list[Task]
    completed: bool = False

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Batch:
        """Read an answer to a submit, or a summary.

        Parameters
        ----------
        value : Mapping
            Decoded JSON.

        Returns
        -------
        Batch
            With an ``id`` of None where neither the answer nor its tasks, all of them alike, name one.
        """
        tasks = read_tasks(value.get("tasks"))
        named = next(
            filter(None, (read_text(value.get(name)) for name in ("batch_id", "batchId", "id"))), None
        )
        of_tasks = {task.batch_id for task in tasks}
        return cls(
            id=named or (of_tasks.pop() if len(of_tasks) == 1 else None),
            tasks=tasks,
            completed=_read_flag(value.get("completed")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """A part of the list of the account's tasks, newest first as far as is known.

    Parameters
    ----------
    tasks : list of Task
        Of any batch.
    next_cursor : str or None
        Where the list goes on; None at its end.
    """

    tasks: list[Task]
    next_cursor: str | None

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> TaskPage:
        """Read a part of the list, with names in either spelling.

        Parameters
        ----------
        value : Mapping
            Decoded JSON.

        Returns
        -------
        TaskPage
            Empty where the answer holds no list.
        """
        listed = value.get("data", value.get("tasks"))
        pagination = value.get("pagination")
        about = pagination if isinstance(pagination, Mapping) else {}
        more = about.get("hasNext", about.get("has_next"))
        cursor = read_text(about.get("nextCursor")) or read_text(about.get("next_cursor"))
        return cls(tasks=read_tasks(listed), next_cursor=cursor if more else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a batch has come.

    Parameters
    ----------
    completed : bool
        Whether every task has ended, well or badly.
    fraction : float
        Ended tasks ÷ all tasks, 0 to 1.
    """

    completed: bool
    fraction: float

    @classmethod
    def from_json(cls, value: Mapping[str, object]) -> Progress:
        """Read an answer to a progress call.

        Parameters
        ----------
        value : Mapping
            Decoded JSON.

        Returns
        -------
        Progress
            With a ``fraction`` of 0 where the answer has none that makes sense.
        """
        return cls(
            completed=_read_flag(value.get("completed")), fraction=_read_fraction(value.get("progress"))
        )


def _read_flag(value: object) -> bool:
    return str(value).strip().lower() in {"true", "1"}


def _read_fraction(value: object) -> float:
    """Return a part of one, also from text or per cent: 0 for what is neither."""
    # as text, a flag is no number, and an integer of any length is one
    text = str(value).strip()
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        return 0.0
    if number > 1.0 or text.endswith("%"):
        number /= _PERCENT
    return number if 0.0 <= number <= 1.0 else 0.0


def reason(value: Mapping[str, object]) -> str | None:
    """Return the explanation in an answer, whichever name it goes by.

    Parameters
    ----------
    value : Mapping
        Decoded JSON of an error, a task or an output.

    Returns
    -------
    str or None
        The first of ``msg``, ``message``, ``error`` and ``detail`` that says something.
    """
    for name in ("msg", "message", "error", "detail"):
        text = value.get(name)
        if text:
            return sound(text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, default=str))
    return None


def sound(text: str) -> str:
    """Return `text` without halves of characters, which a service that cuts texts leaves behind.

    Parameters
    ----------
    text : str
        Decoded JSON.

    Returns
    -------
    str
        What can be written anywhere.
    """
    return text if text.isascii() else text.encode(errors="replace").decode()


def read_text(value: object) -> str | None:
    """Return `value` as text: None where it is empty, or neither text nor an integer."""
    if isinstance(value, str):
        return sound(value) or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def read_integer(value: object) -> int | None:
    """Return `value` as an integer of 64 bits, also from text: None where it is none."""
    if type(value) is int:
        number = value
    elif isinstance(value, str):
        try:
            number = int(value)
        except ValueError:
            return None
    else:
        return None
    return number if -_INT64 <= number < _INT64 else None


def read_time(value: object) -> datetime | None:
    """Read a time of the service, such as ``2025-12-15T14:08:26.079Z``.

    Parameters
    ----------
    value : object
        Decoded JSON.

    Returns
    -------
    datetime or None
        In UTC; a time without a zone is taken as UTC, and what is no time as None.
    """
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
