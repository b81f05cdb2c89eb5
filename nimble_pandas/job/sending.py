"""Batches sent once, by one kernel at a time, and looked for where nobody knows whether they were."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from nimble_pandas.client import Client, backoff
from nimble_pandas.errors import ApiError, AuthError, RateLimited, TransportError
from nimble_pandas.job.register import Register
from nimble_pandas.job.seek import seek
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.job.submit import body_of, refuse, send, suspect
from nimble_pandas.ledger import Ledger

_LOGGER = logging.getLogger("nimble_pandas.job")

# a batch whose answer was lost is looked for so long
_SEEK_SECONDS = 30.0
# submits that the service wants later (429) are put off for so long in all
_RATE_LIMIT_SECONDS = 300.0


class Sender:
    """Sends what was written down, or leaves it to the kernel that is about to.

    Parameters
    ----------
    client : Client
        The service.
    ledger : Ledger
        Where batches are written down.
    register : Register
        Told of what will have no answer.
    defaults : Mapping
        What the call asks for in all requests.
    learn : callable
        Given a batch of which something is new.
    """

    def __init__(
        self,
        *,
        client: Client,
        ledger: Ledger,
        register: Register,
        defaults: Mapping[str, object],
        learn: Callable[[SentBatch], None],
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._register = register
        self._defaults = defaults
        self._learn = learn
        # since when submits are put off by the service, how often, and until when
        self._told_to_wait_since: float | None = None
        self._n_told_to_wait = 0
        self._send_again_at = 0.0

    @property
    def told_to_wait_seconds(self) -> float:
        """How long the service still wants no submit; 0 if it does not say so."""
        put_off = self._told_to_wait_since is not None
        return max(self._send_again_at - self._client.clock.monotonic(), 0.0) if put_off else 0.0

    def send_planned(self, batches: Sequence[SentBatch], sent: Callable[[], None]) -> None:
        """Send the batches that provably were not sent, unless another kernel is about to.

        Parameters
        ----------
        batches : sequence of SentBatch
            Those that still owe an answer.
        sent : callable
            Called after each batch.

        Raises
        ------
        ApiError, TransportError, ConfigError
            Nothing of these batches was sent.
        """
        if self.told_to_wait_seconds > 0 or any(_is_swallowed(batch) for batch in batches):
            # whatever swallowed an answer would swallow the next: first it is looked for
            return
        for job_id, waiting in _by_job(batches, {"planned", "intent"}).items():
            with self._ledger.sending(job_id) as ours:
                self.reload(waiting)
                if ours:
                    self._send(waiting, batches, sent)

    def _send(self, waiting: list[SentBatch], batches: Sequence[SentBatch], sent: Callable[[], None]) -> None:
        for batch in _in_state(waiting, "intent"):
            suspect(batch, self._ledger)
        for batch in _in_state(waiting, "planned"):
            if batch.record.state != "planned":
                continue
            try:
                send(batch, body_of(batch, self._defaults), client=self._client, ledger=self._ledger)
                self._told_to_wait_since = None
            except (ApiError, TransportError) as exc:
                if isinstance(exc, RateLimited) and self._told_to_wait(exc):
                    return
                self._stop(batch, waiting, batches, exc)
            self._learn(batch)
            sent()
            if _is_swallowed(batch):
                return

    def _told_to_wait(self, exc: RateLimited) -> bool:
        """Take down when to submit again; False if the service has said so for too long."""
        now = self._client.clock.monotonic()
        if self._told_to_wait_since is None:
            self._told_to_wait_since, self._n_told_to_wait = now, 0
        self._n_told_to_wait += 1
        pause = backoff(self._n_told_to_wait) if exc.retry_after is None else exc.retry_after
        self._send_again_at = now + pause
        _LOGGER.info("Told to wait: submits go on in %.1f s", pause)
        return self._send_again_at - self._told_to_wait_since <= _RATE_LIMIT_SECONDS

    def _stop(
        self,
        batch: SentBatch,
        waiting: list[SentBatch],
        batches: Sequence[SentBatch],
        exc: ApiError | TransportError,
    ) -> None:
        """Settle batches that will not be sent; raise if nothing of the job runs."""
        self._told_to_wait_since = None
        nothing_runs = not any(each.record.state in {"accepted", "unknown"} for each in batches)
        hopeless = nothing_runs or isinstance(exc, AuthError | TransportError | RateLimited)
        self._give_up(waiting if hopeless else [batch], exc.args[0])
        if nothing_runs:
            raise exc

    def _give_up(self, batches: list[SentBatch], error: object) -> None:
        for batch in _in_state(batches, "planned"):
            refuse(batch, self._ledger, f"not sent, after the batch before it: {error}")
        self._settle_refused(batches)

    def _settle_refused(self, batches: list[SentBatch]) -> None:
        for batch in _in_state(batches, "refused"):
            for position in batch.positions:
                self._register.settle_as(position, "failed", str(batch.record.error))

    def reload(self, batches: list[SentBatch]) -> None:
        """Take in what another kernel has written down meanwhile.

        Parameters
        ----------
        batches : list of SentBatch
            Changed in place.
        """
        jobs = {batch.record.job_id for batch in batches}
        written = {(each.job_id, each.number): each for job in jobs for each in self._ledger.batches(job)}
        for batch in batches:
            record = written[batch.record.job_id, batch.record.number]
            if record.state != batch.record.state:
                batch.record, requests = self._ledger.batch(record.job_id, record.number)
                batch.recall_all(requests)
        self._settle_refused(batches)

    def seek(self, batches: Sequence[SentBatch]) -> None:
        """Look once for the batches that may have been taken; after a while they stay ``unknown``.

        Parameters
        ----------
        batches : sequence of SentBatch
            Those that still owe an answer.
        """
        lost = _in_state(batches, "unknown")
        # another kernel may have found it, and then it is not to be found a second time
        self.reload(lost)
        for batch in _in_state(lost, "unknown"):
            now = self._client.clock.monotonic()
            batch.sought_since = now if batch.sought_since is None else batch.sought_since
            if seek(batch, client=self._client, ledger=self._ledger):
                batch.news = True
            elif now - batch.sought_since > _SEEK_SECONDS:
                self._despair(batch, batches)

    def _despair(self, batch: SentBatch, batches: Sequence[SentBatch]) -> None:
        for position in batch.positions:
            self._register.settle_as(position, "unknown", str(batch.record.error))
        if not batch.swallowed:
            return
        batch.swallowed = False
        job_id = batch.record.job_id
        own = _by_job(batches, {"planned"}).get(job_id, [])
        with self._ledger.sending(job_id) as ours:
            self.reload(own)
            if ours:
                self._give_up(own, "its answer was lost")


def _is_swallowed(batch: SentBatch) -> bool:
    return batch.swallowed and batch.record.state == "unknown"


def _in_state(batches: Sequence[SentBatch], state: str) -> list[SentBatch]:
    return [batch for batch in batches if batch.record.state == state]


def _by_job(batches: Sequence[SentBatch], states: set[str]) -> dict[str, list[SentBatch]]:
    groups: dict[str, list[SentBatch]] = defaultdict(list)
    for batch in batches:
        if batch.record.state in states:
            groups[batch.record.job_id].append(batch)
    return groups
