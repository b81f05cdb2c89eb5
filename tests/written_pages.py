"""Pages written as shops write them, and what the parser must find on them."""

import json

from nimble_pandas.local.parse import parse

URL = "https://shop.example/de/p/kettle?id=7"


def read(html, *, url=URL, vendor=None):
    """Parse a page that must give something."""
    answer = parse(html, url=url, vendor=vendor)
    assert answer["status"] == "success", answer
    return answer["entities"]


def product(html, **where):
    """Parse a page that must give exactly one product."""
    (found,) = read(html, **where)["Product"]
    return found


def jsonld(*texts, head="", body=""):
    """Write a page with JSON-LD scripts."""
    written = [text if isinstance(text, str) else json.dumps(text) for text in texts]
    scripts = "".join(f'<script type="application/ld+json">{text}</script>' for text in written)
    return f"<!doctype html><html><head>{head}{scripts}</head><body>{body}</body></html>"


KETTLE = {
    "@context": "https://schema.org/",
    "@type": "Product",
    "name": "Kettle",
    "description": "Boils.",
    "image": ["/img/k.jpg", "https://cdn.example/k2.jpg"],
    "sku": "00417",
    "gtin13": "0200000007919",
    "mpn": "K-1",
    "model": {"@type": "ProductModel", "name": "K1"},
    "color": "Red",
    "brand": {"@type": "Brand", "name": "Olina"},
    "aggregateRating": {"@type": "AggregateRating", "ratingValue": "4.5", "reviewCount": "12"},
    "offers": {
        "@type": "Offer",
        "price": "19.99",
        "priceCurrency": "USD",
        "availability": "http://schema.org/InStock",
        "url": "/p/kettle",
    },
}


MICRODATA = """
<div itemscope itemtype="http://schema.org/Product">
  <h1 itemprop="name">Copper <b>Kettle</b></h1><img itemprop="image" src="k.jpg">
  <meta itemprop="sku" content="00417">
  <div itemprop="brand" itemscope itemtype="http://schema.org/Brand"><span itemprop="name">Olina</span></div>
  <div itemprop="aggregateRating" itemscope itemtype="http://schema.org/AggregateRating">
    <span itemprop="ratingValue">4,2</span> of <span itemprop="bestRating">5</span>,
    <span itemprop="reviewCount">31</span></div>
  <div itemprop="offers" itemscope itemtype="http://schema.org/Offer">
    <span itemprop="price">1.299,00 €</span><link itemprop="availability" href="http://schema.org/OutOfStock"></div>
</div>"""


def next_data(initial):
    """Write a page as Walmart does."""
    data = {"props": {"pageProps": {"initialData": initial}}}
    script = f'<script id="__NEXT_DATA__" type="application/json">{json.dumps(data)}</script>'
    return f'<html><body><div id="__next"></div>{script}'
