"""Outputs in memory to a frame, against `json.loads` and `pandas.json_normalize`."""

from __future__ import annotations

import json
import random
import statistics
import sys
from collections.abc import Callable, Iterator

import compare
from compare import Child, Row
from static_s3 import output

Work = Callable[[], int]

_LINE = '  <p class="é">' + "as pages have them, " * 4 + "</p>\n"


def _outputs(n: int, *, conflicts: bool, n_characters: int = 0) -> list[bytes]:
    draw = random.Random(0)
    page = {"html_content": _LINE * (n_characters // len(_LINE))} if n_characters else {}
    return [json.dumps({**output(i, draw, conflicts=conflicts), **page}).encode() for i in range(n)]


def nimble(n: int, *, conflicts: bool, n_characters: int = 0) -> Work:
    """Read each output, judge it, take its page in, lay out the frame."""
    import numpy as np
    import pandas as pd
    from msgspec.structs import replace

    from nimble_pandas import collector
    from nimble_pandas.frames import Answer, Pages, assemble
    from nimble_pandas.job.judge import judge
    from nimble_pandas.models import read_output

    def lay_out(contents: list[bytes]) -> int:
        known, answers, pages = Answer(status="pending"), [], Pages()
        for start in range(0, len(contents), 4096):
            with collector.paused():
                for content in contents[start : start + 4096]:
                    read = read_output(content)
                    answer, page = judge(
                        read, known=known, parse=not n_characters, url=None, http_status=None
                    )
                    answers.append(answer if page is None else replace(answer, page=pages.add(page)))
        rows = pd.DataFrame(index=range(len(contents)))
        return len(assemble(rows, answers, np.arange(len(rows)), pages, with_html=bool(n_characters)))

    contents = _outputs(n, conflicts=conflicts, n_characters=n_characters)
    lay_out(contents[: 20 if n_characters else 600])
    return lambda: lay_out(contents)


def normalize(n: int, *, conflicts: bool, n_characters: int = 0) -> Work:
    """`json.loads`, and `pandas.json_normalize` of the products."""
    import pandas as pd

    def lay_out(contents: list[bytes]) -> int:
        payloads = [json.loads(content) for content in contents]
        products = [{**payload.pop("parsing")["entities"]["Product"][0], **payload} for payload in payloads]
        return len(pd.json_normalize(products))

    contents = _outputs(n, conflicts=conflicts, n_characters=n_characters)
    lay_out(contents[: 20 if n_characters else 600])
    return lambda: lay_out(contents)


SIDES = {"nimble": nimble, "normalize": normalize}


def rows(scale: float, n_rounds: int) -> Iterator[Row]:
    """Yield the lines of the table."""
    n = max(1_000, int(20_000 * scale))
    for conflicts in (True, False):
        work = f"{n:,} outputs of 3 KB {'with' if conflicts else 'without'} type conflicts, in memory → frame"
        yield from _compared(work, n_rounds, n=n, conflicts=conflicts)
    n = max(50, int(500 * scale))
    yield from _compared(
        f"{n:,} pages of 400 KB, in memory → frame", n_rounds, n=n, conflicts=True, n_characters=400_000
    )


def _compared(work: str, n_rounds: int, **arguments: object) -> Iterator[Row]:
    sides = {name: Child(__file__, name, **arguments) for name in SIDES}
    found = compare.in_turn(sides, n_rounds)
    ours, theirs = found["nimble"], found["normalize"]
    if isinstance(ours, str) or isinstance(theirs, str):
        yield Row(work=work, against="json_normalize", note=f"{ours} {theirs}"[:200])
        return
    rates = [[compare.rates(int(each["n"]), each) for each in side] for side in (ours, theirs)]
    peaks = [[each["peak_bytes"] / 2**20 for each in side] for side in (ours, theirs)]
    wanted = None if "n_characters" in arguments else 3.0
    for unit, (mine, other), at_least, better in (
        ("/s", rates, wanted, lambda a, b: a / b),
        (" MiB", peaks, None, lambda a, b: b / a),
    ):
        yield Row(
            work=work,
            against="json.loads + pandas.json_normalize",
            unit=unit,
            ours=statistics.median(mine),
            theirs=statistics.median(other),
            ratios=[better(a, b) for a, b in zip(mine, other, strict=True)],
            wanted=at_least,
            note="the peak above the outputs themselves" if unit == " MiB" else "",
        )


if __name__ == "__main__":
    if "--side" in sys.argv:
        compare.side_main(SIDES)
    else:
        import run

        run.write_table([run._HEADER, *(run.as_text(row) for row in rows(0.25, 5))])  # noqa: SLF001
