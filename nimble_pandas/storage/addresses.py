"""Where objects are asked for: signed many at a time, ahead of whoever asks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from nimble_pandas.patience import begin_apart, wait_until_done

# each costs some 8 µs, and none of the interpreter's time; to start a thread takes 200 µs
_SIGNED_TOGETHER = 1024
# nobody should wait long for the first, nor for those that come after them
_SIGNED_FIRST = 32

# names as most are, and names that fsspec would take apart, obstore would respell or libcurl would shorten
_PLAIN = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)*", re.ASCII)
_TAKEN_APART = re.compile(r"\?versionId=|[#\x00-\x1f\x7f]|(?:^|/)\.{0,2}(?:/|$)")


@dataclass(frozen=True, slots=True)
class Signed:
    """Addresses of objects, with all that it takes to be let in: whoever has them may read."""

    addresses: Sequence[str] = field(repr=False)
    #: What is to be sent along.
    headers: list[str] = field(repr=False)


class Unsigned(Exception):  # noqa: N818 -- reads as what it is
    """Nothing could be signed; says what was raised, whose text may hold what is secret."""


#: Signs for objects of a bucket, by name. It may ask others for credentials, and take its time.
Sign: TypeAlias = Callable[[list[str]], Signed]


class Addresses:
    """Addresses of objects, one after the other.

    Parameters
    ----------
    sign : Sign
        Called on a thread, ahead of whoever asks.
    prefix : str
        With which the URLs of the bucket's objects begin.
    urls : sequence of str
        Of the objects.
    """

    def __init__(self, sign: Sign, prefix: str, urls: Sequence[str]) -> None:
        self._sign = sign
        self._prefix = prefix
        self._urls = urls
        self._n_begun = 0
        self._n_together = _SIGNED_FIRST
        self._ready: Iterator[str | None] = iter(())
        self._begin()
        #: What is to be sent to the addresses that come next.
        self.headers: list[str] = []

    def take(self, n_most: int) -> list[str | None]:
        """Return some of the next addresses.

        Parameters
        ----------
        n_most : int
            How many at most.

        Returns
        -------
        list of str or None
            None where fsspec should be asked; empty only if there are no more.

        Raises
        ------
        Unsigned
            There are no credentials now.
        """
        taken = list(islice(self._ready, n_most))
        if not taken and self._names:
            self._end()
            taken = list(islice(self._ready, n_most))
        return taken

    def _begin(self) -> None:
        urls = self._urls[self._n_begun : self._n_begun + self._n_together]
        self._n_begun += len(urls)
        self._n_together = min(2 * self._n_together, _SIGNED_TOGETHER)
        self._names = [self._name(url) for url in urls]
        if not urls:
            return
        names = [name for name in self._names if name is not None]
        sign = self._sign
        self._signing: Future[Signed] = begin_apart(lambda: sign(names) if names else Signed([], []))

    def _end(self) -> None:
        wait_until_done(self._signing)
        if (exc := self._signing.exception()) is not None:
            raise Unsigned(type(exc).__name__)
        signed = self._signing.result()
        addresses = iter(signed.addresses)
        self._ready = iter([None if name is None else next(addresses) for name in self._names])
        self.headers = signed.headers
        self._begin()

    def _name(self, url: str) -> str | None:
        name = url.removeprefix(self._prefix)
        is_plain = _PLAIN.fullmatch(name) or not _TAKEN_APART.search(name)
        return name if is_plain and name != url else None
