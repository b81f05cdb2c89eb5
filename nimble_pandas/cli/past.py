"""`jobs` and `rescue`: what was sent on other days."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import nimble_pandas

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = ("created_at", "n_rows", "ok", "failed", "pending", "unknown", "collected", "hours_left")


def jobs(chosen: argparse.Namespace) -> None:
    """Print every job that the ledger knows.

    Parameters
    ----------
    chosen : argparse.Namespace
        The options.
    """
    _show(nimble_pandas.jobs(ledger=_ledger(chosen)), as_json=chosen.json)


def rescue(chosen: argparse.Namespace) -> None:
    """Collect what every unfinished job has so far, and print all jobs.

    Parameters
    ----------
    chosen : argparse.Namespace
        The options.
    """
    _show(nimble_pandas.rescue(ledger=_ledger(chosen)), as_json=chosen.json)


def _ledger(chosen: argparse.Namespace) -> nimble_pandas.Ledger | None:
    return nimble_pandas.Ledger(chosen.ledger) if chosen.ledger else None


def _show(table: pd.DataFrame, *, as_json: bool) -> None:
    if as_json:
        table.reset_index().to_json(sys.stdout, orient="records", lines=True, date_format="iso")
        return
    if table.empty:
        print("No job was sent from here yet.", file=sys.stderr)
        return
    shown = table[list(_SHOWN)].assign(
        created_at=table["created_at"].dt.strftime("%Y-%m-%d %H:%M"), hours_left=table["hours_left"].round(1)
    )
    print(shown.to_string())
