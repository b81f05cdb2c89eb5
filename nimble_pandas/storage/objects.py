"""Objects through obstore: ten times as many a second, and fsspec asked about what is unclear."""

from __future__ import annotations

import logging
import os
import urllib.parse
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import obstore

from nimble_pandas.storage.packing import (
    MAX_OUTPUT_BYTES,
    Found,
    Packed,
    as_found,
    too_long,
    unpack_together,
)
from nimble_pandas.storage.readers import FsspecReader
from nimble_pandas.storage.window import Admit, Window

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_LOGGER = logging.getLogger("nimble_pandas.storage")

# what a store says of an object that is not there; any other 404 may be a page of something else
_MISSING = ("<Code>NoSuchKey</Code>", "<Code>NoSuchBucket</Code>")

# what is shorter, as most outputs without a page are, is asked for with one call
_SHORT_BYTES = 2**16

# after so few attempts fsspec is asked, which has a patience of its own
RETRIES: RetryConfig = {"max_retries": 4, "retry_timeout": timedelta(seconds=20)}

# obstore asks for credentials anew five minutes before they end, hence once a minute
_CREDENTIALS_LAST = timedelta(minutes=6)

_forked = False


def _in_child() -> None:
    global _forked  # noqa: PLW0603 -- a process is forked or is not
    _forked = True


if hasattr(os, "register_at_fork"):
    # obstore's threads are not in the child, and what it waits on is the parent's too: both would hang
    os.register_at_fork(after_in_child=_in_child)


def is_forked() -> bool:
    """Say whether this process was forked from one that had loaded this module."""
    return _forked


def expires_at() -> datetime:
    """Return until when credentials that fsspec's library looks after may be used unasked."""
    return datetime.now(UTC) + _CREDENTIALS_LAST


def connection(
    url: str, *, proxy: str | None = None, verify: bool = True, **options: str | timedelta
) -> ClientConfig:
    """Return the options of a connection in obstore's words.

    Parameters
    ----------
    url : str
        Where to.
    proxy : str, optional
        Through which proxy; through none, whatever the environment says, if not given.
    verify : bool, default True
        Whether the server's certificate must be good.
    **options
        Further ones.

    Returns
    -------
    dict
        Nothing is left to the variables of the environment that obstore reads and fsspec does not.
    """
    config: ClientConfig = {
        "allow_http": url.startswith("http://"),
        "allow_invalid_certificates": not verify,
        # of all attempts at the longest of outputs; what hangs, the other two find
        "timeout": timedelta(hours=1),
        # there is no other way to say "none"
        "proxy_url": proxy or url,
        "proxy_excludes": "" if proxy else urllib.parse.urlsplit(url).hostname or "",
    }
    config.update(options)  # type: ignore[typeddict-item]
    return config


class ObjectReader:
    """Objects through obstore.

    Parameters
    ----------
    store : obstore.store.ObjectStore
        The bucket.
    prefix : str
        With which the URLs of the bucket's objects begin.
    fsspec : FsspecReader
        The same bucket. It is asked about every answer but the plain ones, so that errors are its own.
    """

    def __init__(self, store: Any, prefix: str, fsspec: FsspecReader) -> None:  # noqa: ANN401 -- made by kind
        self._store = store
        self._prefix = prefix
        self._fsspec = fsspec
        # whether objects are short, as far as is known, and parts of them can be had
        self._are_short = self._has_ranges = True
        # whether it is known to work here, or not to
        self._works = False
        self._fails = False
        # a store is as far away as it was the last time
        self._n_threads: int | None = None

    def read(self, urls: Sequence[str]) -> Iterator[Found]:
        """Yield the content of each object, or why there is none, in order."""
        if self._fails or _forked:
            return self._fsspec.read(urls)
        return self._ahead(urls)

    def find(self, path: str) -> list[str]:
        """Return the paths of all objects under `path`, as fsspec writes them; in no order."""
        bucket, _, key = path.strip("/").partition("/")
        if self._fails or _forked or self._prefix.partition("://")[2] != f"{bucket}/":
            return self._fsspec.find(path)
        try:
            pages = obstore.list(self._store, prefix=key or None, chunk_size=1000)
            found = [f"{bucket}/{each['path']}" for page in pages for each in page]
        except Exception:  # noqa: BLE001 -- a name that obstore does not take, or an error that fsspec will tell
            found = []
        # nothing may be one object, a folder's marker or an error
        return found or self._fsspec.find(path)

    def _ahead(self, urls: Sequence[str]) -> Iterator[Found]:
        window = Window(self._fetch, urls, finish=unpack_together, n_threads=self._n_threads)
        try:
            yield from window
        finally:
            self._n_threads = window.n_threads_wanted

    def _fetch(self, url: str, admit: Admit) -> Found:
        key = self._key(url)
        if key is None or self._fails:
            return self._fsspec.fetch(url, admit)
        try:
            content = self._short(key) if self._are_short and self._has_ranges else None
            if content is None:
                content = self._whole(key, admit)
        except FileNotFoundError as exc:
            if any(word in str(exc) for word in _MISSING):
                return FileNotFoundError(url)
            return self._fsspec.fetch(url, admit)
        except Exception as exc:  # noqa: BLE001 -- fsspec says what it is
            return self._second_opinion(url, admit, exc)
        self._works = True
        return content

    def _short(self, key: str) -> Found | None:
        """Return an object, or None if it is longer: with one call, for each waits for the interpreter."""
        try:
            raw = obstore.get_range(self._store, key, start=0, length=_SHORT_BYTES)
        except FileNotFoundError:
            raise
        except Exception:  # noqa: BLE001 -- whatever it is, the whole object will tell
            self._has_ranges = False
            return None
        return as_found(bytes(raw)) if len(raw) < _SHORT_BYTES else None

    def _whole(self, key: str, admit: Admit) -> Found:
        answer = obstore.get(self._store, key)
        _, n_bytes = answer.range
        if n_bytes > MAX_OUTPUT_BYTES:
            return too_long()
        admit(n_bytes)
        self._are_short = n_bytes < _SHORT_BYTES
        # one that is empty has no range
        self._has_ranges = self._has_ranges or n_bytes == 0
        return as_found(bytes(answer.bytes()))

    def _key(self, url: str) -> str | None:
        """Return the name of an object, or None for one that obstore would respell or fsspec take apart."""
        key = url.removeprefix(self._prefix)
        plain = key != url and not key.startswith("/") and not key.endswith("/")
        return key if plain and "?versionId=" not in key and "#" not in key else None

    def _second_opinion(self, url: str, admit: Admit, exc: Exception) -> Found:
        content = self._fsspec.fetch(url, admit)
        if isinstance(content, bytes | Packed) and not self._works and not self._fails:
            # a proxy, a certificate, a redirect to another region …
            self._fails = True
            _LOGGER.info(
                "%s… is read through fsspec, which is slower: obstore had a %s",
                self._prefix,
                type(exc).__name__,
            )
        return content
