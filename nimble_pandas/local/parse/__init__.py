"""Products and search results from the HTML of a shop's page."""

from __future__ import annotations

from typing import Any

from nimble_pandas.local.parse import amazon, generic, walmart
from nimble_pandas.local.parse.bounds import UnboundedError, bounded
from nimble_pandas.local.parse.document import Document, UnreadableError
from nimble_pandas.local.parse.entities import Entities

__all__ = ["parse"]

_RULES = {"walmart": walmart.entities, "amazon": amazon.entities}


def parse(html: str, *, url: str, vendor: str | None) -> dict[str, Any]:
    """Read the products and search results of a page.

    Parameters
    ----------
    html : str
        The page.
    url : str
        Where it was found: relative links are read against it.
    vendor : str or None
        The shop whose page rules are tried first; the page's own evidence decides.

    Returns
    -------
    dict
        ``status``, ``entities`` by type, ``total_entities_count``, ``entities_count`` and ``metrics``; or
        ``status`` and ``error`` where nothing was found. Always plain JSON; never raises for any page.
    """
    try:
        found = bounded(_read(Document(html, url=url), vendor))
    except (UnreadableError, UnboundedError) as problem:
        return {"status": "error", "error": str(problem)}
    except Exception as exc:  # noqa: BLE001 - a page is foreign input: whatever it breaks, it costs one row
        return {"status": "error", "error": f"the page could not be parsed: {type(exc).__name__}"}
    return _answer(found)


def _read(document: Document, vendor: str | None) -> Entities:
    """Try the vendor's rules first, then the others', each only on evidence, then what any shop writes."""
    named = (vendor or "").strip().lower()
    for name in sorted(_RULES, key=lambda name: name != named):
        found = _RULES[name](document)
        if found:
            return found
    return generic.entities(document)


def _answer(found: Entities) -> dict[str, Any]:
    if not found:
        return {"status": "error", "error": "no product and no search result was found in the page"}
    counts = {kind: len(entities) for kind, entities in found.items()}
    return {
        "status": "success",
        "entities": found,
        "total_entities_count": sum(counts.values()),
        "entities_count": counts,
        "metrics": {},
    }
