"""How what we raise looks in IPython: the caller's own line, what happened, what to type."""

from __future__ import annotations

import functools
import linecache
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

_HOUSE = str(Path(__file__).parent)
# what a message says before its hint; a frame of a thousand bad rows is shown where it is asked for
_MAX_LINES = 12
_MAX_CHARS = 100


def brief(exc: BaseException) -> list[str]:
    """Return what IPython shows of an exception, unless it was told to show all: ``%xmode Verbose``.

    Parameters
    ----------
    exc : BaseException
        With its traceback.

    Returns
    -------
    list of str
        The lines of the caller's that led here; then what `str` and the notes say.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    tracer = getattr(shell, "InteractiveTB", None)
    if tracer is not None and tracer.mode == "Verbose":
        return list(tracer.structured_traceback(type(exc), exc, exc.__traceback__))
    name = f"\x1b[31m{type(exc).__name__}\x1b[0m"
    said = _cut(f"{name}: {exc}".splitlines()) if str(exc) else [name]
    return [*_places(exc.__traceback__, shell), *said, *getattr(exc, "__notes__", [])]


def shorten(exc: BaseException) -> None:
    """Let IPython show a foreign exception, such as that of Ctrl-C, as briefly as one of ours.

    Parameters
    ----------
    exc : BaseException
        On its way to the caller.
    """
    exc._render_traceback_ = functools.partial(brief, exc)  # type: ignore[attr-defined]  # IPython's


def _cut(lines: list[str]) -> list[str]:
    n_more = len(lines) - _MAX_LINES
    if n_more <= 1:
        return lines
    # the hint, which is what to type, stands last
    return [*lines[: _MAX_LINES - 2], f"  … {n_more + 1:,} more lines", lines[-1]]


def _places(walked: TracebackType | None, shell: Any) -> list[str]:  # noqa: ANN401 -- IPython has no types
    """Return the caller's lines: the cell's, and the last one before ours where that is another."""
    frames = traceback.extract_tb(walked)
    ours = next((n for n, frame in enumerate(frames) if frame.filename.startswith(_HOUSE)), len(frames))
    callers = [(_cell(frame.filename, shell), frame) for frame in frames[:ours]]
    # what stands before the cell is IPython's
    first = next((n for n, (cell, _) in enumerate(callers) if cell), 0)
    chosen = callers[first:][:1] + callers[first + 1 :][-1:]
    return [
        f"\x1b[32m{cell or frame.filename}, line {frame.lineno}\x1b[0m: {_code(frame)}"
        for cell, frame in chosen
    ]


def _code(frame: traceback.FrameSummary) -> str:
    lines = linecache.getlines(frame.filename)[(frame.lineno or 1) - 1 : frame.end_lineno]
    code = " ".join(line.strip() for line in lines)
    return code if len(code) <= _MAX_CHARS else f"{code[:_MAX_CHARS]}…"


def _cell(filename: str, shell: Any) -> str | None:  # noqa: ANN401 -- as above
    found = getattr(getattr(shell, "compile", None), "format_code_name", lambda _: None)(filename)
    return " ".join(found) if found else None
