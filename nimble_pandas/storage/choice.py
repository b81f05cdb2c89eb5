"""Which reader: the fastest that does just as fsspec would, or fsspec itself."""

from __future__ import annotations

import logging
import os
from typing import Any

from nimble_pandas.errors import ConfigError
from nimble_pandas.storage.readers import FsspecReader, Reader, Unsuited, is_of

_LOGGER = logging.getLogger("nimble_pandas.storage")

_VARIABLE = "NIMBLE_PANDAS_READER"
_CHOICES = ("auto", "fsspec", "curl")


def asked_for() -> str:
    """Return which reader the environment asks for.

    Returns
    -------
    str
        ``auto``, ``fsspec`` or ``curl``.

    Raises
    ------
    ConfigError
        The variable says something else; nothing was sent.
    """
    choice = os.environ.get(_VARIABLE, "").strip().lower() or "auto"
    if choice not in _CHOICES:
        raise ConfigError(
            f"{_VARIABLE} is {choice!r}, which is no reader.",
            hint="Nothing was sent or read. Set it to auto, fsspec or curl, or not at all.",
        )
    return choice


def choose(fs: Any, path: str, protocol: str, choice: str) -> Reader:  # noqa: ANN401 -- untyped
    """Return the fastest reader that does just as fsspec would.

    Parameters
    ----------
    fs : fsspec.AbstractFileSystem
        The store, opened with the caller's options.
    path : str
        A path in it.
    protocol : str
        With which its URLs begin.
    choice : {"auto", "fsspec", "curl"}
        ``curl`` takes no other for S3 and Google Cloud Storage.

    Returns
    -------
    Reader
        One that asks fsspec whatever it cannot tell, or fsspec's own.

    Raises
    ------
    ConfigError
        The choice was ``curl``, and it cannot do as fsspec would; nothing was read.
    """
    slow = FsspecReader(fs)
    if choice == "fsspec" or protocol not in {"s3", "gs"}:
        return slow
    try:
        return _fast(fs, path, protocol, slow)
    except Exception as exc:  # noqa: BLE001 -- whatever botocore or google-auth raises, fsspec will tell it
        reason = str(exc) if isinstance(exc, Unsuited) else type(exc).__name__
    # out here, for the foreign error, which would be its context, may hold what is secret
    if choice == "curl":
        raise ConfigError(
            f"libcurl cannot read {protocol}://… just as fsspec would: {reason}.",
            hint=f"Nothing was read. Leave {_VARIABLE} unset, and fsspec reads it.",
        )
    _LOGGER.info("%s://… is read through fsspec, which is slower: %s", protocol, reason)
    return slow


def _fast(fs: Any, path: str, protocol: str, slow: FsspecReader) -> Reader:  # noqa: ANN401 -- untyped
    from nimble_pandas.storage import objects

    if objects.is_forked():
        raise Unsuited("this process was forked from one that had begun to read")
    bucket = fs.split_path(path)[0]
    if is_of(fs, "s3fs"):
        from nimble_pandas.storage import s3 as kind
    elif is_of(fs, "gcsfs"):
        from nimble_pandas.storage import gcs as kind  # type: ignore[no-redef]
    else:
        raise Unsuited(f"it is opened by {type(fs).__module__}")
    return objects.ObjectReader(kind.borrow(fs, bucket), f"{protocol}://{bucket}/", slow)
