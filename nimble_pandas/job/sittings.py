"""Everybody who sits with a job: the calls that wait for it, and the one thread that watches it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from nimble_pandas.job.examples import Examples
from nimble_pandas.job.sitting import Sitting, seconds_of
from nimble_pandas.job.story import Story
from nimble_pandas.job.watch import Watch
from nimble_pandas.job.words import how_to_go_on, standing
from nimble_pandas.progress import Snapshot, View
from nimble_pandas.progress import view as choose_view
from nimble_pandas.tracebacks import shorten

# how long a cancelled task waits for the view's last word
_LAST_WORD_SECONDS = 1.0
_LISTEN_SECONDS = 0.1


class Sittings:
    """Starts sittings with one job, one step at a time among them all, and ends them.

    Parameters
    ----------
    story : Story
        The job's steps.
    job_id : str
        The job's name, which sending may change.
    progress : str or View
        How progress is shown where nothing else is said.
    """

    def __init__(self, story: Story, *, job_id: str, progress: str | View) -> None:
        self._story = story
        self.job_id = job_id
        self._progress = progress
        self._examples = Examples(story.plan, story.register)
        self._watch: Watch | None = None
        self._calls: weakref.WeakSet[Sitting] = weakref.WeakSet()
        #: Held while a step is taken; what has come can be looked at without it.
        self.lock = threading.RLock()
        self.notice: str | None = None

    def __getstate__(self) -> dict[str, Any]:
        # a copy has the job's past, and nobody sits with it
        return {
            "story": self._story,
            "job_id": self.job_id,
            "progress": self._progress,
            "notice": self.notice,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        notice = state.pop("notice")
        self.__init__(**state)  # type: ignore[misc]  # the same fields, made anew
        self.notice = notice

    @contextlib.contextmanager
    def call(
        self,
        progress: str | View | None = None,
        *,
        timeout: float | None = None,
        end: str | None = None,
        at_last: Callable[[], None] = lambda: None,
    ) -> Iterator[Sitting]:
        """Sit with the job in the thread that calls, and show it for the length of a block.

        Parameters
        ----------
        progress : str or View, optional
            How progress is shown.
        timeout : float, optional
            Seconds that it lasts at most; no limit if not given.
        end : str, optional
            The state that the job is left in where it is not done at the end.
        at_last : callable, optional
            Called once all went well, and the view has said so.

        Yields
        ------
        Sitting
            To send, and to wait.

        Raises
        ------
        ConfigError
            `timeout` is no number of seconds; nothing was sent.
        """
        timeout = seconds_of(timeout)
        # no button: the kernel hears of no click while the cell runs
        view = choose_view(self._progress if progress is None else progress)
        sitting = self._new(is_driven=lambda: self._watch is not None and self._watch.alive, timeout=timeout)
        self._calls.add(sitting)
        with sitting.shown(end, at_last):
            sitting.join(view)
            yield sitting

    def watch(self, progress: str | View | None = None) -> tuple[Watch, bool]:
        """Show the job's watch once more, or start one.

        Parameters
        ----------
        progress : str or View, optional
            How progress is shown.

        Returns
        -------
        tuple of Watch and bool
            The watch, and whether it was started by this call.
        """
        progress = self._progress if progress is None else progress
        watch = self._watch
        if watch is not None and watch.sitting.join(choose_view(progress, detach=watch.sitting.leave)):
            return watch, False
        sitting = self._new()
        sitting.join(choose_view(progress, detach=sitting.leave))
        self._watch = Watch(sitting, name=f"nimble-pandas {self.job_id}")
        self._watch.start()
        return self._watch, True

    async def watched(self) -> None:
        """Wait for the job's watch without keeping the event loop busy; to be cancelled is to detach."""
        watch, ours = self.watch()
        ended = asyncio.wrap_future(watch.ended)
        # whoever is cancelled does not look at it
        ended.add_done_callback(lambda future: future.cancelled() or future.exception())
        try:
            while not ended.done():
                # a loop that is idle hears of no Interrupt, where another thread has got the signal
                await asyncio.wait([ended], timeout=_LISTEN_SECONDS)
        except asyncio.CancelledError as exc:
            exc.add_note(how_to_go_on(self.job_id, self._story))
            shorten(exc)
            if ours:
                watch.sitting.leave()
                # its last word is shown in a cell that ends with this
                await asyncio.wait([ended], timeout=_LAST_WORD_SECONDS)
            raise
        ended.result()

    def leave(self) -> None:
        """End all sittings soon; the job goes on at the service."""
        for sitting in list(self._calls):
            sitting.leave()
        if self._watch is not None:
            self._watch.sitting.leave()

    def snapshot(self, message: str | None = None) -> Snapshot:
        """Return how far the job has come.

        Parameters
        ----------
        message : str, optional
            What there is to say.

        Returns
        -------
        Snapshot
            As views are told while it lasts.
        """
        return self._new().snapshot(standing(self._story), message or self.notice)

    def summary(self) -> Snapshot:
        """Return what the job says of itself where nobody waits: how it stands, and what to type.

        Returns
        -------
        Snapshot
            With what went wrong.
        """
        error = self._watch and self._watch.error
        stopped = f"The watch has ended: {type(error).__name__}: {error}" if error else None
        return self._new().last(standing(self._story), stopped)

    def _new(self, *, is_driven: Callable[[], bool] = lambda: False, timeout: float | None = None) -> Sitting:
        sitting = Sitting(
            self._story,
            lock=self.lock,
            examples=self._examples,
            job_id=lambda: self.job_id,
            is_driven=is_driven,
            timeout=timeout,
        )
        sitting.notice = self.notice
        return sitting
