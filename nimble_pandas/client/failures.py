"""What goes wrong between here and the service, as one of our errors."""

from __future__ import annotations

import contextlib
import email.utils
import json
import math
import random
import ssl
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime

import requests
import urllib3

from nimble_pandas.errors import (
    ApiError,
    AuthError,
    RateLimited,
    ServerError,
    SubmitUnknown,
    TransportError,
)
from nimble_pandas.models import reason

#: What an error of the service becomes here; anything else is an `ApiError`, from 500 on a `ServerError`.
ERRORS: Mapping[int, type[ApiError]] = {
    400: ApiError,
    401: AuthError,
    402: AuthError,
    403: AuthError,
    404: ApiError,
    429: RateLimited,
    500: ServerError,
    501: ServerError,
    555: ServerError,
}

_SERVER_ERROR = 500

_HINTS = {
    400: "The service could not accept what was asked for.",
    401: "Check NIMBLE_USERNAME and NIMBLE_PASSWORD (or NIMBLE_API_KEY).",
    402: "The account has no budget left.",
    403: "The account may not do this.",
    429: "The service wants fewer calls.",
}

_NOT_TAKEN = "Nothing of this batch was taken, nor is it billed."
_MAY_RUN = "The batch may be running and billed. It was not sent again: a batch sent twice is paid twice."
_GOES_ON = "What was submitted before goes on and is billed."

# raised before there is a connection, or before there is anything to be sent over it
_NEVER_LEFT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.LocationParseError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
    # from the lines of the head, which are encoded before the first of them is written
    UnicodeEncodeError,
)

_BODY_SHOWN = 500


def refusal(
    status_code: int,
    *,
    body: str,
    reason_phrase: str | None,
    retry_after: float | None,
    base_url: str,
    batch_id: str | None = None,
    submit: bool = False,
) -> ApiError:
    """Return the error that an answer of the service means.

    Parameters
    ----------
    status_code : int
        The answer's HTTP status code, 400 or more.
    body : str
        Its body, with the credentials masked.
    reason_phrase : str or None
        The words beside the code.
    retry_after : float or None
        Seconds after which the service wants to be asked again.
    base_url : str
        Who answered.
    batch_id : str, optional
        The batch that was asked about.
    submit : bool, default False
        Whether the call was to send a batch.

    Returns
    -------
    ApiError
        Of the class that `ERRORS` says.
    """
    error = ERRORS.get(status_code, ServerError if status_code >= _SERVER_ERROR else ApiError)
    why = _explanation(body) or reason_phrase or "no reason given"
    wait = None if retry_after is None else f"It wants to be asked again in {retry_after:g} s."
    return error(
        f"{base_url} answered {status_code}: {why}",
        status_code=status_code,
        retry_after=retry_after,
        body=body[:_BODY_SHOWN],
        batch_id=batch_id,
        hint=" ".join(filter(None, [_outcome(status_code, submit), _HINTS.get(status_code), wait])),
    )


def _outcome(status_code: int, submit: bool) -> str:
    if not submit:
        return _GOES_ON
    return _MAY_RUN if status_code >= _SERVER_ERROR else _NOT_TAKEN


def redirected(status_code: int, *, base_url: str, batch_id: str | None, submit: bool) -> ApiError:
    """Return the error for an answer that points elsewhere."""
    return ApiError(
        f"{base_url} answered {status_code}, which is no answer of the API.",
        status_code=status_code,
        batch_id=batch_id,
        hint=f"{_outcome(status_code, submit)} Redirects are refused, for the key goes to one host only. "
        "Check base_url=.",
    )


def lost(exc: Exception, *, method: str, base_url: str, mask: Callable[[str], str]) -> TransportError:
    """Return the error for a call that got no answer, by whether it may have arrived."""
    why = mask(last_cause(exc))
    if _never_left(exc):
        hint = "Nothing of this batch was sent. Check the address and the network."
        return TransportError(
            f"{base_url} cannot be reached: {why}",
            hint=hint if method == "POST" else None,
            temporary=_may_pass(exc),
        )
    what = f"{base_url} gave no answer: {why}"
    return submit_unknown(what) if method == "POST" else TransportError(what, temporary=True)


def submit_unknown(what: str) -> SubmitUnknown:
    """Return the error for a submit of which nobody knows whether it was taken."""
    return SubmitUnknown(what, hint=_MAY_RUN)


def read_retry_after(header: str | None, now: datetime) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, whichever of its two forms it has."""
    if header is None:
        return None
    with contextlib.suppress(ValueError):
        seconds = float(header)
        return max(seconds, 0.0) if math.isfinite(seconds) else None
    try:
        return max((email.utils.parsedate_to_datetime(header) - now).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def backoff(attempt: int) -> float:
    """Return the seconds to wait after the given attempt, from 1: doubling, to half a minute."""
    # jitter, so that many kernels told to wait do not come back together
    return min(2.0 ** (attempt - 1), 30.0) * random.uniform(0.75, 1.25)  # noqa: S311 -- no secret


def last_cause(exc: BaseException) -> str:
    """Return what is at the bottom of a chain of errors, in a line."""
    cause = _causes(exc)[-1]
    if isinstance(cause, urllib3.exceptions.LocationParseError):
        # it quotes the address, which may be that of a proxy with a password in it
        return "LocationParseError: an address, or that of a proxy, is malformed"
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__


def _explanation(body: str) -> str | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return body[:_BODY_SHOWN].strip() or None
    return reason(answer) if isinstance(answer, Mapping) else None


def _never_left(exc: Exception) -> bool:
    """Say whether the call provably did not arrive: no connection was ever made."""
    return any(isinstance(cause, _NEVER_LEFT) or _while_connecting(cause) for cause in _causes(exc))


def _while_connecting(cause: BaseException) -> bool:
    # the traceback proves it, for TCP, a proxy's tunnel and TLS; the class does not, for a TLS error may
    # as well come in place of the answer
    return any(
        frame.f_code.co_name == "connect" and frame.f_globals.get("__name__") == "urllib3.connection"
        for frame, _ in traceback.walk_tb(cause.__traceback__)
    )


def _may_pass(exc: Exception) -> bool:
    """Say whether a call that never left is worth another attempt: nobody listened, or hung up."""
    passing = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
        # which of the two it is when a server hangs up in the handshake depends on Python
        ssl.SSLEOFError,
        ssl.SSLZeroReturnError,
        ConnectionError,
        TimeoutError,
    )
    return any(isinstance(cause, passing) for cause in _causes(exc))


def _causes(exc: BaseException) -> list[BaseException]:
    causes: list[BaseException] = [exc]
    for cause in causes:
        inner = [cause.__cause__, getattr(cause, "reason", None), *cause.args]
        causes += [each for each in inner if isinstance(each, BaseException) and each not in causes]
    return causes
