"""Which row, answer and entity each line of the frame shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nimble_pandas.frames.answer import Answer
from nimble_pandas.frames.flatten import Objects, Positions
from nimble_pandas.models import Entity

# The service's own two spellings of the type, among an entity's fields.
_TYPE_FIELDS = "entity_type", "entityType"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """One line per line of the frame: where each of its parts comes from.

    Parameters
    ----------
    row : ndarray of int, length n
        Position in the caller's frame.
    answer : ndarray of int, length n
        Position among the answers.
    entity : ndarray of int, length n
        Position among the entities shown, -1 for none.
    types : list of str or None
        The type of each entity shown.
    fields : sequence of Mapping
        The fields of each entity shown.
    """

    row: Positions
    answer: Positions
    entity: Positions
    types: list[str | None]
    fields: Objects

    def find(self, positions: Positions) -> Positions:
        """Return where each line's entity stands among some entities.

        Parameters
        ----------
        positions : ndarray of int
            Those entities' positions among all that are shown.

        Returns
        -------
        ndarray of int, length n
            Positions in `positions`, -1 for none.
        """
        # one slot more than entities: entity -1, none, finds -1 there
        place = np.full(len(self.types) + 1, -1, dtype=np.intp)
        place[positions] = np.arange(len(positions))
        return place[self.entity]


def lay_out(answers: Sequence[Answer], answer_of_row: npt.ArrayLike, explode: bool | str) -> Lines:
    """Choose the entities to show and give each its line, rows in their order.

    Parameters
    ----------
    answers : sequence of Answer
        What is known of each request.
    answer_of_row : array of int, length n
        Which answer each row has.
    explode : bool or str
        One line per row, or per entity, or per entity of one type.

    Returns
    -------
    Lines
        At least one line for each row.
    """
    answer_of_row = np.asarray(answer_of_row, dtype=np.intp)
    first, n_shown = (np.zeros(len(answers), dtype=np.intp) for _ in range(2))
    types: list[str | None] = []
    fields: list[Mapping[str, object]] = []
    for answer in pd.unique(answer_of_row):  # in row order, for the order of the columns
        first[answer] = len(types)
        for entity in _shown(answers[answer].entities, explode):
            types.append(entity_type(entity))
            fields.append(_fields(entity, types[-1]))
        n_shown[answer] = len(types) - first[answer]
    n_lines = np.maximum(n_shown[answer_of_row], 1)
    row = np.repeat(np.arange(len(answer_of_row)), n_lines)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(n_lines) - n_lines, n_lines)
    answer_of_line = answer_of_row[row]
    entity_of_line = np.where(n_shown[answer_of_line] > 0, first[answer_of_line] + nth, -1)
    return Lines(row=row, answer=answer_of_line, entity=entity_of_line, types=types, fields=fields)


def entity_type(entity: Entity) -> str | None:
    """Return an entity's type, which some pages give only among the fields.

    Parameters
    ----------
    entity : Entity
        One thing on a page.

    Returns
    -------
    str or None
        None if it is said nowhere.
    """
    if entity.type is not None:
        return entity.type
    said = (entity.fields.get(name) for name in _TYPE_FIELDS)
    return next((word for word in said if isinstance(word, str)), None)


def _shown(entities: Sequence[Entity], explode: bool | str) -> Sequence[Entity]:
    if explode is True:
        return entities
    wanted = explode.casefold() if explode else "product"
    of_type = [entity for entity in entities if (entity_type(entity) or "").casefold() == wanted]
    return of_type if explode else (of_type or entities)[:1]


def _fields(entity: Entity, said: str | None) -> Mapping[str, object]:
    """Leave out what the column entity_type says already."""
    again = {name for name in _TYPE_FIELDS if entity.fields.get(name, _TYPE_FIELDS) == said}
    if not again:
        return entity.fields
    return {name: value for name, value in entity.fields.items() if name not in again}
