"""The parser against the pages of vendors that it has rules for."""

import pytest
from written_pages import KETTLE, URL, jsonld, next_data, product, read

from nimble_pandas.local.parse import parse

WALMART_ITEM = {
    "__typename": "Product",
    "usItemId": "0123456789",
    "id": "4A2B",
    "name": "Air Fryer",
    "offerId": "OF1",
    "sellerName": "Walmart.com",
    "canonicalUrl": "/ip/Air-Fryer/0123456789?x=1",
}


@pytest.mark.parametrize("vendor", ["walmart", "Walmart ", "amazon", None])
def test_walmart_product(vendor):
    """A Walmart product is read from the page's own JSON, whoever is named as the vendor."""
    item = WALMART_ITEM | {
        "brand": "Olina",
        "averageRating": 4.4,
        "numberOfReviews": 31,
        "availabilityStatus": "IN_STOCK",
        "shortDescription": "<p>Fries.</p>",
        "imageInfo": {
            "thumbnailUrl": "https://i5.example/a.jpg",
            "allImages": [{"url": "https://i5.example/b.jpg"}],
        },
        "priceInfo": {
            "currentPrice": {"price": 59.0, "priceString": "$59.00", "currencyUnit": "USD"},
            "wasPrice": {"price": 89.0},
        },
        "category": {"path": [{"name": "Home"}, {"name": "Fryers"}]},
    }
    found = product(next_data({"data": {"product": item}}), vendor=vendor)
    assert found == {
        "entity_type": "Product",
        "id": "4A2B",
        "usItemId": "0123456789",
        "name": "Air Fryer",
        "image": "https://i5.example/a.jpg",
        "offerId": "OF1",
        "sellerName": "Walmart.com",
        "canonicalUrl": "/ip/Air-Fryer/0123456789?x=1",
        "availabilityStatus": "IN_STOCK",
        "averageRating": 4.4,
        "numberOfReviews": 31,
        "brand": "Olina",
        "price": 59.0,
        "priceCurrency": "USD",
        "priceString": "$59.00",
        "wasPrice": 89.0,
        "description": "<p>Fries.</p>",
        "category": "Home > Fryers",
        "images": ["https://i5.example/b.jpg"],
    }


def test_walmart_search():
    """Walmart results come with the documented fields; banners and null rows between them are left out."""
    items = [
        WALMART_ITEM | {"image": "https://i5.example/a.jpg", "price": 59.5},
        {"__typename": "MarqueeAd", "name": None},
        None,
        WALMART_ITEM | {"id": "5C", "name": "Kettle", "price": 0, "priceInfo": {"linePrice": "$19.99"}},
    ]
    entities = read(next_data({"searchResult": {"itemStacks": [{"items": items}, {"items": None}, None]}}))
    assert [item["name"] for item in entities["SearchResult"]] == ["Air Fryer", "Kettle"]
    first = entities["SearchResult"][0]
    assert {"id", "name", "image", "offerId", "sellerName", "price", "canonicalUrl"} <= first.keys()
    assert first["price"] == 59.5


@pytest.mark.parametrize(
    "initial", [None, [], {"data": None}, {"data": {"product": []}}, {"searchResult": {"itemStacks": {}}}]
)
def test_walmart_without_data(initial):
    """A page whose JSON holds no product falls back to what else it says."""
    assert product(next_data(initial) + jsonld(KETTLE), vendor="walmart")["sku"] == "00417"


AMAZON = """<html><head><link rel="canonical" href="https://www.amazon.com/Olina-Kettle/dp/B0ABCD1234"></head><body>
<div id="dp"><div id="leftCol">
<img id="landingImage" src="data:image/gif;base64,R0" data-old-hires="https://m.example/k.jpg"></div>
<div id="centerCol"><h1><span id="productTitle" class="a-size-large">        Olina Kettle,
   1.7 L      </span></h1><a id="bylineInfo" href="/stores/x">Visit the Olina Store</a>
<div id="averageCustomerReviews" data-asin="B0ABCD1234"><span id="acrPopover" title="4.6 out of 5 stars">
<i><span class="a-icon-alt">4.6 out of 5 stars</span></i></span>
<span id="acrCustomerReviewText">1,636 ratings</span></div>
<div id="corePriceDisplay_desktop_feature_div">
<span class="a-price priceToPay"><span class="a-offscreen"> </span><span aria-hidden="true">
<span class="a-price-symbol">$</span>
<span class="a-price-whole">34<span class="a-price-decimal">.</span></span>
<span class="a-price-fraction">99</span></span></span>
<span class="a-price a-text-price" data-a-strike="true"><span class="a-offscreen">$49.99</span></span></div>
<div id="feature-bullets"><ul><li><span>Boils fast</span></li><li><span> </span></li></ul></div></div>
<div id="rightCol"><div id="availability"><style>.x{}</style>
<span class="a-color-success"> In Stock </span></div></div></div>
<div class="a-carousel"><span class="a-price"><span class="a-offscreen">$1.00</span></span></div>
<script>var x = {"parentAsin":"B0PARENT12"}</script></body></html>"""


