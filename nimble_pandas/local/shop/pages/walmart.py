"""Pages as Walmart builds them: rendered from the JSON that they carry."""

from __future__ import annotations

from html import escape
from typing import Any

from nimble_pandas.local.shop.catalogue import Product
from nimble_pandas.local.shop.identifiers import offer_id
from nimble_pandas.local.shop.pages.layout import (
    TITLES,
    facts,
    page,
    picture,
    price_line,
    script,
    stock_line,
    tax_line,
)
from nimble_pandas.local.shop.visit import Visit, product_path


def product_page(visit: Visit, product: Product) -> str:
    """Write a product page.

    Parameters
    ----------
    visit : Visit
        Who is looking.
    product : Product
        The product.

    Returns
    -------
    str
        HTML.
    """
    offer = visit.offer(product)
    data = {"contentLayout": {"pageId": "item"}, "data": {"product": _product(visit, product)}}
    body = (
        f'<article class="product">\n<img src="{escape(picture(visit, product))}" alt="">\n<div>\n'
        f'<p class="soft">{escape(product.brand)}</p>\n<h1 id="main-title">{escape(product.name)}</h1>\n'
        f'<p class="stars">{product.rating:.1f} ({product.n_ratings:,})</p>\n'
        f'<p data-testid="price-wrap">{price_line(visit, offer)}</p>\n'
        f'<p>{stock_line(offer)} <span class="soft">{escape(tax_line(offer))}</span></p>\n'
        f"<p>{escape(product.description)}</p>\n{facts(product)}\n</div>\n</article>\n{_next_data(data)}"
    )
    return page(visit, title=f"{product.name} - Walmart-like demo", body=body)


def search_page(visit: Visit, *, title: str, found: list[Product], total: int) -> str:
    """Write a search page.

    Parameters
    ----------
    visit : Visit
        Who is looking.
    title : str
        What was searched for.
    found : list of Product
        This page's products.
    total : int
        How many there are on all pages.

    Returns
    -------
    str
        HTML.
    """
    stack = {"title": title, "items": [_banner(), *(_item(visit, product) for product in found)]}
    data = {"searchResult": {"aggregatedCount": total, "itemStacks": [stack]}}
    cards = "".join(
        f'<a class="card" href="{escape(visit.product_link(product, "walmart"))}">'
        f'<img src="{escape(picture(visit, product))}" alt=""><div>{escape(product.name)}'
        f"<p>{price_line(visit, visit.offer(product))}</p></div></a>"
        for product in found
    )
    body = (
        f'<h1>{escape(title)}</h1>\n<p class="soft">{total} products</p>\n<div class="grid">{cards}</div>\n'
    )
    return page(visit, title=title, body=body + _next_data(data))


def _next_data(initial: dict[str, Any]) -> str:
    data = {"props": {"pageProps": {"initialData": initial}}, "page": "/", "query": {}, "buildId": "loopback"}
    return script(data, id="__NEXT_DATA__", type="application/json")


def _product(visit: Visit, product: Product) -> dict[str, Any]:
    offer = visit.offer(product)
    price, was = offer.price, offer.former_price
    return _shared(visit, product) | {
        "brand": product.brand,
        "model": product.model,
        "upc": product.gtin13[1:],
        "type": product.aisle,
        "shortDescription": product.description,
        "averageRating": round(product.rating, 1),
        "numberOfReviews": product.n_ratings,
        "imageInfo": {
            "thumbnailUrl": picture(visit, product),
            "allImages": [{"id": product.sku, "url": picture(visit, product)}],
        },
        "category": {"path": [{"name": TITLES[product.aisle], "url": f"/c/{product.aisle}"}]},
        "priceInfo": {
            "currentPrice": None
            if price is None
            else {
                "price": _figure(float(price)),
                "priceString": visit.written(price),
                "currencyUnit": offer.market.currency,
            },
            "wasPrice": {"price": _figure(float(was)), "priceString": visit.written(was)} if was else None,
        },
    }


def _item(visit: Visit, product: Product) -> dict[str, Any]:
    offer = visit.offer(product)
    return _shared(visit, product) | {
        "image": picture(visit, product),
        "price": _figure(float(offer.price)) if offer.price is not None else None,
        "priceInfo": {"linePrice": visit.written(offer.price) if offer.price is not None else ""},
        "rating": {"averageRating": round(product.rating, 1), "numberOfReviews": product.n_ratings},
    }


def _shared(visit: Visit, product: Product) -> dict[str, Any]:
    offer = visit.offer(product)
    return {
        "__typename": "Product",
        "id": offer_id("catalogue", product.sku)[:12],
        "usItemId": product.item_id,
        "name": product.name,
        "offerId": product.offer_id,
        "sellerName": "Loopback & Co.",
        "canonicalUrl": product_path(product, "walmart"),
        "availabilityStatus": "IN_STOCK" if offer.n_left else "OUT_OF_STOCK",
    }


def _banner() -> dict[str, Any]:
    """Advertising stands between the products, as on the real pages."""
    return {"__typename": "MarqueeAd", "name": None, "type": "BANNER"}


def _figure(price: float) -> float | int:
    return int(price) if price.is_integer() else price
