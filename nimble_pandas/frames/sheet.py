"""Lines of the frame, complete but for the types and names that the lines still to come have a say in."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from nimble_pandas.frames.answer import Answer, pages_of
from nimble_pandas.frames.assemble import fixed_columns
from nimble_pandas.frames.chunk import Chunk, Part, WideChunk
from nimble_pandas.frames.layouts import Keys, Layouts, Level, Path, Positions, gathered
from nimble_pandas.frames.lines import lay_out
from nimble_pandas.frames.pages import Pages
from nimble_pandas.frames.text import as_text, text_array
from nimble_pandas.frames.width import MAX_FIELDS

_KINDS = {kind.__name__: kind for kind in (bool, int, float, str, object)}
# names of columns that hold no part
_ROW, _TEXT = "row", "text"
_FIXED, _KEYS = "fixed ", "keys "


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Some lines, in the order of the rows.

    Parameters
    ----------
    row : ndarray of int, length n
        The row that each line shows.
    fixed : dict of str to pyarrow.Array
        The columns that every frame has, each of length n.
    chunk : Chunk or WideChunk, length n
        The entity of each line, one without fields where there is none; each part has a value for each line.
    """

    row: Positions
    fixed: dict[str, pa.Array]
    chunk: Chunk | WideChunk

    def table(self) -> pa.Table:
        """Return all of it as an Arrow table, from which `read_sheet` makes it again."""
        columns = {_ROW: pa.array(self.row)}
        columns |= {_FIXED + name: column for name, column in self.fixed.items()}
        if isinstance(self.chunk, WideChunk):
            return pa.table({**columns, _TEXT: self.chunk.texts})
        columns |= {
            _KEYS + json.dumps(path): _as_column(*level) for path, level in self.chunk.layouts.levels.items()
        }
        fields = [pa.field(name, column.type) for name, column in columns.items()]
        arrays = list(columns.values())
        for path, parts in self.chunk.parts.items():
            for part in parts:
                about = {"path": json.dumps(path), "kind": part.kind.__name__}
                fields.append(pa.field(str(len(fields)), part.values.type, metadata=about))
                arrays.append(part.values)
        return pa.table(arrays, schema=pa.schema(fields))


def read_sheet(table: pa.Table) -> Sheet:
    """Make a sheet, or some of its lines, from its table.

    Parameters
    ----------
    table : pyarrow.Table
        As `Sheet.table` returns it, or a slice.

    Returns
    -------
    Sheet
        With the lines of the table.
    """
    fixed = {name.removeprefix(_FIXED): table[name] for name in table.column_names if name.startswith(_FIXED)}
    return Sheet(row=table[_ROW].to_numpy(), fixed=fixed, chunk=_read_chunk(table))


def _read_chunk(table: pa.Table) -> Chunk | WideChunk:
    if _TEXT in table.column_names:
        return WideChunk(texts=table[_TEXT].combine_chunks())
    levels = {
        tuple(json.loads(name.removeprefix(_KEYS))): _as_level(table[name].combine_chunks())
        for name in table.column_names
        if name.startswith(_KEYS)
    }
    parts: dict[Path, list[Part]] = defaultdict(list)
    everywhere = np.arange(len(table))
    for nth, field in enumerate(table.schema):
        if field.metadata:
            part = Part(
                kind=_KINDS[field.metadata[b"kind"].decode()],
                positions=everywhere,
                values=table.column(nth).combine_chunks(),
            )
            parts[tuple(json.loads(field.metadata[b"path"]))].append(part)
    return Chunk(parts=parts, layouts=Layouts(len(table), levels))


def _as_column(known: Sequence[Keys], codes: npt.NDArray[np.int32]) -> pa.DictionaryArray:
    texts = pa.array([json.dumps(keys) for keys in known], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), texts)


def _as_level(column: pa.DictionaryArray) -> Level:
    known = [tuple(json.loads(text)) for text in column.dictionary.to_pylist()]
    return known, column.indices.fill_null(-1).to_numpy()


def make_sheet(
    rows: Positions,
    answers: Sequence[Answer],
    answer_of_row: Positions,
    pages: Pages,
    *,
    explode: bool | str,
    with_html: bool,
) -> Sheet:
    """Lay out some rows of a frame.

    Parameters
    ----------
    rows : ndarray of int, length n
        Which rows, ascending.
    answers : sequence of Answer
        What is known of their requests.
    answer_of_row : ndarray of int, length n
        Which of `answers` each has.
    pages : Pages
        Where the answers' pages are.
    explode, with_html : optional
        As in `assemble`.

    Returns
    -------
    Sheet
        At least one line for each row.
    """
    lines = lay_out(pages, pages_of(answers), answer_of_row, explode)
    return Sheet(
        row=rows[lines.row],
        fixed=fixed_columns(answers, pages, lines, with_html=with_html),
        chunk=_one_chunk(pages.chunks, lines.entity),
    )


def _one_chunk(chunks: Sequence[Chunk | WideChunk], entities: Positions) -> Chunk | WideChunk:
    """Return the entities of some lines, -1 for none, as one chunk."""
    starts = np.cumsum([0, *map(len, chunks)]).tolist()
    placed = [
        (start, chunk)
        for start, chunk in zip(starts, chunks, strict=False)
        if ((entities >= start) & (entities < start + len(chunk))).any()
    ]
    narrow = [(start, chunk) for start, chunk in placed if isinstance(chunk, Chunk)]
    paths = dict.fromkeys(path for _, chunk in narrow for path in chunk.parts)
    if len(narrow) < len(placed) or len(paths) > MAX_FIELDS:
        return _wide(placed, entities)
    n_entities = starts[-1]
    parts = {path: list(_dense(path, narrow, entities, n_entities)) for path in paths}
    return Chunk(
        parts={path: found for path, found in parts.items() if found},
        layouts=gathered([(start, chunk.layouts) for start, chunk in narrow], n_entities, entities),
    )


def _dense(
    path: Path, chunks: Sequence[tuple[int, Chunk]], entities: Positions, n_entities: int
) -> Iterator[Part]:
    """Yield the values of one field, by kind, one for each line."""
    found: dict[type, list[tuple[Positions, pa.Array]]] = defaultdict(list)
    for start, chunk in chunks:
        for part in chunk.parts.get(path, ()):
            found[part.kind].append((part.positions + start, part.values))
    for kind, parts in found.items():
        positions = np.concatenate([at for at, _ in parts])
        place = np.full(n_entities + 1, -1, dtype=np.intp)
        place[positions] = np.arange(len(positions))
        at = place[entities]
        values = pa.chunked_array([values for _, values in parts]).take(pa.array(at, mask=at < 0))
        if values.null_count < len(values):
            yield Part(kind=kind, positions=np.arange(len(entities)), values=values.combine_chunks())


def _wide(chunks: Sequence[tuple[int, Chunk | WideChunk]], entities: Positions) -> WideChunk:
    texts: list[str | None] = ["{}"] * len(entities)
    for start, chunk in chunks:
        (mine,) = np.nonzero((entities >= start) & (entities < start + len(chunk)))
        for line, each in zip(mine, chunk.objects(entities[mine] - start), strict=True):
            texts[line] = as_text(each)
    return WideChunk(texts=text_array(texts))
