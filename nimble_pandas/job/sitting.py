"""One sitting with a job: its steps are taken and views are told, until it is done or somebody leaves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterator

from nimble_pandas.errors import AuthError, ConfigError, JobDetached, JobTimeout
from nimble_pandas.job.examples import Examples
from nimble_pandas.job.story import Story
from nimble_pandas.job.words import NEW_KEY, how_to_go_on, may_run, snapshot, standing, what_is_next
from nimble_pandas.patience import hold, limited_patience
from nimble_pandas.progress import Paced, Snapshot
from nimble_pandas.progress.words import line
from nimble_pandas.tracebacks import shorten

_LOGGER = logging.getLogger("nimble_pandas.job")

# the view's time moves even when nothing else does
_VIEW_SECONDS = 0.25
# these say themselves why the waiting ended
_LEAVING = (JobTimeout, JobDetached, KeyboardInterrupt, asyncio.CancelledError)


class Sitting:
    """Takes a job's steps and tells views, in one thread; another may sit with the same job meanwhile.

    Parameters
    ----------
    story : Story
        The steps.
    lock : threading.RLock
        Held while a step is taken: one thread at a time does.
    examples : Examples
        Rows to show.
    job_id : callable
        Returns the job's name, which sending may change.
    is_driven : callable
        Says whether another thread takes the steps.
    timeout : float, optional
        Seconds from now on that it lasts at most; no limit if not given.
    """

    def __init__(
        self,
        story: Story,
        *,
        lock: threading.RLock,
        examples: Examples,
        job_id: Callable[[], str],
        is_driven: Callable[[], bool] = lambda: False,
        timeout: float | None = None,
    ) -> None:
        self._story = story
        self._lock = lock
        self._examples = examples
        self._job_id = job_id
        self._is_driven = is_driven
        self._state = standing(story)
        self._timeout = timeout
        self._deadline = None if timeout is None else story.clock.monotonic() + timeout
        self._left = threading.Event()
        self._began_at: float | None = None
        self._n_before = 0
        self._views: list[Paced] = []
        self._closing = threading.Lock()
        self._closed = False
        self.notice: str | None = None

    def join(self, view: Paced) -> bool:
        """Show the sitting in one more view, opened by the thread that calls.

        Parameters
        ----------
        view : Paced
            To be told from now on.

        Returns
        -------
        bool
            False if the sitting is over.
        """
        with self._closing:
            if not self._closed:
                view.show(self.snapshot(self._state, self.notice))
                self._views.append(view)
            return not self._closed

    def leave(self) -> None:
        """Let the sitting end soon, from any thread; the job goes on at the service."""
        self._left.set()

    @contextlib.contextmanager
    def shown(self, end: str | None = None, at_last: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Tell the views, at the end of a block, how it ended and what to type.

        Parameters
        ----------
        end : str, optional
            The state that a job is left in which is not done at the end.
        at_last : callable, optional
            Called once all went well, and the views have said so.
        """
        try:
            yield
            # in here: who is interrupted now has no frame either, and is told how to get it
            self._close("done" if self._story.done else end or self._state)
            at_last()
        except BaseException as exc:
            try:
                self._part(exc)
            except KeyboardInterrupt:
                # pressed again: it is said all the same
                self._part(exc)
            raise

    def _part(self, exc: BaseException) -> None:
        """Add to an error what goes on, whatever stopped the waiting, and tell the views."""
        self._story.detach()
        if not may_run(self._story):
            self._close("failed", str(exc))
            return
        message = how_to_go_on(self._job_id(), self._story)
        _LOGGER.info("Stopped by %s. %s", type(exc).__name__, message)
        if isinstance(exc, AuthError):
            self._story.forget_client()
            message = f"{message}\n{NEW_KEY}"
        if not isinstance(exc, JobTimeout | JobDetached) and message not in getattr(exc, "__notes__", ()):
            exc.add_note(message)
        if isinstance(exc, KeyboardInterrupt):
            shorten(exc)
        said = "" if isinstance(exc, _LEAVING) else f"{type(exc).__name__}: {exc}\n"
        self._close("detached", said + message)

    def _close(self, state: str, message: str | None = None) -> None:
        last = self.last(state, message)
        with self._closing:
            self._closed = True
            for view in self._views:
                view.close(last)

    def last(self, state: str, message: str | None = None) -> Snapshot:
        """Return what there is to say where nobody waits any more: with what went wrong, and what to type.

        Parameters
        ----------
        state : str
            Where the job stands.
        message : str, optional
            What to say of it; what to type next is added where the state does not say it.

        Returns
        -------
        Snapshot
            Frozen.
        """
        problems = self._examples.problems() if state in {"done", "running"} else ()
        if state not in {"detached", "failed"}:
            next_ = what_is_next(self._job_id(), self._story)
            message = "\n".join(filter(None, (self.notice, message, next_))) or None
        return self.snapshot(state, message, problems=problems)

    def snapshot(self, state: str, message: str | None = None, **more: object) -> Snapshot:
        """Return how far the job has come.

        Parameters
        ----------
        state : str
            Where it stands.
        message : str, optional
            What there is to say.
        **more : object
            Other fields of a snapshot.

        Returns
        -------
        Snapshot
            Frozen.
        """
        return snapshot(
            self._job_id(),
            state,
            self._story,
            message=message,
            pages_per_second=self._pages_per_second(),
            landed=self._examples.landed(),
            **more,  # type: ignore[arg-type]
        )

    def _pages_per_second(self) -> float | None:
        # what was there before is no measure of how fast the rest comes
        if self._began_at is None:
            return None
        n_come = self._story.plan.n_requests - self._story.register.n_open - self._n_before
        seconds = self._story.clock.monotonic() - self._began_at
        return n_come / seconds if n_come > 0 and seconds > 0 else None

    def tell(self) -> None:
        """Tell those views that would show it how far the job has come."""
        due = [view for view in self._views if view.due]
        if due:
            now = self.snapshot(self._state, self.notice)
            for view in due:
                view.show(now)

    def send(self) -> None:
        """Send what is planned, also where the service wants it later.

        Raises
        ------
        ApiError, TransportError, ConfigError
            Nothing of this job was sent.
        """
        self._state = "submitting"
        self._send_planned()
        while (pause := self._story.told_to_wait_seconds) > 0:
            self._story.clock.sleep(min(pause, _VIEW_SECONDS))
            self.tell()
            if self._story.told_to_wait_seconds <= 0:
                self._send_planned()

    def _send_planned(self) -> None:
        with self.turn():
            self._story.send_planned(self.tell)

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Keep other threads from the job for a block, which waits for nothing once the sitting is to end.

        Raises
        ------
        JobTimeout, JobDetached
            The job goes on and is billed.
        """
        with limited_patience(self._raise_if_over), hold(self._lock):
            yield

    def wait(self, *, until: Callable[[], bool] | None = None, read: bool = True) -> None:
        """Take the job's steps until it is done.

        Parameters
        ----------
        until : callable, optional
            Says whether enough has come; until the job is done if not given.
        read : bool, default True
            Whether outputs are read.

        Raises
        ------
        JobTimeout, JobDetached
            The job goes on and is billed.
        ApiError, TransportError
            The service does not answer; the job goes on.
        """
        clock = self._story.clock
        until = until or (lambda: self._story.done)
        if self._began_at is None:
            self._began_at = clock.monotonic()
            self._n_before = self._story.plan.n_requests - self._story.register.n_open
        self._state = "running"
        self.tell()
        while not until():
            self._advance(read=read)
            self.tell()
            if not until():
                self._sleep()
        if self._story.done:
            _LOGGER.info("Job %s: %s", self._job_id(), line(self.snapshot("done")))

    def _advance(self, *, read: bool) -> None:
        if self._is_driven():
            # by a watch: here, there is but to look on
            self._story.clock.sleep(_VIEW_SECONDS)
            return
        with self.turn():
            self._story.advance(read=read)

    def _sleep(self) -> None:
        """Let time pass until something is due, moving the view's time along."""
        clock, wake_at = self._story.clock, self._story.due_at
        until = wake_at if self._deadline is None else min(wake_at, self._deadline)
        while (now := clock.monotonic()) < until:
            self._raise_if_over()
            clock.sleep(min(until - now, _VIEW_SECONDS))
            self.tell()
        self._raise_if_over()

    def _raise_if_over(self) -> None:
        if self._left.is_set():
            raise JobDetached(
                "the waiting was ended; the job goes on.", hint=how_to_go_on(self._job_id(), self._story)
            )
        if self._deadline is not None and self._story.clock.monotonic() >= self._deadline:
            raise JobTimeout(
                f"waited {self._timeout:g} s: {self._story.register.n_open:,} of "
                f"{self._story.plan.n_requests:,} requests have no answer yet.",
                hint=how_to_go_on(self._job_id(), self._story),
            )


def seconds_of(timeout: float | None) -> float | None:
    """Return a timeout that is one.

    Parameters
    ----------
    timeout : float or None
        Seconds; None for no limit.

    Returns
    -------
    float or None
        As given.

    Raises
    ------
    ConfigError
        It is no number of seconds; nothing was sent.
    """
    number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is None or (number and timeout >= 0):
        return timeout
    raise ConfigError(
        f"timeout={timeout!r} is no number of seconds.", hint="Nothing was sent. Give timeout=60."
    )
