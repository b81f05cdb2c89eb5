"""Which requests of a plan a batch answers, in a few bytes each, or none where they follow one another."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence


class Offsets(Mapping[int, int]):
    """The requests of a plan that a batch answers, in order, and the place of each in the batch.

    Parameters
    ----------
    offset_of : Mapping of int to int
        Places in the batch by places in the plan.
    """

    def __init__(self, offset_of: Mapping[int, int]) -> None:
        positions = sorted(offset_of)
        self.positions = _narrow(positions)
        self._offsets = _narrow([offset_of[position] for position in positions])

    def __len__(self) -> int:
        return len(self.positions)

    def __iter__(self) -> Iterator[int]:
        return iter(self.positions)

    def __getitem__(self, position: int) -> int:
        place = bisect_left(self.positions, position)
        if place == len(self.positions) or self.positions[place] != position:
            raise KeyError(position)
        return self._offsets[place]


def _narrow(places: list[int]) -> Sequence[int]:
    """Return the same numbers in less room."""
    span = range(places[0], places[0] + len(places)) if places else range(0)
    return span if places == list(span) else array("i", places)
