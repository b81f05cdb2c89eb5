"""The service's time, which a test can let pass."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

_LOOK_EVERY = 0.02


class Clock:
    """The machine's time, plus whatever `advance` has let pass."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Tell the time.

        Returns
        -------
        datetime.datetime
            Aware, in UTC.
        """
        return datetime.now(UTC) + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass at once.

        Parameters
        ----------
        seconds : float
            How much of it.
        """
        self._ahead += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Wait until so much time has passed, by itself or by `advance`.

        Parameters
        ----------
        seconds : float
            How long to wait.
        """
        until = self.now() + timedelta(seconds=seconds)
        while (left := (until - self.now()).total_seconds()) > 0:  # noqa: ASYNC110 -- time passes by itself and by `advance`
            await asyncio.sleep(min(left, _LOOK_EVERY))


def stamp(moment: datetime) -> str:
    """Write a moment as the API does.

    Parameters
    ----------
    moment : datetime.datetime
        Aware, in UTC.

    Returns
    -------
    str
        Such as ``"2025-12-15T14:08:26.079Z"``.
    """
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
