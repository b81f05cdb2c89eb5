"""Rows out of a file or a pipe, and the frame into one: text stays text, and no half file is left."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pandas as pd

from nimble_pandas.errors import ConfigError, InputError

# what begins a file tells what it is, whatever it is called
_PARQUET, _ZIP, _GZIP = b"PAR1", b"PK\x03\x04", b"\x1f\x8b"
_SEPARATORS = ",;\t|"


def read_rows(source: str) -> pd.DataFrame:
    """Read rows.

    Parameters
    ----------
    source : str
        A path or a URL that fsspec knows, or ``-`` for standard input. Parquet, JSON (lines, or an array),
        text with a separator and a header, or one URL a line without one.

    Returns
    -------
    pandas.DataFrame, length n
        From text, every column is text: zips and SKUs keep their zeros, and ``NA`` is Namibia. An empty cell
        is missing.

    Raises
    ------
    InputError
        It cannot be read; nothing was sent.
    """
    content = _content(source)
    if content.startswith(_PARQUET):
        with _guarded(source):
            return pd.read_parquet(io.BytesIO(content))
    if content.startswith(_ZIP):
        raise _unreadable(source, "it is a workbook or an archive", "Save it as CSV (UTF-8).")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise _unreadable(source, "it is no UTF-8 text", "Save it as CSV (UTF-8).") from exc
    start = text.lstrip()[:1]
    if start in {"{", "["}:
        return _from_json(source, text, lines=start == "{")
    return _from_text(source, text)


def _content(source: str) -> bytes:
    import fsspec

    try:
        if source == "-":
            content = sys.stdin.buffer.read()
        else:
            with fsspec.open(source, "rb") as file:
                content = file.read()
    except Exception as exc:  # a store has an error for each kind of trouble
        raise _unreadable(source, _why(exc), "Is the path right?") from exc
    if content.startswith(_GZIP):
        with _guarded(source):
            return gzip.decompress(content)
    return content


def _from_json(source: str, text: str, *, lines: bool) -> pd.DataFrame:
    with _guarded(source):
        found = (
            [json.loads(line) for line in text.splitlines() if line.strip()] if lines else json.loads(text)
        )
    if not all(isinstance(record, dict) for record in found):
        raise _unreadable(source, "it holds JSON that is no object", 'Each row is {"url": …}.')
    names = {name: None for record in found for name in record}
    # integers with gaps stay integers
    return pd.DataFrame({name: pd.array([record.get(name) for record in found]) for name in names})


def _from_text(source: str, text: str) -> pd.DataFrame:
    header = text.lstrip().partition("\n")[0]
    if header.lower().startswith(("http://", "https://")):
        # a header is never a URL: this is a bare list of them
        return pd.DataFrame({"url": [line.strip() for line in text.splitlines() if line.strip()]}, dtype=str)
    with _guarded(source):
        return pd.read_csv(
            io.StringIO(text),
            sep=max(_SEPARATORS, key=header.count),
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            index_col=False,
        )


@contextlib.contextmanager
def _guarded(source: str) -> Iterator[None]:
    try:
        yield
    except Exception as exc:  # each reader has errors of its own
        raise _unreadable(source, _why(exc), "CSV, TSV, Parquet and JSON lines are read.") from exc


def _unreadable(source: str, why: str, what_to_do: str) -> InputError:
    name = "standard input" if source == "-" else source
    return InputError(f"{name} cannot be read: {why}.", hint=f"Nothing was sent. {what_to_do}")


def _why(exc: Exception) -> str:
    reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
    return reason.strip().rstrip(".").replace("\n", " ") or type(exc).__name__


class Target:
    """Where the frame goes; found out before anything is sent.

    Parameters
    ----------
    out : str
        A path that ends in ``.parquet``, ``.csv``, ``.tsv`` or ``.jsonl``, or ``-`` for standard output.
    layout : str or None
        One of these endings without its dot, whatever the path ends in; CSV for standard output if not given.
    force : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    ConfigError
        It cannot be written; nothing was sent.
    """

    def __init__(self, out: str, *, layout: str | None, force: bool) -> None:
        self._path = None if out == "-" else Path(out)
        self._force = force
        ending = "csv" if self._path is None else self._path.suffix.lstrip(".").lower()
        self._layout = layout or {"ndjson": "jsonl", "pq": "parquet"}.get(ending, ending)
        if self._layout not in WRITERS:
            raise ConfigError(
                f"--out {out}: what is to be written?",
                hint=f"Nothing was sent. End it in .{', .'.join(WRITERS)}, or give --format.",
            )
        self.check()

    def check(self) -> None:
        """Raise a `ConfigError` if the file is there already, or cannot be."""
        path = self._path
        if path is None:
            if self._layout == "parquet" and sys.stdout.isatty():
                raise ConfigError("Parquet does not go to a terminal.", hint="Give --out prices.parquet.")
        elif not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
            raise ConfigError(f"--out {path}: there is no folder {path.parent} that can be written to.")
        elif path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"--out {path} is no file.", hint="Give --out - for standard output.")
        elif path.exists() and not self._force:
            raise ConfigError(
                f"--out {path} is there already.", hint="Give another name, or --force to replace it."
            )

    @property
    def parquet(self) -> Path | None:
        """The file that Parquet goes into; None for anything else."""
        return self._path.resolve() if self._path is not None and self._layout == "parquet" else None

    def write(self, frame: pd.DataFrame) -> None:
        """Write the frame: all of it, or nothing.

        Parameters
        ----------
        frame : pandas.DataFrame, length n
            An index without a name is not written.

        Raises
        ------
        ConfigError, OSError
            It cannot be written.
        """
        if all(name is None for name in frame.index.names):
            frame = frame.reset_index(drop=True)
        if self._path is None:
            WRITERS[self._layout](frame, sys.stdout.buffer)
            return
        self.check()
        # where a link leads to, so that the link stays one
        path = self._path.resolve()
        half = path.with_name(f".{path.name}.{os.getpid()}.half")
        try:
            with half.open("xb") as file:
                WRITERS[self._layout](frame, file)
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)


def _write_parquet(frame: pd.DataFrame, file: IO[bytes]) -> None:
    frame.to_parquet(file)


def _write_text(frame: pd.DataFrame, file: IO[bytes], separator: str = ",") -> None:
    named = any(name is not None for name in frame.index.names)
    frame.to_csv(file, sep=separator, index=named)


def _write_json(frame: pd.DataFrame, file: IO[bytes]) -> None:
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    text = frame.to_json(
        orient="records",
        lines=True,
        date_format="iso",
        date_unit="us",
        double_precision=15,
        force_ascii=False,
    )
    # pandas escapes every slash, which nobody who looks for a URL expects
    file.write(text.replace(r"\/", "/").encode())


WRITERS: dict[str, Callable[[pd.DataFrame, IO[bytes]], None]] = {
    "parquet": _write_parquet,
    "csv": _write_text,
    "tsv": lambda frame, file: _write_text(frame, file, "\t"),
    "jsonl": _write_json,
}
