"""A job: all batches of one call, from the first submit to the last page."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import Generator, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pandas.api.extensions import no_default

from nimble_pandas.client import Client
from nimble_pandas.errors import ConfigError, StorageError
from nimble_pandas.frames import assemble
from nimble_pandas.job.export import Target, export
from nimble_pandas.job.register import Portion
from nimble_pandas.job.sitting import Sitting
from nimble_pandas.job.sittings import Sittings
from nimble_pandas.job.story import Story
from nimble_pandas.job.unread import lay_out_tasks, task_table
from nimble_pandas.job.words import FAILED, hours_left, how_to_go_on, what_was_there
from nimble_pandas.ledger import Ledger, Sent
from nimble_pandas.planning import Plan
from nimble_pandas.planning.warn import warn
from nimble_pandas.progress import Snapshot, View
from nimble_pandas.progress.card import card
from nimble_pandas.progress.words import text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pandas.api.typing import NoDefault

_LOGGER = logging.getLogger("nimble_pandas.job")

# what is laid out together: about a batch for a frame, more for a file, whose lines are cut another way
_FRAME_PAGES = 1_000
_SHEET_PAGES = 8_192


class Job:
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
        self.plan = plan
        self._story = Story(plan, client=client, ledger=ledger, storage_options=storage_options)
        self._sittings = Sittings(self._story, job_id=job_id, progress=progress)

    @property
    def id(self) -> str:
        """The job's name in the ledger, part of its storage prefix."""
        return self._sittings.job_id

    @property
    def batch_ids(self) -> list[str]:
        """The service's names for the batches that it is known to have accepted."""
        return [batch.id for batch in self._story.books.batches if batch.id is not None]

    @property
    def done(self) -> bool:
        """Whether the answer to every row is final, as far as `refresh` or `wait` have seen."""
        return self._story.done

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

    def resume(self, job_id: str, known: Mapping[int, Sent]) -> Job:
        """Take up what was written down; called once, by `attach`.

        Parameters
        ----------
        job_id : str
            The job's name.
        known : Mapping of int to (BatchRecord, RequestRecord)
            Every request, by its place in the plan.

        Returns
        -------
        Job
            This job, under its old name.
        """
        self._sittings.job_id = job_id
        record = self._story.ledger.job(job_id)
        self._story.books.take_up(known, since=record.created_at if record else 0.0, job_id=job_id)
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

    def tasks(self, timeout: float | None = None, *, progress: str | View | None = None) -> pd.DataFrame:
        """Wait until every task has ended, and return the tasks; reads no outputs.

        For outputs that are read elsewhere, such as by the workers of a cluster: see `read_tasks`. One row
        per row of the submitted frame, in its order and under its index labels.

        Parameters
        ----------
        timeout, progress : optional
            As in `wait`.

        Returns
        -------
        pandas.DataFrame
            The input columns; the task columns, where ``pending`` is what has an output to be read; and
            ``input_url`` and ``parse``, which tell whether an output is the row's.

        Raises
        ------
        JobTimeout, JobDetached, ApiError, TransportError
            As in `wait`.
        """
        with self._sittings.call(progress, timeout=timeout) as sitting:
            sitting.wait(until=lambda: self._story.is_over(read=False), read=False)
            with sitting.turn():
                table = self.task_table()
        return lay_out_tasks(self.plan.rows, table, self._story.register.answer_of_row)

    def task_table(self) -> pa.Table:
        """Return what is known of each request by now, without its page; for Dask.

        Returns
        -------
        pyarrow.Table
            The content ``key`` and the task columns of each request, in the plan's order.
        """
        with self._sittings.lock:
            self._story.remember()
            return task_table(self.plan, self._story.register.answers)

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
            answers = self._story.register.answers[: self.plan.n_requests]
            positions = [position for position, answer in enumerate(answers) if answer.status in again]
            self._story.books.retry(self.id, positions)
        with self._sittings.call(end="submitted") as sitting:
            sitting.send()
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
        with self._sittings.lock, self.handed_out(explode=explode, dtype_backend=dtype_backend) as frame:
            return frame

    @contextlib.contextmanager
    def handed_out(
        self, *, explode: bool | str = False, dtype_backend: str | NoDefault = no_default
    ) -> Iterator[pd.DataFrame]:
        """Give the frame, which counts as handed out once a block has ended well; for the command line.

        Parameters
        ----------
        explode, dtype_backend : optional
            As in `frame`.

        Yields
        ------
        pandas.DataFrame
            As `frame` returns it.
        """
        yield self._laid_out(explode=explode, dtype_backend=dtype_backend)
        self._story.books.collect()

    def _laid_out(self, *, explode: bool | str, dtype_backend: str | NoDefault) -> pd.DataFrame:
        self._refuse_if_handed_out()
        register = self._story.register
        if lacking := register.pages.lacks(explode):
            warn(lacking)
        # what a watch adds meanwhile would be in some columns and not in others
        with self._sittings.lock:
            self._story.remember()
            return assemble(
                self.plan.rows,
                register.answers,
                register.answer_of_row,
                register.pages,
                explode=explode,
                dtype_backend=dtype_backend,
                with_html=self.plan.wants_html,
            )

    def frames(
        self,
        *,
        explode: bool | str = False,
        dtype_backend: str | NoDefault = no_default,
        timeout: float | None = None,
    ) -> Iterator[pd.DataFrame]:
        """Hand the job's rows out in frames of about a batch, as their answers come, in flat memory.

        Each row is in one frame, under its index label; the rows of a frame stand in the order of the
        submitted frame. Rows that share a request come together; rows that were not sent come first.

        Parameters
        ----------
        explode : bool or str, default False
            As in `batch`.
        dtype_backend : {"numpy_nullable", "pyarrow"}, optional
            As in `batch`.
        timeout : float, optional
            Seconds to wait at most; no limit if not given.

        Returns
        -------
        iterator of pandas.DataFrame
            Each as `frame` has it, of the pages in it alone: another frame may have other output columns, and
            another type of the same. `to_parquet` makes them one.

        Raises
        ------
        ConfigError
            `explode` or `dtype_backend` is not usable; nothing has changed.
        JobTimeout, ApiError, TransportError
            As `wait`; rows that were not handed out yet come when it is called again.

        Notes
        -----
        What was handed out is not kept: afterwards `frame` and `failed` need a job that is attached anew. A
        row that `retry_failed` sends again comes again.
        """
        layout: dict[str, Any] = {"explode": explode, "dtype_backend": dtype_backend}
        assemble(self.plan.rows.head(0), [], self.plan.request_of_row[:0], **layout)
        return self._frames(timeout, layout)

    def _frames(self, timeout: float | None, layout: Mapping[str, Any]) -> Iterator[pd.DataFrame]:
        for portion in self._portions(_FRAME_PAGES, timeout):
            yield assemble(
                self.plan.rows.iloc[portion.rows],
                portion.answers,
                portion.answer_of_row,
                portion.pages,
                with_html=self.plan.wants_html,
                **layout,
            )
        self._story.books.collect()

    def to_parquet(
        self,
        path: str | os.PathLike[str],
        *,
        partition_cols: Sequence[str] | None = None,
        storage_options: Mapping[str, Any] | None = None,
        explode: bool | str = False,
        timeout: float | None = None,
    ) -> None:
        """Wait for the job and write its frame to Parquet, in flat memory, however many rows it has.

        The rows stand in the order of the submitted frame. Each column has one type in all of them, as in
        `frame`, and `pandas.read_parquet` gives that frame back.

        Parameters
        ----------
        path : str or path
            A file of this machine, or one under ``s3://`` or ``gs://``; it appears when it is complete, in
            place of one that is there. With `partition_cols`, the folder of a dataset, to which files
            are added.
        partition_cols : sequence of str, optional
            Columns of the submitted frame, such as the day, that become folders of a dataset.
        storage_options : Mapping, optional
            Handed to fsspec as they are.
        explode : bool or str, default False
            As in `batch`.
        timeout : float, optional
            Seconds to wait at most; no limit if not given.

        Raises
        ------
        ConfigError, InputError
            The path, a column or `explode` is not usable; nothing was written.
        StorageError
            It cannot be written there; a file is as it was, and a dataset has whole files only.
        JobTimeout, ApiError, TransportError
            As `wait`; nothing was written.

        Notes
        -----
        The file's metadata say, under ``nimble_pandas``, which job and batches it is from, and when it was
        written. A job's file in a dataset has the job's name, so that writing it again replaces it.
        As with `frames`, the pages are not kept. Lines wait in a folder beside `path`, or in the temporary
        one of this machine for a store, until the last is there.
        """
        assemble(self.plan.rows.head(0), [], self.plan.request_of_row[:0], explode=explode)
        self._refuse_if_handed_out()
        target = Target(
            path, name=self.id, partition_cols=partition_cols or (), storage_options=storage_options
        )
        try:
            export(
                self._portions(_SHEET_PAGES, timeout),
                target,
                rows=self.plan.rows,
                explode=explode,
                with_html=self.plan.wants_html,
                provenance=self._provenance,
            )
        except StorageError as exc:
            exc.hint = exc.hint or self._how_to_read_again()
            raise
        self._story.books.collect()

    def _provenance(self) -> dict[str, object]:
        return {
            "job_id": self.id,
            "batch_ids": self.batch_ids,
            "written_at": self._story.clock.now().isoformat(),
            "version": version("nimble-pandas"),
        }

    def _portions(self, max_pages: int, timeout: float | None) -> Iterator[Portion]:
        """Yield the rows as their answers come, each once, and keep nothing of them."""
        register = self._story.register
        register.max_pages = max_pages
        try:
            with self._sittings.call(timeout=timeout) as sitting:
                while not self.done or register.n_ready:
                    sitting.wait(until=lambda: self.done or register.is_full)
                    with sitting.turn():
                        portion = self._story.hand_out()
                    yield portion
        finally:
            register.max_pages = None

    def _refuse_if_handed_out(self) -> None:
        if self._story.register.n_handed_out:
            raise ConfigError(
                f"pages of job {self.id} were handed out before, and are not kept.",
                hint=self._how_to_read_again(),
            )

    def _how_to_read_again(self) -> str:
        return f'Read the pages again: job = nimble_pandas.attach("{self.id}")'

    def failed(self) -> pd.DataFrame:
        """Return the rows that ended without a page: every status but ``ok`` and ``pending``.

        Returns
        -------
        pandas.DataFrame
            A part of `frame`, not exploded, with a ``status`` and an ``error`` in each row.
        """
        # by the answers: the caller's own frame may have a column called "status"
        with self._sittings.lock:
            # the other pages are not handed out by this
            frame = self._laid_out(explode=False, dtype_backend=no_default)
            register = self._story.register
            statuses = [register.answers[answer].status for answer in register.answer_of_row]
        return frame[[status not in {"ok", "pending"} for status in statuses]]

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
