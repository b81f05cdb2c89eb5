"""The script: which faults are to come, and how often each was met."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from nimble_pandas.local.faults.fault import KINDS, Fault, Occasion, Stage
from nimble_pandas.local.tasks.batches import Batch
from nimble_pandas.local.tasks.delivery import Delivery


@dataclass(slots=True, kw_only=True, eq=False)
class Scripted:
    """A fault that is to come.

    Parameters
    ----------
    fault : Fault
        What is to go wrong.
    met : int
        How often it has happened.
    """

    fault: Fault
    met: int = 0
    passed: int = field(default=0, repr=False)

    def bites(self) -> bool:
        """Count an occasion.

        Returns
        -------
        bool
            Whether the fault happens on it.
        """
        if self.passed < self.fault.skip:
            self.passed += 1
            return False
        if self.fault.times is not None and self.met >= self.fault.times:
            return False
        self.met += 1
        return True


class Faults:
    """The faults of a service, in the order in which they were scripted.

    Parameters
    ----------
    faults : iterable of Fault
        Those known from the start.
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._script = [Scripted(fault=fault) for fault in faults]

    def __iter__(self) -> Iterator[Scripted]:
        return iter(list(self._script))

    def add(self, fault: Fault) -> Scripted:
        """Script one more.

        Parameters
        ----------
        fault : Fault
            What is to go wrong.

        Returns
        -------
        Scripted
            Counts how often it was met.
        """
        self._script.append(Scripted(fault=fault))
        return self._script[-1]

    def clear(self) -> None:
        """Nothing is to go wrong any more."""
        self._script.clear()

    async def before(self, occasion: Occasion) -> Response | None:
        """Meet a call before it is looked at.

        Parameters
        ----------
        occasion : Occasion
            The call.

        Returns
        -------
        starlette.responses.Response or None
            What is answered instead.
        """
        for fault in self._biting("before", lambda fault: _meets(fault, occasion)):
            response: Response | None = await KINDS[fault.kind].apply(fault, occasion)
            if response is not None:
                return response
        return None

    def after(self, occasion: Occasion, answer: dict[str, Any] | Response) -> dict[str, Any] | Response:
        """Meet a call when its answer is ready.

        Parameters
        ----------
        occasion : Occasion
            The call.
        answer : dict or starlette.responses.Response
            What would be answered.

        Returns
        -------
        dict or starlette.responses.Response
            What is answered.
        """
        for fault in self._biting("after", lambda fault: _meets(fault, occasion)):
            answer = KINDS[fault.kind].apply(fault, answer)
        return answer

    def on_batch(self, batch: Batch) -> None:
        """Meet the tasks of a batch that has just been made.

        Parameters
        ----------
        batch : Batch
            Its tasks may be changed.
        """
        for task in batch.tasks:
            for fault in self._biting("made", lambda fault: fault.concerns(task)):  # noqa: B023 -- used at once
                KINDS[fault.kind].apply(fault, task)

    async def on_output(self, delivery: Delivery) -> Delivery:
        """Meet the output of a task when it is ready.

        Parameters
        ----------
        delivery : Delivery
            What would be delivered.

        Returns
        -------
        Delivery
            What is delivered.

        Raises
        ------
        TaskFailed
            The task is to fail.
        """
        for fault in self._biting("output", lambda fault: fault.concerns(delivery.task)):  # noqa: B023
            delivery = await KINDS[fault.kind].apply(fault, delivery)
        return delivery

    def _biting(self, stage: Stage, concerned: Callable[[Fault], bool]) -> Iterator[Fault]:
        for scripted in self:
            fault = scripted.fault
            if KINDS[fault.kind].stage == stage and concerned(fault) and scripted.bites():
                yield fault


def _meets(fault: Fault, occasion: Occasion) -> bool:
    calls = (fault.on,) if fault.on else KINDS[fault.kind].endpoints
    return occasion.endpoint in calls
