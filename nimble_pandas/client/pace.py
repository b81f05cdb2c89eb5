"""How often a service is called: no faster than is allowed, slower where it asks for that."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Mapping

from nimble_pandas.clock import Clock
from nimble_pandas.config import is_loopback
from nimble_pandas.errors import ConfigError

# "83 QPS (5,000 QPM)" for all accounts: docs.nimbleway.com/nimble-sdk/getting-started/rate-limits
_MAX_RATE = 80.0

# a refusal halves the rate, a warning takes a fifth, once a second at most …
_REFUSED, _WARNED = 0.5, 0.8
_SLOWEST = 0.5
# … and each second that goes well adds a tenth, or a hundredth where it was too much before
_GAIN, _CAUTIOUS_GAIN = 1.1, 1.01
_KNOWN_SHARE = 0.9
# where there is no limit, what was called lately is what a refusal halves
_LATELY = 256
_UNLIMITED = 10_000.0

# whoever was told to wait for longer waits himself: nobody else is kept for so long
_LONGEST_HOLD_SECONDS = 5.0

_TOO_MANY = 429


class Pace:
    """Gives all calls of a client their turn, evenly spaced, whichever thread makes them.

    Parameters
    ----------
    max_rate : float or None
        Calls a second at most; None for no limit.
    clock : Clock
        Time.
    """

    def __init__(self, max_rate: float | None, clock: Clock) -> None:
        self._clock = clock
        self._max = math.inf if max_rate is None else max_rate
        self._rate = self._max
        self._lock = threading.Lock()
        self._next_at = -math.inf
        self._changed_at = -math.inf
        # the rate that is known to be well, once there is one that is not
        self._known = math.inf
        self._lately: deque[float] = deque(maxlen=_LATELY)

    @property
    def rate(self) -> float:
        """Calls a second at present; infinite where nothing limits them."""
        with self._lock:
            return self._rate

    def turn(self) -> None:
        """Wait until the next call may be made."""
        with self._lock:
            now = self._clock.monotonic()
            self._recover(now)
            at = max(now, self._next_at)
            self._next_at = at + 1 / self._rate
            self._lately.append(at)
        if at > now:
            self._clock.sleep(at - now)

    def learn(self, status_code: int, headers: Mapping[str, str], retry_after: float | None) -> None:
        """Take in what an answer says of the rate.

        Parameters
        ----------
        status_code : int
            Of the answer; 429 is a refusal.
        headers : Mapping of str to str
            ``ratelimit-remaining: 0`` is a warning, whatever the period that it counts.
        retry_after : float or None
            Seconds for which the service wants no call.
        """
        if status_code == _TOO_MANY:
            self._slow(_REFUSED, min(retry_after or 0.0, _LONGEST_HOLD_SECONDS))
        elif headers.get("ratelimit-remaining", "").strip() == "0":
            self._slow(_WARNED, 0.0)

    def _slow(self, factor: float, hold_seconds: float) -> None:
        with self._lock:
            now = self._clock.monotonic()
            self._next_at = max(self._next_at, now + hold_seconds)
            # calls that were under way together are refused together, and mean one refusal
            if self._known < math.inf and now - self._changed_at < 1:
                return
            rate = self._rate if self._rate < math.inf else self._measured(now)
            self._known = max(rate * _KNOWN_SHARE, _SLOWEST)
            self._rate = min(max(rate * factor, _SLOWEST), self._max)
            self._changed_at = now

    def _measured(self, now: float) -> float:
        lately = [at for at in self._lately if at > now - 1]
        if len(lately) == _LATELY:
            return min(_LATELY / max(now - lately[0], 1 / _UNLIMITED), _UNLIMITED)
        return float(max(len(lately), 1))

    def _recover(self, now: float) -> None:
        if self._rate >= self._max:
            return
        n_seconds = min(int(now - self._changed_at), 1000)
        for _ in range(n_seconds):
            quickly = min(self._rate * _GAIN, self._known)
            self._rate = min(max(quickly, self._rate * _CAUTIOUS_GAIN), self._max)
        self._changed_at += n_seconds
        if self._rate > _UNLIMITED:
            self._rate = self._max


def resolve_max_rate(max_rate: float | None, base_url: str) -> float | None:
    """Return the calls a second that a client may make.

    Parameters
    ----------
    max_rate : float or None
        As the caller has it.
    base_url : str
        The service: one on this machine has no limit unless the caller sets one.

    Returns
    -------
    float or None
        None for no limit.

    Raises
    ------
    ConfigError
        It is no positive number.
    """
    if max_rate is None:
        return None if is_loopback(base_url) else _MAX_RATE
    if isinstance(max_rate, bool) or not isinstance(max_rate, int | float) or not max_rate > 0:
        raise ConfigError(
            f"max_rate={max_rate!r} is no number of calls a second.",
            hint="Nothing was sent. Give max_rate=80, or float('inf') for no limit.",
        )
    return None if max_rate == math.inf else float(max_rate)
