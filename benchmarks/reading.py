"""Outputs in a bucket to a frame, against what a user would write or install in its place."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import compare
import static_s3
from compare import Child, Row

_KEYS = {"key": "key", "secret": "secret"}
_IN_FLIGHT = 256

# what cannot be installed beside this package has an environment of its own
_PEERS = os.environ.get("PEERS_PYTHON", sys.executable)

Work = Callable[[], int]


def _s3fs(url: str, **options: Any) -> Any:  # noqa: ANN401 -- untyped
    import s3fs

    fs = s3fs.S3FileSystem(endpoint_url=url, client_kwargs={"region_name": "us-east-1"}, **_KEYS, **options)
    fs.connect()
    return fs


def _options(url: str) -> dict[str, Any]:
    return {"endpoint_url": url, "client_kwargs": {"region_name": "us-east-1"}, **_KEYS}


def nimble_frame(url: str, keys: list[str]) -> Work:
    """`nimble_pandas.read_outputs`."""
    import nimble_pandas

    urls = [f"s3://bucket/{key}" for key in keys]

    def work() -> int:
        frame = nimble_pandas.read_outputs(urls, storage_options=_options(url))
        if not (frame["status"] == "ok").all():
            raise SystemExit(str(frame["error"].dropna().unique()[:3]))
        return len(frame)

    nimble_pandas.read_outputs(urls[:50], storage_options=_options(url))
    return work


def nimble_fetch(url: str, keys: list[str]) -> Work:
    """Read them and make nothing of it."""
    from nimble_pandas.storage import Store

    urls = [f"s3://bucket/{key}" for key in keys]
    store = Store("s3://bucket/", _options(url))

    def work() -> int:
        return sum(isinstance(content, bytes) for _, content in store.read(urls))

    list(store.read(urls[:50]))
    return work


def loop(url: str, keys: list[str]) -> Work:
    """`s3fs.open` and `json_normalize` for each, and one `concat`."""
    import pandas as pd

    fs = _s3fs(url)

    def work(keys: list[str] = keys) -> int:
        frames = []
        for key in keys:
            with fs.open(f"bucket/{key}") as stream:
                frames.append(pd.json_normalize(json.load(stream)))
        return len(pd.concat(frames, ignore_index=True))

    work(keys[:5])
    return work


def cat(url: str, keys: list[str]) -> Work:
    """`s3fs.cat` as well tuned as it goes, and one `json_normalize`."""
    import pandas as pd

    fs = _s3fs(url, max_concurrency=1, config_kwargs={"max_pool_connections": 64})
    paths = [f"bucket/{key}" for key in keys]

    def work(paths: list[str] = paths) -> int:
        found = fs.cat(paths, batch_size=64)
        return len(pd.json_normalize([json.loads(found[path]) for path in paths]))

    work(paths[:5])
    return work


def http(url: str, keys: list[str]) -> Work:
    """aiohttp, 64 at once, nothing signed."""
    import aiohttp

    async def fetch(keys: list[str]) -> int:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
            left = iter(keys)

            async def one_after_the_other() -> int:
                n = 0
                for key in left:
                    async with session.get(f"{url}/bucket/{key}") as answer:
                        await answer.read()
                    n += 1
                return n

            return sum(await asyncio.gather(*(one_after_the_other() for _ in range(64))))

    asyncio.run(fetch(keys[:50]))
    return lambda: asyncio.run(fetch(keys))


def polars(url: str, keys: list[str]) -> Work:
    """`polars.scan_ndjson`."""
    import polars as pl

    options = {
        "aws_endpoint_url": url,
        "aws_access_key_id": "key",
        "aws_secret_access_key": "secret",
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }

    def work(keys: list[str] = keys) -> int:
        paths = [f"s3://bucket/{key}" for key in keys]
        return pl.scan_ndjson(paths, storage_options=options).collect().height

    work(keys[:5])
    return work


def arrow(url: str, keys: list[str]) -> Work:
    """`pyarrow.dataset`."""
    import pyarrow.dataset as ds
    from pyarrow.fs import S3FileSystem

    fs = S3FileSystem(
        access_key="key",
        secret_key="secret",
        region="us-east-1",
        scheme="http",
        endpoint_override=url.removeprefix("http://"),
    )

    def work(keys: list[str] = keys) -> int:
        paths = [f"bucket/{key}" for key in keys]
        return ds.dataset(paths, filesystem=fs, format="json").to_table().num_rows

    work(keys[:5])
    return work


def dask(url: str, keys: list[str]) -> Work:
    """`dask.dataframe.read_json`."""
    import dask.dataframe as dd

    def work(keys: list[str] = keys) -> int:
        paths = [f"s3://bucket/{key}" for key in keys]
        return len(dd.read_json(paths, lines=True, storage_options=_options(url)).compute())

    work(keys[:5])
    return work


def duckdb(url: str, keys: list[str]) -> Work:
    """DuckDB's `read_json` over its httpfs."""
    import duckdb
    from duckdb_extensions import import_extension

    connection = duckdb.connect()
    import_extension("httpfs", con=connection)
    connection.execute("LOAD httpfs")
    connection.execute(
        f"SET s3_endpoint='{url.removeprefix('http://')}'; SET s3_use_ssl=false; SET s3_url_style='path'; "
        "SET s3_region='us-east-1'; SET s3_access_key_id='key'; SET s3_secret_access_key='secret'"
    )

    def work(keys: list[str] = keys) -> int:
        paths = [f"s3://bucket/{key}" for key in keys]
        return len(connection.execute("SELECT * FROM read_json(?)", [paths]).df())

    work(keys[:5])
    return work


