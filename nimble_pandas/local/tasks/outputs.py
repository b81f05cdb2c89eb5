"""Making the output of a task: its page, and what can be read from it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from nimble_pandas.local.api.parameters import HONOURED
from nimble_pandas.local.api.submission import Request, switched_on, too_deep
from nimble_pandas.local.clock import Clock, stamp
from nimble_pandas.local.fetch import Fetcher, Page
from nimble_pandas.local.tasks.batches import Task

# Parsing holds the interpreter's lock most of the time: more threads only get in each other's way.
_PARSERS = 2
# What a page says of itself can nest without end; a reader's JSON decoder cannot.
_MAX_PARSING_DEPTH = 200

Parse = Callable[..., Mapping[str, object]]


class TaskFailed(Exception):  # noqa: N818 -- the state's own word
    """A task that has no output.

    Parameters
    ----------
    message : str
        Why, as the task's ``error`` tells it.
    error_type : str
        The kind of it.
    """

    def __init__(self, message: str, error_type: str) -> None:
        super().__init__(message)
        self.error_type = error_type


class Outputs:
    """Makes outputs.

    Parameters
    ----------
    fetcher : Fetcher
        Fetches the pages.
    parse : callable
        Reads a page: ``parse(html, url=…, vendor=…)`` gives the output's ``parsing``.
    clock : Clock
        Tells the ``query_time``.
    errors : list of Exception
        Gets the errors that the parser should not have raised.
    """

    def __init__(self, *, fetcher: Fetcher, parse: Parse, clock: Clock, errors: list[Exception]) -> None:
        self._fetcher = fetcher
        self._parse = parse
        self._clock = clock
        self._errors = errors
        self._parsers = ThreadPoolExecutor(_PARSERS, "nimble-parse")

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

        Raises
        ------
        TaskFailed
            The page cannot be had.
        """
        request = task.input
        if reason := _contradiction(request):
            raise TaskFailed(reason, "invalid_request")
        page = await self._fetcher.fetch(str(request["url"]), **_place(request))
        task.status_code = page.status_code
        if page.error is not None:
            raise TaskFailed(page.error, page.error_type or "fetch_error")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._parsers, self._build, task, page)

    async def aclose(self) -> None:
        """Close the fetcher and stop the parsers."""
        await self._fetcher.aclose()
        await asyncio.to_thread(self._parsers.shutdown, cancel_futures=True)

    def _build(self, task: Task, page: Page) -> bytes:
        request = task.input
        output: dict[str, object] = {
            "url": page.url,
            "task_id": task.id,
            "status": "success",
            "query_time": stamp(self._clock.now()),
            "status_code": page.status_code,
        }
        if not switched_on(request.get("no_html")):
            output["html_content"] = page.html
        output["headers"] = page.headers
        if switched_on(request.get("parse")):
            output["parsing"] = self._parsing(page, request)
        output |= {"input_url": request["url"], "notes": [*page.notes, *_notes(request)]}
        data = encode(output)
        return gzip.compress(data, mtime=0) if _to_be_gzipped(task) else data

    def _parsing(self, page: Page, request: Request) -> Mapping[str, object]:
        try:
            parsing = self._parse(page.html, url=page.url, vendor=request.get("vendor"))
        except Exception as error:  # noqa: BLE001 -- a bug of ours: `Service.check` raises it again
            self._errors.append(error)
            return {"status": "error", "error": f"{type(error).__name__}: {error}"}
        if too_deep(parsing, levels=_MAX_PARSING_DEPTH):
            return {"status": "error", "error": f"nests more than {_MAX_PARSING_DEPTH} levels deep"}
        return parsing


def encode(output: object) -> bytes:
    """Write an output as JSON that every decoder takes.

    Parameters
    ----------
    output : object
        May hold NaN and lone surrogates, as pages do.

    Returns
    -------
    bytes
        UTF-8; what JSON has no number for is null, and what has no UTF-8 is escaped.
    """
    try:
        return json.dumps(output, allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        finite = json.loads(json.dumps(output), parse_constant=lambda _: None)
        return json.dumps(finite).encode()


def _place(request: Request) -> dict[str, str | None]:
    return {
        name: str(request[name]) if request.get(name) else None
        for name in ("country", "state", "city", "zip", "locale")
    }


def _contradiction(request: Request) -> str | None:
    """Find what only the two levels of a body together make wrong."""
    kind, url = request.get("storage_type"), str(request.get("storage_url") or "")
    if kind and not url:
        return f"storage_type is {kind}, but there is no storage_url"
    if kind and not url.startswith(f"{kind}://"):
        return f"storage_type is {kind}, but storage_url begins otherwise"
    return None


def _notes(request: Request) -> list[str]:
    """Say what of a request means nothing here."""
    notes = [f"{name}: not honoured by the local service" for name in sorted(request.keys() - HONOURED)]
    if request.get("state") and request.get("country", "US") != "US":
        notes.append("state: only the US has states")
    return notes


def _to_be_gzipped(task: Task) -> bool:
    return task.target is not None and switched_on(task.input.get("storage_compress"))
