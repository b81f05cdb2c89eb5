"""Python's garbage collector, kept away from what is being built: half of the time of reading JSON."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Iterator

_LOCK = threading.Lock()
_PAUSES: list[bool] = []


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Pause the collector for a block, in all threads; it goes on when the last such block has ended.

    Only what is in cycles waits for it; all else is freed as ever.
    """
    with _LOCK:
        _PAUSES.append(gc.isenabled() if not _PAUSES else _PAUSES[0])
        gc.disable()
    try:
        yield
    finally:
        with _LOCK:
            # the caller may have switched it off, and finds it so
            if _PAUSES.pop() and not _PAUSES:
                gc.enable()
