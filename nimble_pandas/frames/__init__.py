"""Pure: what is known of each request becomes one tidy, typed frame."""

from nimble_pandas.frames.answer import Answer, task_columns
from nimble_pandas.frames.assemble import assemble
from nimble_pandas.frames.dtypes import types_mapper
from nimble_pandas.frames.names import Names
from nimble_pandas.frames.pages import Page, Pages
from nimble_pandas.frames.sheet import make_sheet
from nimble_pandas.frames.spool import Spool

__all__ = [
    "Answer",
    "Names",
    "Page",
    "Pages",
    "Spool",
    "assemble",
    "make_sheet",
    "task_columns",
    "types_mapper",
]
