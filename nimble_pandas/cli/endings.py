"""How a command ends: its exit code, and the last words on standard error."""

from __future__ import annotations

import inspect
import re
import signal
import traceback
from collections.abc import Mapping

from nimble_pandas import verbs
from nimble_pandas.errors import (
    ApiError,
    ConfigError,
    InputError,
    JobExpired,
    JobTimeout,
    NimbleError,
    StorageError,
    TransportError,
)

#: Exit codes; scripts rely on them, so that none changes its meaning.
OK, UNEXPECTED, WRONG, INCOMPLETE, SERVICE, GOES_ON, UNKNOWN = range(7)

CODES = {
    OK: "every row has its page",
    UNEXPECTED: "`check` found something missing; or something unexpected, such as a disk that is full",
    WRONG: "wrong arguments, rows or settings; nothing was sent",
    INCOMPLETE: "some rows have no page: the output is written, and its `status` and `error` say why",
    SERVICE: "the service or the store refused, or did not answer; the message says what goes on",
    GOES_ON: "rows are still pending: the job goes on at the service",
    UNKNOWN: "the answer to a submit was lost: some rows may be running and billed, and were not sent again",
    128 + signal.SIGINT: "Ctrl-C; what was sent goes on at the service",
    128 + signal.SIGTERM: "ended by SIGTERM; what was sent goes on at the service",
}

_ENDINGS: Mapping[type[BaseException], int] = {
    InputError: WRONG,
    ConfigError: WRONG,
    JobTimeout: GOES_ON,
    ApiError: SERVICE,
    TransportError: SERVICE,
    JobExpired: SERVICE,
    StorageError: SERVICE,
}


class Terminated(KeyboardInterrupt):
    """SIGTERM: the job is detached just as by Ctrl-C."""


def ending(exc: BaseException) -> int:
    """Return the exit code for what has stopped a command."""
    if isinstance(exc, KeyboardInterrupt):
        return 128 + (signal.SIGTERM if isinstance(exc, Terminated) else signal.SIGINT)
    return next((code for kind, code in _ENDINGS.items() if isinstance(exc, kind)), UNEXPECTED)


def ended(counts: Mapping[str, int], n_open: int) -> int:
    """Return the exit code for a job.

    Parameters
    ----------
    counts : Mapping of str to int
        How many requests ended with each status.
    n_open : int
        How many have no answer yet.

    Returns
    -------
    int
        What a script has to know first: what may cost money comes before what is merely missing.
    """
    if counts.get("unknown"):
        return UNKNOWN
    if n_open:
        return GOES_ON
    return INCOMPLETE if any(n for status, n in counts.items() if status != "ok") else OK


def told(exc: BaseException, *, out: object = None) -> str:
    """Return the last words: what happened, what goes on and is billed, what to type in a shell."""
    if isinstance(exc, NimbleError):
        said = str(exc)
    elif isinstance(exc, KeyboardInterrupt):
        said = "interrupted."
    else:
        said = "".join(traceback.format_exception_only(exc)).partition("\n")[0]
        said += "\n`--verbose` shows where." if not isinstance(exc, OSError) else ""
    notes = getattr(exc, "__notes__", [])
    return "nimble-pandas: " + in_shell("\n".join([said, *notes]), out=out)


def in_shell(message: str, *, out: object = None) -> str:
    """Spell what a message of the library says to type as it is typed in a shell."""
    message = re.sub(
        r'job = nimble_pandas\.attach\("(.+?)"\)(?:; frame = job\.wait\(\)\.frame\(\))?',
        lambda found: fetching(found[1], out),
        message,
    )
    message = re.sub(r"nimble_pandas\.(jobs|rescue)\(\)", r"`nimble-pandas \1`", message)
    names = "|".join(name for name in inspect.signature(verbs.batch).parameters if name != "frame")
    return re.sub(
        rf"""\b({names})=(?:(["'])([\w.]*)\2|([^\s,.;:)]*\w))?""",
        lambda found: " ".join([f"--{found[1].replace('_', '-')}", *filter(None, found.groups()[2:])]),
        message,
    )


def fetching(job_id: str, out: object = None) -> str:
    """Return the command that fetches a job."""
    return f"nimble-pandas attach {job_id} --out {'prices.parquet' if out in {None, '-'} else out}"
