"""From rows to a plan: columns looked up, values checked, duplicates found, batches cut."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
from pandas.api.types import is_hashable

from nimble_pandas.errors import InputError
from nimble_pandas.models import DELIVERY_PARAMETERS, MAX_BATCH_REQUESTS, PARAMETERS, Delivery
from nimble_pandas.planning.cells import read_column, read_default
from nimble_pandas.planning.columns import Codes, Column, unsaid
from nimble_pandas.planning.grid import spread
from nimble_pandas.planning.keys import content_keys, share
from nimble_pandas.planning.parquet import unwritable
from nimble_pandas.planning.plan import Plan
from nimble_pandas.planning.rules import VENDORS
from nimble_pandas.planning.shown import shown
from nimble_pandas.planning.warn import warn

# names in one message
_MAX_SHOWN = 50

#: The most bytes of one batch's requests. The service documents no limit; this is far below the usual ones.
MAX_BATCH_BYTES = 4_000_000


def make_plan(
    frame: pd.DataFrame,
    *,
    columns: Mapping[str, Hashable],
    values: Mapping[str, object],
    delivery: Delivery | None = None,
    max_batch_requests: int = MAX_BATCH_REQUESTS,
    max_batch_bytes: int = MAX_BATCH_BYTES,
) -> Plan:
    """Turn rows into requests, and requests into batches; nothing is sent.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, k)
        The caller's rows; never changed.
    columns : Mapping of str to Hashable
        The column that gives each parameter.
    values : Mapping of str to object
        The default of each parameter; a list makes a grid.
    delivery : Delivery, optional
        Where the outputs go; they are pulled over HTTP if not given.
    max_batch_requests : int, default 1000
        The most requests of one batch.
    max_batch_bytes : int, default 4,000,000
        The most bytes of one batch's requests.

    Returns
    -------
    Plan
        In which rows that cannot be sent are marked, with their reasons.

    Raises
    ------
    InputError
        A column is missing, or an argument is wrong for every row.
    """
    _check_names(frame, columns, values)
    _check_needed(frame, columns, values)
    rows, grid_columns, values = spread(frame, values)
    for name in grid_columns.keys() & columns.keys():
        raise InputError(
            f"{name}= is a list and {name}_col= is given too: a row cannot follow both.",
            hint="Nothing was sent. Give one of them.",
        )
    defaults = {name: _default(frame, name, value) for name, value in values.items()}
    parameters = _read(rows, {**columns, **grid_columns}, defaults)
    invalid = _invalid(rows, parameters)
    _warn_of_vendors(parameters["vendor"])
    _warn_of_parquet(rows)
    is_valid = np.ones(len(rows), dtype=bool)
    is_valid[invalid["row"]] = False
    request_of_row, first_rows, keys = share(content_keys(parameters, len(rows)), is_valid)
    plan = Plan(
        rows=rows,
        delivery=delivery or Delivery(),
        defaults={name: value for name, value in defaults.items() if value is not None},
        invalid=invalid,
        request_of_row=request_of_row,
        columns=[column.at(first_rows) for column in parameters.values() if column.says_itself.any()],
        keys=keys,
        batches=[],
    )
    plan.batches.extend(cut(plan.request_bytes(), max_batch_requests, max_batch_bytes))
    return plan


def _check_names(frame: pd.DataFrame, columns: Mapping[str, Hashable], values: Mapping[str, object]) -> None:
    if not isinstance(frame, pd.DataFrame):
        urls = "urls" if isinstance(frame, pd.Series) else "pandas.Series(urls)"
        raise InputError(
            f"a DataFrame is needed, not {type(frame).__name__}.",
            hint=f'Nothing was sent. For URLs on their own: {urls}.nimble.batch(vendor="walmart").',
        )
    for name in {*columns, *values}:
        if name in DELIVERY_PARAMETERS:
            raise InputError(f"{name!r} is an argument of its own.", hint=f"Nothing was sent. Give {name}=….")
        if not isinstance(name, str) or name == "requests":
            raise InputError(f"{shown(name)} is no name of a parameter.", hint="Nothing was sent.")
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise InputError(
            f"the frame has more than one column called {twice[0]!r}: it could not be written to Parquet.",
            hint="Nothing was sent. Rename one of them: df.columns = [...].",
        )


def _check_needed(frame: pd.DataFrame, columns: Mapping[str, Hashable], values: Mapping[str, object]) -> None:
    """Say what every request needs once, not once a row."""
    if "url" not in columns and values.get("url") is None:
        raise InputError(
            f"no column with the pages is named; the columns are {_listed(frame.columns)}.",
            hint=f"Nothing was sent. Give url_col={_likely(frame)}.",
        )
    if "vendor" not in columns and values.get("vendor") is None:
        raise InputError(
            "there is no vendor, which every request needs.",
            hint='Nothing was sent. Give vendor="walmart", or the column with vendors: vendor_col="vendor".',
        )


def _default(frame: pd.DataFrame, name: str, value: object) -> object:
    try:
        return read_default(name, value)
    except InputError as exc:
        if isinstance(value, str) and value in frame.columns:
            exc.hint = f"{exc.hint} Did you mean {name}_col={shown(value)}?"
        raise


def _likely(frame: pd.DataFrame) -> str:
    """Return the column that looks most as if it held the pages."""
    for label in frame.columns if len(frame) else ():
        if shown(frame[label].iloc[0]).startswith(("'http://", "'https://")):
            return shown(label)
    return '"url"'


def _listed(labels: pd.Index) -> str:
    names = ", ".join(map(shown, labels[:_MAX_SHOWN]))
    more = f" and {len(labels) - _MAX_SHOWN:,} more" if len(labels) > _MAX_SHOWN else ""
    return f"[{names}]{more}"


def _meant(label: object, labels: pd.Index) -> str:
    """Return a question: whether a label that there is was meant."""
    if isinstance(label, pd.Series | pd.Index):
        return f" Give the column's name: {shown(label.name)}."
    known = {str(each).strip().lower(): each for each in labels}
    close = difflib.get_close_matches(str(label).strip().lower(), known, n=1)
    return f" Did you mean {shown(known[close[0]])}?" if close else ""


def _read(
    rows: pd.DataFrame, columns: Mapping[str, Hashable], defaults: Mapping[str, object]
) -> dict[str, Column]:
    names = [*PARAMETERS, *({*columns, *defaults} - set(PARAMETERS))]
    names[len(PARAMETERS) :] = sorted(names[len(PARAMETERS) :])
    return {
        name: read_column(
            name, _find(rows, name, columns[name]), label=columns[name], default=defaults.get(name)
        )
        if columns.get(name) is not None
        else unsaid(name, defaults.get(name), len(rows))
        for name in names
    }


def _find(rows: pd.DataFrame, parameter: str, label: Hashable) -> pd.Series:
    if is_hashable(label) and label in rows.columns:
        found = rows[label]
        # the first level of several columns gives a frame
        if isinstance(found, pd.Series):
            return found
    elif is_hashable(label) and label in rows.index.names:
        return rows.index.get_level_values(rows.index.names.index(label)).to_series(index=rows.index)
    raise InputError(
        f"there is no column {shown(label)} (for {parameter}); the columns are {_listed(rows.columns)}.",
        hint=f"Nothing was sent.{_meant(label, rows.columns)}",
    )


def _invalid(rows: pd.DataFrame, parameters: Mapping[str, Column]) -> pd.DataFrame:
    found: list[tuple[int, Hashable, str]] = [
        (row, column.label, reason)
        for column in parameters.values()
        for row, reason in column.reasons.items()
    ]
    broken = {(row, column) for row, column, _ in found}
    for name, rows_at_fault, reason in _between(parameters):
        label = parameters[name].label
        found += [(row, label, reason) for row in map(int, rows_at_fault) if (row, label) not in broken]
    found.sort(key=lambda each: each[0])
    positions = [row for row, _, _ in found]
    return pd.DataFrame(
        {
            "row": np.array(positions, dtype=np.intp),
            "label": pd.Series(list(rows.index.take(positions)), dtype=object),
            "column": pd.Series([column for _, column, _ in found], dtype=object),
            "reason": pd.Series([reason for _, _, reason in found], dtype=str),
        }
    )


def _between(parameters: Mapping[str, Column]) -> Sequence[tuple[str, Codes, str]]:
    """Return the rules between parameters: the one at fault, the rows, the reason."""
    said = {name: parameters[name].is_said for name in ("url", "vendor", "state", "city")}
    in_us = parameters["country"].equals("US")
    known_country = ~np.isin(np.arange(len(in_us)), list(parameters["country"].reasons))
    known_state = ~np.isin(np.arange(len(in_us)), list(parameters["state"].reasons))
    return [
        ("url", np.flatnonzero(~said["url"]), "there is no URL"),
        (
            "vendor",
            np.flatnonzero(~said["vendor"]),
            "there is no vendor: give vendor= or vendor_col=",
        ),
        (
            "state",
            np.flatnonzero(said["state"] & ~in_us & known_country),
            "a state goes with country 'US' only",
        ),
        (
            "city",
            np.flatnonzero(said["city"] & in_us & ~said["state"] & known_state),
            "a city in the US needs its state too",
        ),
    ]


def _warn_of_vendors(vendors: Column) -> None:
    unknown = sorted({str(vendor) for vendor in (*vendors.values(), vendors.default) if vendor} - VENDORS)
    if unknown:
        warn(
            f"vendor {', '.join(map(shown, unknown[:_MAX_SHOWN]))} is not among those known here "
            f"({', '.join(sorted(VENDORS))}); the service's own list may be longer."
        )


def _warn_of_parquet(rows: pd.DataFrame) -> None:
    labels = unwritable(rows)
    if labels:
        warn(
            f"Parquet cannot hold this frame's own {', '.join(map(shown, labels[:_MAX_SHOWN]))}: labels that "
            "are the same text, or values of no one type. Rename or convert them before to_parquet."
        )


def cut(
    request_bytes: Codes, max_requests: int = MAX_BATCH_REQUESTS, max_bytes: int = MAX_BATCH_BYTES
) -> list[range]:
    """Cut requests into batches, in their order.

    Parameters
    ----------
    request_bytes : numpy.ndarray, shape (n,)
        The size of each request.
    max_requests : int, default 1000
        The most requests of one batch.
    max_bytes : int, default 4,000,000
        The most bytes of one batch's requests.

    Returns
    -------
    list of range
        Places in `request_bytes`.
    """
    batches = []
    start = 0
    while start < len(request_bytes):
        # one byte more each, for the comma
        ends = np.cumsum(request_bytes[start : start + max_requests] + 1)
        n_fitting = int(np.searchsorted(ends, max_bytes, side="right"))
        stop = start + max(n_fitting, 1)
        batches.append(range(start, stop))
        start = stop
    return batches
