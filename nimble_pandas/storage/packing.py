"""Outputs as they lie in a store, plain or gzipped, and how long they may be."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from isal import igzip_lib, isal_zlib

from nimble_pandas.errors import OutputUnreadable

#: The most bytes of one output, unpacked; a page of 10 MB is already a very long one.
MAX_OUTPUT_BYTES = 256 * 2**20

_GZIP_MAGIC = b"\x1f\x8b"


def too_long(max_bytes: int = MAX_OUTPUT_BYTES) -> OutputUnreadable:
    """Return the error of an output that is longer than any page."""
    return OutputUnreadable(f"the output is longer than {max_bytes:,} bytes")


class Packed(msgspec.Struct, frozen=True, gc=False):
    """Bytes that are yet to be unpacked, by whoever takes them: nobody knows how long they become."""

    raw: bytes


#: What was fetched: bytes, packed ones, or why there are none.
Found: TypeAlias = bytes | Packed | BaseException


def as_found(raw: bytes) -> bytes | Packed:
    """Return what was fetched, told apart by its first bytes and its length."""
    return Packed(raw) if raw.startswith(_GZIP_MAGIC) or len(raw) > MAX_OUTPUT_BYTES else raw


def unpack(raw: bytes, max_bytes: int = MAX_OUTPUT_BYTES) -> bytes:
    """Return the content of an output, gzipped or not.

    Parameters
    ----------
    raw : bytes
        As it lies in the store. The first two bytes tell, not the name: stores and their readers differ
        in whether they unpack.
    max_bytes : int, default 268,435,456
        The most bytes that it may unpack to.

    Returns
    -------
    bytes
        The content.

    Raises
    ------
    OutputUnreadable
        It is truncated or damaged, or longer than `max_bytes`.
    """
    parts: list[bytes] = []
    n_bytes = 0
    while raw.startswith(_GZIP_MAGIC):
        member = isal_zlib.decompressobj(wbits=31)
        try:
            part = member.decompress(raw, max_bytes - n_bytes + 1)
        except igzip_lib.IsalError as exc:  # type: ignore[misc]  # to its stub the class is an instance
            raise OutputUnreadable(f"the output is damaged gzip: {exc}") from exc
        n_bytes += len(part)
        if n_bytes > max_bytes:
            raise OutputUnreadable(f"the output unpacks to more than {max_bytes:,} bytes")
        if not member.eof:
            raise OutputUnreadable("the output is truncated gzip")
        parts.append(part)
        raw = member.unused_data
    if len(raw) > max_bytes:
        raise too_long(max_bytes)
    return b"".join(parts) if parts else raw
