"""Clocks that tests move themselves."""

from datetime import UTC, datetime, timedelta

from nimble_pandas.clock import Clock


class Hand(Clock):
    """A clock that stands still until somebody sleeps."""

    def __init__(self):
        self.seconds = 0.0
        self.slept = []

    def monotonic(self):
        """Return the seconds that were slept."""
        return self.seconds

    def now(self):
        """Return a fixed day, so many seconds on."""
        return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def sleep(self, seconds):
        """Let `seconds` pass at once."""
        self.slept.append(seconds)
        self.seconds += seconds


class Fast(Clock):
    """A clock on which a minute takes a second and a half."""

    RATE = 40

    def monotonic(self):
        """Return seconds that pass faster."""
        return super().monotonic() * self.RATE

    def sleep(self, seconds):
        """Sleep a fortieth of `seconds`."""
        super().sleep(seconds / self.RATE)
