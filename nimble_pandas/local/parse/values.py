"""Values of schema.org objects: references followed, links made absolute, wrappers taken off."""

from __future__ import annotations

from collections.abc import Callable

from nimble_pandas.local.parse.bounds import Meter
from nimble_pandas.local.parse.entities import Json

Node = dict[str, Json]

_LINKS = ("url", "image", "logo", "thumbnailUrl", "contentUrl", "sameAs")
_NAMED = ("brand", "manufacturer", "model", "material", "category", "color", "size")
_NUMBERS = ("ratingValue", "bestRating", "worstRating", "reviewCount", "ratingCount", "position")
# What leads from a product to other things.
_ELSEWHERE = (
    "hasVariant",
    "isVariantOf",
    "isRelatedTo",
    "isSimilarTo",
    "isAccessoryOrSparePartFor",
    "mainEntity",
    "mainEntityOfPage",
    "potentialAction",
    "subjectOf",
)
_MAX_DEPTH = 20
_LONGEST_NUMBER = 20


class Values:
    """Reads the values of a page's schema.org objects.

    Parameters
    ----------
    nodes : list of dict
        The objects that references can name.
    absolute : callable
        Makes a link of the page absolute.
    """

    def __init__(self, nodes: list[Node], *, absolute: Callable[[str], str]) -> None:
        self.absolute = absolute
        self._by_id = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str)}
        self._meter = Meter()
        self._open: set[int] = set()

    def resolved(self, value: Json) -> Json:
        """Follow a bare ``{"@id": …}``.

        Parameters
        ----------
        value : object
            A value of a schema.org object.

        Returns
        -------
        object
            The object that it names, or the value itself.
        """
        if not isinstance(value, dict) or not value.keys() <= {"@id", "@type"}:
            return value
        name = value.get("@id")
        return self._by_id.get(name, value) if isinstance(name, str) else value

    def objects(self, value: Json) -> list[Node]:
        """Read a value as a list of objects.

        Parameters
        ----------
        value : object
            One object, a list, or nothing.

        Returns
        -------
        list of dict
            Those that are objects, references followed.
        """
        found = map(self.resolved, listed(value))
        return [item for item in found if isinstance(item, dict)]

    def fields(self, node: Node, *, without: tuple[str, ...] = ()) -> Node:
        """Read an object.

        Parameters
        ----------
        node : dict
            The object.
        without : tuple of str
            Fields that are read otherwise.

        Returns
        -------
        dict
            Its own fields, empty ones left out; nothing that leads to other things.

        Raises
        ------
        UnboundedError
            References unfold to more than a page can mean.
        """
        return self._fields(node, 0, (*_ELSEWHERE, *without))

    def _fields(self, node: Node, depth: int, without: tuple[str, ...]) -> Node:
        self._open.add(id(node))
        found = {
            name: read
            for name, value in node.items()
            if name not in without
            and not name.startswith("@")
            and (read := self._read(name, value, depth + 1)) not in (None, "", [], {})
        }
        self._open.discard(id(node))
        return found

    def _read(self, name: str, value: Json, depth: int) -> Json:
        self._meter.count()
        value = self.resolved(value)
        if depth > _MAX_DEPTH:
            return None
        if isinstance(value, list):
            return _single([self._read(name, item, depth + 1) for item in value])
        if isinstance(value, dict):
            return self._object(name, value, depth)
        return self._scalar(name, value.strip()) if isinstance(value, str) else value

    def _object(self, name: str, node: Node, depth: int) -> Json:
        """Take an object that only wraps a text, a link or a name for what it wraps."""
        if "@value" in node:
            return node["@value"]
        if name == "image":
            return self._image(node)
        if name in _NAMED and isinstance(node.get("name"), str | list):
            return self._read("name", node["name"], depth + 1)
        if id(node) in self._open:  # an object that holds itself
            return node.get("@id")
        return self._fields(node, depth, _ELSEWHERE) or node.get("@id")

    def _image(self, node: Node) -> str | None:
        links = (node.get(name) for name in ("url", "contentUrl", "@id"))
        link = next((item for value in links for item in listed(value) if isinstance(item, str)), None)
        return self.absolute(link) if link else None

    def _scalar(self, name: str, text: str) -> Json:
        if name in _LINKS:
            return self.absolute(text) if text else None
        return number(text) if name in _NUMBERS else text


def listed(value: Json) -> list[Json]:
    """Read a value that may be one thing or a list of them.

    Parameters
    ----------
    value : object
        One thing, a list, or nothing.

    Returns
    -------
    list
        Empty for nothing.
    """
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def number(value: Json) -> Json:
    """Read a rating or count that stands as text.

    Parameters
    ----------
    value : object
        Such as ``"4.5"``.

    Returns
    -------
    object
        The number; what is none comes back as it is.
    """
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NUMBER or not value.isascii():
        return value
    if value.isdigit():
        return int(value)
    whole, _, rest = value.replace(",", ".").partition(".")
    return float(f"{whole}.{rest}") if whole.isdigit() and rest.isdigit() else value


def _single(values: list[Json]) -> Json:
    kept = [value for value in values if value not in (None, "", {}, [])]
    return kept[0] if len(kept) == 1 else kept
