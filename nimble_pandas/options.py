"""A store's options, which keep to themselves: they hold the caller's keys."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

# shorter options tell nothing, and would black out half of every message
_MIN_SECRET = 4

# who reads that a store cannot be reached wants to see which
_PLAIN = frozenset({"endpoint_url", "region_name", "project", "profile"})


class Options(Mapping[str, Any]):
    """Options of a store, handed to fsspec as they are; no value is in a repr, a message or a pickle.

    Parameters
    ----------
    given : Mapping, optional
        What the caller gave; none at all if not given.
    """

    __slots__ = ("_given",)

    def __init__(self, given: Mapping[str, Any] | None = None) -> None:
        self._given = dict(given or {})

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 -- whatever a store takes
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __repr__(self) -> str:
        return f"Options({', '.join(map(str, self._given))})"

    def __reduce__(self) -> tuple[type[Options], tuple[()]]:
        # the other side has an environment of its own
        return Options, ()

    def __copy__(self) -> Options:
        # unlike a pickle, a copy stays where the secrets are
        return self

    def __deepcopy__(self, memo: object) -> Options:
        return self

    def mask(self, text: str) -> str:
        """Return a text with no text of the options in it.

        Parameters
        ----------
        text : str
            What a store's library says.

        Returns
        -------
        str
            What can be shown.
        """
        return masked(text, sorted(_texts(self._given), key=len, reverse=True))


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text with none of the secrets in it, as they are or inside a repr, JSON, a URL or HTML.

    Parameters
    ----------
    text : str
        What is to be shown.
    secrets : iterable of str
        What must not be.

    Returns
    -------
    str
        With asterisks in their place.
    """
    for secret in secrets:
        inside = (repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe=""), html.escape(secret))
        for spelling in (secret, *inside):
            text = text.replace(spelling, "***")
    return text


def _texts(options: object) -> Iterator[str]:
    """Yield every text in options, nested ones too."""
    if isinstance(options, Mapping):
        options = [value for name, value in options.items() if name not in _PLAIN or "@" in str(value)]
    if isinstance(options, list | tuple | set | frozenset):
        for option in options:
            yield from _texts(option)
    elif isinstance(options, str | bytes) and len(options) >= _MIN_SECRET:
        yield options if isinstance(options, str) else options.decode(errors="replace")
