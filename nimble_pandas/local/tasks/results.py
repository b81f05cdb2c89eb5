"""Outputs that wait to be pulled."""

from __future__ import annotations

from collections import OrderedDict


class Results:
    """Outputs in memory, by task id; the oldest make room for the newest.

    Parameters
    ----------
    max_bytes : int
        How much may lie here at once.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._n_bytes = 0
        self._outputs: OrderedDict[str, bytes] = OrderedDict()

    def put(self, task_id: str, output: bytes) -> None:
        """Keep an output.

        Parameters
        ----------
        task_id : str
            The task that it belongs to.
        output : bytes
            As it is to be handed out.
        """
        self.drop(task_id)
        self._outputs[task_id] = output
        self._n_bytes += len(output)
        while self._n_bytes > self._max_bytes:
            self.drop(next(iter(self._outputs)))

    def get(self, task_id: str) -> bytes | None:
        """Look an output up.

        Parameters
        ----------
        task_id : str
            The task that it belongs to.

        Returns
        -------
        bytes or None
            The output, None when there is none (any more).
        """
        return self._outputs.get(task_id)

    def drop(self, task_id: str) -> None:
        """Let an output go.

        Parameters
        ----------
        task_id : str
            The task that it belongs to; nothing happens when there is none.
        """
        self._n_bytes -= len(self._outputs.pop(task_id, b""))
