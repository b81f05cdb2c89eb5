"""schema.org objects, from whichever syntax, as product and search-result entities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from nimble_pandas.local.parse.entities import Entity, Json, filled
from nimble_pandas.local.parse.offers import offers
from nimble_pandas.local.parse.values import Node, Values, listed, number

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
_OFFERS = {"Offer", "AggregateOffer"}
_LISTS = {"ItemList", "OfferCatalog"}
_LISTABLE = _PRODUCTS | _GROUPS | _WORKS | _OFFERS | {"ListItem", "WebPage", "ItemPage", "Thing"}
_MAX_NODES = 5000
_MAX_LISTED = 1000
_MAX_INHERITED = 5000  # characters of a group's field that each of its variants gets
_MAX_DEPTH = 20


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
        self._nodes = _joined(islice(_unfolded(nodes), _MAX_NODES))
        self._values = Values(self._nodes, absolute=absolute)

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
        lists = [node for node in self._nodes if types(node) & _LISTS]
        entries = (entry for node in lists for entry in listed(node.get("itemListElement"))[:_MAX_LISTED])
        results = (self._result(entry, position) for position, entry in enumerate(entries, 1))
        return [result for result in results if result]

    def _products_of(self, node: Node) -> list[Entity]:
        kinds = types(node)
        if kinds & _GROUPS:
            return self._variant_products(node) or [self._product(node)]
        if kinds & _PRODUCTS or (kinds & _WORKS and node.get("offers")):
            return [self._product(node)]
        if kinds & _OFFERS:
            return [
                self._product(item | {"offers": node})
                for item in self._values.objects(node.get("itemOffered"))
            ]
        return []

    def _variants(self, node: Node) -> list[Node]:
        return self._values.objects(node.get("hasVariant"))[:_MAX_LISTED] if types(node) & _GROUPS else []

    def _variant_products(self, group: Node) -> list[Entity]:
        inherited = _inherited(self._product(group))
        variants = [self._product(variant) for variant in self._variants(group)]
        return [filled(variant, inherited) for variant in variants if variant.keys() - {"url"}]

    def _product(self, node: Node) -> Entity:
        product = self._values.fields(node, without=("offers", "itemOffered"))
        for group in self._values.objects(node.get("isVariantOf")):
            product = filled(product, _inherited(self._values.fields(group, without=("offers",))))
        offered = self._values.objects(node.get("offers"))
        found = offers([self._values.fields(item, without=("itemOffered",)) for item in offered])
        return product | ({"offers": found} if found else {})

    def _result(self, entry: Json, position: int) -> Entity:
        """Read a link, a list item, a product or an offer."""
        item = self._values.resolved(entry)
        around: Entity = {}
        if isinstance(item, dict) and "item" in item:
            around = self._values.fields(item, without=("item",))
            item = self._values.resolved(item["item"])
        item = {"url": item} if isinstance(item, str) else item
        if not isinstance(item, dict) or not types(item) <= _LISTABLE:
            return {}
        read = filled(self._listed_product(item), around)
        return {"position": number(around.get("position") or read.pop("position", position))} | read

    def _listed_product(self, item: Node) -> Entity:
        if types(item) & _OFFERS:
            return next(iter(self._products_of(item)), self._product(item))
        product = self._product(item)
        link = item.get("@id")
        if "url" not in product and isinstance(link, str) and "/" in link:
            product["url"] = self._values.absolute(link)
        return product


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
    return {_bare(item) for item in listed(node.get("@type")) if isinstance(item, str)}


def _bare(kind: str) -> str:
    return kind.strip().rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1].removeprefix("schema:")


def _unfolded(nodes: list[Json], depth: int = 0) -> Iterator[Node]:
    """Walk objects at the top, in graphs, and what a page says it is about."""
    for node in nodes:
        if not isinstance(node, dict):
            continue
        yield node
        if depth < _MAX_DEPTH:
            inner = listed(node.get("@graph")) + listed(node.get("mainEntity"))
            yield from _unfolded(inner, depth + 1)


def _joined(nodes: Iterator[Node]) -> list[Node]:
    """Join what a page says in several places of one ``@id``."""
    known: dict[object, Node] = {}
    for node in nodes:
        key = node.get("@id")
        mine = known.setdefault(key if isinstance(key, str) else id(node), {})
        for name, value in node.items():
            mine.setdefault(name, value)
    return list(known.values())


def _inherited(group: Entity) -> Entity:
    """Leave a variant its own offers, and do not repeat big fields of the group in each."""
    renamed = {
        ("inProductGroupWithID" if name == "productGroupID" else name): value for name, value in group.items()
    }
    return {
        name: value
        for name, value in renamed.items()
        if name not in ("offers", "variesBy", "sku", "url") and len(str(value)) <= _MAX_INHERITED
    }
