"""Amazon's pages: what their HTML shows."""

from __future__ import annotations

import re

from nimble_pandas.local.parse.document import Document, Node, UnreadableError
from nimble_pandas.local.parse.entities import Entities, Entity, typed

_IS_RESULT = "@data-component-type='s-search-result'"
_RESULTS = f"//*[{_IS_RESULT}][string-length(@data-asin) > 0][not(ancestor::*[{_IS_RESULT}])]"
_MAX_RESULTS = 1000
_MAX_FEATURES = 50
_MAX_PRICES = 50  # looked at before giving up
_ASIN = re.compile(r"/(?:dp|gp/product|gp/aw/d)/([A-Z0-9]{10})(?![A-Za-z0-9])")
_PARENT = re.compile(r"[\"']?parent_?[Aa]sin[\"']?\s{0,9}[:=]\s{0,9}[\"']([A-Z0-9]{10})[\"']")
_BYLINE = re.compile(r"^(?:Visit the (.{1,200}) Store|Brand: (.{1,200}))$")


def _has(name: str) -> str:
    """One of an element's classes."""
    return f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"


_PRICE = f"//*[{_has('a-price')} and not({_has('a-text-price')})]"
_PIECE = f"{_has('a-price-symbol')} or {_has('a-price-whole')} or {_has('a-price-fraction')}"


def entities(document: Document) -> Entities:
    """Read an Amazon page.

    Parameters
    ----------
    document : Document
        The page.

    Returns
    -------
    dict
        Entities by type; empty where this is no such page.

    Raises
    ------
    UnreadableError
        The page asks whether we are a robot.
    """
    if document.all("//form[@action='/errors/validateCaptcha']"):
        raise UnreadableError("the site answered with a robot check in place of the page")
    name = document.first("//*[@id='productTitle']")
    results = document.all(_RESULTS)[:_MAX_RESULTS]
    return typed("Product", [_product(document, name)] if name else []) | typed(
        "SearchResult", [_result(document, node) for node in results]
    )


def _product(document: Document, name: str) -> Entity:
    return _present(
        {
            "asin": _asin(document),
            "parent_asin": found.group(1) if (found := _PARENT.search(document.html)) else None,
            "product_name": name,
            "brand": _brand(document.first("//*[@id='bylineInfo']")),
            "price": _price(document),
            "old_price": _old_price(document, None),
            "currency": document.first(
                "//input[contains(@name, '[customerVisiblePrice][currencyCode]')]/@value"
            ),
            "availability": document.first("//*[@id='availability']"),
            "rating": _rating(document),
            "reviewsCount": document.first("//*[@id='acrCustomerReviewText']"),
            "image_url": _image(document),
            "description": document.first("//*[@id='productDescription']"),
            "features": [
                text
                for node in document.all("//*[@id='feature-bullets']//li")[:_MAX_FEATURES]
                if (text := document.first(".", node))
            ],
        }
    )


def _result(document: Document, node: Node) -> Entity:
    link = document.first(".//h2//a/@href | .//a[h2]/@href | .//a[contains(@href, '/dp/')]/@href", node)
    return _present(
        {
            "productName": document.first(".//h2", node),
            "price": _shown_price(document, node),
            "old_price": _old_price(document, node),
            "asin": node.get("data-asin"),
            "rating": document.first(f".//*[{_has('a-icon-alt')}]", node),
            "reviewsCount": document.first(f".//*[{_has('s-underline-text')}]", node),
            "image_url": document.first(f".//img[{_has('s-image')}]/@src", node),
            "productUrl": document.absolute(link) if link else None,
        }
    )


def _asin(document: Document) -> str | None:
    written = document.first("//input[@id='ASIN']/@value | //*[@id='averageCustomerReviews']/@data-asin")
    if written:
        return written
    places = (document.first("//link[@rel='canonical']/@href") or "", document.url)
    return next((found.group(1) for place in places if (found := _ASIN.search(place))), None)


def _price(document: Document) -> str | None:
    """Look into the buy box first: other prices of the page are those of other offers and products."""
    for box in (
        "corePrice_feature_div",
        "corePriceDisplay_desktop_feature_div",
        "apex_desktop",
        "buybox",
        "centerCol",
    ):
        for node in document.all(f"//*[@id='{box}']")[:2]:
            if found := _shown_price(document, node):
                return found
    ids = (
        "priceblock_ourprice",
        "priceblock_dealprice",
        "priceblock_saleprice",
        "price_inside_buybox",
        "kindle-price",
    )
    return document.first(" | ".join(f"//*[@id='{name}']" for name in ids)) or _bare_price(document)


def _bare_price(document: Document) -> str | None:
    """Find a price outside the known boxes and outside the carousels."""
    prices = (node for node in document.all(_PRICE)[:_MAX_PRICES] if not _is_elsewhere(node))
    return next((text for node in prices if (text := _price_text(document, node))), None)


def _is_elsewhere(node: Node) -> bool:
    return any(
        "a-carousel" in str(around.get("class")) or around.get("data-component-type") == "s-search-result"
        for around in node.iterancestors()
    )


def _shown_price(document: Document, node: Node) -> str | None:
    prices = document.all("." + _PRICE, node)[:_MAX_PRICES]
    return next((text for price in prices if (text := _price_text(document, price))), None)


def _price_text(document: Document, price: Node) -> str | None:
    """Take the text for screen readers, which is whole; where it is blank the price stands in pieces."""
    if whole := document.first(f"./*[{_has('a-offscreen')}]", price):
        return whole
    pieces = document.all(f"./*[{_PIECE}] | ./*/*[{_PIECE}]", price)[:3]
    return "".join(document.first(".", piece) or "" for piece in pieces) or None


def _old_price(document: Document, node: Node) -> str | None:
    found = document.first(
        f".//*[{_has('a-price')} and {_has('a-text-price')}]/*[{_has('a-offscreen')}]", node
    )
    return found or (
        document.first("//*[@id='listPrice' or @id='priceblock_listprice']") if node is None else None
    )


def _rating(document: Document) -> str | None:
    return document.first("//*[@id='acrPopover']/@title") or document.first(
        f"//*[@id='averageCustomerReviews']//*[{_has('a-icon-alt')}]"
    )


def _image(document: Document) -> str | None:
    link = document.first("//*[@id='landingImage' or @id='imgBlkFront']/@data-old-hires") or document.first(
        "//*[@id='landingImage' or @id='imgBlkFront']/@src"
    )
    return document.absolute(link) if link else None


def _brand(byline: str | None) -> str | None:
    found = _BYLINE.match(byline or "")
    return next((part for part in found.groups() if part), None) if found else byline


def _present(entity: Entity) -> Entity:
    return {name: value for name, value in entity.items() if value not in (None, "", [])}