def wrangler(url: str, keys: list[str]) -> Work:
    """`awswrangler.s3.read_json`."""
    import awswrangler as wr

    os.environ.update(AWS_ACCESS_KEY_ID="key", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="us-east-1")
    wr.config.s3_endpoint_url = url

    def work(keys: list[str] = keys) -> int:
        return len(wr.s3.read_json([f"s3://bucket/{key}" for key in keys], lines=True, use_threads=True))

    work(keys[:5])
    return work


def s5cmd(url: str, keys: list[str]) -> Work:
    """s5cmd, which copies them to a folder and makes nothing of them."""
    command = pathlib.Path(sys.executable).with_name("s5cmd")
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }

    def work(name: str = keys[0].partition("/")[0] + "/*") -> int:
        with tempfile.TemporaryDirectory() as folder:
            options = ["--endpoint-url", url, "--log", "error", "cp", f"s3://bucket/{name}", f"{folder}/"]
            subprocess.run([command, *options], env=environment, check=True)
            return sum(1 for _ in pathlib.Path(folder).iterdir())

    work(keys[0])
    return work


SIDES: dict[str, Callable[..., Work]] = {
    side.__name__: side
    for side in (nimble_frame, nimble_fetch, loop, cat, http, polars, arrow, dask, duckdb, wrangler, s5cmd)
}

# how many of the outputs each side reads, so that it takes seconds; rates are compared
_SHARES = {
    "loop": 0.02,
    "cat": 0.1,
    "arrow": 0.1,
    "dask": 0.02,
    "wrangler": 0.02,
    "duckdb": 0.1,
}

# what each peer needs, and where that is looked for
_PACKAGES = {
    "polars": ("polars", sys.executable),
    "arrow": ("pyarrow", sys.executable),
    "dask": ("dask.dataframe", sys.executable),
    "duckdb": ("duckdb_extensions", _PEERS),
    "wrangler": ("awswrangler", _PEERS),
    "s5cmd": ("s5cmd", _PEERS),
}


def rows(scale: float, n_rounds: int) -> Iterator[Row]:
    """Yield the lines of the table."""
    lacking = static_s3.missing()
    if lacking:
        yield Row(work="outputs in a bucket → frame", against="everything", note=lacking)
        return
    with static_s3.running(max(200, int(20_000 * scale)), max(20, int(500 * scale))) as server:
        yield from _small(server, n_rounds)
        yield from _clean(server, n_rounds)
        yield from _fetched(server, n_rounds)
        yield from _gzipped(server, n_rounds)
        yield from _pages(server, n_rounds)


def _child(name: str, url: str, keys: list[str]) -> Child:
    keys = keys[: max(50, int(len(keys) * _SHARES.get(name, 1)))]
    python = _PACKAGES[name][1] if name in _PACKAGES else sys.executable
    return Child(__file__, name, python=python, url=url, keys=keys)


def _small(server: static_s3.Server, n_rounds: int) -> Iterator[Row]:
    keys = server.keys("small")
    work = f"{len(keys):,} outputs of 3 KB with type conflicts → frame"
    found = _run(["nimble_frame", "loop", "cat"], server.url, keys, n_rounds)
    yield _faster(work, "s3fs.open + json_normalize, one concat", found, "loop", 25)
    yield _faster(work, "s3fs.cat, best tuning, one json_normalize", found, "cat", 10)
    ours = found["nimble_frame"]
    if isinstance(ours, str):
        return
    n_bytes = _n_bytes(server, keys)
    peaks = [each["peak_bytes"] / 2**20 for each in ours]
    yield Row(
        work=work,
        against="twice the bytes of the outputs",
        unit=" MiB at most",
        ours=statistics.median(peaks),
        theirs=2 * n_bytes / 2**20,
        ratios=[2 * n_bytes / 2**20 / peak for peak in peaks],
        wanted=1,
        note="VmHWM above the interpreter",
    )


