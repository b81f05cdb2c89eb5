"""One batch, as it was sent and as far as the service has told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nimble_pandas.models import Batch, Delivery, Task
from nimble_pandas.tasks import agrees, match


@dataclass(slots=True, kw_only=True)
class SentBatch:
    """A batch of the job.

    Parameters
    ----------
    positions : range
        Its requests, by their places in the plan.
    requests : sequence of Mapping
        Those requests, defaults filled in.
    delivery : Delivery
        Where its outputs go: a prefix of its own.
    id : str, optional
        The service's name for it; None until it is accepted.
    """

    positions: range
    requests: Sequence[Mapping[str, object]]
    delivery: Delivery
    id: str | None = None

    #: Whether the service has said that every task has ended, or has forgotten the batch.
    completed: bool = False
    expired: bool = False
    #: How far the service said that it was, and how far it was when the tasks were last asked for.
    fraction: float = 0.0
    summarised_fraction: float = 0.0
    #: Clock readings: the next call, and since when calls have failed without interruption.
    next_poll_at: float = 0.0
    failing_since: float | None = None

    tasks: dict[str, Task] = field(default_factory=dict)
    n_strangers: int = 0
    n_known_ended: int = 0
    _task_ids: dict[int, list[str]] = field(default_factory=dict)

    def learn(self, batch: Batch) -> None:
        """Take in what the service says of the batch's tasks, in whatever order.

        Parameters
        ----------
        batch : Batch
            The answer to the submit, or a summary.
        """
        strangers = [task for task in batch.tasks if task.id not in self.tasks]
        self.tasks.update((task.id, task) for task in batch.tasks if task.id in self.tasks)
        self._match(strangers)
        self.completed = self.completed or batch.completed
        best = map(self.task, self.positions)
        self.n_known_ended = sum(task is not None and task.ended for task in best)

    def _match(self, tasks: Iterable[Task]) -> None:
        matching = match(tasks, self.requests)
        for offset, found in matching.tasks_of.items():
            self._task_ids.setdefault(offset, []).extend(task.id for task in found)
            self.tasks.update((task.id, task) for task in found)
        self.n_strangers = max(self.n_strangers, len(matching.strangers))

    def task(self, position: int) -> Task | None:
        """Return the task that answers one request.

        Parameters
        ----------
        position : int
            The request's place in the plan.

        Returns
        -------
        Task or None
            Where the service lists several, the one that is furthest; None where it lists none.
        """
        ids = self._task_ids.get(position - self.positions.start, ())
        tasks = [self.tasks[task_id] for task_id in ids]
        return max(tasks, key=lambda task: (task.succeeded, task.ended), default=None)

    def request(self, position: int) -> Mapping[str, object]:
        """Return one request, by its place in the plan."""
        return self.requests[position - self.positions.start]

    def contradicted(self, position: int, task: Task) -> bool:
        """Say whether the task's echo, as last seen, is another request."""
        return not agrees(self.request(position), task.input)

    @property
    def n_ended(self) -> int:
        """Tasks that have ended, as far as is known."""
        if self.completed:
            return len(self.positions)
        return max(self.n_known_ended, int(self.fraction * len(self.positions)))

    @property
    def over(self) -> bool:
        """Whether no task will change any more: the service says so, or every task has ended."""
        return self.completed or self.n_known_ended == len(self.positions)
