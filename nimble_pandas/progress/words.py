"""A snapshot in words; every view says the same."""

from __future__ import annotations

import math

from nimble_pandas.progress.snapshot import Problem, Snapshot

_TITLES = {
    "submitting": "Submitting",
    "submitted": "Submitted",
    "running": "Running",
    "reading": "Reading outputs",
    "done": "Done",
    "detached": "Detached",
    "failed": "Failed",
}
# what went well first; a word that is not here follows these
_STATUS_ORDER = (
    "ok",
    "empty",
    "failed",
    "not_delivered",
    "unreadable",
    "mismatch",
    "expired",
    "unknown",
    "invalid",
)
_MINUTE, _HOUR = 60, 3600
# what rounds to no second says nothing
_SHORTEST_SECONDS = 0.5
# how close to being forgotten a job says so
_WARN_HOURS = 4.0


def title(snapshot: Snapshot) -> str:
    """Return the state as a heading.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    str
        Such as ``"Running"``.
    """
    return _TITLES.get(snapshot.state, snapshot.state.capitalize())


def pages(snapshot: Snapshot) -> str:
    """Return how many pages are in hand, and for how many rows where that is another number.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    str
        Such as ``"412 of 600 pages"`` or ``"412 of 600 pages for 640 rows"``.
    """
    # equal rows share a page, so the counts of rows would not add up to the pages
    rows = "" if snapshot.n_rows == snapshot.n_tasks else f" for {snapshot.n_rows:,} rows"
    return f"{snapshot.n_read:,} of {snapshot.n_tasks:,} pages{rows}"


def percent(snapshot: Snapshot) -> str:
    """Return the share in hand, rounded down, so that 100 % is said of nothing unfinished.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    str
        Such as ``"68%"``.
    """
    return f"{math.floor(snapshot.fraction * 100)}%"


def counts(snapshot: Snapshot) -> list[tuple[str, int]]:
    """Return the statuses that rows have, in an order that does not change from one to the next.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    list of (str, int)
        Status word and number of rows; those still open, if any, last, as ``"pending"``.
    """
    settled = [(status, n) for status, n in snapshot.counts.items() if n > 0 and status != "pending"]
    n_pending = snapshot.n_rows - snapshot.n_settled
    pending = [("pending", n_pending)] if n_pending > 0 else []
    return sorted(settled, key=_place) + pending


def batches(snapshot: Snapshot) -> str:
    """Return how many batches have ended.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    str
        Such as ``"1 of 2 batches"``.
    """
    return f"{snapshot.n_batches_ended:,} of {snapshot.n_batches:,} batch{'es' * (snapshot.n_batches != 1)}"


def rate(snapshot: Snapshot) -> str | None:
    """Return how fast pages have come.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    str or None
        Such as ``"5.1 pages/s"``; nothing before the first page.
    """
    per_second = snapshot.pages_per_second
    if per_second is None or not 0 < per_second < math.inf:
        return None
    if per_second < 1:
        return f"{per_second * _MINUTE:.1f} pages/min"
    return f"{per_second:,.1f} pages/s" if per_second < 10 else f"{per_second:,.0f} pages/s"  # noqa: PLR2004


def running(snapshot: Snapshot) -> str | None:
    """Return how many pages the service has not fetched yet.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    str or None
        Such as ``"150 running"``; nothing once all have ended, or nobody looks any more.
    """
    going_on = snapshot.n_running and not snapshot.is_final and snapshot.state != "submitting"
    return f"{snapshot.n_running:,} running" if going_on else None


def reused(snapshot: Snapshot) -> str | None:
    """Return how many rows have an output of an earlier job.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    str or None
        Such as ``"20 reused"``; nothing where all is fresh.
    """
    return f"{snapshot.n_reused:,} reused" if snapshot.n_reused > 0 else None


def expiry(snapshot: Snapshot) -> str | None:
    """Return when the service forgets the job, where that is soon.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    str or None
        Such as ``"the service forgets it in 2.3 hours"``; nothing with four hours left, or a job done.
    """
    hours = snapshot.hours_left
    if hours is None or hours >= _WARN_HOURS or snapshot.state == "done":
        return None
    return (
        f"the service forgets it in {hours:.1f} hours" if hours > 0 else "the service may have forgotten it"
    )


def times(snapshot: Snapshot) -> str:
    """Return the time gone by and, while the job goes on, the time left.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    str
        Such as ``"1 min 20 s, about 40 s left"``; empty in the first moment.
    """
    if not snapshot.elapsed_seconds >= _SHORTEST_SECONDS:
        return ""
    gone, left = duration(snapshot.elapsed_seconds), snapshot.remaining_seconds
    if left is None or not math.isfinite(left) or snapshot.is_final:
        return gone
    return f"{gone}, about {duration(left)} left"


def duration(seconds: float) -> str:
    """Return a length of time in the two largest units that it has.

    Parameters
    ----------
    seconds : float
        The length.

    Returns
    -------
    str
        Such as ``"45 s"``, ``"1 min 20 s"`` or ``"2 h 05 min"``.
    """
    whole = round(max(seconds, 0.0))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"


def line(snapshot: Snapshot) -> str:
    """Return all of it in one line.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    str
        Without the message, which may have lines of its own.
    """
    rows = ", ".join(f"{n:,} {status}" for status, n in counts(snapshot))
    parts = [
        pages(snapshot),
        rows,
        running(snapshot),
        reused(snapshot),
        batches(snapshot),
        rate(snapshot),
        times(snapshot),
        expiry(snapshot),
    ]
    return f"{title(snapshot)}: {'; '.join(part for part in parts if part)}"


def problem(each: Problem) -> str:
    """Return one kind of trouble in a line, with its example.

    Parameters
    ----------
    each : Problem
        What went wrong.

    Returns
    -------
    str
        Such as ``"12 failed: the site answered 503 (such as row 17, https://…)"``.
    """
    example = ", ".join(part for part in (f"row {each.label}", each.url) if part)
    return f"{each.n_rows:,} {each.status}: {each.reason} (such as {example})"


def text(snapshot: Snapshot) -> str:
    """Return all of it: the line, what went wrong, the message.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    str
        One line, one for each kind of trouble, and those of the message.
    """
    troubles = [f"  {problem(each)}" for each in snapshot.problems]
    return "\n".join(part for part in (line(snapshot), *troubles, snapshot.message) if part)


def _place(count: tuple[str, int]) -> tuple[int, str]:
    status = count[0]
    known = status in _STATUS_ORDER
    return (_STATUS_ORDER.index(status) if known else len(_STATUS_ORDER)), status
