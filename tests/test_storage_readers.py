"""Both readers give the same bytes and the same errors, and ask as the same caller."""

import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import fsspec
import pytest
from certificates import self_signed
from google.oauth2.credentials import Credentials
from object_server import Answer, object_server
from servers import close_filesystems

import nimble_pandas
from nimble_pandas.storage import Store
from nimble_pandas.storage.addresses import Addresses, Signed
from nimble_pandas.storage.objects import ObjectReader
from nimble_pandas.storage.readers import FsspecReader
from nimble_pandas.storage.window import Window

READERS = ["curl", "fsspec"]


@pytest.fixture
def told(monkeypatch):
    """Give a store that answers as it is told; the filesystems that asked it are closed."""
    import gcsfs
    import s3fs

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, f"ENV_{name}" if name != "AWS_DEFAULT_REGION" else "us-east-1")
    with object_server() as server:
        yield server
        close_filesystems(s3fs.S3FileSystem)
        close_filesystems(gcsfs.GCSFileSystem)


def read(reader, monkeypatch, prefix, names, options=None):
    """Read objects with one of the readers, made to; return what was found by name."""
    monkeypatch.setenv("NIMBLE_PANDAS_READER", reader)
    store = Store(prefix, options)
    found = dict(store.read([prefix + name for name in names]))
    assert isinstance(store._reader, ObjectReader if reader == "curl" else FsspecReader)
    return {url.removeprefix(prefix): content for url, content in found.items()}


def in_child(script, **environment):
    """Start a script in a process of its own, with this folder on its path."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, **environment},
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told_alike(found):
    """Return what was found, errors by kind and text."""
    return {
        name: each if isinstance(each, bytes) else (type(each), str(each)) for name, each in found.items()
    }


NAMES = [
    *("a b.json", "é/ü.json", "a+b.json", "a%20b.json", "a%2Fb.json", "x'(y)!*~.json", "a&b=c;d@$,:.json"),
    *('{z}[|]\\^`"<>.json', "😀.json", "e\u0301.json", "...json", "a/.../b.json", "q?x.json", "h#1.json"),
]


@pytest.mark.parametrize("protocol", ["s3", "gs"])
def test_names_of_every_kind_are_read(protocol, request, monkeypatch):
    """Whatever a name is made of, both readers find the object that was put under it."""
    request.getfixturevalue({"s3": "s3", "gs": "gcs"}[protocol])
    prefix = f"{protocol}://bucket/out/"
    names = [*NAMES, *(["a//b.json", "./c.json", "t\tab.json"] if protocol == "s3" else [])]
    fs = fsspec.filesystem(protocol)
    for name in names:
        fs.pipe_file(f"bucket/out/{name}", name.encode())
    for reader in READERS:
        assert read(reader, monkeypatch, prefix, names) == {name: name.encode() for name in names}
        wanted = sorted(f"{prefix}{name}" for name in names)
        assert Store(prefix).find() == wanted


@pytest.mark.parametrize("protocol", ["s3", "gs"])
def test_objects_of_every_length_are_read_whole(protocol, request, monkeypatch):
    """Nothing at all, just short of what one call brings, just that, and longer; in any order."""
    request.getfixturevalue({"s3": "s3", "gs": "gcs"}[protocol])
    lengths = [3, 0, 2**16 - 1, 2**16, 2**16 + 1, 10, 300_000, 0, 5]
    contents = {f"{nth}.json": bytes([65 + nth]) * length for nth, length in enumerate(lengths)}
    fs = fsspec.filesystem(protocol)
    for name, content in contents.items():
        fs.pipe_file(f"bucket/out/{name}", content)
    for reader in READERS:
        assert read(reader, monkeypatch, f"{protocol}://bucket/out/", list(contents)) == contents


@pytest.mark.parametrize("protocol", ["s3", "gs"])
def test_what_is_missing_is_missing_for_both(protocol, request, monkeypatch):
    """An object that is not there, or a bucket, is the same error with the same words."""
    request.getfixturevalue({"s3": "s3", "gs": "gcs"}[protocol])
    for bucket in ("bucket", "no-such-bucket"):
        fast, slow = (
            told_alike(read(each, monkeypatch, f"{protocol}://{bucket}/", ["a"])) for each in READERS
        )
        assert fast == slow
        assert fast["a"][0] is nimble_pandas.OutputMissing


def test_what_is_refused_is_refused_in_the_same_words(s3_auth, monkeypatch):
    """Keys that may not, are unknown or are wrong: the errors are s3fs's, without the secret."""
    good, denied = s3_auth
    wrong = {**good, "secret": "WRONG-SECRET-1234567890"}
    unknown = {"key": "AKIAUNKNOWN000000000", "secret": "UNKNOWN-SECRET-12345"}
    fsspec.filesystem("s3", **good).pipe_file("bucket/a", b"{}")
    assert read("curl", monkeypatch, "s3://bucket/", ["a"], good) == {"a": b"{}"}
    for options in (denied, wrong, unknown):
        fast, slow = (told_alike(read(each, monkeypatch, "s3://bucket/", ["a"], options)) for each in READERS)
        assert fast == slow
        assert fast["a"][0] is nimble_pandas.StorageError
        assert "PermissionError" in fast["a"][1]
        assert options["secret"] not in fast["a"][1]


