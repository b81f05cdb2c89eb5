"""Values of one field, from all pages, become one Arrow column of one type."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import compress
from types import NoneType

import numpy as np
import pyarrow as pa

from nimble_pandas.frames.flatten import Column, Objects, Path, Positions, flatten
from nimble_pandas.frames.text import TEXT, as_text, text_array
from nimble_pandas.frames.width import MAX_FIELDS, OTHER, gathered, kept_whole, rare_keys

# Small enough for the processor's cache, large enough for Arrow: measured best of 128 to 20,000.
_BLOCK = 1024
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Values of one kind, from one block: `bool`, `int`, `float`, `str`, or `object` as JSON text."""

    kind: type
    positions: Positions
    values: pa.Array


def fields(objects: Objects, max_fields: int = MAX_FIELDS) -> list[Field]:
    """Take nested objects apart into fields, and give each one type: bool, int64, float64, else text.

    Integers and floats together are floats, unless an integer beyond 2**53 might lose its
    value: that, an integer beyond 64 bits, a list, or any other mixture makes text of all.
    NaN is null, and a field without any value is text. Text is never read as a number or a date.

    Parameters
    ----------
    objects : sequence of Mapping, length n
        Decoded JSON objects.
    max_fields : int, default 1000
        How many fields there may be: beyond that, objects with many different keys are kept whole.

    Returns
    -------
    list of Field
        In the order in which they first appear; their positions count in `objects`.
    """
    parts = _flattened(objects, (), max_fields)
    if parts is None:
        parts = _flattened(*_narrowed(objects, max_fields), None)
    return [_field(path, found) for path, found in (parts or {}).items()]


def _flattened(
    objects: Objects, whole: Collection[Path], max_fields: int | None
) -> dict[Path, list[_Part]] | None:
    """Return the parts of each field, or None as soon as there are too many fields."""
    parts: dict[Path, list[_Part]] = {}
    for start in range(0, len(objects), _BLOCK):
        for column in flatten(objects[start : start + _BLOCK], whole):
            parts.setdefault(column.path, []).extend(_parts(column, start))
        if max_fields is not None and len(parts) > max_fields:
            return None
    return parts


def _narrowed(objects: Objects, max_fields: int) -> tuple[Objects, set[Path]]:
    """Return the objects as they are to be flattened, and what of them is to be kept whole."""
    blocks = (objects[start : start + _BLOCK] for start in range(0, len(objects), _BLOCK))
    paths = dict.fromkeys(column.path for block in blocks for column in flatten(block))
    whole = kept_whole(paths, max_fields)
    if () in whole:
        objects = list(gathered(objects, rare_keys(objects, paths, whole, max_fields)))
        whole |= {(OTHER,)}
    return objects, whole


def _parts(column: Column, start: int) -> list[_Part]:
    """Part a block's values by kind: which type they share is known after the last block."""
    positions, values = column.positions + start, column.values
    kinds = column.kinds - {NoneType}
    if len(kinds) <= 1:
        return [_part(kind, positions, values) for kind in kinds]
    masks = {kind: [type(value) is kind for value in values] for kind in kinds}
    return [_part(kind, positions[mask], list(compress(values, mask))) for kind, mask in masks.items()]


def _part(kind: type, positions: Positions, values: Sequence[object]) -> _Part:
    if kind is int:
        try:
            return _Part(kind=int, positions=positions, values=pa.array(values, pa.int64()))
        except OverflowError:  # beyond 64 bits: its digits
            kind = object
    if kind in (bool, float):
        array = pa.array(values, _TYPES[frozenset([kind])], from_pandas=True)
        kind = NoneType if array.null_count == len(array) else kind
    elif kind is str:
        array = text_array(values)
    else:
        kind, array = object, text_array([as_text(value) for value in values])
    return _Part(kind=kind, positions=positions, values=array)


def _field(path: Path, parts: list[_Part]) -> Field:
    parts = [part for part in parts if part.kind is not NoneType]
    positions = np.concatenate([np.arange(0), *(part.positions for part in parts)])
    return Field(path=path, positions=positions, values=_one_type(parts))


def _one_type(parts: list[_Part]) -> pa.ChunkedArray:
    wanted = _TYPES.get(frozenset(part.kind for part in parts), TEXT)
    try:
        return pa.chunked_array([_cast(part, wanted) for part in parts], wanted)
    except pa.ArrowInvalid:  # an integer beyond 2**53, among floats
        return pa.chunked_array([_cast(part, TEXT) for part in parts], TEXT)


def _cast(part: _Part, wanted: pa.DataType) -> pa.Array:
    if part.kind is float and wanted == TEXT:  # Arrow writes 1e+300 and inf in its own way
        return text_array([as_text(value) for value in part.values.to_pylist()])
    return part.values.cast(wanted)
