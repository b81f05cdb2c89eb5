"""The outputs of a batch, read as they land, until every request has its answer."""

from __future__ import annotations

import logging
from collections.abc import Callable

from nimble_pandas import collector
from nimble_pandas.clock import Clock
from nimble_pandas.errors import OutputMissing, OutputUnreadable
from nimble_pandas.job.judge import judge
from nimble_pandas.job.register import Register
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.job.sources import Pulled, is_passing
from nimble_pandas.models import Task, read_output
from nimble_pandas.patience import look_up

_LOGGER = logging.getLogger("nimble_pandas.job")

# a success whose output is not there yet is asked for again for so long
_GRACE_SECONDS = 30.0
# a store or a service from which nothing can be read is endured for so long …
_PATIENCE_SECONDS = 300.0
# … and left alone for a share of the time that it has been so, or for as long as it asks
_PAUSE_SHARE = 0.2
_LONGEST_PAUSE_SECONDS = 600.0
# outputs that are asked for before anyone looks at how it goes
_WINDOW = 256


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

    def learn(self, batch: SentBatch) -> None:
        """Take down what is new of a batch: its ids, where its outputs will be, what ended without one.

        Parameters
        ----------
        batch : SentBatch
            As far as the service has told of it.
        """
        if not batch.news:
            return
        batch.news = False
        batch.landed = {}
        if batch.record.state == "planned":
            # nothing can be known of it, and a job may plan a million requests at once
            return
        for position in filter(self._register.is_open, batch.positions):
            task = batch.task(position)
            # a location that is refused is not handed on: whoever read it later would follow it
            asked_for = task is not None and batch.source.is_asked_for(task)
            self._register.note(
                position,
                batch_id=batch.id,
                task_id=task.id if task else None,
                output_url=batch.source.url(task, batch.delivery) if task and asked_for else None,
            )
            if task is None:
                self._without_task(batch, position)
            elif batch.contradicted(position, task):
                self._register.settle_as(position, "mismatch", f"the service understood {dict(task.input)}")
            elif not asked_for:
                error = f"refused: {task.output_url} is not where outputs were asked for"
                self._register.settle_as(position, "unreadable", error)
            elif task.succeeded or (batch.over and not task.ended):
                batch.landed[task.id] = position
            elif task.ended:
                error = task.error or "the service gave no reason"
                self._register.settle_as(position, "failed", error, http_status=task.status_code)

    def read(self, batch: SentBatch) -> None:
        """Read the outputs of a batch that have landed, and settle their requests.

        Parameters
        ----------
        batch : SentBatch
            As far as the service has told of it.

        Raises
        ------
        AuthError
            The key is not accepted any more; what was read stays.
        ApiError, TransportError, StorageError
            Nothing of the batch could be read for minutes; its outputs are still where they are.
        """
        self.learn(batch)
        if batch.next_read_at > self._clock.monotonic():
            return
        try:
            self._read(batch)
        finally:
            batch.landed = {id_: at for id_, at in batch.landed.items() if self._register.is_open(at)}

    def _read(self, batch: SentBatch) -> None:
        waiting = [task_id for task_id, at in batch.landed.items() if self._register.is_open(at)]
        for start in range(0, len(waiting), _WINDOW):
            if self._register.is_full:
                return
            look_up()
            window = waiting[start : start + _WINDOW]
            urls = {task_id: batch.source.url(batch.tasks[task_id], batch.delivery) for task_id in window}
            with collector.paused():
                trouble = [
                    error
                    for task_id, found in batch.source.read(urls)
                    if (error := self._take(batch, batch.landed[task_id], batch.tasks[task_id], found))
                ]
            if trouble:
                # the store or the service is in trouble: asking for the rest makes it no better
                self._pause(batch, trouble)
                return

    def _pause(self, batch: SentBatch, trouble: list[Exception]) -> None:
        now = self._clock.monotonic()
        batch.unread_since = now if batch.unread_since is None else batch.unread_since
        if now - batch.unread_since > _PATIENCE_SECONDS:
            raise trouble[0]
        _LOGGER.info("Batch %s: outputs cannot be read now: %s", batch.id, trouble[0].args[0])
        asked = max((getattr(error, "retry_after", None) or 0.0 for error in trouble), default=0.0)
        batch.next_read_at = now + min(
            max(asked, (now - batch.unread_since) * _PAUSE_SHARE), _LONGEST_PAUSE_SECONDS
        )

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

    def _take(
        self, batch: SentBatch, position: int, task: Task, found: bytes | Exception
    ) -> Exception | None:
        """Settle a request with what was found; return what may pass, and is worth another look."""
        if isinstance(found, bytes):
            try:
                output = read_output(found)
            except OutputUnreadable as exc:
                found = exc
        if isinstance(found, Exception):
            return self._miss(batch, position, task, found)
        batch.unread_since = None
        request = batch.request(position)
        answer, page = judge(
            output,
            known=self._register.answers[position],
            parse=request.get("parse") is True,
            url=str(request["url"]),
            http_status=task.status_code,
        )
        if isinstance(batch.source, Pulled):
            self._keep(task.id, found)
        self._register.settle(position, answer, page)
        return None

    def _miss(self, batch: SentBatch, position: int, task: Task, error: Exception) -> Exception | None:
        if is_passing(error):
            return error
        if not isinstance(error, OutputMissing):
            self._register.settle_as(position, "unreadable", str(error))
            return None
        now = self._clock.monotonic()
        late = now - self._missing_since.setdefault(position, now) > _GRACE_SECONDS
        if batch.expired:
            self._register.settle_as(position, "expired", f"the service has forgotten the batch; {error}")
        elif late:
            self._register.settle_as(position, "not_delivered", f"the task is {task.state}, but {error}")
        return None
