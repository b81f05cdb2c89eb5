"""The arguments of the command line; those of `run` are the arguments of `batch`."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Iterator
from typing import TypeAlias

import nimble_pandas
from nimble_pandas.cli import demo, fetch, past
from nimble_pandas.cli.endings import CODES
from nimble_pandas.cli.files import WRITERS

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 -- has no other name

_DESCRIPTION = """\
A column of URLs in, a table of what is on their pages out: Nimble's batch API in a terminal.

Try it with no account:  nimble-pandas demo
"""

_SETTINGS = """\
settings:
  The account comes from NIMBLE_USERNAME and NIMBLE_PASSWORD, or NIMBLE_API_KEY, or ~/.netrc; never from an
  option, which every user of this machine could see. Those of the store come from where its own tools look:
  AWS_PROFILE, ~/.aws, GOOGLE_APPLICATION_CREDENTIALS. NIMBLE_BASE_URL names another service, such as that of
  `nimble-pandas serve`, NIMBLE_PANDAS_HOME the folder where it is written down what was sent.
"""

_RUN = """\
Fetch a page for every row of a file, and write the rows with what was found beside them.

Run the same line again after an interrupt: what is under way is taken up, and paid for once.
"""

_RUN_EXAMPLES = """\
examples:
  nimble-pandas run urls.csv --url-col url --country US --vendor walmart --parse --out prices.parquet
  nimble-pandas run urls.csv --vendor walmart --plan            # what would be sent; sends nothing
  nimble-pandas run urls.csv --vendor walmart --country US --country DE --out prices.csv   # each in both
  cut -f3 shop.tsv | nimble-pandas run - --vendor amazon | grep -c ,ok,
  id=$(nimble-pandas run urls.csv --vendor walmart --no-wait)   # send, and go home
  nimble-pandas attach "$id" --out prices.parquet               # the next morning
"""

_ATTACH_EXAMPLES = """\
examples:
  nimble-pandas attach 20261123T101500-1a2b3c4d --out prices.parquet
  nimble-pandas attach 20261123T101500-1a2b3c4d --no-wait            # what has arrived so far
  nimble-pandas attach 20261123T101500-1a2b3c4d --retry-failed --out prices.parquet --force
