"""What was seen of each item: one line per row, with what it is told apart by."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pandas as pd

from nimble_pandas.errors import ConfigError
from nimble_pandas.pricing.fields import Fields, column, has, listed
from nimble_pandas.pricing.table import Question, item_keys, price_table, statuses

#: The name of what an item is told apart by where the caller names nothing.
ITEM = "item"


def observed(frame: pd.DataFrame, keys: Sequence[Hashable], argument: str) -> pd.DataFrame:
    """Read a frame's prices, each with its keys and with the time when it was fetched.

    Parameters
    ----------
    frame : pandas.DataFrame, length n
        As `batch` returned it.
    keys : sequence of label
        Columns, or index levels, that tell items apart; `ITEM` for the item itself.
    argument : str
        What named them.

    Returns
    -------
    pandas.DataFrame, length n
        The keys, under their names as text; ``name``, ``price``, ``currency``, ``in_stock``,
        ``price_note``, ``status``, ``http_status``, ``fetched_at`` and ``page`` (its URL, and its country
        where there is one); as NumPy has them.

    Raises
    ------
    InputError
        A column is not there.
    ConfigError
        A key has the name of what is read.
    """
    fields = Fields(frame)
    read = price_table(frame, Question(columns={}))
    n = len(frame)
    times = pd.Series(fields.task("fetched_at") or [None] * n, dtype=object)
    seen = pd.DataFrame(
        {
            "name": listed(read["name"]),
            "price": read["price"].astype(object).where(read["price"].notna().to_numpy(), None).tolist(),
            "currency": listed(read["currency"]),
            "in_stock": listed(read["in_stock"]),
            "price_note": listed(read["price_note"]),
            "status": statuses(fields) or ["ok"] * n,
            "http_status": fields.task("http_status") or [None] * n,
            "fetched_at": pd.to_datetime(times, utc=True, format="ISO8601", errors="coerce"),
            "page": pages(frame, fields),
        },
        dtype=object,
    )
    seen["price"] = seen["price"].astype(float)
    seen["fetched_at"] = seen["fetched_at"].astype("datetime64[us, UTC]")
    for label in reversed(keys):
        if str(label) in seen.columns:
            raise ConfigError(
                f"{argument}={label!r} is also the name of what is read.", hint="Rename the column."
            )
        is_item = label == ITEM and ITEM not in frame.columns
        values = item_keys(frame) if is_item else column(frame, label, argument)
        seen.insert(0, str(label), pd.Series(values).array)
    return seen


def pages(frame: pd.DataFrame, fields: Fields) -> list[tuple[object, object]]:
    """Return what each row was read from: several rows may come from one page."""
    countries = listed(column(frame, "country", "country")) if has(frame, "country") else [None] * len(frame)
    return list(zip(fields.urls() or [None] * len(frame), countries, strict=True))


def newest(seen: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Keep one line for each key: with a price if there is one, the newest, and of those the lowest.

    Parameters
    ----------
    seen : pandas.DataFrame
        As `observed` returns it.
    keys : sequence of str
        Its columns that tell items apart.

    Returns
    -------
    pandas.DataFrame
        In the order in which the keys first appear; what is missing is a key as well.
    """
    ranked = seen.assign(_gap=seen["price"].isna(), _lost=seen["status"] != "ok", _position=range(len(seen)))
    by = {"_gap": True, "_lost": True, "fetched_at": False, "price": True, "_position": True}
    ranked = ranked.sort_values(list(by), ascending=list(by.values()), na_position="last")
    first = ranked.drop_duplicates(list(keys))
    order = seen.drop_duplicates(list(keys))[list(keys)]
    position = {key: number for number, key in enumerate(order.itertuples(index=False, name=None))}
    at = [position.get(key, 0) for key in first[list(keys)].itertuples(index=False, name=None)]
    return first.assign(_position=at).sort_values("_position").drop(columns=["_gap", "_lost", "_position"])
