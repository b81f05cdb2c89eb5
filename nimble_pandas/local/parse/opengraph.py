"""Open Graph: what a page tells the social networks about its product."""

from __future__ import annotations

from nimble_pandas.local.parse.document import Document
from nimble_pandas.local.parse.entities import Entity, Json
from nimble_pandas.local.parse.offers import offer

# Anywhere in the page, and with `name` for `property`: both are common slips.
_METAS = (
    "//meta[@content][starts-with(@property, 'og:') or starts-with(@property, 'product:')"
    " or starts-with(@name, 'og:') or starts-with(@name, 'product:')]"
)
_FIELDS = {
    "name": ("og:title", "product:title"),
    "description": ("og:description",),
    "image": ("og:image:secure_url", "og:image", "og:image:url"),
    "url": ("og:url",),
    "sku": ("product:retailer_item_id", "product:sku"),
    "gtin": ("product:gtin", "product:ean", "product:upc", "product:isbn"),
    "mpn": ("product:mfr_part_no",),
    "brand": ("product:brand", "og:brand"),
    "color": ("product:color",),
    "size": ("product:size",),
    "category": ("product:category",),
}
_OFFER_FIELDS = {
    # A sale price stands beside the regular one and is what the buyer pays.
    "price": ("product:sale_price:amount", "product:price:amount", "og:price:amount", "product:price"),
    "priceCurrency": (
        "product:sale_price:currency",
        "product:price:currency",
        "og:price:currency",
        "product:currency",
    ),
    "availability": ("product:availability", "og:availability"),
    "itemCondition": ("product:condition",),
}


def product(document: Document) -> Entity:
    """Read the product that a page is about.

    Parameters
    ----------
    document : Document
        The page.

    Returns
    -------
    dict
        Its fields, named as schema.org does; empty where the page says nothing of a product.
    """
    said = _properties(document)
    offered = offer(_picked(said, _OFFER_FIELDS))
    if not said.get("og:type", "").lower().startswith(("product", "og:product")) and "price" not in offered:
        return {}
    found = _picked(said, _FIELDS)
    found |= {name: document.absolute(found[name]) for name in ("image", "url") if name in found}
    return found | ({"offers": offered} if offered else {})


def _properties(document: Document) -> dict[str, str]:
    """Collect the first value of each property."""
    said: dict[str, str] = {}
    for meta in document.all(_METAS):
        name = meta.get("property") or meta.get("name")
        said.setdefault(str(name).strip().lower(), meta.get("content").strip())
    return said


def _picked(said: dict[str, str], fields: dict[str, tuple[str, ...]]) -> dict[str, Json]:
    found = {
        field: next((said[name] for name in names if said.get(name)), None) for field, names in fields.items()
    }
    return {field: value for field, value in found.items() if value}
