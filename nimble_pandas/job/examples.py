"""Rows that stand for others: the newest pages, and one of each kind of trouble; pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, islice

import numpy as np

from nimble_pandas.frames import Page
from nimble_pandas.job.register import Register
from nimble_pandas.planning import Plan
from nimble_pandas.planning.shown import shown
from nimble_pandas.progress import Landed, Problem

_MAX_LABEL, _MAX_URL, _MAX_TEXT = 24, 64, 90
# what tells a product at a glance, wherever in the object it stands
_TELLING = ("name", "title", "product_name", "productName", "price", "priceCurrency", "currency")
_N_FIELDS = 3
# pages are as large as they like
_MAX_SCALARS = 200
# kinds of trouble that are told; the rest is one line
_N_KINDS = 8
# what differs between two errors of one kind: locations, names that hold a digit, long numbers
_PARTICULAR = re.compile(r"\S+://\S+|\b(?=\w*\d)(?=\w*[a-zA-Z_])[\w-]{6,}\b|\b\d{4,}\b")


class Examples:
    """Finds rows that stand for others.

    Parameters
    ----------
    plan : Plan
        What is sent.
    register : Register
        What is known of it.
    """

    def __init__(self, plan: Plan, register: Register) -> None:
        self._plan = plan
        self._register = register
        # gone through once, when it is first asked for: views are told often
        self._row_of: np.ndarray[tuple[int], np.dtype[np.int32]] | None = None

    def landed(self) -> tuple[Landed, ...]:
        """Return the newest pages, three at most, newest last."""
        newest = list(self._register.landed)
        return tuple(Landed(**self._named(position), found=_found(page)) for position, page in newest)

    def problems(self) -> tuple[Problem, ...]:
        """Return what went wrong, the most frequent first; goes through all answers."""
        n_rows_of = np.bincount(self._register.answer_of_row, minlength=len(self._register.answers))
        n_rows: Counter[tuple[str, str]] = Counter()
        example: dict[tuple[str, str], int] = {}
        for position, answer in enumerate(self._register.answers):
            if answer.status not in {"ok", "pending"}:
                kind = (answer.status, _PARTICULAR.sub("…", answer.error or ""))
                n_rows[kind] += int(n_rows_of[position])
                example.setdefault(kind, position)
        return tuple(self._problems(n_rows, example))

    def _problems(
        self, n_rows: Counter[tuple[str, str]], example: Mapping[tuple[str, str], int]
    ) -> Iterator[Problem]:
        ordered = n_rows.most_common()
        for kind, n in ordered[:_N_KINDS]:
            reason = self._register.answers[example[kind]].error or "no reason is known"
            yield Problem(
                status=kind[0], n_rows=n, reason=cut(reason, _MAX_TEXT), **self._named(example[kind])
            )
        if others := ordered[_N_KINDS:]:
            yield Problem(
                status="others",
                n_rows=sum(n for _, n in others),
                reason=f"{len(others):,} more kinds of trouble",
                **self._named(example[others[0][0]]),
            )

    def _named(self, position: int) -> dict[str, str]:
        row = int(self._first_rows()[position])
        label = _label(self._plan.rows.index[row]) if row >= 0 else ""
        # a row that cannot be sent has no request
        known = position < self._plan.n_requests
        url = str(self._plan.effective(position).get("url", "")) if known else ""
        return {"label": cut(label, _MAX_LABEL), "url": cut(url, _MAX_URL)}

    def _first_rows(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        if self._row_of is None:
            answer_of_row = self._register.answer_of_row
            row_of = np.full(len(self._register.answers), -1, dtype=np.int32)
            row_of[answer_of_row[::-1]] = np.arange(len(answer_of_row), dtype=np.int32)[::-1]
            self._row_of = row_of
        return self._row_of


def cut(text: str, width: int) -> str:
    """Return a text in one line of at most `width` characters.

    Parameters
    ----------
    text : str
        Whatever it holds.
    width : int
        Characters.

    Returns
    -------
    str
        Its beginning, with ``…`` where something is left out.
    """
    line = " ".join(text[: 4 * width].split())
    return line if len(line) <= width and len(text) <= 4 * width else f"{line[: width - 1]}…"


def _label(label: object) -> str:
    return label if isinstance(label, str) else shown(label)


def _found(page: Page) -> str:
    if not page.entities:
        return f"{len(page.html or ''):,} characters of HTML"
    entities = list(chain.from_iterable(page.entities.values()))
    scalars = list(islice(_scalars(entities[0]), _MAX_SCALARS))
    telling = [value for name, value in scalars if name in _TELLING] or [value for _, value in scalars]
    more = len(entities) - 1
    text = " · ".join(cut(value, _MAX_TEXT // 2) for value in telling[:_N_FIELDS])
    return cut(text, _MAX_TEXT) + (f" (and {more:,} more)" if more else "")


def _scalars(fields: Mapping[str, object], depth: int = 2) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            yield str(name), str(value)
        elif isinstance(value, dict) and depth:
            yield from _scalars(value, depth - 1)
