"""What the service answers with: JSON, a refusal, or nothing at all."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Json(JSONResponse):
    """A JSON body in ASCII, so that lone surrogates from a request can be echoed."""

    def render(self, content: object) -> bytes:
        """Encode the body.

        Parameters
        ----------
        content : object
            Anything that JSON can say.

        Returns
        -------
        bytes
            The body.
        """
        return json.dumps(content, separators=(",", ":")).encode()


class Refusal(Exception):  # noqa: N818 -- an answer, not a mishap
    """The answer to a call that cannot be granted.

    Parameters
    ----------
    status_code : int
        The HTTP status code.
    body : Mapping
        The JSON body.
    headers : Mapping, optional
        Headers of the answer.
    """

    def __init__(
        self, status_code: int, body: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status_code, body)
        self.status_code = status_code
        self.body = body
        self.headers = headers

    def response(self) -> Response:
        """Give the answer in the web framework's words.

        Returns
        -------
        starlette.responses.Response
            Status, headers and body.
        """
        return Json(self.body, status_code=self.status_code, headers=self.headers)


def bad_input(message: str) -> Refusal:
    """Refuse a body or an argument (400).

    Parameters
    ----------
    message : str
        What is wrong with it.

    Returns
    -------
    Refusal
        To be raised.
    """
    return Refusal(400, {"status": "failed", "msg": message})


def not_found(message: str, **more: object) -> Refusal:
    """Refuse for want of a task, a batch or a result (404).

    Parameters
    ----------
    message : str
        What is not there.
    **more : object
        Further fields of the body.

    Returns
    -------
    Refusal
        To be raised.
    """
    return Refusal(404, {"status": "failed", "error": message, **more})


class NoAnswer(Response):
    """The connection ends without an answer.

    Parameters
    ----------
    reset : bool
        Reset it (the caller sees ``ECONNRESET``) rather than close it.
    """

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """End the connection; `loopback.Protocol` has put it into the scope."""
        transport = scope["transport"]
        if self.reset:
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


class CutAnswer(Response):
    """The connection ends in the middle of an answer.

    Parameters
    ----------
    whole : starlette.responses.Response
        The answer, of which half is sent.
    """

    def __init__(self, whole: Response) -> None:
        super().__init__(status_code=whole.status_code)
        self.whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send half, then end the connection; `loopback.Protocol` has put it into the scope."""
        content = bytes(self.whole.body)
        headers = {
            "type": "http.response.start",
            "status": self.status_code,
            "headers": self.whole.raw_headers,
        }
        await send(headers)
        await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})
        scope["transport"].close()
        while (await receive())["type"] != "http.disconnect":
            pass
