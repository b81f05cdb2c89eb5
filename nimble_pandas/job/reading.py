"""The outputs of a batch, read as they land, until every request has its answer."""

from __future__ import annotations

from collections.abc import Callable

from nimble_pandas.clock import Clock
from nimble_pandas.errors import OutputMissing, OutputUnreadable
from nimble_pandas.job.judge import judge
from nimble_pandas.job.register import Register
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.job.sources import Pulled, is_final
from nimble_pandas.models import Task, read_output

# a success whose output is not there yet is asked for again for so long
_GRACE_SECONDS = 30.0


class Reader:
    """Settles requests from what the service says and what has been delivered.

    Parameters
    ----------
    register : Register
        Takes down the answers.
    clock : Clock
        Time.
    keep : callable
        Given a task id and its output, where the service is going to forget it.
    """

    def __init__(self, register: Register, clock: Clock, keep: Callable[[str, bytes], None]) -> None:
        self._register = register
        self._keep = keep
        self._clock = clock
        # when an output was first looked for in vain, by request
        self._missing_since: dict[int, float] = {}

    @property
    def looks_again(self) -> bool:
        """Whether an output that should be there has not been found yet."""
        return any(map(self._register.is_open, self._missing_since))

    def note(self, batch: SentBatch) -> None:
        """Take down the ids of a batch, and where its outputs will be."""
        for position in filter(self._register.is_open, batch.positions):
            task = batch.task(position)
            self._register.note(
                position,
                batch_id=batch.id,
                task_id=task.id if task else None,
                output_url=batch.source.url(task, batch.delivery) if task else None,
            )

    def read(self, batch: SentBatch) -> None:
        """Settle every request of a batch that can be settled now.

        Parameters
        ----------
        batch : SentBatch
            As far as the service has told of it.

        Raises
        ------
        AuthError
            The key is not accepted any more; what was read stays.
        """
        self.note(batch)
        landed: dict[str, tuple[int, Task]] = {}
        for position in filter(self._register.is_open, batch.positions):
            task = batch.task(position)
            if task is None:
                self._without_task(batch, position)
            elif batch.contradicted(position, task):
                self._register.settle_as(position, "mismatch", f"the service understood {dict(task.input)}")
            elif task.succeeded or (batch.over and not task.ended):
                landed[task.id] = (position, task)
            elif task.ended:
                error = task.error or "the service gave no reason"
                self._register.settle_as(position, "failed", error, http_status=task.status_code)
        urls = {task_id: batch.source.url(task, batch.delivery) for task_id, (_, task) in landed.items()}
        for task_id, found in batch.source.read(urls) if urls else ():
            self._take(batch, *landed[task_id], found)

    def _without_task(self, batch: SentBatch, position: int) -> None:
        if not batch.over:
            return
        if batch.expired:
            self._register.settle_as(position, "expired", "the service has forgotten the batch")
        elif batch.n_strangers:
            error = f"none of the service's tasks is this request ({batch.n_strangers} are of no request)"
            self._register.settle_as(position, "mismatch", error)
        else:
            self._register.settle_as(position, "not_delivered", "the service lists no task for this request")

    def _take(self, batch: SentBatch, position: int, task: Task, found: bytes | Exception) -> None:
        if isinstance(found, bytes):
            try:
                output = read_output(found)
            except OutputUnreadable as exc:
                found = exc
            else:
                request = batch.request(position)
                answer = judge(
                    output,
                    known=self._register.answers[position],
                    parse=request.get("parse") is True,
                    url=str(request["url"]),
                    http_status=task.status_code,
                )
                if isinstance(batch.source, Pulled):
                    self._keep(task.id, found)
                self._register.settle(position, answer)
                return
        self._miss(batch, position, task, found)

    def _miss(self, batch: SentBatch, position: int, task: Task, error: Exception) -> None:
        now = self._clock.monotonic()
        since = self._missing_since.setdefault(position, now)
        missing = isinstance(error, OutputMissing)
        if missing and batch.expired:
            self._register.settle_as(position, "expired", f"the service has forgotten the batch; {error}")
        elif is_final(error):
            self._register.settle_as(position, "unreadable", str(error))
        elif now - since > _GRACE_SECONDS and missing:
            self._register.settle_as(position, "not_delivered", f"the task is {task.state}, but {error}")
        elif now - since > _GRACE_SECONDS:
            self._register.settle_as(position, "unreadable", str(error))
