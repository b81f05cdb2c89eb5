"""Batches sent once, by one kernel at a time, several at once as the service takes them."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from nimble_pandas.client import Client, backoff
from nimble_pandas.errors import ApiError, AuthError, RateLimited, TransportError
from nimble_pandas.job.calls import Bell, Call
from nimble_pandas.job.recall import wake
from nimble_pandas.job.register import Register
from nimble_pandas.job.seek import Seeker
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.job.submit import body_of, refuse, send, suspect
from nimble_pandas.ledger import Ledger

_LOGGER = logging.getLogger("nimble_pandas.job")

# as many are under way at once as were taken before, and no more than this: what is refused, or swallowed,
# is so few times only
_AT_ONCE = 8
# submits that the service wants later (429) are put off for so long in all
_RATE_LIMIT_SECONDS = 300.0
# how often it is tried whether another kernel is still sending
_TURN_SECONDS = 0.5


class _NotNowError(Exception):
    """A batch was not sent: when its turn had come, nothing was to be sent any more."""


class _Sending(Call):
    """A batch on its way."""

    def __init__(self, batch: SentBatch, work: Callable[[], object], bell: Bell) -> None:
        super().__init__(work, bell)
        self.batch = batch
        #: Whether it is written down what became of it, and whether nothing is to follow before that is seen.
        self.written = False
        self.alarming = False


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
    bell : Bell
        Rung when something has become of a batch that was on its way.

    Notes
    -----
    Each batch is sent on a thread of its own, which writes down the intent before and the ids right after.
    All else is done by the thread that calls: it starts them, and takes in what became of them.

    The first batch goes alone; then as many go at once as were taken before, up to eight. Once the answer to
    one is lost, or one is refused in a way that would meet all, no further batch leaves: those that have
    left by then come to their own ends, each is settled by itself, and what has not left stays planned.
    """

    def __init__(
        self,
        *,
        client: Client,
        ledger: Ledger,
        register: Register,
        defaults: Mapping[str, object],
        learn: Callable[[SentBatch], None],
        bell: Bell,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._register = register
        self._defaults = defaults
        self._learn = learn
        self._bell = bell
        self._seeker = Seeker(client, ledger, bell)
        self._on_their_way: list[_Sending] = []
        self._n_taken = 0
        # whether what is on its way may still leave, and whether anybody takes in what becomes of it
        self._gate = threading.Lock()
        self._open = False
        self._attended = False
        # the jobs that no other kernel sends meanwhile, and when to try again with the others
        self._turns: dict[str, contextlib.ExitStack] = {}
        self._try_again_at: dict[str, float] = {}
        # what keeps a job's other batches from being sent, too
        self._hopeless: tuple[str, ApiError | TransportError] | None = None
        # since when submits are put off by the service, how often, and until when
        self._told_to_wait_since: float | None = None
        self._n_told_to_wait = 0
        self._send_again_at = 0.0

    @property
    def told_to_wait_seconds(self) -> float:
        """How long the service still wants no submit; 0 if it does not say so."""
        put_off = self._told_to_wait_since is not None
        return max(self._send_again_at - self._client.clock.monotonic(), 0.0) if put_off else 0.0

    @property
    def under_way(self) -> bool:
        """Whether batches are on their way."""
        return bool(self._on_their_way)

    @property
    def seeks(self) -> bool:
        """Whether batches whose answers were lost are being looked for."""
        return self._seeker.under_way

    def is_sending(self, batch: SentBatch) -> bool:
        """Say whether a batch is on its way: it belongs to its thread until that is over."""
        return any(sending.batch is batch for sending in self._on_their_way)

    def go_on(self, batches: Sequence[SentBatch]) -> None:
        """Take in what has become of batches on their way, and send more of those that were not sent yet.

        Parameters
        ----------
        batches : sequence of SentBatch
            All of the job's.

        Raises
        ------
        ApiError, TransportError, ConfigError
            Nothing of these batches was sent.
        """
        self._attended = True
        for sending in [each for each in self._on_their_way if each.over]:
            self._take_in(sending, batches)
        self.take_in_found(batches)
        if self._hopeless is not None and not self._on_their_way:
            self._stop(batches)
        # whatever swallowed an answer would swallow the next: first it is looked for
        self._open = not (self._hopeless or self.told_to_wait_seconds or any(map(_is_swallowed, batches)))
        if self._open:
            self._start(batches)
        if not self._on_their_way:
            self._end_turns()

    def detach(self) -> None:
        """Let nothing more leave; what has left comes to its own end, and is written down."""
        with self._gate:
            self._open = self._attended = False
            self._on_their_way = [each for each in self._on_their_way if each.started]
            idle = all(sending.written for sending in self._on_their_way)
        if idle:
            self._end_turns()

    def _start(self, batches: Sequence[SentBatch]) -> None:
        n_at_once = min(max(self._n_taken, 1), _AT_ONCE)
        if len(self._on_their_way) < n_at_once:
            for job_id, waiting in _by_job(batches, {"planned", "intent"}).items():
                here = [batch for batch in waiting if not self.is_sending(batch)]
                if here and self._is_our_turn(job_id, here):
                    some = _in_state(here, "planned")[: n_at_once - len(self._on_their_way)]
                    self._on_their_way += map(self._sending, some)
        for sending in self._on_their_way:
            sending.start()

    def _is_our_turn(self, job_id: str, waiting: list[SentBatch]) -> bool:
        now = self._client.clock.monotonic()
        if job_id in self._turns or self._try_again_at.get(job_id, now) > now:
            return job_id in self._turns
        with contextlib.ExitStack() as held:
            ours = held.enter_context(self._ledger.sending(job_id))
            self.reload(waiting)
            if not ours:
                self._try_again_at[job_id] = now + _TURN_SECONDS
                return False
            for batch in _in_state(waiting, "intent"):
                suspect(batch, self._ledger)
            self._turns[job_id] = held.pop_all()
        return True

    def _end_turns(self) -> None:
        while self._turns:
            # by the thread that sends last, or by the one that looks first
            with contextlib.suppress(KeyError):
                self._turns.popitem()[1].close()

    def _sending(self, batch: SentBatch) -> _Sending:
        sending = _Sending(batch, lambda: self._send(sending), self._bell)
        return sending

    def _send(self, sending: _Sending) -> None:
        """Send a batch, on its thread."""
        batch = sending.batch
        try:
            wake(batch, self._ledger)
            body = body_of(batch, self._defaults)
            send(batch, body, client=self._client, ledger=self._ledger, ready=self._may_leave)
        except BaseException as exc:
            sending.alarming = not isinstance(exc, ApiError) or isinstance(exc, AuthError | RateLimited)
            raise
        finally:
            sending.alarming = sending.alarming or _is_swallowed(batch)
            self._leave_alone(sending)

    def _may_leave(self) -> None:
        with self._gate:
            if not self._open or any(sending.alarming for sending in self._on_their_way):
                raise _NotNowError

    def _leave_alone(self, sending: _Sending) -> None:
        """Let other kernels have their turn where nobody looks any more, and this was the last."""
        with self._gate:
            sending.written = True
            last = not self._attended and all(each.written for each in self._on_their_way)
        if last:
            self._end_turns()

    def _take_in(self, sending: _Sending, batches: Sequence[SentBatch]) -> None:
        batch, error = sending.batch, sending.error
        # before it is off the list: nothing slips through in between
        self._open = self._open and not sending.alarming
        if isinstance(error, ApiError | TransportError):
            self._refused(batch, batches, error)
        elif error is None and batch.record.state == "accepted":
            self._n_taken += 1
            if not self.told_to_wait_seconds:
                self._told_to_wait_since = None
        self._learn(batch)
        self._on_their_way.remove(sending)
        if error is not None and not isinstance(error, ApiError | TransportError | _NotNowError):
            raise error

    def _refused(
        self, batch: SentBatch, batches: Sequence[SentBatch], exc: ApiError | TransportError
    ) -> None:
        if isinstance(exc, RateLimited) and self._told_to_wait(exc):
            self._n_taken //= 2
            return
        if self._nothing_runs(batches) or isinstance(exc, AuthError | TransportError | RateLimited):
            self._hopeless = self._hopeless or (batch.record.job_id, exc)
        self._settle_refused([batch])

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

    def _stop(self, batches: Sequence[SentBatch]) -> None:
        """Settle batches that will not be sent; raise if nothing of the job runs."""
        assert self._hopeless is not None  # noqa: S101 -- the caller has looked
        job_id, exc = self._hopeless
        self._told_to_wait_since = None
        self._give_up(_by_job(batches, {"planned", "refused"})[job_id], exc.args[0])
        self._hopeless = None
        if self._nothing_runs(batches):
            self._end_turns()
            raise exc

    def _nothing_runs(self, batches: Sequence[SentBatch]) -> bool:
        return not any(each.record.state in {"accepted", "unknown"} for each in batches)

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
                batch.wake(requests)
                batch.recall_all(requests)
        self._settle_refused(batches)

    def seek(self, batches: Sequence[SentBatch]) -> None:
        """Begin to look for the batches that may have been taken.

        Parameters
        ----------
        batches : sequence of SentBatch
            Those that still owe an answer.
        """
        lost = [batch for batch in _in_state(batches, "unknown") if not self.is_sending(batch)]
        # another kernel may have found it, and then it is not to be found a second time
        self.reload(lost)
        self._seeker.look_for(_in_state(lost, "unknown"))

    def take_in_found(self, batches: Sequence[SentBatch]) -> None:
        """Take in which of those were found; after a while in vain they stay ``unknown``.

        Parameters
        ----------
        batches : sequence of SentBatch
            All of the job's.
        """
        if over := self._seeker.over:
            self.reload(over)
        for batch in self._seeker.take_in():
            if not self._on_their_way:
                self._despair(batch, batches)

    def _despair(self, batch: SentBatch, batches: Sequence[SentBatch]) -> None:
        for position in batch.positions:
            self._register.settle_as(position, "unknown", str(batch.record.error))
        if not batch.swallowed:
            return
        batch.swallowed = False
        job_id = batch.record.job_id
        own = _by_job(batches, {"planned"})[job_id]
        with self._ledger.sending(job_id) as ours:
            self.reload(own)
            if ours:
                self._give_up(own, "its answer was lost")


def _is_swallowed(batch: SentBatch) -> bool:
    return batch.swallowed and batch.record.state == "unknown"


def _in_state(batches: Sequence[SentBatch], state: str) -> list[SentBatch]:
    return [batch for batch in batches if batch.record.state == state]


def _by_job(batches: Sequence[SentBatch], states: set[str]) -> defaultdict[str, list[SentBatch]]:
    groups = defaultdict(list)
    for batch in batches:
        if batch.record.state in states:
            groups[batch.record.job_id].append(batch)
    return groups
