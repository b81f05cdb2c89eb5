"""Pages over HTTP: bounded, polite, and never an exception for a page that cannot be had."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

import httpx

from nimble_pandas.local.fetch import body
from nimble_pandas.local.fetch.geography import Atlas, Place, Route
from nimble_pandas.local.fetch.page import Page, PageUnavailableError
from nimble_pandas.local.fetch.robots import MAX_BYTES as ROBOTS_MAX_BYTES
from nimble_pandas.local.fetch.robots import Robots
from nimble_pandas.local.fetch.wire import Answer, Budget, Wire

__all__ = ["USER_AGENT", "Fetcher", "Page"]

MAX_REDIRECTS = 10

_LAST_PORT = 65535
_AGENT = "nimble_pandas-local"  # the name that rules in a robots.txt match
_ROBOTS_MAX_REDIRECTS = 5  # RFC 9309 §2.3.1.2: at least five
_ROBOTS_SECONDS = 10.0


def _user_agent() -> str:
    try:
        number = version("nimble-pandas")
    except PackageNotFoundError:  # run from a source tree that was never installed
        number = "0"
    return f"{_AGENT}/{number} (+loopback demo service)"


USER_AGENT = _user_agent()


class Fetcher:
    """Fetches pages; one serves for a service's lifetime.

    Parameters
    ----------
    proxies : Mapping of str to str, optional
        A proxy URL (http or https) per country, such as ``{"DE": "http://user:password@host:8080"}``.
    shop_url : str, optional
        Where the demo shop listens; it alone is told the market, in headers.
    max_connections : int, default 16
        Requests at a time, over all.
    max_per_host : int, default 8
        Requests at a time to one host.
    max_bytes : int, default 10 MiB
        The largest page, packed or unpacked.
    timeout : float, default 30.0
        Seconds for one page with all its redirects, not counting the wait for a turn.
    respect_robots : bool, default True
        Ask each site's robots.txt first.

    Notes
    -----
    The proxy variables of the environment are not used: a page must not come from a place that nobody named.
    """

    def __init__(
        self,
        *,
        proxies: Mapping[str, str] | None = None,
        shop_url: str | None = None,
        max_connections: int = 16,
        max_per_host: int = 8,
        max_bytes: int = 10 * 1024 * 1024,
        timeout: float = 30.0,
        respect_robots: bool = True,
    ) -> None:
        self._atlas = Atlas(proxies=proxies, shop_url=shop_url)
        self._wire = Wire(
            user_agent=USER_AGENT,
            max_connections=max_connections,
            max_per_host=max_per_host,
            timeout=timeout,
        )
        self._robots = Robots(_AGENT) if respect_robots else None
        self._max_bytes = max_bytes
        self._timeout = timeout

    async def fetch(
        self,
        url: str,
        *,
        country: str | None = None,
        state: str | None = None,
        city: str | None = None,
        zip: str | None = None,  # noqa: A002 - the API's word
        locale: str | None = None,
    ) -> Page:
        """Fetch one page.

        Parameters
        ----------
        url : str
            The page.
        country : str, optional
            ISO 3166-1 alpha-2: picks a proxy, or the demo shop's market.
        state, city, zip : str, optional
            Honoured by the demo shop in the US.
        locale : str, optional
            The page's language, such as ``en-US``; ``auto`` follows the country; English by default.

        Returns
        -------
        Page
            The page, or the reason why there is none. Never raises for a page that cannot be had.
        """
        place = Place(country=country, state=state, city=city, zip=zip, locale=locale)
        page = Page(url=url, input_url=url)
        cookies, budget = httpx.Cookies(), Budget(self._timeout)
        try:
            target = _parsed(url)
            for _ in range(MAX_REDIRECTS + 1):
                route = self._atlas.route(target, place)
                page = dataclasses.replace(page, url=str(target), notes=route.notes)
                answer = await self._hop(target, route, cookies, budget)
                if answer.location is None:
                    return _filled(page, answer)
                target = _joined(target, answer.location)
            raise _too_many(MAX_REDIRECTS)
        except PageUnavailableError as problem:
            return dataclasses.replace(page, error=str(problem), error_type=problem.error_type)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._wire.aclose()

    async def _hop(self, url: httpx.URL, route: Route, cookies: httpx.Cookies, budget: Budget) -> Answer:
        """Every hop is judged anew: a redirect must not lead where a URL may not."""
        if self._robots:
            await self._robots.check(url, lambda robots_url: self._ask_robots(robots_url, route))
        return await self._wire.get(
            url,
            headers=route.headers,
            proxy=route.proxy,
            cookies=cookies,
            budget=budget,
            max_bytes=self._max_bytes,
        )

    async def _ask_robots(self, url: httpx.URL, route: Route) -> tuple[int, str]:
        budget = Budget(min(_ROBOTS_SECONDS, self._timeout))
        for _ in range(_ROBOTS_MAX_REDIRECTS + 1):
            answer = await self._wire.get(
                url,
                headers={},
                proxy=route.proxy,
                cookies=httpx.Cookies(),
                budget=budget,
                max_bytes=ROBOTS_MAX_BYTES,
                cut=True,
            )
            if answer.location is None:
                return answer.status_code, answer.content.decode("utf-8", "replace")
            url = _joined(url, answer.location)
        return httpx.codes.NOT_FOUND, ""  # the same section: too many redirects count as no file


def _filled(page: Page, answer: Answer) -> Page:
    """Decode the answer; what is no text keeps its status and headers."""
    page = dataclasses.replace(page, status_code=answer.status_code, headers=dict(answer.headers))
    try:
        html = body.decode(answer.content, answer.headers.get("content-type"))
    except PageUnavailableError as problem:
        return dataclasses.replace(page, error=str(problem), error_type=problem.error_type)
    return dataclasses.replace(page, html=html)


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError, TypeError, AttributeError) as exc:
        raise PageUnavailableError("invalid_url", f"this is no URL: {exc}") from exc
    return _checked(parsed)


def _joined(url: httpx.URL, location: str) -> httpx.URL:
    try:
        joined = url.join(location.strip())
    except (httpx.InvalidURL, ValueError) as exc:
        raise PageUnavailableError("invalid_url", f"the site redirects to what is no URL: {exc}") from exc
    return _checked(joined)


def _checked(url: httpx.URL) -> httpx.URL:
    if url.scheme not in ("http", "https") or not url.host:
        raise PageUnavailableError(
            "invalid_url", f"only http and https URLs are fetched, not {str(url)[:80]!r}"
        )
    if (url.port or 0) > _LAST_PORT:
        raise PageUnavailableError("invalid_url", f"there is no port {url.port}")
    return url


def _too_many(max_redirects: int) -> PageUnavailableError:
    return PageUnavailableError("too_many_redirects", f"more than {max_redirects} redirects")
