"""The frame around every page: what a person sees."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from nimble_pandas.local.shop.catalogue import Product
from nimble_pandas.local.shop.markets import MARKETS, Offer
from nimble_pandas.local.shop.stores import sales_tax
from nimble_pandas.local.shop.visit import Visit
from nimble_pandas.local.shop.words import AISLES

TITLES = {aisle.slug: aisle.title for aisle in AISLES}

_STYLE = """
:root{--ink:#1d2433;--soft:#667085;--line:#e6e8ee;--leaf:#0f766e;--sun:#f59e0b;--bg:#f7f7f5}
*{box-sizing:border-box}body{margin:0;font:15px/1.5 system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif;
color:var(--ink);background:var(--bg)}a{color:inherit;text-decoration:none}a:hover{text-decoration:underline}
header{background:#fff;border-bottom:1px solid var(--line)}
.bar,main,footer{max-width:1080px;margin:0 auto;padding:14px 20px}
.bar{display:flex;gap:22px;align-items:center;flex-wrap:wrap}.logo{font-weight:800;font-size:20px;letter-spacing:-.5px}
.logo b{color:var(--leaf)}form{flex:1;min-width:180px}input[type=search]{width:100%;padding:8px 14px;
border:1px solid var(--line);border-radius:999px;font:inherit;background:var(--bg)}
.markets{display:flex;gap:4px;flex-wrap:wrap;font-size:13px}.markets a{padding:3px 8px;border-radius:999px;color:var(--soft)}
.markets a.on{background:var(--leaf);color:#fff}h1{font-size:26px;line-height:1.2;margin:8px 0}
h2{font-size:15px;text-transform:uppercase;letter-spacing:.06em;color:var(--soft);margin:30px 0 10px}
.notice{background:#fff7e6;border:1px solid #fde3ad;border-radius:10px;padding:8px 14px;margin:0 0 14px}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:16px}
.card{background:#fff;border:1px solid var(--line);border-radius:14px;overflow:hidden;display:flex;flex-direction:column}
.card img{width:100%;aspect-ratio:4/3;display:block}.card div{padding:12px 14px}.card h2{all:unset;display:block;font-weight:600}
.card p{margin:6px 0 0}.price{font-size:19px;font-weight:700}.was{color:var(--soft);text-decoration:line-through;margin-left:8px}
.soft,.stars{color:var(--soft);font-size:13px}.stars::before{content:"★ ";color:var(--sun)}
.aisles{display:flex;gap:8px;flex-wrap:wrap}.aisles a{background:#fff;border:1px solid var(--line);border-radius:999px;padding:6px 14px}
.product{display:grid;grid-template-columns:minmax(240px,420px) 1fr;gap:34px;margin-top:10px}
.product>img{width:100%;border-radius:18px;border:1px solid var(--line);background:#fff}
.big{font-size:30px;font-weight:800}.in{color:var(--leaf);font-weight:600}.out{color:#b42318;font-weight:600}
table{border-collapse:collapse;font-size:14px;margin-top:14px}td,th{text-align:left;padding:4px 18px 4px 0;
border-bottom:1px solid var(--line);font-weight:400}th{color:var(--soft)}
footer{color:var(--soft);font-size:13px;border-top:1px solid var(--line);margin-top:40px}
@media(max-width:700px){.product{grid-template-columns:1fr}}
"""


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
    return (
        f'<!doctype html>\n<html lang="{escape(visit.language.replace("_", "-"))}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f"{head}\n<style>{_STYLE}</style>\n</head>\n<body>\n{_header(visit)}\n<main>\n{_notice(visit)}{body}\n</main>\n"
        f"{_footer(visit)}\n</body>\n</html>\n"
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
    few = f" – only {offer.n_left} left" if offer.n_left < 10 else ""  # noqa: PLR2004 - as shops do
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
    markets = "".join(
        f'<a href="?market={country}" title="{market.title}"{" class=on" if market is visit.market else ""}>{country}</a>'
        for country, market in MARKETS.items()
    )
    hidden = (
        f'<input type="hidden" name="market" value="{visit.market.country}">'
        if "market" in visit.kept
        else ""
    )
    return (
        f'<header><div class="bar"><a class="logo" href="{escape(visit.link("/"))}">Loop<b>back</b> &amp; Co.</a>'
        f'<form action="{escape(visit.root_url)}/search"><input type="search" name="q" placeholder="Search the shop"'
        f' aria-label="Search">{hidden}</form><nav class="markets">{markets}</nav></div></header>'
    )


def _notice(visit: Visit) -> str:
    if not visit.asked:
        return ""
    return (
        f'<p class="notice">There is no shop for {escape(visit.asked)}: these are the prices of the {visit.market.title},'
        f" in {visit.market.currency}.</p>\n"
    )


def _footer(visit: Visit) -> str:
    return (
        "<footer>A demo shop on this computer: every brand, product and price is invented. "
        f"Market: {visit.market.title} ({visit.market.currency}), day {visit.day}.</footer>"
    )
