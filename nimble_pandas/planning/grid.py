"""A list given for a parameter: every row with every value."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.api.types import is_list_like

from nimble_pandas.errors import InputError
from nimble_pandas.models import PARAMETERS


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
        Each parameter's default; those that are lists make the grid, except for parameters that the
        API's table lacks: what these take is not known here.

    Returns
    -------
    rows : pandas.DataFrame
        A copy, with one more column for each list.
    columns : dict of str to Hashable
        The new column of each listed parameter.
    defaults : dict of str to object
        The parameters that are not lists.

    Raises
    ------
    InputError
        A list is empty or has no order.
    """
    lists = {
        name: _ordered(name, value)
        for name, value in values.items()
        if name in PARAMETERS and is_list_like(value) and not isinstance(value, Mapping)
    }
    defaults = {name: value for name, value in values.items() if name not in lists}
    if not lists:
        # the answers come later, and must find the rows that were sent
        return frame.copy(), {}, defaults
    combinations = list(itertools.product(*lists.values()))
    # a caller who forbids duplicate labels means the input; a grid repeats them by request
    free = frame.set_flags(allows_duplicate_labels=True)
    rows = free.iloc[np.repeat(np.arange(len(frame)), len(combinations))].copy()
    columns: dict[str, Hashable] = {}
    for name, chosen in zip(lists, zip(*combinations, strict=True), strict=True):
        columns[name] = _free_name(name, rows)
        rows[columns[name]] = pd.Series(list(chosen) * len(frame), index=rows.index)
    return rows, columns, defaults


def _free_name(name: str, rows: pd.DataFrame) -> str:
    # index levels too, so that `reset_index` works on the result
    taken = {*rows.columns.get_level_values(0), *rows.index.names}
    while name in taken:
        name += "_nimble"
    return name


def _ordered(name: str, value: object) -> Sequence[object]:
    if isinstance(value, set | frozenset):
        raise InputError(f"{name}= is a set, which has no order.", hint=f"Nothing was sent. Give {name}=[…].")
    values: list[object] = list(value)  # type: ignore[call-overload]
    if not values:
        raise InputError(f"{name}=[] is an empty list: no row would be sent.", hint="Nothing was sent.")
    return values
