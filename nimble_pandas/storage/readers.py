"""What fetches objects and lists them: any reader, and fsspec's own."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from fsspec.implementations.local import LocalFileSystem

from nimble_pandas.patience import wait_until_done
from nimble_pandas.storage.packing import MAX_OUTPUT_BYTES, Found, Packed, as_found, too_long
from nimble_pandas.storage.window import Admit, Window

# objects under way at once: beyond this s3fs, whose limit is CPU, gets no faster
_CONCURRENCY = 64


# files of this machine that are read together
_FROM_DISK = 16


class Unsuited(Exception):  # noqa: N818 -- reads as what it is
    """A store cannot be read in the fast way just as fsspec would read it; says why, with no value."""


class Reader(Protocol):
    """What fetches objects and lists them."""

    def read(self, urls: Sequence[str]) -> Iterator[Found]:
        """Yield the content of each object, or why there is none, in order."""

    def find(self, path: str) -> list[str]:
        """Return the paths of all objects under `path`, as fsspec writes them; in no order."""


class FsspecReader:
    """Objects through fsspec, many at a time.

    Parameters
    ----------
    fs : fsspec.AbstractFileSystem
        The store.
    """

    def __init__(self, fs: Any) -> None:  # noqa: ANN401 -- untyped
        self._fs = fs
        # one stream for an object: s3fs would else ask for its size once more
        self._how = {"max_concurrency": 1} if is_of(fs, "s3fs") else {}

    def read(self, urls: Sequence[str]) -> Iterator[Found]:
        """Yield the content of each object, or why there is none, in order."""
        if not self._fs.async_impl:
            n_together = _FROM_DISK if isinstance(self._fs, LocalFileSystem) else 1
            return iter(Window(self._fetch, urls, n_threads=os.cpu_count() or 1, n_together=n_together))
        return self._on_loop(urls)

    def _fetch(self, url: str, admit: Admit) -> Found:
        try:
            path = self._fs._strip_protocol(url)  # noqa: SLF001 -- fsspec's documented hook
            admit(_short_enough(self._fs.size(path)))
            return as_found(self._fs.cat_file(path))
        except Exception as exc:  # noqa: BLE001 -- whatever a store raises, it is this one object's trouble
            return exc

    def submit(self, url: str) -> Future[bytes | Packed]:
        """Have an object fetched by an asynchronous filesystem."""
        return asyncio.run_coroutine_threadsafe(self._cat(url), self._fs.loop)

    def find(self, path: str) -> list[str]:
        """Return the paths of all objects under `path`, as fsspec writes them; in no order."""
        return list(self._fs.find(path))

    def _on_loop(self, urls: Sequence[str]) -> Iterator[Found]:
        under_way: deque[Future[bytes | Packed]] = deque()
        try:
            for url in urls:
                under_way.append(self.submit(url))
                if len(under_way) >= _CONCURRENCY:
                    wait_until_done(under_way[0])
                    yield outcome(under_way.popleft())
            while under_way:
                wait_until_done(under_way[0])
                yield outcome(under_way.popleft())
        finally:
            # an interrupt does not wait for answers that nobody will look at
            for each in under_way:
                each.cancel()

    async def _cat(self, url: str) -> bytes | Packed:
        path = self._fs._strip_protocol(url)  # noqa: SLF001 -- fsspec's documented hook
        _short_enough((await self._fs._info(path)).get("size"))  # noqa: SLF001 -- likewise
        return as_found(await self._fs._cat_file(path, **self._how))  # noqa: SLF001 -- likewise


def outcome(future: Future[bytes | Packed]) -> Found:
    """Return what fsspec has found, or why it has not."""
    try:
        content = future.result()
    except Exception as exc:  # noqa: BLE001 -- whatever a store raises, it is this one object's trouble
        return exc
    return content


def _short_enough(n_bytes: int | None) -> int:
    if (n_bytes or 0) > MAX_OUTPUT_BYTES:
        raise too_long()
    return n_bytes or 0


def is_of(fs: object, package: str) -> bool:
    """Say whether a filesystem is a package's own, and no other under the same protocol."""
    return type(fs).__module__.partition(".")[0] == package
