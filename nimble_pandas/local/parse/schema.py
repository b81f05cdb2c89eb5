"""schema.org objects, from whichever syntax, as product and search-result entities."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nimble_pandas.local.parse.entities import Entity, Json, filled
from nimble_pandas.local.parse.offers import offers

Node = dict[str, Json]

_PRODUCTS = {
    "Product",
    "IndividualProduct",
    "ProductModel",
    "SomeProducts",
    "Vehicle",
    "Car",
    "Motorcycle",
    "Drug",
    "DietarySupplement",
}
_GROUPS = {"ProductGroup"}
# Sold now and then: a product only where an offer says so.
_WORKS = {
    "Book",
    "CreativeWork",
    "Game",
    "Movie",
    "MusicAlbum",
    "MobileApplication",
    "SoftwareApplication",
    "VideoGame",
    "WebApplication",
}
_LISTS = {"ItemList", "OfferCatalog"}
_LINKS = ("url", "image", "logo", "thumbnailUrl", "contentUrl", "sameAs")
_NAMED = ("brand", "manufacturer", "model", "seller", "material", "category", "color")
_NUMBERS = ("ratingValue", "bestRating", "worstRating", "reviewCount", "ratingCount")
_NOT_ABOUT_IT = (
    "hasVariant",
    "isVariantOf",
    "isRelatedTo",
    "isSimilarTo",
    "isAccessoryOrSparePartFor",
    "mainEntityOfPage",
    "potentialAction",
    "subjectOf",
    "mainEntity",
    "@reverse",
)
_MAX_VARIANTS = 1000
_MAX_INHERITED = 5000  # characters of a group's field that each of its variants gets
_MAX_DEPTH = 20
_LONGEST_NUMBER = 20


class Graph:
    """The schema.org objects of a page.

    Parameters
    ----------
    nodes : list of dict
        Top-level objects, in the shape of JSON-LD.
    absolute : callable
        Makes a link of the page absolute.
    """

    def __init__(self, nodes: list[Node], *, absolute: Callable[[str], str]) -> None:
        self._absolute = absolute
        self._nodes = list(_unfolded(nodes))
        self._by_id = {
            node["@id"]: node
            for node in reversed(self._nodes)
            if isinstance(node.get("@id"), str) and len(node) > 1
        }

    def products(self) -> list[Entity]:
        """Read the products.

        Returns
        -------
        list of dict
            In document order; a group of variants gives one product per variant.
        """
        inside = {id(variant) for node in self._nodes for variant in self._variants(node)}
        own = (node for node in self._nodes if id(node) not in inside)
        return [product for node in own for product in self._products_of(node) if product]

    def search_results(self) -> list[Entity]:
        """Read the entries of item lists.

        Returns
        -------
        list of dict
            In the lists' order; lists of anything but products and links are left out.
        """
        entries = (entry for node in self._nodes if types(node) & _LISTS for entry in self._entries(node))
        return [
            result for position, entry in enumerate(entries, 1) if (result := self._result(entry, position))
        ]

    def _products_of(self, node: Node) -> list[Entity]:
        kinds = types(node)
        if kinds & _GROUPS:
            return self._variant_products(node) or [self._product(node)]
        if kinds & _PRODUCTS or (kinds & _WORKS and node.get("offers")):
            return [self._product(node)]
        return []

    def _variant_products(self, group: Node) -> list[Entity]:
        common = self._product(group)
        inherited = {name: value for name, value in common.items() if _is_inherited(name, value)}
        if "productGroupID" in common:
            inherited["inProductGroupWithID"] = inherited.pop("productGroupID", common["productGroupID"])
        variants = [self._product(variant) for variant in self._variants(group)]
        return [filled(variant, inherited) for variant in variants if variant.keys() - {"url"}]

    def _variants(self, node: Node) -> list[Node]:
        if not types(node) & _GROUPS:
            return []
        found = [self._resolved(item) for item in _listed(node.get("hasVariant"))[:_MAX_VARIANTS]]
        return [item for item in found if isinstance(item, dict)]

    def _product(self, node: Node) -> Entity:
        product = {name: self._value(name, value) for name, value in node.items() if _is_field(name)}
        product = {name: value for name, value in product.items() if value not in (None, "", [], {})}
        offered = [
            item for item in map(self._resolved, _listed(node.get("offers"))) if isinstance(item, dict)
        ]
        found = offers([self._object(item) for item in offered])
        group = self._resolved(node.get("isVariantOf"))
        if isinstance(group, dict):
            product = filled(
                product, {"inProductGroupWithID": group.get("productGroupID")} | _named_fields(group)
            )
        product.pop("offers", None)
        return product | ({"offers": found} if found else {})

    def _entries(self, node: Node) -> list[Json]:
        return [self._resolved(item) for item in _listed(node.get("itemListElement"))[:_MAX_VARIANTS]]

    def _result(self, entry: Json, position: int) -> Entity:
        if isinstance(entry, str):
            return {"position": position, "url": self._absolute(entry)}
        if not isinstance(entry, dict):
            return {}
        item = self._resolved(entry.get("item", entry))
        if isinstance(item, str):
            item = {"url": item}
        if not isinstance(item, dict) or not _is_result(item):
            return {}
        around = {
            "position": entry.get("position", position),
            "name": entry.get("name"),
            "url": entry.get("url"),
        }
        own = self._product(item)
        for name in ("itemOffered", "item"):
            inner = self._resolved(item.get(name))
            own = filled(own, self._product(inner)) if isinstance(inner, dict) else own
        own = {name: value for name, value in own.items() if name not in ("position", "item", "itemOffered")}
        own = filled(
            own,
            {"url": self._absolute(text)} if isinstance(text := item.get("@id"), str) and "/" in text else {},
        )
        link = around["url"]
        around["url"] = self._absolute(link) if isinstance(link, str) else None
        return filled({"position": _number(around["position"])}, filled(own, around))

    def _resolved(self, value: Json) -> Json:
        """Follow a bare ``{"@id": …}`` to the object that it names."""
        if (
            isinstance(value, dict)
            and isinstance(value.get("@id"), str)
            and len(value.keys() - {"@id", "@type"}) == 0
        ):
            return self._by_id.get(value["@id"], value)
        return value

    def _object(self, node: Node) -> Entity:
        return {name: self._value(name, value) for name, value in node.items() if not name.startswith("@")}

    def _value(self, name: str, value: Json, depth: int = 0) -> Json:
        value = self._resolved(value)
        if depth > _MAX_DEPTH:
            return None
        if isinstance(value, list):
            return _single([self._value(name, item, depth + 1) for item in value])
        if isinstance(value, dict):
            return self._nested(name, value, depth)
        if isinstance(value, str):
            return self._scalar(name, value.strip())
        return value

    def _nested(self, name: str, node: Node, depth: int) -> Json:
        """Objects that only carry a name, a link or a value stand for it."""
        if "@value" in node:
            return node["@value"]
        if name == "image":
            link = next(
                (node[key] for key in ("url", "contentUrl", "@id") if isinstance(node.get(key), str)), None
            )
            return self._absolute(link) if link else None
        if name in _NAMED and isinstance(node.get("name"), str | list):
            return self._value("name", node["name"], depth + 1)
        inner = {
            key: self._value(key, value, depth + 1)
            for key, value in node.items()
            if not key.startswith("@") and key not in _NOT_ABOUT_IT
        }
        return inner or node.get("@id")

    def _scalar(self, name: str, text: str) -> Json:
        if name in _LINKS:
            return self._absolute(text) if text else None
        return _number(text) if name in _NUMBERS else text


def types(node: Node) -> set[str]:
    """Name an object's types.

    Parameters
    ----------
    node : dict
        The object.

    Returns
    -------
    set of str
        Without the vocabulary's address.
    """
    return {
        item.rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1].removeprefix("schema:")
        for item in _listed(node.get("@type"))
        if isinstance(item, str)
    }


def _unfolded(nodes: list[Json], depth: int = 0) -> Iterator[Node]:
    """Objects at the top, in graphs, and what a page says it is about."""
    for node in nodes:
        if not isinstance(node, dict):
            continue
        yield node
        if depth < _MAX_DEPTH:
            inner = _listed(node.get("@graph")) + _listed(node.get("mainEntity"))
            yield from _unfolded(inner, depth + 1)


def _listed(value: Json) -> list[Json]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _single(values: list[Json]) -> Json:
    kept = [value for value in values if value not in (None, "", {}, [])]
    return kept[0] if len(kept) == 1 else kept


def _is_field(name: str) -> bool:
    return not name.startswith("@") and name not in _NOT_ABOUT_IT


def _is_inherited(name: str, value: Json) -> bool:
    """Leave a variant its own offers, and do not repeat big fields of the group in each."""
    return name not in ("offers", "variesBy", "sku", "url") and len(str(value)) <= _MAX_INHERITED


def _is_result(item: Node) -> bool:
    kinds = types(item)
    return not kinds or bool(
        kinds & (_PRODUCTS | _GROUPS | _WORKS | {"ListItem", "Offer", "WebPage", "ItemPage"})
    )


def _named_fields(group: Node) -> Entity:
    return {name: group[name] for name in ("name", "description") if isinstance(group.get(name), str)}


def _number(value: Json) -> Json:
    """Read a rating or count that stands as text."""
    if not isinstance(value, str) or len(value) > _LONGEST_NUMBER:
        return value
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value.replace(",", "."))
    except ValueError:
        return value
