"""Which view shows the progress here."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TextIO

from nimble_pandas.errors import ConfigError
from nimble_pandas.progress.notebook import BUSY_HINT, FREE_HINT, Html, Widget
from nimble_pandas.progress.pace import Paced
from nimble_pandas.progress.snapshot import View
from nimble_pandas.progress.text import Bar, Lines, Log, Silence

_CHOICES = ("auto", "widget", "text", "log", "none")


def view(
    progress: str | View = "auto",
    *,
    detach: Callable[[], object] | None = None,
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Paced:
    """Return a view for a job that starts now.

    Parameters
    ----------
    progress : str or View, default "auto"
        ``"auto"``: HTML in a notebook, with a button that detaches where there are widgets; a bar in a
        terminal; log lines otherwise. ``"widget"``, ``"text"``, ``"log"`` and ``"none"`` name one; or a view
        of the caller's, an object with ``show(snapshot)`` and ``close(snapshot)``.
    detach : callable, optional
        What a button would call. None where the kernel is too busy with the cell to hear of a click: there
        is no button then.
    stream : TextIO, optional
        Where text goes; standard error if not given.
    clock : callable, optional
        Returns seconds that never run backwards.

    Returns
    -------
    Paced
        A view that tells the chosen one at most five times a second, and that cannot break the job.

    Raises
    ------
    ConfigError
        There is no such view, or not here.

    Examples
    --------
    >>> from nimble_pandas.progress import Snapshot, view
    >>> bar = view("none")
    >>> bar.close(Snapshot(job_id="j", state="done", n_rows=1, n_tasks=1, n_ended=1, n_read=1,
    ...                    counts={"ok": 1}, n_batches=1, n_batches_ended=1, elapsed_seconds=2.0))
    """
    stream = sys.stderr if stream is None else stream
    chosen = _named(progress, stream, detach) if isinstance(progress, str) else _callers(progress)
    return Paced(chosen, clock=clock)


def _named(name: str, stream: TextIO | None, detach: Callable[[], object] | None) -> View:
    if name == "none":
        return Silence()
    if name == "log":
        return Log()
    if name == "text":
        return _text(stream)
    if name == "widget":
        return _widget(detach)
    if name == "auto":
        return _fitting(stream, detach)
    raise ConfigError(f"There is no progress view {name!r}.", hint=_hint())


def _callers(progress: object) -> View:
    # a class has the methods, too, but nothing to call them on
    if isinstance(progress, View) and not isinstance(progress, type):
        return progress
    raise ConfigError(f"progress={progress!r} is no view.", hint=_hint())


def _hint() -> str:
    return (
        f"progress= is one of {', '.join(map(repr, _CHOICES))}, or an object with the methods "
        "show(snapshot) and close(snapshot)."
    )


def _fitting(stream: TextIO | None, detach: Callable[[], object] | None) -> View:
    if _in_notebook():
        return _card(detach)
    return _text(stream) if _is_terminal(stream) else Log()


def _text(stream: TextIO | None) -> View:
    if stream is None:
        return Silence()
    return Bar(stream) if _is_terminal(stream) else Lines(stream)


def _widget(detach: Callable[[], object] | None) -> View:
    if not _in_notebook():
        raise ConfigError('progress="widget" needs a notebook.', hint='progress="auto" works everywhere.')
    if not _has_widgets():
        raise ConfigError('progress="widget" needs ipywidgets.', hint="pip install ipywidgets")
    return _card(detach)


def _card(detach: Callable[[], object] | None) -> View:
    if detach is None:
        return Html(BUSY_HINT)
    return Widget(detach) if _has_widgets() else Html(FREE_HINT)


def _in_notebook() -> bool:
    # IPython is never imported to ask; and Spyder has a kernel, but shows neither widgets nor updates
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None and not any(
        name.startswith("SPYDER") for name in os.environ
    )


def _has_widgets() -> bool:
    try:
        import ipywidgets  # noqa: F401 -- the question is whether this works
    except ImportError:
        return False
    return True


def _is_terminal(stream: TextIO | None) -> bool:
    isatty = getattr(stream, "isatty", None)
    return (
        isatty is not None
        and not getattr(stream, "closed", False)
        and isatty()
        and os.environ.get("TERM") != "dumb"
    )
