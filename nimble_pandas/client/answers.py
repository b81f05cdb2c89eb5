"""What the service answers: judged by its status code, then decoded; one of our errors where it is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import requests

from nimble_pandas.client.connection import Connection
from nimble_pandas.client.failures import read_retry_after, redirected, refusal
from nimble_pandas.clock import Clock
from nimble_pandas.config import Credentials
from nimble_pandas.errors import ServerError, TransportError
from nimble_pandas.models import Batch

_MAX_BYTES = 64 * 2**20
_SHOWN = 60


class Answers:
    """Reads the answers of one service.

    Parameters
    ----------
    connection : Connection
        Reads their bodies.
    base_url : str
        Who answers.
    credentials : Credentials
        Taken out of what the service says, which may echo them.
    clock : Clock
        Tells how long the service wants to be left alone.
    """

    def __init__(
        self, connection: Connection, *, base_url: str, credentials: Credentials, clock: Clock
    ) -> None:
        self._connection = connection
        self._base_url = base_url
        self._mask = credentials.mask
        self._clock = clock

    def judge(self, answer: requests.Response, batch_id: str | None = None, *, submit: bool = False) -> None:
        """Raise what the status code means.

        Parameters
        ----------
        answer : requests.Response
            Closed if it is refused; its body not read yet if not.
        batch_id : str, optional
            The batch that was asked about.
        submit : bool, default False
            Whether the call was to send a batch.

        Raises
        ------
        ApiError
            The service refused the call, or points elsewhere.
        """
        code = answer.status_code
        if requests.codes.ok <= code < requests.codes.multiple_choices:
            return
        if code < requests.codes.bad_request:
            answer.close()
            raise redirected(code, base_url=self._base_url, batch_id=batch_id, submit=submit)
        raise refusal(
            code,
            body=self._mask(self._read_some(answer)),
            reason_phrase=answer.reason and self._mask(answer.reason),
            retry_after=read_retry_after(answer.headers.get("Retry-After"), self._clock.now()),
            base_url=self._base_url,
            batch_id=batch_id,
            submit=submit,
        )

    def _read_some(self, answer: requests.Response) -> str:
        try:
            return self._connection.read(answer, _MAX_BYTES).decode("utf-8", "replace")
        except (TransportError, ServerError):
            return ""

    def decode(self, answer: requests.Response) -> Mapping[str, object]:
        """Return the JSON object that an answer holds.

        Parameters
        ----------
        answer : requests.Response
            Closed afterwards.

        Returns
        -------
        Mapping of str to object
            The object.

        Raises
        ------
        ServerError
            It holds none, or is too long.
        TransportError
            It broke off.
        """
        body = self._connection.read(answer, _MAX_BYTES)
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            shown = self._mask(body.decode("utf-8", "replace"))[:_SHOWN]
        else:
            if isinstance(content, Mapping):
                return content
            raise ServerError(f"the service answered with a JSON {type(content).__name__}, not an object")
        # tracebacks show local variables, and what an error is raised from: either may echo the credentials
        del body
        raise ServerError(f"the service answered 200, but with no JSON: {shown!r}…")

    def batch(self, content: Mapping[str, object]) -> Batch:
        """Return the batch that an answer tells of; what it says of a task may echo the credentials.

        Parameters
        ----------
        content : Mapping of str to object
            The answer, decoded.

        Returns
        -------
        Batch
            As it can be shown.
        """
        batch = Batch.from_json(content)
        tasks = [replace(task, error=self._mask(task.error)) if task.error else task for task in batch.tasks]
        return replace(batch, tasks=tasks)
