"""Sides that do the same work, in turn, each in a process of its own."""

from __future__ import annotations

import json
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_TIMEOUT_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    work, against : str
        What was done, and what it is compared with.
    ours, theirs : float
        Medians, in `unit`.
    ratios : list of float
        How many times better ours was, of each round.
    wanted : float, optional
        What the ratio should be at least.
    note : str
        Why there are no figures, or what to know about them.
    """

    work: str
    against: str
    unit: str = "/s"
    ours: float = float("nan")
    theirs: float = float("nan")
    ratios: list[float] = field(default_factory=list)
    wanted: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios) if self.ratios else float("nan")

    @property
    def verdict(self) -> str:
        """Whether what is wanted is reached."""
        if not self.ratios or self.wanted is None:
            return ""
        return "yes" if self.ratio >= self.wanted else "NO"


def rates(n: int, took: Mapping[str, float]) -> float:
    """Return how many a second."""
    return n / took["seconds"]


class Child:
    """One side: a function of a script, run in a process of its own.

    Parameters
    ----------
    script : str
        The file; called with ``--side name``, it prints one JSON object in the end.
    name : str
        Which side of it.
    python : str, optional
        The interpreter; this one if not given.
    **arguments
        Handed over as JSON, on standard input.
    """

    def __init__(self, script: str, name: str, *, python: str = sys.executable, **arguments: object) -> None:
        self.name = name
        self._command = [python, script, "--side", name]
        self._arguments = json.dumps(arguments)

    def run(self) -> dict[str, float]:
        """Run it once; its last line are the figures."""
        done = subprocess.run(
            self._command,
            input=self._arguments,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        if done.returncode:
            raise SideFailedError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "ended")
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return figures


class SideFailedError(Exception):
    """A side could not do the work; says why."""


def in_turn(sides: Mapping[str, Child], n_rounds: int) -> dict[str, list[dict[str, float]] | str]:
    """Run each side once a round; a side that fails is its reason from then on."""
    found: dict[str, list[dict[str, float]] | str] = {name: [] for name in sides}
    for _ in range(n_rounds):
        for name, side in sides.items():
            figures = found[name]
            if isinstance(figures, str):
                continue
            try:
                figures.append(side.run())
            except (SideFailedError, subprocess.TimeoutExpired) as exc:
                found[name] = str(exc)[:120]
    return found


def side_main(sides: Mapping[str, Callable[..., Callable[[], int]]]) -> None:
    """Run the side that the command line names: get ready, then measure the work.

    Each side is a function that imports what it needs, does a little of the work so that connections and
    caches are warm, and returns the work itself: a function that returns how many it did.
    """
    work = sides[sys.argv[2]](**json.load(sys.stdin))
    # the kernel's mark of the most memory is set back to what is taken now
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = _kib("VmRSS")
    started, cpu_started = time.perf_counter(), time.process_time()
    n = work()
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    peak_bytes = (_kib("VmHWM") - before) * 1024
    print(json.dumps({"n": n, "seconds": seconds, "cpu_seconds": cpu_seconds, "peak_bytes": peak_bytes}))


def _kib(name: str) -> int:
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1])
