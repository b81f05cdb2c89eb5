"""The service over HTTP: one call in, one of the wire's nouns or one of our errors out.

A call climbs a ladder of four: build (`submit`, `progress`, …), send, judge, decode. Whether a call that
failed is made again is decided by whoever made it, with one exception: a submit is sent again, here, when
it provably never left or was told to wait (429).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from urllib.parse import quote

import requests
from requests.adapters import BaseAdapter

from nimble_pandas.client.answers import Answers
from nimble_pandas.client.connection import Connection
from nimble_pandas.client.failures import backoff, submit_unknown
from nimble_pandas.client.pace import Pace, resolve_max_rate
from nimble_pandas.clock import Clock
from nimble_pandas.config import Credentials, resolve_base_url, resolve_credentials
from nimble_pandas.errors import JobExpired, RateLimited, ServerError, TransportError
from nimble_pandas.models import Batch, Progress, Task, TaskPage, reason

_LOGGER = logging.getLogger("nimble_pandas.client")

_OUTPUT_MAX_BYTES = 256 * 2**20
_LIST_LIMIT = 100

# a submit that never left is tried this often; one that is told to wait, for so long in all
_CONNECT_ATTEMPTS = 3
_RATE_LIMIT_SECONDS = 300.0


class Client:
    """A connection to the batch API.

    Parameters
    ----------
    base_url : str, optional
        The part of the address before ``/api/v1``; ``NIMBLE_BASE_URL`` or Nimble's own if not given.
    username, password : str, optional
        Basic authentication; otherwise ``NIMBLE_USERNAME`` and ``NIMBLE_PASSWORD``, or ``~/.netrc``.
    api_key : str, optional
        Bearer authentication instead; otherwise ``NIMBLE_API_KEY``.
    session : requests.Session, optional
        Carries proxies, certificates and headers of the caller's.
    transport : requests.adapters.BaseAdapter, optional
        Sends the calls to `base_url`, in place of the session's own adapter.
    timeout : float, default 60
        Seconds that the service may take to answer.
    max_rate : float, optional
        Calls a second at most, of all threads, those for outputs that are pulled included; 80 if not given,
        for the service documents 83, and no limit for one on this machine. Where the service wants fewer
        (429, or ``ratelimit-remaining: 0``) they get fewer, and more again as long as it does not.
    clock : Clock, optional
        Time; tests hand in their own.

    Raises
    ------
    ConfigError
        There are no credentials, `base_url` is no address for them, or `max_rate` is no rate.

    Notes
    -----
    Redirects are refused, and credentials are sent to the host of `base_url` only.

    Examples
    --------
    >>> import nimble_pandas.local
    >>> with nimble_pandas.local.serve() as service:
    ...     client = nimble_pandas.Client(
    ...         base_url=service.base_url, username=service.username, password=service.password
    ...     )
    """

    #: The service; empty until it is known to be one, when a client whose making failed is shown.
    base_url: str = ""

    def __init__(
        self,
        *,
        base_url: str | None = None,
        username: str | None = None,
        password: str | None = None,
        api_key: str | None = None,
        session: requests.Session | None = None,
        transport: BaseAdapter | None = None,
        timeout: float = 60.0,
        max_rate: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        given = Credentials(username=username, password=password, api_key=api_key)
        # what raises from here on shows its local variables in many a notebook and log
        del password, api_key
        try:
            self.base_url = resolve_base_url(base_url)
        finally:
            # one that is refused may hold a password
            del base_url
        self._credentials = resolve_credentials(self.base_url, given)
        self.clock = clock or Clock()
        self._max_rate = max_rate
        self._pace = Pace(resolve_max_rate(max_rate, self.base_url), self.clock)
        self._connection = Connection(
            self.base_url,
            self._credentials,
            session=session,
            transport=transport,
            timeout=timeout,
            pace=self._pace,
            clock=self.clock,
        )
        self._answers = Answers(
            self._connection, base_url=self.base_url, credentials=self._credentials, clock=self.clock
        )

    @property
    def account(self) -> str:
        """The service and the account, with nothing secret: what the ledger tells jobs apart by."""
        return f"{self.base_url} {self._credentials.username or ''}".strip()

    def __repr__(self) -> str:
        return f"Client(base_url={self.base_url!r})"

    def __reduce__(self) -> tuple[Callable[[str, float | None], Client], tuple[str, float | None]]:
        # no secret in a pickle: the other side looks for its own
        return _unpickled, (self.base_url, self._max_rate)

    def __copy__(self) -> Client:
        # nothing in it changes, and unlike a pickle a copy stays where the secret is
        return self

    def __deepcopy__(self, memo: object) -> Client:
        return self

    @property
    def rate(self) -> float:
        """Calls a second that it makes at most, as far as it has learned; infinite if nothing limits it."""
        return self._pace.rate

    def masked(self, text: str) -> str:
        """Return a text of the service's without the credentials, if it echoes them.

        Parameters
        ----------
        text : str
            What the service says.

        Returns
        -------
        str
            What can be shown.
        """
        return self._credentials.mask(text)

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def submit(
        self,
        body: bytes,
        *,
        endpoint: str = "ecommerce",
        patience: float = _RATE_LIMIT_SECONDS,
        ready: Callable[[], None] | None = None,
    ) -> Batch:
        """Send a batch.

        Parameters
        ----------
        body : bytes
            UTF-8 JSON: ``requests`` and their defaults.
        endpoint : str, default "ecommerce"
            The kind of batch, after ``/batch/``.
        patience : float, default 300
            Seconds to go on where the service wants to be asked later (429).
        ready : callable, optional
            Called when the submit's turn has come, right before it is sent; nothing is sent if it raises.

        Returns
        -------
        Batch
            With its ``id`` and tasks.

        Raises
        ------
        ApiError
            The service refused the batch: nothing of it runs or is billed. A `ServerError`, though, leaves
            open whether it was taken.
        SubmitUnknown
            No readable answer came: the batch may be running and billed. It is not sent again.
        TransportError
            The service could not be reached: nothing was sent.
        """
        answer = self._submitted(body, endpoint, patience, ready)
        try:
            content = self._answers.decode(answer)
        except (ServerError, TransportError) as exc:
            raise submit_unknown(f"the answer to the submit cannot be read: {exc.args[0]}") from exc
        batch = self._answers.batch(content)
        if not batch.id:
            why = self._credentials.mask(reason(content) or "it gives no reason")
            raise submit_unknown(f"the answer to the submit names no batch: {why}")
        return batch

    def progress(self, batch_id: str) -> Progress:
        """Ask how far a batch has come; a light call.

        Parameters
        ----------
        batch_id : str
            The batch.

        Returns
        -------
        Progress
            Whether it is completed, and the fraction of tasks that have ended.

        Raises
        ------
        JobExpired
            The service knows no such batch (any more).
        ApiError, TransportError
            The call failed; the batch goes on.
        """
        return Progress.from_json(self._get(f"/batches/{quote(batch_id, safe='')}/progress", batch_id))

    def summary(self, batch_id: str) -> Batch:
        """Ask for all tasks of a batch with their states; a heavy call.

        Parameters
        ----------
        batch_id : str
            The batch.

        Returns
        -------
        Batch
            With its tasks, in no particular order.

        Raises
        ------
        JobExpired
            The service knows no such batch (any more).
        ApiError, TransportError
            The call failed; the batch goes on.
        """
        return self._answers.batch(self._get(f"/batches/{quote(batch_id, safe='')}", batch_id))

    def task(self, task_id: str) -> Task | None:
        """Ask for one task.

        Parameters
        ----------
        task_id : str
            The task.

        Returns
        -------
        Task or None
            None where the answer holds none.

        Raises
        ------
        ApiError, TransportError
            The call failed; the task goes on.
        """
        answer = self._get(f"/tasks/{quote(task_id, safe='')}", None)
        return Task.from_json(answer.get("task", answer))

    def tasks(self, *, since: datetime | None = None) -> Iterator[Task]:
        """List the account's tasks, as far as the service keeps them; pages are asked for as needed.

        Parameters
        ----------
        since : datetime, optional
            Leaves out what was created before, and ends at a page that holds nothing else. A task that
            does not say when it was created is listed.

        Yields
        ------
        Task
            Of any batch; newest first with the local service, in an order that is not documented elsewhere.

        Raises
        ------
        ApiError, TransportError
            The call failed, or the service has no such list.
        """
        cursor: str | None = None
        seen: set[str | None] = set()
        # a list that leads back to where it was would be followed for ever
        while cursor not in seen:
            seen.add(cursor)
            after = "" if cursor is None else f"&cursor={quote(cursor, safe='')}"
            page = TaskPage.from_json(self._get(f"/tasks/list?limit={_LIST_LIMIT}{after}", None))
            new = [task for task in page.tasks if not (since and task.created_at and task.created_at < since)]
            yield from new
            if page.next_cursor is None or (page.tasks and not new):
                return
            cursor = page.next_cursor

    def output_url(self, task_id: str) -> str:
        """Return the address of a task's output when it is pulled, built from the id alone.

        Parameters
        ----------
        task_id : str
            The task.

        Returns
        -------
        str
            Under `base_url`, whatever the service says.
        """
        return f"{self.base_url}/api/v1/tasks/{quote(task_id, safe='')}/results"

    def output(self, task_id: str) -> bytes:
        """Pull a task's output.

        Parameters
        ----------
        task_id : str
            The task.

        Returns
        -------
        bytes
            The output as it was delivered, gzipped or not.

        Raises
        ------
        ApiError, TransportError
            The call failed; the output can be asked for again.
        """
        answer = self._connection.send("GET", self.output_url(task_id))
        self._answers.judge(answer)
        if answer.status_code != requests.codes.ok:
            answer.close()
            raise ServerError(f"the output is not ready ({answer.status_code})", task_id=task_id)
        return self._connection.read(answer, _OUTPUT_MAX_BYTES)

    def _get(self, path: str, batch_id: str | None) -> Mapping[str, object]:
        answer = self._connection.send("GET", f"{self.base_url}/api/v1{path}")
        if answer.status_code == requests.codes.not_found and batch_id is not None:
            answer.close()
            raise JobExpired(
                f"the service knows no batch {batch_id!r}: it keeps the status for 24 hours.",
                hint="What was fetched is billed. Outputs in a bucket of yours stay there.",
                batch_id=batch_id,
            )
        self._answers.judge(answer, batch_id)
        return self._answers.decode(answer)

    def _submitted(
        self, body: bytes, endpoint: str, patience: float, ready: Callable[[], None] | None
    ) -> requests.Response:
        url = f"{self.base_url}/api/v1/batch/{endpoint}"
        deadline = self.clock.monotonic() + patience
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = self._connection.send("POST", url, body, ready=ready)
                self._answers.judge(answer, submit=True)
            except RateLimited as exc:
                pause = exc.retry_after if exc.retry_after is not None else backoff(attempt)
                if self.clock.monotonic() + pause > deadline:
                    raise
            except TransportError as exc:
                if attempt == _CONNECT_ATTEMPTS or not exc.temporary:
                    raise
                pause = backoff(attempt)
            else:
                return answer
            _LOGGER.info("Not taken: sent again in %.1f s (attempt %d)", pause, attempt + 1)
            self.clock.sleep(pause)


def _unpickled(base_url: str, max_rate: float | None = None) -> Client:
    return Client(base_url=base_url, max_rate=max_rate)
