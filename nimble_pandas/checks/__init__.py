"""Whether a job would go well, tried beforehand: the key, the store and the ledger."""

from nimble_pandas.checks.check import check
from nimble_pandas.checks.lines import Check, Line

__all__ = ["Check", "Line", "check"]
