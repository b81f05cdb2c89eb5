"""Outputs that have landed, fetched from wherever the job's delivery put them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from nimble_pandas.client import Client
from nimble_pandas.errors import (
    ApiError,
    AuthError,
    OutputMissing,
    OutputUnreadable,
    RateLimited,
    ServerError,
    StorageError,
    TransportError,
)
from nimble_pandas.job.calls import each
from nimble_pandas.models import Delivery, Task
from nimble_pandas.storage import Store, unpack

#: A task id and what was found: the unpacked bytes, or why there are none.
Found: TypeAlias = tuple[str, bytes | Exception]

# calls for outputs that are under way at once
_PULL_CONCURRENCY = 16

_NOT_FOUND = 404


class Pulled:
    """Outputs that the service keeps, asked for one by one over HTTP.

    Parameters
    ----------
    client : Client
        The service; the address is built from the task's id, whatever the task says.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def url(self, task: Task, delivery: Delivery) -> str:  # noqa: ARG002 -- the same question to both kinds
        """Return where the output of `task` is."""
        return self._client.output_url(task.id)

    def is_asked_for(self, task: Task) -> bool:  # noqa: ARG002 -- the same question to both kinds
        """Say whether the job asked for the output to be where it is: it is built from the id."""
        return True

    def read(self, urls: Mapping[str, str]) -> Iterator[Found]:
        """Pull outputs, many at a time.

        Parameters
        ----------
        urls : Mapping of str to str
            Locations by task id.

        Returns
        -------
        iterator of Found
            In no particular order. `OutputMissing` where there is nothing yet.

        Raises
        ------
        AuthError
            The key is not accepted any more; what was read stays.
        """
        return each(self._pull, urls, n_at_once=_PULL_CONCURRENCY)

    def _pull(self, task_id: str) -> Found:
        try:
            return task_id, unpack(self._client.output(task_id))
        except AuthError:
            raise
        except (TransportError, OutputUnreadable) as exc:
            return task_id, exc
        except ApiError as exc:
            if exc.status_code == _NOT_FOUND:
                return task_id, OutputMissing(f"the service has no output of task {task_id}")
            return task_id, exc


class Stored:
    """Outputs in the caller's own store.

    Parameters
    ----------
    store : Store
        The place that the job asked for.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def url(self, task: Task, delivery: Delivery) -> str:
        """Return where the output of `task` is, as the service says or, failing that, as is documented."""
        if task.output_url is not None:
            return task.output_url
        return f"{delivery.storage_url}{task.id}.json{'.gz' if delivery.storage_compress else ''}"

    def is_asked_for(self, task: Task) -> bool:
        """Say whether the location that the service tells lies where the job asked for outputs."""
        return task.output_url is None or self._store.holds(task.output_url)

    def find(self, delivery: Delivery) -> list[str]:
        """Return where all outputs of a batch are.

        Parameters
        ----------
        delivery : Delivery
            With the batch's own prefix.

        Returns
        -------
        list of str
            Sorted.

        Raises
        ------
        StorageError
            The prefix cannot be listed.
        """
        return self._store.find(delivery.storage_url)

    def read(self, urls: Mapping[str, str]) -> Iterator[Found]:
        """Read outputs, many at a time.

        Parameters
        ----------
        urls : Mapping of str to str
            Locations by task id.

        Yields
        ------
        Found
            In no particular order. `OutputMissing` where there is nothing yet.
        """
        for task_id, (_, found) in zip(urls, self._store.read(list(urls.values())), strict=True):
            yield task_id, found


#: Where a batch's outputs are.
Source: TypeAlias = Pulled | Stored


def is_passing(error: Exception) -> bool:
    """Say whether an output could not be read for a reason that may pass, and that is not its own.

    Parameters
    ----------
    error : Exception
        Why it could not be read.

    Returns
    -------
    bool
        False where there is nothing (yet), or where there is something else.
    """
    if isinstance(error, OutputUnreadable | OutputMissing):
        return False
    return isinstance(error, StorageError | ServerError | TransportError | RateLimited)
