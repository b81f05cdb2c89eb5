"""Telling the caller's server that a task has ended."""

from __future__ import annotations

import asyncio

import httpx

from nimble_pandas.local.fetch.hosts import refuse_forbidden, resolve
from nimble_pandas.local.fetch.page import PageUnavailableError
from nimble_pandas.local.tasks.batches import Task

_MAX_AT_ONCE = 8
_TIMEOUT = 5.0


class Callbacks:
    """POSTs the task object, never the data, once per finished task, and never follows a redirect.

    Nothing is sent twice: what goes wrong is told in the task's ``callback_error``.
    """

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False)
        self._at_once = asyncio.Semaphore(_MAX_AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, task: Task) -> None:
        """Send the task object on its way; returns at once.

        Parameters
        ----------
        task : Task
            Has ended; nothing happens when its request names no callback URL.
        """
        if url := task.input.get("callback_url"):
            sending = asyncio.create_task(self._post(task, str(url)))
            self._under_way.add(sending)
            sending.add_done_callback(self._under_way.discard)

    async def aclose(self) -> None:
        """Give up what is under way and close the connections."""
        for sending in self._under_way:
            sending.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._client.aclose()

    async def _post(self, task: Task, url: str) -> None:
        body = task.as_json()
        async with self._at_once:
            try:
                await _refuse_host(url)
                response = await self._client.post(url, json=body)
                response.raise_for_status()
            except (httpx.HTTPError, httpx.InvalidURL, PageUnavailableError, ValueError) as error:
                task.callback_error = f"{type(error).__name__}: {error}"


async def _refuse_host(url: str) -> None:
    """Refuse a name that leads to a link-local address, as for pages."""
    target = httpx.URL(url)
    for address in await resolve(target.host, target.port or 80):
        refuse_forbidden(address)
