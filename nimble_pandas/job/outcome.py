"""What comes of a job: its rows, laid out as frames or written to Parquet, whole or as they come."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pandas.api.extensions import no_default

from nimble_pandas.errors import ConfigError, StorageError
from nimble_pandas.frames import assemble
from nimble_pandas.job.export import Target, export
from nimble_pandas.job.register import Portion
from nimble_pandas.job.sittings import Sittings
from nimble_pandas.job.story import Story
from nimble_pandas.job.unread import lay_out_tasks, task_table
from nimble_pandas.planning import Plan
from nimble_pandas.planning.warn import warn
from nimble_pandas.progress import View

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pandas.api.typing import NoDefault

# what is laid out together: about a batch for a frame, more for a file, whose lines are cut another way
_FRAME_PAGES = 1_000
_SHEET_PAGES = 8_192


class Outcome:
    """Hands out the rows of a job: all at once, or as their answers come, in flat memory.

    Parameters
    ----------
    story : Story
        The job's steps.
    sittings : Sittings
        Who takes them.
    """

    def __init__(self, story: Story, sittings: Sittings) -> None:
        self.plan = story.plan
        self._story = story
        self._sittings = sittings

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
        # what a watch adds meanwhile would be in some columns and not in others
        with self._sittings.lock:
            self._story.remember()
            if lacking := register.pages.lacks(explode):
                warn(lacking)
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
        check_layout(self.plan, **layout)
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
            Seconds to wait for answers at most; no limit if not given. Writing the file takes its time.

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
        check_layout(self.plan, explode=explode)
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


def check_layout(plan: Plan, *, explode: bool | str, dtype_backend: str | NoDefault = no_default) -> None:
    """Lay out an empty frame: whatever is wrong with the layout is better known before anything is done."""
    assemble(plan.rows.head(0), [], plan.request_of_row[:0], explode=explode, dtype_backend=dtype_backend)
