"""What the local service takes, and what it refuses whole."""

import pytest
from loopback_site import Caller

from nimble_pandas import local


@pytest.fixture
def caller():
    """Give a caller of a service that must not have had a bug at the end."""
    with local.serve(shop=False) as service:
        yield Caller(service)
        service.check()


GOOD_URLS = [
    "http://a",
    "HTTPS://Shop.Example.COM:443/p?q=1#top",
    "https://m\u00fcller.de/k\u00e4se",
    "http://127.0.0.1:65535",
    "http://[::1]:80/",
    "http://[2001:db8::7]",
    "http://xn--mller-kva.de./",
    "https://a.example/?u=http://b/[x]|y",
]
BAD_URLS = [
    "",
    "a.example",
    "//a.example",
    "ftp://a.example",
    "file:///etc/passwd",
    "http://",
    "http:///x",
    "http://a b/",
    "http://a/ b",
    "http://a\n",
    "http://[::1",
    "http://[0]/",
    "http://a:65536/",
    "http://user:password@a/",
    "http://\u2100.com/",
    "http://-a/",
    7,
    None,
    ["http://a"],
]


def test_urls(caller):
    """What no client could call is refused before it is taken, what is a web URL is not."""
    entries = [{"url": url} for url in [*GOOD_URLS, *BAD_URLS]]
    answer = caller.post("/batch/web", {"requests": entries})
    assert answer.status_code == 400
    refused = [n for n in range(len(entries)) if f"requests[{n}].url is " in answer.json()["msg"]]
    assert refused == list(range(len(GOOD_URLS), len(entries)))


BAD = {
    "no requests": ({"vendor": "walmart", "url": "http://x/"}, "an object with requests"),
    "empty": ({"vendor": "walmart", "url": "http://x/", "requests": []}, "1 to 1000 requests"),
    "a list": ([], "the body is []"),
    "no url": ({"vendor": "walmart", "requests": [{"url": "http://x/"}, {}]}, "missing in requests[1]"),
    "no vendor": ({"requests": [{"url": "http://x/"}]}, "vendor must stand outside requests"),
    "vendor": ({"vendor": "wallmart", "url": "http://x/", "requests": [{}]}, "'wallmart'"),
    "ftp": ({"vendor": "walmart", "requests": [{"url": "ftp://x/"}]}, "requests[0].url is 'ftp://x/'"),
    "UK": (
        {"vendor": "walmart", "url": "http://x/", "requests": [{}, {"country": "UK"}]},
        "requests[1].country",
    ),
    "zip number": (
        {"vendor": "walmart", "url": "http://x/", "requests": [{"zip": 2108}]},
        "requests[0].zip is 2108",
    ),
    "zip short": ({"vendor": "walmart", "url": "http://x/", "requests": [{"zip": "2108"}]}, "five digits"),
    "territory": (
        {"vendor": "walmart", "url": "http://x/", "requests": [{"state": "PR"}]},
        "requests[0].state",
    ),
    "state abroad": (
        {"vendor": "walmart", "url": "http://x/", "requests": [{"state": "NY", "country": "FR"}]},
        "requests[0]: country must be US where state is given",
    ),
    "parse": ({"vendor": "walmart", "url": "http://x/", "parse": "yes", "requests": [{}]}, "parse is 'yes'"),
    "storage": (
        {"vendor": "walmart", "url": "http://x/", "storage_url": "/tmp/x", "requests": [{}]},
        "storage_url is '/tmp/x'",
    ),
    "storage type": (
        {
            "vendor": "walmart",
            "url": "http://x/",
            "storage_type": "s3",
            "storage_url": "gs://bucket/",
            "requests": [{}],
        },
        "storage_url must begin as storage_type says",
    ),
    "object name": (
        {"vendor": "walmart", "url": "http://x/", "requests": [{"storage_object_name": "../../x"}]},
        "requests[0].storage_object_name",
    ),
    "no object": ({"vendor": "walmart", "url": "http://x/", "requests": [{}, None]}, "requests[1] is None"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(caller, case):
    """A bad body is refused whole, with a message that names what is bad, and nothing is taken."""
    body, words = BAD[case]
    answer = caller.post("/batch/ecommerce", body)
    assert answer.status_code == 400
    assert answer.json()["status"] == "failed"
    assert words in answer.json()["msg"]
    assert caller.get("/batches/list").json()["data"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b'{"requests": NaN}',
        b'{"x": "\\ud800"}',
        b"[" * 100_000,
        b"9" * 5000,
        b"{" + b'"a":{' * 500,
    ],
)
def test_a_body_that_is_no_json(caller, body):
    """What cannot be decoded is a 400, whatever it is."""
    answer = caller.post("/batch/ecommerce", data=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["status"] == "failed"


def test_a_thousand_requests_and_one_more(caller):
    """1,000 requests are one batch; 1,001 are refused whole."""
    entries = [{"url": f"http://127.0.0.1:1/{n}"} for n in range(1001)]
    assert caller.submit(*entries[:1000])["batch_size"] == 1000
    answer = caller.post("/batch/ecommerce", {"vendor": "walmart", "requests": entries})
    assert answer.status_code == 400
    assert "1 to 1000 requests" in answer.json()["msg"]
    assert caller.get("/batches/list").json()["pagination"]["total"] == 1


def test_a_body_that_is_too_large(caller):
    """More than 8 MiB is a 413, with and without an announced length, and the service goes on."""
    body = b"[" + b" " * (8 * 1024 * 1024) + b"]"
    for content in (body, (chunk for chunk in (body[:-1], body[-1:]))):
        answer = caller.post("/batch/ecommerce", data=content)
        assert answer.status_code == 413
        assert answer.json()["status"] == "failed"
    assert caller.get("/batches/list").status_code == 200
