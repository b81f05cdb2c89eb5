"""A fault, and the register of the kinds of faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal, TypeVar

from nimble_pandas.local.clock import Clock
from nimble_pandas.local.tasks.batches import Batches, Task

ENDPOINTS = ("submit", "progress", "summary", "task", "results", "tasks", "batches")

Stage = Literal["before", "after", "made", "output"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """A call that a fault may meet.

    Parameters
    ----------
    endpoint : str
        One of `ENDPOINTS`.
    batch_id : str or None
        The batch that it asks for.
    batches : Batches
        What the service remembers.
    clock : Clock
        The service's time.
    """

    endpoint: str
    batch_id: str | None
    batches: Batches
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a kind of fault works.

    Parameters
    ----------
    stage : {"before", "after", "made", "output"}
        When it bites: before a call is looked at, when the answer is ready, when a task is made, or when a
        task's output is ready.
    endpoints : tuple of str
        The calls that it can meet.
    apply : callable
        Does it; what it takes and gives depends on the stage.
    """

    stage: Stage
    endpoints: tuple[str, ...]
    apply: Callable[..., Any]


KINDS: dict[str, Kind] = {}

_Apply = TypeVar("_Apply", bound=Callable[..., object])


def kind(name: str, stage: Stage, *endpoints: str) -> Callable[[_Apply], _Apply]:
    """Register a kind of fault.

    Parameters
    ----------
    name : str
        Its name.
    stage : {"before", "after", "made", "output"}
        When it bites.
    *endpoints : str
        The calls that it can meet; all of them when none is named.

    Returns
    -------
    callable
        A decorator that leaves the function as it is.
    """

    def register(apply: _Apply) -> _Apply:
        KINDS[name] = Kind(stage=stage, endpoints=endpoints or ENDPOINTS, apply=apply)
        return apply

    return register


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is to go wrong, so many times; the kinds are listed in `nimble_pandas.local.faults`.

    Parameters
    ----------
    kind : str
        What goes wrong.
    times : int or None, default 1
        How often; None for ever.
    skip : int, default 0
        How many occasions pass untouched before the first.
    on : str, optional
        Only on this call: ``submit``, ``progress``, ``summary``, ``task``, ``results``, ``tasks`` or
        ``batches``.
    task : int, optional
        Only the task at this position of its batch, from 0.
    url : str, optional
        Only tasks whose URL holds this text.
    seconds : float, default 1
        How long, for ``delay`` and ``late``.
    polls : int, optional
        For ``late``: not after seconds but after so many more questions about the batch.
    retry_after : float, optional
        For ``429``: the ``Retry-After`` header; without it there is none.
    text : str, optional
        The error's text, the altered value, the unknown state.
    to : str, optional
        For ``elsewhere``: the ``output_url`` that is told.

    Raises
    ------
    ValueError
        There is no such kind, or it cannot meet that call or a chosen task.
    """

    kind: str
    _: KW_ONLY
    times: int | None = 1
    skip: int = 0
    on: str | None = None
    task: int | None = None
    url: str | None = None
    seconds: float = 1.0
    polls: int | None = None
    retry_after: float | None = None
    text: str | None = None
    to: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault is called {self.kind!r}; there are: {', '.join(sorted(KINDS))}")
        known = KINDS[self.kind]
        if self.on is not None and self.on not in known.endpoints:
            raise ValueError(f"{self.kind!r} cannot meet {self.on!r}, only: {', '.join(known.endpoints)}")
        if known.stage == "before" and (self.task, self.url) != (None, None):
            raise ValueError(f"{self.kind!r} meets a call, not a task")

    def concerns(self, task: Task) -> bool:
        """Tell whether it may meet a task.

        Parameters
        ----------
        task : Task
            The task.

        Returns
        -------
        bool
            Whether position and URL are those asked for.
        """
        return self._chooses(task.position, task.input)

    def chosen(self, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Pick the tasks of an answer that it concerns.

        Parameters
        ----------
        tasks : list of dict
            In the order of their positions.

        Returns
        -------
        list of dict
            Those at the position and with the URL asked for.
        """
        return [task for n, task in enumerate(tasks) if self._chooses(n, task["input"])]

    def _chooses(self, position: int, request: Mapping[str, object]) -> bool:
        there = self.task is None or self.task == position
        return there and (self.url is None or self.url in str(request.get("url")))
