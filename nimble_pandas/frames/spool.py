"""Lines of a frame that is too large for the memory, put aside until all types are known."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandas.api.extensions import no_default

from nimble_pandas.errors import InputError
from nimble_pandas.frames.assemble import beside, shown_as_pandas
from nimble_pandas.frames.chunk import Chunk, WideChunk
from nimble_pandas.frames.columns import Field, arrow_type, cast, fields
from nimble_pandas.frames.dtypes import types_mapper
from nimble_pandas.frames.layouts import Path, Positions
from nimble_pandas.frames.names import Names
from nimble_pandas.frames.sheet import Sheet, read_sheet
from nimble_pandas.frames.width import MAX_FIELDS

# lines that are in memory together while the types are made one, in bytes
_BUCKET_BYTES = 4 * 2**20
_MIN_BUCKET, _MAX_BUCKET = 64, 65_536


class Spool:
    """Sheets in a folder; when the last is there, they come back as tables of one schema, in row order.

    Parameters
    ----------
    folder : pathlib.Path
        An empty folder.
    rows : pandas.DataFrame
        The caller's frame.
    explode : bool or str
        As in `assemble`.
    suffix : str, default "_nimble"
        As in `assemble`.

    Raises
    ------
    InputError
        A column of the caller's has no type that Parquet knows.
    """

    def __init__(
        self, folder: FilePath, rows: pd.DataFrame, *, explode: bool | str, suffix: str = "_nimble"
    ) -> None:
        self._folder = folder
        self._rows = rows
        self._names = Names(rows, suffix)
        # an exploded frame repeats labels, and a range has none twice
        self._keep_index = True if explode else None
        self._rows_schema = _schema_of(rows, keep_index=self._keep_index)
        self._fixed: dict[str, pa.DataType] = {}
        self._kinds: dict[Path, set[type]] = defaultdict(set)
        self._inexact: set[Path] = set()
        # of each field the row, line and place that show it first
        self._first: dict[Path, tuple[int, int, int]] = {}
        self._is_wide = False
        self._n_sheets = 0
        self._bucket_rows = 0
        # where the lines of each bucket of rows are: sheets, and batches within
        self._batches: dict[int, list[tuple[int, int]]] = defaultdict(list)

    def add(self, sheet: Sheet) -> None:
        """Put a sheet aside.

        Parameters
        ----------
        sheet : Sheet
            Of rows that no other sheet has.
        """
        table = sheet.table()
        if not self._bucket_rows and len(table):
            n_bytes = max(table.nbytes // max(len(table), 1), 1)
            self._bucket_rows = int(np.clip(_BUCKET_BYTES // n_bytes, _MIN_BUCKET, _MAX_BUCKET))
        self._fixed = {name: column.type for name, column in sheet.fixed.items()}
        if isinstance(sheet.chunk, WideChunk):
            self._is_wide = True
        else:
            self._learn(sheet.chunk, sheet.row)
        if len(table):
            self._write(table, sheet.row // self._bucket_rows)
            self._n_sheets += 1

    def _learn(self, chunk: Chunk, row: Positions) -> None:
        """Take down which kinds of values each field has, and where it appears first."""
        for path, parts in chunk.parts.items():
            self._kinds[path] |= {part.kind for part in parts}
            for part in parts:
                if part.kind is int and path not in self._inexact and not _is_exact(part.values):
                    self._inexact.add(path)
        for path, (line, nth) in chunk.layouts.first(np.arange(len(chunk))).items():
            place = int(row[line]), line, nth
            self._first[path] = min(place, self._first.get(path, place))

    def _write(self, table: pa.Table, bucket: Positions) -> None:
        """Write a sheet, one batch for each bucket that it has lines of."""
        starts = np.flatnonzero(np.diff(bucket, prepend=-1)).tolist()
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_file(self._file(self._n_sheets), table.schema, options=options) as writer:
            for nth, (start, stop) in enumerate(zip(starts, [*starts[1:], len(table)], strict=True)):
                for batch in table.slice(start, stop - start).combine_chunks().to_batches():
                    writer.write_batch(batch)
                self._batches[int(bucket[start])].append((self._n_sheets, nth))

    def _file(self, sheet: int) -> str:
        return str(self._folder / f"{sheet}.arrow")

    def _sheets(self, bucket: int) -> Iterator[Sheet]:
        for sheet, batch in self._batches[bucket]:
            with pa.OSFile(self._file(sheet)) as file:
                yield read_sheet(pa.Table.from_batches([pa.ipc.open_file(file).get_batch(batch)]))

    @cached_property
    def _paths(self) -> list[Path]:
        """All fields, in the order in which the rows show them first."""
        return sorted(self._first, key=self._first.__getitem__)

    @cached_property
    def _types(self) -> dict[Path, pa.DataType]:
        return {path: arrow_type(self._kinds[path], exact=path not in self._inexact) for path in self._paths}

    @cached_property
    def _whole(self) -> tuple[Positions, list[Field]] | None:
        """All lines, laid out in memory: what has too many fields must be seen together to be made narrow."""
        if not self._is_wide and len(self._paths) <= MAX_FIELDS:
            return None
        sheets = [sheet for bucket in sorted(self._batches) for sheet in self._sheets(bucket)]
        row = np.concatenate([sheet.row for sheet in sheets])
        rank = np.empty(len(row), dtype=np.intp)
        rank[np.argsort(row, kind="stable")] = np.arange(len(row))
        return rank, fields([sheet.chunk for sheet in sheets], rank)

    @cached_property
    def schema(self) -> pa.Schema:
        """The one schema, with what pandas writes about its own types."""
        found = self._types
        if self._whole is not None:
            found = {field.path: field.values.type for field in self._whole[1]}  # noqa: PD011 -- Arrow's
        names = [*self._names.free(self._fixed), *self._names.free(".".join(path) for path in found)]
        new = pa.schema(zip(names, [*self._fixed.values(), *found.values()], strict=True))
        reused = names[list(self._fixed).index("reused")]
        frame = shown_as_pandas(new.empty_table(), types_mapper(no_default), reused)
        empty = beside(self._rows.head(0), frame, np.arange(0))
        whole = pa.Schema.from_pandas(empty, preserve_index=self._keep_index)
        n_input = len(self._rows.columns)
        own = list(self._rows_schema)
        typed = [field.with_name(name) for field, name in zip(new, whole.names[n_input:], strict=False)]
        about = _about(whole, self._rows_schema, n_input, len(typed))
        return pa.schema([*own[:n_input], *typed, *own[n_input:]], metadata={"pandas": json.dumps(about)})

    def tables(self) -> Iterator[pa.Table]:
        """Yield all lines in the order of the rows, each table of the one schema.

        Yields
        ------
        pyarrow.Table
            Of some thousand rows.
        """
        start = 0
        for bucket in sorted(self._batches):
            pieces, rows = [], []
            for sheet in self._sheets(bucket):
                pieces.append(self._typed(sheet, start))
                rows.append(sheet.row)
                start += len(sheet.row)
            row = np.concatenate(rows)
            order = np.argsort(row, kind="stable")
            new = pa.concat_tables(pieces)
            yield self._joined(new if len(pieces) == 1 else new.take(pa.array(order)), row[order])

    def _typed(self, sheet: Sheet, start: int) -> pa.Table:
        """Return the new columns of a sheet, in the types that all sheets agree on."""
        columns = list(sheet.fixed.values())
        if self._whole is not None:
            columns += [_part_of(field, start, len(sheet.row)) for field in self._whole[1]]
        elif isinstance(sheet.chunk, Chunk):
            columns += [self._column(sheet.chunk, path, wanted) for path, wanted in self._types.items()]
        return pa.table(columns, names=[str(nth) for nth in range(len(columns))])

    def _column(self, chunk: Chunk, path: Path, wanted: pa.DataType) -> pa.Array:
        values = [cast(part, wanted) for part in chunk.parts.get(path, ())]
        if not values:
            return pa.nulls(len(chunk), wanted)
        return values[0] if len(values) == 1 else pc.coalesce(*values)

    def _joined(self, new: pa.Table, row: Positions) -> pa.Table:
        rows = self._rows if len(row) == len(self._rows) and not self._keep_index else self._rows.iloc[row]
        own = pa.Table.from_pandas(rows, schema=self._rows_schema, preserve_index=self._keep_index)
        n_input = len(self._rows.columns)
        columns = [*own.columns[:n_input], *new.columns, *own.columns[n_input:]]
        return pa.table(columns, schema=self.schema)


def _schema_of(rows: pd.DataFrame, *, keep_index: bool | None) -> pa.Schema:
    try:
        return pa.Schema.from_pandas(rows, preserve_index=keep_index)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, ValueError) as exc:
        names = ", ".join(repr(name) for name in rows.columns if not _fits(rows[[name]]))
        raise InputError(
            f"Parquet cannot hold this frame's own {names or 'labels'}: {exc}",
            hint="Nothing was written. frame() has the rows as they are.",
        ) from exc


def _fits(column: pd.DataFrame) -> bool:
    try:
        pa.Schema.from_pandas(column, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, ValueError):
        return False
    return True


def _is_exact(integers: pa.Array) -> bool:
    try:
        integers.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def _part_of(field: Field, start: int, n_lines: int) -> pa.Array:
    """Return a field's values on some consecutive lines, null where it has none."""
    mine = np.flatnonzero((field.positions >= start) & (field.positions < start + n_lines))
    place = np.full(n_lines, -1, dtype=np.intp)
    place[field.positions[mine] - start] = mine
    return field.values.take(pa.array(place, mask=place < 0))  # noqa: PD011 -- Arrow's


def _about(whole: pa.Schema, rows: pa.Schema, n_input: int, n_new: int) -> dict[str, Any]:
    """Return what pandas writes about its types: the caller's as they are in all rows."""
    about: dict[str, Any] = json.loads(whole.metadata[b"pandas"])
    own: dict[str, Any] = json.loads(rows.metadata[b"pandas"])
    new = about["columns"][n_input : n_input + n_new]
    about["columns"] = [*own["columns"][:n_input], *new, *own["columns"][n_input:]]
    about["index_columns"] = own["index_columns"]
    return about
