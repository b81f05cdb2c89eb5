"""All that is compared, as one table, a CSV file and a plot.

python benchmarks/run.py [reading …] [--scale 0.1] [--rounds 3] [--out benchmarks/results]
"""

from __future__ import annotations

import argparse
import csv
import importlib
import math
import pathlib
import sys

import compare

#: Files of this folder with a function ``rows(scale, n_rounds)`` that yields `compare.Row`.
SCENARIOS = ("reading", "payloads", "landing", "planning")

_HEADER = ("work", "against", "ours", "theirs", "ratio", "spread", "wanted", "reached", "note")


def as_text(row: compare.Row) -> tuple[str, ...]:
    """Return a row as the table shows it."""
    if not row.ratios:
        return (row.work, row.against, "", "", "", "", _number(row.wanted), "", row.note)
    return (
        row.work,
        row.against,
        f"{row.ours:,.0f}{row.unit}",
        f"{row.theirs:,.0f}{row.unit}",
        f"{row.ratio:.2f}",
        f"{min(row.ratios):.2f} to {max(row.ratios):.2f}",
        _number(row.wanted),
        row.verdict,
        row.note,
    )


def _number(number: float | None) -> str:
    return "" if number is None else f"{number:g}"


def write_table(lines: list[tuple[str, ...]]) -> None:
    """Print the lines with their columns aligned."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def write_csv(path: pathlib.Path, rows: list[compare.Row]) -> None:
    """Write the figures, unrounded."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            ("work", "against", "unit", "ours", "theirs", "ratio", "lowest", "highest", "wanted", "note")
        )
        for row in rows:
            spread = (min(row.ratios), max(row.ratios)) if row.ratios else (math.nan, math.nan)
            figures = (row.ours, row.theirs, row.ratio, *spread, row.wanted)
            writer.writerow((row.work, row.against, row.unit.strip(), *figures, row.note))


def write_plot(path: pathlib.Path, rows: list[compare.Row]) -> None:
    """Draw each ratio with its spread, beside the one that is wanted."""
    try:
        import matplotlib as mpl
    except ImportError:
        print("no plot: matplotlib is not installed", file=sys.stderr)
        return
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    rows = [row for row in rows if row.ratios][::-1]
    figure, axes = plt.subplots(figsize=(10, 1 + 0.5 * len(rows)), layout="constrained")
    for at, row in enumerate(rows):
        axes.plot([min(row.ratios), max(row.ratios)], [at, at], color="tab:blue", linewidth=2)
        axes.plot(row.ratio, at, "o", color="tab:blue", label="measured, with spread" if at == 0 else None)
        if row.wanted is not None:
            axes.plot(row.wanted, at, "|", color="black", markersize=16, label="wanted" if at == 0 else None)
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [f"{row.work}\nagainst {row.against}" for row in rows], fontsize=7)
    axes.set_xlabel("times as good")
    axes.grid(axis="x", alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run the scenarios that the command line names, or all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", default=SCENARIOS, metavar="scenario")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the sizes, so that it is short")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent / "results")
    chosen = parser.parse_args()
    rows = []
    for name in chosen.scenarios:
        for row in importlib.import_module(name).rows(chosen.scale, chosen.rounds):
            rows.append(row)
            print(" | ".join(filter(None, as_text(row))), file=sys.stderr, flush=True)
    write_table([_HEADER, *map(as_text, rows)])
    chosen.out.mkdir(parents=True, exist_ok=True)
    write_csv(chosen.out / "benchmarks.csv", rows)
    write_plot(chosen.out / "benchmarks.png", rows)


if __name__ == "__main__":
    main()
