"""Telling the caller's server that a task has ended."""

from __future__ import annotations

import asyncio
import contextlib

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
                async with asyncio.timeout(_TIMEOUT):
                    await self._told(httpx.URL(url), body)
            except TimeoutError:
                task.callback_error = f"no answer within {_TIMEOUT:g} s"
            except (httpx.HTTPError, httpx.InvalidURL, PageUnavailableError, ValueError) as error:
                task.callback_error = f"{type(error).__name__}: {error}"

    async def _told(self, url: httpx.URL, body: dict[str, object]) -> None:
        *others, last = await _addresses(url)
        for address in others:
            with contextlib.suppress(httpx.ConnectError):
                return await self._tell(url, address, body)
        return await self._tell(url, last, body)

    async def _tell(self, url: httpx.URL, address: str, body: dict[str, object]) -> None:
        # to the address that was judged: asked a second time, a name may lead to another
        async with self._client.stream(
            "POST",
            url.copy_with(host=address),
            json=body,
            headers={"host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        ) as response:
            # its body, however long, is nobody's business
            response.raise_for_status()


async def _addresses(url: httpx.URL) -> list[str]:
    """Return where a name leads; refuse it if that is a link-local address, as for pages."""
    refuse_forbidden(url.host)
    addresses = await resolve(url.host, url.port or {"https": 443}.get(url.scheme, 80))
    for address in addresses:
        refuse_forbidden(address)
    return addresses
