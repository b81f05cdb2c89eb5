"""A job: all batches of one call, from the first submit to the last page."""

from __future__ import annotations

import contextlib
import html
import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pandas.api.extensions import no_default

from nimble_pandas.client import Client
from nimble_pandas.config import is_loopback
from nimble_pandas.errors import ConfigError, JobTimeout, NimbleError
from nimble_pandas.frames import assemble
from nimble_pandas.job.follow import poll
from nimble_pandas.job.reading import Reader
from nimble_pandas.job.register import Register
from nimble_pandas.job.sent import SentBatch
from nimble_pandas.job.sources import Pulled, Stored
from nimble_pandas.job.submit import send
from nimble_pandas.planning import Plan
from nimble_pandas.progress import Snapshot, View
from nimble_pandas.progress import view as choose_view
from nimble_pandas.storage import Store

if TYPE_CHECKING:
    import pandas as pd
    from pandas.api.typing import NoDefault

# between looks for an output that should be there and is not
_LOOK_AGAIN_SECONDS = 0.5
# the view's time moves even when nothing else does
_VIEW_SECONDS = 0.25

# jobs of this process that are under way, so that an interrupted call can be taken up again
_UNDER_WAY: dict[str, Job] = {}


class Job:
    """All batches of one call; made by `submit`.

    Rows, index and input columns are those of the frame that was submitted. The batches go on at the
    service whatever happens here.

    Parameters
    ----------
    plan : Plan
        What is sent.
    client : Client
        The service.
    storage_options : Mapping, optional
        Handed to fsspec as they are.
    progress : str or View, default "auto"
        How progress is shown, as in `batch`.

    Attributes
    ----------
    id : str
        The job's name, part of its storage prefix.
    plan : Plan
        What was sent.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        client: Client,
        storage_options: Mapping[str, Any] | None = None,
        progress: str | View = "auto",
    ) -> None:
        self._clock = client.clock
        self.id = f"{self._clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        self.plan = plan
        self._client = client
        self._progress = progress
        self._register = Register(plan)
        self._reader = Reader(self._source(storage_options), self._register, self._clock)
        delivery = plan.delivery.under(self.id)
        self._batches = [
            SentBatch(
                positions=positions,
                requests=[plan.effective(position) for position in positions],
                delivery=delivery.under(f"{number:04d}"),
            )
            for number, positions in enumerate(plan.batches)
        ]
        self._started_at = self._clock.monotonic()
        self._look_again_at = 0.0
        self._state = "submitting"

    def _source(self, storage_options: Mapping[str, Any] | None) -> Pulled | Stored:
        delivery = self.plan.delivery.under(self.id)
        if delivery.storage_url is None:
            return Pulled(self._client)
        if delivery.protocol == "file" and not is_loopback(self._client.base_url):
            raise ConfigError(
                f"{self._client.base_url} cannot write to a folder of this machine.",
                hint="Nothing was sent. A folder goes with the local service only; give s3:// or gs://.",
            )
        return Stored(Store(delivery.storage_url, storage_options))

    @property
    def batch_ids(self) -> list[str]:
        """The service's names for the batches that it has accepted."""
        return [batch.id for batch in self._batches if batch.id is not None]

    @property
    def done(self) -> bool:
        """Whether the answer to every row is final, as far as `refresh` or `wait` have seen."""
        return self._register.n_open == 0

    def submit(self) -> Job:
        """Send the batches; called once, by `submit`.

        Returns
        -------
        Job
            This job.

        Raises
        ------
        ApiError, TransportError
            Nothing was sent.
        """
        with self._shown(self._progress) as view:
            self._send(view)
        return self

    def run(self, timeout: float | None = None) -> Job:
        """Send the batches and wait for them; called once, by `batch`.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; no limit if not given.

        Returns
        -------
        Job
            This job, done.

        Raises
        ------
        ApiError, TransportError
            At the submit: nothing was sent. Later: as `wait`.
        JobTimeout
            As `wait`.
        """
        with self._shown(self._progress) as view:
            self._send(view)
            self._wait(view, timeout)
        return self

    def wait(self, timeout: float | None = None, *, progress: str | View | None = None) -> Job:
        """Wait until every row has its answer, reading outputs as they land.

        Ctrl-C detaches: the job goes on at the service, and can be waited for again.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; no limit if not given.
        progress : str or View, optional
            How progress is shown, as in `batch`; as the job was submitted if not given.

        Returns
        -------
        Job
            This job, done.

        Raises
        ------
        JobTimeout
            The job goes on and is billed; wait again, or take what has arrived with `frame`.
        ApiError, TransportError
            The service does not answer; the job goes on, and can be waited for again.
        """
        with self._shown(self._progress if progress is None else progress) as view:
            self._wait(view, timeout)
        return self

    def refresh(self) -> Job:
        """Ask the service once about every batch, and read what has landed.

        Returns
        -------
        Job
            This job.

        Raises
        ------
        ApiError, TransportError
            The service does not answer; the job goes on, and can be refreshed again.
        """
        self._look_again_at = 0.0
        for batch in self._running():
            batch.next_poll_at = 0.0
        self._advance()
        return self

    def frame(
        self, *, explode: bool | str = False, dtype_backend: str | NoDefault = no_default
    ) -> pd.DataFrame:
        """Return the frame as far as it has arrived; a row without an answer is ``pending``.

        One row per row of the submitted frame, in its order and under its index labels; with `explode`
        labels repeat, as in `pandas.DataFrame.explode`.

        Parameters
        ----------
        explode : bool or str, default False
            As in `batch`.
        dtype_backend : {"numpy_nullable", "pyarrow"}, optional
            As in `batch`.

        Returns
        -------
        pandas.DataFrame
            The input columns, the task columns, the output columns.
        """
        return assemble(
            self.plan.rows,
            self._register.answers,
            self._register.answer_of_row,
            explode=explode,
            dtype_backend=dtype_backend,
            with_html=self.plan.wants_html,
        )

    def failed(self) -> pd.DataFrame:
        """Return the rows that ended without a page: every status but ``ok`` and ``pending``.

        Returns
        -------
        pandas.DataFrame
            A part of `frame`, not exploded, with a ``status`` and an ``error`` in each row.
        """
        frame = self.frame()
        return frame[~frame["status"].isin(["ok", "pending"])]

    def snapshot(self, message: str | None = None) -> Snapshot:
        """Return how far the job has come, as views are told.

        Parameters
        ----------
        message : str, optional
            A last word: what to type next.

        Returns
        -------
        Snapshot
            Frozen.
        """
        n_tasks = self.plan.n_requests
        n_read = n_tasks - self._register.n_open
        elapsed = self._clock.monotonic() - self._started_at
        return Snapshot(
            job_id=self.id,
            state=self._state,
            n_rows=self.plan.n_rows,
            n_tasks=n_tasks,
            n_ended=max(sum(batch.n_ended for batch in self._batches if batch.id is not None), n_read),
            n_read=n_read,
            counts=dict(self._register.counts),
            n_batches=len(self._batches),
            n_batches_ended=sum(not self._is_open(batch) for batch in self._batches),
            elapsed_seconds=elapsed,
            remaining_seconds=elapsed * (n_tasks - n_read) / n_read if n_read else None,
            message=message,
        )

    def how_to_go_on(self) -> str:
        """Return what still runs and is billed, and the line that takes it up again.

        Returns
        -------
        str
            Two lines.
        """
        n_sent = sum(len(batch.positions) for batch in self._batches if batch.id is not None)
        return (
            f"Job {self.id}: {n_sent:,} requests were submitted and are billed; they go on at the service.\n"
            f'Take it up again in this kernel: job = nimble_pandas.attach("{self.id}"); '
            "frame = job.wait().frame()"
        )

    def __repr__(self) -> str:
        counts = [f"{status} {n:,}" for status, n in sorted(self._register.counts.items())]
        counts += [f"pending {self._register.n_open:,}"] if self._register.n_open else []
        return (
            f"Job {self.id}: {self.plan.n_rows:,} rows, {self.plan.n_requests:,} requests in "
            f"{len(self._batches):,} batches; {', '.join(counts) or 'nothing to send'}"
        )

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"

    @contextlib.contextmanager
    def _shown(self, progress: str | View) -> Iterator[View]:
        """Show progress for the length of a block and, at its end, how it ended and what to type."""
        view = choose_view(progress)
        message = None
        try:
            yield view
        except (KeyboardInterrupt, NimbleError) as exc:
            # what was accepted goes on, whatever stopped the waiting
            self._state = "detached" if self.batch_ids else "failed"
            if self.batch_ids:
                message = self.how_to_go_on()
                exc.add_note(message)
            raise
        finally:
            view.close(self.snapshot(message))

    def _send(self, view: View) -> None:
        def accepted(batch: SentBatch) -> None:
            _UNDER_WAY[self.id] = self
            self._reader.note(batch)
            view.show(self.snapshot())

        send(self.plan, self._batches, client=self._client, register=self._register, accepted=accepted)
        self._state = "done" if self.done else "running"

    def _wait(self, view: View, timeout: float | None) -> None:
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        self._state = "running"
        while not self.done:
            self._advance()
            view.show(self.snapshot())
            if not self.done:
                self._sleep(view, deadline, timeout)
        self._state = "done"
        _UNDER_WAY.pop(self.id, None)

    def _is_open(self, batch: SentBatch) -> bool:
        return any(map(self._register.is_open, batch.positions))

    def _running(self) -> list[SentBatch]:
        return [batch for batch in self._batches if batch.id is not None and self._is_open(batch)]

    def _advance(self) -> None:
        """Poll the batches whose time has come, and read what has landed."""
        now = self._clock.monotonic()
        running = self._running()
        due = [batch for batch in running if batch.next_poll_at <= now and not batch.over]
        for batch in due:
            poll(
                batch,
                client=self._client,
                clock=self._clock,
                elapsed_seconds=now - self._started_at,
                n_batches=len(running),
            )
        look_again = self._look_again_at <= now
        for batch in running if look_again else due:
            self._reader.read(batch)
        if look_again:
            self._look_again_at = self._clock.monotonic() + _LOOK_AGAIN_SECONDS

    def _sleep(self, view: View, deadline: float | None, timeout: float | None) -> None:
        """Let time pass until something is due, moving the view's time along."""
        wake_at = min((batch.next_poll_at for batch in self._running() if not batch.over), default=0.0)
        if self._reader.looks_again or not wake_at:
            wake_at = min(wake_at or self._look_again_at, self._look_again_at)
        while (now := self._clock.monotonic()) < wake_at:
            if deadline is not None and now >= deadline:
                break
            until = wake_at if deadline is None else min(wake_at, deadline)
            self._clock.sleep(min(until - now, _VIEW_SECONDS))
            view.show(self.snapshot())
        if deadline is not None and self._clock.monotonic() >= deadline:
            raise JobTimeout(
                f"waited {timeout:g} s: {self._register.n_open:,} of {self.plan.n_requests:,} requests "
                "have no answer yet.",
                hint=self.how_to_go_on(),
            )


def attach(job_id: str) -> Job:
    """Take up a job of this process that is under way.

    Parameters
    ----------
    job_id : str
        The job's ``id``, as errors and interrupts name it.

    Returns
    -------
    Job
        To be waited for again.

    Raises
    ------
    ConfigError
        No such job is under way in this process.
    """
    if job_id not in _UNDER_WAY:
        raise ConfigError(
            f"no job {job_id!r} is under way in this process.",
            hint=f"Under way: {', '.join(_UNDER_WAY) or 'none'}. What was submitted goes on and is billed.",
        )
    return _UNDER_WAY[job_id]
