"""What a job does, step by step: send, look for what was lost, follow, read, write down."""

from __future__ import annotations

import contextlib
import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from nimble_pandas.client import Client
from nimble_pandas.job.books import Books
from nimble_pandas.job.calls import Bell
from nimble_pandas.job.follow import Follower
from nimble_pandas.job.reading import Reader
from nimble_pandas.job.recall import wake
from nimble_pandas.job.register import Portion
from nimble_pandas.job.sending import Sender
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.ledger import Ledger, copy_name
from nimble_pandas.planning import Plan

# between looks for what should be there and is not: an output, a batch whose answer was lost
_LOOK_AGAIN_SECONDS = 0.5
# a step reads what has landed for about so long: views and the ledger are told in between
_STEP_SECONDS = 0.25
# whoever waits for calls looks up so often, in seconds of the machine's
_LOOK_UP_SECONDS = 0.25
# batches whose outputs wait to be read: while there are so many, no other is asked about
_READ_AHEAD = 16

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
        self.books = Books(
            plan, client=client, ledger=ledger, storage_options=storage_options, learn=self._learn
        )
        self.register = self.books.register
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
        # batches of which something may have landed, by identity
        self._to_read: dict[int, SentBatch] = {}
        self._look_again_at = 0.0

    def forget_client(self) -> None:
        """Have `attach` look for credentials anew: those of this client are refused."""
        CLIENTS.pop(self.client.account, None)

    @property
    def done(self) -> bool:
        """Whether the answer to every request is final."""
        return self.register.n_open == 0

    def is_over(self, *, read: bool) -> bool:
        """Say whether there is nothing to wait for: no output, or no task, if outputs are not to be read."""
        running = self.books.running()
        return self.done or (not read and all(batch.is_taken and batch.over for batch in running))

    def _keep(self, task_id: str, content: bytes) -> None:
        self.ledger.save_copy(copy_name(task_id), gzip.compress(content, 1))

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
            self._sender.go_on(self.books.batches)
            while self._sender.under_way:
                self._look_up()
                self._sender.go_on(self.books.batches)
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
    def told_to_wait_seconds(self) -> float:
        """How long the service still wants no submit; 0 if it does not say so."""
        return self._sender.told_to_wait_seconds

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
        self.books.read_again()
        if send:
            self.send_planned()
        self._sender.seek(self.books.running())
        while self._sender.seeks:
            self._look_up()
            self._sender.take_in_found(self.books.batches)
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
        if self._reads:
            self.books.read_again(lambda: self.register.is_full or self._is_late(started))
        if look_again:
            self._sender.seek(self.books.running())
            there = self._running_there()
            self._to_read |= {id(batch): batch for batch in there if batch.news or batch.landed}
        while self._to_read and not self._is_late(started):
            self._read(next(iter(self._to_read.values())))
            if self.register.is_full:
                # the rest of it is read when there is room again
                break
            self._to_read.pop(next(iter(self._to_read)))
            # what is under way does not wait for what is read
            self._go_on()
        if look_again:
            self._look_again_at = self.clock.monotonic() + _LOOK_AGAIN_SECONDS
        if self._under_way and not self._has_to_read:
            self._look_up()

    def _is_late(self, started: float) -> bool:
        """Say whether a step that began at a time has taken long enough."""
        return self.clock.monotonic() - started > _STEP_SECONDS

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
            owed = (position for position in batch.positions if self.books.is_owed(batch, position))
            self.register.forget(owed)

    def remember(self) -> None:
        """Take down again what is known of requests that are open, for those who want to see it."""
        self.books.read_again()
        for batch in self._running_there():
            if batch.resting:
                self._wake(batch)
                batch.news = True
                self._reader.learn(batch)

    def _wake(self, batch: SentBatch) -> None:
        wake(batch, self.ledger)

    def _go_on(self) -> None:
        """Take in what calls have brought, and make those that are due."""
        self._sender.go_on(self.books.batches)
        now = self.clock.monotonic()
        there = [] if self._is_behind else self._running_there()
        due = [batch for batch in there if not batch.over and batch.next_poll_at <= now]
        heard = self._follow(sorted(due, key=lambda batch: batch.next_poll_at))
        self._to_read |= {id(batch): batch for batch in heard}

    @property
    def _is_behind(self) -> bool:
        """Whether so much has landed that its tasks would fill the memory before they are read."""
        awake = (batch for batch in self.books.running() if not batch.resting)
        return self._reads and sum(batch.news or bool(batch.landed) for batch in awake) >= _READ_AHEAD

    def _follow(self, due: Sequence[SentBatch]) -> list[SentBatch]:
        n_batches = len(self._running_there())
        heard = self._follower.take_in(elapsed_seconds=self.books.elapsed_seconds, n_batches=n_batches)
        self._follower.ask(batch for batch in due if all(batch is not other for other in heard))
        return heard

    def _running_there(self) -> list[SentBatch]:
        """Return the batches that the service has, and that owe answers."""
        running = self.books.running()
        return [batch for batch in running if batch.is_taken and not self._sender.is_sending(batch)]

    @property
    def _under_way(self) -> bool:
        return self._sender.under_way or self._sender.seeks or self._follower.under_way

    @property
    def _has_to_read(self) -> bool:
        """Whether there is something to read that nobody has to be waited for."""
        return bool(self._to_read) or (self._reads and self.books.n_to_take_up > 0)

    def hand_out(self) -> Portion:
        """Return what is final and was not handed out yet; neither pages nor tasks of it are kept."""
        self._write_down()
        return self.register.hand_out()

    def _write_down(self) -> None:
        if self.books.write_down():
            for batch in self.books.batches:
                if not (batch.resting or self.books.is_open(batch) or self._sender.is_sending(batch)):
                    batch.rest()

    @property
    def due_at(self) -> float:
        """When `advance` has something to do again, on the clock."""
        if self._under_way or self._has_to_read:
            # calls are waited for there
            return 0.0
        running = self.books.running()
        if (
            self._is_behind
            or any(not batch.is_taken or batch.over for batch in running)
            or self._reader.looks_again
        ):
            return self._look_again_at
        return min((batch.next_poll_at for batch in running), default=0.0)
