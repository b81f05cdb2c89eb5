"""The service as an ASGI application: who is let in, what is written down, which call is carried out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from nimble_pandas.local.api.admission import Credentials, RateLimit, body_of
from nimble_pandas.local.api.answers import Json, Refusal
from nimble_pandas.local.api.calls import Answer, Api
from nimble_pandas.local.api.journal import Call, Journal
from nimble_pandas.local.api.openapi import description
from nimble_pandas.local.clock import Clock
from nimble_pandas.local.faults import Faults
from nimble_pandas.local.faults.fault import Occasion
from nimble_pandas.local.tasks.batches import Batches

# whoever called is gone; a word of nginx's, in no standard
_GONE = 499

PREFIX = "/api/v1"
DESCRIPTION = f"{PREFIX}/openapi.json"

Handler = Callable[[HttpRequest], Awaitable[Answer | Response]]


def routes(
    api: Api, *, faults: Faults, batches: Batches, clock: Clock, base_url: str, errors: list[Exception]
) -> Starlette:
    """Lead each call to what carries it out, past the faults.

    Parameters
    ----------
    api : Api
        Carries calls out.
    faults : Faults
        What is to go wrong.
    batches : Batches
        What the service remembers.
    clock : Clock
        The service's time.
    base_url : str
        Where the service says it is.
    errors : list of Exception
        Gets the bugs.

    Returns
    -------
    starlette.applications.Starlette
        Knows nothing of who calls.
    """

    def route(path: str, endpoint: str, handler: Handler, *methods: str) -> Route:
        async def answer(request: HttpRequest) -> Response:
            occasion = Occasion(
                endpoint=endpoint, batch_id=api.batch_id(request), batches=batches, clock=clock
            )
            instead = await faults.before(occasion)
            if instead is not None:
                return instead
            body = faults.after(occasion, await handler(request))
            return body if isinstance(body, Response) else Json(body)

        return Route(PREFIX + path, answer, methods=list(methods))

    async def described(_request: HttpRequest) -> Response:
        return Json(description(base_url))

    return Starlette(
        routes=[
            route("/batch/ecommerce", "submit", api.submit_ecommerce, "POST"),
            route("/batch/web", "submit", api.submit_web, "POST"),
            route("/batch/serp", "submit", api.submit_serp, "POST"),
            # the seed's heading says POST, its examples GET
            route("/batches/{id}/progress", "progress", api.progress, "GET", "POST"),
            route("/batches/list", "batches", api.batches, "GET"),
            route("/batches/{id}", "summary", api.summary, "GET"),
            route("/tasks/list", "tasks", api.tasks, "GET"),
            route("/tasks/{id}", "task", api.task, "GET"),
            route("/tasks/{id}/results", "results", api.results, "GET"),
            Route(DESCRIPTION, described, methods=["GET"]),
        ],
        exception_handlers={Refusal: _refused, HTTPException: _misdirected, Exception: _recording(errors)},  # type: ignore[dict-item]
    )


class Reception:
    """Writes each call down, lets in who knows the credentials, and turns a bug of ours into a 500.

    Parameters
    ----------
    app : callable
        Gets the calls that are let in.
    credentials : Credentials
        What a caller must know; the description of the service is open to all.
    rate_limit : RateLimit
        How often calls may come.
    journal : Journal
        Gets every call, in order.
    errors : list of Exception
        Gets the bugs.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        credentials: Credentials,
        rate_limit: RateLimit,
        journal: Journal,
        errors: list[Exception],
    ) -> None:
        self._app = app
        self._credentials = credentials
        self._rate_limit = rate_limit
        self._journal = journal
        self._errors = errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        request = HttpRequest(scope, receive)
        call = Call(method=request.method, path=request.url.path, query=request.url.query)
        self._journal.add(call)
        outgoing = _Outgoing(send, call)
        try:
            outgoing.headers = self._admit(request)
            body = await body_of(request)
            self._journal.keep_body(call, body)
            await self._app(scope, _replayed(body, receive), outgoing)
        except Refusal as refusal:
            await refusal.response()(scope, receive, outgoing)
        except ClientDisconnect:
            # whoever called died on the way, and nothing was taken
            call.status_code = _GONE
        except Exception as error:  # noqa: BLE001 -- `Service.check` raises it again
            # an answer that has begun comes from `routes`, which has recorded the error before
            if not outgoing.started:
                response = await _recording(self._errors)(request, error)
                await response(scope, receive, outgoing)

    def _admit(self, request: HttpRequest) -> dict[str, str]:
        if request.url.path == DESCRIPTION:
            return {}
        self._credentials.check(request.headers.get("authorization"))
        return self._rate_limit.take()


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Hand out a body that was read already, then whatever comes after it."""
    chunks: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Any:  # noqa: ANN401 -- an ASGI message
        return chunks.pop() if chunks else await receive()

    return replay


class _Outgoing:
    """An answer on its way: gets further headers, knows whether it has begun, tells its status code."""

    def __init__(self, send: Send, call: Call) -> None:
        self._send = send
        self._call = call
        self.headers: dict[str, str] = {}
        self.started = False

    async def __call__(self, message: Any) -> None:  # noqa: ANN401 -- an ASGI message
        if message["type"] == "http.response.start":
            self.started = True
            self._call.status_code = message["status"]
            more = [(name.encode(), value.encode()) for name, value in self.headers.items()]
            message = {**message, "headers": [*message["headers"], *more]}
        await self._send(message)


async def _refused(_request: HttpRequest, refusal: Refusal) -> Response:
    return refusal.response()


async def _misdirected(_request: HttpRequest, error: HTTPException) -> Response:
    body = {"status": "failed", "msg": error.detail}
    return Json(body, status_code=error.status_code, headers=error.headers)


def _recording(errors: list[Exception]) -> Callable[[HttpRequest, Exception], Awaitable[Response]]:
    """Record a bug, then answer 500: who reads the answer finds the bug in `Service.check`."""

    async def broken(_request: HttpRequest, error: Exception) -> Response:
        errors.append(error)
        body = {"status": "error", "msg": f"internal error: {type(error).__name__}"}
        return Json(body, status_code=500)

    return broken
