"""`run` and `attach`: from a file to a file."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pandas.api.extensions import no_default

import nimble_pandas
from nimble_pandas.cli.endings import GOES_ON, OK, WRONG, ended, fetching, in_shell
from nimble_pandas.cli.files import Target, read_rows
from nimble_pandas.errors import ConfigError

if TYPE_CHECKING:
    from nimble_pandas.job import Job
    from nimble_pandas.ledger import Ledger
    from nimble_pandas.progress import Snapshot, View

#: The parameters whose options may be repeated.
GRIDS = ("url", "vendor", "country", "state", "city", "zip", "locale")

_COLUMNS = (*(f"{name}_col" for name in (*GRIDS, "parse")),)
_DELIVERY = ("storage_url", "storage_compress", "callback_url")
_SENDING = ("max_requests", "invalid", "max_age", "refresh")

# what a command line may hold; whatever else a store takes may be a secret, which `ps` would show
_STORAGE_OPTIONS = frozenset(
    {"anon", "endpoint_url", "profile", "project", "region_name", "requester_pays", "use_ssl"}
)


def run(chosen: argparse.Namespace) -> int:
    """Fetch a page for every row of a file, and write the frame.

    Parameters
    ----------
    chosen : argparse.Namespace
        The options.

    Returns
    -------
    int
        The exit code.
    """
    target = None if chosen.plan or chosen.no_wait else _target(chosen)
    frame = read_rows(chosen.rows)
    arguments = _arguments(chosen, frame.columns)
    if chosen.plan:
        plan = nimble_pandas.plan(frame, **arguments)
        print(plan)
        return WRONG if plan.n_invalid and chosen.invalid == "raise" else OK
    view = _Quiet(chosen.progress)
    job = nimble_pandas.submit(
        frame,
        **arguments,
        **{name: getattr(chosen, name) for name in _SENDING},
        storage_options=_storage_options(chosen.storage_option),
        progress=view,
        ledger=_ledger(chosen),
    )
    view.last_words = True
    _say(job, job.snapshot().message)
    if target is None:
        print(job.id)
        print(f"Fetch it: {fetching(job.id)}", file=sys.stderr)
        return OK
    return _finish(job, target, chosen)


def attach(chosen: argparse.Namespace) -> int:
    """Take up a job, and write its frame.

    Parameters
    ----------
    chosen : argparse.Namespace
        The options.

    Returns
    -------
    int
        The exit code.
    """
    target = _target(chosen)
    view = _Quiet(chosen.progress)
    job = nimble_pandas.attach(
        chosen.job_id,
        storage_options=_storage_options(chosen.storage_option),
        progress=view,
        ledger=_ledger(chosen),
    )
    if chosen.retry_failed:
        job.retry_failed(unknown=chosen.unknown)
    view.last_words = True
    _say(job, None)
    return _finish(job, target, chosen)


def _finish(job: Job, target: Target, chosen: argparse.Namespace) -> int:
    explode = True if chosen.explode == "all" else chosen.explode or False
    if target.parquet is not None and not (chosen.no_wait or chosen.dtype_backend):
        # in flat memory, and taken down as handed out only once it is written
        job.to_parquet(target.parquet, explode=explode, timeout=chosen.timeout)
    else:
        if chosen.no_wait:
            job.refresh()
        else:
            job.wait(chosen.timeout, progress=_Quiet(chosen.progress, last_words=True))
        _write(job, target, explode, chosen)
    return _told(job, chosen)


def _write(job: Job, target: Target, explode: bool | str, chosen: argparse.Namespace) -> None:
    try:
        # who is stopped while it is written gets it by the same line, and pays nothing
        with job.handed_out(explode=explode, dtype_backend=chosen.dtype_backend or no_default) as frame:
            target.write(frame)
    except BaseException as exc:
        if not isinstance(exc, BrokenPipeError):
            exc.add_note(f"All pages are there: {fetching(job.id, chosen.out)}")
        raise


def _told(job: Job, chosen: argparse.Namespace) -> int:
    """Say what was written, and return the exit code."""
    snapshot = job.snapshot()
    if chosen.out != "-":
        counts = ", ".join(f"{n:,} {status}" for status, n in sorted(snapshot.counts.items()))
        print(f"Wrote {chosen.out}: {snapshot.n_rows:,} rows; {counts or 'no answer yet'}.", file=sys.stderr)
    if not job.done:
        print(in_shell(job.how_to_go_on(), out=chosen.out), file=sys.stderr)
        return GOES_ON
    return ended(snapshot.counts, snapshot.n_tasks - snapshot.n_read)


def _target(chosen: argparse.Namespace) -> Target:
    return Target(chosen.out, layout=chosen.format, force=chosen.force)


def _ledger(chosen: argparse.Namespace) -> Ledger | None:
    return nimble_pandas.Ledger(chosen.ledger) if chosen.ledger else None


def _arguments(chosen: argparse.Namespace, columns: Iterable[object]) -> dict[str, Any]:
    """Return the arguments that `plan` takes too."""
    arguments = {name: getattr(chosen, name) for name in (*_COLUMNS, *_DELIVERY)}
    for name in GRIDS:
        given = getattr(chosen, name)
        # a list makes a column; one value is a default
        arguments[name] = given[0] if given is not None and len(given) == 1 else given
    if chosen.url is None and chosen.url_col is None and "url" in columns:
        arguments["url_col"] = "url"
    return {
        **arguments,
        "parse": chosen.parse,
        "params": {name: _plain(value) for name, value in _pairs("param", chosen.param)},
        "param_cols": dict(_pairs("param-col", chosen.param_col)),
    }


def _storage_options(given: list[str]) -> dict[str, object] | None:
    options = {name: _plain(value) for name, value in _pairs("storage-option", given)}
    for name in options.keys() - _STORAGE_OPTIONS:
        raise ConfigError(
            f"--storage-option {name}=… is refused: what stands here, every user of this machine can see.",
            hint="Nothing was sent. Put it where the store's own tools look, such as AWS_PROFILE; these are "
            f"taken: {', '.join(sorted(_STORAGE_OPTIONS))}.",
        )
    return options or None


def _pairs(option: str, given: list[str]) -> list[tuple[str, str]]:
    for pair in given:
        if "=" not in pair:
            raise ConfigError(f"--{option} takes NAME=VALUE, not {pair!r}.", hint="Nothing was sent.")
    return [(name, value) for name, _, value in (pair.partition("=") for pair in given)]


def _plain(value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _say(job: Job, notice: str | None) -> None:
    snapshot = job.snapshot()
    print(
        f"Job {job.id}: {snapshot.n_rows:,} rows, {snapshot.n_tasks:,} requests.",
        *filter(None, [notice]),
        sep="\n",
        file=sys.stderr,
    )


class _Quiet:
    """Progress on standard error, without the last words: these are the command's own.

    Parameters
    ----------
    progress : str
        ``"auto"``: a bar in a terminal, lines elsewhere; ``"text"`` or ``"none"``.
    last_words : bool, default False
        Whether the end of this is the end of the job's line.
    """

    def __init__(self, progress: str, *, last_words: bool = False) -> None:
        from nimble_pandas.progress import view

        self._view: View = view("none" if progress == "none" else "text")
        self.last_words = last_words

    def show(self, snapshot: Snapshot) -> None:
        """Show a snapshot.

        Parameters
        ----------
        snapshot : Snapshot
            The newest.
        """
        self._view.show(snapshot)

    def close(self, snapshot: Snapshot) -> None:
        """Show the last snapshot.

        Parameters
        ----------
        snapshot : Snapshot
            The last one.
        """
        if self.last_words:
            self._view.close(dataclasses.replace(snapshot, message=None))
