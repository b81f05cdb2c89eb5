"""How time and memory grow with the rows: a plan, a job into Parquet in flat memory, a job into a frame.

    python benchmarks/growth.py [--largest 1000000] [--out benchmarks/results]

It prints a table and writes it as `growth.csv` and `growth.png`. Jobs run as in `load.py`: the service in
a process of its own, pages made up at once, outputs in a folder. Seconds are the medians of up to five
runs, fewer the longer they take; memory is what the kernel says (VmHWM) above the interpreter with everything
imported.
"""

from __future__ import annotations

import argparse
import csv
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import planning
from compare import Child

_SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
_FOLDER = pathlib.Path(__file__).parent
_LONGEST_SECONDS = 3600


@dataclass(frozen=True, kw_only=True)
class Point:
    """What one kind of work took at one size.

    Parameters
    ----------
    work : str
        What was done.
    n_rows : int
        To so many rows.
    seconds : float
        The median.
    mib : float
        Above the interpreter, at most.
    n_runs : int
        How often it was done.
    """

    work: str
    n_rows: int
    seconds: float
    mib: float
    n_runs: int


def points(largest: int) -> list[Point]:
    """Measure each kind of work at each size."""
    found = []
    for n_rows in (size for size in _SIZES if size <= largest):
        n_runs = max(1, min(5, 50_000 // n_rows))
        for work, run in (("plan", _plan), ("to_parquet", _to_parquet), ("batch", _batch)):
            took = run(n_rows, n_runs)
            found.append(
                Point(
                    work=work,
                    n_rows=n_rows,
                    seconds=statistics.median(seconds for seconds, _ in took),
                    mib=statistics.median(mib for _, mib in took),
                    n_runs=n_runs,
                )
            )
            print(found[-1], file=sys.stderr, flush=True)
    return found


def _plan(n_rows: int, n_runs: int) -> list[tuple[float, float]]:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/rows.feather"
        planning.make_frame(n_rows).to_feather(path)
        took = [Child(planning.__file__, "plan", path=path).run() for _ in range(n_runs)]
    return [(each["seconds"], each["peak_bytes"] / 2**20) for each in took]


def _to_parquet(n_rows: int, n_runs: int) -> list[tuple[float, float]]:
    return [_load(n_rows, "--parquet") for _ in range(n_runs)]


def _batch(n_rows: int, n_runs: int) -> list[tuple[float, float]]:
    return [_load(n_rows) for _ in range(n_runs)]


def _load(n_rows: int, *options: str) -> tuple[float, float]:
    command = [sys.executable, str(_FOLDER / "load.py"), "--rows", str(n_rows), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=_LONGEST_SECONDS, check=True)
    client = json.loads(done.stdout)["client"]
    if client["statuses"] != {"ok": n_rows}:
        raise SystemExit(f"not all rows are ok: {client['statuses']}")
    return client["seconds"], client["MiB at most"] - client["MiB before"]


def write_table(found: list[Point]) -> None:
    """Print a line for each size."""
    print(f"{'rows':>10}" + "".join(f"{work:>12} s{'MiB':>8}" for work in _works(found)))
    for n_rows in sorted({point.n_rows for point in found}):
        line = [point for point in found if point.n_rows == n_rows]
        print(f"{n_rows:>10,}" + "".join(f"{point.seconds:>14,.3f}{point.mib:>8,.0f}" for point in line))


def _works(found: list[Point]) -> list[str]:
    return list(dict.fromkeys(point.work for point in found))


def write_csv(path: pathlib.Path, found: list[Point]) -> None:
    """Write the figures, unrounded."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("work", "rows", "seconds", "mib", "runs"))
        writer.writerows((each.work, each.n_rows, each.seconds, each.mib, each.n_runs) for each in found)


def write_plot(path: pathlib.Path, found: list[Point]) -> None:
    """Draw time and memory against the rows."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    for work in _works(found):
        line = [point for point in found if point.work == work]
        sizes = [point.n_rows for point in line]
        left.loglog(sizes, [point.seconds for point in line], "o-", label=work)
        right.loglog(sizes, [max(point.mib, 0.1) for point in line], "o-", label=work)
    right.axhline(600, color="black", linewidth=0.8, linestyle="--")
    right.annotate("600 MiB", (_SIZES[0], 600), textcoords="offset points", xytext=(0, 4), fontsize=8)
    for axes, label in ((left, "seconds"), (right, "MiB above the interpreter, at most")):
        axes.set_xlabel("rows")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure, and write down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--largest", type=int, default=_SIZES[-1])
    parser.add_argument("--out", type=pathlib.Path, default=_FOLDER / "results")
    chosen = parser.parse_args()
    found = points(chosen.largest)
    write_table(found)
    chosen.out.mkdir(parents=True, exist_ok=True)
    write_csv(chosen.out / "growth.csv", found)
    write_plot(chosen.out / "growth.png", found)


if __name__ == "__main__":
    main()
