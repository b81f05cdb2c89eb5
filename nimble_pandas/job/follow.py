"""How far a batch has come: one light call each time, the heavy one only when something moved."""

from __future__ import annotations

import logging
import random

from nimble_pandas.client import Client
from nimble_pandas.clock import Clock
from nimble_pandas.errors import JobExpired, RateLimited, ServerError, TransportError
from nimble_pandas.job.sent import SentBatch

_LOGGER = logging.getLogger("nimble_pandas.job")

# a call follows a tenth of the time that a batch has taken, within these bounds (seconds) …
_SHARE = 0.1
_SHORTEST_SECONDS = 0.2
_LONGEST_SECONDS = 15.0
# … and all batches together ask no more often than this (calls a second)
_RATE = 20.0
# the tasks are asked for when the batch has come this much further
_SUMMARY_STEP = 0.1
# failures that may pass are endured for so long without interruption
_PATIENCE_SECONDS = 300.0
# whatever the service asks for, it is asked again after so long
_LONGEST_WAIT_SECONDS = 600.0
# a batch that is not known at one moment may be at the next, until it has been unknown for so long
_GONE_SECONDS = 60.0


def poll(batch: SentBatch, *, client: Client, clock: Clock, elapsed_seconds: float, n_batches: int) -> None:
    """Ask once how far a batch has come, and for its tasks if it moved; say when to ask again.

    Parameters
    ----------
    batch : SentBatch
        An accepted batch that is not over; changed in place.
    client : Client
        The service.
    clock : Clock
        Time.
    elapsed_seconds : float
        How long the job has taken; the longer, the rarer the calls.
    n_batches : int
        Batches that share the rate of calls.

    Raises
    ------
    ApiError
        The service refuses to tell (400, 401, 403); the batch goes on.
    TransportError, ServerError, RateLimited
        Calls have failed for five minutes without interruption; the batch goes on.
    """
    pause = _pause(elapsed_seconds, n_batches)
    try:
        _ask(batch, client)
        batch.failing_since = batch.gone_since = None
    except JobExpired:
        _forgotten(batch, clock)
    except (RateLimited, ServerError, TransportError) as exc:
        now = clock.monotonic()
        batch.failing_since = now if batch.failing_since is None else batch.failing_since
        if now - batch.failing_since > _PATIENCE_SECONDS:
            raise
        pause = min(max(pause, getattr(exc, "retry_after", None) or 1.0), _LONGEST_WAIT_SECONDS)
        _LOGGER.info("Batch %s: asked again in %.1f s, for %s", batch.id, pause, exc.args[0])
    batch.next_poll_at = clock.monotonic() + pause


def _forgotten(batch: SentBatch, clock: Clock) -> None:
    now = clock.monotonic()
    batch.gone_since = now if batch.gone_since is None else batch.gone_since
    if now - batch.gone_since > _GONE_SECONDS or clock.now().timestamp() > batch.record.expires_at:
        batch.expired = batch.completed = batch.news = True
        _LOGGER.warning("Batch %s: the service has forgotten it", batch.id)


def _ask(batch: SentBatch, client: Client) -> None:
    batch_id = str(batch.id)
    progress = client.progress(batch_id)
    batch.fraction = max(batch.fraction, progress.fraction)
    _LOGGER.debug("Batch %s: %.0f %%, completed: %s", batch_id, 100 * progress.fraction, progress.completed)
    moved = progress.fraction - batch.summarised_fraction >= _SUMMARY_STEP
    if moved or progress.completed or progress.fraction == 1:
        batch.learn(client.summary(batch_id))
        batch.summarised_fraction = progress.fraction
        # not before the tasks are known: a summary that fails is asked for again
        batch.completed = batch.completed or progress.completed
        batch.news = True


def _pause(elapsed_seconds: float, n_batches: int) -> float:
    pause = min(max(elapsed_seconds * _SHARE, _SHORTEST_SECONDS), _LONGEST_SECONDS)
    # jitter, so that batches and kernels do not ask in step
    return max(pause, n_batches / _RATE) * random.uniform(0.8, 1.2)  # noqa: S311 -- no secret
