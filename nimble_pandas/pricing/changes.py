"""What has become of each item since the snapshot before."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from nimble_pandas.errors import InputError
from nimble_pandas.pricing.compare import key_labels
from nimble_pandas.pricing.fields import column, has, listed
from nimble_pandas.pricing.observed import ITEM, newest, observed

_SEVERAL = 'prices in several currencies: name what parts the markets, as on=[…, "country"]'
_GONE = (404, 410)  # the site itself says that there is no such page

Key = tuple[object, ...]
Line = dict[Hashable, Any]
State = Literal["seen", "absent", "failed"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One frame, by key.

    Parameters
    ----------
    lines : dict of tuple to dict
        What was seen of each key.
    pages : dict of tuple to set
        The pages that each key was read from.
    failed : set
        The pages that could not be read.
    asked : set
        All pages.
    """

    lines: dict[Key, Line]
    pages: dict[Key, set[object]]
    failed: set[object]
    asked: set[object]

    def state(self, key: Key, pages: Iterable[object]) -> State:
        """Say where an item stood; one whose page failed may be there or not."""
        line = self.lines.get(key)
        if line is None:
            return "failed" if self.failed.intersection(pages) else "absent"
        if line["status"] == "ok":
            return "seen"
        return "absent" if _is_gone(line) else "failed"


def changed(
    frame: pd.DataFrame,
    previous: pd.DataFrame | Sequence[pd.DataFrame],
    on: Hashable | Sequence[Hashable] | None,
) -> pd.DataFrame:
    """Compare a snapshot with the one before; see `changes`."""
    older = [previous] if isinstance(previous, pd.DataFrame) else list(previous)
    if not older or not all(isinstance(each, pd.DataFrame) for each in older):
        raise InputError(
            "previous is no frame, nor a list of frames.", hint="Give at least one earlier frame."
        )
    keys = key_labels(on)
    if on is None and all(has(each, "country") for each in (frame, *older)):
        keys = [ITEM, "country"]
    names = [str(key) for key in keys]
    _refuse_kinds([frame, *older], keys)
    now, *past = (_snapshot(each, keys, names) for each in (frame, *reversed(older)))
    found = {}
    for key in dict.fromkeys(key for each in (now, *past) for key in each.lines):
        pages = {page for each in (now, *past) for page in each.pages.get(key, ())}
        line = _line(key, pages, now, past)
        if line:
            found[key] = line
    return _table(found, names, observed(frame.iloc[:0], keys, "on"))


def _refuse_kinds(frames: Sequence[pd.DataFrame], keys: list[Hashable]) -> None:
    """Refuse keys that are text here and numbers there: all would be new, and all removed."""
    for key in keys:
        found = [listed(column(each, key, "on")) for each in frames if has(each, key)]
        kinds = [{isinstance(value, str) for value in values if value is not None} for values in found]
        if {True} in kinds and {False} in kinds:
            raise InputError(
                f"on={key!r}: text in one frame, no text in another, so nothing is the same.",
                hint=f'Give both one type, such as pandas.read_csv(…, dtype={{{key!r}: "str"}}), which keeps '
                "leading zeros.",
            )


def _snapshot(frame: pd.DataFrame, keys: list[Hashable], names: list[str]) -> Snapshot:
    seen = observed(frame, keys, "on")
    values = zip(*(listed(seen[name]) for name in names), strict=True)
    pages: dict[Key, set[object]] = {}
    for key, page in zip(values, seen["page"], strict=True):
        pages.setdefault(key, set()).add(page)
    chosen = newest(_without_mixed(seen, names), names)
    facts = chosen.drop(columns=names).to_dict("records")
    chosen_keys = zip(*(listed(chosen[name]) for name in names), strict=True)
    lost = seen[seen["status"] != "ok"]
    failed = {line["page"] for line in lost.to_dict("records") if not _is_gone(line) and line["page"][0]}
    return Snapshot(dict(zip(chosen_keys, facts, strict=True)), pages, failed, set(seen["page"]))


