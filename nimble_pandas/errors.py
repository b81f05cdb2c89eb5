"""Everything that this library raises.

::

    NimbleError
    ├─ ConfigError      (ValueError)        no key, a bad URL or argument
    ├─ InputError       (ValueError)        rows that cannot be sent
    ├─ ApiError                             the service answered, and refused
    │  ├─ AuthError                         401, 402, 403
    │  ├─ RateLimited                       429
    │  └─ ServerError                       5xx, or an answer that cannot be read
    ├─ TransportError   (ConnectionError)   no answer
    │  └─ SubmitUnknown                     no answer to a submit, which may have been taken
    ├─ JobTimeout       (TimeoutError)      waiting ended, the job goes on
    ├─ JobDetached                          waiting was ended, the job goes on
    ├─ JobExpired       (LookupError)       the service has forgotten the batch
    └─ StorageError     (OSError)
       ├─ OutputMissing    (FileNotFoundError)
       └─ OutputUnreadable (ValueError)

``str(error)`` says what happened and, from ``hint``, what to do next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nimble_pandas.tracebacks import brief

if TYPE_CHECKING:
    import pandas as pd


class NimbleError(Exception):
    """Base of every error that this library raises.

    Parameters
    ----------
    message : str
        What happened.
    hint : str, optional
        Whether anything is still running and billed, and what to type.
    batch_id : str, optional
        The batch that the error is about.
    task_id : str, optional
        The task that the error is about.
    """

    def __init__(
        self,
        message: str = "",
        *,
        hint: str | None = None,
        batch_id: str | None = None,
        task_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.hint = hint
        self.batch_id = batch_id
        self.task_id = task_id

    def __str__(self) -> str:
        message = str(self.args[0]) if self.args else ""
        return f"{message}\n{self.hint}" if self.hint else message

    def _render_traceback_(self) -> list[str]:
        # what IPython looks for; Python's own tracebacks stay whole
        return brief(self)


class ConfigError(NimbleError, ValueError):
    """A setting or argument is missing or wrong; nothing was sent."""


class InputError(NimbleError, ValueError):
    """Rows of the frame cannot be sent; nothing was sent.

    Parameters
    ----------
    message : str
        What happened.
    rows : pandas.DataFrame, optional
        The bad rows: their index ``label``, the ``column`` and the ``reason``.
    hint : str, optional
        What to type.
    """

    def __init__(
        self, message: str = "", *, rows: pd.DataFrame | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.rows = rows


class ApiError(NimbleError):
    """The service answered, and refused.

    Parameters
    ----------
    message : str
        What happened.
    status_code : int, optional
        The answer's HTTP status code.
    retry_after : float, optional
        Seconds after which the service wants to be asked again.
    body : str, optional
        The answer's body, cut and with the credentials masked.
    hint : str, optional
        Whether anything is still running and billed, and what to type.
    batch_id : str, optional
        The batch that the error is about.
    task_id : str, optional
        The task that the error is about.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int | None = None,
        retry_after: float | None = None,
        body: str | None = None,
        hint: str | None = None,
        batch_id: str | None = None,
        task_id: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, batch_id=batch_id, task_id=task_id)
        self.status_code = status_code
        self.retry_after = retry_after
        self.body = body


class AuthError(ApiError):
    """The key was refused (401), has no budget (402) or no right to this (403)."""


class RateLimited(ApiError):  # noqa: N818 -- reads as what happened, as the status does
    """The service wants fewer calls (429)."""


class ServerError(ApiError):
    """The service failed (5xx), or its answer cannot be read."""


class TransportError(NimbleError, ConnectionError):
    """No answer came from the service.

    Parameters
    ----------
    message : str
        What happened.
    temporary : bool, default False
        Whether the same call may get its answer a moment later; a certificate stays refused.
    hint : str, optional
        Whether anything is still running and billed, and what to type.
    batch_id : str, optional
        The batch that the error is about.
    task_id : str, optional
        The task that the error is about.
    """

    def __init__(
        self,
        message: str = "",
        *,
        temporary: bool = False,
        hint: str | None = None,
        batch_id: str | None = None,
        task_id: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint, batch_id=batch_id, task_id=task_id)
        self.temporary = temporary


class SubmitUnknown(TransportError):  # noqa: N818 -- reads as what happened
    """No readable answer came to a submit: the batch may be running and billed."""


class JobTimeout(NimbleError, TimeoutError):  # noqa: N818 -- named after TimeoutError
    """Waiting ended; the job goes on and is billed."""


class JobDetached(NimbleError):  # noqa: N818 -- reads as what happened
    """Somebody has ended the waiting, by the button or `Job.detach`; the job goes on and is billed."""


class JobExpired(NimbleError, LookupError):  # noqa: N818 -- reads as what happened
    """The service has forgotten the batch: it keeps the status for 24 hours."""


class StorageError(NimbleError, OSError):
    """The store of the outputs cannot be used."""


class OutputMissing(StorageError, FileNotFoundError):  # noqa: N818 -- reads as what happened
    """There is no output at its URL."""


class OutputUnreadable(StorageError, ValueError):  # noqa: N818 -- reads as what happened
    """An output is there, but it is not what a task delivers."""
