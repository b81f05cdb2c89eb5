"""Rows to request bodies, against the loop that people write; and what the import costs."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from compare import Child, Row, in_turn, side_main

if TYPE_CHECKING:
    import pandas as pd

    from nimble_pandas import Plan

_BATCH = 1_000
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
    for start in range(0, len(records), _BATCH):
        json.dumps({"requests": records[start : start + _BATCH], "vendor": "walmart"}).encode()
    return len(records)


def by_plan(frame: pd.DataFrame) -> int:
    """Check, find duplicates, make keys, and write the bodies."""
    plan = _plan(frame)
    for batch in plan.batches:
        plan.body(batch)
    return len(plan.keys)


def _plan(frame: pd.DataFrame) -> Plan:
    import nimble_pandas

    return nimble_pandas.plan(frame, **{f"{name}_col": name for name in frame.columns}, vendor="walmart")


def _on_frame(way: Callable[[pd.DataFrame], int]) -> Callable[[str], Callable[[], int]]:
    def prepare(path: str) -> Callable[[], int]:
        import pandas as pd
        import pyarrow as pa

        way(make_frame(2))
        frame = pd.read_feather(path)
        # what reading has left behind would hide what the work takes
        pa.default_memory_pool().release_unused()
        return lambda: way(frame)

    return prepare


def _import_pandas() -> Callable[[], int]:
    return lambda: bool(__import__("pandas"))


def _import_nimble() -> Callable[[], int]:
    return lambda: bool(__import__("nimble_pandas"))


SIDES = {
    "records": _on_frame(by_records),
    "plan": _on_frame(by_plan),
    "import_pandas": _import_pandas,
    "import_nimble": _import_nimble,
}


def rows(scale: float, n_rounds: int) -> Iterator[Row]:
    """Yield the lines of the table."""
    n_rows = max(1_000, int(1_000_000 * scale))
    yield from _bodies(n_rows, n_rounds)
    yield _imports(2 * n_rounds + 1)
    yield from _growth(n_rows)


def _bodies(n_rows: int, n_rounds: int) -> Iterator[Row]:
    work = f"{n_rows:,} rows → checked, deduplicated, keyed request bodies"
    against = 'to_dict("records") + json.dumps, no checks, no keys'
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/rows.feather"
        make_frame(n_rows).to_feather(path)
        found = in_turn({name: Child(__file__, name, path=path) for name in ("plan", "records")}, n_rounds)
    ours, theirs = found["plan"], found["records"]
    if isinstance(ours, str) or isinstance(theirs, str):
        yield Row(work=work, against=against, note=str(ours if isinstance(ours, str) else theirs))
        return
    for figure, unit, of in (
        ("seconds", "/s", lambda value: n_rows / value),
        ("peak_bytes", " MiB", lambda value: value / 2**20),
    ):
        yield Row(
            work=work,
            against=against,
            unit=unit,
            ours=of(statistics.median(each[figure] for each in ours)),
            theirs=of(statistics.median(each[figure] for each in theirs)),
            ratios=[old[figure] / new[figure] for new, old in zip(ours, theirs, strict=True)],
            wanted=2,
            note="VmHWM above the frame" if figure == "peak_bytes" else "",
        )


def _imports(n_rounds: int) -> Row:
    names = ("import_nimble", "import_pandas")
    found = in_turn({name: Child(__file__, name) for name in names}, n_rounds)
    ours, theirs = ([each["seconds"] * 1e3 for each in found[name]] for name in names)
    return Row(
        work="import nimble_pandas",
        against="import pandas",
        unit=" ms",
        ours=statistics.median(ours),
        theirs=statistics.median(theirs),
        ratios=[old / new for new, old in zip(ours, theirs, strict=True)],
        wanted=0.8,
        note="a quarter more at most",
    )


def _growth(largest: int) -> Iterator[Row]:
    frame = make_frame(largest)
    for n_rows in (size for size in _SIZES if size <= largest):
        seconds = []
        for _ in range(max(3, min(20, 10_000 // n_rows))):
            started = time.perf_counter()
            _plan(frame.head(n_rows))
            seconds.append(time.perf_counter() - started)
        middle = statistics.median(seconds)
        note = f"{middle * 1e3:,.1f} ms, {middle / n_rows * 1e6:,.2f} µs a row"
        yield Row(work=f"{n_rows:,} rows → plan", against="", note=note)


if __name__ == "__main__":
    if "--side" not in sys.argv:
        raise SystemExit("Run it with: python benchmarks/run.py planning")
    side_main(SIDES)
