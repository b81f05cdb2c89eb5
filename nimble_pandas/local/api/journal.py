"""What was asked of the service."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

MAX_CALLS = 10_000


@dataclass(slots=True, kw_only=True)
class Call:
    """A call that was received; its Authorization header is not kept.

    Parameters
    ----------
    method : str
        The HTTP method.
    path : str
        The path, without the query.
    query : str
        The query, without the question mark.
    body : object
        The decoded JSON body; None where there was none, it was no JSON, or the caller was not let in.
    """

    method: str
    path: str
    query: str = ""
    body: object = field(default=None, repr=False)


def body_as_json(body: bytes) -> object:
    """Decode a body for the journal.

    Parameters
    ----------
    body : bytes
        What came over the wire.

    Returns
    -------
    object
        Its JSON value, None where it has none.
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
