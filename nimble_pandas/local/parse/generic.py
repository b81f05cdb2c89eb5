"""Json shop's page: JSON-LD first, then microdata, then Open Graph, field by field."""

from __future__ import annotations

from urllib.parse import urlsplit

from nimble_pandas.local.parse import jsonld, microdata, opengraph
from nimble_pandas.local.parse.document import Document
from nimble_pandas.local.parse.entities import Entities, Entity, filled, merged, typed
from nimble_pandas.local.parse.schema import Graph


def entities(document: Document) -> Entities:
    """Read the products and search results of a page.

    Parameters
    ----------
    document : Document
        The page.

    Returns
    -------
    dict
        Entities by type; the product that the page is about comes first.
    """
    graphs = [
        Graph(nodes, absolute=document.absolute)
        for nodes in (jsonld.nodes(document), microdata.nodes(document))
    ]
    products = merged(*(graph.products() for graph in graphs))
    results = merged(*(graph.search_results() for graph in graphs))
    products = _with_opengraph(
        _main_first(products, document), opengraph.product(document), has_results=bool(results)
    )
    return typed("Product", products) | typed("SearchResult", results)


def _with_opengraph(products: list[Entity], told: Entity, *, has_results: bool) -> list[Entity]:
    """Open Graph tells of one product: the page's."""
    if not told or len(products) > 1:
        return products
    if products:
        return [filled(products[0], told)]
    return [] if has_results and "offers" not in told else [told]


def _main_first(products: list[Entity], document: Document) -> list[Entity]:
    if len(products) < 2:  # noqa: PLR2004 - nothing to sort
        return products
    here = {
        _place(document.url),
        _place(document.absolute(document.first("//link[@rel='canonical']/@href") or "")),
    }
    title = (document.first("//h1") or document.first("//title") or "").casefold()

    def distance(product: Entity) -> int:
        if isinstance(url := product.get("url"), str) and _place(url) in here:
            return 0
        return 1 if isinstance(name := product.get("name"), str) and name.casefold() == title else 2

    return sorted(products, key=distance)


def _place(url: str) -> tuple[str, str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", "", url
    return parts.netloc, parts.path.rstrip("/"), parts.query
