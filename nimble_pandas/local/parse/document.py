"""A page as a tree, whatever its HTML."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any
from urllib.parse import urljoin

import lxml.etree
import lxml.html

# libxml2 adds each attribute at the end of a list that it walks from the start: 200,000 attributes in one
# tag, 1.5 MB, took 134 s. No honest tag has a thousand.
_LONG_TAG = re.compile(r"""<[A-Za-z](?:[^>=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+)*+""")
_QUOTED = re.compile(r""""[^"]*+"|'[^']*+'""")
_MAX_ATTRIBUTES = 1000
_LONG = 2 * _MAX_ATTRIBUTES

Node = Any  # an lxml element or attribute

_SPACES = re.compile(r"\s+")


class UnreadableError(Exception):
    """The page holds nothing that could be read."""


class Document:
    """A parsed page.

    Parameters
    ----------
    html : str
        The page.
    url : str
        Where it was found.

    Raises
    ------
    UnreadableError
        The page is empty or no HTML.
    """

    def __init__(self, html: str, *, url: str) -> None:
        self.html = html
        self.url = url
        self.tree = _tree(html)

    @cached_property
    def base_url(self) -> str:
        """What relative links are read against."""
        href = self.first("//base/@href")
        return self.absolute(href, base=self.url) if href else self.url

    def absolute(self, link: str, *, base: str | None = None) -> str:
        """Make a link absolute.

        Parameters
        ----------
        link : str
            A link of the page.
        base : str, optional
            What it is relative to; the page by default.

        Returns
        -------
        str
            The absolute link; what is no link comes back as it is.
        """
        try:
            return urljoin(base if base is not None else self.base_url, link.strip())
        except ValueError:
            return link

    def all(self, xpath: str, node: Node = None) -> list[Node]:
        """Find nodes or attributes.

        Parameters
        ----------
        xpath : str
            What to find.
        node : element, optional
            Where to look; the whole page by default.

        Returns
        -------
        list
            In document order.
        """
        found = (self.tree if node is None else node).xpath(xpath)
        return found if isinstance(found, list) else [found]

    def first(self, xpath: str, node: Node = None) -> str | None:
        """Find the first text that is not blank.

        Parameters
        ----------
        xpath : str
            Elements or attributes to look at.
        node : element, optional
            Where to look; the whole page by default.

        Returns
        -------
        str or None
            Its text, runs of white space made one space.
        """
        return next((text for found in self.all(xpath, node) if (text := text_of(found))), None)


def text_of(found: Node) -> str:
    """Read the visible text of an element or attribute.

    Parameters
    ----------
    found : element or str
        What an XPath found.

    Returns
    -------
    str
        Its text, runs of white space made one space.
    """
    if isinstance(found, str):
        return _SPACES.sub(" ", found).strip()
    pieces = found.xpath(".//text()[not(parent::script or parent::style or parent::noscript)]")
    return _SPACES.sub(" ", "".join(pieces)).strip()


def _tree(html: str) -> Node:
    if any(_n_attributes(tag.group()) > _MAX_ATTRIBUTES for tag in _LONG_TAG.finditer(html)):
        raise UnreadableError(f"a tag has more than {_MAX_ATTRIBUTES:,} attributes")
    parser = lxml.html.HTMLParser(encoding="utf-8")
    try:
        return lxml.html.document_fromstring(html.encode("utf-8", "replace"), parser=parser)
    except (lxml.etree.LxmlError, ValueError) as exc:
        raise UnreadableError("the page is empty or no HTML") from exc


def _n_attributes(tag: str) -> int:
    return len(_QUOTED.sub(" ", tag).split()) if len(tag) > _LONG else 0
