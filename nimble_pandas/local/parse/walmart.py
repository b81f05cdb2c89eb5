"""Walmart's pages: the JSON that they render from."""

from __future__ import annotations

import json

from nimble_pandas.local.parse.document import Document
from nimble_pandas.local.parse.entities import Entities, Entity, Json, typed


def entities(document: Document) -> Entities:
    """Read a Walmart page.

    Parameters
    ----------
    document : Document
        The page.

    Returns
    -------
    dict
        Entities by type; empty where this is no such page.
    """
    script = document.all("//script[@id='__NEXT_DATA__']")
    if not script or "initialData" not in (script[0].text or ""):
        return {}
    try:
        data = json.loads(script[0].text, strict=False)
    except (ValueError, RecursionError):
        return {}
    initial = _at(data, "props", "pageProps", "initialData")
    product = _at(initial, "data", "product")
    stacks = _at(initial, "searchResult", "itemStacks")
    items = [item for stack in _list(stacks) for item in _list(_at(stack, "items"))]
    return typed("Product", [_product(product)]) | typed("SearchResult", [_result(item) for item in items])


def _product(item: Json) -> Entity:
    if not _at(item, "name"):
        return {}
    price = _at(item, "priceInfo", "currentPrice")
    return _present(
        _shared(item)
        | {
            "brand": _at(item, "brand"),
            "model": _at(item, "model"),
            "upc": _at(item, "upc"),
            "price": _at(price, "price"),
            "priceCurrency": _at(price, "currencyUnit"),
            "priceString": _at(price, "priceString"),
            "wasPrice": _at(item, "priceInfo", "wasPrice", "price"),
            "description": _at(item, "shortDescription"),
            "category": _path(_at(item, "category", "path")),
            "images": [
                url for image in _list(_at(item, "imageInfo", "allImages")) if (url := _at(image, "url"))
            ],
        }
    )


def _result(item: Json) -> Entity:
    """Rows between the products, such as banners, have no item id."""
    if not _at(item, "name") or not (_at(item, "usItemId") or _at(item, "id")):
        return {}
    price = _at(item, "price") or _at(item, "priceInfo", "currentPrice", "price")
    return _present(_shared(item) | {"price": price, "linePrice": _at(item, "priceInfo", "linePrice")})


def _shared(item: Json) -> Entity:
    rating = _at(item, "rating")
    return {
        "id": _at(item, "id"),
        "usItemId": _at(item, "usItemId"),
        "name": _at(item, "name"),
        "image": _at(item, "image") or _at(item, "imageInfo", "thumbnailUrl"),
        "offerId": _at(item, "offerId"),
        "sellerName": _at(item, "sellerName") or _at(item, "sellerDisplayName"),
        "canonicalUrl": _at(item, "canonicalUrl"),
        "availabilityStatus": _at(item, "availabilityStatus") or _at(item, "availabilityStatusV2", "value"),
        "averageRating": _at(item, "averageRating") or _at(rating, "averageRating"),
        "numberOfReviews": _at(item, "numberOfReviews") or _at(rating, "numberOfReviews"),
    }


def _at(value: Json, *path: str) -> Json:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _path(path: Json) -> str | None:
    return " > ".join(str(name) for step in _list(path) if (name := _at(step, "name"))) or None


def _present(entity: Entity) -> Entity:
    return {name: value for name, value in entity.items() if value not in (None, "", [])}
