"""Outputs in a store, through fsspec: many at a time, each with its own success or error."""

from __future__ import annotations

import asyncio
import os
import pathlib
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

from fsspec.asyn import sync
from fsspec.core import url_to_fs

from nimble_pandas.errors import ConfigError, OutputMissing, OutputUnreadable, StorageError
from nimble_pandas.options import Options

#: The most bytes of one output, unpacked; a page of 10 MB is already a very long one.
MAX_OUTPUT_BYTES = 256 * 2**20

# objects under way at once: beyond this s3fs, whose limit is CPU, gets no faster
_CONCURRENCY = 64

# objects in memory at once, before their payloads are read
_WINDOW = 256

_GZIP_MAGIC = b"\x1f\x8b"

# a slip of the hand, which would else be a folder of that name
_ONE_SLASH = re.compile(r"(s3a?|gs|gcs|file|local|https?):(?!//)", re.IGNORECASE)

# of an output below its prefix: it ends in no slash, and nothing in it is chained or escaped
_NAME = re.compile(r"(?!.*::)[^\\\x00-\x1f\x7f]*[^\\\x00-\x1f\x7f/]", re.DOTALL)
_SLASHES = re.compile(r"[/\\]")

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


class Store:
    """The place where a job's outputs land.

    Parameters
    ----------
    storage_url : str
        A location, as `normalise_url` returns it.
    storage_options : Mapping, optional
        Handed to fsspec as they are.

    Raises
    ------
    ConfigError
        fsspec does not know the protocol or does not take the options.
    """

    def __init__(self, storage_url: str, storage_options: Mapping[str, Any] | None = None) -> None:
        self.storage_url = storage_url
        self._options = storage_options = Options(storage_options)
        try:
            # a cached listing hides files that land later
            self.fs, self.path = url_to_fs(storage_url, **{"use_listings_cache": False, **storage_options})
        except Exception as exc:  # noqa: BLE001 -- each store's library has errors of its own
            what = self._what(exc)
        else:
            return
        # out here, for the foreign error, which would be its context, holds what is masked
        raise ConfigError(
            f"the store of {storage_url!r} cannot be opened: {what}.",
            hint="Nothing was sent. Check storage_url= and storage_options=.",
        )

    def __reduce__(self) -> tuple[type[Store], tuple[str]]:
        # fsspec's pickles hold the options
        return Store, (self.storage_url,)

    def __deepcopy__(self, memo: object) -> Store:
        # nothing in it changes, and unlike a pickle a copy stays where the options are
        return self

    def __repr__(self) -> str:
        return f"Store({self.storage_url!r})"

    def holds(self, url: str) -> bool:
        """Say whether `url` lies under this store's prefix, with no way out of it.

        Parameters
        ----------
        url : str
            Where the service says that an output lies.

        Returns
        -------
        bool
            False for another bucket, prefix or protocol, for any ``..``, encoded or not, and for what some
            reader may take for more than a name: a backslash, ``::``, a control character.
        """
        prefix = self.storage_url.rstrip("/") + "/"
        try:
            inside, _, name = normalise_url(url).partition(prefix)
        except ConfigError:
            return False
        decoded = unquote(unquote(url))
        return not inside and _NAME.fullmatch(name) is not None and ".." not in _SLASHES.split(decoded)

    def read(self, urls: Sequence[str]) -> Iterator[tuple[str, bytes | StorageError]]:
        """Read outputs, many at a time.

        Parameters
        ----------
        urls : sequence of str
            Where they lie.

        Yields
        ------
        tuple of str and (bytes or StorageError)
            Each URL, in order, with what lies there, unpacked, or the reason why it cannot be read.
        """
        for start in range(0, len(urls), _WINDOW):
            window = urls[start : start + _WINDOW]
            for url, found in zip(window, self._fetch(window), strict=True):
                yield url, self._unpacked(url, found)

    def find(self, prefix: str | None = None) -> list[str]:
        """Return the URLs of all outputs under the prefix, sorted.

        Parameters
        ----------
        prefix : str, optional
            A part of this store; all of it if not given.

        Returns
        -------
        list of str
            Of every object whose name ends in ``.json`` or ``.json.gz``.

        Raises
        ------
        StorageError
            The prefix cannot be listed.
        """
        try:
            paths = self.fs.find(self.path if prefix is None else self.fs._strip_protocol(prefix))  # noqa: SLF001
        except Exception as exc:  # noqa: BLE001 -- as above
            error = self._error(prefix or self.storage_url, exc)
        else:
            return self._outputs(paths)
        raise error

    def _outputs(self, paths: Iterable[str]) -> list[str]:
        return [
            normalise_url(self.fs.unstrip_protocol(path))
            for path in sorted(paths)
            if path.endswith((".json", ".json.gz"))
        ]

    def _fetch(self, urls: Sequence[str]) -> Sequence[bytes | BaseException]:
        paths = [self.fs._strip_protocol(url) for url in urls]  # noqa: SLF001 -- fsspec's documented hook
        if self.fs.async_impl:
            found: Sequence[bytes | BaseException] = sync(self.fs.loop, _gather, self.fs, paths)
            return found
        with ThreadPoolExecutor(min(_CONCURRENCY, os.cpu_count() or 1)) as pool:
            return list(pool.map(self._cat_file, paths))

    def _cat_file(self, path: str) -> bytes | BaseException:
        try:
            content: bytes = self.fs.cat_file(path)
        except Exception as exc:  # noqa: BLE001 -- whatever a store raises, it is this one object's trouble
            return exc
        return content

    def _unpacked(self, url: str, found: bytes | BaseException) -> bytes | StorageError:
        if isinstance(found, bytes):
            try:
                return unpack(found)
            except OutputUnreadable as exc:
                return exc
        if not isinstance(found, Exception):
            # an interrupt is nobody's output
            raise found
        return self._error(url, found)

    def _error(self, url: str, exc: Exception) -> StorageError:
        if isinstance(exc, FileNotFoundError):
            return OutputMissing(f"there is no output at {url}")
        return StorageError(f"{url} cannot be read: {self._what(exc)}")

    def _what(self, exc: Exception) -> str:
        """Return what a store's library says, without the options that it was given."""
        text = self._options.mask(str(exc))
        return f"{type(exc).__name__}: {text}" if text not in {"", "None"} else type(exc).__name__


async def _gather(fs: Any, paths: Sequence[str]) -> list[bytes | BaseException]:  # noqa: ANN401 -- untyped
    window = asyncio.Semaphore(_CONCURRENCY)

    async def cat_file(path: str) -> bytes:
        async with window:
            content: bytes = await fs._cat_file(path)  # noqa: SLF001 -- fsspec's documented hook
            return content

    return await asyncio.gather(*map(cat_file, paths), return_exceptions=True)


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
        member = zlib.decompressobj(wbits=31)
        try:
            part = member.decompress(raw, max_bytes - n_bytes + 1)
        except zlib.error as exc:
            raise OutputUnreadable(f"the output is damaged gzip: {exc}") from exc
        n_bytes += len(part)
        if n_bytes > max_bytes:
            raise OutputUnreadable(f"the output unpacks to more than {max_bytes:,} bytes")
        if not member.eof:
            raise OutputUnreadable("the output is truncated gzip")
        parts.append(part)
        raw = member.unused_data
    if len(raw) > max_bytes:
        raise OutputUnreadable(f"the output is longer than {max_bytes:,} bytes")
    return b"".join(parts) if parts else raw
