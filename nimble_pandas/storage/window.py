"""Many things fetched at once, by threads, and given back in order."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import TypeAlias

from nimble_pandas.patience import look_up, wait_for_next
from nimble_pandas.storage.packing import Found

# beyond these the processor, not the wait, is what limits (measured, 3 KB objects over loopback)
_FEWEST_THREADS = 16
_MOST_THREADS = 256

# what one object costs the processor, waits aside: so many threads as fit into the wait for one
_SECONDS_EACH = 0.0001

# objects per thread that are fetched, or being fetched, before the first of them is taken
_AHEAD = 4
# … and runs of them: what comes fast is fetched and handed over some at a time, for each time those who fetch
# and the one who takes wait for each other
_RUNS_AHEAD = 2
_LONGEST_RUN = 16
_HAND_OVER_SECONDS = 0.003

# objects up to so long are not counted …
_SMALL_BYTES = 2**16
# … and of longer ones there are so many bytes in memory at once, fetched and not taken yet
_MOST_BYTES = 32 * 2**20

# at the interpreter's end, calls under way get so long to come back
_LAST_SECONDS = 2.0

_open: set[Window] = set()

# of windows that were left early, threads that may still fetch what nobody waits for
_left: list[threading.Thread] = []

#: Asked for leave to hold so many bytes; it comes back when there is room.
Admit: TypeAlias = Callable[[int], None]

#: What fetches one thing. It asks for leave before it takes the thing into memory.
Fetch: TypeAlias = Callable[[str, Admit], Found]


class Stopped(BaseException):  # nobody waits for the answer any more: no error
    """The window is closed."""


class Window:
    """A sliding window over a list: as soon as one thing is there, the next is asked for.

    More threads join where what is asked for takes long to answer.

    Parameters
    ----------
    fetch : Fetch
        Called in the threads.
    items : sequence of str
        What is fetched.
    finish : callable, optional
        Given what a thread has fetched, by place, where it is taken over; may change it.
    n_threads : int, optional
        Threads to begin with; 16 if not given.
    max_threads : int, default 256
        Threads in the end.
    """

    def __init__(
        self,
        fetch: Fetch,
        items: Sequence[str],
        *,
        finish: Callable[[dict[int, Found]], None] = lambda _: None,
        n_threads: int | None = None,
        max_threads: int = _MOST_THREADS,
    ) -> None:
        self._fetch = fetch
        self._finish = finish
        self._items = items
        self._first_threads = n_threads or _FEWEST_THREADS
        #: How many threads the next window of the same kind should begin with.
        self.n_threads_wanted = self._first_threads
        self._max_threads = max_threads
        #: Runs of positions to be fetched, and what was, with the seconds that the fastest of it took.
        self.todo: SimpleQueue[range | None] = SimpleQueue()
        self.done: SimpleQueue[tuple[dict[int, Found], float]] = SimpleQueue()
        self._n_sent = 0
        self._fastest_seconds = float("inf")
        self._threads: list[_Thread] = []
        self.stopped = False
        # the position whose turn it is, and the bytes held of those that are longer than small ones
        self._turn = 0
        self._held: dict[int, int] = {}
        self._room = threading.Condition()

    def __iter__(self) -> Iterator[Found]:
        """Yield what was fetched, in the order of the list."""
        found: dict[int, Found] = {}
        _open.add(self)
        try:
            # whoever comes again and again to a store that hangs leaves no more each time
            self._add_threads(max(self._first_threads - _n_left(), 1))
            for turn in range(len(self._items)):
                if turn % _LONGEST_RUN == 0:
                    self._send(turn)
                while turn not in found:
                    self._send(turn)
                    self._take_over(found)
                yield found.pop(turn)
                self._take(turn)
        except BaseException:
            _left.extend(self._threads)
            raise
        finally:
            self.stop()
            _open.discard(self)

    def _take_over(self, found: dict[int, Found]) -> None:
        """Wait for what one of the threads has fetched."""
        fetched, seconds = wait_for_next(self.done)
        self._finish(fetched)
        found |= fetched
        if seconds < self._fastest_seconds:
            self._fastest_seconds = seconds
            self.n_threads_wanted = max(_FEWEST_THREADS, int(seconds / _SECONDS_EACH))
            self._add_threads(self.n_threads_wanted)

    def stop(self) -> None:
        """Let the threads end: each with what it is fetching now."""
        self.stopped = True
        for _ in self._threads:
            self.todo.put(None)
        with self._room:
            self._room.notify_all()

    def join(self, deadline: float) -> None:
        """Wait for the threads, until `deadline` on the monotonic clock."""
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _add_threads(self, n_wanted: int) -> None:
        n_wanted = min(n_wanted, self._max_threads, len(self._items))
        while len(self._threads) < n_wanted:
            thread = _Thread(self, self._fetch, self._items)
            self._threads.append(thread)
            thread.start()

    def _send(self, turn: int) -> None:
        """Have more fetched, as far ahead of the one whose turn it is as there may be."""
        n_run = 1
        while n_run < _LONGEST_RUN and 2 * n_run * self._fastest_seconds <= _HAND_OVER_SECONDS:
            n_run *= 2
        n_wanted = turn + len(self._threads) * max(_AHEAD, _RUNS_AHEAD * n_run)
        while self._n_sent < len(self._items) and self._n_sent + n_run <= n_wanted:
            # the last ones are shared out among all threads
            n_each = -(-(len(self._items) - self._n_sent) // len(self._threads))
            run = range(self._n_sent, self._n_sent + min(n_run, n_each))
            self.todo.put(run)
            self._n_sent = run.stop

    def admit(self, position: int, n_bytes: int) -> None:
        """Wait until there is room for so many bytes; there always is for the one whose turn it is."""
        with self._room:
            self._room.wait_for(lambda: self.stopped or self._has_room(position, n_bytes))
            if self.stopped:
                raise Stopped
            self._held[position] = n_bytes

    def _has_room(self, position: int, n_bytes: int) -> bool:
        # with nothing held, nobody would wake the one who waits
        return position <= self._turn or not self._held or sum(self._held.values()) + n_bytes <= _MOST_BYTES

    def _take(self, position: int) -> None:
        self._turn = position + 1
        if self._held:
            with self._room:
                self._held.pop(position, None)
                self._room.notify_all()
            # long ones take long to read
            look_up()


def _n_left() -> int:
    _left[:] = [thread for thread in _left if thread.is_alive()]
    return len(_left)


class _Thread(threading.Thread):
    """Fetches runs of things, one after the other, and hands over what it has got.

    Parameters
    ----------
    window : Window
        Says what, and takes it.
    fetch : Fetch
        How.
    items : sequence of str
        All that there are.
    """

    def __init__(self, window: Window, fetch: Fetch, items: Sequence[str]) -> None:
        # a daemon, for nobody waits for the answers that are under way when the interpreter ends
        super().__init__(daemon=True, name="nimble-pandas-fetch")
        self._window = window
        self._fetch = fetch
        self._items = items
        self._position = 0
        self._fetched: dict[int, Found] = {}
        self._fastest_seconds = float("inf")

    def run(self) -> None:
        """Fetch until there is nothing more to be fetched."""
        while (run := self._window.todo.get()) is not None:
            handed_over_at = ended_at = time.perf_counter()
            for self._position in run:
                if self._window.stopped:
                    return
                started_at = ended_at
                self._fetched[self._position] = self._found()
                ended_at = time.perf_counter()
                self._fastest_seconds = min(self._fastest_seconds, ended_at - started_at)
                if ended_at - handed_over_at > _HAND_OVER_SECONDS:
                    handed_over_at = ended_at
                    self._hand_over()
            self._hand_over()

    def _found(self) -> Found:
        try:
            return self._fetch(self._items[self._position], self._admit)
        except BaseException as exc:  # noqa: BLE001 -- whatever it is, it is raised where it is looked at
            return exc

    def _admit(self, n_bytes: int) -> None:
        if n_bytes > _SMALL_BYTES:
            # whoever makes room may be waiting for what is here
            self._hand_over()
            self._window.admit(self._position, n_bytes)

    def _hand_over(self) -> None:
        if self._fetched:
            self._window.done.put((self._fetched, self._fastest_seconds))
            self._fetched = {}


@atexit.register
def _end() -> None:
    deadline = time.monotonic() + _LAST_SECONDS
    windows = list(_open)
    for window in windows:
        window.stop()
    for window in windows:
        window.join(deadline)
