"""The entities of a few hundred pages, as Arrow arrays: Python's own objects take five times the room."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

import pyarrow as pa

from nimble_pandas.frames.flatten import Column, Objects, flatten
from nimble_pandas.frames.layouts import Layouts, Path, Positions
from nimble_pandas.frames.text import as_text, json_array, text_array

_INT64 = 2**63
_ARROW = {bool: pa.bool_(), float: pa.float64()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Values of one kind, under one path: `bool`, `int`, `float`, `str`, or `object` as JSON text.

    Parameters
    ----------
    kind : type
        Of all values.
    positions : ndarray of int, length n
        Which objects have them, in any order.
    values : pyarrow.Array, length n
        May have nulls.
    """

    kind: type
    positions: Positions
    values: pa.Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some objects, taken apart.

    Parameters
    ----------
    parts : dict of tuple to list of Part
        Under each path the values, by kind; none where all are null.
    layouts : Layouts
        The keys of the objects.
    """

    parts: dict[Path, list[Part]]
    layouts: Layouts

    def __len__(self) -> int:
        return len(self.layouts)

    @property
    def n_bytes(self) -> int:
        """The size of its arrays."""
        return sum(part.values.nbytes for parts in self.parts.values() for part in parts)

    def objects(self, wanted: Positions) -> list[dict[str, object]]:
        """Put some of the objects together again.

        Parameters
        ----------
        wanted : ndarray of int, length n
            Which.

        Returns
        -------
        list of dict
            In the order of `wanted`; NaN has become null.
        """
        leaves: list[dict[Path, object]] = [{} for _ in range(len(self))]
        for path, parts in self.parts.items():
            for part in parts:
                values = part.values.to_pylist()
                if part.kind is object:
                    values = list(map(_decoded, values))
                for position, value in zip(part.positions.tolist(), values, strict=True):
                    leaves[position][path] = value
        return [_nested(self.layouts.leaves(each), leaves[each]) for each in wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class WideChunk:
    """Some objects that have too many fields to be columns, as JSON text.

    Parameters
    ----------
    texts : pyarrow.Array, length n
        One object each.
    """

    texts: pa.Array

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def n_bytes(self) -> int:
        """The size of its text."""
        return int(self.texts.nbytes)

    def objects(self, wanted: Positions) -> list[Any]:
        """Return some of the objects, as `Chunk.objects` does."""
        return [_decoded(text) for text in self.texts.take(pa.array(wanted)).to_pylist()]


def _decoded(text: str) -> object:
    try:
        return json.loads(text)
    except RecursionError:
        return text


def _nested(paths: Iterable[Path], leaves: Mapping[Path, object]) -> dict[str, object]:
    whole: dict[str, object] = {}
    for path in paths:
        level: dict[str, Any] = whole
        for key in path[:-1]:
            level = level.setdefault(key, {})
        level[path[-1]] = leaves.get(path)
    return whole


def chunk_of(
    objects: Objects, max_fields: int | None = None, whole: Collection[Path] = ()
) -> Chunk | WideChunk:
    """Take objects apart.

    Parameters
    ----------
    objects : sequence of Mapping, length n
        Decoded JSON objects.
    max_fields : int, optional
        How many different fields they may have, to be taken apart at all.
    whole : collection of tuple, default ()
        Paths where an object is a value like any other.

    Returns
    -------
    Chunk or WideChunk
        Of length n.
    """
    layouts = Layouts(len(objects))
    columns = flatten(objects, whole, layouts, max_fields)
    if columns is None:
        return WideChunk(texts=text_array([as_text(each) for each in objects]))
    return Chunk(parts={column.path: _parts(column) for column in columns}, layouts=layouts)


def _parts(column: Column) -> list[Part]:
    """Part values by kind: which type they share is known when all pages are there."""
    kinds = column.kinds - {NoneType}
    if len(kinds) <= 1:
        return [part for kind in kinds for part in _of_kind(kind, column.positions, column.values)]
    return [
        part
        for kind, at, values in _by_kind(column.values)
        for part in _of_kind(kind, column.positions[at], values)
    ]


def _by_kind(values: Sequence[object]) -> Iterator[tuple[type, list[int], list[object]]]:
    groups: dict[type, tuple[list[int], list[object]]] = {}
    for nth, value in enumerate(values):
        kind = type(value)
        if kind not in groups:
            groups[kind] = ([], [])
        groups[kind][0].append(nth)
        groups[kind][1].append(value)
    groups.pop(NoneType, None)
    for kind, (at, of_kind) in groups.items():
        yield kind, at, of_kind


def _of_kind(kind: type, positions: Positions, values: Sequence[Any]) -> Iterator[Part]:
    """Yield values of one kind and nulls as Arrow; nothing where all are missing."""
    if kind is int:
        try:
            yield Part(kind=int, positions=positions, values=pa.array(values, pa.int64()))
        except OverflowError:
            yield from _long(positions, values)
    elif kind is bool or kind is float:
        array = pa.array(values, _ARROW[kind], from_pandas=True)
        if array.null_count < len(array):
            yield Part(kind=kind, positions=positions, values=array)
    elif kind is str:
        yield Part(kind=str, positions=positions, values=text_array(values))
    else:
        there = [value is not None for value in values]
        if not all(there):
            positions, values = positions[there], [value for value in values if value is not None]
        yield Part(kind=object, positions=positions, values=json_array(values))


def _long(positions: Positions, values: Sequence[int | None]) -> Iterator[Part]:
    """Part integers beyond 64 bits, of which the digits stay, from those that are none."""
    is_long = [value is not None and not -_INT64 <= value < _INT64 for value in values]
    short = [None if long else value for value, long in zip(values, is_long, strict=True)]
    yield Part(kind=int, positions=positions, values=pa.array(short, pa.int64()))
    digits = text_array([str(value) for value, long in zip(values, is_long, strict=True) if long])
    yield Part(kind=object, positions=positions[is_long], values=digits)
