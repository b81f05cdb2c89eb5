"""Pure: what is known of each request becomes one tidy, typed frame."""

from nimble_pandas.frames.answer import Answer
from nimble_pandas.frames.assemble import assemble
from nimble_pandas.frames.dtypes import types_mapper

__all__ = ["Answer", "assemble", "types_mapper"]
