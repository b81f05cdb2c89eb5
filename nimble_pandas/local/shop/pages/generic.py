"""Product pages of no vendor: JSON-LD, microdata, or Open Graph alone."""

from __future__ import annotations

from html import escape
from typing import Any

from nimble_pandas.local.shop.catalogue import Product
from nimble_pandas.local.shop.markets import Offer
from nimble_pandas.local.shop.pages.layout import (
    facts,
    page,
    picture,
    price_line,
    script,
    stock_line,
    tax_line,
)
from nimble_pandas.local.shop.visit import Visit


def jsonld(visit: Visit, product: Product) -> str:
    """Write a product page that describes itself in JSON-LD.

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
    described = {"@context": "https://schema.org/"} | described_product(visit, product)
    head = script(described, type="application/ld+json")
    return page(visit, title=product.name, head=head, body=_plain(visit, product))


def described_product(visit: Visit, product: Product) -> dict[str, Any]:
    """Describe a product as schema.org does.

    Parameters
    ----------
    visit : Visit
        Who is looking.
    product : Product
        The product.

    Returns
    -------
    dict
        A schema.org Product.
    """
    offer = visit.offer(product)
    described = {
        "@type": "Product",
        "name": product.name,
        "description": product.description,
        "image": [picture(visit, product)],
        "sku": product.sku,
        "gtin13": product.gtin13,
        "mpn": product.model,
        "model": product.model,
        "color": product.colour,
        "brand": {"@type": "Brand", "name": product.brand},
        "url": visit.link(f"/p/{product.sku}"),
        "aggregateRating": {
            "@type": "AggregateRating",
            "ratingValue": f"{product.rating:.1f}",
            "reviewCount": str(product.n_ratings),
        },
    }
    found = {name: value for name, value in described.items() if value}
    return found | ({"offers": _offered(visit, offer)} if offer.price is not None else {})


def microdata(visit: Visit, product: Product) -> str:
    """Write a product page that describes itself in microdata.

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
    body = (
        '<article class="product" itemscope itemtype="https://schema.org/Product">\n'
        f'<img itemprop="image" src="{escape(picture(visit, product))}" alt="">\n<div>\n'
        f'<h1 itemprop="name">{escape(product.name)}</h1>\n'
        f'<meta itemprop="sku" content="{product.sku}"><meta itemprop="gtin13" content="{product.gtin13}">\n'
        f'<meta itemprop="mpn" content="{escape(product.model)}"><link itemprop="url" '
        f'href="{escape(visit.link(f"/p/{product.sku}"))}">\n'
        f'<p class="soft" itemprop="brand" itemscope itemtype="https://schema.org/Brand">by '
        f'<span itemprop="name">{escape(product.brand)}</span></p>\n'
        + (f'<meta itemprop="color" content="{escape(product.colour)}">\n' if product.colour else "")
        + '<p class="stars" itemprop="aggregateRating" itemscope itemtype="https://schema.org/AggregateRating">'
        f'<span itemprop="ratingValue">{product.rating:.1f}</span> '
        f'(<span itemprop="reviewCount">{product.n_ratings}</span>)</p>\n'
        f"{_offer_microdata(visit, offer)}\n"
        f'<p itemprop="description">{escape(product.description)}</p>\n</div>\n</article>'
    )
    return page(visit, title=product.name, body=body)


def opengraph(visit: Visit, product: Product) -> str:
    """Write a product page that only tells the social networks what it sells.

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
    told = {
        "og:type": "product",
        "og:title": product.name,
        "og:description": product.description,
        "og:url": visit.link(f"/p/{product.sku}"),
        "og:image": picture(visit, product),
        "product:brand": product.brand,
        "product:retailer_item_id": product.sku,
        "product:color": product.colour,
    }
    if offer.price is not None:
        told |= {
            "product:price:amount": str(offer.price),
            "product:price:currency": offer.market.currency,
            "product:availability": "in stock" if offer.n_left else "out of stock",
        }
    metas = "\n".join(
        f'<meta property="{name}" content="{escape(value)}">' for name, value in told.items() if value
    )
    return page(visit, title=product.name, head=metas, body=_plain(visit, product))


def _offered(visit: Visit, offer: Offer) -> dict[str, Any]:
    return {
        "@type": "Offer",
        "url": visit.link(f"/p/{offer.product.sku}"),
        "price": str(offer.price),
        "priceCurrency": offer.market.currency,
        "availability": f"https://schema.org/{offer.availability}",
        "itemCondition": "https://schema.org/NewCondition",
    }


def _offer_microdata(visit: Visit, offer: Offer) -> str:
    """Write the price for people only, as many shops do: the machine has to read ``1.299,00 €``."""
    if offer.price is None:
        return f"<p>{price_line(visit, offer)}</p>"
    return (
        '<div itemprop="offers" itemscope itemtype="https://schema.org/Offer">\n'
        f'<p class="big" itemprop="price">{escape(visit.written(offer.price))}</p>\n'
        f'<meta itemprop="priceCurrency" content="{offer.market.currency}">\n'
        f'<link itemprop="availability" href="http://schema.org/{offer.availability}">\n'
        f'<p>{stock_line(offer)} <span class="soft">{escape(tax_line(offer))}</span></p>\n</div>'
    )


def _plain(visit: Visit, product: Product) -> str:
    """Write what a person sees, without a word for machines."""
    offer = visit.offer(product)
    return (
        f'<article class="product">\n<img src="{escape(picture(visit, product))}" alt="">\n<div>\n'
        f'<p class="soft">{escape(product.brand)}</p>\n<h1>{escape(product.name)}</h1>\n'
        f'<p class="stars">{product.rating:.1f} ({product.n_ratings:,})</p>\n'
        f"<p>{price_line(visit, offer)}</p>\n"
        f'<p>{stock_line(offer)} <span class="soft">{escape(tax_line(offer))}</span></p>\n'
        f"<p>{escape(product.description)}</p>\n{facts(product)}\n</div>\n</article>"
    )