def profiles(home):
    """Write credentials and settings as the AWS command line does."""
    folder = home / ".aws"
    folder.mkdir()
    script = folder / "process.py"
    keys = {"Version": 1, "AccessKeyId": "PROCESS", "SecretAccessKey": "s", "SessionToken": "PTOKEN"}
    script.write_text(f"print({json.dumps(keys | {'Expiration': '2099-01-01T00:00:00Z'})!r})")
    (folder / "credentials").write_text(
        "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = s\n"
        "[other]\naws_access_key_id = OTHER\naws_secret_access_key = s\naws_session_token = OTOKEN\n"
    )
    (folder / "config").write_text(
        "[profile other]\nregion = eu-north-1\n"
        f"[profile process]\nregion = ap-south-1\ncredential_process = {sys.executable} {script}\n"
    )


REGION = {"region_name": "eu-west-3"}
ALIKE = {
    "environment": {},
    "keys": {"key": "K", "secret": "S", "token": "T"},
    "names of old": {"username": "K", "password": "S"},
    "client_kwargs": {"client_kwargs": {"aws_access_key_id": "K", "aws_secret_access_key": "S", **REGION}},
    "region": {"key": "K", "secret": "S", "client_kwargs": REGION},
    "profile": {"profile": "other"},
    "process": {"profile": "process"},
    "anonymous": {"anon": True},
    "payer": {"key": "K", "secret": "S", "requester_pays": True},
    "path style": {"key": "K", "secret": "S", "config_kwargs": {"s3": {"addressing_style": "path"}}},
    "timeouts": {
        "config_kwargs": {"connect_timeout": 3, "read_timeout": 7.5, "retries": {"max_attempts": 1}}
    },
    "plain": {"use_ssl": False, "default_block_size": 5, "max_concurrency": 3, "default_cache_type": "none"},
}


