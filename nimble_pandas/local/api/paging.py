"""Lists in pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from starlette.requests import Request as HttpRequest

from nimble_pandas.local.api.answers import bad_input

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
# A cursor is the number of the last entry of the page before: new entries and forgotten ones shift nothing.
CURSOR = "^[0-9]{1,18}$"


class Numbered(Protocol):
    """Whatever counts up."""

    @property
    def number(self) -> int:
        """Higher than those made before."""


_N = TypeVar("_N", bound=Numbered)


def paged(
    request: HttpRequest, newest_first: Sequence[_N], show: Callable[[_N], dict[str, Any]]
) -> dict[str, Any]:
    """Give the page of a list that a call asks for.

    Parameters
    ----------
    request : starlette.requests.Request
        The call, with ``limit`` and ``cursor``.
    newest_first : sequence
        The whole list, numbers falling.
    show : callable
        Shows an entry.

    Returns
    -------
    dict
        ``data``, ``pagination``.

    Raises
    ------
    Refusal
        400: ``limit`` or ``cursor`` is no such thing.
    """
    limit = _number(request, "limit", r"^[0-9]{1,4}$", DEFAULT_LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        raise bad_input(f"limit must be a whole number from 1 to {MAX_LIMIT}")
    cursor = _number(request, "cursor", CURSOR, None)
    left = [entry for entry in newest_first if cursor is None or entry.number < cursor]
    page = left[:limit]
    more = len(left) > limit
    return {
        "data": [show(entry) for entry in page],
        "pagination": {
            "hasNext": more,
            "nextCursor": str(page[-1].number) if more else None,
            "total": len(newest_first),
        },
    }


def _number(request: HttpRequest, name: str, pattern: str, default: Any) -> Any:  # noqa: ANN401 -- int, or as default
    given = request.query_params.getlist(name)
    if not given:
        return default
    if len(given) > 1 or not re.fullmatch(pattern, given[0], re.ASCII):
        raise bad_input(f"{name} must be one number")
    return int(given[0])
