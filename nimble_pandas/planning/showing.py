"""A plan as text and as HTML: what would be sent, what cannot be and why, and what to type next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from nimble_pandas.planning.shown import shown

if TYPE_CHECKING:
    import pandas as pd

    from nimble_pandas.planning.plan import Plan

# enough to see what is wrong; the whole list is in the error's `rows`
_MAX_LINES = 100
# kinds of reasons that are shown
_MAX_KINDS = 10
# what differs between two reasons of one kind: the value in quotes, and numbers
_PARTICULAR = re.compile(r"'[^']*'|\"[^\"]*\"|\d+")
_CELL = "text-align: left; vertical-align: top; padding: 2px 14px 2px 0px"


def text(plan: Plan) -> str:
    """Return the plan as text, the rows that cannot be sent one by one.

    Parameters
    ----------
    plan : Plan
        What would be sent.

    Returns
    -------
    str
        Some lines.
    """
    facts = [f"  {name + ':':<10}{value}" for name, value in _facts(plan)]
    return "\n".join(["Plan (nothing is sent)", *facts, *lines(plan.invalid), f"  next:     {_next(plan)}"])


def html(plan: Plan) -> str:
    """Return the plan as HTML, the rows that cannot be sent by their reasons.

    Parameters
    ----------
    plan : Plan
        What would be sent.

    Returns
    -------
    str
        HTML; every text in it is escaped.
    """
    kinds = _kinds(plan.invalid)
    bad = ""
    if kinds:
        head = ("rows", "column", "why", "such as row")
        bad = f"<div><b>Cannot be sent</b></div><table><thead>{_rows([head], 'th')}</thead>"
        bad += f"<tbody>{_rows(kinds, 'td')}</tbody></table>"
    return (
        "<div><b>Plan</b> (nothing is sent)</div>"
        f"<table><tbody>{_rows(list(_facts(plan)), 'td')}</tbody></table>{bad}"
        f"<div>Next: <code>{escape(_next(plan))}</code></div>"
    )


def lines(invalid: pd.DataFrame) -> Iterator[str]:
    """Yield what is wrong with rows, a line each, the first hundred.

    Parameters
    ----------
    invalid : pandas.DataFrame
        With ``label``, ``column`` and ``reason``.
    """
    first = invalid.head(_MAX_LINES)
    for label, column, reason in zip(first["label"], first["column"], first["reason"], strict=True):
        yield f"  row {shown(label)}, column {shown(column)}: {reason}"
    if len(invalid) > _MAX_LINES:
        yield f"  … and {len(invalid) - _MAX_LINES:,} more"


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    yield "rows", f"{plan.n_rows:,}"
    yield "requests", f"{plan.n_requests:,} ({plan.n_duplicates:,} duplicates share an answer)"
    yield "batches", f"{len(plan.batches):,} ({plan.n_bytes:,} bytes)"
    yield "delivery", plan.delivery.storage_url or "pulled over HTTP"
    yield "invalid", f"{plan.n_invalid:,} rows"


def _next(plan: Plan) -> str:
    if plan.n_invalid:
        return 'correct them, or call batch(…, invalid="row") to keep them and send the rest'
    return "batch(…) with the same arguments sends this, waits and returns the frame"


def _kinds(invalid: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return the reasons, the most frequent first, each with an example."""
    if invalid.empty:
        return []
    kind = invalid["reason"].str.replace(_PARTICULAR, "…", regex=True)
    column = invalid["column"].map(shown)
    groups = invalid.groupby([column, kind], sort=False)
    found = sorted(
        (
            (len(rows), str(name[0]), str(rows["reason"].iloc[0]), shown(rows["label"].iloc[0]))
            for name, rows in groups
        ),
        key=lambda each: -each[0],
    )
    table = [(f"{n:,}", *rest) for n, *rest in found[:_MAX_KINDS]]
    if len(found) > _MAX_KINDS:
        n_more = sum(each[0] for each in found[_MAX_KINDS:])
        table.append((f"{n_more:,}", "", f"{len(found) - _MAX_KINDS:,} more reasons", ""))
    return table


def _rows(rows: Sequence[Sequence[str]], tag: str) -> str:
    return "".join(f"<tr>{''.join(_cell(each, tag) for each in row)}</tr>" for row in rows)


def _cell(text: str, tag: str) -> str:
    return f'<{tag} style="{_CELL}">{escape(text)}</{tag}>'