@pytest.mark.parametrize("options", ALIKE.values(), ids=ALIKE)
def test_s3_is_asked_alike(options, told, home, monkeypatch):
    """Options, profile and environment make the same caller for the same region at the same address."""
    profiles(home)
    # obstore's own variables, and those of botocore's that the options overrule, change nothing
    for name, value in {
        "AWS_SKIP_SIGNATURE": "true" if not options.get("anon") else "false",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
        "AWS_REQUEST_PAYER": "requester" if not options.get("requester_pays") else "false",
        "AWS_PROXY_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    options = {"endpoint_url": told.url, **options}
    for reader in READERS:
        assert read(reader, monkeypatch, "s3://buck.et/x y/", ["a.json"], options) == {"a.json": b"{}"}
    fast, slow = told.object_requests()
    assert fast.by_curl
    assert not slow.by_curl
    assert fast.path == slow.path == "/buck.et/x%20y/a.json"
    assert fast.identity == slow.identity


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_the_address_may_come_from_the_environment(variable, told, monkeypatch):
    """As botocore takes it."""
    monkeypatch.setenv(variable, told.url)
    for reader in READERS:
        assert read(reader, monkeypatch, "s3://b/", ["a"]) == {"a": b"{}"}
    assert [each.by_curl for each in told.object_requests()] == [True, False]


def test_gcs_is_asked_alike(told, monkeypatch):
    """A token goes along, and is asked for where the caller says; without one nothing does."""
    for token, header in ((Credentials("TOK"), "Bearer TOK"), ("anon", None)):
        told.asked.clear()
        # obstore's own variables change nothing
        monkeypatch.setenv("GOOGLE_BEARER_TOKEN", "ELSE")
        monkeypatch.setenv("GOOGLE_BASE_URL", "http://127.0.0.1:9")
        options = {"token": token, "endpoint_url": told.url, "project": "p"}
        for reader in READERS:
            assert read(reader, monkeypatch, "gs://b/", ["a.json"], options) == {"a.json": b"{}"}
        assert [each.headers.get("authorization") for each in told.asked] == [header] * len(told.asked)
        assert [each.by_curl for each in told.object_requests()] == [True, False]


def test_a_proxy_is_used_as_botocore_uses_it(told, monkeypatch):
    """The one of the environment, unless the host is among those that go without."""
    monkeypatch.setenv("HTTP_PROXY", told.url)
    monkeypatch.setenv("http_proxy", told.url)
    options = {"endpoint_url": "http://store.test:1234"}
    for reader in READERS:
        assert read(reader, monkeypatch, "s3://b/", ["a"], options) == {"a": b"{}"}
        assert told.object_requests()[-1].path == "http://store.test:1234/b/a"
    named = {**options, "config_kwargs": {"s3": {"addressing_style": "virtual"}}}
    for reader in READERS:
        assert read(reader, monkeypatch, "s3://buck/", ["a"], named) == {"a": b"{}"}
        assert told.object_requests()[-1].path == "http://buck.store.test:1234/a"
    for reader in READERS:
        assert read(reader, monkeypatch, "s3://b/", ["a"], {"endpoint_url": told.url}) == {"a": b"{}"}
        assert told.object_requests()[-1].path == "/b/a"


NOT_UNDERSTOOD = {
    "customer": (
        "s3",
        {"s3_additional_kwargs": {"SSECustomerKey": "SECRET-1" * 4, "SSECustomerAlgorithm": "AES256"}},
    ),
    "signs": ("s3", {"config_kwargs": {"signature_version": "s3"}, "key": "K", "secret": "SECRET-1"}),
    "session_kwargs": ("gs", {"token": Credentials("SECRET-1"), "session_kwargs": {"trust_env": True}}),
    "requester_pays": ("gs", {"token": Credentials("SECRET-1"), "requester_pays": "SECRET-1"}),
    "more than a token": ("gs", {"token": Credentials("SECRET-1", quota_project_id="SECRET-1")}),
}


@pytest.mark.parametrize("word", NOT_UNDERSTOOD)
def test_what_libcurl_is_not_told_goes_through_fsspec(word, told, monkeypatch, caplog):
    """The log says which option it is, and no value; whoever insists gets an error."""
    protocol, options = NOT_UNDERSTOOD[word]
    options = {"endpoint_url": told.url, **options}
    with caplog.at_level(logging.INFO, "nimble_pandas.storage"):
        store = Store(f"{protocol}://b/", options)
        assert dict(store.read([f"{protocol}://b/a"])) == {f"{protocol}://b/a": b"{}"}
    (line,) = [each.getMessage() for each in caplog.records if each.name == "nimble_pandas.storage"]
    assert word in line
    assert "SECRET" not in line
    assert not any(each.by_curl for each in told.asked)
    monkeypatch.setenv("NIMBLE_PANDAS_READER", "curl")
    with pytest.raises(nimble_pandas.ConfigError, match=word) as raised:
        list(Store(f"{protocol}://b/", options).read([f"{protocol}://b/a"]))
    assert "SECRET" not in str(raised.value)


def test_a_reader_that_is_none_is_refused_at_once(monkeypatch):
    """A slip in the variable is found before anything is sent."""
    monkeypatch.setenv("NIMBLE_PANDAS_READER", "fast")
    with pytest.raises(nimble_pandas.ConfigError, match="auto, fsspec or curl"):
        Store("file:///tmp/")


def test_a_redirect_to_another_region_is_followed_by_fsspec(told, monkeypatch, caplog):
    """The bucket lies elsewhere than the caller thinks: the log says that it is read slowly from now on."""

    def answer(asked):
        if "/eu-west-1/" in asked.authorization:
            return Answer()
        return Answer(status=301, body=b"", headers=(("x-amz-bucket-region", "eu-west-1"),))

    told.answer = answer
    options = {"endpoint_url": told.url}
    with caplog.at_level(logging.INFO, "nimble_pandas.storage"):
        assert read("curl", monkeypatch, "s3://b/", ["a", "b"], options) == {"a": b"{}", "b": b"{}"}
    assert [each.name for each in caplog.records].count("nimble_pandas.storage") == 1


@pytest.mark.parametrize("reader", READERS)
def test_a_store_that_wants_fewer_requests_is_asked_again(reader, told, monkeypatch):
    """Answers that say so are no errors until patience ends."""
    refused = Answer(status=503, body=b"<Error><Code>SlowDown</Code><Message>less</Message></Error>")
    told.answer = lambda _: refused if len(told.asked) <= 2 else Answer()
    assert read(reader, monkeypatch, "s3://b/", ["a"], {"endpoint_url": told.url}) == {"a": b"{}"}


def test_a_page_in_place_of_a_store_is_no_missing_output(told, monkeypatch):
    """A 404 that is not the store's own is what s3fs makes of it."""
    told.answer = Answer(status=404, body=b"<html>nothing here</html>")
    options = {"endpoint_url": told.url, "config_kwargs": {"retries": {"max_attempts": 0}}}
    fast, slow = (told_alike(read(each, monkeypatch, "s3://b/", ["a"], options)) for each in READERS)
    assert fast == slow


@pytest.mark.parametrize("protocol", ["s3", "gs"])
@pytest.mark.parametrize("reader", READERS)
def test_what_is_longer_than_any_page_is_not_taken_into_memory(reader, protocol, told, monkeypatch):
    """The length is known before the body comes."""
    told.answer = Answer(n_bytes=2**30)
    options = {"endpoint_url": told.url, **({"token": "anon"} if protocol == "gs" else {})}
    found = read(reader, monkeypatch, f"{protocol}://b/", ["a"], options)["a"]
    assert isinstance(found, nimble_pandas.OutputUnreadable)
    assert "longer than 268,435,456" in str(found)


def test_a_certificate_is_checked_as_the_caller_says(tmp_path, monkeypatch):
    """One that nobody vouches for is an error for both; none where the caller vouches, or looks away."""
    for name in ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    certificate = self_signed(tmp_path)
    keys = {"key": "K", "secret": "S", "config_kwargs": {"retries": {"max_attempts": 0}}}
    with object_server(certificate) as told:
        told.answer = lambda asked: Answer(body=json.dumps(asked.by_curl).encode())
        prefix, options = "s3://b/", {**keys, "endpoint_url": told.url}
        for reader in READERS:
            (unknown,) = read(reader, monkeypatch, prefix, ["a"], options).values()
            assert isinstance(unknown, nimble_pandas.StorageError)
            assert "SSL" in str(unknown)
        for verify in (False, str(certificate)):
            given = {**options, "client_kwargs": {"verify": verify}}
            assert read("curl", monkeypatch, prefix, ["a"], given) == {"a": b"true"}
            assert read("fsspec", monkeypatch, prefix, ["a"], given) == {"a": b"false"}
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        given = {**options, "skip_instance_cache": True}
        assert read("curl", monkeypatch, prefix, ["a"], given) == {"a": b"true"}
        # obstore would trust the system's authorities beside that one
        assert Store(prefix, given)._reading().bucket.lists is None


def test_names_are_signed_as_they_are(s3_auth, monkeypatch):
    """A store that looks at signatures finds them good, whatever a name is made of."""
    good, _ = s3_auth
    names = [*NAMES, "a//b.json", "./c.json"]
    fs = fsspec.filesystem("s3", **good)
    for name in names:
        fs.pipe_file(f"bucket/signed/{name}", name.encode())
    found = read("curl", monkeypatch, "s3://bucket/signed/", names, good)
    assert found == {name: name.encode() for name in names}


def test_nothing_secret_is_in_what_is_shown(told, monkeypatch):
    """Not the proxy's password, nor a signature, nor a token."""
    proxy = told.url.replace("http://", "http://user:PROXY-SECRET@")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    options = {"key": "K", "secret": "S", "token": "TOKEN-SECRET", "endpoint_url": "http://store.test:1234"}
    store = Store("s3://b/", options)
    assert dict(store.read(["s3://b/a"])) == {"s3://b/a": b"{}"}
    assert told.object_requests()[-1].by_curl
    bucket = store._reading().bucket
    signed = bucket.sign(["a"])
    assert "TOKEN-SECRET" in signed.addresses[0]
    for shown in (bucket, signed, store, store._reader):
        assert "SECRET" not in repr(shown)
        assert "Signature" not in repr(shown)


def test_connections_stay_open_from_one_reading_to_the_next(told):
    """Whoever reads batch after batch shakes hands once."""
    store = Store("s3://b/", {"endpoint_url": told.url})
    for _ in range(5):
        assert len(list(store.read([f"s3://b/{i}" for i in range(300)]))) == 300
    assert all(each.by_curl for each in told.object_requests())
    assert told.n_connections <= 256


def test_what_is_far_away_is_asked_by_more_at_once(told):
    """As many as fit into the wait, and never more than 256."""
    now, most = [0], [0]
    lock = threading.Lock()

    def answer(_):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.2)
        with lock:
            now[0] -= 1
        return Answer()

    told.answer = answer
    store = Store("s3://b/", {"endpoint_url": told.url})
    assert len(list(store.read([f"s3://b/{i}" for i in range(900)]))) == 900
    assert 200 < most[0] <= 256


