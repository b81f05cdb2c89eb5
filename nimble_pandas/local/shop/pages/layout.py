"""The frame around every page: what a person sees."""

from __future__ import annotations

import json
from html import escape
from typing import Any
from urllib.parse import urlencode

from nimble_pandas.local.shop.catalogue import Product
from nimble_pandas.local.shop.markets import MARKETS, Offer
from nimble_pandas.local.shop.pages.style import STYLE
from nimble_pandas.local.shop.stores import sales_tax
from nimble_pandas.local.shop.visit import Visit
from nimble_pandas.local.shop.words import AISLES

TITLES = {aisle.slug: aisle.title for aisle in AISLES}


def page(visit: Visit, *, title: str, body: str, head: str = "") -> str:
    """Put a page together.

    Parameters
    ----------
    visit : Visit
        Who is looking.
    title : str
        The page's title, not escaped yet.
    body : str
        The HTML between header and footer.
    head : str, optional
        HTML for the head.

    Returns
    -------
    str
        The whole page.
    """
    language = escape(visit.language.replace("_", "-"))
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n{head}\n<style>{STYLE}</style>\n</head>\n<body>\n{_header(visit)}\n"
        f"<main>\n{_notice(visit)}{body}\n</main>\n{_footer(visit)}\n</body>\n</html>\n"
    )


def script(data: Any, **attributes: str) -> str:  # noqa: ANN401 - whatever JSON can hold
    """Put JSON into a page.

    Parameters
    ----------
    data : object
        What to write.
    **attributes : str
        Of the script element.

    Returns
    -------
    str
        A script element that no string inside can end.
    """
    written = json.dumps(data, ensure_ascii=False).replace("<", "\\u003c").replace("&", "\\u0026")
    said = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f"<script{said}>{written}</script>"


def picture(visit: Visit, product: Product) -> str:
    """Say where a product's picture is.

    Parameters
    ----------
    visit : Visit
        Who is looking.
    product : Product
        The product.

    Returns
    -------
    str
        An absolute URL.
    """
    return f"{visit.root_url}/img/{product.sku}.svg"


def price_line(visit: Visit, offer: Offer) -> str:
    """Write an offer's price for a person.

    Parameters
    ----------
    visit : Visit
        Who is looking.
    offer : Offer
        The offer.

    Returns
    -------
    str
        HTML: the price and what it was before a sale; or that there is none.
    """
    if offer.price is None:
        return f'<span class="soft">Not sold in {escape(offer.market.title)}</span>'
    was = (
        f'<span class="was">{escape(visit.written(offer.former_price))}</span>' if offer.former_price else ""
    )
    return f'<span class="price">{escape(visit.written(offer.price))}</span>{was}'


def stock_line(offer: Offer) -> str:
    """Write an offer's stock for a person.

    Parameters
    ----------
    offer : Offer
        The offer.

    Returns
    -------
    str
        HTML: in stock, how many are left, and in which store.
    """
    where = f" at {escape(offer.store.city)}, {offer.store.state} {offer.store.zip}" if offer.store else ""
    if offer.price is None:
        return ""
    if not offer.n_left:
        return f'<span class="out">Out of stock{where}</span>'
    few = f", only {offer.n_left} left" if offer.n_left < 10 else ""  # noqa: PLR2004 - as shops do
    return f'<span class="in">In stock{few}{where}</span>'


def tax_line(offer: Offer) -> str:
    """Say which taxes the price holds.

    Parameters
    ----------
    offer : Offer
        The offer.

    Returns
    -------
    str
        Plain text.
    """
    rate = f" of {sales_tax(offer.store.state):g} % ({offer.store.state})" if offer.store else ""
    return offer.market.tax + rate


def facts(product: Product) -> str:
    """Write a product's numbers as table rows.

    Parameters
    ----------
    product : Product
        The product.

    Returns
    -------
    str
        HTML.
    """
    rows = {
        "Brand": product.brand,
        "Model": product.model,
        "Color": product.colour,
        "SKU": product.sku,
        "GTIN": product.gtin13,
    }
    cells = "".join(
        f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in rows.items() if value
    )
    return f"<table>{cells}</table>"


def _header(visit: Visit) -> str:
    hidden = (
        f'<input type="hidden" name="market" value="{visit.market.country}">'
        if "market" in visit.kept
        else ""
    )
    return (
        f'<header><div class="bar"><a class="logo" href="{escape(visit.link("/"))}">'
        "Loop<b>back</b> &amp; Co.</a>"
        f'<form action="{escape(visit.root_url)}/search"><input type="search" name="q" '
        f'placeholder="Search the shop" aria-label="Search">{hidden}</form>'
        f'<nav class="markets">{"".join(_market(visit, country) for country in MARKETS)}</nav></div></header>'
    )


def _market(visit: Visit, country: str) -> str:
    chosen = ' class="on"' if country == visit.market.country else ""
    link = escape("?" + urlencode(visit.query | {"market": country}))
    return f'<a href="{link}" title="{MARKETS[country].title}"{chosen}>{country}</a>'


def _notice(visit: Visit) -> str:
    if not visit.asked:
        return ""
    return (
        f'<p class="notice">There is no shop for {escape(visit.asked)}: these are the prices of the '
        f"{visit.market.title}, in {visit.market.currency}.</p>\n"
    )


def _footer(visit: Visit) -> str:
    return (
        "<footer>A demo shop on this computer: every brand, product and price is invented. "
        f"Market: {visit.market.title} ({visit.market.currency}), day {visit.day}.</footer>"
    )
