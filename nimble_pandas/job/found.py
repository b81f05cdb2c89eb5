"""What was sent before, by the batches that it was sent in, in a few bytes a request."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TypeAlias

from nimble_pandas.ledger import Sent

#: A job, the number of a batch of it, and a request's position there.
Place: TypeAlias = tuple[str, int, int]


@dataclass(slots=True, kw_only=True)
class Part:
    """Requests of the plan that were sent in one batch of an earlier call.

    Parameters
    ----------
    job_id, number : str, int
        The batch.
    is_settled : bool
        Whether their answers were final when they were looked up.
    positions : array of int, length n
        Their places in the plan.
    offsets : array of int, length n
        Their places in the batch.
    """

    job_id: str
    number: int
    is_settled: bool
    positions: array[int] = field(default_factory=lambda: array("i"))
    offsets: array[int] = field(default_factory=lambda: array("i"))

    def __len__(self) -> int:
        return len(self.positions)


class Found:
    """Requests that were sent before, in the order in which they are taken up."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], Part] = {}
        self._settled: dict[tuple[str, int], Part] = {}

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def parts(self) -> list[Part]:
        """Those of each batch; what has no final answer comes first, to be asked for soon."""
        return [*self._open.values(), *self._settled.values()]

    @property
    def jobs(self) -> set[str]:
        """The jobs that they were sent by."""
        return {job_id for job_id, _ in (*self._open, *self._settled)}

    def add(self, position: int, sent: Sent) -> None:
        """Take down where a request was sent.

        Parameters
        ----------
        position : int
            Its place in the plan.
        sent : tuple of BatchRecord and RequestRecord
            The latest that is known of it.
        """
        batch, request = sent
        parts = self._settled if request.is_settled else self._open
        place = batch.job_id, batch.number
        if place not in parts:
            parts[place] = Part(job_id=batch.job_id, number=batch.number, is_settled=request.is_settled)
        part = parts[place]
        part.positions.append(position)
        part.offsets.append(request.position)


class Taken:
    """Where the answers of earlier calls are written down, by the places of their requests in the plan.

    Parameters
    ----------
    n_requests : int
        Of the plan.
    """

    def __init__(self, n_requests: int) -> None:
        self._n_requests = n_requests
        self._batches: list[tuple[str, int]] = []
        # made with the first that is taken; -1 where there is none
        self._batch_of = array("i")
        self._offsets = array("i")

    def add(self, part: Part) -> None:
        """Take down where requests were sent."""
        if not self._batches:
            self._batch_of = array("i", [-1]) * self._n_requests
            self._offsets = array("i", [0]) * self._n_requests
        for position, offset in zip(part.positions, part.offsets, strict=True):
            self._batch_of[position], self._offsets[position] = len(self._batches), offset
        self._batches.append((part.job_id, part.number))

    def drop(self, position: int) -> None:
        """Forget where a request was sent: it is another batch now that answers it."""
        if self._batches:
            self._batch_of[position] = -1

    def get(self, position: int) -> Place | None:
        """Return where the answer to a request is written down, if an earlier call has sent it."""
        if not self._batches or (nth := self._batch_of[position]) < 0:
            return None
        return *self._batches[nth], self._offsets[position]
