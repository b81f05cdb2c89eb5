"""What a job does, step by step: claim, send, look for what was lost, follow, read, write down."""

from __future__ import annotations

import contextlib
import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from nimble_pandas.client import Client
from nimble_pandas.config import is_loopback
from nimble_pandas.errors import ConfigError
from nimble_pandas.job.calls import Bell
from nimble_pandas.job.claim import claim, job_record, take_up
from nimble_pandas.job.follow import Follower
from nimble_pandas.job.reading import Reader
from nimble_pandas.job.recall import is_under_way, read_again, wake
from nimble_pandas.job.register import Portion, Register
from nimble_pandas.job.sending import Sender
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.job.sources import Pulled, Source, Stored
from nimble_pandas.ledger import JobRecord, Ledger, RequestRecord, Sent, copy_name
from nimble_pandas.options import Options
from nimble_pandas.planning import Plan
from nimble_pandas.storage import Store

# between looks for what should be there and is not: an output, a batch whose answer was lost
_LOOK_AGAIN_SECONDS = 0.5
# a step reads what has landed for about so long: views and the ledger are told in between
_STEP_SECONDS = 0.25
# whoever waits for calls looks up so often, in seconds of the machine's
_LOOK_UP_SECONDS = 0.25
# batches whose outputs wait to be read: while there are so many, no other is asked about
_READ_AHEAD = 16

#: A job, the number of a batch of it, and a request's position there.
Place: TypeAlias = tuple[str, int, int]

#: The clients that this process has sent jobs with, by account, so that `attach` needs none named again.
CLIENTS: dict[str, Client] = {}


