"""What was found, a line for each thing that was tried."""

from __future__ import annotations

import html
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "missing", "cannot be seen"]

_WIDTH = 80
_MARGIN = 30
_COLOURS: Mapping[Status, str] = {"ok": "#2f9e5f", "missing": "#d9534f", "cannot be seen": "#b8770f"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a job needs.

    Parameters
    ----------
    name : str
        What it is.
    status : {"ok", "missing", "cannot be seen"}
        How it stands.
    found : str
        What was found.
    remedy : str, default ""
        What to do about it.
    paste : str, default ""
        A policy or command that does it.
    """

    name: str
    status: Status
    found: str
    remedy: str = ""
    paste: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """What `check` found.

    Parameters
    ----------
    lines : tuple of Line
        One for each thing that was tried.
    """

    lines: tuple[Line, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is known to be missing; what cannot be seen does not count."""
        return all(line.status != "missing" for line in self.lines)

    def __repr__(self) -> str:
        return "\n".join([self._title(), "", *map(_as_text, self.lines), *map(_to_paste, self._pastes())])

    def _repr_html_(self) -> str:
        rows = "".join(map(_as_html, self.lines))
        pastes = "".join(f"<pre>{html.escape(_to_paste(line).strip())}</pre>" for line in self._pastes())
        return f"<b>{html.escape(self._title())}</b><table>{rows}</table>{pastes}"

    def _title(self) -> str:
        counts = Counter(line.status for line in self.lines)
        told = [f"{counts[status]} {status}" for status in _COLOURS if counts[status]]
        return f"Check: {', '.join(told)} (nothing was submitted or billed)"

    def _pastes(self) -> Iterator[Line]:
        return (line for line in self.lines if line.paste)


def _as_text(line: Line) -> str:
    margin = " " * _MARGIN
    wrap = textwrap.TextWrapper(
        _WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent=margin
    )
    wrap.initial_indent = f"  {line.status:<16}{line.name}".ljust(_MARGIN)
    found = wrap.fill(line.found)
    wrap.initial_indent, wrap.subsequent_indent = f"{margin}> ", f"{margin}  "
    return f"{found}\n{wrap.fill(line.remedy)}" if line.remedy else found


def _as_html(line: Line) -> str:
    remedy = f"<br><i>{html.escape(line.remedy)}</i>" if line.remedy else ""
    left, short = "text-align:left; vertical-align:top", "white-space:nowrap"
    return (
        f"<tr><td style='{left}; {short}'><b style='color:{_COLOURS[line.status]}'>{line.status}</b></td>"
        f"<td style='{left}; {short}'>{html.escape(line.name)}</td>"
        f"<td style='{left}'>{html.escape(line.found)}{remedy}</td></tr>"
    )


def _to_paste(line: Line) -> str:
    return f"\nTo paste ({line.name}):\n{line.paste}"
