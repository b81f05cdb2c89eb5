"""``nimble-pandas``: the verbs in a terminal, the jobs of other days, the local service, and a demo."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from types import FrameType

from nimble_pandas.cli.endings import UNEXPECTED, Terminated, ending, told
from nimble_pandas.cli.options import parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after the command's name; those of the process if not given.

    Returns
    -------
    int
        The exit code: 0 if all went well; what the others mean stands in ``nimble-pandas --help``.
    """
    chosen = parser().parse_args(arguments)
    verbose = getattr(chosen, "verbose", 0)
    try:
        with _terminal(verbose):
            code: int = chosen.run(chosen) or 0
            sys.stdout.flush()
            return code
    except BrokenPipeError:
        # who read the output has seen enough; Python would complain when it flushes what is left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except (Exception, KeyboardInterrupt) as exc:
        code = ending(exc)
        if verbose and code == UNEXPECTED:
            raise
        print(told(exc, out=getattr(chosen, "out", None)), file=sys.stderr)
        return code


@contextlib.contextmanager
def _terminal(verbose: int) -> Iterator[None]:
    """Say warnings in a line, log as much as is asked for, and let SIGTERM detach as Ctrl-C does."""

    def warn(message: Warning | str, *_: object) -> None:
        print(f"nimble-pandas: {message}", file=sys.stderr)

    def end(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    if verbose:
        _log(verbose)
    before = signal.signal(signal.SIGTERM, end)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = warn  # type: ignore[assignment]
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _log(verbose: int) -> None:
    import logging

    logging.basicConfig(format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("nimble_pandas").setLevel(logging.INFO if verbose == 1 else logging.DEBUG)
