"""Pure: what is known of each request becomes one tidy, typed frame."""

from nimble_pandas.frames.answer import Answer
from nimble_pandas.frames.assemble import assemble
from nimble_pandas.frames.dtypes import types_mapper
from nimble_pandas.frames.pages import Page, Pages

__all__ = ["Answer", "Page", "Pages", "assemble", "types_mapper"]
