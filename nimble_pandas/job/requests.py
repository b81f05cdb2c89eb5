"""The requests of a batch, as they are written down."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Mapping, Sequence
from typing import overload

import msgspec

# half of the time that `json` takes
_decoded = msgspec.json.Decoder(dict[str, object]).decode


class Requests(Sequence[Mapping[str, object]]):
    """Requests kept as one text, a tenth of the memory of dictionaries, and read when they are asked for.

    Parameters
    ----------
    texts : sequence of str
        JSON of each, defaults filled in.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        # JSON has no line breaks inside
        self._lines = "\n".join(texts)
        self._starts = array("Q", itertools.accumulate((len(text) + 1 for text in texts), initial=0))

    @property
    def texts(self) -> list[str]:
        """JSON of each."""
        return self._lines.split("\n") if len(self) else []

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, place: int) -> Mapping[str, object]: ...

    @overload
    def __getitem__(self, place: slice) -> Requests: ...

    def __getitem__(self, place: int | slice) -> Mapping[str, object] | Requests:
        if isinstance(place, slice):
            return Requests(self.texts[place])
        # counted from the end as well, and an IndexError where there is none, as lists have it
        number = range(len(self))[place]
        return _decoded(self._lines[self._starts[number] : self._starts[number + 1] - 1])
