"""Which row, answer and entity each line of the frame shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nimble_pandas.frames.layouts import NOWHERE, Positions
from nimble_pandas.frames.pages import Pages


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """One line per line of the frame: where each of its parts comes from.

    Parameters
    ----------
    row : ndarray of int, length n
        Position in the caller's frame.
    answer : ndarray of int, length n
        Position among the answers.
    page : ndarray of int, length n
        Position among the pages, -1 for none.
    entity : ndarray of int, length n
        Position among all entities, -1 for none.
    n_entities : int
        All entities, shown or not.
    """

    row: Positions
    answer: Positions
    page: Positions
    entity: Positions
    n_entities: int

    def find(self, positions: Positions) -> Positions:
        """Return where each line's entity stands among some entities.

        Parameters
        ----------
        positions : ndarray of int
            Those entities' positions among all.

        Returns
        -------
        ndarray of int, length n
            Positions in `positions`, -1 for none.
        """
        # one slot more than entities: entity -1, none, finds -1 there
        place = np.full(self.n_entities + 1, -1, dtype=np.intp)
        place[positions] = np.arange(len(positions))
        return place[self.entity]

    def rank(self) -> Positions:
        """Return the first line that shows each entity, `NOWHERE` for one that is not shown."""
        rank = np.full(self.n_entities + 1, NOWHERE, dtype=np.intp)
        np.minimum.at(rank, self.entity, np.arange(len(self.entity)))
        return rank[:-1]


def lay_out(pages: Pages, page_of_answer: Positions, answer_of_row: Positions, explode: bool | str) -> Lines:
    """Choose the entities to show and give each its line, rows in their order.

    Parameters
    ----------
    pages : Pages
        What was read.
    page_of_answer : ndarray of int
        Each answer's page, -1 for none.
    answer_of_row : ndarray of int, length n
        Which answer each row has.
    explode : bool or str
        One line per row, or per entity, or per entity of one type.

    Returns
    -------
    Lines
        At least one line for each row.
    """
    shown = pages.shown(explode if isinstance(explode, str) else bool(explode))
    # one slot more than pages: page -1, none, finds that it shows nothing
    n_shown = np.bincount(pages.page_of(shown), minlength=len(pages) + 1)
    first = np.cumsum(n_shown) - n_shown
    page_of_row = page_of_answer[answer_of_row]
    n_lines = np.maximum(n_shown[page_of_row], 1)
    row = np.repeat(np.arange(len(answer_of_row)), n_lines)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(n_lines) - n_lines, n_lines)
    page = page_of_row[row]
    entity = np.append(shown, -1)[np.where(n_shown[page] > 0, first[page] + nth, -1)]
    return Lines(
        row=row, answer=answer_of_row[row], page=page, entity=entity, n_entities=pages.n_all_entities
    )
