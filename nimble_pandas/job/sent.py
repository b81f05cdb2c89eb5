"""One batch, as it was sent and as far as the service has told of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from nimble_pandas.job.places import Offsets
from nimble_pandas.job.requests import Requests
from nimble_pandas.job.sources import Source
from nimble_pandas.ledger import BatchRecord, RequestRecord
from nimble_pandas.models import Batch, Delivery, Task
from nimble_pandas.tasks import agrees, match


@dataclass(slots=True, kw_only=True, eq=False)
class SentBatch:
    """A batch that answers requests of the job; it may have been sent by an earlier one.

    Parameters
    ----------
    record : BatchRecord
        What the ledger says of it.
    requests : Requests
        All of its requests, defaults filled in.
    offset_of : Offsets
        For each request of the plan that it answers, the place among `requests`.
    delivery : Delivery
        Where its outputs go: a prefix of its own.
    source : Source
        Where its outputs are read.
    """

    record: BatchRecord
    requests: Requests
    offset_of: Offsets
    delivery: Delivery
    source: Source

    #: Whether the service has said that every task has ended, or has forgotten the batch.
    completed: bool = False
    expired: bool = False
    #: How far the service said that it was, and how far it was when the tasks were last asked for.
    fraction: float = 0.0
    summarised_fraction: float = 0.0
    #: Clock readings: the next call, and since when calls have failed without interruption.
    next_poll_at: float = 0.0
    failing_since: float | None = None
    #: Whether this process has lost the answer to its submit, and since when it is looked for.
    swallowed: bool = False
    sought_since: float | None = None

    #: When outputs may be read again, and since when none could be.
    next_read_at: float = 0.0
    unread_since: float | None = None
    #: Since when the service says that it knows no such batch.
    gone_since: float | None = None

    #: Whether something was learnt that nobody has looked at; tasks whose outputs should be there.
    news: bool = True
    landed: dict[str, int] = field(default_factory=dict)
    #: How many requests it has, and how many of those that it answers, from the first, have their answers.
    n_requests: int = field(init=False)
    n_settled: int = 0
    #: Whether the ledger has all that is known of its tasks, and whether they were let go of.
    remembered: bool = False
    resting: bool = False
    tasks: dict[str, Task] = field(default_factory=dict)
    n_strangers: int = 0
    n_known_ended: int = 0
    _seen: dict[str, Task] = field(default_factory=dict)
    _task_ids: dict[int, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.is_taken and self.record.batch_id is None:
            # it was found when only its outputs were left
            self.expired = self.completed = True
        self.n_requests = len(self.requests) or len(self.offset_of)

    @property
    def is_taken(self) -> bool:
        """Whether the service is known to have accepted it."""
        return self.record.state == "accepted"

    @property
    def id(self) -> str | None:
        """The service's name for it; None until it is accepted, or if only its outputs were found."""
        return self.record.batch_id if self.is_taken else None

    @property
    def positions(self) -> Iterable[int]:
        """The requests of the plan that it answers."""
        return self.offset_of.positions

    def answer_also(self, offset_of: Mapping[int, int]) -> None:
        """Let the batch answer more requests of the plan, by their places there and in the batch."""
        self.offset_of = Offsets({**self.offset_of, **offset_of})
        self.n_settled = 0
        self.news = True

    def request(self, position: int) -> Mapping[str, object]:
        """Return one request, by its place in the plan."""
        return self.requests[self.offset_of[position]]

    def learn(self, batch: Batch) -> None:
        """Take in what the service says of the batch's tasks, in whatever order.

        Parameters
        ----------
        batch : Batch
            The answer to the submit, or a summary.
        """
        self._seen.update((task.id, task) for task in batch.tasks)
        self.tasks.update((task_id, task) for task_id, task in self._seen.items() if task_id in self.tasks)
        if self._seen.keys() - self.tasks.keys():
            self._match()
        self.completed = self.completed or batch.completed
        self.news = True
        self._count_ended()

    def rest(self) -> None:
        """Let go of requests and tasks: the ledger has them, and there may be many batches."""
        self.requests, self.resting = Requests(()), True
        self.tasks, self._seen, self._task_ids, self.landed = {}, {}, {}, {}

    def wake(self, requests: Sequence[RequestRecord]) -> None:
        """Take in requests and tasks again, as the ledger remembers them; nothing happens the second time."""
        if self.resting:
            news, self.requests = self.news, Requests([each.text for each in requests])
            self.recall_all(requests)
            self.news, self.resting = news, False

    @property
    def is_plain(self) -> bool:
        """Whether each request has a task, and only one: that is all that the ledger can remember."""
        return not self.n_strangers and len(self._task_ids) == len(self.tasks) == self.n_requests

    @property
    def may_rest(self) -> bool:
        """Whether nothing would be lost if it rested until there is news."""
        quiet = not self.news and not self.landed and not self.over
        return self.is_taken and self.remembered and quiet and self.is_plain

    def recall(self, offset: int, task: Task) -> None:
        """Take in a task as the ledger remembers it."""
        self._task_ids.setdefault(offset, []).append(task.id)
        self.tasks[task.id] = task
        self.news = True

    def recall_all(self, requests: Iterable[RequestRecord]) -> None:
        """Take in all tasks that the ledger remembers of this batch."""
        for offset, each in enumerate(requests):
            if each.task_id is not None and each.task_id not in self.tasks:
                self.recall(offset, Task(id=each.task_id, state="pending", output_url=each.output_url))

    def _match(self) -> None:
        # all that was ever listed, for the more tasks are known, the more is certain of each
        matching = match(self._seen.values(), self.requests)
        for offset, found in matching.tasks_of.items():
            new = [task for task in found if task.id not in self.tasks]
            self._task_ids.setdefault(offset, []).extend(task.id for task in new)
            self.tasks.update((task.id, task) for task in new)
        self.n_strangers = len(self._seen.keys() - self.tasks.keys())

    def _count_ended(self) -> None:
        best = (self._best(offset) for offset in range(self.n_requests))
        self.n_known_ended = sum(task is not None and task.ended for task in best)

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
        return self._best(self.offset_of[position])

    def _best(self, offset: int) -> Task | None:
        tasks = [self.tasks[task_id] for task_id in self._task_ids.get(offset, ())]
        if len(tasks) == 1:
            return tasks[0]
        return max(tasks, key=lambda task: (task.succeeded, task.ended), default=None)

    def known_tasks(self) -> dict[int, tuple[str, str | None]]:
        """Return the id and the output's location of each request's task, by its place in the batch."""
        best = {offset: self._best(offset) for offset in range(self.n_requests)}
        return {
            offset: (task.id, self.source.url(task, self.delivery))
            for offset, task in best.items()
            if task is not None
        }

    def contradicted(self, position: int, task: Task) -> bool:
        """Say whether the task's echo, as last seen, is another request."""
        return not agrees(self.request(position), task.input)

    @property
    def n_ended(self) -> int:
        """Tasks that have ended, as far as is known."""
        if self.completed:
            return self.n_requests
        return max(self.n_known_ended, int(self.fraction * self.n_requests))

    @property
    def over(self) -> bool:
        """Whether no task will change any more: the service says so, or every task has ended."""
        return self.completed or self.n_known_ended == self.n_requests
