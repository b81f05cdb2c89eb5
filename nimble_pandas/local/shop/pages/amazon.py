"""Pages as Amazon builds them: everything stands in the HTML."""

from __future__ import annotations

from html import escape

from nimble_pandas.local.shop.catalogue import Product
from nimble_pandas.local.shop.markets import Offer
from nimble_pandas.local.shop.pages.layout import page, picture, stock_line, tax_line
from nimble_pandas.local.shop.visit import Visit


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
    link = escape(visit.product_link(product, "amazon"))
    body = (
        f'<div id="dp" class="product">\n<img id="landingImage" alt="{escape(product.name)}" '
        f'src="{escape(picture(visit, product))}" data-old-hires="{escape(picture(visit, product))}">\n'
        f'<div id="centerCol">\n<h1 id="title"><span id="productTitle" class="a-size-large">        '
        f"{escape(product.name)}       </span></h1>\n"
        f'<a id="bylineInfo" class="soft" href="{link}">Visit the {escape(product.brand)} Store</a>\n'
        f'<div id="averageCustomerReviews" data-asin="{product.asin}">'
        f'<span id="acrPopover" title="{product.rating:.1f} out of 5 stars"><span class="a-icon-alt stars">'
        f"{product.rating:.1f} out of 5 stars</span></span> "
        f'<span id="acrCustomerReviewText" class="soft">{product.n_ratings:,} ratings</span></div>\n'
        f"{_buy_box(visit, offer)}\n"
        f'<div id="productDescription"><p>{escape(product.description)}</p></div>\n'
        f'<input type="hidden" id="ASIN" name="ASIN" value="{product.asin}">\n</div>\n</div>\n'
        f'<script>var dataToReturn = {{"parentAsin" : "{product.parent_asin}", '
        f'"currentAsin" : "{product.asin}"}};</script>'
    )
    head = f'<link rel="canonical" href="{link}">'
    return page(visit, title=f"Amazon-like demo: {product.name}", head=head, body=body)


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
    results = "\n".join(_result(visit, product) for product in found)
    body = (
        f'<h1>{escape(title)}</h1>\n<p class="soft">{total} results</p>\n'
        f'<div class="s-main-slot grid">\n<div data-asin="" class="s-widget" hidden></div>\n{results}\n</div>'
    )
    return page(visit, title=title, body=body)


def _result(visit: Visit, product: Product) -> str:
    offer = visit.offer(product)
    link = escape(visit.link(f"/amazon/{product.slug}/dp/{product.asin}"))
    stars = f'<span class="a-icon-alt stars">{product.rating:.1f} out of 5 stars</span>'
    return (
        f'<div class="card s-result-item" data-asin="{product.asin}" data-component-type="s-search-result">'
        f'<img class="s-image" src="{escape(picture(visit, product))}" alt=""><div>'
        f'<h2><a class="a-link-normal" href="{link}"><span>{escape(product.name)}</span></a></h2>'
        f'<p><i class="a-icon-star-small">{stars}</i> '
        f'<span class="soft s-underline-text">{product.n_ratings:,}</span></p>'
        f"<p>{_price(visit, offer)}</p></div></div>"
    )


def _buy_box(visit: Visit, offer: Offer) -> str:
    if offer.price is None:
        where = escape(offer.market.title)
        return f'<div id="availability"><span class="out">Currently unavailable in {where}.</span></div>'
    words = "In Stock" if offer.n_left else "Currently unavailable."
    hidden = "items[0.base][customerVisiblePrice]"
    return (
        f'<div id="corePrice_feature_div" class="big">{_price(visit, offer)}</div>\n'
        f'<input type="hidden" name="{hidden}[amount]" value="{offer.price}">'
        f'<input type="hidden" name="{hidden}[currencyCode]" value="{offer.market.currency}">\n'
        f'<div id="availability"><span class="{"in" if offer.n_left else "out"}"> {words} </span></div>\n'
        f'<p class="soft">{stock_line(offer)} {escape(tax_line(offer))}</p>'
    )


def _price(visit: Visit, offer: Offer) -> str:
    """Write each price twice, once whole for screen readers."""
    if offer.price is None:
        return ""
    now = _said_twice("a-price price", visit.written(offer.price))
    was = (
        _said_twice("a-price a-text-price was", visit.written(offer.former_price))
        if offer.former_price
        else ""
    )
    return f"{now} {was}"


def _said_twice(classes: str, text: str) -> str:
    return (
        f'<span class="{classes}"><span class="a-offscreen" hidden>{escape(text)}</span>'
        f'<span aria-hidden="true">{escape(text)}</span></span>'
    )
