"""Outputs without pages: nothing is fetched, nothing is parsed, for loads that want to measure the caller."""

from __future__ import annotations

import asyncio
import gzip
import zlib

from nimble_pandas.local.api.submission import switched_on
from nimble_pandas.local.clock import Clock, stamp
from nimble_pandas.local.tasks.batches import Task
from nimble_pandas.local.tasks.outputs import encode

# others get their turn after so many outputs
_AT_A_STRETCH = 64


class Instant:
    """Makes an output from the request alone: a product whose name and price follow from its URL.

    Parameters
    ----------
    clock : Clock
        Tells the ``query_time``.
    page_seconds : float
        How long after its batch was taken a task has its page.
    """

    def __init__(self, *, clock: Clock, page_seconds: float) -> None:
        self._clock = clock
        self._page_seconds = page_seconds
        self._n_made = 0

    async def produce(self, task: Task) -> bytes:
        """Make the output of a task.

        Parameters
        ----------
        task : Task
            Gets its ``status_code``.

        Returns
        -------
        bytes
            JSON, gzipped where the request wants it so and it is to be stored.
        """
        self._n_made += 1
        if self._n_made % _AT_A_STRETCH == 0:
            await asyncio.sleep(0)
        now = self._clock.now()
        if (left := self._page_seconds - (now - task.created_at).total_seconds()) > 0:
            await self._clock.sleep(left)
        task.status_code = 200
        data = encode(_output(task, stamp(now)))
        packed = task.target is not None and switched_on(task.input.get("storage_compress"))
        return gzip.compress(data, mtime=0) if packed else data

    async def aclose(self) -> None:
        """Do nothing: nothing was opened."""


def _output(task: Task, query_time: str) -> dict[str, object]:
    url = str(task.input["url"])
    output: dict[str, object] = {
        "url": url,
        "task_id": task.id,
        "status": "success",
        "query_time": query_time,
        "status_code": 200,
        "headers": {"content-type": "text/html"},
        "input_url": url,
    }
    if switched_on(task.input.get("parse")):
        return output | {"parsing": _parsing(url)}
    return output | {"html_content": f"<!doctype html><title>{url}</title>"}


def _parsing(url: str) -> dict[str, object]:
    number = zlib.crc32(url.encode("utf-8", "replace"))
    product = {
        "entityType": "Product",
        "name": f"Product {number}",
        "sku": f"{number % 100_000:05d}",
        "offers": {"price": number % 10_000 / 100, "priceCurrency": "USD", "availability": "InStock"},
    }
    return {
        "status": "success",
        "entities": {"Product": [product]},
        "total_entities_count": 1,
        "entities_count": {"Product": 1},
        "metrics": {},
    }
