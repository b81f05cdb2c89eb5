"""Text that every writer takes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from itertools import chain
from math import isfinite

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

# 64-bit offsets: pages of one job pass the 2 GB that a plain Arrow string column can hold.
TEXT = pa.large_string()
# One buffer that grows to 30 MB is moved again and again: up to ten times slower than chunks.
_CHUNK = 1024
# … and Arrow's own allocator has the kernel clear twice the memory, time and again
_POOL = pa.system_memory_pool()

# decoded JSON has no circles, and looking for them costs a quarter of the time
_encode = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, default=str, separators=(",", ":")
).encode

# Writes what `json` writes, but makes null of what is no number, and raises one of these where it cannot.
_fast = msgspec.json.Encoder()
_REFUSED = RecursionError, TypeError, ValueError

_NEWLINE = b"\n"

# characters from which texts are joined sooner than converted
_LONG = 100


def as_text(value: object) -> str | None:
    """Return text as it is, null as it is, and anything else as JSON text.

    Parameters
    ----------
    value : object
        A decoded JSON value; what JSON does not know is written as its ``str``.

    Returns
    -------
    str or None
        Without spaces; ``json.loads`` of it gives `value` back, unless `value` was text or null.
    """
    if value is None or isinstance(value, str):
        return value
    if type(value) is int or (type(value) is float and isfinite(value)):
        return repr(value)  # as json has it, in a tenth of the time
    if type(value) is list or type(value) is dict:
        with contextlib.suppress(*_REFUSED):
            encoded = _fast.encode(value)
            if _is_whole(encoded, [value]):
                return encoded.decode()
    try:
        return _encode(value)
    except RecursionError:
        return _encode_deep(value)


def json_array(values: Sequence[object]) -> pa.Array:
    """Return lists and objects as JSON text in an Arrow array, all in one go.

    Parameters
    ----------
    values : sequence of object, length n
        Decoded JSON values; none is null.

    Returns
    -------
    pyarrow.Array
        Length n: what `as_text` makes of each.
    """
    lines = b""
    with contextlib.suppress(*_REFUSED):
        lines = _fast.encode_lines(values)
    if not (lines and _is_whole(lines, values)):
        return text_array([as_text(value) for value in values])
    # JSON text has no line breaks of its own
    ends = np.flatnonzero(np.frombuffer(lines, np.uint8) == ord(_NEWLINE))
    return _joined(lines.replace(_NEWLINE, b""), ends - np.arange(len(ends)))


def _is_whole(encoded: bytes, values: Sequence[object]) -> bool:
    """Say whether no null among what was encoded stands for NaN or an infinity."""
    if b"null" not in encoded:
        return True
    level = values
    while level:
        kinds = set(map(type, level))
        if float in kinds and not all(isfinite(each) for each in level if isinstance(each, float)):
            return False
        below: list[object] = []
        if dict in kinds:
            below += chain.from_iterable(each.values() for each in level if isinstance(each, dict))
        if list in kinds:
            below += chain.from_iterable(each for each in level if isinstance(each, list))
        level = below
    return True


def _joined(together: bytes, ends: npt.NDArray[np.int64]) -> pa.Array:
    """Return an array of texts from what they are when joined, and where each ends there."""
    offsets = np.append(0, ends)
    return pa.Array.from_buffers(TEXT, len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(together)])


def without_surrogates(text: str) -> str:
    """Replace lone surrogates, which UTF-8 and so Parquet cannot hold, by U+FFFD.

    Parameters
    ----------
    text : str
        Any text; JSON may say an escape of half a pair, and Python decodes it.

    Returns
    -------
    str
        The same text, where it has none.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def text_array(values: Sequence[object]) -> pa.Array:
    """Return text and nulls as an Arrow array, lone surrogates replaced.

    Parameters
    ----------
    values : sequence of str or None, length n
        Text and nulls.

    Returns
    -------
    pyarrow.Array
        Length n, in the order of `values`.
    """
    try:
        together = "".join(values)  # type: ignore[arg-type]
        if together.isascii() and len(together) > _LONG * len(values):
            return _joined(together.encode(), np.cumsum(np.fromiter(map(len, values), np.int64)))  # type: ignore[arg-type]
    except TypeError:
        # nulls
        pass
    try:
        return pa.array(values, TEXT, memory_pool=_POOL)
    except UnicodeEncodeError:
        clean = [without_surrogates(value) if isinstance(value, str) else None for value in values]
        return pa.array(clean, TEXT)


def text_column(values: Sequence[object]) -> pa.ChunkedArray:
    """Return text and nulls, however much, as an Arrow column, lone surrogates replaced.

    Parameters
    ----------
    values : sequence of str or None, length n
        Text and nulls.

    Returns
    -------
    pyarrow.ChunkedArray
        Length n, in the order of `values`.
    """
    starts = range(0, len(values), _CHUNK)
    return pa.chunked_array([text_array(values[start : start + _CHUNK]) for start in starts], TEXT)


def _encode_deep(value: object) -> str:
    """Write what is nested too deeply for the stack, piece by piece, just as `json` would."""
    written: list[str] = []
    waiting = [(value, False)]
    while waiting:
        item, is_written = waiting.pop()
        if is_written:
            written.append(str(item))
        elif isinstance(item, dict | list | tuple) and item:
            waiting.extend(reversed(_pieces(item)))
        else:
            written.append(_encode(item))
    return "".join(written)


def _pieces(item: dict[str, object] | list[object] | tuple[object, ...]) -> list[tuple[object, bool]]:
    """Take one level apart into values (False) and the marks between them (True)."""
    opening, closing = "{}" if isinstance(item, dict) else "[]"
    pieces: list[tuple[object, bool]] = [(opening, True)]
    pairs = item.items() if isinstance(item, dict) else ((None, value) for value in item)
    for key, value in pairs:
        comma = "" if len(pieces) == 1 else ","
        name = "" if key is None else f"{_encode(key)}:"
        pieces += [(comma + name, True), (value, False)]
    return [*pieces, (closing, True)]
