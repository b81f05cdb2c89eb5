"""The fetcher against small sites on loopback: polite, bounded, and never an exception."""

import asyncio
import contextlib
import gzip
import socket
import threading
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nimble_pandas.local.fetch.fetcher import USER_AGENT, Fetcher
from nimble_pandas.local.fetch.geography import accept_language
from nimble_pandas.local.fetch.hosts import refuse_forbidden
from nimble_pandas.local.fetch.page import PageUnavailableError

HTML = {"content-type": "text/html; charset=utf-8"}


class Site:
    """Answers each path from `pages`, remembers the requests, and counts how many run at once."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"
        self.pages = {}
        self.requests = []
        self.n_now = self.n_most = 0
        self.lock = threading.Lock()

    def page(self, path, body=b"", status_code=200, *, headers=HTML, wait=0.0):
        """Answer ``path`` so from now on."""
        self.pages[path] = (status_code, headers, body, wait)
        return self.url + path

    def asked(self, path):
        """Give the headers of each request for ``path``."""
        return [headers for seen, headers in self.requests if seen == path]


@contextlib.contextmanager
def serve_site(host="127.0.0.1"):
    """Run a site."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            with site.lock:
                site.requests.append((self.path, dict(self.headers)))
                site.n_now += 1
                site.n_most = max(site.n_most, site.n_now)
            status_code, headers, body, wait = site.pages.get(self.path, (404, HTML, b"none", 0))
            time.sleep(wait)
            with site.lock:
                site.n_now -= 1
            with contextlib.suppress(OSError):
                self.send_response(status_code)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "content-length" not in headers:
                    self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer((host, 0), Handler)
    site = Site(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def site():
    """Give a site with no pages."""
    with serve_site() as running:
        yield running


def fetch(*urls, fetcher=None, **place):
    """Fetch pages, all at once, with a fetcher that is closed afterwards."""

    async def story():
        mine = Fetcher(**(fetcher or {}))
        try:
            return await asyncio.gather(*(mine.fetch(url, **place) for url in urls))
        finally:
            await mine.aclose()

    pages = asyncio.run(story())
    return pages[0] if len(urls) == 1 else pages


def test_page(site):
    """A page arrives with its text, status, headers and both addresses."""
    page = fetch(site.page("/p", "grüß".encode()) + "#top")
    assert (page.status_code, page.html, page.error, page.notes) == (200, "grüß", None, [])
    assert page.input_url == page.url == f"{site.url}/p#top"
    assert page.headers["content-type"] == "text/html; charset=utf-8"


def test_agent(site):
    """The site learns honestly who asks."""
    fetch(site.page("/p"))
    assert site.asked("/p")[0]["user-agent"] == USER_AGENT
    assert USER_AGENT.startswith("nimble_pandas-local/")


def test_status(site):
    """A 404 or 503 is a page with its status, not an error."""
    pages = fetch(site.page("/a", b"gone", 404), site.page("/b", b"busy", 503))
    assert [(page.status_code, page.html, page.error) for page in pages] == [
        (404, "gone", None),
        (503, "busy", None),
    ]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://h/",
        "http://",
        "file:///etc/passwd",
        "http://h:99999999/",
        "http://[::",
        "\x00",
        "//h",
    ],
)
def test_bad_url(url):
    """What is no http or https URL is refused in words."""
    page = fetch(url)
    assert page.error_type == "invalid_url"
    assert page.error
    assert page.status_code is None
    assert page.html == ""


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_as_url(text):
    """No text raises, and none reaches anything but http."""
    page = fetch(f"{text}://x" if "." in text else text)
    assert page.error_type


