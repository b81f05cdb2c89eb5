"""Content keys: what tells a request from any other, wherever and whenever it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np
import pyarrow as pa

from nimble_pandas.planning.columns import Codes, Column, Flags, join_objects

#: Bytes of a content key.
KEY_BYTES = 16

# rows hashed at a time: their texts are the only ones held
_MANY = 1 << 14


def content_keys(columns: Mapping[str, Column], n_rows: int) -> pa.Array:
    """Return the content key of each row's request.

    It is the BLAKE2b hash of the request as JSON, defaults filled in and parameters in order of their names;
    to say what the documentation names as the default is to say nothing.

    Parameters
    ----------
    columns : Mapping of str to Column
        Every parameter.
    n_rows : int
        The number of rows.

    Returns
    -------
    pyarrow.Array of fixed-size binary, length n
        16 bytes each.
    """
    meant = [
        column
        for _, column in sorted(columns.items())
        if column.default is not None or column.texts.null_count < len(column.texts)
    ]
    hashes = bytearray(n_rows * KEY_BYTES)
    for start in range(0, n_rows, _MANY):
        rows = slice(start, min(start + _MANY, n_rows))
        said = join_objects([column.meanings(rows) for column in meant], rows.stop - start)
        texts = said.cast(pa.large_binary()).to_pylist()
        place = slice(rows.start * KEY_BYTES, rows.stop * KEY_BYTES)
        hashes[place] = b"".join([blake2b(text, digest_size=KEY_BYTES).digest() for text in texts])
    return keys_of(hashes)


def keys_of(hashes: bytes | bytearray) -> pa.Array:
    """Return keys that stand one after another as an array of them."""
    buffers = [None, pa.py_buffer(hashes)]
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(KEY_BYTES), len(hashes) // KEY_BYTES, buffers)


def share(keys: pa.Array, is_valid: Flags) -> tuple[Codes, Codes, pa.Array]:
    """Give rows of equal keys one request.

    Parameters
    ----------
    keys : pyarrow.Array, length n
        Of each row.
    is_valid : numpy.ndarray of bool, shape (n,)
        Which rows can be sent.

    Returns
    -------
    request_of_row : numpy.ndarray, shape (n,)
        Requests stand in the order in which the rows first ask for them; -1 for a row that cannot be sent.
    first_rows : numpy.ndarray, shape (k,)
        The first row of each request.
    keys : pyarrow.Array, length k
        Of each request.
    """
    rows = np.flatnonzero(is_valid)
    if len(rows) == len(keys) and _are_distinct(keys):
        return rows, rows, keys
    encoded = (keys if len(rows) == len(keys) else keys.take(pa.array(rows))).dictionary_encode()
    request_of_row = np.full(len(keys), -1, dtype=np.intp)
    request_of_row[rows] = encoded.indices
    first_rows = np.empty(len(encoded.dictionary), dtype=np.intp)
    # of several, the one that is written last stays
    first_rows[request_of_row[rows[::-1]]] = rows[::-1]
    return request_of_row, first_rows, encoded.dictionary


def _are_distinct(keys: pa.Array) -> bool:
    # where no two of the first halves are equal, no two keys are: a fifth of the time, a third of the memory
    halves = np.sort(np.frombuffer(keys.buffers()[1], dtype=np.int64)[::2])
    return not (halves[1:] == halves[:-1]).any()
