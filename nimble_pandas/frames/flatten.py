"""Nested objects become leaves, each known by its path, a whole column at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
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


def flatten(objects: Objects, whole: Collection[Path] = ()) -> list[Column]:
    """Take nested objects apart, in the order in which their fields first appear.

    An object in one place and a scalar in the next share a path but not a column: the fields
    of the object have longer paths. An empty object and a list are values.

    Parameters
    ----------
    objects : sequence of Mapping, length n
        Decoded JSON objects, nested however deep; not too many at once, for all of their
        iterators live together.
    whole : collection of tuple, default ()
        Paths where an object is a value like any other.

    Returns
    -------
    list of Column
        One for each path, its values in any order.
    """
    leaves: dict[Path, list[Column]] = {}
    waiting: list[tuple[Path, Positions, Objects]] = [((), np.arange(len(objects)), objects)]
    while waiting:  # no recursion: a page may nest deeper than Python's stack
        for column in _columns(*waiting.pop()):
            flat = column
            if dict in column.kinds and len(column.path) < MAX_LEVELS and column.path not in whole:
                flat, nested = _split(column)
                waiting.append((nested.path, nested.positions, nested.values))
            if flat.values:
                leaves.setdefault(flat.path, []).append(flat)
    return _by_appearance([_joined(parts) for parts in leaves.values()], objects)


def _columns(path: Path, positions: Positions, objects: Objects) -> Iterator[Column]:
    """Turn objects into columns, those with the same keys in the same order together."""
    alike: dict[Path, list[int]] = {}
    for nth, fields in enumerate(objects):
        alike.setdefault(tuple(fields), []).append(nth)
    loose: list[int] = []
    for keys, members in alike.items():
        if len(members) < _WORTH_TURNING:
            loose += members
            continue
        at = positions[members]
        columns = zip(*[objects[nth].values() for nth in members], strict=True)
        for key, values in zip(keys, columns, strict=True):
            yield _column((*path, key), at, values)
    yield from _walked(path, positions[loose], [objects[nth] for nth in loose])


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
    nests = [type(value) is dict and bool(value) for value in column.values]
    if all(nests):
        return _column(column.path, column.positions[:0], ()), column
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


def _by_appearance(leaves: list[Column], objects: Objects) -> list[Column]:
    """Order leaves by the first object that has them, and there as it has them."""
    orders: dict[int, dict[str, int]] = {}

    def appearance(leaf: Column) -> tuple[int, list[int]]:
        first = int(leaf.positions.min())
        here: Any = objects[first]
        trail = []
        for key in leaf.path:
            if id(here) not in orders:
                orders[id(here)] = {name: nth for nth, name in enumerate(here)}
            trail.append(orders[id(here)][key])
            here = here[key]
        return first, trail

    return sorted(leaves, key=appearance)
