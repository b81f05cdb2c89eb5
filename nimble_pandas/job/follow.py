"""How far batches have come: one light call each time, the heavy one only when something moved."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from typing import cast

from nimble_pandas.client import Client
from nimble_pandas.clock import Clock
from nimble_pandas.errors import JobExpired, RateLimited, ServerError, TransportError
from nimble_pandas.job.calls import Bell, Call
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.models import Batch, Progress

_LOGGER = logging.getLogger("nimble_pandas.job")

# a call follows a tenth of the time that a batch has taken, within these bounds (seconds) …
_SHARE = 0.1
_SHORTEST_SECONDS = 0.2
_LONGEST_SECONDS = 15.0
# … and all batches together ask no more often than this (calls a second), so many at once
_RATE = 20.0
_AT_ONCE = 8
# the tasks are asked for when the batch has come this much further
_SUMMARY_STEP = 0.1
# failures that may pass are endured for so long without interruption
_PATIENCE_SECONDS = 300.0
# whatever the service asks for, it is asked again after so long
_LONGEST_WAIT_SECONDS = 600.0
# a batch that is not known at one moment may be at the next, until it has been unknown for so long
_GONE_SECONDS = 60.0
# … or, once its 24 hours are over, for so long
_LATE_GONE_SECONDS = 10.0


class Follower:
    """Asks about batches, several at once, and takes in what is said in the thread that asks for it.

    Parameters
    ----------
    client : Client
        The service.
    bell : Bell
        Rung when a call is over.
    wake : callable
        Given a batch before it learns of its tasks.
    """

    def __init__(self, client: Client, bell: Bell, wake: Callable[[SentBatch], None]) -> None:
        self._client = client
        self._wake = wake
        self._clock: Clock = client.clock
        self._bell = bell
        self._asked: list[tuple[SentBatch, Call]] = []

    @property
    def under_way(self) -> bool:
        """Whether calls are."""
        return bool(self._asked)

    def ask(self, batches: Iterable[SentBatch]) -> None:
        """Ask how far batches have come, as many as there is room for.

        Parameters
        ----------
        batches : iterable of SentBatch
            Accepted ones that are not over, the most urgent first.
        """
        asked = {id(batch) for batch, _ in self._asked}
        for batch in batches:
            if len(self._asked) >= _AT_ONCE:
                break
            if id(batch) not in asked:
                self._asked.append((batch, self._call(batch)))
        for _, call in self._asked:
            call.start()

    def _call(self, batch: SentBatch) -> Call:
        batch_id, fraction = str(batch.id), batch.summarised_fraction
        return Call(lambda: _ask(batch_id, fraction, self._client), self._bell)

    def take_in(self, *, elapsed_seconds: float, n_batches: int) -> list[SentBatch]:
        """Take in what was answered meanwhile; say when to ask again.

        Parameters
        ----------
        elapsed_seconds : float
            How long the job has taken; the longer, the rarer the calls.
        n_batches : int
            Batches that share the rate of calls.

        Returns
        -------
        list of SentBatch
            Those that were asked about; changed in place.

        Raises
        ------
        ApiError
            The service refuses to tell (400, 401, 403); the batch goes on.
        TransportError, ServerError, RateLimited
            Calls have failed for five minutes without interruption; the batch goes on.
        """
        heard = []
        for batch, call in [each for each in self._asked if each[1].over]:
            pause = _pause(elapsed_seconds, n_batches)
            try:
                self._hear(batch, call, pause)
            finally:
                # an interrupt in there asks again
                self._asked = [each for each in self._asked if each[1] is not call]
            heard.append(batch)
        return heard

    def _hear(self, batch: SentBatch, call: Call, pause: float) -> None:
        now = self._clock.monotonic()
        try:
            if call.error is not None:
                raise call.error
            self._learn(batch, *cast("tuple[Progress, Batch | None]", call.result))
            batch.failing_since = batch.gone_since = None
        except JobExpired:
            _forgotten(batch, self._clock)
        except (RateLimited, ServerError, TransportError) as exc:
            batch.failing_since = now if batch.failing_since is None else batch.failing_since
            if now - batch.failing_since > _PATIENCE_SECONDS:
                raise
            pause = min(max(pause, getattr(exc, "retry_after", None) or 1.0), _LONGEST_WAIT_SECONDS)
            _LOGGER.info("Batch %s: asked again in %.1f s, for %s", batch.id, pause, exc.args[0])
        batch.next_poll_at = now + pause

    def _learn(self, batch: SentBatch, progress: Progress, summary: Batch | None) -> None:
        batch.fraction = max(batch.fraction, progress.fraction)
        if summary is not None:
            self._wake(batch)
            batch.learn(summary)
            batch.summarised_fraction = progress.fraction
            # not before the tasks are known: a summary that fails is asked for again
            batch.completed = batch.completed or progress.completed
            batch.news = True


def _ask(batch_id: str, summarised_fraction: float, client: Client) -> tuple[Progress, Batch | None]:
    progress = client.progress(batch_id)
    _LOGGER.debug("Batch %s: %.0f %%, completed: %s", batch_id, 100 * progress.fraction, progress.completed)
    moved = progress.fraction - summarised_fraction >= _SUMMARY_STEP
    if moved or progress.completed or progress.fraction == 1:
        return progress, client.summary(batch_id)
    return progress, None


def _forgotten(batch: SentBatch, clock: Clock) -> None:
    now = clock.monotonic()
    batch.gone_since = now if batch.gone_since is None else batch.gone_since
    # the wall clock alone does not decide: it may have been set
    late = clock.now().timestamp() > batch.record.expires_at
    if now - batch.gone_since > (_LATE_GONE_SECONDS if late else _GONE_SECONDS):
        batch.expired = batch.completed = batch.news = True
        _LOGGER.warning("Batch %s: the service has forgotten it", batch.id)


def _pause(elapsed_seconds: float, n_batches: int) -> float:
    pause = min(max(elapsed_seconds * _SHARE, _SHORTEST_SECONDS), _LONGEST_SECONDS)
    # jitter, so that batches and kernels do not ask in step
    return max(pause, n_batches / _RATE) * random.uniform(0.8, 1.2)  # noqa: S311 -- no secret
