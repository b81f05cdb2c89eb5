"""A job's lines, written to Parquet as they come, and seen by nobody until they are complete."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from nimble_pandas.errors import InputError, NimbleError, StorageError
from nimble_pandas.frames import Spool, make_sheet
from nimble_pandas.job.register import NOTHING, Portion
from nimble_pandas.storage import Store, normalise_url

# rows that a reader skips or takes together; what is larger is cut
_ROW_GROUP_BYTES = 16 * 2**20


class Target:
    """Where a job's Parquet goes: a file, or a dataset that files are added to.

    Parameters
    ----------
    path : str or path
        Of this machine, or ``s3://`` or ``gs://``.
    name : str
        What the job's files in a dataset are called; the same name again replaces them.
    partition_cols : sequence of str
        Columns that become folders of a dataset; none for a file.
    storage_options : Mapping, optional
        Handed to fsspec as they are.

    Raises
    ------
    ConfigError
        The path is none, or the store cannot be opened.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        name: str,
        partition_cols: Sequence[str],
        storage_options: Mapping[str, Any] | None,
    ) -> None:
        self._url = normalise_url(path).rstrip("/")
        self._name = name
        self._partition_cols = list(partition_cols)
        self._local = Path(self._url.removeprefix("file://")) if self._url.startswith("file://") else None
        self._store = None if self._local else Store(self._url, storage_options)

    @contextlib.contextmanager
    def staged(self) -> Iterator[Path]:
        """Give a folder that no reader looks into, for the length of a block.

        Raises
        ------
        StorageError
            There can be none beside the target, or the block has no room in it.
        """
        beside = self._local.parent if self._local else None
        try:
            if beside:
                beside.mkdir(parents=True, exist_ok=True)
            # readers pass by what begins with a dot; on the target's own disk, a file is moved in one step
            folder = Path(tempfile.mkdtemp(prefix=f".{self._name}.", suffix=".partial", dir=beside))
        except OSError as exc:
            raise StorageError(f"nothing can be written beside {self._url}: {exc}") from exc
        try:
            yield folder
        except OSError as exc:
            if isinstance(exc, NimbleError):
                raise
            raise StorageError(f"{self._url} cannot be written: {exc}") from exc
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def check(self, rows: pd.DataFrame) -> None:
        """Say early that a dataset cannot be parted by its columns.

        Parameters
        ----------
        rows : pandas.DataFrame
            The caller's frame.

        Raises
        ------
        InputError
            A column is not there, or has a missing value, for which pandas reads no folder.
        """
        for name in self._partition_cols:
            if name not in rows.columns:
                raise InputError(
                    f"partition_cols={self._partition_cols!r}: the frame has no column {name!r}.",
                    hint=f"Nothing was written. Its columns are: {', '.join(map(str, rows.columns))}.",
                )
            missing = rows.index[rows[name].isna()]
            if len(missing):
                raise InputError(
                    f"partition_cols={self._partition_cols!r}: {name!r} has no value in row {missing[0]}"
                    f"{f' and {len(missing) - 1:,} more' if len(missing) > 1 else ''}.",
                    hint="Nothing was written.",
                )

    def write(self, tables: Iterator[pa.Table], schema: pa.Schema, folder: Path) -> None:
        """Write all lines, and put them in their place.

        Parameters
        ----------
        tables : iterator of pyarrow.Table
            The lines, in order.
        schema : pyarrow.Schema
            Of all of them.
        folder : pathlib.Path
            As `staged` gives it.

        Raises
        ------
        OSError
            They cannot be put there; the target is as it was, up to whole files of a dataset.
        """
        if self._partition_cols:
            self._write_dataset(tables, schema, folder)
            return
        file = folder / "data"
        with pq.ParquetWriter(file, schema) as writer:
            for table in _grouped(tables):
                writer.write_table(table)
        self._put(file, self._url)

    def _write_dataset(self, tables: Iterator[pa.Table], schema: pa.Schema, folder: Path) -> None:
        columns = [schema.field(name) for name in self._partition_cols]
        root = folder / "dataset"
        ds.write_dataset(
            (batch for table in _grouped(tables) for batch in table.to_batches()),
            root,
            schema=schema,
            format="parquet",
            partitioning=ds.partitioning(pa.schema(columns), flavor="hive"),
            basename_template=f"{self._name}-{{i}}.parquet",
            use_threads=False,
        )
        for file in sorted(root.rglob("*.parquet")):
            self._put(file, f"{self._url}/{file.relative_to(root).as_posix()}")

    def _put(self, file: Path, url: str) -> None:
        """Put a complete file in its place, at once."""
        if self._store is not None:
            self._store.upload(file, url)
            return
        target = Path(url.removeprefix("file://"))
        target.parent.mkdir(parents=True, exist_ok=True)
        with file.open("rb") as written:
            os.fsync(written.fileno())
        file.replace(target)


def _grouped(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """Put small tables together, as row groups."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(each.nbytes for each in waiting) >= _ROW_GROUP_BYTES:
            yield pa.concat_tables(waiting)
            waiting = []
            # what Arrow keeps for later is several times what it uses
            pa.default_memory_pool().release_unused()
    if waiting:
        yield pa.concat_tables(waiting)


def export(
    portions: Iterable[Portion],
    target: Target,
    *,
    rows: pd.DataFrame,
    explode: bool | str,
    with_html: bool,
    provenance: Callable[[], Mapping[str, object]],
) -> None:
    """Write rows to Parquet as their answers come.

    While the next are read, the last are put aside in another thread.

    Parameters
    ----------
    portions : iterable of Portion
        All rows, each once.
    target : Target
        Where to.
    rows : pandas.DataFrame
        The caller's frame.
    explode, with_html : optional
        As in `assemble`.
    provenance : callable
        Asked when the last row is there; written into the file's metadata.

    Raises
    ------
    InputError
        A column of the caller's has no type that Parquet knows, or one to part by is not there.
    StorageError
        It cannot be written; the target is as it was, up to whole files of a dataset.
    """
    target.check(rows)
    with target.staged() as folder, ThreadPoolExecutor(1) as pool:
        spool = Spool(folder, rows, explode=explode)
        waiting: Future[None] | None = None
        for portion in chain([NOTHING], portions):
            if waiting is not None:
                waiting.result()
            waiting = pool.submit(_put_aside, spool, portion, explode=explode, with_html=with_html)
            del portion  # its pages are Arrow in one place only
        if waiting is not None:
            waiting.result()
        about = {**spool.schema.metadata, b"nimble_pandas": json.dumps(provenance())}
        target.write(spool.tables(), spool.schema.with_metadata(about), folder)


def _put_aside(spool: Spool, portion: Portion, *, explode: bool | str, with_html: bool) -> None:
    sheet = make_sheet(
        portion.rows,
        portion.answers,
        portion.answer_of_row,
        portion.pages,
        explode=explode,
        with_html=with_html,
    )
    spool.add(sheet)
