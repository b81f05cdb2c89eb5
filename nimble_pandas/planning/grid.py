"""A list given for a parameter: every row with every value."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.api.types import is_list_like

from nimble_pandas.errors import InputError


def spread(
    frame: pd.DataFrame, values: Mapping[str, object]
) -> tuple[pd.DataFrame, dict[str, Hashable], dict[str, object]]:
    """Repeat each row for every combination of the listed values.

    The copies of a row stand together, in the order of the lists, with its index label repeated, as in
    `DataFrame.explode`.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
        The caller's rows.
    values : Mapping of str to object
        Each parameter's default; those that are lists make the grid.

    Returns
    -------
    rows : pandas.DataFrame
        The rows, with one more column for each list; the frame itself where there is no list.
    columns : dict of str to Hashable
        The new column of each listed parameter.
    defaults : dict of str to object
        The parameters that are not lists.

    Raises
    ------
    InputError
        A list is empty or has no order.
    """
    lists = {name: _ordered(name, value) for name, value in values.items() if _is_list(value)}
    defaults = {name: value for name, value in values.items() if name not in lists}
    if not lists:
        return frame, {}, defaults
    combinations = list(itertools.product(*lists.values()))
    rows = frame.iloc[np.repeat(np.arange(len(frame)), len(combinations))].copy()
    columns: dict[str, Hashable] = {}
    for name, chosen in zip(lists, zip(*combinations, strict=True), strict=True):
        columns[name] = free_name(name, rows.columns)
        rows[columns[name]] = pd.Series(list(chosen) * len(frame), index=rows.index)
    return rows, columns, defaults


def free_name(name: str, taken: pd.Index, suffix: str = "_nimble") -> str:
    """Return `name`, with `suffix` appended until no column is called that."""
    while name in taken:
        name += suffix
    return name


def _is_list(value: object) -> bool:
    return is_list_like(value) and not isinstance(value, Mapping)


def _ordered(name: str, value: object) -> Sequence[object]:
    if isinstance(value, set | frozenset):
        raise InputError(f"{name}= is a set, which has no order.", hint=f"Nothing was sent. Give {name}=[…].")
    values: list[object] = list(value)  # type: ignore[call-overload]
    if not values:
        raise InputError(f"{name}=[] is an empty list: no row would be sent.", hint="Nothing was sent.")
    return values
