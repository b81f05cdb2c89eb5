"""Faults that meet a call: what is answered instead, and what is wrong with an answer."""

from __future__ import annotations

import random
import uuid
from typing import Any

from starlette.responses import HTMLResponse, Response

from nimble_pandas.local.api.answers import CutAnswer, Json, NoAnswer
from nimble_pandas.local.faults.fault import Fault, Occasion, kind

Answer = dict[str, Any]

_LISTING = ("submit", "summary")

# Bodies as documented, or in the style of those that are.
_BODIES: dict[int, dict[str, str]] = {
    400: {"status": "failed", "msg": "The requested resource could not be reached"},
    401: {"status": "failed", "msg": "Unauthorized: invalid credential string"},
    402: {"status": "failed", "msg": "Trial expired or no budget left"},
    403: {"status": "failed", "msg": "Not entitled to this API"},
    404: {"status": "failed", "error": "Task not found"},
    429: {"status": "failed", "msg": "Rate limit exceeded"},
    500: {"status": "error", "msg": "can't download the query response - please try again"},
    501: {"status": "failed", "msg": "The proxy service met an error"},
    502: {"status": "failed", "msg": "Bad gateway"},
    503: {"status": "failed", "msg": "Service unavailable"},
    555: {"status": "failed", "msg": "Request timeout"},
}
_PAGE = "<!doctype html><html><head><title>Sorry</title></head><body><h1>We will be back</h1></body></html>"


def _refusing(status_code: int) -> None:
    async def refuse(fault: Fault, _occasion: Occasion) -> Response:
        headers = {}
        if status_code == 429:  # noqa: PLR2004 -- the one status with headers of its own
            headers = {"ratelimit-limit": "1", "ratelimit-remaining": "0"}
        if fault.retry_after is not None:
            headers["retry-after"] = f"{fault.retry_after:g}"
        body = _BODIES[status_code] if fault.text is None else {"status": "failed", "msg": fault.text}
        return Json(body, status_code=status_code, headers=headers)

    kind(str(status_code), "before")(refuse)


for _status_code in _BODIES:
    _refusing(_status_code)


@kind("html", "before")
async def _html(fault: Fault, _occasion: Occasion) -> Response:
    return HTMLResponse(fault.text or _PAGE)


@kind("no_body", "before")
async def _no_body(_fault: Fault, _occasion: Occasion) -> Response:
    return Response(media_type="application/json")


@kind("reset", "before")
async def _reset(_fault: Fault, _occasion: Occasion) -> Response:
    return NoAnswer(reset=True)


@kind("delay", "before")
async def _delay(fault: Fault, occasion: Occasion) -> None:
    await occasion.clock.sleep(fault.seconds)


@kind("expired", "before", "progress", "summary", "task", "results")
async def _expired(_fault: Fault, occasion: Occasion) -> None:
    occasion.batches.forget(occasion.batch_id or "")


@kind("lost", "after")
def _lost(_fault: Fault, _answer: object) -> Response:
    return NoAnswer(reset=False)


@kind("cut", "after")
def _cut(_fault: Fault, answer: Answer | Response) -> Response:
    return CutAnswer(answer if isinstance(answer, Response) else Json(answer))


@kind("taken_500", "after", "submit")
def _taken_500(_fault: Fault, _answer: object) -> Response:
    return Json(_BODIES[500], status_code=500)


@kind("taken_html", "after", "submit")
def _taken_html(_fault: Fault, _answer: object) -> Response:
    return HTMLResponse(_PAGE)


@kind("shuffled", "after", *_LISTING)
def _shuffled(_fault: Fault, answer: Answer) -> Answer:
    tasks = answer["tasks"]
    mixed = random.sample(tasks, len(tasks))
    # a shuffle may leave all as it was
    return {**answer, "tasks": mixed if mixed != tasks else tasks[::-1]}


@kind("null_tasks", "after", *_LISTING)
def _null_tasks(_fault: Fault, answer: Answer) -> Answer:
    return {**answer, "tasks": [None, *(entry for task in answer["tasks"] for entry in (task, None))]}


@kind("repeated_tasks", "after", *_LISTING)
def _repeated_tasks(fault: Fault, answer: Answer) -> Answer:
    return {**answer, "tasks": [*answer["tasks"], *fault.chosen(answer["tasks"])]}


@kind("missing_tasks", "after", *_LISTING)
def _missing_tasks(fault: Fault, answer: Answer) -> Answer:
    gone = fault.chosen(answer["tasks"])[-1:]
    return {**answer, "tasks": [task for task in answer["tasks"] if task not in gone]}


@kind("foreign_tasks", "after", *_LISTING)
def _foreign_tasks(fault: Fault, answer: Answer) -> Answer:
    strangers = [_stranger(task) for task in fault.chosen(answer["tasks"])]
    return {**answer, "tasks": [*strangers, *answer["tasks"]]}


@kind("altered_echo", "after", *_LISTING)
def _altered_echo(fault: Fault, answer: Answer) -> Answer:
    def altered(task: Answer) -> Answer:
        return {**task, "input": {**task["input"], "url": fault.text or "https://elsewhere.example/altered"}}

    return _each(fault, answer, altered)


@kind("literal_base_url", "after", *_LISTING)
def _literal_base_url(fault: Fault, answer: Answer) -> Answer:
    def literal(task: Answer) -> Answer:
        return {**task, "status_url": f"[base_url]/api/v1/tasks/{task['id']}"}

    return _each(fault, answer, literal)


@kind("unknown_state", "after", *_LISTING)
def _unknown_state(fault: Fault, answer: Answer) -> Answer:
    return _each(fault, answer, lambda task: {**task, "state": fault.text or "pondering"})


@kind("incomplete", "after", "progress", "summary")
def _incomplete(_fault: Fault, answer: Answer) -> Answer:
    return {**answer, "progress": 1, "completed": False}


def _stranger(task: Answer) -> Answer:
    task_id = str(uuid.uuid4())
    return {name: _renamed(value, task["id"], task_id) for name, value in task.items()}


def _renamed(value: object, old: str, new: str) -> object:
    return value.replace(old, new) if isinstance(value, str) else value


def _each(fault: Fault, answer: Answer, change: Any) -> Answer:  # noqa: ANN401 -- Callable[[Answer], Answer]
    chosen = [task["id"] for task in fault.chosen(answer["tasks"])]
    return {**answer, "tasks": [change(task) if task["id"] in chosen else task for task in answer["tasks"]]}
