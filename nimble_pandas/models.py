"""The wire's nouns: the only room that knows the service's JSON names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One thing found on a page: a product, a search result, a review.

    Parameters
    ----------
    type : str or None
        The service's word for it, such as ``"Product"``.
    fields : Mapping
        Its decoded JSON object.
    """

    type: str | None
    fields: Mapping[str, object]
