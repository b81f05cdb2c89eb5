"""A parameter's values as JSON in Arrow: compared and joined for all rows at once."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nimble_pandas.models import DOCUMENTED_DEFAULTS, encode_json

Codes: TypeAlias = npt.NDArray[np.intp]
#: Places in a column's texts; half as wide, for there is one for each row of each column.
Places: TypeAlias = npt.NDArray[np.int32]
Flags: TypeAlias = npt.NDArray[np.bool_]

TEXT = pa.large_string()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One parameter of every row, as it is sent.

    Parameters
    ----------
    parameter : str
        The API's name.
    label : Hashable
        The caller's column or, without one, the name of the argument; for errors.
    default : object
        What holds where a row says nothing; None where there is no default.
    texts : pyarrow.Array or ChunkedArray of large_string
        What rows say: ``,"name":value``, or the bare text where it `needs_quotes`. Null says nothing.
    places : numpy.ndarray, shape (n,)
        Each row's place among `texts`.
    needs_quotes : bool
        Whether `texts` are the caller's own, with nothing in them that JSON would escape: so that millions
        of URLs are held once.
    reasons : dict of int to str
        Position of each row whose value cannot be sent, and why.
    """

    parameter: str
    label: Hashable
    default: object
    texts: pa.Array | pa.ChunkedArray
    places: Places
    needs_quotes: bool = False
    reasons: dict[int, str] = field(default_factory=dict)

    @property
    def is_said(self) -> Flags:
        """Say of each row whether there is a value, its own or the default."""
        if self.default is not None:
            return np.ones(len(self.places), dtype=bool)
        return self.says_itself

    @property
    def says_itself(self) -> Flags:
        """Say of each row whether it has a value of its own."""
        return self._by_row(pc.is_valid(self.texts))

    def equals(self, value: object) -> Flags:
        """Say of each row whether its effective value is `value`."""
        json_text = encode_json(value)
        text = json_text[1:-1] if self.needs_quotes else fragment(self.parameter, value)
        holds = self.default is not None and encode_json(self.default) == json_text
        return self._by_row(pc.fill_null(pc.equal(self.texts, text), holds))

    def _by_row(self, flags: pa.Array | pa.ChunkedArray) -> Flags:
        by_place: Flags = np.asarray(flags)
        return by_place[self.places]

    def at(self, rows: Codes) -> Column:
        """Return the column of some of the rows, which have values that can be sent."""
        return replace(self, places=self.places[rows], reasons={})

    def values(self) -> list[object]:
        """Return the values that rows say, each at least once."""
        texts = self.texts.drop_null().to_pylist()
        if self.needs_quotes:
            return [json.loads(f'"{text}"') for text in texts]
        return [json.loads(f"{{{text[1:]}}}")[self.parameter] for text in texts]

    def fragments(self, rows: slice | Codes) -> pa.Array:
        """Return what some rows say themselves, as ``,"name":value``; null where they say nothing."""
        texts = _pick(self.texts, self.places[rows])
        if not self.needs_quotes:
            return texts
        before = fragment(self.parameter, "")[:-1]
        return pc.binary_join_element_wise(_scalar(before), texts, _scalar('"'), _scalar(""))

    def fragment_bytes(self) -> Places:
        """Return the size of what each row says itself; 0 where it says nothing."""
        around = len(fragment(self.parameter, "")) if self.needs_quotes else 0
        # half as wide as they come: there is one for each row
        sizes = pc.fill_null(pc.binary_length(self.texts).cast(pa.int32()), -around)
        return np.asarray(sizes)[self.places] + np.int32(around)

    def effective(self, rows: slice | Codes) -> pa.Array:
        """Return what holds for some rows, default included, as `fragments`."""
        texts = self.fragments(rows)
        return texts if self.default is None else pc.fill_null(texts, fragment(self.parameter, self.default))

    def meanings(self, rows: slice | Codes) -> pa.Array:
        """Return `effective`, null too where it is the documented default."""
        texts = self.effective(rows)
        if self.parameter in DOCUMENTED_DEFAULTS:
            documented = fragment(self.parameter, DOCUMENTED_DEFAULTS[self.parameter])
            texts = pc.if_else(pc.equal(texts, documented), None, texts)
        return texts


def _pick(texts: pa.Array | pa.ChunkedArray, places: Places) -> pa.Array:
    if isinstance(texts, pa.ChunkedArray):
        # taking from chunks would join all of them first
        first = int(places.min(initial=len(texts)))
        stop = int(places.max(initial=first - 1)) + 1
        texts, places = texts.slice(first, stop - first).combine_chunks(), places - np.int32(first)
    return texts.take(pa.array(places))


def fragment(parameter: str, value: object) -> str:
    """Return ``,"name":value``."""
    return f",{encode_json(parameter)}:{encode_json(value)}"


def join_objects(fragments: list[pa.Array], n_rows: int) -> pa.Array:
    """Join fragments, row by row, to JSON objects.

    Parameters
    ----------
    fragments : list of pyarrow.Array, each of length n
        ``,"name":value``; null for nothing.
    n_rows : int
        The number of rows, where there is nothing to join.

    Returns
    -------
    pyarrow.Array of large_string, length n
        ``{"name":value,…}``.
    """
    inside = pc.binary_join_element_wise(
        *fragments, pa.nulls(n_rows, TEXT), _scalar(""), null_handling="replace", null_replacement=""
    )
    return pc.binary_join_element_wise(
        _scalar("{"), pc.ascii_ltrim(inside, characters=","), _scalar("}"), _scalar("")
    )


def _scalar(text: str) -> Any:  # noqa: ANN401 -- pyarrow has no types
    return pa.scalar(text, TEXT)


def unsaid(parameter: str, default: object, n_rows: int) -> Column:
    """Return the column of a parameter that no row says anything about."""
    return Column(
        parameter=parameter,
        label=parameter,
        default=default,
        texts=pa.nulls(1, TEXT),
        places=np.broadcast_to(np.int32(0), n_rows),
    )
