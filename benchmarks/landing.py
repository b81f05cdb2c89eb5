"""From the end of the last task to the frame in hand: a batch whose outputs lie in a bucket 30 ms away.

What one would write waits until the batch is completed, and then reads all of it with `s3fs.cat`. The service
writes through the same 30 ms, a few outputs at once, so that they land one after the other.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import compare
import static_s3

if TYPE_CHECKING:
    from nimble_pandas import Client
    from nimble_pandas.local import Service

_N_ROWS = 1000
_N_AT_ONCE = 8
_KEYS = {"key": "benchmark", "secret": "benchmark"}


def rows(scale: float, n_rounds: int) -> Iterator[compare.Row]:
    """Measure both sides in turn."""
    work, against = "last task done to frame, s (30 ms)", "wait for all, then s3fs.cat + json_normalize"
    wanted = 10
    if reason := static_s3.missing():
        yield compare.Row(work=work, against=against, wanted=wanted, note=reason)
        return
    n_rows = max(int(_N_ROWS * scale), 20)
    took: dict[str, list[float]] = {"ours": [], "theirs": []}
    with static_s3.running(0, 0) as server:
        for _ in range(n_rounds):
            for side, each in took.items():
                each.append(_landing(side, server.slow_url, n_rows))
    # a view of a hundredth of a second is as good as none
    yield compare.Row(
        work=work,
        against=against,
        unit=" ms",
        ours=1000 * statistics.median(took["ours"]),
        theirs=1000 * statistics.median(took["theirs"]),
        ratios=[theirs / ours for ours, theirs in zip(took["ours"], took["theirs"], strict=True)],
        wanted=wanted,
        note=f"{n_rows:,} rows; from the service's own time of the last task",
    )


def _landing(side: str, url: str, n_rows: int) -> float:
    """Run one side in a process of its own; return the seconds between the last task and its frame."""
    from nimble_pandas.local import serve

    options = {**_KEYS, "endpoint_url": url}
    with (
        tempfile.TemporaryDirectory() as home,
        serve(shop=False, pages="instant", max_tasks=_N_AT_ONCE, storage_options=options) as service,
    ):
        done = subprocess.run(
            [sys.executable, __file__, "--side", side],
            input=json.dumps(
                {
                    "account": [service.base_url, service.username, service.password],
                    "storage_options": options,
                    "n_rows": n_rows,
                    "home": home,
                }
            ),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        in_hand = json.loads(done.stdout.splitlines()[-1])["in_hand_at"]
        return float(in_hand - _last_task_at(service))


def _last_task_at(service: Service) -> float:
    """Return when the service was done with the last task."""
    import requests

    account, api = (service.username, service.password), f"{service.base_url}/api/v1"
    batch = requests.get(f"{api}/batches/list", auth=account, timeout=10).json()["data"][0]
    tasks = requests.get(f"{api}/batches/{batch['id']}", auth=account, timeout=10).json()["tasks"]
    return max(datetime.fromisoformat(task["modified_at"]).timestamp() for task in tasks)


def ours(client: Client, storage_options: dict[str, str], n_rows: int, home: str) -> int:
    """Make the call."""
    import pandas as pd

    import nimble_pandas

    pages = pd.DataFrame({"url": [f"https://www.walmart.com/ip/{n}" for n in range(n_rows)]})
    frame = pages.nimble.batch(
        url_col="url",
        vendor="walmart",
        parse=True,
        storage_url="s3://bucket/landing/",
        storage_options=storage_options,
        client=client,
        ledger=nimble_pandas.Ledger(home),
        progress="none",
    )
    return int((frame["status"] == "ok").sum())


def theirs(client: Client, storage_options: dict[str, str], n_rows: int, home: str) -> int:
    """Submit, poll five times a second, and read everything when all has ended."""
    import pandas as pd
    import s3fs

    del home
    requests = [{"url": f"https://www.walmart.com/ip/{n}"} for n in range(n_rows)]
    body = {
        "requests": requests,
        "vendor": "walmart",
        "parse": True,
        "storage_type": "s3",
        "storage_url": "s3://bucket/landing/",
    }
    batch = client.submit(json.dumps(body).encode())
    while not client.progress(batch.id).completed:
        time.sleep(0.2)
    urls = [task.output_url for task in client.summary(batch.id).tasks]
    store = s3fs.S3FileSystem(use_listings_cache=False, **storage_options)
    outputs = store.cat(urls)
    products = [json.loads(raw)["parsing"]["entities"]["Product"][0] for raw in outputs.values()]
    return len(pd.json_normalize(products))


def _side() -> None:
    import nimble_pandas

    told = json.load(sys.stdin)
    base_url, username, password = told["account"]
    client = nimble_pandas.Client(base_url=base_url, username=username, password=password)
    side = {"ours": ours, "theirs": theirs}[sys.argv[2]]
    n = side(client, told["storage_options"], told["n_rows"], told["home"])
    in_hand_at = time.time()
    if n != told["n_rows"]:
        raise SystemExit(f"{n} of {told['n_rows']} rows are ok")
    print(json.dumps({"in_hand_at": in_hand_at}))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        _side()
