"""Rows into requests, requests into batches; pure."""

from nimble_pandas.planning.arguments import plan_rows
from nimble_pandas.planning.parquet import unwritable
from nimble_pandas.planning.plan import Plan
from nimble_pandas.planning.recall import recall_keys, recall_plan
from nimble_pandas.planning.requests import cut, make_plan

__all__ = ["Plan", "cut", "make_plan", "plan_rows", "recall_keys", "recall_plan", "unwritable"]
