"""Pages with many products: the front page, categories, the shop's own search."""

from __future__ import annotations

from html import escape

from nimble_pandas.local.shop.catalogue import Product, products
from nimble_pandas.local.shop.pages.generic import described_product
from nimble_pandas.local.shop.pages.layout import TITLES, page, picture, price_line, script, stock_line
from nimble_pandas.local.shop.visit import Visit

_N_FEATURED = 12
_OTHER_VIEWS = {
    "Walmart-like search": "/walmart/search?q=coffee",
    "Amazon-like search": "/amazon/s?k=coffee",
    "robots.txt": "/robots.txt",
}


def front_page(visit: Visit) -> str:
    """Write the front page.

    Parameters
    ----------
    visit : Visit
        Who is looking.

    Returns
    -------
    str
        HTML.
    """
    aisles = "".join(
        f'<a href="{escape(visit.link(f"/c/{slug}"))}">{escape(title)}</a>' for slug, title in TITLES.items()
    )
    others = "".join(
        f'<a href="{escape(visit.root_url + path)}">{title}</a>' for title, path in _OTHER_VIEWS.items()
    )
    featured = [
        item for item in products() if not item.is_out_of_stock and item.is_sold_in(visit.market.country)
    ]
    body = (
        f"<h1>Everything, on loopback</h1>\n<p class=soft>{len(products())} invented products, priced for "
        f"{escape(visit.market.title)} in {visit.market.currency}. Choose another market above.</p>\n"
        f'<h2>Aisles</h2>\n<nav class="aisles">{aisles}</nav>\n<h2>Today in the shop</h2>\n'
        f"{_grid(visit, featured[:: len(featured) // _N_FEATURED][:_N_FEATURED])}\n"
        f'<h2>For machines</h2>\n<nav class="aisles">{others}</nav>'
    )
    return page(visit, title="Loopback & Co.: a demo shop", body=body)


def shelf_page(visit: Visit, *, title: str, found: list[Product], total: int, more: str = "") -> str:
    """Write a category or search page that lists its products in JSON-LD.

    Parameters
    ----------
    visit : Visit
        Who is looking.
    title : str
        The category, or what was searched for.
    found : list of Product
        This page's products.
    total : int
        How many there are on all pages.
    more : str, optional
        A link to the next page.

    Returns
    -------
    str
        HTML.
    """
    listed = {
        "@context": "https://schema.org",
        "@type": "ItemList",
        "name": title,
        "numberOfItems": total,
        "itemListElement": [
            {"@type": "ListItem", "position": place, "item": described_product(visit, product)}
            for place, product in enumerate(found, 1)
        ],
    }
    onward = f'\n<p><a class="in" href="{escape(more)}" rel="next">More</a></p>' if more else ""
    return page(
        visit,
        title=title,
        head=script(listed, type="application/ld+json"),
        body=f'<h1>{escape(title)}</h1>\n<p class="soft">{total} products</p>\n{_grid(visit, found)}{onward}',
    )


def notice_page(visit: Visit, *, title: str, text: str) -> str:
    """Write a page that only says something.

    Parameters
    ----------
    visit : Visit
        Who is looking.
    title : str
        In a few words.
    text : str
        In a sentence.

    Returns
    -------
    str
        HTML.
    """
    return page(visit, title=title, body=f"<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>")


def _grid(visit: Visit, found: list[Product]) -> str:
    return f'<div class="grid">{"".join(_card(visit, product) for product in found)}</div>'


def _card(visit: Visit, product: Product) -> str:
    offer = visit.offer(product)
    link, image = escape(visit.product_link(product)), escape(picture(visit, product))
    return (
        f'<a class="card" href="{link}"><img src="{image}" alt=""><div>{escape(product.name)}'
        f"<p>{price_line(visit, offer)}</p>"
        f'<p class="stars">{product.rating:.1f} ({product.n_ratings:,})</p>'
        f'<p class="soft">{stock_line(offer)}</p></div></a>'
    )
