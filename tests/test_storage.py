"""Outputs in every store behave alike."""

import gzip
import json
import pathlib
import pickle
import traceback
import zlib

import fsspec
import pandas as pd
import pytest
from fsspec import AbstractFileSystem

import nimble_pandas
from nimble_pandas.storage import Store, normalise_url, unpack


@pytest.fixture(params=["s3 curl", "s3 fsspec", "gs curl", "gs fsspec", "file auto"])
def prefix(request, tmp_path, monkeypatch):
    """Give an empty prefix in each kind of store, for each reader that there is for it."""
    protocol, reader = request.param.split()
    monkeypatch.setenv("NIMBLE_PANDAS_READER", reader)
    if protocol == "file":
        return f"file://{tmp_path}/out put/"
    request.getfixturevalue({"s3": "s3", "gs": "gcs"}[protocol])
    return f"{protocol}://bucket/out put/"


def put(url, content):
    """Write an object."""
    with fsspec.open(url, "wb", auto_mkdir=url.startswith("file")) as stream:
        stream.write(content)


class TestEveryStore:
    """One behaviour, whatever the store."""

    def test_many_objects_are_read_in_order(self, prefix):
        """Each URL comes back with its own bytes, plain or gzipped, more of them than are fetched at once."""
        contents = {f"{prefix}{i:03d}.json": f"content {i}".encode() for i in range(120)}
        for i, (url, content) in enumerate(contents.items()):
            put(url, gzip.compress(content) if i % 3 == 0 else content)
        assert dict(Store(prefix).read(list(contents))) == contents
        assert list(dict(Store(prefix).read(list(contents)))) == list(contents)

    def test_one_bad_object_is_one_error(self, prefix):
        """A missing and a truncated object do not keep the others from being read."""
        put(f"{prefix}good.json", b"{}")
        put(f"{prefix}cut.json.gz", gzip.compress(b"x" * 1000)[:-20])
        put(f"{prefix}empty.json", b"")
        found = dict(
            Store(prefix).read(
                [f"{prefix}{n}" for n in ("gone.json", "good.json", "cut.json.gz", "empty.json")]
            )
        )
        gone, good, cut, empty = found.values()
        assert isinstance(gone, nimble_pandas.OutputMissing)
        assert good == b"{}"
        assert isinstance(cut, nimble_pandas.OutputUnreadable)
        assert empty == b""

    def test_each_is_unpacked_once_however_long_it_is(self, prefix):
        """Short and long ones alike: what is gzip inside gzip stays gzip, and what is damaged is told."""
        twice = gzip.compress(gzip.compress(b"inner"))
        contents = {"twice.json": twice, "long.json": gzip.compress(b"0" * 3_000_000), "cut.json": twice[:-3]}
        for name, content in contents.items():
            put(f"{prefix}{name}", content)
        found = [content for _, content in Store(prefix).read([f"{prefix}{name}" for name in contents])]
        assert found[:2] == [gzip.decompress(twice), b"0" * 3_000_000]
        assert isinstance(found[2], nimble_pandas.OutputUnreadable)

    def test_an_object_that_lands_later_is_seen(self, prefix):
        """No listing is cached between two looks."""
        store = Store(prefix)
        put(f"{prefix}first.json", b"{}")
        assert store.find() == [f"{prefix}first.json"]
        ((_, missing),) = store.read([f"{prefix}second.json"])
        assert isinstance(missing, nimble_pandas.OutputMissing)
        put(f"{prefix}second.json", b"{}")
        assert store.find() == [f"{prefix}first.json", f"{prefix}second.json"]
        ((_, found),) = store.read([f"{prefix}second.json"])
        assert found == b"{}"

    def test_only_what_was_asked_for_is_held(self, prefix):
        """Another bucket, prefix or protocol, and any way up, is outside."""
        store = Store(prefix)
        assert store.holds(f"{prefix}a/b.json")
        parent = prefix.rstrip("/").rpartition("/")[0]
        for url in (
            f"{parent}/other/b.json",
            f"{prefix}../b.json",
            f"{prefix.rstrip('/')}er/b.json",
            "file:///etc/passwd",
            "/etc/passwd",
            "https://bucket/out put/a.json",
            "s3://elsewhere/out put/a.json",
        ):
            assert not store.holds(url), url

    def test_outputs_can_be_read_on_their_own(self, prefix):
        """A prefix gives one row per output, named by its URL; other objects are left alone."""
        for name in ("b", "a"):
            payload = {"task_id": name, "status": "success", "parsing": {"product": [{"name": name, "n": 1}]}}
            put(f"{prefix}{name}.json.gz", gzip.compress(json.dumps(payload).encode()))
        put(f"{prefix}c.json", b"{")
        put(f"{prefix}notes.txt", b"hello")
        frame = nimble_pandas.read_outputs(prefix)
        assert frame["output_url"].tolist() == [f"{prefix}{n}" for n in ("a.json.gz", "b.json.gz", "c.json")]
        assert frame["status"].tolist() == ["ok", "ok", "unreadable"]
        assert frame["name"].tolist()[:2] == ["a", "b"]


