"""JSON-LD as it is found in the wild."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator

import lxml.html

from nimble_pandas.local.parse.document import Document
from nimble_pandas.local.parse.entities import Json

_SCRIPTS = "//script[contains(translate(@type, 'ADJLNOPS', 'adjlnops'), 'ld+json')]"
_WRAPPING = re.compile(r"\A(?:\s|;|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[|<!--)+")
_WRAPPING_END = re.compile(r"(?:\s|;|//\s*\]\]>|/\*\s*\]\]>\s*\*/|\]\]>|//\s*-->|-->)+\Z")
# Only entities with their semicolon: "?a=1&copy=2" in a link is no copyright sign.
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_MAX_REPAIR = 500_000  # repairing walks the text in Python, at about 5 MB/s
_MAX_WRAPPING = 1000


def nodes(document: Document) -> list[dict[str, Json]]:
    """Read every JSON-LD script of a page.

    Parameters
    ----------
    document : Document
        The page.

    Returns
    -------
    list of dict
        The top-level objects in document order; a script that cannot be repaired costs only itself.
    """
    found = [item for script in document.all(_SCRIPTS) for item in _items(script.text or "")]
    return [unescaped(item) for item in found]


def unescaped(value: Json, depth: int = 0) -> Json:
    """Undo the HTML escaping that many shops apply to the strings of their JSON.

    Parameters
    ----------
    value : object
        Decoded JSON.
    depth : int
        How deep it lies; what lies too deep stays as it is.

    Returns
    -------
    object
        A copy.
    """
    if isinstance(value, str):
        return _ENTITY.sub(lambda entity: html.unescape(entity.group()), value) if "&" in value else value
    if depth > _MAX_DEPTH:
        return value
    if isinstance(value, list):
        return [unescaped(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {name: unescaped(item, depth + 1) for name, item in value.items()}
    return value


_MAX_DEPTH = 100


def _items(text: str) -> list[dict[str, Json]]:
    decoded = next((value for value in _readings(text) if value is not None), None)
    return [item for item in _flat(decoded) if isinstance(item, dict)]


def _flat(value: Json) -> list[Json]:
    """Open lists in lists, seen where a page joins the output of two plugins."""
    if not isinstance(value, list):
        return [value]
    return [inner for item in value for inner in (item if isinstance(item, list) else [item])]


def _readings(text: str) -> Iterator[Json]:
    """Read a script ever more leniently; the first reading that works counts."""
    yield _decoded(text)
    bare = _bare(text)
    yield _decoded(bare)
    if '"' not in bare and "&quot;" in bare:
        yield _decoded(html.unescape(bare))
    if len(bare) <= _MAX_REPAIR:
        yield _repaired(bare)
    yield _decoded_prefix(bare)


def _bare(text: str) -> str:
    """Strip the comment and CDATA wrappers that older templates put around scripts."""
    head, tail = text[:_MAX_WRAPPING], text[-_MAX_WRAPPING:]
    start = match.end() if (match := _WRAPPING.match(head)) else 0
    kept = len(text) - (len(tail) - match.start() if (match := _WRAPPING_END.search(tail)) else 0)
    return text[start:kept]


def _decoded(text: str) -> Json:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _repaired(text: str) -> Json:
    """Comments and trailing commas, as extruct undoes them."""
    from extruct.jsonld import JsonLdExtractor

    script = lxml.html.Element("script", type="application/ld+json")
    try:
        script.text = text
        return JsonLdExtractor().extract_items(script) or None
    except (ValueError, RecursionError, IndexError, TypeError):
        return None


def _decoded_prefix(text: str) -> Json:
    """Two objects in one script: the first one."""
    try:
        return json.JSONDecoder(strict=False).raw_decode(text)[0]
    except (ValueError, RecursionError):
        return None
