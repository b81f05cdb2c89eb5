"""The pages of a job as they come in: soon they are Arrow, so that no Python objects pile up."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import pyarrow as pa

from nimble_pandas import collector
from nimble_pandas.frames.chunk import Chunk, WideChunk, chunk_of
from nimble_pandas.frames.layouts import Positions
from nimble_pandas.frames.text import TEXT, text_array
from nimble_pandas.frames.width import MAX_FIELDS
from nimble_pandas.models import Entities

# Small enough for the processor's cache, large enough for what each block costs by itself.
_BLOCK = 1024
# pages themselves are long, and a string and its copy in Arrow are two of them
_BLOCK_CHARACTERS = 2**23

_MAX_TYPES = 20
# The service's own two spellings of the type, among an entity's fields.
_TYPE_FIELDS = "entity_type", "entityType"
_MAIN = "product"


class Page(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an output says of its page.

    Parameters
    ----------
    entities : dict of str or None to list of dict, default {}
        What the page holds, by type, in page order.
    html : str, optional
        The page itself.
    """

    entities: Entities = {}
    html: str | None = None


class Pages:
    """All pages of a job, each known by its place; they can be added, and never change."""

    def __init__(self) -> None:
        # of each page: its first entity
        self._first = array("q")
        # of each entity: its type, as a place among the words
        self._types = array("q")
        self._words: dict[str | None, int] = {None: 0}
        self._chunks: list[Chunk | WideChunk] = []
        self._texts: list[pa.Array] = []
        self._waiting: list[Mapping[str, object]] = []
        self._waiting_html: list[str | None] = []
        self._n_characters = 0
        #: The size of what is Arrow already.
        self.n_bytes = 0

    def __len__(self) -> int:
        return len(self._first)

    def add(self, page: Page) -> int:
        """Take in a page.

        Parameters
        ----------
        page : Page
            As its output has it.

        Returns
        -------
        int
            Its place.
        """
        self._first.append(len(self._types))
        for given, entities in page.entities.items():
            for fields in entities:
                said = _said_type(fields) if given is None else given
                self._types.append(self._words.setdefault(said, len(self._words)))
                said_again = "entity_type" in fields or "entityType" in fields
                self._waiting.append(_without_type(fields, said) if said_again else fields)
        self._waiting_html.append(page.html)
        if page.html:
            self._n_characters += len(page.html)
        if len(self._waiting) >= _BLOCK or self._n_characters >= _BLOCK_CHARACTERS:
            self._flush()
        return len(self._first) - 1

    def _flush(self) -> None:
        """Make Arrow of what waits."""
        with collector.paused():
            if self._waiting:
                self._chunks.append(chunk_of(self._waiting, MAX_FIELDS))
                self.n_bytes += self._chunks[-1].n_bytes
            if self._waiting_html:
                self._texts.append(text_array(self._waiting_html))
                self.n_bytes += self._texts[-1].nbytes
        self._waiting, self._waiting_html, self._n_characters = [], [], 0

    @property
    def chunks(self) -> Sequence[Chunk | WideChunk]:
        """The fields of all entities."""
        self._flush()
        return self._chunks

    @property
    def html(self) -> pa.ChunkedArray:
        """The pages themselves, null where they were not asked for."""
        self._flush()
        return pa.chunked_array(self._texts, TEXT)

    @property
    def n_entities(self) -> Positions:
        """How many entities each page holds."""
        return np.diff(self._first_entity, append=len(self._types))

    @property
    def n_all_entities(self) -> int:
        """How many entities all pages hold together."""
        return len(self._types)

    @property
    def types(self) -> pa.Array:
        """The type of each entity, null where it is said nowhere."""
        words = text_array(list(self._words))
        return words.take(pa.array(np.array(self._types, dtype=np.intp)))

    def shown(self, explode: bool | str) -> Positions:
        """Return the entities that are shown, page by page.

        Parameters
        ----------
        explode : bool or str
            One per page, or all, or all of one type.

        Returns
        -------
        ndarray of int
            Their places among all entities, ascending.
        """
        if explode is True:
            return np.arange(len(self._types))
        if explode is not False:
            return self._of_type(explode)
        first, n_entities = self._first_entity, self.n_entities
        products = np.append(self._of_type(_MAIN), len(self._types))
        product = products[np.searchsorted(products, first)]
        return np.where(product < first + n_entities, product, first)[n_entities > 0]

    @property
    def _first_entity(self) -> Positions:
        return np.array(self._first, dtype=np.intp)

    def _of_type(self, wanted: str) -> Positions:
        """Return the places of the entities of a type, whatever its case."""
        words = [
            place for word, place in self._words.items() if word and word.casefold() == wanted.casefold()
        ]
        return np.flatnonzero(np.isin(np.array(self._types, dtype=np.intp), words))

    def lacks(self, explode: bool | str) -> str | None:
        """Say that no page has an entity of a type, where others are there.

        Parameters
        ----------
        explode : bool or str
            As `shown` takes it.

        Returns
        -------
        str or None
            Which type, and which there are; None where nothing is amiss.
        """
        there = [word for word in self._words if word]
        if not isinstance(explode, str) or not there or explode.casefold() in map(str.casefold, there):
            return None
        return (
            f"explode={explode!r}: no page has such an entity, so no row has fields. "
            f"The types on these pages are {', '.join(map(repr, sorted(there)[:_MAX_TYPES]))}."
        )

    def page_of(self, entities: Positions) -> Positions:
        """Return the page that each of some entities is on."""
        return np.searchsorted(self._first_entity, entities, side="right") - 1


def _said_type(fields: Mapping[str, object]) -> str | None:
    """Return a type that stands only among the fields; None if it is said nowhere."""
    said = (fields.get(name) for name in _TYPE_FIELDS)
    return next((word for word in said if isinstance(word, str)), None)


def _without_type(fields: Mapping[str, object], said: str | None) -> Mapping[str, object]:
    """Leave out what the column entity_type says already."""
    again = {name for name in _TYPE_FIELDS if fields.get(name, _TYPE_FIELDS) == said}
    return {name: value for name, value in fields.items() if name not in again}
