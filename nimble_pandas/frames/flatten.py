"""Nested objects become leaves, each known by its path, a whole column at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.intp]
Path = tuple[str, ...]
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


class Layouts:
    """Which keys each object has, in which order, at each path where there is one.

    Parameters
    ----------
    n_objects : int
        How many objects are flattened.
    """

    def __init__(self, n_objects: int) -> None:
        self._n_objects = n_objects
        self._at: dict[Path, tuple[list[Path], npt.NDArray[np.int32]]] = {}

    def note(self, path: Path, keys: Path, positions: Positions) -> None:
        """Take down that the objects at these positions have these keys under a path.

        Parameters
        ----------
        path : tuple of str
            The keys that lead there.
        keys : tuple of str
            The keys found there, in order.
        positions : ndarray of int
            Of the objects.
        """
        if path not in self._at:
            self._at[path] = ([], np.full(self._n_objects, -1, dtype=np.int32))
        known, codes = self._at[path]
        codes[positions] = len(known)
        known.append(keys)

    def shapes(self) -> tuple[list[tuple[Path, ...]], Positions]:
        """Return the shapes that occur, each as the paths of its leaves in order, and each object's.

        Returns
        -------
        shapes : list of tuple of tuple
            No two of them have the same keys in the same order everywhere.
        shape_of : ndarray of int, length n_objects
            Positions in `shapes`.
        """
        if not self._at:
            return [], np.zeros(0, dtype=np.intp)
        codes = np.column_stack([codes for _, codes in self._at.values()])
        if (codes == codes[0]).all():
            return [tuple(self._leaves(codes[0].tolist()))], np.zeros(len(codes), dtype=np.intp)
        place: dict[bytes, int] = {}
        of_object = [place.setdefault(row.tobytes(), len(place)) for row in codes]
        rows = [np.frombuffer(row, dtype=np.int32).tolist() for row in place]
        return [tuple(self._leaves(row)) for row in rows], np.array(of_object, dtype=np.intp)

    def _leaves(self, codes: Sequence[int]) -> Iterator[Path]:
        """Yield the paths of one shape's leaves, as its keys stand."""
        keys = {
            path: known[code]
            for (path, (known, _)), code in zip(self._at.items(), codes, strict=True)
            if code >= 0
        }
        waiting: list[Path] = [()]
        while waiting:
            path = waiting.pop()
            if path in keys:
                waiting.extend((*path, key) for key in reversed(keys[path]))
            else:
                yield path


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
    layout = list(map(tuple, objects))
    if len(layout) >= _WORTH_TURNING and layout.count(layout[0]) == len(layout):
        return _turned(path, layout[0], positions, objects, layouts)
    alike: dict[Path, list[int]] = {}
    for nth, keys in enumerate(layout):
        alike.setdefault(keys, []).append(nth)
    parts: dict[Path, list[Column]] = {}
    loose: list[int] = []
    for keys, members in alike.items():
        if len(members) < _WORTH_TURNING:
            layouts.note(path, keys, positions[members])
            loose += members
            continue
        turned = _turned(path, keys, positions[members], [objects[nth] for nth in members], layouts)
        for column in turned:
            parts.setdefault(column.path, []).append(column)
    for column in _walked(path, positions[loose], [objects[nth] for nth in loose]):
        parts.setdefault(column.path, []).append(column)
    return map(_joined, parts.values())


def _turned(
    path: Path, keys: Path, positions: Positions, objects: Objects, layouts: Layouts
) -> Iterator[Column]:
    """Turn objects with the same keys in the same order into columns, all at once."""
    layouts.note(path, keys, positions)
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
