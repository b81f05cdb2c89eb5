"""How far a job has come, and what can show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """How far a job has come, at one moment.

    Parameters
    ----------
    job_id : str
        The job.
    state : str
        ``"submitting"``, ``"running"``, ``"reading"``, ``"done"``, ``"detached"`` or ``"failed"``.
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
