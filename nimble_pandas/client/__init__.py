"""The service over HTTP."""

from nimble_pandas.client.client import Client
from nimble_pandas.client.failures import ERRORS, backoff

__all__ = ["ERRORS", "Client", "backoff"]
