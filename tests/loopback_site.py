"""A small web site on loopback for the tests of the local service, and a caller of that service."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

PRODUCT = """<!doctype html><html><head><title>{path}</title><script type="application/ld+json">
{{"@context": "https://schema.org", "@type": "Product", "name": "Thing {path}", "sku": "00{path}",
"offers": {{"@type": "Offer", "price": {price}, "priceCurrency": "EUR"}}}}</script></head>
<body></body></html>"""


class Site:
    """Answers ``/slow…`` when `gate` opens, ``/missing…`` with 404, every other path with a product."""

    def __init__(self, url):
        self.url = url
        self.gate = threading.Event()
        self.posted = []


@contextlib.contextmanager
def site():
    """Run a site; it keeps what is POSTed to it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.startswith("/slow"):
                here.gate.wait(20)
            gone = self.path.startswith("/missing") or self.path == "/robots.txt"
            price = "NaN" if self.path.startswith("/nan") else "9.5"
            self._answer(404 if gone else 200, PRODUCT.format(path=self.path.strip("/"), price=price))

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            here.posted.append((self.path, json.loads(body), dict(self.headers)))
            self._answer(500 if self.path.startswith("/broken") else 200, "")

        def _answer(self, status_code, text):
            self.send_response(status_code)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here = Site(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield here
    finally:
        here.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Caller:
    """Calls a service as anyone would, with nothing but HTTP."""

    def __init__(self, service):
        self.service = service
        self.auth = (service.username, service.password)

    def get(self, path, **more):
        """GET a path below the API's prefix, or a whole URL."""
        url = path if path.startswith("http") else f"{self.service.base_url}/api/v1{path}"
        return requests.get(url, **{"auth": self.auth, "timeout": 20, **more})

    def post(self, path, body=None, **more):
        """POST JSON to a path below the API's prefix."""
        url = f"{self.service.base_url}/api/v1{path}"
        return requests.post(url, **{"auth": self.auth, "json": body, "timeout": 20, **more})

    def submit(self, *requests_, kind="ecommerce", **defaults):
        """Submit requests; a text stands for a request with that URL."""
        if kind == "ecommerce":
            defaults = {"vendor": "walmart", **defaults}
        entries = [{"url": entry} if isinstance(entry, str) else entry for entry in requests_]
        answer = self.post(f"/batch/{kind}", {**defaults, "requests": entries})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, batch):
        """Wait until a batch has ended; gives its tasks in the order of the requests."""
        url = f"/batches/{batch['batch_id']}"
        until = time.monotonic() + 20
        while not self.get(f"{url}/progress").json()["completed"]:
            assert time.monotonic() < until, self.get(url).text
            time.sleep(0.01)
        return self.get(url).json()["tasks"]

    def ended(self, *requests_, **defaults):
        """Submit and wait."""
        return self.wait(self.submit(*requests_, **defaults))

    def pulled(self, task):
        """Pull a task's output."""
        answer = self.get(task["download_url"])
        assert answer.status_code == 200, answer.text
        return answer.json()


def eventually(condition, *, seconds=10.0):
    """Wait until a condition holds; gives its value."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, "never happened"
        time.sleep(0.01)
    return value
