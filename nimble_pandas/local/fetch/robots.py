"""robots.txt as RFC 9309 reads it, remembered per site."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
from protego import Protego

from nimble_pandas.local.fetch.page import PageUnavailableError

MAX_BYTES = 512 * 1024  # RFC 9309 §2.5: at least 500 KiB must be read

_MAX_SITES = 512
_KEEP_SECONDS = 3600.0
_KEEP_UNREACHABLE_SECONDS = 60.0  # a site that was down is asked again soon

Ask = Callable[[httpx.URL], Awaitable[tuple[int, str]]]


@dataclass(slots=True)
class _Site:
    """What is known of one site; the lock lets a thousand pages share one question."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    rules: Protego | None = None
    problem: PageUnavailableError | None = None
    expires: float = 0.0


class Robots:
    """Answers whether a page may be fetched.

    Parameters
    ----------
    agent : str
        The product token by which a site's rules would name us.
    """

    def __init__(self, agent: str) -> None:
        self._agent = agent
        self._sites: OrderedDict[str, _Site] = OrderedDict()

    async def check(self, url: httpx.URL, ask: Ask) -> None:
        """Refuse a page that its site keeps from robots.

        Parameters
        ----------
        url : httpx.URL
            The page.
        ask : callable
            Fetches a robots.txt; gives its status code and text.

        Raises
        ------
        PageUnavailableError
            The page is disallowed, or the site's robots.txt cannot be had for a reason on the site's side.
        """
        site = self._site(url)
        async with site.lock:
            if site.expires < time.monotonic():
                await self._learn(site, url.copy_with(raw_path=b"/robots.txt", fragment=None), ask)
        if site.problem:
            raise PageUnavailableError(site.problem.error_type, str(site.problem))
        if site.rules and not site.rules.can_fetch(str(url), self._agent):
            raise PageUnavailableError("robots", "the site's robots.txt disallows this page")

    def _site(self, url: httpx.URL) -> _Site:
        key = f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"
        site = self._sites.setdefault(key, _Site())
        self._sites.move_to_end(key)
        if len(self._sites) > _MAX_SITES:
            self._sites.popitem(last=False)
        return site

    async def _learn(self, site: _Site, url: httpx.URL, ask: Ask) -> None:
        site.rules, site.problem = None, None
        try:
            site.rules = _rules(*await ask(url))
        except PageUnavailableError as exc:
            site.problem = PageUnavailableError(exc.error_type, f"{exc} (asked for robots.txt first)")
        keep = _KEEP_UNREACHABLE_SECONDS if site.problem else _KEEP_SECONDS
        site.expires = time.monotonic() + keep


def _rules(status_code: int, text: str) -> Protego | None:
    """§2.3.1: 4xx means no rules, 5xx means that nothing may be fetched."""
    if status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise PageUnavailableError(
            "robots", f"the site's robots.txt answers {status_code}, which forbids every page"
        )
    return Protego.parse(text) if status_code < httpx.codes.BAD_REQUEST else None
