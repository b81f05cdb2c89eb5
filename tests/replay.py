"""A server that plays back scripted answers over a real socket, and writes down what it was asked."""

import base64
import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from clocks import Hand

from nimble_pandas import Client

PASSWORD = "pa55-wörd-secret"
BASIC = "Basic " + base64.b64encode(f"anna:{PASSWORD}".encode()).decode()
BODY = b'{"requests":[{"url":"https://www.walmart.com/ip/1"}],"vendor":"walmart"}'

TASK = {
    "batch_id": "b1",
    "id": "t1",
    "state": "pending",
    "output_url": "s3://bucket/t1.json",
    "callback_url": None,
    "status_url": "https://[base_url]/tasks/t1",
    "created_at": "2025-12-15T14:08:26.079Z",
    "modified_at": "2025-12-15T14:08:26.079Z",
    "input": {"url": "https://www.walmart.com/ip/1", "vendor": "walmart", "parse": "true"},
}
SUBMITTED = {"batch_id": "b1", "batch_size": 1, "tasks": [TASK]}


@dataclass(kw_only=True)
class Answer:
    """One scripted answer; `body` is JSON unless it is bytes."""

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)
    #: What happens to the connection instead: "drop" after the request, "cut" in the middle of the body,
    #: "drip" a byte now and then for as long as somebody listens.
    fate: str | None = None


@dataclass
class Asked:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    port: int = 0

    @property
    def json(self):
        """The decoded body."""
        return json.loads(self.body)


class Replay:
    """The server: `script` is answered in order, the last one again and again."""

    def __init__(self, *script):
        self.script = list(script)
        self.asked = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"

    def next(self):
        """Return the answer whose turn it is."""
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def _handler(replay):  # noqa: N805 -- the handler's own self is inside
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                replay.asked.append(
                    Asked(self.command, self.path, dict(self.headers), body, self.client_address[1])
                )
                answer = replay.next()
                if answer.fate == "drop":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(10**6 if answer.fate == "drip" else len(content)))
                self.end_headers()
                if answer.fate == "drip":
                    with contextlib.suppress(OSError):
                        while True:
                            self.wfile.write(b" ")
                            time.sleep(0.01)
                    return
                if answer.fate == "cut":
                    self.wfile.write(content[: len(content) // 2])
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.wfile.write(content)

            do_GET = do_POST = do_CONNECT = answer  # noqa: N815 -- the names that http.server looks for

            def log_message(self, *_):
                """Write nothing to the test's output."""

        return Handler


@contextlib.contextmanager
def replaying(*script):
    """Run a `Replay` until the block ends."""
    replay = Replay(*script)
    thread = threading.Thread(target=replay._server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield replay
    finally:
        replay._server.shutdown()
        thread.join()
        replay._server.server_close()


def client(replay, **settings):
    """Return a client of a scripted server, on a clock that does not wait."""
    return Client(
        **{
            "base_url": replay.base_url,
            "username": "anna",
            "password": PASSWORD,
            "clock": Hand(),
            **settings,
        }
    )
