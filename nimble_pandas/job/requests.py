"""The requests of a batch, as they are written down."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import overload


class Requests(Sequence[Mapping[str, object]]):
    """Requests kept as JSON, a fifth of the memory of dictionaries, and read when they are asked for.

    Parameters
    ----------
    texts : iterable of str
        JSON of each, defaults filled in.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(texts)

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, place: int) -> Mapping[str, object]: ...

    @overload
    def __getitem__(self, place: slice) -> Requests: ...

    def __getitem__(self, place: int | slice) -> Mapping[str, object] | Requests:
        if isinstance(place, slice):
            return Requests(self.texts[place])
        request: dict[str, object] = json.loads(self.texts[place])
        return request
