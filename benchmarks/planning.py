"""Rows to request bodies, against the loop that people write; and what the import costs.

    python benchmarks/planning.py

Each measurement is a process of its own, the two sides in turn, so that whatever else the machine does meets
both alike. Memory is what the kernel says of the process (VmHWM), the mark set back once the frame is there.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

N_ROWS = 1_000_000
BATCH = 1_000
_SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)


def make_frame(n_rows: int) -> pd.DataFrame:
    """Return rows with a URL each, of four countries and three languages."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(0)
    numbers = random.permutation(n_rows)
    return pd.DataFrame(
        {
            "url": [f"https://www.walmart.com/ip/Product-Name-{i}/{i * 7919 % 10**9}" for i in numbers],
            "country": random.choice(["US", "FR", "DE", "GB"], n_rows),
            "locale": random.choice(["en-US", "fr", "de"], n_rows),
        }
    )


def by_records(frame: pd.DataFrame) -> int:
    """Write bodies as people do: no checks, no duplicates found, no keys."""
    records = frame.to_dict("records")
    bodies = (
        json.dumps({"requests": records[start : start + BATCH], "vendor": "walmart"}).encode()
        for start in range(0, len(records), BATCH)
    )
    return sum(map(len, bodies))


def by_plan(frame: pd.DataFrame) -> int:
    """Check, find duplicates, make keys, and write the bodies."""
    import nimble_pandas

    plan = nimble_pandas.plan(frame, **{f"{name}_col": name for name in frame.columns}, vendor="walmart")
    if len(plan.keys) != plan.n_requests:
        raise AssertionError("a request has no key")
    return sum(len(plan.body(batch)) for batch in plan.batches)


WAYS = {"records": by_records, "plan": by_plan}


def measure(way: str, path: str) -> dict[str, float]:
    """Measure one way, in this process."""
    import pandas as pd
    import pyarrow as pa

    # imports and first calls are no part of it
    WAYS[way](make_frame(2))
    frame = pd.read_feather(path)
    pa.default_memory_pool().release_unused()
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = _status_bytes("VmRSS")
    started = time.perf_counter()
    n_bytes = WAYS[way](frame)
    seconds = time.perf_counter() - started
    peak = _status_bytes("VmHWM")
    return {"seconds": seconds, "peak": peak, "above": peak - before, "bytes": n_bytes}


def _status_bytes(name: str) -> int:
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def in_child(*arguments: str) -> dict[str, float]:
    """Measure in a new process."""
    output = subprocess.run(
        [sys.executable, __file__, "--measure", *arguments], check=True, capture_output=True, text=True
    )
    return json.loads(output.stdout)


def import_seconds(module: str) -> float:
    """Return how long a new interpreter takes to import a module."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(run.stdout)


def _median(values: list[float], digits: int = 2) -> str:
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def compare(n_rows: int, n_rounds: int) -> None:
    """Print the two ways side by side."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/rows.feather"
        make_frame(n_rows).to_feather(path)
        found = {way: [] for way in WAYS}
        for _ in range(n_rounds):
            for way, measured in found.items():
                measured.append(in_child(way, path))
    print(f"\n{n_rows:,} rows to request bodies: median (smallest to largest) of {n_rounds}")
    for way, measured in found.items():
        rates = [n_rows / each["seconds"] for each in measured]
        above, peak = ([each[name] / 1e6 for each in measured] for name in ("above", "peak"))
        memory = f"{_median(above, 0)} MB above the frame, {_median(peak, 0)} MB in all"
        print(f"  {way:8} {_median(rates, 0)} rows/s, {memory}")
    pairs = list(zip(found["records"], found["plan"], strict=True))
    print(f"  plan is {_median([old['seconds'] / new['seconds'] for old, new in pairs])} times as fast,")
    print(
        f"  in {_median([new['above'] / old['above'] for old, new in pairs])} of the memory above the frame,"
    )
    print(f"  {_median([new['peak'] / old['peak'] for old, new in pairs])} of the whole process's")


def compare_imports(n_rounds: int) -> None:
    """Print what the import costs, next to that of pandas."""
    pairs = [(import_seconds("pandas"), import_seconds("nimble_pandas")) for _ in range(n_rounds)]
    theirs, ours = zip(*pairs, strict=True)
    print(f"\nimport: pandas {_median(list(theirs))} s, nimble_pandas {_median(list(ours))} s,")
    print(f"  {_median([new / old for old, new in pairs])} times as long")


def grow(largest: int) -> None:
    """Print how the time of a plan grows."""
    import nimble_pandas

    frame = make_frame(largest)
    print("\nrows, seconds of a plan, microseconds per row")
    for n_rows in (size for size in _SIZES if size <= largest):
        seconds = []
        for _ in range(max(3, min(20, 10_000 // n_rows))):
            started = time.perf_counter()
            nimble_pandas.plan(frame.head(n_rows), url_col="url", country_col="country", vendor="walmart")
            seconds.append(time.perf_counter() - started)
        middle = statistics.median(seconds)
        print(f"  {n_rows:>9,} {middle:9.4f} {middle / n_rows * 1e6:9.2f}")


def main() -> None:
    """Run all of it, or one measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=N_ROWS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    compare(arguments.rows, arguments.rounds)
    compare_imports(2 * arguments.rounds + 1)
    grow(arguments.rows)


if __name__ == "__main__":
    main()
