"""A snapshot as HTML that needs no kernel, no script and no style sheet.

JupyterLab strips classes' rules and scripts from what it does not trust, and code-hosting sites strip inline
styles as well: the text alone says everything, and tables are tables. Text takes the page's own colour and
greys are see-through, so that a light and a dark page both work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from nimble_pandas.progress import words
from nimble_pandas.progress.snapshot import Snapshot

# of middling lightness, to stand out from white and from near-black
_COLOURS = {
    "ok": "#2f9e5f",
    "empty": "#d99a1c",
    "failed": "#d9534f",
    "not_delivered": "#e07b39",
    "unreadable": "#c2578f",
    "mismatch": "#9461c9",
    "expired": "#a1785c",
    "unknown": "#7c8ea3",
    "invalid": "#5b8bb0",
    "pending": "rgba(128,128,128,0.45)",
}
_OTHER_COLOUR = "#7c8ea3"
# letters are thinner than bars: their amber is darker
_GOING_ON, _GOOD, _MIXED, _LEFT, _BAD = "#4a90d9", "#2f9e5f", "#b8770f", "#8a63d2", "#d9534f"
_FAINT = "rgba(128,128,128,0.25)"
_SMALL = "font-size: 12px"


def card(snapshot: Snapshot, hint: str = "") -> str:
    """Return the whole card.

    Parameters
    ----------
    snapshot : Snapshot
        The job.
    hint : str, default ""
        What can be done while it lasts.

    Returns
    -------
    str
        HTML; every text in it is escaped.
    """
    colour, _ = _outcome(snapshot)
    return (
        '<div class="nimble-progress" style="max-width: 760px; padding: 2px 0px 2px 12px; '
        f'border-left: 4px solid {colour}; font-size: 13px; line-height: 1.5">'
        f"{_heading(snapshot)}{_bar(snapshot)}{_legend(snapshot)}{_footnote(snapshot)}{_warning(snapshot)}"
        f"{_problems(snapshot)}{_preview(snapshot)}{_message(snapshot)}{_hint(snapshot, hint)}</div>"
    )


def table(caption: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a small table; every text in it is escaped.

    Parameters
    ----------
    caption : str
        What stands above it.
    names : sequence of str
        The headings of its columns.
    rows : iterable of sequence of str
        Its cells.

    Returns
    -------
    str
        HTML.
    """
    cell = f"text-align: left; vertical-align: top; padding: 2px 14px 2px 0px; {_SMALL}"
    head = "".join(f'<th style="{cell}">{escape(name)}</th>' for name in names)
    body = "".join(f"<tr>{_cells(row, cell)}</tr>" for row in rows)
    return (
        f'<div style="margin-top: 6px; {_SMALL}"><b>{escape(caption)}</b></div>'
        f'<table style="margin: 2px 0px; border-collapse: collapse"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _cells(row: Sequence[str], style: str) -> str:
    return "".join(f'<td style="{style}; overflow-wrap: anywhere">{escape(each)}</td>' for each in row)


def _heading(snapshot: Snapshot) -> str:
    colour, mark = _outcome(snapshot)
    return (
        '<div style="display: flex; justify-content: space-between">'
        f'<div class="nimble-label"><b style="color: {colour}">{mark}{escape(words.title(snapshot))}</b> '
        f"&nbsp;{escape(words.pages(snapshot))}</div>"
        f"<div><b>{words.percent(snapshot)}</b></div></div>"
    )


def _outcome(snapshot: Snapshot) -> tuple[str, str]:
    """Return the colour of how it stands, and a mark for those who see no colours."""
    if snapshot.state == "failed":
        return _BAD, "✗ "
    if snapshot.state == "detached":
        return _LEFT, "⏏ "
    if snapshot.state == "done":
        return (_GOOD, "✓ ") if set(dict(words.counts(snapshot))) <= {"ok"} else (_MIXED, "! ")
    return _GOING_ON, ""


def _bar(snapshot: Snapshot) -> str:
    waiting = snapshot.ended_fraction - snapshot.fraction
    return (
        '<div class="nimble-track" style="display: flex; height: 10px; margin: 4px 0px; overflow: hidden; '
        f'border-radius: 5px; background-color: {_FAINT}">'
        f'<div class="nimble-fill" style="display: flex; height: 10px; width: {_share(snapshot.fraction)}">'
        f"{_segments(snapshot)}</div>"
        # ended at the service, not read yet
        f'<div style="height: 10px; width: {_share(waiting)}; background-color: {_GOING_ON}; opacity: 0.45">'
        "</div></div>"
    )


def _segments(snapshot: Snapshot) -> str:
    settled = [(status, n) for status, n in words.counts(snapshot) if status != "pending"]
    if not settled:
        return _segment(_GOING_ON, 1.0)
    n_settled = sum(n for _, n in settled)
    return "".join(_segment(_colour(status), n / n_settled) for status, n in settled)


def _segment(colour: str, share: float) -> str:
    return f'<div style="height: 10px; width: {_share(share)}; background-color: {colour}"></div>'


def _legend(snapshot: Snapshot) -> str:
    spans = [
        f'<span style="margin-right: 14px"><span style="color: {_colour(status)}">●</span> '
        f"{n:,} {escape(status)}</span> "
        for status, n in words.counts(snapshot)
    ]
    others = filter(None, (words.running(snapshot), words.reused(snapshot)))
    spans += [f'<span style="margin-right: 14px; opacity: 0.7">{other}</span> ' for other in others]
    return f'<div class="nimble-counts">{"".join(spans)}</div>'


def _footnote(snapshot: Snapshot) -> str:
    # the name of the job as it is typed: whoever finds this card without a kernel needs it
    name = f'nimble_pandas.attach("{snapshot.job_id}")'
    parts = [words.batches(snapshot), words.times(snapshot), words.rate(snapshot), name]
    text = " · ".join(escape(part) for part in parts if part)
    return f'<div style="opacity: 0.75; {_SMALL}">{text}</div>'


def _warning(snapshot: Snapshot) -> str:
    soon = words.expiry(snapshot)
    return f'<div><b style="color: {_MIXED}">⚠ {escape(soon)}</b></div>' if soon else ""


def _problems(snapshot: Snapshot) -> str:
    if not snapshot.problems:
        return ""
    rows = [
        (each.status, f"{each.n_rows:,}", each.reason, each.label, each.url) for each in snapshot.problems
    ]
    return table("What went wrong", ("status", "rows", "why", "such as row", "its page"), rows)


def _preview(snapshot: Snapshot) -> str:
    if snapshot.state == "done" or not snapshot.landed:
        return ""
    rows = [(each.label, each.url, each.found) for each in reversed(snapshot.landed)]
    return table("Newest pages", ("row", "page", "found"), rows)


def _message(snapshot: Snapshot) -> str:
    if not snapshot.message:
        return ""
    lines = "<br>".join(escape(snapshot.message).splitlines())
    return (
        f'<div style="margin-top: 6px; padding: 4px 10px; background-color: rgba(128,128,128,0.12); '
        f'overflow-wrap: anywhere">{lines}</div>'
    )


def _hint(snapshot: Snapshot, hint: str) -> str:
    if not hint or snapshot.is_final or snapshot.state == "submitted":
        return ""
    return f'<div style="margin-top: 4px; opacity: 0.75; {_SMALL}">{escape(hint)}</div>'


def _colour(status: str) -> str:
    return _COLOURS.get(status, _OTHER_COLOUR)


def _share(fraction: float) -> str:
    return f"{fraction * 100:.4g}%"
