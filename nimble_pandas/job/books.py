"""What a job has asked for: which batch answers which request, and where its answer is written down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from nimble_pandas.client import Client
from nimble_pandas.config import is_loopback
from nimble_pandas.errors import ConfigError
from nimble_pandas.job.backlog import Backlog
from nimble_pandas.job.claim import Keys, claim, delivery_of, job_record
from nimble_pandas.job.found import Found, Place, Taken
from nimble_pandas.job.recall import is_under_way, read_again, recall_batch
from nimble_pandas.job.register import Register
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.job.sources import Pulled, Source, Stored
from nimble_pandas.ledger import BatchRecord, JobRecord, Ledger, RequestRecord, Sent, copy_name
from nimble_pandas.models import Delivery
from nimble_pandas.options import Options
from nimble_pandas.patience import look_up
from nimble_pandas.planning import Plan
from nimble_pandas.storage import Store

# pages of earlier calls that are read again before anybody waits for the job
_PAGES_AT_ONCE = 16_384


class Books:
    """Keeps what is claimed, taken up and answered, here and in the ledger; asks the service nothing.

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
    learn : callable
        Given each batch that is added.

    Attributes
    ----------
    batches : list of SentBatch
        All of them.
    register : Register
        The answers.

    Raises
    ------
    ConfigError
        The store cannot be opened; nothing was sent.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        client: Client,
        ledger: Ledger,
        storage_options: Mapping[str, Any] | None,
        learn: Callable[[SentBatch], None],
    ) -> None:
        self.batches: list[SentBatch] = []
        self.register = Register(plan, client.masked)
        self._plan = plan
        self._client = client
        self._clock = client.clock
        self._ledger = ledger
        self._storage_options = Options(storage_options)
        self._learn = learn
        # the batch that a request was last sent in, to write its answer down there
        self._batch_of: list[SentBatch | None] = [None] * plan.n_requests
        self._batch_at: dict[tuple[str, int], SentBatch] = {}
        # where the answers of earlier calls are written down
        self._taken = Taken(plan.n_requests)
        self._deliveries: dict[str, Delivery] = {}
        self._sources: dict[str | None, Source] = {}
        self._source_of(plan.delivery.storage_url)
        self._backlog = Backlog(
            ledger=ledger, register=self.register, source_of=self._source_of, follow=self._follow
        )
        self._started_at = self._clock.monotonic()
        self._ended_at: float | None = None
        self._collected = False

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the job was made, until it was done."""
        return (self._ended_at or self._clock.monotonic()) - self._started_at

    @property
    def n_to_take_up(self) -> int:
        """How many requests that an earlier call has sent were not looked at yet."""
        return len(self._backlog)

    def running(self) -> list[SentBatch]:
        """Return the batches that may still bring answers."""
        return [batch for batch in self.batches if self.is_open(batch)]

    def is_open(self, batch: SentBatch) -> bool:
        """Say whether a batch still owes an answer."""
        # an answer that was final is asked for again in another batch, never in this one:
        # so each is looked at once, however often this is asked
        n_settled = batch.n_settled
        order = batch.offset_of.positions
        while n_settled < len(order) and not self.is_owed(batch, order[n_settled]):
            n_settled += 1
        batch.n_settled = n_settled
        return n_settled < len(order)

    def is_owed(self, batch: SentBatch, position: int) -> bool:
        """Say whether a batch still owes the answer to one request."""
        return self._batch_of[position] is batch and self.register.is_open(position)

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
        since = self._clock.now().timestamp() - max_age
        keys: list[bytes] = self._plan.keys.to_pylist()
        found = self._ledger.answered(keys, self._client.account, since)
        place = {key: position for position, key in enumerate(keys)}
        before = self.register.n_open
        for record, answer, page in read_again(found, self._ledger, self._source_of, reused=True):
            self.register.settle(place[record.key], answer, page, written=True)
        return before - self.register.n_open

    def claim(self, job_id: str, *, refresh: bool) -> tuple[str, Found]:
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
        under_way : Found
            What was sent before, and is to be taken up.
        """
        now = self._clock.now().timestamp()
        keys = self._keys
        record = job_record(self._plan, job_id, service=self._client.account, now=now, keys=keys)
        batches, under_way = claim(
            self._plan,
            keys,
            record,
            self.register.open,
            ledger=self._ledger,
            source_of=self._source_of,
            is_answered=lambda _, sent: not refresh and is_under_way(sent, now),
        )
        self._add(batches)
        same = self._same_job(record, under_way) if under_way and not batches else None
        if under_way and not batches and same is None:
            # all of it is under way, but in no one job that could be named
            self._ledger.add_job(record)
        return same or job_id, under_way

    def _same_job(self, record: JobRecord, under_way: Found) -> str | None:
        """Return the earlier job that all requests are under way in, and no others, in as many rows."""
        jobs = under_way.jobs
        earlier = self._ledger.job(jobs.pop()) if len(jobs) == 1 else None
        return earlier.id if earlier is not None and earlier.has_rows_of(record) else None

    def take_up(self, found: Found, *, since: float, job_id: str = "") -> None:
        """Take up requests that were sent before, with the answers that they have already.

        Parameters
        ----------
        found : Found
            What was sent.
        since : float
            Answers that were final before this (seconds since the epoch) are reused ones.
        job_id : str, default ""
            The job whose own answers never are.
        """
        for part in found.parts:
            self._taken.add(part)
            self._backlog.add(part, since=since, job_id=job_id)
        # what still runs is followed at once, however many pages there are
        self.read_again(lambda: not self._backlog.has_open and self.register.has_pages(_PAGES_AT_ONCE))
        self._look_at_clock()

    def _follow(
        self, record: BatchRecord, requests: list[RequestRecord], offset_of: Mapping[int, int]
    ) -> None:
        """Follow requests of a batch of an earlier call."""
        if record.state == "refused":
            for position in offset_of:
                self.register.settle_as(position, "failed", record.error or "not sent", written=True)
            return
        if batch := self._batch_at.get((record.job_id, record.number)):
            batch.wake(requests)
            batch.answer_also(offset_of)
            self._took(batch, offset_of)
            return
        source, delivery = self._source_of(record.storage_url), self._delivery_of(record.job_id)
        self._add([recall_batch(record, requests, offset_of, delivery=delivery, source=source)])

    def _delivery_of(self, job_id: str) -> Delivery:
        """Return where the outputs of a job were to go; asked once, for the ledger has all its rows there."""
        if job_id not in self._deliveries:
            job = self._ledger.job(job_id)
            assert job is not None  # noqa: S101 -- its batches are there
            self._deliveries[job_id] = delivery_of(job)
        return self._deliveries[job_id]

    def read_again(self, enough: Callable[[], bool] = lambda: False) -> None:
        """Read answers that earlier calls have brought again, until there are enough, or no more.

        Parameters
        ----------
        enough : callable, optional
            Says whether there are; what is left is read the next time.
        """
        while self._backlog and not enough():
            look_up()
            self._backlog.read_some()

    def retry(self, job_id: str, positions: list[int]) -> None:
        """Write down that requests are going to be sent again.

        Parameters
        ----------
        job_id : str
            The job that they are of.
        positions : list of int
            Their places in the plan.
        """
        self.write_down()
        now = self._clock.now().timestamp()
        keys = self._keys
        batches, under_way = claim(
            self._plan,
            keys,
            job_record(self._plan, job_id, service=self._client.account, now=now, keys=keys),
            positions,
            ledger=self._ledger,
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
            self.batches.append(batch)
            self._batch_at[batch.record.job_id, batch.record.number] = batch
            self._took(batch, batch.positions)

    def _took(self, batch: SentBatch, positions: Iterable[int]) -> None:
        for position in positions:
            self._batch_of[position] = batch
            self._taken.drop(position)
        self._learn(batch)

    @property
    def _keys(self) -> Keys:
        return Keys(self._plan.keys)

    def _source_of(self, storage_url: str | None) -> Source:
        """Return where outputs under a prefix are read; opening it says early what is wrong with it."""
        if storage_url not in self._sources:
            if storage_url is None:
                self._sources[None] = Pulled(self._client)
            elif storage_url.startswith("file://") and not is_loopback(self._client.base_url):
                raise ConfigError(
                    f"{self._client.base_url} cannot write to a folder of this machine.",
                    hint="Nothing was sent. A folder goes with the local service only; give s3:// or gs://.",
                )
            else:
                self._sources[storage_url] = Stored(Store(storage_url, self._storage_options))
        return self._sources[storage_url]

    def write_down(self) -> bool:
        """Write down the answers that are new; say whether there were any."""
        self._look_at_clock()
        fresh = self.register.fresh()
        if fresh:
            self._ledger.settle(self._settled(fresh, self._clock.now().timestamp()))
            # not before: what an interrupt, or a full disk, has kept from being written is so the next time
            self.register.written()
        return bool(fresh)

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
                fetched_at=(answer.fetched_at or self._clock.now()).timestamp()
                if kept or answer.fetched_at
                else None,
                output_url=answer.output_url,
                copy=copy_name(str(answer.task_id)) if kept else None,
                settled_at=now,
            )

    def collect(self) -> None:
        """Write down, once, that the complete frame was handed out."""
        if self._collected or self.register.n_open:
            return
        self.write_down()
        self._ledger.collect(self._places(), self._clock.now().timestamp())
        self._collected = True

    def _places(self) -> Iterator[Place]:
        return filter(None, map(self._place_of, range(self._plan.n_requests)))

    def _place_of(self, position: int) -> Place | None:
        """Return where an answer is written down."""
        taken, batch = self._taken.get(position), self._batch_of[position]
        if batch is None or taken is not None:
            return taken
        return batch.record.job_id, batch.record.number, batch.offset_of[position]

    def _look_at_clock(self) -> None:
        if self._ended_at is None and not self.register.n_open:
            self._ended_at = self._clock.monotonic()


def _place(sent: Sent) -> Place:
    return sent[1].job_id, sent[1].number, sent[1].position
