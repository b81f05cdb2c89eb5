"""Progress as text: a bar in a terminal, lines elsewhere, lines in a log, nothing."""

from __future__ import annotations

import logging
import os
from typing import TextIO

from nimble_pandas.progress import words
from nimble_pandas.progress.pace import of_note
from nimble_pandas.progress.snapshot import Snapshot

_LOGGER = logging.getLogger("nimble_pandas.progress")
_SHORTEST_BAR, _LONGEST_BAR = 12, 40
_COLUMNS = 80


class Bar:
    """One line of a terminal, written over until the job ends.

    Parameters
    ----------
    stream : TextIO
        A terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._glyphs = "━─" if _can_write(stream, "━─") else "#-"

    def show(self, snapshot: Snapshot) -> None:
        """Write the line over the one before.

        Parameters
        ----------
        snapshot : Snapshot
            The newest.
        """
        # asked each time, for windows are resized; the last column stays free, or the terminal wraps
        width = _width(self._stream) - 1
        self._stream.write(f"\r{fit(snapshot, width, self._glyphs)}\x1b[K")
        self._stream.flush()

    def close(self, snapshot: Snapshot) -> None:
        """Write the last line, what went wrong and the message, and leave the cursor below them.

        Parameters
        ----------
        snapshot : Snapshot
            The last one.
        """
        self.show(snapshot)
        # all but the line, which stands above
        _, *below = words.text(snapshot).split("\n")
        self._stream.write("\n".join(["", *below, ""]))
        self._stream.flush()


class Lines:
    """A line for each change of note, in a file or a pipe.

    Parameters
    ----------
    stream : TextIO
        Where the lines go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Write a line if the snapshot is of note.

        Parameters
        ----------
        snapshot : Snapshot
            The newest.
        """
        if of_note(self._shown, snapshot):
            self._shown = snapshot
            self._stream.write(words.line(snapshot) + "\n")
            self._stream.flush()

    def close(self, snapshot: Snapshot) -> None:
        """Write the last line and the message.

        Parameters
        ----------
        snapshot : Snapshot
            The last one.
        """
        self._stream.write(words.text(snapshot) + "\n")
        self._stream.flush()


class Log:
    """A record for each change of note, through `logging`; a job that ends early ends with a warning."""

    def __init__(self) -> None:
        self._shown: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Log a record if the snapshot is of note.

        Parameters
        ----------
        snapshot : Snapshot
            The newest.
        """
        if of_note(self._shown, snapshot):
            self._shown = snapshot
            _LOGGER.info("%s", words.line(snapshot))

    def close(self, snapshot: Snapshot) -> None:
        """Log the last record.

        Parameters
        ----------
        snapshot : Snapshot
            The last one.
        """
        early = snapshot.state in {"detached", "failed"}
        _LOGGER.log(logging.WARNING if early else logging.INFO, "%s", words.text(snapshot))


class Silence:
    """Shows nothing."""

    def show(self, snapshot: Snapshot) -> None:
        """Do nothing.

        Parameters
        ----------
        snapshot : Snapshot
            Not looked at.
        """

    def close(self, snapshot: Snapshot) -> None:
        """Do nothing.

        Parameters
        ----------
        snapshot : Snapshot
            Not looked at.
        """


def fit(snapshot: Snapshot, width: int, glyphs: str = "━─") -> str:
    """Return a bar and as many words about the job as fit beside it.

    Parameters
    ----------
    snapshot : Snapshot
        The job.
    width : int
        Columns to fill at most.
    glyphs : str, default "━─"
        What the bar is drawn with: what is in hand, what is not.

    Returns
    -------
    str
        Such as ``"Running ━━━━━━───  68%  412/600 pages  1 min 20 s"``.
    """
    head, tail = words.title(snapshot), words.percent(snapshot)
    for part in _by_importance(snapshot):
        if len(head) + len(tail) + len(part) + _SHORTEST_BAR + 4 <= width:
            tail += f"  {part}"
    n_columns = min(width - len(head) - len(tail) - 2, _LONGEST_BAR)
    if n_columns < 1:
        return f"{tail} {head}"[: max(width, 0)]
    n_filled = int(n_columns * snapshot.fraction)
    return f"{head} {glyphs[0] * n_filled}{glyphs[1] * (n_columns - n_filled)} {tail}"


def _by_importance(snapshot: Snapshot) -> list[str]:
    # the open rows are what the bar lacks
    rows = ", ".join(f"{n:,} {status}" for status, n in words.counts(snapshot) if status != "pending")
    pages = f"{snapshot.n_read:,}/{snapshot.n_tasks:,} pages"
    gone, *left = words.times(snapshot).split(", ")
    parts = [
        pages,
        gone,
        rows,
        words.expiry(snapshot),
        *left,
        words.reused(snapshot),
        words.rate(snapshot),
        words.batches(snapshot),
    ]
    return [part for part in parts if part]


def _width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or _COLUMNS
    except (OSError, ValueError):
        return _COLUMNS


def _can_write(stream: TextIO, glyphs: str) -> bool:
    try:
        glyphs.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