def _without_mixed(seen: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Take away the prices of keys that have some in several currencies: there is no lowest."""
    priced = seen[seen["price"].notna()]
    n_currencies = priced.groupby(names, dropna=False, observed=True)["currency"].transform("nunique")
    mixed = priced.index[n_currencies > 1]
    if mixed.empty:
        return seen
    seen = seen.copy()
    seen.loc[mixed, ["price", "currency"]] = [np.nan, None]
    seen.loc[mixed, "price_note"] = _SEVERAL
    return seen


def _is_gone(line: Line) -> bool:
    return line["status"] == "empty" and line["http_status"] in _GONE


def _line(key: Key, pages: set[object], now: Snapshot, past: list[Snapshot]) -> Line | None:
    """Return what is said of one key, or None where there is nothing to say."""
    state = now.state(key, pages)
    states = [each.state(key, pages) for each in past]
    nth = next((number for number, before in enumerate(states) if before != "failed"), None)
    before = past[nth].lines.get(key) if nth is not None and states[nth] == "seen" else None
    here = now.lines.get(key)
    if state == "absent" and before is None and here is None:
        # a search page that had failed has become its results
        return _facts("incomparable", None, None) if nth is None and not pages & now.asked else None
    if state == "absent" and before is None:
        return _facts("failed", here, None)  # what never was has not gone
    if state == "absent":
        return _facts("removed", here, before)
    if state == "failed":
        return _facts("failed", here, before)
    if before is None:
        return _facts("incomparable" if nth is None else "new", here, None)
    return _facts(_word(here or {}, before), here, before)


def _word(here: Line, before: Line) -> str:
    """Say what has become of an item that was seen both times."""
    had, has_now = (line["in_stock"] for line in (before, here))
    if has_now is False and had is not False:
        return "out of stock"
    if had is False and (has_now or (has_now is None and _is_priced(here))):
        return "restocked"
    if has_now is False and not _is_priced(here) and not _is_priced(before):
        return "unchanged"
    if not _is_priced(here) or not _is_priced(before):
        return "incomparable"
    if here["currency"] != before["currency"]:
        return "currency changed"
    if here["price"] == before["price"]:
        return "unchanged"
    return "up" if here["price"] > before["price"] else "down"


def _is_priced(line: Line) -> bool:
    return not pd.isna(line["price"]) and not pd.isna(line["currency"])


def _facts(word: str, here: Line | None, before: Line | None) -> Line:
    now, then = here or {}, before or {}
    is_same = (
        bool(here and before) and _is_priced(now) and _is_priced(then) and now["currency"] == then["currency"]
    )
    difference = round(now["price"] - then["price"], 6) if is_same else None
    return {
        "name": now.get("name") or then.get("name"),
        "change": word,
        "price": now.get("price"),
        "previous_price": then.get("price"),
        "difference": difference,
        "percent": difference / then["price"] * 100 if difference is not None and then["price"] > 0 else None,
        "currency": now.get("currency"),
        "previous_currency": then.get("currency"),
        "in_stock": now.get("in_stock"),
        "previous_in_stock": then.get("in_stock"),
        "fetched_at": now.get("fetched_at"),
        "previous_fetched_at": then.get("fetched_at"),
        "price_note": now.get("price_note"),
    }


_DTYPES = {
    "name": "str",
    "change": "str",
    "price": "float64",
    "previous_price": "float64",
    "difference": "float64",
    "percent": "float64",
    "currency": "str",
    "previous_currency": "str",
    "in_stock": "boolean",
    "previous_in_stock": "boolean",
    "fetched_at": "datetime64[us, UTC]",
    "previous_fetched_at": "datetime64[us, UTC]",
    "price_note": "str",
}


def _table(found: dict[Key, Line], names: list[str], like: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame(list(found.values()), columns=list(_DTYPES), dtype=object).astype(_DTYPES)
    levels = [
        pd.Index([key[nth] for key in found], name=name) if found else pd.Index(like[name])
        for nth, name in enumerate(names)
    ]
    table.index = levels[0] if len(levels) == 1 else pd.MultiIndex.from_arrays(levels)
    return table
