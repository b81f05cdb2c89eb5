"""The API's calls: what each of them does, given what the service remembers."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from nimble_pandas.local.api.answers import Refusal, not_found
from nimble_pandas.local.api.paging import paged
from nimble_pandas.local.api.submission import Request, decode, effective_requests
from nimble_pandas.local.clock import stamp
from nimble_pandas.local.faults import Faults
from nimble_pandas.local.tasks.batches import Batch, Batches, Task
from nimble_pandas.local.tasks.results import Results
from nimble_pandas.local.tasks.worker import Worker

Answer = dict[str, Any]


class Api:
    """The calls, as methods from an HTTP request to an answer.

    Parameters
    ----------
    base_url : str
        Begins the URLs in the answers.
    batches : Batches
        What the service remembers.
    results : Results
        Outputs that wait to be pulled.
    faults : Faults
        What is to go wrong.
    worker : Worker
        Does the work.
    """

    def __init__(
        self, *, base_url: str, batches: Batches, results: Results, faults: Faults, worker: Worker
    ) -> None:
        self._base_url = base_url
        self._batches = batches
        self._results = results
        self._faults = faults
        self._worker = worker

    async def submit_ecommerce(self, request: HttpRequest) -> Answer:
        """Take a batch of product or search pages.

        Parameters
        ----------
        request : starlette.requests.Request
            The call.

        Returns
        -------
        dict
            The batch and its pending tasks.
        """
        return await self._submit(request, kind="ecommerce")

    async def submit_web(self, request: HttpRequest) -> Answer:
        """Take a batch of any pages.

        Parameters
        ----------
        request : starlette.requests.Request
            The call.

        Returns
        -------
        dict
            The batch and its pending tasks.
        """
        return await self._submit(request, kind="web")

    async def submit_serp(self, request: HttpRequest) -> Answer:  # noqa: ARG002 -- as its sisters
        """Refuse a batch for search engines: there is none behind this service.

        Parameters
        ----------
        request : starlette.requests.Request
            The call.

        Raises
        ------
        Refusal
            501, always; nothing was taken.
        """
        raise Refusal(501, {"status": "failed", "msg": "the local service searches no engines"})

    async def progress(self, request: HttpRequest) -> Answer:
        """Tell how far a batch has come.

        Parameters
        ----------
        request : starlette.requests.Request
            The call.

        Returns
        -------
        dict
            ``status``, ``completed``, ``progress``.
        """
        batch = self._polled(request)
        return {"status": "success", "completed": batch.completed, "progress": batch.progress}

    async def summary(self, request: HttpRequest) -> Answer:
        """Tell how far each task of a batch has come.

        Parameters
        ----------
        request : starlette.requests.Request
            The call.

        Returns
        -------
        dict
            ``status``, ``tasks``, ``completed``, ``progress``.
        """
        batch = self._polled(request)
        return {
            "status": "success",
            "tasks": [task.as_json() for task in batch.tasks],
            "completed": batch.completed,
            "progress": batch.progress,
        }

    async def task(self, request: HttpRequest) -> Answer:
        """Tell how far a task has come.

        Parameters
        ----------
        request : starlette.requests.Request
            The call.

        Returns
        -------
        dict
            ``status``, ``task``.
        """
        task = self._batches.task(request.path_params["id"])
        self._batches.batch(task.batch_id).polls += 1
        return {"status": "success", "task": task.as_json()}

    async def results(self, request: HttpRequest) -> Response:
        """Hand out the output of a task.

        Parameters
        ----------
        request : starlette.requests.Request
            The call.

        Returns
        -------
        starlette.responses.Response
            The output, as it was made.

        Raises
        ------
        Refusal
            404: the task has not ended, failed, or delivers elsewhere; the body says which.
        """
        task = self._batches.task(request.path_params["id"])
        output = self._results.get(task.id)
        if output is None:
            raise not_found(_why_no_output(task), task_id=task.id, state=task.state)
        return Response(output, media_type="application/json")

    async def tasks(self, request: HttpRequest) -> Answer:
        """List tasks, the newest first.

        Parameters
        ----------
        request : starlette.requests.Request
            The call.

        Returns
        -------
        dict
            ``data``, ``pagination``.
        """
        newest_first = [task for batch in self._newest_first() for task in reversed(batch.tasks)]
        return paged(request, newest_first, Task.as_json)

    async def batches(self, request: HttpRequest) -> Answer:
        """List batches, the newest first.

        Parameters
        ----------
        request : starlette.requests.Request
            The call.

        Returns
        -------
        dict
            ``data``, ``pagination``.
        """
        return paged(request, self._newest_first(), _outline)

    def batch_id(self, request: HttpRequest) -> str | None:
        """Tell which batch a call asks for.

        Parameters
        ----------
        request : starlette.requests.Request
            The call.

        Returns
        -------
        str or None
            Its id, None where the call is for no one batch or for an unknown task.
        """
        wanted: str | None = request.path_params.get("id")
        if wanted is None or "/tasks/" not in request.url.path:
            return wanted
        try:
            return self._batches.task(wanted).batch_id
        except Refusal:
            return None

    async def _submit(self, request: HttpRequest, *, kind: str) -> Answer:
        body = await request.body()
        requests = await asyncio.to_thread(_checked, body, kind)
        batch = self._batches.take(requests, kind=kind, base_url=self._base_url)
        self._faults.on_batch(batch)
        # the answer shows the tasks as they are made: pending
        answer = {
            "batch_id": batch.id,
            "batch_size": len(batch.tasks),
            "tasks": [task.as_json() for task in batch.tasks],
        }
        self._batches.keep(batch)
        self._worker.add(batch)
        return answer

    def _polled(self, request: HttpRequest) -> Batch:
        batch = self._batches.batch(request.path_params["id"])
        batch.polls += 1
        return batch

    def _newest_first(self) -> list[Batch]:
        return list(self._batches)[::-1]


def _checked(body: bytes, kind: str) -> list[Request]:
    return effective_requests(decode(body), kind=kind)


def _why_no_output(task: Task) -> str:
    if task.state == "failed":
        return f"Task failed: {task.error}"
    if not task.ended:
        return "Task has not ended"
    if task.target is not None:
        return f"Output was delivered to {task.target}"
    return "Output is not here (any more)"


def _outline(batch: Batch) -> Answer:
    return {
        "id": batch.id,
        "batch_size": len(batch.tasks),
        "completed": batch.completed,
        "completed_count": batch.n_ended,
        "progress": batch.progress,
        "created_at": stamp(batch.created_at),
    }
