"""Rows and answers become the frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.extensions import ExtensionDtype, no_default
from pandas.api.typing import NoDefault

from nimble_pandas.errors import ConfigError
from nimble_pandas.frames.answer import Answer, entity_counts, pages_of, task_columns
from nimble_pandas.frames.columns import fields
from nimble_pandas.frames.dtypes import types_mapper
from nimble_pandas.frames.layouts import Positions
from nimble_pandas.frames.lines import Lines, lay_out
from nimble_pandas.frames.names import Names, labels
from nimble_pandas.frames.pages import Pages

# of pages that are so long on average, the frame has the very bytes that were read, a chunk each
_LONG_BYTES = 16 * 2**10


def assemble(
    rows: pd.DataFrame,
    answers: Sequence[Answer],
    answer_of_row: Positions,
    pages: Pages | None = None,
    *,
    explode: bool | str = False,
    with_html: bool = False,
    dtype_backend: str | NoDefault = no_default,
    suffix: str = "_nimble",
) -> pd.DataFrame:
    """Join each row with what is known of its request.

    The lines stand in the order of `rows` and under its index labels; with `explode`, labels
    repeat as in `pandas.DataFrame.explode`, entities in page order. `rows` is not changed.

    Parameters
    ----------
    rows : pandas.DataFrame, length n
        The caller's frame; any index, any dtypes, any labels.
    answers : sequence of Answer
        What is known of each unique request.
    answer_of_row : ndarray of int, length n
        Which of `answers` each row has.
    pages : Pages, optional
        Where the answers' pages are; none were read if not given.
    explode : bool or str, default False
        False: one line per row, with the page's first product, or its first entity where it
        has no product. True: one line per entity. A type, such as ``"Product"``, whatever its
        case: one line per entity of that type. A row without such an entity keeps one line.
    with_html : bool, default False
        Add the page itself, as ``html_content``.
    dtype_backend : {"numpy_nullable", "pyarrow"}, optional
        For the new columns, as in `pandas.read_parquet`. By default integers are ``Int64``,
        booleans ``boolean`` (``reused``, which is always known, is ``bool``), floats
        ``float64``, text ``str`` and times ``datetime64[us, UTC]``, whether or not anything
        is missing, so that the dtypes do not change with the gaps from one day to the next.
    suffix : str, default "_nimble"
        What a new column gets whose name is taken by an input column, an index level, a task
        column or another field; repeated until the name is free.

    Returns
    -------
    pandas.DataFrame
        The input columns, untouched; ``task_id``, ``batch_id``, ``status``, ``error``,
        ``http_status``, ``fetched_at``, ``reused``, ``output_url``; ``entity_type`` and
        ``n_entities`` (how many the page has, missing where no page was read);
        ``html_content`` where asked for; then the fields, in order of first appearance, nested
        names joined with ``.``. Its ``attrs`` are empty.

    Raises
    ------
    ConfigError
        `explode`, `dtype_backend` or `suffix` is not usable; nothing has changed.

    Notes
    -----
    Each field has one type in all rows: integers, floats (also integers among floats, where
    none loses its value), booleans, else text. In a field of mixed types text stays as it is
    and other values become JSON text; so do lists, empty objects, and what nests more than 32
    levels deep; JSON text has no spaces between its parts. NaN is missing, and a field that is
    missing everywhere is text. Text is never read as a number or a date. Lone surrogates become
    U+FFFD. A field ``entity_type`` or ``entityType`` that only says again what the column
    ``entity_type`` says is left out.

    There are at most 1,000 fields. Where pages would make more, the nested objects with the most distinct
    keys, such as variants keyed by their SKU, stay whole as JSON text; if it is the pages themselves that
    have the most, their rarest fields stand together in ``other_fields``, a JSON object.

    Examples
    --------
    >>> import numpy as np
    >>> from nimble_pandas.frames.pages import Page
    >>> pages = Pages()
    >>> rows = pd.DataFrame({"sku": ["A1", "A2"]}, index=[7, 8])
    >>> product = {"offers": {"price": 3}, "zip": "02108"}
    >>> page = pages.add(Page(entities={"Product": [product]}))
    >>> answers = [Answer(status="ok", page=page), Answer(status="pending")]
    >>> frame = assemble(rows, answers, np.array([0, 1]), pages)
    >>> frame[["sku", "status", "offers.price", "zip"]]
      sku   status  offers.price    zip
    7  A1       ok             3  02108
    8  A2  pending          <NA>    NaN
    """
    if not isinstance(explode, bool | np.bool_) and not (isinstance(explode, str) and explode):
        raise ConfigError(
            f"explode={explode!r} is neither True, False nor a type.",
            hint='Give True, or a type such as "Product".',
        )
    mapper = types_mapper(dtype_backend)
    names = Names(rows, suffix)
    pages = Pages() if pages is None else pages
    lines = lay_out(pages, pages_of(answers), np.asarray(answer_of_row, dtype=np.intp), explode)
    fixed = fixed_columns(answers, pages, lines, with_html=with_html)
    called = dict(zip(fixed, names.free(fixed), strict=True))
    found = fields(pages.chunks, lines.rank())
    columns = [_take(field.values, lines.find(field.positions)) for field in found]
    field_names = names.free(".".join(field.path) for field in found)
    table = pa.table([*fixed.values(), *columns], names=[*called.values(), *field_names])
    # by default what is always known needs no dtype that has room for gaps
    new = shown_as_pandas(table, mapper, called["reused"] if dtype_backend is no_default else None)
    return beside(rows, new, lines.row)


def shown_as_pandas(
    table: pa.Table, mapper: Callable[[pa.DataType], ExtensionDtype | None], flag: str | None
) -> pd.DataFrame:
    """Return a table as a frame, with a column of plain booleans where one is named."""
    new: pd.DataFrame = table.to_pandas(types_mapper=mapper)
    if flag is not None:
        new[flag] = new[flag].astype(bool)
    return new


def fixed_columns(
    answers: Sequence[Answer], pages: Pages, lines: Lines, *, with_html: bool
) -> dict[str, pa.Array]:
    """Return the columns that every frame has, whatever the pages hold."""
    n_on_page = np.append(pages.n_entities, 0)[pages_of(answers)]
    columns = {name: _take(column, lines.answer) for name, column in task_columns(answers).items()}
    columns["entity_type"] = _take(pages.types, lines.entity)
    columns["n_entities"] = _take(entity_counts(answers, n_on_page), lines.answer)
    if with_html:
        columns["html_content"] = _refer(pages.html, lines.page)
    return columns


def _take(column: pa.Array, positions: Positions) -> pa.Array:
    """Return the values at the positions, null at -1."""
    if len(positions) == len(column) and np.array_equal(positions, np.arange(len(column))):
        return column
    return column.take(pa.array(positions, mask=positions < 0))


def _refer(texts: pa.ChunkedArray, positions: Positions) -> pa.ChunkedArray:
    """Do what `_take` does; where texts are long, without a copy."""
    if texts.nbytes < _LONG_BYTES * len(texts):
        return _take(texts, positions)
    starts = np.cumsum([0, *(len(chunk) for chunk in texts.chunks)])
    chunk_of = np.searchsorted(starts, positions, side="right") - 1
    nothing = pa.nulls(1, texts.type)
    pieces = [
        nothing if at < 0 else texts.chunk(chunk).slice(at - starts[chunk], 1)
        for at, chunk in zip(positions.tolist(), chunk_of.tolist(), strict=True)
    ]
    return pa.chunked_array(pieces, texts.type)


def beside(rows: pd.DataFrame, new: pd.DataFrame, row_of_line: Positions) -> pd.DataFrame:
    """Return the new columns beside those of the rows that their lines show."""
    # a caller who forbids duplicate labels means the input; exploding repeats them by request
    left = rows.set_flags(allows_duplicate_labels=True)
    if len(row_of_line) != len(rows):  # else each row has its one line, and nothing is copied
        left = left.iloc[row_of_line]
    new.index = left.index
    frame = pd.concat([left, new], axis=1)
    frame.columns = labels(rows.columns, list(new.columns))
    frame.attrs = {}  # Parquet writes them as JSON, concat compares them
    return frame
