"""Rows into requests, requests into batches; pure."""

from nimble_pandas.planning.plan import Plan
from nimble_pandas.planning.recall import recall_plan
from nimble_pandas.planning.requests import cut, make_plan

__all__ = ["Plan", "cut", "make_plan", "recall_plan"]
