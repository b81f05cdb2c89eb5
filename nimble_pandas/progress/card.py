"""A snapshot as HTML that needs no kernel, no script and no style sheet.

JupyterLab strips classes' rules and scripts from what it does not trust, and code-hosting sites strip inline
styles as well: the text alone says everything. Text takes the page's own colour and greys are see-through,
so that a light and a dark page both work.
"""

from __future__ import annotations

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
_GOING_ON, _GOOD, _MIXED, _BAD = "#4a90d9", "#2f9e5f", "#b8770f", "#d9534f"
_FAINT = "rgba(128,128,128,0.25)"


def card(snapshot: Snapshot) -> str:
    """Return the whole card.

    Parameters
    ----------
    snapshot : Snapshot
        The job.

    Returns
    -------
    str
        HTML; every text in it is escaped.
    """
    return (
        '<div class="nimble-progress" style="max-width: 720px; padding: 4px 0px; font-size: 13px; '
        f'line-height: 1.5">{_heading(snapshot)}{_bar(snapshot)}{_legend(snapshot)}{_footnote(snapshot)}'
        f"{_message(snapshot)}</div>"
    )


def _heading(snapshot: Snapshot) -> str:
    colour = _title_colour(snapshot)
    return (
        '<div style="display: flex; justify-content: space-between">'
        f'<div class="nimble-label"><b style="color: {colour}">{escape(words.title(snapshot))}</b> '
        f"&nbsp;{escape(words.pages(snapshot))}</div>"
        f"<div><b>{words.percent(snapshot)}</b></div></div>"
    )


def _title_colour(snapshot: Snapshot) -> str:
    if snapshot.state == "failed":
        return _BAD
    if snapshot.state == "detached":
        return _MIXED
    if snapshot.state == "done":
        return _GOOD if set(dict(words.counts(snapshot))) <= {"ok"} else _MIXED
    return _GOING_ON


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
    spans = (
        f'<span style="margin-right: 14px"><span style="color: {_colour(status)}">●</span> '
        f"{n:,} {escape(status)}</span> "
        for status, n in words.counts(snapshot)
    )
    return f'<div class="nimble-counts">{"".join(spans)}</div>'


def _footnote(snapshot: Snapshot) -> str:
    parts = [words.batches(snapshot), words.times(snapshot), words.rate(snapshot), f"job {snapshot.job_id}"]
    text = " · ".join(escape(part) for part in parts if part)
    return f'<div style="opacity: 0.7; font-size: 12px">{text}</div>'


def _message(snapshot: Snapshot) -> str:
    if not snapshot.message:
        return ""
    return (
        f'<div style="margin-top: 6px; padding: 4px 10px; border-left: 3px solid {_title_colour(snapshot)}; '
        f'background-color: rgba(128,128,128,0.12); white-space: pre-wrap">{escape(snapshot.message)}</div>'
    )


def _colour(status: str) -> str:
    return _COLOURS.get(status, _OTHER_COLOUR)


def _share(fraction: float) -> str:
    return f"{fraction * 100:.4g}%"
