"""Objects through libcurl: many times as many a second, and fsspec asked about what is unclear."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import NamedTuple

import obstore
import pycurl

from nimble_pandas.patience import look_up, seconds_to_wait, wait_until_done
from nimble_pandas.storage.addresses import Addresses, Unsigned
from nimble_pandas.storage.connection import Bucket
from nimble_pandas.storage.packing import Found, Packed, as_found, too_long
from nimble_pandas.storage.readers import FsspecReader, outcome
from nimble_pandas.storage.transfers import Fetched, Transfers

_LOGGER = logging.getLogger("nimble_pandas.storage")

_OK = 200
_NOT_FOUND = 404
# what a store says of an object that is not there; any other 404 may be a page of something else
_MISSING = (b"<Code>NoSuchKey</Code>", b"<Code>NoSuchBucket</Code>")

# so many are taken before libcurl's turn comes again
_TAKEN_AT_A_TIME = 16

_forked = False


def _in_child() -> None:
    global _forked  # noqa: PLW0603 -- a process is forked or is not
    _forked = True


if hasattr(os, "register_at_fork"):
    # obstore's threads are not in the child, and the connections are the parent's too
    os.register_at_fork(after_in_child=_in_child)


def is_forked() -> bool:
    """Say whether this process was forked from one that had loaded this module."""
    return _forked


class ObjectReader:
    """Objects of a bucket through libcurl, and whatever is no plain answer through fsspec.

    Parameters
    ----------
    bucket : Bucket
        Where it is, and how it is asked.
    prefix : str
        With which the URLs of the bucket's objects begin.
    fsspec : FsspecReader
        The same bucket. It is asked about every answer but the plain ones, so that errors are its own.
    """

    def __init__(self, bucket: Bucket, prefix: str, fsspec: FsspecReader) -> None:
        self.bucket = bucket
        self.prefix = prefix
        self.fsspec = fsspec
        #: Whether libcurl is known to work here, or not to.
        self.works = False
        self.fails = False
        # connections stay open from one reading to the next
        self._idle: list[Transfers] = []

    def read(self, urls: Sequence[str]) -> Iterator[Found]:
        """Yield the content of each object, or why there is none, in order."""
        return self.fsspec.read(urls) if self.fails or _forked else self._read(urls)

    def find(self, path: str) -> list[str]:
        """Return the paths of all objects under `path`, as fsspec writes them; in no order."""
        bucket, _, key = path.strip("/").partition("/")
        store = self.bucket.lists
        if store is None or self.fails or _forked or self.prefix.partition("://")[2] != f"{bucket}/":
            return self.fsspec.find(path)
        try:
            pages = obstore.list(store, prefix=key or None, chunk_size=1000)
            found = [f"{bucket}/{each['path']}" for page in pages for each in page]
        except Exception:  # noqa: BLE001 -- a name that obstore does not take, or an error that fsspec will tell
            found = []
        # nothing may be one object, a folder's marker or an error
        return found or self.fsspec.find(path)

    def give_up(self, reason: str) -> None:
        """Leave all objects to fsspec from now on."""
        if not self.fails:
            self.fails = True
            _LOGGER.info("%s… is read through fsspec, which is slower: %s", self.prefix, reason)

    def _read(self, urls: Sequence[str]) -> Iterator[Found]:
        try:
            transfers = self._idle.pop()
        except IndexError:
            transfers = Transfers(self.bucket.connection.for_curl())
        reading = _Reading(self, transfers, urls)
        try:
            yield from reading
        except BaseException:
            # whoever leaves early leaves requests under way
            reading.abandon()
            raise
        self._idle.append(transfers)


class _Asked(NamedTuple):
    """What fsspec was asked about, and what libcurl had before."""

    second: Future[bytes | Packed]
    first: Fetched | None


class _Reading:
    """Objects that are fetched ahead of whoever takes them.

    Parameters
    ----------
    reader : ObjectReader
        Knows where and how.
    transfers : Transfers
        In which nothing is under way.
    urls : sequence of str
        Of the objects.
    """

    def __init__(self, reader: ObjectReader, transfers: Transfers, urls: Sequence[str]) -> None:
        self._reader = reader
        self._transfers = transfers
        self._urls = urls
        self._n_sent = 0
        self._found: dict[int, Found | _Asked] = {}
        # of what was found, in bytes
        self._n_held = 0
        self._addresses = Addresses(reader.bucket.sign, reader.prefix, urls)

    def __iter__(self) -> Iterator[Found]:
        """Yield what was found, in order."""
        found = self._found
        for turn in range(len(self._urls)):
            if turn % _TAKEN_AT_A_TIME == 0 or turn not in found:
                look_up()
                self._proceed(turn)
            while turn not in found:
                if turn == self._n_sent:
                    # given up: it would have been sent
                    yield from self._reader.fsspec.read(self._urls[turn:])
                    return
                self._transfers.wait(seconds_to_wait())
                self._proceed(turn)
            content = found.pop(turn)
            if type(content) is bytes:
                self._n_held -= len(content)
                yield content
            else:
                yield self._settled(content)

    def abandon(self) -> None:
        """Let go of what nobody will look at."""
        self._transfers.close()
        for found in self._found.values():
            if isinstance(found, _Asked):
                found.second.cancel()

    def _proceed(self, turn: int) -> None:
        self._send(turn)
        for fetched in self._transfers.proceed(turn, self._n_held):
            if fetched.status == _OK and not fetched.error:
                self._reader.works = True
                self._n_held += len(fetched.content)
                self._found[fetched.place] = as_found(fetched.content)
            else:
                self._found[fetched.place] = self._second_opinion(fetched)

    def _send(self, turn: int) -> None:
        # the one that is waited for always may, and nothing runs too far ahead of it
        n_more = max(self._transfers.n_more(self._n_held), turn + 1 - self._n_sent)
        n_most = min(self._n_sent + n_more, turn + 2 * self._transfers.n_wanted, len(self._urls))
        while self._n_sent < n_most and not self._reader.fails:
            try:
                addresses = self._addresses.take(n_most - self._n_sent)
            except Unsigned as exc:
                # what it is, fsspec will tell
                self._reader.give_up(f"signing failed with {exc}")
                return
            for place, address in enumerate(addresses, self._n_sent):
                if address is None:
                    self._found[place] = self._ask(place)
                else:
                    self._transfers.start(place, address, self._addresses.headers)
            self._n_sent += len(addresses)

    def _ask(self, place: int, first: Fetched | None = None) -> _Asked:
        return _Asked(self._reader.fsspec.submit(self._urls[place]), first)

    def _second_opinion(self, fetched: Fetched) -> Found | _Asked:
        if fetched.error == pycurl.E_FILESIZE_EXCEEDED:
            return too_long()
        if fetched.status == _NOT_FOUND and any(word in fetched.content for word in _MISSING):
            return FileNotFoundError(self._urls[fetched.place])
        return self._ask(fetched.place, fetched)

    def _settled(self, found: Found | _Asked) -> Found:
        if isinstance(found, Packed):
            self._n_held -= len(found.raw)
        if not isinstance(found, _Asked):
            return found
        wait_until_done(found.second)
        content = outcome(found.second)
        first = found.first
        if first and isinstance(content, bytes | Packed) and not self._reader.works and not first.may_pass:
            # a proxy, a certificate, a redirect to another region …
            self._reader.give_up(first.what)
        return content