"""

_STORAGE_OPTION = "handed to fsspec, such as profile=prices or anon=true; no secrets"

_EXIT_CODES = "exit codes:\n" + "\n".join(f"  {code:<3}  {meaning}" for code, meaning in CODES.items())

# arguments of `batch` that are no options: the rows, what cannot be typed, and what is spelled otherwise
_OTHERWISE = {"frame", "client", "ledger", "progress", "params", "param_cols", "storage_options", "parse"}
_LAYOUT = ("explode", "dtype_backend", "timeout")


def parser() -> argparse.ArgumentParser:
    """Return the parser; a command's function is in its ``run``."""
    top = _Parser(
        prog="nimble-pandas",
        description=_DESCRIPTION,
        epilog="`nimble-pandas COMMAND --help` says more, with examples.\n\n"
        + _SETTINGS
        + "\n"
        + _EXIT_CODES,
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {nimble_pandas.__version__}")
    commands: Commands = top.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    _add_run(commands)
    _add_attach(commands)
    _add_past(commands)
    demo.add(commands)
    return top


class _Parser(argparse.ArgumentParser):
    """A parser whose texts keep their lines, and whose options are spelled out."""

    def __init__(self, **options: object) -> None:
        super().__init__(
            **options,  # type: ignore[arg-type]
            formatter_class=argparse.RawDescriptionHelpFormatter,
            # an abbreviation that a script relies on would one day be ambiguous
            allow_abbrev=False,
        )


def _add_run(commands: Commands) -> None:
    run = commands.add_parser(
        "run",
        help="fetch a page for every row of a file",
        description=_RUN,
        usage="%(prog)s FILE --vendor VENDOR [OPTIONS] --out FILE",
        epilog=f"{_RUN_EXAMPLES}\n{_SETTINGS}\n{_EXIT_CODES}",
    )
    run.add_argument(
        "rows",
        metavar="FILE",
        help="CSV, TSV, Parquet, JSON lines, or one URL a line; - for standard input. Text stays text",
    )
    asked = run.add_argument_group("what is asked for; repeat a value, and every row is asked for each")
    layout = _add_output(run)
    for name, help_ in _described():
        _add_argument(layout if name in _LAYOUT else asked, name, help_)
    asked.add_argument(
        "--parse",
        action=argparse.BooleanOptionalAction,
        help="structured fields, or the page's HTML (the service's default)",
    )
    _add_pairs(asked, "--param", "a further parameter of the API; JSON, or else text")
    _add_pairs(asked, "--param-col", "a further parameter, per row", metavar="NAME=COLUMN")
    _add_pairs(asked, "--storage-option", _STORAGE_OPTION)
    run.add_argument("--plan", action="store_true", help="print what would be sent, and send nothing")
    run.add_argument("--no-wait", action="store_true", help="send, print the job's id, and end")
    _add_common(run)
    run.set_defaults(run=fetch.run)


def _add_attach(commands: Commands) -> None:
    attach = commands.add_parser(
        "attach",
        help="take up a job, and write its frame",
        description="Take up a job of this or any other day, and write its frame.",
        usage="%(prog)s JOB [OPTIONS] --out FILE",
        epilog=f"{_ATTACH_EXAMPLES}\n{_SETTINGS}\n{_EXIT_CODES}",
    )
    attach.add_argument("job_id", metavar="JOB", help="its id, as `nimble-pandas jobs` lists it")
    layout = _add_output(attach)
    for name, help_ in _described():
        if name in _LAYOUT:
            _add_argument(layout, name, help_)
    _add_pairs(attach, "--storage-option", _STORAGE_OPTION)
    attach.add_argument("--no-wait", action="store_true", help="write what has arrived so far, and end")
    attach.add_argument(
        "--retry-failed", action="store_true", help="send once more what failed; it is billed once more"
    )
    attach.add_argument(
        "--unknown",
        action="store_true",
        help="with --retry-failed: also what may be running and billed already",
    )
    _add_common(attach)
    attach.set_defaults(run=fetch.attach)


def _add_past(commands: Commands) -> None:
    for name, help_, run in (
        ("jobs", "list what was sent from here; asks the service nothing", past.jobs),
        (
            "rescue",
            "collect what every unfinished job has, before it is forgotten; send nothing",
            past.rescue,
        ),
    ):
        command = commands.add_parser(name, help=help_, description=help_, epilog=_SETTINGS + _EXIT_CODES)
        command.add_argument("--json", action="store_true", help="one JSON object per job, with every column")
        _add_common(command, progress=False)
        command.set_defaults(run=run)


def _add_output(command: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    group = command.add_argument_group("the output")
    group.add_argument(
        "--out",
        metavar="FILE",
        default="-",
        help=f"ends in .{', .'.join(WRITERS)}; standard output, as CSV, if not given. "
        "Either all of it is written or nothing",
    )
    group.add_argument("--format", choices=list(WRITERS), help="whatever --out ends in")
    group.add_argument("--force", action="store_true", help="replace a file that is there")
    return group


def _add_common(command: argparse.ArgumentParser, *, progress: bool = True) -> None:
    command.add_argument("--ledger", metavar="FOLDER", help="where it is written down what was sent")
    if progress:
        command.add_argument(
            "--progress",
            choices=["auto", "text", "none"],
            default="auto",
            help="on standard error: a bar in a terminal, lines elsewhere (default: auto)",
        )
    command.add_argument(
        "-v", "--verbose", action="count", default=0, help="say more on standard error; -vv says all"
    )


def _add_pairs(
    group: argparse._ActionsContainer, option: str, help_: str, *, metavar: str = "NAME=VALUE"
) -> None:
    group.add_argument(option, action="append", default=[], metavar=metavar, help=help_)


def _described() -> Iterator[tuple[str, str]]:
    """Give the name and the description of every argument of `batch` that is an option as it stands."""
    document = inspect.cleandoc(nimble_pandas.batch.__doc__ or "")
    for name in inspect.signature(nimble_pandas.batch).parameters:
        if name not in _OTHERWISE:
            found = re.search(rf"^{name} : .*\n((?:    .*\n)+)", document, re.MULTILINE)
            yield name, " ".join(found[1].split()).replace("%", "%%") if found else ""


def _add_argument(group: argparse._ArgumentGroup, name: str, help_: str) -> None:
    option = f"--{name.replace('_', '-')}"
    # in a shell, the list that makes a grid is an option that is repeated
    help_ = help_.replace("`", "").partition(" As for all of the following")[0]
    if name in {"refresh", "storage_compress"}:
        group.add_argument(option, action="store_true", help=help_)
    elif name in fetch.GRIDS:
        group.add_argument(option, action="append", help=help_)
    elif name == "max_requests":
        group.add_argument(option, type=int, metavar="N", help=help_)
    elif name == "timeout":
        group.add_argument(option, type=float, metavar="SECONDS", help=help_)
    elif name == "invalid":
        group.add_argument(option, choices=["raise", "row"], default="raise", help=help_)
    elif name == "dtype_backend":
        group.add_argument(option, choices=["numpy_nullable", "pyarrow"], help=help_)
    elif name == "explode":
        group.add_argument(option, metavar="TYPE", help="one row for every entity of that type, or of all")
    else:
        group.add_argument(option, metavar="COLUMN" if name.endswith("_col") else None, help=help_)
