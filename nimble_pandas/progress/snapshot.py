"""How far a job has come, and what can show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A page that has come.

    Parameters
    ----------
    label : str
        The index label of its first row.
    url : str
        The page.
    found : str
        The beginning of what was found on it.
    """

    label: str
    url: str
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why some rows have no page, with one of them as an example.

    Parameters
    ----------
    status : str
        The status that they share.
    n_rows : int
        How many they are.
    reason : str
        The example's error; those of the others say the same, up to names and numbers.
    label : str
        The example's index label.
    url : str
        The example's page; empty where none was asked for.
    """

    status: str
    n_rows: int
    reason: str
    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """How far a job has come, at one moment.

    Parameters
    ----------
    job_id : str
        The job.
    state : str
        ``"submitting"``, ``"submitted"``, ``"running"``, ``"reading"``, ``"done"``, ``"detached"`` (nobody
        waits any more, the job goes on) or ``"failed"`` (nothing was sent).
    n_rows : int
        Rows of the frame.
    n_tasks : int
        Unique requests sent; equal rows share one.
    n_ended : int
        Tasks that have ended at the service.
    n_read : int
        Tasks whose answer is in hand.
    counts : Mapping[str, int]
        Rows per status word so far, such as ``{"ok": 380, "failed": 12}``.
    n_batches : int
        Batches of the job.
    n_batches_ended : int
        Batches of which every task has ended.
    elapsed_seconds : float
        Since the job began.
    remaining_seconds : float, optional
        An estimate, where there is one.
    message : str, optional
        A last word: what to type next.
    pages_per_second : float, optional
        How fast pages have come since somebody waits for them.
    n_reused : int, default 0
        Rows whose output was collected by an earlier job.
    hours_left : float, optional
        Until the service forgets the first batch that still owes an answer.
    landed : sequence of Landed, default ()
        The newest pages, three at most, newest last.
    problems : sequence of Problem, default ()
        What went wrong, the most frequent first; only told at the end.
    """

    job_id: str
    state: str
    n_rows: int
    n_tasks: int
    n_ended: int
    n_read: int
    counts: Mapping[str, int]
    n_batches: int
    n_batches_ended: int
    elapsed_seconds: float
    remaining_seconds: float | None = None
    message: str | None = None
    pages_per_second: float | None = None
    n_reused: int = 0
    hours_left: float | None = None
    landed: Sequence[Landed] = ()
    problems: Sequence[Problem] = ()

    @property
    def fraction(self) -> float:
        """Return the share of the tasks whose answer is in hand, from 0 to 1; a done job is at 1."""
        if self.state == "done":
            return 1.0
        return _share(self.n_read, self.n_tasks)

    @property
    def ended_fraction(self) -> float:
        """Return the share of the tasks that have ended at the service; never less than `fraction`."""
        return max(self.fraction, _share(self.n_ended, self.n_tasks))

    @property
    def n_running(self) -> int:
        """Return the tasks that have not ended at the service."""
        return max(self.n_tasks - max(self.n_ended, self.n_read), 0)

    @property
    def is_final(self) -> bool:
        """Whether nobody waits any more."""
        return self.state in {"done", "detached", "failed"}

    @property
    def n_settled(self) -> int:
        """Return the rows that have their status."""
        return sum(n for status, n in self.counts.items() if status != "pending")


@runtime_checkable
class View(Protocol):
    """Anything that can show snapshots, such as an object of the caller's."""

    def show(self, snapshot: Snapshot) -> None:
        """Show how far the job has come.

        Parameters
        ----------
        snapshot : Snapshot
            The newest; those between may have been left out.
        """

    def close(self, snapshot: Snapshot) -> None:
        """Show how the job ended, and let go of everything; a second call does nothing.

        Parameters
        ----------
        snapshot : Snapshot
            The last one.
        """


def _share(part: int, whole: int) -> float:
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0
