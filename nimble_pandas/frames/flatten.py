"""Nested objects become leaves, each known by its path, a whole column at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from nimble_pandas.frames.layouts import Keys, Layouts, Path, Positions

Objects = Sequence[Mapping[str, object]]

# What nests deeper stays JSON text: a name of more parts than this helps nobody.
MAX_LEVELS = 32
# From so many objects with the same keys on, turning the table in C beats walking each.
_WORTH_TURNING = 8


@dataclass(frozen=True, slots=True)
class Column:
    """What some objects have under one path.

    Parameters
    ----------
    path : tuple of str
        The keys that lead to it.
    positions : ndarray of int, length n
        Which objects, counted among all that are flattened.
    values : sequence of object, length n
        What they have.
    kinds : set of type
        The types of the values.
    """

    path: Path
    positions: Positions
    values: Sequence[Any]
    kinds: set[type]


def flatten(
    objects: Objects,
    whole: Collection[Path] = (),
    layouts: Layouts | None = None,
    max_fields: int | None = None,
) -> list[Column] | None:
    """Take nested objects apart, in no particular order.

    An object in one place and a scalar in the next share a path but not a column: the fields
    of the object have longer paths. An empty object and a list are values.

    Parameters
    ----------
    objects : sequence of Mapping, length n
        Decoded JSON objects, nested however deep; not too many at once, for all of their
        iterators live together.
    whole : collection of tuple, default ()
        Paths where an object is a value like any other.
    layouts : Layouts, optional
        Told of the keys.
    max_fields : int, optional
        How many paths there may be.

    Returns
    -------
    list of Column, or None
        One for each path, its values in any order; None as soon as there are too many paths.
    """
    layouts = layouts or Layouts(len(objects))
    leaves: list[Column] = []
    waiting: list[tuple[Path, Positions, Objects]] = [((), np.arange(len(objects)), objects)]
    while waiting:  # no recursion: a page may nest deeper than Python's stack
        path, positions, together = waiting.pop()
        if max_fields is not None and max(map(len, together), default=0) > max_fields:
            return None
        for column in _columns(path, positions, together, layouts):
            flat = column
            if dict in column.kinds and len(column.path) < MAX_LEVELS and column.path not in whole:
                flat, nested = _split(column)
                if nested.values:
                    waiting.append((nested.path, nested.positions, nested.values))
            if flat.values:
                leaves.append(flat)
            if max_fields is not None and len(leaves) + len(waiting) > max_fields:
                return None
    return leaves


def leaf_paths(fields: Mapping[str, object], path: Path = ()) -> Iterator[Path]:
    """Yield the paths of one object's leaves, as its keys stand.

    Parameters
    ----------
    fields : Mapping
        A decoded JSON object.
    path : tuple of str, default ()
        The keys that lead to it.

    Yields
    ------
    tuple of str
        Each once.
    """
    for key, value in fields.items():
        here = (*path, key)
        if type(value) is dict and value and len(here) < MAX_LEVELS:
            yield from leaf_paths(value, here)
        else:
            yield here


def _columns(path: Path, positions: Positions, objects: Objects, layouts: Layouts) -> Iterable[Column]:
    """Turn objects into columns, those with the same keys in the same order together."""
    keys_of = list(map(tuple, objects))
    codes = layouts.note(path, positions, keys_of)
    n_alike = np.bincount(codes)
    if len(n_alike) == 1 and len(objects) >= _WORTH_TURNING:
        return _turned(path, keys_of[0], positions, objects)
    parts: dict[Path, list[Column]] = {}
    for code in np.flatnonzero(n_alike >= _WORTH_TURNING):
        members = np.flatnonzero(codes == code).tolist()
        alike = [objects[nth] for nth in members]
        for column in _turned(path, keys_of[members[0]], positions[members], alike):
            parts.setdefault(column.path, []).append(column)
    loose = np.flatnonzero(n_alike[codes] < _WORTH_TURNING).tolist()
    for column in _walked(path, positions[loose], [objects[nth] for nth in loose]):
        parts.setdefault(column.path, []).append(column)
    return map(_joined, parts.values())


def _turned(path: Path, keys: Keys, positions: Positions, objects: Objects) -> Iterator[Column]:
    """Turn objects with the same keys in the same order into columns, all at once."""
    columns = zip(*[fields.values() for fields in objects], strict=True)
    for key, values in zip(keys, columns, strict=True):
        yield _column((*path, key), positions, values)


def _walked(path: Path, positions: Positions, objects: Objects) -> Iterator[Column]:
    """Turn objects that share few keys into columns, value by value."""
    found: dict[str, tuple[list[int], list[object]]] = {}
    for position, fields in zip(positions.tolist(), objects, strict=True):
        for key, value in fields.items():
            column = found.get(key)
            if column is None:
                column = found[key] = ([], [])
            column[0].append(position)
            column[1].append(value)
    for key, (at, values) in found.items():
        yield _column((*path, key), np.array(at, dtype=np.intp), values)


def _column(path: Path, positions: Positions, values: Sequence[object]) -> Column:
    return Column(path, positions, values, set(map(type, values)))


def _split(column: Column) -> tuple[Column, Column]:
    """Part what is an object with fields of its own from what is a value."""
    if len(column.kinds) == 1 and all(column.values):
        return _column(column.path, column.positions[:0], ()), column
    nests = [type(value) is dict and bool(value) for value in column.values]
    flat, nested = (
        _column(
            column.path,
            column.positions[np.array(nests) == wanted],
            [value for value, nest in zip(column.values, nests, strict=True) if nest is wanted],
        )
        for wanted in (False, True)
    )
    return flat, nested


def _joined(parts: list[Column]) -> Column:
    if len(parts) == 1:
        return parts[0]
    positions = np.concatenate([part.positions for part in parts])
    values = list(chain.from_iterable(part.values for part in parts))
    return Column(parts[0].path, positions, values, set().union(*(part.kinds for part in parts)))
