"""Addresses in the shop, for notebooks and tests to pick from."""

from __future__ import annotations

from nimble_pandas.local.shop.catalogue import Product, products
from nimble_pandas.local.shop.visit import product_path

_SEARCHES = ("coffee", "drill", "bear", "towel", "earbuds")


def product_urls(shop_url: str, n: int | None = None, *, style: str | None = None) -> list[str]:
    """List the pages of products that the US shop sells.

    Parameters
    ----------
    shop_url : str
        Where the shop listens.
    n : int, optional
        At most so many; all by default.
    style : str, optional
        Only pages of one markup: ``jsonld``, ``microdata``, ``opengraph``, ``walmart`` or ``amazon``. By
        default each product's own, which mixes them.

    Returns
    -------
    list of str
        Always the same, in the same order; no product twice.
    """
    on_sale = [item for item in products() if not item.is_discontinued]
    if style in ("walmart", "amazon"):
        return _urls(shop_url, [product_path(item, style) for item in on_sale], n)
    chosen = [item for item in on_sale if style in (None, item.generic_style)]
    return _urls(shop_url, [product_path(item, item.style if style is None else style) for item in chosen], n)


def search_urls(shop_url: str, n: int | None = None, *, style: str | None = None) -> list[str]:
    """List search and category pages.

    Parameters
    ----------
    shop_url : str
        Where the shop listens.
    n : int, optional
        At most so many; all by default.
    style : str, optional
        ``walmart``, ``amazon`` or ``jsonld``; by default all of them in turn.

    Returns
    -------
    list of str
        Each finds at least one product.
    """
    patterns = {"jsonld": "/search?q={}", "walmart": "/walmart/search?q={}", "amazon": "/amazon/s?k={}"}
    chosen = [pattern for name, pattern in patterns.items() if style in (None, name)]
    return _urls(shop_url, [pattern.format(words) for words in _SEARCHES for pattern in chosen], n)


def missing_urls(shop_url: str, n: int | None = None) -> list[str]:
    """List pages that answer 404.

    Parameters
    ----------
    shop_url : str
        Where the shop listens.
    n : int, optional
        At most so many.

    Returns
    -------
    list of str
        Products that never were.
    """
    return _urls(shop_url, [f"/p/{99000000 + number}" for number in range(20)], n)


def gone_urls(shop_url: str, n: int | None = None) -> list[str]:
    """List pages that answer 410.

    Parameters
    ----------
    shop_url : str
        Where the shop listens.
    n : int, optional
        At most so many.

    Returns
    -------
    list of str
        Discontinued products.
    """
    return _urls(shop_url, [f"/p/{item.sku}" for item in products() if item.is_discontinued], n)


def out_of_stock_urls(shop_url: str, n: int | None = None) -> list[str]:
    """List products that are sold out everywhere.

    Parameters
    ----------
    shop_url : str
        Where the shop listens.
    n : int, optional
        At most so many.

    Returns
    -------
    list of str
        Each in its own markup.
    """
    return _product_urls(shop_url, [item for item in products() if item.is_out_of_stock], n)


def unsold_urls(shop_url: str, country: str, n: int | None = None) -> list[str]:
    """List products that one market does not sell.

    Parameters
    ----------
    shop_url : str
        Where the shop listens.
    country : str
        The market.
    n : int, optional
        At most so many.

    Returns
    -------
    list of str
        Each in its own markup; they have a price elsewhere.
    """
    return _product_urls(shop_url, [item for item in products() if not item.is_sold_in(country)], n)


def sloppy_urls(shop_url: str, n: int | None = None) -> list[str]:
    """List pages with broken markup in which the product can still be found.

    Parameters
    ----------
    shop_url : str
        Where the shop listens.
    n : int, optional
        At most so many.

    Returns
    -------
    list of str
        JSON-LD with comments and trailing commas, tags that are never closed.
    """
    return _numbered(shop_url, "broken", n)


def broken_urls(shop_url: str, n: int | None = None) -> list[str]:
    """List pages with markup so broken that no product can be found.

    Parameters
    ----------
    shop_url : str
        Where the shop listens.
    n : int, optional
        At most so many.

    Returns
    -------
    list of str
        JSON-LD that stops in the middle.
    """
    return _numbered(shop_url, "hopeless", n)


def disallowed_urls(shop_url: str, n: int | None = None) -> list[str]:
    """List pages that the shop's robots.txt keeps from robots.

    Parameters
    ----------
    shop_url : str
        Where the shop listens.
    n : int, optional
        At most so many.

    Returns
    -------
    list of str
        A person may see them.
    """
    return _numbered(shop_url, "private", n)


def redirecting_urls(shop_url: str, n: int | None = None) -> list[str]:
    """List pages that have moved.

    Parameters
    ----------
    shop_url : str
        Where the shop listens.
    n : int, optional
        At most so many.

    Returns
    -------
    list of str
        Two steps from a product.
    """
    return _numbered(shop_url, "r", n)


def slow_urls(shop_url: str, n: int | None = None, *, seconds: float = 1.0) -> list[str]:
    """List pages that take their time.

    Parameters
    ----------
    shop_url : str
        Where the shop listens.
    n : int, optional
        At most so many.
    seconds : float, default 1.0
        How long; ten at most.

    Returns
    -------
    list of str
        Ordinary product pages otherwise.
    """
    return [f"{url}?seconds={seconds:g}" for url in _numbered(shop_url, "slow", n)]


def _urls(shop_url: str, paths: list[str], n: int | None) -> list[str]:
    return [shop_url.rstrip("/") + path for path in paths[:n]]


def _product_urls(shop_url: str, chosen: list[Product], n: int | None) -> list[str]:
    return _urls(shop_url, [product_path(item, item.style) for item in chosen if not item.is_discontinued], n)


def _numbered(shop_url: str, folder: str, n: int | None) -> list[str]:
    return _urls(shop_url, [f"/{folder}/{item.sku}" for item in products()[:20]], n)
