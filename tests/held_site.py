"""A site on loopback whose pages of one kind wait until they are let go."""

import html
import http.server
import json
import threading
import time
from pathlib import Path

# what a page is called may be meant to break whoever shows it
NAME = "Kettle <script>document.title='broken'</script> & co"


class Site(http.server.ThreadingHTTPServer):
    """Answers ``/item…`` at once, ``/gone…`` with 404, and ``/held…`` once a file is there.

    Parameters
    ----------
    gate : str
        The file.
    """

    daemon_threads = True

    def __init__(self, gate):
        super().__init__(("127.0.0.1", 0), Handler)
        self.gate = Path(gate).resolve()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def urls(self, n, *, held=0, gone=0):
        """Return the URLs of so many pages, of which the last are held, or gone."""
        kinds = ["item"] * (n - held - gone) + ["gone"] * gone + ["held"] * held
        return [f"{self.url}/{kind}/{position}" for position, kind in enumerate(kinds)]


class Handler(http.server.BaseHTTPRequestHandler):
    """Draws a product."""

    def do_GET(self):
        """Answer, sooner or later."""
        while "/held" in self.path and not self.server.gate.exists():
            time.sleep(0.02)
        known = "/item" in self.path or "/held" in self.path
        offer = {"@type": "Offer", "price": 34.5, "priceCurrency": "EUR"}
        product = {
            "@context": "https://schema.org",
            "@type": "Product",
            "name": html.escape(NAME),
            "offers": offer,
        }
        page = f'<html><script type="application/ld+json">{json.dumps(product)}</script><p>A page</p></html>'
        self.send_response(200 if known else 404)
        self.end_headers()
        self.wfile.write(page.encode())

    def log_message(self, *_):
        """Say nothing."""
