"""Many things fetched at once, by threads, and given back in order."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from queue import SimpleQueue
from typing import TypeAlias

from nimble_pandas.patience import look_up, wait_for_next
from nimble_pandas.storage.packing import Packed

# beyond these the processor, not the wait, is what limits (measured, 3 KB objects over loopback)
_FEWEST_THREADS = 16
_MOST_THREADS = 256

# what one object costs the processor, waits aside: so many threads as fit into the wait for one
_SECONDS_EACH = 0.0001

# objects per thread that are fetched, or being fetched, before the first of them is taken
_AHEAD = 4

# objects up to so long are not counted …
_SMALL_BYTES = 2**16
# … and of longer ones there are so many bytes in memory at once, fetched and not taken yet
_MOST_BYTES = 32 * 2**20

# at the interpreter's end, calls under way get so long to come back
_LAST_SECONDS = 2.0

_open: set[Window] = set()

# of windows that were left early, threads that may still fetch what nobody waits for
_left: list[threading.Thread] = []

#: What was fetched: bytes, packed ones, or why there are none.
Found: TypeAlias = bytes | Packed | BaseException

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
        n_threads: int | None = None,
        max_threads: int = _MOST_THREADS,
    ) -> None:
        self._fetch = fetch
        self._items = items
        self._first_threads = n_threads or _FEWEST_THREADS
        #: How many threads the next window of the same kind should begin with.
        self.n_threads_wanted = self._first_threads
        self._max_threads = max_threads
        self._todo: SimpleQueue[int | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[int, Found, float]] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stopped = False
        # the position whose turn it is, and the bytes held of those that are longer than small ones
        self._turn = 0
        self._held: dict[int, int] = {}
        self._room = threading.Condition()

    def __iter__(self) -> Iterator[Found]:
        """Yield what was fetched, in the order of the list."""
        found: dict[int, Found] = {}
        n_sent, fastest = 0, float("inf")
        _open.add(self)
        try:
            # whoever comes again and again to a store that hangs leaves no more each time
            self._add_threads(max(self._first_threads - _n_left(), 1))
            for turn in range(len(self._items)):
                n_sent = self._send(n_sent, turn)
                while turn not in found:
                    # asked first, for what is there is to be had without looking up
                    waits = self._done.empty()
                    position, content, seconds = wait_for_next(self._done) if waits else self._done.get()
                    found[position] = content
                    if seconds < fastest:
                        fastest = seconds
                        self.n_threads_wanted = max(_FEWEST_THREADS, int(fastest / _SECONDS_EACH))
                        self._add_threads(self.n_threads_wanted)
                        n_sent = self._send(n_sent, turn)
                yield found.pop(turn)
                self._take(turn)
        except BaseException:
            _left.extend(self._threads)
            raise
        finally:
            self.stop()
            _open.discard(self)

    def stop(self) -> None:
        """Let the threads end: each with what it is fetching now."""
        self._stopped = True
        for _ in self._threads:
            self._todo.put(None)
        with self._room:
            self._room.notify_all()

    def join(self, deadline: float) -> None:
        """Wait for the threads, until `deadline` on the monotonic clock."""
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _add_threads(self, n_wanted: int) -> None:
        n_wanted = min(n_wanted, self._max_threads, len(self._items))
        while len(self._threads) < n_wanted:
            # daemons, for nobody waits for the answers that are under way when the interpreter ends
            thread = threading.Thread(target=self._work, daemon=True, name="nimble-pandas-fetch")
            self._threads.append(thread)
            thread.start()

    def _send(self, n_sent: int, turn: int) -> int:
        n_wanted = min(len(self._items), turn + _AHEAD * len(self._threads))
        for position in range(n_sent, n_wanted):
            self._todo.put(position)
        return max(n_sent, n_wanted)

    def _work(self) -> None:
        while (position := self._todo.get()) is not None and not self._stopped:
            started = time.perf_counter()
            try:
                content: Found = self._fetch(self._items[position], partial(self._admit, position))
            except BaseException as exc:  # noqa: BLE001 -- whatever it is, it is raised where it is looked at
                content = exc
            self._done.put((position, content, time.perf_counter() - started))

    def _admit(self, position: int, n_bytes: int) -> None:
        """Wait until there is room for so many bytes; there always is for the one whose turn it is."""
        if n_bytes <= _SMALL_BYTES:
            return
        with self._room:
            self._room.wait_for(lambda: self._stopped or self._has_room(position, n_bytes))
            if self._stopped:
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


@atexit.register
def _end() -> None:
    deadline = time.monotonic() + _LAST_SECONDS
    windows = list(_open)
    for window in windows:
        window.stop()
    for window in windows:
        window.join(deadline)
