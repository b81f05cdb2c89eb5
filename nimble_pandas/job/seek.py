"""A batch whose answer was lost, looked for at the service and in its own storage prefix."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from nimble_pandas.client import Client
from nimble_pandas.errors import ApiError, OutputUnreadable, StorageError, TransportError
from nimble_pandas.job.calls import Bell, Call
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.job.sources import Stored
from nimble_pandas.ledger import Ledger
from nimble_pandas.models import Batch, Task, read_output
from nimble_pandas.tasks import match

_LOGGER = logging.getLogger("nimble_pandas.job")

# clocks of two machines differ …
_SKEW_SECONDS = 600.0
# a batch is looked for so long …
_SEEK_SECONDS = 30.0
# … and so many at once
_AT_ONCE = 8


class _Search(Call):
    """A look for a batch, on its way."""

    def __init__(
        self, batch: SentBatch, began_at: float, *, client: Client, ledger: Ledger, bell: Bell
    ) -> None:
        super().__init__(lambda: _listed(batch, client, ledger) or _delivered(batch, client), bell)
        self.batch = batch
        self.began_at = began_at

    @property
    def tasks(self) -> list[Task]:
        """The batch's tasks; none if it was not found."""
        if self.error is not None:
            raise self.error
        return cast("list[Task]", self.result)


class Seeker:
    """Looks for batches that may have been taken, and takes in what is found in the thread that asks for it.

    Parameters
    ----------
    client : Client
        The service.
    ledger : Ledger
        Which batches of the service's are accounted for.
    bell : Bell
        Rung when a look is over.
    """

    def __init__(self, client: Client, ledger: Ledger, bell: Bell) -> None:
        self._client = client
        self._ledger = ledger
        self._bell = bell
        self._searches: list[_Search] = []

    @property
    def under_way(self) -> bool:
        """Whether batches are looked for."""
        return bool(self._searches)

    @property
    def over(self) -> list[SentBatch]:
        """Batches of which it is known whether they were found."""
        return [search.batch for search in self._searches if search.over]

    def look_for(self, batches: Iterable[SentBatch]) -> None:
        """Look once for batches, as many as there is room for.

        Parameters
        ----------
        batches : iterable of SentBatch
            In state ``unknown``.
        """
        now = self._client.clock.monotonic()
        sought = {id(search.batch) for search in self._searches}
        for batch in batches:
            if len(self._searches) >= _AT_ONCE:
                break
            if id(batch) not in sought:
                batch.sought_since = now if batch.sought_since is None else batch.sought_since
                self._searches.append(
                    _Search(batch, now, client=self._client, ledger=self._ledger, bell=self._bell)
                )
        for search in self._searches:
            search.start()

    def take_in(self) -> list[SentBatch]:
        """Take in what was found; ``accepted``, here and in the ledger, is what that is true of.

        Returns
        -------
        list of SentBatch
            Those that were looked for in vain for long enough.
        """
        in_vain = []
        for search in [each for each in self._searches if each.over]:
            batch = search.batch
            try:
                if batch.record.state == "unknown" and not self._found(batch, search.tasks):
                    late = search.began_at - (batch.sought_since or search.began_at) > _SEEK_SECONDS
                    in_vain += [batch] if late else []
            finally:
                # an interrupt in there looks again
                self._searches.remove(search)
        return in_vain

    def _found(self, batch: SentBatch, tasks: list[Task]) -> bool:
        if not tasks:
            return False
        batch_id = next((task.batch_id for task in tasks if task.batch_id), None)
        if batch_id is None:
            # only the store remembers it
            batch.expired = batch.completed = True
        elif self._ledger.knows_batch(batch_id):
            # found for another batch meanwhile, which asks for the same
            return False
        batch.record = replace(batch.record, state="accepted", batch_id=batch_id, error=None)
        batch.learn(Batch(id=batch_id, tasks=tasks))
        self._ledger.move(batch.record, batch.known_tasks())
        _LOGGER.info("Job %s, batch %d: found as %s", batch.record.job_id, batch.record.number, batch_id)
        return True


def _listed(batch: SentBatch, client: Client, ledger: Ledger) -> list[Task]:
    """Return the tasks of the batch in the service's list that is this one."""
    groups: dict[str, list[Task]] = defaultdict(list)
    try:
        since = datetime.fromtimestamp(batch.record.sent_at - _SKEW_SECONDS, UTC)
        for task in client.tasks(since=since):
            if _age(task, batch.record.sent_at) <= _SKEW_SECONDS:
                groups[task.batch_id or ""].append(task)
    except (ApiError, TransportError):
        # the list is no documented part of the first API
        return []
    found = [tasks for batch_id, tasks in groups.items() if batch_id and _is_this(batch, tasks)]
    found = [tasks for tasks in found if not ledger.knows_batch(str(tasks[0].batch_id))]
    # of equal ones that are all unaccounted for, each is as good an answer: the nearest in time
    return min(found, key=lambda tasks: abs(_age(tasks[0], batch.record.sent_at)), default=[])


def _age(task: Task, sent_at: float) -> float:
    """Return how long before a batch was sent a task was made (seconds); 0 if it does not say."""
    return sent_at - task.created_at.timestamp() if task.created_at else 0.0


def _is_this(batch: SentBatch, tasks: list[Task]) -> bool:
    if batch.delivery.storage_url is not None:
        # the prefix is this batch's own
        return any((task.output_url or "").startswith(batch.delivery.storage_url) for task in tasks)
    matching = match(tasks, batch.requests)
    return not matching.strangers and len(matching.tasks_of) == len(batch.requests)


def _delivered(batch: SentBatch, client: Client) -> list[Task]:
    """Return the tasks whose outputs lie under the batch's own prefix.

    As the service remembers them; once it remembers none, as far as the outputs tell of themselves.
    """
    if not isinstance(batch.source, Stored):
        return []
    delivered = _as_delivered(batch.source, batch)
    remembered = [task for each in delivered if (task := _asked(each.id, client))]
    if remembered or client.clock.now().timestamp() < batch.record.expires_at:
        return remembered
    return delivered


def _as_delivered(source: Stored, batch: SentBatch) -> list[Task]:
    """Return a task for each output under the batch's prefix."""
    try:
        urls = source.find(batch.delivery)
    except StorageError:
        return []
    found = source.read({url: url for url in urls})
    return [task for url, raw in found if isinstance(raw, bytes) and (task := _task_of(raw, url))]


def _task_of(raw: bytes, url: str) -> Task | None:
    try:
        output = read_output(raw)
    except OutputUnreadable:
        return None
    if output.task_id is None:
        return None
    echo = {"url": output.input_url} if output.input_url else {}
    return Task(id=output.task_id, state="success", output_url=url, input=echo)


def _asked(task_id: str, client: Client) -> Task | None:
    try:
        return client.task(task_id)
    except (ApiError, TransportError):
        return None
