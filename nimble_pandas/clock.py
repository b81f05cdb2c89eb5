"""Time as an argument, so that no test waits for it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The machine's clock; tests hand in one that they move themselves."""

    def monotonic(self) -> float:
        """Return seconds that never run backwards, whatever happens to the wall clock."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the time of day, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        time.sleep(seconds)