def test_no_server():
    """A port on which nobody listens is a connect error that says so."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    page = fetch(url)
    assert page.error_type == "connect"


def test_unknown_name():
    """A name that does not exist is a dns error."""
    assert fetch("http://no-such-host.invalid/").error_type == "dns"


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[fd00:ec2::254]/",
    ],
)
def test_metadata_addresses(url):
    """Link-local and metadata addresses are refused however they are written."""
    assert fetch(url, fetcher={"respect_robots": False}).error_type == "forbidden_address"


def test_redirect_to_metadata(site):
    """A redirect does not lead where a URL may not."""
    url = site.page("/r", status_code=302, headers={"location": "http://169.254.169.254/"})
    assert fetch(url).error_type == "forbidden_address"


def test_private_addresses_pass():
    """Loopback and private networks are not refused: the demo shop and intranets live there."""
    for address in ("127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "example.com"):
        refuse_forbidden(address)
    with pytest.raises(PageUnavailableError):
        refuse_forbidden("169.254.0.1")


def test_redirects(site):
    """Redirects are followed, relative ones too, with the cookies set on the way and no others."""
    site.page("/a", status_code=301, headers={"location": "../b?x=1", "set-cookie": "k=v"})
    site.page("/b?x=1", status_code=307, headers={"location": f"{site.url}/c"})
    site.page("/c", b"here")
    pages = [fetch(f"{site.url}/a"), fetch(f"{site.url}/c")]
    assert [(page.url, page.html) for page in pages] == [(f"{site.url}/c", "here")] * 2
    assert pages[0].input_url == f"{site.url}/a"
    assert [seen.get("Cookie") or seen.get("cookie") for seen in site.asked("/c")] == ["k=v", None]


def test_cookies_do_not_stay(site):
    """One page's cookie is not sent for the next page of the same fetcher."""
    site.page("/a", headers={**HTML, "set-cookie": "market=DE"})

    async def story():
        fetcher = Fetcher()
        for _ in range(2):
            await fetcher.fetch(f"{site.url}/a")
        await fetcher.aclose()

    asyncio.run(story())
    assert [seen.get("cookie", seen.get("Cookie")) for seen in site.asked("/a")] == [None, None]


@pytest.mark.parametrize("location", ["/loop", "ftp://x/", "http://h:99999/", "javascript:alert(1)"])
def test_bad_redirects(site, location):
    """Endless redirects and redirects out of the web end in an error."""
    page = fetch(site.page("/loop", status_code=302, headers={"location": location}))
    assert page.error_type == ("too_many_redirects" if location == "/loop" else "invalid_url")


def test_redirect_without_location(site):
    """A redirect that leads nowhere is the page itself."""
    page = fetch(site.page("/r", b"see elsewhere", 302))
    assert (page.status_code, page.html) == (302, "see elsewhere")


def test_robots(site):
    """What robots.txt disallows is not asked for; the rest is; the file is read once."""
    site.page("/robots.txt", b"User-agent: *\nDisallow: /no\nAllow: /no/but\n")
    pages = fetch(*(site.page(path, b"x") for path in ("/no/1", "/no/but", "/yes")))
    assert [page.error_type for page in pages] == ["robots", None, None]
    assert not site.asked("/no/1")
    assert len(site.asked("/robots.txt")) == 1


def test_robots_by_name(site):
    """Rules for our name go before rules for everyone."""
    site.page("/robots.txt", b"User-agent: *\nDisallow: /\n\nUser-agent: nimble_pandas-local\nDisallow: /a\n")
    pages = fetch(site.page("/a"), site.page("/b"))
    assert [page.error_type for page in pages] == ["robots", None]


@pytest.mark.parametrize(
    ("status_code", "error_type"), [(404, None), (403, None), (500, "robots"), (503, "robots")]
)
def test_robots_status(site, status_code, error_type):
    """As RFC 9309 says, 4xx means no rules and 5xx means that nothing may be fetched."""
    site.page("/robots.txt", b"", status_code)
    assert fetch(site.page("/p")).error_type == error_type


def test_robots_switched_off(site):
    """Without respect_robots the file is not even read."""
    site.page("/robots.txt", b"User-agent: *\nDisallow: /\n")
    assert fetch(site.page("/p"), fetcher={"respect_robots": False}).error is None
    assert not site.asked("/robots.txt")


def test_robots_on_redirect(site):
    """A redirect to a disallowed page is refused."""
    site.page("/robots.txt", b"User-agent: *\nDisallow: /private\n")
    site.page("/private", b"secret")
    page = fetch(site.page("/p", status_code=302, headers={"location": "/private"}))
    assert (page.error_type, page.html, page.url) == ("robots", "", f"{site.url}/private")


def test_huge_robots(site):
    """A robots.txt without end is read up to its cap."""
    site.page("/robots.txt", b"User-agent: *\nDisallow: /no\n" + b"# x\n" * 400_000)
    pages = fetch(site.page("/no"), site.page("/p"))
    assert [page.error_type for page in pages] == ["robots", None]


def test_per_host_limit(site):
    """No more requests run at once against one host than allowed, and all are answered."""
    urls = [site.page(f"/{n}", b"x", wait=0.02) for n in range(12)]
    pages = fetch(*urls, fetcher={"max_per_host": 3, "max_connections": 9})
    assert [page.html for page in pages] == ["x"] * 12
    assert site.n_most == 3


