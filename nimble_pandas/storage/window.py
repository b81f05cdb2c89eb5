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

# how often as many as are fetched together are, per thread, before the first of them is taken
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

#: Asked for leave to hold so many bytes; it comes back when there is room.
Admit: TypeAlias = Callable[[int], None]

#: What fetches one thing. It asks for leave before it takes the thing into memory.
Fetch: TypeAlias = Callable[[str, Admit], Found]


class Stopped(BaseException):  # nobody waits for the answer any more: no error
    """The window is closed."""


class Window:
    """A sliding window over a list: as soon as one thing is there, the next is asked for.

    Parameters
    ----------
    fetch : Fetch
        Called in the threads.
    items : sequence of str
        What is fetched.
    n_threads : int
        How many threads.
    n_together : int, default 1
        How many things are fetched and handed over together: of what comes at once many, for each time the
        threads wait for each other.
    """

    def __init__(self, fetch: Fetch, items: Sequence[str], *, n_threads: int, n_together: int = 1) -> None:
        self._fetch = fetch
        self._items = items
        self._n_threads = n_threads
        self._n_together = n_together
        self._todo: SimpleQueue[range | None] = SimpleQueue()
        self._done: SimpleQueue[dict[int, Found]] = SimpleQueue()
        self._n_sent = 0
        self._threads: list[threading.Thread] = []
        self._stopped = False
        # the position whose turn it is, and the bytes held of those that are longer than small ones
        self._turn = 0
        self._held: dict[int, int] = {}
        self._room = threading.Condition()

    def __iter__(self) -> Iterator[Found]:
        """Yield what was fetched, in the order of the list."""
        found: dict[int, Found] = {}
        _open.add(self)
        try:
            self._start()
            for turn in range(len(self._items)):
                self._send(turn)
                while turn not in found:
                    fetched = wait_for_next(self._done)
                    found |= fetched
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

    def _start(self) -> None:
        # whoever comes again and again to a store that hangs leaves no more each time
        n_threads = max(min(self._n_threads, len(self._items)) - _n_left(), 1)
        # daemons, for nobody waits for the answers that are under way when the interpreter ends
        self._threads = [
            threading.Thread(target=self._run, name="nimble-pandas-fetch", daemon=True)
            for _ in range(n_threads)
        ]
        for thread in self._threads:
            thread.start()

    def _send(self, turn: int) -> None:
        """Have more fetched, as far ahead of the one whose turn it is as there may be."""
        n_wanted = turn + len(self._threads) * self._n_together * _AHEAD
        while self._n_sent < min(n_wanted, len(self._items)):
            some = range(self._n_sent, min(self._n_sent + self._n_together, len(self._items)))
            self._todo.put(some)
            self._n_sent = some.stop

    def _run(self) -> None:
        while (some := self._todo.get()) is not None:
            fetched: dict[int, Found] = {}
            for position in some:
                if self._stopped:
                    return
                fetched[position] = self._found(position, fetched)
            self._done.put(fetched)

    def _found(self, position: int, fetched: dict[int, Found]) -> Found:
        def admit(n_bytes: int) -> None:
            if n_bytes > _SMALL_BYTES:
                # whoever makes room may be waiting for what is here
                self._done.put(fetched.copy())
                fetched.clear()
                self._admit(position, n_bytes)

        try:
            return self._fetch(self._items[position], admit)
        except BaseException as exc:  # noqa: BLE001 -- whatever it is, it is raised where it is looked at
            return exc

    def _admit(self, position: int, n_bytes: int) -> None:
        """Wait until there is room for so many bytes; there always is for the one whose turn it is."""
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
