"""What is known of each request, as it comes to be known."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable

import numpy as np
from msgspec.structs import replace

from nimble_pandas.frames import Answer, Page, Pages
from nimble_pandas.planning import Plan

# pages of which a view shows a little
_N_LANDED = 3


class Register:
    """The answers of a job: one per request, then one for each row that cannot be sent.

    Parameters
    ----------
    plan : Plan
        What is sent.
    mask : callable
        Takes the credentials out of what the service says.
    """

    def __init__(self, plan: Plan, mask: Callable[[str], str]) -> None:
        self._mask = mask
        self.pages = Pages()
        self.answers = [Answer(status="pending")] * plan.n_requests
        self.answer_of_row = plan.request_of_row.copy()
        self._n_rows_of = np.bincount(self.answer_of_row[self.answer_of_row >= 0], minlength=plan.n_requests)
        self.counts: Counter[str] = Counter()
        self.n_reused = 0
        # the last pages that came, newest last
        self.landed: deque[tuple[int, Answer]] = deque(maxlen=_N_LANDED)
        self._open = set(range(plan.n_requests))
        self._fresh: list[int] = []
        self._add_invalid(plan)

    def _add_invalid(self, plan: Plan) -> None:
        reasons: dict[int, list[str]] = defaultdict(list)
        columns = (plan.invalid[name] for name in ("row", "column", "reason"))
        for row, column, reason in zip(*columns, strict=True):
            reasons[row].append(f"{column}: {reason}")
        for row, lines in reasons.items():
            self.answer_of_row[row] = len(self.answers)
            self.answers.append(Answer(status="invalid", error="; ".join(lines)))
        if plan.n_invalid:
            self.counts["invalid"] = plan.n_invalid

    @property
    def open(self) -> list[int]:
        """Requests whose answer is not final, in order."""
        return sorted(self._open)

    @property
    def n_open(self) -> int:
        """How many requests have no final answer."""
        return len(self._open)

    def is_open(self, position: int) -> bool:
        """Say whether the answer to a request may still change."""
        return position in self._open

    def note(self, position: int, **known: str | None) -> None:
        """Take down what is known of a request that is still open: its ids, where its output will be."""
        self.answers[position] = replace(self.answers[position], **known)

    def settle(self, position: int, answer: Answer, page: Page | None = None) -> None:
        """Take down the final answer to a request, and its page; the first one stays."""
        if position not in self._open:
            return
        if answer.error:
            answer = replace(answer, error=self._mask(answer.error))
        if page is not None:
            answer = replace(answer, page=self.pages.add(page))
        # in this order: an interrupt in between must not have an answer written down that is none
        self.answers[position] = answer
        self._fresh.append(position)
        self._open.remove(position)
        self._count(position, answer, 1)
        if answer.status == "ok":
            self.landed.append((position, answer))

    def _count(self, position: int, answer: Answer, sign: int) -> None:
        n_rows = sign * int(self._n_rows_of[position])
        self.counts[answer.status] += n_rows
        self.n_reused += n_rows * answer.reused

    def settle_as(self, position: int, status: str, error: str, *, http_status: int | None = None) -> None:
        """Settle a request for which there is no output."""
        known = self.answers[position]
        self.settle(position, replace(known, status=status, error=error, http_status=http_status))

    def reopen(self, positions: Iterable[int]) -> None:
        """Take back final answers: the requests are sent again, or were found after all."""
        for position in positions:
            if position not in self._open:
                self._count(position, self.answers[position], -1)
                self.answers[position] = Answer(status="pending")
                self._open.add(position)
        self.counts = +self.counts

    def fresh(self) -> list[int]:
        """Return the requests that were settled since this was last asked."""
        fresh, self._fresh = self._fresh, []
        return [position for position in fresh if position not in self._open]
