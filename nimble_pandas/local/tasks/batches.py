"""What the service remembers: batches, their tasks, and for how long."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from nimble_pandas.local.api.answers import not_found
from nimble_pandas.local.api.submission import Request, switched_on
from nimble_pandas.local.clock import Clock, stamp

# The seed says that the status is kept for 24 hours; here they begin when the batch is taken.
STATUS_KEPT = timedelta(hours=24)

ENDED = ("success", "failed")


@dataclass(slots=True, kw_only=True, eq=False)
class Task:
    """One request of a batch, and how far it has come.

    Parameters
    ----------
    id : str
        A random UUID.
    batch_id : str
        The batch that it belongs to.
    number : int
        Counts the tasks of the service.
    position : int
        Its place in the batch, from 0.
    input : dict
        The effective parameters.
    api_type : str
        Which kind of batch it came with.
    status_url : str
        Where its state is told.
    created_at, modified_at : datetime.datetime
        When it was taken, and when its state last changed.
    output_url : str, optional
        Where its output will lie, as told to the caller.
    target : str, optional
        Where its output is written: the same, unless a fault says otherwise.
    download_url : str, optional
        Where its output can be pulled from.
    """

    id: str
    batch_id: str
    number: int
    position: int
    input: Request
    api_type: str
    status_url: str
    created_at: datetime
    modified_at: datetime
    output_url: str | None = None
    target: str | None = None
    download_url: str | None = None
    state: str = "pending"
    error: str | None = None
    error_type: str | None = None
    status_code: int | None = None
    callback_error: str | None = None

    @property
    def ended(self) -> bool:
        """Whether it has ended, well or badly."""
        return self.state in ENDED

    def move(self, state: str, clock: Clock) -> None:
        """Go on to another state.

        Parameters
        ----------
        state : str
            The API's word for it.
        clock : Clock
            Tells when.
        """
        self.state = state
        self.modified_at = clock.now()

    def as_json(self) -> dict[str, object]:
        """Show it as the API does.

        Returns
        -------
        dict
            The seed's fields, then those that have a value by now.
        """
        where = "download_url" if self.download_url else "output_url"
        later = {
            name: value
            for name in ("status_code", "error", "error_type", "callback_error")
            if (value := getattr(self, name)) is not None
        }
        return {
            "batch_id": self.batch_id,
            "id": self.id,
            "state": self.state,
            where: getattr(self, where),
            "callback_url": self.input.get("callback_url") or None,
            "status_url": self.status_url,
            "created_at": stamp(self.created_at),
            "modified_at": stamp(self.modified_at),
            "input": self.input,
            **later,
        }


@dataclass(slots=True, kw_only=True, eq=False)
class Batch:
    """The tasks of one submit.

    Parameters
    ----------
    id : str
        A random UUID.
    number : int
        Counts the batches of the service.
    created_at : datetime.datetime
        When it was taken.
    tasks : list of Task
        In the order of the requests.
    polls : int
        How often its progress, its summary or one of its tasks was asked for.
    """

    id: str
    number: int
    created_at: datetime
    tasks: list[Task] = field(default_factory=list)
    polls: int = 0

    @property
    def n_ended(self) -> int:
        """How many of its tasks have ended, well or badly."""
        return sum(task.ended for task in self.tasks)

    @property
    def completed(self) -> bool:
        """Whether all of its tasks have ended."""
        return self.n_ended == len(self.tasks)

    @property
    def progress(self) -> float:
        """The share of its tasks that have ended; 0 and 1 are whole numbers, as in the seed."""
        n_ended = self.n_ended
        if n_ended in (0, len(self.tasks)):
            return int(n_ended > 0)
        # six digits as in the seed's example, and never 1 too early
        return min(round(n_ended / len(self.tasks), 6), 0.999999)


class Batches:
    """All batches of the last 24 hours.

    Parameters
    ----------
    clock : Clock
        Tells when they are over.
    on_forget : callable
        Called with the id of each task that is forgotten.
    """

    def __init__(self, clock: Clock, *, on_forget: Callable[[str], None]) -> None:
        self._clock = clock
        self._on_forget = on_forget
        self._batches: dict[str, Batch] = {}
        self._tasks: dict[str, Task] = {}
        self._numbers = itertools.count(1)

    def __iter__(self) -> Iterator[Batch]:
        self._forget_the_old()
        return iter(self._batches.values())

    def take(self, requests: list[Request], *, kind: str, base_url: str) -> Batch:
        """Make a batch of tasks.

        Parameters
        ----------
        requests : list of dict
            Effective requests.
        kind : str
            Which kind of batch.
        base_url : str
            Begins the URLs of the tasks.

        Returns
        -------
        Batch
            With pending tasks, in the order of the requests.
        """
        batch = Batch(id=str(uuid.uuid4()), number=next(self._numbers), created_at=self._clock.now())
        for position, request in enumerate(requests):
            task_id = str(uuid.uuid4())
            url = f"{base_url}/api/v1/tasks/{task_id}"
            task = Task(
                id=task_id,
                number=next(self._numbers),
                batch_id=batch.id,
                position=position,
                input=request,
                api_type=kind,
                status_url=url,
                created_at=batch.created_at,
                modified_at=batch.created_at,
            )
            batch.tasks.append(task)
        _address(batch.tasks)
        return batch

    def keep(self, batch: Batch) -> None:
        """Remember a batch from now on.

        Parameters
        ----------
        batch : Batch
            As `take` has made it.
        """
        self._batches[batch.id] = batch
        self._tasks.update({task.id: task for task in batch.tasks})

    def batch(self, batch_id: str) -> Batch:
        """Look a batch up.

        Parameters
        ----------
        batch_id : str
            Its id.

        Returns
        -------
        Batch
            The batch itself.

        Raises
        ------
        Refusal
            404: there is none, or it is older than 24 hours.
        """
        self._forget_the_old()
        if (batch := self._batches.get(batch_id)) is None:
            raise not_found("Batch not found")
        return batch

    def task(self, task_id: str) -> Task:
        """Look a task up.

        Parameters
        ----------
        task_id : str
            Its id.

        Returns
        -------
        Task
            The task itself.

        Raises
        ------
        Refusal
            404: there is none, or its batch is older than 24 hours.
        """
        self._forget_the_old()
        if (task := self._tasks.get(task_id)) is None:
            raise not_found("Task not found")
        return task

    def forget(self, batch_id: str) -> None:
        """Forget a batch and its tasks at once.

        Parameters
        ----------
        batch_id : str
            Its id; nothing happens when there is none.
        """
        if batch := self._batches.pop(batch_id, None):
            for task in batch.tasks:
                del self._tasks[task.id]
                self._on_forget(task.id)

    def _forget_the_old(self) -> None:
        horizon = self._clock.now() - STATUS_KEPT
        while self._batches:
            oldest = next(iter(self._batches.values()))
            if oldest.created_at > horizon:
                return
            self.forget(oldest.id)


def _address(tasks: list[Task]) -> None:
    """Say for each task where its output will be; no two of a batch share a place."""
    taken: set[str] = set()
    for task in tasks:
        folder = str(task.input.get("storage_url") or "")
        if not folder:
            task.download_url = f"{task.status_url}/results"
            continue
        stem = f"{folder.removesuffix('/')}/{task.input.get('storage_object_name') or task.id}"
        stem = f"{stem}-{task.id}" if stem in taken else stem
        taken.add(stem)
        task.target = task.output_url = stem + _ending(task.input)


def _ending(request: Request) -> str:
    return ".json.gz" if switched_on(request.get("storage_compress")) else ".json"
