"""A store over a real socket that answers as it is told, and writes down who asked it how."""

import contextlib
import json
import re
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What matters of a request for an object."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, str]

    @property
    def by_curl(self):
        """Whether libcurl asked: botocore adds the count of its attempts, gcsfs asks another interface."""
        return "amz-sdk-request" not in self.headers and not self.path.startswith(("/storage/", "/download/"))

    @property
    def authorization(self):
        """What was sent of it, in the header or in the address."""
        words = (self.query.get(f"x-amz-{name}") for name in ("algorithm", "credential"))
        in_address = "{} Credential={}".format(*words) if "x-amz-signature" in self.query else ""
        return self.headers.get("authorization", in_address)

    @property
    def identity(self):
        """Who asks, for which region, and who pays."""
        signed = re.sub(r", SignedHeaders=.*|/\d{8}(?=/)", "", self.authorization)
        rest = ("x-amz-security-token", "x-amz-request-payer", "user-agent")
        names = rest if signed.startswith("AWS4") else rest[:2]
        told = {name: self.headers.get(name, self.query.get(name)) for name in names}
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


class ObjectServer:
    """Holds one answer for all objects, or a function that makes one."""

    def __init__(self):
        self.asked = []
        self.answer = Answer()
        self.n_connections = 0
        self.url = ""

    def object_requests(self):
        """Return what was asked for objects themselves, redirects and sizes aside."""
        return [each for each in self.asked if each.method == "GET" and not each.path.startswith("/storage/")]


@contextlib.contextmanager
def object_server(certificate=None):
    """Run one on loopback; with a certificate, and its key in the same file, over TLS."""
    told = ObjectServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self):
            super().setup()
            told.n_connections += 1

        def do_GET(self):
            """Write the request down and answer."""
            headers = {name.lower(): value for name, value in self.headers.items()}
            path, _, query = self.path.partition("?")
            asked = Asked(
                method=self.command,
                path=path,
                headers=headers,
                query={name.lower(): value for name, value in parse_qsl(query)},
            )
            told.asked.append(asked)
            answer = told.answer(asked) if callable(told.answer) else told.answer
            body = answer.body
            if self.path.startswith("/storage/v1/"):
                body = json.dumps(
                    {"name": "a", "bucket": "b", "size": str(answer.n_bytes or len(body))}
                ).encode()
                answer = Answer(status=answer.status)
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
        # as many as a client may open at once
        request_queue_size = 512

        def handle_error(self, *_):
            """Say nothing of clients that hang up."""

    with Server(("127.0.0.1", 0), Handler) as server:
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # each handshake on its connection's own thread
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
            scheme = "https"
        told.url = f"{scheme}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield told
        server.shutdown()
        thread.join()