def test_overall_limit():
    """No more requests run at once over all hosts than allowed."""
    with serve_site() as one, serve_site("127.0.0.2") as two:
        two.url = two.url.replace("127.0.0.1", "127.0.0.2")
        urls = [site.page(f"/{n}", b"x", wait=0.05) for n in range(4) for site in (one, two)]
        pages = fetch(*urls, fetcher={"max_connections": 1, "respect_robots": False})
        assert [page.html for page in pages] == ["x"] * 8
        assert one.n_most == two.n_most == 1


def test_slow_host_holds_up_nobody():
    """Pages of another host arrive while one host's queue is stuck."""
    with serve_site() as slow, serve_site() as quick:
        stuck = [slow.page(f"/{n}", b"x", wait=0.3) for n in range(6)]

        async def story():
            fetcher = Fetcher(max_connections=3, max_per_host=2, respect_robots=False)
            waiting = [asyncio.create_task(fetcher.fetch(url)) for url in stuck]
            await asyncio.sleep(0.05)
            page = await fetcher.fetch(quick.page("/q", b"quick"))
            n_done = sum(task.done() for task in waiting)
            await asyncio.gather(*waiting)
            await fetcher.aclose()
            return page, n_done

        page, n_done = asyncio.run(story())
        assert (page.html, n_done) == ("quick", 0)


def test_timeout(site):
    """A page that takes too long is a timeout."""
    page = fetch(site.page("/slow", wait=2.0), fetcher={"timeout": 0.2, "respect_robots": False})
    assert page.error_type == "timeout"


def test_timeout_counts_activity_only(site):
    """Waiting for a turn does not use up a page's time."""
    urls = [site.page(f"/{n}", b"x", wait=0.15) for n in range(6)]
    pages = fetch(*urls, fetcher={"timeout": 0.6, "max_per_host": 1, "respect_robots": False})
    assert [page.error for page in pages] == [None] * 6


def test_trickle():
    """A page that drips without end is cut off by the time for the whole page."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def drip():
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n")
                while not ended.wait(0.05):
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        page = fetch(url, fetcher={"timeout": 0.5, "respect_robots": False})
        ended.set()
        thread.join()
    assert page.error_type == "timeout"


@pytest.mark.parametrize(
    ("packing", "body"),
    [
        (None, b"x" * 50_001),
        ("gzip", gzip.compress(b"x" * 60_000_000, mtime=0)),
        ("deflate", zlib.compress(b"x" * 60_000_000)),
    ],
)
def test_size_cap(site, packing, body):
    """The cap holds for what arrives and for what it unpacks to."""
    headers = HTML if packing is None else {**HTML, "content-encoding": packing}
    page = fetch(site.page("/big", body, headers=headers), fetcher={"max_bytes": 50_000})
    assert (page.error_type, page.html) == ("too_large", "")


def raw_deflate(text):
    """Pack without the zlib header, as some servers do."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(text) + packer.flush()


@pytest.mark.parametrize(
    ("packing", "body"),
    [
        ("gzip", gzip.compress(b"hello", mtime=0)),
        ("x-gzip", gzip.compress(b"he", mtime=0) + gzip.compress(b"llo", mtime=0)),
        ("deflate", zlib.compress(b"hello")),
        ("deflate", raw_deflate(b"hello")),
        ("identity", b"hello"),
    ],
)
def test_packed(site, packing, body):
    """A gzip body in one or several members and both kinds of deflate are unpacked."""
    page = fetch(site.page("/p", body, headers={**HTML, "content-encoding": packing}))
    assert (page.html, page.error) == ("hello", None)


@pytest.mark.parametrize(
    ("packing", "body"),
    [
        ("gzip", gzip.compress(b"hello" * 99, mtime=0)[:-12]),
        ("gzip", b"\x1f\x8b\x08\x00junk" * 3),
        ("br", b"hello"),
    ],
)
def test_badly_packed(site, packing, body):
    """A damaged, cut or unknown packing is an error, not a wrong page."""
    page = fetch(site.page("/p", body, headers={**HTML, "content-encoding": packing}))
    assert page.error_type == "encoding"


def test_cut_body(site):
    """A connection that closes before the whole page came is an error."""
    page = fetch(site.page("/p", b"half", headers={**HTML, "content-length": "400"}))
    assert (page.error_type, page.html) == ("network", "")


