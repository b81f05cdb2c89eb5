"""Bounds on what a page can unfold to, so that a hostile one costs little."""

from __future__ import annotations

import math
from typing import cast

from nimble_pandas.local.parse.entities import Entities, Json

_MAX_DEPTH = 24
_MAX_VALUES = 150_000
_MAX_CHARACTERS = 20_000_000
_MAX_DIGITS = 40  # the longest integer kept a number; JSON readers choke on longer ones


class UnboundedError(Exception):
    """The page's data unfold to more than a page can mean."""


def bounded(entities: Entities) -> Entities:
    """Copy entities into plain, finite JSON.

    Parameters
    ----------
    entities : dict
        What was found; may share and repeat objects.

    Returns
    -------
    dict
        The same with NaN and infinity as null, lone surrogates replaced, and what lies too deep cut off.

    Raises
    ------
    UnboundedError
        The copy would be larger than any honest page.
    """
    return cast("Entities", _Copier().copy(entities, 0))


class Meter:
    """Counts what is read, and stops when it is more than any honest page holds."""

    def __init__(self) -> None:
        self._n_values = 0
        self._n_characters = 0

    def count(self, n_characters: int = 0) -> None:
        """Count one value.

        Parameters
        ----------
        n_characters : int, default 0
            Its length, for a text.

        Raises
        ------
        UnboundedError
            It was one too many.
        """
        self._n_values += 1
        self._n_characters += n_characters
        if self._n_values > _MAX_VALUES or self._n_characters > _MAX_CHARACTERS:
            raise UnboundedError("the page's data unfold to more than a page can mean")


class _Copier:
    def __init__(self) -> None:
        self._meter = Meter()

    def copy(self, value: Json, depth: int) -> Json:
        self._meter.count(len(value) if isinstance(value, str) else 0)
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, dict):
            return self._object(value, depth + 1)
        if isinstance(value, list | tuple):
            return [self.copy(item, depth + 1) for item in value] if depth < _MAX_DEPTH else None
        return _number(value)

    def _object(self, value: dict[Json, Json], depth: int) -> Json:
        if depth > _MAX_DEPTH:
            return None
        return {_text(str(name)): self.copy(item, depth) for name, item in value.items()}


def _text(value: str) -> str:
    """Lone surrogates cannot be written as UTF-8; lxml's strings are a subclass that keeps its tree alive."""
    if value.isascii():
        return str(value)
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _number(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**_MAX_DIGITS else str(value)[:4000]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _text(str(value))
