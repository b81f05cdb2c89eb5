"""Which keys each object has, in which order: what the columns alone do not say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.intp]
#: The keys that lead to a value.
Path = tuple[str, ...]
#: The keys of one object, in their order.
Keys = tuple[str, ...]
#: The layouts that some objects have, and each one's place among them; -1 where there is no object.
Level = tuple[Sequence[Keys], npt.NDArray[np.int32]]

_NONE: Level = ((), np.zeros(0, dtype=np.int32))

#: Where an object stands that is not looked at.
NOWHERE = np.iinfo(np.intp).max


class Layouts:
    """The keys of some objects, and of the objects in them.

    Parameters
    ----------
    n_objects : int
        How many.
    levels : Mapping, optional
        The keys under each path where there is an object in any of them; `note` adds to it.
    """

    def __init__(self, n_objects: int, levels: Mapping[Path, Level] | None = None) -> None:
        self._n_objects = n_objects
        #: The keys under each path.
        self.levels: dict[Path, Level] = dict(levels or {})

    def __len__(self) -> int:
        return self._n_objects

    def note(self, path: Path, positions: Positions, layouts: Sequence[Keys]) -> Positions:
        """Take down which keys there are under a path.

        Parameters
        ----------
        path : tuple of str
            Noted for the first time.
        positions : ndarray of int, length n
            Of the objects that have an object there.
        layouts : sequence of tuple, length n
            Its keys.

        Returns
        -------
        ndarray of int, length n
            The same number for the same keys in the same order, from 0 on.
        """
        place: dict[Keys, int] = {}
        if layouts and layouts.count(layouts[0]) == len(layouts):
            place[layouts[0]] = 0
            codes = np.zeros(len(layouts), dtype=np.intp)
        else:
            codes = np.array([place.setdefault(keys, len(place)) for keys in layouts], dtype=np.intp)
        at = np.full(self._n_objects, -1, dtype=np.int32)
        at[positions] = codes
        self.levels[path] = list(place), at
        return codes

    def leaves(self, nth: int) -> Iterator[Path]:
        """Yield the paths that lead to a value in one object.

        Parameters
        ----------
        nth : int
            Which.

        Yields
        ------
        tuple of str
            As its keys stand.
        """
        waiting: list[Path] = [()]
        while waiting:  # no recursion: a page may nest deeper than Python's stack
            path = waiting.pop()
            known, codes = self.levels.get(path, _NONE)
            code = codes[nth] if known else -1
            if code >= 0:
                waiting.extend((*path, key) for key in reversed(known[code]))
            elif path:
                yield path

    def first(self, rank: Positions) -> dict[Path, tuple[int, int]]:
        """Say where each path leads to a value first.

        Parameters
        ----------
        rank : ndarray of int, length n_objects
            The order of the objects; `NOWHERE` for those that are not looked at.

        Returns
        -------
        dict of tuple to tuple
            For each path the rank of the first object that has it, and its place among that object's leaves.
        """
        together: dict[int, list[Path]] = defaultdict(list)
        for path, first in self._first_ranks(rank):
            together[first].append(path)
        found = {}
        for first, paths in together.items():
            place = {path: nth for nth, path in enumerate(self.leaves(int(np.argmax(rank == first))))}
            found.update({path: (first, place[path]) for path in paths})
        return found

    def _first_ranks(self, rank: Positions) -> Iterator[tuple[Path, int]]:
        for path, (known, codes) in self.levels.items():
            has = codes >= 0
            first = np.full(len(known), NOWHERE)
            np.minimum.at(first, codes[has], rank[has])
            seen: dict[str, int] = {}
            for code in np.argsort(first).tolist():
                if first[code] == NOWHERE:
                    break
                if not seen.keys() >= set(known[code]):
                    for key in known[code]:
                        seen.setdefault(key, int(first[code]))
            for key, at in seen.items():
                below = (*path, key)
                if below not in self.levels:
                    yield below, at
                    continue
                # an object in one place, a value in the next
                has_key = np.array([key in keys for keys in known] + [False])[codes]
                at_value = rank[has_key & (self.levels[below][1] < 0)].min(initial=NOWHERE)
                if at_value != NOWHERE:
                    yield below, int(at_value)


def gathered(layouts: Sequence[tuple[int, Layouts]], n_objects: int, wanted: Positions) -> Layouts:
    """Gather some objects out of several that stand one after the other.

    Parameters
    ----------
    layouts : sequence of tuple
        Each with the position of its first object among all.
    n_objects : int
        How many there are in all.
    wanted : ndarray of int, length n
        Which, -1 for none.

    Returns
    -------
    Layouts
        Of n objects.
    """
    levels = {}
    for path in dict.fromkeys(chain.from_iterable(each.levels for _, each in layouts)):
        place: dict[Keys, int] = {}
        # one slot more than objects, and one more than layouts: -1, none, finds -1 there
        codes = np.full(n_objects + 1, -1, dtype=np.int32)
        for start, each in layouts:
            known, mine = each.levels.get(path, _NONE)
            renamed = np.array([*(place.setdefault(keys, len(place)) for keys in known), -1], dtype=np.int32)
            codes[start : start + len(mine)] = renamed[mine]
        levels[path] = list(place), codes[wanted]
    return Layouts(len(wanted), levels)
