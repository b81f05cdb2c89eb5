"""Microdata, through extruct, in the shape of JSON-LD."""

from __future__ import annotations

from itertools import islice

from nimble_pandas.local.parse.document import Document
from nimble_pandas.local.parse.entities import Json

# extruct copies the subtree of each property and, for each item, compares its own properties with those of
# the items inside: honest pages stay far below these.
_MAX_PROPERTIES = 6000
_MAX_COPIED = 200_000
_MAX_REFERENCES = 50


def nodes(document: Document) -> list[dict[str, Json]]:
    """Read a page's microdata.

    Parameters
    ----------
    document : Document
        The page.

    Returns
    -------
    list of dict
        The top-level items that have a type; none where there are more than an honest page has.
    """
    if not document.all("boolean(//*[@itemscope][@itemtype])")[0] or not _is_bounded(document):
        return []
    from extruct.w3cmicrodata import MicrodataExtractor

    items = MicrodataExtractor().extract_items(document.tree, document.base_url)
    return [node for item in items if (node := _node(item)) and "@type" in node]


def _is_bounded(document: Document) -> bool:
    properties = document.all("//*[@itemprop]")
    copied = (1 for prop in properties for _ in prop.iter())
    references = document.all("//@itemref")
    return (
        len(properties) <= _MAX_PROPERTIES
        and sum(len(ids.split()) for ids in references) <= _MAX_REFERENCES
        and sum(islice(copied, _MAX_COPIED)) < _MAX_COPIED
    )


def _node(item: Json) -> Json:
    """``{"type", "properties"}`` becomes ``{"@type", …}``; an item without either is its text."""
    if isinstance(item, list):
        return [_node(value) for value in item]
    if not isinstance(item, dict):
        return item
    if "properties" not in item and "type" not in item:
        return item.get("value")
    node = {name: _node(value) for name, value in item.get("properties", {}).items()}
    return node | {key: item[name] for key, name in (("@type", "type"), ("@id", "id")) if item.get(name)}