def test_a_store_in_trouble_for_a_moment_is_read_fast_again(told, caplog):
    """What passes says nothing of libcurl: fsspec is asked about that object, and about no other."""
    told.answer = lambda _: Answer(status=503) if len(told.asked) == 1 else Answer()
    store = Store("s3://b/", {"endpoint_url": told.url})
    with caplog.at_level(logging.INFO, "nimble_pandas.storage"):
        for _ in range(2):
            assert dict(store.read(["s3://b/a"])) == {"s3://b/a": b"{}"}
    assert [each.by_curl for each in told.object_requests()] == [True, False, True]
    assert not [each for each in caplog.records if each.name == "nimble_pandas.storage"]


@pytest.mark.parametrize("reader", READERS)
def test_a_body_that_breaks_off_is_no_output(reader, told, monkeypatch):
    """Half of an output is never taken for one."""
    told.answer = Answer(body=b"{}", n_bytes=1000)
    options = {"endpoint_url": told.url, "config_kwargs": {"retries": {"max_attempts": 0}}}
    (found,) = read(reader, monkeypatch, "s3://b/", ["a"], options).values()
    assert isinstance(found, nimble_pandas.StorageError)


def test_long_ones_are_not_all_in_memory_at_once(told):
    """Whoever takes them slowly has what others have fetched held back, in the order of the list."""
    told.answer = lambda asked: Answer(body=asked.path[-1:].encode() * 8_000_000)
    script = f"""
    import resource, time
    from nimble_pandas.storage import Store
    store = Store("s3://b/", {{"endpoint_url": {told.url!r}}})
    list(store.read(["s3://b/0"]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for url, content in store.read([f"s3://b/{{i}}" for i in range(60)]):
        assert content == url[-1:].encode() * 8_000_000, url
        time.sleep(0.02)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    with in_child(script) as process:
        out, errors = process.communicate(timeout=60)
    # of 480 MB
    assert int(out) < 120_000, errors
    assert all(each.by_curl for each in told.object_requests())


def test_whoever_stops_looking_leaves_nothing_to_the_next(told):
    """Answers that were on their way are nobody's: the next reading gets its own."""
    told.answer = lambda asked: Answer(body=asked.path.encode())
    store = Store("s3://b/", {"endpoint_url": told.url})
    urls = [f"s3://b/{i}" for i in range(500)]
    reading = store.read(urls)
    next(reading)
    reading.close()
    assert dict(store.read(urls[::-1])) == {url: f"/b/{url[7:]}".encode() for url in urls}


