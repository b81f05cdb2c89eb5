"""A job: all batches of one call, from the first submit to the last page."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

from pandas.api.extensions import no_default

from nimble_pandas.client import Client
from nimble_pandas.job.found import Found
from nimble_pandas.job.outcome import Outcome
from nimble_pandas.job.sitting import Sitting
from nimble_pandas.job.sittings import Sittings
from nimble_pandas.job.story import Story
from nimble_pandas.job.words import FAILED, hours_left, how_to_go_on, what_was_there
from nimble_pandas.ledger import Ledger
from nimble_pandas.planning import Plan
from nimble_pandas.progress import Snapshot, View
from nimble_pandas.progress.card import card
from nimble_pandas.progress.words import text

if TYPE_CHECKING:
    import pandas as pd
    from pandas.api.typing import NoDefault

_LOGGER = logging.getLogger("nimble_pandas.job")


class Job(Outcome):
    """All batches of one call; made by `submit`, or by `attach` from the ledger.

    Rows, index and input columns are those of the frame that was submitted. The batches go on at the
    service whatever happens here.

    Parameters
    ----------
    plan : Plan
        What is sent.
    client : Client
        The service.
    ledger : Ledger
        Where it is written down.
    storage_options : Mapping, optional
        Handed to fsspec as they are.
    progress : str or View, default "auto"
        How progress is shown, as in `batch`.

    Attributes
    ----------
    plan : Plan
        What was sent.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        client: Client,
        ledger: Ledger,
        storage_options: Mapping[str, Any] | None = None,
        progress: str | View = "auto",
    ) -> None:
        job_id = f"{client.clock.now():%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        story = Story(plan, client=client, ledger=ledger, storage_options=storage_options)
        super().__init__(story, Sittings(story, job_id=job_id, progress=progress))

    @property
    def hours_left(self) -> float | None:
        """Hours until the service forgets the first batch that is not done; None if there is none."""
        return hours_left(self._story)

    def submit(self, *, refresh: bool = False, max_age: float | None = None) -> Job:
        """Send what is not under way already; called once, by `submit`.

        Parameters
        ----------
        refresh : bool, default False
            Send everything anew.
        max_age : float, optional
            Reuse outputs of pages that were fetched in the last so many seconds.

        Returns
        -------
        Job
            This job.

        Raises
        ------
        ApiError, TransportError, ConfigError
            Nothing was sent.
        """
        with self._sittings.call(end="submitted") as sitting:
            self._begin(sitting, refresh=refresh, max_age=max_age)
            sitting.send()
        return self

    def run(
        self,
        timeout: float | None = None,
        *,
        refresh: bool = False,
        max_age: float | None = None,
        explode: bool | str = False,
        dtype_backend: str | NoDefault = no_default,
    ) -> pd.DataFrame:
        """Send what is not under way already, wait, and lay out the frame; called once, by `batch`.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; no limit if not given.
        refresh, max_age : optional
            As in `submit`.
        explode, dtype_backend : optional
            As in `frame`.

        Returns
        -------
        pandas.DataFrame
            Complete.

        Raises
        ------
        ApiError, TransportError, ConfigError
            At the submit: nothing was sent. Later: as `wait`.
        JobTimeout
            As `wait`.
        """
        # collected as late as can be: who is stopped before gets the frame by the same call, and pays nothing
        with self._sittings.call(timeout=timeout, at_last=self._story.books.collect) as sitting:
            self._begin(sitting, refresh=refresh, max_age=max_age)
            # sends, too: the first outputs are read before the last batch has left
            sitting.wait()
            return self._laid_out(explode=explode, dtype_backend=dtype_backend)

    def resume(self, job_id: str, found: Found, *, since: float) -> Job:
        """Take up what was written down; called once, by `attach`.

        Parameters
        ----------
        job_id : str
            The job's name.
        found : Found
            Where each request was sent.
        since : float
            When the job was called for, in seconds since the epoch.

        Returns
        -------
        Job
            This job, under its old name.
        """
        self._sittings.job_id = job_id
        self._story.books.take_up(found, since=since, job_id=job_id)
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
        with self._sittings.call(progress, timeout=timeout) as sitting:
            sitting.wait()
        return self

    def watch(self, *, progress: str | View = "auto") -> None:
        """Show the job live and return at once: a thread waits for it, and the kernel is free.

        Meanwhile `frame` has what has come so far. A second call shows the same thread's work once more. If
        an error ends the watch, it is shown there, and in the job's ``repr``; the job goes on at the service.

        Parameters
        ----------
        progress : str or View, default "auto"
            How progress is shown, as in `batch`, whatever the job was submitted with.

        Raises
        ------
        ConfigError
            There is no such view; nothing has changed.
        """
        self._sittings.watch(progress)

    def __await__(self) -> Generator[Any, None, Job]:
        """Wait without keeping the event loop busy, as ``await job`` does at the top level of a cell.

        To cancel the task that awaits is to detach: the job goes on at the service.

        Returns
        -------
        Job
            This job, done.

        Raises
        ------
        JobDetached
            The button was pressed, or `detach` was called; the job goes on and is billed.
        ApiError, TransportError
            The service does not answer; the job goes on, and can be awaited again.
        """
        yield from self._sittings.watched().__await__()
        return self

    def detach(self) -> Job:
        """End every `wait`, `watch` and ``await`` of this job; it goes on at the service, and is billed.

        A `wait` or ``await`` that is ended so raises `JobDetached`.

        Returns
        -------
        Job
            This job.
        """
        self._sittings.leave()
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
        with self._sittings.lock:
            self._story.advance(now=True)
        return self

    def collect_now(self) -> Job:
        """Do what `refresh` does, but send nothing that was not sent yet; called by `rescue`.

        Returns
        -------
        Job
            This job.

        Raises
        ------
        ApiError, TransportError
            The service does not answer; the job goes on.
        """
        with self._sittings.lock:
            self._story.advance(now=True, send=False)
        return self

    def retry_failed(self, *, unknown: bool = False) -> Job:
        """Send again, once, what failed, as new batches of this job.

        A row is sent again if its status is ``failed``, ``not_delivered``, ``unreadable``, ``mismatch`` or
        ``expired``. What was fetched for it before stays billed.

        Parameters
        ----------
        unknown : bool, default False
            Also send rows that are ``unknown``: they may have been taken, and would be paid for twice.

        Returns
        -------
        Job
            This job, to be waited for.

        Raises
        ------
        ApiError, TransportError, ConfigError
            Nothing was sent again.
        """
        again = FAILED | {"unknown"} if unknown else FAILED
        with self._sittings.lock:
            self._story.books.read_again()
            answers = self._story.register.answers[: self.plan.n_requests]
            positions = [position for position, answer in enumerate(answers) if answer.status in again]
            self._story.books.retry(self.id, positions)
        with self._sittings.call(end="submitted") as sitting:
            sitting.send()
        return self

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
        return self._sittings.snapshot(message)

    def how_to_go_on(self) -> str:
        """Return what still runs and is billed, and the line that takes it up again.

        Returns
        -------
        str
            Two lines.
        """
        return how_to_go_on(self.id, self._story)

    def __repr__(self) -> str:
        if not hasattr(self, "_sittings"):
            # its making failed, and the traceback shows it
            return "Job (never made)"
        return f"Job {self.id}: {text(self._sittings.summary())}"

    def _repr_html_(self) -> str:
        return card(self._sittings.summary())

    def _begin(self, sitting: Sitting, *, refresh: bool, max_age: float | None) -> None:
        with sitting.turn():
            n_reused = self._story.books.reuse(max_age) if max_age is not None else 0
            self._sittings.job_id, under_way = self._story.books.claim(self.id, refresh=refresh)
            self._story.books.take_up(under_way, since=0.0)
        self._sittings.notice = sitting.notice = what_was_there(self._story, n_reused)
        _LOGGER.info("Job %s: %d requests. %s", self.id, self.plan.n_requests, sitting.notice or "")
