"""Sockets to one service: who may use them, for how long, and what is never sent twice."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter

from nimble_pandas.client.failures import last_cause, lost, read_retry_after
from nimble_pandas.client.pace import Pace
from nimble_pandas.clock import Clock
from nimble_pandas.config import Credentials, is_loopback
from nimble_pandas.errors import ConfigError, ServerError, TransportError

_LOGGER = logging.getLogger("nimble_pandas.client")

_CONNECT_SECONDS = 10.0
_MAX_CONNECTIONS = 32
_CHUNK_BYTES = 2**16
_SUBMITS = "/api/v1/batch/"

# an answer as a whole may take so many times as long as a part of it
_WHOLE_ANSWER = 5
_WHOLE_ANSWER_MIN_SECONDS = 300.0


class _HostAuth(requests.auth.AuthBase):
    """Credentials for one host only, whatever address a call ends up with."""

    def __init__(self, base_url: str, credentials: Credentials) -> None:
        self._origin = urlsplit(base_url)[:2]
        self._credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if urlsplit(request.url or "")[:2] == self._origin:
            request.headers["Authorization"] = self._credentials.authorization()
        return request


class Connection:
    """Sends calls to one service and reads its answers.

    Parameters
    ----------
    base_url : str
        The service.
    credentials : Credentials
        Sent to its host only.
    session : requests.Session, optional
        The caller's.
    transport : requests.adapters.BaseAdapter, optional
        In place of the session's own adapter for `base_url`.
    timeout : float
        Seconds that each part of an answer may take.
    pace : Pace
        When a call may be made.
    clock : Clock
        Bounds an answer as a whole.

    Raises
    ------
    ConfigError
        The session or transport would send a submit again by itself.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        session: requests.Session | None,
        transport: BaseAdapter | None,
        timeout: float,
        pace: Pace,
        clock: Clock,
    ) -> None:
        self._base_url = base_url
        self._credentials = credentials
        self._auth = _HostAuth(base_url, credentials)
        self._session = session or _new_session()
        if session is None:
            # a client that is forgotten leaves no open sockets behind
            weakref.finalize(self, self._session.close)
        self._proxies = _no_proxies(base_url) if is_loopback(base_url) else {}
        if transport is not None:
            self._session.mount(base_url, transport)
        _refuse_retries(self._session.get_adapter(base_url))
        # submits, apart from all other calls, so that these can share their sockets
        self._submits = _adapter() if session is None and transport is None else None
        if self._submits:
            self._session.mount(f"{base_url}{_SUBMITS}", self._submits)
        self._pace = pace
        self._timeout = timeout
        self._clock = clock
        self._pid = os.getpid()

    def close(self) -> None:
        """Close the idle sockets; the next call opens new ones."""
        self._session.close()

    def send(
        self, method: str, url: str, body: bytes | None = None, *, ready: Callable[[], None] | None = None
    ) -> requests.Response:
        """Send one call, once, when its turn has come.

        Parameters
        ----------
        method, url : str
            As in HTTP.
        body : bytes, optional
            JSON.
        ready : callable, optional
            Called right before the call is made; nothing is sent if it raises.

        Returns
        -------
        requests.Response
            Of any status code, its body not read yet.

        Raises
        ------
        TransportError
            There is no answer; a `SubmitUnknown` where a POST may have arrived.
        """
        self._pace.turn()
        if ready is not None:
            ready()
        self._drop_stale(method)
        try:
            answer = self._session.request(
                method,
                url,
                data=body,
                headers=_headers(method),
                auth=self._auth,
                # a copy, for it is filled in from the environment
                proxies={**self._proxies},
                timeout=(_CONNECT_SECONDS, self._timeout),
                allow_redirects=False,
                stream=True,
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as exc:
            failure: BaseException = lost(
                exc, method=method, base_url=self._base_url, mask=self._credentials.mask
            )
        except BaseException as exc:  # noqa: BLE001 -- an interrupt, which goes on from here
            failure = _bare(exc)
        else:
            _LOGGER.debug("%s %s: %d", method, urlsplit(url).path, answer.status_code)
            wait = read_retry_after(answer.headers.get("Retry-After"), self._clock.now())
            self._pace.learn(answer.status_code, answer.headers, wait)
            return answer
        # out here, for the foreign error, which would be its context, holds the credentials
        raise failure

    def _drop_stale(self, method: str) -> None:
        # a socket inherited through a fork is the parent's too, and either would read the other's answers;
        # one that was idle may be closed by the service while a submit is written to it, which nobody
        # could tell from a submit that was taken
        if method == "POST" or self._pid != os.getpid():
            submits_alone = self._submits is not None and self._pid == os.getpid()
            (self._submits if submits_alone else self._session).close()  # type: ignore[union-attr]
            self._pid = os.getpid()

    def read(self, answer: requests.Response, max_bytes: int) -> bytes:
        """Read an answer's body.

        Parameters
        ----------
        answer : requests.Response
            Closed afterwards.
        max_bytes : int
            The most that it may hold.

        Returns
        -------
        bytes
            All of it.

        Raises
        ------
        ServerError
            It is longer.
        TransportError
            It broke off, or dripped for too long.
        """
        chunks: list[bytes] = []
        n_bytes = 0
        deadline = self._clock.monotonic() + max(_WHOLE_ANSWER * self._timeout, _WHOLE_ANSWER_MIN_SECONDS)
        try:
            with answer:
                for chunk in _parts(answer):
                    n_bytes += len(chunk)
                    if n_bytes > max_bytes:
                        raise ServerError(f"the answer is longer than {max_bytes:,} bytes")
                    if self._clock.monotonic() > deadline:
                        raise TransportError(f"{self._base_url} took too long over its answer")
                    chunks.append(chunk)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as exc:
            why = self._credentials.mask(last_cause(exc))
            raise TransportError(f"{self._base_url} broke off its answer: {why}") from None
        return b"".join(chunks)


def _bare(exc: BaseException) -> BaseException:
    """Return an error without the way that it took through foreign code, whose locals hold the key."""
    exc.__context__ = exc.__cause__ = None
    return exc.with_traceback(None)


def _parts(answer: requests.Response) -> Iterator[bytes]:
    """Give what has arrived as it arrives: waiting for a full chunk would let an answer drip for ever."""
    if not isinstance(answer.raw, urllib3.HTTPResponse):
        yield from answer.iter_content(_CHUNK_BYTES)
        return
    while part := answer.raw.read1(_CHUNK_BYTES, decode_content=True):
        yield part


def _new_session() -> requests.Session:
    session = requests.Session()
    adapter = _adapter()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _adapter() -> HTTPAdapter:
    return HTTPAdapter(pool_connections=2, pool_maxsize=_MAX_CONNECTIONS)


def _headers(method: str) -> dict[str, str]:
    headers = {"Accept": "application/json"}
    if method == "POST":
        # its socket is its own: nothing is sent over it afterwards
        headers |= {"Content-Type": "application/json", "Connection": "close"}
    return headers


def _no_proxies(base_url: str) -> dict[str, Any]:
    """Return what keeps a proxy from between two programs on this machine, where nothing is encrypted."""
    address = urlsplit(base_url)
    names = (f"{address.scheme}://{address.hostname}", address.scheme, f"all://{address.hostname}", "all")
    # None takes back what a session or the environment says
    return dict.fromkeys(names)


def _refuse_retries(adapter: BaseAdapter) -> None:
    retries = getattr(adapter, "max_retries", None)
    if not isinstance(retries, urllib3.Retry) or retries.total == 0:
        return
    if not retries.allowed_methods or "POST" in retries.allowed_methods:
        raise ConfigError(
            "session= or transport= sends a POST again by itself: a batch sent twice is paid twice.",
            hint='Nothing was sent. Leave POST out of its Retry(allowed_methods={"GET"}).',
        )