def test_picture(site):
    """What is no text keeps its status and headers and says so."""
    page = fetch(site.page("/i", b"\x89PNG", headers={"content-type": "image/png"}))
    assert (page.status_code, page.error_type, page.html) == (200, "not_text", "")


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/html; charset=iso-8859-1", "é€".encode("cp1252"), "é€"),
        ("text/html", '<meta charset="shift_jis">東京'.encode("shift_jis"), '<meta charset="shift_jis">東京'),
        ("text/html", "日本".encode(), "日本"),
        ("text/html", "café".encode("cp1252"), "café"),
        ("text/html; charset=nonsense", "ü".encode(), "ü"),
        ("text/html; charset=cp1252", b"\xef\xbb\xbf" + "ü".encode(), "ü"),
    ],
)
def test_charset(site, content_type, body, text):
    """The charset comes from the byte order mark, the header, the page, and then good sense."""
    assert fetch(site.page("/p", body, headers={"content-type": content_type})).html == text


@pytest.mark.parametrize(
    ("locale", "country", "header"),
    [
        (None, None, "en"),
        (None, "DE", "en"),
        ("en-US", "DE", "en-US,en;q=0.9"),
        ("pt_BR", None, "pt-BR,pt;q=0.9"),
        ("auto", "DE", "de-DE,de;q=0.9"),
        ("auto", "CA", "en-CA,en;q=0.9,fr-CA;q=0.8,fr;q=0.7"),
        ("auto", "MX", "es-MX,es;q=0.9"),
        ("auto", None, "en"),
    ],
)
def test_accept_language(locale, country, header):
    """The locale becomes a header; ``auto`` follows the country's official languages."""
    assert accept_language(locale, country) == (header, [])


@pytest.mark.parametrize(("locale", "country"), [("x\r\nevil: 1", "DE"), ("auto", "ZZ"), ("e", None)])
def test_unknown_language(locale, country):
    """A locale that cannot be honoured is English, and the page says so."""
    header, notes = accept_language(locale, country)
    assert header == "en"
    assert len(notes) == 1


def test_no_proxy_note(site):
    """A country without a proxy is said not to be honoured, with everything narrower."""
    page = fetch(site.page("/p"), country="us", state="NY", zip="10001")
    assert page.notes == ["no proxy for US: the page was fetched from here", "not honoured: state, zip"]
    assert not [name for name in site.asked("/p")[0] if name.lower().startswith("demo-")]


def test_proxy(site):
    """A country's proxy gets the request, whole URL and all, and nobody says that it was not honoured."""
    with serve_site() as proxy:
        proxy.page("http://shop.invalid/p", b"from there")
        proxies = {"proxies": {"de": proxy.url}}
        german = fetch("http://shop.invalid/p", fetcher=proxies, country="DE")
        assert (german.html, german.notes) == ("from there", [])
        assert fetch(site.page("/p", b"from here"), fetcher=proxies, country="FR").html == "from here"


def test_dead_proxy():
    """A proxy that does not answer fails the page; the page is not fetched from here instead."""
    with serve_site() as site, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        proxies = {"DE": f"http://127.0.0.1:{free.getsockname()[1]}"}
        page = fetch(site.page("/p"), fetcher={"proxies": proxies}, country="DE")
        assert page.error_type in ("proxy", "connect")
        assert not site.requests


def test_bad_proxy():
    """A proxy URL that cannot work is refused at once."""
    with pytest.raises(ValueError, match="http or https"):
        Fetcher(proxies={"DE": "socks5://h:1"})


def test_shop_headers(site):
    """Only the demo shop is told the market, in headers of one line."""
    shop = {"shop_url": site.url.replace("127.0.0.1", "localhost")}
    page = fetch(site.page("/p"), fetcher=shop, country="us", state="NY", city="New\r\nYork", zip="01234")
    told = {
        name.lower(): value for name, value in site.asked("/p")[0].items() if name.lower().startswith("demo-")
    }
    assert told == {"demo-country": "US", "demo-state": "NY", "demo-city": "New York", "demo-zip": "01234"}
    assert page.notes == []


def test_shop_abroad(site):
    """The shop has states and stores in the US only, and the page says so."""
    page = fetch(site.page("/p"), fetcher={"shop_url": site.url}, country="DE", city="Bonn")
    assert page.notes == ["not honoured: city"]