def _clean(server: static_s3.Server, n_rounds: int) -> Iterator[Row]:
    keys = server.keys("clean")
    work = f"{len(keys):,} outputs of 3 KB without conflicts → frame"
    peers = [name for name in _PACKAGES if _is_there(name)]
    found = _run(["nimble_frame", *peers], server.url, keys, n_rounds)
    for name in _PACKAGES:
        against = (SIDES[name].__doc__ or "").strip(".").replace("`", "")
        if name in found:
            yield _faster(work, against, found, name, 4)
        else:
            yield Row(work=work, against=against, wanted=4, note=f"{_PACKAGES[name][0]} is not installed")


def _fetched(server: static_s3.Server, n_rounds: int) -> Iterator[Row]:
    keys = server.keys("small")
    found = _run(["nimble_fetch", "http"], server.url, keys, n_rounds)
    yield _faster(
        f"{len(keys):,} outputs of 3 KB, fetch only",
        "aiohttp, no signing",
        found,
        "http",
        1,
        ours="nimble_fetch",
    )
    found = _run(["nimble_fetch"], server.slow_url, keys, n_rounds)
    ours = found["nimble_fetch"]
    milliseconds = static_s3.DELAY_SECONDS * 1000
    limit = _IN_FLIGHT / static_s3.DELAY_SECONDS
    work, against = f"the same, {milliseconds:.0f} ms later each", f"{_IN_FLIGHT} at once, which is the limit"
    if isinstance(ours, str):
        yield Row(work=work, against=against, wanted=0.7, note=ours)
        return
    ratios = [compare.rates(int(each["n"]), each) / limit for each in ours]
    median = statistics.median(ratios) * limit
    yield Row(work=work, against=against, ours=median, theirs=limit, ratios=ratios, wanted=0.7)


def _gzipped(server: static_s3.Server, n_rounds: int) -> Iterator[Row]:
    plain, packed = server.keys("small"), server.keys("gzipped")
    sides = {
        "packed": _child("nimble_frame", server.url, packed),
        "plain": _child("nimble_frame", server.url, plain),
    }
    found = compare.in_turn(sides, n_rounds)
    yield _faster(
        f"{len(packed):,} outputs of 3 KB, gzipped → frame",
        "not gzipped",
        found,
        "plain",
        0.75,
        ours="packed",
    )


def _pages(server: static_s3.Server, n_rounds: int) -> Iterator[Row]:
    keys = server.keys("pages")
    work = f"{len(keys):,} outputs of 400 KB with html_content → frame"
    sides = {name: Child(__file__, name, url=server.url, keys=keys) for name in ("nimble_frame", "cat")}
    found = compare.in_turn(sides, n_rounds)
    yield _faster(work, "s3fs.cat, best tuning, one json_normalize", found, "cat", 2.5)
    ours, theirs = found["nimble_frame"], found["cat"]
    if isinstance(ours, str) or isinstance(theirs, str):
        return
    peaks = [(a["peak_bytes"] / 2**20, b["peak_bytes"] / 2**20) for a, b in zip(ours, theirs, strict=True)]
    yield Row(
        work=work,
        against="the memory of the same",
        unit=" MiB at most",
        ours=statistics.median(a for a, _ in peaks),
        theirs=statistics.median(b for _, b in peaks),
        ratios=[b / a for a, b in peaks],
        wanted=3,
        note="VmHWM above the interpreter",
    )


def _run(names: list[str], url: str, keys: list[str], n_rounds: int) -> dict[str, Any]:
    return compare.in_turn({name: _child(name, url, keys) for name in names}, n_rounds)


def _faster(
    work: str,
    against: str,
    found: dict[str, Any],
    name: str,
    wanted: float,
    *,
    ours: str = "nimble_frame",
) -> Row:
    mine, theirs = found[ours], found[name]
    for each in (mine, theirs):
        if isinstance(each, str):
            return Row(work=work, against=against, wanted=wanted, note=each)
    a, b = ([compare.rates(int(each["n"]), each) for each in side] for side in (mine, theirs))
    n = int(theirs[0]["n"])
    return Row(
        work=work,
        against=against,
        ours=statistics.median(a),
        theirs=statistics.median(b),
        ratios=[x / y for x, y in zip(a, b, strict=True)],
        wanted=wanted,
        note=f"theirs on {n:,} of them" if n < int(mine[0]["n"]) else "",
    )


def _is_there(name: str) -> bool:
    package, python = _PACKAGES[name]
    tried = subprocess.run([python, "-c", f"import {package}"], capture_output=True, check=False)
    return tried.returncode == 0


def _n_bytes(server: static_s3.Server, keys: list[str]) -> int:
    from nimble_pandas.storage import Store

    store = Store("s3://bucket/", _options(server.url))
    return sum(
        len(content)
        for _, content in store.read([f"s3://bucket/{key}" for key in keys])
        if isinstance(content, bytes)
    )


if __name__ == "__main__":
    if "--side" not in sys.argv:
        raise SystemExit("Run it with: python benchmarks/run.py reading")
    compare.side_main(SIDES)
