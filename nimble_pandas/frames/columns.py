"""Values of one field, from all pages, become one Arrow column of one type."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from nimble_pandas.frames.chunk import Chunk, Part, WideChunk, chunk_of
from nimble_pandas.frames.flatten import leaf_paths
from nimble_pandas.frames.layouts import NOWHERE, Path, Positions
from nimble_pandas.frames.text import TEXT, as_text, text_array
from nimble_pandas.frames.width import MAX_FIELDS, OTHER, gathered, kept_whole, rare_keys

_BLOCK = 512
_TYPES = {
    frozenset([bool]): pa.bool_(),
    frozenset([int]): pa.int64(),
    frozenset([float]): pa.float64(),
    frozenset([int, float]): pa.float64(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of all objects, in one type.

    Parameters
    ----------
    path : tuple of str
        The keys that lead to it.
    positions : ndarray of int, length n
        Which objects have it, in any order.
    values : pyarrow.ChunkedArray, length n
        What they have.
    """

    path: Path
    positions: Positions
    values: pa.ChunkedArray


def fields(chunks: Sequence[Chunk | WideChunk], rank: Positions, max_fields: int = MAX_FIELDS) -> list[Field]:
    """Give each field of the objects that are shown one type: bool, int64, float64, else text.

    Integers and floats together are floats, unless an integer beyond 2**53 might lose its
    value: that, an integer beyond 64 bits, a list, or any other mixture makes text of all.
    NaN is null, and a field without any value is text. Text is never read as a number or a date.

    Parameters
    ----------
    chunks : sequence of Chunk or WideChunk
        Of n objects together.
    rank : ndarray of int, length n
        Where each object is shown first; `NOWHERE` for one that is not shown.
    max_fields : int, default 1000
        How many fields there may be: beyond that, objects with many different keys are kept whole.

    Returns
    -------
    list of Field
        In the order in which they first appear; their positions count in `rank`.
    """
    shown = _shown(chunks, rank)
    narrow = [(start, chunk) for start, chunk in shown if isinstance(chunk, Chunk)]
    if len(narrow) < len(shown):
        return _narrowed(chunks, rank, max_fields)
    paths = _by_appearance(narrow, rank)
    if len(paths) > max_fields:
        return _narrowed(chunks, rank, max_fields)
    return [_field(path, _shown_parts(path, narrow, rank)) for path in paths]


def _shown(chunks: Sequence[Chunk | WideChunk], rank: Positions) -> list[tuple[int, Chunk | WideChunk]]:
    """Return the chunks of which something is shown, each with its first object's position."""
    starts = np.cumsum([0, *map(len, chunks)]).tolist()
    return [
        (start, chunk)
        for start, chunk in zip(starts, chunks, strict=False)
        if (rank[start : start + len(chunk)] != NOWHERE).any()
    ]


def _by_appearance(chunks: Sequence[tuple[int, Chunk]], rank: Positions) -> list[Path]:
    """Order fields by the first object that has them, and there as it has them."""
    first: dict[Path, tuple[int, int]] = {}
    for start, chunk in chunks:
        for path, place in chunk.layouts.first(rank[start : start + len(chunk)]).items():
            first[path] = min(place, first.get(path, place))
    return sorted(first, key=first.__getitem__)


def _narrowed(chunks: Sequence[Chunk | WideChunk], rank: Positions, max_fields: int) -> list[Field]:
    """Keep objects with many different keys whole, so that the fields are not too many."""
    order = np.argsort(rank, kind="stable")[: int((rank != NOWHERE).sum())]
    starts = np.cumsum([0, *map(len, chunks)])
    objects: list[Mapping[str, object]] = [{}] * len(order)
    for start, chunk in zip(starts, chunks, strict=False):
        (mine,) = np.nonzero((order >= start) & (order < start + len(chunk)))
        for at, each in zip(mine, chunk.objects(order[mine] - start), strict=True):
            objects[at] = each
    paths = dict.fromkeys(chain.from_iterable(map(leaf_paths, objects)))
    whole = kept_whole(paths, max_fields)
    if () in whole:
        objects = list(gathered(objects, rare_keys(objects, paths, whole, max_fields)))
        whole |= {(OTHER,)}
    blocks = [
        chunk_of(objects[start : start + _BLOCK], whole=whole) for start in range(0, len(objects), _BLOCK)
    ]
    found = fields(blocks, np.arange(len(objects)), len(paths) + 1)
    return [replace(field, positions=order[field.positions]) for field in found]


def _shown_parts(path: Path, chunks: Sequence[tuple[int, Chunk]], rank: Positions) -> list[Part]:
    """Return what is shown of one field, its positions counted among all objects."""
    found = []
    all_shown = NOWHERE not in rank
    for start, chunk in chunks:
        for part in chunk.parts.get(path, ()):
            positions, values = part.positions + start, part.values
            if not all_shown:
                shown = rank[positions] != NOWHERE
                positions, values = positions[shown], values.filter(pa.array(shown))
            if values.null_count < len(values):
                found.append(Part(kind=part.kind, positions=positions, values=values))
    return found


def _field(path: Path, parts: list[Part]) -> Field:
    positions = np.concatenate([np.arange(0), *(part.positions for part in parts)])
    return Field(path=path, positions=positions, values=_one_type(parts))


def _one_type(parts: list[Part]) -> pa.ChunkedArray:
    kinds = {part.kind for part in parts}
    try:
        wanted = arrow_type(kinds, exact=True)
        return pa.chunked_array([cast(part, wanted) for part in parts], wanted)
    except pa.ArrowInvalid:
        wanted = arrow_type(kinds, exact=False)
        return pa.chunked_array([cast(part, wanted) for part in parts], wanted)


def arrow_type(kinds: Collection[type], *, exact: bool) -> pa.DataType:
    """Return the one type that holds values of these kinds.

    Parameters
    ----------
    kinds : collection of type
        As `Part` has them, each once.
    exact : bool
        Whether no integer is beyond 2**53, where a float may lose its value.

    Returns
    -------
    pyarrow.DataType
        Text where nothing else holds them all.
    """
    if not exact and {*kinds} == {int, float}:
        return TEXT
    return _TYPES.get(frozenset(kinds), TEXT)


def cast(part: Part, wanted: pa.DataType) -> pa.Array:
    """Return values in the type of their field; `pyarrow.ArrowInvalid` is raised where one would be lost."""
    if part.values.type == wanted:
        return part.values
    if part.kind is float and wanted == TEXT:  # Arrow writes 1e+300 and inf in its own way
        is_plain = part.values.null_count == 0 and pc.all(pc.is_finite(part.values)).as_py()
        return text_array(list(map(repr if is_plain else as_text, part.values.to_pylist())))
    return part.values.cast(wanted)
