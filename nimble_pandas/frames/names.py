"""Names of columns: one each, and none that is taken."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import pandas as pd

from nimble_pandas.errors import ConfigError
from nimble_pandas.frames.text import without_surrogates


class Names:
    """Gives out column names, each once.

    Parameters
    ----------
    frame : pandas.DataFrame
        The caller's: the labels of its columns and the names of its index levels are taken,
        the latter so that ``reset_index`` works on the result.
    suffix : str
        What a name that is taken gets, again and again until it is free.

    Raises
    ------
    ConfigError
        The suffix is empty.
    """

    def __init__(self, frame: pd.DataFrame, suffix: str) -> None:
        if not suffix:
            raise ConfigError("suffix is empty, so it cannot tell two columns of one name apart")
        self._suffix = suffix
        # as text, for Parquet knows no other names: 1 and "1" are one column there
        levels = (name for name in frame.index.names if name is not None)
        self._taken = {str(_plain(label)) for label in (*frame.columns, *levels)}

    def free(self, wanted: Iterable[str]) -> list[str]:
        """Return a free name for each wanted one, in order, and take it.

        Parameters
        ----------
        wanted : iterable of str
            The names as the page has them.

        Returns
        -------
        list of str
            The names as the frame will have them.
        """
        return [self._take(without_surrogates(name)) for name in wanted]

    def _take(self, name: str) -> str:
        while name in self._taken:
            name += self._suffix
        self._taken.add(name)
        return name


def _plain(label: Hashable) -> Hashable:
    # where columns have several levels, a new name stands on the first, with nothing below it
    if isinstance(label, tuple) and label and all(isinstance(part, str) and not part for part in label[1:]):
        return label[0]  # type: ignore[no-any-return]
    return label


def labels(columns: pd.Index, names: list[str]) -> pd.Index:
    """Return the labels of the caller's columns, untouched, and after them the new names.

    Parameters
    ----------
    columns : pandas.Index
        The caller's, of any kind.
    names : list of str
        The new ones.

    Returns
    -------
    pandas.Index
        A MultiIndex if `columns` is one: a new name stands on its first level.
    """
    if isinstance(columns, pd.MultiIndex):
        pad = ("",) * (columns.nlevels - 1)
        return pd.MultiIndex.from_tuples([*columns, *((name, *pad) for name in names)], names=columns.names)
    both: list[Hashable] = [*columns, *names]
    all_text = all(isinstance(label, str) for label in both)
    return pd.Index(both, name=columns.name, dtype=None if all_text else object)
