"""Nested objects become leaves, each known by its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

# What nests deeper stays JSON text: a name of more parts than this helps nobody.
MAX_LEVELS = 32


class Leaf:
    """What lies at one path, on whichever pages have it.

    Parameters
    ----------
    path : tuple of str
        The keys that lead to it.

    Attributes
    ----------
    path : tuple of str
        The keys that lead to it.
    positions : list of int
        Which entities have it, rising.
    values : list of object
        What they have.
    """

    __slots__ = ("children", "path", "positions", "values")

    def __init__(self, path: tuple[str, ...]) -> None:
        self.path = path
        self.positions: list[int] = []
        self.values: list[object] = []
        self.children: dict[str, Leaf] = {}


class Leaves:
    """Takes entities one by one, and keeps each field's values together.

    An object on one page and a scalar on the next share a path but not a column: the object's
    own fields have longer paths. An empty object and a list are values.
    """

    def __init__(self) -> None:
        self.n_entities = 0
        self._root = Leaf(())
        self._used: dict[Leaf, None] = {}

    def __iter__(self) -> Iterator[Leaf]:
        """Yield the leaves in the order in which they first appeared."""
        return iter(self._used)

    def add(self, fields: Mapping[str, object]) -> None:
        """Take one entity's fields.

        Parameters
        ----------
        fields : Mapping
            A decoded JSON object, nested however deep.
        """
        position, used = self.n_entities, self._used
        levels = [(self._root, iter(fields.items()))]
        while levels:  # no recursion: a page may nest deeper than Python's stack
            parent, items = levels[-1]
            for key, value in items:
                leaf = parent.children.get(key) or _grow(parent, key)
                if isinstance(value, dict) and value and len(levels) < MAX_LEVELS:
                    levels.append((leaf, iter(value.items())))
                    break
                if not leaf.values:
                    used[leaf] = None
                leaf.positions.append(position)
                leaf.values.append(value)
            else:
                levels.pop()
        self.n_entities += 1


def _grow(parent: Leaf, key: str) -> Leaf:
    leaf = parent.children[key] = Leaf((*parent.path, key))
    return leaf
