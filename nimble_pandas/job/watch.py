"""A thread that sits with a job, so that the kernel is free meanwhile."""

from __future__ import annotations

import atexit
import contextvars
import logging
import threading
import time
import weakref
from concurrent.futures import Future

from nimble_pandas.errors import JobDetached
from nimble_pandas.job.sitting import Sitting

_LOGGER = logging.getLogger(__name__)
# how long a process that ends waits for its watches' last words
_LAST_WORDS_SECONDS = 2.0


class Watch:
    """A thread that waits for a job, in the notebook cell that started it.

    Parameters
    ----------
    sitting : Sitting
        Joined by its first view.
    name : str
        The thread's.

    Attributes
    ----------
    ended : Future
        Done when the watch is, once its views have had their last word; holds what ended it early.
    """

    def __init__(self, sitting: Sitting, name: str) -> None:
        self.sitting = sitting
        self.ended: Future[None] = Future()
        # what is displayed goes to the cell whose context this is
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._run,), name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        _ALIVE.add(self)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it goes on."""
        return not self.ended.done()

    @property
    def error(self) -> BaseException | None:
        """What ended it early, unless somebody wanted it to."""
        error = None if self.alive else self.ended.exception()
        return None if isinstance(error, JobDetached) else error

    def _run(self) -> None:
        self.ended.set_running_or_notify_cancel()
        try:
            with self.sitting.shown():
                self.sitting.wait()
        except BaseException as exc:
            _LOGGER.debug("The watch of a job ended early.", exc_info=True)
            self.ended.set_exception(exc)
        else:
            self.ended.set_result(None)

    def join(self, seconds: float) -> None:
        """Wait for its end.

        Parameters
        ----------
        seconds : float
            So long at most.
        """
        if self._thread.is_alive():
            self._thread.join(max(seconds, 0.0))


_ALIVE: weakref.WeakSet[Watch] = weakref.WeakSet()


@atexit.register
def _leave_all() -> None:
    """End all watches with their process: their last words tell how to take the jobs up again."""
    watches = [watch for watch in _ALIVE if watch.alive]
    for watch in watches:
        watch.sitting.leave()
    until = time.monotonic() + _LAST_WORDS_SECONDS
    for watch in watches:
        watch.join(until - time.monotonic())
