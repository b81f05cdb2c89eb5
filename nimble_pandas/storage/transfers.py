"""Requests through libcurl: many under way at once, driven by the thread that waits for them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec
import pycurl

from nimble_pandas.storage.packing import MAX_OUTPUT_BYTES

#: Options of a request, by libcurl's numbers.
CurlOptions: TypeAlias = Mapping[int, Any]

# As many requests are under way as fit into the wait for one. Each costs the processor so long (measured,
# 3 KB objects over loopback).
_FEWEST = 64
_MOST = 256
_SECONDS_EACH = 0.00005

# what has come and is not taken yet: so many bytes in memory, of which libcurl hands over so many at a time
_MOST_BYTES = 32 * 2**20
_CHUNK_BYTES = 2**14
# how much the newest length counts in the usual one
_NEWEST = 0.1

# where select() comes back at once, having nothing to watch
_DOZE_SECONDS = 0.001

_PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_PASSING_ERRORS = frozenset(
    {
        pycurl.E_GOT_NOTHING,
        pycurl.E_OPERATION_TIMEDOUT,
        pycurl.E_PARTIAL_FILE,
        pycurl.E_RECV_ERROR,
        pycurl.E_SEND_ERROR,
    }
)

_ALWAYS: CurlOptions = {
    pycurl.NOSIGNAL: 1,
    pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
    pycurl.PROTOCOLS: pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS,
    pycurl.MAXFILESIZE_LARGE: MAX_OUTPUT_BYTES,
    # of the longest of outputs; what hangs is found by other limits
    pycurl.TIMEOUT: 3600,
}


class Fetched(msgspec.Struct, frozen=True, gc=False):
    """What came of a request."""

    place: int
    #: HTTP's status, or 0.
    status: int
    content: bytes
    #: libcurl's error, or 0: only then has all of the content come.
    error: int

    @property
    def may_pass(self) -> bool:
        """Whether the same request may go well the next time."""
        return self.error in _PASSING_ERRORS if self.error else self.status in _PASSING_STATUSES

    @property
    def what(self) -> str:
        """What went wrong."""
        return f"libcurl had error {self.error}" if self.error else f"the answer was {self.status}"


class _Transfer:
    """One of libcurl's handles, and what it is used for: attributes of its own are slow."""

    __slots__ = ("chunks", "curl", "headers", "is_paused", "place")

    def __init__(self, options: CurlOptions) -> None:
        self.curl = pycurl.Curl()
        self.place = -1
        self.headers: list[str] = []
        self.chunks: list[bytes] = []
        self.is_paused = False
        for name, value in options.items():
            self.curl.setopt(name, value)
        # no function of ours, for libcurl would swallow an interrupt that comes while it runs
        self.curl.setopt(pycurl.WRITEFUNCTION, self.chunks.append)


class Transfers:
    """Requests under way, over connections that stay open. One thread at a time may use them.

    Parameters
    ----------
    options : Mapping of int to object
        Of every request.
    """

    def __init__(self, options: CurlOptions) -> None:
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, _MOST)
        self._options: dict[int, Any] = {**_ALWAYS, **options}
        self._idle: list[_Transfer] = []
        self._running: dict[pycurl.Curl, _Transfer] = {}
        self._n_paused = 0
        self._fastest_seconds = 0.0
        self._usual_bytes = 0.0

    @property
    def n_wanted(self) -> int:
        """How many requests should be under way."""
        n_fast = min(max(_FEWEST, int(self._fastest_seconds / _SECONDS_EACH)), _MOST)
        return max(1, min(n_fast, int(_MOST_BYTES / (2 * self._usual_bytes + 1))))

    def n_more(self, n_held: int) -> int:
        """Return how many more should be, with so many bytes that were fetched and are not taken yet."""
        return self.n_wanted - len(self._running) if n_held < _MOST_BYTES else 0

    def start(self, place: int, url: str, headers: list[str]) -> None:
        """Ask for what lies at `url`."""
        transfer = self._idle.pop() if self._idle else _Transfer(self._options)
        if transfer.headers != headers:
            transfer.headers = headers
            transfer.curl.setopt(pycurl.HTTPHEADER, headers)
        transfer.place = place
        transfer.curl.setopt(pycurl.URL, url)
        self._multi.add_handle(transfer.curl)
        self._running[transfer.curl] = transfer

    def proceed(self, turn: int, n_held: int) -> list[Fetched]:
        """Let all requests go on as far as they can without waiting.

        Parameters
        ----------
        turn : int
            The place that is waited for: it may always go on.
        n_held : int
            Bytes that were fetched and are not taken yet: with too many of them, others may not.

        Returns
        -------
        list of Fetched
            What is there now.
        """
        self._multi.perform()
        fetched: list[Fetched] = []
        n_left = 1
        while n_left:
            n_left, good, bad = self._multi.info_read()
            if good:
                # one of those that were ready together is as good as another
                seconds = good[0].getinfo(pycurl.TOTAL_TIME)
                self._fastest_seconds = min(self._fastest_seconds or seconds, seconds)
            fetched += [self._end(curl) for curl in good]
            fetched += [self._end(curl, error) for curl, error, _ in bad]
        self._keep_within(turn, n_held + sum(len(each.content) for each in fetched))
        return fetched

    def wait(self, seconds: float) -> None:
        """Wait until one of them can go on, but not for longer."""
        milliseconds = self._multi.timeout()
        if milliseconds >= 0:
            seconds = min(seconds, milliseconds / 1000)
        started_at = time.monotonic()
        if self._multi.select(seconds) < 1 and time.monotonic() - started_at < _DOZE_SECONDS < seconds:
            time.sleep(_DOZE_SECONDS)

    def close(self) -> None:
        """Let go of all that are under way, and of the connections."""
        for curl in self._running:
            # an interrupt may have come in the middle of that
            with contextlib.suppress(pycurl.error):
                self._multi.remove_handle(curl)
        self._multi.close()

    def _end(self, curl: pycurl.Curl, error: int = 0) -> Fetched:
        self._multi.remove_handle(curl)
        transfer = self._running.pop(curl)
        content = b"".join(transfer.chunks)
        transfer.chunks.clear()
        if transfer.is_paused:
            self._pause(transfer, pause=False)
        self._idle.append(transfer)
        self._usual_bytes += _NEWEST * (len(content) - self._usual_bytes)
        return Fetched(transfer.place, curl.getinfo(pycurl.RESPONSE_CODE), content, error)

    def _keep_within(self, turn: int, n_held: int) -> None:
        """Pause and resume, so that little comes while much is in memory."""
        n_bytes = n_held + _CHUNK_BYTES * sum(len(each.chunks) for each in self._running.values())
        if n_bytes <= _MOST_BYTES and not self._n_paused:
            return
        for transfer in self._running.values():
            if transfer.place == turn or n_bytes < _MOST_BYTES / 2:
                self._pause(transfer, pause=False)
            elif n_bytes > _MOST_BYTES:
                self._pause(transfer, pause=True)

    def _pause(self, transfer: _Transfer, *, pause: bool) -> None:
        if transfer.is_paused != pause:
            transfer.is_paused = pause
            self._n_paused += 1 if pause else -1
            # one that has failed meanwhile says so when it ends
            with contextlib.suppress(pycurl.error):
                transfer.curl.pause(pycurl.PAUSE_RECV if pause else pycurl.PAUSE_CONT)
