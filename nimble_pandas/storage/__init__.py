"""Outputs in a store: many at a time, each with its own success or error."""

from nimble_pandas.storage.locations import normalise_url
from nimble_pandas.storage.packing import MAX_OUTPUT_BYTES, unpack
from nimble_pandas.storage.store import Store

__all__ = ["MAX_OUTPUT_BYTES", "Store", "normalise_url", "unpack"]
