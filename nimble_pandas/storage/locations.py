"""Locations of outputs, in the one spelling that service and stores share."""

from __future__ import annotations

import os
import pathlib
import re

from nimble_pandas.errors import ConfigError

# a slip of the hand, which would else be a folder of that name
_ONE_SLASH = re.compile(r"(s3a?|gs|gcs|file|local|https?):(?!//)", re.IGNORECASE)

_HOW = (
    'Nothing was sent or read. Type "s3://bucket/prefix/", "gs://bucket/prefix/" or a folder such as "out/".'
)

_ALIASES = {"s3a": "s3", "gcs": "gs", "local": "file"}


def normalise_url(storage_url: str | os.PathLike[str]) -> str:
    """Return a location in the one spelling that service and stores share.

    Parameters
    ----------
    storage_url : str or path
        ``s3://``, ``s3a://``, ``gs://``, ``gcs://``, ``file://``, or a folder of this machine. Any other
        protocol, such as ``https://``, stays as it is.

    Returns
    -------
    str
        With ``s3://``, ``gs://`` or ``file://`` and an absolute path with no ``..``.

    Raises
    ------
    ConfigError
        It names no location; nothing was sent.
    """
    url = os.fspath(storage_url) if isinstance(storage_url, str | os.PathLike) else storage_url
    if not isinstance(url, str) or not url.strip():
        raise ConfigError(f"{storage_url!r} is no location of outputs.", hint=_HOW)
    if _ONE_SLASH.match(url):
        raise ConfigError(f"{url!r} lacks the two slashes after its colon.", hint=_HOW)
    protocol, separator, rest = url.partition("://")
    if not separator:
        return _folder(url)
    protocol = _ALIASES.get(protocol.lower(), protocol.lower())
    if protocol == "file" and rest:
        return _folder(rest)
    if not rest or (protocol in {"s3", "gs"} and rest.startswith("/")):
        raise ConfigError(f"{url!r} names no {'folder' if protocol == 'file' else 'bucket'}.", hint=_HOW)
    if protocol in {"s3", "gs"} and ".." in rest.split("/"):
        raise ConfigError(f"{url!r} has a '..', which is no way up in a bucket.", hint=_HOW)
    return f"{protocol}://{rest}"


def _folder(path: str) -> str:
    # as text, for what is to be written there need not be there yet
    folder = pathlib.Path(os.path.abspath(os.path.expanduser(path))).as_posix()  # noqa: PTH100, PTH111
    return f"file://{folder}/" if path.endswith("/") and folder != "/" else f"file://{folder}"
