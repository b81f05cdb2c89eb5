"""Rows into requests, requests into batches; pure."""

from nimble_pandas.planning.plan import Plan
from nimble_pandas.planning.requests import make_plan

__all__ = ["Plan", "make_plan"]