def test_listed_outputs_keep_the_index_of_their_series(tmp_path):
    """A Series of locations gives rows under its labels; a missing location is a row too."""
    put(f"file://{tmp_path}/a.json", b"<html>page</html>")
    urls = pd.Series(
        [f"{tmp_path}/a.json", None, f"{tmp_path}/gone.json", f"{tmp_path}/a.json"], index=[3, 3, 1, 0]
    )
    frame = nimble_pandas.read_outputs(urls)
    pd.testing.assert_index_equal(frame.index, urls.index)
    assert frame["status"].tolist() == ["ok", "invalid", "not_delivered", "ok"]
    assert frame["html_content"].tolist()[0] == "<html>page</html>"


def test_storage_options_reach_fsspec_as_they_are(s3_auth):
    """The right keys open the bucket; the wrong ones make rows that say so, and break nothing."""
    good, denied = s3_auth
    store = Store("s3://bucket/x/", storage_options=good)
    with fsspec.open("s3://bucket/x/a.json", "wb", **good) as stream:
        stream.write(b"{}")
    assert dict(store.read(["s3://bucket/x/a.json"])) == {"s3://bucket/x/a.json": b"{}"}
    frame = nimble_pandas.read_outputs(["s3://bucket/x/a.json"], storage_options=denied)
    assert frame["status"].tolist() == ["unreadable"]
    assert "Permission" in frame["error"][0]
    assert denied["secret"] not in frame["error"][0]


def test_a_store_that_cannot_be_opened_says_so_before_anything_is_sent():
    """An unknown protocol, or options that the store does not take, are found when it is made."""
    with pytest.raises(nimble_pandas.ConfigError, match="Nothing was sent"):
        Store("nosuchstore://bucket/x/")
    with pytest.raises(nimble_pandas.ConfigError, match="storage_options="):
        Store("s3://bucket/x/", storage_options={"key": "a", "username": "b"})


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("s3://b/p", "s3://b/p"),
        ("S3A://b/p", "s3://b/p"),
        ("gcs://b/p/", "gs://b/p/"),
        ("/a/b c", "file:///a/b c"),
        ("local:///a", "file:///a"),
        ("/a/../b/./c", "file:///b/c"),
        ("file:///a/b/../c/", "file:///a/c/"),
        ("file://x", f"file://{pathlib.Path.cwd()}/x"),
        ("../x", f"file://{pathlib.Path.cwd().parent}/x"),
        (pathlib.Path("s/../q"), f"file://{pathlib.Path.cwd()}/q"),
        ("https://host/a/../b", "https://host/a/../b"),
    ],
)
def test_a_location_has_one_spelling(given, normal):
    """Service and stores are told the same location, whichever way it was written."""
    assert normalise_url(given) == normal


