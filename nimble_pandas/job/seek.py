"""A batch whose answer was lost, looked for at the service and in its own storage prefix."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime

from nimble_pandas.client import Client
from nimble_pandas.errors import ApiError, OutputUnreadable, StorageError, TransportError
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.job.sources import Stored
from nimble_pandas.ledger import Ledger
from nimble_pandas.models import Batch, Task, read_output
from nimble_pandas.tasks import match

_LOGGER = logging.getLogger("nimble_pandas.job")

# clocks of two machines differ …
_SKEW_SECONDS = 600.0


def seek(batch: SentBatch, *, client: Client, ledger: Ledger) -> bool:
    """Look once for a batch that may have been taken.

    Parameters
    ----------
    batch : SentBatch
        In state ``unknown``; ``accepted``, here and in the ledger, if it is found.
    client : Client
        The service.
    ledger : Ledger
        Which batches of the service's are accounted for.

    Returns
    -------
    bool
        Whether it was found.
    """
    tasks = _listed(batch, client, ledger) or _delivered(batch, client)
    batch_id = next((task.batch_id for task in tasks if task.batch_id), None)
    if not tasks:
        return False
    if batch_id is None:
        # only the store remembers it
        batch.expired = batch.completed = True
    batch.record = replace(batch.record, state="accepted", batch_id=batch_id, error=None)
    batch.learn(Batch(id=batch_id, tasks=list(tasks)))
    ledger.move(batch.record, batch.known_tasks())
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
