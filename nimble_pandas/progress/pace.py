"""How often a view is told, and what happens when it breaks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from nimble_pandas.progress.snapshot import Snapshot, View

_LOGGER = logging.getLogger(__name__)
# more than some ten updates a second meet the notebook server's rate limit: it drops messages, and a bar
# that was told 20,000 times stayed at 17 % for good
_SHORTEST_SECONDS = 0.2
# between two lines of a log, unless the state changes
_LINE_SECONDS, _LATEST_LINE_SECONDS = 5.0, 60.0


class Paced:
    """A view that is told at most five times a second, and cannot break the job.

    The last snapshot is always shown, by `close`. A view that raises is told nothing more, bar the end.

    Parameters
    ----------
    view : View
        The one that shows.
    clock : callable
        Returns seconds that never run backwards.
    """

    def __init__(self, view: View, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.view = view
        self._clock = clock
        self._shown_at = -_SHORTEST_SECONDS
        self._waiting: Snapshot | None = None
        self._broken = self._closed = False

    @property
    def due(self) -> bool:
        """Whether a snapshot would be shown now; one that would not need not be made."""
        silent = self._broken or self._closed
        return not silent and self._clock() - self._shown_at >= _SHORTEST_SECONDS

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot, or keep it until one is due.

        Parameters
        ----------
        snapshot : Snapshot
            The newest.
        """
        self._waiting = snapshot
        if self.due:
            self.flush()

    def flush(self) -> None:
        """Show the snapshot that is kept, if there is one: for a caller about to pause."""
        snapshot, self._waiting = self._waiting, None
        if snapshot is not None and not (self._broken or self._closed):
            self._shown_at = self._clock()
            self._guarded(self.view.show, snapshot)

    def close(self, snapshot: Snapshot) -> None:
        """Show the last snapshot and let the view go, once.

        Parameters
        ----------
        snapshot : Snapshot
            The last one.
        """
        if not self._closed:
            self._closed = True
            self._guarded(self.view.close, snapshot)

    def _guarded(self, tell: Callable[[Snapshot], None], snapshot: Snapshot) -> None:
        try:
            tell(snapshot)
        except Exception:
            # the pages are paid for: whatever a view does, the job goes on
            level = logging.DEBUG if self._broken else logging.WARNING
            self._broken = True
            _LOGGER.log(level, "The progress view broke and is off; the job goes on.", exc_info=True)


def of_note(shown: Snapshot | None, snapshot: Snapshot) -> bool:
    """Return whether a snapshot is worth a line of its own, where lines stay.

    Parameters
    ----------
    shown : Snapshot or None
        The last one that got a line.
    snapshot : Snapshot
        The newest.

    Returns
    -------
    bool
        A new state; a further tenth after some seconds; or no line for a minute.
    """
    if shown is None or shown.state != snapshot.state:
        return True
    seconds = snapshot.elapsed_seconds - shown.elapsed_seconds
    further = int(snapshot.fraction * 10) > int(shown.fraction * 10)
    return seconds >= _LATEST_LINE_SECONDS or (further and seconds >= _LINE_SECONDS)