def test_credentials_that_cannot_be_had_any_more_are_an_error_of_fsspecs(told, monkeypatch, caplog):
    """It is the same error as if there were no libcurl, for each object."""
    store = Store("s3://b/", {"endpoint_url": told.url})
    # the way is chosen while there are some
    assert isinstance(store._reading(), ObjectReader)

    class Expired:
        async def get_frozen_credentials(self):
            raise RuntimeError("the login has expired")

    monkeypatch.setattr(store.fs.s3._request_signer, "_credentials", Expired())
    urls = [f"s3://b/{i}" for i in range(100)]
    with caplog.at_level(logging.INFO, "nimble_pandas.storage"):
        found = dict(store.read(urls))
    assert list(found) == urls
    assert all("the login has expired" in str(each) for each in found.values())
    (line,) = [each.getMessage() for each in caplog.records if each.name == "nimble_pandas.storage"]
    assert "signing failed" in line
    assert "expired" not in line


HANGING = """
    import socket, sys
    from nimble_pandas.storage import Store
    server = socket.create_server(("127.0.0.1", 0))
    options = {"endpoint_url": f"http://127.0.0.1:{server.getsockname()[1]}", "key": "k", "secret": "s"}
    store = Store("s3://b/", options | {"client_kwargs": {"region_name": "us-east-1"}})
    reading = store.read([f"s3://b/{i}" for i in range(100)])
    server.settimeout(60)
"""


