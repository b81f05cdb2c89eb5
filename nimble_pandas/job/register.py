"""What is known of each request, as it comes to be known."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from nimble_pandas.frames import Answer, Page, Pages
from nimble_pandas.planning import Plan

# pages of which a view shows a little
_N_LANDED = 3

# pages are handed out when they take so much room, however few they are
_MAX_BYTES = 64 * 2**20
# what is kept of answers that were handed out: of so many kinds the reason, too
_MAX_REASONS = 256
_MAX_REASON = 200

# one for all that nothing is known of
_PENDING = Answer(status="pending")

Positions = npt.NDArray[np.intp]
#: Half as wide, for there are as many as the job has rows.
Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Rows whose answers are final, to be laid out together.

    Parameters
    ----------
    rows : ndarray of int, length n
        Which rows of the plan, ascending.
    answers : list of Answer
        The answers to their requests.
    answer_of_row : ndarray of int, length n
        Which of `answers` each row has.
    pages : Pages
        Where the answers' pages are.
    """

    rows: Positions
    answers: list[Answer]
    answer_of_row: Positions
    pages: Pages


#: No rows.
NOTHING = Portion(
    rows=np.zeros(0, dtype=np.intp), answers=[], answer_of_row=np.zeros(0, dtype=np.intp), pages=Pages()
)


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
        self.answers = [_PENDING] * plan.n_requests
        self.answer_of_row = plan.request_of_row
        sent = self.answer_of_row[self.answer_of_row >= 0] if plan.n_invalid else self.answer_of_row
        self._n_rows_of = np.bincount(sent, minlength=plan.n_requests).astype(np.int32)
        self.counts: Counter[str] = Counter()
        self.n_reused = 0
        # the last pages that came, newest last
        self.landed: deque[tuple[int, Page]] = deque(maxlen=_N_LANDED)
        #: How many pages may be there before they are handed out; any number if None.
        self.max_pages: int | None = None
        self.n_handed_out = 0
        self._stubs: dict[tuple[str, str | None], Answer] = {}
        # a byte for each answer: a set of a million takes a hundred times as much
        self._is_open = bytearray(b"\1" * plan.n_requests)
        self._fresh: list[int] = []
        self._add_invalid(plan)
        # the rows, those of one answer together, and where those of each end; made when they are asked for
        self._row_order: Rows | None = None
        self._row_ends: Rows = np.zeros(0, dtype=np.int32)
        # final answers that were not handed out yet
        self._ready = [*range(plan.n_requests, len(self.answers))]

    def _add_invalid(self, plan: Plan) -> None:
        reasons: dict[int, list[str]] = defaultdict(list)
        columns = (plan.invalid[name] for name in ("row", "column", "reason"))
        for row, column, reason in zip(*columns, strict=True):
            reasons[row].append(f"{column}: {reason}")
        if reasons:
            # the plan's own stays as it is
            self.answer_of_row = self.answer_of_row.copy()
        for row, lines in reasons.items():
            self.answer_of_row[row] = len(self.answers)
            self.answers.append(Answer(status="invalid", error="; ".join(lines)))
        if plan.n_invalid:
            self.counts["invalid"] = plan.n_invalid

    @property
    def open(self) -> array[int]:
        """Requests whose answer is not final, in order."""
        found = np.flatnonzero(np.frombuffer(self._is_open, dtype=np.bool_))
        return array("i", found.astype(np.int32).tobytes())

    @property
    def n_open(self) -> int:
        """How many requests have no final answer."""
        return int(np.count_nonzero(np.frombuffer(self._is_open, dtype=np.bool_)))

    def is_open(self, position: int) -> bool:
        """Say whether the answer to a request may still change."""
        return position < len(self._is_open) and self._is_open[position] == 1

    def note(self, position: int, **known: str | None) -> None:
        """Take down what is known of a request that is still open: its ids, where its output will be."""
        self.answers[position] = replace(self.answers[position], **known)

    def forget(self, positions: Iterable[int]) -> None:
        """Let go of what was noted of requests that are open: the ledger has it."""
        for position in filter(self.is_open, positions):
            self.answers[position] = _PENDING

    def settle(
        self, position: int, answer: Answer, page: Page | None = None, *, written: bool = False
    ) -> None:
        """Take down the final answer to a request, and its page; the first one stays.

        Parameters
        ----------
        position : int
            The request's place in the plan.
        answer : Answer
            Final.
        page : Page, optional
            What was delivered.
        written : bool, default False
            Whether it is written down already.
        """
        if not self.is_open(position):
            return
        if answer.error:
            answer = replace(answer, error=self._mask(answer.error))
        if page is not None:
            answer = replace(answer, page=self.pages.add(page))
        # in this order: an interrupt in between must not have an answer written down that is none
        self.answers[position] = answer
        if not written:
            self._fresh.append(position)
        self._ready.append(position)
        self._is_open[position] = 0
        self._count(position, answer, 1)
        if page is not None and answer.status == "ok":
            self.landed.append((position, page))

    def _count(self, position: int, answer: Answer, sign: int) -> None:
        n_rows = sign * int(self._n_rows_of[position])
        self.counts[answer.status] += n_rows
        self.n_reused += n_rows * answer.reused

    def settle_as(
        self,
        position: int,
        status: str,
        error: str,
        *,
        http_status: int | None = None,
        written: bool = False,
    ) -> None:
        """Settle a request for which there is no output."""
        answer = replace(self.answers[position], status=status, error=error, http_status=http_status)
        self.settle(position, answer, written=written)

    def reopen(self, positions: Iterable[int]) -> None:
        """Take back final answers: the requests are sent again, or were found after all."""
        for position in positions:
            if not self.is_open(position):
                self._count(position, self.answers[position], -1)
                self.answers[position] = _PENDING
                self._is_open[position] = 1
        self.counts = +self.counts

    def fresh(self) -> list[int]:
        """Return the requests that were settled, and are not written down yet."""
        return [position for position in self._fresh if not self.is_open(position)]

    def written(self) -> None:
        """Take down that all that was settled is written down."""
        self._fresh = []

    @property
    def n_ready(self) -> int:
        """How many final answers were not handed out yet."""
        return len(self._ready)

    @property
    def is_full(self) -> bool:
        """Whether pages are to be handed out before more are read."""
        return self.max_pages is not None and self.has_pages(self.max_pages)

    def has_pages(self, n: int) -> bool:
        """Say whether there are so many pages, or as large ones as are ever handed out together."""
        return len(self.pages) >= n or self.pages.n_bytes >= _MAX_BYTES

    def hand_out(self) -> Portion:
        """Return the final answers that were not handed out yet, with their pages, and keep neither."""
        # twice there, if it was sent again
        positions = [position for position in dict.fromkeys(self._ready) if not self.is_open(position)]
        answers = [self.answers[position] for position in positions]
        rows = [self._rows_of(position) for position in positions]
        row = np.concatenate([np.arange(0), *rows])
        answer_of_row = np.repeat(np.arange(len(rows)), [len(each) for each in rows])
        order = np.argsort(row, kind="stable")
        portion = Portion(
            rows=row[order], answers=answers, answer_of_row=answer_of_row[order], pages=self.pages
        )
        # in this order: an interrupt in between must not have rows missing from a file that is called whole
        self.n_handed_out += len(positions)
        self._ready, self.pages = [], Pages()
        for position, answer in zip(positions, answers, strict=True):
            self.answers[position] = self._stub(answer)
        return portion

    def _stub(self, answer: Answer) -> Answer:
        """Return what is kept of an answer, one object for all of its kind."""
        reason = answer.error[:_MAX_REASON] if answer.error else None
        if reason and len(self._stubs) >= _MAX_REASONS and (answer.status, reason) not in self._stubs:
            reason = "no room was left for its reason: see the column error"
        kind = answer.status, reason
        return self._stubs.setdefault(kind, Answer(status=answer.status, error=reason))

    def _rows_of(self, position: int) -> Rows:
        if self._row_order is None:
            self._row_order = np.argsort(self.answer_of_row, kind="stable").astype(np.int32)
            self._row_ends = np.zeros(len(self.answers) + 1, dtype=np.int32)
            np.cumsum(np.bincount(self.answer_of_row, minlength=len(self.answers)), out=self._row_ends[1:])
        start, end = self._row_ends[position : position + 2]
        return self._row_order[start:end]
