"""A parameter's values, kept once each: a code per row, and what each code stands for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from nimble_pandas.errors import InputError
from nimble_pandas.models import DOCUMENTED_DEFAULTS, encode_json
from nimble_pandas.planning.rules import rule
from nimble_pandas.planning.shown import shown

#: The code of a row that says nothing itself, so that the default holds.
UNSET = 0

Codes: TypeAlias = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One parameter of every row.

    Parameters
    ----------
    parameter : str
        The API's name.
    label : Hashable
        The caller's column or, without one, the name of the argument; for errors.
    default : object
        What holds where a row says nothing; None where there is no default.
    categories : sequence
        What each code stands for; the first is None, "nothing said".
    codes : numpy.ndarray, shape (n,)
        Each row's code.
    reasons : dict of int to str
        Position of each row whose value cannot be sent, and why.
    """

    parameter: str
    label: Hashable
    default: object
    categories: Sequence[object]
    codes: Codes
    reasons: dict[int, str] = field(default_factory=dict)

    def where(self, test: Callable[[object], bool]) -> npt.NDArray[np.bool_]:
        """Say of each row whether its effective value, default included, passes `test`."""
        passed = [test(self.default if value is None else value) for value in self.categories]
        return np.array(passed, dtype=bool)[self.codes]


def read_default(parameter: str, value: object) -> object:
    """Return `value` as it is sent for all rows.

    Parameters
    ----------
    parameter : str
        The API's name.
    value : object
        The argument; None for no default.

    Returns
    -------
    object
        What is sent, or None.

    Raises
    ------
    InputError
        The value breaks the parameter's rule; nothing was sent.
    """
    if _is_missing(value):
        return None
    sent, reason = _read(parameter, value)
    if reason is not None:
        raise InputError(f"{parameter}={shown(value)}: {reason}.", hint="Nothing was sent.")
    return sent


def unsaid(parameter: str, default: object, n_rows: int) -> Column:
    """Return the column of a parameter that no row says anything about."""
    return Column(
        parameter=parameter,
        label=parameter,
        default=default,
        categories=[None],
        codes=np.zeros(n_rows, dtype=np.intp),
    )


def read_column(parameter: str, series: pd.Series, *, label: Hashable, default: object) -> Column:
    """Return a column of the caller's as parameter values.

    Parameters
    ----------
    parameter : str
        The API's name.
    series : pandas.Series, length n
        The caller's values; a missing one, or an empty text, says nothing.
    label : Hashable
        The caller's name for the column.
    default : object
        What holds where a row says nothing. A value equal to it says nothing new; where there is none,
        neither does what the API's documentation names as its default.

    Returns
    -------
    Column
        With the reasons of the rows that cannot be sent.
    """
    raw_codes, raw_values = _factorize(series)
    categories: list[object] = [None]
    implied = DOCUMENTED_DEFAULTS.get(parameter) if default is None else default
    known: dict[object, int] = {None: UNSET, key_of(implied): UNSET}
    # the last place is what code -1, pandas' word for missing, picks
    code_of = np.zeros(len(raw_values) + 1, dtype=np.intp)
    reasons: dict[int, str] = {}
    for position, raw in enumerate(raw_values):
        value, reason = _read(parameter, raw)
        if reason is not None:
            reasons[position] = reason
            continue
        code = known.setdefault(key_of(value), len(categories))
        if code == len(categories):
            categories.append(value)
        code_of[position] = code
    return Column(
        parameter=parameter,
        label=label,
        default=default,
        categories=categories,
        codes=code_of[raw_codes],
        reasons=_by_row(raw_codes, reasons),
    )


def _by_row(raw_codes: Codes, reasons: dict[int, str]) -> dict[int, str]:
    rows = np.flatnonzero(np.isin(raw_codes, list(reasons))) if reasons else ()
    return {int(row): reasons[int(raw_codes[row])] for row in rows}


def _read(parameter: str, value: object) -> tuple[object, str | None]:
    """Return what is sent for a value, and the reason where it cannot be."""
    try:
        return rule(parameter)(value), None
    except ValueError as exc:
        return None, str(exc)
    except Exception as exc:  # noqa: BLE001 -- a cell may hold any object, and its methods raise anything
        return None, f"{shown(value)} cannot be read: {type(exc).__name__}"


def key_of(value: object) -> object:
    """Return what tells a parameter value from any other: how it is sent."""
    # True, 1 and 1.0 are equal and hash alike, but are sent as three different things; in bytes, for 1
    # and "1" are two things too
    return value if value is None or type(value) is str else encode_json(value).encode()


def _is_missing(value: object) -> bool:
    try:
        return pd.isna(value) is True  # type: ignore[call-overload]
    except Exception:  # noqa: BLE001 -- a signalling NaN raises when it is compared
        return False


def _factorize(series: pd.Series) -> tuple[Codes, Sequence[object]]:
    if series.dtype != object:
        try:
            codes, values = pd.factorize(series)
            return codes, list(values)
        except (NotImplementedError, TypeError):  # lists and structs of Arrow
            series = series.astype(object)
    # objects may be unhashable, and those that are equal may still differ (True and 1)
    known: dict[object, int] = {}
    uniques: list[object] = []
    objects = series.to_numpy()
    codes = np.full(len(series), -1, dtype=np.intp)
    for row in np.flatnonzero(_is_given(series)):
        value = objects[row]
        code = known.setdefault(_raw_key(value), len(uniques))
        if code == len(uniques):
            uniques.append(value)
        codes[row] = code
    return codes, uniques


def _is_given(series: pd.Series) -> npt.NDArray[np.bool_]:
    try:
        return series.notna().to_numpy()
    except Exception:  # noqa: BLE001 -- as in `_is_missing`
        return np.array([not _is_missing(value) for value in series], dtype=bool)


def _raw_key(value: object) -> object:
    try:
        return key_of(value)
    except Exception:  # noqa: BLE001 -- what is no JSON is equal to nothing but itself
        return id(value)
