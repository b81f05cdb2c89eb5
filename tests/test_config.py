"""Addresses and credentials: where they come from, and that no secret is shown."""

import io
import logging
import pickle
import traceback

import pytest
from replay import BASIC, BODY, PASSWORD, SUBMITTED, Answer, client, replaying

import nimble_pandas
from nimble_pandas import Client
from nimble_pandas.config import resolve_base_url


def test_credentials_come_from_the_environment(monkeypatch):
    """Name and password come before a key; the address has its variable too."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        monkeypatch.setenv("NIMBLE_BASE_URL", f"{replay.base_url}/api/v1/")
        monkeypatch.setenv("NIMBLE_API_KEY", "k-1")
        Client().submit(BODY)
        monkeypatch.setenv("NIMBLE_USERNAME", "anna")
        monkeypatch.setenv("NIMBLE_PASSWORD", PASSWORD)
        Client().submit(BODY)
    assert [asked.headers["Authorization"] for asked in replay.asked] == ["Bearer k-1", BASIC]


def test_credentials_come_from_netrc(home):
    """The last source is the user's ~/.netrc, by the service's host."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        netrc = home / ".netrc"
        netrc.write_text("machine 127.0.0.1 login bob password builder\n")
        netrc.chmod(0o600)
        Client(base_url=replay.base_url).submit(BODY)
    assert replay.asked[0].headers["Authorization"] == "Basic Ym9iOmJ1aWxkZXI="


def test_no_credentials_names_every_source():
    """The error lists what was looked at, and how to go on without an account."""
    with pytest.raises(nimble_pandas.ConfigError) as raised:
        Client()
    for source in ("username=", "api_key=", "NIMBLE_USERNAME", "NIMBLE_API_KEY", "~/.netrc", "demo"):
        assert source in str(raised.value)


@pytest.mark.parametrize("settings", [{"username": "a"}, {"api_key": "k", "username": "a", "password": "b"}])
def test_half_or_double_credentials_are_refused(settings):
    """One name without a password, or two ways at once, is a mistake."""
    with pytest.raises(nimble_pandas.ConfigError):
        Client(**settings)


@pytest.mark.parametrize("base_url", ["http://api.webit.live", "ftp://x", "api.webit.live", "https://u:p@h"])
def test_the_key_is_never_sent_in_the_clear(base_url):
    """Plain HTTP is for this machine only, and an address holds no credentials."""
    with pytest.raises(nimble_pandas.ConfigError):
        resolve_base_url(base_url)


def test_the_default_address_is_the_documented_one():
    """Without a setting, calls go to Nimble."""
    assert resolve_base_url() == "https://api.webit.live"


def test_no_secret_is_shown_anywhere():
    """Not in a repr, a pickle, an error, or a log at any level, even when the service echoes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    root.addHandler(handler)
    before = root.level
    root.setLevel(1)
    try:
        with replaying(Answer(status=400, body={"msg": f"{PASSWORD} {BASIC}"})) as replay:
            asked = client(replay)
            with pytest.raises(nimble_pandas.ApiError) as raised:
                asked.submit(BODY)
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    shown = f"{asked!r} {vars(raised.value)} {raised.value} {stream.getvalue()}".encode()
    shown += pickle.dumps(asked) + pickle.dumps(raised.value)
    for secret in (PASSWORD, BASIC.partition(" ")[2]):
        assert secret.encode() not in shown


@pytest.mark.parametrize(
    "base_url",
    [
        "https://me:S3CRETPW@host",
        "https://me:S3/CRETPW@host",
        "https://h/?k=S3CRETPW",
        "https://h:port",
        "https://h:99999",
        "https://[h",
        "https://a b",
        "S3CRETPW",
    ],
)
@pytest.mark.parametrize("source", ["base_url=", "NIMBLE_BASE_URL"])
def test_an_address_that_is_none_is_refused_and_not_shown(base_url, source, monkeypatch):
    """The error names its source, for a value that is wrong may hold a password."""
    if source != "base_url=":
        monkeypatch.setenv(source, base_url)
    with pytest.raises(nimble_pandas.ConfigError, match=source) as raised:
        resolve_base_url(base_url if source == "base_url=" else None)
    assert "CRETPW" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (" https://API.webit.live/api/v1/ ", "https://api.webit.live"),
        ("https://api.webit.live:443", "https://api.webit.live"),
        ("http://LOCALHOST:8000/", "http://localhost:8000"),
        ("https://proxy.example/Nimble/", "https://proxy.example/Nimble"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_address_has_one_spelling(given, meant):
    """Blanks around, the host's case and alphabet, the default port and a slash do not matter."""
    assert resolve_base_url(given) == meant


def test_the_key_goes_to_its_host_however_it_is_spelled():
    """The host's case does not decide whether calls are authorised."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        client(replay, base_url=replay.base_url.replace("127.0.0.1", "LOCALHOST")).submit(BODY)
    assert replay.asked[0].headers["Authorization"] == BASIC


def test_a_key_may_have_been_read_from_a_file():
    """The line break at its end is no part of it."""
    with replaying(Answer(body=SUBMITTED)) as replay:
        Client(base_url=replay.base_url, api_key="k-1\n").submit(BODY)
        Client(base_url=replay.base_url, username="anna\n", password=f"{PASSWORD}\r\n").submit(BODY)
    assert [asked.headers["Authorization"] for asked in replay.asked] == ["Bearer k-1", BASIC]


@pytest.mark.parametrize(
    "settings",
    [
        {"api_key": "S3CRET\nKEY"},
        {"api_key": "S3CRET…"},
        {"api_key": "S3CRET KEY"},
        {"api_key": "\n"},
        {"username": "an:na", "password": "S3CRET"},
        {"username": "anna", "password": "S3CRET\nPW"},
        {"username": "", "password": "S3CRET"},
        {"username": "anna", "password": "S3CRET\ud800"},
        {"username": "anna", "password": "S3CRET", "api_key": "S3CRET"},
        {"password": "S3CRET"},
        {"api_key": "S3CRET", "base_url": "ftp://x"},
    ],
)
def test_what_cannot_be_sent_is_refused_and_not_shown(settings):
    """Not in the message, nor in the local variables that notebooks and logs print with a traceback."""
    try:
        Client(**settings)
    except nimble_pandas.ConfigError as exc:
        error = exc
    # the first frame is this test's own
    shown = traceback.TracebackException(type(error), error, error.__traceback__.tb_next, capture_locals=True)
    assert "S3CRET" not in "".join(shown.format())


def test_a_body_is_masked_wherever_it_is_shown():
    """A page that echoes the password, in any spelling, is shown without it."""
    page = f"<html>hello {PASSWORD} pa55-w&#246;rd {BASIC}".encode()
    for answer in (Answer(body=page), Answer(status=502, body=page), Answer(body={"msg": PASSWORD})):
        with replaying(answer) as replay, pytest.raises(nimble_pandas.NimbleError) as raised:
            client(replay).submit(BODY)
        assert PASSWORD not in str(raised.value)
        assert BASIC.partition(" ")[2] not in str(raised.value)


def test_a_foreign_error_is_not_carried_along():
    """It may hold the call as it was sent, key and all."""
    with replaying(Answer(fate="drop")) as replay, pytest.raises(nimble_pandas.TransportError) as raised:
        client(replay).progress("b1")
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
