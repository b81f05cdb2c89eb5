"""What earlier calls have sent: answers are read again as there is room for their pages."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from nimble_pandas import collector
from nimble_pandas.job.found import Part
from nimble_pandas.job.recall import SourceOf, read_again
from nimble_pandas.job.register import Register
from nimble_pandas.ledger import BatchRecord, Ledger, RequestRecord, Sent

#: Follows requests that were sent before, by their places in the plan and in the batch.
Follow: TypeAlias = Callable[[BatchRecord, list[RequestRecord], Mapping[int, int]], None]

# outputs that are asked for before anyone looks at how much there is
_WINDOW = 256


@dataclass(slots=True, kw_only=True)
class _Lot:
    """What is written down of one batch."""

    part: Part
    since: float
    job_id: str
    # of the part, from the first; those without an answer, by their places in the plan and in the batch
    n_seen: int = 0
    open: dict[int, int] = field(default_factory=dict)
    written_down: tuple[BatchRecord, list[RequestRecord]] | None = None

    def is_older(self, request: RequestRecord) -> bool:
        """Say whether an answer was final before the call, in another job."""
        return request.job_id != self.job_id and (request.settled_at or self.since) < self.since


class Backlog:
    """Settles requests that were sent before with the answers that are written down, and follows the others.

    Parameters
    ----------
    ledger : Ledger
        Where answers, and copies of outputs, are.
    register : Register
        Told of the answers.
    source_of : callable
        Finds where outputs are to be read.
    follow : callable
        Given requests without an answer, or whose output is not to be had any more, for the service to
        tell of them.
    """

    def __init__(self, *, ledger: Ledger, register: Register, source_of: SourceOf, follow: Follow) -> None:
        self._ledger = ledger
        self._register = register
        self._source_of = source_of
        self._follow = follow
        self._lots: deque[_Lot] = deque()

    def __len__(self) -> int:
        # of a copy: others ask while some are read
        return sum(len(lot.part) - lot.n_seen for lot in list(self._lots))

    @property
    def has_open(self) -> bool:
        """Whether the next have no final answer, and are to be followed."""
        return bool(self._lots) and not self._lots[0].part.is_settled

    def add(self, part: Part, *, since: float, job_id: str) -> None:
        """Put requests with those that are to be looked at.

        Parameters
        ----------
        part : Part
            Requests that were sent before.
        since : float
            Answers that were final before this (seconds since the epoch) are reused ones.
        job_id : str
            The job whose own answers never are, whatever has been set as the time of day.
        """
        self._lots.append(_Lot(part=part, since=since, job_id=job_id))

    def read_some(self) -> None:
        """Look at the next few hundred; what an interrupt has kept from being read is read the next time."""
        lot = self._lots[0]
        if lot.written_down is None:
            lot.written_down = self._ledger.batch(lot.part.job_id, lot.part.number)
        batch, requests = lot.written_down
        stop = min(lot.n_seen + _WINDOW, len(lot.part))
        window = slice(lot.n_seen, stop)
        places = zip(lot.part.offsets[window], lot.part.positions[window], strict=True)
        position_of = {offset: position for offset, position in places if self._register.is_open(position)}
        with collector.paused():
            self._read([(batch, requests[offset]) for offset in position_of], position_of, lot)
        lot.open |= {at: offset for offset, at in position_of.items() if self._register.is_open(at)}
        if stop == len(lot.part):
            if lot.open:
                self._follow(batch, requests, lot.open)
            self._lots.popleft()
        lot.n_seen = stop

    def _read(self, sent: list[Sent], position_of: Mapping[int, int], lot: _Lot) -> None:
        settled = [each for each in sent if each[1].is_settled]
        for reused in (True, False):
            some = [each for each in settled if lot.is_older(each[1]) is reused]
            for record, answer, page in read_again(some, self._ledger, self._source_of, reused=reused):
                self._register.settle(position_of[record.position], answer, page, written=True)
