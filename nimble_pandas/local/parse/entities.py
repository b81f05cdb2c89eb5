"""Entities: what was found on a page, by type."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Json = Any  # what JSON decodes to: a page can hold anything
Entity = dict[str, Json]
Entities = dict[str, list[Entity]]

_IDENTITIES = ("gtin", "gtin8", "gtin12", "gtin13", "gtin14", "sku", "productID", "url", "name")


def typed(kind: str, entities: Iterable[Entity]) -> Entities:
    """File entities under their type.

    Parameters
    ----------
    kind : str
        ``Product`` or ``SearchResult``.
    entities : iterable of dict
        The entities; empty ones are left out.

    Returns
    -------
    dict
        One key, or none where nothing was found.
    """
    filed = [{"entity_type": kind} | entity for entity in entities if entity]
    return {kind: filed} if filed else {}


def filled(entity: Entity, other: Entity) -> Entity:
    """Fill an entity's missing fields from another reading of the same thing.

    Parameters
    ----------
    entity : dict
        What counts.
    other : dict
        What fills the gaps, also inside nested objects.

    Returns
    -------
    dict
        The entity's fields first.
    """
    merged = dict(entity)
    for name, value in other.items():
        mine = merged.get(name)
        if _is_missing(mine):
            merged |= {} if _is_missing(value) else {name: value}
        elif isinstance(mine, dict) and isinstance(value, dict):
            merged[name] = filled(mine, value)
    return merged


def merged(first: list[Entity], second: list[Entity]) -> list[Entity]:
    """Join two readings of one page.

    Parameters
    ----------
    first : list of dict
        What counts.
    second : list of dict
        Fills gaps in the entities that it shares with the first; the rest of it is dropped.

    Returns
    -------
    list of dict
        The first reading, filled; the second where the first found nothing.
    """
    if not first or not second:
        return first or second
    if len(first) == len(second) == 1:
        return [filled(first[0], second[0])]
    known = {key: entity for entity in reversed(second) for key in _keys(entity)}
    return [
        filled(entity, next((known[key] for key in _keys(entity) if key in known), {})) for entity in first
    ]


def _keys(entity: Entity) -> list[tuple[str, str]]:
    return [
        (name, value.strip()) for name in _IDENTITIES if isinstance(value := entity.get(name), str) and value
    ]


def _is_missing(value: object) -> bool:
    return value is None or value in ("", [], {})