@pytest.mark.parametrize("reader", READERS)
def test_an_interrupt_does_not_wait_for_a_store_that_says_nothing(reader):
    """Ctrl-C comes through while all threads hang, and so does the interpreter's end."""
    script = (
        HANGING
        + """
    import threading
    threading.Thread(target=lambda: (server.accept(), print("asked", flush=True)), daemon=True).start()
    next(reading)
    """
    )
    with in_child(script, NIMBLE_PANDAS_READER=reader) as process:
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert errors.strip().endswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT


def test_a_forked_process_reads_through_fsspec(told):
    """What is open is its parent's; the child does without, and the parent goes on."""
    script = f"""
    import logging, os
    from nimble_pandas.storage import Store
    logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
    def read():
        store = Store("s3://b/", {{"endpoint_url": {told.url!r}}})
        return [content for _, content in store.read(["s3://b/a", "s3://b/b"])]
    print(read(), flush=True)
    child = os.fork()
    print(read(), flush=True)
    if child:
        os.waitpid(child, 0)
        print(read(), flush=True)
    """
    with in_child(script) as process:
        out, errors = process.communicate(timeout=60)
    assert out.splitlines() == ["[b'{}', b'{}']"] * 4, errors
    assert errors.count("this process was forked") == 1
    assert [each.by_curl for each in told.object_requests()].count(True) == 6


