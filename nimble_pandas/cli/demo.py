"""`demo`, `serve`, `policy` and `check`: what needs no rows."""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING

import nimble_pandas

if TYPE_CHECKING:
    import pandas as pd

_COUNTRIES = ("US", "DE", "JP")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands.

    Parameters
    ----------
    commands : argparse action
        Of the parser.
    """
    demo = commands.add_parser("demo", help="fetch and compare prices of a demo shop, with no account")
    demo.add_argument("--products", type=int, default=240, help="how many products (default: 240)")
    demo.add_argument("--out", type=pathlib.Path, default="prices.parquet", help="default: prices.parquet")
    demo.set_defaults(run=_demo)
    serve = commands.add_parser("serve", help="run the local service until Ctrl-C")
    serve.add_argument("--port", type=int, default=0, help="on 127.0.0.1 (default: any free one)")
    serve.set_defaults(run=_serve)
    policy = commands.add_parser("policy", help="print what a bucket must allow the service")
    policy.add_argument("storage_url", help="s3://bucket or gs://bucket")
    policy.set_defaults(run=_policy)
    check = commands.add_parser("check", help="try the key, the bucket and the ledger; send nothing")
    check.add_argument("storage_url", nargs="?", help="s3://bucket/prefix/, gs://bucket/prefix/ or a folder")
    check.set_defaults(run=_check)


def _demo(chosen: argparse.Namespace) -> None:
    import pandas as pd

    from nimble_pandas.local import serve, shop

    with serve() as service:
        urls = shop.product_urls(str(service.shop_url), chosen.products)
        pages = pd.DataFrame({"product": range(1, len(urls) + 1), "url": urls})
        print(f"A local service runs on {service.base_url}, with a demo shop; nothing leaves this machine.")
        print(f"{len(pages)} products in {len(_COUNTRIES)} countries: df.nimble.batch(url_col='url', ...)")
        frame = pages.nimble.batch(
            url_col="url",
            country=list(_COUNTRIES),
            locale="auto",
            vendor="walmart",
            parse=True,
            client=service.client(),
        )
    print(f"\nThe tidy frame, {frame.shape[0]} rows and {frame.shape[1]} columns; some of them:\n")
    shown = ["product", "country", "status", "name", "offers.price", "offers.priceCurrency", "price"]
    _show(frame[shown].head(6))
    print("\nWhat the same product costs, in each market's own currency:\n")
    _show(_compare(frame).head(8))
    frame.to_parquet(chosen.out)
    print(f"\nWrote {chosen.out.resolve()}")


def _compare(frame: pd.DataFrame) -> pd.DataFrame:
    priced = frame[frame["offers.price"].notna()]
    columns = ["country", "offers.priceCurrency"]
    table = priced.pivot_table(index="name", columns=columns, values="offers.price", aggfunc="first")
    # products that every market sells
    return table.dropna().rename_axis(columns=["country", "currency"])


def _show(frame: pd.DataFrame) -> None:
    import pandas as pd

    with pd.option_context("display.max_columns", None, "display.width", 120, "display.max_colwidth", 40):
        print(frame)


def _serve(chosen: argparse.Namespace) -> None:
    from nimble_pandas.local import serve

    with _until_told_to_end() as ended, serve(port=chosen.port) as service:
        print(f"The local service runs on {service.base_url}, its demo shop on {service.shop_url}.")
        print("Ctrl-C ends it. To use it, in another terminal:\n")
        for name, value in service.environ().items():
            print(f"export {name}={value}", flush=True)
        ended.wait()


@contextlib.contextmanager
def _until_told_to_end() -> Iterator[threading.Event]:
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _policy(chosen: argparse.Namespace) -> None:
    print(nimble_pandas.bucket_policy(chosen.storage_url))


def _check(chosen: argparse.Namespace) -> int:
    found = nimble_pandas.check(chosen.storage_url)
    print(found)
    return 0 if found.ok else 1
