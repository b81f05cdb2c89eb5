"""The batch API on loopback: it takes batches, fetches and parses the pages, and delivers the outputs."""

from nimble_pandas.local.clock import Clock
from nimble_pandas.local.faults import Fault, Scripted
from nimble_pandas.local.journal import Call
from nimble_pandas.local.service import Service, serve

__all__ = ["Call", "Clock", "Fault", "Scripted", "Service", "serve"]