class TestWindow:
    """Threads that fetch ahead of whoever takes."""

    @pytest.mark.parametrize("n_together", [1, 16])
    def test_everything_comes_in_order(self, n_together):
        """Whichever thread is first, and with an error in the middle."""

        def fetch(item, _):
            if item == "7":
                raise ValueError(item)
            time.sleep(0.002 if item.endswith("3") else 0)
            return item.encode()

        items = [str(i) for i in range(500)]
        found = list(Window(fetch, items, n_threads=16, n_together=n_together))
        assert [str(each) if isinstance(each, ValueError) else each.decode() for each in found] == items
        assert list(Window(fetch, [], n_threads=16, n_together=n_together)) == []

    @pytest.mark.parametrize("n_threads", [1, 2, 3, 16])
    def test_it_never_waits_for_what_was_not_asked_for(self, n_threads):
        """Also when the first comes last, after all that was asked for with it."""
        fetched = []

        def fetch(item, _):
            while item == "0" and n_threads > 1 and len(fetched) < 4 * n_threads - 1:
                time.sleep(0.02)
            fetched.append(item)
            return item.encode()

        items = [str(i) for i in range(100)]
        found = []
        window = Window(fetch, items, n_threads=n_threads)
        reading = threading.Thread(target=lambda: found.extend(window), daemon=True)
        reading.start()
        reading.join(20)
        assert [each.decode() for each in found] == items

    @pytest.mark.parametrize("n_together", [1, 16])
    def test_long_ones_are_not_all_held_at_once(self, n_together):
        """What was fetched and not taken stays within bounds, and nobody waits for ever."""
        held = []
        most = []

        def fetch(item, admit):
            admit(10 * 2**20)
            held.append(item)
            return b""

        for _ in Window(fetch, [str(i) for i in range(50)], n_threads=16, n_together=n_together):
            most.append(len(held))
            held.pop()
        # as many as fit into the room, and the one whose turn it was
        assert max(most) <= 5
        huge = Window(lambda _, admit: admit(2**40) or b"", ["a", "b"], n_threads=2, n_together=n_together)
        assert list(huge) == [b"", b""]

    def test_it_ends_with_its_reader(self):
        """Whoever stops looking leaves no thread behind."""
        window = Window(lambda *_: b"", ["x"] * 100, n_threads=16)
        reading = iter(window)
        next(reading)
        reading.close()
        window.join(time.monotonic() + 10)
        assert not any(thread.is_alive() for thread in window._threads)


@pytest.mark.parametrize("n_most", [1, 10, 5000])
def test_addresses_come_in_order_however_many_are_signed_and_taken_together(n_most):
    """Those that cannot be signed keep their places among the others, and each goes with its own headers."""
    urls = [f"s3://bucket/{'a//b' if n % 7 == 0 else 'a/b'}{n}.json" for n in range(3000)]
    asked = []

    def sign(names):
        asked.append(len(names))
        return Signed([f"signed {name}" for name in names], [f"round {len(asked)}"])

    addresses = Addresses(sign, "s3://bucket/", urls)
    found, rounds = [], set()
    while taken := addresses.take(n_most):
        assert len(taken) <= n_most
        found += taken
        rounds.add(addresses.headers[0])
    assert found == [None if n % 7 == 0 else f"signed a/b{n}.json" for n in range(3000)]
    assert sum(asked) == sum(1 for address in found if address)
    assert rounds == {f"round {n}" for n in range(1, len(asked) + 1)}
