"""Rows into requests, requests into batches; pure."""

from nimble_pandas.plan.plan import Plan
from nimble_pandas.plan.planning import make_plan

__all__ = ["Plan", "make_plan"]