def test_amazon_product():
    """An Amazon page gives the documented fields, the price of the buy box and no other."""
    assert product(AMAZON, vendor="amazon") == {
        "entity_type": "Product",
        "asin": "B0ABCD1234",
        "parent_asin": "B0PARENT12",
        "product_name": "Olina Kettle, 1.7 L",
        "brand": "Olina",
        "price": "$34.99",
        "old_price": "$49.99",
        "availability": "In Stock",
        "rating": "4.6 out of 5 stars",
        "reviewsCount": "1,636 ratings",
        "image_url": "https://m.example/k.jpg",
        "features": ["Boils fast"],
    }


def test_amazon_sold_out():
    """A product without a buy box has no price: that of a carousel is another product's."""
    html = AMAZON.replace("corePriceDisplay_desktop_feature_div", "x").replace(
        'class="a-price priceToPay"', ""
    )
    found = product(html.replace("In Stock", "Currently unavailable."), vendor="amazon")
    assert "price" not in found
    assert found["availability"] == "Currently unavailable."


def test_amazon_asin_from_the_url():
    """Without a number on the page the address gives it."""
    for url in ("https://www.amazon.de/dp/B0ABCD1234", "https://amazon.com/gp/product/B0ABCD1234?th=1"):
        assert (
            product("<span id=productTitle>Kettle</span>", url=url, vendor="amazon")["asin"] == "B0ABCD1234"
        )


def test_amazon_search():
    """Amazon results come with name, price, number, rating and link; widgets between them are left out."""
    result = """<div data-asin="B0ABCD123{n}" data-component-type="s-search-result">
    <img class="s-image" src="/{n}.jpg">
    <a class="a-link-normal" href="/Kettle/dp/B0ABCD123{n}/ref=sr_1"><h2><span>Kettle {n}</span></h2></a>
    <span class="a-icon-alt">4.{n} out of 5 stars</span>
    <span class="a-price"><span class="a-offscreen">${n}.99</span></span>
    <span class="a-price a-text-price"><span class="a-offscreen">$9.99</span></span></div>"""
    widget = '<div data-asin="" data-component-type="s-search-result"><h2>Sponsored</h2></div>'
    html = f"<div>{result.replace('{n}', '1')}{widget}{result.replace('{n}', '2')}</div>"
    found = read(html, url="https://www.amazon.com/s?k=kettle", vendor="amazon")["SearchResult"]
    assert found[0] == {
        "entity_type": "SearchResult",
        "productName": "Kettle 1",
        "price": "$1.99",
        "old_price": "$9.99",
        "asin": "B0ABCD1231",
        "rating": "4.1 out of 5 stars",
        "image_url": "/1.jpg",
        "productUrl": "https://www.amazon.com/Kettle/dp/B0ABCD1231/ref=sr_1",
    }
    assert [item["asin"] for item in found] == ["B0ABCD1231", "B0ABCD1232"]


def test_robot_check():
    """A robot check in place of the page is an error that says so."""
    html = '<form action="/errors/validateCaptcha"><h4>Enter the characters you see below</h4></form>'
    assert "robot check" in parse(html, url=URL, vendor="amazon")["error"]


def test_vendor_needs_evidence():
    """The vendor's name alone does not choose the rules: any page is read by what it holds."""
    for vendor in ("walmart", "amazon", "homedepot", "", None):
        assert product(jsonld(KETTLE), vendor=vendor)["sku"] == "00417"
