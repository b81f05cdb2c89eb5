"""Who may call, how often, and with how large a body."""

from __future__ import annotations

import base64
import hmac
import math
from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import Request as HttpRequest

from nimble_pandas.local.api.answers import Refusal
from nimble_pandas.local.clock import Clock

MAX_BODY_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a caller must know.

    Parameters
    ----------
    username, password : str
        For Basic authentication.
    api_key : str, optional
        Accepted as a Bearer token besides.
    """

    username: str = field(repr=False)
    password: str = field(repr=False)
    api_key: str | None = field(default=None, repr=False)

    def check(self, authorization: str | None) -> None:
        """Let a caller in.

        Parameters
        ----------
        authorization : str or None
            The header.

        Raises
        ------
        Refusal
            401: these are not the credentials.
        """
        scheme, _, given = (authorization or "").partition(" ")
        if scheme.lower() == "basic":
            admitted = _same(_decoded(given.strip()), f"{self.username}:{self.password}")
        else:
            admitted = scheme.lower() == "bearer" and _same(given.strip(), self.api_key or "")
        if not admitted:
            raise Refusal(
                401,
                {"status": "failed", "msg": "Unauthorized: invalid credential string"},
                {"www-authenticate": 'Basic realm="nimble", charset="UTF-8"'},
            )


class RateLimit:
    """A bucket of tokens, one for each call.

    Parameters
    ----------
    clock : Clock
        Tells how much flows in.
    per_second : float or None
        How many tokens flow in; None for no limit.
    burst : int
        How many it holds.
    """

    def __init__(self, clock: Clock, *, per_second: float | None, burst: int) -> None:
        self._clock = clock
        self._per_second = per_second
        self._burst = burst
        self._tokens = float(burst)
        self._filled_at: datetime = clock.now()

    def take(self) -> dict[str, str]:
        """Take a token.

        Returns
        -------
        dict of str to str
            Headers that tell how many are left; none where there is no limit.

        Raises
        ------
        Refusal
            429: the bucket is empty.
        """
        if self._per_second is None:
            return {}
        now = self._clock.now()
        inflow = (now - self._filled_at).total_seconds() * self._per_second
        self._tokens, self._filled_at = min(self._burst, self._tokens + inflow), now
        if self._tokens < 1:
            wait = math.ceil((1 - self._tokens) / self._per_second)
            raise Refusal(
                429,
                {"status": "failed", "msg": "Rate limit exceeded"},
                {"retry-after": str(wait), **self._headers()},
            )
        self._tokens -= 1
        return self._headers()

    def _headers(self) -> dict[str, str]:
        return {"ratelimit-limit": str(self._burst), "ratelimit-remaining": str(int(self._tokens))}


async def body_of(request: HttpRequest) -> bytes:
    """Read a body.

    Parameters
    ----------
    request : starlette.requests.Request
        The call.

    Returns
    -------
    bytes
        Its body.

    Raises
    ------
    Refusal
        413: it is larger than 8 MiB.
    """
    if int(request.headers.get("content-length") or 0) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> Refusal:
    # what is left of the body is never read, so the connection cannot be used again
    return Refusal(
        413,
        {"status": "failed", "msg": f"the body is larger than {MAX_BODY_BYTES} bytes"},
        {"connection": "close"},
    )


def _same(given: str, expected: str) -> bool:
    """Compare in constant time; nothing is never the same."""
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except ValueError:
        return ""
