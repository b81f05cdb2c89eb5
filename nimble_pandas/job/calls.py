"""Calls on threads of their own, which neither an interrupt nor the end of the process waits for."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar, cast

from nimble_pandas.patience import wait_for_next

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Bell:
    """Rung by calls that are over, for whoever waits for one of them."""

    def __init__(self) -> None:
        # an Event that is interrupted twice while it is waited for is left locked
        self._rung: queue.SimpleQueue[None] = queue.SimpleQueue()

    def ring(self) -> None:
        """Wake whoever waits, now or the next time."""
        self._rung.put(None)

    def wait(self, seconds: float) -> None:
        """Wait until it is rung, for so long at most; rung often, it is heard once."""
        with contextlib.suppress(queue.Empty):
            self._rung.get(timeout=seconds)
            while True:
                self._rung.get_nowait()


class Call:
    """A call that is under way, or over; whoever made it looks at what became of it when he gets to it.

    Parameters
    ----------
    work : callable
        What to do, on the call's thread.
    bell : Bell
        Rung when it is over.
    """

    def __init__(self, work: Callable[[], object], bell: Bell) -> None:
        self._work = work
        self._bell = bell
        self.result: object = None
        self.error: BaseException | None = None
        self.over = False
        self._thread = _thread(self._run)

    @property
    def started(self) -> bool:
        """Whether it has begun."""
        return self._thread.ident is not None

    def start(self) -> None:
        """Begin; nothing happens the second time."""
        if not self.started:
            self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as exc:  # noqa: BLE001 -- raised again by whoever looks
            self.error = exc
        finally:
            self.over = True
            self._bell.ring()


def each(work: Callable[[_Item], _Result], items: Collection[_Item], *, n_at_once: int) -> Iterator[_Result]:
    """Do the same for each of many, some at once.

    Parameters
    ----------
    work : callable
        Given one of them, on a thread.
    items : collection
        All of them.
    n_at_once : int
        How many threads there are.

    Yields
    ------
    object
        What `work` returned, as it comes; what it raised is raised. Who stops early leaves the rest undone.
    """
    waiting = deque(items)
    done: queue.SimpleQueue[tuple[_Result | None, BaseException | None]] = queue.SimpleQueue()

    def work_off() -> None:
        with contextlib.suppress(IndexError):
            while True:
                done.put(_outcome(work, waiting.popleft()))

    try:
        for _ in range(min(n_at_once, len(items))):
            _thread(work_off).start()
        for _ in items:
            result, error = wait_for_next(done)
            if error is not None:
                raise error
            yield cast("_Result", result)
    finally:
        waiting.clear()


def _outcome(work: Callable[[_Item], _Result], item: _Item) -> tuple[_Result | None, BaseException | None]:
    try:
        return work(item), None
    except BaseException as exc:  # noqa: BLE001 -- raised again in the thread that waits for it
        return None, exc


def _thread(run: Callable[[], None]) -> threading.Thread:
    return threading.Thread(target=run, name="nimble-call", daemon=True)
