"""Where a page is asked from, and in which language: honoured where possible, said where not."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a request says about where it wants to be.

    Parameters
    ----------
    country : str, optional
        ISO 3166-1 alpha-2.
    state, city, zip : str, optional
        Narrower, in the US.
    locale : str, optional
        Such as ``en-US``; ``auto`` follows the country.
    """

    country: str | None = None
    state: str | None = None
    city: str | None = None
    zip: str | None = None
    locale: str | None = None

    @property
    def narrower(self) -> dict[str, str]:
        """What is asked for inside the country."""
        parts = {"state": self.state, "city": self.city, "zip": self.zip}
        return {name: value for name, value in parts.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How one request goes out.

    Parameters
    ----------
    headers : dict of str to str
        What the site is told.
    proxy : str, optional
        The proxy to go through.
    notes : list of str
        What could not be honoured.
    """

    headers: dict[str, str]
    proxy: str | None = None
    notes: list[str] = field(default_factory=list)


class Atlas:
    """Knows the proxies and the demo shop, and finds the route to a URL.

    The demo shop is told its market in the headers ``Demo-Country``, ``Demo-State``, ``Demo-City`` and
    ``Demo-Zip``; no other site gets them.

    Parameters
    ----------
    proxies : Mapping of str to str, optional
        A proxy URL per country.
    shop_url : str, optional
        Where the demo shop listens.
    """

    def __init__(self, *, proxies: Mapping[str, str] | None = None, shop_url: str | None = None) -> None:
        self._proxies = {country.upper(): _checked(url) for country, url in (proxies or {}).items()}
        self._shop = _origin(httpx.URL(shop_url)) if shop_url else None

    def route(self, url: httpx.URL, place: Place) -> Route:
        """Find how to ask for a page.

        Parameters
        ----------
        url : httpx.URL
            The page.
        place : Place
            Where from, and in which language.

        Returns
        -------
        Route
            Headers, proxy, and notes on what is not honoured.
        """
        language, notes = accept_language(place.locale, place.country)
        headers = {"accept-language": language}
        country = (place.country or "").upper()
        if self._shop == _origin(url):
            return Route(
                headers=headers | _market_headers(country, place), notes=notes + _shop_notes(country, place)
            )
        proxy = self._proxies.get(country)
        if country and not proxy:
            notes = [*notes, f"no proxy for {country}: the page was fetched from here"]
        return Route(headers=headers, proxy=proxy, notes=notes + _narrower_notes(place))


def accept_language(locale: str | None, country: str | None) -> tuple[str, list[str]]:
    """Write the ``Accept-Language`` header.

    Parameters
    ----------
    locale : str or None
        Such as ``en-US``; ``auto`` follows the country; missing means ``en``.
    country : str or None
        ISO 3166-1 alpha-2.

    Returns
    -------
    tuple of (str, list of str)
        The header, and notes on what was not understood.
    """
    if locale and locale.lower() == "auto":
        languages = _languages_of(country)
        return _weighted(languages or ["en"]), [] if languages or not country else [
            f"no language is known for {country}: the page was asked for in English"
        ]
    if locale and not _LANGUAGE_TAG.fullmatch(locale):
        return "en", [f"the locale {locale[:40]!r} was not understood: the page was asked for in English"]
    return _weighted([(locale or "en").replace("_", "-")]), []


def _languages_of(country: str | None) -> list[str]:
    """Up to two official languages, the likeliest first, each with its territory."""
    from babel.languages import get_territory_language_info

    if not country:
        return []
    spoken = get_territory_language_info(country.upper())
    official = [
        language.replace("_", "-")
        for language, facts in spoken.items()
        if facts["official_status"] in ("official", "de_facto_official")
    ]
    return [f"{language}-{country.upper()}" for language in official[:2]]


def _weighted(tags: list[str]) -> str:
    """Each tag, then its bare language, with falling weights."""
    wanted = list(dict.fromkeys(name for tag in tags for name in (tag, tag.split("-")[0])))
    return ",".join(name if not n else f"{name};q={1 - n / 10:.1f}" for n, name in enumerate(wanted))


def _market_headers(country: str, place: Place) -> dict[str, str]:
    headers = {"demo-country": country} if country else {}
    headers |= {f"demo-{name}": value for name, value in place.narrower.items()}
    return {name: _latin(value) for name, value in headers.items()}


def _latin(value: str) -> str:
    """Header values are one line of Latin-1."""
    return " ".join(value.encode("latin-1", "replace").decode("latin-1").split())


def _shop_notes(country: str, place: Place) -> list[str]:
    return _narrower_notes(place) if country not in ("", "US") else []


def _narrower_notes(place: Place) -> list[str]:
    asked = ", ".join(place.narrower)
    return [f"not honoured: {asked}"] if asked else []


def _checked(proxy: str) -> str:
    scheme = httpx.URL(proxy).scheme
    if scheme not in ("http", "https"):
        raise ValueError(f"a proxy is reached over http or https, not {scheme or 'without a scheme'}")
    return proxy


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, "loopback" if _is_loopback(url.host) else url.host, port


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
