"""Many batches through one process: time, memory, and every call that the service saw.

    python benchmarks/load.py --rows 200000

The local service runs in a process of its own and makes its pages up at once, so that what is measured is
the client: 200,000 rows are 200 batches. Memory is what the kernel says of each process (VmHWM). With
`--pull` outputs are asked for one by one over HTTP in place of being read from a folder; `--parquet` writes
the rows to a file in flat memory in place of a frame, `--frames` hands them out in frames; with `--attach`
another process submits and ends, and what is measured takes the job up; `--rate-limit`
lets the service refuse what comes faster, and `--max-rate` the client not call faster in the first place.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    import nimble_pandas


def memory_mib() -> dict[str, int]:
    """Return what this process takes, and has taken at most."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {name: int(fields[name].split()[0]) // 1024 for name in ("VmRSS", "VmHWM")}


def cpu_seconds() -> float:
    """Return the CPU time of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return round(used.ru_utime + used.ru_stime, 1)


def serve(chosen: argparse.Namespace) -> None:
    """Run the service until the parent asks for its figures."""
    from nimble_pandas.local import serve

    limit = {"rate_limit": chosen.rate_limit, "burst": chosen.burst} if chosen.rate_limit else {}
    pages = {"pages": "instant", "page_seconds": chosen.page_seconds}
    with serve(shop=False, username="load", password="load", **pages, **limit) as service:
        print(service.base_url, flush=True)
        sys.stdin.readline()
        refused = sum(call.status_code == 429 for call in service.log)
        figures = {
            "calls": service.counts,
            "refused (of the last 10,000)": refused,
            "busiest second": service.busiest_second,
            "MiB": memory_mib(),
            "CPU s": cpu_seconds(),
        }
        print(json.dumps(figures), flush=True)
        service.check()


def client_of(chosen: argparse.Namespace, base_url: str) -> nimble_pandas.Client:
    """Return a client of the service."""
    import nimble_pandas

    rate = {"max_rate": chosen.max_rate} if chosen.max_rate else {}
    return nimble_pandas.Client(base_url=base_url, username="load", password="load", **rate)


def make_rows(n_rows: int) -> pd.DataFrame:
    """Return rows of different pages."""
    import pandas as pd

    return pd.DataFrame({"url": [f"https://www.walmart.com/ip/{n}" for n in range(n_rows)]})


def submit(
    chosen: argparse.Namespace, rows: pd.DataFrame, client: nimble_pandas.Client, folder: pathlib.Path
) -> nimble_pandas.Job:
    """Send the rows."""
    import nimble_pandas

    return nimble_pandas.submit(
        rows,
        url_col="url",
        vendor="walmart",
        parse=True,
        progress="none",
        client=client,
        storage_url=None if chosen.pull else str(folder / "outputs"),
    )


def submit_elsewhere(base_url: str, folder: pathlib.Path) -> str:
    """Send the rows in a process that ends when they are sent; return the job's name."""
    command = [sys.executable, __file__, *sys.argv[1:], "--submit", base_url, str(folder)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def load(chosen: argparse.Namespace, base_url: str, folder: pathlib.Path) -> dict[str, object]:
    """Send the rows, or take them up, wait, and return what it took."""
    import pyarrow.parquet as pq

    import nimble_pandas

    client = client_of(chosen, base_url)
    job_id = submit_elsewhere(base_url, folder) if chosen.attach else None
    rows = None if chosen.attach else make_rows(chosen.rows)
    before, cpu_before = memory_mib(), cpu_seconds()
    started = time.perf_counter()
    if job_id is None:
        job = submit(chosen, rows, client, folder)
    else:
        job = nimble_pandas.attach(job_id, client=client, progress="none")
    submitted = {"s": round(time.perf_counter() - started, 1), "MiB": memory_mib()}
    statuses: collections.Counter[str] = collections.Counter()
    if chosen.parquet:
        job.to_parquet(folder / "prices.parquet")
    elif chosen.frames:
        for frame in job.frames():
            statuses.update(frame["status"])
    else:
        statuses.update(job.wait().frame()["status"])
    seconds, after, cpu_after = time.perf_counter() - started, memory_mib(), cpu_seconds()
    if chosen.parquet:
        statuses.update(pq.read_table(folder / "prices.parquet", columns=["status"])["status"].to_pylist())
    return {
        "seconds": round(seconds, 3),
        "rows a second": round(chosen.rows / seconds),
        "CPU s": round(cpu_after - cpu_before, 1),
        "MiB before": before["VmRSS"],
        "submitted": submitted,
        "MiB at most": after["VmHWM"],
        "bytes a row": round((after["VmHWM"] - before["VmRSS"]) * 2**20 / chosen.rows),
        "statuses": statuses,
    }


def main() -> None:
    """Run both sides and print what each has to say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--pull", action="store_true")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--parquet", action="store_true")
    how.add_argument("--frames", action="store_true")
    parser.add_argument("--attach", action="store_true")
    parser.add_argument("--max-rate", type=float)
    parser.add_argument("--rate-limit", type=float)
    parser.add_argument("--burst", type=int, default=20)
    parser.add_argument("--page-seconds", type=float, default=0.0)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--submit", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.submit:
        base_url, folder = chosen.submit
        print(submit(chosen, make_rows(chosen.rows), client_of(chosen, base_url), pathlib.Path(folder)).id)
        return
    if chosen.serve:
        serve(chosen)
        return
    command = [sys.executable, __file__, "--serve", *sys.argv[1:]]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="nimble-load-"))
    os.environ["NIMBLE_PANDAS_HOME"] = str(folder / "ledger")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as service:
        try:
            client = load(chosen, service.stdout.readline().strip(), folder)
            service.stdin.write("\n")
            service.stdin.flush()
            print(json.dumps({"client": client, "service": json.loads(service.stdout.readline())}, indent=2))
        finally:
            service.stdin.close()
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
