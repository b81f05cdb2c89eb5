"""How wide a frame may get, and what is kept whole, as JSON, where the pages would make it wider."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from nimble_pandas.frames.flatten import Objects
from nimble_pandas.frames.layouts import Path

#: The most columns that pages may add. Objects keyed by id, such as variants by their SKU, would else make
#: tens of thousands, each nearly empty.
MAX_FIELDS = 1000

#: The column of what pages say beyond that.
OTHER = "other_fields"


def kept_whole(paths: Collection[Path], max_fields: int) -> set[Path]:
    """Choose the objects to keep whole: those with the most distinct keys first.

    Parameters
    ----------
    paths : collection of tuple
        Of all fields, in the order in which they first appear.
    max_fields : int
        How many columns there may be.

    Returns
    -------
    set of tuple
        Paths of objects; the empty one if the pages themselves have too many keys of their own.
    """
    keys: dict[Path, set[str]] = {}
    n_under: Counter[Path] = Counter()
    for path in paths:
        for level in range(len(path)):
            keys.setdefault(path[:level], set()).add(path[level])
            n_under[path[:level]] += 1
    whole: set[Path] = set()
    # sorting keeps the order of appearance among equals
    for parent in sorted(keys, key=lambda path: -len(keys[path])):
        if n_under[()] <= max_fields:
            break
        if any(parent[:level] in whole for level in range(len(parent))):
            continue
        whole.add(parent)
        if not parent:
            break
        n_fewer = n_under[parent] - (parent not in paths)
        for level in range(len(parent)):
            n_under[parent[:level]] -= n_fewer
    return whole


def rare_keys(objects: Objects, paths: Collection[Path], whole: set[Path], max_fields: int) -> set[str]:
    """Choose the pages' own keys that go into one column: those that the fewest pages have.

    Parameters
    ----------
    objects : sequence of Mapping
        The pages.
    paths : collection of tuple
        Of all fields, in the order in which they first appear.
    whole : set of tuple
        Objects that are kept whole.
    max_fields : int
        How many columns there may be.

    Returns
    -------
    set of str
        Keys; `OTHER` is one of them, for that column is taken.
    """
    columns = dict.fromkeys(_shortened(path, whole) for path in paths)
    width = Counter(path[0] for path in columns)
    n_pages = Counter(key for page in objects for key in page)
    rare = {OTHER}
    n_fields = len(columns) - width[OTHER] + 1
    for key, _ in reversed(n_pages.most_common()):
        if n_fields <= max_fields:
            break
        if key not in rare:
            rare.add(key)
            n_fields -= width[key]
    return rare


def _shortened(path: Path, whole: set[Path]) -> Path:
    return next((path[:level] for level in range(1, len(path)) if path[:level] in whole), path)


def gathered(objects: Objects, rare: set[str]) -> Iterator[Mapping[str, object]]:
    """Yield pages with their rare keys gathered under `OTHER`, at the end.

    Parameters
    ----------
    objects : sequence of Mapping
        The pages.
    rare : set of str
        As `rare_keys` returns them.

    Yields
    ------
    Mapping
        In the order of `objects`.
    """
    for page in objects:
        other = {key: value for key, value in page.items() if key in rare}
        kept = {key: value for key, value in page.items() if key not in rare}
        yield {**kept, OTHER: other} if other else page