@pytest.mark.parametrize(
    "given",
    [
        *("", "  ", "s3://", "gs://", "file://", "s3:///x", "gcs:///x", 5, None, b"s3://b", ["s3://b"]),
        *(
            "s3:bucket",
            "s3:/bucket",
            "gs:bucket/x",
            "file:/x",
            "s3://bucket/a/../b",
            "gs://b/..",
            "s3://../x",
        ),
    ],
)
def test_what_is_no_location_is_refused_before_anything_is_sent(given):
    """A slip in a location is named, with what to type, and its outputs are nobody's."""
    with pytest.raises(nimble_pandas.ConfigError, match="Nothing was sent or read") as raised:
        normalise_url(given)
    assert 'Type "s3://bucket/prefix/"' in str(raised.value)
    if isinstance(given, str):
        assert not Store("file:///").holds(given)
    frame = pd.DataFrame({"url": ["https://www.walmart.com/ip/1"]})
    if given is not None:
        with pytest.raises(nimble_pandas.ConfigError):
            frame.nimble.plan(url_col="url", vendor="walmart", storage_url=given)


def test_outputs_are_found_under_a_folder_that_is_written_with_dots(tmp_path):
    """A way up in the caller's own location is no way out of it."""
    store = Store(normalise_url(f"{tmp_path}/sub/../out"))
    put(f"file://{tmp_path}/out/a.json", b"{}")
    assert store.find() == [f"file://{tmp_path}/out/a.json"]
    assert store.holds(f"file://{tmp_path}/out/a.json")


class Sealed(AbstractFileSystem):
    """A store that tells its options in every error."""

    protocol = "sealed"
    cachable = False

    def __init__(self, **options):
        super().__init__(**options)
        if "opened" not in options:
            raise ValueError(f"unknown: {options}")

    def find(self, path, **_):
        """Refuse."""
        raise PermissionError(f"{path}: {self.storage_options}")

    def cat_file(self, path, **_):
        """Refuse."""
        raise PermissionError(f"{path}: {self.storage_options['nested']['keys'][0]}")


OPTIONS = {"token": "STORE\nSECRET", "nested": {"keys": ["STORE\nSECRET-2", "abc"]}, "b": b"BYTES-3"}


def test_a_store_tells_no_options():
    """No text of the options is in an error, its traceback, a repr or a pickle."""
    fsspec.register_implementation("sealed", Sealed, clobber=True)
    store = Store("sealed://bucket/", {**OPTIONS, "opened": True})
    with pytest.raises(nimble_pandas.StorageError, match=r"PermissionError: .*\*\*\*") as listed:
        store.find()
    ((_, read),) = store.read(["sealed://bucket/a.json"])
    with pytest.raises(nimble_pandas.ConfigError, match=r"cannot be opened: .*\*\*\*") as opened:
        Store("sealed://bucket/", OPTIONS)
    shown = [
        *("".join(traceback.format_exception(each)) for each in (listed.value, read, opened.value)),
        *(str(each) for each in (read, repr(store), pickle.dumps(store), pickle.dumps(listed.value))),
    ]
    for text in shown:
        assert "SECRET" not in text
        assert "BYTES" not in text
    store = pickle.loads(pickle.dumps(Store("file:///a", {"auto_mkdir": True})))
    assert repr(store) == "Store('file:///a')"


def test_unpacking_goes_by_the_bytes_and_has_an_end():
    """Several members are joined; a bomb, a cut and a damaged file are errors."""
    assert unpack(b"plain") == b"plain"
    assert unpack(gzip.compress(b"a") + gzip.compress(b"b")) == b"ab"
    bomb = gzip.compress(b"\0" * 10_000_000)
    with pytest.raises(nimble_pandas.OutputUnreadable, match="more than 1,000,000 bytes"):
        unpack(bomb, max_bytes=1_000_000)
    with pytest.raises(nimble_pandas.OutputUnreadable, match="longer than 3 bytes"):
        unpack(b"plain", max_bytes=3)
    with pytest.raises(nimble_pandas.OutputUnreadable, match="truncated"):
        unpack(gzip.compress(b"x" * 1000)[:-1])
    damaged = bytearray(gzip.compress(b"x" * 1000))
    damaged[-6] ^= 0xFF
    with pytest.raises((nimble_pandas.OutputUnreadable, zlib.error)) as raised:
        unpack(bytes(damaged))
    assert isinstance(raised.value, nimble_pandas.OutputUnreadable)
