"""One request at a time on the wire: taking turns, within a time, to an address that may be asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from nimble_pandas.local.fetch import body
from nimble_pandas.local.fetch.hosts import refuse_forbidden, resolve
from nimble_pandas.local.fetch.page import PageUnavailableError

_CONNECT_SECONDS = 10.0

# The first line that fits names the failure, so subclasses stand above their bases.
_ERROR_TYPES: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ProxyError, "proxy"),
    (httpx.TimeoutException, "timeout"),
    (httpx.ConnectError, "connect"),
    (httpx.UnsupportedProtocol, "invalid_url"),
    (httpx.TransportError, "network"),
    (httpx.InvalidURL, "invalid_url"),
)
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response with its body read.

    Parameters
    ----------
    url : httpx.URL
        What was asked for.
    status_code : int
        The site's status code.
    headers : httpx.Headers
        Its headers.
    content : bytes
        Its body without content encoding.
    """

    url: httpx.URL
    status_code: int
    headers: httpx.Headers
    content: bytes

    @property
    def location(self) -> str | None:
        """Where the site sends us instead."""
        return self.headers.get("location") if self.status_code in _REDIRECTS else None


class Budget:
    """Seconds of activity left to one page; waiting for a turn costs nothing.

    Parameters
    ----------
    seconds : float
        How many.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = self._left = seconds

    @asynccontextmanager
    async def spend(self) -> AsyncIterator[None]:
        """Count the seconds inside the ``with`` block, and end it when they are used up."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(max(self._left, 0.0)):
                yield
        except TimeoutError as exc:
            raise PageUnavailableError("timeout", f"no page within {self._seconds:g} s") from exc
        finally:
            self._left -= time.monotonic() - started


@dataclass(slots=True)
class _Queue:
    turn: asyncio.Semaphore
    n_users: int = 0


class _Turns:
    """At most so many requests at a time, over all and per host."""

    def __init__(self, *, max_connections: int, max_per_host: int) -> None:
        self._all = asyncio.Semaphore(max_connections)
        self._max_per_host = max_per_host
        self._hosts: dict[bytes, _Queue] = {}

    @asynccontextmanager
    async def take(self, host: bytes) -> AsyncIterator[None]:
        queue = self._hosts.setdefault(host, _Queue(asyncio.Semaphore(self._max_per_host)))
        queue.n_users += 1
        try:
            async with queue.turn, self._all:  # in this order a slow host does not hold up the others
                yield
        finally:
            queue.n_users -= 1
            if not queue.n_users:
                del self._hosts[host]


class Wire:
    """Sends single GET requests.

    Parameters
    ----------
    user_agent : str
        Who we say we are.
    max_connections : int
        Requests at a time, over all.
    max_per_host : int
        Requests at a time to one host.
    timeout : float
        Seconds without a byte after which a connection is given up.
    """

    def __init__(self, *, user_agent: str, max_connections: int, max_per_host: int, timeout: float) -> None:
        self._turns = _Turns(max_connections=max_connections, max_per_host=max_per_host)
        self._headers = {"user-agent": user_agent, "accept-encoding": body.ACCEPT_ENCODING, "accept": _ACCEPT}
        self._timeout = httpx.Timeout(timeout, connect=min(_CONNECT_SECONDS, timeout), pool=None)
        self._clients: dict[str | None, httpx.AsyncClient] = {}

    async def get(
        self,
        url: httpx.URL,
        *,
        headers: dict[str, str],
        proxy: str | None,
        cookies: httpx.Cookies,
        budget: Budget,
        max_bytes: int,
        cut: bool = False,
    ) -> Answer:
        """Send one request, following no redirect.

        Parameters
        ----------
        url : httpx.URL
            The page.
        headers : dict of str to str
            Sent besides the usual ones.
        proxy : str or None
            The proxy to go through.
        cookies : httpx.Cookies
            Sent as they are; what the site sets is added.
        budget : Budget
            The time left.
        max_bytes : int
            The largest body.
        cut : bool, default False
            Keep the start of a larger body instead of refusing it.

        Returns
        -------
        Answer
            What the site said.

        Raises
        ------
        PageUnavailableError
            There is no answer, or it must not be read.
        """
        client = self._client(proxy)
        request = client.build_request("GET", url, headers=headers)
        cookies.set_cookie_header(request)
        async with self._turns.take(url.netloc), budget.spend(), _foreign_errors():
            await _refuse_host(url, proxied=proxy is not None)
            response = await client.send(request, stream=True)
            try:
                _refuse_peer(response, proxied=proxy is not None)
                cookies.extract_cookies(response)
                content = await body.read(response, max_bytes=max_bytes, cut=cut)
            finally:
                await response.aclose()
        return Answer(url=url, status_code=response.status_code, headers=response.headers, content=content)

    async def aclose(self) -> None:
        """Close every connection."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    def _client(self, proxy: str | None) -> httpx.AsyncClient:
        if proxy not in self._clients:
            self._clients[proxy] = httpx.AsyncClient(
                proxy=proxy,
                trust_env=False,
                timeout=self._timeout,
                # Servers commonly close idle connections after 5 s; ours go first, so that none is
                # picked up at the moment of its closing.
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=32, keepalive_expiry=2.0),
                headers=self._headers,
                # One page's cookies must not follow another page's request: each brings its own.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        return self._clients[proxy]


_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@asynccontextmanager
async def _foreign_errors() -> AsyncIterator[None]:
    """Put httpx's errors into our words."""
    try:
        yield
    except tuple(foreign for foreign, _ in _ERROR_TYPES) as exc:
        error_type = next(word for foreign, word in _ERROR_TYPES if isinstance(exc, foreign))
        raise PageUnavailableError(error_type, str(exc) or type(exc).__name__) from exc


async def _refuse_host(url: httpx.URL, *, proxied: bool) -> None:
    """Look the name up first; behind a proxy only a written address can be judged."""
    refuse_forbidden(url.host)
    if proxied:
        return
    port = url.port or {"https": 443}.get(url.scheme, 80)
    for address in await resolve(url.host, port):
        refuse_forbidden(address)


def _refuse_peer(response: httpx.Response, *, proxied: bool) -> None:
    """Judge the address that answered: a name can resolve to another one the second time."""
    stream = response.extensions.get("network_stream")
    peer = stream.get_extra_info("server_addr") if stream is not None and not proxied else None
    if peer:
        refuse_forbidden(str(peer[0]))
