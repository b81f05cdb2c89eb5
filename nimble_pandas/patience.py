"""How long a thread waits for others: now and then it looks up, and may be told to leave."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextvars import ContextVar
from queue import Empty, SimpleQueue
from typing import TypeVar

_Item = TypeVar("_Item")

# Whoever waits looks up so often, on the machine's clock, and not before: so that even he who has no time
# at all gets what is there.
_LOOK_UP_SECONDS = 0.5


class _Patience:
    """When to look up the next time, and what to do then."""

    def __init__(self, look_up: Callable[[], None]) -> None:
        self._look_up = look_up
        self._due_at = time.monotonic() + _LOOK_UP_SECONDS

    def left(self) -> float:
        """Look up if it is time, and return how long it is until the next."""
        now = time.monotonic()
        if now >= self._due_at:
            self._due_at = now + _LOOK_UP_SECONDS
            self._look_up()
        return self._due_at - now


_NOW: ContextVar[_Patience | None] = ContextVar("patience", default=None)


@contextlib.contextmanager
def limited_patience(look_up: Callable[[], None]) -> Iterator[None]:
    """Wait for nothing in a block without looking up; outside of such a block there is no end to patience.

    Parameters
    ----------
    look_up : callable
        Called in the thread that waits; what it raises ends the waiting.
    """
    token = _NOW.set(_Patience(look_up))
    try:
        yield
    finally:
        _NOW.reset(token)


def look_up() -> None:
    """Look up if it is time, where there is always something to do and nothing to wait for."""
    if (patience := _NOW.get()) is not None:
        patience.left()


def seconds_to_wait() -> float:
    """Look up if it is time, and return for how long whoever waits in a way of his own may do so."""
    patience = _NOW.get()
    return _LOOK_UP_SECONDS if patience is None else patience.left()


def wait_for_next(queue: SimpleQueue[_Item]) -> _Item:
    """Take the next thing from a queue as soon as it is there."""
    if (patience := _NOW.get()) is None:
        return queue.get()
    while True:
        with contextlib.suppress(Empty):
            return queue.get(timeout=patience.left())


def wait_until_done(future: Future[_Item]) -> None:
    """Wait for what a loop, or a thread, is doing; whether it goes well is seen afterwards."""
    if not future.done():
        ended: SimpleQueue[Future[_Item]] = SimpleQueue()
        future.add_done_callback(ended.put)
        wait_for_next(ended)


def do_apart(work: Callable[[], _Item]) -> _Item:
    """Do what cannot look up by itself; on a thread, where patience has an end.

    Parameters
    ----------
    work : callable
        What to do.

    Returns
    -------
    object
        What it returns; what it raises is raised.
    """
    if _NOW.get() is None:
        return work()
    future = begin_apart(work)
    wait_until_done(future)
    return future.result()


def begin_apart(work: Callable[[], _Item]) -> Future[_Item]:
    """Have something done on a thread of its own, and return at once.

    Parameters
    ----------
    work : callable
        What to do.

    Returns
    -------
    concurrent.futures.Future
        What it will return, or raise.
    """
    future: Future[_Item] = Future()
    # a daemon: nobody waits for it when the interpreter ends
    threading.Thread(target=_do, args=(work, future), name="nimble-apart", daemon=True).start()
    return future


def _do(work: Callable[[], _Item], future: Future[_Item]) -> None:
    try:
        future.set_result(work())
    except BaseException as exc:  # noqa: BLE001 -- raised again in the thread that waits for it
        future.set_exception(exc)


@contextlib.contextmanager
def hold(lock: threading.RLock) -> Iterator[None]:
    """Hold a lock for the length of a block.

    Parameters
    ----------
    lock : threading.RLock
        That others may hold for long.
    """
    taken = False
    try:
        while not (taken := lock.acquire(timeout=_seconds())):
            pass
        yield
    finally:
        if taken:
            lock.release()


def _seconds() -> float:
    patience = _NOW.get()
    # -1 is without end
    return -1.0 if patience is None else patience.left()
