"""A store over a real socket that answers as it is told, and writes down who asked it how."""

import contextlib
import json
import re
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What matters of a request for an object."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def by_obstore(self):
        """Whether obstore asked: botocore adds the count of its attempts, gcsfs asks another interface."""
        return "amz-sdk-request" not in self.headers and not self.path.startswith(("/storage/", "/download/"))

    @property
    def identity(self):
        """Who asks, for which region, and who pays."""
        signed = re.sub(r", SignedHeaders=.*|/\d{8}(?=/)", "", self.headers.get("authorization", ""))
        rest = ("x-amz-security-token", "x-amz-request-payer", "user-agent")
        names = rest if signed.startswith("AWS4") else rest[:2]
        told = {name: self.headers.get(name) for name in names}
        # how botocore was used before is its own affair
        agent = told.pop("user-agent", None) and re.sub(r" m/\S+", "", self.headers["user-agent"])
        return signed, told, agent


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What comes back for an object; a length that is told need not be true."""

    status: int = 200
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()
    n_bytes: int | None = None


def part(body, asked):
    """Return what comes back for a range, such as ``bytes=0-99``."""
    start, end = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", asked).groups())
    if start >= len(body):
        return Answer(status=416, body=b"", headers=(("Content-Range", f"bytes */{len(body)}"),))
    some = body[start : end + 1]
    return Answer(
        status=206,
        body=some,
        headers=(("Content-Range", f"bytes {start}-{start + len(some) - 1}/{len(body)}"),),
    )


class ObjectServer:
    """Holds one answer for all objects, or a function that makes one."""

    def __init__(self):
        self.asked = []
        self.answer = Answer()
        self.has_ranges = True
        self.url = ""

    def object_requests(self):
        """Return what was asked for objects themselves, redirects and sizes aside."""
        return [each for each in self.asked if each.method == "GET" and not each.path.startswith("/storage/")]


@contextlib.contextmanager
def object_server():
    """Run one on loopback."""
    told = ObjectServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            """Write the request down and answer."""
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(method=self.command, path=self.path, headers=headers)
            told.asked.append(asked)
            answer = told.answer(asked) if callable(told.answer) else told.answer
            body = answer.body
            if self.path.startswith("/storage/v1/"):
                body = json.dumps(
                    {"name": "a", "bucket": "b", "size": str(answer.n_bytes or len(body))}
                ).encode()
                answer = Answer(status=answer.status)
            elif told.has_ranges and "range" in headers and answer == Answer(body=body):
                answer = part(body, headers["range"])
                body = answer.body
            self.send_response(answer.status)
            self.send_header("Content-Length", str(answer.n_bytes or len(body)))
            self.send_header("ETag", '"x"')
            self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
            for name, value in answer.headers:
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)
            if answer.n_bytes is not None:
                self.close_connection = True

        do_HEAD = do_GET  # noqa: N815 -- the name that the server looks for

        def log_message(self, *_):
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            """Say nothing of clients that hang up."""

    with Server(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield told
        server.shutdown()
        thread.join()