class Story:
    """The steps of one job; none of them waits.

    Parameters
    ----------
    plan : Plan
        What is sent.
    client : Client
        The service.
    ledger : Ledger
        Where it is written down.
    storage_options : Mapping or None
        Handed to fsspec as they are.

    Raises
    ------
    ConfigError
        The store cannot be opened; nothing was sent.
    """

    def __init__(
        self, plan: Plan, *, client: Client, ledger: Ledger, storage_options: Mapping[str, Any] | None
    ) -> None:
        self.plan = plan
        self.client = client
        self.ledger = ledger
        self.clock = client.clock
        CLIENTS[client.account] = client
        self.batches: list[SentBatch] = []
        self.register = Register(plan, client.masked)
        self._storage_options = Options(storage_options)
        self._reader = Reader(self.register, self.clock, self._keep)
        # whether outputs are read
        self._reads = True
        self._bell = Bell()
        self._follower = Follower(client, self._bell, self._wake)
        self._sender = Sender(
            client=client,
            ledger=ledger,
            register=self.register,
            defaults=plan.defaults,
            learn=self._learn,
            bell=self._bell,
        )
        # the batch that a request was last sent in, to write its answer down there
        self._batch_of: list[SentBatch | None] = [None] * plan.n_requests
        # where the answers of earlier calls are written down
        self._taken_from: dict[int, Place] = {}
        self._sources: dict[str | None, Source] = {}
        self._source_of(plan.delivery.storage_url)
        # batches of which something may have landed, by identity
        self._to_read: dict[int, SentBatch] = {}
        self._started_at = self.clock.monotonic()
        self._ended_at: float | None = None
        self._look_again_at = 0.0
        self._collected = False

    def forget_client(self) -> None:
        """Have `attach` look for credentials anew: those of this client are refused."""
        CLIENTS.pop(self.client.account, None)

    @property
    def _keys(self) -> list[bytes]:
        # made when they are asked for: as objects they take four times the room
        keys: list[bytes] = self.plan.keys.to_pylist()
        return keys

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the job was made, until it was done."""
        return (self._ended_at or self.clock.monotonic()) - self._started_at

    @property
    def done(self) -> bool:
        """Whether the answer to every request is final."""
        return self.register.n_open == 0

    def is_over(self, *, read: bool) -> bool:
        """Say whether there is nothing to wait for: no output, or no task, if outputs are not to be read."""
        return self.done or (not read and all(batch.is_taken and batch.over for batch in self.running()))

    def _source_of(self, storage_url: str | None) -> Source:
        """Return where outputs under a prefix are read; opening it says early what is wrong with it."""
        if storage_url not in self._sources:
            if storage_url is None:
                self._sources[None] = Pulled(self.client)
            elif storage_url.startswith("file://") and not is_loopback(self.client.base_url):
                raise ConfigError(
                    f"{self.client.base_url} cannot write to a folder of this machine.",
                    hint="Nothing was sent. A folder goes with the local service only; give s3:// or gs://.",
                )
            else:
                self._sources[storage_url] = Stored(Store(storage_url, self._storage_options))
        return self._sources[storage_url]

    def _keep(self, task_id: str, content: bytes) -> None:
        self.ledger.save_copy(copy_name(task_id), gzip.compress(content, 1))

    def reuse(self, max_age: float) -> int:
        """Take answers that were collected before, of pages fetched in the last `max_age` seconds.

        Parameters
        ----------
        max_age : float
            Seconds.

        Returns
        -------
        int
            How many requests have their answer from there.
        """
        since = self.clock.now().timestamp() - max_age
        keys = self._keys
        found = self.ledger.answered(keys, self.client.account, since)
        place = {key: position for position, key in enumerate(keys)}
        before = self.register.n_open
        for record, answer, page in read_again(found.values(), self.ledger, self._source_of, reused=True):
            self.register.settle(place[record.key], answer, page)
        # their answers are written down already
        self.register.written()
        return before - self.register.n_open

    def claim(self, job_id: str, *, refresh: bool) -> tuple[str, dict[int, Sent]]:
        """Decide what is to be sent, and write it down.

        Parameters
        ----------
        job_id : str
            A name for the job.
        refresh : bool
            Whether everything is sent anew, whatever is under way.

        Returns
        -------
        job_id : str
            The job's name: that of an earlier job where all of this is under way in it.
        under_way : dict of int to (BatchRecord, RequestRecord)
            What was sent before, and is to be taken up.
        """
        now = self.clock.now().timestamp()
        keys = self._keys
        record = job_record(self.plan, job_id, service=self.client.account, now=now, keys=keys)
        batches, under_way = claim(
            self.plan,
            keys,
            record,
            self.register.open,
            ledger=self.ledger,
            source_of=self._source_of,
            is_answered=lambda _, sent: not refresh and is_under_way(sent, now),
        )
        self._add(batches)
        same = self._same_job(record, under_way) if under_way and not batches else None
        if under_way and not batches and same is None:
            # all of it is under way, but in no one job that could be named
            self.ledger.add_job(record)
        return same or job_id, under_way

    def _same_job(self, record: JobRecord, under_way: Mapping[int, Sent]) -> str | None:
        """Return the earlier job that all requests are under way in, and no others, in as many rows."""
        jobs = {request.job_id for _, request in under_way.values()}
        earlier = self.ledger.job(jobs.pop()) if len(jobs) == 1 else None
        if earlier is None or Counter(earlier.row_keys) != Counter(record.row_keys):
            return None
        return earlier.id

    def take_up(self, known: Mapping[int, Sent], *, since: float, job_id: str = "") -> None:
        """Take up requests that were sent before, with the answers that they have already.

        Parameters
        ----------
        known : Mapping of int to (BatchRecord, RequestRecord)
            By their place in the plan.
        since : float
            Answers that were final before this (seconds since the epoch) are reused ones.
        job_id : str, default ""
            The job whose own answers never are.
        """
        self._taken_from.update((position, _place(sent)) for position, sent in known.items())
        self._add(
            take_up(
                known,
                ledger=self.ledger,
                register=self.register,
                source_of=self._source_of,
                since=since,
                job_id=job_id,
            )
        )
        self.register.written()
        self._look_at_clock()

    def _look_at_clock(self) -> None:
        if self.done and self._ended_at is None:
            self._ended_at = self.clock.monotonic()

    def retry(self, job_id: str, positions: list[int]) -> None:
        """Write down that requests are going to be sent again.

        Parameters
        ----------
        job_id : str
            The job that they are of.
        positions : list of int
            Their places in the plan.
        """
        self._write_down()
        now = self.clock.now().timestamp()
        keys = self._keys
        batches, under_way = claim(
            self.plan,
            keys,
            job_record(self.plan, job_id, service=self.client.account, now=now, keys=keys),
            positions,
            ledger=self.ledger,
            source_of=self._source_of,
            # another kernel may have sent it again meanwhile
            is_answered=lambda position, sent: (
                _place(sent) != self._place_of(position) and is_under_way(sent, now)
            ),
        )
        self.register.reopen(positions)
        self._collected, self._ended_at = False, None
        self._add(batches)
        self.take_up(under_way, since=0.0)

    def _add(self, batches: Iterable[SentBatch]) -> None:
        for batch in batches:
            for position in batch.positions:
                self._batch_of[position] = batch
                self._taken_from.pop(position, None)
            self.batches.append(batch)
            self._learn(batch)

    def send_planned(self, sent: Callable[[], None] = lambda: None) -> None:
        """Send the batches that provably were not sent, unless another kernel is about to.

        Parameters
        ----------
        sent : callable, optional
            Called now and then meanwhile.

        Raises
        ------
        ApiError, TransportError, ConfigError
            Nothing of this job was sent.
        """
        with self._attended():
            self._sender.go_on(self.batches)
            while self._sender.under_way:
                self._look_up()
                self._sender.go_on(self.batches)
                sent()

    @contextlib.contextmanager
    def _attended(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.detach()
            raise

    def detach(self) -> None:
        """Let nothing more be sent; what has left comes to its own end, and is written down."""
        self._sender.detach()

    def _look_up(self) -> None:
        """Wait until a call is over, but not for long."""
        self._bell.wait(_LOOK_UP_SECONDS)

    @property
    def n_to_take_up(self) -> int:
        """How many requests were sent before, by another call, and are not known yet by their batches."""
        sent = (position for position in self._taken_from if self._batch_of[position] is None)
        return sum(map(self.register.is_open, sent))

    @property
    def told_to_wait_seconds(self) -> float:
        """How long the service still wants no submit; 0 if it does not say so."""
        return self._sender.told_to_wait_seconds

    def running(self) -> list[SentBatch]:
        """Return the batches that may still bring answers."""
        return [batch for batch in self.batches if self.is_open(batch)]

    def is_open(self, batch: SentBatch) -> bool:
        """Say whether a batch still owes an answer."""
        # an answer that was final is asked for again in another batch, never in this one:
        # so each is looked at once, however often this is asked
        n_settled = batch.n_settled
        order = batch.offset_of.positions
        while n_settled < len(order) and not self._is_owed(batch, order[n_settled]):
            n_settled += 1
        batch.n_settled = n_settled
        return n_settled < len(order)

    def _is_owed(self, batch: SentBatch, position: int) -> bool:
        return self._batch_of[position] is batch and self.register.is_open(position)

    def advance(self, *, now: bool = False, send: bool = True, read: bool = True) -> None:
        """Do whatever is due: send, look for lost batches, poll, read what has landed, write it down.

        Parameters
        ----------
        now : bool, default False
            Whether everything is due, and is waited for.
        send : bool, default True
            Whether batches that were planned, and provably not sent, are sent.
        read : bool, default True
            Whether outputs are read.

        Raises
        ------
        ApiError, TransportError
            The service does not answer; what was read is written down.
        """
        self._reads = read
        with self._attended():
            try:
                if now:
                    self._do_all(send=send)
                else:
                    self._do_what_is_due()
            finally:
                self._write_down()

    def _do_all(self, *, send: bool) -> None:
        if send:
            self.send_planned()
        self._sender.seek(self.running())
        while self._sender.seeks:
            self._look_up()
            self._sender.take_in_found(self.batches)
        waiting = [batch for batch in self._running_there() if not batch.over]
        while waiting or self._follower.under_way:
            heard = self._follow(waiting)
            for batch in heard:
                self._read(batch)
            waiting = [batch for batch in waiting if all(batch is not other for other in heard)]
            if self._follower.under_way:
                self._look_up()
        for batch in self._running_there():
            self._read(batch)

    def _do_what_is_due(self) -> None:
        started = self.clock.monotonic()
        look_again = self._look_again_at <= started
        self._go_on()
        if look_again:
            self._sender.seek(self.running())
            there = self._running_there()
            self._to_read |= {id(batch): batch for batch in there if batch.news or batch.landed}
        while self._to_read and self.clock.monotonic() - started <= _STEP_SECONDS:
            self._read(next(iter(self._to_read.values())))
            if self.register.is_full:
                # the rest of it is read when there is room again
                break
            self._to_read.pop(next(iter(self._to_read)))
            # what is under way does not wait for what is read
            self._go_on()
        if look_again:
            self._look_again_at = self.clock.monotonic() + _LOOK_AGAIN_SECONDS
        if self._under_way and not self._to_read:
            self._look_up()

    def _read(self, batch: SentBatch) -> None:
        if batch.news:
            self._wake(batch)
        if self._reads:
            self._reader.read(batch)
        self._learn(batch)

    def _learn(self, batch: SentBatch) -> None:
        """Take down what is new of a batch, and let go of what the ledger has."""
        self._reader.learn(batch)
        if batch.may_rest:
            batch.rest()
            self.register.forget(position for position in batch.positions if self._is_owed(batch, position))

    def remember(self) -> None:
        """Take down again what is known of requests that are open, for those who want to see it."""
        for batch in self._running_there():
            if batch.resting:
                self._wake(batch)
                batch.news = True
                self._reader.learn(batch)

    def _wake(self, batch: SentBatch) -> None:
        wake(batch, self.ledger)

    def _go_on(self) -> None:
        """Take in what calls have brought, and make those that are due."""
        self._sender.go_on(self.batches)
        now = self.clock.monotonic()
        there = [] if self._is_behind else self._running_there()
        due = [batch for batch in there if not batch.over and batch.next_poll_at <= now]
        heard = self._follow(sorted(due, key=lambda batch: batch.next_poll_at))
        self._to_read |= {id(batch): batch for batch in heard}

    @property
    def _is_behind(self) -> bool:
        """Whether so much has landed that its tasks would fill the memory before they are read."""
        awake = (batch for batch in self.running() if not batch.resting)
        return self._reads and sum(batch.news or bool(batch.landed) for batch in awake) >= _READ_AHEAD

    def _follow(self, due: Sequence[SentBatch]) -> list[SentBatch]:
        n_batches = len(self._running_there())
        heard = self._follower.take_in(elapsed_seconds=self.elapsed_seconds, n_batches=n_batches)
        self._follower.ask(batch for batch in due if all(batch is not other for other in heard))
        return heard

    def _running_there(self) -> list[SentBatch]:
        """Return the batches that the service has, and that owe answers."""
        return [batch for batch in self.running() if batch.is_taken and not self._sender.is_sending(batch)]

    @property
    def _under_way(self) -> bool:
        return self._sender.under_way or self._sender.seeks or self._follower.under_way

    def hand_out(self) -> Portion:
        """Return what is final and was not handed out yet; neither pages nor tasks of it are kept."""
        self._write_down()
        return self.register.hand_out()

    @property
    def due_at(self) -> float:
        """When `advance` has something to do again, on the clock."""
        if self._under_way or self._to_read:
            # calls are waited for there
            return 0.0
        running = self.running()
        if (
            self._is_behind
            or any(not batch.is_taken or batch.over for batch in running)
            or self._reader.looks_again
        ):
            return self._look_again_at
        return min((batch.next_poll_at for batch in running), default=0.0)

    def _write_down(self) -> None:
        self._look_at_clock()
        if fresh := self.register.fresh():
            self.ledger.settle(self._settled(fresh, self.clock.now().timestamp()))
            # not before: what an interrupt, or a full disk, has kept from being written is so the next time
            self.register.written()
            for batch in self.batches:
                if not (batch.resting or self.is_open(batch) or self._sender.is_sending(batch)):
                    batch.rest()

    def _settled(self, positions: list[int], now: float) -> Iterator[RequestRecord]:
        for position in positions:
            answer, batch = self.register.answers[position], self._batch_of[position]
            assert batch is not None  # noqa: S101 -- what has no batch was settled before
            kept = answer.status in {"ok", "empty"} and isinstance(batch.source, Pulled)
            yield RequestRecord(
                job_id=batch.record.job_id,
                number=batch.record.number,
                position=batch.offset_of[position],
                # both are there
                key=b"",
                text="",
                task_id=answer.task_id,
                status=answer.status,
                error=answer.error,
                http_status=answer.http_status,
                fetched_at=(answer.fetched_at or self.clock.now()).timestamp()
                if kept or answer.fetched_at
                else None,
                output_url=answer.output_url,
                copy=copy_name(str(answer.task_id)) if kept else None,
                settled_at=now,
            )

    def collect(self) -> None:
        """Write down, once, that the complete frame was handed out."""
        if self._collected or not self.done:
            return
        self._write_down()
        self.ledger.collect(self._places(), self.clock.now().timestamp())
        self._collected = True

    def _places(self) -> Iterator[Place]:
        return filter(None, map(self._place_of, range(self.plan.n_requests)))

    def _place_of(self, position: int) -> Place | None:
        """Return where an answer is written down."""
        batch = self._batch_of[position]
        if batch is None or position in self._taken_from:
            return self._taken_from.get(position)
        return batch.record.job_id, batch.record.number, batch.offset_of[position]


def _place(sent: Sent) -> Place:
    return sent[1].job_id, sent[1].number, sent[1].position
