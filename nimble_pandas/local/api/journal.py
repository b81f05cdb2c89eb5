"""What was asked of the service."""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from dataclasses import dataclass, field

MAX_CALLS = 10_000
MAX_BODY_BYTES = 32 * 2**20

_PREFIX = "/api/v1/"


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
    at : float
        When it came, in seconds that never run backwards.
    status_code : int or None
        What was answered; None while nothing was.
    """

    method: str
    path: str
    query: str = ""
    at: float = field(default_factory=time.monotonic)
    status_code: int | None = None
    raw: bytes = field(default=b"", repr=False)

    @property
    def body(self) -> object:
        """The decoded JSON body; None where there was none, it is no JSON, or the caller was not let in."""
        try:
            return json.loads(self.raw)
        except (ValueError, RecursionError):
            return None

    @property
    def endpoint(self) -> str:
        """What was called, as faults name it: ``submit``, ``progress``, …; else ``other``."""
        match self.path.removeprefix(_PREFIX).split("/"):
            case ["batch", _]:
                return "submit"
            case ["batches", _, "progress"]:
                return "progress"
            case ["tasks", _, "results"]:
                return "results"
            case [("batches" | "tasks") as noun, "list"]:
                return noun
            case [("batches" | "tasks") as noun, _]:
                return {"batches": "summary", "tasks": "task"}[noun]
        return "other"


class Journal:
    """The calls of a service: the last ones whole, of all of them the numbers.

    Attributes
    ----------
    calls : deque of Call
        In order; of very many the last 10,000, of very large ones the last 32 MiB of bodies.
    counts : Counter of str
        All calls by endpoint, refused ones too.
    per_second : Counter of int
        All calls by the second in which they came.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all calls."""
        self.calls: deque[Call] = deque(maxlen=MAX_CALLS)
        self.counts: Counter[str] = Counter()
        self.per_second: Counter[int] = Counter()
        self._with_body: deque[Call] = deque()
        self._n_bytes = 0

    def add(self, call: Call) -> None:
        """Write a call down.

        Parameters
        ----------
        call : Call
            As it came.
        """
        self.calls.append(call)
        self.counts[call.endpoint] += 1
        self.per_second[int(call.at)] += 1

    def keep_body(self, call: Call, body: bytes) -> None:
        """Keep a call's body; the oldest make room.

        Parameters
        ----------
        call : Call
            One that was written down.
        body : bytes
            What came over the wire.
        """
        if not body:
            return
        call.raw = body
        self._with_body.append(call)
        self._n_bytes += len(body)
        while self._n_bytes > MAX_BODY_BYTES:
            oldest = self._with_body.popleft()
            self._n_bytes -= len(oldest.raw)
            oldest.raw = b""
